"""One table of the lake as one snapshot has it, for reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask, Table

from stillhunt.lake.faults import SnapshotGoneError, spoken
from stillhunt.lake.place import local_path

_BATCH_ROWS = 131_072
_PIECE_ROWS = 400_000

COMPACTED = "stillhunt.compacted"
"""Table property: the sequence number at which it was compacted last."""


class LakeTable:
    """The rows that one table has at one snapshot. Reading it again gives the same rows, whoever writes meanwhile.

    Args:
        name: as in `records.TABLES`.
        schema: the columns to show; those that the snapshot lacks are null.
        table: the Iceberg table.
        snapshot_id: the snapshot, or None for a table without rows.
        where: the lake, for people.
    """

    def __init__(self, name: str, schema: pa.Schema, table: Table, snapshot_id: int | None, where: str) -> None:
        self.name = name
        self.schema = schema
        self._table = table
        self._snapshot_id = snapshot_id
        self._where = where
        if snapshot_id is not None and table.metadata.snapshot_by_id(snapshot_id) is None:
            raise SnapshotGoneError(
                f"{where}: the snapshot of {name} that was asked for has expired or belongs to another lake; use a newer snapshot"
            )

    def count(self) -> int:
        """The number of rows."""
        with spoken(self._where):
            if any(task.delete_files for task in self._tasks):
                return int(self._table.scan(snapshot_id=self._snapshot_id).count())
            return sum(task.file.record_count for task in self._tasks)

    def files(self) -> list[str] | None:
        """Local paths of Parquet files that together are the table, or None when it has delete files or lies elsewhere."""
        with spoken(self._where):
            return _local_paths(self.io, self._tasks)

    @property
    def identifier(self) -> str:
        """What the Iceberg catalog calls the table: namespace and name with a dot between."""
        return ".".join(self._table.name())

    @property
    def snapshot_id(self) -> int | None:
        """The snapshot, as the Iceberg catalog numbers it; None for a table without rows."""
        return self._snapshot_id

    @property
    def uniform(self) -> bool:
        """Whether all files were written with the same columns."""
        return len(self._table.metadata.schemas) == 1

    def to_arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows, of `columns` or all columns, in memory."""
        schema = self._chosen(columns)
        return pa.Table.from_batches(self.batches(columns), schema)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows in batches of bounded size, of `columns` or all columns."""
        yield from self._read(self._chosen(columns), self._tasks)

    @property
    def io(self) -> FileIO:
        """What reads the table's files, under the names that the table gives them."""
        return self._table.io

    def data_paths(self) -> set[str]:
        """The locations of the data files, as the table names them."""
        with spoken(self._where):
            return {task.file.file_path for task in self._tasks}

    def local_files(self) -> dict[str, str | None]:
        """Each data file, as the table names it -> where it lies on this machine; None if elsewhere, or if not all its rows are shown."""
        with spoken(self._where):
            return {one.file.file_path: None if one.delete_files else local_path(self.io, one.file.file_path) for one in self._tasks}

    def batches_of(self, paths: set[str]) -> Iterator[pa.RecordBatch]:
        """The rows of some of the data files in batches of bounded size."""
        yield from self._read(self.schema, [task for task in self._tasks if task.file.file_path in paths])

    def in_order(self) -> list[str]:
        """The locations of the data files in the order in which they were committed, those of one commit by their first time.

        A file that is added later comes later, so that whoever has read so many of them goes on where they end. Files that were there when
        the table was compacted come in order of their first times, because rewriting some of them says nothing of when they came.
        """
        if self._snapshot_id is None:
            return []
        with spoken(self._where):
            snapshot = self._table.metadata.snapshot_by_id(self._snapshot_id)
            assert snapshot is not None
            schema = self._table.schema()
            timed = schema.find_field("started_at").field_id if "started_at" in schema.column_names else -1
            compacted = int(self._table.properties.get(COMPACTED, "0"))
            found = []
            for manifest in snapshot.manifests(self._table.io):
                for entry in manifest.fetch_manifest_entry(self._table.io):
                    first = (entry.data_file.lower_bounds or {}).get(timed, b"")
                    came = entry.sequence_number or 0
                    found.append((came if came > compacted else 0, int.from_bytes(first, "little", signed=True), entry.data_file.file_path))
        return [path for _, _, path in sorted(found)]

    def tables_of(
        self, paths: Sequence[str], columns: Sequence[str], dictionaries: Sequence[str] = (), least: int = _PIECE_ROWS
    ) -> Iterator[pa.Table]:
        """The rows of some data files, one file after the other in the order given, each cut into pieces of at least `least` rows.

        Where a file is cut depends on the file alone. Columns named in `dictionaries` come as dictionaries where the file allows.
        """
        schema = self._chosen(columns)
        tasks = {task.file.file_path: task for task in self._tasks}
        for path in paths:
            task = tasks[path]
            local = _local_paths(self.io, [task])
            with spoken(self._where):
                if local is None:
                    yield from pieces(self._remote_batches(schema, [task]), least)
                else:
                    yield from _file_batches(local[0], schema, dictionaries, least)

    def _read(self, schema: pa.Schema, tasks: list[FileScanTask]) -> Iterator[pa.RecordBatch]:
        with spoken(self._where):
            paths = _local_paths(self.io, tasks)
            if paths is None:
                yield from self._remote_batches(schema, tasks)
            elif paths:
                dataset = ds.dataset(paths, schema=schema, format="parquet", partitioning=None)
                yield from dataset.to_batches(batch_size=_BATCH_ROWS, batch_readahead=4, fragment_readahead=1)

    def _remote_batches(self, schema: pa.Schema, tasks: list[FileScanTask]) -> Iterator[pa.RecordBatch]:
        metadata = self._table.metadata
        snapshot = metadata.snapshot_by_id(self._snapshot_id) if self._snapshot_id is not None else None
        stored = metadata.schemas[0] if snapshot is None else _schema_of(self._table, snapshot.schema_id)
        present = [name for name in schema.names if name in {field.name for field in stored.fields}]
        scan = ArrowScan(metadata, self._table.io, stored.select(*present), AlwaysTrue())
        # One file after the other: the library reads all files that it is given before it hands out the first row.
        for task in tasks:
            for batch in scan.to_record_batches([task]):
                rows = pa.Table.from_batches([batch])
                arrays = [
                    rows[field.name].cast(field.type) if field.name in present else pa.nulls(rows.num_rows, field.type) for field in schema
                ]
                yield from pa.table(arrays, schema=schema).to_batches(max_chunksize=_BATCH_ROWS)

    def _chosen(self, columns: Sequence[str] | None) -> pa.Schema:
        return self.schema if columns is None else pa.schema([self.schema.field(name) for name in columns])

    @cached_property
    def _tasks(self) -> list[FileScanTask]:
        if self._snapshot_id is None:
            return []
        return list(self._table.scan(snapshot_id=self._snapshot_id).plan_files())


def _file_batches(path: str, schema: pa.Schema, dictionaries: Sequence[str], least: int) -> Iterator[pa.Table]:
    """A file's row groups, so many at once that they hold `least` rows; columns that it lacks are null."""
    with pq.ParquetFile(path, read_dictionary=list(dictionaries), pre_buffer=True) as file:
        present = set(file.schema_arrow.names)
        columns = [name for name in schema.names if name in present]
        groups, rows = [], 0
        for group in range(file.num_row_groups):
            groups.append(group)
            rows += file.metadata.row_group(group).num_rows
            if rows >= least or group == file.num_row_groups - 1:
                read = file.read_row_groups(groups, columns=columns, use_threads=True)
                arrays = [
                    _as_declared(read[field.name], field.type) if field.name in present else pa.chunked_array([pa.nulls(rows, field.type)])
                    for field in schema
                ]
                yield pa.table(arrays, names=schema.names)
                groups, rows = [], 0


def _as_declared(column: pa.ChunkedArray[Any], kind: pa.DataType) -> pa.ChunkedArray[Any]:
    return column if pa.types.is_dictionary(column.type) or column.type == kind else column.cast(kind)


def pieces(parts: Iterable[pa.RecordBatch], least: int = _PIECE_ROWS) -> Iterator[pa.Table]:
    """Batches put together to tables of at least `least` rows, but for the last."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for part in parts:
        waiting.append(part)
        rows += part.num_rows
        if rows >= least:
            yield pa.Table.from_batches(waiting)
            waiting, rows = [], 0
    if rows:
        yield pa.Table.from_batches(waiting)


def _schema_of(table: Table, schema_id: int | None) -> Schema:
    return next((schema for schema in table.metadata.schemas if schema.schema_id == schema_id), table.schema())


def _local_paths(io: FileIO, tasks: list[FileScanTask]) -> list[str] | None:
    paths = [local_path(io, task.file.file_path) for task in tasks if not task.delete_files]
    local = [path for path in paths if path is not None]
    return local if len(local) == len(tasks) else None
