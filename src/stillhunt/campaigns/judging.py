"""Judging a pool: what its three axes say. What follows from them, `verdicts` says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from stillhunt.campaigns.causes import PRODUCT, UNEXPLAINABLE, Cause, causes
from stillhunt.campaigns.declared import Declared
from stillhunt.campaigns.harvest import NOT_ASKED, Harvest, Traits, judge
from stillhunt.campaigns.naming import merged
from stillhunt.campaigns.queue import steadiness
from stillhunt.channels import Family
from stillhunt.channels.digest import Digest
from stillhunt.channels.threads import in_threads
from stillhunt.pools.find import Pool
from stillhunt.pools.population import Index, Population

LOG10_2 = float(np.log10(2.0))


@dataclass(frozen=True)
class Settings:
    """What a scan can be told.

    Attributes:
        false_discovery_rate: promised share of named accounts (and of named campaigns) that are none.
        least_accounts: entities that a campaign needs; smaller pools are listed as pools.
        harvest_log10: evidence that the harvest axis must reach.
        harvest_alone_log10: evidence that it must reach where the accounts have only a product and a pace in common, which a
            product with a schedule explains: one comparable account in 400 at most.
        engine: where calls are folded (see `stillhunt.lake.engines`); None folds the lake's files in this process.
        ignored_organizations: organizations that say nothing, such as a gateway's default.
        network_kind: tells the kind of network of a prefix, where the user named ranges.
        packs: what is looked for on behalf of others: packs as `lake.packs` keeps them. Text, so that a case can freeze it.
    """

    false_discovery_rate: float = 0.001
    least_accounts: int = 8
    harvest_log10: float = 0.2
    harvest_alone_log10: float = 1.0
    engine: str | None = None
    ignored_organizations: frozenset[str] = frozenset()
    network_kind: Callable[[str], str | None] | None = None
    packs: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "packs", tuple(self.packs))  # so that settings read from JSON equal those that were written


@dataclass
class Judged:
    """A pool with everything that was asked about it, in the population that it was found in."""

    population: Population
    pool: Pool
    members: Index
    harvest: Harvest
    causes: list[Cause]
    declared: str | None
    coordination: dict[str, float] = field(default_factory=dict)
    concealment: dict[str, float] = field(default_factory=dict)
    steadiness: float = float("-inf")  # log10 evidence for one queue of work; see `queue`
    seen: frozenset[Family] = frozenset(UNEXPLAINABLE)  # families of which anything could be observed

    @property
    def control(self) -> float:
        """log10 evidence in the families that only a declaration or a public list explains; holds however they depend on one another."""
        return merged([self.concealment[family] for family in UNEXPLAINABLE if family in self.concealment], of=len(UNEXPLAINABLE))

    def only_conduct(self, price: float) -> bool:
        """Whether conduct is all that speaks of control: no payment, scheme of names or work in common that stands by itself."""
        return max((self.concealment.get(family, 0.0) for family in UNEXPLAINABLE if family != "conduct"), default=0.0) < price


def judge_pool(population: Population, pool: Pool, calls: tuple[Index, Index], own: Traits, declared: Declared) -> Judged:
    """Ask a pool whether it is coordinated and concealed, and look up what it declares. Whether it harvests, `judge_harvests` asks.

    Args:
        population: where it was found.
        pool: the pool.
        calls: its latest calls, as (accounts, microseconds).
        own: traits of the population's accounts.
        declared: what is on record.
    """
    members = pool.members
    judged = Judged(population, pool, members, NOT_ASKED, causes(population, members, own), None)
    explained: set[Family] = {family for cause in judged.causes for family in cause.explains}
    evidence = {family: bits * LOG10_2 for family, bits in pool.seed.families.items()}
    judged.steadiness = steadiness(*calls)
    if np.isfinite(judged.steadiness):
        evidence["work"] = merged([judged.steadiness, *(evidence[f] for f in ("work",) if f in evidence)], of=2)
    for family, found in evidence.items():
        judged.coordination[family] = found
        if family not in explained and family != PRODUCT:
            judged.concealment[family] = found
    judged.declared = declared.of(members)
    judged.seen = families_seen(population, members) | ({"work"} if np.isfinite(judged.steadiness) else frozenset())
    return judged


def judge_harvests(digest: Digest, pools: list[Judged], own: Traits, price: float) -> None:
    """Ask pools of one population whether they harvest.

    The yardstick is what ordinary accounts send. A pool whose control is beyond what strangers could show counts there as one account,
    else a large operator, or a second one, would make harvesting look ordinary.

    Args:
        digest: what the accounts sent.
        pools: all pools of one population.
        own: the traits of its accounts.
        price: log10 evidence that stands by itself, given how many candidates there were.
    """
    if not pools:
        return
    weights = pools[0].population.weights.copy()
    for one in pools:
        if one.control >= price and not one.declared:
            weights[one.members] = np.minimum(weights[one.members], 1.0 / len(one.members))
    found = in_threads(lambda one: judge(digest, one.population, one.members, own, one.pool.grown.grams, weights), pools)
    for one, harvest in zip(pools, found, strict=True):
        one.harvest = harvest


def families_seen(population: Population, members: Index) -> frozenset[Family]:
    """The families of which anything was observed of at least half of some accounts."""
    seen = {column.family for column in population.columns if 2 * np.count_nonzero(column.of(members) > 0) >= members.size}
    for sets in population.sets:
        if 2 * np.count_nonzero(sets.starts[members + 1] > sets.starts[members]) >= members.size:
            seen.add(sets.family)
    return frozenset(seen)
