"""Operators: one party behind many accounts, harvesting.

A central queue of work is sharded over the accounts: each request goes to whichever account is free, nothing is asked
twice. When an account is refused, the identical request goes to another one seconds later. Accounts that are closed on the
way leave their load to the rest. How much an operator does to look like many people is in its `OperatorSpec`: careless
ones keep a constant rate day and night from few places, careful ones look like anybody in everything but the work itself.
"""

from __future__ import annotations

import itertools

import numpy as np

from stillhunt.range.calls import DAY, HOUR
from stillhunt.range.operation import Floor, Queue, Tally, Turns, central, local, work
from stillhunt.range.populations import marketplace
from stillhunt.range.recruiting import Recruiter, sign_ups
from stillhunt.range.resale import carry, meantime
from stillhunt.range.shapes import LADDER, PRESETS, OperatorSpec, operator, rivals
from stillhunt.range.stage import Actor, Stage
from stillhunt.range.surfaces import MARKETPLACE

__all__ = ["CUSTOMERS", "LADDER", "PRESETS", "OperatorSpec", "cast", "operator", "rivals"]

CUSTOMERS = "reseller_customers"
"""The population of a reseller's accounts that carry no harvest: nobody's operation."""


def cast(stage: Stage, spec: OperatorSpec) -> Tally:
    """Put one operator on stage; what it sends is counted in the tally that this returns, once the stage is played.

    Raises:
        InputError: the specification says something that means nothing.
    """
    spec.check()
    rng = stage.rng("operator", spec.name)
    numbers = stage.numpy("operator", spec.name)
    opening = stage.start + int(spec.start_day * DAY) + rng.randrange(0, 3 * HOUR)
    length = spec.length(stage.days) - (opening - stage.start) / DAY + spec.start_day
    if spec.accounts <= 0 or length <= 0:
        return Tally()
    end = opening + int(length * DAY)
    recruiter = Recruiter(stage, rng, spec)
    first = _crew(stage, recruiter, sign_ups(stage, rng, spec, opening))
    reserve: list[Actor] = []
    resume = 0
    spans = [(opening, end) for _ in first]
    if spec.replaced_day is None:
        for actor in rng.sample(first, int(spec.banned * len(first))):
            _ban(actor, opening + int((0.15 + 0.8 * rng.random()) * length * DAY))
    else:
        closing = opening + int(spec.replaced_day * DAY)
        for actor in first:
            _ban(actor, closing)
        resume = closing + 20 * HOUR
        reserve = _crew(stage, recruiter, sorted(closing + HOUR + rng.randrange(16 * HOUR) for _ in first))
        spans = [*((opening, closing + 12 * HOUR) for _ in first), *((resume, end) for _ in reserve)]
    turns = _schedule(stage, numbers, spec, [*first, *reserve], spans)
    probing_until = opening + int(min(length, spec.probe_days) * DAY) + 6 * HOUR if spec.probes > 0 else 0
    floor = Floor(stage, rng, spec, first, reserve)
    stage.play(work(floor, Queue(stage, rng, spec, probing_until), turns, resume))
    _beside(stage, numbers, recruiter, floor, opening)
    return floor.tally


def _schedule(stage: Stage, numbers: np.random.Generator, spec: OperatorSpec, crew: list[Actor], spans: list[tuple[int, int]]) -> Turns:
    """All turns of the operation: the work, or first the probing and, a day after it, the work."""
    opening, end = min(begin for begin, _ in spans), max(until for _, until in spans)

    def turns(pace: float, count: int, begin: int, until: int) -> Turns:
        if spec.rhythm == "local":
            return local(stage, numbers, pace, crew, [(max(begin, one), min(until, other)) for one, other in spans])
        return central(stage, numbers, spec, count, begin, (until - begin) / DAY)

    total = spec.calls(stage.days)
    if spec.probes <= 0:
        return turns(spec.calls_per_account_day, total, opening, end)
    probed = min(end, opening + int(spec.probe_days * DAY))
    tries = round(spec.accounts * spec.probes * (probed - opening) / (spec.probe_days * DAY))
    first = turns(spec.probes / spec.probe_days, tries, opening, probed)
    scaled = min(end, probed + DAY)
    if scaled >= end:
        return first
    return itertools.chain(first, turns(spec.calls_per_account_day, max(0, total - tries), scaled, end))


def _beside(stage: Stage, numbers: np.random.Generator, recruiter: Recruiter, floor: Floor, opening: int) -> None:
    """What goes on beside the operation: customers' traffic, former use, and innocents who came the same way."""
    rng, spec = recruiter.rng, recruiter.spec
    for number, actor in enumerate(floor.actors):
        if spec.reseller:
            carry(stage, numbers, actor, number, spec.name, floor.tally)
        elif spec.aged:
            meantime(stage, numbers, actor, number, spec.name, opening)
    if spec.reseller:
        # a reseller also has accounts that carry nothing but customers
        births = rng.sample([actor.account.created_at for actor in floor.actors], len(floor.actors) // 3)
        for number, actor in enumerate(recruiter.wave(births, CUSTOMERS, hidden=False)):
            carry(stage, numbers, actor, len(floor.actors) + number, spec.name, None)
    if spec.marketplace > 0 and not any(account.population == MARKETPLACE for account in stage.accounts):
        # an operator alone on a marketplace would be known by that alone
        count = max(12, 3 * round(spec.marketplace * spec.accounts))
        marketplace.marketplace(stage, count, round(count * MARKETPLACE_PACE * stage.days))


MARKETPLACE_PACE = 14.0
"""Calls per account and day of the marketplace's innocents."""


def _crew(stage: Stage, recruiter: Recruiter, births: list[int]) -> list[Actor]:
    """Accounts at work, some of which will move to the new model, some on another surface."""
    actors = recruiter.wave(births)
    rng, spec = recruiter.rng, recruiter.spec
    for actor in rng.sample(actors, round(spec.pivot * len(actors))):
        actor.moves_at = stage.release + 2 * HOUR + rng.randrange(20 * HOUR)
    return actors


def _ban(actor: Actor, at: int) -> None:
    actor.account.status = "banned"
    actor.account.closed_at = at
    actor.account.closed_reason = "abuse"
