"""What naming promises: few false names, whatever is looked at."""

from __future__ import annotations

import numpy as np
import pytest

from stillhunt.campaigns.naming import e_bh, surely


def test_one_pool_among_many_hypotheses_must_pay_for_all_of_them():
    assert e_bh([6.01], hypotheses=1000, alpha=0.001) == [True]
    assert e_bh([5.99], hypotheses=1000, alpha=0.001) == [False]
    assert e_bh([5.99], hypotheses=100, alpha=0.001) == [True]


def test_several_strong_pools_share_the_price():
    assert e_bh([5.8, 5.8], hypotheses=1000, alpha=0.001) == [True, True]
    assert e_bh([5.8, 1.0], hypotheses=1000, alpha=0.001) == [False, False]


def test_a_weak_pool_before_a_strong_pair_is_named_with_them_only_if_it_pays_at_its_own_rank():
    assert e_bh([9.0, 5.6, 5.55], hypotheses=1000, alpha=0.001) == [True, True, True]
    assert e_bh([9.0, 5.6, 5.5], hypotheses=1000, alpha=0.001) == [True, False, False]


def test_the_number_of_hypotheses_is_never_smaller_than_the_number_of_pools():
    assert e_bh([3.2] + [0.0] * 9, hypotheses=1, alpha=0.001) == [False] * 10


def test_nothing_to_name():
    assert e_bh([], hypotheses=1000, alpha=0.001) == []
    assert e_bh([float("-inf"), -5.0], hypotheses=2, alpha=0.5) == [False, False]


def test_the_order_of_pools_does_not_matter():
    values = [9.0, 2.0, 7.5, 5.9, 6.1]
    for order in ([4, 3, 2, 1, 0], [2, 0, 4, 1, 3]):
        shuffled = e_bh([values[at] for at in order], hypotheses=1000, alpha=0.001)
        assert shuffled == [e_bh(values, hypotheses=1000, alpha=0.001)[at] for at in order]


@pytest.mark.parametrize("alpha", [0.01, 0.1])
def test_false_names_among_nulls_stay_below_the_promise(alpha):
    # e = 1 / (2 sqrt(p)) of uniform p, the calibrator in use; all of fifty hypotheses are null and depend on one another
    rng = np.random.default_rng(3)
    false = 0
    trials = 400
    for _ in range(trials):
        p = np.clip(0.7 * rng.uniform() + 0.3 * rng.uniform(size=50), 1e-12, 1) if rng.random() < 0.5 else rng.uniform(size=50)
        false += any(e_bh([float(np.log10(0.5 / np.sqrt(value))) for value in p], 50, alpha))
    assert false / trials <= alpha


def test_accounts_are_named_as_long_as_their_mean_doubt_stays_below_the_promise():
    membership = np.array([0.9999, 0.6, 0.9995, 0.998])
    assert surely(membership, 0.001).tolist() == [0, 2, 3]
    assert surely(membership, 0.0005).tolist() == [0, 2]
    assert surely(membership, 0.2).tolist() == [0, 1, 2, 3]


def test_no_account_is_named_when_none_is_sure():
    assert surely(np.array([0.9, 0.5]), 0.001).size == 0
    assert surely(np.array([]), 0.001).size == 0


def test_the_expected_share_of_wrong_names_is_the_promise_at_most():
    rng = np.random.default_rng(0)
    membership = rng.beta(20, 0.05, size=5000)
    for alpha in (0.001, 0.01):
        named = surely(membership, alpha)
        assert named.size
        assert (1 - membership[named]).mean() <= alpha
