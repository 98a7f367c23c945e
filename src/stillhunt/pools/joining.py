"""Joining: groups of accounts from links between two of them, the strongest link first.

Connected components would join two pools through a single false link, and the larger they are, the likelier there is one. So groups are
weighed before they are joined.

Null hypothesis: two groups of a and b accounts have nothing to do with each other, and the links between them are those that are false. If
a share r of all L links among n accounts is false, a pair has one with the chance e = r L / (n (n - 1) / 2), and the number of links
between the groups is Poisson with mean a b e. They join when P[Poisson(a b e) >= links] <= JOIN. For single accounts and small groups one
link suffices, for pools of hundreds it takes several. Links that do not suffice yet are remembered and count when more arrive.

Cost: O(links log links), each group's remembered links being moved into the larger of two that join.

Reference: a constrained form of single linkage (P. Sneath, J. Gen. Microbiol. 17, 1957); that components chain is Q. Cao et al., CCS 2014,
section 3.3.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from scipy.special import gammainc

from stillhunt.pools.population import Floats, Index

JOIN = 0.01
"""Chance of joining two groups that have nothing to do with each other."""


def join(size: int, account: Index, other: Index, bits: Floats, false: float) -> Index:
    """Number the group of every account; accounts without links are groups of one.

    Args:
        size: number of accounts.
        account: one end of each link.
        other: its other end.
        bits: the weight of each link: heavier ones join first.
        false: share of the links that may be false.
    """
    parent = list(range(size))
    count = [1] * size
    chance = false * account.size / max(size * (size - 1) / 2, 1.0)
    between: list[dict[int, int]] = [defaultdict(int) for _ in range(size)]

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    def suffices(one: int, two: int) -> bool:
        return bool(gammainc(between[one][two], count[one] * count[two] * chance) <= JOIN)

    for link in np.lexsort((other, account, -bits)).tolist():
        one, two = root(int(account[link])), root(int(other[link]))
        if one == two:
            continue
        between[one][two] += 1
        between[two][one] += 1
        waiting = [(one, two)] if suffices(one, two) else []
        while waiting:
            one, two = (root(at) for at in waiting.pop())
            if one == two or not suffices(one, two):
                continue
            if len(between[one]) < len(between[two]):
                one, two = two, one
            parent[two] = one
            count[one] += count[two]
            for third, links in between[two].items():
                del between[third][two]
                if third != one:
                    between[one][third] += links
                    between[third][one] += links
                    if suffices(one, third):
                        waiting.append((one, third))
            between[two].clear()
    return np.array([root(at) for at in range(size)], dtype=np.int64)
