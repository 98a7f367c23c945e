"""Names for pools and campaigns that stay the same while a scan is repeated."""

from __future__ import annotations

import hashlib


def campaign_id(accounts: list[str]) -> str:
    """A short name from the set of accounts, whatever their order.

    >>> campaign_id(["b", "a"]) == campaign_id(["a", "b"])
    True
    """
    return "c-" + _digest(accounts)


def pool_id(accounts: list[str]) -> str:
    """As `campaign_id`, for a pool that is not a campaign."""
    return "p-" + _digest(accounts)


def _digest(accounts: list[str]) -> str:
    return hashlib.sha256("\0".join(sorted(accounts)).encode()).hexdigest()[:12]
