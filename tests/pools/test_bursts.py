"""Bursts: neither chance nor a common habit is one, a rush is told apart; accounts that come together and do alike are."""

import numpy as np
import pytest

from stillhunt.pools.bursts import EXCESS, bursts, likeness


def strangers(seed, count=1500):
    rng = np.random.default_rng(seed)
    return rng, rng.uniform(0, 1e7, count), rng.lognormal(7, 1, count)


@pytest.mark.parametrize("seed", range(3))
def test_strangers_are_no_burst(seed):
    _, moments, measure = strangers(seed)
    assert not bursts(moments, [measure]).stands.any()


def test_accounts_that_begin_together_and_do_alike_are_found_and_their_neighbours_are_not():
    rng, moments, measure = strangers(4)
    moments = np.r_[moments, 5e6 + rng.uniform(0, 4000, 15)]
    measure = np.r_[measure, 1500 * rng.uniform(0.99, 1.01, 15)]
    found = bursts(moments, [measure])
    assert found.stands[-15:].sum() >= 13
    assert found.stands[:-15].sum() <= 3
    assert found.rushless[-15:].mean() > 1
    assert np.mean(found.other[found.account >= 1500] >= 1500) > 0.9


@pytest.mark.parametrize("many", [60, 200])
def test_a_rush_of_strangers_is_told_from_one_hand(many):
    rng, moments, measure = strangers(5)
    rushing = bursts(np.r_[moments, 5e6 + rng.uniform(0, 3600, many)], [np.r_[measure, rng.lognormal(7, 1, many)]])
    assert rushing.rushless[rushing.much].mean() < -EXCESS
    batch = bursts(np.r_[moments, 5e6 + rng.integers(0, 3, 10)], [np.r_[measure, rng.lognormal(7, 1, 10)]])
    assert batch.stands[-10:].sum() >= 8
    assert batch.rushless[-10:].mean() > 1


def test_a_common_habit_is_no_burst():
    rng, moments, measure = strangers(6)
    measure[rng.random(1500) < 0.3] = 1000.0
    assert not bursts(moments, [measure]).stands.any()


def test_a_clock_that_knows_only_days_makes_no_bursts():
    _, moments, measure = strangers(7)
    assert not bursts(np.floor(moments / 86400) * 86400, [measure]).stands.any()


def test_the_scale_of_a_measure_does_not_matter():
    rng, moments, measure = strangers(8)
    moments = np.r_[moments, 5e6 + rng.uniform(0, 4000, 10)]
    measure = np.r_[measure, np.full(10, 1500.0)]
    np.testing.assert_array_equal(bursts(moments, [measure]).stands, bursts(moments, [np.log(measure)]).stands)


def test_without_measures_or_background_nothing_is_said():
    _, moments, measure = strangers(9)
    assert not bursts(moments, []).much.any()
    assert not bursts(moments[:40], [measure[:40]]).much.any()


def test_a_group_of_strangers_has_the_likeness_of_strangers_and_one_hand_has_more():
    rng, moments, measure = strangers(10)
    by_chance = [likeness(moments, [measure], rng.choice(1500, 12, replace=False)) for _ in range(20)]
    assert np.mean(by_chance) < 2.2
    moments[:12], measure[:12] = 5e6 + rng.uniform(0, 86400, 12), 1500 * rng.uniform(0.9, 1.1, 12)
    assert likeness(moments, [measure], np.arange(12)) > max(by_chance)
    assert likeness(moments, [measure], np.array([3])) == 0.0
