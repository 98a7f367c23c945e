"""Unrelated people who share a line to the world, or words from it: carrier-grade NAT, VPN exits, a popular prompt.

Trips: hundreds of accounts per prefix (carrier, VPN); the same long words from many accounts within days (popular prompt).
Cause: the carrier or VPN, which also carries everybody else's traffic; a post that many people read. Nothing else is shared.
"""

from __future__ import annotations

from stillhunt.range.calls import DAY, Account
from stillhunt.range.people import everyday, resident, usual_model
from stillhunt.range.populations import Population
from stillhunt.range.stage import Actor, Stage, chats


def _on_site(stage: Stage, name: str, kind: str, places: int, accounts: int, calls: int) -> None:
    rng = stage.rng(name)
    numbers = stage.numpy(name)
    sites = [stage.networks.site(rng, kind) for _ in range(places)]
    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng(name, index)
        site = sites[int(places * own.random() ** 2)]
        country = site.country if kind == "mobile" else None
        account, client, _ = resident(stage, own, name, identity=stage.identities.person(own, country), site=site)
        stage.play(everyday(stage, numbers, account, client, site, volume, own))


def carrier_nat(stage: Stage, accounts: int, calls: int) -> None:
    """Customers of two mobile carriers that put hundreds of people behind each address."""
    _on_site(stage, "carrier_nat", "mobile", 2, accounts, calls)


def vpn(stage: Stage, accounts: int, calls: int) -> None:
    """Users of two VPN services, whose exits change from call to call."""
    _on_site(stage, "vpn", "vpn", 2, accounts, calls)


def popular_prompt(stage: Stage, accounts: int, calls: int) -> None:
    """People who paste a prompt that they saw, verbatim, within the days of its fame, and otherwise chat as ever."""
    rng = stage.rng("popular_prompt")
    numbers = stage.numpy("popular_prompt")
    prompt = rng.choice(stage.texts.popular_prompts())
    posted = stage.start + int((0.1 + 0.5 * rng.random()) * stage.days * DAY)
    volumes = stage.rates.calls(numbers, accounts, max(calls - accounts, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng("popular_prompt", index)
        account: Account
        account, client, site = resident(
            stage, own, "popular_prompt", born=min(stage.sign_up(own), posted), client=stage.clients.browser(own)
        )
        stage.play(everyday(stage, numbers, account, client, site, volume, own))
        until = min(stage.end, posted + 5 * DAY)
        pastes = stage.moments(numbers, 1 + (own.random() < 0.3), account.zone, "person", posted, until)
        actor = Actor(account, client, site, own, usual_model(own), surface="chat")
        stage.play(chats(actor, pastes, lambda luck: [(prompt, stage.texts.prose(luck, luck.randrange(300, 2400)))]))


POPULATIONS = (
    Population(
        name="carrier_nat",
        cast=carrier_nat,
        share=0.03,
        fewest=12,
        most=800,
        pace=1.8,
        trips=("hundreds of accounts per prefix",),
        cause="carrier-grade NAT",
    ),
    Population(
        name="vpn",
        cast=vpn,
        share=0.02,
        fewest=10,
        most=500,
        pace=1.8,
        trips=("hundreds of accounts per prefix", "rotating addresses"),
        cause="a VPN service",
    ),
    Population(
        name="popular_prompt",
        cast=popular_prompt,
        share=0.01,
        fewest=8,
        most=300,
        pace=1.6,
        trips=("identical prompts within days",),
        cause="a post that many people read",
    ),
)
