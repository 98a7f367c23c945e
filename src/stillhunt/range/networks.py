"""The world's address plan: who calls from where, and who shares an address with whom.

Without real lists all addresses are carved from a plan that is plainly synthetic: lines and offices inside 10.0.0.0/8,
carriers inside 100.64.0.0/10, VPN exits inside 198.18.0.0/15, IPv6 inside 2001:db8::/32.
"""

from __future__ import annotations

import ipaddress
import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow.parquet as pq

from stillhunt.range.bank.grammar import pick

SITE_KINDS = ("residential", "mobile", "office", "university", "venue", "hosting", "vpn", "ci", "proxy")

COUNTRIES: dict[str, tuple[float, float]] = {
    "US": (0.27, -6.0),
    "IN": (0.12, 5.5),
    "BR": (0.06, -3.0),
    "GB": (0.06, 0.0),
    "DE": (0.055, 1.0),
    "JP": (0.05, 9.0),
    "FR": (0.045, 1.0),
    "ID": (0.035, 7.0),
    "CA": (0.035, -5.0),
    "ES": (0.03, 1.0),
    "MX": (0.03, -6.0),
    "KR": (0.03, 9.0),
    "PH": (0.025, 8.0),
    "VN": (0.025, 7.0),
    "TR": (0.02, 3.0),
    "PL": (0.02, 1.0),
    "AU": (0.02, 10.0),
    "NL": (0.02, 1.0),
    "IT": (0.02, 1.0),
    "EG": (0.015, 2.0),
    "SG": (0.015, 8.0),
    "NG": (0.015, 1.0),
    "SE": (0.01, 1.0),
}
"""Country -> (share of people, hours ahead of UTC)."""

_PROVIDERS, _CARRIERS, _HOSTERS, _VPNS, _RUNNERS = 96, 28, 40, 36, 6
_FIRST_FRESH = int(ipaddress.ip_address("10.192.0.0"))


def some_country(rng: random.Random) -> str:
    """Draw a country, by its share of people."""
    return rng.choices(list(COUNTRIES), [share for share, _ in COUNTRIES.values()])[0]


@lru_cache(maxsize=65_536)
def _span(prefix: str) -> tuple[int, int, int]:
    network = ipaddress.ip_network(prefix)
    return network.version, int(network.network_address), network.num_addresses


def _within(prefix: str, rng: random.Random) -> str:
    version, base, size = _span(prefix)
    if version == 6:
        return str(ipaddress.IPv6Address(base + rng.randrange(1, min(size, 2**64))))
    number = base + (1 + int(rng.random() * (size - 2)) if size > 2 else 0)
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@dataclass(frozen=True)
class Site:
    """A place on the network from which calls come: a home line, a carrier's gateway, an office, a rented server farm.

    `prefixes` are CIDR blocks (/24 or narrower for IPv4, /48 or narrower for IPv6). `anchors` are the addresses that it
    keeps, the usual one first; `steady` is the share of calls that come from the first of them.
    """

    kind: str
    label: str
    country: str
    prefixes: tuple[str, ...]
    steady: float
    anchors: tuple[str, ...] = ()

    def address(self, rng: random.Random) -> str:
        """Draw the address of one call."""
        if self.anchors:
            return self.anchors[0] if rng.random() < self.steady else pick(rng, self.anchors)
        return _within(pick(rng, self.prefixes), rng)


class Networks:
    """The world's address plan. Popular sites are popular: providers, carriers and VPNs are drawn heavy-tailed."""

    def __init__(self, seed: int, folder: Path | None = None) -> None:
        self.missing: list[str] = []
        rng = random.Random(f"networks/{seed}")
        self._plan = rng.randrange(2**16)
        self._fresh = 0
        self._providers = self._shares(rng, _PROVIDERS)
        self._homes = {number: some_country(rng) for number in range(_PROVIDERS)}
        self._carriers = self._shares(rng, _CARRIERS)
        self._carrier_homes = {number: some_country(rng) for number in range(_CARRIERS)}
        self._hosting = self._list(folder, "infra/cloud_cidr.parquet", None, rng) or [
            [f"10.{128 + hoster}.{third}.0/24" for third in range(256)] for hoster in range(_HOSTERS)
        ]
        self._vpn = self._list(folder, "infra/vpn_datacenter_cidr.parquet", "vpn", rng) or [
            [f"198.{18 + vpn % 2}.{4 * (vpn // 2) + third}.0/24" for third in range(rng.randint(1, 4))] for vpn in range(_VPNS)
        ]
        self._hoster_shares = self._shares(rng, len(self._hosting))
        self._vpn_shares = self._shares(rng, len(self._vpn))
        self._runners = [rng.sample(pick(rng, self._hosting), 8) for _ in range(_RUNNERS)]
        self._rented: set[str] = {prefix for runner in self._runners for prefix in runner}

    @staticmethod
    def _shares(rng: random.Random, count: int) -> list[float]:
        shares = [1.0 / (rank + 2.0) for rank in range(count)]
        rng.shuffle(shares)
        return shares

    def _list(self, folder: Path | None, name: str, kind: str | None, rng: random.Random) -> list[list[str]]:
        """Read prefixes of a real list as sites of /24 blocks; [] and a note in `missing` where it is absent or empty."""
        if folder is None:
            return []
        try:
            table = pq.read_table(folder / name).to_pydict()
            groups: dict[str, list[str]] = {}
            kinds = table.get("kind", table.get("vendor", [""] * len(table["cidr"])))
            for group, cidr in zip(kinds, table["cidr"], strict=True):
                if ":" in cidr or (kind is not None and kind not in str(group).lower()):
                    continue
                address, _, bits = cidr.partition("/")
                if int(bits or 32) > 24:
                    continue
                number = int(ipaddress.IPv4Address(address)) + 256 * rng.randrange(2 ** (24 - int(bits)))
                block = f"{ipaddress.IPv4Address(number & ~255)}/24"
                groups.setdefault(str(group) if kind is None else block.split(".", maxsplit=1)[0], []).append(block)
        except (OSError, KeyError, ValueError):
            groups = {}
        sites = [sorted(set(blocks)) for blocks in groups.values() if len(set(blocks)) >= 8]
        if not sites:
            self.missing.append(name)
        return sites if kind is None else [blocks[at : at + 3] for blocks in sites for at in range(0, min(len(blocks), 9), 3)]

    def _provider(self, rng: random.Random, where: str | None) -> int:
        wanted = [number for number in range(_PROVIDERS) if where is None or self._homes[number] == where]
        if not wanted:
            return (sum(map(ord, where or "")) * 7 + self._plan) % _PROVIDERS
        return rng.choices(wanted, [self._providers[number] for number in wanted])[0]

    def _block(self) -> str:
        # Blocks handed out one after the other must not be neighbours: a multiplicative step scatters them over 10.192/10.
        number = (self._fresh * 6_007 + self._plan) % 16_384
        self._fresh += 1
        return f"{ipaddress.IPv4Address(_FIRST_FRESH + 256 * number)}/24"

    def _line(self, rng: random.Random, where: str | None) -> Site:
        provider = self._provider(rng, where)
        home = where or self._homes[provider]
        if rng.random() < 0.18:
            block = f"2001:db8:{(provider << 8) + int(rng.random() * 256):x}:"
            anchor = f"{block}{int(rng.random() * 65_535) + 1:x}::{int(rng.random() * 65_535) + 1:x}"
            return Site("residential", f"provider-{provider}", home, (f"{block}:/48",), 1.0, (anchor,))
        prefixes = tuple(f"10.{provider}.{int(rng.random() * 256)}.0/24" for _ in range(1 + int(rng.random() * 3)))
        return Site("residential", f"provider-{provider}", home, prefixes, 0.9, tuple(_within(prefix, rng) for prefix in prefixes))

    def site(self, rng: random.Random, kind: str, country: str | None = None) -> Site:
        """Draw an existing site of `kind` (see `SITE_KINDS`), shared with whoever else draws it.

        residential: one line at a provider, with an address of its own that changes now and then in the provider's pool;
        mobile: carrier-grade NAT, hundreds of people behind few addresses; vpn: exits shared by all their users;
        hosting: one rented server at a hoster, kept; ci: a shared runner pool, another address for each call;
        proxy: residential proxies, another provider's line for each call; office, university, venue: as `fresh`.
        Raises ValueError for an unknown kind.
        """
        if kind == "residential":
            return self._line(rng, country)
        if kind == "mobile":
            carrier = rng.choices(range(_CARRIERS), self._carriers)[0]
            gateways = tuple(f"100.{64 + carrier}.{third}.0/24" for third in range(2 + carrier % 5))
            return Site("mobile", f"carrier-{carrier}", country or self._carrier_homes[carrier], gateways, 0.0)
        if kind == "vpn":
            number = rng.choices(range(len(self._vpn)), self._vpn_shares)[0]
            return Site("vpn", f"vpn-{number}", country or "US", tuple(self._vpn[number]), 0.0)
        if kind == "hosting":
            number = rng.choices(range(len(self._hosting)), self._hoster_shares)[0]
            prefix = pick(rng, self._hosting[number])
            return Site("hosting", f"hoster-{number}", country or "US", (prefix,), 1.0, (_within(prefix, rng),))
        if kind == "ci":
            number = int(_RUNNERS * rng.random() ** 2)
            return Site("ci", f"runners-{number}", "US", tuple(self._runners[number]), 0.0)
        if kind == "proxy":
            lines = [self._line(rng, country) for _ in range(48)]
            exits = tuple(address for line in lines for address in line.anchors)
            return Site("proxy", "proxies", country or "US", tuple(prefix for line in lines for prefix in line.prefixes), 0.0, exits)
        return self.fresh(rng, kind, country)

    def fresh(self, rng: random.Random, kind: str, country: str | None = None, prefixes: int = 1) -> Site:
        """Draw a site that nobody else has or will get: one company's NAT, one campus, one venue, one rented farm.

        An office has one or two addresses, a university some dozens, a venue one; hosting has `prefixes` whole /24 blocks,
        also of several hosters. Raises ValueError for an unknown kind.
        """
        if kind not in SITE_KINDS:
            raise ValueError(f"unknown kind of site {kind!r}; one of {', '.join(SITE_KINDS)}")
        home = country or some_country(rng)
        if kind in ("residential", "mobile", "proxy", "vpn"):
            return self.site(rng, kind, country)
        if kind in ("hosting", "ci"):
            blocks: list[str] = []
            while len(blocks) < prefixes:
                block = pick(rng, pick(rng, self._hosting))
                if block not in self._rented or len(self._rented) > 9_000:
                    self._rented.add(block)
                    blocks.append(block)
            return Site(kind, f"farm-{len(self._rented)}", home, tuple(blocks), 0.0)
        blocks = [self._block() for _ in range(prefixes)]
        anchors = {"office": 2, "venue": 1, "university": 24}[kind]
        return Site(kind, f"{kind}-{self._fresh}", home, tuple(blocks), 0.8, tuple(_within(pick(rng, blocks), rng) for _ in range(anchors)))
