"""Operators: one party behind many accounts, harvesting. `PRESETS` holds the shapes that have been reported.

A central queue of work is sharded over the accounts: each request goes to whichever account is free, nothing is asked
twice, the total rate is constant, day and night. Volumes of accounts are therefore even but not identical (Poisson). When
an account is refused, the identical request goes to another one seconds later. Accounts that are closed on the way leave
their load to the rest.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stillhunt.errors import InputError
from stillhunt.range.calls import DAY, HOUR, SECOND, Account
from stillhunt.range.machinery import Client, Site
from stillhunt.range.stage import MODELS, Actor, Lane, Stage, Weather
from stillhunt.range.texts import Exchange, HarvestJob


@dataclass(frozen=True)
class OperatorSpec:
    """One operator's parameters."""

    name: str = "operator-1"
    accounts: int = 150
    calls_per_account_day: float = 25.6
    days: float | None = None  # None: to the window's end
    start_day: float = 0.0
    machinery: str = "shared"  # "shared": few cards, few hosting subnets; "separate": all cards and addresses differ
    jobs: tuple[str, ...] = ("reasoning", "code", "agent")  # kinds of harvest (texts.HARVEST_KINDS)
    wording: str = "fixed"  # "fixed": one instruction a job; "mild" / "free": each account has its own paraphrase
    clients: int = 1
    rhythm: str = "constant"  # "constant" | "working": nights and weekends off
    failover: float = 1.0  # share of refused requests that are handed to another account, the rest is tried again
    refused: float = 0.012  # share of requests that meet a rate limit
    signup_days: float = 12.0  # sign-ups happen in bursts over so many days before the start
    bursts: int = 4
    banned: float = 0.05  # share of accounts that the provider closes on the way
    pivot: float = 0.0  # share of traffic that moves to the new model within a day of its release
    replaced_day: float | None = None  # so many days after the start all accounts are closed, and as many new ones take over
    accounts_per_card: int = 12
    accounts_per_site: int = 40
    campaign: str | None = None

    def calls(self, days: float) -> int:
        """About how many calls it makes in a window of `days` days."""
        return round(self.accounts * self.calls_per_account_day * self.length(days))

    def length(self, days: float) -> float:
        """Days that it runs in a window of `days` days."""
        left = max(0.0, days - self.start_day)
        return left if self.days is None else min(left, self.days)


PRESETS: dict[str, OperatorSpec] = {
    "letter": OperatorSpec(),
    "few-and-heavy": OperatorSpec(accounts=12, calls_per_account_day=733, jobs=("rewriting", "reasoning"), refused=0.03),
    "low-and-slow": OperatorSpec(accounts=150, calls_per_account_day=13, jobs=("agent",), refused=0.005),
    "steady": OperatorSpec(accounts=150, calls_per_account_day=46, jobs=("dialogue", "reasoning", "code")),
    "peak": OperatorSpec(accounts=150, calls_per_account_day=857, days=1, start_day=5, refused=0.03, jobs=("reasoning",)),
    "pivot": OperatorSpec(accounts=150, calls_per_account_day=40, pivot=0.5),
    "two-pools": OperatorSpec(accounts=150, calls_per_account_day=328, jobs=("reasoning",), machinery="separate", replaced_day=5),
    "sprint": OperatorSpec(accounts=150, calls_per_account_day=60, jobs=("agent", "tool_use", "code")),
}
"""Reported shapes by name; `operator(...)` sets accounts and machinery."""


def operator(shape: str, **changes: object) -> OperatorSpec:
    """The preset called `shape` with `changes` to it.

    Raises:
        InputError: there is no such preset.
    """
    if shape not in PRESETS:
        raise InputError(f"shape: {shape!r} is not one that the range knows; choose one of {', '.join(PRESETS)}")
    return replace(PRESETS[shape], **changes)  # type: ignore[arg-type]


def _sign_ups(rng: random.Random, spec: OperatorSpec, opening: int) -> list[int]:
    """Sign-up times: bursts of some hours, a script's seconds to minutes between two accounts."""
    bursts = max(1, min(spec.bursts, spec.accounts // 4 or 1))
    heads = sorted(opening - int((0.3 + rng.random() * spec.signup_days) * DAY) for _ in range(bursts))
    times = []
    for number, head in enumerate(heads):
        count = spec.accounts * (number + 1) // bursts - spec.accounts * number // bursts
        # a burst ends before the work starts
        pace = min(240.0, 0.25 * DAY / SECOND / max(count, 1))
        at = head
        for _ in range(count):
            times.append(min(at, opening - 60 * SECOND))
            at += int(rng.expovariate(1 / pace) * SECOND) + SECOND
    return times


def _recruit(
    stage: Stage, rng: random.Random, spec: OperatorSpec, clients: list[Client], births: list[int]
) -> list[tuple[Account, Client, Site]]:
    """Open an account at each of `births`, by script."""
    shared = spec.machinery == "shared"
    scheme = stage.identities.scheme(rng)
    robot = stage.clients.browser(rng)
    farms = [stage.networks.fresh(rng, "hosting", prefixes=2) for _ in range(max(1, spec.accounts // spec.accounts_per_site))]
    cards = [stage.identities.card(rng) for _ in range(max(1, spec.accounts // spec.accounts_per_card))]
    people = []
    for born in births:
        site = rng.choice(farms) if shared else stage.networks.site(rng, "proxy" if rng.random() < 0.8 else "residential")
        client = rng.choice(clients)
        identity = stage.identities.scripted(rng, scheme, rng.choice(cards) if shared else None)
        account = stage.enroll(
            rng, "operator", identity, born, site, robot if shared else None, operator=spec.name, campaign=spec.campaign or spec.name
        )
        people.append((account, client, site))
    return people


class _Queue:
    """Work from several jobs, each asked for once."""

    def __init__(self, stage: Stage, rng: random.Random, spec: OperatorSpec) -> None:
        paraphrase = None if spec.wording == "fixed" else spec.wording
        self.rng = rng
        self.jobs: list[HarvestJob] = [stage.texts.harvest(rng, kind, paraphrase) for kind in spec.jobs]
        self.work = [job.tasks() for job in self.jobs]

    def next(self, wording: int) -> Exchange:
        number = self.rng.randrange(len(self.jobs))
        return self.jobs[number].render(next(self.work[number]), wording)


def _pace(stage: Stage, numbers: np.random.Generator, spec: OperatorSpec, opening: int, length: float) -> NDArray[np.int64]:
    """When requests leave the queue: evenly, as from a fixed number of workers; with `working`, by day and on weekdays only."""
    count = spec.calls(stage.days)
    if spec.rhythm == "working":
        return stage.moments(numbers, count, 8.0, "office", opening, opening + int(length * DAY))
    step = length * DAY / max(count, 1)
    times = opening + (np.arange(count) + numbers.random(count) * 1.5) * step
    return np.sort(times.astype(np.int64))


def cast(stage: Stage, spec: OperatorSpec) -> None:
    """Put one operator on stage."""
    rng = stage.rng("operator", spec.name)
    numbers = stage.numpy("operator", spec.name)
    opening = stage.start + int(spec.start_day * DAY) + rng.randrange(0, 3 * HOUR)
    length = spec.length(stage.days) - (opening - stage.start) / DAY + spec.start_day
    if spec.accounts <= 0 or length <= 0:
        return
    clients = [stage.clients.rare(rng) for _ in range(spec.clients)]
    first = _crew(stage, rng, spec, clients, _sign_ups(rng, spec, opening))
    reserve: list[Actor] = []
    resume = 0
    if spec.replaced_day is None:
        for actor in rng.sample(first, int(spec.banned * len(first))):
            _ban(actor, opening + int((0.15 + 0.8 * rng.random()) * length * DAY))
    else:
        end = opening + int(spec.replaced_day * DAY)
        for actor in first:
            _ban(actor, end)
        resume = end + 20 * HOUR
        reserve = _crew(stage, rng, spec, clients, sorted(end + HOUR + rng.randrange(16 * HOUR) for _ in first))
    times = _pace(stage, numbers, spec, opening, length)
    stage.play(_work(_Queue(stage, rng, spec), first, reserve, resume, rng, spec, times))


def _crew(stage: Stage, rng: random.Random, spec: OperatorSpec, clients: list[Client], births: list[int]) -> list[Actor]:
    """Accounts at work, some of which will move to the new model."""
    weather = Weather(rate_limited=spec.refused, server_error=0.003, bad_request=0.0005, refused=0.002)
    actors = [
        Actor(account, client, site, rng, MODELS["large"].name, weather=weather, extra={"max_tokens": 8192})
        for account, client, site in _recruit(stage, rng, spec, clients, births)
    ]
    for actor in rng.sample(actors, round(spec.pivot * len(actors))):
        actor.moves_at = stage.release + 2 * HOUR + rng.randrange(20 * HOUR)
    return actors


def _ban(actor: Actor, at: int) -> None:
    actor.account.status = "banned"
    actor.account.closed_at = at
    actor.account.closed_reason = "abuse"


def _work(
    queue: _Queue, first: list[Actor], reserve: list[Actor], resume: int, rng: random.Random, spec: OperatorSpec, times: NDArray[np.int64]
) -> Lane:
    """Serve the queue. A request that is refused goes to another account; an account that proves closed is dropped.

    When none is left, the reserve takes over at `resume`; what the schedule held until then is not made up for.
    """
    actors = [*first, *reserve]
    live = list(range(len(first)))
    again: list[tuple[int, int, int, Exchange]] = []  # when, tie-breaker, who was refused, what
    number = 0
    schedule = iter(times.tolist())
    at = next(schedule, None)
    now = 0
    while live and (at is not None or again):
        if again and (at is None or again[0][0] <= at):
            due, _, before, exchange = heapq.heappop(again)
            who = before
            if rng.random() < spec.failover or before not in live:
                others = [one for one in (rng.choice(live) for _ in range(4)) if one != before]
                who = others[0] if others else rng.choice(live)
        else:
            assert at is not None
            due, at = at, next(schedule, None)
            who = rng.choice(live)
            exchange = queue.next(who)
        now = max(now + 500, due)
        actor = actors[who]
        closed = actor.account.closed_at
        status = 403 if closed is not None and now >= closed else None
        call = actor.call(now, [{"role": "user", "content": exchange.prompt}], exchange.response, exchange.system, status=status)
        yield call
        if call.status in (403, 429, 500, 503):
            number += 1
            heapq.heappush(again, (call.ended + int((0.8 + rng.expovariate(0.25)) * SECOND), number, who, exchange))
            if call.status == 403:
                live.remove(who)
            if not live and reserve:
                live = list(range(len(first), len(actors)))
                reserve = []
                again = [
                    (max(due, resume + 60 * SECOND * turn), turn, before, what) for turn, (due, _, before, what) in enumerate(sorted(again))
                ]
                while at is not None and at < resume:
                    at = next(schedule, None)
