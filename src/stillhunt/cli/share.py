"""`stillhunt case share`: a case in a format that others read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from stillhunt.cases.wording import count, visible
from stillhunt.cli.arguments import LakeOption
from stillhunt.cli.case_arguments import ByOption, CaseArgument, docket, who
from stillhunt.cli.terminal import Json, emit, results
from stillhunt.errors import InputError


def share(
    case: CaseArgument,
    lake: LakeOption,
    to: Annotated[
        str,
        typer.Option("--to", metavar="FORMAT", help="stix, misp, sigma, timesketch, osprey, coop, or a plug-in's.", show_default=False),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.", show_default=False)],
    tlp: Annotated[
        str, typer.Option("--tlp", metavar="LABEL", help="clear, green, amber, amber+strict or red: who may be told.")
    ] = "amber",
    recipient: Annotated[
        str | None, typer.Option("--recipient", metavar="NAME", help="The organization that it is for; the ledger keeps its name.")
    ] = None,
    sender: Annotated[
        str | None, typer.Option("--sender", metavar="NAME", help="Your organization's name, where the format has it.")
    ] = None,
    no_accounts: Annotated[bool, typer.Option("--no-accounts", help="Leave out which accounts it was.")] = False,
    with_instructions: Annotated[
        bool, typer.Option("--with-instructions", help="Share what the accounts have in common to say, slots blank.")
    ] = False,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="What the recipient's system calls a thing. May be repeated.", show_default=False),
    ] = None,
    by: ByOption = None,
    json: Json = False,
) -> None:
    """Write a case for others: into one file, once the ledger has recorded what leaves and for whom."""
    from stillhunt.cases.share import Options, Tlp, share_named
    from stillhunt.cases.share.preparing import prepared
    from stillhunt.cases.share.release import release

    name, target = who(by), share_named(to)
    if tlp not in set(Tlp):
        raise InputError(f"--tlp {tlp[:40]}: no such label; use {', '.join(Tlp)}")
    label, settings = Tlp(tlp), _settings(setting or [], list(target.settings))
    with docket(lake, write=True) as cases:
        found = prepared(cases, case)
        options = Options(
            tlp=label,
            sender=sender,
            accounts=not no_accounts,
            instructions=with_instructions,
            observables=found.observables,
            lives=found.lives,
            settings=settings,
        )
        content = target.render(found.case, found.findings, found.campaign, found.answers, options)
        event = release(cases, found.case.case_id, content, output, kind=target.name, tlp=label, recipient=recipient, by=name)
    body = event.body or {}
    if json:
        emit({"case_id": found.case.case_id, "file": str(output), "event": event.number, "counted": found.counted, **body})
        return
    console = results()
    console.print(
        Text(f"{output}: {count(len(content), 'byte')}, TLP:{tlp.upper()}, {visible(target.describe, 200)}", overflow="fold", no_wrap=False)
    )
    console.print(Text(f"Recorded as entry {body.get('export_leaf')} of the ledger and event {event.number} of {found.case.case_id}."))
    if not found.counted:
        console.print(Text("The case's calls were given up: nobody could count whom else its networks and clients belong to."))


def _settings(given: list[str], known: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or name not in known:
            there = f"there are {', '.join(known)}" if known else "this format has none"
            raise InputError(f"--set {visible(one, 60)}: write NAME=VALUE with a setting of the format; {there}")
        found[name] = value
    return found
