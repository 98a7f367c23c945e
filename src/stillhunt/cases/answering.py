"""Asking the four questions of a case, and recording what was answered.

In: a case's frozen material, and the provider's own files (price list, policy). Out: answers, and `answer` events whose
body is the answer. An answer is a function of the material and of those files: asked again it is the same, byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stillhunt.campaigns.known import Known
from stillhunt.cases.docket import Docket
from stillhunt.cases.material import Material
from stillhunt.cases.questions import breaches, controlled, generated, purpose
from stillhunt.cases.questions.clauses import Policy
from stillhunt.cases.questions.prices import Prices
from stillhunt.records.cases import QUESTIONS, Answer, Case, CaseEvent, Question

NO_POLICY = "no policy file was given; which rules were broken can only be said of rules (--policy FILE)"


@dataclass(frozen=True)
class Given:
    """What the provider gives beside the logs: a price list, clauses, and what a watch knows of the campaign."""

    prices: Prices | None = None
    policy: Policy | None = None
    known: Known | None = None


def ask(material: Material, questions: Sequence[Question], given: Given) -> tuple[list[Answer], dict[str, str]]:
    """The answers to `questions`, in the order of `records.cases.QUESTIONS`, and why others were not asked.

    Args:
        material: of the case.
        questions: which ones.
        given: without a policy the question of breaches is not asked.
    """
    asked: dict[str, Answer] = {}

    def broke() -> Answer | None:
        if given.policy is None:
            return None
        before = asked.get("purpose")
        return breaches.answer(material, given.policy, training=before.estimates["training"].value if before is not None else None)

    how: Mapping[str, Callable[[], Answer | None]] = {
        "controlled": lambda: controlled.answer(material, given.known),
        "generated": lambda: generated.answer(material),
        "purpose": lambda: purpose.answer(material, given.prices),
        "breaches": broke,
    }
    skipped: dict[str, str] = {}
    for question in QUESTIONS:
        if question in questions:
            found = how[question]()
            if found is None:
                skipped[question] = NO_POLICY
            else:
                asked[question] = found
    return list(asked.values()), skipped


GIVEN = ("policy", "prices")
"""Files of the provider's that answers rest on. Each is kept in the case, so that they can be told again from the case alone."""


def keep(docket: Docket, case_id: str, what: str, text: str, by: str) -> CaseEvent:
    """Add a `given` event with a file that answers rest on, whole; `what` is one of `GIVEN`."""
    body = {"what": what, "sha256": hashlib.sha256(text.encode()).hexdigest(), "text": text}
    return docket.record(case_id, "given", body, by)


def kept(case: Case, what: str) -> dict[str, str] | None:
    """The file of this kind that was given last: its hash and text; None if there is none, or it was redacted."""
    for event in reversed(case.events):
        if event.kind == "given" and event.body is not None and event.body["what"] == what:
            return {name: str(event.body[name]) for name in ("sha256", "text")}
    return None


def record(docket: Docket, case_id: str, answers: Sequence[Answer], by: str) -> list[CaseEvent]:
    """Add one `answer` event for each answer; its body is the answer as JSON.

    Raises:
        InputError: no such case, or nobody's name is given.
        StillhuntError: the registry or the ledger cannot be written.
    """
    return [docket.record(case_id, "answer", one.model_dump(mode="json"), by) for one in answers]
