"""Replacement: whether accounts are opened when others are closed.

**Null hypothesis**: sign-ups know nothing of closures: they come in the same order and with the same pauses, but at any other time just as
well. Statistic: the accounts that were opened within `WITHIN` after some member was closed. Its distribution is had by turning all
sign-ups together by one random time around the span in view, which keeps every burst as it is; p = (1 + turns with as many) / (1 + turns)
(random shifts; Phipson and Smyth 2010 for the +1). One closure and one burst of sign-ups say little, however close they lie: p is then
about the share of time that lies within `WITHIN` after closures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.int64]

HOUR_US = 3_600_000_000
WITHIN = 48 * HOUR_US
TURNS = 999


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


def replaced(created: Index, closed: Index, begin: int, end: int, turns: int = TURNS, seed: int = 0) -> Replaced:
    """Count accounts that were opened after closures, and how many there would be by chance.

    Args:
        created: sign-ups, microseconds, 0 where not known.
        closed: closures, microseconds, 0 for none.
        begin: where the view of the calls begins; sign-ups before it tell nothing of closures in it.
        end: where it ends.
        turns: random turns.
        seed: of them.
    """
    shut = np.sort(closed[closed > 0])
    born = created[(created >= begin) & (created <= end)]
    if not shut.size or not born.size or end <= begin:
        return Replaced(int(shut.size), 0, 0.0, int((created > shut[0]).sum()) if shut.size else 0, None)
    after = _after(born, shut)
    span = end - begin
    moves = np.random.default_rng(seed).integers(1, span, turns)
    drawn = np.array([_after(begin + (born - begin + move) % span, shut) for move in moves.tolist()])
    p = (1.0 + int((drawn >= after).sum())) / (1.0 + turns)
    return Replaced(int(shut.size), after, float(drawn.mean()), int((created > shut[0]).sum()), p)


def _after(born: Index, shut: Index) -> int:
    place = np.searchsorted(shut, born, "right")
    before = shut[np.maximum(place - 1, 0)]
    return int(((place > 0) & (born - before <= WITHIN)).sum())
