"""Continuous integration: unrelated projects test their applications on shared runners.

Trips: many accounts behind the same runner subnets with one client shape, fixed prompts that repeat, no pause on working
days. Cause: a public runner service; each project has its own prompts and payer, and answers are short.
"""

from __future__ import annotations

import numpy as np

from stillhunt.range.calls import SECOND
from stillhunt.range.people import employee
from stillhunt.range.populations import Population
from stillhunt.range.populations.evaluations import in_turn
from stillhunt.range.stage import MODELS, Actor, Stage, one_shots

NAME = "runners"


def cast(stage: Stage, accounts: int, calls: int) -> None:
    """One account per project; each run sends the project's few test prompts."""
    rng = stage.rng(NAME)
    numbers = stage.numpy(NAME)
    runner = stage.clients.named(rng, "ci-runner")
    for index in range(accounts):
        own = stage.rng(NAME, index)
        company = stage.identities.company(own)
        identity = employee(stage, own, company, 0.5)
        office = stage.networks.site(own, "office", company.country)
        account = stage.enroll(own, NAME, identity, stage.sign_up(own), office, None)
        application = stage.texts.application(own)
        tests = []
        for _ in range(own.randrange(3, 9)):
            exchange = application.render(own)
            tests.append(exchange._replace(response=stage.texts.prose(own, own.randrange(20, 160))))
        share = max(1, int(calls / accounts * (0.5 + own.random())))
        heads = stage.moments(numbers, max(1, round(share / len(tests))), account.zone, "office")
        stage.planned -= len(heads)
        runs = heads[:, None] + np.cumsum(numbers.exponential(1.2 * SECOND, (len(heads), len(tests))), axis=1).astype(np.int64)
        actor = Actor(account, runner, stage.networks.site(own, "ci"), own, MODELS["small"].name, patience=0.3, extra={"temperature": 0})
        actor.sites = tuple(stage.networks.site(own, "ci") for _ in range(3))
        stage.play(one_shots(actor, stage.exactly(runs.ravel()), in_turn(tests)))


POPULATIONS = (
    Population(
        name=NAME,
        cast=cast,
        share=0.005,
        fewest=6,
        most=120,
        pace=10,
        trips=("shared subnets", "one client", "repeated prompts"),
        cause="a public runner service",
    ),
)
