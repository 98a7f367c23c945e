"""From a population to its pools: propose, weigh, grow, and join what grew into the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stillhunt.compiled import compiled
from stillhunt.pools.calibration import bounds
from stillhunt.pools.candidates import CONTROL, FAMILIES, LEAST, Candidates, propose
from stillhunt.pools.columns import Flags, Floats, Index
from stillhunt.pools.evidence import Groups
from stillhunt.pools.population import Population
from stillhunt.pools.screening import ask_crossings, screen
from stillhunt.pools.weighing import SURE, Weighing, grow, weigh

OVERLAP = 0.5
"""Two grown groups that share this much of the smaller one are one pool. A group of which as much lies in a known pool is not grown, or no
further: it would become that pool."""

KIN_BITS = 10.0
"""Groups without a member in common are joined if the one's members look this much like the other's (median bits, the
instruction left aside): one operator with two jobs."""

MOST_KIN = 500
"""Of a larger pool so many members are asked whether they are kin."""

MOST_GROWN, MOST_VAIN = 400, 24
"""Most seeds that are grown, and most in a row that may grow into nothing new. Seeds that known pools account for are not counted, so
that a large pool's many seeds do not stand in the way of a small one's."""


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
    evidence = screen(population, groups, candidates.families, granted, lambda share: tell(0.4 + 0.3 * share))
    ask_crossings(population, candidates, groups, granted, evidence)
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
    price = float(np.log2(max(candidates.looked, 1)))
    seeds = np.flatnonzero(bits > price)
    # Bits over the root of size: of two groups with the same bits a member the larger comes first, but no crowd with a little each comes
    # before ten that are one.
    seeds = seeds[np.argsort(-bits[seeds] / np.sqrt(np.diff(candidates.starts)[seeds]), kind="stable")]
    pools: list[_Grown] = []
    homes = np.zeros((population.size, 1), dtype=np.uint64)
    tried, vain = 0, 0

    def known(members: Index, *, least: bool = False) -> int:
        """The pool in which most of a group lies, if that is enough of it (or, with `least`, of the smaller of the two); else -1."""
        held = _held(homes, members, len(pools))
        sizes = np.array([one.members.size for one in pools], dtype=np.int64)
        of = np.minimum(sizes, members.size) if least else np.full(len(pools), members.size)
        fits = np.flatnonzero(held >= OVERLAP * of)
        return int(fits[held[fits].argmax()]) if fits.size else -1

    def by_itself(seed: int, members: Index) -> bool:
        """Whether what no known pool accounts for of a seed would have been a seed as well."""
        rest = members[~homes[members].any(axis=1)]
        if rest.size == members.size:
            return True
        if population.weights[rest].sum() < LEAST:
            return False
        return sum(weigh(population, rest, granted, candidates.proposers(seed), candidates.crossing(seed)).families.values()) > price

    for number, seed in enumerate(seeds):
        tell(number / seeds.size)
        members = candidates.of(int(seed))
        into = known(members)
        if into < 0 and tried < MOST_GROWN and vain < MOST_VAIN and by_itself(int(seed), members):
            tried, vain = tried + 1, vain + 1
            grown = grow(population, members, granted, lambda group: known(group) >= 0)
            sure = grown.members[grown.membership(grown.members) >= SURE]
            if population.weights[sure].sum() < 2:
                continue
            into = known(grown.members, least=True)
            if into < 0:
                vain = 0
                word, bit = divmod(len(pools), 64)
                if word == homes.shape[1]:
                    homes = np.concatenate([homes, np.zeros_like(homes[:, :1])], axis=1)
                homes[grown.members, word] |= np.uint64(1 << bit)
                pools.append(_Grown(grown, grown.members, int(seed)))
                continue
        # Another seed of the same pool testifies instead if it says more about what no shared occasion explains.
        if into >= 0 and control[seed] > control[pools[into].seed]:
            pools[into].seed = int(seed)
    return pools


@compiled
def _held(homes: Any, members: Any, pools: int) -> Any:
    """How many of `members` lie in each pool; `homes` has a bit for each pool, 64 a word."""
    held = np.zeros(pools, dtype=np.int64)
    for member in members:
        for word in range(homes.shape[1]):
            bits, pool = homes[member, word], 64 * word
            while bits != np.uint64(0):
                if bits & np.uint64(1):
                    held[pool] += 1
                bits >>= np.uint64(1)
                pool += 1
    return held


def _kin(pools: list[Pool]) -> list[Pool]:
    """Join pools of one operator who runs more than one job; larger first."""
    joined: list[Pool] = []
    for pool in sorted(pools, key=lambda one: (-one.members.size, int(one.members[0]))):
        for other in joined:
            if _akin(pool, other) and not _inside(pool.members, other.members).any():
                _join(pool, other)
                break
        else:
            joined.append(pool)
    return joined


def _inside(members: Index, others: Index) -> Flags:
    """Whether each of some positions is among others; both sorted."""
    return np.asarray(others[np.minimum(np.searchsorted(others, members), others.size - 1)] == members)


def _join(pool: Pool, other: Pool) -> None:
    """Make `pool` a part of `other`; each member keeps the bits that it had where it was found."""
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


def _akin(pool: Pool, other: Pool) -> bool:
    asked = [one for one in other.grown.ratios.values() if one.column.family != "software"]
    if not asked:
        return False
    some = pool.members[np.linspace(0, pool.members.size - 1, min(pool.members.size, MOST_KIN)).astype(np.int64)]
    return float(np.median(np.sum([one.of(some) for one in asked], axis=0))) >= KIN_BITS
