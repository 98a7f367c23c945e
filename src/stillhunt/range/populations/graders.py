"""Laboratories that grade their own models with one public judge, and a hobbyist who juggles free accounts.

Trips, by population:

* judge_harness: dozens of accounts with one rubric, one client, bursts of some hundred calls, inputs that never repeat (each laboratory
  grades its own models' answers), reasoned verdicts, no conversations;
* juggler: a dozen free accounts, opened by one person from one line, with one client; a refused request goes to the next account.

Causes: a public harness, run by laboratories with payers, domains and hours of their own. The juggler hides indeed that one hand holds all
accounts, and breaks the terms: but what he serves is people's small talk in his chat room, and nothing is harvested.
"""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from stillhunt.range.calls import DAY, HOUR, SECOND
from stillhunt.range.people import employee
from stillhunt.range.populations import Population
from stillhunt.range.stage import MODELS, Actor, Lane, Stage, Weather, one_shots


def judge_harness(stage: Stage, accounts: int, calls: int) -> None:
    """One account per laboratory; a run whenever a checkpoint is ready."""
    rng = stage.rng("judge_harness")
    numbers = stage.numpy("judge_harness")
    harness = stage.clients.named(rng, "judgebench")
    judge = stage.texts.application(rng, "judge")
    for index in range(accounts):
        own = stage.rng("judge_harness", index)
        company = stage.identities.company(own) if own.random() < 0.6 else stage.identities.university(own)
        site = stage.networks.fresh(own, "hosting", company.country)
        account = stage.enroll(own, "judge_harness", employee(stage, own, company, 0.5), stage.sign_up(own), site, None)
        left = max(2, int(calls / accounts * own.lognormvariate(-0.2, 0.6)))
        runs = []
        while left > 0:
            size = min(left, own.choice((40, 80, 160)))
            begin = stage.start + int(own.random() * stage.days * DAY)
            runs.append(begin + np.cumsum(numbers.exponential(2.0 * SECOND, size)).astype(np.int64))
            left -= size
        times = stage.exactly(np.concatenate(runs))
        actor = Actor(account, harness, site, own, MODELS["large"].name, patience=1.0, extra={"temperature": 0, "max_tokens": 2048})
        stage.play(one_shots(actor, times[times >= account.created_at], judge.render))


def juggler(stage: Stage, accounts: int, calls: int) -> None:
    """One person's chat room: its bot asks with whichever free account has quota left."""
    rng = stage.rng("juggler")
    numbers = stage.numpy("juggler")
    home = stage.networks.site(rng, "residential")
    client = stage.clients.rare(rng)
    opened = stage.start - 40 * DAY - rng.randrange(20 * DAY)
    weather = Weather(rate_limited=0.05, server_error=0.003)
    actors = []
    for index in range(accounts):
        own = stage.rng("juggler", index)
        identity = replace(stage.identities.person(own, home.country), card=None, plan="free")
        account = stage.enroll(own, "juggler", identity, opened + index * 150 * SECOND + own.randrange(HOUR), home, None)
        actors.append(Actor(account, client, home, own, MODELS["small"].name, weather=weather))
    times = stage.moments(numbers, calls, actors[0].account.zone, "service")
    manner = "You are the house bot of a chat room. Be brief, be kind, never use more than two sentences."

    def room(luck: random.Random) -> Lane:
        now = 0
        history: list[dict[str, str]] = []
        turns: list[tuple[str, str]] = []
        for at in times.tolist():
            if not turns:
                turns, history = list(reversed(stage.texts.conversation(luck))), []
            asked, answered = turns.pop()
            short = answered[:240]
            history = [*history[-8:], {"role": "user", "content": asked[:600]}]
            now = max(now + 1000, at)
            first = luck.randrange(len(actors))
            for turn in range(3):
                call = actors[(first + turn) % len(actors)].call(now, history, short, manner)
                yield call
                now = call.at + 1000
                if call.status in (200, 400):
                    break
                now = call.ended + int((0.5 + 2 * luck.random()) * SECOND)
            history = [*history, {"role": "assistant", "content": short}]

    stage.play(room(rng))


POPULATIONS = (
    Population(
        name="judge_harness",
        cast=judge_harness,
        share=0.004,
        fewest=10,
        most=80,
        pace=18,
        trips=("one rubric", "one client", "no repeated input", "one-shot calls", "bursts"),
        cause="a public harness that grades with a model",
        default=False,
    ),
    Population(
        name="juggler",
        cast=juggler,
        share=0.002,
        fewest=12,
        most=20,
        pace=20,
        trips=("handoff after refusal", "one line", "one client", "one pace"),
        cause="free accounts for a chat room, nothing is harvested",
        default=False,
    ),
)
