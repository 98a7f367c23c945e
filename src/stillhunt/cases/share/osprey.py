"""Osprey action events, one for each account that is named, so that the rules of a platform can act.

Osprey's Kafka input reads JSON objects ``{"send_time", "data": {"action_id", "action_name", "data"}}``, one a message; here they are
lines of a file, for a producer to send. A rule reads an account by ``JsonData(path='$.account.id')``. The events describe: what is done
about an account is decided by the rules.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from stillhunt.cases.share import Options, figures, number, standing
from stillhunt.errors import InputError
from stillhunt.records import Campaign, Findings, Member
from stillhunt.records.cases import Answer, Case

ACTION = "stillhunt_account_named"


class Osprey:
    """Action events."""

    name = "osprey"
    suffix = ".osprey.jsonl"
    describe = "Osprey action events: one for each account that is named, for rules to act on"
    settings: Mapping[str, str] = {"action": ACTION}

    def render(self, case: Case, findings: Findings, campaign: Campaign, answers: Sequence[Answer], options: Options) -> bytes:
        """One JSON object a line, in the campaign's order of accounts.

        Raises:
            InputError: accounts are not to be named.
        """
        if not options.accounts:
            raise InputError("--no-accounts: an Osprey event is about an account; share with --to stix or sigma without them")
        sent = standing(case).astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        about = self._about(case, campaign, options)
        lines = [
            {
                "send_time": sent,
                "data": {
                    "action_id": number("osprey", case.case_id, member.account_id),
                    "action_name": options.settings.get("action", ACTION),
                    "data": {"account": _account(member), **about},
                },
            }
            for member in campaign.accounts
        ]
        return "".join(json.dumps(line, ensure_ascii=True) + "\n" for line in lines).encode()

    def _about(self, case: Case, campaign: Campaign, options: Options) -> dict[str, Any]:
        return {
            "event_type": ACTION,
            "campaign": {
                "id": campaign.campaign_id,
                **figures(campaign),
            },
            "case": {"id": case.case_id, "status": case.status.value, "result": case.result.value if case.result is not None else None},
            "tlp": options.tlp.value,
        }


def _account(member: Member) -> dict[str, Any]:
    channels = sorted({observation.channel for observation in member.observations if observation.bits > 0})
    return {
        "id": member.account_id,
        "membership": member.membership,
        "calls": member.calls,
        "first_seen": member.first_seen,
        "last_seen": member.last_seen,
        "channels": channels,
    }


SHARE = Osprey()
