"""Cases on a terminal. Renders only; every string goes through `wording.visible`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stillhunt.cases.beside import sentence, standing
from stillhunt.cases.case_events import intact
from stillhunt.cases.wording import count, moment, visible
from stillhunt.records.cases import Case, CaseEvent

_LISTED = {"accounts"}


def case_table(cases: Sequence[Case]) -> Table:
    """One row a case."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("case", "stands", "accounts", "opened", "by", "title"):
        table.add_column(heading, justify="right" if heading == "accounts" else "left", no_wrap=heading == "case")
    for case in cases:
        table.add_row(
            Text(case.case_id),
            Text(standing(case)),
            f"{len(case.accounts):,}",
            Text(moment(case.opened_at)),
            Text(visible(case.opened_by, 40)),
            Text(visible(case.title, 60)),
        )
    return table


def show_case(console: Console, case: Case) -> None:
    """A case with its history."""
    console.print(Text(visible(case.title, 200), style="bold"))
    console.print(Text(sentence(case)))
    console.print(Text(f"Campaign {visible(case.campaign)}; snapshot {visible(case.lake_snapshot)}; stillhunt {visible(case.stillhunt)}"))
    console.print(Text(f"Findings {case.findings_sha256}", style="dim"))
    if case.split_from:
        console.print(Text(f"Split from {visible(case.split_from)}"))
    console.print()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", "when", "who", "what", "leaf"):
        table.add_column(heading, justify="right" if heading in {"", "leaf"} else "left")
    for one in case.events:
        table.add_row(str(one.number), Text(moment(one.at)), Text(visible(one.actor, 40)), Text(_what(one)), _leaf(one))
    console.print(table)


def _leaf(one: CaseEvent) -> str:
    return "" if one.leaf is None else f"{one.leaf:,}"


def _what(one: CaseEvent) -> str:
    if one.body is None:
        return f"{one.kind}: redacted"
    changed = "" if intact(one) else "  CHANGED since it was recorded"
    return f"{one.kind}: {_said(one.kind, one.body)}{changed}".rstrip(": ")


def _said(kind: str, body: Mapping[str, Any]) -> str:
    if kind == "note":
        return visible(str(body.get("text", "")), 400)
    if kind == "given":
        return f"{visible(str(body.get('what')), 20)}, SHA-256 {visible(str(body.get('sha256')), 64)}"
    if kind == "answer":
        return f"{visible(str(body.get('title')), 80)} {visible(str(body.get('summary')), 300)}"
    parts = []
    for key, value in body.items():
        if value is None or (kind == "opened" and key not in {"title", "split_from"}) or key == "left":
            continue
        parts.append(f"{key} {count(len(value), 'account')}" if key in _LISTED else f"{key} {visible(str(value), 200)}")
    return "; ".join(parts)
