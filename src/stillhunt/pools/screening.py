"""Weighing all candidates at once: column by column over all groups, instead of group by group over all columns.

The numbers are those of `pools.weighing.weigh`. What is left out is what cannot matter: an e-value that is surely below 2^-`HOPELESS` of what a
cause is granted counts as nothing in its family's average.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stillhunt.pools.calibration import FLOOR
from stillhunt.pools.candidates import FAMILIES, Candidates, tells
from stillhunt.pools.carrying import many
from stillhunt.pools.columns import Floats, Index
from stillhunt.pools.evidence import Groups, crossing_bits, many_bits
from stillhunt.pools.population import Population
from stillhunt.pools.rows import in_threads

HOPELESS = 24.0


def screen(
    population: Population, candidates: Candidates, groups: Groups, bounds: dict[str, float], progress: Callable[[float], None] | None = None
) -> Floats:
    """log2 e-value of every candidate for each family, hedged, shape (candidates, families); nan where a family does not testify."""
    proposers = candidates.families
    size = groups.size.astype(np.float64)
    total = np.full((len(candidates), len(FAMILIES)), -np.inf)
    columns = np.zeros((len(candidates), len(FAMILIES)), dtype=np.int64)

    def least(family: int, granted: float) -> Floats:
        return np.where(proposers[:, family], np.inf, granted * size - HOPELESS)

    def add(family: int, bits: Floats, granted: float, asked: np.ndarray) -> None:
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
    evidence = np.where(columns > 0, np.logaddexp2(0.0, mean) - 1.0, np.nan)
    _testify(population, candidates, groups, bounds, evidence)
    return evidence


def _testify(population: Population, candidates: Candidates, groups: Groups, bounds: dict[str, float], evidence: Floats) -> None:
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
