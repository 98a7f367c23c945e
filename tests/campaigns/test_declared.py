"""What declared organizations promise: those that act as one are listed, those of people who do not are not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from drawn import observed

from stillhunt.campaigns import declared as module
from stillhunt.campaigns.declared import Declared, declared_pools
from stillhunt.channels import channels
from stillhunt.pools.find import Found
from stillhunt.pools.population import survey

ACCOUNTS = [f"a{number:04d}" for number in range(1200)]
TIGHT, OTHER, LOOSE = slice(0, 40), slice(40, 70), slice(70, 110)


@pytest.fixture(scope="module")
def told():
    """Two companies with one card and one pace each, and one of people who have only the declaration in common."""
    rng = np.random.default_rng(4)
    owners = np.full(len(ACCOUNTS), -1)
    seen = []
    paces = rng.normal(2.0, 1.5, len(ACCOUNTS))
    cards = [f"card:{account}" for account in ACCOUNTS]
    for number, (part, at) in enumerate(((TIGHT, 4.0), (OTHER, 6.0))):
        paces[part] = rng.normal(at, 0.05, part.stop - part.start)
        cards[part] = [f"card:company{number}"] * (part.stop - part.start)
    for number, part in enumerate((TIGHT, OTHER, LOOSE)):
        owners[part] = number
    seen += [(account, "payment.card", card, 1.0) for account, card in zip(ACCOUNTS, cards, strict=True)]
    seen += [(account, "rhythm.pace", pace, 1.0) for account, pace in zip(ACCOUNTS, paces.tolist(), strict=True)]
    of = survey(observed(ACCOUNTS, seen), channels(), owners, ACCOUNTS)
    return of.undeclared(), Declared(owners, pa.array(["one", "two", "three"]), np.full(len(ACCOUNTS), -1))


def test_organizations_that_act_as_one_are_listed_and_others_are_not(told):
    listed = declared_pools(*told, Found([], 100, {}))
    assert sorted(pool.members.tolist() for pool in listed) == [list(range(40)), list(range(40, 70))]
    assert all(pool.bits > 50 and (pool.membership == 1.0).all() for pool in listed)


def test_of_many_those_that_say_most_are_listed(told, monkeypatch):
    monkeypatch.setattr(module, "MOST_LISTED", 1)
    (listed,) = declared_pools(*told, Found([], 100, {}))
    assert listed.members.tolist() == list(range(40))


def test_nobody_who_declares_is_nothing_to_list(told):
    of, declared = told
    nobody = Declared(np.full(len(ACCOUNTS), -1), pa.array([], pa.string()), declared.entitled)
    assert declared_pools(of, nobody, Found([], 100, {})) == []
