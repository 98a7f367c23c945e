"""The report: one HTML file that needs nothing else, runs no script, and may be opened by anybody, anywhere.

The answer and the next step come first. However many accounts are named, the page is as long: it lists the surest and says where the rest
is. Accounts are sorted by style alone, so that the page's Content-Security-Policy can forbid every script and every source but its inline
styles. Everything that comes from logs is escaped by the template (autoescape is always on) and shown through `wording.visible`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from stillhunt.cases import report_campaign as parts
from stillhunt.cases import scans, wording
from stillhunt.cases.wording import Reason
from stillhunt.records import Campaign, Findings, Pool, Visibility

MAX_OPEN = 3
"""Campaigns that are unfolded when the page is opened; the others unfold at a click."""
MAX_SHOWN = 25
"""Campaigns that are shown whole; the rest is a row each."""
MAX_LISTED = 200
"""Rows of that list."""
MAX_UNJUDGED = 10
MAX_POOL_ACCOUNTS = 50
MAX_EXPLANATIONS = 6
MAX_INSTRUCTIONS = 3
MAX_REASONS = 12
MAX_LISTED_POOLS = 3

_COMMAND = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class _Shown:
    """One campaign with everything that its section shows."""

    campaign: Campaign
    questions: list[parts.Question]
    kinds: list[parts.Kind]
    timeline: parts.Timeline | None
    accounts: parts.Accounts


@dataclass(frozen=True)
class _Unjudged:
    """One pool that could not be judged."""

    pool: Pool
    questions: list[parts.Question]
    lacking: str


@dataclass(frozen=True)
class _Channel:
    """One channel: the share of accounts that it saw, in percent, and what it could not see."""

    name: str
    percent: float | None
    accounts: int
    missing: str


def write_report(findings: Findings, path: Path, where: str | None = None) -> None:
    """Write the report on `findings` to `path`, readable by its owner only, completely or not at all.

    Args:
        findings: of a scan.
        path: the file.
        where: as for `wording.what_next`.

    Raises:
        StillhuntError: the file cannot be written.
    """
    scans.write_private(path, render(findings, where).encode())


def render(findings: Findings, where: str | None = None) -> str:
    """The report on `findings` as one HTML document; `where` as for `wording.what_next`."""
    reasons = wording.reasons(findings)
    shown, rest = findings.campaigns[:MAX_SHOWN], findings.campaigns[MAX_SHOWN:]
    unjudged = wording.unjudged(findings)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            findings=findings,
            steps=wording.what_next(findings, where),
            campaigns=[_shown(one) for one in shown],
            rest=[(one, parts.questions(one)) for one in rest[:MAX_LISTED]],
            left=len(rest[MAX_LISTED:]),
            named=sum(len(one.accounts) for one in findings.campaigns),
            calls=sum(one.calls for one in findings.campaigns),
            output_tokens=sum(one.output_tokens for one in findings.campaigns),
            unjudged=[_Unjudged(one, parts.questions(one), wording.not_held([one])) for one in unjudged[:MAX_UNJUDGED]],
            unjudged_left=len(unjudged[MAX_UNJUDGED:]),
            cleared=sum(one.verdict == "cleared" for one in findings.pools),
            reasons=reasons[:MAX_REASONS],
            reasons_left=_left(reasons[MAX_REASONS:]),
            channels=_channels(findings.visibility, findings.scanned.accounts),
            members=lambda name: _members(name, where),
            sorts=parts.SORTS,
            max_open=MAX_OPEN,
            max_explanations=MAX_EXPLANATIONS,
            max_instructions=MAX_INSTRUCTIONS,
            max_listed_pools=MAX_LISTED_POOLS,
            max_pool_accounts=MAX_POOL_ACCOUNTS,
            wording=wording,
        )
    )


def _shown(campaign: Campaign) -> _Shown:
    return _Shown(
        campaign,
        parts.questions(campaign),
        parts.kinds(campaign.coordination, campaign.concealment),
        parts.timeline(campaign),
        parts.accounts(campaign),
    )


def _left(reasons: list[Reason]) -> str:
    """The reasons beyond those that are listed, in words; empty if there are none."""
    if not reasons:
        return ""
    pools = sum(len(one.pools) for one in reasons)
    return f"{wording.count(len(reasons), 'other reason')} for {wording.count(pools, 'more pool')}: in findings.json."


def _channels(visibility: list[Visibility], accounts: int) -> list[_Channel]:
    ordered = [*wording.seeing(visibility), *wording.blind(visibility)]
    missing = dict(wording.unseen(visibility))
    found = []
    for one in ordered:
        name = wording.visible(one.channel, 40)
        percent = min(100 * one.accounts / accounts, 100.0) if one.visible and accounts else None if not one.visible else 0.0
        found.append(_Channel(name, percent, one.accounts, missing.get(name, "")))
    return found


def _members(name: str, where: str | None) -> Markup:
    """The command that lists a campaign's or pool's accounts, where there is one that can be pasted."""
    if where is None or not wording.pasteable(name):
        return Markup()
    return Markup(" and listed by <code>stillhunt members {} {}</code>").format(name, where)


def _commands(sentence: str) -> Markup:
    """A sentence with what stands between backticks set as a command."""
    return Markup(_COMMAND.sub(r"<code>\1</code>", str(escape(sentence))))  # noqa: S704  # escaped before


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("stillhunt.cases"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        visible=wording.visible, count=wording.count, amount=wording.amount, moment=wording.moment, commands=_commands
    )
    return environment
