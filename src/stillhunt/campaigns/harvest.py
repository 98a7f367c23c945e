"""Is the traffic of a pool a training set? The pool's distribution against the population's accounts.

A training set is asked for in requests that stand alone, carry one fixed instruction, never repeat, and get long
answers. Each can be innocent alone: together they are rare. Four quantities, for a pool as one whole and for every account
outside it with at least `LEAST_CALLS` answered calls:

Accounts do other things beside: an operator hides its work among ordinary questions, a reseller among its customers'. Quantities are
therefore taken from a *slice* of an account's calls: those in which its most recurrent gram stands, if one recurs (see
`channels.template`), else all. The slice of a pool with a characteristic instruction are the calls that carry it. They are seen through the
digest's units, a sample of each account's requests (all of them where there are few): each counts as many calls as were made with it.

* fresh: distinct requests as a share of answered calls (over the whole pool, so that two accounts that work off one public
  list do not look fresh: accounts' own shares times the share of requests that are not another member's, too);
* single: share of the calls that are one-shot (one message beside the system's, no conversation with other calls);
* instructed: share of the requests in which the account's most recurrent gram stands (the pool's median);
* answered: median output tokens of an answer (the pool's median).

Null hypothesis: the pool is an ordinary account of this population. p = (1 + weight of accounts that are at least
as fresh, single, instructed and answered as the pool) / (1 + weight of all accounts): the permutation p-value of the
joint order, which needs no assumption on how the four depend on one another. E-value: 1 / (2 sqrt(p)). A joint order is
extreme, too, where one quantity is extreme and another plainly ordinary, which is no harvest: if the pool is
lower in freshness, instruction or answers than a share `ORDINARY` of all accounts, p is 1. (Calls that do not stand alone are no
excuse by themselves: sessions of agents are harvested, too.)
Quantities that the logs do not carry are left out, and said to be.
Reference: V. Vovk and R. Wang, Ann. Statist. 49 (2021), the calibrator kappa p^(kappa-1) at kappa = 1/2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stillhunt.channels import Observed
from stillhunt.channels.digest import Digest, Sampled
from stillhunt.channels.digest.reading import weighted_median
from stillhunt.compiled import compiled
from stillhunt.pools.population import Floats, Index, Population

LEAST_CALLS = 20
MOST_GRAMS = 8
"""So many of a pool's grams, the most common first, tell the calls that carry its instruction."""

MOST_MEMBERS = 4_000
"""Of a larger pool so many members, drawn at random, are looked at: they say as much, and cost no more."""

TOLERANCE = 0.03
"""An account counts as at least as fresh (single, instructed) as the pool if it is within this of it."""

ORDINARY = 0.7
TELLING = ("fresh", "instructed", "answered")
"""Quantities in which a harvest cannot be ordinary. Standing alone is not among them: sessions of agents are harvested, too."""

QUANTITIES = ("fresh", "single", "instructed", "answered")


@dataclass(frozen=True)
class Traits:
    """The quantities for every account, nan where the logs do not carry them; shape (accounts,) each."""

    calls: Floats  # answered calls in the slice
    fresh: Floats
    single: Floats
    instructed: Floats
    answered: Floats
    collided: Floats  # share of the account's calls that other entities sent word for word
    began: Floats  # first call of any kind, days since 1970
    ended: Floats  # last call of any kind, days since 1970
    until: float  # end of the view, days since 1970
    top: Index  # most recurrent gram, -1 where none recurs


@dataclass(frozen=True)
class Harvest:
    """The judgement on one pool: log10 of the e-value, the pool's quantities, and the share of accounts that are as extreme."""

    log10_evidence: float
    quantities: dict[str, float]
    as_extreme: float
    ordinary: tuple[str, ...]  # quantities in which the pool is lower than most accounts
    visible: bool


def traits(digest: Digest, population: Population, observed: Sequence[Observed]) -> Traits:
    """The quantities of every account; `instructed` and `collided` come from what the channels template and identical observed."""
    size = population.size
    by_aspect = {one.aspect: one for one in observed}
    top, share = np.full(size, -1, dtype=np.int64), np.full(size, np.nan)
    grams = by_aspect.get("template.gram")
    if grams is not None:
        share[:] = 0.0
        _topmost(grams.accounts, np.asarray(grams.values, dtype=np.int64), grams.shares, share, top)
    slices = digest.slices(top)
    ended = digest.last / 8.64e10
    return Traits(
        calls=np.nan_to_num(slices.share) * digest.answered,
        fresh=slices.fresh,
        single=slices.single,
        instructed=share,
        answered=slices.answered,
        collided=_collided(population, by_aspect.get("identical.request")),
        began=digest.first / 8.64e10,
        ended=ended,
        until=float(ended.max()),
        top=top,
    )


@compiled
def _topmost(accounts: Any, values: Any, shares: Any, share: Any, top: Any) -> None:
    """For each account the value with the largest share, of equal ones the smallest, into `share` (0 before) and `top`."""
    for at in range(accounts.size):
        who = accounts[at]
        if shares[at] > share[who] or (shares[at] == share[who] and (top[who] < 0 or values[at] < top[who])):
            share[who], top[who] = shares[at], values[at]


NOT_ASKED = Harvest(float(np.log10(0.5)), {}, 1.0, (), False)
"""The harvest axis of a pool that has not been asked."""


def judge(
    digest: Digest, population: Population, members: Index, traits: Traits, grams: Sequence[str] = (), weights: Floats | None = None
) -> Harvest:
    """The harvest axis for one pool.

    Args:
        digest: what the accounts sent.
        population: the pool's.
        members: positions of the pool's accounts.
        traits: of all accounts.
        grams: the instruction that is characteristic of the pool, whose calls are then looked at.
        weights: how much each account counts in the population, shape (accounts,); the entities' weights if not given.
    """
    pool = quantities(digest, members, traits, grams[:MOST_GRAMS])
    if np.isfinite(traits.instructed[members]).any():
        pool["instructed"] = float(np.nanmedian(traits.instructed[members]))
    visible = bool(np.isfinite(pool["fresh"]))
    weight = population.weights if weights is None else weights
    own = np.array([pool[name] for name in QUANTITIES])
    near = np.array([TOLERANCE if name != "answered" else 0.0 for name in QUANTITIES])
    fresh, single, instructed, answered = (getattr(traits, name) for name in QUANTITIES)
    everybody, extreme, above = _compared(traits.calls, np.sort(members), weight, fresh, single, instructed, answered, own, near)
    total = 1.0 + everybody
    ordinary = [name for at, name in enumerate(QUANTITIES) if name in TELLING and above[at] > ORDINARY * total]
    share = 1.0 if ordinary else (1.0 + extreme) / total
    evidence = float(np.log10(0.5 / np.sqrt(share)))
    return Harvest(evidence, {name: value for name, value in pool.items() if np.isfinite(value)}, share, tuple(ordinary), visible)


@compiled
def _compared(
    calls: Any, members: Any, weights: Any, fresh: Any, single: Any, instructed: Any, answered: Any, pool: Any, near: Any
) -> tuple[Any, Any, Any]:
    """Of the accounts outside a pool with calls enough: the weight; of those at least as extreme in all; of those above, in each quantity.

    `members` is sorted; `pool` has its quantities in the order of `QUANTITIES`, nan = not asked, and `near` how close is as good as equal.
    """
    total, extreme, above, member = 0.0, 0.0, np.zeros(4), 0
    for at in range(calls.size):
        while member < members.size and members[member] < at:
            member += 1
        if not calls[at] >= LEAST_CALLS or (member < members.size and members[member] == at):
            continue
        total += weights[at]
        inside = True
        for asked in range(4):
            if np.isnan(pool[asked]):
                continue
            value = fresh[at] if asked == 0 else single[at] if asked == 1 else instructed[at] if asked == 2 else answered[at]
            inside = inside and value >= pool[asked] - near[asked]
            if value > pool[asked] + near[asked]:
                above[asked] += weights[at]
        if inside:
            extreme += weights[at]
    return total, extreme, above


def quantities(digest: Digest, members: Index, traits: Traits, grams: Sequence[str] = ()) -> dict[str, float]:
    """The quantities of a pool as one whole, but for `instructed`; nan where the logs do not carry them."""
    if members.size > MOST_MEMBERS:
        members = np.sort(np.random.default_rng(0).choice(members, MOST_MEMBERS, replace=False))
    units = digest.units_of(members)
    inside: Any
    if grams:
        inside = np.isin(units.grams, np.array([int(gram) for gram in grams], dtype=units.grams.dtype)).any(axis=1)
    else:
        own = traits.top[members][units.of]
        inside = np.logical_or(own < 0, np.any(units.grams == own[:, None], axis=1))
    calls = np.where(inside, units.weight * units.calls, 0.0)
    alone = units.single & (~units.conversation | (units.calls == 1))
    known = inside & (units.output >= 0)
    everything = float(calls.sum())
    return {
        "fresh": _fresh(units, inside),
        "single": float(calls[alone].sum()) / everything if everything else np.nan,
        "instructed": np.nan,
        "answered": float(weighted_median(units.output[known], calls[known])),
    }


def _fresh(units: Sampled, inside: npt.NDArray[np.bool_]) -> float:
    """Distinct requests as a share of calls, account by account, times the share of distinct ones when accounts are put together."""
    worded = inside & (units.prompt != 0)
    if not worded.any():
        return np.nan
    calls = units.weight * units.calls
    distinct = np.where(units.conversation, calls, units.weight)
    own = float(distinct[worded].sum() / calls[worded].sum())
    # hashes that the samples of nearly all members reach up to: below it nothing is missing
    reach = 2.0**64 / float(np.quantile(units.weight[worded], 0.9))
    both = worded & (units.prompt.astype(np.float64) < reach) & (units.weight * reach <= 2.0**64 * 1.000001) & ~units.conversation
    if not both.any():
        return own
    pairs = np.unique(np.stack([units.prompt[both], units.of[both].astype(np.uint64)]), axis=1)
    return own * float(np.unique(pairs[0]).size / pairs.shape[1])


def _collided(population: Population, identical: Observed | None) -> Floats:
    """Share of each account's calls that at least two other entities sent, too: a public list, a popular prompt, a probe."""
    values = np.zeros(population.size)
    if identical is not None and identical.accounts.size:
        _, which = np.unique(np.asarray(identical.values), return_inverse=True)
        public = np.bincount(which, weights=population.weights[identical.accounts])[which] >= 3
        np.add.at(values, identical.accounts[public], identical.shares[public])
    return values
