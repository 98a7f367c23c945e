"""Time to detection: the ladder's worlds replayed through a watch, hour by hour.

A world of the ladder is written to a lake piece by piece, each call when it had ended, each account when it was made, each closure when it
happened, and a watch looks at the lake after every piece, as `stillhunt watch --lake` does while others ingest. Measured is what the watch
wrote down: when it first named each hidden account, in calls of that account and in hours since its first; when the operator
was first named at all; under how many names the operator went; and who was ever named wrongly. A result is kept as soon as it is there,
and a run that is stopped goes on behind the last one.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from rows import ROOT, SHARED_TEXTS, numbers, say, scratch_folder

from stillhunt import campaigns
from stillhunt.campaigns.known import Known
from stillhunt.cases.registry import Registry
from stillhunt.cli.outlet import Outlet
from stillhunt.cli.watching import Place, Watch
from stillhunt.lake import Lake
from stillhunt.range.ladder import worlds
from stillhunt.range.ladder.measuring import surroundings
from stillhunt.range.ladder.steps import Step, chosen, steps
from stillhunt.range.ladder.worlds import Conditions, Part
from stillhunt.records import TIMESTAMP

PAGE = ROOT / "docs" / "benchmarks" / "watch.md"
SEEDS = (21, 22)
STEPS = "ladder,replacement"
QUICK = Conditions(accounts=1_500, calls=40_000, hidden=60)
ENOUGH = 0.95
"""A replay ends when this share of the hidden accounts has been named; where all are banned and replaced, it goes on to the end."""

_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = 3_600_000_000
Moments = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Detection:
    """One step on one seed, replayed.

    Attributes:
        seed, step, accounts, calls, hidden, texts: what was replayed; `accounts`, `calls` and `hidden` as the conditions asked.
        every_hours: between looks.
        looks: how many were made.
        first_hours, first_calls: from the operator's first call to the look that named any of its accounts, in hours and in calls of the
            operator; None where none did.
        hidden_accounts: the operator's accounts.
        named: for each hidden account that was named: its calls by then, and hours since its first call.
        wrong_ever: others that any look named.
        names: for each known campaign with hidden accounts, how many of those whose account was banned and of the others.
        events: kind -> how many.
        seconds: wall time of each look, in order.
        conditions: date, machine, versions.
    """

    seed: int
    step: str
    accounts: int
    calls: int
    hidden: int
    texts: str
    every_hours: float
    looks: int
    first_hours: float | None
    first_calls: int | None
    hidden_accounts: int
    named: list[tuple[int, float]]
    wrong_ever: int
    names: dict[str, tuple[int, int]]
    events: dict[str, int]
    seconds: list[float]
    conditions: dict[str, str]

    @property
    def key(self) -> tuple[Any, ...]:
        """What is not measured twice."""
        return self.seed, self.step, self.accounts, self.calls, self.hidden, self.texts, self.every_hours


# --------------------------------------------------------------------------------------------------------------------
# Replaying


@dataclass(frozen=True)
class _World:
    """A world in the order in which a provider would see it."""

    calls: pa.Table
    ended: Moments
    accounts: pa.Table
    rest: dict[str, pa.Table]
    hidden: dict[str, Moments]  # account -> when its calls ended
    banned: set[str]


def _world(parts: Sequence[Part], theirs: Part) -> _World:
    tables = {name: pa.concat_tables([part.tables[name] for part in parts], promote_options="default") for name in worlds.TABLES}
    calls = tables["interactions"]
    ended = _microseconds(pc.coalesce(calls["ended_at"], calls["started_at"]))
    order = np.argsort(ended, kind="stable")
    calls, ended = calls.take(pa.array(order)), ended[order]
    mine = {str(row["account_id"]) for row in theirs.truth.to_pylist() if row["operator"] is not None}
    at = np.flatnonzero(pc.is_in(calls["account_id"], value_set=pa.array(sorted(mine), pa.string())).to_numpy(zero_copy_only=False))
    hidden: dict[str, list[int]] = {}
    for account, moment in zip(calls["account_id"].take(pa.array(at)).to_pylist(), ended[at].tolist(), strict=True):
        hidden.setdefault(str(account), []).append(moment)
    accounts = tables["accounts"]
    closed = accounts.filter(pc.is_valid(accounts["closed_at"]))["account_id"].to_pylist()
    rest = {name: tables[name] for name in ("entitlements", "phrases")}
    return _World(calls, ended, accounts, rest, {a: np.array(times) for a, times in hidden.items()}, mine & {str(a) for a in closed})


def _microseconds(times: Any, missing: int = 0) -> Moments:
    found: Moments = times.cast(TIMESTAMP).cast(pa.int64()).fill_null(missing).to_numpy()
    return found


def _accounts(world: _World, after: int, until: int) -> Iterator[pa.Table]:
    """Accounts that were made, or closed, in a span: what is not closed yet shows no sign of it."""
    accounts = world.accounts
    made, closed = _microseconds(accounts["created_at"]), _microseconds(accounts["closed_at"], missing=-1)
    new = accounts.filter(pa.array((made > after) & (made <= until)))
    late = pa.array(closed[(made > after) & (made <= until)] > until)
    for name in ("closed_at", "closed_reason", "status"):
        place = new.schema.get_field_index(name)
        nothing = pa.nulls(new.num_rows, new.schema.field(name).type)
        new = new.set_column(place, new.schema.field(name), pc.if_else(late, nothing, new[name].combine_chunks()))
    yield new
    yield accounts.filter(pa.array((closed > after) & (closed <= until)))


def replay(step: Step, conditions: Conditions, seed: int, scratch: Path, every: timedelta) -> Detection:
    """Replay one step on one seed."""
    specs = step.cast(conditions.hidden)
    everybody = worlds.base(conditions, seed, scratch)
    theirs, _ = worlds.operation(conditions, seed, specs, scratch)
    world = _world([everybody, theirs], theirs)
    place = scratch / f"watch-{seed}-{time.time_ns()}"
    try:
        with worlds.put_together(place, worlds.key(seed), []) as lake, Registry(place / "registry.sqlite", create=True) as registry:
            return _replayed(step, conditions, seed, world, lake, registry, Place(str(place), place), every)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _replayed(
    step: Step, conditions: Conditions, seed: int, world: _World, lake: Lake, registry: Registry, place: Place, every: timedelta
) -> Detection:
    clock = [_ZERO]
    seconds: list[float] = []
    with Outlet(place.state, registry=registry.identity, as_json=True) as outlet:
        watch = Watch(
            place,
            lake,
            None,
            registry,
            outlet,
            hunt=lambda as_of, _pause: campaigns.hunt(lake, as_of=as_of),
            complain=lambda problems: say("; ".join(problems)),
            every=0.0,  # the past is not looked back at: this is the past
            now=lambda: clock[0],
        )
        lake.upsert_entitlements(world.rest["entitlements"])
        lake.add_phrases(world.rest["phrases"])
        before = -1
        for moment in _looks(world, every):
            first, last = np.searchsorted(world.ended, [before, moment], side="right")
            if last > first:
                lake.append_interactions(world.calls.slice(first, last - first))
            for rows in _accounts(world, before, moment):
                if rows.num_rows:
                    lake.upsert_accounts(rows)
            clock[0] = _ZERO + timedelta(microseconds=moment)
            begun = time.perf_counter()
            with contextlib.redirect_stdout(io.StringIO()):
                watch.round()
            seconds.append(round(time.perf_counter() - begun, 2))
            before = moment
            known = registry.known()
            found = {account for one in known for account in one.members} & world.hidden.keys()
            if not _replaces(step) and len(found) >= ENOUGH * len(world.hidden):
                break
        events = dict(Counter(str(event.kind) for _, event in registry.events()))
    return _detection(step, conditions, seed, world, registry.known(), events, seconds, every)


def _replaces(step: Step) -> bool:
    return any(one.replaced_day is not None for one in step.operators)


def _looks(world: _World, every: timedelta) -> list[int]:
    """When the watch looks: first when the operator's first call is about to come, then at even distances."""
    wide = int(every.total_seconds() * 1e6)
    begin = min(int(times.min()) for times in world.hidden.values()) if world.hidden else int(world.ended[0])
    first = begin // wide * wide
    return [*range(first, int(world.ended[-1]), wide), int(world.ended[-1])]


def _detection(
    step: Step,
    conditions: Conditions,
    seed: int,
    world: _World,
    known: Sequence[Known],
    events: dict[str, int],
    seconds: list[float],
    every: timedelta,
) -> Detection:
    when: dict[str, int] = {}
    wrong: set[str] = set()
    names: dict[str, tuple[int, int]] = {}
    for one in known:
        mine = one.members.keys() & world.hidden.keys()
        wrong |= one.members.keys() - world.hidden.keys()
        if mine:
            names[one.name] = (len(mine & world.banned), len(mine - world.banned))
        for account in mine:
            named = int((datetime.fromisoformat(one.members[account].named_at) - _ZERO) / timedelta(microseconds=1))
            when[account] = min(named, when.get(account, named))
    everything = np.sort(np.concatenate(list(world.hidden.values()))) if world.hidden else np.empty(0, np.int64)
    first = min(when.values(), default=None)

    def by(times: Moments, moment: int) -> tuple[int, float]:
        # names are written down to the second
        return int(np.searchsorted(times, moment + 1_000_000, side="right")), round((moment - int(times[0])) / _HOUR, 2)

    overall = by(everything, first) if first is not None else None
    return Detection(
        seed=seed,
        step=step.name,
        accounts=conditions.accounts,
        calls=conditions.calls,
        hidden=conditions.hidden,
        texts=conditions.words(),
        every_hours=every / timedelta(hours=1),
        looks=len(seconds),
        first_hours=overall[1] if overall else None,
        first_calls=overall[0] if overall else None,
        hidden_accounts=len(world.hidden),
        named=sorted(by(world.hidden[account], moment) for account, moment in when.items()),
        wrong_ever=len(wrong),
        names=names,
        events=events,
        seconds=seconds,
        conditions=surroundings(),
    )


# --------------------------------------------------------------------------------------------------------------------
# Results and the page


def read(path: Path) -> list[Detection]:
    """All whole lines of a results file."""
    found: dict[tuple[Any, ...], Detection] = {}
    names = {one.name for one in fields(Detection)}
    for line in path.read_text().splitlines() if path.exists() else []:
        with contextlib.suppress(json.JSONDecodeError):
            row = json.loads(line)
            if set(row) == names:
                one = Detection(**row)
                found[one.key] = one
    return list(found.values())


def append(path: Path, one: Detection) -> None:
    """Keep one result; a torn line before it stays torn and alone."""
    with path.open("ab+") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 1))
        torn = size > 0 and file.read(1) != b"\n"
        file.write((b"\n" if torn else b"") + json.dumps(asdict(one)).encode() + b"\n")


def page(results: Sequence[Detection], known: dict[str, Step]) -> str:
    """The page, from results alone."""
    parts = [INTRODUCTION, _facts(results)]
    heads = (
        "step",
        "what the operator does",
        "hidden accounts named",
        "operator first named after",
        "calls of an account when it is named (median, 90th percentile)",
        "hours since its first call (median, 90th percentile)",
        "named wrongly, ever",
        "names for the operator",
        "seconds a look (median, most)",
    )
    measured = {one.step for one in results}
    rows = [_row(step, [one for one in results if one.step == name]) for name, step in known.items() if name in measured]
    table = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), *("| " + " | ".join(row) + " |" for row in rows)]
    return "\n".join([*parts, *table, READING])


INTRODUCTION = """# Time to detection

Written by `benchmarks/watch.py` (part of `make bench-detection`); not edited by hand. The worlds are those of [the ladder](ladder.md):
simulated, so that the figures say how fast the product is on worlds of the range, not against anybody in particular. A world is written to
a lake piece by piece, and a [watch](../watch.md) looks at it after each.
"""
READING = """
An account that no look named counts as infinitely many calls and hours; “never” stands for these. Hours go by in steps of the looks. A
replay ends when 95 % of the hidden accounts are named, at the end of the world at the latest, and always there where all accounts are
banned and replaced. “Operator first named after” counts from its very first call, of whichever account; the calls are those of all its
accounts. Where an operator's accounts are banned and replaced, one name for both pools says that the replacement was tied to what it
replaces, at once or when a later look took both for one campaign. Seconds depend on the machine and what else it does.
"""


def _row(step: Step, group: Sequence[Detection]) -> tuple[str, ...]:
    hidden = sum(one.hidden_accounts for one in group)
    named = [pair for one in group for pair in one.named]
    first = [
        f"{one.first_hours:.0f} h, {one.first_calls:,} calls" if one.first_hours is not None else "never"
        for one in sorted(group, key=lambda one: one.seed)
    ]
    seconds = [value for one in group for value in one.seconds]
    return (
        step.name,
        step.what,
        f"{len(named):,} of {hidden:,}",
        "; ".join(first),
        _quantiles([calls for calls, _ in named], hidden, lambda value: f"{value:,.0f}"),
        _quantiles([hours for _, hours in named], hidden, lambda value: f"{value:.0f}"),
        f"{sum(one.wrong_ever for one in group):,}",
        ", ".join(_names(step, one) for one in group),
        f"{statistics.median(seconds):.1f}, {max(seconds):.1f}" if seconds else "-",
    )


def _quantiles(values: Sequence[float], of: int, words: Callable[[float], str]) -> str:
    ordered = sorted(values) + [float("inf")] * (of - len(values))
    if not ordered:
        return "-"
    picked = [ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.9)]
    return ", ".join("never" if value == float("inf") else words(value) for value in picked)


def _names(step: Step, one: Detection) -> str:
    if not one.names:
        return "none"
    both = any(closed and other for closed, other in one.names.values())
    pools = (" (one for both pools)" if both else " (the pools apart)") if _replaces(step) else ""
    return f"{len(one.names)}{pools}"


def _facts(results: Sequence[Detection]) -> str:
    def each(values: Sequence[str]) -> str:
        return "; ".join(dict.fromkeys(values))

    facts = {
        "Date": each(sorted(one.conditions["date"] for one in results)),
        "Machine": each([one.conditions["machine"] for one in results]),
        "Versions": each([one.conditions["versions"] for one in results]),
        "Seeds": ", ".join(map(str, sorted({one.seed for one in results}))),
        "Worlds": each(
            [f"{one.accounts:,} unrelated accounts with about {one.calls:,} calls, {one.hidden:,} hidden accounts" for one in results]
        ),
        "Texts": each([one.texts for one in results]),
        "Looks": each([f"every {one.every_hours:g} hours" for one in results]),
    }
    if any(one.accounts < Conditions.accounts for one in results):
        facts["Caution"] = "smaller worlds than the ladder's: figures say that it runs, and little about how fast it would be there"
    return "\n".join(f"- **{name}**: {words}" for name, words in facts.items()) + "\n"


def main() -> None:
    """Replay what is not kept yet, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", default=STEPS, help="steps of the ladder, as `stillhunt range ladder` takes them")
    parser.add_argument("--seeds", type=numbers, default=SEEDS, help="seeds of the worlds, separated by commas")
    parser.add_argument("--every", type=float, default=1.0, metavar="HOURS", help="hours between looks")
    parser.add_argument("--quick", action="store_true", help="small worlds: shows that it runs, says little about time")
    parser.add_argument("--scratch", type=Path, help="a folder for worlds and results (default: bench-work in the checkout)")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the page goes")
    given = parser.parse_args()
    scratch = scratch_folder(given.scratch)
    worlds_folder = scratch / "ladder"
    worlds_folder.mkdir(exist_ok=True)
    size = QUICK if given.quick else Conditions(texts=SHARED_TEXTS if SHARED_TEXTS.is_dir() else None)
    known = steps()
    path = scratch / "watch.jsonl"
    every = timedelta(hours=given.every)
    wanted = []
    for seed in given.seeds:
        for step in chosen(given.steps, known):
            key = (seed, step.name, size.accounts, size.calls, size.hidden, size.words(), given.every)
            wanted.append(key)
            if key not in {one.key for one in read(path)}:
                say(f"seed {seed}, {step.name}")
                append(path, replay(step, size, seed, worlds_folder, every))
    results = [one for one in read(path) if one.key in wanted]
    if results:
        given.page.parent.mkdir(parents=True, exist_ok=True)
        given.page.write_text(page(results, known))


if __name__ == "__main__":
    main()
