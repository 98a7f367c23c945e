"""`stillhunt formats`: what can be read, what a log looks like when it is read, and a mapping for a log that no format knows."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from stillhunt.cli import catalogue
from stillhunt.cli.arguments import FormatOption, MapOption, chosen_format
from stillhunt.cli.terminal import Json, emit, results

if TYPE_CHECKING:
    from stillhunt.intake.trying import Tried

_LONGEST = 300
"""Characters of a value that are shown."""


class _Formats(TyperGroup):
    """A group that lists when it is called bare, or shows the one format that is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command that is meant in front of what was given."""
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Formats,
    help="List the log formats that can be read, and what each of them can see.",
    epilog="`stillhunt formats` alone lists all formats; `stillhunt formats NAME` says what one of them hides and how to turn it on.",
    rich_markup_mode=None,
    add_completion=False,
)
app.command("show", hidden=True)(catalogue.formats)


@app.command("try")
def try_(
    log: Annotated[Path, typer.Argument(metavar="FILE", help="A log; its beginning is enough.", show_default=False)],
    map_: MapOption = None,
    format_: FormatOption = None,
    json: Json = False,
) -> None:
    """Show three records as they would be read, what is missing in them, and which channels stay blind for it. Nothing is kept."""
    from stillhunt.cases.wording import count, visible
    from stillhunt.intake.trying import attempt

    tried = attempt(log, chosen_format(format_, map_))
    if json:
        emit(_document(tried))
        return
    console = results()
    console.print(Text(f"{visible(str(log), 200)}: read as {tried.title}", style="bold"))
    said = f"Of the first {count(tried.records, 'record')}, {count(tried.calls, 'is a call', 'are calls')}"
    said += f", {tried.ignored:,} of another kind" if tried.ignored else ""
    said += f", {tried.unknown:,} of callers whom the gateway did not know" if tried.unknown else ""
    said += f", {tried.refused.total():,} refused" if tried.refused else ""
    console.print(Text(said + "."))
    for reason, number in tried.refused.most_common(5):
        console.print(Text(f"  {number:,} refused: {visible(reason, 200)}"))
    for reason, number in tried.left_out.most_common(10):
        console.print(Text(f"  left out in {count(number, 'record')}: {visible(reason, 200)}"))
    for number, row in enumerate(tried.shown, 1):
        console.print(Text(f"\nCall {number}", style="bold"))
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for column, value in row.items():
            table.add_row(Text(column), Text(visible(value, _LONGEST)))
        console.print(table)
    if tried.missing:
        console.print(Text("\nNot there: " + ", ".join(tried.missing)))
    _show_blind(tried)


def _show_blind(tried: Tried) -> None:
    console = results()
    if not tried.blind:
        console.print(Text("\nEvery channel finds what it needs here."))
        return
    console.print(Text("\nBlind for that, unless another log or an accounts file brings it:"))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for channel, columns in tried.blind.items():
        table.add_row(Text(channel), Text("needs " + ", ".join(columns)))
    console.print(table)


def _document(tried: Tried) -> dict[str, Any]:
    return {
        "format": tried.title,
        "records": tried.records,
        "calls": tried.calls,
        "ignored": tried.ignored,
        "unknown_callers": tried.unknown,
        "refused": dict(sorted(tried.refused.items())),
        "left_out": dict(sorted(tried.left_out.items())),
        "shown": tried.shown,
        "missing": tried.missing,
        "blind": tried.blind,
    }


@app.command("guess")
def guess(
    log: Annotated[Path, typer.Argument(metavar="FILE", help="A log that no format knows: JSON, CSV or Parquet.", show_default=False)],
    json: Json = False,
) -> None:
    """Propose a mapping for a log by its names and the shapes of its values: TOML, which --map takes as it is once you have read it."""
    from stillhunt.intake.guessing import propose

    proposed = propose(log)
    if json:
        emit({"toml": proposed, "mapping": tomllib.loads(proposed)})
        return
    typer.echo(proposed, nl=False)
