"""What a scan ends with status 1 for: `--fail-on`, shared by scans and watches."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stillhunt.records import Findings


class FailOn(StrEnum):
    """A kind of finding that a scheduled job may end with status 1 for."""

    CAMPAIGN = "campaign"
    NOT_JUDGED = "not-judged"


FailOnOption = Annotated[
    list[FailOn] | None,
    typer.Option(
        "--fail-on",
        help="Exit with status 1 when there is one: a campaign, or a pool that acts as one and could not be judged. May be given twice.",
        show_default=False,
    ),
]
FailOnCampaignOption = Annotated[bool, typer.Option("--fail-on-campaign", help="The same as --fail-on campaign.")]


def on(given: list[FailOn] | None, *, campaign: bool) -> set[FailOn]:
    """What a run is to fail on, from both options."""
    return {*(given or ()), *([FailOn.CAMPAIGN] if campaign else [])}


def fails(findings: Findings, wanted: set[FailOn]) -> bool:
    """Whether the findings hold what a run is to fail on."""
    unjudged = any(pool.verdict == "not judged" for pool in findings.pools)
    return (FailOn.CAMPAIGN in wanted and bool(findings.campaigns)) or (FailOn.NOT_JUDGED in wanted and unjudged)
