"""What crossings promise: cells that hold many more accounts than independence explains, all of their accounts, and no crowd."""

from __future__ import annotations

import numpy as np
import pytest
from planted import Fixed, observed

from stillhunt.pools import crossings
from stillhunt.pools.crossings import crossed
from stillhunt.pools.population import survey

SIZE = 6000


def cells(both: int, most: int = 10**9, values: int = 10):
    """Two categories of `values` values, and `both` accounts more than chance that have the first of each."""
    rng = np.random.default_rng(1)
    one, other = rng.integers(values, size=SIZE), rng.integers(values, size=SIZE)
    one[:both] = other[:both] = 0
    accounts = [f"a{at:05d}" for at in range(SIZE)]
    columns = [("one", "place", one), ("other", "software", other)]
    seen = [observed(name, "category", accounts, list(zip(accounts, held, strict=True))) for name, _, held in columns]
    of = survey(seen, [Fixed(name, "category", family) for name, family, _ in columns], None, accounts)
    return crossed(of, most), np.flatnonzero((one == 0) & (other == 0))


def test_a_cell_of_many_more_than_expected_is_proposed_with_all_its_accounts():
    found, inside = cells(both=200)
    assert found.surprising == 1
    assert found.members.tolist() == inside.tolist()


def test_a_surprising_cell_of_little_lift_is_a_crowd_and_is_not_proposed():
    found, inside = cells(both=300, values=3)  # some 850 where 670 are expected: far from chance, and mostly strangers
    assert inside.size > 800
    assert found.surprising == 0


@pytest.mark.parametrize("both", [40, 200])
def test_many_values_and_few_are_counted_alike(both, monkeypatch):
    dense, _ = cells(both, values=40)
    monkeypatch.setattr(crossings, "DENSE", 0)
    listed, _ = cells(both, values=40)
    assert dense.surprising == listed.surprising > 0
    for name in ("first", "second", "members", "starts"):
        assert np.array_equal(getattr(dense, name), getattr(listed, name))


def test_without_room_cells_are_left_out_and_still_counted():
    found, _ = cells(both=200, most=100)
    assert found.members.size == 0
    assert found.surprising == 1
