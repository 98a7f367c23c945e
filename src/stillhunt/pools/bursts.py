"""Bursts: accounts that begin close together and are alike in what they do, more than chance and a common habit explain.

Null hypothesis (for an account): among the WINDOW accounts that began nearest to it, beginnings and measures are independent of one another
and beginnings come at random. For another account of the window let u_0 be the chance to begin as near as it did, and u_i the share of
the window that is as near in measure i. Then the product q of these d numbers is one of d independent uniform numbers and

    P[product <= q] = T(q) = q sum_{j<d} (-ln q)^j / j!,

so that of n accounts lambda = n T(q) are expected to be as near as the k-th nearest is, and their number is Poisson. u_0 is the geometric
mean of two readings of nearness, by the clock and by the order of beginnings: the order alone would not see that five began within one
second, the clock alone would take every busy hour for a burst. With the mean a busy hour still counts by half of its bits. Therefore the
question is put once more with an u_0 to which a rush of people is nothing: the number of accounts that began within RUSH, or within the
distance asked for if that is longer, tells how many are expected (`Bursts.rushless`). Strangers in a rush have about -0.7 there; a
pool of a burst needs -EXCESS in the mean.

Two questions are asked for each k of COUNTS, and both must be answered with yes:

* is it chance? p = min_k P[Poisson(lambda_k) >= k], times the number of k asked. Benjamini and Hochberg over all accounts.
* is it much? With 99 % confidence the k accounts are at least a third more than expected: max_k g_k / lambda_k >= 4/3, where g_k is the 1 %
  point of the gamma distribution with shape k (the exact Poisson bound of F. Garwood, Biometrika 28, 1936). The probability that a
  neighbour is a stranger is lambda_k / k, so that a weak excess over many would name mostly strangers.

A window of neighbours in time instead of everybody lets the habits of a population drift over months without looking like a burst.

References: M. Kulldorff, Commun. Statist. Theory Meth. 26 (1997), spatial scan statistic; M. Ester et al., KDD 1996 (density reachability);
for bursts of sign-ups with like details D. Freeman et al., AISec 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np
from scipy.special import gammainc
from scipy.stats import gamma

from stillhunt.pools.links import LEAST_P, validated
from stillhunt.pools.population import Floats, Index

WINDOW = 2000
"""Accounts that are the background of one account: 22 times the largest number of neighbours asked for is enough for stable shares."""

COUNTS = np.array((2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 26, 32), dtype=np.int64)
"""Numbers of neighbours that are asked for: steps of about a quarter, up to what fills a sixtieth of the window."""

CONFIDENCE = 0.01
RUSH = 600.0
"""Seconds: a rush of people lasts longer than twice this, so that only coincidences much closer than that cannot be one."""

EXCESS = float(np.log2(4 / 3))
"""Bits by which the neighbours must be more than expected, with confidence: a third more at the very least."""

RATE = 0.2
"""False discovery rate over accounts, nominal. The p-value is far on the safe side (twelve counts that depend on one another are paid for
as if they did not): on independent draws fewer than a tenth of the nominal share is seen. And what stands must still find a pool."""


@dataclass(frozen=True)
class Bursts:
    """What each account's nearest neighbours say; every array has one entry an account.

    Attributes:
        excess: log2 of the lower confidence bound of (neighbours / expected).
        rushless: the same with an expectation to which a rush of people is nothing.
        bits: -log2 of the p-value.
        near: how many neighbours were counted.
        expected: how many unrelated ones would be as near.
        stands: whether an account is in a burst beyond chance.
        much: whether the neighbours are many more than expected; those that stand are among them.
        account: for each link (account, other) of two accounts with much, the first one's position; `other` is among its nearest.
        other: the second one's position.
    """

    excess: Floats
    rushless: Floats
    bits: Floats
    near: Index
    expected: Floats
    stands: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    much: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    account: Index
    other: Index


def bursts(moments: Floats, measures: list[Floats], window: int = WINDOW, rate: float = RATE) -> Bursts:
    """Find bursts among accounts.

    Args:
        moments: when each account began, in any unit, shape (accounts,).
        measures: what each did, as numbers whose order matters and whose scale does not; each of shape (accounts,).
        window: accounts that are an account's background.
        rate: false discovery rate over accounts.

    Returns:
        Nothing stands where there are no measures or too few accounts to have a background.
    """
    size = moments.size
    excess, bits = np.full(size, -np.inf), np.zeros(size)
    rushless = np.full(size, -np.inf)
    near, expected = np.zeros(size, dtype=np.int64), np.zeros(size)
    most = int(COUNTS[-1])
    nearest = np.zeros((size, most), dtype=np.int64)
    if measures and size > 2 * most:
        order = np.argsort(moments, kind="stable")
        begun = moments[order]
        done = [measure[order] for measure in measures]
        grain = _grain(begun)
        floor = gamma.ppf(CONFIDENCE, COUNTS)
        for at in range(size):
            start = max(0, min(at - window // 2, size - window))
            end = min(size, start + window)
            chance, quiet = _nearness(begun, done, at, start, end, grain)
            chosen = np.argpartition(chance, most)[:most]
            chosen = chosen[np.argsort(chance[chosen], kind="stable")]
            mean = (end - start) * _tail(chance[chosen][COUNTS - 1], 1 + len(measures))
            much = np.log2(floor / mean)
            best = int(np.argmax(much))
            nearby = np.sort(np.partition(quiet, most)[:most])
            rushless[order[at]] = np.max(np.log2(floor / ((end - start) * _tail(nearby[COUNTS - 1], 1 + len(measures)))))
            mine = order[at]
            excess[mine], near[mine], expected[mine] = much[best], COUNTS[best], mean[best]
            bits[mine] = -np.log2(max(float(gammainc(COUNTS, mean).min()) * COUNTS.size, LEAST_P))
            nearest[mine] = order[start + chosen]
    bits = np.maximum(bits, 0.0)
    enough = excess >= EXCESS
    account = np.repeat(np.arange(size), np.where(enough, near, 0))
    other = nearest[enough][np.arange(most) < near[enough][:, None]]
    both = enough[other]
    return Bursts(excess, rushless, bits, near, expected, validated(bits, size, rate) & enough, enough, account[both], other[both])


def likeness(moments: Floats, measures: list[Floats], members: Index, window: int = WINDOW) -> float:
    """How much nearer the members of a group are to one another than strangers would be, in mean bits per member.

    Null hypothesis: beginnings and measures of the members are drawn from the population. A member's nearest other among the n - 1 is as
    near as q with probability 1 - (1 - T(q))^(n-1), with T as above; here everybody is the background in time, because members may be
    months apart, and the window around the member is in everything else. Under the null -log2 of it has the mean 1 / ln 2 = 1.44.
    """
    if members.size < 2 or not measures:
        return 0.0
    size = moments.size
    order = np.argsort(moments, kind="stable")
    place = np.empty(size, dtype=np.int64)
    place[order] = np.arange(size)
    grain = _grain(moments[order])
    length = float(np.ptp(moments)) + grain
    total = 0.0
    for member in members:
        others = members[members != member]
        start = max(0, min(int(place[member]) - window // 2, size - window))
        around = order[start : start + window]
        by_clock = np.minimum(1.0, (2 * np.abs(moments[others] - moments[member]) + grain) / length)
        chance: Floats = np.sqrt(by_clock * _share(np.abs(place[others] - place[member]), size))
        for measure in measures:
            gaps = np.sort(np.abs(measure[around] - measure[member]))
            nearer = np.searchsorted(gaps, np.abs(measure[others] - measure[member]), side="right")
            chance = chance * np.maximum(nearer, 1) / around.size
        tail = np.minimum(_tail(np.array([chance.min()]), 1 + len(measures))[0], 1.0)
        total -= np.log2(max(-np.expm1(others.size * np.log1p(-min(tail, 1 - 1e-12))), LEAST_P))
    return float(total / members.size)


def _nearness(begun: Floats, done: list[Floats], at: int, start: int, end: int, grain: float) -> tuple[Floats, Floats]:
    """The product of the shares of the window that are as near as each account of it, and the same without regard to rushes.

    Both are infinite for the account itself.
    """
    count, me = end - start, at - start
    clock = np.abs(begun[start:end] - begun[at])
    length = begun[end - 1] - begun[start] + grain
    by_clock = np.minimum(1.0, (2 * clock + grain) / length)
    by_order = _share(np.abs(np.arange(count) - me), count)
    alike = np.ones(count)
    for measure in done:
        own = measure[start:end]
        ranked = np.sort(own)
        below, upto = np.searchsorted(ranked, own, side="left"), np.searchsorted(ranked, own, side="right")
        between = np.where(own >= own[me], upto - below[me], upto[me] - below)  # equal values are all as near, whatever their order
        alike = alike * _share(between - 1, count)
    alike[me] = np.inf
    wide = np.maximum(clock, RUSH)
    around = np.searchsorted(begun[start:end], begun[at] + wide, side="right") - np.searchsorted(begun[start:end], begun[at] - wide)
    by_rush = np.minimum(1.0, around * (2 * clock + grain) / (2 * wide + grain) / count)
    return np.sqrt(by_clock * by_order) * alike, by_rush * alike


def _grain(begun: Floats) -> float:
    """The finest step of a sorted clock: two that began on one day are no burst where only days are known."""
    steps = np.diff(begun)
    return float(steps[steps > 0].min()) if (steps > 0).any() else 1.0


def _share(steps: Floats | Index, count: int) -> Floats:
    return np.asarray(np.minimum(1.0, (2 * steps + 1) / (count + 1)), dtype=np.float64)


def _tail(product: Floats, factors: int) -> Floats:
    """P[product of `factors` uniform numbers <= `product`]."""
    exponent = -np.log(np.minimum(product, 1.0))
    series = np.zeros_like(exponent)
    for number in range(factors):
        series = series + exponent**number / factorial(number)
    return np.asarray(product * series, dtype=np.float64)
