"""Arguments of all commands about cases, and the docket that they mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stillhunt.cli.settings import analyst
from stillhunt.cli.terminal import load
from stillhunt.errors import InputError

if TYPE_CHECKING:
    load("stillhunt.cases.docket")
    from stillhunt.cases.docket import Docket

CaseArgument = Annotated[
    str,
    typer.Argument(
        metavar="CASE", help="The case's id, how it begins, the id of the campaign that it is on, or `latest`.", show_default=False
    ),
]
ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does this (default: the setting STILLHUNT_ANALYST).")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why. It is recorded with the name.", show_default=False)]


@dataclass
class Where:
    """Where cases are kept, as `stillhunt case` was told for all its commands."""

    cases: Path | None = None
    registry: str | None = None
    ledger: Path | None = None


WHERE = Where()


@contextmanager
def docket(lake: str, *, write: bool = False, create: bool = False) -> Iterator[Docket]:
    """The docket of a lake.

    Args:
        lake: as on the command line.
        write: for writing, not only for reading.
        create: make what is missing of it.

    Raises:
        InputError: there are no cases there.
    """
    from stillhunt.cases.docket import Docket

    place = WHERE.cases or lake
    if create and not str(place).startswith("catalog:") and not Path(place).expanduser().is_dir():
        raise InputError(f"{place}: there is no such folder; give the lake's folder, or the one in which cases are kept")
    with Docket.open(place, registry=WHERE.registry, ledger=WHERE.ledger, write=write, create=create) as opened:
        yield opened


def who(by: str | None) -> str:
    """The name to record.

    Raises:
        InputError: neither the option nor the setting says it.
    """
    name = (by or analyst() or "").strip()
    if not name:
        raise InputError("say who does this: --by NAME, or set STILLHUNT_ANALYST")
    return name
