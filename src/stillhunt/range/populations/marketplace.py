"""Customers who come through a cloud's marketplace instead of the provider's own door.

Trips: identifiers that look alike, no address, no payer and no e-mail, as whoever hides would have it. Cause: the
marketplace passes none of that on, for anybody. Their words, hours, volumes and programs are their own.
"""

from __future__ import annotations

from stillhunt.range.people import building, producing, residence, span, takes_up, usual_model
from stillhunt.range.populations import Population
from stillhunt.range.stage import Actor, Stage, chats, one_shots
from stillhunt.range.surfaces import MARKETPLACE, call_through_marketplace, list_on_marketplace


def marketplace(stage: Stage, accounts: int, calls: int) -> None:
    """Developers, applications and people at work, each by itself."""
    numbers = stage.numpy(MARKETPLACE)
    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng(MARKETPLACE, index)
        identity = stage.identities.person(own)
        site = residence(stage, own, identity.country)
        account = stage.enroll(own, MARKETPLACE, identity, stage.sign_up(own), site, None)
        list_on_marketplace(account, own)
        actor = Actor(account, stage.clients.developer(own), site, own, usual_model(own), moves_at=takes_up(stage, own))
        call_through_marketplace(actor)
        begin, until = span(stage, own, account)
        luck = own.random()
        style = "person" if luck < 0.5 else "office" if luck < 0.75 else "service"
        times = stage.moments(numbers, volume, account.zone, style, begin, until)
        if luck < 0.3:
            stage.play(chats(actor, times, stage.texts.coding, labelled=False))
        elif luck < 0.5:
            stage.play(one_shots(actor, times, stage.texts.question))
        elif luck < 0.75:
            stage.play(building(stage, actor, times))
        else:
            stage.play(producing(actor, times, stage.texts.application(own), 0))


POPULATIONS = (
    Population(
        name=MARKETPLACE,
        cast=marketplace,
        share=0.03,
        fewest=12,
        most=3000,
        pace=14,
        trips=("identifiers that look alike", "no payer, no address"),
        cause="a marketplace that passes nothing on",
        default=False,
    ),
)
