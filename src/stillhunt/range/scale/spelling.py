"""Numbers as the strings that logs are full of: hexadecimal digits, 128-bit identifiers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt.compiled import uncounted
from stillhunt.range.scale.chance import at, mix

Array = npt.NDArray[Any]

_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_15, _4 = np.uint64(15), np.uint64(4)


@uncounted
def _spell(data: Array, head: Array, digits: int, values: Array, seed: Any, valid: Array, offsets: Array, alphabet: Array) -> None:
    place = 0
    for row in range(values.size):
        if valid.size == 0 or valid[row]:
            for j in range(head.size):
                data[place + j] = head[j]
            place += head.size
            key = mix(values[row] ^ seed)
            for block in range(0, digits, 16):
                bits = at(key, block)
                for _ in range(min(16, digits - block)):
                    data[place] = alphabet[bits & _15]
                    bits >>= _4
                    place += 1
        offsets[row + 1] = place


@uncounted
def _identifiers(data: Array, values: Array, seed: Any, alphabet: Array) -> None:
    place = 0
    for row in range(values.size):
        key = mix(values[row] ^ seed)
        bits = at(key, 0)
        for j in range(32):
            if j == 16:
                bits = at(key, 1)
            if j in (8, 12, 16, 20):
                data[place] = 0x2D
                place += 1
            data[place] = 0x34 if j == 12 else alphabet[bits & _15]
            bits >>= _4
            place += 1


def column(values: Any, kind: pa.DataType | None = None, mask: Array | None = None) -> Any:
    """An Arrow array of anything; null where `mask` is true."""
    return pa.array(values, kind, mask=mask)


def _buffer(values: Any) -> pa.Buffer:
    return pa.py_buffer(values)


def spell(head: str, values: Array, seed: Any, digits: int, valid: Array | None = None) -> pa.Array[Any]:
    """`head` and `digits` hexadecimal digits made of each number; null where not `valid`. Equal numbers, equal strings."""
    rows = values.size
    valid = np.empty(0, np.bool_) if valid is None else valid
    count = rows if not valid.size else int(np.count_nonzero(valid))
    data = np.empty(count * (len(head) + digits), np.uint8)
    offsets = np.zeros(rows + 1, np.int32)
    _spell(data, np.frombuffer(head.encode(), np.uint8), digits, values.astype(np.uint64), np.uint64(seed), valid, offsets, _DIGITS)
    mask = column(valid).buffers()[1] if valid.size else None
    return pa.Array.from_buffers(pa.string(), rows, [mask, _buffer(offsets), _buffer(data)])


def identifiers(values: Array, seed: Any) -> pa.Array[Any]:
    """A random-looking identifier of 36 characters (a UUID of version 4 by its look) for each number."""
    rows = values.size
    data = np.empty(36 * rows, np.uint8)
    _identifiers(data, values, np.uint64(seed), _DIGITS)
    offsets = np.arange(0, 36 * rows + 1, 36, dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), rows, [None, _buffer(offsets), _buffer(data)])
