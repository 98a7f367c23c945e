"""Campaigns as a watch has come to know them, for `stillhunt campaigns --lake`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stillhunt.cases.beside import beside, sentence
from stillhunt.cases.telling import STATUS, dated, known_document
from stillhunt.cases.wording import moment, visible

if TYPE_CHECKING:
    from stillhunt.campaigns.known import Known
    from stillhunt.cases.registry import Moment
    from stillhunt.records import Campaign
    from stillhunt.records.cases import Case


class Remembered(NamedTuple):
    """A campaign and what became of it."""

    campaign: Known
    history: list[Moment]


def remembered(lake: str) -> list[Remembered] | None:
    """All campaigns in the registry beside a local lake; None where no watch has kept one there.

    Raises:
        StillhuntError: the registry cannot be read.
    """
    from stillhunt.cases.registry import FILE, Registry

    file = Path(lake).expanduser() / FILE
    if not file.is_file():
        return None
    with Registry(file) as registry:
        return [Remembered(one, registry.history(one.name)) for one in registry.known()]


def remembered_cases(lake: str) -> list[Case]:
    """All cases in the registry beside a local lake.

    Raises:
        StillhuntError: the registry cannot be read.
    """
    from stillhunt.cases.docket import Docket
    from stillhunt.cases.registry import FILE

    if not (Path(lake).expanduser() / FILE).is_file():
        return []
    with Docket.open(lake) as docket:
        return docket.cases()


def show_cases(console: Console, campaigns: Sequence[Campaign], cases: Sequence[Case]) -> None:
    """Where the cases about these campaigns stand, or nothing where there are none."""
    told = [(campaign.campaign_id, sentence(case)) for campaign in campaigns for case in beside(campaign, cases)]
    if told:
        console.print(Text("\nCases", style="bold"))
    for campaign_id, said in told:
        console.print(Text(f"{visible(campaign_id)}: {said}"))


def known_documents(known: Sequence[Remembered]) -> list[dict[str, Any]]:
    """As JSON: each campaign, and its sizes from look to look."""
    return [known_document(one.campaign) | {"history": [asdict(at) for at in one.history]} for one in known]


def show_known(console: Console, known: Sequence[Remembered]) -> None:
    """One row for each campaign, or nothing where none is known."""
    if not known:
        return
    console.print(Text("\nWhat the watch knows", style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("campaign", "status", "accounts", "ever", "closed", "first named", "could have been, with calls up to"):
        table.add_column(heading, justify="right" if heading in {"accounts", "ever", "closed"} else "left")
    table.columns[0].no_wrap = True
    for one, _ in known:
        status = STATUS[one.status] + (f" {visible(one.merged_into)}" if one.merged_into else "")
        status += f", generation {one.generation}" if one.generation > 1 else ""
        table.add_row(
            Text(visible(one.name)),
            Text(status),
            f"{one.size:,}",
            f"{len(one.members):,}",
            f"{one.closed:,}",
            Text(moment(one.first_named_at)),
            Text(dated(one)),
        )
    console.print(table)
