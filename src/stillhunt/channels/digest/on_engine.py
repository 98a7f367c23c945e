"""Digests on an engine: each part of the accounts is folded where its calls are, and only what comes out moves.

In: the relation ``interactions`` of an engine. Out: `State`. Two passes: calls grouped by account, for everything that accounts show by
themselves, and calls grouped by request, for handoffs. What moves between machines is the columns of `chunks.COLUMNS` to where an account's
calls are gathered, and about four kilobytes an account to whoever scans.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from stillhunt.channels.digest import kernels
from stillhunt.channels.digest.chunks import CALLS, COLUMNS, Names, chunk_of
from stillhunt.channels.digest.packing import PACKED, folded, joined, unpacked
from stillhunt.channels.digest.state import HANDOFF_SECONDS, State
from stillhunt.lake.commits import conform
from stillhunt.lake.engine import Engine
from stillhunt.records import TIMESTAMP

_HANDED: list[tuple[str, pa.DataType]] = [
    ("request", pa.int64()),
    ("giver", pa.string()),
    ("taker", pa.string()),
    ("failed_at", pa.int64()),
    ("taken_at", pa.int64()),
]
HANDED = pa.schema(_HANDED)
"""One row a handoff; times in microseconds."""

_REQUEST = ("account_id", "started_at", "http_status", "prompt_hash", "system_hash")


def state_on(engine: Engine, as_of: datetime | None = None) -> State:
    """Every call of the relation ``interactions``, folded; with `as_of`, those that had ended (or begun, if no end is logged) by then."""
    seen = "TRUE"
    if as_of is not None:
        engine.attach("moment", pa.table({"as_of": pa.array([as_of.astimezone(UTC)], TIMESTAMP)}))
        seen = "COALESCE(ended_at, started_at) <= (SELECT as_of FROM moment)"
    calls = f"SELECT {', '.join(COLUMNS)} FROM interactions WHERE {seen}"
    state = joined(unpacked(engine.grouped(calls, ["account_id"], ["started_at", "account_id"], folded, PACKED)))
    requests = f"SELECT {', '.join(_REQUEST)} FROM interactions WHERE prompt_hash IS NOT NULL AND {seen}"
    found = engine.grouped(requests, ["prompt_hash"], ["started_at", "account_id"], handed, HANDED).sort_by(
        [(name, "ascending") for name in HANDED.names]
    )
    if found.num_rows:
        sides = [state.names.accounts.of(found[name].combine_chunks()) for name in ("giver", "taker")]
        keys = found["request"].to_numpy().astype(np.int64).view(np.uint64)
        state.handoffs = [(keys, *sides, found["failed_at"].to_numpy(), found["taken_at"].to_numpy())]
    return state


def handed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Handoffs among calls in order of time; all calls with one request must be there."""
    names = Names()
    still = (np.zeros(0, np.uint64), np.zeros(0, np.int32), np.zeros(0, np.int64))
    for batch in batches:
        chunk = chunk_of(conform(pa.Table.from_batches([batch]), CALLS, (), ""), names)
        order = np.argsort(chunk.micros, kind="stable")
        (key, giver, taker, failed, taken), still = kernels.handed_over(order, chunk, *still, HANDOFF_SECONDS * 1_000_000)
        if key.size:
            accounts = names.accounts.strings
            yield pa.RecordBatch.from_arrays(
                [
                    pa.array(key.view(np.int64)),
                    accounts.take(pa.array(giver)),
                    accounts.take(pa.array(taker)),
                    pa.array(failed),
                    pa.array(taken),
                ],
                schema=HANDED,
            )
