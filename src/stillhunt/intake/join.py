"""Join a gateway's log (who called, from where, with what) with a content log (what was said) on the request id.

Out comes one canonical file that `ingest` reads. A call that both logs hold becomes one row; every other row that says
whose it is stays as it is. Memory is bounded: both sides are put into one SQLite file, which joins them on disk.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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

_CACHE_KIB = 256 << 10
"""What SQLite keeps in memory of its file, at most."""
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
    with (
        tempfile.TemporaryDirectory(prefix="stillhunt-join-") as scratch,
        contextlib.closing(_database(Path(scratch) / "join.sqlite")) as database,
    ):
        for side, paths, form in (("l", gateway, gateway_format), ("r", content, content_format)):
            _read_side(paths, form, database, side, report)
        _match(database, report)
        _replace(output, lambda file: write(file, _joined(database)))
    return report


# --------------------------------------------------------------------------------------------------------------------
# One side


def _database(file: Path) -> sqlite3.Connection:
    """A scratch file without a journal: whatever cuts a join off removes it whole."""
    database = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", f"cache_size = -{_CACHE_KIB}"):
        database.execute(f"PRAGMA {pragma}")
    return database


def _read_side(paths: Sequence[Path], name: str | None, database: sqlite3.Connection, side: str, report: JoinReport) -> None:
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
    names = CANONICAL_INTERACTIONS.names
    database.execute(f"CREATE TABLE {side}_rows (n INTEGER PRIMARY KEY, {', '.join(names)})")
    database.execute(f"CREATE TABLE {side}_ids (n INTEGER, key TEXT)")
    insert = f"INSERT INTO {side}_rows ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    number = 0
    for source, form in opened:
        context = contexts[form.name]
        context.base = str(source.path.parent)
        for block in blocks(source):
            batch, tables = read_tables(block, form, context, {**INTAKE_TABLES, "interactions": _SIDE})
            report.quarantined.update(bad.reason for bad in batch.bad)
            if "interactions" not in tables:
                continue
            table = tables["interactions"]
            columns = [_plain(table[column]).to_pylist() for column in names]
            also = table["_request_ids"].to_pylist()
            database.execute("BEGIN")
            database.executemany(insert, zip(*columns, strict=True))
            database.executemany(
                f"INSERT INTO {side}_ids VALUES (?, ?)", ((number + n, key) for n, keys in enumerate(also, 1) for key in keys or ())
            )
            database.execute("COMMIT")
            number += table.num_rows


def _plain(column: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    """A column as SQLite can hold it: times as microseconds since 1970 UTC."""
    return column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column


# --------------------------------------------------------------------------------------------------------------------
# The match, on ids alone; then the rows


def _match(database: sqlite3.Connection, report: JoinReport) -> None:
    run = database.execute
    for side in "lr":
        run(
            f"""CREATE TEMP TABLE {side} AS
            SELECT min(n) AS n, interaction_id AS id, started_at AS at, account_id IS NOT NULL AS known
            FROM {side}_rows GROUP BY interaction_id  -- bare columns are those of the row with the least n, as SQLite documents"""
        )
        run(f"CREATE UNIQUE INDEX temp.{side}_n ON {side} (n)")
        run(
            f"""CREATE TEMP TABLE {side}_keys AS
            SELECT n, id AS key FROM {side} WHERE id IS NOT NULL
            UNION SELECT n, key FROM {side}_ids WHERE key IS NOT NULL AND n IN (SELECT n FROM {side})"""
        )
        run(f"CREATE TEMP TABLE {side}_crowded AS SELECT key FROM {side}_keys GROUP BY key HAVING count(*) > {CROWDED}")
        run(f"DELETE FROM {side}_keys WHERE key IN (SELECT key FROM {side}_crowded)")
        run(f"CREATE INDEX temp.{side}_key ON {side}_keys (key, n)")
    run(
        """CREATE TEMP TABLE pairs AS
        WITH met AS (
            SELECT DISTINCT a.n AS ln, b.n AS rn FROM l_keys a JOIN r_keys b USING (key)
            WHERE key NOT IN (SELECT key FROM l_crowded) AND key NOT IN (SELECT key FROM r_crowded)
        ), ranked AS (
            SELECT ln, rn, l.id = r.id AS same, abs(l.at - r.at) AS apart FROM met JOIN l ON l.n = ln JOIN r ON r.n = rn
        ), chosen AS (
            SELECT *, row_number() OVER (PARTITION BY rn ORDER BY same DESC, apart, ln) AS choice FROM ranked
        )
        SELECT ln, rn, row_number() OVER (PARTITION BY ln ORDER BY same DESC, apart, rn) = 1 AS first FROM chosen WHERE choice = 1"""
    )
    run("CREATE INDEX temp.pairs_l ON pairs (ln)")
    run("CREATE UNIQUE INDEX temp.pairs_r ON pairs (rn)")
    run(
        """CREATE TEMP TABLE plan AS
        SELECT ln, rn, first FROM pairs JOIN l ON l.n = ln JOIN r ON r.n = rn WHERE l.known OR r.known
        UNION ALL SELECT n, NULL, 1 FROM l WHERE known AND n NOT IN (SELECT ln FROM pairs)
        UNION ALL SELECT NULL, n, 0 FROM r WHERE known AND n NOT IN (SELECT rn FROM pairs)"""
    )

    def number(sql: str) -> int:
        return int(run(sql).fetchone()[0])

    report.matched = number("SELECT count(*) FROM plan WHERE ln IS NOT NULL AND rn IS NOT NULL")
    report.retried = number("SELECT count(*) FROM plan WHERE ln IS NOT NULL AND NOT first")
    report.only_left = number("SELECT count(*) FROM plan WHERE rn IS NULL")
    report.only_right = number("SELECT count(*) FROM plan WHERE ln IS NULL")
    report.repeated_left = number("SELECT (SELECT count(*) FROM l_rows) - (SELECT count(*) FROM l)")
    report.repeated_right = number("SELECT (SELECT count(*) FROM r_rows) - (SELECT count(*) FROM r)")
    report.crowded = number("SELECT count(*) FROM (SELECT key FROM l_crowded UNION SELECT key FROM r_crowded)")
    report.left_out = number("SELECT (SELECT count(*) FROM l) + (SELECT count(*) FROM r)") - number(
        "SELECT count(DISTINCT ln) + count(DISTINCT rn) FROM plan"
    )
    # The order of the output is worked out on ids and times alone: whole rows are looked up in it, one by one.
    run(
        """CREATE TEMP TABLE ordered AS SELECT ln, rn, first FROM plan LEFT JOIN l ON l.n = ln LEFT JOIN r ON r.n = rn
        ORDER BY coalesce(l.at, r.at), CASE WHEN first THEN coalesce(l.id, r.id) ELSE r.id END"""
    )


def _joined(database: sqlite3.Connection) -> Iterator[pa.Table]:
    columns = []
    for name in CANONICAL_INTERACTIONS.names:
        one, other = ("l", "r") if name in GATEWAY_WINS else ("r", "l")
        value = f"coalesce({one}_rows.{name}, {other}_rows.{name})"
        if name == "interaction_id":
            # A second content row of one gateway row is a call of its own, and keeps its own id.
            value = f"CASE WHEN first THEN {value} ELSE r_rows.{name} END"
        columns.append(value)
    rows = database.execute(
        f"""SELECT {", ".join(columns)} FROM ordered
        LEFT JOIN l_rows ON l_rows.n = ordered.ln LEFT JOIN r_rows ON r_rows.n = ordered.rn ORDER BY ordered.rowid"""
    )
    while batch := rows.fetchmany(_BATCH_ROWS):
        arrays = [pa.array(values, column.type) for column, values in zip(CANONICAL_INTERACTIONS, zip(*batch, strict=True), strict=True)]
        yield pa.Table.from_arrays(arrays, schema=CANONICAL_INTERACTIONS)


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
