"""What the fold over calls promises: what is exact, and that nothing but the calls and their order matters."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from folded import DAY, DAY0, HOUR, digested, drawn_calls, models_told, table_of_calls, told
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.channels.digest import kernels
from stillhunt.channels.digest.taking import digest_of, digest_of_state
from stillhunt.records import ACCOUNTS


def by_account(table):
    found = defaultdict(list)
    for row in table.to_pylist():
        found[row["account_id"]].append(row)
    return [found[account] for account in sorted(found)]


def micros(row):
    return round(row["started_at"].timestamp() * 1e6)


def at_hours(hours, account="a", **columns):
    size = len(hours)
    moments = [DAY0 + round(hour * HOUR) for hour in hours]
    return table_of_calls(
        {"account_id": [account] * size, "started_at": moments, **{name: [value] * size for name, value in columns.items()}}
    )


def was_answered(row):
    return row["http_status"] is None or row["http_status"] < 400


@pytest.mark.parametrize("seed", range(3))
def test_counters_hours_and_days_are_exact(seed):
    table = drawn_calls(seed, size=1500)
    digest = digested(table)
    accounts = by_account(table)
    assert digest.accounts == [calls[0]["account_id"] for calls in accounts]
    assert digest.interactions == table.num_rows
    assert digest.calls.tolist() == [len(calls) for calls in accounts]
    assert digest.answered.tolist() == [sum(map(was_answered, calls)) for calls in accounts]
    assert digest.tokens.tolist() == [sum(call["output_tokens"] or 0 for call in calls) for calls in accounts]
    assert digest.first.tolist() == [min(map(micros, calls)) for calls in accounts]
    assert digest.last.tolist() == [max(map(micros, calls)) for calls in accounts]
    assert tuple(digest.span) == (digest.first.min(), digest.last.max())
    daily = [Counter(micros(call) // DAY for call in calls) for calls in accounts]
    assert digest.days.tolist() == [len(days) for days in daily]
    assert digest.squares.tolist() == [sum(count**2 for count in days.values()) for days in daily]
    for row, calls in enumerate(accounts):
        hours = Counter(micros(call) // HOUR % 24 for call in calls)
        assert digest.hours[row].tolist() == [hours[hour] for hour in range(24)]


def talk(hour: float, conversation: str | None, messages: int, **columns):
    told = {"conversation_id": conversation, "message_count": messages, "prompt_hash": int(hour * 1000), "sketch": [7]}
    return at_hours([hour], **told, **columns)


def test_separate_requests_are_answered_calls_with_words_that_replay_no_conversation():
    replayed = [talk(hour, "c", messages) for hour, messages in ((1, 1), (2, 3), (3, 5))]
    alone = [talk(4, None, 1), talk(5, None, 7)]
    refused = [talk(6, None, 1, http_status=429)]
    wordless = [at_hours([7])]
    assert digested(*replayed, *alone, *refused, *wordless).requests.tolist() == [3]


def test_a_conversation_whose_opening_was_not_seen_is_one_request():
    few = [talk(number, f"c{number}", 3) for number in range(20)]
    assert digested(*few, talk(30, "c3", 5)).requests.tolist() == [20], "examples before the question"
    many = digested(*(talk(number, f"c{number}", 3) for number in range(400)))
    assert 300 <= many.requests[0] <= 500, "of many it is estimated from those in the sample"


def test_days_whose_calls_come_late_are_still_one_day():
    hours = [0, 30, 55, 80, 1, 31, 56, 81, 2]  # four days, then each of them again
    late = digested(*(at_hours([hour]) for hour in hours))
    assert (late.days.tolist(), late.squares.tolist()) == ([4], [3.0**2 + 3 * 2.0**2])
    assert late.first.tolist() == [DAY0]
    assert late.last.tolist() == [DAY0 + 81 * HOUR]


def test_calls_later_than_that_count_as_days_of_their_own():
    digest = digested(*(at_hours([hour]) for hour in (0, 24, 48, 72, 96, 1)))
    assert digest.days.tolist() == [6]


def test_the_models_of_an_account_are_told_with_their_first_call_and_what_was_before():
    table = drawn_calls(6, size=800)
    expected = []
    for calls in by_account(table):
        found = {}
        for before, call in enumerate(calls):
            model = call["request_model"]
            if model is not None:
                first, times, earlier = found.get(model, (micros(call), 0, before))
                found[model] = (first, times + 1, earlier)
        expected.append(found)
    assert models_told(digested(table)) == expected


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 3), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_however_calls_in_order_of_time_are_cut_the_digest_is_the_same(seed, cuts):
    table = drawn_calls(seed)
    ends = [*sorted(cuts), table.num_rows]
    pieces = [table.slice(begin, end - begin) for begin, end in zip([0, *ends], ends, strict=False)]
    assert told(digested(*pieces)) == told(digested(table))


def test_calls_out_of_order_within_a_piece_are_put_in_order():
    table = drawn_calls(2)
    moments = table["started_at"].cast(pa.int64()).to_numpy()
    _, first = np.unique(moments, return_index=True)
    table = table.take(pa.array(first))  # of calls at one moment the order is all that tells them apart
    mixed = np.random.default_rng(0).permutation(table.num_rows)
    assert told(digested(table.take(pa.array(mixed)))) == told(digested(table))


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(7)), dictionaries=st.booleans())
def test_neither_the_numbers_of_accounts_nor_how_strings_are_written_matter(order, dictionaries):
    table = drawn_calls(1)
    plain = told(digested(table))
    numbered = digested(at_hours([-1.0] * 7).set_column(0, "account_id", pa.array([f"account{who}" for who in order])), table)
    again = digested(at_hours([-1.0] * 7).set_column(0, "account_id", pa.array([f"account{who}" for who in range(7)])), table)
    assert told(numbered) == told(again)
    if dictionaries:
        columns = {
            name: table[name].dictionary_encode() if pa.types.is_string(table[name].type) else table[name] for name in table.column_names
        }
        assert told(digested(pa.table(columns))) == plain


def test_accounts_do_not_touch_one_another():
    table = drawn_calls(4, size=900)
    whole = digested(table)
    for row, account in enumerate(whole.accounts):
        alone = digested(table.filter(pa.compute.equal(table["account_id"], account)))
        for name in ("calls", "requests", "days", "squares", "hours"):
            assert getattr(alone, name)[0].tolist() == getattr(whole, name)[row].tolist()
        for q in (0.25, 0.5):
            assert alone.pauses.quantile(q)[0] == whole.pauses.quantile(q)[row]
        mine, ours = alone.units_of(np.array([0])), whole.units_of(np.array([row]))
        assert mine.key.tolist() == ours.key.tolist()
        assert mine.calls.tolist() == ours.calls.tolist()


@settings(max_examples=15, deadline=None)
@given(hours=st.floats(1, 230), seed=st.integers(0, 2))
def test_as_of_a_moment_is_as_if_later_calls_had_not_been_taken_in(hours, seed):
    table = drawn_calls(seed)
    moment = datetime.fromtimestamp(DAY0 / 1e6, UTC) + timedelta(hours=hours)
    ended = [end <= moment for end in table["ended_at"].to_pylist()]
    earlier = table.filter(pa.array(ended))
    assert told(digested(table, as_of=moment)) == told(digested(earlier))


def test_a_call_without_an_end_counts_by_its_beginning():
    moment = datetime.fromtimestamp(DAY0 / 1e6, UTC) + timedelta(hours=1)
    assert digested(at_hours([0.5, 1.0, 1.5]), as_of=moment).calls.tolist() == [2]


def test_folding_on_is_the_same_as_folding_anew():
    table = drawn_calls(3)
    before = digested(table.slice(0, 250))
    told(before)  # looking at a digest changes nothing
    after = digest_of([table.slice(250)], ACCOUNTS.empty_table(), state=before._state)
    assert told(after) == told(digested(table))


def test_what_is_known_of_accounts_stands_in_their_order_and_as_it_was():
    people = pa.Table.from_pylist(
        [
            {"account_id": "b", "country": "NZ", "closed_at": DAY0 + 10 * HOUR, "status": "closed"},
            {"account_id": "a", "country": "CL", "created_at": DAY0 + 20 * HOUR},
            {"account_id": "never called", "country": "IS"},
        ],
        schema=ACCOUNTS,
    )
    calls = pa.concat_tables([at_hours([1], "c", organization_id="declared"), at_hours([1], "b"), at_hours([1], "a")])
    digest = digest_of([calls], people)
    assert digest.people["account_id"].to_pylist() == digest.accounts == ["a", "b", "c"]
    assert digest.people["country"].to_pylist() == ["CL", "NZ", None]
    assert digest.people["organization_id"].to_pylist() == [None, None, "declared"]
    assert digest.people["status"].to_pylist() == [None, "closed", None]
    earlier = digest_of_state(digest._state, people, as_of=datetime.fromtimestamp(DAY0 / 1e6, UTC) + timedelta(hours=5))
    assert earlier.people["status"].to_pylist() == [None, None, None], "b was not closed yet"
    assert earlier.people["country"].to_pylist() == [None, "NZ", None], "a was not there yet"


def test_a_column_is_filled_if_any_call_or_account_has_it():
    digest = digest_of([at_hours([1], "a", http_status=200)], pa.Table.from_pylist([{"account_id": "a", "plan": "pro"}], schema=ACCOUNTS))
    assert {"interactions.http_status", "interactions.started_at", "accounts.plan"} <= digest.filled
    assert not {"interactions.prompt_hash", "interactions.network_kind", "accounts.country"} & digest.filled
    known = digested(at_hours([1], client_prefix="192.0.2.0/24"), kind_of=lambda _: None)
    assert "interactions.network_kind" in known.filled
    assert known.network_kinds.to_pylist() == ["other"]


@pytest.mark.parametrize("size", [0, 1, 2, 1000])
@pytest.mark.parametrize("span", [1, 300, 10**6, 10**11, 2**61])
def test_the_order_in_time_is_a_stable_one(size, span):
    rng = np.random.default_rng(size + span % 97)
    micros = rng.integers(-span, span, size)
    assert kernels.in_time(micros).tolist() == np.argsort(micros, kind="stable").tolist()
    assert kernels.in_time(np.sort(micros)).tolist() == list(range(size))


@pytest.mark.parametrize("spread", [1, 7, 2**20, 2**64 - 1])
def test_pairs_are_sorted_by_key_and_account_however_many_share_a_key(spread):
    rng = np.random.default_rng(3)
    key = rng.integers(0, spread, 5000, dtype=np.uint64, endpoint=True)
    account = rng.integers(0, 50, 5000).astype(np.int32)
    keys, accounts = kernels.sorted_pairs(key, account)
    order = np.lexsort((account, key))
    assert (keys.tolist(), accounts.tolist()) == (key[order].tolist(), account[order].tolist())
    assert [one.size for one in kernels.sorted_pairs(key[:0], account[:0])] == [0, 0]


def test_calls_that_lie_by_account_are_traced_in_order_of_time():
    table = drawn_calls(11, size=300)
    by_name = table.take(pc.sort_indices(table, sort_keys=[("account_id", "ascending"), ("started_at", "ascending")]))
    in_time = table.take(pc.sort_indices(table, sort_keys=[("started_at", "ascending")]))
    assert told(digested(by_name)) == told(digested(in_time))
    everybody = np.arange(len(digested(table).accounts))
    assert (np.diff(digested(by_name).times_of(everybody)[1]) >= 0).all()
