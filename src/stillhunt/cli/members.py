"""`stillhunt members`: who is in a campaign or a pool, all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stillhunt.cases.wording import count, visible
from stillhunt.cli.investigate import FindingsArgument, LatestOption, load, near
from stillhunt.cli.terminal import Json, emit, results
from stillhunt.errors import InputError

if TYPE_CHECKING:
    from stillhunt.records import Campaign, Findings, Pool


def members(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="A campaign or a pool, as `scan` and findings.json name it.", show_default=False)
    ],
    findings: FindingsArgument = None,
    lake: LatestOption = None,
    json: Json = False,
) -> None:
    """List all accounts of a campaign, or of a pool that is none or could not be judged."""
    from stillhunt.cli import screen_pools

    subject = _named(load(findings, lake), name)
    if json:
        emit(subject.model_dump(mode="json"))
        return
    screen_pools.show_members(results(), subject)


def _named(read: Findings, name: str) -> Campaign | Pool:
    known: dict[str, Campaign | Pool] = {pool.pool_id: pool for pool in read.pools} | {one.campaign_id: one for one in read.campaigns}
    if name in known:
        return known[name]
    close = near(name, known)
    hint = f"; did you mean {close}?" if close else ""
    there = f"{count(len(read.campaigns), 'campaign')} and {count(len(read.pools), 'pool')}"
    raise InputError(f"{visible(name)}: no campaign or pool of these findings, which have {there}{hint}")
