"""What every channel promises, and what running them all does."""

from __future__ import annotations

import pytest
from handmade import VIEW, at, attach, call

from stillhunt.channels import channels, observe
from stillhunt.records import OBSERVATIONS

BUILT_IN = {"client", "email", "handoff", "identical", "payment", "pivot", "rhythm", "shape", "signup", "subnet", "template"}
UNEMPTY = [
    call(
        "a",
        hour,
        client_shape=1,
        client_prefix="192.0.2.0/24",
        prompt_hash=hour,
        http_status=200,
        sketch=[1],
        request_model="m",
        parameters_hash=1,
        output_tokens=100,
    )
    for hour in range(60, 70)
]


def test_built_in_channels_come_through_the_door_of_plug_ins():
    names = [channel.name for channel in channels()]
    assert set(names) >= BUILT_IN
    assert names == sorted(names)


@pytest.mark.parametrize("channel", channels(), ids=lambda channel: channel.name)
def test_a_channel_observes_only_aspects_that_it_declares_in_the_shape_of_observations(engine, channel):
    people = [
        {
            "account_id": "a",
            "payment_fingerprint": "card:1",
            "email_domain": "mail.example",
            "email_shape": "a3",
            "created_at": at(50),
            "signup_prefix": "192.0.2.0/24",
            "referral": "R",
            "country": "NZ",
        }
    ]
    twins = [
        call("b", 60.001, prompt_hash=60, sketch=[1]),
        call("c", 60, prompt_hash=61, http_status=429),
        call("d", 60.001, prompt_hash=61),
    ]
    pivot = [call("e", 60 + hour, request_model="m" if hour < 2 else "n") for hour in range(8)]
    attach(engine, [*UNEMPTY, *twins, *pivot], people)
    table, _ = observe(engine, VIEW, [channel])
    assert table.schema == OBSERVATIONS
    assert table.num_rows
    assert set(table["channel"].to_pylist()) <= {aspect.name for aspect in channel.aspects}
    for name in ("account_id", "channel", "value", "occurrences"):
        assert table[name].null_count == 0
    shares = [share for share in table["share"].to_pylist() if share is not None]
    assert all(0 < share <= 1 for share in shares)
    for row in table.to_pylist():
        words = channel.describe(row["channel"], row["value"])
        assert words
        assert words == words.strip()


@pytest.mark.parametrize("channel", channels(), ids=lambda channel: channel.name)
def test_aspects_are_named_after_their_channel(channel):
    assert all(aspect.name.startswith(channel.name + ".") for aspect in channel.aspects)
    assert all(aspect.needs for aspect in channel.aspects), "an aspect that needs no column could never be invisible"


def test_a_channel_without_its_columns_says_not_visible_instead_of_nothing_found(engine):
    attach(engine, [call("a"), call("b")])
    table, seen = observe(engine, VIEW, channels())
    by_name = {one.channel: one for one in seen}
    assert set(by_name) == {channel.name for channel in channels()}
    assert not by_name["payment"].visible
    assert by_name["payment"].accounts == 0
    assert "accounts.payment_fingerprint" in by_name["payment"].reason
    assert not by_name["template"].visible
    assert by_name["rhythm"].visible, "times are always there"
    assert by_name["rhythm"].reason is None
    assert table.num_rows == 0 or "payment.card" not in set(table["channel"].to_pylist())


def test_a_channel_that_sees_in_part_says_what_is_missing(engine):
    attach(engine, [call("a", 60, client_prefix="192.0.2.0/24")])
    _, seen = observe(engine, VIEW, channels())
    subnet = next(one for one in seen if one.channel == "subnet")
    assert subnet.visible
    assert subnet.accounts == 1
    assert subnet.reason.startswith("partly: ")
    assert "accounts.signup_prefix" in subnet.reason
    assert "interactions.client_prefix" not in subnet.reason


def test_visible_and_nothing_found_are_told_apart(engine):
    attach(engine, [call("a", 60, prompt_hash=1, http_status=200)])
    table, seen = observe(engine, VIEW, channels())
    handoff = next(one for one in seen if one.channel == "handoff")
    assert handoff.visible
    assert handoff.accounts == 0
    assert "handoff.request" not in set(table["channel"].to_pylist())


def test_equal_lakes_give_equal_tables_whatever_the_order_of_rows(engine):
    attach(engine, UNEMPTY)
    one, _ = observe(engine, VIEW, channels())
    attach(engine, UNEMPTY[::-1])
    other, _ = observe(engine, VIEW, channels()[::-1])
    assert one.equals(other)


def test_channels_may_be_given_as_an_iterator(engine):
    attach(engine, UNEMPTY)
    table, seen = observe(engine, VIEW, iter(channels()))
    assert table.num_rows
    assert len(seen) == len(channels())
