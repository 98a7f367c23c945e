"""JSON lines cut up in a compiled loop: where wanted values stand, without an object for each of them.

In: the bytes of a block of lines in UTF-8, and a `Plan` of what is wanted. Out: for each line whether it is sound JSON that holds
only what the plan expects, and the spans of the wanted values. May import: intake.grammar and compiled.

Every byte of a line is checked against `intake.grammar`, whoever wants it or not, and a line is given up rather than guessed at where
names of what is wanted are escaped or come twice. Lines that are given up are somebody else's to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from stillhunt.compiled import compiled, inlined
from stillhunt.compiled.instructions import differences_at, mum, newlines_at, word_at, zeros_below
from stillhunt.intake.grammar import (
    COLON,
    COMMA,
    CURLY,
    CURLY_END,
    DEEPEST,
    NEWLINE,
    PAD,
    QUOTE,
    SQUARE,
    SQUARE_END,
    blank,
    is_null,
    number,
    over,
    string,
)

Kernel = npt.NDArray[Any]

SKIP, TEXT, IDENTIFIER, COUNT, NUMBER, RAW, OBJECT, LIST, NOTHING = range(9)
"""What a wanted value may be: text; an id of printable ASCII; a whole number from 0 on; a number; anything; an object or list that
is looked into; nothing at all. Null is always allowed. Anything else, and the line is given up."""

NULL, UNSEEN = -1, -2
"""What stands for a value's place where it is null, or not there."""

_ONE, _EIGHT = np.uint64(1), np.uint64(8)
_SALT = np.uint64(0xBF58476D1CE4E5B9)
_signed: Any = np.int64  # inside kernels numba knows the types, mypy does not


@dataclass(frozen=True)
class Each:
    """A list of objects that hold exactly these values: all of them are wanted, in order."""

    of: Mapping[str, int]


@dataclass(frozen=True)
class One:
    """A list with exactly one object, which is looked into."""

    of: Mapping[str, Any]


Tables: TypeAlias = "tuple[Kernel, Kernel, Kernel, Kernel]"
"""A hash table of entries; the entries (node, where the name begins in the next, its size, kind, slot, child); names; nodes."""

Wanted: TypeAlias = "Mapping[str, int | Mapping[str, Any] | Each | One]"


class _Entry(NamedTuple):
    node: int
    name: bytes
    kind: int
    slot: int
    child: int  # the node that is looked into


@dataclass
class Plan:
    """What is wanted of a line, as tables for the loop. `words` are looked up by `word`, for roles and the like.

    Attributes:
        slots: dotted path -> column of `Scanned.spans`, "" for all `NOTHING`; of an `Each`, `path.name` -> column of `Scanned.items`.
    """

    wanted: Wanted
    words: Mapping[bytes, int] = field(default_factory=dict)
    slots: dict[str, int] = field(init=False, default_factory=dict)
    each: dict[str, int] = field(init=False, default_factory=dict)
    tables: Tables = field(init=False)

    def __post_init__(self) -> None:
        self._entries: list[_Entry] = []
        self._nodes: list[tuple[int, int]] = []  # most elements (0: any number), whether strange names are allowed
        self._add(self.wanted, "", strict=False, most=1)
        self._entries += [_Entry(_WORDS, name, value, 0, 0) for name, value in self.words.items()]
        self.tables = self._perfect()

    def _add(self, wanted: Mapping[str, Any], path: str, *, strict: bool, most: int) -> int:
        node = len(self._nodes)
        self._nodes.append((most, int(strict)))
        for name, value in wanted.items():
            where = f"{path}{name}"
            slots = self.each if strict else self.slots
            # All that must be nothing share one column, in which nothing is looked up: each column costs time in every line.
            slot = slots.setdefault("" if value == NOTHING and not strict else where, len(slots))
            kind, child = value, 0
            if isinstance(value, Each):
                kind, child = LIST, self._add(value.of, f"{where}.", strict=True, most=0)
            elif isinstance(value, One):
                kind, child = LIST, self._add(value.of, f"{where}.", strict=False, most=1)
            elif isinstance(value, Mapping):
                kind, child = OBJECT, self._add(value, f"{where}.", strict=False, most=1)
            self._entries.append(_Entry(node, name.encode(), kind, slot, child))
        return node

    def _perfect(self) -> Tables:
        """A hash table without collisions: one look finds a name or tells that nobody wants it."""
        starts = np.cumsum([0, *(len(entry.name) for entry in self._entries)])
        data = np.frombuffer(b"".join(entry.name for entry in self._entries) + bytes(PAD), np.uint8)
        hashes = [_hash_of(entry.name, entry.node) for entry in self._entries]
        size = next(size for size in count(4 * len(hashes)) if len({number % size for number in hashes}) == len(hashes))
        places = [number % size for number in hashes]
        table = np.full(size, -1, np.int64)
        table[places] = np.arange(len(places))
        entries = np.array(
            [
                (entry.node, start, len(entry.name), entry.kind, entry.slot, entry.child)
                for entry, start in zip(self._entries, starts, strict=False)
            ],
            np.int64,
        )
        return table, entries, data, np.array(self._nodes, np.int64)


_WORDS = 255


def _hash_of(name: bytes, node: int) -> int:
    """What `_hashed` computes, for names from here: nothing is compiled for an import."""
    bits = (1 << 64) - 1
    first, last = int.from_bytes(name[:8], "little"), int.from_bytes(name[-8:], "little")
    product = (first ^ int(_SALT)) * ((last + (len(name) * 1031 + node * 65_537) * int(_SALT)) & bits)
    found = (product ^ product >> 64) & bits
    return found ^ found >> 32


@inlined
def _hashed(data: Kernel, start: int, size: int, node: int) -> np.uint64:
    first = word_at(data, start)
    if size < 8:
        first &= (_ONE << (np.uint64(size) * _EIGHT)) - _ONE
        last = first
    else:
        last = word_at(data, start + size - 8)
    found = mum(first ^ _SALT, last + np.uint64(size * 1031 + node * 65_537) * _SALT)
    return np.uint64(found ^ (found >> np.uint64(32)))


@inlined
def _entry(data: Kernel, start: int, size: int, node: int, tables: Tables) -> int:
    """The number of the entry for the name at `start`, or -1."""
    table, entries, names, _ = tables
    found = table[_signed(_hashed(data, start, size, node) % np.uint64(table.size))]
    if found < 0 or entries[found, 2] != size or entries[found, 0] != node:
        return -1
    at = entries[found, 1]
    for j in range(size):
        if names[at + j] != data[start + j]:
            return -1
    return int(found)


@compiled
def word(data: Kernel, start: int, size: int, tables: Tables, other: int) -> int:
    """What the plan's `words` say of the bytes at `start`, or `other`."""
    found = _entry(data, start, size, _WORDS, tables)
    return int(tables[1][found, 3]) if found >= 0 else other


# --------------------------------------------------------------------------------------------------------------------
# One line.


@compiled
def _value(data: Kernel, i: int, kind: int, span: Kernel) -> int:
    """Over one wanted value that is no object or list to look into, noting where it stands."""
    if kind != NOTHING and data[i] == QUOTE:
        end, escaped = string(data, i + 1)
        if end < 0:
            return -1
        span[0], span[1], span[2] = i + 1, end, escaped
        if kind == RAW:
            span[0], span[1] = i, end + 1
        elif kind == IDENTIFIER:
            if escaped or (end > i + 1 and data[i + 1] == 0x20):
                return -1
            for j in range(i + 1, end):
                if data[j] > 0x7E:
                    return -1
        elif kind != TEXT:
            return -1
        return end + 1
    if data[i] == 0x6E and is_null(data, i):
        span[0] = NULL
        return i + 4
    if kind == RAW:
        end = over(data, i)
        span[0], span[1], span[2] = i, end, 0
        return end
    if kind in (NUMBER, COUNT):
        if data[i] != 0x2D and not 0x30 <= data[i] <= 0x39:
            return -1
        end = number(data, i)
        if end < 0:
            return -1
        span[0], span[1], span[2] = i, end, 0
        if kind == COUNT:
            value = 0
            for j in range(i, end):
                if not 0x30 <= data[j] <= 0x39:
                    return -1
                value = 10 * value + _signed(data[j]) - 0x30
            span[0], span[1] = value, value
        return end
    return -1


# --------------------------------------------------------------------------------------------------------------------
# A line beside the one before. Logs repeat themselves: names always, and most of what nobody wants.

_MEMBERS = 512
_BEGIN, _VALUE, _END, _ENTRY, _NODE, _SIBLING = range(6)
"""What is remembered of a member of an object: where its name's quote, its value and what follows it stand in the data, its entry (-1 if
nobody wants it), the node that it belongs to, and whether only a comma parts it from the member before."""

_AHEAD = 24


@inlined
def alike(data: Kernel, i: int, other: int, most: int) -> int:
    """How many bytes from `i` on are those from `other` on, `most` at most."""
    for j in range(0, most, 32):
        marks = differences_at(data, i + j, other + j)
        if marks:
            return int(min(most, j + _signed(zeros_below(marks))))
    return most


@inlined
def _aligned(data: Kernel, i: int, node: int, before: Kernel, known: int, at: int) -> int:
    """Which member of the line before has the name that stands at `i`, looked for from `at` on; -1 for none."""
    for m in range(at, min(known, at + _AHEAD)):
        size = before[m, _VALUE] - before[m, _BEGIN]
        if before[m, _NODE] == node and alike(data, i, before[m, _BEGIN], size) == size:
            return m
    return -1


@inlined
def _forget(spans: Kernel) -> None:
    # Not in one assignment: those of slices take seconds to compile, because they could fail.
    for slot in range(spans.shape[0]):
        spans[slot, 0] = UNSEEN


@compiled
def _line(
    data: Kernel,
    i: int,
    tables: Tables,
    spans: Kernel,
    items: Kernel,
    n: int,
    stack: Kernel,
    before: Kernel,
    known: int,
    members: Kernel,
) -> tuple[int, int, int]:
    """One line. Returns its end (-1: given up, -2: no room for another item), the number of items and that of members remembered.

    `stack` holds what is open: (node, whether it is the list itself and not an object, elements so far). `before` has the `known`
    members of an earlier line: where bytes are the same as there, they need not be understood again.
    """
    entries, nodes = tables[1], tables[3]
    i = blank(data, i)
    if data[i] != CURLY:
        return -1, n, 0
    i += 1
    depth = at = m = 0
    stack[0, 0] = stack[0, 1] = stack[0, 2] = 0
    fresh = True  # right behind an opening bracket: only there may the closing one follow
    sibling = False
    while True:
        i = blank(data, i)
        node, is_list = stack[depth, 0], stack[depth, 1]
        if not (fresh and data[i] == (SQUARE_END if is_list else CURLY_END)):
            fresh = False
            strict = nodes[node, 1]
            if is_list:
                stack[depth, 2] += 1
                if data[i] != CURLY or (nodes[node, 0] and stack[depth, 2] > nodes[node, 0]):
                    return -1, n, 0
                if strict:
                    if n == items.shape[0]:
                        return -2, n, 0
                    _forget(items[n])
                depth += 1
                stack[depth, 0], stack[depth, 1] = node, 0
                fresh = True
                i += 1
                continue
            begin = i
            like = _signed(-1)
            if not strict:
                like = _aligned(data, i, node, before, known, at)
            if like >= 0:
                at = like + 1
                found = before[like, _ENTRY]
                if found < 0:
                    shift = i - before[like, _BEGIN]
                    last = like
                    while last + 1 < known and before[last + 1, _SIBLING] and before[last + 1, _ENTRY] < 0:
                        last += 1
                    same = alike(data, i, before[like, _BEGIN], before[last, _END] - before[like, _BEGIN] + 1)
                    through = like
                    while through <= last and same > before[through, _END] - before[like, _BEGIN]:
                        if m < _MEMBERS:
                            for k in range(3):
                                members[m, k] = before[through, k] + shift
                            members[m, _ENTRY], members[m, _NODE] = -1, node
                            members[m, _SIBLING] = through > like or sibling
                            m += 1
                        through += 1
                    if through > like:
                        i = before[through - 1, _END] + shift
                        at = through
                        like = _signed(-2)
                if like >= 0:  # the name and its colon are the same; there may be more blanks behind them here
                    i = blank(data, i + before[like, _VALUE] - before[like, _BEGIN])
            else:
                if data[i] != QUOTE:
                    return -1, n, 0
                i, escaped = string(data, begin + 1)
                if i < 0 or escaped:
                    return -1, n, 0
                found = _entry(data, begin + 1, i - begin - 1, node, tables)
                i = blank(data, i + 1)
                if data[i] != COLON:
                    return -1, n, 0
                i = blank(data, i + 1)
            if like != -2:
                remembered = not strict and m < _MEMBERS
                if remembered:
                    members[m, _BEGIN], members[m, _VALUE], members[m, _END] = begin, i, i
                    members[m, _ENTRY], members[m, _NODE], members[m, _SIBLING] = found, node, sibling
                    m += 1
                if found >= 0:
                    kind, slot = entries[found, 3], entries[found, 4]
                    span = items[n, slot] if strict else spans[slot]
                    if span[0] != UNSEEN and kind != NOTHING:
                        return -1, n, 0
                    if (kind == OBJECT and data[i] == CURLY) or (kind == LIST and data[i] == SQUARE):
                        span[0], span[1], span[2] = i, i, data[blank(data, i + 1)] == data[i] + 2
                        depth += 1
                        stack[depth, 0], stack[depth, 1], stack[depth, 2] = entries[found, 5], kind == LIST, 0
                        fresh, sibling = True, False
                        i += 1
                        continue
                    i = _value(data, i, kind, span)
                else:
                    i = -1 if strict else over(data, i)
                    if remembered:
                        members[m - 1, _END] = i
                if i < 0:
                    return -1, n, 0
        # Something has been read: another thing follows it, or what is around it ends, perhaps several times.
        sibling = True
        while True:
            i = blank(data, i)
            node, is_list = stack[depth, 0], stack[depth, 1]
            if data[i] == COMMA and not fresh:
                i += 1
                break
            if data[i] != (SQUARE_END if is_list else CURLY_END):
                return -1, n, 0
            i += 1
            fresh = sibling = False
            if is_list and nodes[node, 0] and stack[depth, 2] != nodes[node, 0]:
                return -1, n, 0
            if depth == 0:
                i = blank(data, i)
                return (i if data[i] == NEWLINE else -1), n, m
            depth -= 1
            if stack[depth, 1] and nodes[node, 1]:
                for slot in range(items.shape[1]):
                    if items[n, slot, 0] < 0:
                        return -1, n, 0
                n += 1


@compiled
def _starts(data: Kernel, size: int) -> Kernel:
    """Where lines begin, and behind all of them where another one would. What follows the last newline is a line, too."""
    count = 1
    for i in range(0, size, 32):
        marks = newlines_at(data, i)
        while marks:
            marks &= marks - _ONE
            count += 1
    starts = np.empty(count + 1, np.int64)
    starts[0] = 0
    n = 1
    for i in range(0, size, 32):
        marks = newlines_at(data, i)
        while marks:
            at = i + _signed(zeros_below(marks)) + 1
            if at <= size:
                starts[n] = at
                n += 1
            marks &= marks - _ONE
    starts[n] = size + 1
    return starts[: n + 1]


@compiled
def _scan(data: Kernel, size: int, tables: Tables, slots: int, per_item: int) -> tuple[Kernel, Kernel, Kernel, Kernel, Kernel]:
    starts = _starts(data, size)
    lines = starts.size - 1
    good = np.zeros(lines, np.bool_)
    spans = np.empty((lines, slots, 3), np.int64)
    for line in range(lines):
        _forget(spans[line])
    ends = np.zeros(lines + 1, np.int64)
    items = np.empty((4 * lines + 16, per_item, 3), np.int64)
    stack = np.zeros((DEEPEST, 3), np.int64)
    members = np.empty((2, _MEMBERS, 6), np.int64)
    n = known = latest = 0
    for line in range(lines):
        while True:
            end, m, found = _line(data, starts[line], tables, spans[line], items, n, stack, members[latest], known, members[1 - latest])
            if end != -2:
                break
            grown = np.empty((2 * items.shape[0], per_item, 3), np.int64)
            for item in range(m):
                for slot in range(per_item):
                    for part in range(3):
                        grown[item, slot, part] = items[item, slot, part]
            items = grown
            _forget(spans[line])
        good[line] = end >= 0
        if end >= 0:
            n, known, latest = m, found, 1 - latest
        ends[line + 1] = n
    return starts, good, spans, items[:n], ends


class Scanned(NamedTuple):
    """What `scan` found.

    Spans are [from, to, whether anything in it is escaped], from being `NULL` or `UNSEEN` where nothing is. Of an object or list they
    say only where it begins, and in the end whether it is empty.

    Attributes:
        data: uint8, the lines and `PAD` newlines.
        starts: int64, where each line begins; one more than there are lines.
        good: whether a line is what the plan expects; the rest says nothing of other lines.
        spans: int64 (lines, slots, 3); a `COUNT` has its value in place of its span.
        items: int64 (items, slots of an item, 3), the elements of the plan's `Each`.
        ends: int64, items before each line's end; one more than there are lines.
    """

    data: Kernel
    starts: Kernel
    good: Kernel
    spans: Kernel
    items: Kernel
    ends: Kernel


def scan(lines: Kernel, plan: Plan) -> Scanned:
    """Find what `plan` wants in lines of UTF-8 with `PAD` newlines behind them; text after their own last newline is a line, too."""
    return Scanned(lines, *_scan(lines, lines.size - PAD, plan.tables, len(plan.slots), max(1, len(plan.each))))
