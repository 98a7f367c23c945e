"""What `stillhunt range ladder` does with what it is told: checks it, climbs, and sums up for a terminal."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from stillhunt.errors import InputError
from stillhunt.range.ladder import page
from stillhunt.range.ladder.results import FILE, Result, rewrite
from stillhunt.range.ladder.running import Plan, Report, run
from stillhunt.range.ladder.steps import Step, chosen, steps
from stillhunt.range.ladder.sums import summed
from stillhunt.range.ladder.worlds import FAMILIES, Conditions
from stillhunt.range.score import Rate

QUICK = Conditions(accounts=1_500, calls=40_000, hidden=60)
"""A world that takes seconds; a quick run has one, and two steps unless others are named."""


@dataclass(frozen=True)
class Request:
    """The command line, as it was given."""

    steps: str = "ladder"
    seeds: str = "21"
    accounts: int = 20_000
    calls: int = 500_000
    hidden: int = 250
    texts: Path | None = None
    format: str = "litellm"
    without: str | None = None
    resume: Path | None = None
    output: Path | None = None
    quick: bool = False
    workers: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What is known after a run: all results under its conditions, and the pages that were written."""

    results: list[Result]
    known: dict[str, Step]
    pages: list[Path] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Sums as the page has them, and every result."""
        sums = [
            {
                "step": one.step,
                "without": one.without,
                "seeds": list(one.seeds),
                "recall": asdict(one.recall),
                "false_discovery": asdict(one.false),
                "false_discovery_all_scans": asdict(one.false_ever),
                "calls_when_first_named": {"median": one.quantile(0.5), "90th percentile": one.quantile(0.9)},
                "verdict": page.verdict(one, self.known[one.step].bar),
            }
            for one in summed(self.results)
        ]
        return {"sums": sums, "results": [asdict(one) for one in self.results], "pages": [str(path) for path in self.pages]}


def climb(request: Request, report: Report | None = None) -> Outcome:
    """Measure what is asked for and write the page.

    Raises:
        InputError: something was asked for that there is not, or cannot be read or written.
    """
    known = steps()
    plan = _plan(request, known)
    output = request.output or (None if request.quick else _pages())
    with nullcontext(request.resume) if request.resume else tempfile.TemporaryDirectory(prefix="stillhunt-ladder-") as given:
        folder = Path(given)
        results = [one for one in run(plan, folder, keep=request.resume is not None, report=report) if one.step in known]
        order = {name: at for at, name in enumerate(known)}
        results.sort(key=lambda one: (order[one.step], one.without or "", one.seed))
        pages = []
        if output is not None:
            pages.append(page.write(results, known, output))
            if (folder / FILE).resolve() != (output / FILE).resolve():
                rewrite(output / FILE, results)  # beside the page, so that every figure can be counted again
    return Outcome(results, known, pages)


def _plan(request: Request, known: dict[str, Step]) -> Plan:
    size = QUICK if request.quick else Conditions(accounts=request.accounts, calls=request.calls, hidden=request.hidden)
    if request.texts is not None and not request.texts.is_dir():
        raise InputError(f"--texts {request.texts} is no folder; leave it out to use the texts that come with Stillhunt")
    seeds = _seeds(request.seeds)
    return Plan(
        steps=chosen("L0,L3" if request.quick and request.steps == "ladder" else request.steps, known),
        seeds=seeds[:1] if request.quick else seeds,
        conditions=replace(size, texts=request.texts, format=request.format, workers=request.workers),
        without=_families(request.without),
    )


def _seeds(text: str) -> list[int]:
    try:
        seeds = list(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise InputError(f"--seeds {text}: give whole numbers separated by commas, like 21,22,23") from None
    if min(seeds) < 0:
        raise InputError(f"--seeds {text}: a seed is not negative")
    return seeds


def _families(text: str | None) -> list[str]:
    if text is None:
        return []
    names = list(FAMILIES) if text.strip() == "all" else [part.strip() for part in text.split(",")]
    for name in names:
        if name not in FAMILIES:
            raise InputError(f"--without: {name!r} is no family of columns; choose all or some of {', '.join(FAMILIES)}")
    return names


def _pages() -> Path:
    """docs/benchmarks of the checkout that the command runs in, or else where it runs."""
    here = Path.cwd()
    project = here / "pyproject.toml"
    ours = project.is_file() and 'name = "stillhunt"' in project.read_text("utf-8") and (here / "docs").is_dir()
    return here / "docs" / "benchmarks" if ours else here


def _short(counted: Rate) -> str:
    return "nobody named" if counted.value is None else f"{100 * counted.value:.2f} % of {counted.total:,}"


def table(outcome: Outcome) -> Table:
    """The sums for a terminal."""
    drawn = Table("step", "recall", "false discoveries", "calls", "", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    drawn.columns[0].no_wrap = True
    drawn.columns[0].overflow = "fold"
    for one in summed(outcome.results):
        name = one.step + (f" without {one.without}" if one.without else "")
        first = page.first_named(one) if one.without is None else "–"
        cells = (name, _short(one.recall), _short(one.false), first, page.verdict(one, outcome.known[one.step].bar))
        drawn.add_row(*(Text(cell) for cell in cells))
    return drawn
