"""`stillhunt campaigns` and `stillhunt account`: reading findings that a scan has already made."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from stillhunt.cases import scans, wording
from stillhunt.cases.beside import documents
from stillhunt.cases.wording import visible
from stillhunt.cli import screen
from stillhunt.cli.remembered import known_documents, remembered, remembered_cases, show_cases, show_known
from stillhunt.cli.screen_parts import bullet
from stillhunt.cli.terminal import Json, emit, results
from stillhunt.errors import InputError
from stillhunt.records import Findings

FindingsArgument = Annotated[
    Path | None, typer.Argument(metavar="FINDINGS", help="A findings.json that a scan wrote (or use --lake).", show_default=False)
]


def _unless_findings(context: typer.Context, lake: str | None) -> str | None:
    """A lake that only the configuration file names steps back where the command line names findings."""
    source = context.get_parameter_source("lake")
    from_file = source is not None and source.name == "DEFAULT_MAP"
    return None if from_file and context.params.get("findings") is not None else lake


LatestOption = Annotated[
    str | None, typer.Option("--lake", metavar="DIR", help="Read the latest scan kept beside this lake.", callback=_unless_findings)
]


def load(findings: Path | None, lake: str | None) -> Findings:
    """The findings that a command is asked about: a file's, or the latest scan kept beside a lake.

    Raises:
        InputError: neither or both are given, or they cannot be read.
    """
    if (findings is None) == (lake is None):
        raise InputError("give either a findings.json or --lake DIR, to say which scan is meant")
    return scans.read(findings) if findings is not None else _latest(str(lake))


def near(name: str, known: Iterable[str]) -> str | None:
    """The known name that is written most like `name`, as a screen may show it; None if none is close. Cheap for many names."""
    # an edit changes the length by one at most, and a comparison of every name of many would take seconds
    likely = [one for one in known if abs(len(one) - len(name)) <= 2]
    likely.sort(key=lambda one: (-_alike_ends(one, name), one))
    found = get_close_matches(name, likely[:_MAX_COMPARED], n=1, cutoff=0.7)
    return visible(found[0]) if found else None


def _alike_ends(one: str, other: str) -> int:
    """Letters that two names have in common from the beginning on, and from the end on."""
    return sum(_common(a, b) for a, b in ((one, other), (one[::-1], other[::-1])))


def _common(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


_MAX_COMPARED = 2_000
"""Names that are compared letter by letter: those that begin and end most alike."""


def _latest(lake: str) -> Findings:
    try:
        return scans.latest(lake)
    except InputError:
        from stillhunt.lake import Lake

        Lake.open(lake).close()  # where there is no lake at all, its error is the one that helps
        raise


def campaigns(findings: FindingsArgument = None, lake: LatestOption = None, json: Json = False) -> None:
    """Show the campaigns that a scan found, and pools that could not be judged; with --lake also all that a watch has ever seen there."""
    read = load(findings, lake)
    known = remembered(lake) if lake is not None else None
    cases = remembered_cases(lake) if lake is not None else []
    if json:
        whole = read.to_json()
        document = {"campaigns": whole["campaigns"]}
        unjudged = [pool for pool in whole["pools"] if pool["verdict"] == "not judged"]
        if unjudged:
            document["not_judged"] = unjudged
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
    """Show why an account is in a campaign (or in a pool that is none): what it shares, and how rare that is by chance."""
    read = load(findings, lake)
    named = [(campaign, member) for campaign in read.campaigns for member in campaign.accounts if member.account_id == account_id]
    pools = [pool for pool in read.pools if account_id in pool.accounts]
    nothing = _unnamed(read, account_id, lake) if not named and not pools else None
    if json:
        emit(
            {
                "account_id": account_id,
                "campaigns": [{"campaign_id": c.campaign_id, **m.model_dump(mode="json")} for c, m in named],
                "pools": [
                    {
                        "pool_id": p.pool_id,
                        "accounts": len(p.accounts),
                        "verdict": p.verdict,
                        "why_not_a_campaign": p.why_not_a_campaign,
                    }
                    for p in pools
                ],
            }
        )
        return
    console = results()
    for campaign, member in named:
        screen.show_member(console, campaign, member)
    for pool in pools:
        which = "which could not be judged" if pool.verdict == "not judged" else "which is not a campaign"
        console.print(
            Text(
                f"{visible(account_id)} is in pool {visible(pool.pool_id)} of {wording.count(len(pool.accounts), 'account')}, "
                f"{which}: {visible(pool.why_not_a_campaign, 300)}."
            )
        )
        for step in pool.would_decide:
            console.print(bullet(step))
    if nothing is not None:
        console.print(Text(nothing))


def _unnamed(read: Findings, account_id: str, lake: str | None) -> str:
    """What is said of an account of the lake that no campaign and no pool has.

    Raises:
        InputError: nobody knows whether there is such an account, or there is none: most often a typing mistake.
    """
    said = f"{visible(account_id)}: in no campaign and no pool of these findings"
    if lake is not None and _called(lake, account_id):
        return f"{said}. It is in the lake, and nothing tied it to others; that does not say that it is harmless."
    told = {member.account_id for campaign in read.campaigns for member in campaign.accounts}
    told.update(account for pool in read.pools for account in pool.accounts)
    close = near(account_id, told)
    where = ", and not in the lake" if lake is not None else ""
    raise InputError(f"{said}{where}" + (f"; did you mean {close}?" if close else "; give it exactly as the logs name it"))


def _called(lake: str, account_id: str) -> bool:
    """Whether the lake has a record or a call of this account."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from stillhunt.lake import Lake

    wanted = pa.array([account_id], pa.string())
    with Lake.open(lake) as opened:
        for name in ("accounts", "interactions"):
            for batch in opened.table(name).batches(["account_id"]):
                if pc.any(pc.is_in(batch.column("account_id"), value_set=wanted)).as_py():
                    return True
    return False
