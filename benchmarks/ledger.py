"""What the ledger costs: ingest with it and without it, and how fast and how small the proof of one interaction among 28.8 million is.

Ingest reads the same file of LiteLLM logs, text included, into a new lake, with the ledger and without it in turns, each in a process of
its own on the same two cores. The clock runs from opening the lake to the last row there; importing modules is left out, making the
ledger's keys is not. The figure is the median over turns of the ratio within a turn, by wall time; the same by CPU time over all processes
stands below.

The proof is measured on batches of the real layout whose ids are real strings and whose leaf hashes are random: looking the id up, both
audit paths and the checkpoint, everything but reading the row itself from the lake. Pages are in the cache of the system, as they are
after writing.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import time

import ingest
import numpy as np
import pyarrow as pa
from product import folder
from rows import Options, Row, main, say, timed

from stillhunt.ledger import Ledger
from stillhunt.ledger.batches import Batches, Tree, root_of
from stillhunt.ledger.checking import check

MOST_ADDED = 0.10
MOST_MILLISECONDS, MOST_BYTES = 5.0, 4_000
MOST_BYTES_A_ROW = 40
TURNS = 5
INTERACTIONS = 28_800_000

_INGEST = """
import json, sys, time
from pathlib import Path
from stillhunt.intake import pipeline
from stillhunt.lake import Lake
from stillhunt.ledger.recording import record
begin, spent = time.perf_counter(), time.process_time()
with Lake.open(sys.argv[2], create=True) as lake:
    if sys.argv[4] == "with":
        record(lake)
    report = pipeline.ingest([Path(sys.argv[1])], lake, format="litellm", workers=int(sys.argv[3]))
    took = time.perf_counter() - begin
print(json.dumps({"seconds": took, "rows": report.accepted, "before": spent}))
"""


def measure(options: Options) -> list[Row]:
    """All of it."""
    return [*_cost(options), *_log(options), *_proofs(options)]


def _cost(options: Options) -> list[Row]:
    seconds: dict[str, float] = {}
    cores = sorted(os.sched_getaffinity(0))[: ingest.CORES]
    before = os.getloadavg()[0]
    took: dict[str, list[ingest.Took]] = {"with": [], "without": []}
    with folder(options) as place:
        with timed(seconds, "make"):
            log, rows = ingest._log(options, place)
        for turn in range((2 if options.quick else TURNS) + 1):
            for variant in ("with", "without") if turn % 2 else ("without", "with"):
                shutil.rmtree(place / "lake", ignore_errors=True)
                run = ingest._run(_INGEST, cores, log, place / "lake", len(cores), variant, rows=rows)
                if turn:  # in the first one loops may be compiled, and the file comes into the cache
                    took[variant].append(run)
            if turn:
                say(f"turn {turn}: " + ", ".join(f"{name} {runs[-1].seconds:.2f} s" for name, runs in took.items()))
        size = log.stat().st_size / 1e6
    under = f"one file of {size:,.0f} MB, {rows:,} calls; {len(cores)} cores; {len(took['with'])} turns, load {before:.1f}"
    pairs = list(zip(took["with"], took["without"], strict=True))
    wall = statistics.median(one.seconds / other.seconds for one, other in pairs) - 1
    cpu = statistics.median(one.cpu / other.cpu for one, other in pairs) - 1
    each = tuple(f"with {one.seconds:.2f} s, without {other.seconds:.2f} s" for one, other in pairs)
    return [
        Row("the ledger adds to ingest", f"<= {MOST_ADDED:.0%}", f"{wall:+.1%}", wall <= MOST_ADDED, under, (1,), each, seconds),
        Row("the same by CPU time", "", f"{cpu:+.1%}", None, under),
    ]


def _log(options: Options) -> list[Row]:
    """Entries by themselves: adding one (on disk, under two signatures), proving one, and checking all."""
    entries = 100 if options.quick else 2_000
    append: list[float] = []
    prove: list[float] = []
    with folder(options) as place:
        ledger = Ledger.open(place / "ledger", create=True)
        for number in range(entries):
            begin = time.perf_counter()
            ledger.append("decision", {"number": number})
            append.append((time.perf_counter() - begin) * 1_000)
        for number in range(0, entries, max(1, entries // 200)):
            begin = time.perf_counter()
            ledger.proof(number)
            prove.append((time.perf_counter() - begin) * 1_000)
        begin = time.perf_counter()
        found = check(ledger.folder)
        whole = time.perf_counter() - begin
        size = sum(path.stat().st_size for path in ledger.folder.rglob("*") if path.is_file())
    under = f"{entries:,} entries; load {os.getloadavg()[0]:.1f}"
    added, proved = (f"{statistics.median(each):.2f} ms, 99 % below {float(np.percentile(each, 99)):.2f} ms" for each in (append, prove))
    return [
        Row("adding an entry", "", added, None, under),
        Row("proving an entry", "", proved, None, under),
        Row("checking every byte", "", f"{whole:.2f} s, {len(found.problems)} problems, {size / entries:,.0f} bytes an entry", None, under),
    ]


def _proofs(options: Options) -> list[Row]:
    found: list[Row] = []
    for count in (115, 1_000):
        rows = (INTERACTIONS // 100 if options.quick else INTERACTIONS) // count
        with folder(options) as place:
            ledger = Ledger.open(place / "ledger", create=True)
            batches = Batches(ledger.folder)
            for number in range(count):
                _add(ledger, batches, number, rows)
            files = sum((batches.folder / name).stat().st_size for name in ("ids", "leaves", "nodes", "directory"))
            found += _asked(ledger, count, rows, files, 50 if options.quick else 500)
        say(found[-3].figure)
    return found


def _asked(ledger: Ledger, count: int, rows: int, files: int, asked: int) -> list[Row]:
    batches = Batches(ledger.folder)
    batches.find("mapped, and compiled")
    ledger.proof(0)
    chance = random.Random(1)
    times: list[float] = []
    paths: list[int] = []
    whole: list[int] = []
    for _ in range(asked):
        number, row = chance.randrange(count), chance.randrange(rows)
        begin = time.perf_counter()
        place = next(one for one in batches.find(_id(number, row)) if one.number == number)
        path = batches.proof(place)
        entry = batches.known()[number].entry
        proof, data = ledger.proof(entry, brief=True), ledger.entry(entry).data
        times.append((time.perf_counter() - begin) * 1_000)
        # base64, as in a bundle: what is this interaction's own; the checkpoint is the same for all of them
        own = proof.partition(b"\n\n")[0]
        paths.append(44 * len(path) + len(own) + len(data))
        whole.append(44 * len(path) + len(proof) + len(data))
    late = float(np.percentile(times, 99))
    under = f"{rows * count:,} interactions in {count:,} batches, {asked} random ones, load {os.getloadavg()[0]:.1f}"
    middle = statistics.median(times)
    figure = f"{middle:.2f} ms, 99 % below {late:.2f} ms"
    return [
        Row("look-up and proof of one interaction", f"< {MOST_MILLISECONDS:g} ms", figure, middle < MOST_MILLISECONDS, under),
        Row(
            "its size: both audit paths, the batch's entry and the checkpoint",
            f"< {MOST_BYTES:,} bytes",
            f"{max(whole):,} bytes with the checkpoint and its Ed25519 signature ({max(paths):,} without; ML-DSA's is 3.3 kB more)",
            max(whole) < MOST_BYTES,
            under,
        ),
        Row(
            "files that proofs are made from",
            f"<= {MOST_BYTES_A_ROW} bytes an interaction",
            f"{files / (rows * count):.1f} bytes",
            files <= MOST_BYTES_A_ROW * rows * count,
            under,
        ),
    ]


def _add(ledger: Ledger, batches: Batches, number: int, rows: int) -> None:
    """One batch with real ids and random leaves."""
    chance = np.random.default_rng(number)
    high = np.sort(batches.digest(pa.array([_id(number, row) for row in range(rows)])).high)
    leaves = chance.integers(0, 256, (rows, 32), np.uint8)
    nodes, root = root_of(leaves)
    tree = Tree(f"{number:016x}", (high >> np.uint64(32)).astype(np.uint32), leaves, nodes, root)
    # as long as a real one's
    said = {"id": tree.batch, "rows": rows, "root": root.hex(), "salts": root.hex(), "ids": root.hex(), "formats": {"litellm": rows}}
    said |= {"first": "2026-03-01T00:00:00.000000Z", "last": "2026-03-02T00:00:00.000000Z", "files": {"added": 1, "sha256": root.hex()}}
    with batches.turn():
        batches.lay(tree)
        batches.name(tree, ledger.append("batch", said))


def _id(number: int, row: int) -> str:
    return f"chatcmpl-{number:08x}-{row:08x}"


if __name__ == "__main__":
    main(measure, "What the ledger costs, and what its proofs cost.")
