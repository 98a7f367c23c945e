"""Who signs up: e-mails in many personal styles, telephones, cards, companies, universities, and sign-up scripts.

Local parts are made of syllables and words, never of names; all domains end in `.example` unless a real list of
disposable domains is given. Nothing is drawn twice unless a method says so.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from stillhunt.range.bank.grammar import pick
from stillhunt.range.networks import COUNTRIES, some_country

_FREE = [
    "quickpost",
    "letterbox",
    "webpost",
    "inboxly",
    "mailhaven",
    "postcard",
    "hillmail",
    "openletter",
    "bluemail",
    "cityline",
    "skypost",
    "paperplane",
]
_THROWAWAY = [
    "tenminutes",
    "dropbin",
    "mailblink",
    "burnpost",
    "onceonly",
    "fleetbox",
    "ghostletter",
    "trashlane",
    "spamvault",
    "tempnest",
    "zipinbox",
]
_WORDS = [
    "amber",
    "birch",
    "canyon",
    "delta",
    "ember",
    "falcon",
    "garnet",
    "harbor",
    "indigo",
    "juniper",
    "kestrel",
    "lumen",
    "meadow",
    "north",
    "onyx",
    "pixel",
    "quartz",
    "river",
    "saffron",
    "timber",
    "umber",
    "violet",
    "willow",
    "xenon",
    "yarrow",
    "zephyr",
    "acorn",
    "basalt",
    "cobalt",
    "dune",
    "echo",
    "fjord",
    "glade",
    "hazel",
    "iris",
    "jade",
    "kite",
    "lotus",
    "maple",
    "nova",
]
_TRADES = [
    "labs",
    "works",
    "systems",
    "studio",
    "logistics",
    "foods",
    "media",
    "analytics",
    "energy",
    "health",
    "robotics",
    "textiles",
    "travel",
    "print",
    "bank",
    "games",
    "legal",
]
_ONSETS = ["b", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "ch", "sh", "tr", "br", "st", "kr"]
_NUCLEI = ["a", "e", "i", "o", "u", "ai", "ei", "ou", "ia"]
_CODAS = ["", "", "", "n", "r", "l", "s", "m", "k", "t"]
_DIAL = {
    "US": "1", "CA": "1", "GB": "44", "DE": "49", "FR": "33", "IN": "91", "JP": "81", "BR": "55", "ID": "62", "ES": "34", "MX": "52",
    "KR": "82", "PH": "63", "VN": "84", "TR": "90", "PL": "48", "AU": "61", "NL": "31", "IT": "39", "EG": "20", "SG": "65", "NG": "234",
    "SE": "46",
}  # fmt: skip


@dataclass(frozen=True)
class Company:
    """An organization that accounts declare to belong to."""

    organization_id: str
    name: str
    domain: str
    card: str | None
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
    verification: str | None  # None | "email" | "phone" | "card" | "domain"
    referral: str | None
    organization_id: str | None


class Identities:
    """Who signs up in one world. Remembers what it gave out, so that it never gives it twice."""

    def __init__(self, seed: int, folder: Path | None = None) -> None:
        self.missing: list[str] = []
        self._seed = seed
        self._emails: set[str] = set()
        self._serial = 0
        rng = random.Random(f"identities/{seed}")
        self._free = [f"{word}.example" for word in rng.sample(_FREE, len(_FREE))]
        self._free_shares = [1.0 / (rank + 1) ** 1.3 for rank in range(len(self._free))]
        self._throwaway = self._disposable(folder)
        self._referrals = [f"{pick(rng, _WORDS).upper()}{rng.randrange(10, 99)}" for _ in range(60)]

    def _disposable(self, folder: Path | None) -> list[str]:
        if folder is not None:
            try:
                table = pq.read_table(folder / "infra" / "disposable_email_domains.parquet").to_pydict()
                listed = [domain for domain, kind in zip(table["domain"], table["list"], strict=True) if kind == "block"]
                if listed:
                    return listed
            except (OSError, KeyError, ValueError):
                pass
            self.missing.append("infra/disposable_email_domains.parquet")
        return [f"{word}.example" for word in _THROWAWAY]

    def _token(self, kind: str) -> str:
        self._serial += 1
        return hashlib.blake2b(f"{self._seed}/{kind}/{self._serial}".encode(), digest_size=12).hexdigest()

    def _unique(self, local: str, domain: str, rng: random.Random) -> str:
        email = f"{local}@{domain}"
        while email in self._emails:
            local = f"{local}{rng.randrange(10)}"
            email = f"{local}@{domain}"
        self._emails.add(email)
        return email

    @staticmethod
    def _handle(rng: random.Random, syllables: int) -> str:
        return "".join(pick(rng, _ONSETS) + pick(rng, _NUCLEI) + pick(rng, _CODAS) for _ in range(syllables))

    def _local(self, rng: random.Random) -> str:
        """Draw a local part in one of a dozen personal styles."""
        one, two, word, year = (
            self._handle(rng, 2),
            self._handle(rng, 1 + rng.randrange(3)),
            pick(rng, _WORDS),
            rng.randrange(50, 110) % 100,
        )
        return pick(
            rng,
            [
                f"{one}.{two}", f"{one}.{two}", f"{one}{two}", f"{one[0]}{two}", f"{one[0]}.{two}", f"{one}_{two}", f"{one}{year:02d}",
                f"{one}.{two}{rng.randrange(1000)}", f"{two}-{one}", f"{word}.{one}", f"the{word}{two}", f"{one}{word}", f"hello.{one}",
                f"{one}.{two[0]}", f"{word}{rng.randrange(9_999)}", f"x{one}x{year}", f"{one}+ai", f"{one}.dev", f"me.{two}{one}",
            ],
        )  # fmt: skip

    def card(self, rng: random.Random) -> str:
        """Return a payment processor's token for a card that nobody else has."""
        return f"card_{self._token(f'card/{rng.random()}')}"

    def _phone(self, rng: random.Random, where: str) -> str:
        self._serial += 1
        # The serial is scattered by a step coprime to 10^8: unique, yet neighbours do not look alike.
        return f"+{_DIAL[where]}{2 + rng.randrange(8)}{self._serial * 36_363_637 % 10**8:08d}"

    def person(self, rng: random.Random, country: str | None = None) -> Identity:
        """Draw a private person: own e-mail at a free-mail domain, seldom at an own or a disposable domain."""
        where = country or some_country(rng)
        luck = rng.random()
        if luck < 0.86:
            domain = rng.choices(self._free, self._free_shares)[0]
        elif luck < 0.965:
            domain = f"{pick(rng, _WORDS)}{self._handle(rng, 1 + rng.randrange(2))}.example"
        else:
            domain = pick(rng, self._throwaway)
        paying = rng.random() < 0.55
        phone = self._phone(rng, where) if rng.random() < 0.6 else None
        return Identity(
            email=self._unique(self._local(rng), domain, rng),
            phone=phone,
            card=self.card(rng) if paying else None,
            country=where,
            utc_offset=COUNTRIES[where][1],
            plan=pick(rng, ["payg", "payg", "payg", "pro"]) if paying else "free",
            verification="phone" if phone and rng.random() < 0.7 else pick(rng, ["email", "email", "email", None]),
            referral=self._referrals[int(60 * rng.random() ** 2)] if rng.random() < 0.05 else None,
            organization_id=None,
        )

    def company(self, rng: random.Random) -> Company:
        """Draw a company with a domain and a payer of its own; most of them have verified the domain."""
        stem = f"{pick(rng, _WORDS)}{self._handle(rng, 1 + rng.randrange(2))}"
        trade = pick(rng, _TRADES)
        domain = pick(rng, [f"{stem}.example", f"{stem}{trade}.example", f"{stem}-{trade}.example"])
        return Company(f"org_{self._token('org')}", f"{stem} {trade}", domain, self.card(rng), some_country(rng), rng.random() < 0.7)

    def university(self, rng: random.Random) -> Company:
        """Draw a university: a verified domain, no payer."""
        stem = self._handle(rng, 2 + rng.randrange(2))
        domain = pick(rng, [f"{stem}.edu.example", f"uni-{stem}.example", f"{stem}.ac.example", f"mail.{stem}.edu.example"])
        return Company(f"org_{self._token('org')}", f"university of {stem}", domain, None, some_country(rng), verified=True)

    def member(self, rng: random.Random, company: Company, *, declared: bool = True) -> Identity:
        """Draw a person of `company`: its domain and card; `declared` says whether the account names the organization."""
        one, two = self._handle(rng, 2), self._handle(rng, 2)
        # One house, one style: the domain decides how its people's addresses are built.
        local = [f"{one}.{two}", f"{one[0]}{two}", f"{one}", f"{one}{two[0]}", f"{two}.{one[0]}"][sum(map(ord, company.domain)) % 5]
        return Identity(
            email=self._unique(local, company.domain, rng),
            phone=self._phone(rng, company.country) if rng.random() < 0.3 else None,
            card=company.card if declared else None,
            country=company.country,
            utc_offset=COUNTRIES[company.country][1],
            plan=("team" if declared else "payg") if company.card else "free",
            verification="domain" if company.verified else "email",
            referral=None,
            organization_id=company.organization_id if declared else None,
        )

    def scheme(self, rng: random.Random) -> str:
        """Draw how one operator makes up e-mail addresses: a pattern and a few domains, as one string."""
        pattern = pick(rng, ["ccvcvddd", "cvcvcvdddd", "hhhhhhhhhh", "wd4", "cvcv.cvcvdd", "hhhhhhhhhhhh"])
        free = rng.random() < 0.5
        domains = rng.sample(self._free[:6], 2) if free else rng.sample(self._throwaway, min(4, len(self._throwaway)))
        return f"{pattern}@{','.join(domains)}"

    def scripted(self, rng: random.Random, scheme: str, card: str | None = None) -> Identity:
        """Draw an account signed up by script after `scheme` (from `scheme`); without `card` it gets one of its own.

        Raises ValueError for a scheme without domains.
        """
        pattern, at, domains = scheme.partition("@")
        if not at or not domains:
            raise ValueError(f"a scheme reads pattern@domain,domain; got {scheme!r}")
        if pattern == "wd4":
            local = f"{pick(rng, _WORDS)}{rng.randrange(10_000):04d}"
        else:
            sets = {"c": "bcdfghjklmnprstvwz", "v": "aeiou", "d": "0123456789", "h": "0123456789abcdefghijklmnopqrstuvwxyz"}
            local = "".join(pick(rng, sets[sign]) if sign in sets else sign for sign in pattern)
        where = some_country(rng)
        return Identity(
            email=self._unique(local, pick(rng, domains.split(",")), rng),
            phone=self._phone(rng, where) if rng.random() < 0.5 else None,
            card=card or self.card(rng),
            country=where,
            utc_offset=COUNTRIES[where][1],
            plan=pick(rng, ["payg", "payg", "pro"]),
            verification="email",
            referral=None,
            organization_id=None,
        )
