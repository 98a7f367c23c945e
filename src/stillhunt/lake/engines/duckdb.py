"""DuckDB, embedded: the engine for one machine.

Lake tables are read as the Parquet files that their snapshot names, never through DuckDB's Iceberg extension: extensions
are fetched at run time, and this process fetches nothing. Relations live in a database file in a private temporary folder,
so that memory stays below the limit whatever their size.
"""

# ruff: noqa: D102 - the seam says what each method means

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from stillhunt.errors import StillhuntError
from stillhunt.lake.engine import Dialect, Engine, Partition
from stillhunt.lake.faults import SnapshotGoneError
from stillhunt.lake.table import LakeTable

_BATCH_ROWS = 65_536
_MICROSECONDS_IN_HOUR = 3_600_000_000
_MICROSECONDS_IN_DAY = 24 * _MICROSECONDS_IN_HOUR


def open_engine(*, memory_limit: str = "1GiB", threads: int | None = None, folder: str | Path | None = None) -> DuckDB:
    """Open a DuckDB engine of its own.

    Args:
        memory_limit: memory for data, as DuckDB spells it; beyond it DuckDB goes to disk.
        threads: as many as the machine has processors if not said.
        folder: where the temporary folder goes; the system's choice if not said.
    """
    return DuckDB(memory_limit=memory_limit, threads=threads or os.cpu_count() or 1, folder=folder)


class DuckDBDialect(Dialect):
    """DuckDB's spelling."""

    def epoch_us(self, timestamp: str) -> str:
        return f"epoch_us({timestamp})"

    def from_epoch_us(self, microseconds: str) -> str:
        return f"make_timestamptz({microseconds})"

    def hour_utc(self, timestamp: str) -> str:
        # Modulo keeps the sign, and the zone of the session must not matter.
        hours = f"CAST(floor(epoch_us({timestamp}) / {_MICROSECONDS_IN_HOUR}) AS BIGINT)"
        return f"CAST((({hours} % 24) + 24) % 24 AS INTEGER)"

    def day_utc(self, timestamp: str) -> str:
        return f"CAST(floor(epoch_us({timestamp}) / {_MICROSECONDS_IN_DAY}) AS INTEGER)"

    def explode(self, relation: str, column: str, alias: str, keep: list[str]) -> str:
        return f"SELECT {''.join(f'{name}, ' for name in keep)}unnest({column}) AS {alias} FROM {relation}"

    def quantile(self, expression: str, q: float) -> str:
        return f"quantile_cont(CAST({expression} AS DOUBLE), {q!r})"

    def collect(self, expression: str) -> str:
        return f"COALESCE(list_sort(list(DISTINCT {expression}) FILTER (WHERE {expression} IS NOT NULL)), [])"

    def list_length(self, expression: str) -> str:
        return f"CAST(len({expression}) AS INTEGER)"

    def list_distinct(self, expression: str) -> str:
        return f"list_sort(list_distinct({expression}))"

    def list_contains(self, expression: str, element: str) -> str:
        return f"list_contains({expression}, {element})"

    def list_overlap(self, left: str, right: str) -> str:
        # The intersection with a null list is empty here, which would say that the lists were looked at.
        size = f"CAST(len(list_distinct(list_intersect({left}, {right}))) AS INTEGER)"
        return f"CASE WHEN {left} IS NOT NULL AND {right} IS NOT NULL THEN {size} END"

    def extract(self, expression: str, pattern: str, group: int) -> str:
        # Of a null DuckDB extracts '', which would be a value.
        return f"CASE WHEN {expression} IS NOT NULL THEN regexp_extract({expression}, {self.text(pattern)}, {int(group)}) END"

    def replace_all(self, expression: str, pattern: str, replacement: str) -> str:
        return f"regexp_replace({expression}, {self.text(pattern)}, {self.text(replacement)}, 'g')"

    def matches(self, expression: str, pattern: str) -> str:
        return f"regexp_matches({expression}, {self.text(pattern)})"

    def hash64(self, expression: str) -> str:
        return f"CAST('0x' || substr(md5({expression}), 1, 15) AS BIGINT)"

    def text(self, value: str) -> str:
        return "'" + value.replace("'", "''") + "'"


class DuckDB(Engine):
    """An embedded DuckDB with its own temporary database."""

    name = "duckdb"
    dialect = DuckDBDialect()

    def __init__(self, *, memory_limit: str, threads: int, folder: str | Path | None) -> None:
        with _spoken():
            self._folder = tempfile.TemporaryDirectory(prefix="stillhunt-", dir=folder, ignore_cleanup_errors=True)
            spill = Path(self._folder.name) / "spill"
            self._connection = duckdb.connect(
                str(Path(self._folder.name) / "engine.duckdb"),
                config={
                    "autoinstall_known_extensions": "false",
                    "autoload_known_extensions": "false",
                    "allow_community_extensions": "false",
                    "memory_limit": memory_limit,
                    "threads": str(threads),
                    "temp_directory": str(spill),
                    "preserve_insertion_order": "false",
                },
            )
            self._connection.execute("SET TimeZone = 'UTC'")
            self._connection.execute("SET enable_progress_bar = false")
            # A name that is no relation must be an error, not whatever variable of ours has that name.
            self._connection.execute("SET python_enable_replacements = false")

    def close(self) -> None:
        self._connection.close()
        self._folder.cleanup()

    def _attach_arrow(self, name: str, table: pa.Table) -> None:
        self._load(name, table)

    def _attach_lake(self, name: str, table: LakeTable) -> None:
        files = table.files()
        if files is None:
            self._load(name, pa.RecordBatchReader.from_batches(table.schema, table.batches()))
        elif not files:
            self._load(name, table.schema.empty_table())
        else:
            self._view(name, files, table)

    def _load(self, name: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        self._connection.register("arriving", rows)
        try:
            self._materialise(name, "SELECT * FROM arriving")
        finally:
            self._connection.unregister("arriving")

    def _view(self, name: str, files: list[str], table: LakeTable) -> None:
        # Files written before a column existed lack it; looking into each file costs, so only when that can be.
        source = (
            f"read_parquet([{', '.join(map(self.dialect.text, files))}], union_by_name = {not table.uniform}, hive_partitioning = false)"
        )
        with _spoken():
            present = {row[0] for row in self._connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
            columns = [
                f"CAST({_quoted(field.name) if field.name in present else 'NULL'} AS {_sql_type(field.type)}) AS {_quoted(field.name)}"
                for field in table.schema
            ]
            self._drop(name)
            self._connection.execute(f"CREATE VIEW {_quoted(name)} AS SELECT {', '.join(columns)} FROM {source}")

    def _materialise(self, name: str, sql: str) -> int:
        with _spoken():
            # Built beside and then renamed: the query may read what it replaces.
            self._connection.execute(f"CREATE OR REPLACE TABLE _next AS {sql}")
            self._drop(name)
            self._connection.execute(f"ALTER TABLE _next RENAME TO {_quoted(name)}")
            # Fetched to the end: an unfinished result keeps the connection from whatever comes next.
            return int(self._connection.execute(f"SELECT count(*) FROM {_quoted(name)}").fetchall()[0][0])

    def _fetch(self, sql: str) -> pa.Table:
        with _spoken():
            rows: pa.Table = self._connection.sql(sql).to_arrow_table()
        return rows

    def _grouped(self, sql: str, keys: Sequence[str], order: Sequence[str], function: Partition, schema: pa.Schema) -> pa.Table:
        # One call meets all rows: the order is what bounds memory, and sorting goes to disk by itself.
        sorting = f" ORDER BY {', '.join(f'{_quoted(name)} NULLS FIRST' for name in order)}" if order else ""
        with _spoken():
            rows = self._connection.sql(f"SELECT * FROM ({sql}){sorting}").to_arrow_reader(_BATCH_ROWS)
            assert rows is not None
            try:
                found = [batch.select(schema.names).cast(schema) for batch in function(iter(rows))]
            finally:
                rows.close()
        return pa.Table.from_batches(found, schema)

    def _drop(self, name: str) -> None:
        kinds = self._connection.execute(
            "SELECT table_type FROM information_schema.tables WHERE table_name = ? AND table_schema = 'main'", [name]
        ).fetchall()
        for (kind,) in kinds:
            self._connection.execute(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} {_quoted(name)}")


@contextmanager
def _spoken() -> Iterator[None]:
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise StillhuntError(
            f"the query needs more memory or temporary disk than allowed; raise the memory limit ({_line(error)})"
        ) from error
    except duckdb.IOException as error:
        if "No files found" in str(error) or "No such file" in str(error):
            raise SnapshotGoneError("a file of the lake is missing: its snapshot has expired; scan again") from error
        raise StillhuntError(f"reading or spilling to disk failed; check space and permissions ({_line(error)})") from error


def _line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_SQL_TYPES: dict[Any, str] = {
    pa.string(): "VARCHAR",
    pa.large_string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
}


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"{_sql_type(kind.value_type)}[]"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP WITH TIME ZONE"
    return _SQL_TYPES[kind]
