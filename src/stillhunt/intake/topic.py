"""What a call is about, as one number a text: SimHashes that differ in few bits where texts share most of their longer words.

In: columns of large_string (any slice, nulls allowed). Out: one int64 a row, with a mask of the rows that have one. May
import: compiled and intake.sketch, nothing else of stillhunt.

A word is a run of ASCII letters and digits, folded to lower case, and of any bytes of scripts that take two bytes a letter
(Greek, Cyrillic, Arabic, ...). Of scripts with three (Chinese, Japanese, Korean, Thai, the Indian ones), which mostly have no spaces,
every two code points that follow each other are a word. Words of fewer than `LEAST_BYTES` bytes carry grammar rather than matter and
are left out. The first `MOST_WORDS` words are read, so that a long text costs no more than a short one; a text with fewer than
`LEAST_WORDS` has no topic.

Each of the 64 bits is the majority of that bit over the hashes of the words. For two texts whose words have the cosine c, the
expected share of differing bits is arccos(c) / pi: 0 for the same words in any order, one half for unrelated texts, whose number
of differing bits is then Binomial(64, 1/2). Reference: M. Charikar, STOC 2002, with the majority of hashes as G. Manku, A. Jain
and A. Das Sarma, WWW 2007, compute it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from stillhunt.compiled import compiled
from stillhunt.compiled.instructions import mum, word_at, zeros_below
from stillhunt.intake.sketch import Kernel, text_column

MOST_WORDS, LEAST_WORDS, LEAST_BYTES = 24, 4, 4
MOST_BYTES = 512
"""Where reading stops whatever was found, so that a text of short words or of none costs no more than others."""

_SEED, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_RS, _O80, _O7F, _O01 = (np.uint64(int(c, 16)) for c in ("1E" * 8, "80" * 8, "7F" * 8, "01" * 8))
_LOWER, _A, _Z, _0, _9 = (np.uint64(int(c, 16)) for c in ("20" * 8, "1F" * 8, "05" * 8, "50" * 8, "46" * 8))
_ONE, _EIGHT, _ALL = np.uint64(1), np.uint64(8), np.uint64((1 << 64) - 1)
_PAIR = np.uint64((1 << 48) - 1)  # six bytes: two code points of an unspaced script

_signed: Any = np.int64  # inside kernels numba knows the types, mypy does not


@compiled
def last_turn(data: Kernel, start: int, end: int) -> tuple[int, int]:
    """The bytes [from, to) of the last message of a user in a transcript; empty if there is none."""
    until = _signed(end)
    i = _signed(end)
    while i > start:
        if i - 8 >= start:
            marked = word_at(data, i - 8) ^ _RS
            if not (marked - _O01) & ~marked & _O80:
                i -= 8
                continue
        i -= 1
        if data[i] == 0x1E:
            if i + 1 < until and data[i + 1] == 0x75:
                return i + 2, until
            until = i
    return end, end


@compiled
def _eight(data: Kernel, i: int) -> Any:
    """Eight bytes from i on, little-endian; zeros beyond the last."""
    if i + 8 <= data.size:
        return word_at(data, i)
    chunk = np.uint64(0)
    for j in range(data.size - i):
        chunk |= np.uint64(data[i + j]) << np.uint64(8 * j)
    return chunk


@compiled
def _simhash(data: Kernel, start: int, end: int, lanes: Kernel) -> tuple[np.uint64, int]:
    """The SimHash of bytes [start, end) and the number of words in it. `lanes` is room for eight times eight counters of a byte."""
    lanes[:] = np.uint64(0)
    end = min(end, start + MOST_BYTES)
    words = 0
    i = _signed(start)
    while i < end and words < MOST_WORDS:
        first = data[i]
        if first >= 0xE0:
            width = 4 if first >= 0xF0 else 3
            if width == 4 or first == 0xE2 or i + 6 > end or data[i + 3] < 0xE0:
                i += width  # a symbol, or a character without a neighbour
                continue
            token = mum(_SEED ^ (_eight(data, i) & _PAIR), _MIX)
            i += 3
            long = _ONE
        else:
            token, size = _SEED, 0
            count = _EIGHT
            while count == _EIGHT and i < end:
                chunk = _eight(data, i)
                plain = chunk & _O7F
                low = plain | _LOWER
                letters = ((low + _A) & ~(low + _Z)) | ((plain + _0) & ~(plain + _9)) | chunk
                wide = chunk & (chunk << _ONE) & (chunk << np.uint64(2))
                count = min(zeros_below((~letters | wide) & _O80) >> np.uint64(3), np.uint64(min(end - i, 8)))
                if count:
                    token = mum(token ^ ((chunk | _LOWER) & (_ALL >> (np.uint64(64) - count * _EIGHT))), _MIX)
                    size += _signed(count)
                    i += _signed(count)
            if i < end and data[i] < 0xE0:
                i += 1  # what ended the word, or stood between
            long = np.uint64(size >= LEAST_BYTES)
        token = mum(token ^ _MIX, _SEED)
        words += _signed(long)
        counted = long * _O01  # no branch: whether a word is long cannot be predicted
        for j in range(8):
            lanes[j] += (token >> np.uint64(j)) & counted
    # At most `MOST_WORDS` a counter, so that adding 127 less half of the words carries into its highest bit where it is more than half.
    spare = np.uint64(127 - words // 2) * _O01
    bits = np.uint64(0)
    for j in range(8):
        bits |= ((lanes[j] + spare) & _O80) >> np.uint64(7 - j)
    return bits, words


@compiled
def _topics(data: Kernel, offsets: Kernel, valid: Kernel, turns: bool, hashes: Kernel, has: Kernel) -> None:
    lanes = np.empty(8, np.uint64)
    for row in range(offsets.size - 1):
        has[row] = False
        hashes[row] = 0
        if valid.size and not valid[row]:
            continue
        start, end = offsets[row], offsets[row + 1]
        if turns:
            start, end = last_turn(data, start, end)
        bits, words = _simhash(data, start, end, lanes)
        if words >= LEAST_WORDS:
            has[row] = True
            hashes[row] = _signed(bits)


def topics(texts: pa.Array[Any], *, last_turn: bool = False) -> pa.Array[Any]:
    """The SimHash of each text, int64; null where the text is null or has too few words.

    Args:
        texts: large_string.
        last_turn: the texts are transcripts (`records.INTAKE_INTERACTIONS`), of which the last message of a user counts.
    """
    hashes, has = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.bool_)
    _topics(*text_column(texts), last_turn, hashes, has)
    return pa.array(hashes, pa.int64(), mask=~has)
