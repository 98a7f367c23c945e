"""People who follow one instruction for a while: a data tutorial, a course that distils, a boot camp, a contest.

Trips, by population:

* tutorial: over one weekend dozens of accounts send one fixed instruction that makes training data, inputs that never repeat, long
  answers, from one notebook service, in loops without a pause, and stop;
* coursework, bootcamp: for two weeks a class runs one script that distils a small model: one instruction, a shard of the work each,
  long answers, one pace, nights included;
* contest: hundreds of accounts send the same statements within the same three hours.

Causes: a published tutorial, followed from accounts of all ages; the school's verified domain; the boot camp's referral code on every
account; public problems. What each of them takes is a few hundred answers.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stillhunt.range.calls import DAY, HOUR, MINUTE, SECOND
from stillhunt.range.people import residence, usual_model
from stillhunt.range.populations import Population
from stillhunt.range.stage import MODELS, Actor, Stage, chats, one_shots
from stillhunt.range.texts import Exchange, Task

Draw = Callable[[random.Random], Exchange]


def _exercise(stage: Stage, rng: random.Random, kind: str) -> Draw:
    """The handout's instruction around whatever each participant works on; long answers."""
    job = stage.texts.harvest(rng, kind)

    def draw(luck: random.Random) -> Exchange:
        answer = stage.texts.prose(luck, min(9_000, int(luck.lognormvariate(7.7, 0.4))))
        return job.render(Task(stage.texts.question(luck).prompt, answer))

    return draw


def _loop(numbers: np.random.Generator, begin: int, count: int, seconds: float) -> NDArray[np.int64]:
    """Moments of a script that sends one call after the other's answer."""
    gaps = seconds * (0.7 + numbers.gamma(2.0, 0.3, count)) * SECOND
    return begin + np.cumsum(gaps).astype(np.int64)


def tutorial(stage: Stage, accounts: int, calls: int) -> None:
    """Readers of a tutorial on making training data, who try it on the weekend after it appeared, most on one notebook service."""
    rng = stage.rng("tutorial")
    numbers = stage.numpy("tutorial")
    notebook = stage.clients.named(rng, "notebook-kit")
    cloud = stage.networks.fresh(rng, "hosting", prefixes=3)
    exercise = _exercise(stage, rng, rng.choice(("task_generation", "reasoning")))
    weekend = stage.start + min(max(0, stage.days - 2), 5 + 7 * rng.randrange(max(1, stage.days // 7))) * DAY
    share = max(2, calls // accounts)
    for index in range(accounts):
        own = stage.rng("tutorial", index)
        identity = stage.identities.person(own)
        home = residence(stage, own, identity.country)
        begin = weekend + int((own.random() ** 0.7 * 34 + 8 - identity.utc_offset / 2) * HOUR)
        born = begin - own.randrange(5 * MINUTE, 3 * HOUR) if own.random() < 0.4 else min(stage.sign_up(own), begin)
        account = stage.enroll(own, "tutorial", identity, born, home, None)
        before = stage.moments(numbers, own.randrange(4), account.zone, "person", born, begin)
        client = stage.clients.developer(own)
        stage.play(one_shots(Actor(account, client, home, own, usual_model(own)), before, stage.texts.question))
        count = int(share * own.choice((0.25, 0.5, 1, 1, 1.5)))
        place = cloud if own.random() < 0.65 else home
        actor = Actor(account, notebook, place, own, MODELS["large"].name, patience=1.0, extra={"max_tokens": 4096})
        stage.play(one_shots(actor, stage.exactly(_loop(numbers, begin, max(1, count), own.choice((8, 15, 30)))), exercise))


def _class(stage: Stage, name: str, accounts: int, calls: int, *, at_school: bool) -> None:
    """A class that distils: every participant runs the course's script over a shard, some nights long, until the project is due."""
    rng = stage.rng(name)
    numbers = stage.numpy(name)
    school = stage.identities.university(rng)
    campus = stage.networks.fresh(rng, "university", school.country)
    script = stage.clients.named(rng, "course-script")
    exercise = _exercise(stage, rng, rng.choice(("reasoning", "math", "code")))
    handout = stage.start + int(0.1 * stage.days * DAY)
    code = None if at_school else f"CAMP{rng.randrange(16**6):06X}"
    for index in range(accounts):
        own = stage.rng(name, index)
        identity = stage.identities.member(own, school, declared=False) if at_school else stage.identities.person(own)
        home = residence(stage, own, school.country if at_school else identity.country)
        born = handout - own.randrange(6 * HOUR) if own.random() < 0.6 else min(stage.sign_up(own), handout)
        site = campus if at_school and own.random() < 0.5 else home
        account = stage.enroll(own, name, identity, born, site, None, **({} if at_school else {"referral": code}))
        runs = []
        left = max(2, int(calls / accounts * (0.8 + 0.4 * own.random())))
        while left > 0:
            size = min(left, own.randrange(20, 120))
            evening = handout + int(own.random() * (stage.end - handout)) // DAY * DAY + int((20 - account.zone) * HOUR)
            runs.append(_loop(numbers, evening + own.randrange(4 * HOUR), size, 45))
            left -= size
        actor = Actor(account, script, site, own, MODELS["large"].name, patience=1.0, extra={"max_tokens": 4096})
        stage.play(one_shots(actor, stage.exactly(np.concatenate(runs)), exercise))


def coursework(stage: Stage, accounts: int, calls: int) -> None:
    """A university course; accounts are at the school's verified domain."""
    _class(stage, "coursework", accounts, calls, at_school=True)


def bootcamp(stage: Stage, accounts: int, calls: int) -> None:
    """A boot camp; participants have accounts of their own, opened with or credited by the camp's code."""
    _class(stage, "bootcamp", accounts, calls, at_school=False)


def contest(stage: Stage, accounts: int, calls: int) -> None:
    """Contestants of an online judge, who paste the round's statements and argue about their solutions."""
    rng = stage.rng("contest")
    numbers = stage.numpy("contest")
    rounds = [stage.start + int((0.2 + 0.3 * turn) * stage.days) * DAY + 15 * HOUR for turn in range(2)]
    problems = [[stage.texts.assignment(rng).text for _ in range(4)] for _ in rounds]
    volumes = stage.rates.calls(numbers, accounts, max(calls // 3, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng("contest", index)
        identity = stage.identities.person(own)
        home = residence(stage, own, identity.country)
        born = min(stage.sign_up(own), rounds[0] - HOUR)
        account = stage.enroll(own, "contest", identity, born, home, None)
        client = stage.clients.person(own)
        coder = Actor(account, client, home, own, usual_model(own))
        stage.play(chats(coder, stage.moments(numbers, volume, account.zone, "person", born), stage.texts.coding, labelled=False))
        for opened, statements in zip(rounds, problems, strict=True):
            count = max(1, int(calls / accounts / 3 * (0.5 + own.random())))

            def pasting(luck: random.Random, statements: list[str] = statements) -> list[tuple[str, str]]:
                tried = stage.texts.coding(luck)[:2]
                return [(luck.choice(statements), stage.texts.prose(luck, luck.randrange(400, 1800))), *tried]

            times = stage.moments(numbers, count, account.zone, "steady", opened, opened + 3 * HOUR)
            stage.play(chats(Actor(account, client, home, own, coder.model), times, pasting, labelled=False))


_ONE = Population(
    name="tutorial",
    cast=tutorial,
    share=0.006,
    fewest=12,
    most=150,
    pace=9,
    trips=("one fixed instruction", "no repeated input", "long answers", "synchronised starts", "shared subnets", "common stop"),
    cause="a tutorial that many follow on one weekend",
    default=False,
)
POPULATIONS = (
    _ONE,
    replace(
        _ONE,
        name="coursework",
        cast=coursework,
        share=0.004,
        most=80,
        pace=14,
        trips=("one fixed instruction", "no repeated input", "long answers", "sign-up burst", "one pace", "shared subnet"),
        cause="a course at a verified school",
    ),
    replace(
        _ONE,
        name="bootcamp",
        cast=bootcamp,
        share=0.004,
        most=80,
        pace=14,
        trips=("one fixed instruction", "no repeated input", "long answers", "sign-up burst", "one pace"),
        cause="a course, on one referral code",
    ),
    replace(
        _ONE,
        name="contest",
        cast=contest,
        share=0.008,
        most=250,
        pace=2,
        trips=("identical long text", "synchronised starts"),
        cause="public problems of a contest",
    ),
)
