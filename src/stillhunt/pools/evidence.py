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

**Crossings.** A cell of two columns was looked for because many accounts fell into it; how alike they are in the two says nothing then.
What does speak is that of the n accounts with a value in the one column, k have a value in the other that has probability p among the
rest (of their stratum). Null: k is binomial with some probability of at most Gamma p = q. Alternative: the probability is
uniform above q. E = (1 - I_q(k + 1, n - k + 1)) / ((n + 1) (1 - q) Binom(k; n, q)), an e-value for the whole null, because the
binomial has a monotone likelihood ratio. The search over cells is paid for as the number of candidates.

**Membership.** For one account: log2 of the group's predictive probability of its value (urn, the account itself left out) over p_v,
mixed with a share EPSILON of ordinary habits, so that no single value can exclude an account.

References: A. Gelman et al., Bayesian Data Analysis, 5.3 (Dirichlet-multinomial) and 7.4 (model averaging);
V. Vovk and R. Wang, E-values: calibration, combination and applications, Ann. Statist. 49 (2021);
P. Rosenbaum, Observational Studies (2002), ch. 4.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, gammaln

from stillhunt.pools.population import Coding, Column, Floats, Index, Population

STRENGTHS = (1.0, 16.0, 256.0)
"""Urn strengths a: how many of the population's draws the group's own habits must outweigh. One is for a group of one habit, more for
a group of many (cards in small batches, addresses that rotate over dozens of networks)."""

EPSILON = 1 / 64
"""Share of a member's habits that are nobody's in particular: bounds the evidence against membership at -6 bits."""

_LN2 = float(np.log(2.0))


class Group:
    """A group of accounts as the urn sees it, made once and compared column by column.

    Attributes:
        members: positions in the population: all are taken out of the strangers.
        drawn: which of `members` are the urn's draws: one account for each entity.
        size: number of draws.
    """

    def __init__(self, population: Population, members: Index) -> None:
        self.population = population
        self.members = members
        singles = population.one_each(members)
        self.drawn = np.ones(members.size, dtype=bool) if singles.size == members.size else np.isin(members, singles)
        self.size = int(singles.size)
        own = np.bincount(population.strata[members], weights=population.weights[members], minlength=population.depth)
        self._left = np.maximum(population.sizes - own, 0.0)[:, None] + 1.0
        self._mix = own / own.sum()

    def strangers(self, totals: Floats, inside: Floats) -> Floats:
        """Probability of each code for an entity outside the group but of its strata, one entity added to each.

        Both arguments have shape (strata, codes), the result (codes,). The addition keeps a value that nobody else has from
        weighing more than the population can vouch for.
        """
        share = (np.maximum(totals - inside, 0.0) + 1.0) / self._left
        return np.asarray(np.minimum(self._mix @ np.minimum(share, 1.0), 1.0))

    def outside(self, coding: Coding) -> Floats:
        """`strangers` for all codes of a coding."""
        return self.strangers(coding.totals, self.population.count(coding.codes[self.members], coding.width, self.members))

    def counts(self, coding: Coding) -> Floats:
        """Draws of each code, shape (codes,)."""
        return np.bincount(coding.codes[self.members[self.drawn]], minlength=coding.width).astype(np.float64)


def urn_bits(counts: Floats, share: Floats, strengths: tuple[float, ...] = (1.0,)) -> Floats:
    """log2 of the Polya e-value for `counts` draws of each value against probabilities `share`, for each strength.

    >>> import numpy as np
    >>> urn_bits(np.array([10.0]), np.array([0.01])).round(1)  # ten strangers with one value that 1 % have
    array([56.5])
    >>> urn_bits(np.array([10.0]), np.array([0.99])).round(1)  # ... that nearly everybody has
    array([0.1])
    """
    n = float(counts.sum())
    a = np.array(strengths)
    prior = a[:, None] * share[None, :]
    log = (gammaln(counts + prior) - gammaln(prior)).sum(axis=1) - (gammaln(n + a) - gammaln(a))
    return np.asarray((log - float((counts * np.log(share)).sum())) / _LN2)


def column_bits(column: Column, group: Group) -> float:
    """log2 e-value of one column for a group: codings of a measure and strengths of the urn are averaged."""
    return average_bits(np.concatenate([bits for bits, _ in _models(column, group)]))


def _models(column: Column, group: Group) -> list[tuple[Floats, Coding]]:
    """log2 e-values for every strength of the urn, shape (strengths,), for every coding of the column."""
    models: list[tuple[Floats, Coding]] = []
    for coding in column.codings:
        present, which = np.unique(coding.codes[group.members], return_inverse=True)
        inside = group.population.count(which, present.size, group.members)
        share = group.strangers(coding.totals[:, present], inside)
        counts = np.bincount(which[group.drawn], minlength=present.size)
        drawn = counts > 0
        models.append((urn_bits(counts[drawn].astype(np.float64), share[drawn], STRENGTHS), coding))
    return models


def crossing_bits(population: Population, given: Coding, given_code: int, told: Coding, told_code: int, granted: float) -> float:
    """log2 e-value that accounts with `given_code` have `told_code` oftener than a cause makes them, `granted` bits a member allowed."""
    among = given.codes == given_code
    cell = among & (told.codes == told_code)
    told_of = cell if cell.any() else among
    stratum = int(np.bincount(population.strata[told_of], weights=population.weights[told_of]).argmax())
    like = population.strata == stratum
    n, k = (float(population.weights[like & chosen].sum()) for chosen in (among, cell))
    rest = like & ~among
    p = (float(population.weights[rest & (told.codes == told_code)].sum()) + 1.0) / (float(population.weights[rest].sum()) + 1.0)
    q = min(p * 2.0**granted, 1.0)
    if q >= 1.0:
        return 0.0
    log = np.log(max(betainc(n - k + 1, k + 1, 1 - q), 1e-300)) - np.log(n + 1) - np.log1p(-q)
    log -= gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + k * np.log(q) + (n - k) * np.log1p(-q)
    return float(log / _LN2)


def average_bits(bits: Floats) -> float:
    """log2 of the mean of e-values given as log2: an e-value under any dependence."""
    return float(np.logaddexp2.reduce(bits) - np.log2(len(bits))) if len(bits) else 0.0


def hedged_bits(bits: float) -> float:
    """log2((1 + E) / 2): half of the stake is kept, so that one family that says nothing cannot undo the others."""
    return float(np.logaddexp2(0.0, bits) - 1.0)


def membership_bits(column: Column, group: Group) -> Floats:
    """log2 likelihood ratio of each account's value, member against stranger: shape (accounts,).

    Codings and strengths are models of the group's habits; their ratios are averaged with weights in proportion to their
    e-values, beside the model "no habit" (ratio and e-value 1), so that a column in which the group is like everybody
    says nothing about anybody. Members are judged by the others: their own value is left out of the group's counts.
    """
    models = _models(column, group)
    peak = max(0.0, *(float(bits.max()) for bits, _ in models))
    norm = float(np.exp2(-peak))
    total = np.full(group.population.size, norm)
    for strengths, coding in models:
        share, counts = group.outside(coding), group.counts(coding)
        for bits, strength in zip(strengths, STRENGTHS, strict=True):
            weight = float(np.exp2(bits - peak))
            if weight < 1e-6:
                continue
            ratios = _ratio(counts, share, strength)[coding.codes]
            ratios[group.members] = _ratio(counts, share, strength, own=1.0)[coding.codes[group.members]]
            total += weight * ratios
            norm += weight
    return np.asarray(np.log2(total / norm))


def _ratio(counts: Floats, share: Floats, strength: float, own: float = 0.0) -> Floats:
    """Predictive probability of each code over its share among strangers, `own` draws of the code left out."""
    draws = max(float(counts.sum()) - own, 0.0)
    predictive = (np.maximum(counts - own, 0.0) + strength * share) / (draws + strength)
    return np.asarray((1 - EPSILON) * predictive / share + EPSILON)
