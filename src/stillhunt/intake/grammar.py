"""The grammar of JSON (RFC 8259) for compiled loops over bytes: steps over a string, a number, a name, any value.

In: uint8 arrays in UTF-8 that end in a newline and `PAD` further ones, so that no step runs past the end: a newline ends everything.
Out: the position behind what was stepped over; -1 where the text breaks the grammar, or is left to more patient readers: half
surrogate pairs, whole numbers of more than 18 digits, nesting beyond 60. May import: compiled.

Strings are looked at 32 bytes at a time, as in Langdale and Lemire, "Parsing gigabytes of JSON per second", VLDB Journal 28, 2019.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stillhunt.compiled import compiled, inlined
from stillhunt.compiled.instructions import specials_at, word_at, zeros_below

Kernel = npt.NDArray[Any]

PAD = 64
"""Newlines behind the data that loops may look at."""

DEEPEST = 60
_MOST_DIGITS = 18
QUOTE, BACKSLASH, NEWLINE, COMMA, COLON = 0x22, 0x5C, 0x0A, 0x2C, 0x3A
CURLY, CURLY_END, SQUARE, SQUARE_END = 0x7B, 0x7D, 0x5B, 0x5D
_NULL_WORD, _TRUE_WORD = np.uint64(0x6C6C756E), np.uint64(0x65757274)
_FALSE_WORD, _FOUR = np.uint64(0x65736C6166), np.uint64(0xFFFFFFFF)
_FIVE = np.uint64(0xFFFFFFFFFF)
_ONE = np.uint64(1)
_signed: Any = np.int64  # inside kernels numba knows the types, mypy does not


@inlined
def blank(data: Kernel, i: int) -> int:
    """Over spaces, tabs and returns."""
    while data[i] == 0x20 or data[i] == 0x09 or data[i] == 0x0D:
        i += 1
    return i


@inlined
def hexadecimal(data: Kernel, i: int) -> int:
    """The number that four hexadecimal digits write, or -1."""
    value = 0
    for j in range(i, i + 4):
        digit = _signed(data[j])
        if 0x30 <= digit <= 0x39:
            digit -= 0x30
        elif 0x41 <= digit <= 0x46 or 0x61 <= digit <= 0x66:
            digit = (digit & 0x0F) + 9
        else:
            return -1
        value = value << 4 | digit
    return value


@inlined
def string(data: Kernel, i: int) -> tuple[int, int]:
    """From behind a quote to the closing one, and whether anything is escaped."""
    escaped = 0
    while True:
        marks = specials_at(data, i)
        if not marks:
            i += 32
            continue
        i += _signed(zeros_below(marks))
        if data[i] == QUOTE:
            return i, escaped
        if data[i] != BACKSLASH:
            return -1, 0
        escaped = 1
        sign = data[i + 1]
        if sign == 0x75:
            code = hexadecimal(data, i + 2)
            if code < 0:
                return -1, 0
            i += 6
            if 0xD800 <= code < 0xE000:
                if code >= 0xDC00 or data[i] != BACKSLASH or data[i + 1] != 0x75:
                    return -1, 0
                code = hexadecimal(data, i + 2)
                if not 0xDC00 <= code < 0xE000:
                    return -1, 0
                i += 6
        elif sign in (0x6E, QUOTE, BACKSLASH, 0x2F, 0x74, 0x72, 0x62, 0x66):
            i += 2
        else:
            return -1, 0


@inlined
def _digits(data: Kernel, i: int) -> int:
    while 0x30 <= data[i] <= 0x39:
        i += 1
    return i


@compiled
def number(data: Kernel, i: int) -> int:
    """Over a number."""
    if data[i] == 0x2D:
        i += 1
    start = i
    i = _digits(data, i)
    if i == start or i - start > _MOST_DIGITS or (data[start] == 0x30 and i > start + 1):
        return -1
    if data[i] == 0x2E:
        start = i + 1
        i = _digits(data, start)
        if i == start:
            return -1
    if data[i] | 0x20 == 0x65:
        i += 1
        if data[i] == 0x2B or data[i] == 0x2D:
            i += 1
        start = i
        i = _digits(data, start)
        if i == start or i - start > 2:
            return -1
    return i


@inlined
def _literal(data: Kernel, i: int) -> int:
    found = word_at(data, i)
    if found & _FOUR == _NULL_WORD or found & _FOUR == _TRUE_WORD:
        return i + 4
    return i + 5 if found & _FIVE == _FALSE_WORD else -1


@inlined
def is_null(data: Kernel, i: int) -> bool:
    """Whether null stands here."""
    return bool(word_at(data, i) & _FOUR == _NULL_WORD)


@compiled
def name(data: Kernel, i: int) -> int:
    """Over a name and its colon, to the value."""
    if data[i] != QUOTE:
        return -1
    i, _ = string(data, i + 1)
    if i < 0:
        return -1
    i = blank(data, i + 1)
    return blank(data, i + 1) if data[i] == COLON else -1


@compiled
def over(data: Kernel, i: int) -> int:
    """Over any value."""
    depth = 0
    objects = np.uint64(0)  # one bit for each bracket that is open: whether it is an object's
    while True:
        sign = data[i]
        if sign == QUOTE:
            i, _ = string(data, i + 1)
            if i < 0:
                return -1
            i += 1
        elif sign in (CURLY, SQUARE):
            i = blank(data, i + 1)
            if data[i] == sign + 2:
                i += 1
            else:
                depth += 1
                if depth > DEEPEST:
                    return -1
                objects = objects << _ONE | np.uint64(sign == CURLY)
                if sign == CURLY:
                    i = name(data, i)
                    if i < 0:
                        return -1
                continue
        else:
            i = number(data, i) if sign == 0x2D or 0x30 <= sign <= 0x39 else _literal(data, i)
            if i < 0:
                return -1
        while depth:
            i = blank(data, i)
            inside = objects & _ONE
            if data[i] == COMMA:
                i = blank(data, i + 1)
                if inside:
                    i = name(data, i)
                    if i < 0:
                        return -1
                break
            if data[i] != (CURLY_END if inside else SQUARE_END):
                return -1
            i += 1
            depth -= 1
            objects >>= _ONE
        else:
            return i
