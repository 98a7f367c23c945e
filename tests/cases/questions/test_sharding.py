"""Work that is dealt out once looks like a list that nobody could draw from; a list that is drawn from is sized right."""

from __future__ import annotations

import numpy as np

from stillhunt.cases.questions.sharding import dealt


def _drawn(size: int, pairs: int, seed: int) -> int:
    return len(np.unique(np.random.default_rng(seed).integers(0, size, pairs)))


def test_the_bound_lies_below_the_list_that_accounts_drew_from() -> None:
    below = 0
    for seed in range(100):
        found = dealt(_drawn(50_000, 3_000, seed), 3_000, 0)
        assert found is not None
        below += found.least_list <= 50_000
    assert below >= 93


def test_a_shard_repeats_nothing_and_needs_an_endless_list() -> None:
    found = dealt(15_000, 15_000, 0)
    assert found is not None
    assert found.repeated == 0
    assert found.times > 2_000


def test_requests_that_were_handed_on_are_no_collisions() -> None:
    found = dealt(14_769, 15_000, 231)
    assert found is not None
    assert found.repeated == 0


def test_a_sampled_list_is_scaled_to_the_whole() -> None:
    whole, quarter = dealt(1_000, 1_000, 0), dealt(1_000, 1_000, 0, rate=0.25)
    assert whole is not None
    assert quarter is not None
    assert quarter.least_list == 4 * whole.least_list


def test_few_requests_say_nothing() -> None:
    assert dealt(50, 60, 0) is None
