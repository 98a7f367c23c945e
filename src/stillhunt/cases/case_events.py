"""A case is what its events come to. Here are the events' commitments and the sum; nothing is stored or looked up.

Every event is committed to by SHA-256(salt || canonical JSON of number, at, actor, kind, body). A leaf of the ledger holds the commitment,
so that nobody can change, remove or insert an event unnoticed; the salt keeps anybody from guessing a short body from it. Redaction takes
away body and salt: what was said is gone for good, that something was said, when and by whom, stays provable.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from stillhunt.errors import StillhuntError
from stillhunt.records.canonical import canonical
from stillhunt.records.cases import Case, CaseEvent, Result, Status

STANDING: dict[str, tuple[str, ...]] = {
    "opened": (
        "campaign_id",
        "campaign",
        "accounts",
        "lake_snapshot",
        "findings_sha256",
        "frozen_sha256",
        "stillhunt",
        "split_from",
    ),
    "status": ("status",),
    "closed": ("result",),
    "reopened": (),
    "merged": ("into", "from", "accounts"),
    "split": ("to", "accounts"),
    "note": (),
    "exhibit": ("exhibit_id",),
    "given": (),
    "answer": (),
    "exported": (),
    "released": (),
    "rerun": ("identical",),
}
"""Kind -> what of its body a redaction leaves (in the `redacted` event), because the case's standing is worked out from it. A `redacted`
event is not here: who took what away, and why, stays."""

REDACTED_TEXT = "(redacted)"


def event(number: int, actor: str, kind: str, body: Mapping[str, Any], *, now: datetime | None = None) -> CaseEvent:
    """A new event with a salt of its own and its commitment.

    Args:
        number: from 1, in the case's order.
        actor: who.
        kind: what; see `STANDING`.
        body: the rest, as JSON.
        now: when; the clock's time if not said.
    """
    at = (now or datetime.now(UTC)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    salt = secrets.token_hex(16)
    return CaseEvent(
        number=number,
        at=at,
        actor=actor,
        kind=kind,
        body=dict(body),
        salt=salt,
        commitment=commitment(salt, number=number, at=at, actor=actor, kind=kind, body=body),
    )


def commitment(salt: str, *, number: int, at: str, actor: str, kind: str, body: Mapping[str, Any]) -> str:
    """SHA-256 in hex over the salt's bytes and the event as canonical JSON."""
    document = {"number": number, "at": at, "actor": actor, "kind": kind, "body": dict(body)}
    return hashlib.sha256(bytes.fromhex(salt) + canonical(document)).hexdigest()


def intact(one: CaseEvent) -> bool:
    """Whether an event is what its commitment says. Of a redacted one only the ledger's leaf can speak."""
    if one.body is None or one.salt is None:
        return one.body is None and one.salt is None
    return one.commitment == commitment(one.salt, number=one.number, at=one.at, actor=one.actor, kind=one.kind, body=one.body)


def leaf(case_id: str, one: CaseEvent) -> tuple[str, dict[str, Any]]:
    """The ledger's entry for an event: its kind and its document. How a case was closed is a disposition."""
    document: dict[str, Any] = {"case_id": case_id, "number": one.number, "kind": one.kind, "commitment": one.commitment}
    if one.kind == "closed" and one.body is not None:
        return "disposition", document | {"result": one.body["result"]}
    return "case", document


def bodies(events: Sequence[CaseEvent]) -> dict[int, dict[str, Any]]:
    """Number -> body; of redacted events what was left of it."""
    left = {int(one.body["event"]): dict(one.body["left"]) for one in events if one.kind == "redacted" and one.body is not None}
    return {one.number: one.body if one.body is not None else left.get(one.number, {}) for one in events}


def worked_out(case_id: str, events: Sequence[CaseEvent]) -> Case:
    """The case that some events come to.

    Args:
        case_id: its id.
        events: all of them, by number.

    Raises:
        StillhuntError: the first is not its opening.
    """
    if not events or events[0].kind != "opened":
        raise StillhuntError(f"{case_id}: the case does not begin with its opening; restore the registry from a backup")
    known = bodies(events)
    first = known[events[0].number]
    accounts = dict.fromkeys(first["accounts"])
    standing: dict[str, Any] = {"status": Status.PENDING, "result": None, "reason": None, "merged_into": None}
    for one in events[1:]:
        body = known[one.number]
        said = body.get("reason", REDACTED_TEXT)
        match one.kind:
            case "status":
                standing |= {"status": Status(body["status"]), "result": None, "reason": said}
            case "closed":
                standing |= {"status": Status.CLOSED, "result": Result(body["result"]), "reason": said}
            case "reopened":
                standing |= {"status": Status.INVESTIGATING, "result": None, "reason": said}
            case "merged" if "into" in body:
                standing |= {"status": Status.CLOSED, "result": None, "reason": said, "merged_into": body["into"]}
            case "merged":
                accounts |= dict.fromkeys(body["accounts"])
            case "split":
                accounts = {name: None for name in accounts if name not in set(body["accounts"])}
    return Case(
        case_id=case_id,
        campaign_id=first["campaign_id"],
        campaign=first["campaign"],
        title=first.get("title", REDACTED_TEXT),
        opened_at=events[0].at,
        opened_by=events[0].actor,
        accounts=list(accounts),
        lake_snapshot=first["lake_snapshot"],
        findings_sha256=first["findings_sha256"],
        stillhunt=first["stillhunt"],
        split_from=first.get("split_from"),
        events=list(events),
        **standing,
    )
