"""What the identical-request channel promises."""

from __future__ import annotations

from handmade import call, look

from stillhunt.channels.identical import CHANNEL

ASPECT = "identical.request"


def test_only_requests_of_two_accounts_or_more_are_observed():
    calls = [
        call("a", prompt_hash=1),
        call("b", prompt_hash=1),
        call("a", prompt_hash=2),
        call("c", prompt_hash=3),
        call("c", prompt_hash=3),
    ]
    values = look(CHANNEL, calls).values(ASPECT)
    assert set(values) == {"a", "b"}
    assert values["a"] == values["b"]


def test_share_is_of_all_requests_with_content():
    calls = [
        call("a", 3, prompt_hash=1),
        call("a", 7, prompt_hash=1),
        call("a", prompt_hash=2),
        call("a", prompt_hash=3),
        call("a"),
        call("b", prompt_hash=1),
    ]
    row = look(CHANNEL, calls).of(ASPECT)[0]
    assert (row["account_id"], row["occurrences"], row["share"]) == ("a", 2, 0.5)
    assert (row["first_at"], row["last_at"]) == (None, None), "when a request was sent is not kept"


def test_the_system_prompt_belongs_to_the_request():
    assert look(CHANNEL, [call("a", prompt_hash=1, system_hash=8), call("b", prompt_hash=1, system_hash=9)]).rows == []
    assert look(CHANNEL, [call("a", prompt_hash=1, system_hash=8), call("b", prompt_hash=1)]).rows == []
    both = look(CHANNEL, [call("a", prompt_hash=1, system_hash=8), call("b", prompt_hash=1, system_hash=8)])
    assert len(set(both.values(ASPECT).values())) == 1
    assert set(both.values(ASPECT)) == {"a", "b"}


def test_calls_without_content_are_nobodys_twin():
    assert look(CHANNEL, [call("a"), call("b")]).rows == []
