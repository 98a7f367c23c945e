"""The report of a case: one HTML file that needs nothing else and runs no script, and the same as a PDF.

Both are made of one `Document`. In the HTML the template escapes every text; the PDF's template gets all texts as JSON and sets them as
strings, which typst never reads as markup. The same case gives the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

import typst
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from stillhunt.cases.case_document import Document
from stillhunt.cases.case_telling import About, Position, told
from stillhunt.cases.case_timeline import timeline
from stillhunt.cases.freezing import Frozen
from stillhunt.cases.material import Material, narrowed
from stillhunt.cases.pictures import FONT
from stillhunt.errors import InputError, StillhuntError
from stillhunt.ledger import Ledger
from stillhunt.records.cases import Answer, Case
from stillhunt.verifier import parse_checkpoint, parse_note

HTML, PDF = "report.html", "report.pdf"
"""What the two are called in a bundle."""

PAPER_FONT = "Libertinus Serif"
"""Comes with typst, so that a PDF looks the same, and is the same, on every machine."""

STANDARD: Final = "a-2b"
"""PDF/A-2b (ISO 19005-2): everything needed is inside, as archives and courts ask for; a letter without a glyph is an error."""

_PLAIN = re.compile("[\u0020-\u024f\u0370-\u03ff\u0400-\u045f\u2010-\u2027\u2030-\u205e\u2212\u221e\n]")


def reports(case: Case, rests_on: Material | Frozen, answers: Sequence[Answer], ledger: Ledger | None = None) -> dict[str, bytes]:
    """Both reports by their names in a bundle.

    Raises:
        InputError: the findings do not have the case's campaign or accounts.
        StillhuntError: the PDF cannot be set.
    """
    document = told(about(case, rests_on, answers, ledger))
    return {HTML: html_of(document).encode(), PDF: pdf_of(document)}


def render_html(case: Case, rests_on: Material | Frozen, answers: Sequence[Answer], ledger: Ledger | None = None) -> str:
    """The report as one HTML document.

    Args:
        case: as it stands; events that were redacted are shown as redacted.
        rests_on: the case's material; what is frozen, if its calls were given up.
        answers: to the four questions, as far as they were asked.
        ledger: that holds the case's events; only its state right after the newest of them is told.

    Raises:
        InputError: the findings do not have the case's campaign or accounts.
    """
    return html_of(told(about(case, rests_on, answers, ledger)))


def render_pdf(case: Case, rests_on: Material | Frozen, answers: Sequence[Answer], ledger: Ledger | None = None) -> bytes:
    """The report as a PDF (A4, PDF/A-2b); arguments and errors as for `render_html`.

    Raises:
        InputError: the findings do not have the case's campaign or accounts.
        StillhuntError: it cannot be set.
    """
    return pdf_of(told(about(case, rests_on, answers, ledger)))


def about(case: Case, rests_on: Material | Frozen, answers: Sequence[Answer], ledger: Ledger | None = None) -> About:
    """Everything that a report is made of."""
    if isinstance(rests_on, Material):
        return About(case, rests_on.findings, rests_on.campaign, answers, timeline(rests_on), position(case, ledger))
    findings = rests_on.findings
    campaign = next((one for one in findings.campaigns if one.campaign_id == case.campaign_id), None)
    if campaign is None:
        raise InputError(f"{case.case_id}: its findings name no campaign {case.campaign_id[:80]}; restore the case's folder from a backup")
    return About(case, findings, narrowed(campaign, findings, case.accounts), answers, None, position(case, ledger))


def position(case: Case, ledger: Ledger | None) -> Position | None:
    """The ledger's signed state right after the case's newest entry: later entries, of other cases, do not change a report."""
    leaves = [one.leaf for one in case.events if one.leaf is not None]
    if ledger is None or not leaves:
        return None
    checkpoint = parse_checkpoint(parse_note(ledger.signed_checkpoint(max(leaves) + 1)).text)
    return Position(checkpoint.origin, checkpoint.size, checkpoint.root.hex())


def html_of(document: Document) -> str:
    """A document as HTML."""
    environment = Environment(
        loader=PackageLoader("stillhunt.cases"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["drawn"] = _labelled
    plain = document.plain()
    places = [at for at, block in enumerate(plain["blocks"], 1) if block["kind"] == "heading" and block["level"] == 2]
    return environment.get_template("case.html.j2").render(document=plain, places=places)


def pdf_of(document: Document) -> bytes:
    """A document as a PDF.

    Only typst's own fonts are used, so that every machine makes the same bytes. Where a text needs letters that they lack, the machine's
    fonts are asked; letters that nobody has are spelled out.

    Raises:
        StillhuntError: it cannot be set.
    """
    plain = _for_paper(document.plain())
    try:
        return _set(plain, own_fonts=True)
    except typst.TypstError:
        pass  # a letter without a glyph, most likely
    try:
        return _set(plain, own_fonts=False)
    except typst.TypstError:
        pass
    try:
        return _set(_spelled(plain), own_fonts=True)
    except typst.TypstError as error:
        raise StillhuntError(f"the PDF cannot be set ({str(error)[:200]}); write the report as HTML") from error


def _set(plain: dict[str, Any], *, own_fonts: bool) -> bytes:
    source = files("stillhunt.cases").joinpath("templates/case.typ").read_bytes()
    made = typst.compile(
        source,
        format="pdf",
        sys_inputs={"document": json.dumps(plain)},
        ignore_system_fonts=own_fonts,
        pdf_standards=STANDARD,
        timestamp=0,
    )
    if not isinstance(made, bytes):
        raise StillhuntError("the PDF cannot be set: no bytes were made; write the report as HTML")
    return made


def _labelled(svg: str, words: str) -> Markup:
    """Our own SVG, escaped when it was drawn, with words for those who cannot see it."""
    return Markup(svg.replace('role="img"', f'role="img" aria-label="{escape(words)}"', 1))  # noqa: S704


def _for_paper(node: Any) -> Any:
    """A document's JSON with pictures in the paper's font, without the tooltips that nobody can hover over."""
    if isinstance(node, dict):
        return {key: _on_paper(value) if key == "svg" else _for_paper(value) for key, value in node.items()}
    return [_for_paper(one) for one in node] if isinstance(node, list | tuple) else node


def _on_paper(svg: str) -> str:
    bare = re.sub(r"<title>[^<]*</title>", "", svg)
    return bare.replace(FONT, PAPER_FONT).replace(FONT.replace("'", "&#x27;"), PAPER_FONT)


def _spelled(node: Any) -> Any:
    """Everything beyond Latin, Greek and Cyrillic as ``<U+XXXX>``, in pictures as XML has it."""
    if isinstance(node, dict):
        if "svg" in node:
            left = _spelled({key: value for key, value in node.items() if key != "svg"})
            return left | {"svg": "".join(c if _PLAIN.match(c) else f"&lt;U+{ord(c):04X}&gt;" for c in node["svg"])}
        return {key: value if key in {"kind", "mark"} else _spelled(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_spelled(one) for one in node]
    return "".join(c if _PLAIN.match(c) else f"<U+{ord(c):04X}>" for c in node) if isinstance(node, str) else node
