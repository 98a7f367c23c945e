"""Nightly evaluations: unrelated teams run one open-source harness over one public benchmark, every night at the default hour.

Trips: the same prompts from many accounts, at the same minute, with the same counts each night, one client shape, no
conversations. Cause: the benchmark is public and the harness's default schedule is everybody's; each team has a payer, a
domain and a network of its own, answers are short, and every item comes back every night.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import numpy as np

from stillhunt.range.calls import DAY, HOUR, SECOND
from stillhunt.range.people import employee, usual_model
from stillhunt.range.populations import Population
from stillhunt.range.stage import BUSY, Actor, Stage, one_shots
from stillhunt.range.texts import Exchange

NAME = "evaluations"


def cast(stage: Stage, accounts: int, calls: int) -> None:
    """One account per team."""
    rng = stage.rng(NAME)
    numbers = stage.numpy(NAME)
    evaluation = stage.texts.evaluation(rng)
    harness = stage.clients.named(rng, "evalbench")
    items = max(3, min(len(evaluation.items), calls // (accounts * stage.days)))
    chosen = evaluation.items[:items]
    for index in range(accounts):
        own = stage.rng(NAME, index)
        company = stage.identities.company(own) if own.random() < 0.75 else stage.identities.university(own)
        identity = employee(stage, own, company, 0.8)
        site = stage.networks.fresh(own, "hosting", company.country)
        account = stage.enroll(own, NAME, identity, stage.sign_up(own), site, None)
        # the harness's default is 02:00 UTC; some teams have moved it, few have changed anything else
        hour = 2 if own.random() < 0.8 else own.randrange(24)
        nights = []
        for day in range(stage.days):
            begin = stage.start + day * DAY + hour * HOUR + own.randrange(40 * SECOND)
            nights.append(begin + np.cumsum(numbers.exponential(1.6 * SECOND, items)).astype(np.int64))
        actor = Actor(account, harness, site, own, usual_model(own), weather=BUSY, patience=1.0)
        stage.play(one_shots(actor, stage.exactly(np.concatenate(nights)), in_turn(chosen)))


def in_turn(items: list[Exchange]) -> Callable[[random.Random], Exchange]:
    """Draws that go through `items` in order, again and again."""
    endless = itertools.cycle(items)
    return lambda _: next(endless)


POPULATIONS = (
    Population(
        name=NAME,
        cast=cast,
        share=0.0025,
        fewest=4,
        most=60,
        pace=60,
        trips=("identical prompts", "synchronised starts", "one client", "even volumes"),
        cause="a public benchmark and a harness's default schedule",
    ),
)
