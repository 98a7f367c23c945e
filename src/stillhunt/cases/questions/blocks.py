"""Is a pool one block or several? Whether what tells a member's hand in one respect tells it in another.

In: labels of members in several *families* of respects (which card, which software, which hours). Out: a test, the blocks, and whether
work is handed across them.

**Null hypothesis of the test**: there are no blocks: one hand gives each member its values in one family without regard to those in
another (cards as they come, whatever machine is free), so that the rows of one family may be exchanged among members. Then with n(a, b)
the members that have value a in one respect and b in another of another family,

    T = sum over pairs of respects of different families, sum over cells of n(a, b) (n(a, b) - 1) / 2,

the pairs of members that are alike twice over, is distributed as under permutations of whole families; p = (1 + permutations with T at
least as large) / (1 + permutations), exact for any sample size (E. Pitman, J. R. Statist. Soc. Suppl. 4 (1937) 119; the +1: B. Phipson and
G. Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39). Everything that one family has in common in itself stays as it is. **Blocks** are
connected values: two values of different families are joined where more members have both than independence explains (hypergeometric tail
below 0.05 over all cells) and half of those with the rarer one do. What blocks are the test does not say: several operators, or one that
buys and sets up by the batch.

**Null hypothesis of `crossing`**: one queue hands refused requests to whichever account is at work then, whatever its block. The handed-on
requests that cross blocks are then a sum of independent draws, each with the share of other blocks among accounts at work at that moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Index = npt.NDArray[np.int64]

DRAWS = 999
MOST_MEMBERS = 4_000
"""Of larger pools so many members are tested, drawn with a fixed seed."""

MOST_HANDED = 5_000
"""Of more requests that are handed on so many are asked, drawn with a fixed seed."""

LEAST_BLOCK = 4
SPLIT = 0.01
"""p from which on blocks are looked for."""

JOINED = 0.05
NO_BLOCK = -1


@dataclass(frozen=True)
class Blocks:
    """What was found.

    Attributes:
        p: of the test; None where there was nothing to test (fewer than two families in which members differ and repeat).
        tested: the families that were compared.
        alike: pairs of members that are alike in two families, as a multiple of what exchanges give on average.
        label: block of each member, largest block first; `NO_BLOCK` where it belongs to none. Shape (members,).
    """

    p: float | None
    tested: tuple[str, ...]
    alike: float
    label: Index

    @property
    def sizes(self) -> list[int]:
        """Members of each block."""
        return [int(size) for size in np.bincount(self.label[self.label >= 0])]


@dataclass(frozen=True)
class Crossing:
    """Handed-on requests between blocks: how many there were, across, and across if one queue fed all; p of so few by chance."""

    handed: int
    across: int
    expected: float
    p: float


def split(respects: Mapping[tuple[str, str], Index], draws: int = DRAWS, seed: int = 0) -> Blocks:
    """Test for blocks and find them.

    Args:
        respects: (family, respect) -> a value's number for each member, -1 where it is not known; shape (members,) each.
        draws: permutations.
        seed: of the sample of members, and of the permutations.
    """
    members = next(iter(respects.values())).size if respects else 0
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(members)[:MOST_MEMBERS])
    kept = {key: _dense(column[chosen]) for key, column in sorted(respects.items())}
    kept = {key: column for key, column in kept.items() if _telling(column)}
    families = tuple(dict.fromkeys(family for family, _ in kept))
    nowhere = np.full(members, NO_BLOCK, np.int64)
    if len(families) < 2:
        return Blocks(None, families, 1.0, nowhere)
    own = _alike(kept)
    drawn = np.empty(draws)
    for number in range(draws):
        order = {family: rng.permutation(chosen.size) for family in families}
        drawn[number] = _alike({key: column[order[key[0]]] for key, column in kept.items()})
    p = (1.0 + int((drawn >= own).sum())) / (1.0 + draws)
    alike = own / max(float(drawn.mean()), 1e-9)
    if p > SPLIT:
        return Blocks(p, families, alike, nowhere)
    whole = {key: _dense(respects[key]) for key in kept}
    return Blocks(p, families, alike, _blocks(whole))


def _dense(column: Index) -> Index:
    """Numbers from 0 on, -1 staying -1."""
    found = np.full(column.size, -1, np.int64)
    known = column >= 0
    found[known] = np.unique(column[known], return_inverse=True)[1]
    return found


def _telling(column: Index) -> bool:
    """Whether members differ in a respect, and some are alike in it."""
    counts = np.bincount(column[column >= 0])
    return counts.size >= 2 and int(counts.max(initial=0)) >= 2


def _cells(one: Index, other: Index) -> tuple[Index, Index, Index]:
    """Values of both and how many members have both, for each cell that is not empty."""
    both = (one >= 0) & (other >= 0)
    width = int(other.max(initial=0)) + 1
    keys, counts = np.unique(one[both] * width + other[both], return_counts=True)
    return keys // width, keys % width, counts.astype(np.int64)


def _alike(columns: Mapping[tuple[str, str], Index]) -> float:
    keys = list(columns)
    total = 0.0
    for at, one in enumerate(keys):
        for other in keys[at + 1 :]:
            if one[0] != other[0]:
                counts = _cells(columns[one], columns[other])[2].astype(np.float64)
                total += float((counts * (counts - 1.0)).sum() / 2.0)
    return total


def _blocks(columns: Mapping[tuple[str, str], Index]) -> Index:
    """The block of each member, from values that go together."""
    keys = list(columns)
    members = columns[keys[0]].size
    begins = np.cumsum([0, *(int(columns[key].max(initial=-1)) + 1 for key in keys)])
    links: list[tuple[Index, Index, Index, Index, Index, int]] = []
    for at, one in enumerate(keys):
        for place, other in enumerate(keys[at + 1 :], at + 1):
            if one[0] == other[0]:
                continue
            both = (columns[one] >= 0) & (columns[other] >= 0)
            a, b, n = _cells(columns[one], columns[other])
            have_a = np.bincount(columns[one][both])[a]
            have_b = np.bincount(columns[other][both])[b]
            links.append((a + begins[at], b + begins[place], n, have_a, have_b, int(both.sum())))
    cells = sum(link[2].size for link in links)
    left, right = [], []
    for a, b, n, have_a, have_b, size in links:
        tail = stats.hypergeom.sf(n - 1, size, have_a, have_b)
        joined = (n >= 3) & (tail < JOINED / max(cells, 1)) & (n >= 0.5 * np.minimum(have_a, have_b))
        left.append(a[joined])
        right.append(b[joined])
    i, j = np.concatenate(left), np.concatenate(right)
    graph = coo_array((np.ones(i.size), (i, j)), shape=(int(begins[-1]), int(begins[-1])))
    number, component = connected_components(graph, directed=False)
    component = np.where(np.bincount(component, minlength=number)[component] > 1, component, -1)
    votes = np.stack([np.where(columns[key] >= 0, component[columns[key] + begins[at]], -1) for at, key in enumerate(keys)])
    best, most = np.full(members, -1, np.int64), np.zeros(members, np.int64)
    for vote in votes:
        agree = np.where(vote >= 0, (votes == vote).sum(axis=0), 0)
        better = (agree > most) | ((agree == most) & (agree > 0) & (vote < best))
        best, most = np.where(better, vote, best), np.where(better, agree, most)
    return _by_size(best)


def _by_size(block: Index) -> Index:
    """Blocks numbered from the largest on; those below `LEAST_BLOCK` are none."""
    found = np.full(block.size, NO_BLOCK, np.int64)
    values, counts = np.unique(block[block >= 0], return_counts=True)
    order = [at for at in np.argsort(-counts, kind="stable").tolist() if counts[at] >= LEAST_BLOCK]
    for number, at in enumerate(order):
        found[block == values[at]] = number
    return found


def tied(members: int, pairs: tuple[Index, Index, Index]) -> float:
    """Share of the members that handed-on requests tie into one, directly or in a chain; `pairs` as `crossing` has them."""
    if not members or not pairs[0].size:
        return 0.0
    graph = coo_array((np.ones(pairs[0].size), (pairs[0], pairs[1])), shape=(members, members))
    return float(np.bincount(connected_components(graph, directed=False)[1]).max() / members)


def crossing(
    label: Index, first: Index, last: Index, pairs: tuple[Index, Index, Index], draws: int = DRAWS, seed: int = 0
) -> Crossing | None:
    """Whether refused requests are handed across blocks as one queue would hand them; None where none was handed.

    Args:
        label: block of each member.
        first: its first call, microseconds.
        last: its last call.
        pairs: for each handed-on request: giver and taker as places among the members, and when; giver and taker may be exchanged.
        draws: simulations of the null hypothesis.
        seed: of them.
    """
    giver, taker, when = pairs
    inside = (label[giver] >= 0) & (label[taker] >= 0) & (giver != taker)
    giver, taker, when = giver[inside], taker[inside], when[inside]
    if not giver.size:
        return None
    if giver.size > MOST_HANDED:
        some = np.random.default_rng(seed).permutation(giver.size)[:MOST_HANDED]
        giver, taker, when = giver[some], taker[some], when[some]
    blocks = int(label.max()) + 1
    active = np.stack(
        [
            np.searchsorted(np.sort(first[label == one]), when, "right") - np.searchsorted(np.sort(last[label == one]), when, "left")
            for one in range(blocks)
        ]
    ).astype(np.float64)
    own = active[label[giver], np.arange(giver.size)]
    everybody = np.maximum(active.sum(axis=0) - 1.0, 1.0)
    chance = np.clip(1.0 - np.maximum(own - 1.0, 0.0) / everybody, 0.0, 1.0)
    across = int((label[giver] != label[taker]).sum())
    drawn = (np.random.default_rng(seed).random((draws, giver.size)) < chance).sum(axis=1)
    p = (1.0 + int((drawn <= across).sum())) / (1.0 + draws)
    return Crossing(int(giver.size), across, float(chance.sum()), p)
