"""Software that people install: a browser extension, a mobile app, a smart speaker, a front end for role play.

Trips, by population:

* browser_extension: hundreds of accounts with one fixed instruction and one set of parameters, one-shot calls that never repeat, long
  answers, sign-ups in the weeks after a store featured it;
* mobile_app: accounts that a program opened at install, all at one mail domain, without telephone or card, in one client;
* speaker_fleet: accounts opened in factory batches from one network, one payer, one client, one instruction, one morning hour;
* roleplay: one client and a handful of public system prompts over many accounts, deep into the night, long answers.

Causes: the software. Each installation is somebody's own: calls come from their home, in their waking hours, as often as they please.
App and speaker sign up under the maker's own mail domain, which nobody else has.
"""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from stillhunt.range.calls import DAY, HOUR, SECOND
from stillhunt.range.people import residence, span, takes_up, usual_model
from stillhunt.range.populations import Population
from stillhunt.range.stage import MODELS, Actor, Stage, chats, one_shots
from stillhunt.range.texts import Exchange


def browser_extension(stage: Stage, accounts: int, calls: int) -> None:
    """Readers whose extension works on the page before them, with their own key."""
    rng = stage.rng("browser_extension")
    numbers = stage.numpy("browser_extension")
    product = stage.texts.application(rng, rng.choice(("rewrite", "summarise", "tutor")))
    mark = ("origin", f"chrome-extension://{rng.getrandbits(128):032x}")
    parameters = (("stream", True), ("temperature", rng.choice((0.3, 0.7, 1))), ("max_tokens", 4096))
    featured = stage.start - int(40 * rng.random() * DAY)

    def on_page(luck: random.Random) -> Exchange:
        page = stage.texts.prose(luck, min(9_000, int(luck.lognormvariate(7.0, 0.7))))
        return product.fill(page, luck)._replace(response=stage.texts.prose(luck, min(9_000, int(luck.lognormvariate(7.6, 0.5)))))

    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng("browser_extension", index)
        identity = stage.identities.person(own)
        site = residence(stage, own, identity.country)
        browser = stage.clients.browser(own)
        client = replace(browser, name="extension", headers=(*browser.headers, mark), parameters=parameters)
        born = featured + int(own.expovariate(1 / 12) * DAY) if own.random() < 0.4 else stage.sign_up(own)
        account = stage.enroll(own, "browser_extension", identity, min(born, stage.end - DAY), site, browser)
        times = stage.moments(numbers, volume, account.zone, "person", *span(stage, own, account))
        stage.play(one_shots(Actor(account, client, site, own, usual_model(own), moves_at=takes_up(stage, own)), times, on_page))


def mobile_app(stage: Stage, accounts: int, calls: int) -> None:
    """Users of one app that opens an account for each of them when it is installed."""
    rng = stage.rng("mobile_app")
    numbers = stage.numpy("mobile_app")
    maker = stage.identities.company(rng)
    app = stage.clients.named(rng, "pocket-app")
    system = stage.texts.application(rng, "tutor")
    prompt = system.system or system.template.replace(system.SLOT, "").strip()
    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng("mobile_app", index)
        person = stage.identities.person(own)
        email = f"{own.getrandbits(64):016x}@device.{maker.domain}"
        identity = replace(person, email=email, phone=None, card=None, plan="free", verification=None, referral=None)
        site = stage.networks.site(own, "mobile" if own.random() < 0.6 else "residential", identity.country)
        account = stage.enroll(own, "mobile_app", identity, stage.sign_up(own), site, app)
        actor = Actor(account, app, site, own, MODELS["small"].name)
        times = stage.moments(numbers, volume, account.zone, "person", *span(stage, own, account))
        stage.play(chats(actor, times, stage.texts.conversation, prompt))


def speaker_fleet(stage: Stage, accounts: int, calls: int) -> None:
    """Speakers registered in batches at the factory; at home they answer questions and brief the household every morning."""
    rng = stage.rng("speaker_fleet")
    numbers = stage.numpy("speaker_fleet")
    maker = stage.identities.company(rng)
    plant = stage.networks.fresh(rng, "office", maker.country)
    firmware = stage.clients.named(rng, "hearth-speaker")
    rules = (
        f"You speak through a device by {maker.name}. Answer in at most three short spoken sentences, without lists, links or symbols. "
        "If you did not understand, say so and ask once."
    )
    batches = sorted(stage.start - int(rng.random() * 200 * DAY) - 4 * DAY for _ in range(max(1, accounts // 25)))

    def spoken(luck: random.Random) -> Exchange:
        return Exchange(rules, stage.texts.question(luck).prompt[:140], stage.texts.prose(luck, luck.randrange(60, 260)))

    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng("speaker_fleet", index)
        person = stage.identities.person(own)
        email = f"unit-{index * 7919 % 10**6:06d}@{maker.domain}"
        identity = replace(person, email=email, phone=None, card=maker.card, plan="team", verification="email", referral=None)
        born = batches[index % len(batches)] + (index // len(batches)) * 20 * SECOND
        account = stage.enroll(own, "speaker_fleet", identity, born, plant, firmware)
        home = stage.networks.site(own, "residential", identity.country)
        actor = Actor(account, firmware, home, own, MODELS["small"].name, extra={"max_tokens": 200})
        asked = stage.moments(numbers, volume, account.zone, "person", *span(stage, own, account))
        wake = int((7 - account.zone + own.choice((-1, -0.5, 0, 0, 0, 0.5, 1))) * HOUR)
        morning = [stage.start + day * DAY + wake + own.randrange(30 * SECOND) for day in range(stage.days)]
        briefed = stage.exactly(np.array(morning if own.random() < 0.4 else [], dtype=np.int64))
        stage.play(one_shots(actor, np.sort(np.concatenate([asked, briefed])), spoken))


def roleplay(stage: Stage, accounts: int, calls: int) -> None:
    """People who play characters in one front end, each with some of a dozen public character cards."""
    rng = stage.rng("roleplay")
    numbers = stage.numpy("roleplay")
    front = stage.clients.named(rng, "parlour-ui")
    cards = [f"{text} {stage.texts.prose(rng, 900)}" for text in stage.texts.popular_prompts()[:12]]

    def scenes(luck: random.Random) -> list[tuple[str, str]]:
        return [(asked, stage.texts.prose(luck, luck.randrange(600, 2600))) for asked, _ in stage.texts.conversation(luck)]

    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng("roleplay", index)
        identity = stage.identities.person(own)
        site = residence(stage, own, identity.country)
        account = stage.enroll(own, "roleplay", identity, stage.sign_up(own), site, None)
        actor = Actor(account, front, site, own, usual_model(own), extra={"temperature": 1.1, "max_tokens": 1200})
        times = stage.moments(numbers, volume, account.zone - 4, "person", *span(stage, own, account))
        mine = own.choice(cards)
        stage.play(chats(actor, times, scenes, mine, labelled=False))


POPULATIONS = (
    Population(
        name="browser_extension",
        cast=browser_extension,
        share=0.01,
        fewest=12,
        most=400,
        pace=5,
        trips=("one fixed instruction", "one set of parameters", "no repeated input", "one-shot calls", "long answers"),
        cause="one published extension",
        default=False,
    ),
    Population(
        name="mobile_app",
        cast=mobile_app,
        share=0.012,
        fewest=12,
        most=500,
        pace=3,
        trips=("sign-ups by program", "one mail domain", "one client", "one system prompt"),
        cause="one app that opens an account at install",
        default=False,
    ),
    Population(
        name="speaker_fleet",
        cast=speaker_fleet,
        share=0.008,
        fewest=12,
        most=400,
        pace=4,
        trips=("sign-up bursts", "one payer", "one client", "synchronised starts", "one-shot calls"),
        cause="one maker's devices, under its mail domain",
        default=False,
    ),
    Population(
        name="roleplay",
        cast=roleplay,
        share=0.006,
        fewest=10,
        most=250,
        pace=8,
        trips=("one client", "shared system prompts", "long answers", "night hours"),
        cause="one front end and public characters",
        default=False,
    ),
)
