"""Batches to lake: gathered into large appends, written by a thread of their own while the next blocks are read.

Interactions go first and accounts last, so that a run killed in between leaves nothing that a repetition would not add.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import pyarrow as pa

from stillhunt.intake.report import SourceReport
from stillhunt.intake.rows import Batch

APPEND_ROWS = 250_000
APPEND_BYTES = 128 << 20  # two such appends are in memory at most: the one written and the one gathered
_KEEP_ROWS = 200_000  # accounts, entitlements or phrases gathered before they are made distinct or written


class AppendedLike(Protocol):
    """What `Lake.append_interactions` returns."""

    @property
    def accepted(self) -> int:
        """Rows that are new."""
        ...

    @property
    def duplicates(self) -> int:
        """Rows that the lake had, or that occurred before in the same append."""
        ...


class LakeLike(Protocol):
    """What ingest needs of a `stillhunt.lake.Lake`."""

    @property
    def key(self) -> bytes:
        """The key of the pseudonyms."""
        ...

    def append_interactions(self, rows: pa.Table, texts: pa.Table | None = None) -> AppendedLike:
        """Add INTERACTIONS (and TEXTS), each interaction_id once."""
        ...

    def upsert_accounts(self, rows: pa.Table) -> int:
        """Add or complete ACCOUNTS."""
        ...

    def upsert_entitlements(self, rows: pa.Table) -> int:
        """Add ENTITLEMENTS."""
        ...

    def add_phrases(self, rows: pa.Table) -> int:
        """Add PHRASES."""
        ...


@dataclass
class _Load:
    """What one append writes, and how many of its rows came from which source, in order."""

    tables: list[pa.Table]
    texts: list[pa.Table]
    shares: list[tuple[SourceReport, int]]
    rows: int = 0


class Appender:
    """Takes batches in order and brings them into `lake`. `finish` before reading the counts of the reports."""

    def __init__(self, lake: LakeLike) -> None:
        self._lake = lake
        self.shared_ids = 0  # see `Lake.append_interactions`
        self._load = _Load([], [], [])
        self._size = 0
        self._kept: dict[str, list[pa.Table]] = {"accounts": [], "entitlements": [], "phrases": []}
        self._kept_rows = dict.fromkeys(self._kept, 0)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="stillhunt-append")
        self._writing: Future[None] | None = None

    def add(self, report: SourceReport, batch: Batch, shares: list[tuple[SourceReport, int]] | None = None) -> None:
        """Take one batch, of one source or with so many interactions of each in `shares`, in order.

        Waits when an append is under way and the next one is full.
        """
        for name, table in batch.tables.items():
            assert isinstance(table, pa.Table)
            if name in self._kept:
                self._keep(name, table)
            else:
                (self._load.texts if name == "texts" else self._load.tables).append(table)
                self._size += table.nbytes
        for share in [(report, batch.rows.get("interactions", 0))] if shares is None else shares:
            if share[1]:
                self._load.shares.append(share)
                self._load.rows += share[1]
        if self._size >= APPEND_BYTES or self._load.rows >= APPEND_ROWS:
            self._append()

    def finish(self) -> None:
        """Write everything that is left."""
        self._append()
        self._wait()
        for name, write in (
            ("accounts", self._lake.upsert_accounts),
            ("entitlements", self._lake.upsert_entitlements),
            ("phrases", self._lake.add_phrases),
        ):
            if self._kept[name]:
                write(_distinct(self._kept[name]))
                self._kept[name], self._kept_rows[name] = [], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._writer.shutdown(wait=True, cancel_futures=True)

    def _append(self) -> None:
        if not self._load.shares:
            return
        load, self._load, self._size = self._load, _Load([], [], []), 0
        self._wait()
        self._writing = self._writer.submit(self._write, load)

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()
            self._writing = None

    def _write(self, load: _Load) -> None:
        rows = pa.concat_tables(load.tables)
        texts = pa.concat_tables(load.texts) if load.texts else None
        appended = self._lake.append_interactions(rows, texts)
        ids = rows["interaction_id"]
        attribute(load.shares, ids, appended.accepted, appended.duplicates)
        self.shared_ids += getattr(appended, "shared_ids", 0)

    def _keep(self, name: str, table: pa.Table) -> None:
        kept = self._kept[name]
        kept.append(table)
        self._kept_rows[name] += table.num_rows
        if self._kept_rows[name] < _KEEP_ROWS:
            return
        distinct = _distinct(kept)
        self._kept[name], self._kept_rows[name] = [distinct], distinct.num_rows
        if distinct.num_rows * 2 < _KEEP_ROWS:
            return
        self._wait()
        {"accounts": self._lake.upsert_accounts, "entitlements": self._lake.upsert_entitlements, "phrases": self._lake.add_phrases}[name](
            distinct
        )
        self._kept[name], self._kept_rows[name] = [], 0


def attribute(shares: list[tuple[SourceReport, int]], ids: pa.ChunkedArray[Any], accepted: int, duplicates: int) -> None:
    """Spread an append's counts over the sources that its rows came from.

    Repeated ids inside the append belong to the source that repeats them. What the lake dropped beyond those is exact
    when it is nothing, everything, or from one source; otherwise it is spread in proportion, and only the sums are exact.
    """
    counts = np.array([count for _, count in shares])
    if len(shares) == 1 or not duplicates or not accepted:
        dropped = counts * (duplicates / max(1, accepted + duplicates))
    else:
        codes = ids.combine_chunks().dictionary_encode().indices.to_numpy()
        repeated = np.ones(len(codes), dtype=bool)
        repeated[np.unique(codes, return_index=True)[1]] = False
        ends = np.cumsum(counts)
        inside = np.diff(np.concatenate(([0], np.cumsum(repeated)[ends - 1])))
        left = counts - inside
        dropped = inside + left * ((duplicates - inside.sum()) / max(1, left.sum()))
    # Rounding the running sum keeps the total exact and every share within its source.
    whole = np.diff(np.concatenate(([0], np.rint(np.cumsum(dropped))))).astype(int)
    for (report, count), share in zip(shares, whole.tolist(), strict=True):
        report.duplicates += share
        report.accepted += count - share


def _distinct(tables: list[pa.Table]) -> pa.Table:
    table = pa.concat_tables(tables)
    return table.group_by(table.column_names, use_threads=False).aggregate([]).select(table.column_names).cast(table.schema)
