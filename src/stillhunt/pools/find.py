"""From a population to its pools: propose, weigh, grow, and join what grew into the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stillhunt.pools.calibration import bounds
from stillhunt.pools.candidates import CONTROL, Candidate, propose
from stillhunt.pools.population import Floats, Index, Population
from stillhunt.pools.weighing import Weighing, grow, weigh

OVERLAP = 0.5
"""Two grown groups that share this much of the smaller one are one pool."""

KIN_BITS = 10.0
"""Groups without a member in common are joined if the one's members look this much like the other's (median bits, the
instruction left aside): one operator with two jobs."""

MOST_GROWN = 400
"""Most seeds that are grown, best first."""


@dataclass
class Pool:
    """Accounts judged to be run by one operator.

    Attributes:
        members: positions in the population, sorted: membership is likelier than not.
        membership: probability for each of `members`.
        seed: the best seed with its evidence; the families that proposed it left out. Its numbers are what error control uses.
        grown: the group at rest: what its members share, for explanations.
        because: what proposed the seed, as (aspect, value).
    """

    members: Index
    membership: Floats
    seed: Weighing
    grown: Weighing
    because: tuple[tuple[str, str], ...]

    @property
    def bits(self) -> float:
        """log2 evidence for coordination, over all families that testify."""
        return sum(self.seed.families.values())


@dataclass
class Found:
    """The pools of a population, and how many hypotheses were looked at to find them."""

    pools: list[Pool]
    candidates: int
    bounds: dict[str, float]


def find(population: Population, progress: Callable[[float], None] | None = None) -> Found:
    """All pools for which coordination is likelier than not after paying for the number of candidates."""
    if population.entities < 2:
        return Found([], 0, {})
    candidates = propose(population)
    granted = bounds(population, candidates)
    price = np.log2(max(len(candidates), 1))
    seeds: list[tuple[float, int, Candidate, Weighing]] = []
    for number, candidate in enumerate(candidates):
        weighing = weigh(population, candidate.members, granted, candidate.families, candidate.crossing)
        bits = sum(weighing.families.values())
        if bits > price:
            seeds.append((bits, number, candidate, weighing))
        if progress and number % 64 == 0:
            progress(0.7 * number / len(candidates))
    seeds.sort(key=lambda seed: (-seed[0], seed[1]))
    pools: list[Pool] = []
    for number, (_, _, candidate, weighing) in enumerate(seeds[:MOST_GROWN]):
        _settle(population, candidate, weighing, granted, pools)
        if progress:
            progress(0.7 + 0.3 * number / min(len(seeds), MOST_GROWN))
    return Found(_kin(population, pools), len(candidates), granted)


def _settle(population: Population, candidate: Candidate, weighing: Weighing, granted: dict[str, float], pools: list[Pool]) -> None:
    """Grow a seed; join it to the pool that it grew into, or let it stand as a new one."""
    for pool in pools:
        shared = np.intersect1d(pool.members, candidate.members, assume_unique=True).size
        if shared >= 0.9 * candidate.members.size:
            _better(pool, candidate, weighing)
            return
    grown = grow(population, candidate.members, granted)
    members = grown.members
    if population.weights[members].sum() < 2:
        return
    for pool in pools:
        shared = np.intersect1d(pool.members, members, assume_unique=True).size
        if shared >= OVERLAP * min(pool.members.size, members.size):
            _better(pool, candidate, weighing)
            return
    pools.append(Pool(members, grown.membership[members], weighing, grown, candidate.because))


def _better(pool: Pool, candidate: Candidate, weighing: Weighing) -> None:
    """Another seed of the same pool testifies instead if it says more about what no shared occasion explains."""

    def control(one: Weighing) -> float:
        return sum(one.families.get(family, 0.0) for family in CONTROL)

    if control(weighing) > control(pool.seed):
        pool.seed, pool.because = weighing, candidate.because


def _kin(population: Population, pools: list[Pool]) -> list[Pool]:
    """Join pools of one operator who runs more than one job; larger first."""
    joined: list[Pool] = []
    for pool in sorted(pools, key=lambda one: (-one.members.size, int(one.members[0]))):
        for other in joined:
            if np.intersect1d(pool.members, other.members, assume_unique=True).size or not _akin(pool, other):
                continue
            members = np.union1d(pool.members, other.members)
            membership = np.maximum(pool.grown.membership[members], other.grown.membership[members])
            other.members, other.membership = members, membership
            for name, bits in pool.grown.account_bits.items():
                kept = other.grown.account_bits.setdefault(name, np.zeros(population.size))
                kept[pool.members] = bits[pool.members]
            break
        else:
            joined.append(pool)
    return joined


def _akin(pool: Pool, other: Pool) -> bool:
    asked = [bits for name, bits in other.grown.account_bits.items() if other.grown.columns[name].family != "software"]
    if not asked:
        return False
    return float(np.median(np.sum([bits[pool.members] for bits in asked], axis=0))) >= KIN_BITS
