"""What the weight of evidence promises: fair when chance is all there is, and growing with what chance does not explain."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from stillhunt.pools.evidence import crossing_bits
from stillhunt.pools.population import Coding, Population

REST, TOLD = 999, 99
"""Accounts outside, and those of them that have the value: with one added to each, a tenth."""


def crossing(given: int, both: int, granted: float = 0.0, strata=None) -> float:
    """Of `given` accounts, `both` have a value that a tenth of the others have."""
    size = given + REST
    layers = np.zeros(size, dtype=np.int64) if strata is None else strata
    of = Population([f"a{at}" for at in range(size)], {}, [""] * size, np.arange(size), np.ones(size), layers)
    at = np.arange(size)
    codes = np.where(at < given, 2, 1).astype(np.int32)
    told = np.where((at < both) | ((at >= given) & (at < given + TOLD)), 2, 1).astype(np.int32)
    return crossing_bits(of, Coding.of(codes, of), 2, Coding.of(told, of), 2, granted)


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
    of = Population([f"a{at}" for at in range(size)], {}, [""] * size, np.arange(size), weights, np.zeros(size, dtype=np.int64))
    at = np.arange(size)
    codes = Coding.of(np.where(at < 40, 2, 1).astype(np.int32), of)
    told = Coding.of(np.where((at < 20) | ((at >= 40) & (at < 40 + TOLD)), 2, 1).astype(np.int32), of)
    assert crossing(40, 20) > 20
    assert crossing_bits(of, codes, 2, told, 2, 0.0) <= 0.0
