"""Changing one Iceberg table: write Parquet files, then swap the table to a snapshot that names them.

A commit here is validated against exactly the snapshot that the caller looked at, and is never repeated by itself:
whoever lost the race gets `MovedError` and looks again. Files written for a commit that failed for certain are removed;
files of a commit whose outcome is unknown are left to `compact`, which removes orphans.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.io import OutputStream
from pyiceberg.io.pyarrow import parquet_file_to_data_file
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionFieldValue, PartitionKey
from pyiceberg.table import Table
from pyiceberg.types import ListType

from stillhunt.lake.faults import LakeBusyError, is_locked

DAY = 86_400_000_000
"""Microseconds in a day."""

CHANGE = "stillhunt.change"
"""Snapshot property: `append` and `rewrite` lose no row, `retention` and `replace` may."""

_ROW_GROUP = 122_880  # what DuckDB hands to one thread at a time
_ENCODINGS = {
    # Ids have one length, so only their characters are left; moments in order of time are small steps.
    "interaction_id": "DELTA_LENGTH_BYTE_ARRAY",
    "started_at": "DELTA_BINARY_PACKED",
    "ended_at": "DELTA_BINARY_PACKED",
}
_DICTIONARY_BYTES = 64 << 20
"""A dictionary may grow so large before plain values follow: a hundred thousand accounts' ids in one row group are repeated, too."""
_BULK_PAGE = 4 << 20
"""Pages of large files: with the sketches' level of compression it saves a fifth of the time that writing takes, for 2 bytes a call."""
_NO_DICTIONARY = {
    "interaction_id",
    "started_at",
    "ended_at",
    "sketch",  # most grams occur once: a dictionary of them costs time and saves nothing
    "prompt_hash",
    "response_hash",
    "prompt_topic",
    "response_topic",
    "prompt_shape",
    "words",
    "system",
    "messages",
    "response",
    "reasoning",
}
_PATIENCE_SECONDS = 300.0


class MovedError(Exception):
    """The table is no longer what the caller looked at. Nothing was committed; look again and repeat."""


def attempts(where: str) -> Iterator[int]:
    """Count attempts, waiting a little longer and a random while between them.

    Raises:
        LakeBusyError: other writers won for five minutes.
    """
    end = time.monotonic() + _PATIENCE_SECONDS
    attempt = 0
    while time.monotonic() < end:
        yield attempt
        time.sleep(random.uniform(0, min(1.0, 0.02 * 2 ** min(attempt, 6))))
        attempt += 1
    raise LakeBusyError(f"{where}: other writers kept changing the lake for {_PATIENCE_SECONDS:.0f} s; try again when they are done")


def write_rows(table: Table, rows: pa.Table) -> list[DataFile]:
    """Write `rows` (the stored columns, in order) as Parquet files beside `table`, one for each day if it is partitioned."""
    if not rows.num_rows:
        return []
    rows = rows.cast(file_schema(table, rows.schema))
    if table.spec().is_unpartitioned():
        return [_write_file(table, rows, None)]
    days = np.floor_divide(rows["started_at"].cast(pa.int64()).to_numpy(), DAY)
    if np.any(days[1:] < days[:-1]):
        order = np.argsort(days, kind="stable")
        rows, days = rows.take(order), days[order]
    starts = np.flatnonzero(np.concatenate([[True], days[1:] != days[:-1]]))
    ends = np.append(starts[1:], days.size)
    return [_write_file(table, rows.slice(int(start), int(end - start)), int(days[start])) for start, end in zip(starts, ends, strict=True)]


def laid_out(rows: pa.Table) -> pa.Table:
    """Interactions as files that are written once for long hold them: row groups in order of time, within each by account, then by time.

    Rows must be of one day, which is one file. What an account's calls repeat (its networks, its client, the messages of a conversation)
    lies together so: see docs/decisions/0017-rows-by-account.md. Whoever folds them puts a row group in order of time again.
    """
    in_time = pc.sort_indices(rows, sort_keys=[("started_at", "ascending"), ("interaction_id", "ascending")])
    groups = pa.array(np.arange(rows.num_rows) // _ROW_GROUP)
    keys = pa.table({"group": groups, "account": rows["account_id"].take(in_time)})
    return rows.take(in_time.take(pc.sort_indices(keys, sort_keys=[("group", "ascending"), ("account", "ascending")])))


def discard(table: Table, files: Iterable[DataFile]) -> None:
    """Remove files that no snapshot names. One that cannot be removed is an orphan, which is harmless."""
    for file in files:
        try:
            table.io.delete(file.file_path)
        except Exception:  # noqa: S112 - the commit's own outcome is what the caller must hear about
            continue


def append_files(table: Table, files: list[DataFile], properties: dict[str, str] | None = None) -> int:
    """Commit `files` on top of the snapshot that `table` shows. Returns the new snapshot's id.

    Raises:
        MovedError: somebody committed in between; `files` are still there.
    """
    transaction = table.transaction()
    with transaction.update_snapshot(snapshot_properties={CHANGE: "append"} | (properties or {})).merge_append() as producer:
        for file in files:
            producer.append_data_file(file)
    return _commit(table, transaction, producer.snapshot_id)


def replace_files(
    table: Table, removed: Iterable[DataFile], added: Iterable[DataFile], change: str, properties: dict[str, str] | None = None
) -> int:
    """Commit a snapshot without `removed` and with `added`. Returns its id.

    Raises:
        MovedError: somebody committed in between, or a removed file is no longer in the table; `added` are still there.
    """
    transaction = table.transaction()
    try:
        with transaction.update_snapshot(snapshot_properties={CHANGE: change} | (properties or {})).overwrite() as producer:
            for file in removed:
                producer.delete_data_file(file)
            for file in added:
                producer.append_data_file(file)
    except ValidationException as error:
        raise MovedError from error
    return _commit(table, transaction, producer.snapshot_id)


def data_files(table: Table) -> list[DataFile]:
    """The data files of the snapshot that `table` shows."""
    return [task.file for task in table.scan().plan_files()]


def _commit(table: Table, transaction: object, snapshot_id: int) -> int:
    try:
        transaction.commit_transaction()  # type: ignore[attr-defined]
    except (CommitFailedException, ValidationException) as error:
        raise MovedError from error
    except Exception as error:
        # The catalog failed while answering: only looking tells whether the commit is there.
        try:
            landed = table.refresh().metadata.snapshot_by_id(snapshot_id) is not None
        except Exception:
            raise error from None
        if landed:
            return snapshot_id
        if is_locked(error):
            raise MovedError from error
        raise
    return snapshot_id


def _write_file(table: Table, rows: pa.Table, day: int | None) -> DataFile:
    name = f"{uuid.uuid4()}.parquet"
    path = day_path(table, day, name) if day is not None else table.location_provider().new_data_location(name)
    with table.io.new_output(path).create() as sink, parquet_writer(sink, rows.schema) as writer:
        writer.write_table(rows, row_group_size=_ROW_GROUP)
    return parquet_file_to_data_file(table.io, table.metadata, path)


def day_path(table: Table, day: int, name: str) -> str:
    """Where a file of one day's rows belongs in a table that is partitioned by day."""
    field = table.spec().fields[0]
    key = PartitionKey(field_values=[PartitionFieldValue(field=field, value=day)], partition_spec=table.spec(), schema=table.schema())
    return table.location_provider().new_data_location(name, key)


def parquet_writer(sink: OutputStream, schema: pa.Schema, *, bulk: bool = False) -> pq.ParquetWriter:
    """The way in which the lake writes Parquet.

    For `bulk`, strings may come as dictionaries (and are strings when they are read), and only moments get bounds: those of strings take a
    third of all time, and in order of time they rule out nothing.
    """
    return pq.ParquetWriter(
        sink,  # type: ignore[arg-type]
        schema,
        compression="zstd",
        compression_level={leaf: (2 if bulk else 3) if leaf.startswith("sketch") else 1 for leaf in (_leaf(field) for field in schema)},
        use_dictionary=[  # type: ignore[arg-type]
            _leaf(field) for field in schema if field.name not in _NO_DICTIONARY
        ],
        column_encoding={field.name: _ENCODINGS[field.name] for field in schema if field.name in _ENCODINGS},
        data_page_size=_BULK_PAGE if bulk else None,
        dictionary_pagesize_limit=_DICTIONARY_BYTES,
        write_statistics=[
            field.name for field in schema if (pa.types.is_timestamp(field.type) if bulk else not pa.types.is_list(field.type))
        ],
        store_schema=not bulk,
    )


def _leaf(field: pa.Field[Any]) -> str:
    """The column of a Parquet file that holds a field's values."""
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name


def file_schema(table: Table, schema: pa.Schema) -> pa.Schema:
    """`schema` with the table's field ids, by which other readers of Iceberg find columns."""
    fields = []
    for field in schema:
        iceberg = table.schema().find_field(field.name)
        kind = field.type
        if isinstance(iceberg.field_type, ListType):
            kind = pa.list_(pa.field("element", kind.value_type, metadata={"PARQUET:field_id": str(iceberg.field_type.element_id)}))
        fields.append(pa.field(field.name, kind, metadata={"PARQUET:field_id": str(iceberg.field_id)}))
    return pa.schema(fields)


def conform(rows: pa.Table, schema: pa.Schema, required: Iterable[str], where: str) -> pa.Table:
    """`rows` with exactly the columns of `schema`: missing ones null, dictionaries decoded, types cast.

    Raises:
        ValueError: a column has a type that cannot become the schema's, or a required one has nulls: a defect of the caller.
    """
    columns = []
    for field in schema:
        if field.name not in rows.column_names:
            columns.append(pa.chunked_array([pa.nulls(rows.num_rows, field.type)]))
            continue
        column: pa.ChunkedArray[Any] = rows[field.name]
        if pa.types.is_timestamp(column.type) and column.type.tz is None:
            column = column.cast(pa.timestamp(column.type.unit, "UTC"))
        columns.append(column if column.type == field.type else column.cast(field.type))
    conformed = pa.table(columns, schema=schema)
    for name in required:
        if conformed[name].null_count:
            raise ValueError(f"{where}: {conformed[name].null_count} rows without {name} reached the lake")
    return conformed
