"""How an operator comes by its accounts: when they sign up, as whom, from where and with which software."""

from __future__ import annotations

import random
from dataclasses import replace

from stillhunt.range.calls import DAY, HOUR, SECOND
from stillhunt.range.machinery import Client, Identity, Site
from stillhunt.range.people import residence
from stillhunt.range.shapes import OperatorSpec
from stillhunt.range.stage import MODELS, Actor, Stage, Weather
from stillhunt.range.surfaces import call_through_marketplace, list_on_marketplace

_ROOMY = (2000, 2048, 4000, 4096)
"""Popular limits on answers that leave room for an answer worth having."""


def sign_ups(stage: Stage, rng: random.Random, spec: OperatorSpec, opening: int) -> list[int]:
    """Moments of sign-up before `opening`: by script in bursts, one by one over months, or when other people signed up."""
    if spec.aged:
        return sorted(_as_people_do(stage, rng, spec, opening) for _ in range(spec.accounts))
    if spec.signup_spread > 0:
        return sorted(opening - HOUR - int(rng.random() * spec.signup_spread * DAY) for _ in range(spec.accounts))
    return _bursts(rng, spec, opening)


def _as_people_do(stage: Stage, rng: random.Random, spec: OperatorSpec, opening: int) -> int:
    earliest = opening - int(spec.signup_spread * DAY) if spec.signup_spread > 0 else None
    while True:
        born = stage.sign_up(rng)
        if born < opening - DAY and (earliest is None or born >= earliest):
            return born


def _bursts(rng: random.Random, spec: OperatorSpec, opening: int) -> list[int]:
    """Bursts of some hours, a script's seconds to minutes between two accounts."""
    bursts = max(1, min(spec.bursts, spec.accounts // 4 or 1))
    heads = sorted(opening - int((0.3 + rng.random() * spec.signup_days) * DAY) for _ in range(bursts))
    times = []
    for number, head in enumerate(heads):
        count = spec.accounts * (number + 1) // bursts - spec.accounts * number // bursts
        # a burst ends before the work starts
        pace = min(240.0, 0.25 * DAY / SECOND / max(count, 1))
        at = head
        for _ in range(count):
            times.append(min(at, opening - 60 * SECOND))
            at += int(rng.expovariate(1 / pace) * SECOND) + SECOND
    return times


def software(stage: Stage, rng: random.Random, spec: OperatorSpec) -> list[Client]:
    """The programs that its accounts share; with "common" there are none, each account has its own."""
    if spec.client == "few":
        return [_roomy(stage.clients.developer(rng), rng) for _ in range(max(5, spec.clients))]
    return [stage.clients.rare(rng) for _ in range(spec.clients)]


def _roomy(client: Client, rng: random.Random) -> Client:
    """`client` without a limit that would cut the answers off: whoever pays for answers lets them end."""
    names = ("max_tokens", "max_completion_tokens")
    parameters = tuple(
        (name, rng.choice(_ROOMY) if name in names and isinstance(value, int) and value < _ROOMY[0] else value)
        for name, value in client.parameters
    )
    return replace(client, parameters=parameters)


def _rotation(stage: Stage, rng: random.Random, servers: int) -> Site:
    """Rented servers at many hosters, another one for each call."""
    rented = [stage.networks.site(rng, "hosting") for _ in range(servers)]
    return Site(
        "proxy", "rotation", "US", tuple(p for one in rented for p in one.prefixes), 0.0, tuple(a for one in rented for a in one.anchors)
    )


class Recruiter:
    """Opens accounts for one operator, wave after wave; what a wave's accounts share is drawn with the wave."""

    def __init__(self, stage: Stage, rng: random.Random, spec: OperatorSpec) -> None:
        self.stage = stage
        self.rng = rng
        self.spec = spec
        self.clients = software(stage, rng, spec)

    def wave(self, births: list[int], population: str = "operator", *, hidden: bool = True) -> list[Actor]:
        """Open an account at each of `births` and put it to work; those that are not `hidden` belong to nobody's operation."""
        stage, rng, spec = self.stage, self.rng, self.spec
        place = spec.place()
        scheme = stage.identities.scheme(rng)
        robot = stage.clients.browser(rng)
        by_script = spec.machinery == "shared" and spec.client != "common"
        prefixes = 1 if spec.addresses == "farm" else 2
        farms = [stage.networks.fresh(rng, "hosting", prefixes=prefixes) for _ in range(max(1, spec.accounts // spec.accounts_per_site))]
        cards = [stage.identities.card(rng) for _ in range(max(1, spec.accounts // spec.accounts_per_card))]
        rotation = _rotation(stage, rng, max(16, 2 * len(births))) if place == "hosters" else None
        facts: dict[str, str] = {"operator": spec.name, "campaign": spec.campaign or spec.name} if hidden else {}
        people = []
        for born in births:
            whose = self._person() if spec.identity == "person" else None
            site = rotation or (rng.choice(farms) if place == "farm" else None)
            if place == "proxies":
                site = stage.networks.site(rng, "proxy" if rng.random() < 0.8 else "residential")
            client = _roomy(stage.clients.developer(rng), rng) if spec.client == "common" else rng.choice(self.clients)
            card = rng.choice(cards) if spec.shares_cards() else None
            identity = whose or stage.identities.scripted(rng, scheme, card)
            if whose is not None and card is not None:
                identity = replace(whose, card=card)
            site = site or residence(stage, rng, identity.country)
            account = stage.enroll(rng, population, identity, born, site, robot if by_script else None, **facts)
            people.append((account, client, site))
        weather = Weather(rate_limited=spec.refused, server_error=0.003, bad_request=0.0005, refused=0.002)
        extra = {} if spec.client == "common" else {"max_tokens": 8192}
        actors = [
            Actor(account, client, site, rng, MODELS["large"].name, weather=weather, extra=dict(extra)) for account, client, site in people
        ]
        for actor in rng.sample(actors, round(spec.marketplace * len(actors))):
            list_on_marketplace(actor.account, rng)
            call_through_marketplace(actor)
        return actors

    def _person(self) -> Identity:
        """Somebody like anybody, who pays: a free plan does not carry a harvest."""
        identity = self.stage.identities.person(self.rng)
        return identity if identity.card else replace(identity, card=self.stage.identities.card(self.rng), plan="payg")
