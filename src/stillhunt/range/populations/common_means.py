"""Unrelated people who share a means: a privacy relay, a bank's virtual cards, a day of moving, a cheap hour, a queue, a quota.

Trips, by population:

* edge_relay: hundreds of accounts behind a relay's few server prefixes;
* virtual_cards: hundreds of accounts on a handful of card fingerprints, because the bank's virtual cards share theirs;
* exodus: hundreds of sign-ups within hours, with one client that was the other provider's;
* night_tariff: programs of all kinds that work only in the two hours in which calls are cheap;
* batch_queue: companies whose batches wait in the provider's own queue, which works at one rate day and night: their total is steadier
  than chance, nothing repeats, no conversations, most through one popular tool;
* free_quota: people and hobbyists' scripts of all kinds who use up what is free each day, and so have one pace.

Causes: the relay, the bank, the tariff, the queue and the quota are everybody's; the other provider closed, which was in the papers.
Nothing else is shared.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stillhunt.range.calls import DAY, HOUR, SECOND
from stillhunt.range.people import employee, everyday, resident, usual_model, worker
from stillhunt.range.populations import Population
from stillhunt.range.stage import BUSY, Actor, Lane, Stage, chats, one_shots


def edge_relay(stage: Stage, accounts: int, calls: int) -> None:
    """People whose telephones and computers send everything through one relay, as WARP does."""
    rng = stage.rng("edge_relay")
    numbers = stage.numpy("edge_relay")
    relay = stage.networks.fresh(rng, "hosting", prefixes=4)
    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng("edge_relay", index)
        account, client, _ = resident(stage, own, "edge_relay", site=relay)
        stage.play(everyday(stage, numbers, account, client, relay, volume, own))


def virtual_cards(stage: Stage, accounts: int, calls: int) -> None:
    """Customers of one regional bank, whose virtual cards the payment processor cannot tell apart."""
    rng = stage.rng("virtual_cards")
    numbers = stage.numpy("virtual_cards")
    country = stage.identities.person(rng).country
    programmes = [stage.identities.card(rng) for _ in range(max(1, accounts // 30))]
    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng("virtual_cards", index)
        person = stage.identities.person(own, country if own.random() < 0.9 else None)
        identity = replace(person, card=own.choice(programmes), plan="payg")
        account, client, site = resident(stage, own, "virtual_cards", identity=identity)
        stage.play(everyday(stage, numbers, account, client, site, volume, own))


def exodus(stage: Stage, accounts: int, calls: int) -> None:
    """Customers of a provider that closes, who move on the evening of the news and keep the program they had."""
    rng = stage.rng("exodus")
    numbers = stage.numpy("exodus")
    habit = stage.clients.named(rng, "other-sdk")
    news = stage.start + int((0.1 + 0.3 * rng.random()) * stage.days * DAY)
    volumes = stage.rates.calls(numbers, accounts, max(calls, accounts))
    for index, volume in enumerate(volumes.tolist()):
        own = stage.rng("exodus", index)
        born = news + int(own.expovariate(1 / 9) * HOUR)
        client = habit if own.random() < 0.7 else stage.clients.person(own)
        account, client, site = resident(stage, own, "exodus", client=client, born=min(born, stage.end - DAY))
        stage.play(everyday(stage, numbers, account, client, site, volume, own))


def night_tariff(stage: Stage, accounts: int, calls: int) -> None:
    """Companies that leave their batches to the cheap hours, 0 to 2 UTC; each has its own work."""
    numbers = stage.numpy("night_tariff")
    for index in range(accounts):
        own = stage.rng("night_tariff", index)
        company = stage.identities.company(own)
        site = stage.networks.site(own, "hosting", company.country)
        client = stage.clients.developer(own)
        account = stage.enroll(own, "night_tariff", employee(stage, own, company, 0.4), stage.sign_up(own), site, None)
        share = max(stage.days, int(calls / accounts * own.lognormvariate(-0.3, 0.8)))
        nights = []
        for day in range(stage.days):
            begin = stage.start + day * DAY + own.randrange(90 * SECOND)
            size = max(1, int(share / stage.days * own.uniform(0.6, 1.4)))
            gap = min(30.0, 1.9 * HOUR / SECOND / size)
            nights.append(begin + np.cumsum(numbers.exponential(gap * SECOND, size)).astype(np.int64))
        times = stage.exactly(np.concatenate(nights))
        application = stage.texts.application(own)
        if own.random() < 0.2:
            # a few of them have people at work by day as well
            stage.play(worker(stage, numbers, account, client, site, max(1, share // 4), own))
        actor = Actor(account, client, site, own, usual_model(own), weather=BUSY, patience=1.0, extra={"temperature": 0})
        stage.play(one_shots(actor, times[times >= account.created_at], application.render))


def batch_queue(stage: Stage, accounts: int, calls: int) -> None:
    """Companies that hand in batches whenever they please; the provider serves all of them in turn, as fast as it can."""
    rng = stage.rng("batch_queue")
    tool = stage.clients.named(rng, "batch-cli")
    jobs: list[tuple[int, int, int]] = []
    actors, applications = [], []
    for index in range(accounts):
        own = stage.rng("batch_queue", index)
        company = stage.identities.company(own)
        site = stage.networks.site(own, "hosting" if own.random() < 0.6 else "office", company.country)
        account = stage.enroll(own, "batch_queue", employee(stage, own, company, 0.4), stage.sign_up(own), site, None)
        client = tool if own.random() < 0.7 else stage.clients.developer(own)
        actors.append(Actor(account, client, site, own, usual_model(own), surface="batch", extra={"temperature": 0, "max_tokens": 4096}))
        applications.append(stage.texts.application(own))
        left = max(1, int(calls / accounts * own.lognormvariate(-0.3, 0.8)))
        begin = max(stage.start, account.created_at)
        while left > 0:
            size = min(left, own.randrange(30, 300))
            jobs.append((begin + int(own.random() ** 1.5 * (stage.end - begin)), index, size))
            left -= size
    stage.planned += sum(size for _, _, size in jobs)
    jobs.sort(reverse=True)
    # the queue has a little more room than there is work: it is seldom empty, and what is left at the end is not answered
    step = 0.95 * (stage.end - stage.start) / max(1, sum(size for _, _, size in jobs))

    def served() -> Lane:
        waiting: list[list[int]] = []
        turn = 0
        now = float(stage.start)
        while (jobs or waiting) and now < stage.end:
            while jobs and jobs[-1][0] <= now:
                _, who, size = jobs.pop()
                waiting.append([who, size])
            if waiting:
                turn = (turn + 1) % len(waiting)
                job = waiting[turn]
                exchange = applications[job[0]].render(actors[job[0]].rng)
                asked = [{"role": "user", "content": exchange.prompt}]
                yield actors[job[0]].call(int(now), asked, exchange.response, exchange.system)
                job[1] -= 1
                if not job[1]:
                    waiting.pop(turn)
            now += step * rng.uniform(0.8, 1.2)

    stage.play(served())


def free_quota(stage: Stage, accounts: int, calls: int) -> None:
    """Whoever has a free account and uses up its daily calls, by hand or by script."""
    numbers = stage.numpy("free_quota")
    quota = max(2, round(calls / accounts / stage.days / 0.8))
    for index in range(accounts):
        own = stage.rng("free_quota", index)
        identity = replace(stage.identities.person(own), card=None, plan="free")
        account, client, site = resident(stage, own, "free_quota", identity=identity)
        actor = Actor(account, client, site, own, usual_model(own))
        days = [day for day in range(stage.days) if own.random() < 0.8]
        spread = own.choice((2.0, 3.0, 4.5))
        noon = [stage.start + day * DAY + int((own.choice((11, 15, 19)) - account.zone) * HOUR) for day in days]
        drawn = [numbers.normal(at, spread * HOUR, quota) for at in noon]
        times = stage.exactly(np.concatenate([np.empty(0), *drawn]).astype(np.int64))
        times = times[times >= account.created_at]
        if own.random() < 0.6:
            stage.play(chats(actor, times, stage.texts.conversation, labelled=client.name == "browser"))
        else:
            stage.play(one_shots(actor, times, stage.texts.question if own.random() < 0.5 else stage.texts.application(own).render))


_ONE = Population(
    name="edge_relay",
    cast=edge_relay,
    share=0.03,
    fewest=12,
    most=800,
    pace=1.8,
    trips=("hundreds of accounts per prefix", "calls from server networks"),
    cause="a privacy relay that many telephones use",
    default=False,
)
POPULATIONS = (
    _ONE,
    replace(
        _ONE,
        name="virtual_cards",
        cast=virtual_cards,
        share=0.01,
        most=300,
        trips=("one payer behind dozens of accounts",),
        cause="a bank whose virtual cards share their fingerprint",
    ),
    replace(
        _ONE,
        name="exodus",
        cast=exodus,
        share=0.015,
        most=400,
        trips=("sign-up burst", "one client", "full use from the first day"),
        cause="another provider that closed",
    ),
    replace(
        _ONE,
        name="night_tariff",
        cast=night_tariff,
        share=0.006,
        fewest=10,
        most=120,
        pace=20,
        trips=("synchronised starts", "no human hours", "even volumes", "no repeated input"),
        cause="a tariff with cheap hours",
    ),
    replace(
        _ONE,
        name="batch_queue",
        cast=batch_queue,
        share=0.006,
        fewest=10,
        most=120,
        pace=20,
        trips=("steadier than chance", "no idle hours", "one client", "no repeated input", "one-shot calls"),
        cause="the provider's own queue for batches",
    ),
    replace(
        _ONE,
        name="free_quota",
        cast=free_quota,
        share=0.012,
        most=300,
        pace=18,
        trips=("one pace", "even volumes"),
        cause="the provider's own free tier",
    ),
)
