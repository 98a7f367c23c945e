"""`stillhunt case`: from a finding to a closed case."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from stillhunt.cases.wording import count, visible
from stillhunt.cli.arguments import LakeOption
from stillhunt.cli.case_arguments import WHERE, ByOption, CaseArgument, ReasonOption, docket, who
from stillhunt.cli.confirming import DryRun, Yes, confirm
from stillhunt.cli.lazy import Place, group_of
from stillhunt.cli.outcome import FOUND
from stillhunt.cli.terminal import Json, emit, progress, results
from stillhunt.errors import InputError
from stillhunt.records.cases import Case, Credibility, Reliability, Result, Status

COMMANDS = {
    "answer": Place("case_answer:answer", "Answer the four questions from what the case has frozen, and record the answers in it."),
    "policy": Place("case_answer:policy", "Print a policy file to begin with: every condition that clauses can have, with comments."),
    "share": Place("share:share", "Write a case for others: into one file, once the ledger has recorded what leaves and for whom."),
    "export": Place("case_export:export", "Write the case's evidence into one signed file, once the ledger has recorded that it leaves."),
    "report": Place(
        "case_report:report", "Write a case as one HTML file or as a PDF: where it stands, the four answers, pictures of the evidence."
    ),
    "pack": Place(
        "packs:pack", "Write an indicator pack: lets another provider recognise the campaign, and shows neither prompts nor identities."
    ),
}
"""What stands in modules of its own, imported when it is chosen."""

app = typer.Typer(cls=group_of(COMMANDS), help="Investigations: open, work on, close and repeat them.", no_args_is_help=True)


@app.callback()
def _where(
    cases: Annotated[
        Path | None, typer.Option("--cases", metavar="DIR", help="Where cases are kept (default: the lake's folder).", show_default=False)
    ] = None,
    registry: Annotated[
        str | None, typer.Option("--registry", metavar="WHERE", help="The registry: a file or a database's URL (default: beside the lake).")
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", metavar="DIR", help="The ledger's folder (default: beside the lake).", show_default=False)
    ] = None,
) -> None:
    """Investigations: open, work on, close and repeat them."""
    WHERE.cases, WHERE.registry, WHERE.ledger = cases, registry, ledger


@app.command("open")
def open_(
    campaign: Annotated[
        str, typer.Argument(metavar="CAMPAIGN", help="A campaign's id or how it begins, or a watch's name for it.", show_default=False)
    ],
    lake: LakeOption,
    findings: Annotated[
        Path | None, typer.Option("--findings", metavar="FILE", help="These findings instead of the latest scan kept beside the lake.")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="What the case is called.")] = None,
    by: ByOption = None,
    json: Json = False,
) -> None:
    """Open a case on a campaign: its calls, findings and configuration are frozen, and held against retention."""
    from stillhunt.cases import scans
    from stillhunt.cases.proceedings import open_case
    from stillhunt.lake import Lake

    name = who(by)
    file = findings or scans.latest_file(lake)
    scans.read(file)
    with Lake.open(lake) as opened, docket(lake, write=True, create=True) as cases:
        case = open_case(cases, opened, file.read_bytes(), campaign, name, title=title)
        recorded = cases.frozen(case.case_id).configuration.get("recorded", True)
    _tell(case, json=json, done=f"Opened on {count(len(case.accounts), 'account')} of campaign {visible(case.campaign)}.")
    if not json and not recorded:
        results().print(Text("Nobody wrote down what that scan was told: the usual settings are assumed."))


@app.command("list")
def list_(
    lake: LakeOption,
    status: Annotated[Status | None, typer.Option("--status", help="Only cases that stand there.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """List all cases, oldest first."""
    from stillhunt.cli.case_screen import case_table

    with docket(lake) as cases:
        found = cases.cases(status)
    if json:
        emit({"cases": [case.model_dump(mode="json", exclude={"events", "accounts"}) | {"accounts": len(case.accounts)} for case in found]})
    elif found:
        results().print(case_table(found))
    else:
        results().print(Text("No such cases." if status else "No cases."))


@app.command()
def show(case: CaseArgument, lake: LakeOption, json: Json = False) -> None:
    """Show a case: where it stands, what was done in it by whom, and whether each event is what it was."""
    from stillhunt.cases.case_events import intact
    from stillhunt.cli.case_screen import show_case

    with docket(lake) as cases:
        found = cases.case(case)
    if json:
        emit(found.model_dump(mode="json") | {"changed_events": [one.number for one in found.events if not intact(one)]})
        return
    show_case(results(), found)


@app.command()
def status(
    case: CaseArgument,
    status: Annotated[Status, typer.Argument(metavar="STATUS", help="pending or investigating.", show_default=False)],
    lake: LakeOption,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, if there is more to say.")] = "",
    by: ByOption = None,
    json: Json = False,
) -> None:
    """Say that a case is being investigated, or is pending again."""
    from stillhunt.cases.proceedings import investigate

    with docket(lake, write=True) as cases:
        _tell(investigate(cases, case, status, reason, who(by)), json=json)


@app.command()
def close(
    case: CaseArgument,
    lake: LakeOption,
    result: Annotated[Result, typer.Option("--result", help="What came out.", show_default=False)],
    reason: ReasonOption,
    by: ByOption = None,
    json: Json = False,
) -> None:
    """Close a case, with its result and the reason."""
    from stillhunt.cases.proceedings import close as close_case

    with docket(lake, write=True) as cases:
        _tell(close_case(cases, case, result, reason, who(by)), json=json)


@app.command()
def reopen(case: CaseArgument, lake: LakeOption, reason: ReasonOption, by: ByOption = None, json: Json = False) -> None:
    """Investigate a closed case again."""
    from stillhunt.cases.proceedings import reopen as reopen_case

    with docket(lake, write=True) as cases:
        _tell(reopen_case(cases, case, reason, who(by)), json=json)


@app.command()
def note(
    case: CaseArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is to be written down.", show_default=False)],
    lake: LakeOption,
    by: ByOption = None,
    json: Json = False,
) -> None:
    """Write something down in a case."""
    from stillhunt.cases.proceedings import note as write_note

    with docket(lake, write=True) as cases:
        made = write_note(cases, case, text, who(by))
        _tell(cases.case(case), json=json, done=f"Noted as event {made.number}.")


@app.command()
def exhibit(
    case: CaseArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Is copied into the case.", show_default=False)],
    lake: LakeOption,
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="What it is.", show_default=False)],
    reliability: Annotated[Reliability, typer.Option("--reliability", help="Of its source: A reliable to E unreliable, F not known.")],
    credibility: Annotated[Credibility, typer.Option("--credibility", help="Of what it says: 1 confirmed to 5 improbable, 6 not known.")],
    names: Annotated[str | None, typer.Option("--names", metavar="TEXT", help="Companies or people that it names.")] = None,
    by: ByOption = None,
    json: Json = False,
) -> None:
    """Take a file into a case: the only way in which names of companies or people enter it."""
    from stillhunt.cases.proceedings import exhibit as take

    with docket(lake, write=True) as cases:
        made = take(cases, case, file, who(by), title=title, reliability=reliability, credibility=credibility, names=names)
        _tell(cases.case(case), json=json, done=f"Taken in as event {made.number}, {(made.body or {})['exhibit_id']}.")


@app.command()
def merge(
    case: CaseArgument,
    lake: LakeOption,
    into: Annotated[str, typer.Option("--into", metavar="CASE", help="The case that goes on.", show_default=False)],
    reason: ReasonOption,
    by: ByOption = None,
    json: Json = False,
) -> None:
    """Make a case part of another one, which gets its accounts."""
    from stillhunt.cases.proceedings import merge as merge_cases

    with docket(lake, write=True) as cases:
        _tell(merge_cases(cases, case, into, reason, who(by)), json=json)


@app.command()
def split(
    case: CaseArgument,
    lake: LakeOption,
    reason: ReasonOption,
    account: Annotated[
        list[str] | None,
        typer.Option("--account", metavar="ACCOUNT_ID", help="An account that moves. May be repeated.", show_default=False),
    ] = None,
    accounts: Annotated[Path | None, typer.Option("--accounts", metavar="FILE", help="Accounts that move, one a line.")] = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="What the new case is called.")] = None,
    by: ByOption = None,
    json: Json = False,
) -> None:
    """Move accounts of a case to a new one, with frozen material of its own."""
    from stillhunt.cases.proceedings import split as split_case

    moved = list(account or ())
    if accounts is not None:
        try:
            moved += [line.strip() for line in accounts.read_text("utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{accounts}: cannot be read ({type(error).__name__}); write one account a line") from error
    with docket(lake, write=True) as cases:
        _tell(split_case(cases, case, moved, reason, who(by), title=title), json=json)


@app.command()
def redact(
    case: CaseArgument,
    event: Annotated[int, typer.Argument(metavar="EVENT", help="The event's number.", show_default=False)],
    lake: LakeOption,
    reason: ReasonOption,
    by: ByOption = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Take away for good what an event says, and an exhibit's file; that it happened stays provable."""
    from stillhunt.cases.proceedings import redact as take_away

    with docket(lake, write=not dry_run) as cases:
        found = cases.case(case)
        named = [one for one in found.events if one.number == event]
        if not named:
            raise InputError(f"{found.case_id}: has no event {event}; `stillhunt case show {found.case_id} --lake {lake}` lists them")
        said = f"event {event} ({named[0].kind}, by {visible(named[0].actor)}, {named[0].at})"
        if dry_run:
            _would(f"{said} of {found.case_id}: what it says would be taken away, and an exhibit's file with it", json=json)
            return
        confirm(f"{found.case_id}: what {said} says would be taken away for good.", yes=yes)
        take_away(cases, case, event, reason, who(by))
        _tell(cases.case(case), json=json, done=f"Event {event} is redacted.")


@app.command()
def release(
    case: CaseArgument,
    lake: LakeOption,
    reason: ReasonOption,
    by: ByOption = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Give up a case's frozen calls: its findings stay, and its scan cannot be repeated any more."""
    from stillhunt.cases.proceedings import release as give_up

    with docket(lake, write=not dry_run) as cases:
        found = cases.case(case)
        files, size = cases.frozen(found.case_id).held()
        said = f"{count(files, 'file')} of frozen calls, {size:,} bytes"
        if dry_run:
            _would(f"{said}, of {found.case_id} would be given up; its scan could not be repeated any more", json=json)
            return
        confirm(f"{found.case_id}: {said}, would be given up, and its scan could not be repeated any more.", yes=yes)
        removed = give_up(cases, case, reason, who(by))
        _tell(cases.case(case), json=json, done=f"{count(removed, 'file')} given up.")


@app.command()
def rerun(case: CaseArgument, lake: LakeOption, by: ByOption = None, json: Json = False) -> None:
    """Repeat the scan that a case rests on. Exits with status 1 where the findings are not the same, byte for byte."""
    from stillhunt.cases.proceedings import rerun as repeat

    with docket(lake, write=True) as cases, progress() as step:
        found, differences = repeat(cases, case, who(by), lambda stage, share: step("hunt", stage, share, 1.0))
    if json:
        emit({"case_id": found.case_id, "identical": not differences, "findings_sha256": found.findings_sha256, "differences": differences})
    else:
        console = results()
        console.print(Text(f"{found.case_id}: {'differs' if differences else 'identical, byte for byte'} ({found.findings_sha256})"))
        for one in differences[:20]:
            console.print(Text(f"  {visible(one, 300)}"))
        if len(differences) > 20:
            console.print(Text(f"  and {len(differences) - 20:,} more"))
    if differences:
        raise typer.Exit(FOUND)


def _would(said: str, *, json: bool) -> None:
    if json:
        emit({"would": said})
    else:
        results().print(Text(f"{said[0].upper()}{said[1:]}. Nothing was removed."))


def _tell(case: Case, *, json: bool, done: str = "") -> None:
    from stillhunt.cases.beside import sentence

    if json:
        emit(case.model_dump(mode="json"))
        return
    results().print(Text(sentence(case)))
    if done:
        results().print(Text(done))
