"""Crossings: cells of two columns of different families that hold more accounts than independence of the two explains.

A cell is proposed if it has at least `LEAST` entities, a Poisson tail below `SURPRISE` under independence, and at least `LIFT` times as
many entities as expected. The tail alone lets every small dependence through where accounts are many. The lift is what a cell must
have to be somebody's: below two, most of its accounts are those that independence puts there, no group that one hand made but a
mixture in which strangers are the majority. A hand whose accounts are in it is the majority of a cell of another pair, or of a
finer one, or of none. Of the two columns themselves hardly anything is lost: what a crossing testifies by
(`pools.evidence.crossing_bits`) is what goes beyond a lift of four, which any cause is granted.

Cells are counted without sorting accounts: in one table for a pair where codes are few; else by going through the accounts of each
value of the column with more values. Values with fewer than `LEAST` entities cannot make a cell and are left out beforehand. What is
weighed is bounded (`most`); cells of higher lift, which hold fewer strangers, come first, and all that were surprising are counted
as hypotheses.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc

from stillhunt.channels.threads import in_threads
from stillhunt.compiled import compiled
from stillhunt.pools.columns import CROSSED, Codes, Column, Floats, Index
from stillhunt.pools.population import Population
from stillhunt.pools.rows import by_value

LEAST = 5
"""Fewest entities that are proposed as a group."""

LARGEST = 0.5
"""Largest share of all entities that is proposed: beyond, the rest is no population to compare with."""

SURPRISE = 1e-9
LIFT = 2.0

DENSE = 1 << 20
"""Cells that are counted in one table: what a processor's cache holds."""

_GROUP_COST = 256
"""Weighing a group costs as much as so many members, however few it has."""


@dataclass(frozen=True)
class Cells:
    """Surprising cells and their accounts.

    Attributes:
        first, second: (column, resolution, code) of each, shape (cells, 3) each.
        members: sorted positions of the accounts of each cell, one cell after the other.
        starts: first member of each cell, and the number of members.
        surprising: how many cells were surprising, whether there was room for them or not.
    """

    first: Index
    second: Index
    members: npt.NDArray[np.int32]
    starts: Index
    surprising: int


@dataclass(frozen=True)
class _Side:
    """A column at one resolution: `slots` numbers its values that can make a cell from 1, shape (accounts,); `codes` and `held` by slot."""

    column: int
    level: int
    slots: Codes
    codes: Index
    held: Floats

    @property
    def width(self) -> int:
        return int(self.codes.size)


@dataclass(frozen=True)
class _Counted:
    """Cells of one pair of sides: slots, entities, accounts, and expected entities."""

    one: _Side
    other: _Side
    a: Index
    b: Index
    observed: Floats
    accounts: Index
    expected: Floats


def crossed(population: Population, most: int) -> Cells:
    """All surprising cells, or those of highest lift whose members (and `_GROUP_COST` for each) make up `most`."""
    usable = [number for number, column in enumerate(population.columns) if column.aspect.kind != "tie"]
    sides = dict(zip(usable, in_threads(lambda number: _sides(population, number), usable), strict=True))
    pairs = [(one, other) for one, other in combinations(usable, 2) if population.columns[one].family != population.columns[other].family]
    grouped = _Grouped()
    counted = [
        cells for found in in_threads(lambda pair: _counted(population, sides[pair[0]], sides[pair[1]], grouped), pairs) for cells in found
    ]
    counted = [cells for cells in counted if cells.a.size]
    if not counted:
        empty = np.zeros((0, 3), dtype=np.int64)
        return Cells(empty, empty, np.zeros(0, dtype=np.int32), np.zeros(1, dtype=np.int64), 0)
    which = np.concatenate([np.full(cells.a.size, number) for number, cells in enumerate(counted)])
    within = np.concatenate([np.arange(cells.a.size) for cells in counted])
    lift = np.concatenate([cells.observed / cells.expected for cells in counted])
    accounts = np.concatenate([cells.accounts for cells in counted])
    ranked = np.argsort(-lift, kind="stable")
    room = np.cumsum(accounts[ranked] + _GROUP_COST) <= most
    chosen = np.sort(ranked[room])
    starts = np.concatenate([[0], np.cumsum(accounts[chosen])]).astype(np.int64)
    members = np.empty(int(starts[-1]), dtype=np.int32)
    edges = np.searchsorted(which[chosen], np.arange(len(counted) + 1))

    def fill(number: int) -> None:
        own = slice(edges[number], edges[number + 1])
        _fill(counted[number], within[chosen[own]], starts[:-1][own].copy(), members, grouped)

    in_threads(fill, [number for number in range(len(counted)) if edges[number] < edges[number + 1]])
    first, second = (np.zeros((chosen.size, 3), dtype=np.int64) for _ in range(2))
    for number, cells in enumerate(counted):
        own = slice(edges[number], edges[number + 1])
        at = within[chosen[own]]
        first[own] = np.stack([np.full(at.size, cells.one.column), np.full(at.size, cells.one.level), cells.one.codes[cells.a[at]]], axis=1)
        second[own] = np.stack(
            [np.full(at.size, cells.other.column), np.full(at.size, cells.other.level), cells.other.codes[cells.b[at]]], axis=1
        )
    return Cells(first, second, members, starts, int(which.size))


class _Grouped:
    """Accounts by the values of a side, made when first asked for. Two threads may make the same; either is right."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int], tuple[Index, Index]] = {}

    def of(self, side: _Side) -> tuple[Index, Index]:
        key = (side.column, side.level)
        if key not in self._made:
            self._made[key] = by_value(side.slots, side.width)
        return self._made[key]


def _sides(population: Population, number: int) -> list[_Side]:
    """The column at the resolutions at which it is crossed, from coarse to fine."""
    column = population.columns[number]
    return [_side(column, number, level) for level in sorted({min(level, len(column.codings) - 1) for level in CROSSED})]


def _side(column: Column, number: int, level: int) -> _Side:
    coding = column.codings[level]
    held = coding.totals.sum(axis=0)
    kept = np.flatnonzero(held >= LEAST)
    kept = kept[kept > 0]
    slot_of = np.zeros(coding.width, dtype=np.int32)
    slot_of[kept] = np.arange(1, kept.size + 1)
    whole = slot_of if coding.fold is None else slot_of[coding.fold]
    return _Side(number, level, whole[column.codes], np.concatenate([[0], kept]), np.concatenate([[0.0], held[kept]]))


def _counted(population: Population, first: list[_Side], second: list[_Side], grouped: _Grouped) -> list[_Counted]:
    """The surprising cells of a pair of columns at each pair of resolutions."""
    deep = max(len(first), len(second))
    return [_cells(population, first[min(level, len(first) - 1)], second[min(level, len(second) - 1)], grouped) for level in range(deep)]


def _cells(population: Population, one: _Side, other: _Side, grouped: _Grouped) -> _Counted:
    lesser = LIFT / population.entities
    if one.width * other.width <= DENSE:
        observed, times = _table(one.slots, other.slots, population.weights, one.width, other.width)
        expected = one.held[:, None] * other.held[None, :] / population.entities
        a, b = np.nonzero((observed >= LEAST) & (observed >= LIFT * expected))
        found, accounts = observed[a, b], times[a, b]
    elif one.width >= other.width:
        a, b, found, accounts = _listed(*grouped.of(one), other.slots, population.weights, one.held, other.held, lesser, LEAST)
    else:
        b, a, found, accounts = _listed(*grouped.of(other), one.slots, population.weights, other.held, one.held, lesser, LEAST)
        order = np.lexsort((b, a))
        a, b, found, accounts = a[order], b[order], found[order], accounts[order]
    expected = one.held[a] * other.held[b] / population.entities
    surprising = (found <= LARGEST * population.entities) & (gammainc(np.floor(found), expected) < SURPRISE)
    return _Counted(one, other, a[surprising], b[surprising], found[surprising], accounts[surprising], expected[surprising])


@compiled
def _table(one: Any, other: Any, weights: Any, width: int, breadth: int) -> Any:
    """Entities and accounts of every cell, shape (width, breadth) each."""
    observed = np.zeros((width, breadth))
    times = np.zeros((width, breadth), dtype=np.int64)
    for at in range(one.size):
        if one[at] > 0 and other[at] > 0:
            observed[one[at], other[at]] += weights[at]
            times[one[at], other[at]] += 1
    return observed, times


@compiled
def _listed(order: Any, starts: Any, other: Any, weights: Any, held: Any, other_held: Any, lesser: float, least: int) -> Any:
    """Cells with `least` entities and enough lift, as (slot, slot, entities, accounts); `order` are the accounts by the first slot."""
    room = other.size // least + 1
    a, b = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
    observed, accounts = np.empty(room), np.empty(room, dtype=np.int64)
    sums, times = np.zeros(other_held.size), np.zeros(other_held.size, dtype=np.int64)
    touched = np.empty(other_held.size, dtype=np.int64)
    found = 0
    for slot in range(1, starts.size - 1):
        present = 0
        for at in range(starts[slot], starts[slot + 1]):
            value = other[order[at]]
            if value > 0:
                if times[value] == 0:
                    touched[present] = value
                    present += 1
                times[value] += 1
                sums[value] += weights[order[at]]
        values = np.sort(touched[:present])
        for value in values:
            if sums[value] >= least and sums[value] >= lesser * held[slot] * other_held[value]:
                a[found], b[found], observed[found], accounts[found] = slot, value, sums[value], times[value]
                found += 1
            sums[value] = 0.0
            times[value] = 0
    return a[:found], b[:found], observed[:found], accounts[:found]


def _fill(cells: _Counted, chosen: Index, ends: Index, members: npt.NDArray[np.int32], grouped: _Grouped) -> None:
    """Write the accounts of the `chosen` cells from `ends` on."""
    one, other = cells.one, cells.other
    a, b = cells.a[chosen], cells.b[chosen]
    if one.width * other.width <= DENSE:
        slot_of = np.full((one.width, other.width), -1, dtype=np.int32)
        slot_of[a, b] = np.arange(chosen.size)
        _fill_table(one.slots, other.slots, slot_of, ends, members)
        return
    if one.width < other.width:
        one, other, a, b = other, one, b, a
    by_first = np.argsort(a, kind="stable")
    _fill_listed(*grouped.of(one), other.slots, other.width, a[by_first], b[by_first], ends[by_first], members)


@compiled
def _fill_table(one: Any, other: Any, slot_of: Any, ends: Any, members: Any) -> None:
    for at in range(one.size):
        cell = slot_of[one[at], other[at]]
        if cell >= 0:
            members[ends[cell]] = at
            ends[cell] += 1


@compiled
def _fill_listed(order: Any, starts: Any, other: Any, width: int, a: Any, b: Any, ends: Any, members: Any) -> None:
    slot_of = np.full(width, -1, dtype=np.int64)
    cell = 0
    while cell < a.size:
        last = cell
        while last < a.size and a[last] == a[cell]:
            slot_of[b[last]] = last
            last += 1
        for at in range(starts[a[cell]], starts[a[cell] + 1]):
            mine = slot_of[other[order[at]]]
            if mine >= 0:
                members[ends[mine]] = order[at]
                ends[mine] += 1
        for done in range(cell, last):
            slot_of[b[done]] = -1
        cell = last
