"""Candidates: groups of accounts worth weighing, proposed by one thing that they share.

A candidate is proposed by one or two columns and will be judged by the *other* families only: what proposed a group cannot
testify for it. Proposals come from

* values: all accounts with one card, network, client shape, chain of handoffs …;
* instructions: all accounts in which the same grams recur. The grams of one instruction have nearly the same
  accounts, so grams are gathered by min-wise hashing of their account sets, and an account belongs to the instruction if it
  has at least half of the gathered grams;
* crossings: cells of two columns of different families (a client shape and a pace, a sign-up day and a card's bank …) that hold more
  accounts than independence of the two explains (`pools.crossings`). Of the two, one is taken as given; the other still testifies, but
  only as far as the cell goes (`pools.evidence.crossing_bits`), not by how alike the cell's accounts are in it: they were selected by it.

The number of proposals enters the naming of campaigns as the number of hypotheses (see `campaigns.naming`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args, overload

import numpy as np
import numpy.typing as npt

from stillhunt.channels import Family
from stillhunt.compiled import compiled
from stillhunt.pools.columns import Column, Flags, Index
from stillhunt.pools.crossings import LARGEST, LEAST, crossed
from stillhunt.pools.population import Population, Sets
from stillhunt.pools.rows import by_value

__all__ = ["CONTROL", "FAMILIES", "LARGEST", "LEAST", "Candidate", "Candidates", "Crossing", "propose"]

ROUNDS = 6
"""Rounds of min-wise hashing: two gram sets with Jaccard similarity s meet in one of them with 1 - (1 - s^2)^6."""

FAMILIES: tuple[Family, ...] = get_args(Family)

CONTROL: tuple[Family, ...] = ("payer", "identity", "conduct", "work")
"""Families that speak of who is in control: one purse, one way of making names, one scheduler, one queue. What brought accounts, where
they sit and what they run is what people share who are led by the same occasion, place or product."""

MOST_CROSSED, LEAST_ROOM = 12, 4_000_000
"""Members of crossings that are weighed: so many times the accounts, and at least the second number."""


@dataclass(frozen=True)
class Crossing:
    """Accounts with code `given_code` of `given`, and among them those with `told_code` of `told`: the one that testifies."""

    given: Column
    given_level: int
    given_code: int
    told: Column
    told_level: int
    told_code: int

    @property
    def family(self) -> Family:
        """The family that testifies."""
        return self.told.family


@dataclass(frozen=True)
class Candidate:
    """A group, and the families that proposed it. `because` is the proposing aspect and value, for people."""

    members: Index  # sorted positions in the population
    families: frozenset[Family]
    because: tuple[tuple[str, str], ...]
    crossing: Crossing | None = None


@dataclass(frozen=True)
class Candidates(Sequence[Candidate]):
    """All candidates, as columns; a single one is made when it is asked for.

    Attributes:
        population: what they were proposed in.
        members: sorted positions of each one's accounts, one after the other.
        starts: first member of each, and the number of members.
        first, second: (column, resolution, code) of what proposed each, shape (candidates, 3). Columns from the population's number on
            are its sets, whose code is a value; -1 for no second.
        looked: number of hypotheses: candidates, and proposals for which there was no room.
    """

    population: Population
    members: npt.NDArray[np.int32]
    starts: Index
    first: Index
    second: Index
    looked: int

    def __len__(self) -> int:
        return int(self.first.shape[0])

    @overload
    def __getitem__(self, number: int) -> Candidate: ...
    @overload
    def __getitem__(self, number: slice) -> list[Candidate]: ...
    def __getitem__(self, number: int | slice) -> Candidate | list[Candidate]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        number %= len(self)
        because = tuple(_because(self.population, *map(int, part)) for part in self._parts(number))
        return Candidate(self.of(number), self.proposers(number), because, self.crossing(number))

    def _parts(self, number: int) -> list[Index]:
        return [part for part in (self.first[number], self.second[number]) if part[0] >= 0]

    def proposers(self, number: int) -> frozenset[Family]:
        """The families that proposed one candidate."""
        return frozenset(_family(self.population, int(part[0])) for part in self._parts(number))

    def of(self, number: int) -> Index:
        """Members of one candidate."""
        return self.members[self.starts[number] : self.starts[number + 1]].astype(np.int64)

    def crossing(self, number: int) -> Crossing | None:
        """What of a candidate's two columns still testifies, if any does."""
        first, second = (tuple(map(int, part[number])) for part in (self.first, self.second))
        given, told = _told(self.population, first, second)
        if told is None or given is None:
            return None
        columns = self.population.columns
        return Crossing(columns[given[0]], given[1], given[2], columns[told[0]], told[1], told[2])

    @property
    def families(self) -> Flags:
        """Which families proposed each, shape (candidates, families)."""
        numbers = range(len(self.population.columns) + len(self.population.sets))
        of = np.array([FAMILIES.index(_family(self.population, number)) for number in numbers], dtype=np.int64)
        flags = np.zeros((len(self), len(FAMILIES)), dtype=bool)
        for part in (self.first, self.second):
            there = np.flatnonzero(part[:, 0] >= 0)
            flags[there, of[part[there, 0]]] = True
        return flags


Part = tuple[int, ...]


def _told(population: Population, first: Part, second: Part) -> tuple[Part | None, Part | None]:
    if second[0] < 0:
        return None, None
    one, other = population.columns[first[0]], population.columns[second[0]]
    if tells(one, other):
        return first, second
    return (second, first) if tells(other, one) else (None, None)


def tells(given: Column, told: Column) -> bool:
    """Whether `told`, given `given`, speaks of control: the customs of a country are no sign that somebody made names by a scheme."""
    return told.family in CONTROL and not (told.family == "identity" and given.family == "place")


def _family(population: Population, number: int) -> Family:
    columns = population.columns
    return columns[number].family if number < len(columns) else population.sets[number - len(columns)].family


def _because(population: Population, number: int, level: int, code: int) -> tuple[str, str]:
    if number >= len(population.columns):
        sets = population.sets[number - len(population.columns)]
        return sets.aspect.name, str(sets.names[code].as_py())
    column = population.columns[number]
    if column.numbers is None:
        return column.aspect.name, column.name(code)
    return column.aspect.name, str(float(np.nanmedian(column.numbers[column.codings[level].of(column.codes) == code])))


def propose(population: Population) -> Candidates:
    """All candidates in a fixed order; of equal groups the one with the fewest proposing families, which leaves most to testify."""
    parts = [_values(column, number, population) for number, column in enumerate(population.columns)]
    for number, sets in enumerate(population.sets):
        if sets.aspect.testifies:
            parts.append(_instructions(sets, len(population.columns) + number, population))
    cells = crossed(population, max(MOST_CROSSED * population.size, LEAST_ROOM))
    parts.append((cells.members, cells.starts, cells.first, cells.second))
    return _distinct(population, parts, cells.surprising - len(cells.first))


_Part = tuple[npt.NDArray[np.int32], Index, Index, Index]


def _values(column: Column, number: int, population: Population) -> _Part:
    held = column.totals.sum(axis=0)
    kept = (held >= LEAST) & (held <= LARGEST * population.entities)
    kept[0] = False
    if column.aspect.kind not in {"category", "tie"}:
        kept[:] = False
    codes = np.flatnonzero(kept)
    slot_of = np.full(column.width, codes.size, dtype=np.int32)
    slot_of[codes] = np.arange(codes.size)
    order, starts = by_value(slot_of[column.codes], codes.size + 1) if codes.size else (np.zeros(0, dtype=np.int64), np.zeros(2, np.int64))
    first = np.stack([np.full(codes.size, number), np.full(codes.size, len(column.codings) - 1), codes], axis=1).astype(np.int64)
    return order[: starts[-2]].astype(np.int32), starts[:-1], first, np.full_like(first, -1)


def _instructions(sets: Sets, number: int, population: Population) -> _Part:
    """Groups of accounts in which the same values of a set-valued aspect recur."""
    common = np.flatnonzero((sets.holders >= LEAST) & (sets.holders <= LARGEST * population.entities))
    slot_of = np.full(len(sets.names), -1, dtype=np.int64)
    slot_of[common] = np.arange(common.size)
    starts = np.concatenate([[0], np.cumsum(np.diff(sets.value_starts)[common])]).astype(np.int64)
    holders = _holders(sets.accounts, sets.order, sets.value_starts, common, starts)
    rng = np.random.default_rng(0)
    found: list[tuple[npt.NDArray[np.int32], Index, Index]] = []
    for _ in range(ROUNDS if common.size else 0):
        keys = [_smallest(holders, starts, rng.permutation(population.size)) for _ in range(2)]
        _, cluster = np.unique(keys[0] * (population.size + 1) + keys[1], return_inverse=True)
        grouped, edges = by_value(cluster, int(cluster.max()) + 1)
        members, ends = _half(holders, starts, grouped, edges, population.weights, LEAST)
        kept = np.flatnonzero(np.diff(ends))
        found.append((members, np.concatenate([ends[kept], ends[-1:]]), common[grouped[edges[kept]]]))
    members = np.concatenate([np.zeros(0, dtype=np.int32), *(one for one, _, _ in found)])
    lengths = np.concatenate([np.zeros(0, dtype=np.int64), *(np.diff(ends) for _, ends, _ in found)])
    named = np.concatenate([np.zeros(0, dtype=np.int64), *(names for _, _, names in found)])
    first = np.stack([np.full(named.size, number), np.zeros(named.size), named], axis=1).astype(np.int64)
    return members, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), first, np.full_like(first, -1)


@compiled
def _holders(accounts: Any, order: Any, value_starts: Any, common: Any, starts: Any) -> Any:
    """Accounts of each of the `common` values, one after the other."""
    holders = np.empty(starts[-1], dtype=np.int32)
    for number in range(common.size):
        begin = value_starts[common[number]]
        for at in range(starts[number], starts[number + 1]):
            holders[at] = accounts[order[begin + at - starts[number]]]
    return holders


@compiled
def _smallest(holders: Any, starts: Any, rank: Any) -> Any:
    smallest = np.empty(starts.size - 1, dtype=np.int64)
    for value in range(starts.size - 1):
        least = rank.size
        for at in range(starts[value], starts[value + 1]):
            least = min(least, rank[holders[at]])
        smallest[value] = least
    return smallest


@compiled
def _half(holders: Any, starts: Any, grouped: Any, edges: Any, weights: Any, least: int) -> Any:
    """Accounts with at least half of each cluster's values; clusters with fewer than `least` entities have none."""
    times = np.zeros(weights.size, dtype=np.int64)
    members = np.empty(holders.size, dtype=np.int32)
    ends = np.zeros(edges.size, dtype=np.int64)
    touched = np.empty(weights.size, dtype=np.int64)
    last = 0
    for cluster in range(edges.size - 1):
        present = 0
        for at in range(edges[cluster], edges[cluster + 1]):
            for place in range(starts[grouped[at]], starts[grouped[at] + 1]):
                account = holders[place]
                if times[account] == 0:
                    touched[present] = account
                    present += 1
                times[account] += 1
        size, weight = edges[cluster + 1] - edges[cluster], 0.0
        kept = 0
        for at in range(present):
            account = touched[at]
            if times[account] * 2 >= size:
                weight += weights[account]
                touched[kept] = account
                kept += 1
            times[account] = 0
        if weight >= least:
            members[last : last + kept] = np.sort(touched[:kept])
            last += kept
        ends[cluster + 1] = last
    return members[:last], ends


def _distinct(population: Population, parts: list[_Part], left_out: int) -> Candidates:
    members = np.concatenate([np.zeros(0, dtype=np.int32), *(part[0] for part in parts)])
    lengths = np.concatenate([np.zeros(0, dtype=np.int64), *(np.diff(part[1]) for part in parts)])
    first, second = (np.concatenate([np.zeros((0, 3), dtype=np.int64), *(part[at] for part in parts)]) for at in (2, 3))
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    one, other, weight = _keys(members, starts, population.weights)
    sized = np.flatnonzero((weight >= LEAST) & (weight <= LARGEST * population.entities))
    two = (second[sized, 0] >= 0).astype(np.int64)
    order = np.lexsort((two, other[sized], one[sized]))  # stable: of equal ones the first comes first
    a, b = one[sized][order], other[sized][order]
    new = np.concatenate([[True], (a[1:] != a[:-1]) | (b[1:] != b[:-1])]) if order.size else np.zeros(0, dtype=bool)
    heads = np.flatnonzero(new)
    earliest = np.minimum.reduceat(order, heads) if heads.size else heads
    chosen = sized[order[heads]][np.argsort(earliest, kind="stable")]
    ends = np.concatenate([[0], np.cumsum(lengths[chosen])]).astype(np.int64)
    return Candidates(population, _gathered(members, starts, chosen, ends), ends, first[chosen], second[chosen], chosen.size + left_out)


@compiled
def _keys(members: Any, starts: Any, weights: Any) -> Any:
    """Two hashes of each group's members, together 128 bits, and its entities."""
    groups = starts.size - 1
    one, other, weight = np.empty(groups, dtype=np.uint64), np.empty(groups, dtype=np.uint64), np.empty(groups)
    for group in range(groups):
        a, b, total = np.uint64(starts[group + 1] - starts[group]), np.uint64(0x9E3779B97F4A7C15), 0.0
        for at in range(starts[group], starts[group + 1]):
            value = np.uint64(members[at]) + np.uint64(1)
            a = (a ^ value) * np.uint64(0xFF51AFD7ED558CCD)
            a ^= a >> np.uint64(32)
            b = (b + value) * np.uint64(0xC4CEB9FE1A85EC53)
            b ^= b >> np.uint64(29)
            total += weights[members[at]]
        one[group], other[group], weight[group] = a, b, total
    return one, other, weight


@compiled
def _gathered(members: Any, starts: Any, chosen: Any, ends: Any) -> Any:
    gathered = np.empty(ends[-1], dtype=np.int32)
    for number in range(chosen.size):
        begin = starts[chosen[number]]
        for at in range(ends[number], ends[number + 1]):
            gathered[at] = members[begin + at - ends[number]]
    return gathered
