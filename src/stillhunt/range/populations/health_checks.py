"""Health checks: a monitoring service's customers send a ping every few minutes, day and night.

Trips: all day with no idle hours, constant rate, one prompt and one client across accounts, sign-ups at any time. Cause: a
monitor; the prompt is always the same, the answer is a word, every customer has a payer of its own.
"""

from __future__ import annotations

import numpy as np

from stillhunt.range.calls import MINUTE, SECOND
from stillhunt.range.people import employee
from stillhunt.range.populations import Population
from stillhunt.range.populations.evaluations import in_turn
from stillhunt.range.stage import MODELS, Actor, Stage, one_shots

NAME = "health_checks"


def cast(stage: Stage, accounts: int, calls: int) -> None:
    """One account per monitored service."""
    rng = stage.rng(NAME)
    numbers = stage.numpy(NAME)
    monitor = stage.clients.named(rng, "uptime-probe")
    probe = stage.texts.probe(rng)
    places = [stage.networks.fresh(rng, "hosting") for _ in range(3)]
    slowest = max(1.0, stage.days * 1440 * accounts / max(calls, 1))
    for index in range(accounts):
        own = stage.rng(NAME, index)
        company = stage.identities.company(own)
        identity = employee(stage, own, company, 0.6)
        account = stage.enroll(own, NAME, identity, stage.sign_up(own), stage.networks.site(own, "office", company.country), None)
        every = int(slowest * own.choice((0.7, 1.0, 1.0, 1.3)) * MINUTE)
        begin = max(stage.start, account.created_at)
        ticks = np.arange(begin + own.randrange(every), stage.end, every, dtype=np.int64)
        actor = Actor(account, monitor, places[0], own, MODELS["small"].name, patience=0.0, extra={"max_tokens": 8}, sites=tuple(places))
        jitter = numbers.integers(0, 2 * SECOND, len(ticks))
        stage.play(one_shots(actor, stage.exactly(ticks + jitter), in_turn([probe])))


POPULATIONS = (
    Population(
        name=NAME,
        cast=cast,
        share=0.001,
        fewest=2,
        most=20,
        pace=200,
        trips=("no idle hours", "constant rate", "identical prompts"),
        cause="a monitoring service",
    ),
)
