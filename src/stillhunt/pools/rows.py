"""Rows by what they belong to: the loops by which accounts, values and groups find one another.

Pairs (account, value) are kept as rows sorted by the one side, with the first row of each, and an order of them by the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stillhunt.compiled import compiled

Index = npt.NDArray[np.int64]

_SPARSE = 64
"""Of codes that are wider than this many times the rows, sorting the rows costs less than looking at all codes."""


def rows_of(starts: Index, chosen: npt.NDArray[Any]) -> Index:
    """Positions `starts[i]` to `starts[i + 1]` for every i in `chosen`, one after the other."""
    begin, counts = starts[chosen], starts[np.asarray(chosen) + 1] - starts[chosen]
    ends = np.cumsum(counts)
    return np.asarray(np.arange(int(ends[-1]) if ends.size else 0) + np.repeat(begin - (ends - counts), counts))


def distinct(codes: npt.NDArray[Any], width: int) -> tuple[Index, Index]:
    """The codes that occur, sorted, and the place of each row's code among them: ``np.unique`` without sorting where that is cheaper.

    Args:
        codes: from 0 to `width` - 1, shape (rows,).
        width: number of codes.
    """
    if width > _SPARSE * codes.size:
        present, which = np.unique(codes, return_inverse=True)
        return present.astype(np.int64), which
    there = np.zeros(width, dtype=np.bool_)
    there[codes] = True
    present = np.flatnonzero(there)
    place = np.empty(width, dtype=np.int64)
    place[present] = np.arange(present.size)
    return present, place[codes]


def united(one: Index, other: Index, size: int) -> Index:
    """Positions below `size` that are in one or the other, sorted."""
    if size > _SPARSE * (one.size + other.size):
        return np.union1d(one, other)
    there = np.zeros(size, dtype=np.bool_)
    there[one] = there[other] = True
    return np.flatnonzero(there)


def by_value(values: npt.NDArray[Any], width: int) -> tuple[Index, Index]:
    """The rows in the order of their values (then in their own), and where each value begins, shape (width + 1,)."""
    starts = np.concatenate([[0], np.cumsum(np.bincount(values, minlength=width))]).astype(np.int64)
    return _placed(values, starts[:-1].copy()), starts


@compiled
def _placed(values: Any, next_of: Any) -> Any:
    order = np.empty(values.size, dtype=np.int64)
    for row in range(values.size):
        order[next_of[values[row]]] = row
        next_of[values[row]] += 1
    return order
