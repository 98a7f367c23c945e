"""How a message is written, as one number: what one sees without reading what it says.

In: transcripts as `records.INTAKE_INTERACTIONS` has them (any slice, nulls allowed). Out: one int64 a row, of fields that lie side
by side (`records.SHAPE_FIELDS`). May import: records, compiled, intake.sketch and intake.topic.

Of the last message of a user, without the white space around it: how long it is, how it begins and ends, its lines, sentences and
marks, how long its words are, whether it speaks in the first person, whether somebody types hastily, and hashes of its first word and
of its first two. All but length and end are read off the first `MOST_BYTES` bytes. Everything is a class of a few values, so that a
population has enough calls of each; none of it says what the message is about.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from stillhunt.compiled import compiled
from stillhunt.compiled.instructions import mum
from stillhunt.intake.sketch import Kernel, text_column
from stillhunt.intake.topic import last_turn
from stillhunt.records import SHAPE_FIELDS

MOST_BYTES = 256


_SPACE, _LOWER, _UPPER, _DIGIT, _SIGN, _STOP, _COMMA, _QUOTE, _APOSTROPHE, _LINE, _OTHER, _HIGH = range(12)
_CLASSES = np.full(256, _OTHER, np.uint8)
for _letters, _kind in (
    (b" \t\r\x0b\x0c", _SPACE),
    (b"abcdefghijklmnopqrstuvwxyz", _LOWER),
    (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", _UPPER),
    (b"0123456789", _DIGIT),
    (b"{}()[];=<>_/\\|*#", _SIGN),
    (b".?!", _STOP),
    (b",", _COMMA),
    (b'"', _QUOTE),
    (b"'", _APOSTROPHE),
    (b"\n", _LINE),
    (bytes(range(128, 256)), _HIGH),
):
    _CLASSES[list(_letters)] = _kind
_CLASSES.flags.writeable = False

_FIRST = np.array(
    [int.from_bytes(word, "little") for word in (b"i", b"my", b"me", b"im", b"i'm", b"i've", b"we", b"our", b"us")], np.uint64
)
_SECOND = np.array([int.from_bytes(word, "little") for word in (b"you", b"your", b"u")], np.uint64)
_PLEASE = np.array([int.from_bytes(word, "little") for word in (b"please", b"pls")], np.uint64)
_LENGTHS = np.array([8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096], np.int64)
for _array in (_FIRST, _SECOND, _PLEASE, _LENGTHS):
    _array.flags.writeable = False
_SEED, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_EIGHT, _BIT5 = np.uint64(8), np.uint64(0x20)
_WIDTHS = np.array([field.bits for field in SHAPE_FIELDS], np.int64)
_WIDTHS.flags.writeable = False

_signed: Any = np.int64  # inside kernels numba knows the types, mypy does not


@compiled
def _holds(words: Kernel, word: np.uint64) -> bool:
    found = False
    for known in words:
        found |= known == word
    return found


@compiled
def _classed(part: int, whole: int, one: float, two: float) -> int:
    """0 for none, then 1, 2 and 3 below `one`, below `two` and from there on, as a share."""
    if part == 0 or whole == 0:
        return 0
    share = part / whole
    return 1 if share < one else 2 if share < two else 3


@compiled
def _shape(data: Kernel, start: int, end: int, classes: Kernel, values: Kernel, counts: Kernel, opening: Kernel) -> bool:
    """Fill `values`, one for each field, from bytes [start, end); False where there is nothing but white space."""
    while start < end and (classes[data[start]] == _SPACE or classes[data[start]] == _LINE):
        start += 1
    while end > start and (classes[data[end - 1]] == _SPACE or classes[data[end - 1]] == _LINE):
        end -= 1
    size = end - start
    if size <= 0:
        return False
    stop = min(end, start + MOST_BYTES)
    counts[:] = 0
    lower_start = tight = double_space = loose = listed = markdown = address = lower_i = 0
    words = ascii_words = short = letters = capitals = first = second = please = sentences = questions = blank = 0
    word, length = np.uint64(0), 0
    opening[:] = np.uint64(0)
    before, second_before = _LINE, _LINE
    i = _signed(start)
    capital = False
    while i <= stop:
        byte = data[i] if i < stop else np.uint8(32)
        kind = _signed(classes[byte])
        inside = _LOWER <= kind <= _DIGIT or (kind == _APOSTROPHE and length > 0)
        if inside:
            if length == 0:
                capital = kind == _UPPER
                word = np.uint64(0)
                if kind == _LOWER and before == _SPACE and second_before == _STOP:
                    lower_start = 1
            folded = np.uint64(byte) | (_BIT5 if kind == _UPPER else np.uint64(0))
            if length < 8:
                word |= folded << (np.uint64(length) * _EIGHT)
            length += 1
        elif length > 0:
            if words < 2:
                opening[words] = mum(_SEED ^ word, _MIX)
            if words > 0:
                capitals += capital
            words += 1
            ascii_words += 1
            letters += length
            short += length <= 3
            if length <= 6:
                first += _holds(_FIRST, word)
                second += _holds(_SECOND, word)
                please += _holds(_PLEASE, word)
                lower_i |= length == 1 and data[i - 1] == 0x69
            if length >= 4 and word & np.uint64(0xFFFFFFFF) == np.uint64(0x70747468):
                address = 1
            length = 0
        if i == stop:
            break
        counts[kind] += 1
        if kind == _HIGH and byte >= 0xE0:
            if words < 2 and i + 2 < stop:
                point = np.uint64(byte) | np.uint64(data[i + 1]) << _EIGHT | np.uint64(data[i + 2]) << np.uint64(16)
                opening[words] = mum(_SEED ^ point, _MIX)
            words += 1
            if i + 2 < stop:
                if byte == 0xE3 and data[i + 1] == 0x80 and data[i + 2] == 0x82:
                    sentences += 1
                elif byte == 0xEF and data[i + 1] == 0xBC:
                    questions += data[i + 2] == 0x9F
                    sentences += data[i + 2] == 0x9F or data[i + 2] == 0x81
                    counts[_COMMA] += data[i + 2] == 0x8C
        elif kind == _STOP:
            loose |= before == _SPACE
            questions += byte == 0x3F
            if i + 1 >= stop or classes[data[i + 1]] == _SPACE or classes[data[i + 1]] == _LINE:
                sentences += 1
            elif before == _LOWER and (classes[data[i + 1]] == _LOWER or classes[data[i + 1]] == _UPPER):
                tight = 1
        elif kind == _COMMA:
            loose |= before == _SPACE
            tight |= i + 1 < stop and before == _LOWER and (classes[data[i + 1]] == _LOWER or classes[data[i + 1]] == _UPPER)
        elif kind == _SPACE:
            double_space |= before == _SPACE
        elif kind == _LINE:
            blank |= before == _LINE
        elif before == _LINE:
            listed |= byte == 0x2D or (kind == _DIGIT and i + 1 < stop and (data[i + 1] == 0x2E or data[i + 1] == 0x29))
            markdown |= byte == 0x23
        if byte in (0x2A, 0x60):
            markdown |= i > start and data[i - 1] == byte
        second_before = before
        before = kind
        i += 1
    seen = stop - start
    v = 0
    values[v] = 0
    while values[v] < 15 and size >= _LENGTHS[values[v]]:
        values[v] += 1
    lines = counts[_LINE]
    values[1] = 0 if lines == 0 else 3 if lines >= 4 else 2 if blank else 1
    byte = data[start]
    kind = _signed(classes[byte])
    if kind <= _DIGIT:
        values[2] = kind - _LOWER if kind == _DIGIT else _UPPER - kind
    elif kind == _QUOTE:
        values[2] = 3
    elif byte < 0xE0 or byte >= 0xF0 or byte == 0xE2:
        values[2] = 5
    else:
        values[2] = 4 if 0xE4 <= byte <= 0xE9 else 6 if byte == 0xE3 else 7
    byte = data[end - 1]
    kind = _signed(classes[byte])
    if byte == 0x2E:
        last = 0
    elif byte == 0x3F:
        last = 1
    elif byte == 0x21:
        last = 2
    elif byte == 0x3A:
        last = 3
    elif byte == 0x29:
        last = 4
    elif byte in (0x7D, 0x5D):
        last = 5
    elif kind == _QUOTE:
        last = 6
    elif _LOWER <= kind <= _DIGIT:
        last = 7
    elif kind == _HIGH and size >= 3 and data[end - 3] == 0xE3 and data[end - 2] == 0x80 and byte == 0x82:
        last = 8
    elif kind == _HIGH and size >= 3 and data[end - 3] == 0xEF and data[end - 2] == 0xBC and byte == 0x9F:
        last = 9
    elif kind == _HIGH:
        last = 10
    else:
        last = 11
    values[3] = last
    values[4] = _classed(counts[_DIGIT], seen, 0.02, 0.07)
    values[5] = _classed(counts[_SIGN], seen, 0.02, 0.06)
    values[6] = (counts[_QUOTE] > 0) + 2 * (counts[_APOSTROPHE] > 0)
    values[7] = _classed(first, words, 0.05, 0.12)
    values[8] = second > 0
    values[9] = please > 0
    values[10] = lower_i
    values[11] = lower_start
    values[12] = tight
    values[13] = double_space
    values[14] = loose
    values[15] = _classed(capitals, max(words - 1, 1), 0.08, 0.25)
    values[16] = _classed(counts[_COMMA], words, 0.04, 0.08)
    mean = letters / ascii_words if ascii_words else 0.0
    values[17] = 0 if mean == 0 else 1 + (mean >= 3.5) + (mean >= 4) + (mean >= 4.5) + (mean >= 5) + (mean >= 5.5) + (mean >= 6.5)
    values[18] = _classed(counts[_HIGH], seen, 0.02, 0.3)
    values[19] = listed
    values[20] = markdown
    values[21] = address
    values[22] = _classed(short, ascii_words, 0.35, 0.5)
    values[23] = sentences if sentences < 4 else 4 + (sentences >= 6) + (sentences >= 9)
    values[24] = questions > 0
    values[25] = _signed(opening[0] >> np.uint64(56)) if words else 0
    values[26] = _signed(mum(opening[0] ^ _MIX, opening[1] ^ _SEED) >> np.uint64(55)) if words > 1 else 0
    return True


@compiled
def _shapes(data: Kernel, offsets: Kernel, valid: Kernel, classes: Kernel, found: Kernel, has: Kernel) -> None:
    values, counts, opening = np.zeros(_WIDTHS.size, np.int64), np.zeros(12, np.int64), np.zeros(2, np.uint64)
    for row in range(offsets.size - 1):
        found[row] = 0
        has[row] = False
        if valid.size and not valid[row]:
            continue
        start, end = last_turn(data, offsets[row], offsets[row + 1])
        if not _shape(data, start, end, classes, values, counts, opening):
            continue
        has[row] = True
        at = 0
        for j in range(_WIDTHS.size):
            found[row] |= values[j] << at
            at += _WIDTHS[j]


def shapes(transcript: pa.Array[Any]) -> pa.Array[Any]:
    """The shape of the last message of a user in each transcript, int64; null where there is none, or nothing in it."""
    found, has = np.zeros(len(transcript), np.int64), np.zeros(len(transcript), np.bool_)
    _shapes(*text_column(transcript), _CLASSES, found, has)
    return pa.array(found, pa.int64(), mask=~has)
