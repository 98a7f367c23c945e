"""One block to tables: decode, let the format read, build columns, fingerprint. What one worker process does.

A row that does not fit its table is set aside with its reason; it never takes its block with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Protocol

import numpy as np
import orjson
import pyarrow as pa

from stillhunt.errors import BadRow, UnknownCaller
from stillhunt.intake.envelopes import Foreign
from stillhunt.intake.formats import Context, Format, Found, Row, Scan
from stillhunt.intake.formats.calls import made_id
from stillhunt.intake.formats.placeholders import settle
from stillhunt.intake.formats.reading import lenient
from stillhunt.intake.framing import Block, Record, is_utf8, line_count, loaded, padded, records, records_of_lines
from stillhunt.intake.grammar import PAD
from stillhunt.intake.kept import Packed
from stillhunt.intake.quarantine import Bad
from stillhunt.intake.registry import source_of
from stillhunt.records import CANONICAL_ACCOUNTS, ENTITLEMENTS, INTAKE_INTERACTIONS, REQUIRED, TEXTS

INTAKE_TABLES: dict[str, pa.Schema] = {
    "interactions": INTAKE_INTERACTIONS,
    "accounts": CANONICAL_ACCOUNTS,
    "entitlements": ENTITLEMENTS,
}
_KINDS = {
    pa.string(): "text",
    pa.large_string(): "text",
    pa.int64(): "a whole number",
    pa.int32(): "a whole number",
    pa.bool_(): "true or false",
}


class Fingerprints(Protocol):
    """What `intake.fingerprint.Fingerprinter` offers."""

    def interactions(self, table: pa.Table, source: str) -> pa.Table:
        """INTAKE_INTERACTIONS -> INTERACTIONS."""
        ...

    def accounts(self, table: pa.Table, source: str) -> pa.Table:
        """CANONICAL_ACCOUNTS -> ACCOUNTS."""
        ...

    def phrases(self) -> pa.Table:
        """PHRASES learnt since the last call."""
        ...


@dataclass(slots=True)
class Share:
    """What one source has of a block of several."""

    records: int = 0
    ignored: int = 0
    unknown: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Batch:
    """What became of one block. `tables` has the lake's names and schemas, as tables or as Arrow IPC streams."""

    tables: dict[str, pa.Table | bytes] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    records: int = 0
    scanned: int = 0  # records that the format's scanner read
    ignored: int = 0  # records of another kind: nothing to read in them, nothing wrong with them
    unknown: int = 0  # calls that a gateway refused because it knew nobody by their credentials: no account's
    lines: int = 0  # how far the numbering of records moves on
    bad: list[Bad] = field(default_factory=list)
    left_out: Counter[str] = field(
        default_factory=Counter
    )  # fields that could not be read, by reason: their records were kept without them
    filled: set[str] = field(default_factory=set)  # columns of the canonical tables that held something
    shares: list[Share] = field(default_factory=list)  # one for each of the block's members, of whose counts those above are the sums
    kept: Packed | None = None  # of a first pass: what its records keep for others


def index_block(block: Block, form: Format, context: Context) -> None:
    """First pass of a two-pass format. Records that it cannot use are the second pass's to report."""
    for _, record, _ in records(block, getattr(form, "takes", None)):
        if isinstance(record, dict):
            try:
                with lenient():
                    form.index(record, context)
            except Exception:  # noqa: S112  # `read` meets the same record and says what is wrong with it
                continue


def read_block(block: Block, form: Format, context: Context, fingerprints: Fingerprints) -> Batch:
    """Read one block into the lake's tables.

    Raises:
        InputError: the block's bytes can no longer be read.
    """
    batch, tables = read_tables(block, form, context, INTAKE_TABLES)
    for name, table in tables.items():
        _finish(batch, name, table, source_of(form), fingerprints, keep_text=context.keep_text)
    return batch


def read_tables(block: Block, form: Format, context: Context, schemas: Mapping[str, pa.Schema]) -> tuple[Batch, dict[str, pa.Table]]:
    """Read one block as `schemas` has it, text and identifiers as they are: the counts, and tables that are not empty.

    Raises:
        InputError: the block's bytes can no longer be read.
    """
    context.ends = [member.end for member in block.members]
    scan, lines = _scanned(block, form, context, schemas)
    tables: dict[str, pa.Table] = {}
    batch = Batch()
    if scan is None:
        block = loaded(block)
        batch.lines = line_count(block)
    else:
        batch.scanned = len(scan.lines) + len(scan.ignored)
        batch.ignored = len(scan.ignored)
        batch.lines = batch.scanned + len(scan.left) - (bytes(lines[-1:]) == b"\n")  # behind it there is an empty line
    rows: dict[str, list[Row]] = {name: [] for name in schemas}
    origins: dict[str, list[int]] = {name: [] for name in schemas}
    numbers: list[int] = []
    refused: dict[int, str] = {}
    also = [] if scan is None else scan.also[::-1]
    members = _Members(block, scan, batch, context) if block.members else None

    def add_also(before: float) -> None:
        while also and also[-1][0] < before:
            number, given = also.pop()
            share = members.enter(number) if members else None
            for kind, row in given():
                rows[kind].append(row)
                origins[kind].append(-1)
                if share and kind != "interactions":
                    share.rows[kind] += 1

    for position, (number, record, _) in enumerate(_records(block, form, scan, lines)):
        add_also(number)
        numbers.append(number)
        share = members.enter(number) if members else None
        if share:
            share.records += 1
        for kind, row in read_record(record, position, form, context, share or batch, refused):
            rows[kind].append(row)
            origins[kind].append(position)
    add_also(inf)
    batch.records = len(numbers) + batch.scanned
    for name, schema in schemas.items():
        required = [column for column in REQUIRED[name] if column != "account_id" or not context.account_optional]
        misfits: list[tuple[int, str]] = []
        table, offenders = to_table(rows[name], schema, required, misfits)
        for row_number, reason in misfits:
            (members.share_of(numbers[origins[name][row_number]]) if members else batch).left_out[reason] += 1
        if members:
            members.count(name, [numbers[origin] for n, origin in enumerate(origins[name]) if n not in offenders and origin >= 0])
        for row_number, reason in offenders.items():
            refused.setdefault(origins[name][row_number], reason)
        if name == "interactions" and scan is not None:
            read = [numbers[origin] for row_number, origin in enumerate(origins[name]) if row_number not in offenders]
            table = _in_order(scan, table, read)
        batch.rows[name] = table.num_rows
        if table.num_rows:
            batch.filled.update("messages" if n == "transcript" else n for n in schema.names if table[n].null_count < table.num_rows)
            tables[name] = table
    if refused:
        # Decoding again costs bad blocks a little; keeping every record's bytes until here would cost all blocks.
        for position, (number, record, raw) in enumerate(_records(block, form, scan, lines)):
            if position in refused:
                data = bytes(raw or b"") if isinstance(record, BadRow) else raw_bytes(record, raw)
                batch.bad.append(Bad(number, refused[position], data))
    if members:
        members.sum_up()
    return batch, tables


class _Members:
    """Whose is what in a block of several sources: `batch.shares`. What a format remembers ends with the source, as between blocks."""

    def __init__(self, block: Block, scan: Scan | None, batch: Batch, context: Context) -> None:
        self._members, self._context, self._batch = block.members, context, batch
        self._ends = np.array([member.end for member in block.members], np.int64)
        self._at = -1
        batch.shares = [Share() for _ in block.members]
        if scan is not None:
            self.count("interactions", scan.lines)
            for share, read, ignored in zip(batch.shares, self._counts(scan.lines), self._counts(scan.ignored), strict=True):
                share.records, share.ignored = read + ignored, ignored

    def enter(self, line: int) -> Share:
        """Whose a line is. Lines ascend."""
        at = max(self._at, 0)
        while self._members[at].end < line:
            at += 1
        if at != self._at:
            self._at, self._context.base = at, self._members[at].base
            self._context.facts.clear()
        return self._batch.shares[at]

    def share_of(self, line: int) -> Share:
        """Whose a line is, in any order."""
        return self._batch.shares[int(np.searchsorted(self._ends, line))]

    def count(self, name: str, lines: Any) -> None:
        """Add rows of table `name` to the shares, by the lines that they come from."""
        for share, rows in zip(self._batch.shares, self._counts(lines), strict=True):
            if rows:
                share.rows[name] += rows

    def sum_up(self) -> None:
        """What was counted by source, in the batch."""
        self._batch.ignored = sum(share.ignored for share in self._batch.shares)
        self._batch.unknown = sum(share.unknown for share in self._batch.shares)
        for share in self._batch.shares:
            self._batch.left_out.update(share.left_out)

    def _counts(self, lines: Any) -> list[int]:
        found = np.bincount(np.searchsorted(self._ends, np.asarray(lines, np.int64)), minlength=len(self._ends))
        counts: list[int] = found.tolist()
        return counts


def _scanned(block: Block, form: Format, context: Context, schemas: Mapping[str, pa.Schema]) -> tuple[Scan | None, memoryview]:
    """What the format's scanner makes of the block, if it has one and the block is for it; and the block's lines."""
    scan: Callable[[Any, Context], Scan | None] | None = getattr(form, "scan", None)
    if scan is None or block.framing != "lines" or schemas["interactions"] != INTAKE_INTERACTIONS:
        return None, memoryview(b"")
    data: Any = padded(block)
    lines = memoryview(data)[:-PAD]
    try:
        return scan(data, context) if is_utf8(lines) else None, lines
    except Exception:  # a scanner that trips over a block must not cost it: the format reads every record
        return None, lines


def _records(block: Block, form: Format, scan: Scan | None, lines: memoryview) -> Iterator[Record]:
    """All records of a block, or those of the lines that a scanner has left."""
    if scan is None:
        yield from records(block, getattr(form, "takes", None))
        return
    yield from records_of_lines((number, lines[start:end]) for number, start, end in scan.left)


def read_record(
    record: Row | BadRow, position: int, form: Format, context: Context, batch: Batch | Share, refused: dict[int, str]
) -> list[Found]:
    """What a record holds; nothing where the reason against it goes to `refused`."""
    if isinstance(record, Foreign):
        batch.ignored += 1
        return []
    if isinstance(record, BadRow):
        refused[position] = str(record)
        return []
    found: list[Found] = []
    try:
        _rows_into(found, record, form, context)
    except UnknownCaller:
        batch.unknown += 1
        return found
    except Exception as error:  # a format that trips over a record must not cost the others
        strict = str(error) if isinstance(error, BadRow) else f"{form.name} could not read it ({type(error).__name__})"
    else:
        batch.ignored += not found
        return found
    # Something in it cannot be read. Whatever else is there is kept; tables of accounts may be told once only, so those stay.
    kept = [(kind, row) for kind, row in found if kind != "interactions"]
    found, unknown = [], batch.unknown
    with lenient() as left_out:
        try:
            _rows_into(found, record, form, context)
        except UnknownCaller:
            batch.unknown += 1
        except BadRow as bad:
            refused[position] = str(bad)
        except Exception:
            refused[position] = strict
            return []  # a format that trips over a record says nothing of it that can be relied on
    for kind, row in found:
        missing = next(
            (name for name in REQUIRED[kind] if row.get(name) is None and not (name == "account_id" and context.account_optional)), None
        )
        if missing is None:
            kept.append((kind, row))
        else:
            refused.setdefault(position, _reason(missing, strict, left_out))
    if not kept and position not in refused and batch.unknown == unknown:
        refused[position] = strict  # without what cannot be read it is no call: it must not be gone without a word
    if position not in refused:
        batch.left_out.update(dict.fromkeys(left_out or [strict], 1))
    return kept


def _rows_into(found: list[Found], record: Row, form: Format, context: Context) -> None:
    """Add the rows of a record to `found`; those before the fault stay, since one record may hold many calls."""
    for kind, row in form.read(record, context):
        _ = INTAKE_TABLES[kind]  # a table that does not exist is the format's mistake, too
        settle(row)
        if kind == "interactions" and row.get("interaction_id") is None:
            row["interaction_id"] = made_id(*(row.get(name) for name in _TELLS_APART))
        found.append((kind, row))


_TELLS_APART = (
    "account_id",
    "started_at",
    "ended_at",
    "request_model",
    "system",
    "transcript",
    "response",
    "input_tokens",
    "output_tokens",
)
"""What a call is known by that has no id: the same record gives the same id whenever it is read."""


def _reason(column: str, strict: str, left_out: list[str]) -> str:
    """Why a row lacks what makes a call: the field that should have given it, as far as can be told."""
    sign = "expected a time" if column == "started_at" else "expected an id"
    return next((reason for reason in (strict, *left_out) if sign in reason or "since 1970" in reason), f"{column}: missing")


def _in_order(scan: Scan, table: pa.Table, lines: list[int]) -> pa.Table:
    """The rows that were scanned and those of `table`, which come from `lines`, in the order of the log."""
    if not lines:
        return scan.rows
    order: Any = np.argsort(np.concatenate([scan.lines, np.array(lines, np.int64)]), kind="stable")
    return pa.concat_tables([scan.rows, table]).combine_chunks().take(order)


def _finish(batch: Batch, name: str, table: pa.Table, source: str, fingerprints: Fingerprints, *, keep_text: bool) -> None:
    if name == "interactions":
        batch.tables[name] = fingerprints.interactions(table, source)
        if keep_text:
            batch.tables["texts"] = table.select(TEXTS.names).cast(TEXTS)
        phrases = fingerprints.phrases()
        if phrases.num_rows:
            batch.tables["phrases"] = phrases
    else:
        batch.tables[name] = fingerprints.accounts(table, source) if name == "accounts" else table


def raw_bytes(record: Row, raw: bytes | memoryview | None) -> bytes:
    """The bytes of a record; written out as JSON when it came without (one of an array, a Parquet row)."""
    if raw is not None:
        return bytes(raw)
    try:
        return orjson.dumps(record, default=_shown, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError):
        return repr(record).encode("utf-8", "backslashreplace")


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


# --------------------------------------------------------------------------------------------------------------------
# Rows -> one Arrow table


def to_table(
    rows: list[Row], schema: pa.Schema, required: Iterable[str], left_out: list[tuple[int, str]] | None = None
) -> tuple[pa.Table, dict[int, str]]:
    """Build a table of `schema`.

    A value that does not fit its column costs the row in a required column, and only itself elsewhere (`left_out` is given
    its position and the reason).
    Columns are built whole. Only when one fails are its values tried one by one, so that sound data pays nothing.

    Returns:
        The table, and the rows that are not in it as position -> reason.
    """
    arrays: list[pa.Array[Any]] = []
    offenders: dict[int, str] = {}
    for column, values in zip(schema, _columns(rows, schema.names), strict=True):
        name = column.name
        try:
            array = pa.array(values, column.type)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            misfits = [position for position, value in enumerate(values) if not _fits(value, column.type)]
            reason = f"{name}: expected {_KINDS.get(column.type, 'a time')}"
            if name in required:
                offenders.update({position: offenders.get(position, reason) for position in misfits})
                continue
            if left_out is not None:
                left_out += [(position, reason) for position in misfits]
            without = set(misfits)
            array = pa.array([None if position in without else value for position, value in enumerate(values)], column.type)
        if array.null_count and name in required:
            for position, value in enumerate(values):
                if value is None:
                    offenders.setdefault(position, f"{name}: missing")
        arrays.append(array)
    if offenders:
        table, _ = to_table([row for position, row in enumerate(rows) if position not in offenders], schema, required)
        return table, offenders
    return pa.Table.from_arrays(arrays, schema=schema), offenders


def _columns(rows: list[Row], names: list[str]) -> Iterable[Sequence[Any]]:
    """The rows' values by column. Row by row, because a row's values lie together in memory."""
    return zip(*(tuple(map(row.get, names)) for row in rows), strict=True) if rows else [()] * len(names)


def _fits(value: object, kind: pa.DataType) -> bool:
    try:
        pa.scalar(value, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return False
    return True


# --------------------------------------------------------------------------------------------------------------------
# Between processes


def packed(batch: Batch) -> Batch:
    """The same batch with its tables as Arrow IPC streams: one copy of plain buffers instead of pickled objects."""
    for name, table in batch.tables.items():
        assert isinstance(table, pa.Table)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        batch.tables[name] = sink.getvalue().to_pybytes()
    return batch


def unpacked(batch: Batch) -> Batch:
    """The inverse of `packed`, without copying."""
    for name, data in batch.tables.items():
        if isinstance(data, bytes):
            with pa.ipc.open_stream(data) as reader:
                batch.tables[name] = reader.read_all()
    return batch
