"""Timesketch JSON lines: what happened when, to be laid beside other timelines of an investigation.

One line for an account's first and last call, its sign-up and its closure, for each day's calls, and for each event of the case (what kind,
never what analysts wrote). Timesketch asks for `message`, `datetime` (ISO 8601) and `timestamp_desc`; all else are attributes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from stillhunt.cases.share import Options, moment
from stillhunt.records import Campaign, Findings
from stillhunt.records.cases import Answer, Case


class Timesketch:
    """A timeline."""

    name = "timesketch"
    suffix = ".timesketch.jsonl"
    describe = "Timesketch JSON lines: accounts' first and last calls, sign-ups, closures, days, events of the case"
    settings: Mapping[str, str] = {}

    def render(self, case: Case, findings: Findings, campaign: Campaign, answers: Sequence[Answer], options: Options) -> bytes:
        """One JSON object a line, in order of time."""
        marks = {"campaign_id": campaign.campaign_id, "case_id": case.case_id, "tag": ["stillhunt", f"tlp:{options.tlp}"]}
        lines = [
            {
                "message": message,
                "datetime": when.isoformat(timespec="microseconds"),
                "timestamp": round(when.timestamp() * 1_000_000),
                "timestamp_desc": what,
                "data_type": f"stillhunt:{kind}",
                **more,
                **marks,
            }
            for when, what, kind, message, more in self._told(case, campaign, options)
        ]
        written = [
            json.dumps(line, sort_keys=True, ensure_ascii=True)
            for line in sorted(lines, key=lambda line: (line["timestamp"], line["message"]))
        ]
        return "".join(f"{line}\n" for line in written).encode()

    def _told(self, case: Case, campaign: Campaign, options: Options) -> Iterator[tuple[datetime, str, str, str, dict[str, Any]]]:
        yield from self._of_accounts(campaign, options)
        for day, calls in campaign.calls_by_day.items():
            yield moment(day), "Day of calls", "campaign:day", f"{calls} calls of the campaign on {day}", {"calls": calls}
        for event in case.events:
            if event.kind != "exported":  # who else was told is nobody's business
                more = {"event": event.number, "commitment": event.commitment, "ledger_leaf": event.leaf}
                yield moment(event.at), "Case event", "case:event", f"Case: {event.kind}", more

    def _of_accounts(self, campaign: Campaign, options: Options) -> Iterator[tuple[datetime, str, str, str, dict[str, Any]]]:
        for member in campaign.accounts if options.accounts else []:
            life = options.lives.get(member.account_id)
            times = (
                ("Account Created", "account:created", "was created", life and life.created_at),
                ("First Call", "account:first_call", "called for the first time", member.first_seen and moment(member.first_seen)),
                ("Last Call", "account:last_call", "called for the last time", member.last_seen and moment(member.last_seen)),
                ("Account Closed", "account:closed", "was closed", life and life.closed_at),
            )
            more = {"account_id": member.account_id, "membership": member.membership, "calls": member.calls}
            for what, kind, did, when in times:
                if when:
                    yield when, what, kind, f"Account {member.account_id} {did}", more


SHARE = Timesketch()
