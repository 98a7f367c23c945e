"""What the handoff channel promises."""

from __future__ import annotations

import pytest
from handmade import at, call, look

from stillhunt.channels.handoff import CHANNEL

SECOND = 1 / 3600


def refused(account, hours=0.0, request=1, status=429, **columns):
    return call(account, hours, prompt_hash=request, http_status=status, **columns)


def served(account, hours, request=1, **columns):
    return call(account, hours, prompt_hash=request, http_status=200, **columns)


def tied(calls):
    return look(CHANNEL, calls).sets("handoff.request")


def test_both_sides_of_a_handoff_share_the_request():
    seen = look(CHANNEL, [refused("giver"), served("taker", 5 * SECOND), served("other", 5 * SECOND, request=2)])
    values = seen.values("handoff.request")
    assert set(values) == {"giver", "taker"}
    assert values["giver"] == values["taker"]
    assert {(row["first_at"], row["last_at"]) for row in seen.rows} == {(at(0), at(5 * SECOND))}


@pytest.mark.parametrize(("seconds", "ties"), [(0, True), (59.9, True), (60, True), (60.000001, False), (-1, False), (3600, False)])
def test_only_within_sixty_seconds_after_the_refusal(seconds, ties):
    assert bool(tied([refused("giver", 1), served("taker", 1 + seconds * SECOND)])) is ties


@pytest.mark.parametrize(
    ("status", "ties"), [(400, True), (403, True), (429, True), (503, True), (200, False), (302, False), (None, False)]
)
def test_only_what_was_refused_can_be_handed_over(status, ties):
    assert bool(tied([refused("giver", status=status), served("taker", SECOND)])) is ties


def test_an_account_that_tries_again_itself_hands_nothing_over():
    assert tied([refused("a"), served("a", SECOND)]) == {}


def test_requests_that_more_than_three_accounts_know_tie_nobody():
    few = [refused("a"), served("b", SECOND), served("c", 9)]
    assert set(tied(few)) == {"a", "b"}
    assert tied([*few, served("d", 99)]) == {}


def test_requests_that_are_handed_around_by_more_than_three_accounts_tie_nobody():
    around = [refused(account, 4 * number * SECOND) for number, account in enumerate("abcd")]
    assert set(tied(around[:3])) == {"a", "b", "c"}
    assert tied(around) == {}


def test_what_one_request_loses_by_being_common_leaves_the_others_alone():
    common = [refused("a"), served("b", SECOND), served("c", 9), served("d", 99)]
    rare = [refused("a", 5, request=2), served("b", 5 + SECOND, request=2)]
    assert {account: len(values) for account, values in tied([*common, *rare]).items()} == {"a": 1, "b": 1}


def test_a_request_that_is_refused_again_goes_down_the_chain():
    assert set(tied([refused("a"), refused("b", 4 * SECOND), served("c", 8 * SECOND)])) == {"a", "b", "c"}


def test_the_system_prompt_belongs_to_the_request():
    assert tied([refused("a", system_hash=5), served("b", SECOND, system_hash=6)]) == {}
    assert set(tied([refused("a", system_hash=5), served("b", SECOND, system_hash=5)])) == {"a", "b"}
    assert tied([refused("a", system_hash=5), served("b", SECOND)]) == {}


def test_calls_without_content_tie_nobody():
    assert tied([refused("a", request=None), served("b", SECOND, request=None)]) == {}


def test_each_handoff_of_a_pair_is_counted():
    calls = [refused("a"), served("b", SECOND), refused("a", 5), served("b", 5 + SECOND)]
    seen = look(CHANNEL, calls)
    assert {row["account_id"]: row["occurrences"] for row in seen.rows} == {"a": 2, "b": 2}
    assert {row["share"] for row in seen.rows} == {None}
