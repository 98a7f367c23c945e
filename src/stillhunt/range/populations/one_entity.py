"""One declared customer behind much traffic: a team's key, an enterprise gateway, a back-fill, a failover router, an audit.

Each is one organization that says so: the accounts name it, its domain is verified and one payer pays. That is the cause,
and it is visible. Trips, by population:

* team_key: one credential from many addresses, clients and hours;
* gateway: many accounts behind one address, one client, one system prompt;
* backfill: several accounts, one template, never a repeated input, even load, day and night;
* router: the identical request from another account seconds after a refusal, shared payer;
* audit: one fixed instruction that asks for the reasons behind decisions, never a repeated input, long answers.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stillhunt.range.calls import DAY, HOUR, SECOND, Account
from stillhunt.range.machinery import Company, Site
from stillhunt.range.people import usual_model
from stillhunt.range.populations import Population
from stillhunt.range.stage import BUSY, MODELS, Actor, Lane, Stage, Weather, chats
from stillhunt.range.texts import Application


def _members(
    stage: Stage, name: str, rng: random.Random, company: Company, count: int, site: Site, days: float = 400
) -> list[tuple[Account, random.Random]]:
    """`count` accounts of one company that say so, signed up over the `days` before the window."""
    members = []
    for index in range(count):
        own = stage.rng(name, company.organization_id, index)
        identity = stage.identities.member(own, company)
        born = stage.start - int(own.random() * days * DAY) - HOUR
        members.append((stage.enroll(own, name, identity, born, site, None, organization_id=company.organization_id), own))
    del rng
    return members


def team_key(stage: Stage, accounts: int, calls: int) -> None:
    """One account each, used by a whole team from wherever its people are."""
    numbers = stage.numpy("team_key")
    for index in range(accounts):
        own = stage.rng("team_key", index)
        company = stage.identities.company(own)
        office = stage.networks.fresh(own, "office", company.country)
        [(account, own)] = _members(stage, "team_key", own, company, 1, office)
        team = own.randrange(6, 25)
        homes = tuple(stage.networks.site(own, "residential", company.country) for _ in range(team))
        software = tuple(stage.clients.developer(own) for _ in range(max(2, team // 3)))
        times = stage.moments(numbers, int(calls / accounts * (0.6 + 0.8 * own.random())), account.zone, "office")
        for part in np.array_split(numbers.permutation(times), 4):
            actor = Actor(account, software[0], office, own, usual_model(own), keys=own.randrange(1, 4), sites=(office, *homes))
            actor.clients = software
            stage.play(chats(actor, np.sort(part), stage.texts.coding, labelled=False))


def gateway(stage: Stage, accounts: int, calls: int) -> None:
    """Employees of one enterprise, each with an account, behind one gateway that adds the house's system prompt."""
    rng = stage.rng("gateway")
    numbers = stage.numpy("gateway")
    company = stage.identities.company(rng)
    nat = stage.networks.fresh(rng, "office", company.country)
    software = stage.clients.named(rng, "enterprise-gateway")
    house = (
        f"You are the assistant of {company.name}. Follow the company's guidelines for written communication, do not disclose "
        "internal documents, and answer in the language of the question."
    )
    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for (account, own), volume in zip(_members(stage, "gateway", rng, company, accounts, nat), volumes.tolist(), strict=True):
        account.verification = "domain"
        actor = Actor(account, software, nat, own, MODELS["large"].name)
        stage.play(chats(actor, stage.moments(numbers, volume, account.zone, "office"), stage.texts.conversation, house, labelled=False))


def _fleet(
    stage: Stage,
    name: str,
    accounts: int,
    calls: int,
    purpose: str,
    style: str,
    extra: dict[str, object],
    lane: Callable[[list[Actor], NDArray[np.int64], Application], Lane],
) -> tuple[Company, list[Account]]:
    """One company's accounts under one program."""
    rng = stage.rng(name)
    numbers = stage.numpy(name)
    company = stage.identities.company(rng)
    farm = stage.networks.fresh(rng, "hosting", company.country)
    software = stage.clients.developer(rng)
    application = stage.texts.application(rng, purpose)
    weather = Weather(rate_limited=0.03, server_error=0.004) if name == "router" else BUSY
    actors = []
    for account, own in _members(stage, name, rng, company, accounts, farm):
        account.verification = "domain"
        account.plan = "enterprise"
        actors.append(Actor(account, software, farm, own, MODELS["large"].name, weather=weather, patience=1.0, extra=dict(extra)))
    times = stage.moments(numbers, calls, actors[0].account.zone, style)
    stage.play(lane(actors, times, application))
    return company, [actor.account for actor in actors]


def _in_rotation(actors: list[Actor], times: NDArray[np.int64], application: Application) -> Lane:
    """Work dealt out to the accounts in turn; what fails is tried again by the same one."""
    now = 0
    for number, at in enumerate(times.tolist()):
        actor = actors[number % len(actors)]
        exchange = application.render(actor.rng)
        now = max(now + 1000, at)
        for call in actor.attempt(now, [{"role": "user", "content": exchange.prompt}], exchange.response, exchange.system):
            now = call.at
            yield call


def _with_failover(actors: list[Actor], times: NDArray[np.int64], application: Application) -> Lane:
    """A request that one account is refused goes to the next account a second or two later."""
    now = 0
    for at in times.tolist():
        first = actors[0].rng.randrange(len(actors))
        exchange = application.render(actors[first].rng)
        now = max(now + 1000, at)
        for turn in range(len(actors)):
            actor = actors[(first + turn) % len(actors)]
            call = actor.call(now, [{"role": "user", "content": exchange.prompt}], exchange.response, exchange.system)
            yield call
            if call.status in (200, 400):
                break
            now = call.ended + int((0.5 + actor.rng.random() * 2) * SECOND)


def backfill(stage: Stage, accounts: int, calls: int) -> None:
    """An organization puts its archive through one template, spread over its projects' accounts."""
    _fleet(stage, "backfill", accounts, calls, "rag", "steady", {"temperature": 0}, _in_rotation)


def router(stage: Stage, accounts: int, calls: int) -> None:
    """A customer with several accounts behind a router that fails over."""
    _fleet(stage, "router", accounts, calls, "support", "service", {}, _with_failover)


def audit(stage: Stage, accounts: int, calls: int) -> None:
    """A regulated company has decisions justified step by step and keeps the reasons."""
    company, _ = _fleet(stage, "audit", accounts, calls, "audit", "office", {"temperature": 0}, _in_rotation)
    if stage.rng("audit", "grant").random() < 0.5:
        stage.entitle("fleet", "registered fleet, compliance archive", organization=company.organization_id)


POPULATIONS = (
    Population(
        name="team_key",
        cast=team_key,
        share=0.001,
        fewest=2,
        most=30,
        pace=60,
        trips=("one credential from many addresses",),
        cause="a team shares its organization's key",
    ),
    Population(
        name="gateway",
        cast=gateway,
        share=0.006,
        fewest=10,
        most=200,
        pace=18,
        trips=("one address", "one client", "one system prompt"),
        cause="an enterprise's gateway, declared",
    ),
    Population(
        name="backfill",
        cast=backfill,
        share=0.0007,
        fewest=3,
        most=10,
        pace=150,
        trips=("one template", "no repeated input", "no idle hours", "even volumes"),
        cause="one organization's archive, declared",
    ),
    Population(
        name="router",
        cast=router,
        share=0.0006,
        fewest=3,
        most=8,
        pace=70,
        trips=("handoff after refusal", "shared payer"),
        cause="one customer's failover, declared",
    ),
    Population(
        name="audit",
        cast=audit,
        share=0.001,
        fewest=4,
        most=20,
        pace=35,
        trips=("reasoning elicitation", "fixed instruction", "no repeated input"),
        cause="a duty to keep reasons, declared",
    ),
)
