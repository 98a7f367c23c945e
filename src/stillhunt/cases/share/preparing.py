"""What a case has to share: its findings and campaign as it stands, its newest answers, and what its frozen calls show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stillhunt.cases.docket import Docket
from stillhunt.cases.material import narrowed
from stillhunt.cases.share.seen import Life, Observable, lives, observables, observables_of_findings
from stillhunt.errors import InputError
from stillhunt.records import Campaign, Findings
from stillhunt.records.cases import QUESTIONS, Answer, Case, Result


@dataclass(frozen=True)
class Prepared:
    """Everything that a format may be given. `counted` says whether the frozen calls were at hand to count what others show."""

    case: Case
    findings: Findings
    campaign: Campaign
    answers: Sequence[Answer]
    observables: Sequence[Observable]
    lives: Mapping[str, Life]
    counted: bool


def prepared(docket: Docket, name: str) -> Prepared:
    """What the case `name` has to share.

    Raises:
        InputError: no such case, it is part of another one, or it was closed as a false positive.
    """
    case = docket.case(name)
    if case.merged_into is not None:
        raise InputError(f"{case.case_id}: is part of {case.merged_into} now; share that one")
    if case.result is Result.FALSE_POSITIVE:
        raise InputError(f"{case.case_id}: was closed as a false positive; sharing it would accuse innocents elsewhere")
    frozen = docket.frozen(case.case_id)
    if frozen.released:
        findings = frozen.findings
        campaign = next((one for one in findings.campaigns if one.campaign_id == case.campaign_id), None)
        if campaign is None:
            raise InputError(
                f"{case.case_id}: its findings name no campaign {case.campaign_id[:80]}; restore the case's folder from a backup"
            )
        campaign = narrowed(campaign, findings, case.accounts)
        return Prepared(case, findings, campaign, newest_answers(case), observables_of_findings(campaign), {}, counted=False)
    with docket.material(case.case_id) as material:
        return Prepared(
            case, material.findings, material.campaign, newest_answers(case), observables(material), lives(material), counted=True
        )


def newest_answers(case: Case) -> list[Answer]:
    """The newest answer to each question, in the order of the questions; redacted ones are gone."""
    found = [Answer.model_validate(event.body) for event in case.events if event.kind == "answer" and event.body is not None]
    newest = {answer.question: answer for answer in found}
    return [newest[question] for question in QUESTIONS if question in newest]
