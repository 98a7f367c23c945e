"""Users of a product that nobody thought of: what it is for, how long it answers and how it spreads is drawn with the world.

Trips, as drawn: one template and one client; one pace, where it has a schedule or a daily quota that its users use up; one
network, where it runs on a platform; a wave of sign-ups, where it was just launched; long answers; one country. Cause: the
product. Whoever uses it has an account, a payer and, unless it has a schedule, hours of their own.
"""

from __future__ import annotations

import math
import random

import numpy as np
from numpy.typing import NDArray

from stillhunt.range.calls import DAY, HOUR, SECOND
from stillhunt.range.people import residence, span, usual_model
from stillhunt.range.populations import Population
from stillhunt.range.stage import Actor, Stage, chats, one_shots
from stillhunt.range.texts import PURPOSES, Exchange

NAME = "any_product"
RHYTHMS = ("person", "person", "person", "office", "service", "batch", "quota", "schedule")


def cast(stage: Stage, accounts: int, calls: int) -> None:
    """One account per user of one product."""
    rng = stage.rng(NAME)
    numbers = stage.numpy(NAME)
    product = stage.texts.application(rng, rng.choice(PURPOSES))
    versions = [stage.clients.named(rng, product.name) for _ in range(rng.choice((1, 1, 2, 3)))]
    typical, spread = math.exp(rng.uniform(math.log(100), math.log(6_000))), rng.uniform(0.2, 0.9)
    talkative, rhythm = rng.random() < 0.25, rng.choice(RHYTHMS)
    platform = stage.networks.fresh(rng, "hosting", prefixes=rng.randrange(1, 4)) if rng.random() < 0.35 else None
    country = stage.identities.person(rng).country if rng.random() < 0.25 else None
    launched = stage.start + int(rng.uniform(-60, 0.5 * stage.days) * DAY) if rng.random() < 0.4 else None
    affiliate, affiliated = f"GET{rng.randrange(16**5):05X}", rng.choice((0.0, 0.0, 0.2, 0.6))
    extra = {"max_tokens": 4096} | ({"temperature": 0.5} if rng.random() < 0.5 else {})
    quota = max(1, round(calls / accounts / stage.days))
    every = max(1, round(24 / quota)) * HOUR

    def ask(luck: random.Random) -> Exchange:
        return product.render(luck)._replace(
            response=stage.texts.prose(luck, min(12_000, int(luck.lognormvariate(math.log(typical), spread))))
        )

    def talk(luck: random.Random) -> list[tuple[str, str]]:
        first = ask(luck)
        return [(first.prompt, first.response), *stage.texts.conversation(luck)[1:]]

    def moments(volume: int, zone: float, begin: int, until: int, luck: random.Random) -> NDArray[np.int64]:
        if rhythm == "schedule":
            ticks = np.arange(stage.start + luck.randrange(every), until, every, dtype=np.int64)
            return stage.exactly(ticks[ticks >= begin] + numbers.integers(0, 20 * SECOND, int((ticks >= begin).sum())))
        if rhythm == "quota":
            # what is free each day is used up on most days, by day
            days = [day for day in range(stage.days) if luck.random() < 0.8]
            noon = [stage.start + day * DAY + int((15 - zone) * HOUR) for day in days]
            times = np.concatenate([np.empty(0), *(numbers.normal(at, 3 * HOUR, quota) for at in noon)]).astype(np.int64)
            return stage.exactly(times[(times >= begin) & (times < until)])
        return stage.moments(numbers, volume, zone, rhythm, begin, until)

    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng(NAME, index)
        identity = stage.identities.person(own, country)
        home = residence(stage, own, identity.country)
        born = stage.sign_up(own)
        if launched is not None and own.random() < 0.8:
            born = min(launched + int(own.expovariate(1 / 4) * DAY), stage.end - DAY)
        code = affiliate if own.random() < affiliated else identity.referral
        account = stage.enroll(own, NAME, identity, born, home, None, referral=code)
        actor = Actor(account, own.choice(versions), platform or home, own, usual_model(own), extra=dict(extra))
        times = moments(volume, account.zone, *span(stage, own, account), own)
        stage.play(chats(actor, times, talk, product.system, labelled=False) if talkative else one_shots(actor, times, ask))


POPULATIONS = (
    Population(
        name=NAME,
        cast=cast,
        share=0.01,
        fewest=10,
        most=300,
        pace=9,
        trips=("one template", "one client", "one pace", "shared subnets", "sign-up wave", "long answers"),
        cause="one product",
        default=False,
    ),
)
