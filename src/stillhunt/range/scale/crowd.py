"""People in their hundreds of thousands: the unrelated majority of `range.people`, drawn as columns instead of one by one.

Who somebody is, where they are online, with what program, since when and how much is drawn from the ordinary range's own distributions:
its classes draw some thousands of each, and everybody takes one of those; what is nobody else's (a line at home, a card, a mailbox) is
drawn anew. What an account's calls say and when is in its lane.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt import records
from stillhunt.range.calls import DAY, HOUR
from stillhunt.range.machinery import COUNTRIES
from stillhunt.range.networks import _PROVIDERS
from stillhunt.range.people import employee
from stillhunt.range.scale.cast import CONTENTS, LANE, SOURCE, STYLES, SURFACES, TRUTH_NAMES, Register, fresh_numbers, hexed, pseudonyms
from stillhunt.range.scale.spelling import column
from stillhunt.range.scale.voices import Book, Draft
from stillhunt.range.stage import BUSY, CALM, Stage
from stillhunt.range.texts import Application

Array = npt.NDArray[Any]

_CODES = np.array(list(COUNTRIES))
_ZONES = np.array([zone for _, zone in COUNTRIES.values()])
_PEOPLE = np.array([share for share, _ in COUNTRIES.values()]) / sum(share for share, _ in COUNTRIES.values())
_LARGE, _SMALL, _FORMER = 0, 1, 2


@dataclass
class Supplies:
    """What the ordinary range's classes drew for everybody to take from, and the voices that people share."""

    stage: Stage
    register: Register
    book: Book
    rng: random.Random
    conversation: int
    coding: int
    question: int
    applications: Array
    """Voices of applications of one's own: who takes one makes it his own by salt."""
    browsers: Array = field(default_factory=lambda: np.empty(0, np.int32))
    developers: Array = field(default_factory=lambda: np.empty(0, np.int32))
    alike: dict[int, Array] = field(default_factory=dict)  # developers' wares by the names of their parameters
    names: Array = field(default_factory=lambda: np.empty(0, np.int32))
    agents: pa.Array[Any] = field(default_factory=lambda: column([], pa.string()))
    ja4s: pa.Array[Any] = field(default_factory=lambda: column([], pa.string()))
    places: dict[str, Array] = field(default_factory=dict)
    mail: pa.Table = field(default_factory=lambda: pa.table({}))
    own_domain: Array = field(default_factory=lambda: np.empty(0, np.bool_))


def supply(stage: Stage, register: Register, book: Book, accounts: int, voices: tuple[int, int, int]) -> Supplies:
    """Draw what `accounts` people will take from."""
    rng = stage.rng("supplies")
    pool = [book.add(draft(stage.texts.application(rng), rng, 6)) for _ in range(max(300, min(6_000, accounts // 10)))]
    found = Supplies(stage, register, book, rng, *voices, np.array(pool))
    browsers = [stage.clients.browser(rng) for _ in range(4_000)]
    found.browsers = np.array([register.ware(one, dict(one.parameters)) for one in browsers], np.int32)
    found.agents = column([one.user_agent for one in browsers], pa.string())
    found.ja4s = column([one.ja4 for one in browsers], pa.string())
    developers = [stage.clients.developer(rng) for _ in range(max(2_000, min(100_000, accounts // 8)))]
    found.developers = np.array([register.ware(one, dict(one.parameters)) for one in developers], np.int32)
    kinds: dict[tuple[str, ...], int] = {}
    found.names = np.array(
        [kinds.setdefault(tuple(sorted(name for name, _ in one.parameters)), len(kinds)) for one in developers], np.int32
    )
    groups = defaultdict(list)
    for at, kind in enumerate(found.names.tolist()):
        groups[kind].append(at)
    found.alike = {kind: np.array(members) for kind, members in groups.items()}
    found.places = {
        kind: np.array([register.site(stage.networks.site(rng, kind)) for _ in range(600)], np.int32) for kind in ("mobile", "vpn")
    }
    servers = [stage.networks.site(rng, "hosting").prefixes[0] for _ in range(3_000)]
    found.places["hosting"] = np.array([register.prefix(prefix) for prefix in servers], np.int32)
    persons = [stage.identities.person(rng) for _ in range(min(8_000, max(500, accounts // 4)))]
    found.mail = register.fingerprints.accounts(
        pa.table({"account_id": ["x"] * len(persons), "email": [one.email for one in persons]}), SOURCE
    )
    usual = {*stage.identities._free, *stage.identities._throwaway}
    found.own_domain = np.array([one.email.partition("@")[2] not in usual for one in persons])
    return found


@dataclass
class People:
    """Some accounts as columns, before they are entered."""

    count: int
    population: str
    country: Array  # number in `COUNTRIES`
    born: Array
    site: Array
    ware: Array
    parameters: Array  # markers for `Register.cast`
    columns: dict[str, pa.Array[Any]] = field(default_factory=dict)
    begin: Array = field(default_factory=lambda: np.empty(0, np.int64))
    until: Array = field(default_factory=lambda: np.empty(0, np.int64))
    first: int = 0

    @property
    def zone(self) -> Array:
        """Hours east of UTC."""
        return _ZONES[self.country]


def countries(numbers: np.random.Generator, count: int) -> Array:
    """Countries by their share of people."""
    return numbers.choice(_PEOPLE.size, count, p=_PEOPLE)


def homes(supplies: Supplies, numbers: np.random.Generator, country: Array) -> Array:
    """A place for each private person: mostly at home, often on a telephone, now and then behind a VPN."""
    count = country.size
    luck = numbers.random(count)
    site = np.empty(count, np.int32)
    mobile, vpn = (luck >= 0.68) & (luck < 0.93), luck >= 0.93
    site[mobile] = numbers.choice(supplies.places["mobile"], int(mobile.sum()))
    site[vpn] = numbers.choice(supplies.places["vpn"], int(vpn.sum()))
    at_home = luck < 0.68
    site[at_home] = _lines(supplies, numbers, country[at_home])
    return site


def _lines(supplies: Supplies, numbers: np.random.Generator, country: Array) -> Array:
    """Lines of their own at a provider of the country."""
    register, networks = supplies.register, supplies.stage.networks
    count = country.size
    provider = np.empty(count, np.int64)
    shares = np.array(networks._providers)
    for code in np.unique(country):
        mine = np.flatnonzero(country == code)
        here = np.array([number for number in range(_PROVIDERS) if networks._homes[number] == _CODES[code]])
        if here.size:
            provider[mine] = numbers.choice(here, mine.size, p=shares[here] / shares[here].sum())
        else:
            provider[mine] = networks._provider(supplies.rng, str(_CODES[code]))
    modern = numbers.random(count) < 0.18
    held = np.where(modern, 1, 1 + (numbers.random(count) * 3).astype(np.int64))
    line = np.repeat(np.arange(count), held)
    block = provider[line] * 512 + modern[line] * 256 + numbers.integers(0, 256, line.size)
    blocks, which = np.unique(block, return_inverse=True)
    names = [f"2001:db8:{(b // 512 << 8) + b % 256:x}::/48" if b % 512 >= 256 else f"10.{b // 512}.{b % 256}.0/24" for b in blocks.tolist()]
    prefix = np.array([register.prefix(name) for name in names], np.uint64)[which]
    host = np.where(modern[line], numbers.integers(1, 1 << 32, line.size), numbers.integers(1, 255, line.size)).astype(np.uint64)
    return register.homes(prefix << np.uint64(32) | host, held, np.where(modern, 1.0, 0.9))


def servers(supplies: Supplies, numbers: np.random.Generator, count: int) -> Array:
    """A rented server each, at hosters by their share; seven in ten. The others call from an office of their own."""
    register = supplies.register
    prefix = numbers.choice(supplies.places["hosting"], count).astype(np.uint64)
    office = numbers.random(count) < 0.3
    blocks = 10 * 65536 + 192 * 256 + numbers.integers(0, 16_384, int(office.sum()))
    known, which = np.unique(blocks, return_inverse=True)
    prefix[office] = np.array([register.prefix(f"{b >> 16}.{b >> 8 & 255}.{b & 255}.0/24") for b in known.tolist()], np.uint64)[which]
    held = np.where(office, 2, 1)
    line = np.repeat(np.arange(count), held)
    return register.homes(
        prefix[line] << np.uint64(32) | numbers.integers(1, 255, line.size).astype(np.uint64), held, np.where(office, 0.8, 1.0)
    )


def programs(supplies: Supplies, numbers: np.random.Generator, browser: Array) -> tuple[Array, Array]:
    """A program each: a browser, or a developer's with parameters like those of somebody who sends parameters of the same names."""
    count = browser.size
    which = numbers.integers(0, supplies.developers.size, count)
    ware = supplies.developers[which]
    parameters = np.zeros(count, np.int64)
    luck = numbers.random(count)
    kinds = supplies.names[which]
    order = np.argsort(kinds, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(kinds[order])) + 1):
        members = supplies.alike[int(kinds[part[0]])]
        parameters[part] = -1 - supplies.developers[members[(luck[part] * members.size).astype(np.int64)]]
    ware[browser] = supplies.browsers[numbers.integers(0, supplies.browsers.size, int(browser.sum()))]
    parameters[browser] = 0
    return ware, parameters


def births(stage: Stage, numbers: np.random.Generator, count: int) -> Array:
    """When unrelated customers signed up; as `Stage.sign_up`."""
    back = 730 * (1 - np.sqrt(numbers.random(count)))
    born = stage.start - (back * DAY).astype(np.int64) - numbers.integers(0, DAY, count)
    late = numbers.random(count) < 0.045
    born[late] = stage.start + (numbers.random(int(late.sum())) * (stage.end - stage.start) * 0.95).astype(np.int64)
    return born


def spans(stage: Stage, numbers: np.random.Generator, born: Array) -> tuple[Array, Array, Array, Array]:
    """From when to when accounts are used, and which are closed then, and why; as `people.span`."""
    count = born.size
    begin = np.maximum(stage.start, born)
    until = np.full(count, stage.end)
    late = (begin == stage.start) & (numbers.random(count) < 0.08)
    begin = begin + np.where(late, numbers.random(count) * 0.8 * (until - begin), 0).astype(np.int64)
    until = until - np.where(numbers.random(count) < 0.08, numbers.random(count) * 0.8 * (until - begin), 0).astype(np.int64)
    short = until - begin < DAY
    begin[short] = np.maximum(born[short], until[short] - DAY)
    closed = (until < stage.end) & (numbers.random(count) < 0.12)
    closing = np.where(closed, until + numbers.integers(0, HOUR, count), 0)
    return begin, until, closing, numbers.integers(0, 4, count)


def persons(
    supplies: Supplies, numbers: np.random.Generator, population: str, count: int, *, site: Array | None = None,
    country: Array | None = None, browser: float = 0.45,
) -> People:  # fmt: skip
    """Private persons with accounts, programs and lines like anybody's, not yet entered."""
    stage, register = supplies.stage, supplies.register
    country = countries(numbers, count) if country is None else country
    site = homes(supplies, numbers, country) if site is None else site
    on_web = numbers.random(count) < browser
    ware, parameters = programs(supplies, numbers, on_web)
    people = People(count, population, country, births(stage, numbers, count), site, ware, parameters)
    seed = register.seed ^ (register.accounts + 1) * 7919
    mailbox = numbers.integers(0, supplies.own_domain.size, count)
    domain = supplies.mail["email_domain"].combine_chunks().take(column(mailbox))
    own = supplies.own_domain[mailbox]
    if own.any():
        words = [f"{stage.identities._handle(supplies.rng, 2 + at % 2)}{at:x}.example" for at in range(int(own.sum()))]
        domain = pc.replace_with_mask(domain, column(own), column(words))
    paying, phone = numbers.random(count) < 0.55, numbers.random(count) < 0.6
    referrals = np.array(stage.identities._referrals)
    referred = numbers.random(count) < 0.05
    verified = np.where(phone & (numbers.random(count) < 0.7), 0, np.where(numbers.random(count) < 0.75, 1, -1))
    token = np.arange(count, dtype=np.uint64)
    card = token.copy()
    family = np.flatnonzero(paying)
    shared = family[1:][numbers.random(max(0, family.size - 1)) < 0.04]
    card[shared] = card[family[np.searchsorted(family, shared) - 1]]
    people.columns = {
        "email": pseudonyms("mail", fresh_numbers(seed, "mail", count), seed, np.ones(count, np.bool_)),
        "email_domain": domain,
        "email_shape": supplies.mail["email_shape"].combine_chunks().take(column(mailbox)),
        "phone": pseudonyms("tel", token, seed, phone),
        "payment_fingerprint": pseudonyms("card", card, seed, paying),
        "plan": column(np.where(paying, np.where(numbers.random(count) < 0.75, "payg", "pro"), "free")),
        "verification": _named(verified, ["phone", "email"]),
        "referral": _named(np.where(referred, (referrals.size * numbers.random(count) ** 2).astype(np.int64), -1), referrals.tolist()),
    }
    shown = numbers.integers(0, len(supplies.agents), count)
    people.columns["signup_user_agent"] = supplies.agents.take(column(shown))
    people.columns["signup_ja4"] = supplies.ja4s.take(column(shown))
    return people


def _named(codes: Array, words: list[str]) -> pa.Array[Any]:
    taken: pa.Array[Any] = column(words, pa.string()).take(column(codes, mask=codes < 0))
    return taken


def staff(supplies: Supplies, numbers: np.random.Generator, population: str, count: int, declared: float = 0.6) -> People:
    """Accounts that a program uses, each of a company that pays; one in three is a company's second one."""
    stage, register, rng = supplies.stage, supplies.register, supplies.rng
    whose = np.maximum(np.cumsum(numbers.random(count) < 0.67) - 1, 0)
    companies = [stage.identities.company(rng) for _ in range(int(whose.max(initial=0)) + 1)]
    members = [employee(stage, rng, companies[at], declared) for at in whose.tolist()]
    codes = {code: number for number, code in enumerate(_CODES.tolist())}
    country = np.array([codes[one.country] for one in members])
    ware, parameters = programs(supplies, numbers, np.zeros(count, np.bool_))
    people = People(count, population, country, births(stage, numbers, count), servers(supplies, numbers, count), ware, parameters)
    named = ("email", "phone", "plan", "verification", "referral", "organization_id")
    table = pa.table({name: column([getattr(one, name) for one in members], pa.string()) for name in named})
    table = table.append_column("account_id", column([""] * count)).append_column(
        "payment_fingerprint", column([one.card for one in members])
    )
    known = register.fingerprints.accounts(table, SOURCE)
    wanted = (*named, "email_domain", "email_shape", "payment_fingerprint")
    people.columns = {name: known[name].combine_chunks() for name in wanted}
    shown = numbers.integers(0, len(supplies.agents), count)
    people.columns["signup_user_agent"] = supplies.agents.take(column(shown))
    people.columns["signup_ja4"] = supplies.ja4s.take(column(shown))
    return people


def enter(supplies: Supplies, numbers: np.random.Generator, people: People, **columns: pa.Array[Any]) -> None:
    """Open the accounts: `people` gets its first number and the spans in which its accounts are used."""
    stage, register = supplies.stage, supplies.register
    count = people.count
    people.begin, people.until, closing, reason = spans(stage, numbers, people.born)
    seed = register.seed ^ (register.accounts + 1) * 7919
    closed = closing > 0
    banned = closed & (reason == 3)
    where = addresses(register, people.site, numbers)
    prefixes = column(list(register.prefixes), pa.string()).take(column((where >> np.uint64(32)).astype(np.int64)))
    made: dict[str, Any] = {
        "account_id": hexed("", fresh_numbers(seed, "account", count), seed, 24),
        "created_at": column(people.born).view(records.TIMESTAMP),
        "signup_ip": pseudonyms("ip", where, register.seed, np.ones(count, np.bool_)),
        "signup_prefix": prefixes,
        "country": column(_CODES[people.country]),
        "status": column(np.where(banned, "banned", np.where(closed, "closed", "active"))),
        "closed_at": column(closing, mask=~closed).view(records.TIMESTAMP),
        "closed_reason": _named(np.where(closed, np.minimum(reason, 3), -1), ["user_request", "user_request", "payment_failed", "abuse"]),
        "source": pa.repeat(pa.scalar(SOURCE), count),
    }
    made |= people.columns | columns
    names = records.ACCOUNTS.names
    table = pa.table(
        [
            made[name].cast(records.ACCOUNTS.field(name).type) if name in made else pa.nulls(count, records.ACCOUNTS.field(name).type)
            for name in names
        ],
        names=names,
    )
    nobody = pa.nulls(count, pa.string())
    truth = pa.table([made["account_id"], pa.repeat(pa.scalar(people.population), count), nobody, nobody], names=list(TRUTH_NAMES))
    people.first = register.enter(table, truth, closing)


def addresses(register: Register, site: Array, numbers: np.random.Generator) -> Array:
    """An address of each place: the one from which an account was opened."""
    sites = np.array(register._sites, np.float64)[site].astype(np.int64)
    anchors, lists = np.concatenate(register.anchors), np.concatenate(register.prefix_lists)
    fixed = sites[:, 1] > 0
    found = np.empty(site.size, np.uint64)
    found[fixed] = anchors[sites[fixed, 0]]
    pick = (numbers.random(site.size) * np.maximum(sites[:, 3], 1)).astype(np.int64)[~fixed]
    found[~fixed] = lists[sites[~fixed, 2] + pick].astype(np.uint64) << np.uint64(32) | numbers.integers(1, 255, pick.size).astype(
        np.uint64
    )
    return found


def lanes(
    supplies: Supplies, numbers: np.random.Generator, people: People, volume: Array, style: str | Array, content: str | Array,
    voice: int | Array, **more: Any,
) -> Array:  # fmt: skip
    """A lane for each of `people`, with about `volume` calls in its span. Returns the lanes, not yet on stage."""
    made = np.zeros(people.count, LANE)
    stage = supplies.stage
    made["account"] = people.first + np.arange(people.count)
    made["style"] = STYLES[style] if isinstance(style, str) else style
    made["content"] = CONTENTS[content] if isinstance(content, str) else content
    made["weather"] = supplies.register.weather(CALM)
    luck = numbers.random(people.count)
    made["model"] = np.where(luck < 0.58, _LARGE, np.where(luck < 0.88, _SMALL, _FORMER))
    taken = numbers.random(people.count) < more.pop("takes_up", 0.22)
    made["moves"] = np.where(taken, stage.release + (numbers.exponential(3.0, people.count) * DAY).astype(np.int64), 0)
    made["begin"], made["until"] = people.begin, people.until
    made["rate"] = volume / np.maximum((people.until - people.begin) / DAY, 1 / 24)
    made["zone"] = people.zone
    made["size"] = np.where(volume < 100, 4.0, 12.0)
    made["voice"] = voice
    made["after"] = voice
    made["voices"] = 1
    made["ware"], made["parameters"] = people.ware, people.parameters
    made["limit"] = -1
    made["site"] = people.site
    made["patience"] = 0.7
    for name, value in more.items():
        made[name] = value
    return made


def everyday(supplies: Supplies, numbers: np.random.Generator, people: People, volume: Array) -> None:
    """Ordinary people's calls: chats in a browser; sessions and single questions through the API."""
    luck = numbers.random(people.count)
    web = people.parameters == 0
    asks = ~web & (luck >= 0.45) & (luck < 0.75)
    codes = ~web & (luck < 0.45)
    content = np.where(asks, CONTENTS["once"], CONTENTS["talk"])
    voice = np.where(asks, supplies.question, np.where(codes, supplies.coding, supplies.conversation))
    made = lanes(supplies, numbers, people, volume, "person", content, voice)
    made["labelled"] = web
    made["surface"] = np.where(web, SURFACES.index("chat"), 0)
    made["habit"] = codes
    supplies.register.lanes.append(made)


def workers(supplies: Supplies, numbers: np.random.Generator, people: People, volume: Array) -> None:
    """Programs' calls: building an application, in production, or in batches, by how much they call."""
    luck = numbers.random(people.count)
    builds, batch = (luck < 0.3) & (volume < 800), (luck >= 0.3) & (luck < 0.5)
    office = numbers.random(people.count) < 0.35
    style = np.where(batch, STYLES["batch"], np.where(builds | office, STYLES["office"], STYLES["service"]))
    content = np.where(builds, CONTENTS["tests"], CONTENTS["once"])
    voice = numbers.choice(supplies.applications, people.count)
    made = lanes(supplies, numbers, people, volume, style, content, voice, takes_up=0.12)
    made["salt"] = fresh_numbers(supplies.register.seed, f"salt {people.first}", people.count)
    made["weather"] = np.where(volume > 400, supplies.register.weather(BUSY), supplies.register.weather(CALM))
    produces = ~builds & ~batch & (numbers.random(people.count) < 0.5)
    made["users"] = np.where(produces, np.maximum(3, volume // numbers.integers(4, 40, people.count)), 0)
    made["size"] = np.where(batch, np.clip(volume, 1, 400), made["size"])
    supplies.register.lanes.append(made)


def draft(application: Application, rng: random.Random, calls: int, *, known: bool = False) -> Draft:
    """An application's voice."""
    parts = [part for part in application.template.split(application.SLOT) if part.strip()]
    shown = [application.render(rng) for _ in range(calls)]
    return Draft(application.system, parts, [(one.prompt, len(one.response)) for one in shown], known=known)


def cast(supplies: Supplies, accounts: int, calls: int) -> None:
    """Put `accounts` unrelated accounts with about `calls` calls in all on stage."""
    if accounts <= 0:
        return
    stage = supplies.stage
    numbers = stage.numpy("scale", "people")
    volume = stage.rates.calls(numbers, accounts, max(calls, accounts))
    numbers.shuffle(volume)
    program = numbers.random(accounts) < np.where(volume < 30, 0.05, np.where(volume < 200, 0.35, np.where(volume < 1000, 0.65, 0.95)))
    crowd = persons(supplies, numbers, "people", int((~program).sum()))
    enter(supplies, numbers, crowd)
    everyday(supplies, numbers, crowd, volume[~program])
    office = staff(supplies, numbers, "people", int(program.sum()))
    enter(supplies, numbers, office)
    workers(supplies, numbers, office, volume[program])
