"""What happened to campaigns, in one line each: a sentence for people, an object for machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from stillhunt.campaigns.known import Event, Known
from stillhunt.cases.wording import count, moment, visible

STATUS = {
    "active": "active",
    "banned": "banned",
    "quiet": "quiet",
    "faded": "no longer named",
    "merged": "part of another",
}
"""Status of a campaign -> in words."""


def sentence(event: Event) -> str:
    """An event as one line for a terminal."""
    return f"{moment(event.at)}  {visible(event.campaign)}  {_what(event)}"


def document(number: int, event: Event) -> dict[str, Any]:
    """An event as a JSON object. `event` is its number, the same whenever it is told: whoever gets one twice can tell."""
    return {"event": number, **asdict(event)}


def _what(event: Event) -> str:
    accounts = count(event.accounts, "account")
    other = visible(event.other or "")
    match event.kind:
        case "appeared":
            return f"appeared: {accounts}{_could(event)}"
        case "grew":
            return f"grew from {event.before:,} to {accounts}, {event.new:,} of them named for the first time"
        case "shrank":
            return f"shrank from {event.before:,} to {accounts}"
        case "merged":
            return f"turns out to be part of {other}"
        case "split":
            return f"is apart from {other}: {accounts}"
        case "banned":
            return f"is banned: {event.closed:,} accounts are closed"
        case "came_back":
            as_what = f" as generation {event.generation}" if event.generation > 1 else ""
            return f"came back{as_what}: {accounts}, {event.new:,} of them named for the first time"
        case "went_quiet":
            return f"went quiet: none of its accounts calls any more ({accounts})"
        case "faded":
            return "is not named by the newest scan any more"
        case "dated":
            return f"is dated{_could(event)}"


def _could(event: Event) -> str:
    return f"; could first have been named with the calls up to {moment(event.could_to)}" if event.could_to is not None else ""


def dated(one: Known) -> str:
    """When a campaign could first have been named, and how that is known."""
    if one.dated == "open":
        since = moment(one.not_named_to or one.first_seen)
        return f"between {since} and {moment(one.could_to)} (being looked for)"
    return f"{moment(one.could_to)} ({'the watch was there' if one.dated == 'watched' else 'looked back, to the hour'})"


def known_document(one: Known) -> dict[str, Any]:
    """A known campaign as a JSON object; of its accounts, those of the newest scan and how many there ever were."""
    fields = ("status", "generation", "first_named_at", "first_named_to", "not_named_to", "could_to", "dated", "first_seen", "last_seen")
    return {
        "campaign": one.name,
        **{name: getattr(one, name) for name in fields},
        "accounts": one.size,
        "accounts_ever": len(one.members),
        "closed": one.closed,
        "calls": one.calls,
        "output_tokens": one.output_tokens,
        "merged_into": one.merged_into,
        "split_from": one.split_from,
    }
