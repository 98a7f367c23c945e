"""The reason why a pool is no campaign is the first that a person would want to know."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from drawn import call, digest, no_traits, observed, population, positions

from stillhunt.campaigns.causes import Cause
from stillhunt.campaigns.declared import Declared
from stillhunt.campaigns.harvest import LEAST_CALLS, NOT_ASKED, Harvest, traits
from stillhunt.campaigns.judging import LOG10_2, Judged, Settings, judge_harvests, judge_pool
from stillhunt.campaigns.verdicts import Ruling, ruling, would_decide
from stillhunt.pools.find import Pool
from stillhunt.pools.weighing import Weighing

SETTINGS = Settings()
PRICE = 6.0


SEEN = frozenset({"payer", "identity", "conduct", "work", "place", "occasion"})


def judged(
    *, entities=40, harvest=1.3, ordinary=(), visible=True, declared=None, causes=(), seen=SEEN, tokens=True, shares=(), **concealment
) -> Judged:
    members = np.arange(entities)
    weighing = Weighing(members, entities=entities, families=dict.fromkeys(shares, 9.0))
    pool = Pool(members, np.ones(entities), weighing, weighing, ())
    quantities = {"fresh": 1.0, "single": 1.0, "instructed": 1.0} | ({"answered": 900.0} if tokens else {})
    found = Harvest(harvest, quantities, 0.001, tuple(ordinary), visible)
    return Judged(None, pool, members, found, list(causes), declared, concealment=concealment, seen=seen)


def ruled(one: Judged, *, stands: bool = True) -> Ruling | None:
    return ruling(one, SETTINGS, PRICE, stands=stands)


def reason(one: Judged, *, stands: bool = True) -> str | None:
    said = ruled(one, stands=stands)
    return said and said.why


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
    said = ruled(judged(payer=30.0, visible=False))
    assert (said.verdict, said.unseen) == ("not judged", ("text",))
    assert "the logs hold no text" in said.why


def test_what_is_seen_and_ordinary_is_cleared():
    for one in (judged(payer=30.0, harvest=-0.3, ordinary=("fresh",)), judged(payer=30.0, declared="declared one organization")):
        assert ruled(one).verdict == "cleared"
    assert ruled(judged(entities=5, payer=30.0)).verdict == "too few"


def test_a_cause_that_explains_part_does_not_clear_what_it_leaves():
    network = Cause("100% call from one network", frozenset({"place", "occasion"}))
    blind = ruled(judged(causes=[network], payer=9.0, visible=False), stands=False)
    assert (blind.verdict, blind.unseen) == ("not judged", ("text",))
    assert "beyond what a visible cause explains (100% call from one network)" in blind.why
    weak = ruled(judged(causes=[network], payer=1.0, visible=False), stands=False)
    assert weak.verdict == "cleared"
    seen = ruled(judged(causes=[network], payer=9.0, harvest=1.3), stands=False)
    assert seen.verdict == "cleared"
    assert "explains part of it" in seen.why
    assert ruled(judged(causes=[network], payer=9.0, harvest=-0.3, ordinary=("fresh",)), stands=False).verdict == "cleared"


def test_without_people_on_record_what_hides_cannot_be_told_from_what_does_not():
    calls_only = frozenset({"conduct", "work", "place"})
    said = ruled(judged(conduct=2.0, place=9.0, harvest=1.3, seen=calls_only), stands=False)
    assert (said.verdict, said.unseen) == ("not judged", ("payment", "e-mail"))
    assert ruled(judged(conduct=2.0, place=9.0, harvest=-0.3, ordinary=("fresh",), seen=calls_only), stands=False).verdict == "cleared"
    assert ruled(judged(conduct=0.2, harvest=1.3, seen=calls_only), stands=False).verdict == "cleared"
    both = ruled(judged(conduct=2.0, place=9.0, visible=False, seen=calls_only), stands=False)
    assert both.unseen == ("text", "payment", "e-mail")
    paced = ruled(judged(conduct=300.0, harvest=0.6, seen=calls_only))
    assert (paced.verdict, paced.unseen) == ("not judged", ("payment", "e-mail"))


def test_answers_whose_length_is_not_logged_are_not_told_as_no_harvest():
    said = ruled(judged(payer=30.0, harvest=0.1, tokens=False))
    assert (said.verdict, said.unseen) == ("not judged", ("output tokens",))
    assert ruled(judged(payer=30.0, harvest=0.1, tokens=False, ordinary=("fresh",))).verdict == "cleared"


def test_nothing_in_common_is_said_only_of_what_was_seen_and_is_not_shared():
    assert reason(judged(), stands=False).endswith(": no pace, payment or work in common")
    assert reason(judged(shares=("payer",)), stands=False).endswith(": no pace or work in common")
    unseen = reason(judged(seen=frozenset({"conduct"})), stands=False)
    assert unseen.endswith(": no pace in common (payment and work could not be seen)")


def test_what_would_decide_names_the_gateways_own_setting():
    told = would_decide(("text", "payment"), {"kong", "litellm-spend", "not-installed"})
    assert "kong: only with config.logging.log_payloads" in told[0]
    assert "store_prompts_in_spend_logs" in told[0]
    assert "payment_fingerprint" in told[1]
    assert "turn on message logging, or join" in would_decide(("text",), ())[0]
    assert len(would_decide(("payment", "e-mail"), ())) == 1


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


GROUP = [f"g{number:02d}" for number in range(12)]
OTHERS = [f"o{number:03d}" for number in range(100)]
NOTHING = np.zeros(0, np.int64), np.zeros(0, np.int64)
UNDECLARED = Declared(np.full(112, -1), pa.array([], pa.string()), np.full(112, -1))


def pool_of(of, **families):
    members = positions(of, GROUP)
    weighing = Weighing(members, entities=len(GROUP), families=families)
    return Pool(members, np.ones(members.size), weighing, weighing, ())


def asked(seen=(), calls=NOTHING, declared=UNDECLARED, **families):
    of = population(sorted(GROUP + OTHERS), list(seen))
    return judge_pool(of, pool_of(of, **families), calls, no_traits(of.size), declared)


def test_bits_become_log10_and_a_product_conceals_nothing():
    one = asked(payer=10.0, software=20.0)
    assert one.coordination == pytest.approx({"payer": 10 * LOG10_2, "software": 20 * LOG10_2})
    assert one.concealment == pytest.approx({"payer": 10 * LOG10_2})
    assert one.harvest is NOT_ASKED
    assert one.declared is None


def test_what_a_visible_cause_explains_is_coordination_and_not_concealment():
    one = asked([(account, "signup.referral", "SPRING", 1.0) for account in GROUP], payer=10.0, occasion=30.0)
    assert set(one.coordination) == {"payer", "occasion"}
    assert set(one.concealment) == {"payer"}


def test_one_queue_behind_the_latest_calls_is_evidence_in_work():
    rng = np.random.default_rng(1)
    micros = ((np.arange(2000) + rng.uniform(0, 1, 2000)) * 3e8).astype(np.int64)
    one = asked(calls=(rng.integers(0, 12, 2000), micros))
    assert one.steadiness > 3.0
    assert one.coordination["work"] == pytest.approx(one.steadiness - np.log10(2), abs=0.01)
    assert "work" not in asked().coordination, "without calls nothing is claimed"


def test_what_members_declare_is_looked_up():
    owners = np.where(np.arange(112) < 12, 0, -1)
    assert "acme" in asked(declared=Declared(owners, pa.array(["acme"]), np.full(112, -1))).declared


def test_a_pool_whose_control_stands_counts_as_one_account_in_what_is_usual():
    # two operators of twelve accounts each, that send the same kind of traffic, among a hundred ordinary accounts
    second = [f"h{number:02d}" for number in range(12)]
    rng = np.random.default_rng(2)

    def row(account, number, *, listed):
        words = {"message_count": 1, "output_tokens": 900} if listed else {"message_count": 3, "output_tokens": 50}
        return call(account, number, prompt_hash=int(rng.integers(2**62)), sketch=[7 if listed else 9], http_status=200, **words)

    names = [*GROUP, *second, *OTHERS]
    of_calls = digest([row(account, number, listed=account not in OTHERS) for account in names for number in range(LEAST_CALLS)])
    seen = [(account, "template.gram", "9" if account in OTHERS else "7", 0.3 if account in OTHERS else 1.0) for account in names]
    of = population(of_calls.accounts, seen)
    own = traits(of_calls, of, observed(of_calls.accounts, seen))

    def pair(**control):
        found = []
        for group in (GROUP, second):
            members = positions(of, group)
            weighing = Weighing(members, entities=12)
            found.append(Judged(of, Pool(members, np.ones(12), weighing, weighing, ()), members, NOT_ASKED, [], None, concealment=control))
        judge_harvests(of_calls, found, own, PRICE)
        return [one.harvest.as_extreme for one in found]

    assert pair() == pytest.approx([13 / 113] * 2)
    assert pair(payer=30.0) == pytest.approx([2 / 102] * 2)
