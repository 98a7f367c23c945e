"""Where they sit: the network that most of an account's calls, or its sign-up, came from.

Null hypothesis: the chance of an account sitting in a given /24 (or /48) is the share of other entities that sit
there, so that a carrier's gateway, a campus or a VPN exit with hundreds of tenants cancels itself. `subnet.wide` looks
at the /16 (or /32) around it, which holds for hosters whose customers rotate over neighbouring networks.
`subnet.hosting` says which kind of network it is, where the user names ranges (setting STILLHUNT_NETWORKS).
Innocent twins: NAT, campus, venue, shared runners, WARP and VPN.
Formula: p(v) = (1 + entities outside the group with v) / (1 + entities outside it), within strata; weighed by the urn of
`pools.evidence`.
"""

from __future__ import annotations

from collections.abc import Iterable

from stillhunt.channels import Aspect, Family, View
from stillhunt.channels.queries import account_value, dominant_value
from stillhunt.lake.engine import Dialect


class Subnet:
    """Dominant network of the calls, network of the sign-up, the wider network, and its kind."""

    name = "subnet"
    title = "Network"
    family: Family = "place"
    aspects = (
        Aspect("subnet.calls", "category", "the network of their calls", {"interactions": ("client_prefix",)}),
        Aspect("subnet.wide", "category", "the wider network of their calls", {"interactions": ("client_prefix",)}),
        Aspect("subnet.signup", "category", "the network of their sign-up", {"accounts": ("signup_prefix",)}),
        Aspect("subnet.country", "category", "the country", {"accounts": ("country",)}),
        Aspect(
            "subnet.hosting",
            "category",
            "the kind of network they call from",
            {"interactions": ("client_prefix", "network_kind")},
            unseen="no address ranges were given (setting STILLHUNT_NETWORKS)",
        ),
    )

    def observe(self, dialect: Dialect, view: View) -> Iterable[str]:
        """The wide network is the first two parts of the address."""
        wide = f"""CASE WHEN client_prefix LIKE '%:%' THEN {dialect.extract("client_prefix", "^([0-9a-f]*:[0-9a-f]*):", 1)}
                   ELSE {dialect.extract("client_prefix", "^([0-9]+[.][0-9]+)[.]", 1)} END"""
        yield dominant_value("subnet.calls", "client_prefix")
        yield dominant_value("subnet.wide", wide)
        yield dominant_value("subnet.hosting", "network_kind")
        yield account_value("subnet.signup", "signup_prefix")
        yield account_value("subnet.country", "country")

    def describe(self, aspect: str, value: str) -> str:
        """Networks as the provider knows them."""
        if aspect == "subnet.hosting":
            return f"calling from {value} networks"
        if aspect == "subnet.country":
            return f"the country {value}"
        if aspect == "subnet.wide":
            return f"the wider network {value}"
        return f"the {'sign-up ' if aspect == 'subnet.signup' else ''}network {value}"


CHANNEL = Subnet()
