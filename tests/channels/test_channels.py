"""What every channel promises, and what running them all does."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from handmade import at, call, digest_of

from stillhunt.channels import channels, observe, table_of
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


TWINS = [
    call("b", 60.001, prompt_hash=60, sketch=[1]),
    call("c", 60, prompt_hash=61, http_status=429),
    call("d", 60.001, prompt_hash=61),
]
PIVOT = [call("e", 60 + hour, request_model="m" if hour < 2 else "n") for hour in range(8)]
PEOPLE = [
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


def looked(calls, people=None, wanted=None):
    digest = digest_of(calls, people)
    observed, seen = observe(digest, channels() if wanted is None else wanted)
    return table_of(observed, digest), seen


def test_built_in_channels_come_through_the_door_of_plug_ins():
    names = [channel.name for channel in channels()]
    assert set(names) >= BUILT_IN
    assert names == sorted(names)


@pytest.mark.parametrize("channel", channels(), ids=lambda channel: channel.name)
def test_a_channel_observes_only_aspects_that_it_declares_in_the_shape_of_observations(channel):
    table, _ = looked([*UNEMPTY, *TWINS, *PIVOT], PEOPLE, [channel])
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


def test_a_channel_without_its_columns_says_not_visible_instead_of_nothing_found():
    table, seen = looked([call("a"), call("b")])
    by_name = {one.channel: one for one in seen}
    assert set(by_name) == {channel.name for channel in channels()}
    assert not by_name["payment"].visible
    assert by_name["payment"].accounts == 0
    assert "accounts.payment_fingerprint" in by_name["payment"].reason
    assert not by_name["template"].visible
    assert by_name["rhythm"].visible, "times are always there"
    assert by_name["rhythm"].reason is None
    assert table.num_rows == 0 or "payment.card" not in set(table["channel"].to_pylist())


def test_a_channel_that_sees_in_part_says_what_is_missing():
    _, seen = looked([call("a", 60, client_prefix="192.0.2.0/24")])
    subnet = next(one for one in seen if one.channel == "subnet")
    assert subnet.visible
    assert subnet.accounts == 1
    assert subnet.reason.startswith("partly: ")
    assert "accounts.signup_prefix" in subnet.reason
    assert "interactions.client_prefix" not in subnet.reason


def test_visible_and_nothing_found_are_told_apart():
    table, seen = looked([call("a", 60, prompt_hash=1, http_status=200)])
    handoff = next(one for one in seen if one.channel == "handoff")
    assert handoff.visible
    assert handoff.accounts == 0
    assert "handoff.request" not in set(table["channel"].to_pylist())


def test_equal_lakes_give_equal_tables_whatever_the_order_of_rows():
    one, _ = looked(UNEMPTY)
    other, _ = looked(UNEMPTY[::-1], wanted=channels()[::-1])
    assert one.equals(other)


def test_channels_may_be_given_as_an_iterator():
    table, seen = looked(UNEMPTY, wanted=iter(channels()))
    assert table.num_rows
    assert len(seen) == len(channels())


@pytest.mark.parametrize("channel", channels(), ids=lambda channel: channel.name)
def test_observations_are_columns_of_equal_length_sorted_by_account(channel):
    kinds = {aspect.name: aspect.kind for aspect in channel.aspects}
    digest = digest_of([*UNEMPTY, *TWINS, *PIVOT], PEOPLE)
    found = list(channel.observe(digest))
    assert found
    assert len({one.aspect for one in found}) == len(found)
    for one in found:
        columns = (one.accounts, one.values, one.first, one.last, one.occurrences, one.shares)
        assert len({len(column) for column in columns}) == 1
        assert (np.diff(one.accounts) >= 0).all()
        for column in (one.accounts, one.first, one.last, one.occurrences):
            assert column.dtype == np.int64
        assert one.shares.dtype == np.float64
        if kinds[one.aspect] == "category":
            assert isinstance(one.values, pa.DictionaryArray)
            words = one.values.dictionary.to_pylist()
            assert words == sorted(set(one.values.to_pylist())), "the dictionary is sorted and has no other words"
        else:
            assert one.values.dtype == (np.float64 if kinds[one.aspect] == "measure" else np.int64)


def test_what_is_kept_of_some_accounts_is_what_is_kept_of_all_and_belongs_to_them():
    digest = digest_of([*UNEMPTY, *TWINS, *PIVOT], PEOPLE)
    observed, _ = observe(digest, channels())
    everything = table_of(observed, digest).to_pylist()
    chosen = table_of(observed, digest, np.array([digest.accounts.index("d"), digest.accounts.index("a")])).to_pylist()
    assert chosen == [row for row in everything if row["account_id"] in {"a", "d"}]
    assert {row["account_id"] for row in chosen} == {"a", "d"}
    assert table_of(observed, digest, np.zeros(0, np.int64)).equals(OBSERVATIONS.empty_table())


def test_calls_that_nobody_made_show_nothing():
    table, seen = looked([])
    assert table.equals(OBSERVATIONS.empty_table())
    assert not any(one.visible for one in seen)


def test_whatever_a_hundred_accounts_do_the_order_in_which_accounts_come_changes_no_value():
    rng = np.random.default_rng(8)
    by_account = {
        f"account{who}": [
            call(
                f"account{who}",
                hour,
                client_prefix=f"192.0.{rng.integers(3)}.0/24",
                client_shape=int(rng.integers(4)),
                request_model=f"m{rng.integers(2)}",
                prompt_hash=int(rng.integers(40)),
                sketch=sorted({int(gram) for gram in rng.integers(0, 30, 6)}),
                output_tokens=int(rng.integers(500)),
                message_count=1,
            )
            for hour in np.sort(rng.uniform(0, 400, 12))
        ]
        for who in range(100)
    }
    one, seen = looked([call_ for calls in by_account.values() for call_ in calls])
    other, seen_so = looked([call_ for account in sorted(by_account, reverse=True) for call_ in by_account[account]])
    assert one.equals(other)
    assert seen == seen_so
    assert one.num_rows > 500
