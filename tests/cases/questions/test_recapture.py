"""What is not named is estimated with intervals that hold as often as they say, and lower bounds that stay below the truth."""

from __future__ import annotations

import numpy as np

from stillhunt.cases.questions import recapture


def test_the_interval_holds_the_true_number_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    held = asked = 0
    for _ in range(300):
        size = int(rng.integers(60, 400))
        named = int(size * rng.uniform(0.3, 0.95))
        tied = int(size * rng.uniform(0.2, 0.7))
        both = int(rng.hypergeometric(named, size - named, tied))
        found = recapture.handed(named, tied, both)
        assert found is not None
        assert found.low is not None
        asked += 1
        held += found.low <= size and (found.high is None or size <= found.high)
    assert held / asked >= 0.95  # exact intervals of a whole number hold at least as often


def test_with_everybody_tied_and_named_nobody_is_missing() -> None:
    found = recapture.handed(60, 60, 60)
    assert found is not None
    assert (found.value, found.low, found.high) == (60, 60, 60)


def test_those_that_are_tied_and_not_named_are_there_whatever_chance_says() -> None:
    found = recapture.handed(40, 30, 20)
    assert found is not None
    assert found.low is not None
    assert found.low >= 50
    assert found.value >= 50


def test_where_no_tied_account_is_named_there_is_no_upper_end() -> None:
    found = recapture.handed(40, 10, 0)
    assert found is not None
    assert found.high is None


def test_too_few_ties_say_nothing() -> None:
    assert recapture.handed(40, recapture.LEAST_TIED - 1, 3) is None
    assert recapture.chao(np.array([1, 2, 3]), 1, "days") is None
    assert recapture.chao(np.zeros(3, np.int64), 10, "days") is None


def test_the_lower_bound_stays_below_the_truth_though_accounts_differ() -> None:
    rng = np.random.default_rng(2)
    below = 0
    for _ in range(200):
        chance = rng.beta(0.6, 1.4, 300)  # some are hardly ever caught
        caught = rng.binomial(10, chance)
        found = recapture.chao(caught, 10, "days")
        assert found is not None
        assert found.low is not None
        assert found.low >= (caught > 0).sum()
        below += found.low <= 300
    assert below >= 195


def test_with_equal_chances_the_bound_is_the_number() -> None:
    caught = np.random.default_rng(3).binomial(8, 0.2, 5_000)
    found = recapture.chao(caught, 8, "days")
    assert found is not None
    assert abs(found.value - 5_000) < 250
    assert found.low is not None
    assert 4_000 < found.low < 5_000
    assert found.high is None  # what nothing can catch is in no bound
