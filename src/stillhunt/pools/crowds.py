"""Crowds: values that draw more accounts which do nothing else than their popularity explains.

An account that was made for one thing has nothing besides it, so that no pair of such accounts shares more than one value and no link
between two of them can be weighed. What can be weighed is how many of them there are.

Null hypothesis (for a value v): whether an account has nothing else does not depend on which value it has. If f is the chance that one
choice falls on v, an account with d values holds it with probability 1 - (1 - f)^d; f is what gives v its k holders. Of these the number
with nothing else is binomial with k and

    pi = f (one-off accounts elsewhere) / (holdings elsewhere) (holdings / k),       expected e = k pi.

For all but the most popular values f is k / holdings, and pi the share of one-off accounts among holdings.

A value's concentration is c = log2((n + A) / (e + A)) for n observed, drawn towards none by A accounts. An account's bits are the mean c of
its values less log2 of their number: an account with d values meets a crowd by accident d times as often as one with a single value.
The probability that a one-off holder is there for the crowd is 1 - e / n.

Error control: Benjamini and Hochberg over values.

References: the dense-block view that this replaces where blocks are regulars is B. Hooi et al., KDD 2016 (FRAUDAR); for one-off reviewers
S. Xie et al., KDD 2012 (singleton review spam).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from stillhunt.pools.links import LEAST_P, distinct, validated
from stillhunt.pools.population import Floats, Index

WEIGHT = 8.0
"""Accounts of no opinion that a value's concentration is drawn towards: a pool of fewer is not seen anyway."""


@dataclass(frozen=True)
class Crowds:
    """Concentration in one channel.

    Attributes:
        bits: for each account, how much rather it belongs to a crowd than strangers do, in bits; -inf without any value.
        value: for each account, the value of most concentration, -1 without any.
        single: for each value, its holders that have nothing else.
        expected: for each value, how many such holders its popularity explains.
        stands: for each value, whether there are more than chance allows.
        alone: for each account, whether it has exactly one value.
    """

    bits: Floats
    value: Index
    single: Index
    expected: Floats
    stands: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    alone: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

    def membership(self) -> Floats:
        """For each account the probability that it is there for the crowd, 0 unless the crowd stands and it has nothing else."""
        excess = np.where(self.stands, 1.0 - self.expected / np.maximum(self.single, 1), 0.0)
        return np.where(self.alone, excess[np.maximum(self.value, 0)], 0.0).astype(np.float64)


def crowds(accounts: Index, values: Index, size: int, rate: float) -> Crowds:
    """Weigh how concentrated the one-off holders of every value are.

    Args:
        accounts: position of each row's account.
        values: number of each row's value, from 0.
        size: number of accounts.
        rate: false discovery rate over values.
    """
    account, value = distinct(accounts, values)
    width = int(value.max(initial=-1)) + 1
    active = np.bincount(account, minlength=size)
    alone = active == 1
    holders = np.bincount(value, minlength=width).astype(np.float64)
    single = np.bincount(value[alone[account]], minlength=width).astype(np.int64)
    elsewhere = np.maximum(holders.sum() - holders, 1.0)
    once = _choices(holders, active[active > 0]) * holders.sum() / np.maximum(holders, 1.0)
    share = np.clip((single.sum() - single) / elsewhere * once, 0.0, 1.0)
    expected = holders * share
    chance = np.maximum(binom.sf(single - 1, holders, share), LEAST_P)
    concentration = np.log2((single + WEIGHT) / (expected + WEIGHT))
    bits = np.full(size, -np.inf)
    has = active > 0
    bits[has] = np.bincount(account, weights=concentration[value], minlength=size)[has] / active[has] - np.log2(active[has])
    most = np.full(size, -1, dtype=np.int64)
    order = np.argsort(concentration[value], kind="stable")
    most[account[order]] = value[order]
    return Crowds(bits, most, single, expected, validated(-np.log2(chance), max(width, 1), rate), alone)


def _choices(holders: Floats, active: Index) -> Floats:
    """For each value the chance f of one choice: sum over accounts of 1 - (1 - f)^d = holders, by bisection."""
    degrees, many = np.unique(active, return_counts=True)
    low, high = np.zeros(holders.size), np.ones(holders.size)
    for _ in range(40):
        middle = (low + high) / 2
        short = ((1.0 - (1.0 - middle[:, None]) ** degrees) * many).sum(axis=1) < holders
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.asarray((low + high) / 2, dtype=np.float64)
