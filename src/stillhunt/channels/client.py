"""What they run: the shape of the client that made most of an account's calls.

A shape is the order of the headers, the library's own headers, the names of the request parameters and the TLS
handshake (see `intake.client_shape`); a version or a platform that differs is another shape.
Null hypothesis: the chance of an account running a given shape is the share of other entities that run it: popular
libraries and frameworks cancel themselves.
Formula: p(v) = (1 + entities outside the group with v) / (1 + entities outside it), within strata; weighed by the urn of
`pools.evidence`.
"""

from __future__ import annotations

from collections.abc import Iterable

from stillhunt.channels import Aspect, Family, View
from stillhunt.channels.queries import dominant_value
from stillhunt.lake.engine import Dialect


class Client:
    """Dominant client shape and dominant set of request parameters."""

    name = "client"
    title = "Client shape"
    family: Family = "software"
    aspects = (
        Aspect("client.shape", "category", "the client", {"interactions": ("client_shape",)}),
        Aspect("client.parameters", "category", "the request parameters", {"interactions": ("parameters_hash",)}),
    )

    def observe(self, dialect: Dialect, view: View) -> Iterable[str]:
        """The label goes with the hash, so that a person can read the value."""
        shape = "COALESCE(client_label, '') || ' #' || CAST(client_shape AS VARCHAR)"
        yield dominant_value("client.shape", shape)
        yield dominant_value("client.parameters", "CAST(parameters_hash AS VARCHAR)")

    def describe(self, aspect: str, value: str) -> str:
        """The label alone: the hash says nothing to a person."""
        if aspect == "client.parameters":
            return "the same request parameters to the last value"
        return f"the client {value.rsplit(' #', 1)[0] or 'shape ' + value.rsplit('#', 1)[-1]}"


CHANNEL = Client()
