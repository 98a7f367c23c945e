"""What naming promises: few false names, whatever is looked at."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from stillhunt.campaigns.naming import LOOK, e_bh, merged, spent, surely


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


START = datetime(2030, 3, 4, tzinfo=UTC)


def test_all_looks_that_will_ever_be_taken_spend_one_alpha():
    looks = 100_000
    total = sum(spent(START, START + number * LOOK) for number in range(looks))
    # beyond n a look spends as 1 / (n ln(n)^2) does, whose integral from n on is 1 / ln(n)
    last = spent(START, START + (looks - 1) * LOOK)
    rest = last * (looks + 1) * math.log(looks + 1)
    assert 0.9 <= total + rest <= 1.0


def test_a_later_look_spends_less_and_looks_within_five_minutes_are_one():
    assert spent(START, START + LOOK) < spent(START, START)
    assert spent(START, START + 1.9 * LOOK) == spent(START, START + LOOK)
    assert spent(START, START + timedelta(days=365)) > 1e-8  # a year of scans asks for eight digits, not for eighty


def test_scanning_all_the_time_names_nothing_by_luck_alone():
    # The worst luck that e-values allow: at every look the very value that names, as often as an e-value may take it.
    rng = np.random.default_rng(0)
    alpha, looks = 0.2, 2000
    level = alpha * np.array([spent(START, START + number * LOOK) for number in range(looks)])
    lucky = rng.random((1000, looks)) < level
    assert lucky.any(axis=1).mean() <= alpha
    assert e_bh([float(np.log10(1.0 / level[-1])) + 1e-9], 1, float(level[-1])) == [True]


def test_merging_is_the_mean_of_all_that_were_asked():
    assert merged([2.0, 1.0], of=2) == pytest.approx(math.log10((100 + 10) / 2))
    assert merged([2.0], of=4) == pytest.approx(2.0 - math.log10(4))
    assert merged([900.0, 3.0], of=2) == pytest.approx(900.0 - math.log10(2))
    assert merged([], of=4) == -math.inf


def test_one_piece_of_evidence_in_every_family_counts_once():
    assert merged([6.0] * 4, of=4) == pytest.approx(6.0)


def test_families_that_depend_on_one_another_wholly_still_give_an_e_value():
    # The likelihood ratio of one normal draw, seen by four families: the mean stays 1, the product's is beyond all bounds.
    draws = np.random.default_rng(1).normal(size=20_000)
    log10 = (draws - 0.5) / math.log(10.0)
    assert np.mean([10 ** merged([one] * 4, of=4) for one in log10]) == pytest.approx(1.0, abs=0.05)
    assert np.mean(10 ** (4 * log10)) > 20.0
