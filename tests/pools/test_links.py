"""Links: chance is not called a link, hubs cancel, rare things in common count, and nothing depends on the order of rows."""

import numpy as np
import pytest

from stillhunt.pools.links import shared, together, validated


def strangers(seed, accounts=1200, values=300):
    """Heavy-tailed activity and heavy-tailed popularity, drawn independently."""
    rng = np.random.default_rng(seed)
    active = np.minimum(rng.zipf(2.0, accounts), 40)
    popular = 1 / np.arange(1, values + 1)
    return np.repeat(np.arange(accounts), active), rng.choice(values, active.sum(), p=popular / popular.sum())


@pytest.mark.parametrize("seed", range(4))
def test_strangers_reach_a_weight_no_more_often_than_it_says(seed):
    accounts, values = strangers(seed)
    found = shared(accounts, values, per_row=10**6)
    pairs = 1200 * 1199 / 2
    for bits in (5, 8, 11, 14):
        assert (found.bits >= bits).sum() / pairs <= 2.0**-bits
    assert not validated(found.bits, pairs, 0.01).any()


def test_accounts_that_share_rare_values_stand_out_and_others_do_not():
    accounts, values = strangers(5)
    ring = np.repeat(np.arange(1200, 1206), 4)
    rare = np.tile(np.arange(300, 304), 6)
    found = shared(np.r_[accounts, ring], np.r_[values, rare])
    stand = validated(found.bits, 1206 * 1205 / 2, 0.01)
    assert set(zip(found.account[stand].tolist(), found.other[stand].tolist(), strict=True)) == {
        (one, two) for one in range(1200, 1206) for two in range(one + 1, 1206)
    }
    assert (found.values[stand] == 4).all()
    assert (found.expected[stand] < 0.05).all()


def test_what_everybody_has_weighs_nothing():
    accounts = np.repeat(np.arange(400), 3)
    found = shared(accounts, np.tile(np.arange(3), 400), per_row=10**6)
    assert found.bits.max() == 0.0


def test_popular_values_count_for_pairs_that_share_something_rarer():
    accounts, values = strangers(6)
    ring = np.repeat([1200, 1201], 3)
    mine = np.tile([300, 0, 1], 2)
    few = shared(np.r_[accounts, ring], np.r_[values, mine], per_row=1)
    assert few.skipped > 0
    assert few.blind > 0
    at = np.flatnonzero((few.account == 1200) & (few.other == 1201))[0]
    assert few.values[at] == 3


def test_a_window_keeps_only_what_is_shared_at_about_the_same_time():
    accounts, values = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    found = shared(accounts, values, np.array([0, 10, 0, 1000]), 60)
    assert (found.account.tolist(), found.other.tolist(), found.values.tolist()) == ([0], [1], [1])


def test_the_order_of_rows_does_not_matter():
    accounts, values = strangers(7)
    turned = np.random.default_rng(0).permutation(accounts.size)
    one, two = shared(accounts, values), shared(accounts[turned], values[turned])
    np.testing.assert_array_equal(one.account, two.account)
    np.testing.assert_allclose(one.bits, two.bits)


def test_channels_are_combined_without_inventing_evidence():
    rng = np.random.default_rng(8)
    bits = -np.log2(rng.random((3, 20000)))
    joint = together(bits.sum(axis=0), 3)
    for weight in (2, 5, 8):
        assert (joint >= weight).mean() <= 1.3 * 2.0**-weight
    assert together(np.array([30.0]), 1)[0] == pytest.approx(30.0)


def test_the_false_discovery_rate_is_that_of_benjamini_and_hochberg():
    chances = np.array([0.0001, 0.004, 0.019, 0.03, 0.5])
    assert validated(-np.log2(chances), 10, 0.05).tolist() == [True, True, False, False, False]
    assert validated(-np.log2(chances), 5, 0.05).tolist() == [True, True, True, True, False]
