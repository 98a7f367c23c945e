"""`stillhunt campaigns` and `stillhunt account`: reading findings that a scan has already made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from stillhunt.cases import scans, wording
from stillhunt.cases.beside import documents
from stillhunt.cli import screen
from stillhunt.cli.remembered import known_documents, remembered, remembered_cases, show_cases, show_known
from stillhunt.cli.terminal import Json, emit, results
from stillhunt.errors import InputError
from stillhunt.records import Findings

FindingsArgument = Annotated[
    Path | None, typer.Argument(metavar="FINDINGS", help="A findings.json that a scan wrote (or use --lake).", show_default=False)
]
LatestOption = Annotated[str | None, typer.Option("--lake", metavar="DIR", help="Read the latest scan kept beside this lake.")]


def _load(findings: Path | None, lake: str | None) -> Findings:
    if (findings is None) == (lake is None):
        raise InputError("give either a findings.json or --lake DIR, to say which scan is meant")
    return scans.read(findings) if findings is not None else _latest(str(lake))


def _latest(lake: str) -> Findings:
    try:
        return scans.latest(lake)
    except InputError:
        from stillhunt.lake import Lake

        Lake.open(lake).close()  # where there is no lake at all, its error is the one that helps
        raise


def campaigns(findings: FindingsArgument = None, lake: LatestOption = None, json: Json = False) -> None:
    """Show the campaigns that a scan found; with --lake also all that a watch has ever seen there."""
    read = _load(findings, lake)
    known = remembered(lake) if lake is not None else None
    cases = remembered_cases(lake) if lake is not None else []
    if json:
        document = {"campaigns": read.to_json()["campaigns"]}
        if cases:
            document["cases"] = documents(read.campaigns, cases)
        emit(document if known is None else document | {"known": known_documents(known)})
        return
    screen.show_campaigns(results(), read)
    show_cases(results(), read.campaigns, cases)
    if known is not None:
        show_known(results(), known)


def account(
    account_id: Annotated[str, typer.Argument(metavar="ACCOUNT_ID", help="The account, exactly as the logs name it.", show_default=False)],
    findings: FindingsArgument = None,
    lake: LatestOption = None,
    json: Json = False,
) -> None:
    """Show why an account is in a campaign (or in a pool that is none): its observations, with their weight in bits."""
    read = _load(findings, lake)
    named = [(campaign, member) for campaign in read.campaigns for member in campaign.accounts if member.account_id == account_id]
    pools = [pool for pool in read.pools if account_id in pool.accounts]
    if json:
        emit(
            {
                "account_id": account_id,
                "campaigns": [{"campaign_id": c.campaign_id, **m.model_dump(mode="json")} for c, m in named],
                "pools": [{"pool_id": p.pool_id, "accounts": len(p.accounts), "why_not_a_campaign": p.why_not_a_campaign} for p in pools],
            }
        )
        return
    console = results()
    for campaign, member in named:
        screen.show_member(console, campaign, member)
    for pool in pools:
        console.print(
            Text(
                f"{wording.visible(account_id)} is in pool {wording.visible(pool.pool_id)} "
                f"of {wording.count(len(pool.accounts), 'account')}, which is not a campaign: "
                f"{wording.visible(pool.why_not_a_campaign, 300)}."
            )
        )
    if not named and not pools:
        console.print(
            Text(f"{wording.visible(account_id)} is not named in these findings. They do not say that it is harmless, or that it exists.")
        )
