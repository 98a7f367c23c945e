"""Text to numbers, in compiled loops over Arrow's own buffers.

In: columns of large_string (any slice, nulls allowed). Out: arrays of exact hashes, sizes and consistent k-gram sketches.
May import: compiled, intake.thinning and intake.unicode_table, nothing else of stillhunt.

A sketch answers "which instructions does this call carry?" wherever they stand and whatever fills their slots:

* a token is a run of letters, digits and marks, folded (see `unicode_table`), or one code point of an unspaced script;
* a gram is the shortest run of trailing tokens whose weights reach 8; a word weighs 2, an unspaced code point 1;
* a gram is sampled when its 64-bit hash is below 2**62 (one in four), and at most 48 of them are kept (see `thinning`);
* a gram's number is its hash without the lowest 31 bits: 31 bits for those that are sampled.

So a gram is kept in every text that holds it or in none (bottom of one hash order, as in Broder 1997 and Heintze 1996), except
that long texts keep a nested part of what does not stand at their ends. Hashes are unkeyed, little-endian and the same on every
machine and Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt.compiled import compiled
from stillhunt.compiled.instructions import mum, word_at, zeros_below
from stillhunt.intake.thinning import EDGE, GRAM_SHIFT, MAX_GRAMS, THRESHOLD, WAITING, State, begin, kept_of, new_state, settle
from stillhunt.intake.unicode_table import PLANES_END, table

GRAM_WEIGHT, WORD_WEIGHT, UNSPACED_WEIGHT = 8, 2, 1
_SEED = np.uint64(0x9E3779B97F4A7C15)  # odd constants without structure: the golden ratio and splitmix64's
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_STEP = np.uint64(0x94D049BB133111EB)
_FMIX1 = np.uint64(0xFF51AFD7ED558CCD)  # MurmurHash3's finaliser (Appleby 2011), a bijection of 64 bits
_FMIX2 = np.uint64(0xC4CEB9FE1A85EC53)
_POWERS = np.array([pow(int(_STEP), i, 1 << 64) for i in range(GRAM_WEIGHT + 2)], dtype=np.uint64)

_RING = 16  # tokens remembered: a gram has at most 8, and the ring's size must be a power of two
_RS, _U, _O80, _O7F, _O01 = (np.uint64(int(c, 16)) for c in ("1E" * 8, "75", "80" * 8, "7F" * 8, "01" * 8))
_LOWER, _A, _Z, _0, _9 = (np.uint64(int(c, 16)) for c in ("20" * 8, "1F" * 8, "05" * 8, "50" * 8, "46" * 8))
_ONE, _EIGHT, _BITS, _TOP = np.uint64(1), np.uint64(8), np.uint64(64), np.uint64(56)

_signed: Any = np.int64  # inside kernels numba knows the types, mypy does not

Kernel = npt.NDArray[Any]


@compiled
def _finish(h: np.uint64) -> np.uint64:
    h = (h ^ (h >> np.uint64(33))) * _FMIX1
    h = (h ^ (h >> np.uint64(33))) * _FMIX2
    return h ^ (h >> np.uint64(33))


@compiled
def _tail(data: Kernel, start: int, end: int) -> np.uint64:
    """Up to eight bytes, little-endian, zeros above."""
    word = np.uint64(0)
    for j in range(min(end - start, 8)):
        word |= np.uint64(data[start + j]) << np.uint64(8 * j)
    return word


@compiled
def _texts(data: Kernel, offsets: Kernel, valid: Kernel, hashes: Kernel, chars: Kernel, messages: Kernel, turns: Kernel) -> None:
    """Exact hash and code points of each text, messages and user turns of each transcript; hash 0 for an empty or null one."""
    for row in range(offsets.size - 1):
        start, end = offsets[row], offsets[row + 1]
        hashes[row] = chars[row] = messages[row] = turns[row] = 0
        if start == end or (valid.size and not valid[row]):
            continue
        even, odd = _SEED, _STEP  # two lanes, because one would wait for its own multiplication
        continuations = separators = users = 0
        i = start
        while i < end:
            first = word_at(data, i) if i + 8 <= end else _tail(data, i, end)
            second = word_at(data, i + 8) if i + 16 <= end else _tail(data, i + 8, end)
            even = mum(even ^ first, _MIX) ^ (even >> _ONE)
            odd = mum(odd ^ second, _MIX) ^ (odd >> _ONE)
            inside = ((first >> np.uint64(7)) & ~(first >> np.uint64(6)) & _O01) + (
                (second >> np.uint64(7)) & ~(second >> np.uint64(6)) & _O01
            )
            continuations += _signed((inside * _O01) >> _TOP)
            marked, also = first ^ _RS, second ^ _RS
            if ((marked - _O01) & ~marked | (also - _O01) & ~also) & _O80:
                for j in range(i, min(i + 16, end)):
                    if data[j] == 0x1E:
                        separators += 1
                        users += j + 1 < end and data[j + 1] == 0x75
            i += 16
        hashes[row] = _signed(_finish(even ^ _finish(odd) ^ np.uint64(end - start)))
        chars[row] = end - start - continuations
        messages[row] = separators
        turns[row] = users


@compiled
def _message(
    data: Kernel,
    start: int,
    end: int,
    entries: Kernel,
    sequences: Kernel,
    powers: Kernel,
    state: State,
    memory: tuple[Kernel, Kernel],
    spans: Kernel,
    n: int,
    edge: int,
) -> tuple[int, int]:
    """Append the grams of one message that are sampled to those waiting; returns their number and that of all grams in the message.

    `spans` either has no rows, or as many as can wait, and then receives the bytes [from, to) that each gram was cut from.
    """
    kept, places = state[0], state[1]
    ring, marks = memory
    passed = 0
    readable = data.size - 8
    p1, p3 = powers[1], powers[3]
    track = spans.shape[0] > 0
    capacity = kept.size
    rolling = np.uint64(0)
    newest = oldest = weight = 0  # the ring holds tokens oldest .. newest - 1
    i = start
    at = at_end = origin = _signed(0)  # the elements left of a sequence that one code point stands for
    while i < end or at < at_end:
        token, word, filled = _SEED, np.uint64(0), np.uint64(0)
        begun = -1
        token_end = i
        token_weight = WORD_WEIGHT
        while True:
            size = 0
            if at < at_end:
                entry = sequences[at]
            elif i >= end:
                break
            elif data[i] < 128 and i <= readable:
                chunk = word_at(data, i)
                ascii_part = chunk & _O7F
                low = ascii_part | _LOWER
                letters = (low + _A) & ~(low + _Z)
                digits = (ascii_part + _0) & ~(ascii_part + _9)
                others = ~(letters | digits) | chunk
                count = zeros_below(others & _O80) >> np.uint64(3)
                if i + 8 > end:
                    count = min(count, np.uint64(end - i))
                if count == 0:
                    i += 1
                    if begun >= 0:
                        break
                    continue
                if begun < 0:
                    begun = i
                i += _signed(count)
                token_end = i
                if count < _EIGHT:
                    low &= (_ONE << (count * _EIGHT)) - _ONE
                if filled:
                    word |= low << (filled * _EIGHT)
                    filled += count
                    if filled >= _EIGHT:
                        token = mum(token ^ word, _MIX)
                        filled -= _EIGHT
                        word = low >> ((count - filled) * _EIGHT) if filled else np.uint64(0)
                elif count < _EIGHT:
                    word = low
                    filled = count
                else:
                    token = mum(token ^ low, _MIX)
                if count < _EIGHT and not (chunk >> (count * _EIGHT)) & np.uint64(0x80):
                    i += 1  # at the end of the message this steps over it, where nobody looks any more
                    break
                continue
            else:
                lead = _signed(data[i])
                point, size = lead, 1
                if lead >= 0xF0 and i + 3 < end:
                    point, size = (lead & 7) << 18 | (data[i + 1] & 63) << 12 | (data[i + 2] & 63) << 6 | data[i + 3] & 63, 4
                elif lead >= 0xE0 and i + 2 < end:
                    point, size = (lead & 15) << 12 | (data[i + 1] & 63) << 6 | data[i + 2] & 63, 3
                elif lead >= 0xC0 and i + 1 < end:
                    point, size = (lead & 31) << 6 | data[i + 1] & 63, 2
                if point < PLANES_END:
                    entry = entries[point]
                elif point < 0x40000:
                    entry = np.uint32(2 | point << 3)
                else:
                    entry = np.uint32(3 if 0xE0000 <= point < 0xE1000 else 0)
                if entry & 7 == 4:
                    origin = i
                    at = _signed(entry >> 8)
                    at_end = at + _signed(entry >> 3 & 31)
                    i += size
                    continue
            kind = entry & 7
            if kind == 2 and begun >= 0:
                break  # a word ends where an unspaced script begins; look at it again
            place = i if size else origin
            if size:
                i += size
            else:
                at += 1
            if kind == 0:
                if begun >= 0:
                    break
            elif kind != 3:
                if begun < 0:
                    begun = place
                token_end = i
                folded = np.uint64(entry >> 3)
                if folded < 0x80:
                    code, length = folded, _ONE
                elif folded < 0x800:
                    code, length = np.uint64(0x80C0) | folded >> np.uint64(6) | (folded & np.uint64(63)) << _EIGHT, np.uint64(2)
                elif folded < 0x10000:
                    code = np.uint64(0x8080E0) | folded >> np.uint64(12) | (folded >> np.uint64(6) & np.uint64(63)) << _EIGHT
                    code |= (folded & np.uint64(63)) << np.uint64(16)
                    length = np.uint64(3)
                else:
                    code = np.uint64(0x808080F0) | folded >> np.uint64(18) | (folded >> np.uint64(12) & np.uint64(63)) << _EIGHT
                    code |= (folded >> np.uint64(6) & np.uint64(63)) << np.uint64(16) | (folded & np.uint64(63)) << np.uint64(24)
                    length = np.uint64(4)
                word |= code << (filled * _EIGHT)
                filled += length
                if filled >= _EIGHT:
                    token = mum(token ^ word, _MIX)
                    filled -= _EIGHT
                    word = code >> ((length - filled) * _EIGHT)
                if kind == 2:
                    token_weight = UNSPACED_WEIGHT
                    break
        if begun < 0:
            continue
        if filled:
            token = mum(token ^ word, _MIX)
        # The gram's hash is a polynomial over its tokens, so that it rolls, and order counts.
        slot = newest & (_RING - 1)
        ring[slot] = token
        marks[slot] = begun << 1 | (token_weight == WORD_WEIGHT)
        newest += 1
        if weight == GRAM_WEIGHT and newest - oldest == 5 and token_weight == WORD_WEIGHT:  # four words before this one
            rolling = (rolling - ring[oldest & (_RING - 1)] * p3) * p1 + token
            oldest += 1
        else:
            weight += token_weight
            rolling = rolling * p1 + token
            while weight > GRAM_WEIGHT:
                slot = oldest & (_RING - 1)
                spare = WORD_WEIGHT if marks[slot] & 1 else UNSPACED_WEIGHT
                if weight - spare < GRAM_WEIGHT:
                    break
                rolling -= ring[slot] * powers[newest - oldest - 1]
                weight -= spare
                oldest += 1
            if weight < GRAM_WEIGHT:
                continue
        gram = _finish(rolling)
        if n == capacity:
            n = settle(state, n, edge, passed - edge, passed - edge)
        kept[n] = gram
        places[n] = passed
        passed += 1
        if track:
            spans[n, 0] = marks[oldest & (_RING - 1)] >> 1
            spans[n, 1] = token_end
        n += _signed(gram < THRESHOLD)  # no branch: one in four cannot be predicted
    return n, passed


@compiled
def _next_message(data: Kernel, start: int, end: int) -> Any:
    """Where the next U+001E stands, or `end`."""
    i = _signed(start)
    while i + 8 <= end:
        marked = word_at(data, i) ^ _RS
        found = (marked - _O01) & ~marked & _O80
        if found:
            return i + _signed(zeros_below(found) >> np.uint64(3))
        i += 8
    while i < end and data[i] != 0x1E:
        i += 1
    return i


@compiled
def _row(
    texts: tuple[Kernel, Kernel, Kernel],
    transcripts: tuple[Kernel, Kernel, Kernel],
    row: int,
    tables: tuple[Kernel, Kernel, Kernel],
    state: State,
    memory: tuple[Kernel, Kernel],
    spans: Kernel,
) -> tuple[int, int]:
    """Sample one interaction: its system text and what its users said.

    Where spans are wanted, all that is sampled is left waiting; returns how many grams that are, and how many are the system's.
    """
    entries, sequences, powers = tables
    settled = spans.shape[0] == 0
    n = of_system = 0
    data, offsets, valid = texts
    if not valid.size or valid[row]:
        n, places = _message(data, offsets[row], offsets[row + 1], entries, sequences, powers, state, memory, spans, n, EDGE)
        if settled:
            n = settle(state, n, EDGE, places, places - EDGE)
        of_system = n
    data, offsets, valid = transcripts
    if not valid.size or valid[row]:
        end = offsets[row + 1]
        begun = until = _signed(-1)  # the user's message before: only when there is another one is it not the last
        first = True
        i = _next_message(data, offsets[row], end)
        while i < end or begun >= 0:
            following = _next_message(data, i + 1, end) if i < end else end
            spoken = i + 1 < following and data[i + 1] == _U
            if begun >= 0 and (spoken or i >= end):
                edge = EDGE if first or i >= end else 0
                n, places = _message(data, begun, until, entries, sequences, powers, state, memory, spans, n, edge)
                if settled:
                    n = settle(state, n, edge, places, places - edge)
                first = False
                begun = _signed(-1)
            if spoken:
                begun, until = i + 2, following
            i = following
    return n, of_system


@compiled
def _new_memory() -> tuple[Kernel, Kernel]:
    return np.empty(_RING, np.uint64), np.empty(_RING, np.int64)


@compiled
def _sketches(
    texts: tuple[Kernel, Kernel, Kernel], transcripts: tuple[Kernel, Kernel, Kernel], tables: tuple[Kernel, Kernel, Kernel]
) -> tuple[Kernel, Kernel]:
    """The sketches of all rows: offsets and hashes."""
    rows = texts[1].size - 1
    state, memory = new_state(WAITING), _new_memory()
    no_spans = np.empty((0, 2), np.int64)
    kept = np.empty(MAX_GRAMS, np.uint64)
    offsets = np.zeros(rows + 1, np.int64)
    values = np.empty(max(1024, 24 * rows), np.int64)
    total = 0
    for row in range(rows):
        begin(state)
        _row(texts, transcripts, row, tables, state, memory, no_spans)
        n = kept_of(state, kept)
        if total + n > values.size:
            grown = np.empty(2 * values.size, np.int64)
            for j in range(total):
                grown[j] = values[j]
            values = grown
        for j in range(n):
            values[total + j] = _signed(kept[j])
        total += n
        offsets[row + 1] = total
    return offsets, values[:total]


@compiled
def _spans(
    texts: tuple[Kernel, Kernel, Kernel], transcripts: tuple[Kernel, Kernel, Kernel], row: int, tables: tuple[Kernel, Kernel, Kernel]
) -> tuple[Kernel, Kernel, int]:
    """All sampled grams of one row with the bytes that they were cut from; the first so many are the system text's."""
    size = _signed(1)
    for column in (texts, transcripts):
        size += 2 * (column[1][row + 1] - column[1][row])  # no code point stands for more than two tokens a byte
    state, memory = new_state(size), _new_memory()
    spans = np.empty((size, 2), np.int64)
    n, of_system = _row(texts, transcripts, row, tables, state, memory, spans)
    return state[0][:n], spans[:n], of_system


# --------------------------------------------------------------------------------------------------------------------
# Arrow in, arrays out.

_TABLES = (table().entries, table().sequences, _POWERS)


class Exact(NamedTuple):
    """What `exact` measures, int64 with one element a row; all zero for null and empty texts."""

    hashes: Kernel
    chars: Kernel  # code points, U+001E and role letters included
    messages: Kernel
    user_turns: Kernel


def text_column(texts: pa.Array[Any]) -> tuple[Kernel, Kernel, Kernel]:
    """Bytes, offsets and validity of a column, without copying text; read-only, so that kernels compile once."""
    buffers: Any = texts.buffers()
    rows = len(texts)
    parts = (
        np.frombuffer(buffers[2] or b"", np.uint8),
        np.frombuffer(buffers[1], np.int64)[texts.offset : texts.offset + rows + 1] if rows else np.zeros(1, np.int64),
        texts.is_valid().to_numpy(zero_copy_only=False) if texts.null_count else np.empty(0, np.bool_),
    )
    for part in parts:
        part.flags.writeable = False
    return parts


def exact(texts: pa.Array[Any]) -> Exact:
    """64-bit hashes of the exact bytes, and sizes."""
    found = Exact(*(np.zeros(len(texts), np.int64) for _ in range(4)))
    _texts(*text_column(texts), *found)
    return found


def sketches(system: pa.Array[Any], transcript: pa.Array[Any]) -> tuple[Kernel, Kernel]:
    """Sketches of the system text and the user's messages of each row.

    Returns:
        int64 offsets (rows + 1), and the hashes of the grams, int64 below 2**62 and ascending. `grams` gives their numbers.
    """
    found: tuple[Kernel, Kernel] = _sketches(text_column(system), text_column(transcript), _TABLES)
    return found


def grams(hashes: Kernel) -> Kernel:
    """The numbers of sampled grams (int32, not negative) from their hashes (int64)."""
    found: Kernel = (hashes >> np.int64(GRAM_SHIFT)).astype(np.int32)
    return found


def origins(system: pa.Array[Any], transcript: pa.Array[Any], row: int) -> dict[int, str]:
    """The hashes of one row's sampled grams, and for each the text that it was first cut from."""
    columns = text_column(system), text_column(transcript)
    hashes, spans, of_system = _spans(*columns, row, _TABLES)
    found: dict[int, str] = {}
    for j, gram in enumerate(hashes.tolist()):
        data = columns[0 if j < of_system else 1][0]
        if gram not in found:
            found[gram] = data[spans[j, 0] : spans[j, 1]].tobytes().decode(errors="replace")
    return found


def gram_of(tokens: Sequence[tuple[str, int]]) -> int:
    """The hash of one gram from its folded tokens, in plain Python: the definition that the kernels implement."""
    bits = (1 << 64) - 1
    rolling = 0
    for token, _ in tokens:
        raw = token.encode()
        h = int(_SEED)
        for i in range(0, len(raw), 8):
            product = (h ^ int.from_bytes(raw[i : i + 8], "little")) * int(_MIX)
            h = (product ^ product >> 64) & bits
        rolling = rolling * int(_STEP) + h & bits
    for factor in (_FMIX1, _FMIX2):
        rolling = (rolling ^ rolling >> 33) * int(factor) & bits
    return rolling ^ rolling >> 33
