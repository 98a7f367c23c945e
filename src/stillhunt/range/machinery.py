"""Where people and operators get everything but words: addresses, clients, identities, and a rhythm of life.

Each class stands alone and is built once per world. Accounts draw from it with their own `random.Random`, arrays are drawn
with a numpy generator. With a folder of real lists (`--texts`), hosting and VPN prefixes and browser user agents come from
there; without it all addresses are carved from a synthetic plan inside 10.0.0.0/8, 100.64.0.0/10 and 198.18.0.0/15.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SITE_KINDS = ("residential", "mobile", "office", "university", "venue", "hosting", "vpn", "ci", "proxy")


@dataclass(frozen=True)
class Site:
    """A place on the network from which calls come: a home line, a carrier's gateway, an office, a rented server farm.

    `prefixes` are CIDR blocks (/24 or narrower for IPv4, /48 or narrower for IPv6); `steady` is the share of calls that
    keep to one address.
    """

    kind: str
    label: str
    country: str
    prefixes: tuple[str, ...]
    steady: float

    def address(self, rng: random.Random) -> str:
        """An address somewhere in the site."""
        raise NotImplementedError


class Networks:
    """The world's address plan. Popular sites are popular: carriers and VPNs are drawn heavy-tailed."""

    def __init__(self, seed: int, folder: Path | None = None) -> None:
        self.missing: list[str] = []

    def site(self, rng: random.Random, kind: str, country: str | None = None) -> Site:
        """An existing site of `kind` (see `SITE_KINDS`), shared with whoever else draws it.

        residential: one line at a provider, an address of its own that changes now and then inside the provider's pool;
        mobile: carrier-grade NAT, hundreds of people behind few addresses; vpn: exits shared by all its users;
        hosting: a handful of /24 of one hoster; ci: a shared runner pool; proxy: residential proxies, a new /24 each time.
        """
        raise NotImplementedError

    def fresh(self, rng: random.Random, kind: str, country: str | None = None, prefixes: int = 1) -> Site:
        """A site that nobody else has drawn or will draw: one company's NAT, one campus, one venue, one rented farm."""
        raise NotImplementedError


@dataclass(frozen=True)
class Client:
    """The software behind a call, as its requests show it."""

    name: str  # "browser", "sdk-python", "curl", ...
    version: str
    user_agent: str
    headers: tuple[tuple[str, str], ...]  # in the order sent; authorisation, host and length left out
    parameters: tuple[tuple[str, float | int | str | bool], ...]  # request parameters this account always sends, in order
    ja4: str


class Clients:
    """The world's client software with heavy-tailed shares, so that no shape is everybody's."""

    def __init__(self, seed: int, folder: Path | None = None) -> None:
        self.missing: list[str] = []

    def person(self, rng: random.Random) -> Client:
        """Whatever a random customer uses: browsers for chat, SDKs and others for the API."""
        raise NotImplementedError

    def browser(self, rng: random.Random) -> Client:
        """A web browser on the provider's chat surface."""
        raise NotImplementedError

    def developer(self, rng: random.Random) -> Client:
        """An API client with popular shares: vendors' SDKs in many versions, HTTP libraries, curl, frameworks."""
        raise NotImplementedError

    def rare(self, rng: random.Random) -> Client:
        """A combination that few others have: an old SDK on an unusual stack, a hand-written HTTP client."""
        raise NotImplementedError

    def named(self, rng: random.Random, name: str) -> Client:
        """A new client of its own for a product called `name` (a framework, a starter kit, a harness): share the result."""
        raise NotImplementedError


@dataclass(frozen=True)
class Company:
    """An organization that accounts declare to belong to."""

    organization_id: str
    name: str
    domain: str
    card: str
    country: str
    verified: bool


@dataclass(frozen=True)
class Identity:
    """What an account was signed up with."""

    email: str
    phone: str | None
    card: str | None
    country: str
    utc_offset: float  # hours
    plan: str  # "free" | "payg" | "pro" | "team" | "enterprise"
    verification: str | None  # "none" | "email" | "phone" | "card" | "domain" | "document"
    referral: str | None
    organization_id: str | None


class Identities:
    """Who signs up. No two draws share an e-mail, a telephone or a card unless a method says so."""

    def __init__(self, seed: int) -> None:
        raise NotImplementedError

    def person(self, rng: random.Random, country: str | None = None) -> Identity:
        """A private person: own e-mail in an own style at a free-mail domain, seldom an own or a disposable domain."""
        raise NotImplementedError

    def company(self, rng: random.Random) -> Company:
        """A company with a domain and a payer of its own."""
        raise NotImplementedError

    def university(self, rng: random.Random) -> Company:
        """A university: a verified domain, no payer."""
        raise NotImplementedError

    def member(self, rng: random.Random, company: Company, *, declared: bool = True) -> Identity:
        """A person of `company`: its domain and card; `declared` says whether the account names the organization."""
        raise NotImplementedError

    def scripted(self, rng: random.Random, scheme: str, card: str | None = None) -> Identity:
        """An account signed up by script. `scheme` is what `scheme` returned; `card` None draws a card of its own."""
        raise NotImplementedError

    def scheme(self, rng: random.Random) -> str:
        """How one operator makes up e-mail addresses: a pattern and a few domains, as one string."""
        raise NotImplementedError

    def card(self, rng: random.Random) -> str:
        """A payment processor's token for a card that nobody else has."""
        raise NotImplementedError


class Rates:
    """How much, when and how long: heavy tails over people, days and weeks by time zone, lengths as in service traces."""

    def __init__(self, folder: Path | None = None) -> None:
        self.missing: list[str] = []

    def calls(self, rng: np.random.Generator, accounts: int, total: int) -> NDArray[np.int64]:
        """Calls of each of `accounts` people, at least 1, summing to `total` within one per cent: most a few, a few thousands."""
        raise NotImplementedError

    def moments(
        self, rng: np.random.Generator, calls: int, start: float, days: float, utc_offset: float, style: str = "person"
    ) -> NDArray[np.float64]:
        """Sorted epoch seconds of `calls` calls in [start, start + days).

        style: "person" (sessions, waking hours, personal days), "office" (working hours, weekdays), "service" (all day with
        the diurnal swing of its users, bursts), "batch" (a few dense runs), "steady" (a Poisson process, no pause).
        """
        raise NotImplementedError

    def latency(self, rng: np.random.Generator, output_tokens: NDArray[np.int64]) -> NDArray[np.float64]:
        """Seconds from request to last token."""
        raise NotImplementedError
