"""The unrelated majority: everybody who has nothing to do with anybody else.

Five walks of life, drawn by how much an account calls: people chatting, developers, people asking single questions,
companies with an application in production, and batch users. Sign-ups stretch over two years, volumes are heavy-tailed
(most send a handful of calls, a few send thousands), rhythms follow the owner's time zone. Families and companies may
share a card; nobody shares words.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stillhunt.range.calls import DAY, HOUR, Account
from stillhunt.range.machinery import Client, Company, Identity, Site
from stillhunt.range.stage import BUSY, CALM, MODELS, Actor, Lane, Stage, chats, one_shots
from stillhunt.range.texts import Application, Exchange

NAME = "people"


def usual_model(rng: random.Random) -> str:
    """What an unrelated customer asks for."""
    luck = rng.random()
    return MODELS["large" if luck < 0.58 else "small" if luck < 0.88 else "former"].name


def takes_up(stage: Stage, rng: random.Random, share: float = 0.22) -> int | None:
    """When a customer moves to the new model: some do, over the days after its release."""
    return stage.release + int(rng.expovariate(1 / 3.0) * DAY) if rng.random() < share else None


def residence(stage: Stage, rng: random.Random, country: str | None = None) -> Site:
    """Where a private person is online: mostly at home, often on a telephone, now and then behind a VPN."""
    luck = rng.random()
    return stage.networks.site(rng, "residential" if luck < 0.68 else "mobile" if luck < 0.93 else "vpn", country)


def resident(stage: Stage, rng: random.Random, population: str, **facts: object) -> tuple[Account, Client, Site]:
    """A private person with an account, a program and a line, like anybody; `facts` replace what differs."""
    identity = facts.pop("identity", None) or stage.identities.person(rng)
    assert isinstance(identity, Identity)
    site = facts.pop("site", None) or residence(stage, rng, identity.country)
    client = facts.pop("client", None) or stage.clients.person(rng)
    born = facts.pop("born", None) or stage.sign_up(rng)
    assert isinstance(site, Site)
    assert isinstance(client, Client)
    assert isinstance(born, int)
    account = stage.enroll(rng, population, identity, born, site, client if client.name == "browser" else None, **facts)
    return account, client, site


def employee(stage: Stage, rng: random.Random, company: Company, declared_share: float) -> Identity:
    """Somebody of `company`, paid for by it; whether the account names the organization is its owner's choice."""
    identity = stage.identities.member(rng, company, declared=rng.random() < declared_share)
    return replace(identity, card=company.card)


def span(stage: Stage, rng: random.Random, account: Account) -> tuple[int, int]:
    """From when to when in the window an account is used: since its sign-up; some begin later, some stop, some are closed."""
    begin = max(stage.start, account.created_at)
    end = stage.end
    if begin == stage.start and rng.random() < 0.08:
        begin += int(rng.random() * 0.8 * (end - begin))
    if rng.random() < 0.08:
        end -= int(rng.random() * 0.8 * (end - begin))
    if end - begin < DAY:
        begin = max(account.created_at, end - DAY)
    if end < stage.end and rng.random() < 0.12:
        account.closed_at = end + rng.randrange(HOUR)
        account.closed_reason = rng.choice(("user_request", "user_request", "payment_failed", "abuse"))
        # providers ban the innocent too: a ban says nothing by itself
        account.status = "banned" if account.closed_reason == "abuse" else "closed"
    return begin, end


def everyday(
    stage: Stage, numbers: np.random.Generator, account: Account, client: Client, site: Site, calls: int, rng: random.Random
) -> Lane:
    """An ordinary person's calls: chats in a browser; sessions and single questions through the API."""
    begin, until = span(stage, rng, account)
    actor = Actor(account, client, site, rng, usual_model(rng), moves_at=takes_up(stage, rng))
    times = stage.moments(numbers, calls, account.zone, "person", begin, until)
    if client.name == "browser":
        actor.surface = "chat"
        return chats(actor, times, stage.texts.conversation)
    luck = rng.random()
    if luck < 0.45:
        return chats(actor, times, stage.texts.coding, labelled=False)
    if luck < 0.75:
        return one_shots(actor, times, stage.texts.question)
    return chats(actor, times, stage.texts.conversation, labelled=False)


def building(stage: Stage, actor: Actor, times: NDArray[np.int64]) -> Lane:
    """A developer building an application: the own template over a handful of test inputs, edited now and then."""
    rng = actor.rng
    application = stage.texts.application(rng)
    inputs = [application.payload(rng) for _ in range(rng.randrange(3, 12))]

    def draw(luck: random.Random) -> Exchange:
        if luck.random() < 0.25:
            inputs[luck.randrange(len(inputs))] = application.payload(luck)
        return application.fill(luck.choice(inputs), luck)

    return one_shots(actor, times, draw)


def producing(actor: Actor, times: NDArray[np.int64], application: Application, users: int) -> Lane:
    """An application in production: its template around its users' input; some applications pass their users' ids on."""
    if not users:
        return one_shots(actor, times, application.render)
    return _with_end_users(actor, times, application.render, users)


def _with_end_users(actor: Actor, times: NDArray[np.int64], draw: Callable[[random.Random], Exchange], users: int) -> Lane:
    known = [f"u{actor.rng.getrandbits(40):010x}" for _ in range(users)]
    for call in one_shots(actor, times, draw):
        if not isinstance(call, int):
            call.end_user_id = known[int(users * actor.rng.random() ** 2)]
        yield call


def worker(
    stage: Stage, numbers: np.random.Generator, account: Account, client: Client, site: Site, calls: int, rng: random.Random
) -> Lane:
    """An account that a program uses: in production, in a batch, or on a developer's desk, by how much it calls."""
    begin, until = span(stage, rng, account)
    luck = rng.random()
    batch = 0.3 <= luck < 0.5
    actor = Actor(
        account,
        client,
        site,
        rng,
        usual_model(rng),
        weather=BUSY if calls > 400 else CALM,
        extra={"temperature": 0} if batch else {},
        moves_at=takes_up(stage, rng, 0.12),
    )
    if luck < 0.3 and calls < 800:
        return building(stage, actor, stage.moments(numbers, calls, account.zone, "office", begin, until))
    if batch:
        return producing(actor, stage.moments(numbers, calls, account.zone, "batch", begin, until), stage.texts.application(rng), 0)
    style = "office" if rng.random() < 0.35 else "service"
    users = 0 if rng.random() < 0.5 else max(3, calls // rng.randrange(4, 40))
    return producing(actor, stage.moments(numbers, calls, account.zone, style, begin, until), stage.texts.application(rng), users)


def cast(stage: Stage, accounts: int, calls: int) -> None:
    """Put `accounts` unrelated accounts with about `calls` calls in all on stage."""
    numbers = stage.numpy(NAME)
    if accounts <= 0:
        return
    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    numbers.shuffle(volumes)
    company: Company | None = None
    household: str | None = None
    for index, volume in enumerate(volumes.tolist()):
        rng = stage.rng(NAME, index)
        program = rng.random() < (0.05 if volume < 30 else 0.35 if volume < 200 else 0.65 if volume < 1000 else 0.95)
        if program:
            # one company in three has a second account: a test account beside production, another department
            if company is None or rng.random() < 0.67:
                company = stage.identities.company(rng)
            identity = employee(stage, rng, company, 0.6)
            site = stage.networks.site(rng, "hosting" if rng.random() < 0.7 else "office", identity.country)
            client = stage.clients.developer(rng)
            account = stage.enroll(rng, NAME, identity, stage.sign_up(rng), site, None)
            stage.play(worker(stage, numbers, account, client, site, volume, rng))
            continue
        account, client, site = resident(stage, rng, NAME)
        if account.payment_fingerprint is not None:
            if household is not None and rng.random() < 0.04:
                account.payment_fingerprint = household
            household = account.payment_fingerprint
        stage.play(everyday(stage, numbers, account, client, site, volume, rng))
