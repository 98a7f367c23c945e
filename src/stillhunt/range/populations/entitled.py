"""Customers with a permission on record: a reseller, and one whose contract allows distillation.

* reseller: many sub-accounts on the reseller's servers and under its payer, each with its own customer's traffic; the
  entitlement says resale, the organization is declared.
* distillation: a real harvest by some dozens of accounts of one organization: a queue that never repeats, day and night,
  long answers, one client. The entitlement says distillation. Only the permission tells it from an operator.
"""

from __future__ import annotations

import itertools

from stillhunt.range.calls import DAY, HOUR
from stillhunt.range.people import usual_model
from stillhunt.range.populations import Population
from stillhunt.range.stage import BUSY, MODELS, Actor, Lane, Stage, chats, one_shots
from stillhunt.range.texts import HarvestJob


def reseller(stage: Stage, accounts: int, calls: int) -> None:
    """Sub-accounts opened by a program whenever the reseller wins a customer."""
    rng = stage.rng("reseller")
    numbers = stage.numpy("reseller")
    company = stage.identities.company(rng)
    farm = stage.networks.fresh(rng, "hosting", company.country, prefixes=2)
    software = stage.clients.named(rng, "reseller-proxy")
    stage.entitle("resale", "reseller agreement", organization=company.organization_id)
    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng("reseller", index)
        identity = stage.identities.member(own, company)
        account = stage.enroll(own, "reseller", identity, stage.sign_up(own), farm, software, organization_id=company.organization_id)
        # behind each sub-account is somebody else, with hours and a purpose of their own
        zone = own.choice((-8.0, -5.0, 0.0, 1.0, 5.5, 8.0))
        actor = Actor(account, software, farm, own, usual_model(own), weather=BUSY)
        lane: Lane
        if own.random() < 0.5:
            lane = chats(
                actor, stage.moments(numbers, volume, zone, "person", account.created_at), stage.texts.conversation, labelled=False
            )
        else:
            application = stage.texts.application(own)
            lane = one_shots(actor, stage.moments(numbers, volume, zone, "service", account.created_at), application.render)
        stage.play(lane)


def distillation(stage: Stage, accounts: int, calls: int) -> None:
    """One organization's accounts, opened together, working off one queue under a contract."""
    rng = stage.rng("distillation")
    numbers = stage.numpy("distillation")
    company = stage.identities.company(rng)
    farm = stage.networks.fresh(rng, "hosting", company.country)
    software = stage.clients.rare(rng)
    job: HarvestJob = stage.texts.harvest(rng, rng.choice(("reasoning", "code", "math")))
    # every licensee has a stretch of the corpus of its own: no operator's queue begins where this one does
    tasks = itertools.islice(job.tasks(), 1, None, 2)
    stage.entitle("distillation", "contract with a distillation clause", organization=company.organization_id)
    opened = stage.start - 60 * DAY + rng.randrange(DAY)
    actors = []
    for index in range(accounts):
        own = stage.rng("distillation", index)
        identity = stage.identities.member(own, company)
        born = opened + index * 40_000_000 + own.randrange(HOUR)
        account = stage.enroll(own, "distillation", identity, born, farm, None, organization_id=company.organization_id)
        account.verification = "domain"
        account.plan = "enterprise"
        actors.append(Actor(account, software, farm, own, MODELS["large"].name, weather=BUSY, patience=1.0, extra={"max_tokens": 8192}))
    times = stage.moments(numbers, calls, actors[0].account.zone, "steady")

    def work() -> Lane:
        now = 0
        for at in times.tolist():
            actor = rng.choice(actors)
            exchange = job.render(next(tasks))
            now = max(now + 1000, at)
            for call in actor.attempt(now, [{"role": "user", "content": exchange.prompt}], exchange.response, exchange.system):
                now = call.at
                yield call

    stage.play(work())


POPULATIONS = (
    Population(
        name="reseller",
        cast=reseller,
        share=0.008,
        fewest=8,
        most=200,
        pace=14,
        trips=("shared subnets", "shared payer", "one client"),
        cause="a reseller, entitled",
    ),
    Population(
        name="distillation",
        cast=distillation,
        share=0.004,
        fewest=6,
        most=40,
        pace=25.6,
        trips=("everything that an operator trips",),
        cause="a contract, entitled",
    ),
)
