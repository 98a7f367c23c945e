"""A campaign keeps its name while it grows, shrinks, is banned and comes back; what happened is told once."""

import pytest
from told import Told, accounts, campaign

CARDS = {"payment.card": ["card-1", "card-2"], "client.shape": ["client-x"]}


@pytest.fixture
def told():
    return Told()


def test_a_campaign_keeps_its_name_while_it_grows_and_shrinks(told):
    assert told.look(10, campaign(accounts(range(20)))) == ["appeared"]
    name = told.names[0]
    assert told.look(11, campaign(accounts(range(60)))) == ["grew"]
    assert told.look(12, campaign(accounts(range(10, 30)))) == ["shrank"]
    assert told.names == [name]
    assert [one.name for one in told.known] == [name]
    assert (told.known[0].size, len(told.known[0].members)) == (20, 60)


def test_the_same_scan_again_tells_nothing(told):
    found = campaign(accounts(range(20)), shared=CARDS), campaign(accounts(range(20), "b"))
    told.look(10, *found, closed=accounts(range(20)))
    known = told.known
    assert told.look(10, *found) == []
    assert told.known == known


def test_small_changes_are_not_told_until_they_add_up(told):
    told.look(10, campaign(accounts(range(100))))
    assert told.look(11, campaign(accounts(range(103)))) == []
    assert told.look(12, campaign(accounts(range(106)))) == ["grew"]
    assert (told.events[0].before, told.events[0].accounts, told.events[0].new) == (100, 106, 3)


def test_when_an_account_was_first_named_is_recorded_once(told):
    told.look(10, campaign(accounts(range(10))))
    told.look(11)
    told.look(12, campaign(accounts(range(20))))
    members = told.known[0].members
    assert members["a-003"].named_at.startswith("2026-05-01T10")
    assert members["a-013"].named_at.startswith("2026-05-01T12")
    assert told.known[0].first_named_at.startswith("2026-05-01T10")


def test_one_that_the_newest_scan_does_not_name_has_faded_and_comes_back(told):
    told.look(10, campaign(accounts(range(10)), last=10))
    assert told.look(11) == ["faded"]
    assert told.look(12) == []
    assert told.look(13, campaign(accounts(range(10)), last=13)) == ["came_back"]
    assert len(told.known) == 1
    assert told.known[0].generation == 1


def test_one_whose_accounts_stop_calling_goes_quiet(told):
    told.look(10, campaign(accounts(range(10)), last=10))
    assert told.look(80, campaign(accounts(range(10)), last=10)) == []
    assert told.look(83, campaign(accounts(range(10)), last=10)) == ["went_quiet"]
    assert told.look(90, campaign(accounts(range(10)), last=90)) == ["came_back"]


def test_a_ban_is_told_when_most_accounts_are_closed(told):
    told.look(10, campaign(accounts(range(10)), last=10))
    assert told.look(11, campaign(accounts(range(10)), last=10), closed=accounts(range(7))) == []
    assert told.look(12, campaign(accounts(range(10)), last=10), closed=accounts(range(8))) == ["banned"]
    assert told.look(13, campaign(accounts(range(10)), last=10), closed=accounts(range(10))) == []
    assert told.known[0].status == "banned"


def test_new_accounts_of_a_banned_campaign_are_its_next_generation(told):
    told.look(10, campaign(accounts(range(10)), last=10))
    name = told.names[0]
    told.look(12, campaign(accounts(range(10)), last=11), closed=accounts(range(10)))
    assert told.look(20, campaign(accounts(range(16)), last=20)) == ["came_back"]
    assert (told.events[0].generation, told.events[0].new) == (2, 6)
    assert told.known[0].status == "active"
    assert told.look(21, campaign(accounts(range(22)), last=21)) == ["grew"]
    assert told.look(22, campaign(accounts(range(22)), last=21), closed=accounts(range(22))) == ["banned"]
    assert told.names == [name]
    assert {one.generation for one in told.known[0].members.values()} == {1, 2}


def test_a_ban_and_a_replacement_between_two_scans_are_two_events(told):
    told.look(10, campaign(accounts(range(10)), last=10))
    assert told.look(30, campaign(accounts(range(18)), last=30), closed=accounts(range(10))) == ["banned", "came_back"]
    assert told.known[0].generation == 2


def test_stragglers_that_are_closed_too_do_not_bring_a_campaign_back(told):
    told.look(10, campaign(accounts(range(10)), last=10))
    told.look(12, campaign(accounts(range(10)), last=11), closed=accounts(range(14)))
    assert told.look(13, campaign(accounts(range(14)), last=11)) == ["grew"]
    assert (told.known[0].status, told.known[0].generation) == ("banned", 1)


def test_a_replacement_without_any_old_account_is_known_by_what_it_shares(told):
    old = campaign(accounts(range(20)), last=10, shared=CARDS)
    told.look(10, old)
    name = told.names[0]
    told.look(12, old, closed=accounts(range(20)))
    new = campaign(accounts(range(15), "b"), first=30, last=40, shared=CARDS)
    assert told.look(40, old, new) == ["came_back"]
    assert told.names == [name, f"{name}.2"]
    assert told.look(41, old, new) == []
    assert told.names == [name, f"{name}.2"]
    assert told.look(400, new) == ["went_quiet"]
    assert told.names == [name]
    assert len(told.known) == 1
    # the second pool is banned as well, and replaced again
    told.look(401, new, closed=accounts(range(15), "b"))
    assert told.look(410, campaign(accounts(range(9), "c"), first=405, last=410, shared=CARDS)) == ["came_back"]
    assert told.known[0].generation == 3


def test_a_replacement_is_not_tied_to_a_campaign_that_goes_on(told):
    told.look(10, campaign(accounts(range(20)), last=10, shared=CARDS))
    found = campaign(accounts(range(20)), last=11, shared=CARDS), campaign(accounts(range(15), "b"), last=11, shared=CARDS)
    assert told.look(11, *found) == ["appeared"]
    assert len(told.known) == 2


@pytest.mark.parametrize(
    "shared",
    [
        {},
        {"payment.card": ["card-8", "card-9"], "client.shape": ["client-y"]},
        {"client.shape": ["client-x"]},  # one harness, and nothing else: two operators may run it
        {"subnet.calls": ["198.51.100.0/24"]},
    ],
)
def test_another_operator_after_a_ban_is_another_campaign(told, shared):
    old = campaign(accounts(range(20)), last=10, shared={**CARDS, "subnet.calls": ["198.51.100.0/24"]})
    told.look(10, old)
    told.look(12, old, closed=accounts(range(20)))
    assert told.look(40, old, campaign(accounts(range(15), "b"), first=30, last=40, shared=shared)) == ["appeared"]
    assert len(told.known) == 2


def test_what_strangers_share_too_ties_nobody(told):
    old = campaign(accounts(range(20)), last=10, shared=CARDS, expected=2.0)
    told.look(10, old)
    told.look(12, old, closed=accounts(range(20)))
    assert told.look(40, campaign(accounts(range(15), "b"), first=30, last=40, shared=CARDS, expected=2.0)) == ["appeared"]


def test_two_campaigns_that_turn_out_to_be_one_merge_under_the_larger_ones_name(told):
    told.look(10, campaign(accounts(range(30))), campaign(accounts(range(12), "b")))
    larger, smaller = told.names
    assert told.look(11, campaign(accounts(range(30)) + accounts(range(12), "b"))) == ["grew", "merged"]
    assert told.names == [larger]
    assert (told.named(smaller).status, told.named(smaller).merged_into) == ("merged", larger)
    assert told.events[0].new == 0  # nobody is named for the first time
    assert told.look(12, campaign(accounts(range(30)) + accounts(range(12), "b"))) == []


def test_what_had_merged_comes_apart_under_its_old_names(told):
    parts = campaign(accounts(range(30))), campaign(accounts(range(12), "b"))
    told.look(10, *parts)
    names = told.names
    told.look(11, campaign(accounts(range(30)) + accounts(range(12), "b")))
    assert sorted(told.look(12, *parts)) == ["shrank", "split"]
    assert told.names == names
    assert told.named(names[1]).status == "active"


def test_a_campaign_that_comes_apart_leaves_its_name_to_the_larger_part(told):
    told.look(10, campaign(accounts(range(50))))
    name = told.names[0]
    assert sorted(told.look(11, campaign(accounts(range(35))), campaign(accounts(range(35, 50))))) == ["shrank", "split"]
    assert told.names[0] == name
    part = told.named(told.names[1])
    assert part.split_from == name
    assert part.first_named_at == told.named(name).first_named_at
    assert told.look(12, campaign(accounts(range(35))), campaign(accounts(range(35, 50)))) == []


def test_one_account_in_common_makes_no_campaign_of_two(told):
    told.look(10, campaign(accounts(range(30))))
    assert told.look(11, campaign(accounts(range(30))), campaign(["a-000x", *accounts(range(20), "b")])) == ["appeared"]
    told.look(12, campaign(accounts(range(1, 30))), campaign([*accounts(range(1)), *accounts(range(20), "b")]))
    assert len(told.known) == 2
    assert told.named(told.known[1].name).size == 21


def test_a_campaign_that_retention_has_removed_is_not_told_as_shrinking(told):
    told.look(10, campaign(accounts(range(10)), last=10))
    told.look(11, campaign(accounts(range(10)), last=10), closed=accounts(range(10)))
    assert told.look(2_000) == []
    assert told.known[0].size == 0
