"""Which pools are named campaigns, and which accounts are named in them, so that false discoveries stay rare.

Two guarantees at one level alpha (0.001 unless set):

* *Pools.* Every candidate group that was looked at is a hypothesis "these are strangers with a common cause"; its e-value is the
  evidence that no visible cause explains, averaged over families (`merged`), which is an e-value however the families depend on
  one another. e-BH names the k strongest if the k-th has e >= K / (alpha k), K being the number of candidates; the expected
  share of false names is at most alpha whatever the dependence of the groups.
* *Looks.* Whoever scans every five minutes looks thousands of times. The look number n (five-minute intervals since the first call in
  view) is tested at level alpha w_n with w_n = 1 / (2.11 n ln(n)^2), n >= 2, whose sum is at most 1 (`spent`). Writing N_n for what look n
  names and V_n for the false names among them, |union of V_n| / |union of N_n| <= sum of |V_n| / |N_n|, so that the false discovery
  rate of everything that was ever named is at most alpha, whenever and however often somebody looked, with no state to be kept.
* *Accounts.* Within the named pools accounts are taken in order of membership as long as the mean of (1 - membership) stays
  at most alpha: the Bayesian false discovery rate.

References: R. Wang and A. Ramdas, False discovery rate control with e-values, JRSS-B 84 (2022);
V. Vovk and R. Wang, E-values: calibration, combination and applications, Ann. Statist. 49 (2021);
M. Newton et al., Detecting differential gene expression with a semiparametric hierarchical mixture method, Biostatistics 5 (2004).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from stillhunt.pools.population import Floats, Index

LOOK = timedelta(minutes=5)
"""Looks closer together than this count as one."""

_TOTAL = 2.11
"""Upper bound of the sum of 1 / (n ln(n)^2) over n >= 2."""


def spent(first: datetime, last: datetime) -> float:
    """Share of alpha that the look at data from `first` to `last` may spend.

    >>> from datetime import UTC
    >>> start = datetime(2030, 1, 1, tzinfo=UTC)
    >>> round(spent(start, start), 2), f"{spent(start, start + timedelta(days=14)):.1e}"
    (0.49, '1.7e-06')
    """
    number = 2 + (last - first) // LOOK
    return 1.0 / (_TOTAL * number * math.log(number) ** 2)


def merged(log10_evidence: Sequence[float], of: int) -> float:
    """log10 of the mean of `of` e-values, of which those not given count as 0: an e-value under any dependence.

    Reference: V. Vovk and R. Wang (2021), theorem 3.2: only weighted averages merge arbitrarily dependent e-values admissibly.

    >>> round(merged([12.0, 3.0], of=3), 2)
    11.52
    """
    peak = max(log10_evidence, default=-math.inf)
    if peak == -math.inf:
        return peak
    return peak + math.log10(sum(10.0 ** (one - peak) for one in log10_evidence) / of)


def log10_price(hypotheses: int, alpha: float) -> float:
    """log10 of the e-value that stands by itself at level `alpha` when `hypotheses` were looked at."""
    return math.log10(max(hypotheses, 1) / alpha)


def e_bh(log10_evidence: list[float], hypotheses: int, alpha: float) -> list[bool]:
    """Which of the e-values are named, given that `hypotheses` were looked at.

    >>> e_bh([9.0, 2.0, 7.5], hypotheses=1000, alpha=0.001)
    [True, False, True]
    """
    order = sorted(range(len(log10_evidence)), key=lambda at: -log10_evidence[at])
    named = 0
    for rank, at in enumerate(order, start=1):
        if log10_evidence[at] >= np.log10(max(hypotheses, len(order)) / (alpha * rank)):
            named = rank
    chosen = set(order[:named])
    return [at in chosen for at in range(len(log10_evidence))]


def surely(membership: Floats, alpha: float) -> Index:
    """Positions of the accounts to be named: the most that keep the mean of (1 - membership) at most `alpha`.

    >>> import numpy as np
    >>> surely(np.array([0.9999, 0.6, 0.9995]), alpha=0.001).tolist()
    [0, 2]
    """
    order = np.argsort(-membership, kind="stable")
    mean = np.cumsum(1.0 - membership[order]) / np.arange(1, order.size + 1)
    named = int(np.flatnonzero(mean <= alpha).max(initial=-1)) + 1
    return np.sort(order[:named])
