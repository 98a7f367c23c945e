"""What they work on: word for word the same request from several accounts.

Null hypothesis: requests of some length are typed anew by everybody, so that the chance of an account sending a given
one is the share of other entities that did; greetings, popular prompts and benchmark questions cancel themselves.
This channel works both ways: independent people and benchmark runs repeat one another, a sharded work queue never
does. Few collisions are therefore no excuse, and many are one (see `campaigns.causes`).
Formula: the share of an account's calls whose request at least two other entities sent, too (`campaigns.harvest`), and the pool's
distinct requests as a share of its calls. It never counts towards coordination.
Estimated: where there are more (account, request) pairs than memory is granted, requests are a sample by hash, the same for all accounts;
shares are then of the account's calls with sampled requests. When a request was sent is not kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from stillhunt.channels import Aspect, Family, Observed

if TYPE_CHECKING:
    from stillhunt.channels.digest import Digest


class Identical:
    """Requests that two accounts or more have sent word for word."""

    name = "identical"
    title = "Identical request"
    family: Family = "work"
    aspects = (Aspect("identical.request", "set", "requests to the word", {"interactions": ("prompt_hash",)}, testifies=False),)

    def observe(self, digest: Digest) -> Iterable[Observed]:
        """Only requests of more than one account; the system prompt belongs to the request."""
        shared = digest.shared
        unknown = np.zeros(shared.accounts.size, np.int64)
        shares = shared.calls / shared.sampled[shared.accounts]
        yield Observed("identical.request", shared.accounts, shared.keys, unknown, unknown, shared.calls, shares)

    def describe(self, aspect: str, value: str) -> str:
        """A hash means nothing to a person."""
        return "requests that are the same word for word"


CHANNEL = Identical()
