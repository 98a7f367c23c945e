"""What was done in a case, and what was brought into it, as blocks. What was redacted is shown as redacted, and never what it said."""

from __future__ import annotations

from typing import Any

from stillhunt.cases.case_document import Block, Heading, Table, Text, shown
from stillhunt.cases.wording import count, moment
from stillhunt.records.cases import Case, CaseEvent

MOST_EVENTS = 200
REDACTED = "redacted: what it said is gone for good; that it was there is recorded"


def events(case: Case) -> list[Block]:
    """All events, the oldest first; of very many the first and the newest."""
    half = MOST_EVENTS // 2
    there = case.events if len(case.events) <= MOST_EVENTS else [*case.events[:half], *case.events[-half:]]
    rows = [
        [f"{one.number}", moment(one.at), shown(one.actor, 60), one.kind, said(one), f"{one.leaf:,}" if one.leaf is not None else "none"]
        for one in there
    ]
    table = Table(
        ["Event", "When", "Who", "What", "Said", "Entry of the ledger"],
        ["number", "text", "text", "text", "text", "number"],
        [0.07, 0.16, 0.15, 0.12, 0.4, 0.1],
        rows,
    )
    blocks: list[Block] = [Heading("What was done in this case"), table]
    if len(there) < len(case.events):
        blocks.append(
            Text(f"{len(case.events) - len(there):,} events between are left out; case.json of an evidence bundle has all.", small=True)
        )
    return blocks


def exhibits(case: Case) -> list[Block]:
    """What analysts brought in: the only place where names of companies or people can stand."""
    brought = [one for one in case.events if one.kind == "exhibit"]
    if not brought:
        return []
    rows = []
    for one in brought:
        body = one.body
        if body is None:
            rows.append([f"{one.number}", REDACTED, "", "", "", shown(one.actor, 60)])
            continue
        title = "\n".join([_of(body, "title", 200), f"SHA-256 {_of(body, 'sha256', 64)}"])
        graded = [_of(body, "source_reliability", 1), _of(body, "information_credibility", 1)]
        rows.append([f"{one.number}", title, _of(body, "names", 200), *graded, shown(one.actor, 60)])
    table = Table(
        ["Event", "Exhibit", "Names", "Source", "Information", "Brought by"],
        ["number", "text", "text", "text", "text", "text"],
        [0.07, 0.42, 0.17, 0.08, 0.11, 0.15],
        rows,
    )
    words = "Companies and people are named by analysts through exhibits, never by traffic."
    return [Heading("Exhibits"), Text(words, small=True), table]


def said(one: CaseEvent) -> str:
    """What an event says, in one sentence."""
    body = one.body
    if body is None:
        return REDACTED
    match one.kind:
        case "opened":
            return f"{_of(body, 'title', 200)}: {count(len(body.get('accounts') or ()), 'account')}"
        case "status":
            return f"{_of(body, 'status', 40)}{_why(body)}"
        case "closed":
            return f"{_of(body, 'result', 40).replace('_', ' ')}{_why(body)}"
        case "note":
            return _of(body, "text", 2_000)
        case "answer":
            return _of(body, "title", 200)
        case "exhibit":
            return _of(body, "title", 200)
        case "merged":
            return (f"is part of {_of(body, 'into', 60)}" if "into" in body else f"took in {_of(body, 'from', 60)}") + _why(body)
        case "split":
            return f"{count(len(body.get('accounts') or ()), 'account')} moved to {_of(body, 'to', 60)}{_why(body)}"
        case "redacted":
            return f"event {_of(body, 'event', 20)}{_why(body)}"
        case "rerun":
            return "the scan repeated: " + ("identical, byte for byte" if body.get("identical") else "differs")
        case "exported":
            to = f" for {_of(body, 'recipient', 120)}" if body.get("recipient") else ""
            return f"{_of(body, 'kind', 40)}{to}, TLP:{_of(body, 'tlp', 20).upper()}"
        case _:
            return _why(body).removeprefix(": ")


def _why(body: dict[str, Any]) -> str:
    return f": {_of(body, 'reason', 1_000)}" if body.get("reason") else ""


def _of(body: dict[str, Any], key: str, limit: int) -> str:
    value = body.get(key)
    return "" if value is None else shown(value, limit)
