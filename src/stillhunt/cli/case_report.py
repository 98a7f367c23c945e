"""`stillhunt case report`: a case for people who decide, as one page or as a PDF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from stillhunt.cases.wording import count
from stillhunt.cli.arguments import LakeOption
from stillhunt.cli.case_arguments import WHERE, CaseArgument, docket
from stillhunt.cli.terminal import Json, emit, results
from stillhunt.errors import InputError

if TYPE_CHECKING:
    from stillhunt.cases.docket import Docket
    from stillhunt.ledger import Ledger
    from stillhunt.records.cases import Answer, Case


def report(
    case: CaseArgument,
    lake: LakeOption,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write: FILE.html or FILE.pdf.", show_default=False)
    ],
    json: Json = False,
) -> None:
    """Write a case as one HTML file or as a PDF: where it stands, the four answers, pictures of the evidence, and what is not shown.

    The file names accounts and is for you; what is handed to others is recorded by `stillhunt case export`, which encloses both.
    """
    from stillhunt.cases.scans import write_private
    from stillhunt.cases.share.preparing import newest_answers

    if output.suffix.lower() not in {".html", ".pdf"}:
        raise InputError(f"{output}: a report is FILE.html or FILE.pdf")
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise InputError(f"{output}: is no file in a folder that exists; choose another place")
    with docket(lake) as cases:
        found = cases.case(case)
        answers = newest_answers(found)
        content = _made(cases, found, answers, as_pdf=output.suffix.lower() == ".pdf")
    write_private(output, content)
    if json:
        emit({"case_id": found.case_id, "file": str(output), "bytes": len(content), "answers": [one.question for one in answers]})
        return
    results().print(Text(f"{output}: {count(len(content), 'byte')}", overflow="fold", no_wrap=False))
    if not answers:
        results().print(Text("The four questions were not asked yet (`stillhunt case answer`): the report has no answers."))


def _made(cases: Docket, found: Case, answers: list[Answer], *, as_pdf: bool) -> bytes:
    from stillhunt.cases.case_report import render_html, render_pdf

    frozen = cases.frozen(found.case_id)
    ledger = _ledger(cases)
    if frozen.released:
        return render_pdf(found, frozen, answers, ledger) if as_pdf else render_html(found, frozen, answers, ledger).encode()
    with cases.material(found.case_id) as material:
        return render_pdf(found, material, answers, ledger) if as_pdf else render_html(found, material, answers, ledger).encode()


def _ledger(cases: Docket) -> Ledger | None:
    """The ledger, for reading; a report that changes nothing makes none."""
    from stillhunt.cases.docket import LEDGER
    from stillhunt.ledger import Ledger

    place = WHERE.ledger or cases.folder.parent / LEDGER
    return Ledger.open(place) if place.is_dir() else None
