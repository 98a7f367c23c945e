"""A hunt that takes no time: accounts named "op1-…" are one operator's, "op2-…" another's, once eight of them have called."""

from __future__ import annotations

from datetime import datetime

import pyarrow.compute as pc

from stillhunt.campaigns.identity import campaign_id
from stillhunt.errors import InputError
from stillhunt.records import Campaign, Evidence, Findings, Member, Scanned, SharedObservation

LEAST = 8


def hunt(lake, *, as_of: datetime | None = None, settings=None, progress=None) -> Findings:
    """In place of `stillhunt.campaigns.hunt`."""
    if progress is not None:
        progress("looking", 0.5)
    rows = lake.table("interactions").to_arrow(["account_id", "started_at"])
    if as_of is not None:
        rows = rows.filter(pc.less_equal(rows["started_at"], as_of))
    if not rows.num_rows:
        raise InputError("nothing to scan")
    found: dict[str, dict[str, list[datetime]]] = {}
    for row in rows.to_pylist():
        operator, _, _ = row["account_id"].partition("-")
        if operator.startswith("op"):
            found.setdefault(operator, {}).setdefault(row["account_id"], []).append(row["started_at"])
    span = pc.min_max(rows["started_at"]).as_py()
    return Findings(
        stillhunt="0",
        lake_snapshot=lake.snapshot(),
        scanned=Scanned(interactions=rows.num_rows, accounts=10_000, from_=_iso(span["min"]), to=_iso(span["max"])),
        visibility=[],
        false_discovery_rate=0.001,
        campaigns=[_campaign(operator, calls) for operator, calls in sorted(found.items()) if len(calls) >= LEAST],
        pools=[],
        as_of=_iso(as_of) if as_of else None,
    )


def _campaign(operator: str, calls: dict[str, list[datetime]]) -> Campaign:
    card = SharedObservation(channel="payment.card", value=f"card of {operator.rstrip('x')}", bits=9.0, expected=0.01)
    moments = [moment for times in calls.values() for moment in times]
    nothing = Evidence(log10_evidence=0.0)
    return Campaign(
        campaign_id=campaign_id(sorted(calls)),
        first_seen=_iso(min(moments)),
        last_seen=_iso(max(moments)),
        calls=len(moments),
        output_tokens=0,
        coordination=nothing,
        concealment=nothing,
        harvest=nothing,
        accounts=[Member(account_id=name, membership=0.9999, observations=[card]) for name in sorted(calls)],
        explanations=[],
    )


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
