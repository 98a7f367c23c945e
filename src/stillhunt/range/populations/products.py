"""Unrelated users of one product, each with an account of their own: a framework, a translation app, a support app.

Trips: hundreds of accounts with one long system prompt or template and one client shape; the apps' calls are one-shot and
never repeat an input. Cause: the product. Sign-ups, volumes, hours, payers and places are everybody's own; agents hold
sessions that grow, and translations are as short as what is translated.
"""

from __future__ import annotations

import numpy as np

from stillhunt.range.calls import HOUR, SECOND, Account
from stillhunt.range.machinery import Client
from stillhunt.range.people import employee, residence, span, takes_up, usual_model
from stillhunt.range.populations import Population
from stillhunt.range.stage import Actor, Stage, one_shots, sessions
from stillhunt.range.texts import Application


def framework(stage: Stage, accounts: int, calls: int) -> None:
    """Users of one open-source agent framework, in two current versions of its client."""
    rng = stage.rng("framework")
    numbers = stage.numpy("framework")
    agent = stage.texts.framework(rng)
    clients = [stage.clients.named(rng, agent.name) for _ in range(2)]
    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng("framework", index)
        identity = stage.identities.person(own)
        site = residence(stage, own, identity.country)
        client = clients[own.random() < 0.3]
        account = stage.enroll(own, "framework", identity, stage.sign_up(own), site, None)
        actor = Actor(account, client, site, own, usual_model(own), moves_at=takes_up(stage, own, 0.35))
        times = stage.moments(numbers, volume, account.zone, "person", *span(stage, own, account))
        stage.play(sessions(actor, times, agent.session, agent.system, agent.tools))


def _app(stage: Stage, name: str, purpose: str, accounts: int, calls: int, style: str) -> None:
    """Users who put their own key into one published application."""
    rng = stage.rng(name)
    numbers = stage.numpy(name)
    published = [one for one in stage.texts.applications() if one.purpose == purpose]
    application: Application = rng.choice(published) if published else stage.texts.application(rng, purpose)
    client: Client = stage.clients.named(rng, application.name)
    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng(name, index)
        company = stage.identities.company(own) if own.random() < 0.35 else None
        identity = employee(stage, own, company, 0.3) if company else stage.identities.person(own)
        site = residence(stage, own, identity.country)
        account: Account = stage.enroll(own, name, identity, stage.sign_up(own), site, None)
        actor = Actor(account, client, site, own, usual_model(own), extra={"temperature": 0.3})
        times = stage.moments(numbers, volume, account.zone, style, *span(stage, own, account))
        stage.play(one_shots(actor, times, application.render))


def translation_app(stage: Stage, accounts: int, calls: int) -> None:
    """Readers who have what they read translated, paragraph by paragraph."""
    _app(stage, "translation_app", "translate", accounts, calls, "person")


def support_app(stage: Stage, accounts: int, calls: int) -> None:
    """Shops that let one app answer their customers."""
    _app(stage, "support_app", "support", accounts, calls, "service")


def digest_app(stage: Stage, accounts: int, calls: int) -> None:
    """Readers of an app that writes each of them a digest every hour, day and night: everybody has one pace."""
    rng = stage.rng("digest_app")
    application: Application = stage.texts.application(rng, "summarise")
    client: Client = stage.clients.named(rng, application.name)
    every = max(1, round(24 * accounts * stage.days / max(calls, 1)))
    for index in range(accounts):
        own = stage.rng("digest_app", index)
        identity = stage.identities.person(own)
        site = residence(stage, own, identity.country)
        account: Account = stage.enroll(own, "digest_app", identity, stage.sign_up(own), site, None)
        begin, until = span(stage, own, account)
        hours = np.arange(stage.start + own.randrange(HOUR), until, every * HOUR, dtype=np.int64)
        times = hours[hours >= begin] + np.array([own.randrange(20 * SECOND) for _ in hours[hours >= begin]], dtype=np.int64)
        stage.play(one_shots(Actor(account, client, site, own, usual_model(own)), stage.exactly(times), application.render))


POPULATIONS = (
    Population(
        name="framework",
        cast=framework,
        share=0.05,
        fewest=15,
        most=3000,
        pace=2.0,
        trips=("one system prompt", "one client", "harness strings"),
        cause="one agent framework",
    ),
    Population(
        name="translation_app",
        cast=translation_app,
        share=0.015,
        fewest=10,
        most=400,
        pace=6,
        trips=("one template", "one client", "no repeated input", "one-shot calls"),
        cause="one published application",
    ),
    Population(
        name="support_app",
        cast=support_app,
        share=0.008,
        fewest=10,
        most=250,
        pace=7,
        trips=("one template", "one client", "no repeated input", "one-shot calls"),
        cause="one published application",
    ),
    Population(
        name="digest_app",
        cast=digest_app,
        share=0.008,
        fewest=10,
        most=200,
        pace=24,
        trips=("one template", "one client", "one pace day and night", "no repeated input", "one-shot calls"),
        cause="one published application with a schedule",
        default=False,
    ),
)
