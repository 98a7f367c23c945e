"""Other ways of finding coordinated accounts, written from their papers, to compare with on the same rows.

None of them is tuned: the parameters are those that the papers name, or the simplest reading of them.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

Numbers = np.ndarray[tuple[int, ...], np.dtype[Any]]

POPULAR = 5.0
"""FRAUDAR's constant c in the column weight 1 / log(degree + c)."""


def fraudar(accounts: Numbers, values: Numbers, size: int, width: int, blocks: int = 5, seed: int = 0) -> Numbers:
    """FRAUDAR (B. Hooi et al., KDD 2016): greedy peeling of the account-value graph, repeated.

    Each edge weighs 1 / log(degree of the value + 5). Nodes are removed in the order of their remaining weight, from a heap; the best
    block is the suffix with the largest weight per node. Its edges are taken out and the next block is sought. Accounts of the first block
    rank first, within a block the later removed first; accounts in no block follow in the order of the first peeling.
    Nodes of equal weight are removed in a random order: the order of rows must not tell anything.

    Args:
        accounts: account of each edge, from 0.
        values: value of each edge, from 0.
        size: number of accounts.
        width: number of values.
        blocks: how many blocks to seek.
        seed: of the random order.

    Returns:
        A score for each account, higher is more suspicious.
    """
    tie = np.random.default_rng(seed).random(size + width)
    alive = np.ones(accounts.size, dtype=bool)
    score = np.zeros(size)
    for number in range(blocks):
        order, start = _peel(accounts[alive], values[alive], size, width, tie)
        if not order.size:
            break
        block = order[start:]
        rank = np.arange(block.size, dtype=np.float64)
        mine = (block < size) & (score[np.minimum(block, size - 1)] < 1)
        score[block[mine]] = (blocks - number) * 2.0 * (size + width) + rank[mine]
        inside = np.zeros(size + width, dtype=bool)
        inside[block] = True
        if number == 0:
            first = order
        alive &= ~(inside[accounts] & inside[values + size])
    rest = first[(first < size) & (score[np.minimum(first, size - 1)] < 1)]
    score[rest] = np.arange(rest.size) / (rest.size + 1)
    return score


def _peel(accounts: Numbers, values: Numbers, size: int, width: int, tie: Numbers) -> tuple[Numbers, int]:
    """The order in which nodes are removed, and where the densest suffix begins."""
    if not accounts.size:
        return np.empty(0, dtype=np.int64), 0
    weight = (1 / np.log(np.bincount(values, minlength=width) + POPULAR))[values]
    left = np.concatenate([np.bincount(accounts, weight, size), np.bincount(values, weight, width)])
    near: list[list[tuple[int, float]]] = [[] for _ in range(size + width)]
    for one, two, of in zip(accounts.tolist(), (values + size).tolist(), weight.tolist(), strict=True):
        near[one].append((two, of))
        near[two].append((one, of))
    alive = left > 0
    heap = [(left[node], tie[node], int(node)) for node in np.flatnonzero(alive)]
    heapq.heapify(heap)
    total, count = float(weight.sum()), len(heap)
    order: list[int] = []
    best, start = -1.0, 0
    while heap:
        known, _, node = heapq.heappop(heap)
        if not alive[node] or known > left[node] + 1e-12:
            continue
        if total / count > best:
            best, start = total / count, len(order)
        alive[node] = False
        order.append(node)
        total, count = total - left[node], count - 1
        for other, of in near[node]:
            if alive[other]:
                left[other] -= of
                heapq.heappush(heap, (left[other], tie[other], other))
    return np.array(order, dtype=np.int64), start


def synchrotrap(
    accounts: Numbers, values: Numbers, moments: Numbers | None, size: int, window: float, similar: float = 0.5, most: int = 1000
) -> tuple[Numbers, int]:
    """SynchroTrap (Q. Cao et al., CCS 2014): accounts whose actions match, within a time, by more than a share; single linkage.

    An action is (value, time); two accounts match on it if both act on the value within `window`. Similarity is the Jaccard coefficient of
    matched actions over all actions of the two, as section 3.2 has it for repeated actions (and per value). Pairs above `similar` are
    joined into components.

    Args:
        accounts: account of each action, from 0.
        values: value of each action, from 0.
        moments: time of each action; None matches at any time.
        size: number of accounts.
        window: how far apart two actions match, in the unit of `moments`.
        similar: least similarity that joins.
        most: values with more actions than this are left out, as the paper leaves out the most popular ones, for the cost of their pairs.

    Returns:
        The component of each account, and the number of pairs that were joined.
    """
    matched: dict[tuple[int, int], set[int]] = defaultdict(set)
    order = np.lexsort((np.zeros(values.size) if moments is None else moments, values))
    edges = np.flatnonzero(np.r_[True, np.diff(values[order]) != 0, True])
    for start, end in pairwise(edges.tolist()):
        own = order[start:end]
        if not 2 <= own.size <= most:
            continue
        who = accounts[own]
        for at in range(own.size - 1):
            reach = own.size if moments is None else int(np.searchsorted(moments[own], moments[own[at]] + window, side="right"))
            for other in who[at + 1 : reach]:
                if other != who[at]:
                    matched[min(int(who[at]), int(other)), max(int(who[at]), int(other))].add(int(values[own[at]]))
    held = csr_array((np.ones(accounts.size), (accounts, values)), shape=(size, int(values.max(initial=0)) + 1))
    distinct = np.diff((held > 0).tocsr().indptr)
    joined = [pair for pair, common in matched.items() if len(common) / (distinct[pair[0]] + distinct[pair[1]] - len(common)) >= similar]
    ends = np.array(joined, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(size, size))
    return connected_components(graph, directed=False)[1], len(ends)


def at_least(component: Numbers, fewest: int) -> Numbers:
    """Which accounts are in a component of so many."""
    return np.asarray(np.bincount(component)[component] >= fewest)
