"""Which requests come again: a benchmark's fixed questions told apart from a list that is worked off once.

In: arrays of equal length, one entry a call, in order of time. Out: one entry a distinct request, and tests on them. May import: numpy
and scipy only.

A training set is asked for once. Three things ask again. A *benchmark* sends the same fixed questions in one run after the other, and
wants short answers. *Resampling* (several answers to one question, of which the best is kept) asks again at once, and wants long ones.
And a list that tasks are drawn from at random *with* replacement meets itself now and then. The first two are told apart by runs and by
lengths, the third by how often.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

Index = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

OFTEN = 3
"""Asked so often a request counts as repeated: twice is what a lost answer makes, and what the test learns the list's size from."""

DOUBT = 1e-6
"""The chance with which the bound on the rate may be wrong; no p-value is smaller."""

MOST_RATE = 50.0
"""A list whose requests are asked more often than this on average has next to none that are asked once: nothing can be said of it."""

RUN_US = 3_600_000_000
"""A pause of an hour between two calls of one request ends a run."""

MOST_COMPARED = 20_000
"""Of each side so many requests are compared in length, those with the smallest hashes: they say as much as all."""


@dataclass(frozen=True)
class Requests:
    """Distinct requests in ascending order of their hashes; arrays have one entry each.

    Attributes:
        of: of each call, its request; shape (calls,).
        hashes: as in `prompt_hash`.
        calls: how often it was asked.
        accounts: by how many accounts.
        runs: in how many runs, parted by an hour or more.
        first, last: microseconds.
        answer: median output tokens of its answers, nan where the logs do not carry them.
        answers: how many distinct answers it got (by hash), 0 where the logs do not carry them.
    """

    of: Index
    hashes: Index
    calls: Index
    accounts: Index
    runs: Index
    first: Index
    last: Index
    answer: Floats
    answers: Index

    @property
    def recurring(self) -> npt.NDArray[np.bool_]:
        """Asked `OFTEN` times or more, in two runs or more."""
        return (self.calls >= OFTEN) & (self.runs >= 2)

    @property
    def resampled(self) -> npt.NDArray[np.bool_]:
        """Asked `OFTEN` times or more, in one run."""
        return (self.calls >= OFTEN) & (self.runs < 2)


def requests_of(prompts: Index, accounts: Index, micros: Index, output: Floats, answers: Index) -> Requests:
    """Put calls together by request.

    Args:
        prompts: hash of the request.
        accounts: number of the account.
        micros: microseconds since 1970, ascending.
        output: output tokens, nan where not known.
        answers: hash of the answer, 0 where not known.
    """
    hashes, of = np.unique(prompts, return_inverse=True)
    of = of.astype(np.int64)
    size = hashes.size
    counts = np.bincount(of, minlength=size)
    # what is asked once, nearly everything in a harvest, needs no sorting
    again = np.flatnonzero(counts[of] > 1)
    once = np.flatnonzero(counts[of] == 1)
    order = again[np.argsort(of[again], kind="stable")]
    when, whose = micros[order], of[order]
    begins = np.ones(order.size, np.bool_)
    begins[1:] = whose[1:] != whose[:-1]
    fresh = np.zeros(order.size, np.bool_)
    fresh[1:] = ~begins[1:] & (np.diff(when) > RUN_US)
    starts = np.flatnonzero(begins)
    first, last = np.zeros(size, np.int64), np.zeros(size, np.int64)
    first[of[once]] = last[of[once]] = micros[once]
    first[whose[starts]] = when[starts]
    last[whose[starts]] = when[np.append(starts[1:], order.size) - 1] if starts.size else when
    return Requests(
        of=of,
        hashes=hashes,
        calls=counts,
        accounts=_distinct(of, accounts, size, once, again),
        runs=1 + np.bincount(whose[fresh], minlength=size),
        first=first,
        last=last,
        answer=_medians(of, output, size, once, again),
        answers=_distinct(of, answers, size, once[answers[once] != 0], again[answers[again] != 0]),
    )


def _distinct(of: Index, values: Index, size: int, once: Index, again: Index) -> Index:
    """How many distinct values each of `size` groups has; `once` are the places alone in their group, `again` the others."""
    order = again[np.lexsort((values[again], of[again]))]
    group, value = of[order], values[order]
    first = np.ones(group.size, np.bool_)
    first[1:] = (group[1:] != group[:-1]) | (value[1:] != value[:-1])
    found = np.bincount(group[first], minlength=size)
    found[of[once]] = 1
    return found


def _medians(of: Index, values: Floats, size: int, once: Index, again: Index) -> Floats:
    """Lower median of each group's values that are known; nan for none."""
    again = again[np.isfinite(values[again])]
    order = again[np.lexsort((values[again], of[again]))]
    counts = np.bincount(of[order], minlength=size)
    found = np.full(size, np.nan)
    some = counts > 0
    found[some] = values[order][(np.cumsum(counts) - counts + (counts - 1) // 2)[some]]
    found[of[once]] = values[once]
    return found


@dataclass(frozen=True)
class Apart:
    """Whether repeated requests are a part of their own: `p` under the null hypothesis, None where it cannot be asked."""

    p: float | None
    observed: int
    expected: float


def apart(requests: Requests) -> Apart:
    """Whether more requests are repeated than one list explains, from which every call is drawn at random with replacement.

    Null hypothesis: each request of the list is asked a Poisson number of times with one rate r. Then, of the f1 + f2 requests asked once
    or twice, a share r / (2 + r) is asked twice, which bounds r from above with confidence 1 - `DOUBT` (Clopper and Pearson). And for
    each request asked once, q(r) = (e^r - 1 - r - r^2/2) / r are expected that are asked `OFTEN` times or more; how many there are, given
    how many there are of both, is binomial with share q / (1 + q). p is the upper tail at the bound, plus `DOUBT`. The rate is read off
    requests asked once and twice alone, so that a second, more often repeated part cannot hide itself by raising it. Where nothing was
    asked only once there is no list to compare with.

    References: D. Zelterman, J. Statist. Plann. Inference 18 (1988) 225-237 (the rate from f1 and f2); R. Berger and D. Boos, J. Amer.
    Statist. Assoc. 89 (1994) 1012-1016 (the bound on what is not known).
    """
    once, twice = int((requests.calls == 1).sum()), int((requests.calls == 2).sum())
    observed = int((requests.calls >= OFTEN).sum())
    if not once:
        return Apart(None, observed, math.nan)
    share = float(stats.beta.ppf(1.0 - DOUBT, twice + 1, once))
    rate = 2.0 * share / (1.0 - share)
    if rate > MOST_RATE:
        return Apart(None, observed, math.nan)
    often = _often(rate)
    p = float(stats.binom.sf(observed - 1, once + observed, often / (1.0 + often)))
    return Apart(min(1.0, p + DOUBT), observed, once * _often(2.0 * twice / once))


def _often(rate: float) -> float:
    """Requests asked `OFTEN` times or more for each that is asked once, both expected."""
    if rate < 1e-3:
        return rate**2 / 6.0 * (1.0 + rate / 4.0)
    return (math.expm1(rate) - rate - rate**2 / 2.0) / rate


def shorter(repeated: Floats, hashes: Index, once: Floats, once_hashes: Index) -> float | None:
    """Whether the answers to repeated requests are shorter than those to requests that are asked once.

    Null hypothesis: how long an answer is does not depend on whether its request is repeated. One value a request (its median), so that
    many calls of one request do not count as many. One-sided Mann-Whitney test with the normal approximation and ties; None with fewer
    than ten on a side.

    Reference: H. B. Mann and D. R. Whitney, Ann. Math. Statist. 18 (1947) 50-60.
    """
    one, other = _sample(repeated, hashes), _sample(once, once_hashes)
    if min(one.size, other.size) < 10:
        return None
    result: Any = stats.mannwhitneyu(one, other, alternative="less", method="asymptotic")
    return float(result.pvalue)


def _sample(values: Floats, hashes: Index) -> Floats:
    known = np.isfinite(values)
    values, hashes = values[known], hashes[known]
    return values if values.size <= MOST_COMPARED else values[np.argsort(hashes, kind="stable")[:MOST_COMPARED]]
