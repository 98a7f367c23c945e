"""Competing hypotheses against the evidence, as a table: each piece of evidence once, and what it says of each hypothesis.

The layout is that of the analysis of competing hypotheses (R. J. Heuer, Psychology of Intelligence Analysis, 1999): what speaks for one
hypothesis is read beside what it says of the others, so that evidence which fits all of them is seen to decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from stillhunt.cases.case_document import Block, Heading, Kind, Table, Text, shown
from stillhunt.cases.wording import odds
from stillhunt.records.cases import LIKELIHOOD_RANGES, Hypothesis, Point

MAX_HYPOTHESES = 8
"""Columns: the likeliest hypotheses."""
MAX_EVIDENCE = 24
ELSEWHERE = "in the case's answers, and in answers.json of an evidence bundle"
HOW_TO_READ = (
    "Columns are the hypotheses by their numbers. +20: what was seen is 20 times likelier if that hypothesis is true than if one of the "
    "others is; −20: 20 times less likely. A sign alone was not weighed."
)
_SHARE = 0.4
"""Of the page's width for the columns of hypotheses, at most."""


def numbered(hypotheses: Sequence[Hypothesis]) -> list[Hypothesis]:
    """Hypotheses in the order in which they are numbered from 1: the likeliest first, of equally likely ones as they come."""
    return sorted(hypotheses, key=lambda one: -LIKELIHOOD_RANGES[one.likelihood][0])


def argued(hypotheses: Sequence[Hypothesis], *, explained: bool = False) -> list[Block]:
    """What speaks for and against, and what would change it, each sentence once; how to read it unless that was `explained` before."""
    ordered = numbered(hypotheses)
    columns = ordered[:MAX_HYPOTHESES]
    cells: dict[tuple[str, str], list[str]] = {}
    weight: dict[tuple[str, str], float] = {}
    for at, one in enumerate(columns):
        for sign, points in (("+", one.supports), ("−", one.opposes)):
            for point in points:
                key = (shown(point.text, 500), shown(point.reference or "", 120))
                row = cells.setdefault(key, [""] * len(columns))
                row[at] = f"{row[at]}\n{_weighed(sign, point)}".strip()
                weight[key] = max(weight.get(key, 0.0), abs(point.bits or 0.0))
    table = _matrix(cells, weight, columns, len(ordered) - len(columns))
    if not table:
        return _changes(columns)
    how = [] if explained else [Text(HOW_TO_READ, small=True)]
    return [Heading("For and against", 3), *how, *table, *_changes(columns)]


def _matrix(
    cells: dict[tuple[str, str], list[str]], weight: dict[tuple[str, str], float], columns: Sequence[Hypothesis], left: int
) -> list[Block]:
    if not cells:
        return []
    order = sorted(cells, key=lambda key: -weight[key])
    rows = [[f"{text} ({reference})" if reference else text, *cells[text, reference]] for text, reference in order[:MAX_EVIDENCE]]
    each = min(0.08, _SHARE / len(columns))
    signs: list[Kind] = ["number"] * len(columns)
    kinds: list[Kind] = ["text", *signs]
    table = Table(
        ["Evidence", *(f"{at}" for at in range(1, len(columns) + 1))], kinds, [1 - each * len(columns), *([each] * len(columns))], rows
    )
    blocks: list[Block] = [table]
    more = [f"{len(order) - MAX_EVIDENCE} more pieces of evidence"] if len(order) > MAX_EVIDENCE else []
    more += [f"what speaks for and against the other {left}"] if left > 0 else []
    if more:
        said = " and ".join(more)
        blocks.append(Text(f"{said[0].upper()}{said[1:]}: {ELSEWHERE}.", small=True))
    return blocks


def _weighed(sign: str, point: Point) -> str:
    """A sign and how many times, without a word where there is no number."""
    if point.bits is None:
        return sign
    times = odds(point.bits)
    return f"{sign}{times.removesuffix(' to 1')}" if times.endswith(" to 1") else f"{sign}1"


def _changes(columns: Sequence[Hypothesis]) -> list[Block]:
    of: dict[str, list[int]] = {}
    for at, one in enumerate(columns, 1):
        for change in one.would_change:
            of.setdefault(shown(change, 300), []).append(at)
    if not of:
        return []
    rows = [[change, ", ".join(str(at) for at in ats)] for change, ats in of.items()]
    return [Heading("What would change it", 3), Table(["If this came up", "Changes"], ["text", "text"], [0.88, 0.12], rows)]
