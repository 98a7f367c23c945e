"""Replacement: whether accounts are opened when others are closed.

**Null hypothesis**: sign-ups know nothing of closures: *bursts* of them (sign-ups with pauses of less than `BURST` between them) come at
any time in view, each by itself. Statistic: the accounts that were opened within `WITHIN` after some member was closed. Its distribution
is had by moving every burst as a whole to a random moment, around the end of the view to its beginning; p = (1 + moves with as many) / (1
+ moves) (the +1: B. Phipson and G. Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39). One closure and one burst say little, however close
they lie: p is then about the share of time that lies within `WITHIN` after closures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.int64]

HOUR_US = 3_600_000_000
WITHIN = 48 * HOUR_US
BURST = 12 * HOUR_US
MOVES = 999


@dataclass(frozen=True)
class Replaced:
    """What was counted.

    Attributes:
        closed: members that were closed.
        after: members that were opened within two days after a closure.
        expected: of them if sign-ups knew nothing of closures.
        later: members that were opened after the first closure.
        p: of so many by chance; None where nobody was closed or no sign-up is known.
    """

    closed: int
    after: int
    expected: float
    later: int
    p: float | None


def replaced(created: Index, closed: Index, begin: int, end: int, moves: int = MOVES, seed: int = 0) -> Replaced:
    """Count accounts that were opened after closures, and how many there would be by chance.

    Args:
        created: sign-ups, microseconds, 0 where not known.
        closed: closures, microseconds, 0 for none.
        begin: where the view of the calls begins; sign-ups before it tell nothing of closures in it.
        end: where it ends.
        moves: random moves.
        seed: of them.
    """
    shut = np.sort(closed[closed > 0])
    born = created[(created >= begin) & (created <= end)]
    if not shut.size or not born.size or end <= begin:
        return Replaced(int(shut.size), 0, 0.0, int((created > shut[0]).sum()) if shut.size else 0, None)
    after = _after(born, shut)
    span = end - begin
    order = np.sort(born) - begin
    burst = np.concatenate([[0], np.cumsum(np.diff(order) >= BURST)])
    rng = np.random.default_rng(seed)
    drawn = np.array([_after(begin + (order + rng.integers(0, span, int(burst[-1]) + 1)[burst]) % span, shut) for _ in range(moves)])
    p = (1.0 + int((drawn >= after).sum())) / (1.0 + moves)
    return Replaced(int(shut.size), after, float(drawn.mean()), int((created > shut[0]).sum()), p)


def _after(born: Index, shut: Index) -> int:
    place = np.searchsorted(shut, born, "right")
    before = shut[np.maximum(place - 1, 0)]
    return int(((place > 0) & (born - before <= WITHIN)).sum())
