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

from stillhunt.channels import Aspect, Family, View
from stillhunt.channels.queries import account_value
from stillhunt.lake.engine import Dialect

EDGE_HOURS = 48


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

    def observe(self, dialect: Dialect, view: View) -> Iterable[str]:
        """Times as decimal hours: a measure's value is a number in words."""
        lives = f"""
            WITH lives AS (
              SELECT account_id, MIN(started_at) AS first_at, MAX(started_at) AS last_at, COUNT(*) AS calls,
                     MIN({dialect.epoch_us("started_at")}) AS first_us, MAX({dialect.epoch_us("started_at")}) AS last_us
              FROM calls GROUP BY account_id)"""
        begin = int(view.first.timestamp() * 1e6) + EDGE_HOURS * 3_600_000_000
        end = int(view.last.timestamp() * 1e6) - EDGE_HOURS * 3_600_000_000
        created = dialect.epoch_us("created_at")
        yield account_value("signup.created", f"CAST(CAST({created} AS DOUBLE) / 3.6e9 AS VARCHAR)")
        for aspect, micros, condition in (
            ("signup.began", "first_us", f"first_us >= {begin}"),
            ("signup.stopped", "last_us", f"last_us <= {end}"),
        ):
            yield f"""{lives}
                SELECT account_id, '{aspect}' AS channel, CAST(CAST({micros} AS DOUBLE) / 3.6e9 AS VARCHAR) AS value,
                       first_at, last_at, calls AS occurrences, CAST(1.0 AS DOUBLE) AS share
                FROM lives WHERE {condition}"""
        yield f"""{lives}
            SELECT l.account_id, 'signup.ramp' AS channel,
                   CAST((CAST(l.first_us AS DOUBLE) - CAST({dialect.epoch_us("p.created_at")} AS DOUBLE)) / 3.6e9 AS VARCHAR) AS value,
                   p.created_at AS first_at, l.first_at AS last_at, CAST(1 AS BIGINT) AS occurrences, CAST(1.0 AS DOUBLE) AS share
            FROM lives l JOIN people p ON l.account_id = p.account_id
            WHERE p.created_at IS NOT NULL AND l.first_us >= {begin}"""
        yield account_value("signup.referral", "referral")

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
