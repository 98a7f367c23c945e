"""`stillhunt case answer` and `stillhunt case policy`: the four questions, asked of what a case has frozen."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stillhunt.cases.wording import FOR_IT, odds, visible
from stillhunt.cli.arguments import LakeOption
from stillhunt.cli.case_arguments import ByOption, CaseArgument, docket, who
from stillhunt.cli.terminal import Json, emit, results
from stillhunt.errors import InputError
from stillhunt.records.cases import QUESTIONS, Answer, Hypothesis, Question

if TYPE_CHECKING:
    from stillhunt.cases.answering import Given
    from stillhunt.cases.docket import Docket
    from stillhunt.records.cases import Case

_MOST_POINTS, _MOST_ROWS = 6, 15
_LONG = frozenset({"text", "would_refute", "first", "last"})
"""Columns of tables that take more room than a terminal has: --json and reports have them."""


def answer(
    case: CaseArgument,
    lake: LakeOption,
    question: Annotated[
        str | None, typer.Option("--question", metavar="Q", help=f"Only this one: {', '.join(QUESTIONS)}.", show_default=False)
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="The provider's clauses (`stillhunt case policy` prints an example).")
    ] = None,
    prices: Annotated[
        Path | None, typer.Option("--prices", metavar="FILE", help="The provider's price list; without it nothing is priced.")
    ] = None,
    by: ByOption = None,
    json: Json = False,
) -> None:
    """Answer the four questions from what the case has frozen, and record the answers in it.

    Who controlled the accounts, who generated the calls, what were they used for, which rules did that break. The last one needs a policy.
    """
    from stillhunt.cases.answering import NO_POLICY, ask, keep, record
    from stillhunt.cases.proceedings import going_on

    name = who(by)
    if question is not None and question not in QUESTIONS:
        raise InputError(f"--question {question[:80]}: no such question; use {', '.join(QUESTIONS)}")
    if question == "breaches" and policy is None:
        raise InputError(f"--question breaches: {NO_POLICY}")
    wanted = cast("tuple[Question, ...]", QUESTIONS if question is None else (question,))
    with docket(lake, write=True) as cases:
        found = going_on(cases, case, "answer")
        given = _given(cases, found, policy, prices)
        with cases.material(found.case_id) as material:
            answers, skipped = ask(material, wanted, given)
        _say_which(answers, {"policy": policy, "price list": prices})
        for what, file in (("policy", policy), ("prices", prices)):
            if file is not None:
                keep(cases, found.case_id, what, file.read_text("utf-8"), name)
        events = record(cases, found.case_id, answers, name)
    if json:
        recorded = [{"event": event.number, **one.model_dump(mode="json")} for one, event in zip(answers, events, strict=True)]
        emit({"case_id": found.case_id, "answers": recorded, "not_asked": skipped})
        return
    console = results()
    for one in answers:
        show_answer(console, one)
    for name_, why in skipped.items():
        console.print(Text(f"Not asked: {name_}: {why}."))


def policy(json: Json = False) -> None:
    """Print a policy file to begin with: every condition that clauses can have, with comments."""
    from stillhunt.cases.questions.clauses import template

    if json:
        emit({"policy": template()})
    else:
        sys.stdout.write(template())


def _given(cases: Docket, case: Case, policy: Path | None, prices: Path | None) -> Given:
    from stillhunt.cases.answering import Given
    from stillhunt.cases.questions.clauses import read_policy
    from stillhunt.cases.questions.prices import read_prices

    known = next((one for one in cases.registry.known() if one.name == case.campaign), None)
    return Given(
        prices=read_prices(prices) if prices is not None else None, policy=read_policy(policy) if policy is not None else None, known=known
    )


def _say_which(answers: list[Answer], files: dict[str, Path | None]) -> None:
    """An answer that rests on a file of the user's names it by its hash, so that a reader can tell which version was meant."""
    rests = {"breaches": "policy", "purpose": "price list"}
    for one in answers:
        file = files.get(rests.get(one.question, ""))
        if file is not None:
            one.notes.append(f"The {rests[one.question]} that was given has SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()}.")


def show_answer(console: Console, one: Answer) -> None:
    """One answer for people: its summary, the hypotheses side by side, what speaks for and against each, figures and limits."""
    console.print(Text(visible(one.title, 200), style="bold"))
    console.print(Text(visible(one.summary, 2_000)))
    console.print()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("hypothesis", "likelihood", "confidence", "source", "information", "for", "against"):
        table.add_column(heading, justify="right" if heading in {"for", "against"} else "left")
    for each in one.hypotheses:
        table.add_row(
            Text(visible(each.name, 40)),
            Text(each.likelihood.value),
            Text(each.confidence.value),
            Text(each.source_reliability.value),
            Text(each.information_credibility.value),
            str(len(each.supports)),
            str(len(each.opposes)),
        )
    console.print(table)
    for each in one.hypotheses:
        _show_points(console, each)
    if any(point.bits is not None for each in one.hypotheses for point in [*each.supports, *each.opposes]):
        console.print(Text(FOR_IT, style="dim"))
    if one.estimates:
        console.print()
        for name, estimate in one.estimates.items():
            between = (
                f" ({_number(estimate.low)} to {_number(estimate.high)})" if estimate.low is not None and estimate.high is not None else ""
            )
            value = _number(estimate.value)
            console.print(Text(f"{name.replace('_', ' ')}: {value}{between} {visible(estimate.unit, 80)}"))
    for name, rows in one.tables.items():
        _show_rows(console, name, rows)
    for note in one.notes:
        console.print(Text(f"Note: {visible(note, 400)}", style="dim"))
    console.print()


def _show_rows(console: Console, name: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    shown = [key for key in rows[0] if key not in _LONG]
    for key in shown:
        table.add_column(key.replace("_", " "), justify="right" if any(isinstance(row[key], int | float) for row in rows) else "left")
    for row in rows[:_MOST_ROWS]:
        table.add_row(*(Text(_cell(row[key])) for key in shown))
    console.print()
    console.print(Text(name.replace("_", " "), style="bold"))
    console.print(table)
    if len(rows) > _MOST_ROWS:
        console.print(Text(f"and {len(rows) - _MOST_ROWS} more (--json shows all)", style="dim"))


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1_000 else f"{value:,.4g}"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return _number(value) if isinstance(value, float) else visible(str(value), 120)


def _show_points(console: Console, one: Hypothesis) -> None:
    console.print()
    console.print(Text(visible(f"{one.name} ({one.likelihood.value}): {one.statement}", 300), style="bold"))
    for sign, side, points in (("+", "for it", one.supports), ("−", "against it", one.opposes)):
        for point in points[:_MOST_POINTS]:
            weight = f" [{odds(point.bits)} {side}]" if point.bits is not None else ""
            console.print(Text(f"  {sign} {visible(point.text, 400)}{weight}"))
        if len(points) > _MOST_POINTS:
            console.print(Text(f"  {sign} and {len(points) - _MOST_POINTS} more (--json shows all)"))
    for change in one.would_change:
        console.print(Text(f"  ? would change it: {visible(change, 300)}", style="dim"))
