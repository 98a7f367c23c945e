"""All benchmarks, each in a process of its own; prints a table and writes docs/benchmarks.md.

Run `make bench`, or `python benchmarks/run.py --quick` to see that everything runs (which leaves the page alone).
The exit status is 0 when all were measured, whether or not every bar is met: the table says which is not.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rows import ROOT, SEEDS, Options, Row, numbers, read_rows, scratch_folder, verdict

BENCHMARKS = {
    "sketching": "Fingerprints",
    "ingest": "Ingest",
    "memory": "Memory",
    "ledger": "Ledger",
    "negatives": "Hard negatives",
    "coverage": "Coverage of the guarantee",
    "scale": "A twelfth of full size",
}
"""Script -> heading. The order is from short to long, so that what breaks early is seen early."""

PAGE = ROOT / "docs" / "benchmarks.md"
PACKAGES = ("stillhunt", "duckdb", "pyarrow", "pyiceberg", "numpy", "scipy", "numba", "cryptography", "rensa")


def main() -> int:
    """Run what is asked for. Returns the exit status: 1 when a benchmark failed to run."""
    parser = argparse.ArgumentParser(description="Measure, print, and write docs/benchmarks.md.")
    parser.add_argument("--only", default=",".join(BENCHMARKS), help=f"which, separated by commas: {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="small worlds: shows that it runs, says little about the bars; writes no page")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)), help="seeds of the worlds that memory is measured on")
    parser.add_argument("--scratch", type=Path, help="a folder for worlds and lakes (default: bench-work in the checkout)")
    parser.add_argument("--page", type=Path, help="write the page here instead of docs/benchmarks.md")
    parser.add_argument("--resume", type=Path, help="a folder: benchmarks measured there before are taken as they are, the rest goes there")
    given = parser.parse_args()
    wanted = [name for name in given.only.split(",") if name]
    if strange := [name for name in wanted if name not in BENCHMARKS]:
        parser.error(f"--only: no benchmark {', '.join(strange)}; choose from {', '.join(BENCHMARKS)}")
    try:
        numbers(given.seeds)
    except ValueError:
        parser.error(f"--seeds {given.seeds}: give whole numbers separated by commas")
    kept = scratch_folder(given.scratch)
    begun = dt.datetime.now(dt.UTC)
    measured: dict[str, list[Row] | None] = {}
    with tempfile.TemporaryDirectory(prefix="run-", dir=kept) as scratch:
        for name in wanted:
            print(f"{BENCHMARKS[name]} ...", file=sys.stderr, flush=True)
            measured[name] = _run(name, Path(scratch), given.seeds, given.resume, quick=given.quick)
    conditions = facts(begun, given.seeds, Options(kept).words(), quick=given.quick)
    print(as_text(measured, conditions))
    page = given.page or (None if given.quick or set(wanted) != set(BENCHMARKS) else PAGE)
    if page is not None:
        page.write_text(as_page(measured, conditions))
        print(f"written: {page}", file=sys.stderr)
    return int(any(rows is None for rows in measured.values()))


def _run(name: str, scratch: Path, seeds: str, resume: Path | None, *, quick: bool) -> list[Row] | None:
    """The rows of one benchmark, or None if it failed, which it then has said itself."""
    kept = (resume or scratch) / f"{name}.json"
    if resume is not None:
        resume.mkdir(parents=True, exist_ok=True)
        if kept.exists():
            return read_rows(kept)
    command: list[str | Path] = [
        sys.executable,
        Path(__file__).with_name(f"{name}.py"),
        "--rows",
        kept,
        "--scratch",
        scratch,
        "--seeds",
        seeds,
    ]
    done = subprocess.run([*command, *(["--quick"] if quick else [])], stdout=subprocess.DEVNULL, check=False)
    return read_rows(kept) if done.returncode == 0 and kept.exists() else None


def facts(begun: dt.datetime, seeds: str, words: str, *, quick: bool) -> dict[str, str]:
    """Date, machine, versions and seeds, in words."""
    known = []
    for package in PACKAGES:
        try:
            known.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            known.append(f"{package} not installed")
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    conditions = {
        "Date": begun.strftime("%Y-%m-%d %H:%M UTC"),
        "Machine": f"{cores} cores ({_processor()}), {memory:.0f} GB memory, {platform.system()} {platform.machine()}",
        "Load": f"{os.getloadavg()[2]:.1f} processes waiting on average over the last quarter of an hour, our own included",
        "Versions": f"Python {platform.python_version()}, {', '.join(known)}",
        "Seeds": f"{seeds} for worlds with somebody hidden; those of worlds with nobody stand with the row",
        "Texts": words,
    }
    return conditions | ({"Caution": "a quick run: the worlds are small and its figures say little about the bars"} if quick else {})


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def as_text(measured: dict[str, list[Row] | None], conditions: dict[str, str]) -> str:
    """The table for a terminal."""
    lines = [f"{name}: {words}" for name, words in conditions.items()]
    for name, rows in measured.items():
        lines += ["", BENCHMARKS[name]]
        lines += ["  could not be measured: see above"] if rows is None else []
        for row in rows or []:
            lines.append(f"  {verdict(row):6}  {row.what}")
            lines.append(f"          {row.figure}   bar: {row.bar or 'none'}")
    counted = [row for rows in measured.values() for row in rows or [] if row.met is not None]
    lines += ["", f"{sum(bool(row.met) for row in counted)} of {len(counted)} bars met"]
    return "\n".join(lines)


def as_page(measured: dict[str, list[Row] | None], conditions: dict[str, str]) -> str:
    """docs/benchmarks.md."""
    cell: Callable[[str], str] = lambda text: text.replace("|", "\\|")  # noqa: E731  # one place, one line
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; not edited by hand. How each figure is measured, and why so, is in",
        "[decisions/0002](decisions/0002-how-we-measure.md). Worlds are simulated: the figures say how the product does on worlds",
        "made by `stillhunt range`, not how it does against anybody in particular.",
        "",
        "Whether operators are found, and nobody else, has pages of its own: [the ladder of effort](benchmarks/ladder.md),",
        "[innocent twins](benchmarks/negatives.md), [the guarantee over random worlds](benchmarks/coverage.md),",
        "[other shapes and removed columns](benchmarks/small/ladder.md), [labelled sets that others made](benchmarks/coordination.md),",
        "[the content test](benchmarks/content.md), [packs](benchmarks/packs.md), [time to detection](benchmarks/watch.md).",
        "[Full size on one machine](benchmarks/scale.md), measured by `make bench-scale`, says where a scan's time goes.",
        "",
        *(f"- **{name}**: {words}" for name, words in conditions.items()),
        "",
    ]
    for name, rows in measured.items():
        lines += [f"## {BENCHMARKS[name]}", ""]
        if rows is None:
            lines += ["Could not be measured in this run.", ""]
            continue
        lines += ["| what | bar | measured | |", "|---|---|---|---|"]
        lines += [f"| {cell(row.what)} | {cell(row.bar or 'none')} | {cell(row.figure)} | {verdict(row)} |" for row in rows]
        lines.append("")
        for under in dict.fromkeys(row.under for row in rows if row.under):
            those = [row for row in rows if row.under == under]
            lines.append(f"Under: {under}.")
            each = [one for row in those for one in row.each]
            lines += ["", *(f"- {one}" for one in each)] if each else []
            seconds = {stage: value for row in those for stage, value in row.seconds.items()}
            if seconds:
                lines += ["", "Seconds, for information: " + ", ".join(f"{stage} {value:,.0f}" for stage, value in seconds.items()) + "."]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main())
