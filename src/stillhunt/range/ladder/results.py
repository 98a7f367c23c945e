"""Results: one JSON line a measurement, appended as soon as it is there, and sums over seeds.

A line holds everything that the page shows; a torn last line (a run that was killed) is left out by the reader and does not
spoil the next one. Shares are binomial proportions with exact 95 % intervals (Clopper and Pearson 1934; `range.score.rate`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import orjson

from stillhunt.errors import InputError
from stillhunt.range.ladder.steps import Bar
from stillhunt.range.score import Rate, rate

FILE = "ladder.jsonl"

Key = tuple[int, str, str | None, int, int, int, str, str]


@dataclass(frozen=True)
class Replay:
    """One scan of the past: what it saw, and whom the scans up to it had named.

    Attributes:
        mean_calls: calls that hidden accounts had made by then, on average.
        as_of: the moment, ISO 8601.
        right: hidden accounts that it named.
        wrong: others that it named.
        ever: hidden accounts named by it or a scan before it.
        campaigns: how many it named.
        seconds: wall time.
    """

    mean_calls: float
    as_of: str
    right: int
    wrong: int
    ever: int
    campaigns: int
    seconds: float


@dataclass(frozen=True)
class Result:
    """One step on one seed.

    Attributes:
        seed: of the world.
        step: the step's name.
        without: the family of columns that was taken away; None for none.
        accounts, calls, hidden: as the conditions asked.
        texts, format: where the texts come from, and the log format.
        hidden_accounts, hidden_calls: the operators' accounts, and what these called.
        world_accounts, world_calls: everybody.
        named, right: accounts that the full scan named, and how many of them are hidden.
        wrong_by_population: population -> accounts that the full scan named wrongly.
        wrong_ever: accounts that any scan named wrongly.
        campaigns: for each campaign of the full scan, operator (or its replacement, or "nobody") -> accounts.
        overlooked: why a pool was not named -> hidden accounts in such pools that no campaign names.
        replays: scans of the past in order; none where only the full scan was asked for.
        first_named: for each hidden account the calls that it had made at the first scan that named it, sorted; None: not named.
        price: what the step costs the operator, as `range.operators` counts it.
        seconds: wall time by stage.
        conditions: date, machine, versions.
    """

    seed: int
    step: str
    without: str | None
    accounts: int
    calls: int
    hidden: int
    texts: str
    format: str
    hidden_accounts: int
    hidden_calls: int
    world_accounts: int
    world_calls: int
    named: int
    right: int
    wrong_by_population: dict[str, int]
    wrong_ever: int
    campaigns: list[dict[str, int]]
    overlooked: dict[str, int]
    replays: list[Replay]
    first_named: list[int | None]
    price: dict[str, float]
    seconds: dict[str, float]
    conditions: dict[str, str]

    @property
    def key(self) -> Key:
        """What is not measured twice."""
        return (self.seed, self.step, self.without, self.accounts, self.calls, self.hidden, self.texts, self.format)


def append(path: Path, result: Result) -> None:
    """Add one line to the results file.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 1))
            torn = size > 0 and file.read(1) != b"\n"
            file.write((b"\n" if torn else b"") + orjson.dumps(asdict(result)) + b"\n")
    except OSError as error:
        raise InputError(f"{path}: results cannot be written here ({error.strerror}); name another folder") from error


def read(path: Path) -> list[Result]:
    """All whole lines of a results file; of two with one key the later. An absent file has none.

    Raises:
        InputError: the file is there and cannot be read, or holds something else.
    """
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    names = {one.name for one in fields(Result)}
    found: dict[Key, Result] = {}
    for number, line in enumerate(lines, 1):
        try:
            row: dict[str, Any] = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if not isinstance(row, dict) or set(row) != names:
            raise InputError(f"{path}, line {number}: not a result of this release's ladder; use another folder")
        row["replays"] = [Replay(**replay) for replay in row["replays"]]
        result = Result(**row)
        found[result.key] = result
    return list(found.values())


@dataclass(frozen=True)
class Sum:
    """One step over its seeds.

    Attributes:
        recall: hidden accounts that the full scans named.
        false: named accounts of the full scans that are nobody's.
        false_ever: the same over all scans together, those of the past included (an account counts in each scan).
        first_named: calls when first named of all hidden accounts, sorted, None (not named) last.
        steps_named: (mean calls per hidden account, share of hidden accounts named by then), in order.
    """

    step: str
    without: str | None
    seeds: tuple[int, ...]
    recall: Rate
    false: Rate
    false_ever: Rate
    first_named: list[int | None]
    steps_named: list[tuple[float, float]]
    wrong_by_population: dict[str, int] = field(default_factory=dict)
    overlooked: dict[str, int] = field(default_factory=dict)

    def quantile(self, share: float) -> int | None:
        """The least number of calls by which `share` of the hidden accounts were named; None if they never were."""
        if not self.first_named:
            return None
        return self.first_named[max(0, math.ceil(share * len(self.first_named)) - 1)]

    def missed(self, bar: Bar, *, replayed: bool) -> list[str]:
        """Which parts of `bar` the counted shares miss; calls are judged only where the past was replayed."""
        median = self.quantile(0.5)
        parts = (
            ("recall", (self.recall.value or 0.0) < bar.recall),
            ("false discovery rate", (self.false.value or 0.0) > bar.false),
            ("calls", replayed and bar.calls is not None and (median is None or median > bar.calls)),
        )
        return [name for name, is_missed in parts if is_missed]


def summed(results: Sequence[Result]) -> list[Sum]:
    """Results over seeds, in the order in which steps first occur."""
    groups: dict[tuple[str, str | None], list[Result]] = {}
    for result in results:
        groups.setdefault((result.step, result.without), []).append(result)
    return [_sum(step, without, sorted(group, key=lambda one: one.seed)) for (step, without), group in groups.items()]


def _sum(step: str, without: str | None, group: list[Result]) -> Sum:
    right, named = sum(one.right for one in group), sum(one.named for one in group)
    past = [replay for one in group for replay in one.replays]
    past_right, past_wrong = sum(one.right for one in past), sum(one.wrong for one in past)
    hidden = sum(one.hidden_accounts for one in group)
    named_first = [calls for one in group for calls in one.first_named]
    return Sum(
        step=step,
        without=without,
        seeds=tuple(one.seed for one in group),
        recall=rate(right, hidden),
        false=rate(named - right, named),
        false_ever=rate(named - right + past_wrong, named + past_right + past_wrong),
        first_named=sorted(named_first, key=lambda calls: math.inf if calls is None else calls),
        steps_named=_climb(group, hidden),
        wrong_by_population=_added(one.wrong_by_population for one in group),
        overlooked=_added(one.overlooked for one in group),
    )


def _climb(group: list[Result], hidden: int) -> list[tuple[float, float]]:
    """Share of hidden accounts named so far, over the group, at each mean that any of its replays stopped at, and at the end."""
    means = sorted({replay.mean_calls for one in group for replay in one.replays})
    climb = []
    for mean in means:
        # a seed that was not replayed any further had named by then whom it names at all, but for the full scan's rest
        ever = sum(max((replay.ever for replay in one.replays if replay.mean_calls <= mean), default=0) for one in group)
        climb.append((mean, ever / max(hidden, 1)))
    if climb:
        last = sum(one.hidden_calls for one in group) / max(hidden, 1)
        ever = sum(calls is not None for one in group for calls in one.first_named)
        climb.append((last, ever / max(hidden, 1)))
    return climb


def _added(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total.most_common())
