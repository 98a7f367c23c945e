"""What brought them: when accounts were made, began and stopped.

Measures, in hours since 1970: `signup.created`, `signup.began` (first call), `signup.stopped` (last call); and `signup.ramp`,
hours from sign-up to the first call. A first or last call within two days of the edge of the view says more about the
edge than about the account, so it is left out and counts as "not known", as most accounts' do.
Null hypothesis: the accounts' places in the population's own order of sign-up (first call, last call) are drawn
independently, so that a launch day with many sign-ups makes none of them surprising.
Innocent twins: hackathons, classes, promotions: occasions that sign-ups share with a referral code or a place.
Formula: p(bin) = (1 + entities outside the group in the bin) / (1 + entities outside it), bins of equal share at four
resolutions, within strata; weighed by the urn of `pools.evidence`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from stillhunt.channels import Aspect, Family, Observed
from stillhunt.channels.observing import measured, micros_of, on_account

if TYPE_CHECKING:
    from stillhunt.channels.digest import Digest

EDGE_HOURS = 48

_HOUR = 3_600_000_000


class Signup:
    """Sign-up, beginning, ramp and end of an account's life."""

    name = "signup"
    title = "Sign-up and life cycle"
    family: Family = "occasion"
    aspects = (
        Aspect("signup.created", "measure", "the time of sign-up", {"accounts": ("created_at",)}),
        Aspect("signup.began", "measure", "the time of the first call", {"interactions": ("started_at",)}),
        Aspect("signup.stopped", "measure", "the time of the last call", {"interactions": ("started_at",)}),
        Aspect("signup.ramp", "measure", "the time between sign-up and first call", {"accounts": ("created_at",)}),
        Aspect("signup.referral", "category", "the referral code", {"accounts": ("referral",)}),
    )

    def observe(self, digest: Digest) -> Iterable[Observed]:
        """Times as decimal hours."""
        created = micros_of(digest.people["created_at"])
        known = digest.people["created_at"].is_valid().to_numpy()
        at = np.flatnonzero(known)
        once = np.ones(created.size, np.int64)
        yield Observed("signup.created", at, created[at] / _HOUR, created[at], created[at], once[at], np.ones(at.size))
        begun = digest.first >= digest.span.first + EDGE_HOURS * _HOUR
        stopped = digest.last <= digest.span.last - EDGE_HOURS * _HOUR
        yield measured(digest, "signup.began", digest.first / _HOUR, begun, digest.calls)
        yield measured(digest, "signup.stopped", digest.last / _HOUR, stopped, digest.calls)
        at = np.flatnonzero(known & begun)
        ramp = (digest.first[at] - created[at]) / _HOUR
        yield Observed("signup.ramp", at, ramp, created[at], digest.first[at], once[at], np.ones(at.size))
        yield on_account(digest, "signup.referral", "referral")

    def describe(self, aspect: str, value: str) -> str:
        """What is alike; when it was is for the timeline to show."""
        words = {
            "signup.created": "sign-ups close together in time",
            "signup.began": "first calls close together in time",
            "signup.stopped": "last calls close together in time",
            "signup.ramp": "the same delay between sign-up and first call",
        }
        if aspect == "signup.referral":
            return f"the referral code {value}"
        return words[aspect]


CHANNEL = Signup()
