"""What others are told of a case, one module for each format; found by entry point group ``stillhunt.shares``.

In: a case, its campaign and answers, and what was seen of it (`seen`). Out: bytes, which `release` records in the ledger and then writes.
Raw text and what analysts wrote never go out. May import: records, errors, campaigns, channels, lake, ledger, and the parts of cases that
are not about sharing. Nothing here opens a connection.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Protocol, runtime_checkable

from stillhunt.cases.share.seen import Life, Observable
from stillhunt.errors import InputError, StillhuntError
from stillhunt.records import Campaign, Findings
from stillhunt.records.canonical import canonical
from stillhunt.records.cases import Answer, Case, Hypothesis

GROUP = "stillhunt.shares"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:stillhunt:share")
"""Ids of what is shared are version 5 UUIDs under it, so that sharing the same case twice gives the same ids."""


class Tlp(StrEnum):
    """Traffic Light Protocol 2.0 (FIRST, 2022): who a recipient may tell."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"


@dataclass(frozen=True)
class Options:
    """What the person who shares decides, and what is read for it from the frozen calls.

    Attributes:
        tlp: who a recipient may tell.
        sender: the name of the organization that shares, as it wants to be called; None shares without one.
        accounts: whether accounts are named.
        instructions: whether what the accounts have in common to say (slots blank) is shared.
        observables: networks and clients that the campaign called with; of findings alone where the calls are not at hand.
        lives: sign-up and closure of the members, by account id; empty where they are not known.
        settings: by name, what a recipient's system calls things; see `Share.settings`.
    """

    tlp: Tlp = Tlp.AMBER
    sender: str | None = None
    accounts: bool = True
    instructions: bool = False
    observables: Sequence[Observable] = ()
    lives: Mapping[str, Life] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Share(Protocol):
    """One format in which a case is shared."""

    @property
    def name(self) -> str:
        """How the command line calls it: letters, digits, dashes."""

    @property
    def suffix(self) -> str:
        """What a file's name ends with, with its dot."""

    @property
    def describe(self) -> str:
        """One line for a person: what it gives and who reads that."""

    @property
    def settings(self) -> Mapping[str, str]:
        """Settings that it obeys, by name, with their defaults."""

    def render(self, case: Case, findings: Findings, campaign: Campaign, answers: Sequence[Answer], options: Options) -> bytes:
        """The file. The same arguments give the same bytes."""


@cache
def shares() -> Mapping[str, Share]:
    """All formats, built in or plugged in, by name.

    Raises:
        StillhuntError: an installed plug-in cannot be loaded, or is none.
    """
    found: dict[str, Share] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            share = point.load()
        except Exception as error:
            raise StillhuntError(
                f"the share target {point.name} cannot be loaded ({type(error).__name__}); uninstall or repair it"
            ) from error
        if not isinstance(share, Share) or share.name != point.name:
            raise StillhuntError(f"the share target {point.name} is none ({point.value}); uninstall or repair it")
        found[share.name] = share
    return found


def share_named(name: str) -> Share:
    """The format of this name.

    Raises:
        InputError: there is none.
    """
    known = shares()
    if name not in known:
        raise InputError(f"--to {name[:40]}: no such share target; there are {', '.join(known)}")
    return known[name]


def identifier(*parts: str) -> uuid.UUID:
    """The UUID of what `parts` name. Parts are kept apart, so that no text in one can imitate two."""
    return uuid.uuid5(NAMESPACE, canonical(list(parts)).decode())


def number(*parts: str) -> int:
    """A number for what `parts` name, below 2^53, so that no JavaScript console rounds it."""
    return int.from_bytes(hashlib.sha256(canonical(list(parts))).digest()[:7], "big") >> 3


def figures(campaign: Campaign) -> dict[str, Any]:
    """How large a campaign is, when it was seen, and its evidence on each axis: what reports and events say of it alike."""
    return {
        "accounts": len(campaign.accounts),
        "calls": campaign.calls,
        "output_tokens": campaign.output_tokens,
        "first_seen": campaign.first_seen,
        "last_seen": campaign.last_seen,
        "coordination_log10": campaign.coordination.log10_evidence,
        "concealment_log10": campaign.concealment.log10_evidence,
        "harvest_log10": campaign.harvest.log10_evidence,
    }


def moment(text: str) -> datetime:
    """An ISO 8601 time of findings or events, in UTC."""
    when = datetime.fromisoformat(text)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def standing(case: Case) -> datetime:
    """When the case last changed. Exports do not change it, or sharing twice could not give the same bytes."""
    return max(moment(at) for at in [case.opened_at, *(event.at for event in case.events if event.kind != "exported")])


def leading(answers: Sequence[Answer], question: str) -> Hypothesis | None:
    """The first and hence most likely hypothesis of the answer to `question`; None where it was not answered."""
    return next((answer.hypotheses[0] for answer in answers if answer.question == question and answer.hypotheses), None)


def operator_name(case: Case) -> str:
    """What the unknown operator is called. Names of companies and people are an analyst's exhibits, which are not shared."""
    return f"Unknown operator of {case.case_id}"
