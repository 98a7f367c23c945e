"""People in one place or at one event: a university, a class, a hackathon.

Trips, by population:

* university: hundreds of accounts behind one address, one e-mail domain;
* classroom: the same long text from dozens of accounts within two evenings, many signed up in one lesson;
* hackathon: dozens of sign-ups within two days from one subnet, one client and template from a starter kit, intense use for
  48 hours day and night, then a common stop.

Causes, as the provider sees them: the university's verified domain on campus and course accounts, the assignment itself, the
venue's network and the sponsor's referral code. `hackathon_unlabelled` (not in the default set) has no referral code.
"""

from __future__ import annotations

import random

from stillhunt.range.calls import DAY, HOUR, MINUTE, Account
from stillhunt.range.people import everyday, residence, usual_model
from stillhunt.range.populations import Population
from stillhunt.range.stage import MODELS, Actor, Stage, chats, one_shots


def university(stage: Stage, accounts: int, calls: int) -> None:
    """Students and staff of one university, each for themselves, behind its network."""
    rng = stage.rng("university")
    numbers = stage.numpy("university")
    school = stage.identities.university(rng)
    campus = stage.networks.fresh(rng, "university", school.country)
    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng("university", index)
        identity = stage.identities.member(own, school, declared=own.random() < 0.3)
        client = stage.clients.person(own)
        account = stage.enroll(own, "university", identity, stage.sign_up(own), campus, client if client.name == "browser" else None)
        stage.play(everyday(stage, numbers, account, client, campus, volume, own))


def classroom(stage: Stage, accounts: int, calls: int) -> None:
    """One course: half of it signs up in the lesson, everybody pastes the assignment on the evenings before it is due."""
    rng = stage.rng("classroom")
    numbers = stage.numpy("classroom")
    school = stage.identities.university(rng)
    campus = stage.networks.fresh(rng, "university", school.country)
    assignment = stage.texts.assignment(rng)
    zone = stage.identities.member(rng, school).utc_offset
    lesson = stage.start + int((0.2 + 0.3 * rng.random()) * stage.days) * DAY + int((11 - zone) * HOUR)
    due = min(stage.end, lesson + 2 * DAY + 10 * HOUR)

    def pasting(luck: random.Random) -> list[tuple[str, str]]:
        first = assignment.ask(luck)
        return [(first.prompt, first.response), *stage.texts.conversation(luck)[1:3]]

    for index in range(accounts):
        own = stage.rng("classroom", index)
        identity = stage.identities.member(own, school, declared=own.random() < 0.5)
        in_class = own.random() < 0.5
        born = lesson + int(own.random() * 40 * MINUTE) if in_class else min(stage.sign_up(own), lesson)
        home = residence(stage, own, school.country)
        client = stage.clients.browser(own)
        account = stage.enroll(own, "classroom", identity, born, campus if in_class else home, client)
        actor = Actor(account, client, home, own, usual_model(own), surface="chat", sites=(home, home, campus))
        share = max(2, int(calls / accounts * (0.4 + 1.2 * own.random())))
        asked = stage.moments(numbers, max(1, share // 2), zone, "person", max(born, lesson), due)
        stage.play(chats(actor, asked, pasting))
        rest = stage.moments(numbers, share - share // 2, zone, "person", born)
        stage.play(chats(Actor(account, client, home, own, actor.model, surface="chat"), rest, stage.texts.conversation))


def hackathon(stage: Stage, accounts: int, calls: int, *, name: str = "hackathon", labelled: bool = True) -> None:
    """Teams at one venue for 48 hours, on the sponsor's starter kit."""
    rng = stage.rng(name)
    numbers = stage.numpy(name)
    venue = stage.networks.fresh(rng, "venue")
    kit = stage.clients.named(rng, "starter-kit")
    template = stage.texts.application(rng, rng.choice(("summarise", "extract", "tutor", "describe")))
    code = f"HACK{rng.randrange(16**6):06X}" if labelled else None
    opening = stage.start + int((0.3 + 0.25 * rng.random()) * stage.days) * DAY + 9 * HOUR
    finish = min(stage.end, opening + 2 * DAY)
    for index in range(accounts):
        own = stage.rng(name, index)
        identity = stage.identities.person(own, venue.country)
        born = opening + int(min(1.9, own.expovariate(2.2)) * 0.5 * DAY)
        account: Account = stage.enroll(own, name, identity, born, venue, None, referral=code)
        share = max(2, int(calls / accounts * (0.3 + 1.4 * own.random())))
        times = stage.moments(numbers, share, account.zone, "service", born, finish)
        actor = Actor(account, kit, venue, own, MODELS["large"].name)
        cut = int(len(times) * 0.75)
        picked = numbers.permutation(times)
        picked[:cut].sort()
        picked[cut:].sort()
        # three calls in four go through the kit's template; the rest is the team's own building
        stage.play(one_shots(actor, picked[:cut], template.render))
        own_code = Actor(account, kit, venue, own, actor.model, home=actor.home)
        stage.play(chats(own_code, picked[cut:], stage.texts.coding, labelled=False))


def _unlabelled(stage: Stage, accounts: int, calls: int) -> None:
    hackathon(stage, accounts, calls, name="hackathon_unlabelled", labelled=False)


POPULATIONS = (
    Population(
        name="university",
        cast=university,
        share=0.01,
        fewest=15,
        most=400,
        pace=2.5,
        trips=("one address", "one e-mail domain"),
        cause="a campus network",
    ),
    Population(
        name="classroom",
        cast=classroom,
        share=0.004,
        fewest=10,
        most=60,
        pace=0.6,
        trips=("identical long text", "sign-up burst", "synchronised starts"),
        cause="one assignment",
    ),
    Population(
        name="hackathon",
        cast=hackathon,
        share=0.009,
        fewest=12,
        most=120,
        pace=8,
        trips=("sign-up burst", "shared subnet", "one client", "one template", "common stop"),
        cause="an event with a venue and a sponsor's referral code",
    ),
    Population(
        name="hackathon_unlabelled",
        cast=_unlabelled,
        share=0.009,
        fewest=12,
        most=120,
        pace=8,
        trips=("sign-up burst", "shared subnet", "one client", "one template", "common stop"),
        cause="an event with a venue",
        default=False,
    ),
)
