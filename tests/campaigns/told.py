"""Findings made by hand, and a chronicle that is told them one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from stillhunt.campaigns import chronicle
from stillhunt.campaigns.chronicle import Look
from stillhunt.campaigns.identity import campaign_id
from stillhunt.campaigns.known import Event, Known
from stillhunt.records import Campaign, Evidence, Findings, Member, Scanned, SharedObservation

BEGIN = datetime(2026, 5, 1, tzinfo=UTC)
FAMILIES = {
    "payment.card": "payer",
    "email.shape": "identity",
    "client.shape": "software",
    "subnet.calls": "place",
    "template.gram": "software",
}


def time(hours: float) -> str:
    return (BEGIN + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def accounts(numbers, label: str = "a") -> list[str]:
    return [f"{label}-{n:03d}" for n in numbers]


def campaign(
    names: Sequence[str],
    *,
    first: float = 0.0,
    last: float = 1.0,
    shared: dict[str, Sequence[str]] | None = None,
    expected: float = 0.05,
) -> Campaign:
    """A campaign of these accounts; `shared` gives each aspect's values, dealt to the accounts in turn."""
    members = [
        Member(
            account_id=name,
            membership=0.9999,
            observations=[
                SharedObservation(channel=aspect, value=values[at % len(values)], bits=5.0, shared_with=len(names) - 1, expected=expected)
                for aspect, values in (shared or {}).items()
            ],
            calls=10,
        )
        for at, name in enumerate(names)
    ]
    nothing = Evidence(log10_evidence=0.0)
    return Campaign(
        campaign_id=campaign_id(list(names)),
        first_seen=time(first),
        last_seen=time(last),
        calls=10 * len(names),
        output_tokens=1_000 * len(names),
        coordination=nothing,
        concealment=nothing,
        harvest=nothing,
        accounts=members,
        explanations=[],
    )


def findings(hour: float, *found: Campaign, in_view: int = 20_000) -> Findings:
    """What a scan that saw calls up to `hour` found."""
    return Findings(
        stillhunt="0",
        lake_snapshot=f"s-{hour}",
        scanned=Scanned(interactions=1_000, accounts=in_view, from_=time(0), to=time(hour)),
        visibility=[],
        false_discovery_rate=0.001,
        campaigns=list(found),
        pools=[],
    )


class Told:
    """A chronicle from scan to scan."""

    def __init__(self) -> None:
        self.known: list[Known] = []
        self.events: list[Event] = []
        self.names: list[str] = []
        self.before: str | None = None
        self.closed: set[str] = set()

    def look(self, hour: float, *found: Campaign, closed: Sequence[str] = ()) -> list[str]:
        """Take up a scan. Returns the kinds of its events."""
        self.closed |= set(closed)
        result = chronicle.step(self.known, Look(findings(hour, *found), time(hour), frozenset(self.closed), self.before, FAMILIES))
        self.known, self.names, self.before = result.known, result.names, time(hour)
        self.events = result.events
        return [one.kind for one in result.events]

    def named(self, name: str) -> Known:
        return next(one for one in self.known if one.name == name)
