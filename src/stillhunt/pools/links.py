"""Links: pairs of accounts that share more, or rarer, values than who has how many of them explains.

Null hypothesis (for a pair and a channel): with whom an account shares a value is a matter of chance alone. An account with d values
meets any of the co-actions on a value in proportion to d, so that a pair (a, b) meets

    S(v) = 2 d_a d_b P(v) / m^2        times on a value v, with P(v) co-actions in all and m = sum of d,

and the number of values shared among those with at most P co-actions is Poisson with mean 2 d_a d_b C(P) / m^2, where C(P) sums P(v)
over them. What everybody has (a hub) has most co-actions and explains itself.

Statistic: the shared values are taken from the rarest on; the i rarest have the tail probability p_i = P[Poisson(S_i) >= i]. The pair's
p-value is min over i of i (i + 1) p_i, valid by the union bound because 1 / (i (i + 1)) sums to one. Bits are -log2 of it. Channels are
taken as independent of one another: the product q of their n p-values has the tail q sum_{j<n} (-ln q)^j / j!.

Error control: Benjamini and Hochberg over all pairs of accounts there are, shared or not: of the links that are told, at most the promised
share is expected to be chance.

A link says that two accounts are alike in what they do, not why: taste and trade do that, too.

References: N. Dianati, Phys. Rev. E 93, 012304 (2016), marginal likelihood filter, of which this is the bipartite form; M. Tumminello et
al., PLoS ONE 6, e17994 (2011), statistically validated networks; F. Chung and L. Lu, PNAS 99 (2002); Y. Benjamini and Y. Hochberg,
J. R. Statist. Soc. B 57 (1995); R. A. Fisher, Statistical Methods for Research Workers (1925), section 21.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.special import gammainc

from stillhunt.pools.coaction import coactions
from stillhunt.pools.population import Floats, Index

PAIRS_PER_ROW = 16
"""Pairs that are listed for each row of a channel: what keeps the work linear. The most popular values beyond it count only for pairs that
share something rarer as well; `Shared.blind` says what sharing one of them could have weighed at most."""

CHUNK = 1 << 18
LEAST_P = 1e-300


@dataclass(frozen=True)
class Shared:
    """What pairs share in one channel; every array has one entry a pair.

    Attributes:
        account: position of the first account of each pair, smaller than `other`.
        other: position of the second.
        values: number of values that they share.
        counted: how many of those, from the rarest on, carry the weight.
        expected: how many as rare as those unrelated accounts would share.
        bits: -log2 of the pair's p-value.
        blind: bits that a pair which is not listed can have at most if it shares one value, 0 where all were listed.
        skipped: values whose pairs were not listed for being too popular.
    """

    account: Index
    other: Index
    values: Index
    counted: Index
    expected: Floats
    bits: Floats
    blind: float = 0.0
    skipped: int = 0


def shared(accounts: Index, values: Index, moments: Index | None = None, within: int | None = None, per_row: int = PAIRS_PER_ROW) -> Shared:
    """Weigh what every pair of accounts shares in one channel.

    Args:
        accounts: position of each row's account.
        values: number of each row's value, from 0.
        moments: time of each row, needed with `within`.
        within: unit of `moments`; only values that two accounts have within this time of each other count as shared.
        per_row: pairs to list for each row at most, see PAIRS_PER_ROW.
    """
    known = distinct(accounts, values)
    active = np.bincount(known[0], minlength=int(accounts.max(initial=-1)) + 1).astype(np.float64)
    rows = accounts.size
    if within is None:
        accounts, values, moments = known[0], known[1], None
    found = coactions(accounts, values, moments, within, per_row * rows)
    size = int(accounts.max(initial=-1)) + 1
    low = np.minimum(accounts[found.first], accounts[found.second])
    high = np.maximum(accounts[found.first], accounts[found.second])
    value = values[found.first]
    pair, value = distinct(low * size + high, value)
    both = np.unique(pair)
    if within is None and found.left.size and both.size:
        extra_pair, extra_value = _popular(both, size, known, found.left)
        pair, value = np.r_[pair, extra_pair], np.r_[value, extra_value]
    met = found.pairs
    order = np.lexsort((met[value], pair))
    pair, value = pair[order], value[order]
    starts = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]]) if pair.size else np.empty(0, dtype=np.int64)
    sizes = np.diff(np.r_[starts, pair.size]).astype(np.int64)
    account, other = both // max(size, 1), both % max(size, 1)
    if not starts.size:
        nothing = np.empty(0, dtype=np.int64)
        return Shared(nothing, nothing, nothing, nothing, np.empty(0), np.empty(0))
    among = _cumulated(met)
    scale = 2.0 * active[account] * active[other] / active.sum() ** 2
    rank = np.arange(pair.size) - np.repeat(starts, sizes) + 1
    mean = np.repeat(scale, sizes) * among[value]
    tail = np.maximum(gammainc(rank, np.maximum(mean, LEAST_P)), LEAST_P) * rank * (rank + 1)
    least = np.minimum.reduceat(tail, starts)
    best = np.minimum.reduceat(np.where(tail == np.repeat(least, sizes), np.arange(pair.size), pair.size), starts)
    blind = 0.0
    if found.left.size:
        rarest = among[found.left[np.argmin(met[found.left])]]
        blind = float(max(0.0, -np.log2(2.0 * gammainc(1, 2.0 * rarest / active.sum() ** 2))))
    return Shared(account, other, sizes, rank[best], mean[best], np.maximum(-np.log2(np.minimum(least, 1.0)), 0.0), blind, found.left.size)


def distinct(one: Index, two: Index) -> tuple[Index, Index]:
    """The different pairs of (one, two), in order."""
    order = np.lexsort((two, one))
    one, two = one[order], two[order]
    first = np.ones(one.size, dtype=np.bool_)
    first[1:] = (one[1:] != one[:-1]) | (two[1:] != two[:-1])
    return one[first], two[first]


def _cumulated(met: Floats) -> Floats:
    """For each value the co-actions on all values that have no more than it."""
    order = np.argsort(met, kind="stable")
    total = np.cumsum(met[order])
    last = np.searchsorted(met[order], met, side="right") - 1
    return np.asarray(total[last], dtype=np.float64)


def _popular(pairs: Index, size: int, known: tuple[Index, Index], popular: Index) -> tuple[Index, Index]:
    """The popular values that the listed pairs share as well, as (pair, value)."""
    keep = np.isin(known[1], popular)
    column = np.searchsorted(popular, known[1][keep])
    held = csr_array((np.ones(column.size, dtype=np.int8), (known[0][keep], column)), shape=(size, popular.size))
    at: list[Index] = []
    which: list[Index] = []
    for start in range(0, pairs.size, CHUNK):
        some = pairs[start : start + CHUNK]
        together = (held[some // size] * held[some % size]).tocoo()
        at.append(some[together.row])
        which.append(popular[together.col])
    return np.concatenate(at), np.concatenate(which)


def together(bits: Floats, channels: int) -> Floats:
    """Bits of several independent channels as one: `bits` is their sum, over `channels` of them (Fisher 1925).

    The tail of a product q of n uniform p-values is q sum_{j<n} (-ln q)^j / j!.
    """
    exponent = bits * np.log(2.0)
    series = np.ones_like(exponent)
    term = np.ones_like(exponent)
    for number in range(1, channels):
        term = term * exponent / number
        series = series + term
    return np.asarray(np.maximum(bits - np.log2(series), 0.0), dtype=np.float64)


def validated(bits: Floats, hypotheses: float, rate: float) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which of the hypotheses with most bits stand at a false discovery rate (Benjamini and Hochberg).

    Args:
        bits: -log2 of the p-values that were computed; those of all other hypotheses count as 1.
        hypotheses: how many hypotheses there are in all.
        rate: share of what stands that may be chance, in expectation.
    """
    order = np.argsort(-bits, kind="stable")
    needed = np.log2(hypotheses / rate) - np.log2(np.arange(1, bits.size + 1))
    passing = np.flatnonzero(bits[order] >= needed)
    stands = np.zeros(bits.size, dtype=np.bool_)
    if passing.size:
        stands[order[: passing[-1] + 1]] = True
    return stands
