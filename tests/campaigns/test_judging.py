"""The reason why a pool is no campaign is the first that a person would want to know."""

from __future__ import annotations

import numpy as np
import pytest

from stillhunt.campaigns.causes import Cause
from stillhunt.campaigns.harvest import Harvest
from stillhunt.campaigns.judging import Judged, Settings, why_not
from stillhunt.pools.find import Pool
from stillhunt.pools.weighing import Weighing

SETTINGS = Settings()
PRICE = 6.0


def judged(*, entities=40, harvest=1.3, ordinary=(), visible=True, declared=None, causes=(), **concealment) -> Judged:
    members = np.arange(entities)
    weighing = Weighing(members, entities=entities)
    pool = Pool(members, np.ones(entities), weighing, weighing, ())
    found = Harvest(harvest, {"fresh": 1.0}, 0.001, tuple(ordinary), visible)
    return Judged(None, pool, members, found, list(causes), declared, concealment=concealment)


def reason(one: Judged, *, stands: bool = True) -> str | None:
    return why_not(one, SETTINGS, PRICE, stands=stands)


def test_a_pool_that_hides_and_harvests_is_a_campaign():
    assert reason(judged(payer=30.0, conduct=20.0)) is None


def test_what_is_declared_comes_before_everything_else():
    assert (
        reason(judged(payer=30.0, declared="entitlement on record: distillation", ordinary=("fresh",)))
        == "entitlement on record: distillation"
    )


def test_few_accounts_may_be_acquaintances():
    assert "too few" in reason(judged(entities=SETTINGS.least_accounts - 1, payer=30.0))


def test_a_visible_cause_is_named_when_nothing_else_stands():
    cause = Cause("they came for the same few days and left, as for an event", frozenset({"conduct"}))
    assert cause.words in reason(judged(causes=[cause]), stands=False)


def test_users_of_one_product_are_told_so():
    assert "one product" in reason(judged(), stands=False)


def test_without_content_nobody_is_accused():
    assert "no content" in reason(judged(payer=30.0, visible=False))


@pytest.mark.parametrize(("quantity", "word"), [("fresh", "repeat"), ("instructed", "instruction"), ("answered", "short")])
def test_ordinary_traffic_is_no_training_set_and_the_reason_says_what_is_ordinary(quantity, word):
    assert word in reason(judged(payer=30.0, harvest=-0.3, ordinary=(quantity,)))


def test_a_product_with_a_schedule_needs_rarer_traffic_before_it_is_accused():
    assert "schedule" in reason(judged(conduct=300.0, place=-0.3, harvest=0.6))
    assert reason(judged(conduct=300.0, place=-0.3, harvest=1.3)) is None
    assert "schedule" in reason(judged(conduct=300.0, occasion=50.0, place=50.0, harvest=0.6))
    assert reason(judged(conduct=300.0, work=50.0, harvest=0.6)) is None


def test_what_one_cause_says_in_two_families_is_not_multiplied():
    assert judged(conduct=9.0).control == pytest.approx(9.0 - np.log10(4))
    assert judged(conduct=9.0, identity=9.0, payer=9.0, work=9.0).control == pytest.approx(9.0)
    assert judged(conduct=9.0, place=50.0, occasion=50.0).control == judged(conduct=9.0).control
    assert judged(place=50.0, software=50.0).control == -np.inf


@pytest.mark.parametrize("family", ["place", "occasion"])
def test_conduct_alone_is_not_rescued_by_where_they_sit_or_what_brought_them(family):
    assert judged(conduct=300.0, **{family: 300.0}).only_conduct(PRICE)


@pytest.mark.parametrize("family", ["payer", "identity", "work"])
def test_conduct_is_not_alone_where_a_purse_names_or_work_stand_by_themselves(family):
    assert not judged(conduct=300.0, **{family: PRICE}).only_conduct(PRICE)
    assert judged(conduct=300.0, **{family: PRICE - 0.01}).only_conduct(PRICE)
