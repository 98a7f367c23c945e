"""From a population to its pools: propose, weigh, grow, and join what grew into the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from stillhunt.pools.calibration import bounds
from stillhunt.pools.candidates import CONTROL, FAMILIES, Candidates, propose
from stillhunt.pools.columns import Floats, Index
from stillhunt.pools.evidence import Groups
from stillhunt.pools.population import Population
from stillhunt.pools.screening import screen
from stillhunt.pools.weighing import Weighing, grow, weigh

OVERLAP = 0.5
"""Two grown groups that share this much of the smaller one are one pool."""

KNOWN = 0.9
"""A group of which this share lies in a pool is not grown, or no further: it would become that pool."""

KIN_BITS = 10.0
"""Groups without a member in common are joined if the one's members look this much like the other's (median bits, the
instruction left aside): one operator with two jobs."""

MOST_GROWN = 400
"""Most seeds that are grown, best first. Seeds that lie in a known pool are not counted, so that a large pool's many seeds
do not stand in the way of a small one's."""


@dataclass
class Pool:
    """Accounts judged to be run by one operator.

    Attributes:
        members: positions in the population, sorted: membership is likelier than not.
        membership: probability for each of `members`.
        seed: the best seed with its evidence; the families that proposed it left out. Its numbers are what error control uses.
        grown: the group at rest: what its members share, for explanations.
        because: what proposed the seed, as (aspect, value).
        account_bits: for each asked column (one a family), the bits of each of `members`.
    """

    members: Index
    membership: Floats
    seed: Weighing
    grown: Weighing
    because: tuple[tuple[str, str], ...]
    account_bits: dict[str, Floats] = field(default_factory=dict)

    @staticmethod
    def of(members: Index, seed: Weighing, grown: Weighing, because: tuple[tuple[str, str], ...]) -> Pool:
        """A pool whose members are judged by the group that it grew from."""
        bits = {name: one.of(members) for name, one in grown.ratios.items()}
        return Pool(members, grown.membership(members), seed, grown, because, bits)

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


@dataclass
class _Grown:
    """A pool in the making: the group at rest, and the best of the seeds that led to it."""

    grown: Weighing
    members: Index
    seed: int


def find(population: Population, progress: Callable[[float], None] | None = None) -> Found:
    """All pools for which coordination is likelier than not after paying for the number of candidates."""
    if population.entities < 2:
        return Found([], 0, {})
    tell = progress or _silent
    candidates = propose(population)
    tell(0.3)
    groups = Groups.of(population, candidates.members, candidates.starts)
    granted = bounds(population, candidates, groups)
    tell(0.4)
    evidence = screen(population, candidates, groups, granted, lambda share: tell(0.4 + 0.3 * share))
    pools = _settled(population, candidates, evidence, granted, lambda share: tell(0.7 + 0.3 * share))
    found = []
    for one in pools:
        candidate = candidates[one.seed]
        seed = weigh(population, candidate.members, granted, candidate.families, candidate.crossing)
        found.append(Pool.of(one.members, seed, one.grown, candidate.because))
    return Found(_kin(found), candidates.looked, granted)


def _silent(share: float) -> None:
    """Progress that nobody watches."""


def _settled(
    population: Population, candidates: Candidates, evidence: Floats, granted: dict[str, float], tell: Callable[[float], None]
) -> list[_Grown]:
    """Grow seeds, best first; join each to the pool that it grew into, or let it stand as a new one."""
    bits = np.nansum(evidence, axis=1)
    control = np.nansum(evidence[:, [FAMILIES.index(family) for family in CONTROL]], axis=1)
    seeds = np.flatnonzero(bits > np.log2(max(candidates.looked, 1)))
    seeds = seeds[np.argsort(-bits[seeds], kind="stable")]
    pools: list[_Grown] = []
    home = np.full(population.size, -1, dtype=np.int32)
    tried = 0

    def known(members: Index, share: float, *, least: bool = False) -> int:
        """The pool in which most of a group lies, if that is `share` of it (or, with `least`, of the smaller of the two); else -1."""
        held = np.bincount(home[members] + 1, minlength=len(pools) + 1)[1:]
        sizes = np.array([one.members.size for one in pools], dtype=np.int64)
        of = np.minimum(sizes, members.size) if least else np.full(len(pools), members.size)
        fits = np.flatnonzero(held >= share * of)
        return int(fits[held[fits].argmax()]) if fits.size else -1

    for number, seed in enumerate(seeds):
        tell(number / seeds.size)
        members = candidates.of(int(seed))
        into = known(members, KNOWN)
        if into < 0 and tried < MOST_GROWN:
            tried += 1
            grown = grow(population, members, granted, lambda group: known(group, KNOWN) >= 0)
            if population.weights[grown.members].sum() < 2:
                continue
            into = known(grown.members, OVERLAP, least=True)
            if into < 0:
                home[grown.members[home[grown.members] < 0]] = len(pools)
                pools.append(_Grown(grown, grown.members, int(seed)))
                continue
        # Another seed of the same pool testifies instead if it says more about what no shared occasion explains.
        if into >= 0 and control[seed] > control[pools[into].seed]:
            pools[into].seed = int(seed)
    return pools


def _kin(pools: list[Pool]) -> list[Pool]:
    """Join pools of one operator who runs more than one job; larger first."""
    joined: list[Pool] = []
    for pool in sorted(pools, key=lambda one: (-one.members.size, int(one.members[0]))):
        for other in joined:
            if np.intersect1d(pool.members, other.members, assume_unique=True).size or not _akin(pool, other):
                continue
            members = np.union1d(pool.members, other.members)
            other.membership = np.maximum(pool.grown.membership(members), other.grown.membership(members))
            new, old = np.searchsorted(members, pool.members), np.searchsorted(members, other.members)
            for name in {**other.account_bits, **pool.account_bits}:
                bits = np.zeros(members.size)
                bits[old] = other.account_bits.get(name, 0.0)
                theirs = other.grown.ratios.get(name)
                bits[new] = pool.account_bits.get(name, 0.0 if theirs is None else theirs.of(pool.members))
                other.account_bits[name] = bits
            other.members = members
            break
        else:
            joined.append(pool)
    return joined


def _akin(pool: Pool, other: Pool) -> bool:
    asked = [one for one in other.grown.ratios.values() if one.column.family != "software"]
    if not asked:
        return False
    return float(np.median(np.sum([one.of(pool.members) for one in asked], axis=0))) >= KIN_BITS
