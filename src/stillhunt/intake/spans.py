"""Spans of scanned lines (see `intake.scanning`) to Arrow columns: text without its escapes, numbers, and JSON as it was written.

In: `Scanned.data` and spans, int64 (rows, 3). Out: Arrow arrays with one element a row, null where a span is not there.
May import: intake.grammar and compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.compiled import compiled
from stillhunt.compiled.instructions import copy_wide, specials_at, zeros_below
from stillhunt.intake.grammar import BACKSLASH, hexadecimal

Kernel = npt.NDArray[Any]

SLACK = 64
"""Bytes that a text may be written past its end: room for another text, or for nothing."""

_signed: Any = np.int64  # inside kernels numba knows the types, mypy does not


@compiled
def unescaped(data: Kernel, i: int, end: int, out: Kernel, at: int, turns: bool) -> int:
    """Write a string without its escapes to `out` from `at` on; returns where it ends. With `turns`, U+001E becomes a space."""
    while i < end:
        marks = specials_at(data, i)
        count = _signed(zeros_below(marks)) if marks else 32
        copy_wide(out, at, data, i)
        count = min(count, end - i)
        at += count
        i += count
        if i >= end or data[i] != BACKSLASH:
            continue
        sign = data[i + 1]
        i += 2
        if sign != 0x75:
            if sign == 0x6E:
                sign = np.uint8(0x0A)
            elif sign == 0x74:
                sign = np.uint8(0x09)
            elif sign == 0x72:
                sign = np.uint8(0x0D)
            elif sign == 0x62:
                sign = np.uint8(0x08)
            elif sign == 0x66:
                sign = np.uint8(0x0C)
            out[at] = sign
            at += 1
            continue
        code = hexadecimal(data, i)
        i += 4
        if 0xD800 <= code < 0xDC00:
            code = 0x10000 + ((code - 0xD800) << 10 | (hexadecimal(data, i + 2) - 0xDC00))
            i += 6
        if code < 0x80:
            out[at] = 0x20 if turns and code == 0x1E else code
            at += 1
        elif code < 0x800:
            out[at], out[at + 1] = 0xC0 | code >> 6, 0x80 | code & 63
            at += 2
        elif code < 0x10000:
            out[at], out[at + 1], out[at + 2] = 0xE0 | code >> 12, 0x80 | code >> 6 & 63, 0x80 | code & 63
            at += 3
        else:
            out[at], out[at + 1] = 0xF0 | code >> 18, 0x80 | code >> 12 & 63
            out[at + 2], out[at + 3] = 0x80 | code >> 6 & 63, 0x80 | code & 63
            at += 4
    return at


@compiled
def _strings(data: Kernel, spans: Kernel, offsets: Kernel, out: Kernel) -> int:
    at = 0
    for row in range(spans.shape[0]):
        start, end = spans[row, 0], spans[row, 1]
        if start >= 0:
            if spans[row, 2]:
                at = unescaped(data, start, end, out, at, False)
            else:
                for i in range(0, end - start, 32):
                    copy_wide(out, at + i, data, start + i)
                at += end - start
        offsets[row + 1] = at
    return at


@compiled
def _joined(data: Kernel, spans: Kernel, offsets: Kernel, out: Kernel) -> int:
    at = 0
    for row in range(spans.shape[0]):
        for part in range(spans.shape[1]):
            start, end = spans[row, part, 0], spans[row, part, 1]
            if start >= 0:
                for i in range(0, end - start, 32):
                    copy_wide(out, at + i, data, start + i)
                at += end - start
            out[at] = 0x0A
            at += 1
        offsets[row + 1] = at
    return at


def room(spans: Kernel) -> int:
    """Bytes that the text of `spans` takes at most."""
    lengths = np.where(spans[..., 0] >= 0, spans[..., 1] - spans[..., 0], 0)
    return int(lengths.sum()) + spans.size + SLACK


def strings(data: Kernel, spans: Kernel, *, large: bool = False) -> pa.Array[Any]:
    """Text (`large_string` if `large`), null where it is absent or empty."""
    offsets = np.zeros(len(spans) + 1, np.int64 if large else np.int32)
    out = np.empty(room(spans), np.uint8)
    size = _strings(data, spans, offsets, out)
    return _array(pa.LargeStringArray if large else pa.StringArray, offsets, out[:size])


def large_strings(offsets: Kernel, out: Kernel) -> pa.Array[Any]:
    """`large_string` of offsets (int64) into UTF-8, null where it is empty."""
    return _array(pa.LargeStringArray, offsets, out[: int(offsets[-1])])


def buffer_of(values: Any) -> pa.Buffer:
    """An array's memory, shared."""
    return pa.py_buffer(values)


def _array(kind: Any, offsets: Kernel, out: Kernel) -> pa.Array[Any]:
    there = np.diff(offsets) > 0
    missing = there.size - int(there.sum())
    bits = pa.py_buffer(np.packbits(there, bitorder="little").tobytes()) if missing else None
    found: pa.Array[Any] = kind.from_buffers(there.size, buffer_of(offsets), buffer_of(out), bits, missing)
    return found


def counts(spans: Kernel, kind: pa.DataType) -> pa.Array[Any]:
    """Whole numbers that were read while scanning."""
    return pa.array(spans[:, 0], kind, mask=spans[:, 0] < 0)


def numbers(data: Kernel, spans: Kernel) -> npt.NDArray[np.float64]:
    """Numbers as the nearest float64; NaN where there is none."""
    return np.asarray(strings(data, spans).cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


Read = Callable[[Sequence[Any]], tuple[Any, ...] | None]
"""From the values that stand together in a row, None where there is none, to those of some columns; None: it cannot be read."""

_REMEMBERED, _LONGEST = 1024, 2048  # distinct values, of so many bytes at most: a few MB for each kind


class Several:
    """Columns that come from few distinct values: each is decoded and read once, and remembered for the next block."""

    def __init__(self, read: Read, *kinds: pa.DataType) -> None:
        self._read = read
        self._again = lru_cache(maxsize=_REMEMBERED)(self._one)
        self._kinds = kinds

    def columns(self, data: Kernel, spans: Kernel) -> tuple[list[pa.Array[Any]], Kernel]:
        """The columns for spans of JSON, int64 (rows, values, 3), and which rows could be read; the others are null."""
        rows = len(spans)
        offsets = np.zeros(rows + 1, np.int64)
        out = np.empty(room(spans), np.uint8)
        size = _joined(data, spans, offsets, out)
        raw = pa.LargeBinaryArray.from_buffers(pa.large_binary(), rows, [None, buffer_of(offsets), buffer_of(out[:size])])
        encoded: Any = pc.dictionary_encode(raw)
        read = [(self._again if len(value) <= _LONGEST else self._one)(value) for value in encoded.dictionary.to_pylist()]
        nothing = (None,) * len(self._kinds)
        table = zip(*(values or nothing for values in read), strict=True) if read else [()] * len(self._kinds)
        columns = [pa.array(values, kind).take(encoded.indices) for values, kind in zip(table, self._kinds, strict=True)]
        sound = np.array([values is not None for values in read], np.bool_)
        return columns, sound[encoded.indices.to_numpy()] if read else np.zeros(0, np.bool_)

    def _one(self, raw: bytes) -> tuple[Any, ...] | None:
        try:
            return self._read([orjson.loads(value) if value else None for value in raw.split(b"\n")[:-1]])
        except Exception:  # whatever it is, the definition of the format meets it again and gives the reason
            return None
