"""One queue of work behind many accounts: the pool's total rate is steadier than that of independent accounts ever is.

A dispatcher hands each task to whichever account is free. The accounts' calls then avoid one another: where one calls,
the others do not, and the total is steadier than a Poisson process, though each account by itself looks random. People who
share a product, an event or a timetable do the opposite: they come together.

Let N_1 .. N_m be the pool's calls in equal intervals that hold some `PER_INTERVAL` calls on average. The statistic is von Neumann's ratio
V = sum (N_{i+1} - N_i)^2 / (2 sum N_i), about 1 for a Poisson process, whatever its slow rhythm of day and night.

Null hypothesis: accounts are independent of one another, each with a rhythm of its own, which may be as regular as a cron
job's. Its distribution of V is had by moving every account's calls by a random time of its own (up to `REACH` intervals either
way; V is taken where calls can come in from both sides): that keeps each account's own regularity, and undoes only what the
accounts know of one another. A gamma distribution is fitted to V over `SHIFTS` such moves (a sum of squares: scaled chi-square with
as many degrees of freedom as the moves show, few for cron jobs), and p is its lower tail at the pool's own V; but at least the
rank of V among the moves; and where the moves leave V below `TIMETABLES`, as a few timetables do, at least the chance that as many
phases as there are accounts fall evenly into the slots of a move, which is all that is drawn there. The e-value is
(1 - p + p ln p) / (p ln(p)^2), the mean of all kappa p^(kappa-1). Only a declaration explains it: no product, event or list does.
Calls that waited in the provider's own queue (surface "batch") are left out: there strangers' calls avoid one another, too.

References: J. von Neumann, Ann. Math. Statist. 12 (1941) 367; U. Fano, Phys. Rev. 72 (1947) 26; random shifts: S. Grün,
J. Neurophysiol. 101 (2009) 1126; calibrator: V. Vovk and R. Wang, Ann. Statist. 49 (2021).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln
from scipy.stats import gamma

from stillhunt.compiled import compiled
from stillhunt.pools.population import Floats, Index

PER_INTERVAL = (6.0, 9.7)
"""Two lengths of interval, in no simple ratio: a period that is in step with the one is out of step with the other, and the lesser of the
two e-values counts, which is an e-value if either is."""

LEAST_INTERVALS = 24
MOST_CALLS = 60_000
"""Of larger pools the latest calls are taken: they say as much, and cost no more."""

SHIFTS = 99
REACH = 12
TIMETABLES = 0.5
HEDGE = 0.25
"""Evidence on log10 scale is taken down by this share: the gamma distribution's far tail is a fit, not a count."""

_UNSEEN = float("-inf")
_NOTHING = float(np.log10(0.5))  # the calibrator's value at p = 1


def steadiness(accounts: Index, micros: Index) -> float:
    """log10 e-value against independence for a pool, from its latest calls, shape (calls,) each; -inf where there are too few to say."""
    if not micros.size:
        return _UNSEEN
    return steady(np.unique(accounts, return_inverse=True)[1], micros.astype(np.float64))


def steady(accounts: Index, micros: Floats) -> float:
    """The same for calls given as account numbers and times, shape (calls,) each."""
    return min(_steady(accounts, micros, int(micros.size / calls)) for calls in PER_INTERVAL)


def _steady(accounts: Index, micros: Floats, intervals: int) -> float:
    number = int(accounts.max(initial=-1)) + 1
    if intervals < LEAST_INTERVALS or number < 2:
        return _UNSEEN
    reach = min(REACH, intervals // 6)
    begin = micros.min()
    span = float(micros.max() - begin) * (1 + 1e-9) + 1.0
    places = (micros - begin) / span * intervals
    rng = np.random.default_rng(0)
    of = accounts.astype(np.int64)
    own = _ratio(places, of, np.zeros(number), intervals, reach)
    moved = np.array([_ratio(places, of, rng.uniform(-reach, reach, number), intervals, reach) for _ in range(SHIFTS)])
    mean, variance = float(moved.mean()), float(moved.var(ddof=1))
    if variance <= 0:
        return _NOTHING
    shape = mean * mean / variance
    rank = int((moved <= own).sum())
    log10_p = (1 - HEDGE) * _log10_lower_tail(own * shape / mean, shape)
    if rank:
        log10_p = max(log10_p, float(np.log10((1 + rank) / (1 + SHIFTS))))
    if mean < TIMETABLES:
        log10_p = max(log10_p, _log10_even(number, 2 * reach))
    return _calibrated(log10_p)


@compiled
def _ratio(places: Any, accounts: Any, shifts: Any, intervals: Any, reach: Any) -> Any:
    """The ratio of calls at `places`, each moved by its account's shift; 1 where none is left inside."""
    counts = np.zeros(intervals - 2 * reach)
    inside = 0.0
    for call in range(places.size):
        place = places[call] + shifts[accounts[call]]
        if place >= reach and place < intervals - reach:
            counts[int(place) - reach] += 1.0
            inside += 1.0
    steps = 0.0
    for at in range(1, counts.size):
        steps += (counts[at] - counts[at - 1]) ** 2
    return steps / (2.0 * inside) if inside else 1.0


def _log10_even(number: int, slots: int) -> float:
    """log10 of the chance that `number` phases, drawn independently, fall into `slots` in equal numbers (multinomial)."""
    return float((gammaln(number + 1) - slots * gammaln(number / slots + 1) - number * np.log(slots)) / np.log(10.0))


def _calibrated(log10_p: float) -> float:
    """log10 of the e-value for a p-value given as log10."""
    log10_p = max(log10_p, -300.0)  # what a double can hold
    log = log10_p * np.log(10.0)
    if log > -0.05:
        return _NOTHING
    p = np.exp(log)
    return float(np.log10(1 - p + p * log) - log10_p - 2 * np.log10(-log))


def _log10_lower_tail(at: float, shape: float) -> float:
    """log10 of P(X <= at), X gamma distributed; by the leading term of its series where the tail is too small for a double."""
    if at <= 0.0:
        return -np.inf
    log = float(gamma.logcdf(at, shape))
    if not np.isfinite(log):
        # P(a, x) = x^a e^-x / Gamma(a + 1) * (1 + x / (a + 1) + ...), bounded above by the geometric series of x / (a + 1)
        log = shape * np.log(at) - at - float(gammaln(shape + 1)) - np.log1p(-min(at / (shape + 1), 0.999))
    return float(min(log / np.log(10.0), 0.0))
