"""What a benchmark yields: rows with a bar, and how they are kept, shown and timed."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED_TEXTS = ROOT.parent / "shared" / "data"
"""Real texts lie beside the checkout where they are available at all; they are never part of it."""

SEEDS = (11, 12, 13)


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        what: what was measured.
        bar: what it must reach, in words; "" for figures without a bar.
        figure: the result, in words, with its uncertainty.
        met: whether the bar is met; None without a bar.
        under: the conditions that the figure holds under.
        seeds: of the worlds that were made for it.
        each: the single results that the figure is made of.
        seconds: wall time by stage, for information: it depends on the machine and its load.
    """

    what: str
    bar: str
    figure: str
    met: bool | None
    under: str = ""
    seeds: tuple[int, ...] = ()
    each: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """What a benchmark can be told. `scratch` exists and is the caller's to remove."""

    scratch: Path
    quick: bool = False
    seeds: tuple[int, ...] = SEEDS

    def texts(self) -> Path | None:
        """The folder of real texts, if it is there."""
        return SHARED_TEXTS if SHARED_TEXTS.is_dir() else None

    def words(self) -> str:
        """Where the worlds' texts come from, for people."""
        return "real texts" if self.texts() else "the built-in bank of texts (no folder ../shared/data here)"


Measure = Callable[[Options], list[Row]]


def say(message: str) -> None:
    """A line on what is being done, for whoever waits."""
    print(f"  {message}", file=sys.stderr, flush=True)


@contextmanager
def timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Add the wall time of the block to `seconds[stage]`."""
    begin = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = round(seconds.get(stage, 0.0) + time.perf_counter() - begin, 2)


def scratch_folder(given: Path | None) -> Path:
    """The folder for worlds and lakes: `given`, or bench-work in the checkout."""
    folder = (given or ROOT / "bench-work").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def numbers(text: str) -> tuple[int, ...]:
    """Seeds as --seeds takes them: "11,12,13"."""
    return tuple(int(part) for part in text.split(",") if part.strip())


def read_rows(path: Path) -> list[Row]:
    """Rows as `write_rows` wrote them."""
    return [
        Row(**{name: tuple(value) if isinstance(value, list) else value for name, value in row.items()})
        for row in json.loads(path.read_text())
    ]


def write_rows(path: Path, rows: list[Row]) -> None:
    """Keep rows as JSON."""
    path.write_text(json.dumps([asdict(row) for row in rows]))


def verdict(row: Row) -> str:
    """Whether the bar is met, in one word."""
    return {True: "met", False: "MISSED", None: "-"}[row.met]


def main(measure: Measure, purpose: str) -> None:
    """Command line of a single benchmark."""
    parser = argparse.ArgumentParser(description=purpose)
    parser.add_argument("--quick", action="store_true", help="small worlds: shows that it runs, says little about the bars")
    parser.add_argument("--seeds", type=numbers, default=SEEDS, help="seeds of the worlds, separated by commas")
    parser.add_argument("--scratch", type=Path, help="a folder for worlds and lakes (default: bench-work in the checkout)")
    parser.add_argument("--rows", type=Path, help="write the rows to this file as JSON, too")
    given = parser.parse_args()
    rows = measure(Options(scratch_folder(given.scratch), given.quick, given.seeds))
    if given.rows:
        write_rows(given.rows, rows)
    for row in rows:
        print(f"{row.what}\n    {row.figure}   [{row.bar or 'no bar'}: {verdict(row)}]\n    {row.under}")
        for one in row.each:
            print(f"      {one}")
        if row.seconds:
            print("      seconds: " + ", ".join(f"{stage} {value:g}" for stage, value in row.seconds.items()))
