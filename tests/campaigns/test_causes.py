"""What visible common causes promise: they are found where they hold, and explain no more than they can."""

from __future__ import annotations

import pytest
from drawn import no_traits, population, positions

from stillhunt.campaigns.causes import PRODUCT, UNEXPLAINABLE, causes

GROUP = [f"g{number:02d}" for number in range(20)]
OTHERS = [f"o{number:03d}" for number in range(200)]
ACCOUNTS = sorted(GROUP + OTHERS)


def found(seen, declared=None, collided=0.0, **traits):
    of = population(ACCOUNTS, seen, declared)
    return causes(of, positions(of, GROUP), no_traits(of.size, collided=[collided] * of.size, **traits))


def lived(begin, end, until):
    """Everybody lives from day `begin` to day `end` of a view that ends on day `until`."""
    return {"began": [begin] * len(ACCOUNTS), "ended": [end] * len(ACCOUNTS), "until": until}


def test_nothing_in_common_has_no_cause():
    assert found([]) == []
    assert found([(account, "signup.referral", f"code{number}", 1.0) for number, account in enumerate(ACCOUNTS)]) == []


def test_a_referral_code_explains_the_occasion_but_neither_payer_nor_conduct_nor_work():
    (cause,) = found([(account, "signup.referral", "SPRING", 1.0) for account in GROUP])
    assert "SPRING" in cause.words
    assert "100%" in cause.words
    assert {"occasion", "place", "software"} <= cause.explains
    assert not cause.explains & {"payer", "conduct", "work"}


@pytest.mark.parametrize(("holders", "holds"), [(12, True), (11, False)])
def test_a_cause_must_hold_for_three_in_five(holders, holds):
    assert bool(found([(account, "signup.referral", "SPRING", 1.0) for account in GROUP[:holders]])) is holds


@pytest.mark.parametrize("aspect", ["subnet.calls", "subnet.signup"])
def test_a_common_place_explains_place_and_occasion_only(aspect):
    (cause,) = found([(account, aspect, "192.0.2.0/24", 1.0) for account in GROUP])
    assert cause.explains == {"place", "occasion"}
    assert "192.0.2.0/24" in cause.words


def test_a_mail_domain_of_their_own_explains_who_pays_and_one_that_everybody_has_explains_nothing():
    own = [(account, "email.domain", "firm.example", 1.0) for account in GROUP]
    (cause,) = found(own)
    assert "payer" in cause.explains
    assert found([(account, "email.domain", "mail.example", 1.0) for account in ACCOUNTS]) == []


def test_a_public_work_list_explains_the_work():
    (cause,) = found([], collided=0.5)
    assert {"work", "conduct"} <= cause.explains
    assert "50%" in cause.words
    assert found([], collided=0.3) == []


def test_an_organization_counts_once():
    # Ten accounts of one organization with the code, ten strangers without: one entity in eleven has it.
    seen = [(account, "signup.referral", "SPRING", 1.0) for account in GROUP[:10]]
    assert found(seen, declared=dict.fromkeys(GROUP[:10], "org-1")) == []
    assert found(seen + [(account, "signup.referral", "SPRING", 1.0) for account in GROUP[10:18]], dict.fromkeys(GROUP[:10], "org-1"))


def test_no_cause_but_a_mail_domain_of_ones_own_explains_the_payer():
    everything = [
        (account, aspect, value, 1.0)
        for account in GROUP
        for aspect, value in (("signup.referral", "SPRING"), ("subnet.calls", "192.0.2.0/24"), ("subnet.signup", "192.0.2.0/24"))
    ]
    assert all("payer" not in cause.explains for cause in found(everything, collided=0.9))
    assert PRODUCT not in UNEXPLAINABLE


def test_people_who_came_for_the_same_few_days_and_left_were_at_an_event():
    (cause,) = found([], **lived(100, 103, 110))
    assert cause.explains == {"occasion", "conduct"}
    assert "event" in cause.words


def test_an_event_that_may_still_go_on_needs_a_place_or_a_code():
    assert found([], **lived(100, 103, 103.5)) == []
    code = [(account, "signup.referral", "SPRING", 1.0) for account in GROUP]
    assert any("event" in cause.words for cause in found(code, **lived(100, 103, 103.5)))


def test_who_stays_for_longer_or_comes_at_other_times_was_at_no_event():
    assert found([], **lived(100, 105, 110)) == []
    apart = [100.0 + 3 * (number % 10) for number in range(len(ACCOUNTS))]
    assert found([], began=apart, ended=[day + 2 for day in apart], until=200) == []


def test_no_event_explains_the_payer():
    assert all("payer" not in cause.explains for cause in found([], **lived(100, 103, 110)))


def regular(members, value):
    return [(account, "rhythm.regularity", str(value), 1.0) for account in members]


def test_a_products_timetable_explains_conduct_and_software_and_nothing_else():
    (cause,) = found(regular(GROUP, 0.0) + regular(OTHERS, 3.0))
    assert cause.explains == {"conduct", "software"}
    assert "timetable" in cause.words


@pytest.mark.parametrize("value", [2.3, 4.0, 0.7])
def test_accounts_that_call_at_random_or_in_sittings_keep_no_timetable(value):
    assert found(regular(GROUP, value) + regular(OTHERS, 3.0)) == []


def test_a_timetable_must_hold_for_most_members_and_be_known_of_most():
    assert found(regular(GROUP[:11], 0.0) + regular(GROUP[11:], 3.0)) != []
    assert found(regular(GROUP[:9], 0.0) + regular(GROUP[9:], 3.0)) == []
    assert found(regular(GROUP[:11], 0.0)) != []
    assert found(regular(GROUP[:10], 0.0)) == []
