"""`stillhunt case export`: one signed file that a stranger can verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from stillhunt.cases.wording import count
from stillhunt.cli.arguments import LakeOption
from stillhunt.cli.case_arguments import ByOption, CaseArgument, docket, who
from stillhunt.cli.terminal import Json, emit, results
from stillhunt.errors import InputError


def export(
    case: CaseArgument,
    lake: LakeOption,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.", show_default=False)],
    interactions: Annotated[
        int, typer.Option("--interactions", metavar="N", min=0, help="How many interactions are chosen and proved, at most.")
    ] = 50,
    interaction: Annotated[
        list[str] | None, typer.Option("--interaction", metavar="ID", help="Prove this one instead of choosing. May be repeated.")
    ] = None,
    withhold: Annotated[
        str, typer.Option("--withhold", metavar="GROUPS", help="Parts of interactions to commit to and not show: who, call, content.")
    ] = "",
    whole_findings: Annotated[
        bool, typer.Option("--whole-findings", help="Enclose all findings of the scan, other campaigns and groups included.")
    ] = False,
    tlp: Annotated[str, typer.Option("--tlp", metavar="LABEL", help="clear, green, amber, amber+strict or red.")] = "amber",
    recipient: Annotated[
        str | None, typer.Option("--recipient", metavar="NAME", help="The organization that it is for; the ledger keeps its name.")
    ] = None,
    report: Annotated[
        list[Path] | None,
        typer.Option("--report", metavar="FILE", help="Enclose this .html or .pdf file and not the case's report. May be repeated."),
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Enclose no report that is not given with --report.")] = False,
    by: ByOption = None,
    json: Json = False,
) -> None:
    """Write the case's evidence into one signed file, once the ledger has recorded that it leaves; see `stillhunt verify`."""
    from stillhunt.cases.bundle import Wanted
    from stillhunt.cases.bundle import export as make
    from stillhunt.cases.scans import write_private
    from stillhunt.cases.share import Tlp
    from stillhunt.cases.share.preparing import newest_answers

    name, groups = who(by), [group.strip() for group in withhold.split(",") if group.strip()]
    if tlp not in set(Tlp):
        raise InputError(f"--tlp {tlp[:40]}: no such label; use {', '.join(Tlp)}")
    if tlp == Tlp.RED and not (recipient or "").strip():
        raise InputError("--tlp red: is for one recipient's eyes only; say whose with --recipient NAME")
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise InputError(f"{output}: is no file in a folder that exists; choose another place")
    given = _reports(report or [])
    with docket(lake, write=True) as cases:
        found = cases.case(case)
        answers = newest_answers(found)
        wanted = Wanted(
            interactions=interaction or None,
            most=interactions,
            withhold=groups,
            whole_findings=whole_findings,
            recipient=(recipient or "").strip() or None,
            tlp=tlp,
            reports=given if no_report or given else None,
        )
        content, event = make(cases, found.case_id, answers, wanted, name)
        write_private(output, content)
    body = event.body or {}
    if json:
        emit({"case_id": found.case_id, "file": str(output), "event": event.number, "answers": len(answers), **body})
        return
    console = results()
    console.print(Text(f"{output}: {count(len(content), 'byte')}, TLP:{tlp.upper()}", overflow="fold", no_wrap=False))
    console.print(Text(f"Recorded as entry {body.get('export_leaf')} of the ledger and event {event.number} of {found.case_id}."))
    console.print(Text("`stillhunt ledger key` prints the public keys with which it is verified; hand them over by another way."))
    if not answers:
        console.print(Text("The four questions were not asked yet (`stillhunt case answer`): the bundle has no answers."))


def _reports(files: list[Path]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for path in files:
        name = f"report{path.suffix.lower()}"
        if name not in {"report.html", "report.pdf"} or name in found:
            raise InputError(f"{path}: one .html and one .pdf file can be enclosed")
        try:
            found[name] = path.read_bytes()
            if name == "report.html":
                found[name].decode()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'}); name a report") from error
    return found
