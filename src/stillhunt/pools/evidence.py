"""The weight of evidence: how much likelier what a group shares is under one operator than among strangers.

**Group evidence.** Null hypothesis for one column: the group's members are strangers, their values are drawn independently
from the population outside the group, value v with probability p_v. Alternative: a Polya urn around the same p, in which each value
that was drawn once becomes likelier. With n members of which n_v have value v, and urn strength a,

    E = prod_v [Gamma(n_v + a p_v) / Gamma(a p_v)] * Gamma(a) / Gamma(n + a) / prod_v p_v^n_v

is the ratio of the two likelihoods: an e-value, its expectation under the null is 1, so that P(E >= 1/alpha) <= alpha. It needs no
threshold for "rare": a value that everybody has contributes nothing (hubs cancel), two thousand users of one framework are
credited with what is beyond the framework's own share, and a group that merely has diverse values loses. Averages of
e-values are e-values whatever their dependence (resolutions of one measure, channels of one family); products are
e-values if the factors are independent under the null, which we assume across families.

**What a common cause may do.** People who share a cause are alike without being one. The null is therefore widened: a cause may make
a habit up to Gamma times as common as it is in the population (a sensitivity analysis in Rosenbaum's sense). Against
this null E / Gamma^n is an e-value. Gamma is calibrated from the groups that visible causes form (`pools.calibration`).

**Membership.** For one account: log2 of the group's predictive probability of its value (urn, the account itself left out) over p_v,
mixed with a share EPSILON of ordinary habits, so that no single value can exclude an account.

References: A. Gelman et al., Bayesian Data Analysis, 5.3 (Dirichlet-multinomial) and 7.4 (model averaging);
V. Vovk and R. Wang, E-values: calibration, combination and applications, Ann. Statist. 49 (2021);
P. Rosenbaum, Observational Studies (2002), ch. 4.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, logsumexp

from stillhunt.pools.population import Coding, Column, Floats, Index, Population

STRENGTHS = (1.0, 16.0, 256.0)
"""Urn strengths a: how many of the population's draws the group's own habits must outweigh. One is for a group of one habit, more for
a group of many (cards in small batches, addresses that rotate over dozens of networks)."""

EPSILON = 1 / 64
"""Share of a member's habits that are nobody's in particular: bounds the evidence against membership at -6 bits."""

_LN2 = float(np.log(2.0))


def outside(coding: Coding, population: Population, members: Index) -> Floats:
    """Probability of each code for an entity outside the group but of its strata, one entity added to each: shape (codes,).

    The addition keeps a value that nobody else has from weighing more than the population can vouch for.
    """
    return _strangers(coding.totals, population.count(coding.codes[members], coding.width, members), population, members)


def _strangers(totals: Floats, inside: Floats, population: Population, members: Index) -> Floats:
    """Shares of codes outside a group, the strata mixed in the group's proportions; `totals` and `inside` are (strata, codes)."""
    every = np.bincount(population.strata, weights=population.weights, minlength=population.depth)
    own = np.bincount(population.strata[members], weights=population.weights[members], minlength=population.depth)
    share = (np.maximum(totals - inside, 0.0) + 1.0) / (np.maximum(every - own, 0.0) + 1.0)[:, None]
    return np.asarray(np.minimum((own / own.sum()) @ np.minimum(share, 1.0), 1.0))


def urn_bits(counts: Floats, share: Floats, strength: float = 1.0) -> float:
    """log2 of the Polya e-value for `counts` members of each value against probabilities `share`.

    >>> import numpy as np
    >>> round(urn_bits(np.array([10.0]), np.array([0.01])), 1)  # ten strangers with one value that 1 % have
    42.6
    >>> round(urn_bits(np.array([10.0]), np.array([0.99])), 1)  # ... that nearly everybody has
    0.1
    """
    counts, share = counts[counts > 0], share[counts > 0]
    n = float(counts.sum())
    prior = strength * share
    log = gammaln(counts + prior).sum() - gammaln(prior).sum() - float(gammaln(n + strength) - gammaln(strength))
    return float((log - (counts * np.log(share)).sum()) / _LN2)


def column_bits(column: Column, population: Population, members: Index, singles: Index | None = None) -> float:
    """log2 e-value of one column for a group; the codings of a measure are averaged.

    Args:
        column: what is compared.
        population: the accounts that `members` are positions in.
        members: the group, all accounts (they are taken out of the population).
        singles: one account for each entity in it (they are the group's draws).
    """
    singles = population.one_each(members) if singles is None else singles
    return average_bits([bits for bits, _, _ in _models(column, population, members, singles)])


def _models(column: Column, population: Population, members: Index, singles: Index) -> list[tuple[float, Coding, float]]:
    """log2 e-value for every coding of the column and every strength of the urn."""
    drawn = np.isin(members, singles)
    models: list[tuple[float, Coding, float]] = []
    for coding in column.codings:
        present, which = np.unique(coding.codes[members], return_inverse=True)
        inside = population.count(which, present.size, members)
        share = _strangers(coding.totals[:, present], inside, population, members)
        counts = np.bincount(which[drawn], minlength=present.size).astype(np.float64)
        models.extend((urn_bits(counts, share, strength), coding, strength) for strength in STRENGTHS)
    return models


def average_bits(bits: list[float]) -> float:
    """log2 of the mean of e-values given as log2: an e-value under any dependence."""
    return float(logsumexp(np.array(bits) * _LN2) / _LN2 - np.log2(len(bits))) if bits else 0.0


def hedged_bits(bits: float) -> float:
    """log2((1 + E) / 2): half of the stake is kept, so that one family that says nothing cannot undo the others."""
    return float(np.logaddexp(0.0, bits * _LN2) / _LN2 - 1.0)


def membership_bits(column: Column, population: Population, members: Index) -> Floats:
    """log2 likelihood ratio of each account's value, member against stranger: shape (accounts,).

    Codings and strengths are models of the group's habits; their ratios are averaged with weights in proportion to their
    e-values, beside the model "no habit" (ratio and e-value 1), so that a column in which the group is like everybody
    says nothing about anybody. Members are judged by the others: their own value is left out of the group's counts.
    """
    singles = population.one_each(members)
    models = _models(column, population, members, singles)
    peak = max(0.0, *(bits for bits, _, _ in models))
    norm = np.exp2(-peak)
    total = np.full(population.size, norm)
    for bits, coding, strength in models:
        weight = np.exp2(bits - peak)
        if weight < 1e-6:
            continue
        share = outside(coding, population, members)
        counts = np.bincount(coding.codes[singles], minlength=coding.width).astype(np.float64)
        ratios = _ratio(counts, share, strength)[coding.codes]
        ratios[members] = _ratio(counts, share, strength, own=1.0)[coding.codes[members]]
        total += weight * ratios
        norm += weight
    return np.asarray(np.log2(total / norm))


def _ratio(counts: Floats, share: Floats, strength: float, own: float = 0.0) -> Floats:
    """Predictive probability of each code over its share among strangers, `own` draws of the code left out."""
    draws = max(float(counts.sum()) - own, 0.0)
    predictive = (np.maximum(counts - own, 0.0) + strength * share) / (draws + strength)
    return np.asarray((1 - EPSILON) * predictive / share + EPSILON)
