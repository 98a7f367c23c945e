"""Evidence that a campaign is an old one come back: an e-value among strangers, large where cards and names are shared."""

import random

import pytest
from told import FAMILIES, accounts, campaign

from stillhunt.campaigns import kinship
from stillhunt.campaigns.kinship import Trait, kin, lasting, traits
from stillhunt.channels import channels


def test_traits_are_what_several_accounts_share_with_how_many_and_how_many_strangers():
    found = traits(campaign(accounts(range(10)), shared={"payment.card": ["c1", "c1", "c2", "c3", "c4"]}, expected=0.5), 20_000, FAMILIES)
    assert {one.value: (one.share, one.strangers) for one in found} == {
        "c1": (0.4, 0.05),
        "c2": (0.2, 0.05),
        "c3": (0.2, 0.05),
        "c4": (0.2, 0.05),
    }


def test_what_nobody_else_has_counts_as_one_account_of_those_in_view():
    (one,) = traits(campaign(accounts(range(10)), shared={"payment.card": ["c1"]}, expected=0.0), 500, FAMILIES)
    assert one.strangers == 1 / 500


def test_measures_ties_and_passing_habits_are_no_traits():
    named = lasting(channels())
    assert {"payment.card", "email.shape", "client.shape", "subnet.calls", "template.gram"} <= named.keys()
    assert not {"handoff.request", "rhythm.pace", "signup.created", "signup.referral", "pivot.model", "shape.answer"} & named.keys()
    shared = {"handoff.request": ["chain 1"], "rhythm.pace": ["0.5"]}
    assert traits(campaign(accounts(range(10)), shared=shared), 20_000, named) == []


def test_the_evidence_is_the_mean_over_families_of_how_much_commoner_values_are_than_among_strangers():
    old = [Trait("payment.card", "c1", 0.5, 0.001), Trait("payment.card", "c2", 0.5, 0.001), Trait("email.shape", "a9", 1.0, 0.01)]
    new = [Trait("payment.card", "c1", 0.4, 0.001), Trait("email.shape", "a9", 1.0, 0.01)]
    assert kin(old, new, FAMILIES, 1) == pytest.approx((0.5 * 0.4 / 0.001 + 1.0 / 0.01) / 2)
    assert kin(old, new, FAMILIES, 2) == 0.0  # two pairs were compared: 150 is not enough


def test_a_client_or_a_network_alone_ties_nobody_however_rare():
    rare = [Trait("client.shape", "x", 1.0, 1e-6), Trait("subnet.calls", "198.51.100.0/24", 1.0, 1e-6)]
    assert kin(rare, rare, FAMILIES, 1) == 0.0
    assert kin([*rare, Trait("email.shape", "a9", 1.0, 0.01)], [*rare, Trait("email.shape", "a9", 1.0, 0.01)], FAMILIES, 1) > 0.0


def test_among_strangers_the_mean_of_the_evidence_is_one_at_most(monkeypatch):
    monkeypatch.setattr(kinship, "ALPHA", 1e9)  # every value is let through
    monkeypatch.setattr(kinship, "WITHOUT_PRODUCT", 0.0)
    rng = random.Random(4)
    shares = {f"c{n}": weight for n, weight in enumerate([0.4, 0.3, 0.15, 0.1, 0.05])}
    old = [Trait("payment.card", name, 0.5, shares[name]) for name in ("c2", "c4")]

    def stranger() -> list[Trait]:
        # one operator: its accounts depend on one another as far as they can, and all have one value
        (value,) = rng.choices(list(shares), list(shares.values()))
        return [Trait("payment.card", value, 1.0, shares[value])]

    mean = sum(kin(old, stranger(), FAMILIES, 1) for _ in range(20_000)) / 20_000
    assert 0.9 < mean < 1.1
