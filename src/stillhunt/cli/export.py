"""`stillhunt export`: findings as a table, for a spreadsheet, a notebook or a warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from stillhunt.cli.investigate import FindingsArgument, LatestOption, load
from stillhunt.cli.terminal import Json, emit, results
from stillhunt.errors import InputError


def export(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write: .csv or .parquet.", show_default=False)],
    findings: FindingsArgument = None,
    lake: LatestOption = None,
    table: Annotated[
        str, typer.Option("--table", metavar="NAME", help="accounts, observations (why each was named) or groups (campaigns and pools).")
    ] = "accounts",
    json: Json = False,
) -> None:
    """Write a scan's findings as a table: CSV or Parquet, one row for each account, observation or group."""
    from stillhunt.cases import tables
    from stillhunt.cases.wording import count, visible

    if table not in tables.TABLES:
        raise InputError(f"--table {visible(table, 40)}: no such table; choose one of {', '.join(tables.TABLES)}")
    found = tables.table(load(findings, lake), table)
    tables.write_table(found, output)
    if json:
        emit({"output": str(output), "table": table, "rows": found.num_rows, "columns": found.column_names})
    else:
        results().print(Text(f"{visible(str(output), 200)}: {count(found.num_rows, 'row')} of the table {table}."))
