"""What the sign-up channel promises."""

from __future__ import annotations

import pytest
from handmade import DAY0, at, call, look

from stillhunt.channels.signup import CHANNEL

EPOCH_HOURS = DAY0.timestamp() / 3600
LAST = 14 * 24.0
EDGES = [call("edges", 0.0), call("edges", LAST)]
"""Somebody else's calls, between which the view lies."""


def test_sign_up_is_in_hours_since_1970():
    seen = look(CHANNEL, [call("a"), call("b")], [{"account_id": "a", "created_at": at(-100.5)}, {"account_id": "b"}])
    assert seen.numbers("signup.created") == {"a": pytest.approx(EPOCH_HOURS - 100.5)}


def test_first_and_last_calls_near_the_edge_of_the_view_are_not_known():
    calls = [
        *EDGES,
        call("early", 47.9),
        call("early", LAST - 47.9),
        call("inside", 48.0),
        call("inside", 100),
        call("inside", LAST - 48.0),
    ]
    seen = look(CHANNEL, calls)
    assert seen.numbers("signup.began") == {"inside": pytest.approx(EPOCH_HOURS + 48)}
    assert seen.numbers("signup.stopped") == {"inside": pytest.approx(EPOCH_HOURS + LAST - 48)}


def test_the_edges_are_those_of_all_calls_in_view():
    calls = [call("a", 10), call("a", 20)]
    assert look(CHANNEL, [*EDGES, *calls]).of("signup.began") == []
    wider = [call("edges", -400), call("edges", 400)]
    assert look(CHANNEL, [*wider, *calls]).numbers("signup.began")["a"] == pytest.approx(EPOCH_HOURS + 10)


def test_ramp_is_from_sign_up_to_the_first_call():
    people = [{"account_id": "a", "created_at": at(50)}, {"account_id": "unknown"}, {"account_id": "old", "created_at": at(-900)}]
    calls = [call("a", 62), call("a", 80), call("unknown", 60), call("old", 3)]
    assert look(CHANNEL, [*EDGES, *calls], people).numbers("signup.ramp") == {"a": pytest.approx(12.0)}


def test_an_account_with_one_call_begins_and_stops_with_it():
    seen = look(CHANNEL, [*EDGES, call("once", 100)])
    assert seen.values("signup.began") == seen.values("signup.stopped")
    assert seen.of("signup.began")[0]["occurrences"] == 1


def test_referral_is_observed_where_known():
    seen = look(CHANNEL, [call("a"), call("b")], [{"account_id": "a", "referral": "SPRING"}, {"account_id": "b"}])
    assert seen.values("signup.referral") == {"a": "SPRING"}


def test_descriptions_say_what_is_alike():
    assert CHANNEL.describe("signup.referral", "SPRING") == "the referral code SPRING"
    assert CHANNEL.describe("signup.created", "500000.0") == "sign-ups close together in time"
