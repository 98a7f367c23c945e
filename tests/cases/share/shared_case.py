"""A case as a docket would have it, with answers and observables, for all formats in which it is shared."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cases.worked_example import worked_example
from stillhunt.cases.share import Options
from stillhunt.cases.share.seen import Life, Observable
from stillhunt.records import Campaign, Findings, Member
from stillhunt.records.cases import Answer, Case, CaseEvent, Confidence, Credibility, Hypothesis, Likelihood, Reliability, Status

FIRST, LAST = datetime(2026, 5, 4, 0, 3, tzinfo=UTC), datetime(2026, 5, 17, 23, 58, tzinfo=UTC)
SECRET = "the analyst wrote down a person's name"

TERMS = [
    {"identifier": "AML.T0040", "title": "AI model inference API access", "observation": "49,454 calls were answered"},
    {"identifier": "AML.T0021", "title": "Establish accounts", "observation": "150 accounts share sign-up observations"},
    {"identifier": "AML.CS0056", "title": "case study", "observation": "the pattern of it"},
]

OBSERVABLES = (
    Observable("client_prefix", "198.51.100.0/24", 38, 1, 12_000, FIRST, LAST, 13),
    Observable("client_prefix", "2001:db8:7::/48", 12, 0, 4_000, FIRST, LAST, 13),
    Observable("client_prefix", "203.0.113.0/24", 9, 4_000, 900, FIRST, LAST, 9),
    Observable("user_agent", "harvester/1.0 (it's a *trap*?)", 140, 2, 50_000, FIRST, LAST, 13),
    Observable("user_agent", "openai-python/1.51", 150, 90_000, 900, FIRST, LAST, 13),
    Observable("tls_ja4", "t13d1516h2_8daaf6152771_02713d6af862", 140, 0, 50_000, FIRST, LAST, 13),
)


def findings() -> Findings:
    return worked_example()


def campaign() -> Campaign:
    return findings().campaigns[0]


def event(number: int, kind: str, at: str) -> CaseEvent:
    return CaseEvent(
        number=number, at=at, actor="A. Nalyst", kind=kind, body={"text": SECRET}, salt="00" * 16, commitment="ab" * 32, leaf=number
    )


def case(*more: CaseEvent) -> Case:
    return Case(
        case_id="case-00c0ffee00",
        campaign_id=campaign().campaign_id,
        campaign=campaign().campaign_id,
        title=SECRET,
        status=Status.INVESTIGATING,
        opened_at="2026-05-18T08:00:00Z",
        opened_by="A. Nalyst",
        accounts=[member.account_id for member in campaign().accounts],
        lake_snapshot=findings().lake_snapshot,
        findings_sha256="cd" * 32,
        stillhunt="0.1.0",
        events=[event(0, "opened", "2026-05-18T08:00:00Z"), event(1, "note", "2026-05-18T09:30:00Z"), *more],
    )


def answers() -> list[Answer]:
    one = Hypothesis(
        name="one operator",
        statement="One operator controlled the accounts.",
        likelihood=Likelihood.VERY_LIKELY,
        confidence=Confidence.MODERATE,
        source_reliability=Reliability.B,
        information_credibility=Credibility.PROBABLY_TRUE,
    )
    training = one.model_copy(update={"name": "training", "statement": "They were collected to train on.", "likelihood": Likelihood.LIKELY})
    return [
        Answer(question="controlled", title="Who controlled the accounts?", summary="One operator, very likely.", hypotheses=[one]),
        Answer(
            question="purpose",
            title="Training, evaluation, or both?",
            summary="Training, likely.",
            hypotheses=[training],
            tables={"terms": TERMS},
        ),
    ]


def options(**changes: Any) -> Options:
    lives = {campaign().accounts[0].account_id: Life(datetime(2026, 5, 3, tzinfo=UTC), datetime(2026, 5, 18, tzinfo=UTC))}
    return Options(**{"observables": OBSERVABLES, "lives": lives, **changes})


def of_accounts(*names: str) -> Campaign:
    """The campaign with accounts of these names only."""
    model: Member = campaign().accounts[0]
    return campaign().model_copy(update={"accounts": [model.model_copy(update={"account_id": name}) for name in names]})
