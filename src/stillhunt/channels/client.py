"""What they run: the shape of the client that made most of an account's calls.

A shape is the order of the headers, the library's own headers, the names of the request parameters and the TLS
handshake (see `intake.client_shape`); a version or a platform that differs is another shape.
Null hypothesis: the chance of an account running a given shape is the share of other entities that run it: popular
libraries and frameworks cancel themselves.
Formula: p(v) = (1 + entities outside the group with v) / (1 + entities outside it), within strata; weighed by the urn of
`pools.evidence`.
Estimated: counts of accounts with more than eight shapes (or sets of parameters), by space saving (`digest.kernels`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stillhunt.channels import Aspect, Family, Observed
from stillhunt.channels.observing import on_most_calls

if TYPE_CHECKING:
    from stillhunt.channels.digest import Digest


class Client:
    """Dominant client shape and dominant set of request parameters."""

    name = "client"
    title = "Client shape"
    family: Family = "software"
    aspects = (
        Aspect("client.shape", "category", "the client", {"interactions": ("client_shape",)}),
        Aspect("client.parameters", "category", "the request parameters", {"interactions": ("parameters_hash",)}),
    )

    def observe(self, digest: Digest) -> Iterable[Observed]:
        """The label goes with the hash, so that a person can read the value."""
        yield on_most_calls(digest, "client.shape", digest.clients)
        yield on_most_calls(digest, "client.parameters", digest.parameters)

    def describe(self, aspect: str, value: str) -> str:
        """The label alone: the hash says nothing to a person."""
        if aspect == "client.parameters":
            return "the same request parameters to the last value"
        return f"the client {value.rsplit(' #', 1)[0] or 'shape ' + value.rsplit('#', 1)[-1]}"


CHANNEL = Client()
