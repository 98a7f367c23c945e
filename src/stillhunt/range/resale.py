"""Ordinary use of an operator's accounts: a reseller's customers, and what aged accounts did before they were put to work.

A reseller's account carries several customers, each with hours, a purpose and request parameters of their own; all of them
come through the account's place and program, as through any proxy. Volumes are heavy-tailed: 10 to 300 calls a day.
"""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from stillhunt.range.calls import DAY
from stillhunt.range.machinery import COUNTRIES
from stillhunt.range.networks import some_country
from stillhunt.range.operation import Tally
from stillhunt.range.people import building, producing, takes_up, usual_model
from stillhunt.range.stage import Actor, Lane, Stage, chats, one_shots

USED = 0.4
"""Share of aged accounts that are used a little before they are put to work."""


def carry(stage: Stage, numbers: np.random.Generator, actor: Actor, number: int, name: str, tally: Tally | None) -> None:
    """Put the customers of one reseller's account on stage, from its sign-up until it is closed."""
    rng = stage.rng("resale", name, number)
    begin = max(stage.start, actor.account.created_at)
    until = min(stage.end, actor.account.closed_at or stage.end)
    if until <= begin:
        return
    pace = min(300.0, max(10.0, rng.lognormvariate(3.4, 0.9)))
    customers = 2 + min(10, int(rng.expovariate(1 / 3.0)))
    weights = [rng.expovariate(1.0) for _ in range(customers)]
    for weight in weights:
        calls = int(numbers.poisson(pace * weight / sum(weights) * (until - begin) / DAY))
        lane = _customer(stage, numbers, actor, rng, calls, begin, until)
        stage.play(_counted(lane, tally) if tally is not None else lane)


def _customer(stage: Stage, numbers: np.random.Generator, actor: Actor, rng: random.Random, calls: int, begin: int, until: int) -> Lane:
    own = random.Random(rng.getrandbits(64))
    program = replace(actor.client, parameters=stage.clients.developer(own).parameters)
    through = Actor(actor.account, program, actor.site, own, usual_model(own), moves_at=takes_up(stage, own))
    zone = COUNTRIES[some_country(own)][1]
    luck = own.random()
    style = "person" if luck < 0.65 else "office" if luck < 0.8 else "service"
    times = stage.moments(numbers, calls, zone, style, begin, until)
    if luck < 0.3:
        return chats(through, times, stage.texts.conversation, labelled=False)
    if luck < 0.5:
        return chats(through, times, stage.texts.coding, labelled=False)
    if luck < 0.65:
        return one_shots(through, times, stage.texts.question)
    if luck < 0.8:
        return building(stage, through, times)
    return producing(through, times, stage.texts.application(own), 0)


def _counted(lane: Lane, tally: Tally) -> Lane:
    for call in lane:
        if not isinstance(call, int):
            tally.customers += 1
        yield call


def meantime(stage: Stage, numbers: np.random.Generator, actor: Actor, number: int, name: str, opening: int) -> None:
    """Let an aged account be used a little, like any newcomer's, between its sign-up and the operation's `opening`."""
    rng = stage.rng("meantime", name, number)
    begin = max(stage.start, actor.account.created_at)
    if rng.random() >= USED or opening - begin < DAY:
        return
    calls = 1 + int(rng.expovariate(1 / 6.0))
    idle = Actor(actor.account, actor.client, actor.site, rng, actor.model)
    times = stage.moments(numbers, calls, actor.account.zone, "person", begin, opening)
    stage.play(chats(idle, times, stage.texts.conversation if rng.random() < 0.6 else stage.texts.coding, labelled=False))
