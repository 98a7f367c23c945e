"""What a source of logs is: its compression, its framing, and the first records for guessing the format.

Everything that makes a whole source unusable is found here, before any of it is read for good, and is said in one
line (`InputError`). What goes wrong later, inside a source, costs only the rows concerned.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from stillhunt.errors import BadRow, InputError
from stillhunt.intake.envelope_names import NO_LISTS
from stillhunt.intake.envelopes import joined_lines, unwrapped, value_of_line, writes_parts
from stillhunt.intake.formats import Sample
from stillhunt.intake.splitting import split_stream, wrapped_list

HEAD_BYTES = 1 << 20
MAX_RECORD_BYTES = 64 << 20  # the longest record that is read; longer ones are damage, not calls
SAMPLE_RECORDS = 40
_COMPRESSED_READ = 1 << 16
_ZSTD_READ = 1 << 13  # zstd can blow four bytes up to 128 KiB: feeding little bounds what one step can return
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_ZSTD_SKIPPABLE = frozenset(bytes([n]) + b"\x2a\x4d\x18" for n in range(0x50, 0x60))
_DELIMITERS = ",;\t|"
_LOGGED = re.compile(rb"\[[\w .:/+-]*[A-Za-z:/-][\w .:/+-]*\]")
"""How a logger's line begins that is no JSON array: a level, a time or a name in brackets."""
_HEADER = re.compile(r"[A-Za-z_@$#.][^\n]*")
_MAX_BANNER = 20  # lines before a table's header
FIRST_LINES = 200  # lines that show how a log is framed


@dataclass(frozen=True)
class Opened:
    """A source that can be read. `framing` is "lines", "array" (one JSON text of any shape), "csv" or "parquet"."""

    path: Path
    framing: str
    compression: str  # "" | "gzip" | "zstd" | "utf-16" (plain, but not UTF-8)
    size: int  # bytes on disk when it was opened: a log that grows meanwhile is read up to here
    start: int  # bytes before the first record once decompressed: a byte order mark, a CSV header
    columns: tuple[str, ...]
    delimiter: str
    sample: Sample
    schema: pa.Schema | None = None  # Parquet: its column types
    wrapped: bool = False  # "array": `start` stands inside a list within an object, whose end is the end of what is read
    parts: bool = False  # "lines": a container's log, in which long lines are cut into several


def open_source(path: Path) -> Opened:
    """Look at the beginning of `path`.

    Raises:
        InputError: missing, unreadable, not a regular file, empty, damaged from the start, or no log at all.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path}: not a regular file. Give files or folders of logs.")
        with path.open("rb") as file:
            magic = file.read(4)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise InputError(f"{path}: cannot be read ({reason}). Check the path and its permissions.") from None
    if not magic:
        raise InputError(f"{path}: the file is empty.")
    if magic == b"PAR1":
        return _open_parquet(path, status.st_size)
    compression = _compression(magic)
    if magic[:2] in _UTF16:
        compression = "utf-16"
    head, whole = _head(path, compression, status.st_size)
    return _open_text(path, compression, status.st_size, head, whole=whole)


def _compression(magic: bytes) -> str:
    if magic[:2] == b"\x1f\x8b":
        return "gzip"
    return "zstd" if magic == b"\x28\xb5\x2f\xfd" or magic in _ZSTD_SKIPPABLE else ""


# --------------------------------------------------------------------------------------------------------------------
# Bytes of a source, decompressed


def chunks(path: Path, compression: str, size: int) -> Iterator[bytes]:
    """The bytes of a source, decompressed, in pieces of bounded size. Reads several members or frames in a row.

    Raises:
        InputError: the file cannot be read further, is cut off or damaged; every byte before that has been yielded.
    """
    left = size
    try:
        with path.open("rb") as file:
            if not compression:
                while left > 0 and (data := file.read(min(HEAD_BYTES, left))):
                    left -= len(data)
                    yield data
                return
            yield from _decompressed(path, file, compression)
    except OSError as error:
        raise InputError(f"{path}: reading stopped ({error.strerror}). What came before was read; run again when it is readable.") from None


def _decompressed(path: Path, file: io.BufferedReader, compression: str) -> Iterator[bytes]:
    if compression == "utf-16":
        yield from _recoded(file)
        return
    step = _COMPRESSED_READ if compression == "gzip" else _ZSTD_READ
    decompressor: Any = None  # zlib's and zstandard's share decompress, eof and unused_data
    while data := file.read(step):
        while data:
            if decompressor is None:
                data = data.lstrip(b"\0") if compression == "gzip" else data  # tape padding between members
                if not data:
                    break
                decompressor = zlib.decompressobj(31) if compression == "gzip" else zstandard.ZstdDecompressor().decompressobj()
            try:
                out = decompressor.decompress(data)
            except (zlib.error, zstandard.ZstdError, MemoryError):
                raise InputError(
                    f"{path}: the {compression} data is damaged. The complete records before that were read; get a sound copy."
                ) from None
            if out:
                yield out
            if not decompressor.eof:
                break
            data, decompressor = decompressor.unused_data, None
    if decompressor is not None:
        raise InputError(
            f"{path}: the {compression} data is cut off. The complete records before the cut were read; get the whole file and run again."
        )


def _recoded(file: io.BufferedReader) -> Iterator[bytes]:
    """UTF-16, as Windows' shells write it, as UTF-8; the byte order mark is left out."""
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    while data := file.read(_COMPRESSED_READ):
        yield decoder.decode(data).encode("utf-8", "replace")
    if rest := decoder.decode(b"", final=True):
        yield rest.encode("utf-8", "replace")  # half a character, if the log is cut off


def _head(path: Path, compression: str, size: int) -> tuple[bytes, bool]:
    """The first MiB or more, until at least one line is complete, and whether that is all there is."""
    parts: list[bytes] = []
    length = 0
    broken: InputError | None = None
    source = chunks(path, compression, size)
    try:
        for part in source:
            parts.append(part)
            length += len(part)
            if length >= HEAD_BYTES and (length > MAX_RECORD_BYTES or b"\n" in part):
                return b"".join(parts), False
    except InputError as error:
        broken = error
    head = b"".join(parts)
    if broken is not None:
        if b"\n" not in head and not head.lstrip(_BOM).lstrip().startswith(b"["):
            raise broken
        return head, False
    return head, True


# --------------------------------------------------------------------------------------------------------------------
# Framing


def _open_text(path: Path, compression: str, size: int, head: bytes, *, whole: bool) -> Opened:
    start = len(_BOM) if head.startswith(_BOM) else 0
    text = head[start:]
    stripped = text.lstrip()
    if not stripped and whole:
        raise InputError(f"{path}: the file is empty.")
    if head[:2] in _UTF16:
        raise InputError(f"{path}: looks like UTF-16. Logs are read as UTF-8; convert it first (iconv -f UTF-16 -t UTF-8).")
    long_list = _long_list(text, whole=whole) if stripped[:1] == b"{" else 0
    lines = [line for line in (text.split(b"\n") if whole else text.split(b"\n")[:-1]) if line.strip()] if not long_list else []
    joined = (bytes(line) for _, line in joined_lines((0, memoryview(line)) for line in lines))
    decoded = [value_of_line(line) for line in islice(joined, FIRST_LINES)]
    objects = [value for value in decoded if isinstance(value, dict | list)]
    by_lines = bool(decoded) and (isinstance(decoded[0], dict | list) or len(objects) * 2 >= len(decoded))
    document = stripped[:1] in (b"{", b"[") and not _LOGGED.match(stripped)
    if by_lines or (objects and not document):
        framing = "array" if stripped[:1] == b"[" else "lines"
        found = sampled(chain(decoded, map(value_of_line, joined)))
        parts = any(writes_parts(line) for line in lines[:FIRST_LINES])
        return Opened(path, "lines", compression, size, start, (), ",", Sample(path.name, framing, found), parts=parts)
    if document:
        return _open_stream(path, compression, size, start, text, long_list, whole=whole)
    opened = _open_csv(path, compression, size, start, text)
    if opened is None or b"\0" in text[:4096]:
        raise InputError(f"{path}: not a log: neither JSON, CSV nor Parquet. `stillhunt formats` lists what can be read.")
    return opened


def _open_stream(path: Path, compression: str, size: int, start: int, text: bytes, long_list: int, *, whole: bool) -> Opened:
    split = split_stream(text[long_list:], in_array=bool(long_list))
    last = [split.rest] if whole else []
    values = [value_of_line(line) for line in split.lines.split(b"\n")[: SAMPLE_RECORDS * 2] + last]
    sample = Sample(path.name, "array", sampled(values))
    return Opened(path, "array", compression, size, start + long_list, (), ",", sample, wrapped=bool(long_list))


def _long_list(text: bytes, *, whole: bool) -> int:
    """Where the elements begin of a list that is most of a large document and lies in an object; 0 where records are lines."""
    first = text.lstrip()
    end = first.find(b"\n")
    alone = end < 0 or not first[end:].strip()
    if alone and whole and len(text) <= HEAD_BYTES:
        return 0  # small enough to be read at once
    if not alone and (whole or isinstance(value_of_line(first[:end]), dict)):
        return 0
    begin = wrapped_list(text[:HEAD_BYTES])
    return 0 if begin and _belongs_to_its_record(text[:begin]) else begin


def _belongs_to_its_record(before: bytes) -> bool:
    """Whether the list that begins behind `before` is one that a format wants whole, such as telemetry's resources."""
    name = before.rstrip(b" \t\r\n[").rstrip(b" \t\r\n:").rsplit(b'"', 2)
    return len(name) == 3 and name[1].decode("utf-8", "replace") in NO_LISTS


def sampled(values: Iterable[Any]) -> list[Mapping[str, Any]]:
    """The first records in decoded values, out of their envelopes."""
    found: list[Mapping[str, Any]] = []
    for value in values:
        if isinstance(value, dict | list):
            found += [record for record in islice(unwrapped(value), 4 * SAMPLE_RECORDS) if not isinstance(record, BadRow)]
        if len(found) >= SAMPLE_RECORDS:
            break
    return found[:SAMPLE_RECORDS]


def _open_csv(path: Path, compression: str, size: int, start: int, text: bytes) -> Opened | None:
    for number, (before, delimiter) in enumerate(_headers(text)):
        found = _table(path, compression, size, start + before, text[before:], delimiter)
        # A later line is a header only if it looks like one: a table whose header is odd must not lose it to its first row.
        if found is not None and (number == 0 or (found.sample.records and all(map(_HEADER.fullmatch, found.columns)))):
            return found
    return None


def _table(path: Path, compression: str, size: int, start: int, text: bytes, delimiter: str) -> Opened | None:
    """The table whose header `text` begins with; None if it is none."""
    decoded = text.decode("utf-8", "replace")
    lines: list[str] = []
    csv.field_size_limit(sys.maxsize)  # the default of 128 KiB is less than one long prompt
    reader = csv.reader(_remembering(decoded, lines), delimiter=delimiter)
    try:
        columns = tuple(name.strip() for name in next(reader))
        header = "".join(lines)
        named = all(name and len(name) <= 200 and name.isprintable() for name in columns)
        if not named or len(set(columns)) != len(columns) or "\N{REPLACEMENT CHARACTER}" in header:
            return None
        rows = [row for row, _ in zip(reader, range(SAMPLE_RECORDS), strict=False) if row]
    except (csv.Error, StopIteration):
        return None
    if sum(len(row) == len(columns) for row in rows) * 2 < len(rows):
        return None  # prose has commas too, but not as many in each line
    records = [{name: value for name, value in zip(columns, row, strict=False) if value} for row in rows]
    sample = _table_sample(path, "csv", columns, records)
    return Opened(path, "csv", compression, size, start + len(header.encode()), columns, delimiter, sample)


def _table_sample(path: Path, framing: str, columns: tuple[str, ...], records: list[dict[str, Any]]) -> Sample:
    """The sample of a table: its header tells, unless its rows are envelopes."""
    inner = sampled(records)
    if records and (len(inner) != len(records) or any(one is not record for one, record in zip(inner, records, strict=True))):
        return Sample(path.name, "lines", inner)
    return Sample(path.name, framing, list(records), columns)


def _headers(text: bytes) -> Iterator[tuple[int, str]]:
    """Lines that may be a table's header: where each begins, and its delimiter. Before one there may be comments, a title, a word on it."""
    start = 0
    for _ in range(_MAX_BANNER):
        end = text.find(b"\n", start) + 1 or len(text)
        line = text[start:end].strip()
        said = line.decode("utf-8", "replace")
        delimiter = max(_DELIMITERS, key=said.count)
        if said.count(delimiter) and not line.startswith(b"#") and not line.lower().startswith(b"sep="):
            yield start, delimiter
        start = end
        if start >= len(text):
            return


def _remembering(text: str, lines: list[str]) -> Iterator[str]:
    for line in io.StringIO(text, newline=""):
        lines.append(line)
        yield line


def _open_parquet(path: Path, size: int) -> Opened:
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            columns = tuple(schema.names)
            if not file.metadata.num_rows:
                raise InputError(f"{path}: the file is empty: it has columns, but no rows.")
            batch = next(file.iter_batches(batch_size=SAMPLE_RECORDS), None)
            rows = batch.to_pylist() if batch is not None else []
    except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError):
        raise InputError(f"{path}: damaged or cut off: it begins like Parquet, but cannot be read as such. Get a sound copy.") from None
    records = [{name: value for name, value in row.items() if value is not None} for row in rows]
    return Opened(path, "parquet", "", size, 0, columns, ",", _table_sample(path, "parquet", columns, records), schema)


# --------------------------------------------------------------------------------------------------------------------
# Folders


def walk(paths: list[Path], *, skip: Path | None = None) -> Iterator[tuple[Path, bool]]:
    """Every file to read, once, and whether it was named itself (rather than found in a folder).

    Folders are walked recursively in sorted order; hidden files, quarantine files and `skip` are left out there.

    Raises:
        InputError: a folder cannot be listed.
    """
    seen: set[str] = set()
    passed_over = os.path.realpath(skip) if skip is not None else None
    for path in paths:
        named = not path.is_dir()
        for file in [path] if named else _files(path):
            real = os.path.realpath(file)
            if real in seen or (not named and real == passed_over):
                continue
            seen.add(real)
            yield file, named


def _files(folder: Path) -> Iterator[Path]:
    def refused(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be listed ({error.strerror}). Check its permissions.")

    for base, folders, names in os.walk(folder, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and not name.endswith("quarantine.jsonl") and (Path(base) / name).is_file():
                yield Path(base) / name
