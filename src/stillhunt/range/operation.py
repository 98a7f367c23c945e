"""How an operator's accounts work: one queue, nothing asked twice, and a refused request goes to another account.

A *turn* is a moment and whose it is. A central schedule deals turns to whichever account is free; with a local rhythm each
account has moments of its own, by the day and night of the country that it claims, and takes the next task from the queue.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stillhunt.range.bank.techniques import techniques
from stillhunt.range.calls import DAY, HOUR, SECOND, Message
from stillhunt.range.shapes import OperatorSpec
from stillhunt.range.stage import Actor, Lane, Stage
from stillhunt.range.texts import Conversation, Exchange, HarvestJob, Task

BENCH = 12
"""Tasks that techniques are tried on."""

WINNERS = 3
"""Techniques that go to work after probing."""

Turns = Iterator[tuple[int, int | None]]
"""Microseconds in order, and whose turn it is; None: anybody's."""


class Order(NamedTuple):
    """One entry of the queue, before an account puts it into words."""

    job: int
    task: Task
    technique: str | None = None
    aside: bool = False  # the technique stands in the system prompt


class Request(NamedTuple):
    """What one turn sends, kept until it is answered."""

    messages: list[Message]
    response: str
    system: str | None
    order: Order | None = None  # None: cover


@dataclass
class Tally:
    """What an operator has sent, counted as it is played: first sendings, repetitions after a failure, cover, customers'."""

    harvest: int = 0
    repeated: int = 0
    cover: int = 0
    customers: int = 0


class Queue:
    """Work from several jobs, each asked for once."""

    def __init__(self, stage: Stage, rng: random.Random, spec: OperatorSpec, probing_until: int = 0) -> None:
        kinds = spec.jobs if spec.focus is None else tuple(rng.sample(spec.jobs, min(spec.focus, len(spec.jobs))))
        # one operator has one instruction to paraphrase, whatever its jobs
        paraphrase = None if spec.wording == "fixed" else rng.choice(stage.texts.paraphrase_sets(spec.wording, kinds[0]))
        self.rng = rng
        self.jobs: list[HarvestJob] = [stage.texts.harvest(rng, kind, paraphrase) for kind in kinds]
        self.work = [job.tasks() for job in self.jobs]
        self.probing_until = probing_until
        if probing_until:
            seed = rng.random()
            self.tried = techniques(random.Random(seed))
            self.bench = [next(self.work[0]) for _ in range(BENCH)]
            winners = tuple(rng.sample(list(itertools.islice(techniques(random.Random(seed)), 400)), WINNERS))
            self.jobs = [replace(job, instruction=winners[0], in_system=False, wordings=winners) for job in self.jobs]

    def next(self, now: int) -> Order:
        """The next order; while it probes, another technique on a task of the bench."""
        if now < self.probing_until:
            return Order(0, self.rng.choice(self.bench), next(self.tried), aside=self.rng.random() < 0.3)
        number = self.rng.randrange(len(self.jobs))
        return Order(number, next(self.work[number]))

    def render(self, order: Order, wording: int) -> Exchange:
        """`order` in words: the technique that is tried, or the job's wording number `wording`."""
        if order.technique is None:
            return self.jobs[order.job].render(order.task, wording)
        if order.aside:
            return Exchange(order.technique, order.task.payload, order.task.response)
        return Exchange(None, f"{order.technique}\n\n{order.task.payload}", order.task.response)


@dataclass
class Talk:
    """An account's ordinary side: a habit of talking, and the conversation that it is in."""

    habit: str  # "conversation" | "coding" | "question"
    history: list[Message] = field(default_factory=list)
    left: Conversation = field(default_factory=list)
    last: int = 0

    def next(self, stage: Stage, rng: random.Random, now: int) -> Request:
        """The next turn; after an hour's pause, or when all is said, something new."""
        if now - self.last > HOUR or not self.left or len(self.history) > 60:
            self.history = []
            if self.habit == "question":
                asked = stage.texts.question(rng)
                return Request([{"role": "user", "content": asked.prompt}], asked.response, asked.system)
            draw = stage.texts.coding if self.habit == "coding" else stage.texts.conversation
            self.left = list(reversed(draw(rng)))
        said, answer = self.left.pop()
        self.history = [*self.history, {"role": "user", "content": said}]
        self.last = now
        return Request(self.history, answer, None)

    def answered(self, request: Request, status: int) -> None:
        """Go on after an answer; a request that failed for good ends the conversation."""
        if self.habit == "question":
            return
        if status == 200:
            self.history = [*self.history, {"role": "assistant", "content": request.response}]
        elif status == 400:
            self.left = []


def central(stage: Stage, numbers: np.random.Generator, spec: OperatorSpec, count: int, opening: int, length: float) -> Turns:
    """When `count` requests leave the queue: evenly, as from a fixed number of workers; with `working`, on weekdays by day."""
    if spec.rhythm == "working":
        times = stage.moments(numbers, count, 8.0, "office", opening, opening + int(length * DAY))
    else:
        step = length * DAY / max(count, 1)
        exact = opening + (np.arange(count) + numbers.random(count) * 1.5) * step
        times = np.sort(exact.astype(np.int64))
    return ((at, None) for at in times.tolist())


def local(stage: Stage, numbers: np.random.Generator, pace: float, actors: list[Actor], spans: list[tuple[int, int]]) -> Turns:
    """Each account's own moments within its span, `pace` a day, by its country's day and night, merged."""
    own = []
    for actor, (begin, until) in zip(actors, spans, strict=True):
        count = int(numbers.poisson(pace * max(0, until - begin) / DAY))
        own.append(stage.moments(numbers, count, actor.account.zone, "person", begin, until))
    return heapq.merge(*(_turns(times, who) for who, times in enumerate(own)))


def _turns(times: NDArray[np.int64], who: int) -> Turns:
    # lazily: 8 bytes a turn are held, not 60
    return ((int(at), who) for at in times)


def awake(actor: Actor, now: int) -> bool:
    """Whether it is day where the account claims to be."""
    return 7.0 <= (now / HOUR + actor.account.zone) % 24.0 < 23.5


class Floor:
    """Everybody at work for one operator."""

    def __init__(self, stage: Stage, rng: random.Random, spec: OperatorSpec, first: list[Actor], reserve: list[Actor]) -> None:
        self.stage = stage
        self.rng = rng
        self.spec = spec
        self.actors = [*first, *reserve]
        self.live = list(range(len(first)))
        self.reserve = list(range(len(first), len(self.actors)))
        self.gone = [False] * len(self.actors)
        self.talks = [Talk(rng.choice(("conversation", "conversation", "coding", "question"))) for _ in self.actors] if spec.cover else []
        self.tally = Tally()

    def whose(self, now: int, owner: int | None) -> int:
        """Who takes a turn: its owner, if it has one that is still open; else anybody who is awake."""
        if owner is not None and owner in self.reserve:
            return self.rng.choice(self.live)
        if owner is not None and not self.gone[owner]:
            return owner
        return self._anybody(now, -1)

    def takes_over(self, now: int, before: int) -> int:
        """Who tries again what `before` was refused."""
        if self.rng.random() < self.spec.failover or self.gone[before]:
            return self._anybody(now, before)
        return before

    def _anybody(self, now: int, but: int) -> int:
        rng, live = self.rng, self.live
        if self.spec.rhythm != "local":
            if but < 0:
                return rng.choice(live)
            others = [one for one in (rng.choice(live) for _ in range(4)) if one != but]
            return others[0] if others else rng.choice(live)
        who = rng.choice(live)
        for _ in range(32):
            if who != but and awake(self.actors[who], now):
                return who
            who = rng.choice(live)
        return who

    def close(self, who: int) -> bool:
        """Account `who` proved closed; whether the reserve has to take over."""
        self.live.remove(who)
        self.gone[who] = True
        if self.live or not self.reserve:
            return False
        self.live, self.reserve = self.reserve, []
        return True


def worded(queue: Queue, order: Order, who: int) -> Request:
    """`order` as account number `who` sends it."""
    exchange = queue.render(order, who)
    return Request([{"role": "user", "content": exchange.prompt}], exchange.response, exchange.system, order)


def work(floor: Floor, queue: Queue, turns: Turns, resume: int) -> Lane:
    """Serve the queue. A request that is refused goes to another account; an account that proves closed is dropped.

    When none is left, the reserve takes over at `resume`; what the schedule held until then is not made up for.
    """
    rng, spec, tally = floor.rng, floor.spec, floor.tally
    again: list[tuple[int, int, int, Request]] = []  # when, tie-breaker, who was refused, what
    number = 0
    turn = next(turns, None)
    now = 0
    while floor.live and (turn is not None or again):
        if again and (turn is None or again[0][0] <= turn[0]):
            due, _, before, request = heapq.heappop(again)
            if request.order is None:
                if floor.gone[before]:
                    continue
                who = before
            else:
                who = floor.takes_over(due, before)
                tally.repeated += 1
                if spec.rewords and who != before:
                    request = worded(queue, request.order, who)
        else:
            assert turn is not None
            due, owner = turn
            turn = next(turns, None)
            who = floor.whose(due, owner)
            if spec.cover and rng.random() < spec.cover:
                request = floor.talks[who].next(floor.stage, rng, due)
                tally.cover += 1
            else:
                request = worded(queue, queue.next(due), who)
                tally.harvest += 1
        now = max(now + 500, due)
        actor = floor.actors[who]
        closed = actor.account.closed_at
        status = 403 if closed is not None and now >= closed else None
        call = actor.call(now, request.messages, request.response, request.system, status=status)
        yield call
        if request.order is None:
            floor.talks[who].answered(request, call.status)
        if call.status in (403, 429, 500, 503):
            number += 1
            heapq.heappush(again, (call.ended + int((0.8 + rng.expovariate(0.25)) * SECOND), number, who, request))
            if call.status == 403 and floor.close(who):
                again = [
                    (max(due, resume + 60 * SECOND * place), place, before, what)
                    for place, (due, _, before, what) in enumerate(sorted(again, key=lambda entry: entry[:2]))
                ]
                while turn is not None and turn[0] < resume:
                    turn = next(turns, None)
