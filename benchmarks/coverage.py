"""Does the guarantee hold? Random worlds in which nobody hides, and random worlds with an operator.

A world is drawn from its seed: how many people, days and calls, how heavy the tail of volumes is, which twins are there, how large
and how busy, several of one kind with different products, which columns the provider lacks, which texts. The shares and tails lie beyond
those of the worlds that the product was developed on. Two promises are counted:

* where nobody hides, some campaign is named in at most a share alpha of the worlds, though each is scanned twice, part way and whole;
* where somebody hides, at most a share alpha of the accounts named are nobody's.

alpha is the false discovery rate that findings.json states. Intervals are exact (Clopper and Pearson 1934): some hundred worlds can show
that a promise is broken, and bound by how much it could be, but not that a rate of one in a thousand holds.
"""

from __future__ import annotations

import argparse
import copy
import datetime as dt
import hashlib
import math
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from coverage_page import WORLDS, page, rows
from numpy.typing import NDArray
from rows import ROOT, SHARED_TEXTS, say, scratch_folder, verdict, write_rows
from stages import FAMILIES, Journal, code, empty_stage, in_words, scan, take_in, told

from stillhunt.range import operators, people
from stillhunt.range.machinery import Rates
from stillhunt.range.operators import LADDER, PRESETS, OperatorSpec, operator
from stillhunt.range.populations import load
from stillhunt.range.stage import Stage
from stillhunt.range.world import START

NOBODY, SOMEBODY = "nobody", "somebody"
FIRST = {NOBODY: 5001, SOMEBODY: 7001}
MOST_CALLS = 45_000
HIDDEN_CALLS = 25_000
PAGE = ROOT / "docs" / "benchmarks" / "coverage.md"


class Tails(Rates):
    """Volumes with another tail than the range's own: log-normal weights of a given spread, and more or fewer heavy customers."""

    def __init__(self, folder: Path | None, spread: float, heavy: float) -> None:
        super().__init__(folder)
        self.spread = spread
        self.heavy = heavy

    def calls(self, rng: np.random.Generator, accounts: int, total: int) -> NDArray[np.int64]:
        """As `Rates.calls`: at least one call each, `total` together; nobody has more than a tenth of all."""
        weights = np.exp(self.spread * rng.standard_normal(accounts))
        weights[rng.random(accounts) < self.heavy] *= 40.0
        shares = weights / weights.sum()
        for _ in range(8):
            shares = np.minimum(shares, max(0.1, 2.0 / accounts))
            shares = shares / shares.sum()
        return 1 + rng.multinomial(total - accounts, shares).astype(np.int64)


@dataclass(frozen=True)
class Mix:
    """One world as drawn. `twins` are (population, accounts, calls) each; `lacks` names the `FAMILIES` of columns left out."""

    seed: int
    days: int
    start: dt.datetime
    spread: float
    heavy: float
    people: int
    calls: int
    twins: tuple[tuple[str, int, int], ...]
    lacks: tuple[str, ...]
    real: bool
    operator: OperatorSpec | None
    part_way: float  # when the world is scanned for the first time, as a share of its days


def drawn(kind: str, seed: int) -> Mix:
    """The world of `seed`."""
    rng = random.Random(f"coverage/{kind}/{seed}")
    known = load()
    days = rng.choice((5, 7, 10, 14, 14, 14, 21, 28))
    accounts = round(math.exp(rng.uniform(math.log(700), math.log(4_500))))
    calls = min(MOST_CALLS, round(accounts * math.exp(rng.gauss(math.log(13), 0.4))))
    how_many = rng.choice((0, 1, 2, 3, 4, 6, 8, 12, 20, len(known)))
    # a kind may be there more than once, each time as another product, school or maker
    names = [rng.choice(list(known)) for _ in range(how_many)] if how_many < len(known) else list(known)
    twins = []
    for name in names:
        twin = known[name]
        largest = max(twin.fewest, min(twin.most, round(0.6 * accounts / max(3, how_many))))
        size = round(math.exp(rng.uniform(math.log(twin.fewest), math.log(largest))))
        twins.append((name, size, max(size, round(twin.pace * rng.lognormvariate(0, 0.5) * size * days))))
    ease = min(1.0, rng.uniform(0.2, 0.6) * calls / max(1, sum(one[2] for one in twins)))
    twins = [(name, size, max(size, round(count * ease))) for name, size, count in twins]
    lacks = tuple(family for family in FAMILIES if rng.random() < 0.15) if rng.random() < 0.4 else ()
    return Mix(
        seed=seed,
        days=days,
        start=START + dt.timedelta(days=rng.randrange(200)),
        spread=rng.uniform(0.9, 2.5),
        heavy=rng.choice((0.0, 0.01, 0.02, 0.05)),
        people=max(200, accounts - sum(one[1] for one in twins)),
        calls=max(accounts, calls - sum(one[2] for one in twins)),
        twins=tuple(twins),
        lacks=lacks,
        real=rng.random() < 0.4,
        operator=_operator(rng, days) if kind == SOMEBODY else None,
        part_way=rng.uniform(0.35, 0.9),
    )


def _operator(rng: random.Random, days: int) -> OperatorSpec:
    """Any reported shape or step of effort, of any size from 10 to 300 accounts; heavy ones are shortened to what a world can hold."""
    shape = rng.choice([*PRESETS, *LADDER])
    spec = operator(shape, name=shape, start_day=0.0)
    accounts = round(math.exp(rng.uniform(math.log(10), math.log(300))))
    length = min(float(days), HIDDEN_CALLS / (accounts * spec.calls_per_account_day))
    if length < 2:
        accounts = max(10, int(HIDDEN_CALLS / 2 / spec.calls_per_account_day))
        length = min(float(days), max(1.0, HIDDEN_CALLS / (accounts * spec.calls_per_account_day)))
    replaced = spec.replaced_day and min(spec.replaced_day, length / 2)
    return replace(spec, accounts=accounts, days=length, start_day=rng.uniform(0, days - length), replaced_day=replaced)


def staged(mix: Mix) -> Stage:
    """The stage of a mix with everybody on it."""
    folder = SHARED_TEXTS if mix.real and SHARED_TEXTS.is_dir() else None
    stage = empty_stage(mix.seed, mix.days, folder, mix.start, Tails(folder, mix.spread, mix.heavy))
    known = load()
    people.cast(stage, mix.people, mix.calls)
    for number, (name, accounts, calls) in enumerate(mix.twins):
        # everything but the draws is the stage's own, so that two of one kind differ and never share an address by mistake
        part = copy.copy(stage)
        part.seed = mix.seed * 1000 + number
        known[name].cast(part, accounts, calls)
    if mix.operator is not None:
        operators.cast(stage, mix.operator)
    return stage


def one(task: tuple[str, int], scratch: Path, keep: Path | None) -> dict[str, Any]:
    """Make, read in, scan and tell one world."""
    kind, seed = task
    begun = time.perf_counter()
    mix = drawn(kind, seed)
    # what is kept is known by what was drawn: another population in the range is another world
    drawn_as = hashlib.blake2b(repr(mix).encode(), digest_size=4).hexdigest()
    taken, truth = take_in(partial(staged, mix), f"{kind}-{drawn_as}", seed, scratch, keep)
    moments = (mix.start + dt.timedelta(days=mix.days * mix.part_way), None) if kind == NOBODY else (None,)
    scans = [told(found, truth) for found in scan(taken.without(mix.lacks), scratch, moments)]
    hidden = {account for account, (_, owner) in truth.items() if owner is not None}
    return {
        "name": kind,
        "seed": seed,
        "texts": "real" if mix.real and SHARED_TEXTS.is_dir() else "bank",
        "days": mix.days,
        "accounts": len(truth),
        "calls": sum(part.num_rows for part in taken.parts["interactions"]),
        "twins": [list(entry) for entry in mix.twins],
        "lacks": list(mix.lacks),
        "operator": mix.operator.name if mix.operator else None,
        "hidden": len(hidden),
        "code": code(),
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        # a naming part way counts as much as one at the end
        "campaigns": [campaign for scan_ in scans for campaign in scan_["campaigns"]],
        "pools": scans[-1]["pools"],
        "seconds": round(time.perf_counter() - begun, 1),
    }


def measure(journal: Journal, tasks: list[tuple[str, int]], scratch: Path, keep: Path | None, log: Path | None, workers: int) -> None:
    """Measure what the journal does not have yet."""
    left = [task for task in tasks if not journal.has(*task)]
    if workers <= 1:
        done = map(partial(one, scratch=scratch, keep=keep), left)
        _keep(journal, done, len(left), log)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        _keep(journal, pool.map(partial(one, scratch=scratch, keep=keep), left), len(left), log)


def _keep(journal: Journal, done: Any, total: int, log: Path | None) -> None:
    for number, record in enumerate(done, start=1):
        journal.add(record)
        wrong = sum(campaign["wrong"] for campaign in record["campaigns"])
        say(
            f"{number} of {total}: {record['name']} {record['seed']}: {len(record['campaigns'])} campaigns, "
            f"{wrong} named wrongly, {record['seconds']} s"
        )
        words = in_words(record, f"python benchmarks/coverage.py --only {record['name']} --seeds {record['seed']} --results NEW.jsonl")
        if words and log is not None:
            with log.open("a") as file:
                file.write(words)


def main() -> int:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description="Does the guarantee hold?")
    parser.add_argument("--quick", action="store_true", help="two worlds of each kind: shows that it runs, says little")
    parser.add_argument("--only", choices=(NOBODY, SOMEBODY), help="one kind of worlds")
    parser.add_argument(
        "--worlds", type=int, help=f"so many of each kind (default: {WORLDS[NOBODY]} with nobody, {WORLDS[SOMEBODY]} with somebody)"
    )
    parser.add_argument("--seeds", help="seeds of the worlds, separated by commas (default: from 5001 and 7001 on)")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--scratch", type=Path, help="a folder for worlds and lakes (default: bench-work in the checkout)")
    parser.add_argument(
        "--results", type=Path, help="the JSON lines to go on with (default: coverage.jsonl in the scratch folder, or beside --rows)"
    )
    parser.add_argument(
        "--keep", type=Path, help="leave what was read in in this folder, and take it from there next time (see stages.take_in)"
    )
    parser.add_argument("--log", type=Path, help="add every false naming, with its evidence, to this file")
    parser.add_argument("--page", type=Path, help="write the page here (default: docs/benchmarks/coverage.md when nothing is left out)")
    parser.add_argument("--rows", type=Path, help="write the figures to this file as JSON, too")
    given = parser.parse_args()
    scratch = scratch_folder(given.scratch)
    tasks = []
    for kind in (NOBODY, SOMEBODY):
        if given.only not in (None, kind):
            continue
        count = 2 if given.quick else given.worlds or WORLDS[kind]
        # run.py gives the seeds of other benchmarks' worlds; these worlds have their own
        chosen = (
            [int(seed) for seed in given.seeds.split(",")] if given.seeds and not given.rows else range(FIRST[kind], FIRST[kind] + count)
        )
        tasks += [(kind, seed) for seed in chosen]
    begun = dt.datetime.now(dt.UTC)
    usual = given.rows.with_suffix(".jsonl") if given.rows else scratch / "coverage.jsonl"
    journal = Journal(given.results or usual, "name", "seed")
    measure(journal, tasks, scratch, given.keep, given.log, given.workers)
    counted = rows(journal)
    for row in counted:
        print(f"{row.what}\n    {row.figure}   [{row.bar or 'no bar'}: {verdict(row)}]")
    if given.rows:
        write_rows(given.rows, counted)
    target = given.page or (PAGE if not (given.quick or given.only or given.seeds or given.worlds) else None)
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(journal, begun))
        say(f"written: {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
