"""The letter at full size on this machine: a world as fingerprints, a scan of it, another hour of traffic, and how time grows.

`make bench-scale` measures 25,000 hidden accounts with 28.8 million calls among a million accounts with 116 million, and writes
docs/benchmarks/scale.md; it takes 60 GB of disk for a while, and goes on where it was stopped. `make bench` measures a twelfth of that.
Each step is a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from product import stillhunt
from rows import ROOT, Options, Row, say, scratch_folder, verdict, write_rows
from run import facts
from watching import Watch

from stillhunt import campaigns
from stillhunt.cases import scans
from stillhunt.channels.digest.chunks import COLUMNS
from stillhunt.lake import Lake
from stillhunt.lake.opening import DIGEST_FOLDER
from stillhunt.range import scale
from stillhunt.range.operators import operator
from stillhunt.range.world import WorldSpec

PAGE = ROOT / "docs" / "benchmarks" / "scale.md"
LEARNT = (
    "[rows by account](../decisions/0017-rows-by-account.md)",
    "[loops that count no references](../decisions/0018-loops-count-no-references.md)",
    "[one pass](../decisions/0014-one-pass-digests.md)",
)
BEGIN = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
STEP = "L1"


@dataclass(frozen=True)
class Size:
    """A world: innocent accounts and their calls, hidden accounts (25.6 calls a day each), days."""

    accounts: int
    calls: int
    hidden: int
    days: int = 45

    @property
    def name(self) -> str:
        """For folders and results."""
        return f"{self.accounts}-{self.calls}-{self.hidden}-{self.days}"

    @property
    def end(self) -> dt.datetime:
        """When it ends."""
        return BEGIN + dt.timedelta(days=self.days)


FULL = Size(1_000_000, 116_000_000, 25_000)
SMALL = Size(80_000, 9_300_000, 2_000)
QUICK = Size(4_000, 60_000, 60, 6)
BY_ROWS = (Size(70_000, 8_100_000, 1_750), Size(280_000, 32_500_000, 7_000))
BY_HIDDEN = (Size(80_000, 9_300_000, 250), Size(80_000, 9_300_000, 2_500), Size(80_000, 9_300_000, 25_000))


# --------------------------------------------------------------------------------------------------------------------
# Steps, each in a process of its own.


def step_make(world: str, size: Size, seed: int, until: str, texts: str) -> dict[str, Any]:
    """Make a world up to a moment."""
    spec = WorldSpec(
        seed=seed,
        days=size.days,
        accounts=size.accounts,
        calls=size.calls,
        operators=(operator(STEP, accounts=size.hidden, start_day=0.0),),
        texts=Path(texts) if texts else None,
        format="fingerprints",
    )
    marks: list[float] = []
    begin = time.perf_counter()
    made = scale.make(spec, Path(world), lambda *_: marks.append(time.perf_counter()), until=dt.datetime.fromisoformat(until))
    end = time.perf_counter()
    return {
        "casting": marks[0] - begin,
        "writing": end - marks[0],
        "calls": made.calls,
        "accounts": made.accounts,
        "hidden_accounts": made.hidden_accounts,
        "hidden_calls": made.hidden_calls,
    }


def step_scan(lake: str, findings: str) -> dict[str, Any]:
    """Scan a lake, and say how long each stage took."""
    begin = time.perf_counter()
    stages: dict[str, float] = {"starting": 0.0}
    at = ["starting", begin]

    def told(stage: str, _: float) -> None:
        now = time.perf_counter()
        stages[str(at[0])] = stages.get(str(at[0]), 0.0) + now - float(at[1])
        at[:] = [stage, now]

    with Lake.open(lake) as opened:
        found = campaigns.hunt(opened, progress=told)
    told("", 0.0)
    scans.write_private(Path(findings), scans.encode(found))
    return {"wall": time.perf_counter() - begin, "stages": stages, "calls": found.scanned.interactions}


def step_duckdb(lake: str) -> dict[str, Any]:
    """What DuckDB takes to read the columns that a scan reads and group them by account once."""
    with Lake.open(lake) as opened:
        files = [path.removeprefix("file://") for path in opened.table("interactions").files() or []]
    # the last element of a sketch cannot be had without reading all of it
    asked = [f"max({name})" if name != "sketch" else "max(sketch[-1])" for name in COLUMNS if name != "account_id"]
    connection = duckdb.connect()
    begin = time.perf_counter()
    connection.read_parquet(files).query(
        "calls", f"SELECT account_id, count(*), {', '.join(asked)} FROM calls GROUP BY account_id"
    ).fetchnumpy()
    return {"wall": time.perf_counter() - begin}


# --------------------------------------------------------------------------------------------------------------------
# Running them, once.


class Bench:
    """Results of one run, kept under a folder so that they need not be measured again."""

    def __init__(self, place: Path, seed: int, texts: Path | None) -> None:
        self.place = place
        self.seed = seed
        self.texts = texts
        place.mkdir(parents=True, exist_ok=True)

    def kept(self, name: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `measure` gives, measured once."""
        path = self.place / f"{name}.json"
        if path.exists():
            known: dict[str, Any] = json.loads(path.read_text())
            return known
        say(name)
        found = measure()
        path.write_text(json.dumps(found))
        return found

    def step(self, name: str, *arguments: object) -> dict[str, Any]:
        """One step in a process of its own, with its peak memory and its time from start to end.

        Raises:
            RuntimeError: it failed.
        """
        command = [sys.executable, str(Path(__file__).resolve()), "--step", name, *map(str, arguments)]
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True, text=True)
        with Watch(process.pid, memory=True) as watched:
            said, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"{name} left with status {process.returncode}")
        return json.loads(said) | {"process": time.perf_counter() - begin, "peak": watched.peak_bytes, "cpu": watched.cpu_seconds}

    def world(self, size: Size, until: dt.datetime) -> tuple[Path, dict[str, Any]]:
        """The world of a size up to a moment; made if it is not there."""
        out = self.place / size.name
        kept = self.place / f"{size.name}-make.json"
        if kept.exists() and out.is_dir():
            return out, json.loads(kept.read_text())
        shutil.rmtree(out, ignore_errors=True)
        kept.unlink(missing_ok=True)
        return out, self.kept(
            f"{size.name}-make", lambda: self.step("make", out, json.dumps(vars(size)), self.seed, until.isoformat(), self.texts or "")
        )

    def growth(self, size: Size) -> dict[str, Any]:
        """A scan of a whole world that is not needed afterwards."""

        def measure() -> dict[str, Any]:
            out, made = self.world(size, size.end)
            found = self.step("scan", out / "lake", out / "findings.json")
            shutil.rmtree(out)
            return found | {"rows": made["calls"], "hidden": size.hidden}

        return self.kept(f"{size.name}-growth", measure)


def whole(bench: Bench, size: Size) -> dict[str, dict[str, Any]]:
    """Everything that is measured on one world: made up to its last hour, scanned, extended, scanned again and once more from nothing."""
    hour = size.end - dt.timedelta(hours=1)
    done = bench.place / f"{size.name}-anew.json"
    out, made = (
        (bench.place / size.name, json.loads((bench.place / f"{size.name}-make.json").read_text()))
        if done.exists()
        else bench.world(size, hour)
    )
    lake, name = out / "lake", size.name
    files = bench.kept(
        f"{name}-disk", lambda: {"bytes": sum(f.stat().st_size for f in (lake / "tables").rglob("interactions/data/**/*.parquet"))}
    )
    duck = bench.kept(f"{name}-duckdb", lambda: bench.step("duckdb", lake))
    scan = bench.kept(f"{name}-scan", lambda: bench.step("scan", lake, out / "first.json"))
    score = bench.kept(f"{name}-score", lambda: stillhunt("range", "score", out / "first.json", out))
    more = bench.kept(f"{name}-extend", lambda: stillhunt("range", "extend", out))
    again = bench.kept(f"{name}-again", lambda: bench.step("scan", lake, out / "again.json"))

    def anew() -> dict[str, Any]:
        shutil.rmtree(lake / DIGEST_FOLDER, ignore_errors=True)
        found = bench.step("scan", lake, out / "anew.json")
        return found | {"same": same(out / "again.json", out / "anew.json")}

    last = bench.kept(f"{name}-anew", anew)
    shutil.rmtree(out, ignore_errors=True)
    return {"make": made, "disk": files, "duckdb": duck, "scan": scan, "score": score, "extend": more, "again": again, "anew": last}


def same(one: Path, other: Path) -> bool:
    """Whether two scans found the same."""
    return json.loads(one.read_text()) == json.loads(other.read_text())


def exponent(points: list[tuple[float, float]]) -> float:
    """The slope of log time over log size, by least squares."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / sum((x - mean_x) ** 2 for x in xs)


# --------------------------------------------------------------------------------------------------------------------
# Rows.


def rows_of(size: Size, seed: int, found: dict[str, dict[str, Any]], words: str) -> list[Row]:
    """The bars on one world."""
    make, scan, duck, again, anew = (found[name] for name in ("make", "scan", "duckdb", "again", "anew"))
    calls = make["calls"]
    under = (
        f"{make['accounts']:,} accounts, {make['hidden_accounts']:,} of them hidden (step {STEP}); {calls:,} calls over {size.days} days, "
        f"{make['hidden_calls']:,} of them hidden; {words} as fingerprints"
    )
    speed = calls / make["writing"]
    per_call = found["disk"]["bytes"] / calls
    ratio = scan["process"] / duck["wall"]
    share = again["process"] / scan["process"]
    named, hidden = found["score"]["named"], found["score"]["hidden"]
    recall, false = found["score"]["recall"]["value"], found["score"]["false_discovery"]["value"]
    seconds = {"casting": make["casting"], "writing": make["writing"], "DuckDB": duck["wall"], "scan": scan["process"]}
    seconds |= {f"scan, {stage}": took for stage, took in scan["stages"].items() if stage}
    one = (seed,)
    return [
        Row(
            "the world, written by the range",
            "≥ 1 M rows/s",
            f"{speed / 1e6:.2f} M rows/s after {make['casting']:.0f} s of casting",
            speed >= 1e6,
            under,
            one,
            (),
            seconds,
        ),
        Row("peak memory of writing it", "≤ 6 GB", f"{make['peak'] / 1e9:.1f} GB", make["peak"] <= 6e9, under, one),
        Row("disk", "≤ 150 bytes an interaction", f"{per_call:.1f} bytes, sketches included", per_call <= 150, under, one),
        Row(
            "full scan",
            "≤ 10 × DuckDB's reading and grouping",
            f"{ratio:.1f} × ({scan['process']:.0f} s against {duck['wall']:.1f} s)",
            ratio <= 10,
            under,
            one,
            (f"{scan['cpu']:.0f} s of CPU time against {duck['cpu']:.0f} s",),
        ),
        Row("peak memory of the full scan", "≤ 12 GB", f"{scan['peak'] / 1e9:.1f} GB", scan["peak"] <= 12e9, under, one),
        Row(
            "another hour of traffic",
            "≤ 3 % of a full scan",
            f"{100 * share:.1f} % ({again['process']:.1f} s), {found['extend']['calls'] - calls:,} calls more",
            share <= 0.03,
            under,
            one,
            (f"{again['cpu']:.0f} s of CPU time, {100 * again['cpu'] / scan['cpu']:.1f} % of a full scan's",),
            {f"after an hour, {stage}": took for stage, took in again["stages"].items() if stage},
        ),
        Row(
            "findings after that hour",
            "the same as those of a full scan",
            "the same" if anew["same"] else "others",
            bool(anew["same"]),
            under,
            one,
        ),
        Row("recall", "as in the ladder, ≥ 99 %", f"{100 * recall:.2f} % of {hidden:,} hidden accounts", recall >= 0.99, under, one),
        Row("false discoveries", "≤ 0.1 %", f"{100 * false:.3f} % of {named:,} named accounts", false <= 0.001, under, one),
    ]


def growth_rows(bench: Bench, full: dict[str, dict[str, Any]]) -> list[Row]:
    """How the time of a full scan grows."""
    by_rows = [bench.growth(size) for size in BY_ROWS]
    points = [(one["rows"], one["process"]) for one in by_rows] + [(full["make"]["calls"], full["scan"]["process"])]
    by_hidden = [bench.growth(size) for size in BY_HIDDEN]
    hidden = [(one["hidden"], one["process"]) for one in by_hidden]
    judged = [(one["hidden"], sum(took for stage, took in one["stages"].items() if "reading" not in stage)) for one in by_hidden]
    first, second, third = exponent(points), exponent(hidden), exponent(judged)
    shown: Callable[[list[tuple[float, float]]], tuple[str, ...]] = lambda many: tuple(f"{x:,.0f}: {y:,.1f} s" for x, y in many)  # noqa: E731
    return [
        Row(
            "time of a scan against calls",
            "exponent ≤ 1.1",
            f"{first:.2f}",
            first <= 1.1,
            "worlds that differ in nothing but size",
            (bench.seed,),
            shown(points),
        ),
        Row(
            "time of a scan against hidden accounts",
            "exponent ≤ 1.2",
            f"{second:.2f}",
            second <= 1.2,
            "80,000 unrelated accounts",
            (bench.seed,),
            shown(hidden),
        ),
        Row(
            "... without reading the calls",
            "exponent ≤ 1.2",
            f"{third:.2f}",
            third <= 1.2,
            "80,000 unrelated accounts",
            (bench.seed,),
            shown(judged),
        ),
    ]


def as_page(rows: list[Row], conditions: dict[str, str]) -> str:
    """docs/benchmarks/scale.md."""
    lines = [
        "# Full size on one machine",
        "",
        "Written by `make bench-scale`; not edited by hand. What was learnt at this size: " + ", ".join(LEARNT) + ".",
        "",
        *(f"- {name}: {words}" for name, words in conditions.items()),
        "",
        "| what | bar | measured | |",
        "|---|---|---|---|",
    ]
    lines += [f"| {row.what} | {row.bar} | {row.figure} | {verdict(row)} |" for row in rows]
    for under in dict.fromkeys(row.under for row in rows):
        those = [row for row in rows if row.under == under]
        lines += ["", f"Under: {under}."]
        lines += ["", *(f"- {row.what}: {one}" for row in those for one in row.each)] if any(row.each for row in those) else []
        seconds = {stage: took for row in those for stage, took in row.seconds.items()}
        if seconds:
            lines += ["", "Where the time goes, in seconds: " + ", ".join(f"{stage} {took:,.1f}" for stage, took in seconds.items()) + "."]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run a step, or all of them. Returns the exit status."""
    parser = argparse.ArgumentParser(description="The letter at full size on one machine.")
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--full", action="store_true", help="full size, growth, and the page")
    parser.add_argument("--quick", action="store_true", help="a small world: shows that it runs, says little about the bars")
    parser.add_argument("--seeds", default="1", help="the first is the world's seed")
    parser.add_argument("--scratch", type=Path, help="a folder for worlds and results (default: bench-work in the checkout)")
    parser.add_argument("--rows", type=Path, help="write the rows to this file as JSON, too")
    given = parser.parse_args()
    if given.step:
        name, *rest = given.step
        if name == "make":
            found = step_make(rest[0], Size(**json.loads(rest[1])), int(rest[2]), *rest[3:])
        else:
            found = step_scan(*rest) if name == "scan" else step_duckdb(*rest)
        print(json.dumps(found))
        return 0
    begun = dt.datetime.now(dt.UTC)
    options = Options(scratch_folder(given.scratch), given.quick)
    seed = int(given.seeds.split(",")[0])
    bench = Bench(options.scratch / "scale", seed, options.texts())
    size = QUICK if given.quick else FULL if given.full else SMALL
    found = whole(bench, size)
    rows = rows_of(size, seed, found, options.words())
    if given.full:
        rows += growth_rows(bench, found)
        PAGE.write_text(as_page(rows, facts(begun, str(seed), options.words(), quick=False)))
        say(f"written: {PAGE}")
    if given.rows:
        write_rows(given.rows, rows)
    for row in rows:
        print(f"{row.what}\n    {row.figure}   [{row.bar}: {verdict(row)}]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
