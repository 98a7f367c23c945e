"""Asking before something is removed for good: a preview first, then a question to whoever sits at the terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. Where nobody sits at a terminal, nothing is asked.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")]


def attended() -> bool:
    """Whether somebody sits at a terminal and can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(what: str, *, yes: bool) -> None:
    """Ask whether to go on; a script, which nobody can be asked in, goes on.

    Args:
        what: one sentence that says what would be removed.
        yes: the answer, where it was given beforehand.

    Raises:
        typer.Exit: the answer was no; the status is 0, since what was asked for was done: nothing.
    """
    if yes or not attended():
        return
    if not typer.confirm(f"{what} This cannot be undone. Go on?", default=False, err=True):
        typer.echo("Nothing was removed.", err=True)
        raise typer.Exit
