"""What several screens are made of: bars, the table of axes, bullets. Every string goes through `wording.visible` and into a `Text`."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from stillhunt.cases import wording
from stillhunt.cases.wording import visible
from stillhunt.records import Campaign, Pool

BAR_WIDTH = 24


def axes_table(subject: Campaign | Pool) -> Table:
    """The axes that were weighed, a row each: a bar, how rare as much is by chance, and the question."""
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(width=BAR_WIDTH)
    table.add_column(no_wrap=True)
    table.add_column(style="dim")
    unseen = isinstance(subject, Pool) and "text" in subject.not_visible
    for axis in wording.axes(subject):
        if axis.name == "harvest" and unseen:
            table.add_row(Text(axis.name), Text("·" * BAR_WIDTH, style="dim"), Text("not visible"), Text(axis.question))
            continue
        strength = axis.evidence.log10_evidence
        table.add_row(Text(axis.name), bar(strength), Text(wording.by_chance(strength)), Text(axis.question))
    return table


def bar(value: float, width: int = BAR_WIDTH) -> Text:
    """Evidence (log10) as a bar of `width` cells, all axes on one scale; evidence against (negative) is drawn dim."""
    cells = round(wording.share_of_bar(value) * width)
    style = "yellow" if value > 0 else "dim"
    return Text.assemble(("█" * cells, style), ("·" * (width - cells), "dim"))


def bullet(text: str) -> Table:
    """One line of a list."""
    line = Table.grid(padding=(0, 1))
    line.add_column(width=1)
    line.add_column()
    line.add_row(Text("•", style="dim"), Text(visible(text, 600)))
    return line
