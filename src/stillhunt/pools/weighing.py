"""Weighing a group: evidence by family, and who belongs to it.

A group is weighed by the families that did not propose it. Then it is *grown*: every account of the population is asked how
much likelier its values are under the group's habits than among strangers (within a family only the column that
tells the group best is asked, because the columns of one family say the same thing twice), and those whose
membership is likelier than not form the next group, until it stands still.

An account's bits are read from one table a column, by its finest code; members, and accounts in which a column is changed, are then
judged anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stillhunt.channels import Family
from stillhunt.channels.threads import THREADS, in_threads
from stillhunt.compiled import compiled
from stillhunt.pools.calibration import FLOOR
from stillhunt.pools.candidates import Crossing
from stillhunt.pools.carrying import carrying
from stillhunt.pools.columns import Column, Floats, Index
from stillhunt.pools.evidence import Group, Ratios, average_bits, column_bits, crossing_bits, hedged_bits, ratios
from stillhunt.pools.population import Population
from stillhunt.pools.rows import united

ROUNDS = 12

SURE = 0.9
"""A group to which nobody belongs with this probability is not grown further: a crowd with a little in common."""

MOST_BITS = 60.0
"""Odds of membership beyond this, either way, are as good as certain."""


@dataclass
class Weighing:
    """A group with its evidence.

    Attributes:
        members: positions, sorted.
        bits: log2 e-value for each aspect that was weighed, against strangers.
        granted: bits that a common cause is granted, for each aspect (per member, times members).
        families: log2 e-value for each family beyond what a cause is granted, hedged; proposing families are left out.
        columns: what was weighed, by aspect.
        entities: number of entities among the members.
        grams: the values of sets that are characteristic of the group.
        ratios: for each asked column (one a family), the bits of every value; of a grown group.
        prior: log2 of the prior odds of membership; of a grown group.
    """

    members: Index
    bits: dict[str, float] = field(default_factory=dict)
    granted: dict[str, float] = field(default_factory=dict)
    families: dict[Family, float] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
    entities: int = 0
    grams: list[str] = field(default_factory=list)
    ratios: dict[str, Ratios] = field(default_factory=dict)
    prior: float = 0.0

    def membership(self, accounts: Index) -> Floats:
        """Probability that each of some accounts belongs to the group, shape (accounts,)."""
        total = self.prior + sum((one.of(accounts) for one in self.ratios.values()), np.zeros(len(accounts)))
        return np.asarray(1.0 / (1.0 + np.exp2(-np.clip(total, -MOST_BITS, MOST_BITS))))


def seen_from(population: Population, members: Index, without: frozenset[Family] = frozenset()) -> tuple[list[Column], list[str]]:
    """All columns that can be compared within a group but for some families, and the grams that are characteristic of it."""
    columns = [column for column in population.columns if column.family not in without]
    grams: list[str] = []
    for sets in population.sets:
        found = carrying(sets, population, members) if sets.aspect.testifies else None
        if found is not None and sets.family not in without:
            columns.append(found.column)
            grams.extend(found.values)
        if found is not None and found.pace is not None and "conduct" not in without:
            columns.append(found.pace)
    return columns, grams


def weigh(
    population: Population,
    members: Index,
    bounds: dict[str, float],
    proposers: frozenset[Family] = frozenset(),
    crossing: Crossing | None = None,
) -> Weighing:
    """Evidence that `members` are one operator, beyond what a common cause is granted.

    Families that proposed them are left out, but for what a `crossing` says of the one given the other.
    """
    group = Group(population, members)
    weighing = Weighing(members, entities=group.size)
    columns, weighing.grams = seen_from(population, members, without=proposers)
    beyond: dict[Family, list[float]] = {}
    for column in columns:
        name = column.aspect.name
        weighing.columns[name] = column
        weighing.bits[name] = column_bits(column, group)
        weighing.granted[name] = bounds.get(name, FLOOR) * group.size
        beyond.setdefault(column.family, []).append(weighing.bits[name] - weighing.granted[name])
    if crossing is not None:
        beyond[crossing.family] = [crossed_bits(population, members, crossing, bounds.get(crossing.told.aspect.name, FLOOR))]
    weighing.families = {family: hedged_bits(average_bits(np.array(bits))) for family, bits in beyond.items()}
    return weighing


def crossed_bits(population: Population, members: Index, crossing: Crossing, granted: float) -> float:
    """log2 e-value that accounts with the given value have the told one oftener than a cause makes them.

    Asked in the stratum that most of `members`, those with both, belong to; `granted` bits a member are allowed.
    """
    inside = np.bincount(population.strata[members], weights=population.weights[members], minlength=population.depth)
    stratum = int(inside.argmax())
    given = crossing.given.codings[crossing.given_level].totals[stratum, crossing.given_code]
    told = crossing.told.codings[crossing.told_level].totals[stratum, crossing.told_code]
    both = inside[stratum]
    return float(crossing_bits(given, both, population.sizes[stratum] - given, told - both, granted))


def grow(population: Population, members: Index, bounds: dict[str, float], settled: Callable[[Index], bool] | None = None) -> Weighing:
    """Grow a group until it stands still, and tell how every account's probability of membership is had.

    Prior odds are the group's share of the population; bits of the asked columns add up (families are taken as
    independent given membership).

    Args:
        population: of all accounts.
        members: the group to begin with.
        bounds: what a common cause is granted.
        settled: asked of each next group whether it need not be grown further, because it is known; then it is returned unweighed, as
            is a group to which nobody belongs surely (`SURE`).
    """
    history: list[bytes] = []
    for _ in range(ROUNDS):
        group = Group(population, members)
        columns, grams = seen_from(population, members)
        asked = {column.aspect.name: ratios(column, group) for column in _telling(columns, group)}
        prior = float(np.log2(max(len(members), 1) / population.size))
        grown = _likelier(population, members, list(asked.values()), prior)
        key = grown.tobytes()
        if grown.size < 2 or key == members.tobytes() or key in history:
            break
        history.append(key)
        members = grown
        met = Weighing(members, ratios=asked, prior=prior)
        if settled is not None and (settled(members) or not (met.membership(members) >= SURE).any()):
            return met
    weighing = weigh(population, members, bounds)
    weighing.ratios, weighing.prior, weighing.grams = asked, prior, grams
    return weighing


def _telling(columns: list[Column], group: Group) -> list[Column]:
    """The column of each family that tells the group best from strangers."""
    best: dict[Family, tuple[float, Column]] = {}
    for column in columns:
        bits = column_bits(column, group)
        if column.family not in best or bits > best[column.family][0]:
            best[column.family] = (bits, column)
    return [column for _, column in best.values()]


def _likelier(population: Population, members: Index, asked: list[Ratios], prior: float) -> Index:
    """Positions of all accounts that are likelier members than not, sorted; `prior` is log2 of the prior odds."""
    placed = [one for one in asked if one.column.row >= 0]
    flat = [one for one in asked if one.column.row < 0]  # the same code for everybody but those in whom it is changed
    begin = prior + sum(float(one.others[int(one.column.codes[0])]) for one in flat)
    tables = np.concatenate([np.zeros(0), *(one.others for one in placed)])
    starts = np.cumsum([0, *(one.others.size for one in placed)]).astype(np.int64)
    rows = np.array([one.column.row for one in placed], dtype=np.int64)
    edges = np.linspace(0, population.size, THREADS + 1).astype(np.int64)
    parts = in_threads(lambda part: _positive(population.codes, rows, tables, starts, begin, edges[part], edges[part + 1]), range(THREADS))
    found = np.concatenate(parts)
    special = members
    for one in asked:
        if one.column.changed is not None:
            special = united(special, one.column.changed.at, population.size)
    total = prior + sum((one.of(special) for one in asked), np.zeros(special.size))
    return united(np.setdiff1d(found, special, assume_unique=True), special[total > 0.0], population.size)


@compiled
def _positive(codes: Any, rows: Any, tables: Any, starts: Any, prior: float, first: int, last: int) -> Any:
    """Accounts from `first` to `last` whose tables add up to more than nothing, a block of them at a time."""
    found = np.empty(last - first, dtype=np.int64)
    total = np.empty(4096)
    number = 0
    for begin in range(first, last, 4096):
        size = min(4096, last - begin)
        total[:size] = prior
        for at in range(rows.size):
            table, own = tables[starts[at] : starts[at + 1]], codes[rows[at], begin : begin + size]
            for place in range(size):
                total[place] += table[own[place]]
        for place in range(size):
            if total[place] > 0.0:
                found[number] = begin + place
                number += 1
    return found[:number].copy()
