"""How fast logs become rows: ingest of LiteLLM logs, text included, beside DuckDB's read_json that merely parses them.

Both read the same file of JSON lines in the same run, on the same two cores, in processes of their own, in turns. DuckDB
reads it with the schema that it detects itself (newline_delimited, union_by_name) into a temporary table with all columns;
as the cheapest variant that still parses everything, it counts the values of all columns. Ingest parses, takes fingerprints of
all text, pseudonymises and commits to a new lake. The clock runs from the first byte asked for to the last row there;
importing modules is left out on both sides. The figure is the ratio of the medians.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from product import WorldArguments, folder, make_world
from rows import Options, Row, main, say, timed

BAR = 0.4
CORES = 2
TURNS = 5

_OURS = """
import json, sys, time
from pathlib import Path
from stillhunt.intake import pipeline
from stillhunt.lake import Lake
begin = time.perf_counter()
with Lake.open(sys.argv[2], create=True) as lake:
    report = pipeline.ingest([Path(sys.argv[1])], lake, format="litellm", workers=int(sys.argv[3]))
    took = time.perf_counter() - begin
print(json.dumps({"seconds": took, "rows": report.accepted, "bad": report.quarantined.total()}))
"""

_THEIRS = """
import json, sys, time
import duckdb
source = "read_json(?, format = 'newline_delimited', union_by_name = true)"
connection = duckdb.connect(config={"threads": sys.argv[3]})
connection.execute("SET enable_progress_bar = false")
begin = time.perf_counter()
if sys.argv[2] == "table":
    connection.execute(f"CREATE TEMP TABLE parsed AS SELECT * FROM {source}", [sys.argv[1]])
    took = time.perf_counter() - begin
    rows = connection.execute("SELECT count(*) FROM parsed").fetchone()[0]
else:
    counts = connection.execute(f"SELECT count(*), count(COLUMNS(*)) FROM {source}", [sys.argv[1]]).fetchone()
    took = time.perf_counter() - begin
    rows = counts[0]
print(json.dumps({"seconds": took, "rows": rows}))
"""


def measure(options: Options) -> list[Row]:
    """The ratio of rates, against both ways of merely parsing."""
    seconds: dict[str, float] = {}
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    with folder(options) as place:
        with timed(seconds, "make"):
            log, rows = _log(options, place)
        size = log.stat().st_size / 1e6
        say(f"{size:,.0f} MB, {rows:,} calls; {len(cores)} cores")
        _ours(log, place, cores)  # compiled loops are compiled once per installation, and the file is in the cache
        took: dict[str, list[float]] = {"ours": [], "table": [], "count": []}
        for turn in range(2 if options.quick else TURNS):
            for variant in ("table", "count"):
                took[variant].append(_run(_THEIRS, cores, log, variant, len(cores), rows=rows))
            took["ours"].append(_ours(log, place, cores, rows))
            say(f"turn {turn + 1}: " + ", ".join(f"{name} {values[-1]:.1f} s" for name, values in took.items()))
    middle = {name: statistics.median(values) for name, values in took.items()}
    under = f"one file of {size:,.0f} MB, {rows:,} calls, {options.words()}; {len(cores)} cores; {len(took['ours'])} alternating runs"
    each = tuple(f"{name}: {size / value:.1f} MB/s median, {_spread(took[name])}" for name, value in middle.items())
    return [
        Row(
            "ingest of LiteLLM logs, text included, against DuckDB's read_json into a table of all columns",
            f">= {BAR:g} x its rate",
            f"{middle['table'] / middle['ours']:.2f} x",
            middle["table"] / middle["ours"] >= BAR,
            under,
            (1,),
            each,
            seconds,
        ),
        Row(
            "the same against DuckDB's cheapest variant, which counts the values of all columns and keeps none",
            f">= {BAR:g} x its rate",
            f"{middle['count'] / middle['ours']:.2f} x",
            middle["count"] / middle["ours"] >= BAR,
            under,
        ),
    ]


def _log(options: Options, place: Path) -> tuple[Path, int]:
    """One file of JSON lines, and how many."""
    accounts, calls = (400, 8_000) if options.quick else (3_000, 80_000)
    made = make_world(options, WorldArguments(seed=1, hidden=30, accounts=accounts, calls=calls), place / "world")
    log = place / "calls.jsonl"
    with log.open("wb") as out:
        for part in sorted((place / "world" / "provider").glob("*.jsonl")):
            with part.open("rb") as source:
                shutil.copyfileobj(source, out, 1 << 20)
            part.unlink()
    return log, int(made["calls"])


def _ours(log: Path, place: Path, cores: list[int], rows: int | None = None) -> float:
    lake = place / "lake"
    try:
        return _run(_OURS, cores, log, lake, len(cores), rows=rows)
    finally:
        shutil.rmtree(lake, ignore_errors=True)


def _run(program: str, cores: list[int], *arguments: object, rows: int | None) -> float:
    """Seconds that `program` says it took, on `cores` only.

    Raises:
        RuntimeError: it failed, or did not see all rows.
    """
    done = subprocess.run(
        [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {cores})\n{program}", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-2000:])
    said = json.loads(done.stdout)
    if rows is not None and said["rows"] != rows:
        raise RuntimeError(f"{said['rows']:,} rows instead of {rows:,}: the comparison would not be fair")
    return float(said["seconds"])


def _spread(values: list[float]) -> str:
    return f"{min(values):.1f} to {max(values):.1f} s"


if __name__ == "__main__":
    main(measure, "How fast logs become rows, beside a parser that merely parses them.")
