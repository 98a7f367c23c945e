"""Innocent twins at full size: unrelated people who share a product, a place, an event, a means or a list.

Each is a population of `range.populations` with the same name, cause, share of the accounts and pace; where that has one product or one
campus, a million accounts have many, of sizes from a few accounts to thousands. Accounts are drawn as `crowd` draws people; what they have
in common replaces what they would have had. `entities` has those that are one declared customer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt.errors import InputError
from stillhunt.range import people as walks
from stillhunt.range import populations
from stillhunt.range.calls import DAY, HOUR, MINUTE, SECOND
from stillhunt.range.machinery import Client, Site
from stillhunt.range.scale import entities
from stillhunt.range.scale.cast import MODEL_NAMES, SURFACES, Register, fresh_numbers, pseudonyms
from stillhunt.range.scale.crowd import People, Supplies, draft, enter, everyday, lanes, persons, staff
from stillhunt.range.scale.entities import Troupe
from stillhunt.range.scale.spelling import column
from stillhunt.range.scale.voices import Draft
from stillhunt.range.world import TWINS_SHARE, WorldSpec

Array = npt.NDArray[Any]

ONCE = 1 << 60
"""A period (microseconds) that no world lives to see twice."""

_LARGEST: dict[str, tuple[int, int]] = {
    "framework": (15, 20_000),
    "translation_app": (10, 6_000),
    "support_app": (10, 3_000),
    "digest_app": (10, 2_000),
    "one_click_bots": (10, 1_500),
    "university": (15, 3_000),
    "classroom": (10, 90),
    "hackathon": (12, 250),
    "carrier_nat": (200, 4_000),
    "vpn": (100, 4_000),
    "popular_prompt": (8, 3_000),
    "evaluations": (4, 200),
    "health_checks": (5, 200),
    "release_day": (8, 1_000),
    "runners": (30, 1_000),
    "virtual_cards": (20, 90),
    "free_quota": (300, 4_000),
    "night_tariff": (100, 2_000),
}
"""Population -> how many accounts the smallest and the largest group has that shares one thing."""


def _people(troupe: Troupe, **more: Any) -> People:
    return persons(troupe.supplies, troupe.numbers, troupe.name, troupe.which.size, **more)


def _wares(troupe: Troupe, names: list[str], versions: int = 1) -> Array:
    """A program for each group, in some versions; one for each account."""
    supplies, rng = troupe.supplies, troupe.supplies.rng
    made = [[supplies.stage.clients.named(rng, name) for _ in range(versions)] for name in names]
    wares = np.array([[_ware(supplies, one) for one in row] for row in made])
    return np.asarray(wares[troupe.which, (troupe.numbers.random(troupe.which.size) < 0.3) * (versions - 1)])


def _ware(supplies: Supplies, client: Client, **extra: Any) -> int:
    return supplies.register.ware(client, {**dict(client.parameters), **extra})


def _on(supplies: Supplies, sites: list[Site], which: Array) -> Array:
    return np.array([supplies.register.site(site) for site in sites], np.int32)[which]


def framework(troupe: Troupe) -> None:
    """Users of open-source agent frameworks."""
    supplies, rng = troupe.supplies, troupe.supplies.rng
    voices, names = [], []
    for _ in range(troupe.groups):
        agent = supplies.stage.texts.framework(rng)
        sessions = [agent.session(rng) for _ in range(30)]
        troupe.steps += sessions
        first = [(one[0].messages[0]["content"], len(one[0].response)) for one in sessions]
        longest = max(sessions, key=len)
        grows = sum(len(message["content"]) for message in longest[-1].messages[1:]) // max(1, len(longest) - 1)
        voices.append(supplies.book.add(Draft(agent.system, (), first, agent.tools, 5, grows, known=True)))
        names.append(agent.name)
    people = _people(troupe)
    enter(supplies, troupe.numbers, people)
    people.ware, people.parameters = _wares(troupe, names, 2), np.zeros(people.count, np.int64)
    made = lanes(
        supplies, troupe.numbers, people, troupe.volume(), "person", "session", np.array(voices)[troupe.which], takes_up=0.35, habit=2
    )
    supplies.register.lanes.append(made)


def _app(purpose: str, style: str) -> Callable[[Troupe], None]:
    """Users who put their own key into published applications."""

    def play(troupe: Troupe) -> None:
        supplies, numbers = troupe.supplies, troupe.numbers
        apps = [supplies.stage.texts.application(supplies.rng, purpose) for _ in range(troupe.groups)]
        voice = np.array([supplies.book.add(draft(one, supplies.rng, 48, known=True)) for one in apps])[troupe.which]
        people = _people(troupe)
        enter(supplies, numbers, people)
        people.ware, people.parameters = _wares(troupe, [f"{one.name}" for one in apps]), np.zeros(people.count, np.int64)
        supplies.register.lanes.append(lanes(supplies, numbers, people, troupe.volume(), style, "once", voice))

    return play


def _scheduled(purpose: str, jitter: int, *, platform: bool) -> Callable[[Troupe], None]:
    """Owners of something that writes every so many hours, day and night."""

    def play(troupe: Troupe) -> None:
        supplies, numbers, stage = troupe.supplies, troupe.numbers, troupe.supplies.stage
        apps = [stage.texts.application(supplies.rng, purpose) for _ in range(troupe.groups)]
        voice = np.array([supplies.book.add(draft(one, supplies.rng, 48, known=True)) for one in apps])[troupe.which]
        people = _people(troupe)
        enter(supplies, numbers, people)
        people.ware, people.parameters = _wares(troupe, [one.name for one in apps]), np.zeros(people.count, np.int64)
        every = max(1, round(24 * troupe.which.size * stage.days / max(troupe.calls, 1)))
        own = every * (numbers.choice([1, 1, 1, 1, 2, 3], people.count) if platform else np.ones(people.count, np.int64))
        if platform:
            people.site = _on(supplies, [stage.networks.fresh(supplies.rng, "hosting", prefixes=3) for _ in apps], troupe.which)
        made = lanes(supplies, numbers, people, np.ones(people.count), "schedule", "once", voice)
        made["period"], made["jitter"], made["size"], made["rate"] = own * HOUR, jitter, 1, 24 / own
        made["phase"] = stage.start + (numbers.random(people.count) * made["period"]).astype(np.int64)
        supplies.register.lanes.append(made)

    return play


def university(troupe: Troupe) -> None:
    """Students and staff, each for themselves, behind their campus."""
    supplies, numbers, stage = troupe.supplies, troupe.numbers, troupe.supplies.stage
    schools = [stage.identities.university(supplies.rng) for _ in range(troupe.groups)]
    people = _people(
        troupe, site=_on(supplies, [stage.networks.fresh(supplies.rng, "university", one.country) for one in schools], troupe.which)
    )
    enter(supplies, numbers, people, **_schooled(troupe, schools, 0.3))
    everyday(supplies, numbers, people, troupe.volume())


def _schooled(troupe: Troupe, schools: list[Any], declared: float) -> dict[str, Any]:
    count = troupe.which.size
    says = troupe.numbers.random(count) < declared
    nothing = pa.nulls(count, pa.string())
    return {
        "email_domain": column([one.domain for one in schools]).take(column(troupe.which)),
        "verification": pa.repeat(pa.scalar("domain"), count),
        "organization_id": column([one.organization_id for one in schools]).take(column(troupe.which, mask=~says)),
        "payment_fingerprint": nothing,
        "referral": nothing,
        "plan": pa.repeat(pa.scalar("free"), count),
    }


def classroom(troupe: Troupe) -> None:
    """Courses: half of each signs up in the lesson, everybody pastes the assignment on the evenings before it is due."""
    supplies, numbers, stage = troupe.supplies, troupe.numbers, troupe.supplies.stage
    schools = [stage.identities.university(supplies.rng) for _ in range(troupe.groups)]
    voices = []
    for _ in schools:
        task = stage.texts.assignment(supplies.rng)
        asked = [task.ask(supplies.rng) for _ in range(12)]
        voices.append(supplies.book.add(Draft(None, (task.text,), [(one.prompt, len(one.response)) for one in asked], known=True)))
    lesson = stage.start + ((0.2 + 0.3 * numbers.random(troupe.groups)) * stage.days).astype(np.int64) * DAY + 10 * HOUR
    people = _people(troupe, browser=1.0)
    in_class = numbers.random(people.count) < 0.5
    begins = lesson[troupe.which]
    people.born = np.where(
        in_class, begins + (numbers.random(people.count) * 40 * MINUTE).astype(np.int64), np.minimum(people.born, begins)
    )
    enter(supplies, numbers, people, **_schooled(troupe, schools, 0.5))
    volume = troupe.even()
    rest = lanes(supplies, numbers, people, volume / 2, "person", "talk", supplies.conversation, labelled=1, surface=SURFACES.index("chat"))
    due = np.minimum(stage.end, begins + 2 * DAY + 10 * HOUR)
    pasted = lanes(
        supplies, numbers, people, volume, "person", "paste", np.array(voices)[troupe.which], labelled=1, surface=SURFACES.index("chat")
    )
    pasted["begin"], pasted["until"], pasted["after"] = begins, due, supplies.conversation
    pasted["rate"] = volume / 2 / np.maximum((due - begins) / DAY, 0.5)
    supplies.register.lanes += [rest, pasted]


def hackathon(troupe: Troupe) -> None:
    """Teams at one venue for 48 hours, on the sponsor's starter kit and code."""
    supplies, numbers, stage = troupe.supplies, troupe.numbers, troupe.supplies.stage
    rng = supplies.rng
    apps = [stage.texts.application(rng, rng.choice(("summarise", "extract", "tutor", "describe"))) for _ in range(troupe.groups)]
    voice = np.array([supplies.book.add(draft(one, rng, 24, known=True)) for one in apps])[troupe.which]
    codes = [f"HACK{rng.randrange(16**6):06X}" for _ in apps]
    opening = stage.start + ((0.1 + 0.7 * numbers.random(troupe.groups)) * stage.days).astype(np.int64) * DAY + 9 * HOUR
    people = _people(troupe, site=_on(supplies, [stage.networks.fresh(rng, "venue") for _ in apps], troupe.which))
    people.born = opening[troupe.which] + (np.minimum(1.9, numbers.exponential(1 / 2.2, people.count)) * 0.5 * DAY).astype(np.int64)
    enter(supplies, numbers, people, referral=column(codes).take(column(troupe.which)))
    people.ware, people.parameters = _wares(troupe, ["starter-kit"] * troupe.groups), np.zeros(people.count, np.int64)
    people.begin, people.until = people.born, np.minimum(stage.end, opening[troupe.which] + 2 * DAY)
    volume = troupe.even()
    kit = lanes(supplies, numbers, people, 0.75 * volume, "service", "once", voice, takes_up=0.0)
    own = lanes(supplies, numbers, people, 0.25 * volume, "service", "talk", supplies.coding, takes_up=0.0, habit=1)
    for part in (kit, own):
        part["model"] = 0
    supplies.register.lanes += [kit, own]


def _shared_line(kind: str) -> Callable[[Troupe], None]:
    """Unrelated people behind carriers' gateways, or behind VPN exits."""

    def play(troupe: Troupe) -> None:
        supplies, numbers = troupe.supplies, troupe.numbers
        site = numbers.choice(supplies.places[kind], troupe.groups)[troupe.which]
        people = _people(troupe, site=site)
        enter(supplies, numbers, people)
        everyday(supplies, numbers, people, troupe.volume())

    return play


def popular_prompt(troupe: Troupe) -> None:
    """People who paste a prompt that they saw, verbatim, within the days of its fame, and otherwise chat as ever."""
    supplies, numbers, stage = troupe.supplies, troupe.numbers, troupe.supplies.stage
    known = stage.texts.popular_prompts()
    voices = [supplies.book.add(Draft(None, (text,), [(text, 1200)], fixed=True, known=True)) for text in known]
    which = np.array([voices[at % len(voices)] for at in range(troupe.groups)])[troupe.which]
    posted = (stage.start + (0.1 + 0.5 * numbers.random(troupe.groups)) * stage.days * DAY).astype(np.int64)[troupe.which]
    people = _people(troupe, browser=1.0)
    people.born = np.minimum(people.born, posted)
    enter(supplies, numbers, people)
    everyday(supplies, numbers, people, troupe.volume())
    pasted = lanes(
        supplies, numbers, people, np.full(people.count, 1.3), "person", "paste", which, labelled=1, surface=SURFACES.index("chat")
    )
    pasted["begin"], pasted["until"], pasted["after"] = posted, np.minimum(stage.end, posted + 5 * DAY), supplies.conversation
    pasted["rate"], pasted["size"] = 0.26, 1.3
    supplies.register.lanes.append(pasted)


def _items(troupe: Troupe, most: int) -> tuple[Array, Array]:
    """For each group a public benchmark: the voice of its first item, and how many items there are."""
    supplies = troupe.supplies
    first, counts = [], []
    for _ in range(min(troupe.groups, 12)):
        items = supplies.stage.texts.evaluation(supplies.rng).items[:most]
        numbers = [
            supplies.book.add(Draft(one.system, (one.prompt,), [(one.prompt, min(400, len(one.response)))], fixed=True, known=True))
            for one in items
        ]
        first.append(numbers[0])
        counts.append(len(numbers))
    at = np.arange(troupe.groups) % len(first)
    return np.array(first)[at], np.array(counts)[at]


def evaluations(troupe: Troupe) -> None:
    """Teams that run one open-source harness over one public benchmark every night at its default hour."""
    supplies, numbers, stage = troupe.supplies, troupe.numbers, troupe.supplies.stage
    items = max(3, troupe.calls // (troupe.which.size * stage.days))
    first, counts = _items(troupe, items)
    people = staff(supplies, numbers, troupe.name, troupe.which.size, 0.8)
    enter(supplies, numbers, people)
    people.ware, people.parameters = _wares(troupe, ["evalbench"] * troupe.groups), np.zeros(people.count, np.int64)
    made = lanes(supplies, numbers, people, np.ones(people.count), "nightly", "items", first[troupe.which], patience=1.0)
    made["voices"] = made["size"] = made["rate"] = counts[troupe.which]
    made["phase"] = np.where(numbers.random(people.count) < 0.8, 2, numbers.integers(0, 24, people.count)) * HOUR
    made["jitter"] = 40 * SECOND
    supplies.register.lanes.append(made)


def health_checks(troupe: Troupe) -> None:
    """Customers of monitors that send a ping every few minutes, day and night."""
    supplies, numbers, stage = troupe.supplies, troupe.numbers, troupe.supplies.stage
    probes = [stage.texts.probe(supplies.rng) for _ in range(troupe.groups)]
    voices = [supplies.book.add(Draft(p.system, (p.prompt,), [(p.prompt, len(p.response))], fixed=True, known=True)) for p in probes]
    people = staff(supplies, numbers, troupe.name, troupe.which.size, 0.6)
    enter(supplies, numbers, people)
    sites = [stage.networks.fresh(supplies.rng, "hosting", prefixes=3) for _ in probes]
    people.site = _on(supplies, sites, troupe.which)
    people.ware, people.parameters = _wares(troupe, ["uptime-probe"] * troupe.groups), np.zeros(people.count, np.int64)
    slowest = max(1.0, stage.days * 1440 * troupe.which.size / max(troupe.calls, 1))
    made = lanes(supplies, numbers, people, np.ones(people.count), "schedule", "once", np.array(voices)[troupe.which], patience=0.0)
    made["period"] = (slowest * numbers.choice([0.7, 1.0, 1.0, 1.3], people.count) * MINUTE).astype(np.int64)
    made["phase"] = people.begin + (numbers.random(people.count) * made["period"]).astype(np.int64)
    made["jitter"], made["size"], made["rate"], made["limit"] = 2 * SECOND, 1, DAY / made["period"], 8
    made["model"], made["moves"] = MODEL_NAMES.index(MODEL_NAMES[1]), 0
    supplies.register.lanes.append(made)


def release_day(troupe: Troupe) -> None:
    """Enthusiasts who try the new model on the day it comes out, each on a favourite part of a public benchmark."""
    supplies, numbers, stage = troupe.supplies, troupe.numbers, troupe.supplies.stage
    most = max(3, int(1.3 * troupe.calls / troupe.which.size))
    first, counts = _items(troupe, most)
    people = _people(troupe, browser=0.0)
    people.born = np.minimum(people.born, stage.release - 10 * HOUR)
    enter(supplies, numbers, people)
    people.until = np.maximum(people.until, people.begin + 1)
    before = lanes(supplies, numbers, people, np.full(people.count, max(1, most // 6)), "person", "once", supplies.question, takes_up=0.0)
    tests = lanes(supplies, numbers, people, np.ones(people.count), "schedule", "items", first[troupe.which], patience=1.0)
    tests["voices"] = counts[troupe.which]
    tests["size"] = np.maximum(2, np.minimum(counts[troupe.which], most) * (0.4 + 0.6 * numbers.random(people.count)))
    tests["begin"], tests["until"], tests["moves"] = stage.release, stage.end, 1
    tests["phase"] = stage.release + (numbers.exponential(5.0, people.count) * HOUR).astype(np.int64)
    tests["period"] = ONCE
    tests["rate"] = tests["size"] / ((stage.end - stage.release) / DAY)
    supplies.register.lanes += [before, tests]


def runners(troupe: Troupe) -> None:
    """Projects that test their applications on shared runners."""
    supplies, numbers, stage = troupe.supplies, troupe.numbers, troupe.supplies.stage
    people = staff(supplies, numbers, troupe.name, troupe.which.size, 0.5)
    enter(supplies, numbers, people)
    people.ware, people.parameters = _wares(troupe, ["ci-runner"] * troupe.groups), np.zeros(people.count, np.int64)
    people.site = _on(supplies, [stage.networks.site(supplies.rng, "ci") for _ in range(troupe.groups)], troupe.which)
    made = lanes(
        supplies, numbers, people, troupe.even(), "tests", "tests", numbers.choice(supplies.applications, people.count), patience=0.3
    )
    made["size"] = numbers.integers(3, 9, people.count)
    made["salt"] = fresh_numbers(supplies.register.seed, "runners", people.count)
    made["limit"] = 40
    supplies.register.lanes.append(made)


def virtual_cards(troupe: Troupe) -> None:
    """Customers of banks whose virtual cards the processor cannot tell apart, and families with one card."""
    supplies, numbers = troupe.supplies, troupe.numbers
    people = _people(troupe)
    card = pseudonyms(
        "card", fresh_numbers(supplies.register.seed, "bank", troupe.groups)[troupe.which], 1, np.ones(people.count, np.bool_)
    )
    enter(supplies, numbers, people, payment_fingerprint=card, plan=pa.repeat(pa.scalar("payg"), people.count))
    everyday(supplies, numbers, people, troupe.volume())


def free_quota(troupe: Troupe) -> None:
    """Whoever uses up a free account's daily calls, by hand or by script."""
    supplies, numbers, stage = troupe.supplies, troupe.numbers, troupe.supplies.stage
    people = _people(troupe)
    nothing = pa.nulls(people.count, pa.string())
    enter(supplies, numbers, people, payment_fingerprint=nothing, plan=pa.repeat(pa.scalar("free"), people.count))
    quota = max(2, round(troupe.calls / people.count / stage.days / 0.8))
    luck = numbers.random(people.count)
    voice = np.where(luck < 0.4, supplies.question, numbers.choice(supplies.applications, people.count))
    made = lanes(supplies, numbers, people, np.ones(people.count), "quota", "once", voice)
    made["salt"] = np.where(luck < 0.4, 0, fresh_numbers(supplies.register.seed, "quota", people.count))
    made["size"], made["rate"] = quota, 0.8 * quota
    made["phase"] = ((numbers.choice([11, 15, 19], people.count) - people.zone) % 24 * HOUR).astype(np.int64)
    made["jitter"] = (numbers.choice([2.0, 3.0, 4.5], people.count) * HOUR).astype(np.int64)
    supplies.register.lanes.append(made)


def night_tariff(troupe: Troupe) -> None:
    """Companies that leave their batches to the cheap hours; each has its own work."""
    supplies, numbers = troupe.supplies, troupe.numbers
    people = staff(supplies, numbers, troupe.name, troupe.which.size, 0.4)
    enter(supplies, numbers, people)
    made = lanes(supplies, numbers, people, troupe.even(), "nightly", "once", numbers.choice(supplies.applications, people.count))
    made["salt"] = fresh_numbers(supplies.register.seed, "tariff", people.count)
    made["size"] = np.maximum(1, made["rate"])
    made["jitter"] = 90 * SECOND
    supplies.register.lanes.append(made)


_PLAYED: dict[str, Callable[[Troupe], None]] = {
    "framework": framework,
    "translation_app": _app("translate", "person"),
    "support_app": _app("support", "service"),
    "digest_app": _scheduled("summarise", 20 * SECOND, platform=False),
    "one_click_bots": _scheduled("summarise", 5 * SECOND, platform=True),
    "university": university,
    "classroom": classroom,
    "hackathon": hackathon,
    "carrier_nat": _shared_line("mobile"),
    "vpn": _shared_line("vpn"),
    "popular_prompt": popular_prompt,
    "evaluations": evaluations,
    "health_checks": health_checks,
    "release_day": release_day,
    "runners": runners,
    "virtual_cards": virtual_cards,
    "free_quota": free_quota,
    "night_tariff": night_tariff,
}
POPULATIONS = (*_PLAYED, *entities.PLAYED)
"""Twins that are played at full size."""


@dataclass(frozen=True)
class _Size:
    accounts: int
    calls: int
    groups: Array = field(default_factory=lambda: np.empty(0, np.int64))


def sizes(supplies: Supplies, spec: WorldSpec) -> dict[str, _Size]:
    """Accounts, calls and groups of each population: its share of the accounts, eased where all of them together would call too much.

    Raises:
        InputError: a name is not a population's that is played at full size.
    """
    names = POPULATIONS if spec.populations == "all" else (spec.populations,) if isinstance(spec.populations, str) else spec.populations
    if unknown := [name for name in names if name not in POPULATIONS and name != walks.NAME]:
        raise InputError(
            f"populations: {unknown[0]!r} is not played with --format fingerprints; choose all, people or some of {', '.join(POPULATIONS)}"
        )
    known = populations.load()
    numbers = supplies.stage.numpy("scale", "sizes")
    accounts = {name: max(known[name].fewest, round(known[name].share * spec.accounts)) for name in names if name != walks.NAME}
    if sum(accounts.values()) > spec.accounts:
        raise InputError(
            f"accounts: {spec.accounts} are too few for {len(accounts)} populations, which need {sum(accounts.values())}; ask for more"
        )
    wanted = {name: known[name].pace * count * spec.days for name, count in accounts.items()}
    ease = min(1.0, TWINS_SHARE * spec.calls / max(1.0, sum(wanted.values())))
    return {
        name: _Size(count, max(count, round(wanted[name] * ease)), split(numbers, count, *{**_LARGEST, **entities.LARGEST}[name]))
        for name, count in accounts.items()
    }


def split(numbers: np.random.Generator, total: int, fewest: int, most: int) -> Array:
    """Sizes of groups that are `total` together, log-uniform between `fewest` and `most`; what is left over joins the last one."""
    found: list[int] = []
    left = total
    while left > 0:
        size = int(np.exp(numbers.uniform(np.log(fewest), np.log(most + 1))))
        if left - size < fewest:
            size = left
        found.append(size)
        left -= size
    return np.array(found)


def cast(supplies: Supplies, spec: WorldSpec) -> list[Any]:
    """Put all twins on stage. Returns some sessions of agents, for how long they are."""
    steps: list[Any] = []
    for name, size in sizes(supplies, spec).items():
        troupe = Troupe(supplies, name, supplies.stage.numpy("scale", name), size.groups, size.calls, steps)
        {**_PLAYED, **entities.PLAYED}[name](troupe)
    return steps


def planned(register: Register) -> int:
    """About how many calls the lanes that are on stage make."""
    register.flush()
    return int(sum(float((part["rate"] * ((part["until"] - part["begin"]) / DAY)).sum()) for part in register.lanes))
