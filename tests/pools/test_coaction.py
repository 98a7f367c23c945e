"""Pairs within a window are found exactly, and popular values do not cost their square."""

import numpy as np
import pytest

from stillhunt.pools.coaction import coactions


def brute(accounts, values, moments, within):
    return {
        frozenset((one, two))
        for one in range(len(values))
        for two in range(one)
        if values[one] == values[two]
        and accounts[one] != accounts[two]
        and (within is None or abs(int(moments[one]) - int(moments[two])) <= within)
    }


@pytest.mark.parametrize("within", [0, 3, 25, None])
def test_every_pair_within_the_window_is_found_once(within):
    rng = np.random.default_rng(1)
    accounts, values, moments = rng.integers(0, 12, 150), rng.integers(0, 9, 150), rng.integers(-40, 100, 150)
    found = coactions(accounts, values, moments, within)
    pairs = [frozenset(pair) for pair in zip(found.first.tolist(), found.second.tolist(), strict=True)]
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == brute(accounts, values, moments, within)
    assert found.pairs.sum() == len(pairs)
    if within is not None:
        assert found.apart(moments).max() <= within
        assert (moments[found.first] <= moments[found.second]).all()


def test_times_too_far_apart_for_one_key_are_still_right():
    moments = np.array([0, 5, 2**60, 2**60 + 5])
    found = coactions(np.array([0, 1, 2, 3]), np.array([0, 0, 1, 1]), moments, 5)
    assert sorted(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(0, 1), (2, 3)]


def test_popular_values_are_left_out_first_and_counted():
    accounts = np.r_[np.arange(100), 0, 1]
    values = np.r_[np.zeros(100, dtype=int), 1, 1]
    found = coactions(accounts, values, most=50)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(100, 101)]
    assert found.left.tolist() == [0]
    assert found.pairs.tolist() == [4950, 1]


def test_nothing_comes_of_nothing():
    nothing = np.empty(0, dtype=np.int64)
    assert coactions(nothing, nothing, nothing, 10).first.size == 0
    assert coactions(nothing, nothing).second.size == 0


def test_a_window_without_times_is_refused():
    with pytest.raises(ValueError, match="time"):
        coactions(np.array([0, 1]), np.array([0, 0]), None, 10)
