"""Twins at full size that are one declared customer each: enterprises, back-fills, routers, audits, teams, resellers, contracts.

As in `range.populations.one_entity` and `range.populations.entitled`: the accounts name the organization, its domain is verified, one payer
pays, and some have a permission on record.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt.range.calls import DAY, HOUR
from stillhunt.range.scale.cast import CONTENTS, QUEUE, STYLES, fresh_numbers, pseudonyms
from stillhunt.range.scale.chance import key_of
from stillhunt.range.scale.crowd import People, Supplies, addresses, countries, draft, enter, homes, lanes, persons, servers
from stillhunt.range.scale.spelling import column
from stillhunt.range.scale.voices import Draft
from stillhunt.range.stage import BUSY, Weather

Array = npt.NDArray[Any]

LARGEST: dict[str, tuple[int, int]] = {
    "gateway": (10, 2_000),
    "backfill": (3, 30),
    "router": (3, 20),
    "audit": (4, 60),
    "team_key": (1, 1),
    "reseller": (8, 1_500),
    "distillation": (6, 200),
}


@dataclass
class Troupe:
    """One population about to be cast: its groups, and about how many calls it makes."""

    supplies: Supplies
    name: str
    numbers: np.random.Generator
    sizes: Array
    calls: int
    steps: list[Any]

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return int(self.sizes.size)

    @property
    def which(self) -> Array:
        """The group of each account."""
        return np.repeat(np.arange(self.sizes.size), self.sizes)

    def volume(self) -> Array:
        """Calls of each account, heavy-tailed as people's are."""
        count = self.which.size
        volume = self.supplies.stage.rates.calls(self.numbers, count, max(self.calls, count))
        self.numbers.shuffle(volume)
        return volume

    def even(self) -> Array:
        """Calls of each account where they differ little."""
        return self.calls / self.which.size * (0.5 + self.numbers.random(self.which.size))


def _members(troupe: Troupe, site: Array | None, days: float = 400, plan: str = "team") -> tuple[People, list[Any]]:
    """Accounts of companies that say so, one company a group."""
    supplies, numbers, stage = troupe.supplies, troupe.numbers, troupe.supplies.stage
    companies = [stage.identities.company(supplies.rng) for _ in range(troupe.groups)]
    which = column(troupe.which)
    count = troupe.which.size
    people = persons(
        supplies,
        numbers,
        troupe.name,
        count,
        site=servers(supplies, numbers, troupe.groups)[troupe.which] if site is None else site,
        browser=0.0,
    )
    people.born = stage.start - (numbers.random(count) * days * DAY).astype(np.int64) - HOUR
    card = pseudonyms(
        "card", fresh_numbers(supplies.register.seed, f"card {troupe.name}", troupe.groups)[troupe.which], 2, np.ones(count, np.bool_)
    )
    enter(
        supplies, numbers, people,
        organization_id=column([one.organization_id for one in companies]).take(which),
        email_domain=column([one.domain for one in companies]).take(which),
        payment_fingerprint=card,
        verification=pa.repeat(pa.scalar("domain"), count),
        plan=pa.repeat(pa.scalar(plan), count),
        referral=pa.nulls(count, pa.string()),
    )  # fmt: skip
    people.begin, people.until = np.full(count, stage.start), np.full(count, stage.end)
    # one house, one program
    one = np.concatenate([[0], np.cumsum(troupe.sizes)[:-1]])[troupe.which]
    people.ware, people.parameters = people.ware[one], people.parameters[one]
    return people, companies


def _farms(troupe: Troupe) -> Array:
    supplies = troupe.supplies
    made = [supplies.stage.networks.fresh(supplies.rng, "hosting", prefixes=2) for _ in range(troupe.groups)]
    return np.array([supplies.register.site(one) for one in made], np.int32)[troupe.which]


def gateway(troupe: Troupe) -> None:
    """Employees, each with an account, behind a gateway that adds the house's system prompt."""
    supplies, numbers, stage = troupe.supplies, troupe.numbers, troupe.supplies.stage
    offices = [stage.networks.fresh(supplies.rng, "office") for _ in range(troupe.groups)]
    people, companies = _members(troupe, np.array([supplies.register.site(one) for one in offices], np.int32)[troupe.which])
    said = [(said, len(answer)) for _ in range(40) for said, answer in stage.texts.conversation(supplies.rng)]
    voices = [
        supplies.book.add(
            Draft(
                f"You are the assistant of {company.name}. Follow the company's guidelines for written communication, do not disclose "
                "internal documents, and answer in the language of the question.",
                (),
                said[:100],
                known=True,
            )
        )
        for company in companies
    ]
    supplies.register.lanes.append(lanes(supplies, numbers, people, troupe.volume(), "office", "talk", np.array(voices)[troupe.which]))


def _fleet(purpose: str, style: str) -> Callable[[Troupe], None]:
    """Companies' accounts under one program with one template."""

    def play(troupe: Troupe) -> None:
        supplies, numbers = troupe.supplies, troupe.numbers
        people, companies = _members(troupe, _farms(troupe), plan="enterprise")
        apps = [supplies.stage.texts.application(supplies.rng, purpose) for _ in companies]
        voice = np.array([supplies.book.add(draft(one, supplies.rng, 24, known=True)) for one in apps])[troupe.which]
        volume = np.repeat(troupe.calls * troupe.sizes / troupe.sizes.sum() / troupe.sizes, troupe.sizes)
        made = lanes(supplies, numbers, people, volume, style, "once", voice, takes_up=0.0, patience=1.0)
        made["weather"] = supplies.register.weather(BUSY)
        supplies.register.lanes.append(made)
        if troupe.name == "audit":
            for company in companies[::2]:
                supplies.stage.entitle("fleet", "registered fleet, compliance archive", organization=company.organization_id)

    return play


def router(troupe: Troupe) -> None:
    """Customers with several accounts behind a router that fails over: the identical request goes to the next account."""
    supplies, numbers, stage = troupe.supplies, troupe.numbers, troupe.supplies.stage
    people, companies = _members(troupe, _farms(troupe), plan="enterprise")
    apps = [stage.texts.application(supplies.rng, "support") for _ in companies]
    voices = [supplies.book.add(draft(one, supplies.rng, 24, known=True)) for one in apps]
    made = lanes(supplies, numbers, people, np.ones(people.count), "steady", "once", np.array(voices)[troupe.which], takes_up=0.0)
    made["rate"] = 0.0  # turns are dealt
    made["weather"] = supplies.register.weather(Weather(rate_limited=0.03, server_error=0.004))
    supplies.register.flush()
    first = sum(part.size for part in supplies.register.lanes) + np.concatenate([[0], np.cumsum(troupe.sizes)[:-1]])
    for group, voice in enumerate(voices):
        number = len(supplies.register.queues) + 1
        made["queue"][troupe.which == group] = number
        share = max(1.0, troupe.calls * troupe.sizes[group] / troupe.sizes.sum())
        row = {
            "key": int(key_of(stage.seed, number, 0x20)), "opening": stage.start, "end": stage.end,
            "step": (stage.end - stage.start) / share, "lane": int(first[group]),
            "lanes": int(troupe.sizes[group]), "failover": 1.0, "voice": voice, "voices": 1, "central": 1,
        }  # fmt: skip
        supplies.register.queues.append(tuple(row.get(name, 0) for name in QUEUE.names or ()))
    supplies.register.lanes.append(made)


def team_key(troupe: Troupe) -> None:
    """One account each, used by a whole team from wherever its people are."""
    supplies, numbers = troupe.supplies, troupe.numbers
    count = troupe.which.size
    team = numbers.integers(6, 25, count)
    held = np.repeat(np.arange(count), team)
    anchors = addresses(supplies.register, homes(supplies, numbers, countries(numbers, held.size)), numbers)
    people, _ = _members(troupe, supplies.register.homes(anchors, team, np.full(count, 0.3)))
    made = lanes(supplies, numbers, people, troupe.even(), "office", "talk", supplies.coding, habit=1)
    supplies.register.lanes.append(made)


def reseller(troupe: Troupe) -> None:
    """Sub-accounts opened by a program whenever a reseller wins a customer; behind each is somebody else."""
    supplies, numbers = troupe.supplies, troupe.numbers
    people, companies = _members(troupe, _farms(troupe), plan="team")
    for company in companies:
        supplies.stage.entitle("resale", "reseller agreement", organization=company.organization_id)
    talks = numbers.random(people.count) < 0.5
    style = np.where(talks, STYLES["person"], STYLES["service"])
    content = np.where(talks, CONTENTS["talk"], CONTENTS["once"])
    voice = np.where(talks, supplies.conversation, numbers.choice(supplies.applications, people.count))
    made = lanes(supplies, numbers, people, troupe.volume(), style, content, voice)
    made["zone"] = numbers.choice([-8.0, -5.0, 0.0, 1.0, 5.5, 8.0], people.count)
    made["salt"] = np.where(talks, 0, fresh_numbers(supplies.register.seed, "resold", people.count))
    supplies.register.lanes.append(made)


def distillation(troupe: Troupe) -> None:
    """Organizations whose contract allows it: a real harvest, day and night, by accounts opened together."""
    supplies, numbers, stage = troupe.supplies, troupe.numbers, troupe.supplies.stage
    people, companies = _members(troupe, _farms(troupe), days=1, plan="enterprise")
    voices = []
    for company in companies:
        supplies.stage.entitle("distillation", "contract with a distillation clause", organization=company.organization_id)
        job = stage.texts.harvest(supplies.rng, supplies.rng.choice(("reasoning", "code", "math")))
        shown = [job.render(task) for task in itertools.islice(job.tasks(), 120)]
        parts = [] if job.in_system else [part for part in job.instruction.split("\x00") if part.strip()]
        calls = [(one.prompt, len(one.response)) for one in shown]
        voices.append(supplies.book.add(Draft(shown[0].system if job.in_system else None, parts, calls, known=True)))
    volume = np.full(people.count, troupe.calls / people.count)
    made = lanes(supplies, numbers, people, volume, "steady", "once", np.array(voices)[troupe.which], takes_up=0.0, patience=1.0)
    made["weather"], made["limit"] = supplies.register.weather(BUSY), 8192
    supplies.register.lanes.append(made)


PLAYED: dict[str, Callable[[Troupe], None]] = {
    "gateway": gateway,
    "backfill": _fleet("rag", "steady"),
    "router": router,
    "audit": _fleet("audit", "office"),
    "team_key": team_key,
    "reseller": reseller,
    "distillation": distillation,
}
