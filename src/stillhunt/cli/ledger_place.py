"""Arguments that the commands about the ledger share, and how they find it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stillhunt.cli.terminal import emit
from stillhunt.errors import InputError

if TYPE_CHECKING:
    from stillhunt.ledger import Ledger
    from stillhunt.verifier import Key

LakeOfLedger = Annotated[str | None, typer.Option("--lake", metavar="DIR", help="The lake whose ledger is meant.", show_default=False)]
LedgerOption = Annotated[
    Path | None,
    typer.Option("--ledger", metavar="DIR", help="The ledger's folder, where it does not lie in the lake.", show_default=False),
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to FILE instead of standard output.", show_default=False)
]


def folder_of(lake: str | None, ledger: Path | None) -> Path:
    """The ledger's folder.

    Raises:
        InputError: neither option says where it is.
    """
    if ledger is not None:
        return ledger
    if lake is None:
        raise InputError("say which ledger is meant with --lake DIR or --ledger DIR")
    if lake.startswith("catalog:"):
        raise InputError(f"{lake}: a lake in a catalog has no folder for a ledger; say with --ledger DIR where it is")
    return Path(lake) / "ledger"


def opened(lake: str | None, ledger: Path | None) -> Ledger:
    """The ledger that the options name."""
    from stillhunt.ledger import Ledger

    return Ledger.open(folder_of(lake, ledger))


def read(path: Path) -> bytes:
    """The bytes of a file that the user named.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the name and its permissions") from error


def read_keys(path: Path) -> list[Key]:
    """Public keys from a file, one vkey a line.

    Raises:
        InputError: there is none, or a line is none.
    """
    from stillhunt.verifier import Key, Refused

    lines = [line.strip() for line in read(path).decode("utf-8", "replace").splitlines()]
    try:
        keys = [Key.parse(line) for line in lines if line and not line.startswith("#")]
    except Refused as error:
        raise InputError(f"{path}: {error}") from error
    if not keys:
        raise InputError(f"{path}: holds no key; `stillhunt ledger key` prints them, one a line")
    return keys


def deliver(content: bytes, output: Path | None, *, json: bool, what: str) -> None:
    """Write `content` where the user wants it; with --json say so, or print it as the text `what` of a document."""
    from stillhunt.cases.scans import write_private

    if output is not None:
        write_private(output, content)
        if json:
            emit({"file": str(output), "bytes": len(content)})
    elif json:
        emit({what: content.decode()})
    else:
        sys.stdout.write(content.decode())
