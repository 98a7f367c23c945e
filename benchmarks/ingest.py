"""How fast logs become rows, and how large: ingest of LiteLLM logs, text included, beside DuckDB's read_json that merely parses them.

Both read the same file of JSON lines in the same run, on the same two cores, in processes of their own, in turns. DuckDB
reads it with the schema that it detects itself (newline_delimited, union_by_name) into a temporary table with all columns;
and, bare, it counts the values of all columns: each is read once and none is kept. Ingest parses, takes fingerprints of
all text, pseudonymises and commits to a new lake. The clock runs from the first byte asked for to the last row there;
importing modules is left out on both sides, starting workers is not. The figure is the ratio of the medians.
Neighbours on the machine disturb such a ratio, so the same is given by CPU time, too, over all processes and without a bar;
the load of the machine before the first run stands beside the figures.

The size is that of the tables after that ingest, with all that names their files.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from product import WorldArguments, folder, make_world
from rows import Options, Row, main, say, timed
from watching import Watch

BAR = 0.6
MOST_BYTES = 150
CORES = 2
TURNS = 5

_OURS = """
import json, sys, time
from pathlib import Path
from stillhunt.intake import pipeline
from stillhunt.lake import Lake
begin, spent = time.perf_counter(), time.process_time()
with Lake.open(sys.argv[2], create=True) as lake:
    report = pipeline.ingest([Path(sys.argv[1])], lake, format="litellm", workers=int(sys.argv[3]))
    took = time.perf_counter() - begin
print(json.dumps({"seconds": took, "rows": report.accepted, "before": spent}))
"""

_THEIRS = """
import json, sys, time
import duckdb
source = "read_json(?, format = 'newline_delimited', union_by_name = true)"
connection = duckdb.connect(config={"threads": sys.argv[3]})
connection.execute("SET enable_progress_bar = false")
begin, spent = time.perf_counter(), time.process_time()
if sys.argv[2] == "table":
    connection.execute(f"CREATE TEMP TABLE parsed AS SELECT * FROM {source}", [sys.argv[1]])
    took = time.perf_counter() - begin
    rows = connection.execute("SELECT count(*) FROM parsed").fetchone()[0]
else:
    counts = connection.execute(f"SELECT count(*), count(COLUMNS(*)) FROM {source}", [sys.argv[1]]).fetchone()
    took = time.perf_counter() - begin
    rows = counts[0]
print(json.dumps({"seconds": took, "rows": rows, "before": spent}))
"""


class Took(NamedTuple):
    """What one run took."""

    seconds: float
    cpu: float


def measure(options: Options) -> list[Row]:
    """The ratio of rates, against both ways of merely parsing."""
    seconds: dict[str, float] = {}
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    before = os.getloadavg()[0]
    with folder(options) as place:
        with timed(seconds, "make"):
            log, rows = _log(options, place)
        size = log.stat().st_size / 1e6
        say(f"{size:,.0f} MB, {rows:,} calls; {len(cores)} cores")
        _ours(log, place, cores)  # compiled loops are compiled once per installation, and the file is in the cache
        took: dict[str, list[Took]] = {"ours": [], "table": [], "count": []}
        for turn in range(2 if options.quick else TURNS):
            for variant in ("table", "count"):
                took[variant].append(_run(_THEIRS, cores, log, variant, len(cores), rows=rows))
            took["ours"].append(_ours(log, place, cores, rows))
            stored = _stored(place / "lake") / rows
            say(f"turn {turn + 1}: " + ", ".join(f"{name} {values[-1].seconds:.1f} s" for name, values in took.items()))
    wall = {name: statistics.median(run.seconds for run in runs) for name, runs in took.items()}
    cpu = {name: statistics.median(run.cpu for run in runs) for name, runs in took.items()}
    turns = f"{len(took['ours'])} alternating runs, load {before:.1f}"
    under = f"one file of {size:,.0f} MB, {rows:,} calls, {options.words()}; {len(cores)} cores; {turns}"
    each = tuple(_line(name, size, runs, wall[name], cpu[name]) for name, runs in took.items())
    what = "ingest of LiteLLM logs, text included, against DuckDB's read_json"
    ways = {"table": "into a table of all columns", "count": "counting the values of all columns and keeping none, its cheapest way"}
    found = [
        Row(
            f"{what} {words}",
            f">= {BAR:g} x its rate",
            f"{wall[way] / wall['ours']:.2f} x",
            wall[way] / wall["ours"] >= BAR,
            under,
            (1,),
            each if way == "table" else (),
            seconds if way == "table" else {},
        )
        for way, words in ways.items()
    ]
    return [
        *found,
        *(
            Row(f"the same by CPU time, {words}", "", f"{cpu[way] / cpu['ours']:.2f} x", None, under)
            for way, words in (("table", "into a table"), ("count", "counting"))
        ),
        Row("the lake by interaction, sketches included", f"<= {MOST_BYTES} bytes", f"{stored:.0f} bytes", stored <= MOST_BYTES, under),
    ]


def _stored(lake: Path) -> int:
    """Bytes of a lake's tables, with all that names their files."""
    return sum(file.stat().st_size for file in (lake / "tables").rglob("*") if file.is_file())


def _line(name: str, size: float, runs: list[Took], wall: float, cpu: float) -> str:
    spread = f"{min(run.seconds for run in runs):.1f} to {max(run.seconds for run in runs):.1f} s"
    return f"{name}: {size / wall:.1f} MB/s median, {spread}, {cpu:.1f} s of CPU time"


def _log(options: Options, place: Path) -> tuple[Path, int]:
    """One file of JSON lines, and how many."""
    accounts, calls = (400, 8_000) if options.quick else (6_000, 200_000)
    made = make_world(options, WorldArguments(seed=1, hidden=30, accounts=accounts, calls=calls), place / "world")
    log = place / "calls.jsonl"
    with log.open("wb") as out:
        for part in sorted((place / "world" / "provider").glob("*.jsonl")):
            with part.open("rb") as source:
                shutil.copyfileobj(source, out, 1 << 20)
            part.unlink()
    return log, int(made["calls"])


def _ours(log: Path, place: Path, cores: list[int], rows: int | None = None) -> Took:
    """One ingest into a new lake, which stays until the next one."""
    lake = place / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    return _run(_OURS, cores, log, lake, len(cores), rows=rows)


def _run(program: str, cores: list[int], *arguments: object, rows: int | None) -> Took:
    """What `program` says that it took, on `cores` only, after its imports.

    Raises:
        RuntimeError: it failed, or did not see all rows.
    """
    command = [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {cores})\n{program}", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    with Watch(process.pid, memory=False) as watched:
        said, complaint = process.communicate()
    if process.returncode:
        raise RuntimeError(complaint.strip()[-2000:])
    found = json.loads(said)
    if rows is not None and found["rows"] != rows:
        raise RuntimeError(f"{found['rows']:,} rows instead of {rows:,}: the comparison would not be fair")
    return Took(float(found["seconds"]), max(watched.cpu_seconds - found["before"], 0.0))


if __name__ == "__main__":
    main(measure, "How fast logs become rows, beside a parser that merely parses them.")
