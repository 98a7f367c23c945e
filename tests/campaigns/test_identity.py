"""What names of campaigns and pools promise."""

from __future__ import annotations

from stillhunt.campaigns.identity import campaign_id, pool_id


def test_the_same_accounts_have_the_same_name_in_any_order():
    assert campaign_id(["a", "b", "c"]) == campaign_id(["c", "a", "b"])


def test_other_accounts_have_another_name():
    names = [campaign_id(accounts) for accounts in (["a"], ["b"], ["a", "b"], ["ab"], ["a", "b", "c"])]
    assert len(set(names)) == len(names)


def test_a_pool_and_a_campaign_are_told_apart():
    assert campaign_id(["a"])[0] == "c"
    assert pool_id(["a"])[0] == "p"
