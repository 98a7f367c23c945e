"""How alike a visible common cause makes people: Gamma, read off the population at hand.

Countries, plans, mail services, clients, networks and referral codes group people who have something in common and are not
one operator. For each such group and each column of *another* family, the bits per member say how much likelier than chance a
cause makes a habit. The bound for a column is a high quantile of that over groups, so that a few groups that are
operators cannot raise it; where there are too few groups to read it from, FLOOR stands in.

References: P. Rosenbaum, Observational Studies (2002), ch. 4 (a bound on what an unseen cause may do);
the empirical null of B. Efron, Large-Scale Inference (2010), ch. 6.
"""

from __future__ import annotations

import numpy as np

from stillhunt.channels.threads import in_threads
from stillhunt.pools.candidates import FAMILIES, Candidates
from stillhunt.pools.evidence import Groups, many_bits
from stillhunt.pools.population import Population

QUANTILE = 0.9
FLOOR = 2.0
"""Bits per member that any cause is granted, however even the population looks: a habit four times as common as elsewhere."""
CEILING = 3.0
"""Bits per member beyond which alike is no longer what a cause does: a habit eight times as common. A population made
mostly of coordinated accounts would otherwise teach us that coordination is normal."""
LEAST_GROUP = 12
LEAST_GROUPS = 10
MOST_GROUPS = 200


def bounds(population: Population, candidates: Candidates, groups: Groups) -> dict[str, float]:
    """Bits per member that a common cause is granted, for each column by the name of its aspect.

    Args:
        population: of all accounts.
        candidates: the groups; those of one column are visible causes.
        groups: the same groups.
    """
    entities = (population.sizes[None, :] - groups.left + 1.0).sum(axis=1)
    chosen = np.flatnonzero((candidates.second[:, 0] < 0) & (entities >= LEAST_GROUP - 1e-9))
    if chosen.size > MOST_GROUPS:
        rng = np.random.default_rng(0)
        chosen = chosen[np.sort(rng.choice(chosen.size, MOST_GROUPS, replace=False))]
    some = groups.selected(chosen)
    proposers = candidates.families[chosen]

    def typical(number: int) -> float:
        column = population.columns[number]
        others = ~proposers[:, FAMILIES.index(column.family)]
        if others.sum() < LEAST_GROUPS:
            return FLOOR
        bits = many_bits(column, some, np.where(others, -np.inf, np.inf))
        return float(np.quantile(bits[others] / some.size[others], QUANTILE))

    found = in_threads(typical, range(len(population.columns)))
    return {column.aspect.name: min(max(one, FLOOR), CEILING) for column, one in zip(population.columns, found, strict=True)}
