"""Where records end, found over whole buffers at once: JSON texts that are not lines, and CSV with quoted newlines.

Both are pure functions on bytes. They look at quotes and brackets only; whether a record is sound is the reader's question.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_QUOTE, _ESCAPE, _OPEN, _CLOSE, _COMMA = 1, 2, 3, 4, 5
_KINDS = np.zeros(256, dtype=np.uint8)
for _characters, _kind in ((b'"', _QUOTE), (b"\\", _ESCAPE), (b"{[", _OPEN), (b"}]", _CLOSE), (b",", _COMMA)):
    _KINDS[list(_characters)] = _kind
_SPACE, _NEWLINE, _SQUARE = 0x20, 0x0A, 0x5B
_WHITE = frozenset(b" \t\r\n")


class Split(NamedTuple):
    """What `split_stream` found. `in_array` tells the next call where `rest` stands."""

    lines: bytes  # complete elements, one a line, no blank lines
    rest: bytes  # what follows the last of them
    in_array: bool
    broken: bool  # a bracket closes what was never opened: nothing after `lines` can be trusted


def split_stream(data: bytes, *, in_array: bool, only_array: bool = False) -> Split:
    """Cut JSON texts into elements: the elements of top-level arrays and the objects at top level, however laid out.

    Args:
        data: begins between two elements.
        in_array: whether it begins inside a top-level array.
        only_array: whether what follows the end of that array is of no interest.

    """
    buffer = np.frombuffer(data, dtype=np.uint8)
    positions, kinds = _structure(buffer)
    deltas = np.where(kinds == _OPEN, 1, np.where(kinds == _CLOSE, -1, 0))
    depth = np.cumsum(deltas) + int(in_array)
    below = np.flatnonzero(depth < 0)
    if only_array and len(closed := np.flatnonzero(depth <= 0)):
        end = closed[0] + 1
        positions, kinds, depth, below = positions[:end], kinds[:end], depth[:end], below[:0]
    if len(below):
        positions, kinds, depth = positions[: below[0]], kinds[: below[0]], depth[: below[0]]
    square = buffer[positions] == _SQUARE
    # Which bracket opened the text we are in: carried forward from the opener that left depth 0.
    openers = np.where((kinds == _OPEN) & (depth == 1), np.arange(1, len(positions) + 1), 0)
    latest = np.maximum.accumulate(openers) if len(openers) else openers
    inside_array = np.where(latest > 0, square[latest - 1] if len(square) else False, in_array)
    array_start = (kinds == _OPEN) & (depth == 1) & square
    separator = (kinds == _COMMA) & (depth == 1) & inside_array
    array_end = (kinds == _CLOSE) & (depth == 0) & inside_array
    object_end = (kinds == _CLOSE) & (depth == 0) & ~inside_array
    replaced = array_start | separator | array_end
    boundaries = np.flatnonzero(replaced | object_end)
    if not len(boundaries):
        return Split(b"", data, in_array, bool(len(below)))
    last = boundaries[-1]
    cut = int(positions[last]) + 1
    out = buffer[:cut].copy()
    out[out == _NEWLINE] = _SPACE
    out[positions[replaced]] = _NEWLINE
    out = np.insert(out, positions[object_end] + 1, _NEWLINE)
    lines = b"\n".join(line for line in out.tobytes().split(b"\n") if line.strip())
    return Split(lines, data[cut:], bool(inside_array[last] and kinds[last] != _CLOSE), bool(len(below)))


def _structure(buffer: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Positions and kinds of brackets and commas outside strings."""
    marks = _KINDS[buffer]
    positions = np.flatnonzero(marks)
    kinds = marks[positions]
    escapes = positions[kinds == _ESCAPE]
    escaped = np.zeros(len(positions), dtype=bool)
    if len(escapes):
        quotes = np.flatnonzero(kinds == _QUOTE)
        at = positions[quotes]
        behind = (at > 0) & (buffer[np.maximum(at - 1, 0)] == ord("\\"))
        quotes, at = quotes[behind], at[behind]
        starts = escapes[np.concatenate(([True], np.diff(escapes) != 1))]
        run = at - starts[np.searchsorted(starts, at) - 1]
        escaped[quotes] = (run & 1).astype(bool)  # an odd run of backslashes before a quote: the quote is text
    keep = (kinds != _ESCAPE) & ~escaped
    positions, kinds = positions[keep], kinds[keep]
    outside = ((np.cumsum(kinds == _QUOTE) & 1) == 0) & (kinds != _QUOTE)
    return positions[outside], kinds[outside]


def csv_cut(data: bytes) -> int:
    """How many bytes of `data`, which begins with a CSV record, are complete records. Newlines inside quotes end none."""
    buffer = np.frombuffer(data, dtype=np.uint8)
    positions = np.flatnonzero((buffer == ord('"')) | (buffer == _NEWLINE))
    newline = buffer[positions] == _NEWLINE
    ends = positions[newline & ((np.cumsum(~newline) & 1) == 0)]
    return int(ends[-1]) + 1 if len(ends) else 0


MAX_WRAPPED_DEPTH = 4


def wrapped_list(data: bytes) -> int:
    """Where the first element stands of a long list of objects within a JSON object, of which `data` is the beginning; 0 if there is none.

    Sought is the first list of objects that is still open where `data` ends, at most `MAX_WRAPPED_DEPTH` deep, with nothing but objects
    around it: the list of a store's answer. Lists within its elements are not meant, nor is one that holds lists.
    """
    buffer = np.frombuffer(data, dtype=np.uint8)
    positions, kinds = _structure(buffer)
    brackets = (kinds == _OPEN) | (kinds == _CLOSE)
    positions, opens = positions[brackets], kinds[brackets] == _OPEN
    depth = np.cumsum(np.where(opens, 1, -1))
    if not len(depth) or depth[-1] < 1:
        return 0
    # An opener is still open if the depth never falls below its own afterwards.
    lowest = np.minimum.accumulate(depth[::-1])[::-1]
    for at in np.flatnonzero(opens & (lowest >= depth))[:MAX_WRAPPED_DEPTH]:
        begin = int(positions[at])
        if buffer[begin] == _SQUARE:
            inner = data[begin + 1 : begin + 4096].lstrip()
            return begin + 1 if at and inner[:1] == b"{" else 0
    return 0
