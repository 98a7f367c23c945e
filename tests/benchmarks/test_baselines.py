"""The ways that we compare with do what their papers say: else being ahead of them would mean nothing."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from baselines import _peel, at_least, fraudar, synchrotrap


def density(accounts, values, kept, size, weight):
    inside = kept[accounts] & kept[values + size]
    return weight[inside].sum() / kept.sum()


def test_fraudar_peels_as_the_plain_greedy_does():
    rng = np.random.default_rng(0)
    edges = np.unique(rng.integers(0, (25, 12), (90, 2)), axis=0)
    accounts, values = edges[:, 0], edges[:, 1]
    weight = (1 / np.log(np.bincount(values, minlength=12) + 5.0))[values]
    order, start = _peel(accounts, values, 25, 12, rng.random(37))
    kept = np.zeros(37, dtype=bool)
    kept[order] = True
    seen = []
    for node in order:
        seen.append(density(accounts, values, kept, 25, weight))
        left = np.zeros(37)
        inside = kept[accounts] & kept[values + 25]
        np.add.at(left, accounts[inside], weight[inside])
        np.add.at(left, values[inside] + 25, weight[inside])
        assert left[node] <= left[kept].min() + 1e-9
        kept[node] = False
    assert start == int(np.argmax(seen))


def test_fraudar_puts_planted_blocks_first_and_hides_no_account():
    rng = np.random.default_rng(1)
    accounts = np.r_[rng.integers(0, 400, 900), np.repeat(np.arange(400, 420), 15), np.repeat(np.arange(420, 435), 12)]
    values = np.r_[rng.integers(0, 200, 900), np.tile(np.arange(200, 215), 20), np.tile(np.arange(215, 227), 15)]
    score = fraudar(accounts, values, 435, 227, blocks=3)
    assert set(np.argsort(-score)[:20].tolist()) == set(range(400, 420))
    assert set(np.argsort(-score)[20:35].tolist()) == set(range(420, 435))
    assert np.isfinite(score).all()


def test_synchrotrap_joins_who_does_most_things_together():
    accounts = np.array([0, 1, 0, 1, 2, 0, 3, 3])
    values = np.array([0, 0, 1, 1, 1, 2, 3, 4])
    moments = np.array([0, 5, 100, 103, 900, 50, 0, 0])
    joined, pairs = synchrotrap(accounts, values, moments, 4, 10)
    assert pairs == 1
    assert at_least(joined, 2).tolist() == [True, True, False, False]
    assert synchrotrap(accounts, values, None, 4, 0, similar=0.3)[1] == 3
