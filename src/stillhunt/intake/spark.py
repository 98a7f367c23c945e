"""Raw logs to interactions inside Spark: each worker reads and fingerprints its own lines, and text goes no further than that worker.

In: a DataFrame with one JSON record a row. Out: DataFrames with the lake's columns, and what could not be read. It is the same reading as
`pipeline` does here (`rows.read_block`, so the same formats and the same fingerprints), through Arrow. May import: records, errors and its
neighbours in intake; pyspark, from the extra `spark`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from stillhunt.errors import InputError
from stillhunt.intake.appending import Appender, LakeLike
from stillhunt.intake.envelopes import value_of_line
from stillhunt.intake.fingerprint import Fingerprinter
from stillhunt.intake.formats import Context, Format, Sample
from stillhunt.intake.framing import BLOCK_BYTES, Block
from stillhunt.intake.opening import sampled
from stillhunt.intake.quarantine import Bad, Quarantine
from stillhunt.intake.registry import by_name, guess, unknown
from stillhunt.intake.report import IngestReport, SourceReport
from stillhunt.intake.rows import Batch, read_block
from stillhunt.records import ACCOUNTS, ENTITLEMENTS, INTERACTIONS, PHRASES, TEXTS

_REFUSED: list[tuple[str, pa.DataType]] = [("source", pa.string()), ("reason", pa.string()), ("record", pa.binary())]
QUARANTINE = pa.schema(_REFUSED)
"""What could not be read: where it came from, why (never with a value of the record), and the record as it was."""

SAMPLE = 20
"""Records that are looked at to guess a format."""

_ROWS = 8_192
"""Rows handed back to Spark at a time."""

_TABLES = {
    "interactions": INTERACTIONS,
    "accounts": ACCOUNTS,
    "entitlements": ENTITLEMENTS,
    "phrases": PHRASES,
    "texts": TEXTS,
    "quarantine": QUARANTINE,
}


def _struct(schema: pa.Schema) -> pa.StructType:
    return pa.struct([pa.field(f.name, pa.string() if pa.types.is_large_string(f.type) else f.type) for f in schema])


_PARTS = pa.schema([pa.field(name, _struct(schema)) for name, schema in _TABLES.items()])


@dataclass
class Fingerprinted:
    """What became of raw logs. Spark reads them when one of the tables is first asked for, and keeps what it read until `close`.

    Attributes:
        parts: one row for each row of any table: a struct in that table's column, null in the others.
        format: the name of the format.
    """

    parts: DataFrame
    format: str
    _key: Any = field(repr=False)

    @property
    def interactions(self) -> DataFrame:
        """`records.INTERACTIONS`, calls as often as the logs have them: the lake drops what it knows."""
        return self.table("interactions")

    @property
    def accounts(self) -> DataFrame:
        """`records.ACCOUNTS`, as often as records tell of one."""
        return self.table("accounts")

    @property
    def quarantine(self) -> DataFrame:
        """`QUARANTINE`. Its records are what the log held: for the provider alone."""
        return self.table("quarantine")

    def table(self, name: str) -> DataFrame:
        """One of interactions, accounts, entitlements, phrases, texts and quarantine."""
        return self.parts.where(f"{name} IS NOT NULL").select(f"{name}.*")

    def close(self) -> None:
        """Let go of what was read, and of the key on Spark's machines."""
        self.parts.unpersist()
        if hasattr(self._key, "destroy"):
            self._key.destroy()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Secret:
    """The key of the pseudonyms, on its way to workers: whatever shows it shows nothing."""

    def __init__(self, key: bytes) -> None:
        self.key = key

    def __repr__(self) -> str:
        return "<pseudonym key>"


def fingerprinted(lines: DataFrame, key: bytes, *, format: str | None = None, keep_text: bool = False) -> Fingerprinted:  # noqa: A002
    """Read raw logs inside Spark.

    Args:
        lines: `value`, text or binary: one JSON record a row, as `spark.read.text` gives them; and `source`, text, if it is there: where
            a line came from, for the quarantine. All of one format.
        key: of the pseudonyms, the lake's own (`Lake.key`): equal values must get equal pseudonyms.
        format: the format's name; guessed from the first records if None.
        keep_text: whether `texts` is filled.

    Raises:
        InputError: there are no records, their format is unknown, or it is one whose records need one another: those are read by
            `stillhunt ingest`, which sees all of them twice.
    """
    form = by_name(format) if format is not None else _guessed(lines)
    if form.two_pass:
        raise InputError(
            f"{form.name}: a record of this format needs what stands in others, which may lie on another of Spark's machines; "
            "read these logs with `stillhunt ingest`"
        )
    name = form.name
    secret = Secret(key)
    context = getattr(lines.sparkSession, "sparkContext", None) if isinstance(lines.sparkSession, SparkSession) else None
    shared: Any = context.broadcast(secret) if context is not None else None

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found: Secret = shared.value if shared is not None else secret
        return read_batches(batches, name, found.key, keep_text=keep_text)

    columns = [column for column in ("value", "source") if column in lines.columns]
    parts = lines.select(*columns).mapInArrow(read, from_arrow_schema(_PARTS))
    return Fingerprinted(parts.persist(StorageLevel.MEMORY_AND_DISK), name, shared)


def _guessed(lines: DataFrame) -> Format:
    first = [
        bytes(row["value"] or b"") if not isinstance(row["value"], str) else row["value"].encode() for row in lines.limit(SAMPLE).collect()
    ]
    records = sampled(map(value_of_line, first))
    if not first:
        raise InputError("no records: there is nothing to read in these logs")
    found, _ = guess(Sample("lines", "lines", records)) if records else (None, 0.0)
    if found is None:
        raise unknown("the given lines")
    return found


_fingerprinters: dict[bytes, Fingerprinter] = {}
"""One for each key and process: a phrase is told when ten accounts have sent it, and a process reads many partitions."""


def read_batches(batches: Iterator[pa.RecordBatch], format: str, key: bytes, *, keep_text: bool) -> Iterator[pa.RecordBatch]:  # noqa: A002
    """What one worker does: batches of `value` (and `source`) in, batches of `Fingerprinted.parts` out."""
    fingerprints = _fingerprinters.setdefault(key, Fingerprinter(key))
    # No record may make a worker read files of its machine: what records refer to is looked for where nothing lies.
    context = Context(base=os.devnull, keep_text=keep_text)
    form = by_name(format)
    for batch in batches:
        for source, data in _blocks(batch):
            yield from _parts(read_block(Block(source, "lines", data), form, context, fingerprints), source)


def _blocks(batch: pa.RecordBatch) -> Iterator[tuple[str, bytes]]:
    """Lines of one source, up to about `BLOCK_BYTES` at a time. A record is one line here, wherever it was broken before."""
    values = batch.column("value").cast(pa.binary())
    names = batch.column("source").to_pylist() if "source" in batch.schema.names else [None] * batch.num_rows
    gathered: list[bytes] = []
    size, source = 0, ""
    for value, name in zip(values.to_pylist(), (str(name or "") for name in names), strict=True):
        if gathered and (name != source or size >= BLOCK_BYTES):
            yield source, b"\n".join(gathered)
            gathered, size = [], 0
        source = name
        if value is not None:
            gathered.append(value.replace(b"\n", b" "))
            size += len(value)
    if gathered:
        yield source, b"\n".join(gathered)


def _parts(batch: Batch, source: str) -> Iterator[pa.RecordBatch]:
    tables = dict(batch.tables)
    if batch.bad:
        rows = [{"source": source, "reason": bad.reason, "record": bad.row} for bad in batch.bad]
        tables["quarantine"] = pa.Table.from_pylist(rows, QUARANTINE)
    for name, table in tables.items():
        assert isinstance(table, pa.Table)
        kind = _PARTS.field(name).type
        for part in table.to_batches(max_chunksize=_ROWS):
            struct = pa.StructArray.from_arrays([part.column(f.name).cast(f.type) for f in kind], fields=list(kind))
            columns = [struct if field.name == name else pa.nulls(len(struct), field.type) for field in _PARTS]
            yield pa.RecordBatch.from_arrays(columns, schema=_PARTS)


def land(read: Fingerprinted, lake: LakeLike, folder: Path, *, quarantine: Path | None = None) -> IngestReport:
    """Bring what was read into a lake of ours: Spark writes it into a folder, this process appends it, the folder is emptied.

    Idempotent on interaction_id, as every ingest: whoever was interrupted repeats it. A lake in an Iceberg catalog that Spark knows can
    be written by Spark itself, if nobody appends the same calls twice (docs/scale.md).

    Args:
        read: what `fingerprinted` gave.
        lake: takes the rows.
        folder: seen by Spark's machines and this one under the same path, and written there by the same user: what lies in it for a while
            holds what the quarantine holds, and text if it is kept.
        quarantine: as `pipeline.ingest` has it.

    Returns:
        The account of what was appended. Its `records` are the calls and the records that could not be read: others are not counted.
    """
    place = folder / f"stillhunt-{uuid4().hex}"
    place.mkdir(parents=True)
    place.chmod(0o700)
    report = SourceReport(str(folder), format=read.format)
    try:
        read.parts.write.parquet((place / "parts").resolve().as_uri())
        with Quarantine(quarantine) as aside, Appender(lake) as appender:
            for path in sorted(place.glob("parts/*.parquet")):
                with pq.ParquetFile(path) as file:
                    for rows in file.iter_batches():
                        _append(rows, report, appender, aside)
            appender.finish()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return IngestReport([report])


def _append(rows: pa.RecordBatch, report: SourceReport, appender: Appender, aside: Quarantine) -> None:
    batch = Batch()
    for name, schema in _TABLES.items():
        structs: Any = rows.column(name)
        structs = structs.filter(structs.is_valid())
        if not len(structs):
            continue
        table = pa.Table.from_arrays([part.cast(f.type) for part, f in zip(structs.flatten(), schema, strict=True)], schema=schema)
        if name == "quarantine":
            for bad in table.to_pylist():
                report.quarantined[bad["reason"]] += 1
                aside.add(bad["source"] or report.source, [Bad(0, bad["reason"], bad["record"])])
            continue
        batch.tables[name] = table
        batch.rows[name] = table.num_rows
    for name in ("interactions", "accounts", "entitlements"):
        setattr(report, name, getattr(report, name) + batch.rows.get(name, 0))
    report.records = report.interactions + report.quarantined.total()
    appender.add(report, batch)
