"""Where they sit: the network that most of an account's calls, or its sign-up, came from.

Null hypothesis: the chance of an account sitting in a given /24 (or /48) is the share of other entities that sit
there, so that a carrier's gateway, a campus or a VPN exit with hundreds of tenants cancels itself. `subnet.wide` looks
at the /16 (or /32) around it, which holds for hosters whose customers rotate over neighbouring networks.
`subnet.hosting` says which kind of network it is, where the user names ranges (setting STILLHUNT_NETWORKS).
Innocent twins: NAT, campus, venue, shared runners, WARP and VPN.
Formula: p(v) = (1 + entities outside the group with v) / (1 + entities outside it), within strata; weighed by the urn of
`pools.evidence`.
Estimated: counts of accounts with more than sixteen networks, by space saving (`digest.kernels`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from stillhunt.channels import Aspect, Family, Observed
from stillhunt.channels.observing import on_account, on_most_calls

if TYPE_CHECKING:
    from stillhunt.channels.digest import Digest

WIDE = "^(?P<wide>[0-9a-f]*:[0-9a-f]*|[0-9]+[.][0-9]+)[.:]"
"""The first two parts of an address."""


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

    def observe(self, digest: Digest) -> Iterable[Observed]:
        """The calls of neighbouring networks count together for the wide one, those of networks of one kind for the kind."""
        yield on_most_calls(digest, "subnet.calls", digest.networks)
        wide = pc.struct_field(pc.extract_regex(digest.networks.names, WIDE), "wide")
        yield on_most_calls(digest, "subnet.wide", digest.networks, wide, "wide")
        if digest.network_kinds is not None:
            yield on_most_calls(digest, "subnet.hosting", digest.networks, digest.network_kinds)
        yield on_account(digest, "subnet.signup", "signup_prefix")
        yield on_account(digest, "subnet.country", "country")

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
