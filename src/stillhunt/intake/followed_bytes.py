"""The bytes of a log as a watch needs them: from the beginning, from a place on, and up to the last whole record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson

from stillhunt.errors import InputError
from stillhunt.intake.envelopes import whole_lines
from stillhunt.intake.journal import Mark, measured
from stillhunt.intake.opening import MAX_RECORD_BYTES, Opened, chunks
from stillhunt.intake.splitting import csv_cut

_CSV_BYTES = 32 << 20


def cut(opened: Opened, mark: Mark, most_bytes: int) -> tuple[Mark, bytes, bool]:
    """The mark up to the last whole record, what follows it, and whether the log is cut off there."""
    csv = opened.framing == "csv"
    most = min(most_bytes, _CSV_BYTES) if csv else most_bytes
    begun, rest = mark.length, b""
    if csv and begun < opened.start:
        # quotes in a header end where the header does
        header = b"".join(first(readable(opened), opened.start))
        mark = measured([header[begun:]], mark)
    try:
        for data in behind(opened, mark.length):
            whole = rest + data
            end = csv_cut(whole) if csv else whole_lines(whole, parts=opened.parts)
            if not end and len(whole) > MAX_RECORD_BYTES:
                end = len(whole)  # no record: whoever reads it says so
            if end:
                mark = mark.grown(whole[:end])
            rest = whole[end:]
            if not opened.compression and mark.length - begun >= most:
                return mark, b"", False
    except InputError:
        return mark, rest, True
    return mark, rest, False


def is_json(data: bytes, framing: str) -> bool:
    """Whether a last line without a newline is whole: no beginning of a JSON object is one."""
    if framing != "lines":
        return False
    try:
        return isinstance(orjson.loads(data), dict | list)
    except orjson.JSONDecodeError:
        return not data.strip()


def readable(opened: Opened) -> Iterator[bytes]:
    """The bytes of a log from the beginning, as far as they can be read."""
    try:
        yield from chunks(opened.path, opened.compression, opened.size)
    except InputError:
        return


def first(pieces: Iterable[bytes], length: int) -> Iterator[bytes]:
    """The first `length` bytes of pieces that follow one another."""
    for piece in pieces:
        if length <= 0:
            return
        yield piece[:length]
        length -= len(piece)


def behind(opened: Opened, length: int) -> Iterator[bytes]:
    """The bytes behind the first `length`.

    Raises:
        InputError: as `chunks`.
    """
    if opened.compression:
        for piece in chunks(opened.path, opened.compression, opened.size):
            if length < len(piece):
                yield piece[length:]
            length = max(0, length - len(piece))
        return
    with opened.path.open("rb") as file:
        file.seek(length)
        left = opened.size - length
        while left > 0 and (data := file.read(min(1 << 20, left))):
            left -= len(data)
            yield data
