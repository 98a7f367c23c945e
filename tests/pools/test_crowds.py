"""Crowds: one-off accounts that gather at a value show, popularity alone does not."""

import numpy as np
import pytest

from stillhunt.pools.crowds import crowds


def market(seed, accounts=4000, values=40):
    rng = np.random.default_rng(seed)
    active = np.where(rng.random(accounts) < 0.5, 1, rng.integers(2, 9, accounts))
    popular = 1 / np.arange(1, values + 1)
    return rng, np.repeat(np.arange(accounts), active), rng.choice(values, active.sum(), p=popular / popular.sum())


@pytest.mark.parametrize("seed", range(3))
def test_popularity_alone_is_no_crowd(seed):
    _, accounts, values = market(seed)
    assert not crowds(accounts, values, 4000, 0.01).stands.any()


def test_accounts_made_for_one_value_show_and_those_with_other_business_less():
    _, accounts, values = market(3)
    found = crowds(np.r_[accounts, np.arange(4000, 4100)], np.r_[values, np.full(100, 39)], 4100, 0.01)
    assert np.flatnonzero(found.stands).tolist() == [39]
    assert found.membership()[4000:].min() > 0.65
    assert found.bits[4000:].min() > np.quantile(found.bits[:4000], 0.99)
    assert (found.membership()[~found.alone] == 0).all()


def test_accounts_without_values_have_no_bits():
    found = crowds(np.array([0, 1]), np.array([0, 0]), 3, 0.01)
    assert found.bits[2] == -np.inf
    assert found.value[2] == -1
