"""Release day: everybody benchmarks the new model on the day it comes out.

Trips: a whole group of accounts moves to a new model within hours, with the same items, in one burst, without
conversations. Cause: the release is public and so are the items; the accounts otherwise share nothing.
"""

from __future__ import annotations

import numpy as np

from stillhunt.range.calls import HOUR, SECOND
from stillhunt.range.people import residence, usual_model
from stillhunt.range.populations import Population
from stillhunt.range.populations.evaluations import in_turn
from stillhunt.range.stage import MODELS, Actor, Stage, one_shots

NAME = "release_day"


def cast(stage: Stage, accounts: int, calls: int) -> None:
    """Enthusiasts, each with an account of old and a favourite part of one public benchmark."""
    rng = stage.rng(NAME)
    numbers = stage.numpy(NAME)
    evaluation = stage.texts.evaluation(rng)
    most = max(3, min(len(evaluation.items), int(1.3 * calls / accounts)))
    for index in range(accounts):
        own = stage.rng(NAME, index)
        identity = stage.identities.person(own)
        site = residence(stage, own, identity.country)
        born = min(stage.sign_up(own), stage.release - 10 * HOUR)
        account = stage.enroll(own, NAME, identity, born, site, None)
        before = stage.moments(numbers, max(1, most // 6), account.zone, "person", account.created_at, stage.release)
        count = max(2, int(most * (0.4 + 0.6 * own.random())))
        begin = stage.release + int(own.expovariate(1 / 5) * HOUR)
        tests = stage.exactly(begin + np.cumsum(numbers.exponential(4 * SECOND, count)).astype(np.int64))
        software = stage.clients.developer(own)
        stage.play(one_shots(Actor(account, software, site, own, usual_model(own)), before, stage.texts.question))
        actor = Actor(account, software, site, own, MODELS["new"].name, patience=1.0, extra={"temperature": 0})
        stage.play(one_shots(actor, tests, in_turn(evaluation.items[:count])))


POPULATIONS = (
    Population(
        name=NAME,
        cast=cast,
        share=0.005,
        fewest=8,
        most=150,
        pace=4.5,
        trips=("model pivot within a day", "identical prompts", "synchronised starts"),
        cause="a public release and a public benchmark",
    ),
)
