"""People who are paid for the same work: an agency's freelancers, a product's translators, a labelling firm's writers.

Trips, by population:

* agency: dozens of accounts behind one card with one library of prompts;
* localisation: one long instruction, inputs from one work list dealt out to translators so that none repeats, one plug-in, one-shot;
* annotators: accounts opened in batches at one mail domain and paid by one card, one client, even volumes, inputs that never repeat.

Causes: the agency's card pays for people who chat and keep office hours of their own countries; the glossary in the instruction names the
product, and each translator signed up and pays alone; annotators' accounts stand under their firm's mail domain. Nobody calls at night.
"""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from stillhunt.range.calls import DAY, HOUR, SECOND
from stillhunt.range.people import residence, span, usual_model
from stillhunt.range.populations import Population
from stillhunt.range.stage import MODELS, Actor, Stage, chats, one_shots
from stillhunt.range.texts import Exchange


def agency(stage: Stage, accounts: int, calls: int) -> None:
    """Freelancers all over the world: half of their calls go through the agency's prompts, the other half is talk."""
    rng = stage.rng("agency")
    numbers = stage.numpy("agency")
    card = stage.identities.card(rng)
    library = [stage.texts.application(rng, purpose) for purpose in ("rewrite", "describe", "summarise", "translate")]
    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng("agency", index)
        identity = replace(stage.identities.person(own), card=card, plan="pro", verification="email")
        site = residence(stage, own, identity.country)
        account = stage.enroll(own, "agency", identity, stage.sign_up(own), site, None)
        client = stage.clients.person(own)
        begin, until = span(stage, own, account)
        favourite = own.choice(library)
        prompted = stage.moments(numbers, volume // 2, account.zone, "office", begin, until)
        stage.play(one_shots(Actor(account, client, site, own, usual_model(own)), prompted, favourite.render))
        talked = stage.moments(numbers, volume - volume // 2, account.zone, "person", begin, until)
        stage.play(chats(Actor(account, client, site, own, usual_model(own)), talked, stage.texts.conversation, labelled=False))


def localisation(stage: Stage, accounts: int, calls: int) -> None:
    """Translators of one product: the plug-in of their translation tool sends one segment after the other, each to one of them."""
    rng = stage.rng("localisation")
    numbers = stage.numpy("localisation")
    plug_in = stage.clients.named(rng, "segment-plugin")
    style = stage.texts.application(rng, "translate")
    head = style.system or style.template.replace(style.SLOT, "").strip()
    glossary = "; ".join(f"{stage.texts.prose(rng, 14).strip()} = {stage.texts.prose(rng, 14).strip()}" for _ in range(40))
    system = f"{head}\n\nGlossary, binding: {glossary}"

    def segment(luck: random.Random) -> Exchange:
        source = stage.texts.prose(luck, luck.randrange(120, 900))
        return Exchange(system, source, stage.texts.prose(luck, len(source)))

    for index in range(accounts):
        own = stage.rng("localisation", index)
        identity = stage.identities.person(own)
        site = residence(stage, own, identity.country)
        account = stage.enroll(own, "localisation", identity, stage.sign_up(own), site, None)
        share = max(1, int(calls / accounts * (0.5 + own.random())))
        times = stage.moments(numbers, share, account.zone, "office", *span(stage, own, account))
        actor = Actor(account, plug_in, site, own, MODELS["large"].name, extra={"temperature": 0.2})
        stage.play(one_shots(actor, times, segment))


def annotators(stage: Stage, accounts: int, calls: int) -> None:
    """People whom a labelling firm pays to write prompts and to compare two answers to each, in shifts, by quota."""
    rng = stage.rng("annotators")
    numbers = stage.numpy("annotators")
    firm = stage.identities.company(rng)
    desk = stage.clients.named(rng, "label-desk")
    office = stage.networks.fresh(rng, "office", firm.country)
    opened = stage.start - int(rng.uniform(3, 60) * DAY)
    quota = max(2, calls // (2 * accounts))
    for index in range(accounts):
        own = stage.rng("annotators", index)
        member = stage.identities.member(own, firm, declared=False)
        identity = replace(member, card=firm.card, plan="team", verification="email")
        born = opened + (index % 20) * 90 * SECOND + (index // 20) * 7 * DAY
        account = stage.enroll(own, "annotators", identity, min(born, stage.start - HOUR), office, desk)
        home = stage.networks.site(own, "residential", firm.country)
        count = int(quota * (0.9 + 0.2 * own.random()))
        written = [stage.texts.question(own) for _ in range(count)]
        times = stage.moments(numbers, count, account.zone, "office")
        # each prompt is sent twice: the writer marks the better answer
        pairs = np.repeat(times, 2) + np.tile(np.array([0, 3 * SECOND]), len(times))
        again = [exchange._replace(response=stage.texts.prose(own, 900)) for exchange in written]
        queue = iter([one for pair in zip(written, again, strict=True) for one in pair])
        stage.planned += len(times)
        actor = Actor(account, desk, home, own, MODELS["large"].name, extra={"temperature": 1, "max_tokens": 2048})
        stage.play(one_shots(actor, np.sort(pairs), lambda _, queue=queue: next(queue)))  # type: ignore[misc]


_ONE = Population(
    name="agency",
    cast=agency,
    share=0.004,
    fewest=10,
    most=80,
    pace=10,
    trips=("one payer", "one library of prompts"),
    cause="an agency that pays for its freelancers",
    default=False,
)
POPULATIONS = (
    _ONE,
    replace(
        _ONE,
        name="localisation",
        cast=localisation,
        most=120,
        pace=14,
        trips=("one long instruction", "one client", "no repeated input", "one-shot calls", "even volumes"),
        cause="one product's translators",
    ),
    replace(
        _ONE,
        name="annotators",
        cast=annotators,
        most=120,
        pace=14,
        trips=("sign-up bursts", "one payer", "one mail domain", "one client", "even volumes"),
        cause="a labelling firm's writers, under its mail domain",
    ),
)
