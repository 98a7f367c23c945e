"""What they run: an instruction that recurs in an account's calls, wherever it stands and whatever fills its slots.

An observation is a sampled gram (see `intake.sketch`) that recurs in at least 12 % of an account's separate requests, or in 2 % of
them if these are twelve or more: behind a reseller, an operator's calls are a few among many customers'.
Calls that replay one conversation are one request, else every long chat would look like a template.
Null hypothesis: the chance of an account having a given gram recur is the share of other entities where it does, so that
popular frameworks, apps and shared prompts weigh little. Gram sets of one instruction stand and fall together: they
are counted once (see `pools.candidates`).
Source: recurring grams found the groups at every step of the project's feasibility study, 12 % among them.
Formula: p(v) = (1 + entities outside the group with v) / (1 + entities outside it), within strata; weighed by the urn of
`pools.evidence`.
"""

from __future__ import annotations

from collections.abc import Iterable

from stillhunt.channels import Aspect, Family, View
from stillhunt.lake.engine import Dialect

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

    def observe(self, dialect: Dialect, view: View) -> Iterable[str]:
        """Accounts are taken in eight parts, which bounds the memory of the count whatever the number of calls."""
        requests = "COALESCE(conversation_id, interaction_id)"
        for part in range(8):
            bucket = f"{dialect.bucket('account_id', 8)} = {part}"
            exploded = dialect.explode(
                f"(SELECT account_id, {requests} AS request, started_at, sketch FROM calls WHERE sketch IS NOT NULL AND {bucket})",
                "sketch",
                "gram",
                ["account_id", "request", "started_at"],
            )
            yield f"""
                WITH totals AS (
                  SELECT account_id, COUNT(DISTINCT {requests}) AS total FROM calls
                  WHERE sketch IS NOT NULL AND {bucket} GROUP BY account_id HAVING COUNT(DISTINCT {requests}) >= 2),
                grams AS ({exploded}),
                often AS (
                  SELECT account_id, gram, COUNT(DISTINCT request) AS occurrences, MIN(started_at) AS first_at, MAX(started_at) AS last_at
                  FROM grams WHERE account_id IN (SELECT account_id FROM totals)
                  GROUP BY account_id, gram HAVING COUNT(*) >= 2)
                SELECT o.account_id, 'template.gram' AS channel, CAST(o.gram AS VARCHAR) AS value, o.first_at, o.last_at, o.occurrences,
                       CAST(o.occurrences AS DOUBLE) / CAST(t.total AS DOUBLE) AS share
                FROM often o JOIN totals t ON o.account_id = t.account_id
                WHERE o.occurrences >= 2 AND (
                  CAST(o.occurrences AS DOUBLE) >= {SHARE} * CAST(t.total AS DOUBLE)
                  OR (o.occurrences >= {OFTEN} AND CAST(o.occurrences AS DOUBLE) >= {SELDOM_SHARE} * CAST(t.total AS DOUBLE)))"""

    def describe(self, aspect: str, value: str) -> str:
        """The words come from the k-anonymous dictionary; without them there is only the fact."""
        if aspect == "template.pace":
            return f"the pace of the instruction, about {2 ** float(value):.1f} times a day"
        return "one fixed instruction in their requests"


CHANNEL = Template()
