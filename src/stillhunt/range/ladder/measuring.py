"""One step on one seed: put together, scanned, replayed, scored."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt import campaigns
from stillhunt.errors import StillhuntError
from stillhunt.lake import Lake
from stillhunt.range.calls import DAY
from stillhunt.range.ladder import worlds
from stillhunt.range.ladder.results import NOBODY, REPLACEMENT, Replay, Result
from stillhunt.range.ladder.steps import Bar, Step
from stillhunt.range.ladder.worlds import Conditions, Part, Tell
from stillhunt.range.operators import OperatorSpec
from stillhunt.range.price import price
from stillhunt.range.stage import Stage
from stillhunt.records import TIMESTAMP, Findings

MEANS = (2, 4, 6, 9, 12, 18, 25, 37, 50, 75, 120, 180, 300, 600, 1_200, 2_400)
"""The past is scanned at the moments by which hidden accounts had made so many calls on average."""

ENOUGH = 0.95
"""Replaying ends when this share of the hidden accounts has been named, or all that the full scan names."""

_PACKAGES = ("stillhunt", "pyarrow", "pyiceberg", "numpy", "scipy", "numba")
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)

Times = dict[str, npt.NDArray[np.int64]]
"""Hidden account -> the moments at which its calls came into view, sorted, microseconds since 1970 UTC."""


@dataclass(frozen=True)
class _Hidden:
    """Whom to find: account -> the label of its pool, and when each was seen."""

    pool: dict[str, str]
    seen: Times

    def by(self, moment: int | None, account: str) -> int:
        """Calls of `account` that a scan as of `moment` (None: now) sees."""
        times = self.seen.get(account, np.empty(0, np.int64))
        return len(times) if moment is None else int(np.searchsorted(times, moment, side="right"))


def measure(
    step: Step,
    conditions: Conditions,
    seed: int,
    scratch: Path,
    *,
    without: str | None = None,
    replay: bool = True,
    tell: Tell | None = None,
) -> Result:
    """Measure one step on one seed. Everything made on the way but the base is removed again.

    Args:
        step: what operates.
        conditions: the world.
        seed: of the world.
        scratch: where bases are kept and lakes are made.
        without: a family of `worlds.FAMILIES` to take away before scanning.
        replay: whether the past is scanned, too.
        tell: progress.
    """
    say = tell or _silent
    seconds: dict[str, float] = {}
    specs = step.cast(conditions.hidden)
    with _timed(seconds, "base"):
        everybody = worlds.base(conditions, seed, scratch, say)
    say("making the operator", 0, 1)
    with _timed(seconds, "operator"):
        theirs, stage = worlds.operation(conditions, seed, specs, scratch)
    hidden = _hidden(theirs, specs, stage)
    costs: dict[str, Any] = {}
    if len(specs) == 1 and without is None:
        costs |= price(specs[0], conditions.days, seed, conditions.texts)
    place = scratch / f"lake-{seed}-{time.time_ns()}"
    try:
        with _timed(seconds, "lake"):
            parts = [part if without is None else worlds.without(part, without) for part in (everybody, theirs)]
            population = _populations([everybody, theirs])
            calls = sum(part.tables["interactions"].num_rows for part in parts)
            lake = worlds.put_together(place, worlds.key(seed), parts)
            del parts, everybody, theirs  # a scan needs the memory
        with lake:
            full, past, first, wrong = _scans(lake, hidden, seconds, say, step.bar, replay=replay)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    named = _named(full)
    strangers = named - hidden.pool.keys()
    return Result(
        seed=seed,
        step=step.name,
        without=without,
        accounts=conditions.accounts,
        calls=conditions.calls,
        hidden=conditions.hidden,
        texts=conditions.words(),
        format=conditions.format,
        pools=dict(Counter(hidden.pool.values())),
        hidden_accounts=len(hidden.pool),
        hidden_calls=sum(len(times) for times in hidden.seen.values()),
        world_accounts=len(population),
        world_calls=calls,
        named=len(named),
        right=len(named) - len(strangers),
        wrong_by_population=dict(Counter(population.get(account, "unknown") for account in strangers).most_common()),
        wrong_ever=len(wrong | strangers),
        campaigns=[dict(Counter(hidden.pool.get(one.account_id, NOBODY) for one in found.accounts)) for found in full.campaigns],
        overlooked=_overlooked(full, hidden),
        replays=past,
        first_named=sorted((first.get(account) for account in hidden.pool), key=lambda made: float("inf") if made is None else made),
        price=costs,
        seconds={name: round(value, 1) for name, value in seconds.items()},
        conditions=surroundings(),
    )


def _scans(
    lake: Lake, hidden: _Hidden, seconds: dict[str, float], say: Tell, bar: Bar | None, *, replay: bool
) -> tuple[Findings, list[Replay], dict[str, int], set[str]]:
    """The full scan, those of the past, calls of each hidden account when first named, and who was ever named wrongly."""
    with _timed(seconds, "scan"):
        say("scanning", 0, 1)
        full = campaigns.hunt(lake)
    final = _named(full) & hidden.pool.keys()
    past: list[Replay] = []
    first: dict[str, int] = {}
    wrong: set[str] = set()
    moments = _moments(hidden, bar) if replay else []
    with _timed(seconds, "replays"):
        for number, (mean, moment) in enumerate(moments):
            if final <= first.keys() or len(first) >= ENOUGH * len(hidden.pool):
                break
            say("scanning the past", number, len(moments))
            begun = time.perf_counter()
            try:
                found = campaigns.hunt(lake, as_of=_ZERO + timedelta(microseconds=moment))
            except StillhuntError:
                continue  # nothing in view yet
            named = _named(found)
            strangers = named - hidden.pool.keys()
            wrong |= strangers
            for account in named & hidden.pool.keys():
                first.setdefault(account, hidden.by(moment, account))
            past.append(
                Replay(
                    mean_calls=mean,
                    as_of=found.as_of or "",
                    right=len(named) - len(strangers),
                    wrong=len(strangers),
                    ever=len(first),
                    campaigns=len(found.campaigns),
                    seconds=round(time.perf_counter() - begun, 1),
                )
            )
    for account in final:
        first.setdefault(account, hidden.by(None, account))
    return full, past, first, wrong


def _moments(hidden: _Hidden, bar: Bar | None) -> list[tuple[int, int]]:
    """(mean calls per hidden account, the moment at which that many were in view), in order of time.

    Where there is a bar, those from a quarter of it to four times it: each scan of the past costs as much as the last one. What is named at
    the first of them was named then at the latest.
    """
    everything = np.sort(np.concatenate(list(hidden.seen.values()))) if hidden.seen else np.empty(0, np.int64)
    means = [mean for mean in MEANS if bar is None or (bar.calls is not None and bar.calls <= 4 * mean and mean <= 4 * bar.calls)]
    places = [(mean, mean * len(hidden.pool) - 1) for mean in means]
    return [(mean, int(everything[place])) for mean, place in places if 0 <= place < len(everything)]


def _hidden(part: Part, specs: tuple[OperatorSpec, ...], stage: Stage) -> _Hidden:
    """The operators' accounts; those that took over after a ban are a pool of their own."""
    takeover = {spec.name: stage.start + int((spec.start_day + spec.replaced_day) * DAY) for spec in specs if spec.replaced_day is not None}
    born = {account.account_id: account.created_at for account in stage.accounts}
    pool: dict[str, str] = {}
    for row in part.truth.select(["account_id", "operator"]).to_pylist():
        operator = row["operator"]
        if operator is not None:
            late = operator in takeover and born[row["account_id"]] >= takeover[operator]
            pool[row["account_id"]] = operator + REPLACEMENT if late else operator
    rows = part.tables["interactions"].select(["account_id", "started_at", "ended_at"])
    mine = rows.filter(pc.is_in(rows["account_id"], value_set=pa.array(list(pool), pa.string())))
    accounts = mine["account_id"].to_pylist()
    # a call is in view once it has ended: `campaigns.view`
    ends = pc.coalesce(mine["ended_at"], mine["started_at"]).cast(TIMESTAMP).cast(pa.int64()).to_numpy()
    gathered: dict[str, list[int]] = {}
    for account, end in zip(accounts, ends.tolist(), strict=True):
        gathered.setdefault(str(account), []).append(end)
    return _Hidden(pool, {account: np.sort(np.array(times, np.int64)) for account, times in gathered.items()})


def _named(findings: Findings) -> set[str]:
    return {member.account_id for campaign in findings.campaigns for member in campaign.accounts}


def _populations(parts: list[Part]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in parts:
        found |= {str(row["account_id"]): str(row["population"]) for row in part.truth.select(["account_id", "population"]).to_pylist()}
    return found


def _overlooked(findings: Findings, hidden: _Hidden) -> dict[str, int]:
    """Why pools with hidden accounts were not named, and how many of those accounts nothing else named."""
    left = hidden.pool.keys() - _named(findings)
    reasons: Counter[str] = Counter()
    for pool in findings.pools:
        mine = left & set(pool.accounts)
        if mine:
            reasons[pool.why_not_a_campaign] += len(mine)
            left -= mine
    if left:
        reasons["in no pool"] = len(left)
    return dict(reasons.most_common())


def surroundings() -> dict[str, str]:
    """Date, machine and versions, in words."""
    known = []
    for package in _PACKAGES:
        try:
            known.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            known.append(f"{package} not installed")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{cores} cores, {platform.system()} {platform.machine()}",
        "versions": f"Python {platform.python_version()}, {', '.join(known)}",
    }


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    begun = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - begun


def _silent(_said: str, _done: float, _total: float) -> None:
    """Progress that nobody watches."""
