"""What they work on: the identical request reappears from another account right after the first one was refused.

Null hypothesis: unrelated accounts do not know one another's refused requests, so that a rare request that fails on one
account and is sent by another within a minute ties the two by chance only as often as requests are shared at all.
Requests known to more than three accounts (health checks, benchmarks, popular prompts) cannot tie anybody and are left out.
Innocent twin: a customer's failover router, whose accounts declare one organization or one payer.
Source: design note "handoff"; failover on 429, 403 or a ban is on the indicator lists (AA26-251A).
Formula: accounts tied by a request, directly or in a chain, form one value v (connected components, `pools.population`); then p(v) as
for any category.
Estimated: who knows a request, where requests are a sample by hash (`channels.identical`): of one that is not in it only the accounts that
handed it over are known. Handoffs themselves are all there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from stillhunt.channels import Aspect, Family, Observed

if TYPE_CHECKING:
    from stillhunt.channels.digest import Digest, Handoffs, Index, Shared

MOST_HOLDERS = 3
"""A request that more accounts have sent is common knowledge."""


class Handoff:
    """Refused requests that another account takes over."""

    name = "handoff"
    title = "Handoff"
    family: Family = "work"
    aspects = (
        Aspect(
            "handoff.request", "tie", "refused requests that another account takes over", {"interactions": ("prompt_hash", "http_status")}
        ),
    )

    def observe(self, digest: Digest) -> Iterable[Observed]:
        """Both sides of each handoff, with the request as the value that they share."""
        found = digest.handoffs
        at = np.flatnonzero(_holders(found, digest.shared) <= MOST_HOLDERS)
        unknown = np.full(at.size, np.nan)
        yield Observed(
            "handoff.request", found.accounts[at], found.keys[at], found.first[at], found.last[at], found.occurrences[at], unknown
        )

    def describe(self, aspect: str, value: str) -> str:
        """What it means, since the hash says nothing."""
        return "requests that were refused on one account and sent again by another within a minute"


def _holders(found: Handoffs, shared: Shared) -> Index:
    """How many accounts are known to have sent each handed request, shape (handoffs,)."""
    keys, which = np.unique(found.keys, return_inverse=True)
    if not keys.size:
        return np.zeros(0, np.int64)
    place = np.minimum(np.searchsorted(keys, shared.keys), keys.size - 1)
    sent = np.bincount(place[keys[place] == shared.keys], minlength=keys.size)
    return np.asarray(np.maximum(sent, np.bincount(which, minlength=keys.size))[which])


CHANNEL = Handoff()
