"""Bytes to records: blocks of complete records, and the records in a block.

`blocks` finds where records end and does little else, so that one process can feed many; `records` decodes one block,
in whichever process has it. A block of a plain line file is only a range of it: the worker reads those bytes itself.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from stillhunt.errors import BadRow, InputError
from stillhunt.intake.envelopes import Whole, is_enveloped, joined_lines, unwrapped, value_of_line, whole_lines
from stillhunt.intake.grammar import PAD
from stillhunt.intake.opening import MAX_RECORD_BYTES, Opened, chunks
from stillhunt.intake.splitting import csv_cut, split_stream

BLOCK_BYTES = 8 << 20
_MAX_BEHIND = 1 << 15  # what may follow the list that an object wraps: where the next page lies, statistics

Record = tuple[int, dict[str, Any] | BadRow, bytes | memoryview | None]
"""Number within the block from 1 (a line, or the record where a line says nothing), what it is, and its bytes;
None when the record has no bytes of its own: write it out as JSON when they are needed."""


class Member(NamedTuple):
    """What a block of several small sources holds of one of them: the lines up to `end`, from where the member before it ends."""

    source: int  # as in `workers.Job`
    base: str  # the folder that references are resolved against
    end: int  # the number of its last line, counted from 1 at the beginning of the block
    length: int  # bytes on disk


@dataclass(frozen=True, slots=True)
class Block:
    """Complete records of one source, or of the sources in `members`.

    `data` is None for a plain file: read `length` bytes at `offset` of `path`.
    """

    path: str
    framing: str  # "lines" | "csv" | "parquet" (data: one record batch as an Arrow IPC stream) | "oversize" (data: its beginning)
    data: bytes | None
    offset: int = 0
    length: int = 0
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    members: tuple[Member, ...] = ()


# --------------------------------------------------------------------------------------------------------------------
# Source -> blocks


def blocks(source: Opened, *, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Cut a source into blocks of about `block_bytes`, in order; where it is cut does not depend on who reads them.

    Raises:
        InputError: the source cannot be read further; the complete records before that have been yielded.
    """
    if source.framing == "parquet":
        yield from _parquet(source, block_bytes)
    elif source.framing == "array":
        yield from _stream(source, block_bytes)
    elif source.framing == "csv":
        yield from _cut(source, block_bytes, csv_cut)
    elif source.compression or source.parts:
        yield from _cut(source, block_bytes, partial(whole_lines, parts=source.parts))
    else:
        yield from _ranges(source, block_bytes)


def _line_cut(data: bytes) -> int:
    return data.rfind(b"\n") + 1


def _ranges(source: Opened, block_bytes: int) -> Iterator[Block]:
    path = str(source.path)
    try:
        with source.path.open("rb") as file:
            offset = source.start
            while offset < source.size:
                file.seek(min(offset + block_bytes, source.size))
                tail = file.readline(MAX_RECORD_BYTES)
                end = min(file.tell(), source.size)
                if len(tail) < MAX_RECORD_BYTES or tail.endswith(b"\n"):
                    yield Block(path, "lines", None, offset, end - offset)
                else:
                    # The line that starts somewhere in this block is too long. What comes before it is good.
                    file.seek(offset)
                    good = _line_cut(file.read(block_bytes))
                    if good:
                        yield Block(path, "lines", None, offset, good)
                    file.seek(offset + good)
                    yield Block(path, "oversize", file.read(1 << 12))
                    file.seek(end)
                    while (tail := file.readline(1 << 20)) and not tail.endswith(b"\n"):
                        pass
                    end = min(file.tell(), source.size)
                offset = end
    except OSError as error:
        raise InputError(f"{source.path}: reading stopped ({error.strerror}). What came before was read; run again.") from None


def _cut(source: Opened, block_bytes: int, cut: Callable[[bytes], int]) -> Iterator[Block]:
    path = str(source.path)

    def block(data: bytes) -> Block:
        return Block(path, source.framing, data, columns=source.columns, delimiter=source.delimiter)

    rest, skipping = b"", False
    for data in _gathered(source, block_bytes):
        if skipping:
            newline = data.find(b"\n") + 1
            if not newline:
                continue
            data, skipping = data[newline:], False  # noqa: PLW2901
        whole = rest + data
        end = cut(whole)
        if not end and len(whole) > MAX_RECORD_BYTES:
            # One stray quote makes all that follows look like one record: trust newlines then.
            end = _line_cut(whole)
            if not end:
                yield Block(path, "oversize", whole[: 1 << 12])
                rest, skipping = b"", True
                continue
        if end:
            yield block(whole[:end])
        rest = whole[end:]
    if rest:
        yield block(rest)


def _gathered(source: Opened, block_bytes: int) -> Iterator[bytes]:
    """The bytes after the source's start, in pieces of about `block_bytes`.

    Raises:
        InputError: as `chunks`; what had been read is yielded first.
    """
    parts: list[bytes] = []
    length, skip = 0, source.start
    broken: InputError | None = None
    pieces = chunks(source.path, source.compression, source.size)
    while broken is None:
        try:
            part = next(pieces)
        except StopIteration:
            break
        except InputError as error:
            broken = error
            break
        if skip:
            part, skip = part[skip:], max(0, skip - len(part))
        parts.append(part)
        length += len(part)
        if length >= block_bytes:
            yield b"".join(parts)
            parts, length = [], 0
    last = b"".join(parts)
    if broken is None:
        if last:
            yield last
        return
    # A record without its end is no record: the cut may have gone through a number.
    complete = last if source.framing == "array" else last[: _line_cut(last)]
    if complete:
        yield complete
    raise broken


def _stream(source: Opened, block_bytes: int) -> Iterator[Block]:
    path = str(source.path)
    rest, in_array = b"", source.wrapped
    pieces = _gathered(source, block_bytes)
    for data in pieces:
        split = split_stream(rest + data, in_array=in_array)
        if source.wrapped and (split.broken or not split.in_array):
            # The list has ended; behind it the object around it does, with how many records there are and the like.
            ended = split_stream(rest + data, in_array=True, only_array=True)
            if ended.lines:
                yield Block(path, "lines", ended.lines)
            if len(ended.rest) + sum(map(len, pieces)) > _MAX_BEHIND:
                raise InputError(
                    f"{source.path}: more follows behind the first list, and was not read. Write one page a file, or one page a line."
                )
            return
        if split.lines:
            yield Block(path, "lines", split.lines)
        if split.broken:
            raise InputError(f"{source.path}: not valid JSON: a bracket closes what was never opened. The records before it were read.")
        rest, in_array = split.rest, split.in_array
        if len(rest) > MAX_RECORD_BYTES:
            raise InputError(f"{source.path}: one JSON element is longer than {MAX_RECORD_BYTES >> 20} MiB. Split it into lines (NDJSON).")
    if in_array:
        raise InputError(f"{source.path}: ends inside a JSON array: cut off? The complete records before that were read.")
    if rest.strip():
        yield Block(path, "lines", rest.replace(b"\n", b" "))


def _parquet(source: Opened, block_bytes: int) -> Iterator[Block]:
    path = str(source.path)
    try:
        with pq.ParquetFile(source.path, buffer_size=1 << 20, pre_buffer=False) as file:
            metadata = file.metadata
            size = sum(metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups))
            rows = max(1, min(16384, block_bytes * metadata.num_rows // max(size * 2, 1)))
            for batch in file.iter_batches(batch_size=rows):
                sink = pa.BufferOutputStream()
                with pa.ipc.new_stream(sink, batch.schema) as writer:
                    writer.write_batch(batch)
                yield Block(path, "parquet", sink.getvalue().to_pybytes())
    except (pa.ArrowException, OSError, ValueError):
        raise InputError(f"{source.path}: the Parquet data is damaged or cut off. What came before was read; get a sound copy.") from None


# --------------------------------------------------------------------------------------------------------------------
# Block -> records


def records(block: Block, whole: Whole | None = None) -> Iterator[Record]:
    """The records of a block, in order. What cannot be decoded comes as a `BadRow`; `whole` is as for `envelopes.unwrapped`.

    Raises:
        InputError: the block's range can no longer be read.
    """
    if block.framing == "lines":
        return records_of_lines(lines(_data(block)), whole)
    if block.framing == "csv":
        return _peeled(_csv(_data(block), block.columns, block.delimiter), whole)
    if block.framing == "parquet":
        return _peeled(_rows(_data(block)), whole)
    return iter([(1, BadRow(f"record longer than {MAX_RECORD_BYTES >> 20} MiB"), _data(block))])


def loaded(block: Block) -> Block:
    """The same block with its bytes in memory.

    Raises:
        InputError: the block's range can no longer be read.
    """
    return block if block.data is not None else replace(block, data=_data(block))


def padded(block: Block) -> npt.NDArray[np.uint8]:
    """A block's bytes with newlines behind them, as compiled loops want them.

    Raises:
        InputError: the block's range can no longer be read.
    """
    size = block.length if block.data is None else len(block.data)
    data: Any = np.empty(size + PAD, np.uint8)
    data[size:] = ord("\n")
    if block.data is None:
        _read_into(memoryview(data)[:size], block)
    else:
        data[:size] = np.frombuffer(block.data, np.uint8)
    found: npt.NDArray[np.uint8] = data
    return found


def line_count(block: Block) -> int:
    """How far the numbering of records moves on after a block: its lines, or its rows in Parquet."""
    if block.framing == "parquet":
        with pa.ipc.open_stream(_data(block)) as reader:
            return sum(batch.num_rows for batch in reader)
    data = _data(block)
    return data.count(b"\n") + (block.framing == "oversize" or not data.endswith(b"\n"))


def _data(block: Block) -> bytes:
    if block.data is not None:
        return block.data
    data = bytearray(block.length)
    _read_into(memoryview(data), block)
    return bytes(data)


def _read_into(room: memoryview, block: Block) -> None:
    """Fill `room` with the range of a block."""
    at = 0
    try:
        with open(block.path, "rb", buffering=0) as file:  # noqa: PTH123
            file.seek(block.offset)
            while at < len(room) and (read := file.readinto(room[at:])):
                at += read
    except OSError as error:
        raise InputError(f"{block.path}: reading stopped ({error.strerror}). What came before was read; run again.") from None
    if at < len(room):
        raise InputError(f"{block.path}: the file became shorter while it was read. Run again when nobody writes to it.")


def lines(data: bytes) -> Iterator[tuple[int, memoryview]]:
    """The lines of a block, not copied, numbered from 1; what follows the last newline is one, too."""
    # Looking for the next newline is several times as fast as cutting at all of them, which copies every line.
    view, find = memoryview(data), data.find
    start = number = 0
    while True:
        number += 1
        end = find(b"\n", start)
        if end < 0:
            yield number, view[start:]
            return
        yield number, view[start:end]
        start = end + 1


def records_of_lines(numbered: Iterable[tuple[int, memoryview]], whole: Whole | None = None) -> Iterator[Record]:
    """The records of numbered lines, out of their envelopes, with what a container's log has cut put together again."""
    for number, line in joined_lines(numbered):
        yield from records_of_line(number, line, whole)


def records_of_line(number: int, line: memoryview, whole: Whole | None = None) -> Iterable[Record]:
    """The records of one line: one, none when it is blank, or many when it is an array or an envelope."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        if not line.tobytes().strip():
            return ()
        value = value_of_line(line.tobytes())
    if type(value) is dict and (not is_enveloped(value) or (whole is not None and whole(value))):
        return ((number, value, line),)
    if isinstance(value, BadRow):
        return ((number, value, line),)
    found = list(unwrapped(value, whole))
    if len(found) == 1 and (found[0] is value or isinstance(found[0], BadRow)):
        return ((number, found[0], line),)
    return [(number, one, None) for one in found]


def is_utf8(data: Any) -> bool:
    """Whether the whole of a buffer is UTF-8, at some 20 GB/s and without making text of it."""
    ends = pa.py_buffer(np.array([0, len(data)], np.int64).tobytes())
    try:
        pa.LargeStringArray.from_buffers(1, ends, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _peeled(found: Iterator[Record], whole: Whole | None = None) -> Iterator[Record]:
    """Rows of a table that are envelopes, opened."""
    for number, record, raw in found:
        if isinstance(record, BadRow) or not is_enveloped(record):
            yield number, record, raw
            continue
        for one in unwrapped(record, whole):
            yield number, one, raw if one is record else None


def _csv(data: bytes, columns: tuple[str, ...], delimiter: str) -> Iterator[Record]:
    csv.field_size_limit(sys.maxsize)  # the default of 128 KiB is less than one long prompt
    lines: list[str] = []

    def remember() -> Iterator[str]:
        for line in io.StringIO(data.decode("utf-8", "surrogateescape"), newline=""):
            lines.append(line)
            yield line

    reader = csv.reader(remember(), delimiter=delimiter)
    number = 1
    while True:
        try:
            row: list[str] | BadRow = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row = BadRow("not CSV")
        text = "".join(lines)
        first, number = number, number + len(lines)
        lines.clear()
        if not row:
            continue
        raw = text.encode("utf-8", "surrogateescape").rstrip(b"\r\n")
        if isinstance(row, list) and len(row) != len(columns):
            row = BadRow("not as many fields as the CSV header")
        elif not text.isascii() and not _is_utf8(raw):
            row = BadRow("not UTF-8")
        # An empty field is how CSV writes that there is no value.
        yield first, row if isinstance(row, BadRow) else {name: value for name, value in zip(columns, row, strict=True) if value}, raw


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _rows(data: bytes) -> Iterator[Record]:
    with pa.ipc.open_stream(data) as reader:
        table = reader.read_all()
    try:
        rows: list[dict[str, Any] | BadRow] = list(table.to_pylist())
    except (pa.ArrowException, ValueError, OverflowError):
        rows = [_row(table, n) for n in range(table.num_rows)]
    for number, row in enumerate(rows, 1):
        if isinstance(row, BadRow):
            yield number, row, b""
        else:
            yield number, {name: value for name, value in row.items() if value is not None}, None


def _row(table: pa.Table, n: int) -> dict[str, Any] | BadRow:
    try:
        row: dict[str, Any] = table.slice(n, 1).to_pylist()[0]
    except (pa.ArrowException, ValueError, OverflowError):
        return BadRow("a value that no text or time can hold")
    return row
