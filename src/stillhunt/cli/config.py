"""`stillhunt config`: which settings hold, and where each comes from."""

from __future__ import annotations

import typer
from rich.table import Table
from rich.text import Text

from stillhunt.cli import configuration
from stillhunt.cli.terminal import Json, emit, results

app = typer.Typer(help="Which settings hold, and where each comes from.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Which settings hold, and where each comes from.

    A TOML file holds them: [settings] what the STILLHUNT_... variables say, [defaults] options of all commands, [scan] or [case.open]
    options of one. The command line goes before the environment, that before the file.
    """


@app.command()
def show(context: typer.Context, json: Json = False) -> None:
    """Show every setting with its value and where it comes from, and the options that the configuration file gives."""
    found = configuration.read()
    rows = list(configuration.shown(found, context.find_root().command))
    place, _ = configuration.place()
    if json:
        emit(
            {
                "file": None if found.file is None else str(found.file),
                "values": [{"name": name, "value": value or None, "from": source} for name, value, source in rows],
            }
        )
        return
    console = results()
    where = f"Configuration: {found.file}" if found.file else f"No configuration file; {place or 'STILLHUNT_CONFIG'} would be read."
    console.print(Text(where))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("what", "value", "from"):
        table.add_column(heading, overflow="fold")
    for name, value, source in rows:
        table.add_row(Text(name), Text(value), Text(source, style="dim"))
    console.print(table)
