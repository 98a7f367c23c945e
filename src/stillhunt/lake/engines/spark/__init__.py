"""Apache Spark 4: the engine for more than one machine, and the same on one.

Lake tables are read as the Parquet files that their snapshot names, by Spark's own readers, or through an Iceberg catalog that
Spark knows. Relations are Parquet tables in a database with a name of its own, in Spark's warehouse or in a folder that is named; what the
engine made is gone when it is closed. Each engine has a session of its own, so that neither names nor settings meet others'.
"""

# ruff: noqa: D102 - the seam says what each method means

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException, PythonException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import NullType

from stillhunt.errors import StillhuntError
from stillhunt.lake.engine import Engine, Partition
from stillhunt.lake.engines.spark.dialect import SparkDialect
from stillhunt.lake.engines.spark.session import shared
from stillhunt.lake.faults import SnapshotGoneError
from stillhunt.lake.table import LakeTable

_SMALL = 4 << 20
"""Bytes of an Arrow table up to which it travels with each query. A larger one is written once."""

_LOAD = 64 << 20
"""Bytes that are sent at a time where rows have to go through this process."""


def open_engine(
    *,
    master: str | None = None,
    memory: str = "2g",
    options: Mapping[str, str] | None = None,
    folder: str | Path | None = None,
    iceberg: str | None = None,
) -> Spark:
    """Open an engine on the Spark of this process, which is started if there is none.

    Args:
        master: see `session.shared`: a Spark master or a Spark Connect server; this machine if not said anywhere.
        memory: the heap of a Spark on this machine.
        options: settings of Spark, for one that is started here.
        folder: where relations are written, as a path that all of Spark's machines have in common. If not said: Spark's setting
            `spark.stillhunt.folder`, or its warehouse.
        iceberg: the name under which Spark knows the lake's Iceberg catalog. If not said: Spark's setting `spark.stillhunt.iceberg`.
            Without it, the lake's files must be visible to all of Spark's machines under the same paths as here, and where a table lies
            in an object store its rows go through this process.

    Raises:
        StillhuntError: Spark cannot be started or reached.
    """
    return Spark(master=master, memory=memory, options=options, folder=folder, iceberg=iceberg)


class Spark(Engine):
    """A session on Spark with a database of its own."""

    name = "spark"
    dialect = SparkDialect()

    def __init__(
        self, *, master: str | None, memory: str, options: Mapping[str, str] | None, folder: str | Path | None, iceberg: str | None
    ) -> None:
        self._database = f"stillhunt_{uuid4().hex}"
        self._tables: dict[str, str] = {}
        self._made = 0
        with ExitStack() as stack:
            self.session: SparkSession = stack.enter_context(shared(master=master, memory=memory, options=options))
            with _spoken():
                self._iceberg = iceberg or self.session.conf.get("spark.stillhunt.iceberg", None)
                given = folder or self.session.conf.get("spark.stillhunt.folder", None)
                place = f" LOCATION {self.dialect.text(_uri(given) + '/' + self._database)}" if given else ""
                self.session.sql(f"CREATE DATABASE {self._database}{place}")
            stack.callback(self._clear)
            self._stack = stack.pop_all()

    def close(self) -> None:
        self._stack.close()

    def _clear(self) -> None:
        with suppress(PySparkException):  # a Spark that has died took it all with it
            self.session.sql(f"DROP DATABASE IF EXISTS {self._database} CASCADE")

    def _attach_arrow(self, name: str, table: pa.Table) -> None:
        rows = _sendable(table)
        with _spoken():
            frame = self.session.createDataFrame(rows)
            if rows.nbytes <= _SMALL:
                self._show(name, frame, None)
            else:
                self._store(name, frame)

    def _attach_lake(self, name: str, table: LakeTable) -> None:
        files = table.files()
        if self._iceberg is not None and table.snapshot_id is not None:
            with _spoken():
                found = self.session.read.option("snapshot-id", table.snapshot_id).table(f"{self._iceberg}.{table.identifier}")
                self._show(name, _columns(found, table.schema), None)
        elif files is None:
            self._load(name, table)
        elif not files:
            self._attach_arrow(name, table.schema.empty_table())
        else:
            with _spoken():
                # Told what columns there are, Spark reads those that a file lacks as nulls and looks into no file beforehand.
                schema = from_arrow_schema(_sent_schema(table.schema))
                self._show(name, self.session.read.schema(schema).parquet(*map(_literal, files)), None)

    def _load(self, name: str, table: LakeTable) -> None:
        """Send rows that Spark cannot read by itself through this process, a part at a time."""
        self._store(name, self.session.createDataFrame(_sendable(table.schema.empty_table())))
        for rows in _parts(table.batches()):
            with _spoken():
                self.session.createDataFrame(_sendable(rows)).write.mode("append").saveAsTable(self._tables[name])
        self._show(name, self.session.table(self._tables[name]), self._tables[name])

    def _materialise(self, name: str, sql: str) -> int:
        with _spoken():
            self._store(name, self.session.sql(sql))
            return int(self.session.table(self._tables[name]).count())

    def _fetch(self, sql: str) -> pa.Table:
        with _spoken():
            rows: pa.Table = self.session.sql(sql).toArrow()
        return rows

    def _grouped(self, sql: str, keys: Sequence[str], order: Sequence[str], function: Partition, schema: pa.Schema) -> pa.Table:
        def cast(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in function(batches):
                yield batch.select(schema.names).cast(schema)

        with _spoken():
            frame = self.session.sql(sql).repartition(*keys)
            if order:
                frame = frame.sortWithinPartitions(*order)
            rows: pa.Table = frame.mapInArrow(cast, from_arrow_schema(schema)).toArrow()
        return rows.cast(schema)

    def _store(self, name: str, frame: DataFrame) -> None:
        """Write `frame` down and show it as `name`; what had the name before may be read on the way and is dropped afterwards."""
        self._made += 1
        table = f"{self._database}.t{self._made}"
        _without_voids(frame).write.format("parquet").saveAsTable(table)
        self._show(name, self.session.table(table), table)

    def _show(self, name: str, frame: DataFrame, table: str | None) -> None:
        frame.createOrReplaceTempView(name)
        before = self._tables.pop(name, None)
        if table is not None:
            self._tables[name] = table
        if before is not None and before != table:
            self.session.sql(f"DROP TABLE {before}")


def _columns(frame: DataFrame, schema: pa.Schema) -> DataFrame:
    """The columns of `schema`; those that the frame lacks are null."""
    wanted = from_arrow_schema(_sent_schema(schema))
    present = set(frame.columns)
    return frame.select(*((sf.col(f.name) if f.name in present else sf.lit(None)).cast(f.dataType).alias(f.name) for f in wanted))


def _without_voids(frame: DataFrame) -> DataFrame:
    """A column of nothing but the literal NULL has no type that could be written; the seam reads it as text."""
    return frame.select(
        *(
            sf.col(_quoted(f.name)).cast("string").alias(f.name) if isinstance(f.dataType, NullType) else sf.col(_quoted(f.name))
            for f in frame.schema
        )
    )


def _sent_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(field.name, _sent(field.type)) for field in schema])


def _sent(kind: pa.DataType) -> pa.DataType:
    """The type in which Spark takes a column."""
    if pa.types.is_dictionary(kind):
        return _sent(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_sent(kind.value_type))
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz=kind.tz)
    return kind


def _sendable(table: pa.Table) -> pa.Table:
    return table.cast(_sent_schema(table.schema))


def _parts(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    gathered: list[pa.RecordBatch] = []
    for batch in batches:
        gathered.append(batch)
        if sum(part.nbytes for part in gathered) >= _LOAD:
            yield pa.Table.from_batches(gathered)
            gathered = []
    if gathered:
        yield pa.Table.from_batches(gathered)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _uri(folder: str | Path) -> str:
    text = str(folder).rstrip("/")
    return text if "://" in text else Path(text).resolve().as_uri()


def _literal(path: str) -> str:
    """A path of a file as Spark takes it literally: it reads brackets and stars as patterns."""
    return re.sub(r"([\\{}\[\]*?])", r"\\\1", path)


@contextmanager
def _spoken() -> Iterator[None]:
    try:
        yield
    except PythonException as error:
        raise StillhuntError(f"a step of ours failed on Spark ({_raised(str(error))})") from error
    except (PySparkException, Py4JJavaError) as error:
        text = str(error)
        if "FILE_NOT_EXIST" in text or "FileNotFoundException" in text or "PATH_NOT_FOUND" in text:
            raise SnapshotGoneError(
                "a file of the lake is missing: its snapshot has expired (scan again), or Spark's machines cannot see it (docs/scale.md)"
            ) from error
        if "OutOfMemoryError" in text or "No space left" in text:
            raise StillhuntError(
                "the query needs more memory or temporary disk than Spark has; give it more (see docs/scale.md)"
            ) from error
        if isinstance(error, Py4JJavaError):
            raise StillhuntError(f"Spark failed ({_raised(text)})") from error
        raise


def _raised(text: str) -> str:
    """What was raised, from a traceback of Python or Java: the last line that names it."""
    lines = [line.strip() for line in text.splitlines()]
    named = [line for line in lines if re.match(r"(Caused by: )?[\w.$]*(Error|Exception)\b", line)]
    return (named or lines or ["no reason given"])[-1].removeprefix("Caused by: ")[:200]
