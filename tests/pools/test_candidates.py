"""What proposals promise: a crossing testifies only for what the one column does not explain of the other."""

from __future__ import annotations

import numpy as np
import pytest
from planted import Fixed, observed

from stillhunt.pools.candidates import propose
from stillhunt.pools.evidence import hedged_bits
from stillhunt.pools.population import survey
from stillhunt.pools.weighing import crossed_bits, weigh

CELL = 60


def both(one: str, other: str):
    """Two categories, and the group that they propose together: of 200 that have the first value, 60 have the second.

    A few others have the second, too, else it would propose the group by itself.
    """
    rng = np.random.default_rng(0)
    accounts = [f"a{at:04d}" for at in range(2000)]
    channels = [Fixed("one", "category", one), Fixed("other", "category", other)]
    first = [(name, "v" if at < 200 else f"v{rng.integers(40)}") for at, name in enumerate(accounts)]
    second = [(name, "w" if at < CELL or at >= 1960 else f"w{rng.integers(40)}") for at, name in enumerate(accounts)]
    seen = [observed(name, "category", accounts, pairs) for name, pairs in (("one", first), ("other", second))]
    of = survey(seen, channels, None, accounts)
    cells = [candidate for candidate in propose(of) if dict(candidate.because) == {"one": "v", "other": "w"}]
    assert len(cells) == 1
    return of, cells[0]


@pytest.mark.parametrize(
    ("one", "other", "testifies"),
    [
        ("place", "identity", None),
        ("identity", "place", None),
        ("place", "payer", "payer"),
        ("payer", "place", "payer"),
        ("occasion", "identity", "identity"),
        ("software", "conduct", "conduct"),
        ("place", "software", None),
        ("occasion", "place", None),
    ],
)
def test_of_two_crossed_columns_the_one_that_speaks_of_control_testifies(one, other, testifies):
    _, cell = both(one, other)
    assert set(cell.members) == set(range(CELL))
    assert cell.families == {one, other}
    assert (cell.crossing and cell.crossing.family) == testifies


def test_the_customs_of_a_country_are_no_scheme_of_names():
    of, cell = both("place", "identity")
    assert weigh(of, cell.members, {}, cell.families, cell.crossing).families == {}


def test_a_crossing_testifies_as_far_as_the_cell_goes_and_not_by_how_alike_it_is():
    of, cell = both("software", "conduct")
    crossing = cell.crossing
    found = weigh(of, cell.members, {"other": 2.0}, cell.families, crossing).families
    bits = crossed_bits(of, cell.members, crossing, 2.0)
    assert bits > 10
    assert found == {"conduct": pytest.approx(hedged_bits(bits))}
    selected = weigh(of, cell.members, {"other": 2.0}, frozenset({"software"})).families["conduct"]
    assert found["conduct"] < selected
    assert weigh(of, cell.members, {"other": 2.0}, cell.families).families == {}
