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

**What need not be evaluated.** An urn is a mixture of draws from fixed shares, so that log E <= sum_v n_v log(n_v / (n p_v)), the best
that any shares could do. Where this bound lies far below what a common cause is granted, the e-value is taken as 0 (`urns`).

**Membership.** For one account: log2 of the group's predictive probability of its value (urn, the account itself left out) over p_v,
mixed with a share EPSILON of ordinary habits, so that no single value can exclude an account.

References: A. Gelman et al., Bayesian Data Analysis, 5.3 (Dirichlet-multinomial) and 7.4 (model averaging);
V. Vovk and R. Wang, E-values: calibration, combination and applications, Ann. Statist. 49 (2021);
P. Rosenbaum, Observational Studies (2002), ch. 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, gammaln

from stillhunt.compiled import compiled
from stillhunt.pools.columns import Codes, Coding, Column, Flags, Floats, Index, Levels
from stillhunt.pools.population import Population
from stillhunt.pools.rows import distinct, rows_of

STRENGTHS = (1.0, 16.0, 256.0)
"""Urn strengths a: how many of the population's draws the group's own habits must outweigh. One is for a group of one habit, more for
a group of many (cards in small batches, addresses that rotate over dozens of networks)."""

EPSILON = 1 / 64
"""Share of a member's habits that are nobody's in particular: bounds the evidence against membership at -6 bits."""

_LN2 = float(np.log(2.0))
_STRENGTHS = np.array(STRENGTHS)
_WIDE = 4096
"""A category with more values than this is laid out without those that only one account has."""


class Group:
    """A group of accounts against the rest of the population.

    Attributes:
        members: sorted positions, shape (members,).
        singles: one position for each entity among the members: only these are drawn, because people of one
            organization are not independent of one another.
        drawn: whether each member is one of `singles`.
        size: number of entities.
        mix: share of the group in each stratum.
        left: entities outside the group in each stratum, and one.
    """

    def __init__(self, population: Population, members: Index) -> None:
        self.population = population
        self.members = members
        self.singles = population.one_each(members)
        self.drawn: Flags = np.ones(members.size, dtype=bool) if population.single else np.isin(members, self.singles)
        self.size = len(self.singles)
        own = np.bincount(population.strata[members], weights=population.weights[members], minlength=population.depth)
        self.left: Floats = np.maximum(population.sizes - own, 0.0) + 1.0
        self.mix: Floats = own / own.sum()

    def strangers(self, totals: Floats, inside: Floats) -> Floats:
        """Probability of each code for an entity outside the group but of its strata, one entity added to each.

        Both arguments have shape (strata, codes), the result (codes,). The addition keeps a value that nobody else has from
        weighing more than the population can vouch for.
        """
        share = (np.maximum(totals - inside, 0.0) + 1.0) / self.left[:, None]
        return np.asarray(np.minimum(self.mix @ np.minimum(share, 1.0), 1.0))

    def present(self, column: Column, coding: Coding) -> tuple[Index, Floats, Floats]:
        """The codes that members have, sorted, with the draws of each and its probability among strangers."""
        codes, which = distinct(coding.of(column.of(self.members)), coding.width)
        inside = self.population.count(which, codes.size, self.members)
        return (
            codes,
            np.bincount(which[self.drawn], minlength=codes.size).astype(np.float64),
            self.strangers(coding.totals[:, codes], inside),
        )


@dataclass(frozen=True)
class Groups:
    """Many groups at once, their members one after the other.

    Attributes:
        members: sorted positions within each group.
        starts: first member of each group, and the number of members, shape (groups + 1,).
        strata, weights, drawn: of each of `members`; weights and drawn are empty where every account is an entity of its own.
        size, mix, left: as in `Group`, for each group.
    """

    members: npt.NDArray[np.int32]
    starts: Index
    strata: npt.NDArray[np.int8]
    weights: Floats
    drawn: Flags
    size: Index
    mix: Floats
    left: Floats

    @staticmethod
    def of(population: Population, members: npt.NDArray[np.int32], starts: Index) -> Groups:
        """Strata and entities of groups, in two passes over their members."""
        own = _weights_by_stratum(members, starts, population.strata, population.weights, population.depth)
        left = np.maximum(population.sizes[None, :] - own, 0.0) + 1.0
        mix = own / np.maximum(own.sum(axis=1), 1e-300)[:, None]
        strata = population.strata[members]
        if population.single:
            return Groups(members, starts, strata, np.zeros(0), np.zeros(0, dtype=bool), np.diff(starts), mix, left)
        drawn = _one_each(members, starts, population.entity)
        heads = np.concatenate([[0], np.cumsum(drawn)])
        size = heads[starts[1:]] - heads[starts[:-1]]
        return Groups(members, starts, strata, population.weights[members], drawn, size, mix, left)

    @staticmethod
    def alone(group: Group) -> Groups:
        """One group, its members numbered from 0."""
        own, population = group.members, group.population
        return Groups(
            np.arange(own.size, dtype=np.int32), np.array([0, own.size]), population.strata[own], population.weights[own], group.drawn,
            np.array([group.size]), group.mix[None], group.left[None],
        )  # fmt: skip

    def selected(self, chosen: Index) -> Groups:
        """Some of the groups."""
        starts = np.concatenate([[0], np.cumsum(self.starts[chosen + 1] - self.starts[chosen])]).astype(np.int64)
        at = rows_of(self.starts, chosen)
        weights, drawn = (self.weights[at], self.drawn[at]) if self.drawn.size else (self.weights, self.drawn)
        return Groups(
            self.members[at], starts, self.strata[at], weights, drawn, self.size[chosen], self.mix[chosen], self.left[chosen]
        )  # fmt: skip


@compiled
def _weights_by_stratum(members: Any, starts: Any, strata: Any, weights: Any, depth: int) -> Any:
    own = np.zeros((starts.size - 1, depth))
    for group in range(starts.size - 1):
        for at in range(starts[group], starts[group + 1]):
            own[group, strata[members[at]]] += weights[members[at]]
    return own


@compiled
def _one_each(members: Any, starts: Any, entity: Any) -> Any:
    drawn = np.empty(members.size, dtype=np.bool_)
    seen = np.zeros(entity.size, dtype=np.int32)
    for group in range(starts.size - 1):
        for at in range(starts[group], starts[group + 1]):
            one = entity[members[at]]
            drawn[at] = seen[one] != group + 1
            seen[one] = group + 1
    return drawn


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
    """log2 e-value of one column for a group: resolutions of a measure and strengths of the urn are averaged."""
    return average_bits(model_bits(column, group).ravel())


def model_bits(column: Column, group: Group) -> Floats:
    """log2 e-value for each resolution of a column and each strength of the urn, shape (resolutions, strengths)."""
    codes = column.of(group.members)
    levels = column.levels
    if len(levels.starts) == 2:  # a category may have as many codes as there are accounts: only those that members have are laid out
        present, which = distinct(codes, column.width)
        codes, levels = which.astype(np.int32), replace(levels, starts=np.array([0, present.size]), totals=levels.totals[present])
    return np.asarray(urns(codes, levels, Groups.alone(group), np.full(1, -np.inf))[0])


def many_bits(column: Column, groups: Groups, least: Floats) -> Floats:
    """`column_bits` for many groups, shape (groups,); -inf where it is surely below `least`, shape (groups,)."""
    codes, levels = column.codes, column.levels
    if len(levels.starts) == 2 and column.width > _WIDE:
        codes, levels = _without_lonely(codes, levels)
    if levels.starts[-1] < np.iinfo(np.int16).max:
        codes = codes.astype(np.int16)  # half as much for a processor's cache to hold
    return np.asarray(averaged(urns(codes, levels, groups, least)))


def _without_lonely(codes: Codes, levels: Levels) -> tuple[Codes, Levels]:
    """A category with code -1 for values that only one account has: nobody else can draw them, and they need no place."""
    held = np.bincount(codes, minlength=levels.totals.shape[0])
    kept = np.flatnonzero((held >= 2) | (np.arange(held.size) == 0))
    number = np.full(held.size, -1, dtype=np.int32)
    number[kept] = np.arange(kept.size)
    return number[codes], replace(levels, starts=np.array([0, kept.size]), totals=levels.totals[kept])


def urns(codes: Codes, levels: Levels, groups: Groups, least: Floats) -> Floats:
    """log2 e-values of one column for many groups, shape (groups, resolutions, strengths).

    Args:
        codes: finest code of each account, or -1 for a value that no other account has.
        levels: the column's resolutions.
        groups: whom to weigh; their members are positions in `codes`.
        least: what an e-value must be able to reach for each group; -inf is said of those that cannot, and of all if it is infinite.
    """
    norms = gammaln(_STRENGTHS)[None, :] - gammaln(groups.size[:, None] + _STRENGTHS[None, :])
    out = np.full((groups.size.size, levels.starts.size - 1, len(STRENGTHS)), -np.inf)
    _urns(
        codes, groups.members, groups.starts, groups.strata, groups.weights, groups.drawn, levels.places, levels.starts, levels.totals,
        groups.mix, groups.left, norms, least * _LN2, out,
    )  # fmt: skip
    return out / _LN2


@compiled
def averaged(models: Any) -> Any:
    """log2 of the mean e-value over all models of each group, shape (groups, resolutions, strengths) -> (groups,)."""
    mean = np.full(models.shape[0], -np.inf)
    number = models.shape[1] * models.shape[2]
    for group in range(models.shape[0]):
        peak = models[group].max()
        if peak == -np.inf:
            continue
        total = 0.0
        for level in range(models.shape[1]):
            for strength in range(models.shape[2]):
                below = models[group, level, strength] - peak
                if below > -60.0:
                    total += 2.0**below
        mean[group] = peak + math.log2(total / number)
    return mean


@compiled
def _urns(
    codes: Any, members: Any, starts: Any, strata: Any, weights: Any, drawn: Any, places: Any, level_starts: Any, totals: Any,
    mix: Any, left: Any, norms: Any, least: Any, out: Any,
) -> None:  # fmt: skip
    """`urns` in natural logarithms, into `out`; `norms` are log Gamma(a) / Gamma(n + a) for each group and strength a."""
    levels, width, depth = level_starts.size - 1, level_starts[-1], mix.shape[1]
    base = level_starts[levels - 1]
    mark = np.zeros(width, dtype=np.int32)
    draws = np.zeros(width, dtype=np.int64)
    share = np.zeros(width)
    inside = np.zeros((width, depth))
    finest = np.empty(width, dtype=np.int64)
    coarse = np.empty(base, dtype=np.int64)
    scale = np.empty(depth)
    for group in range(starts.size - 1):
        if least[group] == np.inf:
            continue
        stamp, n, present, lonely = group + 1, 0, 0, 0
        for at in range(starts[group], starts[group + 1]):
            counts = drawn.size == 0 or drawn[at]
            if counts:
                n += 1
            code = codes[members[at]]
            if code < 0:
                lonely += counts
                continue
            place = base + code
            if mark[place] != stamp:
                mark[place] = stamp
                draws[place] = 0
                inside[place] = 0.0
                finest[present] = place
                present += 1
            inside[place, strata[at]] += 1.0 if weights.size == 0 else weights[at]
            if counts:
                draws[place] += 1
        for stratum in range(depth):
            scale[stratum] = mix[group, stratum] / left[group, stratum]
        rarest = scale.sum()
        for level in range(levels):
            shown, listed = present, finest
            if level < levels - 1:
                shown, listed = 0, coarse
                for at in range(present):
                    fine = finest[at]
                    place = places[level, fine - base]
                    if mark[place] != stamp:
                        mark[place] = stamp
                        draws[place] = 0
                        inside[place] = 0.0
                        coarse[shown] = place
                        shown += 1
                    draws[place] += draws[fine]
                    for stratum in range(depth):
                        inside[place, stratum] += inside[fine, stratum]
            singles, most = lonely, 0  # values that are drawn once weigh the same whatever their share is
            for at in range(shown):
                singles += draws[listed[at]] == 1
                most = max(most, draws[listed[at]])
            bounded = most > 32 and least[group] > -np.inf  # else evaluating is as cheap as bounding
            bound, mass = 0.0, lonely * rarest
            for at in range(shown):
                place = listed[at]
                count = draws[place]
                if count > 1 or (bounded and count == 1):
                    p = 0.0
                    for stratum in range(depth):
                        if mix[group, stratum] > 0.0:
                            others = max(totals[place, stratum] - inside[place, stratum], 0.0) + 1.0
                            p += min(others * scale[stratum], mix[group, stratum])
                    share[place] = min(p, 1.0)
                    if bounded:
                        mass += share[place]
                        bound += count * math.log(count / (n * share[place]))
            if bounded:
                if lonely:
                    bound -= lonely * math.log(n * rarest)
                if mass > 1.0:  # one was added to each share: the urn's own add up to more than 1, by so much at most
                    for one in _STRENGTHS:
                        bound += one * (mass - 1.0) * (math.log1p(n / one) + 1.0 / one)
                if bound < least[group]:
                    continue
            for number in range(_STRENGTHS.size):
                strength = _STRENGTHS[number]
                log, product = norms[group, number] + singles * math.log(strength), 1.0
                for at in range(shown):
                    count, p = draws[listed[at]], share[listed[at]]
                    if count > 32:  # beyond so many factors gamma functions are cheaper
                        prior = strength * p
                        log += math.lgamma(count + prior) - math.lgamma(prior) - count * math.log(p)
                    elif count > 1:  # Gamma(k + a p) / Gamma(a p) / p^k = a (a + 1/p) ... (a + (k-1)/p)
                        product *= strength
                        for before in range(1, count):
                            product *= strength + before / p
                            if product > 1e250:
                                log += math.log(product)
                                product = 1.0
                out[group, level, number] = log + math.log(product)


def crossing_bits(given: Floats, both: Floats, outside: Floats, outside_told: Floats, granted: float | Floats) -> Floats:
    """log2 e-value that accounts with one value have another oftener than a cause makes them.

    Args:
        given: entities with the one value, in the stratum that most of those with both belong to.
        both: ... of them, those that have the other value, too.
        outside: entities of the stratum without the one value.
        outside_told: ... of them, those that have the other.
        granted: bits a member that a common cause is granted.

    Returns:
        One number for each crossing; 0 where everybody may have the value.
    """
    n, k = np.asarray(given, dtype=np.float64), np.asarray(both, dtype=np.float64)
    q = (np.asarray(outside_told) + 1.0) / (np.asarray(outside) + 1.0) * np.exp2(granted)
    open_ = q < 1.0
    q = np.where(open_, q, 0.5)
    log = np.log(np.maximum(betainc(n - k + 1, k + 1, 1 - q), 1e-300)) - np.log(n + 1) - np.log1p(-q)
    log -= gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + k * np.log(q) + (n - k) * np.log1p(-q)
    return np.asarray(np.where(open_, log / _LN2, 0.0))


def average_bits(bits: Floats) -> float:
    """log2 of the mean of e-values given as log2: an e-value under any dependence."""
    return float(np.logaddexp2.reduce(bits) - np.log2(len(bits))) if len(bits) else 0.0


def hedged_bits(bits: float) -> float:
    """log2((1 + E) / 2): half of the stake is kept, so that one family that says nothing cannot undo the others."""
    return float(np.logaddexp2(0.0, bits) - 1.0)


@dataclass(frozen=True)
class Ratios:
    """log2 likelihood ratios of a column's values, member against stranger.

    Attributes:
        column: the column.
        others: for each of its finest codes, of an account that is judged by the whole group.
        own: for each code, of a member of the group, whose own value is left out.
        members: the group.
    """

    column: Column
    others: Floats
    own: Floats
    members: Index

    def of(self, accounts: Index) -> Floats:
        """Bits of some accounts."""
        codes = self.column.of(accounts)
        place = np.minimum(np.searchsorted(self.members, accounts), max(self.members.size - 1, 0))
        inside = self.members[place] == accounts
        return np.asarray(np.where(inside, self.own[codes], self.others[codes]))


def ratios(column: Column, group: Group) -> Ratios:
    """log2 likelihood ratio of each value, member against stranger.

    Resolutions and strengths are models of the group's habits; their ratios are averaged with weights in proportion to their
    e-values, beside the model "no habit" (ratio and e-value 1), so that a column in which the group is like everybody
    says nothing about anybody. Members are judged by the others: their own value is left out of the group's counts.
    """
    models = model_bits(column, group)
    peak = max(0.0, float(models.max()))
    norm = float(np.exp2(-peak))
    shown = (
        np.arange(column.width) if column.edges else distinct(column.of(group.members), column.width)[0]
    )  # of a category nearly all have no draw
    others, own, rest = np.full(shown.size, norm), np.full(shown.size, norm), norm
    for bits, coding in zip(models, column.codings, strict=True):
        weights = np.exp2(bits - peak)
        if not (weights >= 1e-6).any():
            continue
        codes, counts, share = group.present(column, coding)
        at = np.searchsorted(codes, coding.of(shown.astype(np.int32)))
        there = codes[np.minimum(at, codes.size - 1)] == coding.of(shown.astype(np.int32))
        draws = float(counts.sum())
        for weight, strength in zip(weights, STRENGTHS, strict=True):
            if weight < 1e-6:
                continue
            # A value that no member has: share p cancels in a p / (n + a) / p.
            none = (1 - EPSILON) * strength / (draws + strength) + EPSILON
            for table, left_out in ((others, 0.0), (own, 1.0)):
                ratio = _ratio(counts, share, strength, own=left_out)
                table += weight * np.where(there, ratio[np.minimum(at, codes.size - 1)], none)  # noqa: PLW2901
            rest += weight * none
            norm += weight
    tables = np.full((2, column.width), np.log2(rest / norm))
    tables[0, shown], tables[1, shown] = np.log2(others / norm), np.log2(own / norm)
    return Ratios(column, tables[0], tables[1], group.members)


def _ratio(counts: Floats, share: Floats, strength: float, own: float = 0.0) -> Floats:
    """Predictive probability of each code over its share among strangers, `own` draws of the code left out."""
    draws = max(float(counts.sum()) - own, 0.0)
    predictive = (np.maximum(counts - own, 0.0) + strength * share) / (draws + strength)
    return np.asarray((1 - EPSILON) * predictive / share + EPSILON)
