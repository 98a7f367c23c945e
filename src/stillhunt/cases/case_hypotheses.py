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
COLUMNS = "Columns are the hypotheses by their numbers."
HOW_TO_READ = (
    "+20: what was seen is 20 times likelier if that hypothesis is true than if one of the others is; −20: 20 times less likely. "
    "A sign alone was not weighed."
)
"""What the weights mean; stands once, where a report first uses one."""
Evidence = tuple[str, str]
"""What was seen, and where it is recorded; both safe to show."""
_SHARE = 0.4
"""Of the page's width for the columns of hypotheses, at most."""


def numbered(hypotheses: Sequence[Hypothesis]) -> list[Hypothesis]:
    """Hypotheses in the order in which they are numbered from 1: the likeliest first, of equally likely ones as they come."""
    return sorted(hypotheses, key=lambda one: -LIKELIHOOD_RANGES[one.likelihood][0])


def argued(hypotheses: Sequence[Hypothesis], *, explained: bool = False) -> list[Block]:
    """What speaks for and against, and what would change it, each sentence once; how to read it unless that was `explained` before."""
    ordered = numbered(hypotheses)
    cells: dict[Evidence, dict[int, str]] = {}
    weight: dict[Evidence, float] = {}
    for at, one in enumerate(ordered, 1):
        for sign, points in (("+", one.supports), ("−", one.opposes)):
            for point in points:
                key = (shown(point.text, 500), shown(point.reference or "", 120))
                row = cells.setdefault(key, {})
                row[at] = f"{row[at]}\n{_weighed(sign, point)}" if at in row else _weighed(sign, point)
                weight[key] = max(weight.get(key, 0.0), abs(point.bits or 0.0))
    if not cells:
        return _changes(ordered)
    heaviest = sorted(cells, key=lambda key: -weight[key])
    apart = all(len(row) == 1 for row in cells.values())
    how = ([] if apart else [COLUMNS]) + ([HOW_TO_READ] if weighed(hypotheses) and not explained else [])
    blocks: list[Block] = [Heading("For and against", 3)]
    if how:
        blocks.append(Text(" ".join(how), small=True))
    table = _listed(cells, ordered) if apart else _matrix(cells, heaviest, len(ordered))
    return [*blocks, *table, *_changes(ordered)]


def weighed(hypotheses: Sequence[Hypothesis]) -> bool:
    """Whether any evidence has a weight."""
    return any(point.bits is not None for one in hypotheses for point in (*one.supports, *one.opposes))


def _matrix(cells: dict[Evidence, dict[int, str]], heaviest: Sequence[Evidence], hypotheses: int) -> list[Block]:
    """What each piece of evidence says of each of the likeliest hypotheses."""
    columns = range(1, min(hypotheses, MAX_HYPOTHESES) + 1)
    told = [key for key in heaviest if any(at in cells[key] for at in columns)]
    rows = [[_said(key), *(cells[key].get(at, "") for at in columns)] for key in told[:MAX_EVIDENCE]]
    each = min(0.08, _SHARE / len(columns))
    signs: list[Kind] = ["number"] * len(columns)
    table = Table(["Evidence", *map(str, columns)], ["text", *signs], [1 - each * len(columns), *([each] * len(columns))], rows)
    more = [f"{len(told) - MAX_EVIDENCE} more pieces of evidence"] if len(told) > MAX_EVIDENCE else []
    more += [f"what speaks for and against the other {hypotheses - MAX_HYPOTHESES}"] if hypotheses > MAX_HYPOTHESES else []
    return [table, *_left(more)]


def _listed(cells: dict[Evidence, dict[int, str]], ordered: Sequence[Hypothesis]) -> list[Block]:
    """Where no evidence bears on two hypotheses, as with clauses that have nothing to do with one another: a line each."""
    lines = sorted((at, said, key) for key, row in cells.items() for at, said in row.items())
    rows = [[f"{at} {shown(ordered[at - 1].name, 40)}", said, _said(key)] for at, said, key in lines[:MAX_EVIDENCE]]
    table = Table(["Hypothesis", "", "Evidence"], ["text", "number", "text"], [0.18, 0.07, 0.75], rows)
    return [table, *_left([f"{len(lines) - MAX_EVIDENCE} more pieces of evidence"] if len(lines) > MAX_EVIDENCE else [])]


def _said(key: Evidence) -> str:
    text, reference = key
    return f"{text} ({reference})" if reference else text


def _left(more: Sequence[str]) -> list[Block]:
    said = " and ".join(more)
    return [Text(f"{said[0].upper()}{said[1:]}: {ELSEWHERE}.", small=True)] if said else []


def _weighed(sign: str, point: Point) -> str:
    """A sign and how many times, without a word where there is no number."""
    if point.bits is None:
        return sign
    times = odds(point.bits)
    return f"{sign}{times.removesuffix(' to 1')}" if times.endswith(" to 1") else f"{sign}1"


def _changes(ordered: Sequence[Hypothesis]) -> list[Block]:
    of: dict[str, list[int]] = {}
    for at, one in enumerate(ordered, 1):
        for change in one.would_change:
            of.setdefault(shown(change, 300), []).append(at)
    if not of:
        return []
    rows = [[change, ", ".join(str(at) for at in ats)] for change, ats in of.items()]
    return [Heading("What would change it", 3), Table(["If this came up", "Changes"], ["text", "text"], [0.88, 0.12], rows)]
