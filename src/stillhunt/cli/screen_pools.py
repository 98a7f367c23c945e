"""Pools on a terminal: those that could not be judged, each in a panel, and the members of any pool or campaign."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from stillhunt.cases import wording
from stillhunt.cases.wording import amount, count, moment, visible
from stillhunt.cli.screen_parts import axes_table, bullet
from stillhunt.records import Campaign, Findings, Pool

MAX_PANELS, MAX_MEMBERS, MAX_EXPLANATIONS = 5, 24, 10


def show_unjudged(console: Console, findings: Findings) -> None:
    """A panel for each of the largest pools that could not be judged, and how many more there are."""
    pools = wording.unjudged(findings)
    for pool in pools[:MAX_PANELS]:
        console.print(_panel(pool))
    if len(pools) > MAX_PANELS:
        left = count(len(pools) - MAX_PANELS, "smaller pool", "smaller pools")
        console.print(Text(f"and {left} that could not be judged: findings.json has them all", style="dim"))


def _panel(pool: Pool) -> Panel:
    parts: list[RenderableType] = [Text(count(len(pool.accounts), "account"), style="bold"), Text(f"{_sentence(pool)}."), Text()]
    parts.append(axes_table(pool))
    if pool.explanations:
        parts += [Text(), *(bullet(explanation) for explanation in pool.explanations[:MAX_EXPLANATIONS])]
    if pool.would_decide:
        parts += [Text("\nWhat would decide", style="bold"), *(bullet(step) for step in pool.would_decide)]
    listed = ", ".join(visible(account, 40) for account in pool.accounts[:MAX_MEMBERS])
    more = f" and {len(pool.accounts) - MAX_MEMBERS:,} more" if len(pool.accounts) > MAX_MEMBERS else ""
    parts += [Text("\nIts accounts", style="bold"), Text(f"{listed}{more}")]
    title = Text(f"Pool {visible(pool.pool_id)}: coordinated, not judged")
    return Panel(Group(*parts), title=title, title_align="left", padding=(1, 2))


def _sentence(pool: Pool) -> str:
    said = visible(pool.why_not_a_campaign, 400)
    return said[:1].upper() + said[1:]


def show_members(console: Console, subject: Campaign | Pool) -> None:
    """All members of a campaign or pool, one a line, after what is said of it."""
    if isinstance(subject, Pool):
        console.print(Text(f"Pool {visible(subject.pool_id)}: {count(len(subject.accounts), 'account')}", style="bold"))
        console.print(Text(f"{subject.verdict.capitalize()}: {visible(subject.why_not_a_campaign, 400)}."))
        for step in subject.would_decide:
            console.print(bullet(step))
        for account in subject.accounts:
            console.print(Text(visible(account, 200)))
        return
    console.print(Text(f"Campaign {visible(subject.campaign_id)}: {count(len(subject.accounts), 'account')}", style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("account", overflow="fold")
    for heading in ("membership", "calls"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("seen", no_wrap=True)
    for member in wording.strongest(subject.accounts, len(subject.accounts)):
        seen = f"{moment(member.first_seen[:10])} to {moment(member.last_seen[:10])}" if member.first_seen and member.last_seen else ""
        calls = amount(member.calls) if member.calls is not None else ""
        table.add_row(Text(visible(member.account_id, 200)), wording.probability(member.membership), calls, seen)
    console.print(table)
