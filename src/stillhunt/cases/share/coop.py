"""A Coop report: one review job for one campaign, with its accounts beside it.

The body of ``POST /api/v1/report``: `reporter`, `reportedAt`, `reportedItem`, `reportedForReason`, `additionalItems`. Ids of item types
are given by each console, so they are settings. Item data are flat, because
Coop's item types have fields of scalars, strings and datetimes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from stillhunt.cases.share import Options, figures, leading, standing
from stillhunt.records import Campaign, Findings, Member
from stillhunt.records.cases import Answer, Case

PLACES = {
    "campaign_type": "stillhunt-campaign",
    "account_type": "stillhunt-account",
    "reporter_type": "stillhunt-reporter",
    "reporter": "stillhunt",
    "policy": "",
}
"""Setting -> what stands for it unless it is set. Without a policy none is named."""


class Coop:
    """One report."""

    name = "coop"
    suffix = ".coop.json"
    describe = "Coop report: the campaign as one item for review, its accounts as related items"
    settings: Mapping[str, str] = PLACES

    def render(self, case: Case, findings: Findings, campaign: Campaign, answers: Sequence[Answer], options: Options) -> bytes:
        """The body of one request, ASCII JSON."""
        placed = {**PLACES, **options.settings}
        reason: dict[str, Any] = {"reason": self._reason(campaign, options), "csam": False}
        if placed["policy"]:
            reason["policyId"] = placed["policy"]
        document = {
            "reporter": {"kind": "user", "typeId": placed["reporter_type"], "id": placed["reporter"]},
            "reportedAt": standing(case).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "reportedForReason": reason,
            "reportedItem": {
                "id": campaign.campaign_id,
                "typeId": placed["campaign_type"],
                "data": self._campaign(case, findings, campaign, answers, options),
            },
            "additionalItems": [
                {"id": member.account_id, "typeId": placed["account_type"], "data": _account(member, campaign)}
                for member in (campaign.accounts if options.accounts else [])
            ],
        }
        return (json.dumps(document, indent=1, ensure_ascii=True) + "\n").encode()

    def _reason(self, campaign: Campaign, options: Options) -> str:
        return "\n".join([*campaign.explanations, *(campaign.instructions if options.instructions else [])])

    def _campaign(self, case: Case, findings: Findings, campaign: Campaign, answers: Sequence[Answer], options: Options) -> dict[str, Any]:
        found: dict[str, Any] = {
            "case_id": case.case_id,
            **figures(campaign),
            "false_discovery_rate": findings.false_discovery_rate,
            "status": case.status.value,
            "tlp": options.tlp.value,
        }
        for answer in answers:
            top = leading(answers, answer.question)
            found[f"{answer.question}_summary"] = answer.summary
            if top is not None:
                found[f"{answer.question}_likelihood"] = top.likelihood.value
                found[f"{answer.question}_confidence"] = top.confidence.value
        return found


def _account(member: Member, campaign: Campaign) -> dict[str, Any]:
    data = {"account_id": member.account_id, "campaign_id": campaign.campaign_id, "membership": member.membership}
    more = {"calls": member.calls, "first_seen": member.first_seen, "last_seen": member.last_seen}
    return {**data, **{name: value for name, value in more.items() if value is not None}}


SHARE = Coop()
