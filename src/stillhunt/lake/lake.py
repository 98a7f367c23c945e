"""The lake: what a provider's logs become, kept so that it can be scanned, repeated, and truly deleted.

Every change of a table is one atomic commit, and rows are identified: interactions and texts by interaction, accounts by
account, phrases by gram. Doing the same thing twice, after a crash or at the same time as somebody else, changes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from stillhunt import records
from stillhunt.errors import StillhuntError
from stillhunt.lake import accounts, housekeeping, pins, reading
from stillhunt.lake.commits import MovedError, append_files, attempts, conform, data_files, discard, replace_files, write_rows
from stillhunt.lake.entitlements import merge_entitlements
from stillhunt.lake.faults import SnapshotGoneError, spoken
from stillhunt.lake.housekeeping import CompactReport, Progress, RetentionReport
from stillhunt.lake.identity import IdIndex
from stillhunt.lake.index import follow, named_apart
from stillhunt.lake.opening import Opened, current_columns, open_lake, stored_schema
from stillhunt.lake.recorder import Recorder, recorded
from stillhunt.lake.table import LakeTable

_HISTORY = 500
"""Snapshots of one table beyond which appending forgets the older half (but none of the last hours)."""


@dataclass(frozen=True)
class Appended:
    """What became of rows handed over: `accepted` are new, `duplicates` were there already or came twice.

    `shared_ids`: accepted ones whose id another account's call has, or one that began at another time. They got ids of their own.
    """

    accepted: int
    duplicates: int
    shared_ids: int = 0


class Lake:
    """An open lake. Writes from several threads take turns; several processes may each open their own.

    Attributes:
        key: the pseudonym key, 32 bytes.
        where: the location, for people.
    """

    def __init__(self, opened: Opened, pinned: pins.Pins | None = None) -> None:
        self._opened = opened
        self._pinned = pinned
        self._scanned: str | None = None
        self.key = opened.key
        self.where = opened.where
        self._turn = RLock()
        self._indexes = {name: IdIndex(opened.key) for name in ("interactions", "texts")}

    @classmethod
    def open(cls, location: str | Path, *, create: bool = False) -> Lake:
        """Open the lake at `location`: a folder, or `catalog:NAME` for a catalog that pyiceberg is configured for.

        Args:
            location: where it is.
            create: make the lake, or what is missing of it, if it is not there.

        Raises:
            StillhuntError: there is no lake, it has a newer layout or another key, or it cannot be reached.
        """
        return cls(open_lake(location, create=create))

    def close(self) -> None:
        """Release the catalog's connections."""
        if self._pinned is None:
            self._opened.catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def folder(self) -> Path | None:
        """The lake's folder, None where it is elsewhere."""
        return self._opened.folder

    def recorded_by(self, recorder: Recorder | None) -> None:
        """From now on tell `recorder` of every change that is made through this object."""
        self._opened = replace(self._opened, recorder=recorder)

    # ---- writing

    def append_interactions(self, rows: pa.Table, texts: pa.Table | None = None) -> Appended:
        """Add the interactions among `rows` that the lake does not have; of records of one call, the first counts.

        Two records are one call if their ids and accounts are the same and they began within a second of each other. A call that has only
        its id from another one gets an id of its own (`index.named_apart`): ids are chosen by clients in some gateways.

        Args:
            rows: columns of `records.INTERACTIONS`; missing ones become null.
            texts: columns of `records.TEXTS`, added by the same rule. They are committed before the interactions, so that
                a crash between the two leaves texts that the next run of the same rows completes, and never an interaction
                without its texts.

        Raises:
            StillhuntError: the lake cannot be written.
        """
        with self._writing():
            rows = conform(rows, records.INTERACTIONS, records.REQUIRED["interactions"], self.where)
            if texts is not None:
                texts = conform(texts, records.TEXTS, ("interaction_id", "started_at"), self.where)
                self._append_new("texts", self._as_their_calls(texts, rows))
            return self._append_new("interactions", rows)

    def upsert_accounts(self, rows: pa.Table) -> int:
        """Merge account records: the newest value wins for each column, nothing known is ever blanked by a null.

        Args:
            rows: columns of `records.ACCOUNTS`, any number of rows per account, perhaps with `updated_at`
                (`records.ACCOUNT_UPDATED_AT`); without it a record is as new as the newest time in it. Equally new values
                are settled by the values themselves, so that the order of arrival makes no difference.

        Returns:
            How many accounts are new or changed.
        """
        schema = records.ACCOUNTS
        if records.ACCOUNT_UPDATED_AT.name in rows.column_names:
            schema = schema.append(records.ACCOUNT_UPDATED_AT)
        arriving = accounts.stamped(conform(rows, schema, ("account_id",), self.where))
        return self._merge("accounts", lambda known: accounts.merge(known, arriving))

    def upsert_entitlements(self, rows: pa.Table) -> int:
        """Merge entitlements, one for each account, organization, scope and reference. Returns how many are new or changed."""
        arriving = conform(rows, records.ENTITLEMENTS, records.REQUIRED["entitlements"], self.where)
        return self._merge("entitlements", lambda known: merge_entitlements(known, arriving))

    def add_phrases(self, rows: pa.Table) -> int:
        """Add phrases (`records.PHRASES`) whose gram has none yet. Returns how many were added."""
        rows = conform(rows, records.PHRASES, ("gram", "words"), self.where).sort_by([("gram", "ascending"), ("words", "ascending")])
        grams = rows["gram"].to_numpy()
        first = np.ones(grams.size, bool)
        first[1:] = grams[1:] != grams[:-1]
        rows = rows.filter(pa.array(first))

        def add(known: pa.Table) -> tuple[pa.Table, int]:
            new = rows.filter(pc.invert(pc.is_in(rows["gram"], value_set=known["gram"])))
            return pa.concat_tables([known, new]), new.num_rows

        return self._merge("phrases", add, append=True)

    def write_observations(self, rows: pa.Table, scanned: str | None = None) -> None:
        """Replace the previous scan's observations.

        Args:
            rows: columns of `records.OBSERVATIONS`.
            scanned: the snapshot that the scan read; what this lake's `snapshot` gave last if not said. It is kept until
                the next scan replaces it, so that the scan can be repeated.
        """
        rows = conform(rows, records.OBSERVATIONS, ("account_id", "channel", "value"), self.where)
        about = {pins.SCANNED: scanned or self._scanned or self.snapshot()}
        with self._writing():
            for _ in attempts(self.where):
                table = self._table_for_writing("observations")
                if self._replaced(table, "observations", data_files(table), rows, about):
                    return

    def note_not_read(self, sources: Iterable[str], reasons: Mapping[str, int]) -> None:
        """Keep how many records of some sources were refused, and why; see `reading.note`."""
        with self._writing():
            reading.note(self._opened, sources, reasons)

    # ---- reading

    def not_read(self) -> reading.NotRead:
        """What of the logs did not make it into this lake."""
        with spoken(self.where):
            return reading.noted(self._opened.load("interactions"))

    def table(self, name: str) -> LakeTable:
        """One of `records.TABLES`, as it is now or, in a lake that `at` gave, as it was then."""
        return self._read(name, records.TABLES[name])

    def snapshot(self) -> str:
        """The id that names the present snapshots of all tables that a scan reads; `at` takes it.

        Observations are a scan's result and not part of it: scanning twice without new rows gives the same id.
        """
        if self._pinned is not None:
            return str(self._pinned)
        with spoken(self.where):
            self._scanned = str(pins.Pins({name: self._opened.load(name).metadata.current_snapshot_id for name in pins.TABLES}))
        return self._scanned

    def at(self, snapshot: str) -> Lake:
        """This lake, for reading only, as it was when `snapshot()` gave `snapshot`.

        Raises:
            SnapshotGoneError: `snapshot` is no snapshot id, or has expired.
        """
        pinned = Lake(self._opened, pins.Pins.parse(snapshot, self.where))
        for name in pins.TABLES:
            pinned.table(name)
        return pinned

    # ---- housekeeping

    def compact(
        self,
        progress: Progress | None = None,
        *,
        keep_snapshots: int = 10,
        snapshot_age: timedelta = housekeeping.SNAPSHOT_AGE,
        orphan_age: timedelta = timedelta(days=1),
    ) -> CompactReport:
        """Rewrite each day into few large files, forget old snapshots, remove files that nothing names.

        Args:
            progress: called with (done, total, table name).
            keep_snapshots: so many of the newest snapshots of each table stay, and those that the newest scan read.
            snapshot_age: snapshots younger than this stay too, for scans that are running.
            orphan_age: files that nothing names are removed when older; a running writer's are younger.
        """
        with self._writing():
            return housekeeping.compact(self._opened, self._pins_of_newest_scan(), progress, keep_snapshots, snapshot_age, orphan_age)

    def retain(self, before: datetime, *, orphan_age: timedelta = timedelta(days=1)) -> RetentionReport:
        """Delete what is older than `before`, from the present and from disk. See `housekeeping.retain` for what goes.

        Snapshots that still show it are forgotten, so a scan from before cannot be repeated afterwards.
        """
        with self._writing():
            return housekeeping.retain(self._opened, before, orphan_age)

    def due(self, before: datetime) -> dict[str, int]:
        """What `retain` would delete with this limit: interactions, texts, and bytes of the files that hold them. Nothing is deleted."""
        with spoken(self.where):
            return housekeeping.due(self._opened, before)

    # ---- inside

    def _read(self, name: str, schema: pa.Schema) -> LakeTable:
        with spoken(self.where):
            table = self._opened.load(name)
        if self._pinned is None:
            snapshot_id = table.metadata.current_snapshot_id
        elif name in self._pinned:
            snapshot_id = self._pinned[name]
        else:
            # Observations belong to the scan that made them.
            current = table.current_snapshot()
            mine = current is not None and pins.scanned_by(current) == str(self._pinned)
            snapshot_id = table.metadata.current_snapshot_id if mine else None
        return LakeTable(name, schema, table, snapshot_id, self.where)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self._pinned is not None:
            raise StillhuntError(f"{self.where}: a lake at a snapshot is for reading only; open the lake itself")
        with self._turn, spoken(self.where):
            yield

    def _table_for_writing(self, name: str) -> Table:
        return current_columns(self._opened.load(name), name)

    def _append_new(self, name: str, rows: pa.Table) -> Appended:
        index = self._indexes[name]
        files: list[DataFile] = []
        stored = rows
        written: npt.NDArray[np.bool_] | None = None
        apart = 0
        for _ in attempts(self.where):
            table = self._table_for_writing(name)
            try:
                follow(index, table, name, self.where)
            except SnapshotGoneError:
                index.forget()  # a retention removed files while they were read
                continue
            named, calls, fresh, renamed = named_apart(index, rows)
            state = np.concatenate([fresh, renamed])
            if written is None or not np.array_equal(state, written):
                discard(table, files)
                stored = named if fresh.all() else named.filter(pa.array(fresh))
                files = write_rows(table, stored)
                written, apart = state, int(np.count_nonzero(fresh & renamed))
            if not files:
                break
            try:
                with recorded(self._opened.recorder, table, name, "append", files, rows=stored if name == "interactions" else None):
                    index.snapshot_id = append_files(table, files)
            except MovedError:
                continue
            index.remember(calls.take(fresh))
            index.files.update(file.file_path for file in files)
            self._limit_history(name, len(table.metadata.snapshots))
            break
        accepted = sum(file.record_count for file in files)
        return Appended(accepted, rows.num_rows - accepted, apart if accepted else 0)

    def _as_their_calls(self, texts: pa.Table, rows: pa.Table) -> pa.Table:
        """Texts under the ids that their interactions will have."""
        index = self._indexes["interactions"]
        for _ in attempts(self.where):
            try:
                follow(index, self._table_for_writing("interactions"), "interactions", self.where)
            except SnapshotGoneError:
                index.forget()
                continue
            break
        named, _, _, renamed = named_apart(index, rows)
        if not renamed.any():
            return texts
        # Texts have no accounts. Of calls with one id and one moment, the first text is the first call's, and so on.
        own: dict[tuple[str | None, int | None], deque[str | None]] = {}
        for key, name in zip(_known_as(rows), named["interaction_id"].to_pylist(), strict=True):
            own.setdefault(key, deque()).append(name)
        ids = pa.array([own[key].popleft() if own.get(key) else key[0] for key in _known_as(texts)], pa.string())
        return texts.set_column(texts.column_names.index("interaction_id"), "interaction_id", ids)

    def _limit_history(self, name: str, snapshots: int) -> None:
        """Forget old snapshots when there are so many that each commit takes long: all are copied at every commit."""
        if snapshots > _HISTORY:
            pinned = self._pins_of_newest_scan()
            housekeeping.shorten(self._opened, name, pinned, keep_snapshots=_HISTORY // 2)

    def _merge(self, name: str, merge: Callable[[pa.Table], tuple[pa.Table, int]], *, append: bool = False) -> int:
        """Commit what `merge` makes of the table's rows, looking again whenever somebody else was faster."""
        with self._writing():
            for _ in attempts(self.where):
                table = self._table_for_writing(name)
                try:
                    known = LakeTable(name, stored_schema(name), table, table.metadata.current_snapshot_id, self.where).to_arrow()
                except SnapshotGoneError:
                    continue
                merged, changed = merge(known)
                if not changed:
                    return 0
                removed = [] if append else data_files(table)
                if self._replaced(table, name, removed, merged.slice(known.num_rows) if append else merged):
                    return changed
        return 0

    def _replaced(self, table: Table, name: str, removed: list[DataFile], rows: pa.Table, properties: dict[str, str] | None = None) -> bool:
        added = write_rows(table, rows)
        try:
            with recorded(self._opened.recorder, table, name, "replace" if removed else "append", added, removed):
                if removed:
                    replace_files(table, removed, added, "replace", properties)
                else:
                    append_files(table, added, properties)
        except MovedError:
            discard(table, added)
            return False
        return True

    def _pins_of_newest_scan(self) -> pins.Pins | None:
        current = self._opened.load("observations").current_snapshot()
        scanned = pins.scanned_by(current) if current is not None else None
        try:
            return pins.Pins.parse(scanned, self.where) if scanned else None
        except SnapshotGoneError:
            return None


def _known_as(rows: pa.Table) -> Iterator[tuple[str | None, int | None]]:
    return zip(rows["interaction_id"].to_pylist(), rows["started_at"].cast(pa.int64()).to_pylist(), strict=True)
