"""How many accounts does the operator have that nobody has named? Capture and recapture, with an interval.

In: counts. Out: `records.cases.Estimate`. Two independent ways of catching an account tell what both have missed:

* **Handed-on requests** (`handed`). The scan names n accounts by everything that it weighs. A refused request that reappears elsewhere
  catches an account whoever it is: M accounts are tied so to a named one, m of them named. Ties are read in one direction, drawn at random,
  so that the two ends of one are not two catches. If what makes an account take over a request has nothing to do with what makes it be
  named, m is hypergeometric: M drawn without replacement from N, n of which are named. The interval holds all N for which neither tail of m
  is below half of 1 - level (inverted test; J. Buonaccorsi, Biometrics 43 (1987) 985); the value is D. Chapman's
  (n + 1)(M + 1) / (m + 1) - 1 (1951).
* **Occasions** (`chao`). f1 accounts were caught on one occasion only, f2 on two. Whatever accounts' chances of being caught are, at least
  f1 (f1 - 1) (t - 1) / (2 t (f2 + 1)) were caught on none of t (A. Chao, Biometrics 43 (1987) 783, bias-corrected): unequal chances make
  it a lower bound, without an upper end. Occasions are families of channels that link an account, or days on which it calls.

What breaks them: accounts that are named *because* they take over requests make `handed` too low; accounts that are called too little to be
refused or named, most of all, are missed by both ways together, and so are missing from the number: it counts accounts at work.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import stats

from stillhunt.records.cases import Estimate

Index = npt.NDArray[np.int64]

LEVEL = 0.95
LEAST_TIED = 8
"""Fewer accounts that are tied by handed-on requests say too little."""

MOST = 50_000_000
"""No operator has more accounts than that; where the interval would go beyond, it has no upper end."""


def handed(named: int, tied: int, both: int, level: float = LEVEL) -> Estimate | None:
    """All accounts of the operator that are at work, named or not; None where too few are tied.

    Args:
        named: accounts that the scan names.
        tied: accounts that are tied to a named one by a handed-on request, named or not.
        both: those of `tied` that are named.
        level: of the interval.
    """
    if tied < LEAST_TIED or not 0 <= both <= min(named, tied):
        return None
    least = named + tied - both
    tail = (1.0 - level) / 2.0

    def too_many(size: int) -> bool:
        return float(stats.hypergeom.sf(both - 1, size, named, tied)) < tail

    def too_few(size: int) -> bool:
        return float(stats.hypergeom.cdf(both, size, named, tied)) < tail

    low = _first(least, lambda size: not too_few(size)) or least
    above = _first(low, too_many)
    return Estimate(
        value=round(max(least, (named + 1) * (tied + 1) / (both + 1) - 1), 1),
        low=low,
        high=above - 1 if above is not None else None,
        level=level,
        unit="accounts at work",
        method=(
            f"capture and recapture (Chapman; exact hypergeometric interval): {both} of {tied} accounts tied by handed-on requests "
            "are named; assumes that taking over a request has nothing to do with being named"
        ),
    )


def _first(start: int, holds: Callable[[int], bool]) -> int | None:
    """The first number from `start` on for which `holds` becomes true, where it stays true; None beyond `MOST`."""
    if holds(start):
        return start
    step = 1
    while not holds(start + step):
        step *= 2
        if start + step > MOST:
            return None
    low, high = start + step // 2, start + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def chao(caught: Index, occasions: int, what: str, level: float = LEVEL) -> Estimate | None:
    """At least so many accounts there are, those that no occasion caught among them; None where nothing can be said.

    Var = f2 (r^2 / 2 + r^3 + r^4 / 4) with r = f1 / f2, and for f2 = 0 that of the bias-corrected form; the lower end is log-normal in
    what was not caught (Chao 1987). There is no upper end: accounts that no occasion can catch are not in it.

    Args:
        caught: on how many occasions each account was caught, shape (accounts,); those at 0 are left out.
        occasions: how many there were.
        what: the occasions, in words.
        level: of the interval.
    """
    seen = int((caught > 0).sum())
    once, twice = int((caught == 1).sum()), int((caught == 2).sum())
    if occasions < 2 or not seen:
        return None
    shrink = (occasions - 1) / occasions
    missing = shrink * once * (once - 1) / (2.0 * (twice + 1))
    low = float(seen)
    if missing > 0:
        if twice:
            ratio = once / twice
            variance = twice * (ratio**2 / 2.0 + ratio**3 + ratio**4 / 4.0)
        else:
            variance = once * (once - 1) / 2.0 + once * (2 * once - 1) ** 2 / 4.0 - once**4 / (4.0 * (seen + missing))
        z = float(stats.norm.ppf((1.0 + level) / 2.0))
        low += missing / math.exp(z * math.sqrt(math.log1p(max(variance, 0.0) / missing**2)))
    return Estimate(
        value=round(seen + missing, 1),
        low=round(low, 1),
        level=level,
        unit="accounts, at least",
        method=f"Chao's lower bound over {occasions} {what}: {once} accounts were caught by one of them only, {twice} by two",
    )
