"""A door for very many interactions that are known to be new: files are written by any number of processes, then committed as one.

`Lake.append_interactions` asks for each row whether the lake has it, which takes memory for every id. Whoever makes the rows (the range)
knows that they are new. Nothing here checks it: rows that are not new become duplicates.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import parquet_file_to_data_file

from stillhunt.lake.commits import MovedError, append_files, attempts, day_path, file_schema, parquet_writer
from stillhunt.lake.faults import spoken
from stillhunt.lake.opening import open_lake, stored_schema


class BulkFile:
    """One Parquet file of one day, written in order. It belongs to no snapshot until it is committed."""

    def __init__(self, path: str, writer: pq.ParquetWriter, schema: pa.Schema) -> None:
        self.path = path
        self.rows = 0
        self._writer = writer
        self._schema = schema

    def write(self, rows: pa.Table) -> None:
        """Add one row group: the columns of `records.INTERACTIONS`, of the file's day, laid out as by `commits.laid_out`.

        Strings may be dictionaries.
        """
        columns = []
        for field in self._schema:
            column = rows[field.name]
            if pa.types.is_list(field.type) and column.type != field.type:
                # names and numbers inside a list differ between Arrow and Iceberg; values do not
                column = column.cast(field.type)
            columns.append(column)
        fields = [
            pa.field(field.name, column.type if pa.types.is_dictionary(column.type) else field.type, metadata=field.metadata)
            for field, column in zip(self._schema, columns, strict=True)
        ]
        self._writer.write_table(pa.table(columns, schema=pa.schema(fields)), row_group_size=max(1, rows.num_rows))
        self.rows += rows.num_rows


class Bulk:
    """Bulk writing into the interactions of the lake at `location`.

    Raises:
        StillhuntError: there is no lake, or it cannot be reached.
    """

    def __init__(self, location: str | Path) -> None:
        self._opened = open_lake(location, create=False)

    def close(self) -> None:
        """Release the catalog's connections."""
        self._opened.catalog.close()

    @contextmanager
    def file(self, day: int, dictionaries: Sequence[str] = ()) -> Iterator[BulkFile]:
        """A new file for a UTC day (days since 1970); `dictionaries` are the columns that will come as such."""
        with spoken(self._opened.where):
            table = self._opened.load("interactions")
            stored = file_schema(table, stored_schema("interactions"))
            shown = pa.schema(
                [
                    pa.field(f.name, pa.dictionary(pa.int32(), f.type) if f.name in dictionaries else f.type, metadata=f.metadata)
                    for f in stored
                ]
            )
            path = day_path(table, day, f"{uuid.uuid4()}.parquet")
            with table.io.new_output(path).create() as sink, parquet_writer(sink, shown, bulk=True) as writer:
                yield BulkFile(path, writer, stored)

    def commit(self, paths: Sequence[str]) -> int:
        """Add finished files to the lake, all at once, in the order given. Returns the new snapshot's id.

        Raises:
            LakeBusyError: other writers kept winning.
        """
        with spoken(self._opened.where):
            table = self._opened.load("interactions")
            files = [parquet_file_to_data_file(table.io, table.metadata, path) for path in paths]
            for _ in attempts(self._opened.where):
                try:
                    return append_files(self._opened.load("interactions"), files)
                except MovedError:
                    continue
        raise AssertionError("attempts end with an error")
