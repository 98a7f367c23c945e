"""Who acts on the same thing: pairs of rows with one value, optionally within a time of each other.

Null hypothesis: none is tested here. This is the counting under `pools.links`, and it is exact: with `within`, every pair of rows of
different accounts that have one value and lie no further apart than that is found once.

Cost: O(rows log rows + pairs). Without a window a value held by k accounts has k (k - 1) / 2 pairs, so that a popular value would cost
its square: values are taken from the rarest on until `most` pairs are reached, and what was left out is counted (`Coactions.left`).

Reference: co-action within a window as in F. Giglietto et al., Information, Communication & Society 23 (2020), "coordinated link sharing
behaviour", and Q. Cao et al., CCS 2014 (SynchroTrap), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stillhunt.pools.population import Floats, Index


@dataclass(frozen=True)
class Coactions:
    """Pairs of rows; every array has one entry a pair.

    Attributes:
        first: the earlier row of each pair (without a window: the one of the smaller account).
        second: the later row.
        pairs: pairs for each value, counted also where they were left out, shape (values,).
        left: numbers of the values whose pairs were left out because they are too popular.
    """

    first: Index
    second: Index
    pairs: Floats
    left: Index

    def apart(self, moments: Index) -> Index:
        """How far apart the rows of each pair lie, in the unit of `moments`."""
        return np.asarray(np.abs(moments[self.second] - moments[self.first]), dtype=np.int64)


def coactions(
    accounts: Index, values: Index, moments: Index | None = None, within: int | None = None, most: int | None = None
) -> Coactions:
    """Every pair of rows of different accounts on one value.

    Args:
        accounts: number of each row's account.
        values: number of each row's value, from 0.
        moments: time of each row, in the unit of `within`; needed only with it.
        within: how far apart two rows may lie at most, both ends included; None for any distance.
        most: pairs to list at most. Values with fewest pairs come first. None lists all.

    Returns:
        The pairs. An account that has a value twice within the time is paired with another for each.

    Raises:
        ValueError: `within` without `moments`.
    """
    count = int(values.max(initial=-1)) + 1
    if within is None:
        order = np.lexsort((accounts, values))
        following = np.searchsorted(values[order], np.arange(1, count + 1), side="left")[values[order]]
    else:
        if moments is None:
            raise ValueError("a window needs the time of each row")
        order = np.lexsort((moments, values))
        following = _reach(values[order], moments[order], within)
    ahead = following - np.arange(order.size) - 1
    pairs = np.bincount(values[order], weights=ahead, minlength=count).astype(np.float64)
    left = np.empty(0, dtype=np.int64)
    if most is not None and pairs.sum() > most:
        rarest = np.argsort(pairs, kind="stable")
        left = np.sort(rarest[np.cumsum(pairs[rarest]) > most]).astype(np.int64)
        ahead[np.isin(values[order], left)] = 0
    at = np.repeat(np.arange(order.size), ahead)
    step = np.arange(at.size) - np.repeat(np.cumsum(ahead) - ahead, ahead)
    first, second = order[at], order[at + 1 + step]
    apart = accounts[first] != accounts[second]
    own = np.bincount(values[first[~apart]], minlength=count)
    return Coactions(first[apart].astype(np.int64), second[apart].astype(np.int64), pairs - own, left)


def _reach(values: Index, moments: Index, within: int) -> Index:
    """For each row (sorted by value and time) the end of those of its value that lie within the time after it."""
    if not values.size:
        return np.empty(0, dtype=np.int64)
    origin = int(moments.min())
    span = int(moments.max()) - origin + within + 1
    if (int(values.max()) + 1) * span < 2**62:
        key = values.astype(np.int64) * span + (moments - origin)
        return np.searchsorted(key, key + within, side="right").astype(np.int64)
    ends = np.empty(values.size, dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    for start, end in zip(starts, np.r_[starts[1:], values.size], strict=True):
        own = moments[start:end]
        ends[start:end] = start + np.searchsorted(own, own + within, side="right")
    return ends
