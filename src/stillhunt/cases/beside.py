"""Cases beside campaigns: what became of a campaign the last time that somebody looked into it. It changes no detection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stillhunt.cases.wording import count, visible
from stillhunt.records import Campaign
from stillhunt.records.cases import Case, Result, Status

STATUS = {Status.PENDING: "pending", Status.INVESTIGATING: "being investigated", Status.CLOSED: "closed"}
RESULT = {Result.CONFIRMED: "confirmed", Result.VALUABLE_ALERT: "valuable alert", Result.FALSE_POSITIVE: "false positive"}


def beside(campaign: Campaign, cases: Iterable[Case]) -> list[Case]:
    """The cases about a campaign: those with its id, and those that have half of its accounts or more; parts of other cases left out."""
    accounts = {member.account_id for member in campaign.accounts}
    return [
        case
        for case in cases
        if case.merged_into is None
        and (case.campaign_id == campaign.campaign_id or 2 * len(accounts.intersection(case.accounts)) >= len(accounts) > 0)
    ]


def standing(case: Case) -> str:
    """Where a case stands, in words: `closed, false positive`."""
    if case.merged_into is not None:
        return f"part of {visible(case.merged_into)}"
    return STATUS[case.status] + (f", {RESULT[case.result]}" if case.result is not None else "")


def sentence(case: Case) -> str:
    """A case in one line."""
    why = f" ({visible(case.reason, 200)})" if case.reason else ""
    return f"{visible(case.case_id)}, {count(len(case.accounts), 'account')}: {standing(case)}{why}"


def documents(campaigns: Sequence[Campaign], cases: Sequence[Case]) -> list[dict[str, object]]:
    """For each campaign that has cases, which and where they stand, as JSON."""
    return [
        {"campaign_id": campaign.campaign_id, "case_id": case.case_id, "status": case.status, "result": case.result, "reason": case.reason}
        for campaign in campaigns
        for case in beside(campaign, cases)
    ]
