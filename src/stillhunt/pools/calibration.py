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

from stillhunt.pools.candidates import Candidate
from stillhunt.pools.evidence import Group, column_bits
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


def bounds(population: Population, candidates: list[Candidate]) -> dict[str, float]:
    """Bits per member that a common cause is granted, for each column by the name of its aspect."""
    rng = np.random.default_rng(0)
    chosen = [c for c in candidates if len(c.because) == 1 and population.weights[c.members].sum() >= LEAST_GROUP]
    if len(chosen) > MOST_GROUPS:
        chosen = [chosen[at] for at in sorted(rng.choice(len(chosen), MOST_GROUPS, replace=False))]
    groups = [(Group(population, candidate.members), candidate.families) for candidate in chosen]
    granted = {}
    for column in population.columns:
        seen = []
        for group, families in groups:
            if column.family in families:
                continue
            seen.append(column_bits(column, group) / group.size)
        typical = float(np.quantile(seen, QUANTILE)) if len(seen) >= LEAST_GROUPS else FLOOR
        granted[column.aspect.name] = min(max(typical, FLOOR), CEILING)
    return granted
