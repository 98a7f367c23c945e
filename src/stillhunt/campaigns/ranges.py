"""Which kind of network an address prefix is of, by ranges that somebody named. Written down with a scan, so that it can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network


class Ranges:
    """A lookup: the narrowest range that holds a prefix says its kind.

    Args:
        kinds: range -> kind, as in ``{"203.0.113.0/24": "hosting"}``.

    Attributes:
        kinds: the same, ranges in their usual spelling and in order.

    Raises:
        ValueError: a key is no range.
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        ranges = {ip_network(text, strict=False): kind for text, kind in kinds.items()}
        self.kinds = dict(sorted((str(network), kind) for network, kind in ranges.items()))
        # (IP version, length, leading bits) -> kind: one look per length, however many ranges
        self._found = {
            (network.version, network.prefixlen, int(network.network_address) >> (network.max_prefixlen - network.prefixlen)): kind
            for network, kind in ranges.items()
        }
        self._lengths = {version: sorted({length for v, length, _ in self._found if v == version}, reverse=True) for version in (4, 6)}

    def __call__(self, prefix: str) -> str | None:
        """The kind of network that `prefix` is of; None where no range holds it, or where it is no prefix."""
        try:
            network = ip_network(prefix, strict=False)
        except ValueError:
            return None
        bits = int(network.network_address)
        for length in self._lengths[network.version]:
            if length <= network.prefixlen:
                kind = self._found.get((network.version, length, bits >> (network.max_prefixlen - length)))
                if kind is not None:
                    return kind
        return None
