"""Which techniques of MITRE ATLAS are shared: those that the answer on purpose found an observation for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stillhunt.cases.questions.purposes import ACCESS, EXTRACTION
from stillhunt.records.cases import Answer

TECHNIQUE = "AML.T"
"""How identifiers of techniques begin; case studies and other catalogues are none."""


class Technique(NamedTuple):
    """Identifier, title, and what of the campaign shows it; None where nobody has asked yet."""

    identifier: str
    title: str
    observation: str | None


def techniques(answers: Sequence[Answer]) -> list[Technique]:
    """From the newest answer on purpose; where it was not asked, the two that make a campaign one: calls, and that they harvest."""
    for answer in answers:
        if answer.question == "purpose" and "terms" in answer.tables:
            rows = [Technique(str(row["identifier"]), str(row["title"]), str(row["observation"])) for row in answer.tables["terms"]]
            return [row for row in rows if row.identifier.startswith(TECHNIQUE)]
    return [Technique(term.identifier, term.title, None) for term in (ACCESS, EXTRACTION)]
