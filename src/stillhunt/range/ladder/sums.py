"""Results summed over seeds.

Shares are binomial proportions over accounts (or worlds) with exact 95 % intervals (Clopper and Pearson 1934;
`range.score.rate`). Accounts of one world are not independent of one another, so an interval says how sure the count is, not
how far another world may be from it: that is what seeds are for.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stillhunt.range.ladder.results import NOBODY, REPLACEMENT, Result
from stillhunt.range.ladder.steps import Bar
from stillhunt.range.score import Rate, rate

PART = 0.1
"""A pool is a part of a campaign from this share of the campaign's accounts on."""


@dataclass(frozen=True)
class Sum:
    """One step over its seeds.

    Attributes:
        recall: hidden accounts that the full scans named.
        false: named accounts of the full scans that are nobody's.
        false_ever: the same over all scans together, those of the past included (an account counts in each scan).
        replays: scans of the past.
        first_named: calls when first named of all hidden accounts, sorted, None (not named) last.
        climb: (mean calls per hidden account, share of hidden accounts named by then), in order.
        wrong_by_population, overlooked: as in `Result`, added.
        campaigns: for each operator in each world, the campaigns in which its accounts are a part.
        apart: worlds of several operators in which each has a campaign and none has two; None for one operator.
        tied: worlds with a replacement in which one campaign holds both pools; None without.
    """

    step: str
    without: str | None
    seeds: tuple[int, ...]
    recall: Rate
    false: Rate
    false_ever: Rate
    replays: int
    first_named: list[int | None]
    climb: list[tuple[float, float]]
    wrong_by_population: dict[str, int]
    overlooked: dict[str, int]
    campaigns: list[int]
    apart: Rate | None
    tied: Rate | None

    def quantile(self, share: float) -> int | None:
        """The least number of calls by which `share` of the hidden accounts were named; None if they never were."""
        if not self.first_named:
            return None
        return self.first_named[max(0, math.ceil(share * len(self.first_named)) - 1)]

    def missed(self, bar: Bar) -> list[str]:
        """Which parts of `bar` the counted shares miss."""
        median = self.quantile(0.5)
        parts = (
            ("recall", (self.recall.value or 0.0) < bar.recall),
            ("false discovery rate", (self.false.value or 0.0) > bar.false),
            ("calls", bar.calls is not None and (median is None or median > bar.calls)),
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
        replays=len(past),
        first_named=sorted(named_first, key=lambda calls: math.inf if calls is None else calls),
        climb=_climb(group, hidden),
        wrong_by_population=_added(one.wrong_by_population for one in group),
        overlooked=_added(one.overlooked for one in group),
        campaigns=[count for one in group for count in _campaigns(one).values()],
        apart=_apart(group),
        tied=_tied(group),
    )


def _operator(pool: str) -> str:
    return pool.removesuffix(REPLACEMENT)


def _parts(campaign: dict[str, int]) -> set[str]:
    """The pools that are a part of a campaign."""
    return {pool for pool, count in campaign.items() if pool != NOBODY and count >= PART * sum(campaign.values())}


def _campaigns(result: Result) -> dict[str, int]:
    """Operator -> campaigns that hold a part of it."""
    held = Counter(operator for campaign in result.campaigns for operator in {_operator(pool) for pool in _parts(campaign)})
    return {operator: held[operator] for operator in sorted({_operator(pool) for pool in result.pools})}


def _apart(group: list[Result]) -> Rate | None:
    several = [one for one in group if len(_campaigns(one)) > 1]
    if not several:
        return None
    clean = [all(len({_operator(pool) for pool in _parts(campaign)}) <= 1 for campaign in one.campaigns) for one in several]
    return rate(sum(mixes_none and all(_campaigns(one).values()) for one, mixes_none in zip(several, clean, strict=True)), len(several))


def _tied(group: list[Result]) -> Rate | None:
    replaced = [one for one in group if any(pool.endswith(REPLACEMENT) for pool in one.pools)]
    if not replaced:
        return None
    both = [
        any({pool, _operator(pool)} <= _parts(campaign) for campaign in one.campaigns for pool in one.pools if pool.endswith(REPLACEMENT))
        for one in replaced
    ]
    return rate(sum(both), len(replaced))


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
