"""What the identical-request channel promises."""

from __future__ import annotations

from handmade import at, call, look

from stillhunt.channels.identical import CHANNEL

ASPECT = "identical.request"


def test_only_requests_of_two_accounts_or_more_are_observed(engine):
    calls = [
        call("a", prompt_hash=1),
        call("b", prompt_hash=1),
        call("a", prompt_hash=2),
        call("c", prompt_hash=3),
        call("c", prompt_hash=3),
    ]
    assert look(engine, CHANNEL, calls).sets(ASPECT) == {"a": {"1/0"}, "b": {"1/0"}}


def test_share_is_of_all_requests_with_content(engine):
    calls = [
        call("a", 3, prompt_hash=1),
        call("a", 7, prompt_hash=1),
        call("a", prompt_hash=2),
        call("a", prompt_hash=3),
        call("a"),
        call("b", prompt_hash=1),
    ]
    row = look(engine, CHANNEL, calls).of(ASPECT)[0]
    assert (row["account_id"], row["occurrences"], row["share"]) == ("a", 2, 0.5)
    assert (row["first_at"], row["last_at"]) == (at(3), at(7))


def test_the_system_prompt_belongs_to_the_request(engine):
    assert look(engine, CHANNEL, [call("a", prompt_hash=1, system_hash=8), call("b", prompt_hash=1, system_hash=9)]).rows == []
    assert look(engine, CHANNEL, [call("a", prompt_hash=1, system_hash=8), call("b", prompt_hash=1)]).rows == []
    both = look(engine, CHANNEL, [call("a", prompt_hash=1, system_hash=8), call("b", prompt_hash=1, system_hash=8)])
    assert both.sets(ASPECT) == {"a": {"1/8"}, "b": {"1/8"}}


def test_calls_without_content_are_nobodys_twin(engine):
    assert look(engine, CHANNEL, [call("a"), call("b")]).rows == []
