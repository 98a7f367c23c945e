"""Candidates: groups of accounts worth weighing, proposed by one thing that they share.

A candidate is proposed by one or two columns and will be judged by the *other* families only: what proposed a group cannot
testify for it. Proposals come from

* values: all accounts with one card, network, client shape, chain of handoffs …;
* instructions: all accounts in which the same grams recur. The grams of one instruction have nearly the same
  accounts, so grams are gathered by min-wise hashing of their account sets, and an account belongs to the instruction if it
  has at least half of the gathered grams;
* crossings: cells of two columns of different families (a client shape and a pace, a sign-up day and a card's bank …) that hold more
  accounts than independence of the two explains. Of the two, one is taken as given; the other still testifies, but only as far as
  the cell goes (`pools.evidence.crossing_bits`), not by how alike the cell's accounts are in it, which they are by selection.

The number of proposals enters the naming of campaigns as the number of hypotheses (see `campaigns.naming`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import poisson

from stillhunt.channels import Family
from stillhunt.pools.population import Coding, Column, Floats, Index, Population, Sets

LEAST = 5
"""Fewest entities that are proposed as a group."""

LARGEST = 0.5
"""Largest share of all entities that is proposed: beyond, the rest is no population to compare with."""

CROSSED = (1, 2)
"""Resolutions of measures at which columns are crossed (`population.RESOLUTIONS`)."""

ROUNDS = 6
"""Rounds of min-wise hashing: two gram sets with Jaccard similarity s meet in one of them with 1 - (1 - s^2)^6."""


CONTROL: tuple[Family, ...] = ("payer", "identity", "conduct", "work")
"""Families that speak of who is in control: one purse, one way of making names, one scheduler, one queue. What brought accounts, where
they sit and what they run is what people share who are led by the same occasion, place or product."""


@dataclass(frozen=True)
class Crossing:
    """Accounts with code `given_code` in coding `given`, and among them those with `told_code` in `told`: the one that testifies."""

    given: Coding
    given_code: int
    told: Coding
    told_code: int
    aspect: str
    family: Family


@dataclass(frozen=True)
class Candidate:
    """A group, and the families that proposed it. `because` is the proposing aspect and value, for people."""

    members: Index  # sorted positions in the population
    families: frozenset[Family]
    because: tuple[tuple[str, str], ...]
    crossing: Crossing | None = None


def propose(population: Population) -> list[Candidate]:
    """All candidates in a fixed order; of equal groups the one with the fewest proposing families, which leaves most to testify."""
    found: dict[bytes, Candidate] = {}
    for candidate in _all(population):
        if LEAST <= population.weights[candidate.members].sum() <= LARGEST * population.entities:
            key = candidate.members.tobytes()
            if key not in found or len(candidate.families) < len(found[key].families):
                found[key] = candidate
    return list(found.values())


def _all(population: Population) -> Iterator[Candidate]:
    for column in population.columns:
        if column.aspect.kind in {"category", "tie"}:
            yield from _values(column)
    for sets in population.sets:
        if sets.aspect.testifies:
            yield from instructions(sets, population)
    yield from _crossings(population)


def _values(column: Column) -> Iterator[Candidate]:
    coding = column.codings[0]
    order = np.argsort(coding.codes, kind="stable")
    starts = np.searchsorted(coding.codes[order], np.arange(coding.width + 1))
    for code in range(1, coding.width):
        if coding.totals[:, code].sum() >= LEAST:
            members = np.sort(order[starts[code] : starts[code + 1]]).astype(np.int64)
            yield Candidate(members, frozenset({column.family}), ((column.aspect.name, column.names[code]),))


def instructions(sets: Sets, population: Population) -> Iterator[Candidate]:
    """Groups of accounts in which the same values of a set-valued aspect recur."""
    common = (sets.holders >= LEAST) & (sets.holders <= LARGEST * population.entities)
    keep = common[sets.values]
    accounts, values = sets.accounts[keep], sets.values[keep]
    if accounts.size == 0:
        return
    kept, values = np.unique(values, return_inverse=True)
    order = np.argsort(values, kind="stable")
    by_value, holders = values[order], accounts[order]
    starts = np.searchsorted(by_value, np.arange(kept.size + 1))
    seen: set[bytes] = set()
    rng = np.random.default_rng(0)
    for _ in range(ROUNDS):
        keys = []
        for _ in range(2):
            rank = rng.permutation(population.size)
            smallest = np.full(kept.size, population.size, dtype=np.int64)
            np.minimum.at(smallest, values, rank[accounts])
            keys.append(smallest)
        _, cluster = np.unique(keys[0] * (population.size + 1) + keys[1], return_inverse=True)
        grouped = np.argsort(cluster, kind="stable")
        edges = np.searchsorted(cluster[grouped], np.arange(int(cluster.max()) + 2))
        for number in range(edges.size - 1):
            grams = grouped[edges[number] : edges[number + 1]]
            gathered = np.concatenate([holders[starts[gram] : starts[gram + 1]] for gram in grams])
            owners, times = np.unique(gathered, return_counts=True)
            members = owners[times * 2 >= grams.size]
            key = members.tobytes()
            if key not in seen and population.weights[members].sum() >= LEAST:
                seen.add(key)
                name = sets.names[int(kept[grams[0]])].as_py()
                yield Candidate(members.astype(np.int64), frozenset({sets.family}), ((sets.aspect.name, name),))


def _crossings(population: Population) -> Iterator[Candidate]:
    """Cells of two columns with more entities than independence explains: Poisson tail below 1e-9."""
    columns = [column for column in population.columns if column.aspect.kind != "tie"]
    for one, other in combinations(columns, 2):
        if one.family != other.family:
            for a, b in {(min(level, len(one.codings) - 1), min(level, len(other.codings) - 1)) for level in CROSSED}:
                yield from _cells(population, (one, one.codings[a]), (other, other.codings[b]))


def _cells(population: Population, first: tuple[Column, Coding], second: tuple[Column, Coding]) -> Iterator[Candidate]:
    (one, own), (other, others) = first, second
    a, b = own.codes, others.codes
    both = (a > 0) & (b > 0)
    width = int(b.max(initial=0)) + 1
    cells, index = np.unique(a[both].astype(np.int64) * width + b[both], return_inverse=True)
    if cells.size == 0:
        return
    observed: Floats = np.bincount(index, weights=population.weights[both]).astype(np.float64)
    share_a = np.bincount(a, weights=population.weights)[cells // width]
    share_b = np.bincount(b, weights=population.weights)[cells % width]
    surprising = np.flatnonzero((observed >= LEAST) & (poisson.sf(observed - 1, share_a * share_b / population.entities) < 1e-9))
    if surprising.size == 0:
        return
    members_of = defaultdict(list)
    positions = np.flatnonzero(both)
    wanted = np.isin(index, surprising)
    for position, cell in zip(positions[wanted], index[wanted], strict=True):
        members_of[int(cell)].append(position)
    for cell in surprising:
        code_a, code_b = int(cells[cell] // width), int(cells[cell] % width)
        because = ((one.aspect.name, _name(one, own, code_a)), (other.aspect.name, _name(other, others, code_b)))
        crossing = None
        if _tells(one, other):
            crossing = Crossing(own, code_a, others, code_b, other.aspect.name, other.family)
        elif _tells(other, one):
            crossing = Crossing(others, code_b, own, code_a, one.aspect.name, one.family)
        yield Candidate(np.array(members_of[int(cell)], dtype=np.int64), frozenset({one.family, other.family}), because, crossing)


def _tells(given: Column, told: Column) -> bool:
    """Whether `told`, given `given`, speaks of control: the customs of a country are no sign that somebody made names by a scheme."""
    return told.family in CONTROL and not (told.family == "identity" and given.family == "place")


def _name(column: Column, coding: Coding, code: int) -> str:
    if column.names:
        return column.names[code]
    assert column.numbers is not None
    return str(float(np.nanmedian(column.numbers[coding.codes == code])))
