"""Join a gateway's log (who called, from where, with what) with a content log (what was said) on the request id.

Out comes one canonical file that `ingest` reads. A call that both logs hold becomes one row; every other row that says
whose it is stays as it is. Memory is bounded: both sides are written out as Parquet, and DuckDB joins them on disk.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from stillhunt.errors import InputError
from stillhunt.intake.formats import Context
from stillhunt.intake.framing import blocks
from stillhunt.intake.opening import open_source, walk
from stillhunt.intake.registry import by_name, guess, unknown
from stillhunt.intake.rows import INTAKE_TABLES, index_block, read_tables
from stillhunt.records import CANONICAL_INTERACTIONS, INTAKE_INTERACTIONS

GATEWAY_WINS = frozenset(
    (
        *("interaction_id", "started_at", "ended_at", "account_id", "organization_id", "key_id", "end_user_id", "surface"),
        *("http_status", "error_type", "client_ip", "user_agent", "client_headers", "tls_ja4"),
    )
)
"""Columns in which the gateway's log is believed: identity, network, client, status, time. In all others (model, tokens,
parameters, text) the content log is. A null on one side is filled from the other."""

CROWDED = 64
"""An id that more calls than this carry on one side names something else (a session, a trace), and matches nothing."""

_MEMORY = "768MB"
_BATCH_ROWS = 4096
_SIDE = INTAKE_INTERACTIONS.append(pa.field("_request_ids", pa.list_(pa.string())))


@dataclass
class JoinReport:
    """What became of the rows of both sides. Rows in the output: matched + only_left + only_right."""

    matched: int = 0  # content rows that found their gateway row
    only_left: int = 0  # gateway rows without content: in the output, without text
    only_right: int = 0  # content rows without gateway row that say themselves whose they are: in the output
    left_out: int = 0  # rows without account on either side: nobody knows whose they are
    repeated_left: int = 0  # gateway rows with an interaction_id seen before: kept once
    repeated_right: int = 0  # content rows likewise
    retried: int = 0  # matched content rows whose gateway row had a better match already: kept, with its identity
    crowded: int = 0  # ids that too many calls share to say which is which
    quarantined: Counter[str] = field(default_factory=Counter)  # rows of either side that could not be read, by reason

    @property
    def rows(self) -> int:
        """Rows in the output."""
        return self.matched + self.only_left + self.only_right


def join(
    gateway: Sequence[Path],
    content: Sequence[Path],
    output: Path,
    *,
    gateway_format: str | None = None,
    content_format: str | None = None,
) -> JoinReport:
    """Write the joined calls to `output`, Parquet or JSON lines by its suffix, in one step and readable by its owner only.

    Two rows match when one's interaction_id or alternative id (row key `_request_ids`) is one of the other's. Where
    several do, the same interaction_id goes first, then the nearest time. Accounts are not calls: ingest the gateway's log
    too if it holds some; its calls are then found to be there already.

    Raises:
        InputError: a side cannot be read to its end, or `output` not written. Nothing is left behind.

    """
    write = _writer(output)
    report = JoinReport()
    with tempfile.TemporaryDirectory(prefix="stillhunt-join-") as scratch:
        sides = []
        for name, paths, form in (("gateway", gateway, gateway_format), ("content", content, content_format)):
            side = Path(scratch) / f"{name}.parquet"
            _read_side(paths, form, side, report)
            sides.append(side)
        with duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": scratch, "preserve_insertion_order": False}) as database:
            _match(database, sides, report)
            _replace(output, lambda file: write(file, _joined(database)))
    return report


# --------------------------------------------------------------------------------------------------------------------
# One side


def _read_side(paths: Sequence[Path], name: str | None, side: Path, report: JoinReport) -> None:
    chosen = by_name(name) if name is not None else None
    opened = []
    for path, named in walk(list(paths)):
        try:
            source = open_source(path)
            form = chosen or guess(source.sample)[0]
            if form is None:
                raise unknown(str(path))
        except InputError:
            if named:
                raise
            continue
        opened.append((source, form))
    if not opened:
        raise InputError(f"{', '.join(map(str, paths)) or 'nothing'}: no logs found. Give files, or a folder that holds some.")
    contexts = {form.name: Context(keep_text=True, account_optional=True) for _, form in opened}
    for source, form in opened:
        contexts[form.name].base = str(source.path.parent)
        if form.two_pass:
            for block in blocks(source):
                index_block(block, form, contexts[form.name])
    names = [*CANONICAL_INTERACTIONS.names, "_request_ids"]
    schema = pa.schema([_SIDE.field(column) for column in names])
    with pq.ParquetWriter(side, schema, compression="zstd", compression_level=1) as writer:
        for source, form in opened:
            context = contexts[form.name]
            context.base = str(source.path.parent)
            for block in blocks(source):
                batch, tables = read_tables(block, form, context, {**INTAKE_TABLES, "interactions": _SIDE})
                report.quarantined.update(bad.reason for bad in batch.bad)
                if "interactions" in tables:
                    writer.write_table(tables["interactions"].select(names), row_group_size=_BATCH_ROWS)


# --------------------------------------------------------------------------------------------------------------------
# The match, on ids alone; then the rows


def _match(database: duckdb.DuckDBPyConnection, sides: list[Path], report: JoinReport) -> None:
    def run(sql: str, parameters: list[str] | None = None) -> list[Any]:
        return database.execute(sql, parameters).fetchall()

    run("SET TimeZone = 'UTC'")
    for side, path in zip("lr", sides, strict=True):
        run(
            f"""CREATE TEMP TABLE {side} AS
            SELECT file_row_number AS n, interaction_id AS id, epoch_us(started_at) AS at,
                account_id IS NOT NULL AS known, _request_ids AS ids
            FROM read_parquet($1, file_row_number = true)
            QUALIFY row_number() OVER (PARTITION BY interaction_id ORDER BY file_row_number) = 1""",
            [str(path)],
        )
        run(f"CREATE VIEW {side}_rows AS SELECT * FROM read_parquet('{str(path).replace(chr(39), chr(39) * 2)}', file_row_number = true)")
        run(
            f"""CREATE TEMP TABLE {side}_keys AS
            SELECT DISTINCT n, key FROM (SELECT n, id AS key FROM {side} UNION ALL SELECT n, unnest(ids) AS key FROM {side})
            WHERE key IS NOT NULL"""
        )
        run(f"CREATE TEMP TABLE {side}_crowded AS SELECT key FROM {side}_keys GROUP BY key HAVING count(*) > {CROWDED}")
    run(
        """CREATE TEMP TABLE pairs AS
        WITH met AS (
            SELECT DISTINCT a.n AS ln, b.n AS rn FROM l_keys a JOIN r_keys b USING (key)
            WHERE key NOT IN (SELECT key FROM l_crowded) AND key NOT IN (SELECT key FROM r_crowded)
        ), ranked AS (
            SELECT ln, rn, l.id = r.id AS same, abs(l.at - r.at) AS apart FROM met JOIN l ON l.n = ln JOIN r ON r.n = rn
        ), chosen AS (
            SELECT * FROM ranked QUALIFY row_number() OVER (PARTITION BY rn ORDER BY same DESC, apart, ln) = 1
        )
        SELECT ln, rn, row_number() OVER (PARTITION BY ln ORDER BY same DESC, apart, rn) = 1 AS first FROM chosen"""
    )
    run(
        """CREATE TEMP TABLE plan AS
        SELECT ln, rn, first FROM pairs JOIN l ON l.n = ln JOIN r ON r.n = rn WHERE l.known OR r.known
        UNION ALL SELECT n, NULL, true FROM l WHERE known AND n NOT IN (SELECT ln FROM pairs)
        UNION ALL SELECT NULL, n, false FROM r WHERE known AND n NOT IN (SELECT rn FROM pairs)"""
    )

    def number(sql: str) -> int:
        return int(run(sql)[0][0])

    report.matched = number("SELECT count(*) FROM plan WHERE ln IS NOT NULL AND rn IS NOT NULL")
    report.retried = number("SELECT count(*) FROM plan WHERE ln IS NOT NULL AND NOT first")
    report.only_left = number("SELECT count(*) FROM plan WHERE rn IS NULL")
    report.only_right = number("SELECT count(*) FROM plan WHERE ln IS NULL")
    report.repeated_left = number("SELECT (SELECT count(*) FROM l_rows) - (SELECT count(*) FROM l)")
    report.repeated_right = number("SELECT (SELECT count(*) FROM r_rows) - (SELECT count(*) FROM r)")
    report.crowded = number("SELECT count(*) FROM (FROM l_crowded UNION FROM r_crowded)")
    report.left_out = number("SELECT (SELECT count(*) FROM l) + (SELECT count(*) FROM r)") - number(
        "SELECT count(DISTINCT ln) + count(DISTINCT rn) FROM plan"
    )


def _joined(database: duckdb.DuckDBPyConnection) -> Iterator[pa.Table]:
    columns = []
    for name in CANONICAL_INTERACTIONS.names:
        first, second = ("l", "r") if name in GATEWAY_WINS else ("r", "l")
        value = f"coalesce({first}_rows.{name}, {second}_rows.{name})"
        if name == "interaction_id":
            # A second content row of one gateway row is a call of its own, and keeps its own id.
            value = f"CASE WHEN first THEN {value} ELSE r_rows.{name} END"
        columns.append(f"epoch_us({value}) AS {name}" if name in ("started_at", "ended_at") else f"{value} AS {name}")
    reader = database.sql(
        f"""SELECT {", ".join(columns)} FROM plan
        LEFT JOIN l_rows ON l_rows.file_row_number = plan.ln
        LEFT JOIN r_rows ON r_rows.file_row_number = plan.rn
        ORDER BY started_at, interaction_id"""
    ).to_arrow_reader(_BATCH_ROWS)
    assert reader is not None
    for batch in reader:
        yield pa.Table.from_batches([batch]).cast(CANONICAL_INTERACTIONS)


# --------------------------------------------------------------------------------------------------------------------
# Output

_Write = Callable[[Any, Iterator[pa.Table]], None]


def _writer(output: Path) -> _Write:
    suffix = output.suffix.lower()
    if suffix == ".parquet":
        return _write_parquet
    if suffix in (".jsonl", ".ndjson"):
        return _write_lines
    raise InputError(f"{output}: the suffix says how to write it, and this one does not. Name it .parquet or .jsonl.")


def _write_parquet(file: Any, tables: Iterator[pa.Table]) -> None:
    with pq.ParquetWriter(file, CANONICAL_INTERACTIONS, compression="zstd", compression_level=1) as writer:
        for table in tables:
            writer.write_table(table)


def _write_lines(file: Any, tables: Iterator[pa.Table]) -> None:
    for table in tables:
        for row in table.to_pylist():
            present = {name: value for name, value in row.items() if value is not None}
            file.write(orjson.dumps(present, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))


def _replace(output: Path, write: Callable[[Any], None]) -> None:
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror}). Check the folder.") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(output)
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror}). Make room, or name another place.") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
