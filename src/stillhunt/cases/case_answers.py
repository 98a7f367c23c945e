"""One question's answer as blocks: hypotheses side by side, what speaks for and against each, figures with intervals, tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from stillhunt.cases.case_document import Block, Heading, Items, Kind, Picture, Table, Text, shown
from stillhunt.cases.case_hypotheses import ELSEWHERE, argued, numbered
from stillhunt.cases.case_pictures import likelihoods
from stillhunt.cases.wording import by_chance, moment
from stillhunt.records.cases import LIKELIHOOD_RANGES, Answer, Estimate, Hypothesis

MOST_ROWS = 24
MOST_COLUMNS = 8
LOG10 = "log10 evidence"
"""The unit of estimates that are evidence: they are spoken as all evidence is."""
FOLD_ROWS = 8
"""Rows from which on a narrow table is folded."""
FULL = 90
"""Letters that fill the width of a page; a table with fewer is narrower."""

_TIMES = frozenset({"at", "first", "last"})
_LONG = frozenset({"text", "would_refute"})


def answered(answer: Answer, before: Sequence[Answer] = ()) -> list[Block]:
    """The answer from its hypotheses to its notes; its summary heads the report. Notes of answers `before` are not repeated."""
    blocks: list[Block] = [Heading(shown(answer.title, 160))]
    if answer.hypotheses:
        ordered = numbered(answer.hypotheses)
        said = ", ".join(shown(f"{one.name} {one.likelihood.value}", 80) for one in ordered)
        picture = likelihoods(ordered)
        blocks.append(Picture("How likely", "The range that each word of likelihood stands for.", picture, f"Likelihoods: {said}."))
        blocks.append(_side_by_side(ordered))
        blocks += argued(ordered, explained=any(one.hypotheses for one in before))
    if answer.estimates:
        blocks += [Heading("Figures", 3), _figures(answer.estimates)]
    for name, rows in answer.tables.items():
        blocks += _rows(name, rows)
    told = {note for one in before for note in one.notes}
    notes = [shown(note, 600) for note in answer.notes if note not in told]
    if notes:
        blocks += [Heading("Assumed, or not seen", 3), Items(notes)]
    return blocks


def _side_by_side(hypotheses: Sequence[Hypothesis]) -> Table:
    rows = []
    for at, one in enumerate(hypotheses, 1):
        low, high = LIKELIHOOD_RANGES[one.likelihood]
        likelihood = f"{one.likelihood.value}\n{100 * low:.0f} to {100 * high:.0f} %"
        said = f"{at} {shown(one.name, 80)}\n{shown(one.statement, 300)}"
        graded = [one.confidence.value, one.source_reliability.value, one.information_credibility.value]
        rows.append([said, likelihood, *graded, f"{len(one.supports)} / {len(one.opposes)}"])
    return Table(
        ["Hypothesis", "Likelihood", "Confidence", "Source", "Information", "For / against"],
        ["named", "text", "text", "text", "text", "number"],
        [0.42, 0.16, 0.12, 0.08, 0.11, 0.11],
        rows,
    )


def _figures(estimates: Mapping[str, Estimate]) -> Table:
    rows = []
    for name, one in estimates.items():
        known = by_chance(one.value) if one.unit == LOG10 and one.value is not None else number(one.value)
        unit = "by chance" if one.unit == LOG10 else shown(one.unit, 80)
        rows.append([shown(name.replace("_", " "), 60), known, _interval(one), unit, shown(one.method, 300)])
    return Table(
        ["What", "Value", "Interval", "Unit", "How"], ["text", "number", "text", "text", "text"], [0.15, 0.13, 0.19, 0.17, 0.36], rows
    )


def _interval(one: Estimate) -> str:
    if one.low is None and one.high is None:
        return ""
    level = f"{100 * one.level:g} %: " if one.level < 1 else ""
    if one.high is None:
        return f"{level}at least {number(one.low)}"
    return f"{level}at most {number(one.high)}" if one.low is None else f"{level}{number(one.low)} to {number(one.high)}"


def _rows(name: str, rows: Sequence[Mapping[str, Any]]) -> list[Block]:
    filled = {key for row in rows for key, value in row.items() if value not in (None, "")}
    keys = [key for key in rows[0] if key in filled and key not in _LONG][:MOST_COLUMNS] if rows else []
    if not keys:
        return []
    cells = [[_cell(key, row.get(key)) for key in keys] for row in rows[:MOST_ROWS]]
    kinds: list[Kind] = [_kind([row.get(key) for row in rows], key) for key in keys]
    longest = [min(max(len(text) for text in [key, *(row[at] for row in cells)]), 42) + 3 for at, key in enumerate(keys)]
    widths = [one / max(sum(longest), FULL) for one in longest]
    table = _folded(Table([shown(key.replace("_", " "), 40) for key in keys], kinds, widths, cells))
    blocks: list[Block] = [Heading(shown(name.replace("_", " ").capitalize(), 80), 3), table]
    left = len(rows) - MOST_ROWS
    dropped = [key for key in rows[0] if key in filled and key not in keys]
    if left > 0 or dropped:
        what = [f"{left:,} more rows"] if left > 0 else []
        what += [f"the {'column' if len(dropped) == 1 else 'columns'} {', '.join(shown(key, 40) for key in dropped)}"] if dropped else []
        blocks.append(Text(f"{' and '.join(what).capitalize()}: {ELSEWHERE}.", small=True))
    return blocks


def _folded(table: Table) -> Table:
    """A long and narrow table as several beside one another, read column by column."""
    times = min(int(1 / (sum(table.widths) + 0.02)), 4) if len(table.rows) >= FOLD_ROWS else 1
    if times < 2:
        return table
    high = math.ceil(len(table.rows) / times)
    rows: list[list[str]] = []
    for at in range(high):
        parts = [table.rows[place] if place < len(table.rows) else [""] * len(table.columns) for place in range(at, times * high, high)]
        rows.append([cell for part in parts for cell in ("", *part)][1:])
    gap: Kind = "text"
    kinds = [kind for _ in range(times) for kind in (gap, *table.kinds)][1:]
    room = (1 - times * sum(table.widths)) / (times - 1)
    widths = [width for _ in range(times) for width in (min(room, 0.04), *table.widths)][1:]
    return Table([name for _ in range(times) for name in ("", *table.columns)][1:], kinds, widths, rows)


def _kind(values: Sequence[Any], key: str) -> Kind:
    if key.endswith("_id") or "sha256" in key:
        return "id"
    known = [value for value in values if value is not None]
    return "number" if known and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known) else "text"


def number(value: float | None) -> str:
    """A figure with as many digits as are worth reading."""
    if value is None:
        return ""
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1_000 else f"{value:,.4g}"


def _cell(key: str, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and key in _TIMES:
        return moment(value)
    return number(value) if isinstance(value, int | float) else shown(value, 160)
