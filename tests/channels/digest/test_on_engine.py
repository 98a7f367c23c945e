"""What folding on an engine promises: the digest that folding the files here gives, whoever holds the calls and however they lie."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from folded import DAY, DAY0, PEOPLE, drawn_calls, told

from stillhunt.channels.digest.chunks import COLUMNS
from stillhunt.channels.digest.keeping import state_of
from stillhunt.channels.digest.on_engine import HANDED, handed, state_on
from stillhunt.channels.digest.state import State
from stillhunt.channels.digest.taking import digest_of, digest_of_state
from stillhunt.lake import Lake
from stillhunt.lake.engines import open_engine


@pytest.fixture
def engine():
    with open_engine("duckdb", memory_limit="256MiB", threads=2) as opened:
        yield opened


def calls(seed, size=900, **options):
    """Calls in order of time, no two at one moment: how equal moments are ordered is the engine's choice."""
    table = drawn_calls(seed, size=size, **options)
    at = table.column_names.index("started_at")
    micros = table["started_at"].cast(pa.int64()).to_numpy() + np.arange(size)
    return table.set_column(at, "started_at", pa.array(micros).cast(table["started_at"].type))


def said(state):
    return told(digest_of_state(state, PEOPLE))


def here(table):
    state = State()
    state.fold([table])
    return said(state)


def there(engine, table, as_of=None):
    engine.attach("interactions", table)
    return said(state_on(engine, as_of))


@pytest.mark.parametrize("seed", range(3))
def test_an_engine_folds_to_the_same_digest(engine, seed):
    table = calls(seed, accounts=25, days=0.05)
    expected = here(table)
    assert any(expected["handoffs"]), "the example has handoffs"
    assert there(engine, table) == expected


def test_how_rows_lie_makes_no_difference(engine):
    table = calls(4)
    shuffled = table.take(np.random.default_rng(4).permutation(table.num_rows))
    assert there(engine, shuffled) == here(table)


@pytest.mark.parametrize("share", [0.2, 0.7, 1.0])
def test_as_of_a_moment_later_calls_are_as_if_they_were_not_there(engine, share):
    table = calls(5)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=DAY0 + int(9 * DAY * share))
    expected = told(digest_of([table], PEOPLE, as_of=moment))
    assert there(engine, table, moment) == expected
    assert (expected["calls"] == here(table)["calls"]) == (share == 1.0)


def test_before_the_first_call_there_is_nobody(engine):
    engine.attach("interactions", calls(6))
    assert state_on(engine, datetime(2000, 1, 1, tzinfo=UTC)).accounts == 0


def test_a_lake_that_is_attached_is_folded_as_its_files_are(engine, tmp_path):
    table = calls(7)
    ids = pa.array([f"i{number}" for number in range(table.num_rows)])
    with Lake.open(tmp_path / "lake", create=True) as lake:
        for begin in (0, 300, 600):
            lake.append_interactions(table.append_column("interaction_id", ids).slice(begin, 300))
        assert there(engine, lake.table("interactions")) == said(state_of(lake))


def failed_and_sent_again(number):
    """Requests that are refused on one account and sent by the next half a minute later, over and over."""
    rows = {name: [] for name in ("account_id", "started_at", "prompt_hash", "http_status", "system_hash")}
    for request in range(number):
        for turn in range(3):
            rows["account_id"].append(f"account{(request + turn) % 5}")
            rows["started_at"].append(DAY0 + (request * 600 + turn * 30) * 1_000_000)
            rows["prompt_hash"].append(request)
            rows["http_status"].append(200 if turn == 2 else 429)
            rows["system_hash"].append(3)
    return pa.table(rows)


def test_handoffs_are_found_one_by_one_however_batches_are_cut():
    table = failed_and_sent_again(20)
    for size in (1, 7, 1000):
        found = pa.Table.from_batches(list(handed(iter(table.to_batches(max_chunksize=size)))), HANDED).to_pylist()
        assert len(found) == 40
        assert found[0]["giver"] == "account0"
        assert found[0]["taker"] == "account1"
        assert {row["taken_at"] - row["failed_at"] for row in found} == {30_000_000}


def test_only_what_the_fold_reads_is_asked_of_the_engine(engine):
    asked = []
    plain = engine._grouped

    def noted(sql, *arguments):
        asked.append(sql)
        return plain(sql, *arguments)

    engine._grouped = noted
    there(engine, calls(8))
    assert len(asked) == 2
    assert all(sql.count("interactions") == 1 for sql in asked)
    assert all(f"{name}" in asked[0] for name in COLUMNS)
