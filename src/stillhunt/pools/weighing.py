"""Weighing a group: evidence by family, and who belongs to it.

A group is weighed by the families that did not propose it. Then it is *grown*: every account of the population is asked how
much likelier its values are under the group's habits than among strangers (within a family only the column that
tells the group best is asked, because the columns of one family say the same thing twice), and those whose
membership is likelier than not form the next group, until it stands still.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stillhunt.channels import Family
from stillhunt.pools.calibration import FLOOR
from stillhunt.pools.candidates import Crossing
from stillhunt.pools.evidence import Group, average_bits, column_bits, crossing_bits, hedged_bits, membership_bits
from stillhunt.pools.population import Codes, Coding, Column, Floats, Index, Population, Sets, amended

ROUNDS = 12
CHARACTERISTIC = 0.5
"""A gram is characteristic of a group if it recurs in at least this share of it, and eight times as often as elsewhere."""
CARRIES = 0.3
"""An account carries a group's instruction if at least this share of the characteristic grams recurs in it."""


@dataclass
class Weighing:
    """A group with its evidence.

    Attributes:
        members: positions, sorted.
        bits: log2 e-value for each aspect that was weighed, against strangers.
        granted: bits that a common cause is granted, for each aspect (per member, times members).
        families: log2 e-value for each family beyond what a cause is granted, hedged; proposing families are left out.
        membership: probability for every account of the population that it belongs, shape (accounts,).
        account_bits: for each asked column (one a family), the bits of every account, shape (accounts,).
    """

    members: Index
    bits: dict[str, float] = field(default_factory=dict)
    granted: dict[str, float] = field(default_factory=dict)
    families: dict[Family, float] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
    membership: Floats = field(default_factory=lambda: np.zeros(0))
    account_bits: dict[str, Floats] = field(default_factory=dict)
    entities: int = 0
    grams: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Carried:
    """A set-valued aspect as seen from a group.

    Attributes:
        column: codes 1 (no) and 2 (carries the values that are characteristic of the group).
        values: the characteristic values, most common first.
        pace: how often an account shows them, where the aspect has a pace; of accounts that show none of them, their own most frequent
            value's.
    """

    column: Column
    values: list[str]
    pace: Column | None


def carrying(sets: Sets, population: Population, members: Index) -> Carried | None:
    """Who carries the values that are characteristic of a group, and at what pace; None if no value is."""
    singles = population.one_each(members)
    rows = sets.of_accounts(members)
    present, which = np.unique(sets.values[rows], return_inverse=True)
    own = np.bincount(which, weights=population.weights[sets.accounts[rows]], minlength=present.size)
    counts = own
    if singles.size < members.size:
        counts = np.bincount(np.searchsorted(present, sets.values[sets.of_accounts(singles)]), minlength=present.size).astype(np.float64)
    elsewhere = (sets.holders[present] - own + 1.0) / (population.entities - population.weights[members].sum() + 1.0)
    share = counts / max(singles.size, 1)
    typical = (share >= CHARACTERISTIC) & (share >= 8 * elsewhere)
    if not typical.any():
        return None
    ranked = present[typical][np.argsort(-share[typical], kind="stable")]
    carried = sets.of_values(np.sort(ranked))
    held = np.bincount(sets.accounts[carried], minlength=population.size)
    codes: Codes = np.where(held >= CARRIES * ranked.size, 2, 1).astype(np.int32)
    column = Column(sets.aspect, sets.channel, sets.family, (Coding.of(codes, population),), ("", "no", "carries"))
    return Carried(column, [str(sets.names[int(value)].as_py()) for value in ranked], _carried_pace(sets, population, carried))


def _carried_pace(sets: Sets, population: Population, carried: Index) -> Column | None:
    """The pace of an instruction is compared with that of other instructions: a slice of an account's calls with other slices.

    `carried` are the rows of `sets` that show the instruction; accounts that do not have their own most frequent value's pace.
    """
    if sets.pace is None:
        return None
    at, which = np.unique(sets.accounts[carried], return_inverse=True)
    numbers = np.full(at.size, np.nan)
    np.fmax.at(numbers, which, sets.paces[carried])
    return amended(sets.pace, at, numbers, population)


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
        of = (crossing.given, crossing.given_code, crossing.told, crossing.told_code)
        beyond[crossing.family] = [crossing_bits(population, *of, bounds.get(crossing.aspect, FLOOR))]
    weighing.families = {family: hedged_bits(average_bits(np.array(bits))) for family, bits in beyond.items()}
    return weighing


def grow(population: Population, members: Index, bounds: dict[str, float]) -> Weighing:
    """Grow a group until it stands still, and give every account's probability of membership.

    Prior odds are the group's share of the population; bits of the asked columns add up (families are taken as
    independent given membership).
    """
    history: list[bytes] = []
    for _ in range(ROUNDS):
        group = Group(population, members)
        columns, grams = seen_from(population, members)
        total = np.full(population.size, np.log2(max(len(members), 1) / population.size))
        asked: dict[str, Floats] = {}
        for column in _telling(columns, group):
            asked[column.aspect.name] = membership_bits(column, group)
            total += asked[column.aspect.name]
        probability = 1.0 / (1.0 + np.exp2(-np.clip(total, -60, 60)))
        grown = np.flatnonzero(probability > 0.5)
        key = grown.tobytes()
        if grown.size < 2 or key == members.tobytes() or key in history:
            break
        history.append(key)
        members = grown
    weighing = weigh(population, members, bounds)
    weighing.membership, weighing.account_bits, weighing.grams = probability, asked, grams
    return weighing


def _telling(columns: list[Column], group: Group) -> list[Column]:
    """The column of each family that tells the group best from strangers."""
    best: dict[Family, tuple[float, Column]] = {}
    for column in columns:
        bits = column_bits(column, group)
        if column.family not in best or bits > best[column.family][0]:
            best[column.family] = (bits, column)
    return [column for _, column in best.values()]
