"""What the weight of evidence promises: fair when chance is all there is, and growing with what chance does not explain."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from stillhunt.channels import Aspect
from stillhunt.pools.candidates import Crossing
from stillhunt.pools.population import Column, Population
from stillhunt.pools.weighing import crossed_bits

REST, TOLD = 999, 99
"""Accounts outside, and those of them that have the value: with one added to each, a tenth."""


def crossing(given: int, both: int, granted: float = 0.0, strata=None) -> float:
    """Of `given` accounts, `both` have a value that a tenth of the others have."""
    size = given + REST
    layers = np.zeros(size, dtype=np.int64) if strata is None else strata
    at = np.arange(size)
    told = (at < both) | ((at >= given) & (at < given + TOLD))
    return asked(at < given, told, np.ones(size), layers, granted)


def asked(given, told, weights, layers, granted=0.0) -> float:
    """Bits of the accounts that have both values."""
    of = Population([f"a{at}" for at in range(len(given))], np.arange(len(given)), weights, layers.astype(np.int8))
    columns = []
    for family, has in (("software", given), ("conduct", told)):
        codes = np.where(has, 2, 1).astype(np.int32)
        columns.append(Column(Aspect(family, "category", family), family, family, codes, of.count(codes, 3)))
    cell = np.flatnonzero(given & told)
    return crossed_bits(of, cell, Crossing(columns[0], 0, 2, columns[1], 0, 2), granted)


@pytest.mark.parametrize("granted", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("given", [10, 40, 200])
def test_a_crossing_is_fair_at_the_border_of_its_null(given, granted):
    values = np.array([2.0 ** crossing(given, both, granted) for both in range(given + 1)])
    chance = binom.pmf(np.arange(given + 1), given, 0.1 * 2**granted)
    assert float((values * chance).sum()) <= 1.0 + 1e-6


@pytest.mark.parametrize("granted", [1.0, 2.0])
@pytest.mark.parametrize("given", [10, 40, 200])
def test_a_crossing_is_fair_where_the_value_is_no_more_common_than_elsewhere(given, granted):
    values = np.array([2.0 ** crossing(given, both, granted) for both in range(given + 1)])
    chance = binom.pmf(np.arange(given + 1), given, 0.1)
    assert float((values * chance).sum()) <= 1.0 + 1e-6


def test_a_crossing_says_more_the_greater_the_excess():
    bits = [crossing(40, both) for both in range(8, 41)]
    assert (np.diff(bits) > 0).all()
    assert bits[-1] > 100
    assert crossing(80, 40) > crossing(40, 20) > crossing(20, 10)


def test_a_crossing_without_excess_says_nothing_for():
    assert crossing(40, 0) <= 0.0
    assert crossing(40, 4) <= 0.0
    assert crossing(40, 8, granted=1.0) <= 0.0
    assert crossing(40, 40, granted=4.0) <= 0.0  # granted to everybody, it cannot be too common


def test_what_a_cause_is_granted_is_taken_from_the_excess():
    assert crossing(40, 20, granted=0.0) > crossing(40, 20, granted=1.0) > crossing(40, 20, granted=2.0)


def test_a_crossing_compares_like_with_like():
    # The accounts with the value outside are all programs, as are the forty: among programs it is no rarity.
    layers = np.zeros(40 + REST, dtype=np.int64)
    layers[: 40 + TOLD] = 1
    assert crossing(40, 30) > 60
    assert crossing(40, 30, strata=layers) <= 0.0


def test_an_entity_counts_once_in_a_crossing():
    size = 40 + REST
    weights = np.ones(size)
    weights[:20] = 1 / 20  # twenty of those with the value are one company
    at = np.arange(size)
    told = (at < 20) | ((at >= 40) & (at < 40 + TOLD))
    assert crossing(40, 20) > 20
    assert asked(at < 40, told, weights, np.zeros(size)) <= 0.0
