"""The report: one HTML file that needs nothing else, runs no script, and may be opened by anybody, anywhere.

Everything that comes from logs is escaped by the template (autoescape is always on) and shown through
`wording.visible`; the page's own Content-Security-Policy forbids every source but its inline styles.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from stillhunt.cases import pictures, scans, wording
from stillhunt.records import Campaign, Findings, Member

MOST_ACCOUNTS = 50
"""Accounts listed for each campaign; findings.json has them all."""
MOST_DRAWN = 25
"""Campaigns with pictures (five each); the rest are described in words and numbers."""
MOST_OBSERVATIONS = 3
MOST_LISTED_POOLS = 5


@dataclass(frozen=True)
class _Drawn:
    """One campaign with its pictures; `waterfalls` pairs each axis with its own."""

    campaign: Campaign
    days: Markup
    waterfalls: list[tuple[wording.Axis, Markup]]
    memberships: Markup
    members: list[Member]


def write_report(findings: Findings, path: Path) -> None:
    """Write the report on `findings` to `path`, readable by its owner only, completely or not at all.

    Raises:
        StillhuntError: the file cannot be written.
    """
    scans.write_private(path, render(findings).encode())


def render(findings: Findings) -> str:
    """The report on `findings` as one HTML document."""
    reasons = wording.reasons(findings)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            findings=findings,
            campaigns=[_draw(campaign, pictured=n < MOST_DRAWN) for n, campaign in enumerate(findings.campaigns)],
            named=sum(len(campaign.accounts) for campaign in findings.campaigns),
            calls=sum(campaign.calls for campaign in findings.campaigns),
            output_tokens=sum(campaign.output_tokens for campaign in findings.campaigns),
            reasons=reasons,
            pools=Markup(pictures.pools_by_reason(reasons)) if reasons else Markup(),  # noqa: S704  # our own SVG
            sight=Markup(pictures.sight(findings.visibility, findings.scanned.accounts)) if findings.visibility else Markup(),  # noqa: S704
            most_accounts=MOST_ACCOUNTS,
            most_observations=MOST_OBSERVATIONS,
            most_pools=MOST_LISTED_POOLS,
            wording=wording,
        )
    )


def _draw(campaign: Campaign, *, pictured: bool) -> _Drawn:
    axes = wording.axes(campaign)
    members = wording.strongest(campaign.accounts, MOST_ACCOUNTS)
    if not pictured:
        return _Drawn(campaign, Markup(), [(axis, Markup()) for axis in axes], Markup(), members)
    return _Drawn(
        campaign,
        Markup(pictures.calls_by_day(campaign)) if campaign.calls_by_day else Markup(),  # noqa: S704  # our own SVG, escaped by the XML writer
        [(axis, Markup(pictures.waterfall(axis))) for axis in axes],  # noqa: S704
        Markup(pictures.memberships(campaign.accounts)),  # noqa: S704
        members,
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("stillhunt.cases"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        visible=wording.visible, count=wording.count, amount=wording.amount, moment=wording.moment, log10=wording.log10
    )
    return environment
