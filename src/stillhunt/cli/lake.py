"""`stillhunt lake`: what a lake holds, keeping it fast, and deleting what may no longer be kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from stillhunt.cases.wording import count, moment, visible
from stillhunt.cli import confirming
from stillhunt.cli.arguments import LakeOption, LedgerFolderOption, parse_time
from stillhunt.cli.confirming import DryRun, Yes, confirm
from stillhunt.cli.terminal import Json, emit, progress, results
from stillhunt.errors import InputError

app = typer.Typer(help="What a lake holds, keeping it fast, and deleting what may no longer be kept.", no_args_is_help=True)


@app.command()
def info(lake: LakeOption, json: Json = False) -> None:
    """Show what a lake holds: rows by table, its snapshot, and whether text is kept."""
    from stillhunt.lake import Lake
    from stillhunt.records import TABLES

    with Lake.open(lake) as opened:
        rows = {name: opened.table(name).count() for name in TABLES}
        snapshot = opened.snapshot()
    if json:
        emit({"lake": lake, "snapshot": snapshot, "rows": rows, "keeps_text": rows["texts"] > 0})
        return
    console = results()
    console.print(_numbers(rows))
    console.print(Text(f"\nSnapshot {snapshot}", style="dim"))
    console.print(Text("Text is kept." if rows["texts"] else "No text is kept: only fingerprints."))


@app.command()
def compact(lake: LakeOption, ledger: LedgerFolderOption = None, json: Json = False) -> None:
    """Rewrite many small files as few large ones, and remove what nothing refers to any more."""
    from stillhunt.lake import Lake
    from stillhunt.ledger.recording import record

    with Lake.open(lake) as opened, progress() as step:
        record(opened, ledger)
        report = opened.compact(progress=lambda done, total, table: step(table, f"compacting {table}", done, total))
    _show(report, "Compacted.", json=json)


@app.command()
def retain(
    lake: LakeOption,
    days: Annotated[int | None, typer.Option("--days", min=1, metavar="N", help="Keep N days before now and delete what is older.")] = None,
    before: Annotated[str | None, typer.Option("--before", metavar="TIME", help="Delete what began before this time.")] = None,
    ledger: LedgerFolderOption = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Delete old calls for good: from the tables, from earlier snapshots and from disk."""
    from stillhunt.cases.docket import CASES
    from stillhunt.cases.freezing import holding
    from stillhunt.lake import Lake
    from stillhunt.ledger.recording import record

    if (days is None) == (before is None):
        raise InputError("say what to keep with either --days N or --before TIME")
    limit = parse_time(before, "--before") if before is not None else datetime.now(UTC) - timedelta(days=days or 0)
    with Lake.open(lake) as opened:
        if dry_run or (not yes and confirming.attended()):  # counting reads files: nobody waits for it whom nobody asked
            due = opened.due(limit)
            said = (
                f"{count(due['interactions'], 'call')} and {count(due['texts'], 'kept text')} from before {moment(limit.isoformat())}, "
                f"in files of {due['bytes']:,} bytes"
            )
            if dry_run:
                if json:
                    emit({"would_delete": due, "before": limit})
                else:
                    results().print(Text(f"Would delete for good: {said}, with what was derived from them. Nothing was deleted."))
                return
            confirm(f"{visible(lake, 200)}: {said}, would be deleted for good, with what was derived from them.", yes=yes)
        record(opened, ledger)
        report = opened.retain(limit)
        held = holding(opened.folder / CASES, limit) if opened.folder is not None else []
    done = f"Deleted for good what began before {moment(limit.isoformat())}."
    if held:
        done += f" {count(len(held), 'case')} hold{'s' if len(held) == 1 else ''} older calls still: {', '.join(held[:10])}. "
        done += "`stillhunt case release` gives them up."
    _show(report, done, json=json, held_by_cases=held)


def _show(report: Any, done: str, *, json: bool, **more: Any) -> None:
    numbers = {name: getattr(report, name) for name in report.__dataclass_fields__}
    if json:
        emit(numbers | more)
        return
    console = results()
    console.print(Text(done))
    console.print(_numbers(numbers))


def _numbers(numbers: dict[str, Any]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    for name, value in numbers.items():
        table.add_row(Text(name.replace("_", " ")), Text(f"{value:,}" if isinstance(value, int) else str(value)))
    return table
