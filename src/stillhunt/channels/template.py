"""What they run: an instruction that recurs in an account's calls, wherever it stands and whatever fills its slots.

An observation is a sampled gram (see `intake.sketch`) that recurs in at least 12 % of an account's separate requests, or in 2 % of
them if these are twelve or more: behind a reseller, an operator's calls are a few among many customers'.
Calls that replay one conversation are one request, the one with the first message, else every long chat would look like a template.
Null hypothesis: the chance of an account having a given gram recur is the share of other entities where it does, so that
popular frameworks, apps and shared prompts weigh little. Gram sets of one instruction stand and fall together: they
are counted once (see `pools.candidates`).
Source: recurring grams found the groups at every step of the project's feasibility study, 12 % among them.
Formula: p(v) = (1 + entities outside the group with v) / (1 + entities outside it), within strata; weighed by the urn of
`pools.evidence`.
Estimated: a gram is counted exactly from when it has recurred in the account's sampled requests; what came before is the sample's share
(`digest.kernels`, sample and hold). Of accounts with at most 24 requests every request is in the sample.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stillhunt.channels import Aspect, Family, Observed

if TYPE_CHECKING:
    from stillhunt.channels.digest import Digest

SHARE = 0.12
"""Least share of an account's requests in which a gram must recur."""

OFTEN, SELDOM_SHARE = 12, 0.02
"""A gram that recurs in so many requests needs only this share of them."""


class Template:
    """Recurring grams of an account's requests."""

    name = "template"
    title = "Instruction"
    family: Family = "software"
    aspects = (
        Aspect(
            "template.gram",
            "set",
            "the instruction",
            {"interactions": ("sketch",)},
            pace=Aspect("template.pace", "measure", "how often a day the instruction is sent"),
        ),
    )

    def observe(self, digest: Digest) -> Iterable[Observed]:
        """One observation for each account and gram."""
        found = digest.recurring(SHARE, OFTEN, SELDOM_SHARE)
        shares = found.occurrences / digest.requests[found.accounts]
        yield Observed("template.gram", found.accounts, found.grams, found.first, found.last, found.occurrences, shares)

    def describe(self, aspect: str, value: str) -> str:
        """The words come from the k-anonymous dictionary; without them there is only the fact."""
        if aspect == "template.pace":
            return f"the pace of the instruction, about {2 ** float(value):.1f} times a day"
        return "one fixed instruction in their requests"


CHANNEL = Template()
