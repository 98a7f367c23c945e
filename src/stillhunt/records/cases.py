"""Cases as messages: what is recorded of an investigation, and what it answers.

Likelihood, analytic confidence, source reliability and information credibility are four separate fields and never one number.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

QUESTIONS = ("controlled", "generated", "purpose", "breaches")
"""The four questions: who controlled the accounts, who generated the calls, what were they used for, which rules did that break."""

Question = Literal["controlled", "generated", "purpose", "breaches"]


class Likelihood(StrEnum):
    """Words of estimative probability of Intelligence Community Directive 203 (2015), section D.6.e.2.a."""

    ALMOST_NO_CHANCE = "almost no chance"
    VERY_UNLIKELY = "very unlikely"
    UNLIKELY = "unlikely"
    ROUGHLY_EVEN_CHANCE = "roughly even chance"
    LIKELY = "likely"
    VERY_LIKELY = "very likely"
    ALMOST_CERTAIN = "almost certain"


LIKELIHOOD_RANGES: dict[Likelihood, tuple[float, float]] = {
    Likelihood.ALMOST_NO_CHANCE: (0.01, 0.05),
    Likelihood.VERY_UNLIKELY: (0.05, 0.20),
    Likelihood.UNLIKELY: (0.20, 0.45),
    Likelihood.ROUGHLY_EVEN_CHANCE: (0.45, 0.55),
    Likelihood.LIKELY: (0.55, 0.80),
    Likelihood.VERY_LIKELY: (0.80, 0.95),
    Likelihood.ALMOST_CERTAIN: (0.95, 0.99),
}
"""Word -> probability from and to, as the directive has them."""


class Confidence(StrEnum):
    """How well founded a judgement is: quality and breadth of sources, and how much is assumed. No probability."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


class Reliability(StrEnum):
    """Of a source (NATO AJP-2.1, "Admiralty" scale): A completely reliable ... E unreliable, F cannot be judged."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"


class Credibility(StrEnum):
    """Of a piece of information (same scale): 1 confirmed by other sources ... 5 improbable, 6 cannot be judged."""

    CONFIRMED = "1"
    PROBABLY_TRUE = "2"
    POSSIBLY_TRUE = "3"
    DOUBTFUL = "4"
    IMPROBABLE = "5"
    CANNOT_BE_JUDGED = "6"


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Point(_Message):
    """One observation for or against a hypothesis, in words that a layman reads."""

    text: str
    bits: float | None = None
    """Weight of evidence, log2 of a likelihood ratio; positive whichever side it stands on. None where it was not weighed."""
    channel: str | None = None
    reference: str | None = None
    """Where it can be looked up: a channel's value, an exhibit's id, a place in the findings."""


class Hypothesis(_Message):
    """One of several explanations that stand side by side."""

    name: str
    statement: str
    likelihood: Likelihood
    confidence: Confidence
    source_reliability: Reliability
    information_credibility: Credibility
    supports: list[Point] = Field(default_factory=list)
    opposes: list[Point] = Field(default_factory=list)
    would_change: list[str] = Field(default_factory=list)
    """What would change the judgement, if it were seen."""


class Estimate(_Message):
    """A number with its interval."""

    value: float
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    unit: str = ""
    method: str = ""
    """Formula or reference, in one line; what is assumed."""


class Answer(_Message):
    """One question's answer."""

    question: Question
    title: str
    summary: str
    hypotheses: list[Hypothesis]
    estimates: dict[str, Estimate] = Field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    """Name -> rows with the same keys: what a report shows as a table."""
    notes: list[str] = Field(default_factory=list)
    """What could not be seen, and what is assumed."""


class Status(StrEnum):
    """Where an investigation stands."""

    PENDING = "pending"
    INVESTIGATING = "investigating"
    CLOSED = "closed"


class Result(StrEnum):
    """How a case was closed."""

    CONFIRMED = "confirmed"
    VALUABLE_ALERT = "valuable_alert"
    FALSE_POSITIVE = "false_positive"


class CaseEvent(_Message):
    """Something that was done in a case. Events are only ever added; redaction takes away `body` and `salt`, never the event."""

    number: int
    at: str
    actor: str
    kind: str
    """opened, status, closed, reopened, note, exhibit, given, answer, merged, split, redacted, exported, released, rerun."""
    body: dict[str, Any] | None
    salt: str | None
    """16 random bytes in hex: without them the commitment of a short body could be guessed."""
    commitment: str
    """SHA-256 in hex of the salt's bytes and the canonical JSON of number, at, actor, kind and body. A leaf of the ledger holds it."""
    leaf: int | None = None
    """The ledger's leaf that holds the commitment."""


class Case(_Message):
    """An investigation as it stands, worked out from its events."""

    case_id: str
    campaign_id: str
    campaign: str
    """The campaign's name in the registry where a watch knows it; else its id."""
    title: str
    status: Status
    result: Result | None = None
    reason: str | None = None
    opened_at: str
    opened_by: str
    accounts: list[str]
    lake_snapshot: str
    findings_sha256: str
    stillhunt: str
    merged_into: str | None = None
    split_from: str | None = None
    events: list[CaseEvent] = Field(default_factory=list)
