"""Findings on a terminal: panels for campaigns, a table of pools that are none, and what could not be seen.

Renders only: every string goes through `wording.visible` and into a `Text`, never through markup.
"""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from stillhunt.cases import wording
from stillhunt.cases.wording import amount, count, moment, visible
from stillhunt.cli.screen_parts import BAR_WIDTH, axes_table, bullet
from stillhunt.cli.screen_pools import show_unjudged
from stillhunt.records import Campaign, Findings, Member, Recognised

MOST_EXPLANATIONS = 10
WIDE = 110
"""Columns of a screen from which on a waterfall is drawn beside its figures: on a narrower one the words need the room."""


def show_findings(console: Console, findings: Findings, where: str | None = None) -> None:
    """Print everything that a scan found, could not see, and suggests to do next; `where` as for `wording.what_next`."""
    if unread := wording.not_read(findings):
        console.print(Text(unread, style="bold red"))
    console.print(Text(wording.headline(findings), style="bold"))
    console.print(Text(f"Read: {wording.scanned(findings)}.", style="dim"))
    if findings.campaigns:
        console.print(Text(wording.error_rate(findings), style="dim"))
    _show_scale(console, findings)
    for campaign in findings.campaigns:
        console.print(campaign_panel(campaign))
    show_unjudged(console, findings)
    _show_recognised(console, findings)
    _show_pools(console, findings)
    _show_visibility(console, findings)
    _section(console, "What to do next")
    for step in wording.what_next(findings, where):
        show_step(console, step)


def show_step(console: Console, step: str) -> None:
    """One thing to do. A command stands on one line however narrow the screen, so that it can be pasted."""
    if "`stillhunt " in step:
        console.print(Text.assemble(("• ", "dim"), visible(step, 4_000)), soft_wrap=True)
    else:
        console.print(bullet(step))


def show_campaigns(console: Console, findings: Findings) -> None:
    """Print the campaigns of earlier findings as panels, or say that none stands out."""
    if unread := wording.not_read(findings):
        console.print(Text(unread, style="bold red"))
    console.print(Text(wording.headline(findings), style="bold"))
    _show_scale(console, findings)
    for campaign in findings.campaigns:
        console.print(campaign_panel(campaign))
    show_unjudged(console, findings)
    _show_recognised(console, findings)


def _show_scale(console: Console, findings: Findings) -> None:
    if findings.campaigns or wording.unjudged(findings):
        console.print(Text(wording.BY_CHANCE, style="dim"))


def campaign_panel(campaign: Campaign) -> Panel:
    """One campaign: its size, its three axes, why, and what its accounts say."""
    parts: list[RenderableType] = [
        Text(
            f"{count(len(campaign.accounts), 'account')}   {amount(campaign.calls)} calls   {amount(campaign.output_tokens)} output tokens",
            style="bold",
        ),
        Text(f"{moment(campaign.first_seen)} to {moment(campaign.last_seen)}", style="dim"),
        Text(),
        axes_table(campaign),
    ]
    if campaign.explanations:
        parts += [Text(), *(bullet(explanation) for explanation in campaign.explanations[:MOST_EXPLANATIONS])]
        left = len(campaign.explanations) - MOST_EXPLANATIONS
        if left > 0:
            parts.append(Text(f"  and {left} more in the report and in findings.json", style="dim"))
    if campaign.instructions:
        parts += [Text("\nWhat its calls have in common (words that at least ten accounts sent; blanks differ):", style="dim")]
        parts += [_instruction(instruction) for instruction in campaign.instructions[:3]]
    surest = wording.strongest(campaign.accounts, 3)
    if surest:
        parts += [Text(), Text("Surest: " + ", ".join(visible(m.account_id, 40) for m in surest), style="dim")]
    return Panel(Group(*parts), title=Text(f"Campaign {visible(campaign.campaign_id)}"), title_align="left", padding=(1, 2))


def show_member(console: Console, campaign: Campaign, member: Member) -> None:
    """Print why one account is in its campaign: what each observation weighs, as a waterfall down to their sum."""
    console.print(Text(f"Account {visible(member.account_id, 200)}", style="bold"))
    console.print(
        Text(
            f"Judged to be of campaign {visible(campaign.campaign_id)} with probability {wording.probability(member.membership)}"
            + (f"; {count(member.calls, 'call')}" if member.calls is not None else "")
            + (f", {moment(member.first_seen)} to {moment(member.last_seen)}" if member.first_seen else "")
            + "."
        )
    )
    if not member.observations:
        console.print(Text("No single observation ties it: it is named for how the pool acts as a whole."))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("channel", "by chance", "so far"):
        table.add_column(heading, no_wrap=True)
    drawn = console.width >= WIDE
    if drawn:
        table.add_column("", width=BAR_WIDTH, no_wrap=True)
    table.add_column("what is shared")
    observations = sorted(member.observations, key=lambda o: -o.bits)
    ends = [0.0]
    for observation in observations:
        ends.append(ends[-1] + observation.bits)
    low, high = min(ends), max(ends)
    for observation, start, end in zip(observations, ends, ends[1:], strict=False):
        table.add_row(
            Text(visible(observation.channel, 20)),
            Text(_weight(observation.bits)),
            Text(_weight(end)),
            *([_segment(start, end, low, high)] if drawn else []),
            Text(_shared(observation.description or observation.value, observation.shared_with, observation.expected)),
        )
    bar_of_all = [_segment(0, ends[-1], low, high)] if drawn else []
    table.add_row(Text("together", style="bold"), Text(), Text(_weight(ends[-1]), style="bold"), *bar_of_all, Text())
    console.print(table)
    console.print(Text(f"{wording.BY_CHANCE} What many unrelated accounts share weighs little.", style="dim"))


def _weight(bits: float) -> str:
    return wording.by_chance(bits * wording.LOG10_OF_BIT)


def _segment(start: float, end: float, low: float, high: float) -> Text:
    span = (high - low) or 1.0
    left, right = sorted((round((start - low) / span * BAR_WIDTH), round((end - low) / span * BAR_WIDTH)))
    right = max(right, left + 1) if left < BAR_WIDTH else right
    left = min(left, BAR_WIDTH - 1)
    return Text.assemble(" " * left, ("█" * max(right - left, 1), "yellow" if end >= start else "dim"))


def _shared(what: str, shared_with: int | None, expected: float | None) -> str:
    said = visible(what, 160)
    if shared_with is not None:
        said += f" (shared with {count(shared_with, 'account')}"
        said += f"; {expected:.3g} expected by chance)" if expected is not None else ")"
    return said


def _show_pools(console: Console, findings: Findings) -> None:
    groups = wording.reasons(findings)
    if not groups:
        return
    _section(console, "Pools that act as one and are not campaigns")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("accounts", justify="right")
    table.add_column("pools", justify="right")
    table.add_column("why not")
    table.add_column("largest", style="dim", no_wrap=True)
    for group in groups:
        table.add_row(
            f"{group.accounts:,}", f"{len(group.pools):,}", Text(visible(group.why, 200)), Text(visible(group.pools[0].pool_id, 24))
        )
    console.print(table)


def _show_recognised(console: Console, findings: Findings) -> None:
    if not findings.recognised:
        return
    _section(console, "What others told of")
    for one in findings.recognised:
        console.print(bullet(recognised_sentence(one)))
    if any(one.accounts for one in findings.recognised):
        console.print(Text("To match a pack describes an account; it accuses nobody.", style="dim"))


def recognised_sentence(one: Recognised) -> str:
    """What a scan saw of one pack, in a sentence."""
    said = f"Pack {one.pack_id[:8]} of {one.issuer}: "
    if not one.accounts:
        return said + (one.reason or "nobody here matches it") + "."
    bits = [account.bits for account in one.accounts if account.grams]
    weight = f" as by chance {_weight(min(bits))} would" if bits else ""
    said += f"{count(len(one.accounts), 'account')} match{'es' if len(one.accounts) == 1 else ''} it{weight}"
    named: dict[str, int] = {}
    for account in one.accounts:
        if account.campaign_id is not None:
            named[account.campaign_id] = named.get(account.campaign_id, 0) + 1
    said += "".join(f"; {number:,} of campaign {campaign}" for campaign, number in named.items())
    keyed = sum(bool(account.identifiers) for account in one.accounts)
    said += f"; {keyed:,} by identifiers" if keyed else ""
    surest = ", ".join(account.account_id for account in one.accounts if account.campaign_id is None and account.bits)[:120]
    said += f". In no campaign here: {surest}" if surest else ""
    return said + (f". {one.reason[0].upper()}{one.reason[1:]}." if one.reason else ".")


def _show_visibility(console: Console, findings: Findings) -> None:
    dark = wording.unseen(findings.visibility)
    seen = wording.seeing(findings.visibility)
    if seen:
        _section(console, "What could be seen")
        console.print(Text(", ".join(f"{visible(v.channel, 24)} ({count(v.accounts, 'account')})" for v in seen)))
    if dark:
        _section(console, "What could not be seen")
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for channel, why in dark:
            table.add_row(Text(channel), Text(why))
        console.print(table)


def _section(console: Console, title: str) -> None:
    console.print()
    console.print(Text(title, style="bold"))


def _instruction(instruction: str) -> Padding:
    text = Text()
    for part, blank in wording.instruction_parts(instruction):
        text.append(part, style="dim underline" if blank else "italic")
    return Padding(text, (0, 0, 0, 2))
