"""Compaction and retention over all tables of a lake."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from stillhunt import records
from stillhunt.lake import accounts, maintenance, pins
from stillhunt.lake.commits import DAY, MovedError, attempts, data_files, discard, laid_out, replace_files, write_rows
from stillhunt.lake.maintenance import Freed
from stillhunt.lake.opening import BY_DAY, DIGEST_FOLDER, Opened, stored_schema
from stillhunt.lake.recorder import recorded
from stillhunt.lake.table import COMPACTED, LakeTable

Mask = npt.NDArray[np.bool_]

Progress = Callable[[int, int, str], None]
"""Called with how many steps are done, how many there are, and the table at hand."""

SNAPSHOT_AGE = timedelta(hours=6)
"""Younger snapshots are kept for scans that may still be reading them."""

_ORDER = {
    "texts": ["started_at", "interaction_id"],
    "accounts": ["account_id"],
    "entitlements": ["account_id", "organization_id", "scope", "reference"],
    "phrases": ["gram"],
    "observations": ["channel", "value", "account_id"],
}
"""How rows lie in compacted files: what is read together lies together, and compresses better. Interactions: `commits.laid_out`."""


@dataclass(frozen=True)
class CompactReport:
    """What a compaction did: data files before and after, snapshots forgotten, files and bytes removed from disk."""

    files_before: int
    files_after: int
    snapshots_expired: int
    files_removed: int
    bytes_removed: int


@dataclass(frozen=True)
class RetentionReport:
    """Rows deleted from each table, and files and bytes removed from disk."""

    interactions: int
    texts: int
    accounts: int
    phrases: int
    observations: int
    files_removed: int
    bytes_removed: int


def compact(
    opened: Opened, pinned: pins.Pins | None, progress: Progress | None, keep_snapshots: int, snapshot_age: timedelta, orphan_age: timedelta
) -> CompactReport:
    """Rewrite small files, forget old snapshots but those in `pinned`, remove orphans. Writers may go on meanwhile."""
    work = [(name, group) for name in records.TABLES for group in maintenance.small_file_groups(data_files(opened.load(name)))]
    before = sum(len(data_files(opened.load(name))) for name in records.TABLES)
    for done, (name, group) in enumerate(work):
        if progress is not None:
            progress(done, len(work), name)
        maintenance.rewrite_group(_tables(opened, name), group, _laid(name, _rows_of(opened, name, group)), name, opened.recorder)
    if any(name == "interactions" for name, _ in work):
        table = opened.load("interactions")
        with table.transaction() as change:
            change.set_properties({COMPACTED: str(getattr(table.metadata, "last_sequence_number", 0))})
    if progress is not None:
        progress(len(work), len(work), "")
    expired, freed = 0, Freed(0, 0)
    for name in records.TABLES:
        count, removed = shorten(opened, name, pinned, keep_snapshots, snapshot_age)
        expired += count
        freed += removed
        freed += maintenance.remove_orphans(opened.load(name), orphan_age)
    after = sum(len(data_files(opened.load(name))) for name in records.TABLES)
    return CompactReport(before, after, expired, freed.files, freed.bytes)


def shorten(
    opened: Opened, name: str, pinned: pins.Pins | None, keep_snapshots: int, snapshot_age: timedelta = SNAPSHOT_AGE
) -> tuple[int, Freed]:
    """Forget snapshots of one table but the last `keep_snapshots`, those younger than `snapshot_age` and the one in `pinned`.

    Returns:
        How many were forgotten, and what that freed on disk.
    """
    keep = pinned.get(name) if pinned is not None else None
    return maintenance.expire(_tables(opened, name), keep_snapshots, set() if keep is None else {keep}, snapshot_age)


def retain(opened: Opened, before: datetime, orphan_age: timedelta) -> RetentionReport:
    """Delete what is older than `before`.

    * interactions and texts that started before it;
    * observations last made before it: they describe interactions that are gone;
    * phrases whose gram no remaining interaction has;
    * accounts without remaining interactions, if they were closed before it, or if nothing about them is as new as it.
      An account that its record shows as open stays: its provider still has it, and its sign-up is evidence;
    * entitlements stay: they are contracts, not logs.

    Then all snapshots but the present ones are forgotten and their files removed, and orphans older than `orphan_age`. Digests kept beside
    the lake are removed first: they come from calls that go, and the next scan makes them anew.
    """
    if opened.folder is not None:
        shutil.rmtree(opened.folder / DIGEST_FOLDER, ignore_errors=True)
    cut = int(before.astimezone(UTC).timestamp() * 1_000_000)
    deleted = {name: _delete_before(opened, name, cut) for name in BY_DAY}
    deleted["accounts"] = _keep(opened, "accounts", lambda rows: _accounts_to_keep(opened, rows, cut))
    deleted["phrases"] = _keep(opened, "phrases", lambda rows: _phrases_to_keep(opened, rows))
    deleted["observations"] = _keep(opened, "observations", lambda rows: _microseconds(rows["last_at"], cut) >= cut)
    freed = Freed(0, 0)
    for name in records.TABLES:
        freed += maintenance.expire(_tables(opened, name), 1, set(), timedelta(0))[1]
        freed += maintenance.remove_orphans(opened.load(name), orphan_age)
    return RetentionReport(**deleted, files_removed=freed.files, bytes_removed=freed.bytes)


def due(opened: Opened, before: datetime) -> dict[str, int]:
    """How many interactions and texts `retain` would delete with this limit, and the bytes of the files that hold them."""
    cut = int(before.astimezone(UTC).timestamp() * 1_000_000)
    found = {"bytes": 0}
    for name in BY_DAY:
        table = opened.load(name)
        rows = 0
        for file in data_files(table):
            if file.partition[0] < cut // DAY:
                rows += file.record_count
            elif file.partition[0] == cut // DAY:
                times = _rows_of(opened, name, [file], table)["started_at"]
                older = int(np.count_nonzero(_microseconds(times, cut) < cut))
                rows += older
                if not older:
                    continue
            else:
                continue
            found["bytes"] += file.file_size_in_bytes
        found[name] = rows
    return found


def _delete_before(opened: Opened, name: str, cut: int) -> int:
    day = cut // DAY
    for table in _tables(opened, name):
        removed: list[DataFile] = []
        added: list[DataFile] = []
        for file in data_files(table):
            if file.partition[0] < day:
                removed.append(file)
            elif file.partition[0] == day:
                rows = _rows_of(opened, name, [file], table)
                young = rows.filter(pa.array(_microseconds(rows["started_at"], cut) >= cut))
                if young.num_rows < rows.num_rows:
                    removed.append(file)
                    added += write_rows(table, _laid(name, young))
        if not removed:
            return 0
        about = {"before": datetime.fromtimestamp(cut / 1_000_000, UTC).isoformat()}
        try:
            with recorded(opened.recorder, table, name, "retention", added, removed, about=about):
                replace_files(table, removed, added, "retention")
        except MovedError:
            discard(table, added)
            continue
        return sum(file.record_count for file in removed) - sum(file.record_count for file in added)
    return 0


def _keep(opened: Opened, name: str, wanted: Callable[[pa.Table], Mask]) -> int:
    """Delete the rows of a table that is rewritten as a whole for which `wanted` is false."""
    for table in _tables(opened, name):
        files = data_files(table)
        rows = _rows_of(opened, name, files, table)
        keep = wanted(rows)
        gone = int(np.count_nonzero(~keep))
        if not gone:
            return 0
        # What the scan before was about stays on record beside the observations that are left.
        current = table.current_snapshot()
        scanned = pins.scanned_by(current) if current is not None else None
        properties = {pins.SCANNED: scanned} if scanned is not None else None
        added = write_rows(table, rows.filter(pa.array(keep)))
        try:
            with recorded(opened.recorder, table, name, "retention", added, files):
                replace_files(table, files, added, "retention", properties)
        except MovedError:
            discard(table, added)
            continue
        return gone
    return 0


def _accounts_to_keep(opened: Opened, rows: pa.Table, cut: int) -> Mask:
    closed = _microseconds(rows["closed_at"], accounts.NEVER)
    is_open = rows["created_at"].is_valid().to_numpy() & (closed == accounts.NEVER)
    keep: Mask = is_open | (closed >= cut) | ((closed == accounts.NEVER) & (accounts.newest_stamp(rows) >= cut))
    if keep.all():
        return keep
    seen: set[str | None] = set()
    for batch in _shown(opened, "interactions", ["account_id"]):
        seen.update(pc.unique(batch.column(0)).to_pylist())
    active: Mask = pc.is_in(rows["account_id"], value_set=pa.array(list(seen), pa.string())).to_numpy(zero_copy_only=False)
    return keep | active


def _phrases_to_keep(opened: Opened, rows: pa.Table) -> Mask:
    grams = rows["gram"].to_numpy()
    order = np.argsort(grams)
    ordered = grams[order]
    used = np.zeros(grams.size, bool)
    if grams.size:
        for batch in _shown(opened, "interactions", ["sketch"]):
            present = np.unique(pc.list_flatten(batch.column(0)).drop_null().to_numpy())
            at = np.minimum(np.searchsorted(ordered, present), grams.size - 1)
            used[order[at[ordered[at] == present]]] = True
    return used


def _shown(opened: Opened, name: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
    table = opened.load(name)
    return LakeTable(name, records.TABLES[name], table, table.metadata.current_snapshot_id, opened.where).batches(columns)


def _rows_of(opened: Opened, name: str, files: list[DataFile], table: Table | None = None) -> pa.Table:
    table = table or opened.load(name)
    shown = LakeTable(name, stored_schema(name), table, table.metadata.current_snapshot_id, opened.where)
    return pa.Table.from_batches(shown.batches_of({file.file_path for file in files}), stored_schema(name))


def _laid(name: str, rows: pa.Table) -> pa.Table:
    if name == "interactions":
        return laid_out(rows)
    return rows.take(pc.sort_indices(rows, sort_keys=[(column, "ascending") for column in _ORDER[name]]))


def _microseconds(times: pa.ChunkedArray[Any], missing: int) -> npt.NDArray[np.int64]:
    integers: npt.NDArray[np.int64] = times.cast(pa.int64()).fill_null(missing).to_numpy()  # type: ignore[arg-type]
    return integers


def _tables(opened: Opened, name: str) -> Iterator[Table]:
    """The table as it is now, once for each attempt to change it."""
    for _ in attempts(opened.where):
        yield opened.load(name)
