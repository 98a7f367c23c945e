"""Weighing all candidates at once: column by column over all groups, instead of group by group over all columns.

The numbers are those of `pools.weighing.weigh`, but for two things. What cannot matter is left out: an e-value that is surely below
2^-`HOPELESS` of what a cause is granted counts as nothing in its family's average. And of a group's characteristic values only one, drawn
by hash, is asked for, so that all groups with one instruction ask the same. These numbers decide what is grown; what is told and tested
of a pool's seed is weighed whole.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stillhunt.channels.threads import in_threads
from stillhunt.pools.calibration import FLOOR
from stillhunt.pools.candidates import FAMILIES, Candidates, tells
from stillhunt.pools.carrying import many
from stillhunt.pools.columns import Flags, Floats, Index
from stillhunt.pools.evidence import Groups, crossing_bits, many_bits
from stillhunt.pools.population import Population

HOPELESS = 24.0


def screen(
    population: Population, groups: Groups, proposers: Flags, bounds: dict[str, float], progress: Callable[[float], None] | None = None
) -> Floats:
    """log2 e-value of every group for each family, hedged.

    Args:
        population: of all accounts.
        groups: whom to weigh.
        proposers: the families that proposed each and cannot testify, shape (groups, families).
        bounds: bits per member that a common cause is granted, by aspect.
        progress: called with how far it is, 0 to 1.

    Returns:
        Shape (groups, families) in the order of `candidates.FAMILIES`; nan where a family does not testify.
    """
    size = groups.size.astype(np.float64)
    total = np.full(proposers.shape, -np.inf)
    columns = np.zeros(proposers.shape, dtype=np.int64)

    def least(family: int, granted: float) -> Floats:
        return np.where(proposers[:, family], np.inf, granted * size - HOPELESS)

    def add(family: int, bits: Floats, granted: float, asked: Flags) -> None:
        total[asked, family] = np.logaddexp2(total[asked, family], (bits - granted * size)[asked])
        columns[asked, family] += 1

    def weighed(number: int) -> Floats:
        column = population.columns[number]
        family, granted = FAMILIES.index(column.family), bounds.get(column.aspect.name, FLOOR)
        if progress:
            progress(number / len(population.columns))
        return many_bits(column, groups, least(family, granted))

    for column, bits in zip(population.columns, in_threads(weighed, range(len(population.columns))), strict=True):
        family = FAMILIES.index(column.family)
        add(family, bits, bounds.get(column.aspect.name, FLOOR), ~proposers[:, family])
    conduct = FAMILIES.index("conduct")
    for sets in population.sets:
        if sets.aspect.testifies:
            family, granted = FAMILIES.index(sets.family), bounds.get(sets.aspect.name, FLOOR)
            paced = bounds.get(sets.aspect.pace.name, FLOOR) if sets.aspect.pace else FLOOR
            found, own, pace = many(sets, population, groups, least(family, granted), least(conduct, paced))
            add(family, own, granted, found & ~proposers[:, family])
            if sets.pace is not None:
                add(conduct, pace, paced, found & ~proposers[:, conduct])
    mean = total - np.log2(np.maximum(columns, 1))
    return np.where(columns > 0, np.logaddexp2(0.0, mean) - 1.0, np.nan)


def ask_crossings(population: Population, candidates: Candidates, groups: Groups, bounds: dict[str, float], evidence: Floats) -> None:
    """What crossings say, into `evidence`; see `weighing.crossed_bits`."""
    if not len(candidates):
        return
    columns = population.columns
    inside = groups.mix * (population.sizes[None, :] - groups.left + 1.0).sum(axis=1)[:, None]
    stratum = inside.argmax(axis=1)
    for given_part, told_part, reversed_ in ((candidates.first, candidates.second, False), (candidates.second, candidates.first, True)):
        crossings = np.flatnonzero(candidates.second[:, 0] >= 0)
        pairs = given_part[crossings, 0] * len(columns) + told_part[crossings, 0]
        for pair in np.unique(pairs):
            given, told = columns[int(pair) // len(columns)], columns[int(pair) % len(columns)]
            if not tells(given, told) or (reversed_ and tells(told, given)):
                continue
            at = crossings[pairs == pair]
            n, k = (_held(population, part[at], stratum[at]) for part in (given_part, told_part))
            both = inside[at, stratum[at]]
            granted = bounds.get(told.aspect.name, FLOOR)
            bits = crossing_bits(n, both, population.sizes[stratum[at]] - n, k - both, granted)
            evidence[at, FAMILIES.index(told.family)] = np.logaddexp2(0.0, bits) - 1.0


def _held(population: Population, parts: Index, strata: Index) -> Floats:
    """Entities of a stratum that have a code of a column at a resolution; `parts` are of one column."""
    codings = population.columns[int(parts[0, 0])].codings
    held = np.zeros(len(parts))
    for level, coding in enumerate(codings):
        here = parts[:, 1] == level
        held[here] = coding.totals[strata[here], parts[here, 2]]
    return held
