"""The first question: competing hypotheses side by side, from a frozen campaign and from evidence made by hand."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from cases.questions.altered import altered
from stillhunt.campaigns.known import Known, Membership
from stillhunt.cases.material import Material
from stillhunt.cases.questions import controlled, likelihood, recapture, sharing
from stillhunt.cases.questions.blocks import Blocks, Crossing
from stillhunt.cases.questions.controlled_evidence import (
    CONTRACTOR,
    HANDS,
    INTERNAL,
    ONE,
    RESOLD,
    ROLES,
    SEVERAL,
    UNRELATED,
    Records,
    evidence_of_blocks,
    evidence_of_control,
    evidence_of_customers,
    evidence_of_roles,
)
from stillhunt.cases.questions.customers import Carried
from stillhunt.cases.questions.likelihood import told
from stillhunt.records.cases import LIKELIHOOD_RANGES, Answer, Confidence, Likelihood

ALONE = Carried(accounts=60, end_users=float("nan"), instructed=1.0, purposes=float("nan"), talks=float("nan"))
NOBODY = Records(accounts=60, organized=0, scopes=(), distinct={"email_domain": (4, 60)}, weekend=float("nan"))
OPERATED = {"work": 9.0, "conduct": 5.0, "payer": 4.0, "identity": 3.0}


@pytest.fixture(scope="module")
def answered(material: Material) -> Answer:
    return controlled.answer(material)


def without(material: Material, share: float, seed: int) -> tuple[Material, set[str]]:
    """The material as if a scan had named only some of the accounts, and the names of the others."""
    rng = np.random.default_rng(seed)
    kept = np.sort(rng.permutation(material.members.size)[: round((1 - share) * material.members.size)])
    names = {material.names[at] for at in kept}
    members = [member for member in material.campaign.accounts if member.account_id in names]
    campaign = material.campaign.model_copy(update={"accounts": members})
    return replace(material, members=material.members[kept], campaign=campaign), set(material.names) - names


def test_all_hypotheses_stand_side_by_side_with_four_separate_judgements(answered: Answer) -> None:
    assert {one.name for one in answered.hypotheses} == {ONE, SEVERAL, RESOLD, UNRELATED, INTERNAL, CONTRACTOR}
    for one in answered.hypotheses:
        assert one.likelihood in LIKELIHOOD_RANGES
        assert one.would_change
        assert all(point.bits is not None and point.bits > 0 for point in (*one.supports, *one.opposes))
    assert answered.question == "controlled"


def test_one_operators_accounts_are_said_to_be_one_operators(answered: Answer) -> None:
    by_name = {one.name: one for one in answered.hypotheses}
    assert by_name[ONE].likelihood in (Likelihood.VERY_LIKELY, Likelihood.ALMOST_CERTAIN)
    assert by_name[UNRELATED].likelihood is Likelihood.ALMOST_NO_CHANCE
    assert by_name[RESOLD].likelihood is Likelihood.ALMOST_NO_CHANCE


def test_in_whose_service_is_never_said_with_more_than_low_confidence(answered: Answer) -> None:
    for one in answered.hypotheses:
        if one.name in (INTERNAL, CONTRACTOR):
            assert one.confidence is Confidence.LOW


def test_the_same_case_always_gives_the_same_answer(material: Material, answered: Answer) -> None:
    assert controlled.answer(material) == answered


def test_hidden_members_are_estimated_and_listed(material: Material) -> None:
    held = 0
    for seed in range(12):
        some, others = without(material, 0.4, seed)
        found = controlled.answer(some) if seed == 0 else None
        handed = sharing.handed_on(some)
        estimate = recapture.handed(int(some.members.size), handed.tied, handed.members)
        assert estimate is not None
        assert estimate.low is not None
        assert estimate.high is not None
        held += estimate.low <= 60 <= estimate.high
        assert set(handed.others) <= others
        if found is not None:
            assert found.estimates["accounts_at_work"] == estimate
            assert {row["account_id"] for row in found.tables["not_named_but_tied"]} == set(handed.others)
    assert held >= 11


def test_no_account_is_tied_by_itself(material: Material) -> None:
    some = replace(material, members=material.members[:1])
    handed = sharing.handed_on(some)
    assert handed.members == 0
    assert 0 < handed.tied <= len(handed.others)


def test_an_answer_names_nobody_and_no_country(answered: Answer) -> None:
    text = answered.model_dump_json(exclude={"tables"})
    assert not re.search(r"\b(Inc|Ltd|GmbH|LLC|China|Russia|Iran|Korea)\b", text)


def test_what_a_watch_told_apart_is_shown_as_generations(material: Material) -> None:
    members = {name: Membership(1 + at % 2, "2026-05-04T00:00:00Z", True, at % 2 == 0) for at, name in enumerate(material.names)}
    known = Known("n", "active", 2, "a", "b", None, "c", "watched", "d", "e", 1, 1, members)
    rows = controlled.answer(material, known).tables["generations"]
    assert [(row["generation"], row["accounts"], row["closed"]) for row in rows] == [(1, 30, 30), (2, 30, 0)]


def _judged(*evidence: likelihood.Evidence) -> dict[str, float]:
    return likelihood.posterior(evidence, HANDS)


def test_two_blocks_that_hand_nothing_to_one_another_are_several_operators() -> None:
    split = Blocks(0.001, ("payer", "place", "software"), 3.0, np.repeat([0, 1], 30))
    apart = evidence_of_blocks(split, Crossing(120, 0, 60.0, 0.001), 1.0, 0.5)
    found = _judged(*evidence_of_control(OPERATED), *apart)
    assert found[SEVERAL] > 0.8
    assert found[ONE] < 0.2


def test_two_blocks_that_one_queue_feeds_are_one_operators_batches() -> None:
    split = Blocks(0.001, ("payer", "place", "software"), 3.0, np.repeat([0, 1], 30))
    batches = evidence_of_blocks(split, Crossing(120, 61, 60.0, 0.6), 0.0, 1.0)
    found = _judged(*evidence_of_control(OPERATED), *batches)
    assert found[ONE] > 0.7
    assert found[ONE] > 3 * found[SEVERAL]


def test_a_test_that_finds_no_blocks_speaks_for_one_only_so_far() -> None:
    nothing = evidence_of_blocks(Blocks(0.4, ("payer", "place"), 1.0, np.full(60, -1)), None, None, 0.0)
    found = _judged(*nothing)
    assert found[ONE] > found[SEVERAL] > 0.1


def test_without_anything_to_see_every_hypothesis_keeps_its_prior() -> None:
    found = _judged(*evidence_of_blocks(Blocks(None, (), 1.0, np.full(5, -1)), None, None, 0.0))
    assert found == pytest.approx(HANDS)


def test_what_a_reseller_does_itself_does_not_speak_against_resale() -> None:
    machinery = _judged(*evidence_of_control({"payer": 9.0, "place": 9.0, "identity": 9.0}))
    assert machinery[RESOLD] == pytest.approx(machinery[ONE])
    work = _judged(*evidence_of_control({"work": 9.0, "conduct": 9.0}))
    assert work[RESOLD] < 0.1 * work[ONE]


def test_many_end_users_and_a_right_to_resell_make_resale_likely() -> None:
    mixed = Carried(accounts=60, end_users=12.0, instructed=0.2, purposes=5.0, talks=0.4)
    found = _judged(*evidence_of_control({"payer": 3.0, "place": 2.0}), *evidence_of_customers(mixed, replace(NOBODY, scopes=("resale",))))
    assert max(found, key=lambda name: found[name]) == RESOLD
    assert _judged(*evidence_of_customers(ALONE, NOBODY))[RESOLD] < 0.15


def test_people_who_share_a_cause_are_not_made_an_operator_by_weak_evidence() -> None:
    found = _judged(*evidence_of_control({"occasion": -1.0, "conduct": -0.5, "payer": -0.5}))
    assert max(found, key=lambda name: found[name]) == UNRELATED


def test_a_declared_organization_makes_an_internal_team_likelier_and_different_identities_less_so() -> None:
    prior = ROLES[INTERNAL]
    declared = likelihood.posterior(evidence_of_roles(replace(NOBODY, organized=60), {}), ROLES)
    hidden = likelihood.posterior(evidence_of_roles(NOBODY, OPERATED), ROLES)
    assert declared[INTERNAL] > prior > hidden[INTERNAL]


def test_what_speaks_against_a_family_is_not_told_as_likeness():
    said = {one.family: one.text for one in evidence_of_control({"payer": 9.0, "work": -2.0, "conduct": 0.0})}
    assert said["payer"] == "They are alike in who pays: 1 in 10^9 by chance, visible causes granted."
    assert said["work"].startswith("They are no more alike in what they work on than strangers are (against, 100 to 1)")
    assert said["conduct"].startswith("They are no more alike in how they behave than strangers are (neither way)")
    assert not any("log10" in text or "bits" in text for text in said.values())


def test_that_nobody_declares_an_organization_says_nothing_where_nobody_could():
    assert any("Hardly any declare" in one.text for one in evidence_of_roles(NOBODY, {}))
    assert not any("organization" in one.text for one in evidence_of_roles(replace(NOBODY, declaring=False), {}))


def test_organizations_count_as_visible_only_where_somebody_of_the_population_has_one(material):
    column = material.population_accounts()["organization_id"]
    assert column.null_count < len(column)  # the world's customers declare some
    said = [point.text for one in controlled.answer(material).hypotheses for point in (*one.supports, *one.opposes)]
    assert any("declare" in text for text in said)


def test_a_summary_does_not_claim_what_is_not_likely():
    likely, unlikely = told("One hand controls them.", 0.7), told("One hand controls them.", 0.3)
    assert likely == "Likely: one hand controls them."
    assert unlikely == "No answer stands out. The likeliest, with a likelihood of “unlikely”: one hand controls them."
    assert told("X is so.", 0.5).startswith("No answer stands out.")


def test_whom_they_work_for_is_asked_only_of_somebody_who_controls_them(material):
    assert "work for themselves" in controlled.answer(material).summary
    nothing = material.campaign.concealment.model_copy(update={"log10_evidence": -20.0, "parts": dict.fromkeys(OPERATED, -5.0)})
    other = controlled.answer(altered(material, campaign=material.campaign.model_copy(update={"concealment": nothing})))
    best = max(other.hypotheses[:4], key=lambda one: list(Likelihood).index(one.likelihood))
    assert ("work for themselves" in other.summary) == (best.name in (ONE, SEVERAL))
