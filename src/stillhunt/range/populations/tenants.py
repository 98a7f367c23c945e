"""Accounts under somebody else's roof: tenants of a service, bots on one platform, customers of a router that takes their own keys.

Trips, by population:

* saas_tenants, saas_undeclared: an account for each tenant, opened by program, one payer, one hoster, one client, a few fixed
  instructions, inputs that never repeat, long answers, one-shot calls;
* one_click_bots: one template, one scheduler that works day and night, one platform's network, long answers, no repeated input;
* byok_router: hundreds of accounts behind one router's addresses with one client.

Causes: saas_tenants declare one organization; saas_undeclared declare nothing, but every account is at the service's own mail domain.
Bots and routed customers have payers, sign-ups and volumes of their own, and the platform carries them all alike.
"""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from stillhunt.range.calls import HOUR, SECOND
from stillhunt.range.people import everyday, residence, span, takes_up, usual_model
from stillhunt.range.populations import Population
from stillhunt.range.stage import BUSY, MODELS, Actor, Stage, one_shots
from stillhunt.range.texts import Exchange


def saas(stage: Stage, accounts: int, calls: int, *, name: str, declared: bool) -> None:
    """A service that opens an account for every customer that it wins, to keep their data apart."""
    rng = stage.rng(name)
    numbers = stage.numpy(name)
    company = stage.identities.company(rng)
    farm = stage.networks.fresh(rng, "hosting", company.country, prefixes=2)
    backend = stage.clients.developer(rng)
    features = [stage.texts.application(rng, purpose) for purpose in ("describe", "rewrite", "audit")]

    def written(luck: random.Random) -> Exchange:
        exchange = features[int(3 * luck.random() ** 1.6)].render(luck)
        return exchange._replace(response=stage.texts.prose(luck, min(8_000, int(luck.lognormvariate(7.4, 0.4)))))

    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng(name, index)
        tenant = stage.identities.member(own, company, declared=declared)
        identity = replace(tenant, card=company.card, plan="team", verification="domain" if declared else "email")
        account = stage.enroll(own, name, identity, stage.sign_up(own), farm, backend)
        zone = own.choice((-8.0, -5.0, 0.0, 1.0, 1.0, 5.5, 8.0))
        actor = Actor(account, backend, farm, own, MODELS["large"].name, weather=BUSY, patience=1.0, extra={"max_tokens": 4096})
        style = "office" if own.random() < 0.6 else "service"
        stage.play(one_shots(actor, stage.moments(numbers, volume, zone, style, *span(stage, own, account)), written))


def saas_tenants(stage: Stage, accounts: int, calls: int) -> None:
    """Tenants whose accounts name the service's organization."""
    saas(stage, accounts, calls, name="saas_tenants", declared=True)


def saas_undeclared(stage: Stage, accounts: int, calls: int) -> None:
    """Tenants whose accounts name nobody: one payer and one mail domain say whose they are."""
    saas(stage, accounts, calls, name="saas_undeclared", declared=False)


def one_click_bots(stage: Stage, accounts: int, calls: int) -> None:
    """Owners of a published bot, which they put on one platform with a click: it writes a long post every so many hours."""
    rng = stage.rng("one_click_bots")
    platform = stage.networks.fresh(rng, "hosting", prefixes=3)
    bot = stage.texts.application(rng, "summarise")
    client = stage.clients.named(rng, "postbot")
    slowest = max(1, round(accounts * stage.days * 24 / max(calls, 1)))

    def post(luck: random.Random) -> Exchange:
        return bot.render(luck)._replace(response=stage.texts.prose(luck, min(8_000, int(luck.lognormvariate(7.7, 0.3)))))

    for index in range(accounts):
        own = stage.rng("one_click_bots", index)
        identity = stage.identities.person(own)
        account = stage.enroll(own, "one_click_bots", identity, stage.sign_up(own), residence(stage, own, identity.country), None)
        begin, until = span(stage, own, account)
        # the template's default is one post an hour; some owners have changed it
        every = slowest * own.choice((1, 1, 1, 1, 2, 3)) * HOUR
        ticks = np.arange(stage.start + own.randrange(every), until, every, dtype=np.int64)
        ticks = ticks[ticks >= begin]
        jitter = np.array([own.randrange(5 * SECOND) for _ in ticks], dtype=np.int64)
        actor = Actor(account, client, platform, own, MODELS["large"].name, extra={"max_tokens": 4096})
        stage.play(one_shots(actor, stage.exactly(ticks + jitter), post))


def byok_router(stage: Stage, accounts: int, calls: int) -> None:
    """Customers who use a router with keys of their own, for whatever they do."""
    rng = stage.rng("byok_router")
    numbers = stage.numpy("byok_router")
    farm = stage.networks.fresh(rng, "hosting", prefixes=2)
    router = stage.clients.named(rng, "open-router")
    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng("byok_router", index)
        identity = stage.identities.person(own)
        account = stage.enroll(own, "byok_router", identity, stage.sign_up(own), residence(stage, own, identity.country), None)
        if own.random() < 0.7:
            stage.play(everyday(stage, numbers, account, router, farm, volume, own))
            continue
        application = stage.texts.application(own)
        actor = Actor(account, router, farm, own, usual_model(own), moves_at=takes_up(stage, own))
        times = stage.moments(numbers, volume, account.zone, "service", *span(stage, own, account))
        stage.play(one_shots(actor, times, application.render))


POPULATIONS = (
    Population(
        name="saas_tenants",
        cast=saas_tenants,
        share=0.008,
        fewest=12,
        most=200,
        pace=12,
        trips=("one payer", "one hoster", "one client", "fixed instructions", "no repeated input", "long answers"),
        cause="one service's tenants, declared",
        default=False,
    ),
    Population(
        name="saas_undeclared",
        cast=saas_undeclared,
        share=0.008,
        fewest=12,
        most=200,
        pace=12,
        trips=("one payer", "one hoster", "one client", "fixed instructions", "no repeated input", "long answers"),
        cause="one service's tenants, under its own mail domain",
        default=False,
    ),
    Population(
        name="one_click_bots",
        cast=one_click_bots,
        share=0.006,
        fewest=10,
        most=150,
        pace=18,
        trips=("one template", "one pace day and night", "shared subnets", "no repeated input", "long answers"),
        cause="one published bot on one platform",
        default=False,
    ),
    Population(
        name="byok_router",
        cast=byok_router,
        share=0.01,
        fewest=12,
        most=300,
        pace=6,
        trips=("shared subnets", "one client"),
        cause="a router that takes its customers' own keys",
        default=False,
    ),
)
