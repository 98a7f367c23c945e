"""Which pools are named campaigns, and which accounts are named in them, so that false discoveries stay rare.

Two guarantees at one level alpha (0.001 unless set):

* *Pools.* Every candidate group that was looked at is a hypothesis "these are strangers with a common cause"; its e-value is the
  evidence that no visible cause explains. e-BH names the k strongest if the k-th has e >= K / (alpha k), K being
  the number of candidates; the expected share of false names is at most alpha whatever their dependence.
* *Accounts.* Within the named pools accounts are taken in order of membership as long as the mean of (1 - membership) stays
  at most alpha: the Bayesian false discovery rate.

References: R. Wang and A. Ramdas, False discovery rate control with e-values, JRSS-B 84 (2022);
M. Newton et al., Detecting differential gene expression with a semiparametric hierarchical mixture method, Biostatistics 5 (2004).
"""

from __future__ import annotations

import numpy as np

from stillhunt.pools.population import Floats, Index


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
