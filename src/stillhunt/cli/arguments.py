"""Arguments that several commands share, so that they are spelled, explained and checked in one way."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from stillhunt.errors import InputError

Logs = Annotated[list[Path], typer.Argument(metavar="LOGS...", help="Log files or folders; plain, gzip or zstd.", show_default=False)]
LakeOption = Annotated[
    str, typer.Option("--lake", metavar="DIR", help="The lake: a folder, or catalog:NAME for a configured Iceberg catalog.")
]
FormatOption = Annotated[
    str | None, typer.Option("--format", metavar="NAME", help="Read all LOGS as this format instead of guessing (see `stillhunt formats`).")
]
MapOption = Annotated[
    Path | None,
    typer.Option(
        "--map", metavar="FILE", help="Read all LOGS as this mapping file says (see `stillhunt formats guess`).", show_default=False
    ),
]
KeepTextOption = Annotated[
    bool, typer.Option("--keep-text", help="Keep prompts and answers in the lake as they are. Without it only fingerprints are kept.")
]
QuarantineOption = Annotated[
    Path | None, typer.Option("--quarantine", metavar="FILE", help="Write records that cannot be read to FILE, each with its reason.")
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, metavar="N", help="Processes that read logs (default: one per core).")
]

LedgerFolderOption = Annotated[
    Path | None,
    typer.Option(
        "--ledger", metavar="DIR", help="The ledger that records it (default: the folder `ledger` in the lake's).", show_default=False
    ),
]
NoLedgerOption = Annotated[
    bool, typer.Option("--no-ledger", help="Record nothing: what is read now cannot be proved later, unless `ledger adopt` records it.")
]


def chosen_format(format_: str | None, mapping: Path | None, *, options: str = "--format and --map") -> str | None:
    """The name by which intake knows what `--format` or `--map` chose; None: to be guessed.

    Raises:
        InputError: both are given, or the mapping cannot be used.
    """
    if mapping is None:
        return format_
    if format_ is not None:
        raise InputError(f"{options}: give one of the two")
    from stillhunt.intake.mapping import load

    return load(str(mapping.absolute())).name


def parse_time(text: str, option: str) -> datetime:
    """An ISO 8601 time or date in UTC, unless it names another zone.

    Raises:
        InputError: it is not a time.
    """
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(f"{option} {text}: not a time; write it like 2026-05-01T12:00:00Z or 2026-05-01") from None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
