"""How they behave: when an account that had been using other models turns to a model for the first time.

A value is the model and the six-hour interval of the first call to it, for accounts with earlier calls to another model.
Null hypothesis: the chance of an account turning to a given model in a given interval is the share of other entities
that did, so that a release day on which everybody tries the new model makes none of them surprising.
Source: pools that moved to a new model within a day (shape "pivot" of the reported campaigns).
Formula: p(v) = (1 + entities outside the group with v) / (1 + entities outside it), within strata; weighed by the urn of
`pools.evidence`.
"""

from __future__ import annotations

from collections.abc import Iterable

from stillhunt.channels import Aspect, Family, View
from stillhunt.lake.engine import Dialect

INTERVAL_US = 6 * 3_600_000_000


class Pivot:
    """The last model that an account turned to, and when."""

    name = "pivot"
    title = "Model pivot"
    family: Family = "conduct"
    aspects = (Aspect("pivot.model", "category", "the turn to a model", {"interactions": ("request_model",)}),)

    def observe(self, dialect: Dialect, view: View) -> Iterable[str]:
        """Only a turn that most of the account's later calls follow counts: trying a model is no pivot."""
        micros = dialect.epoch_us("started_at")
        yield f"""
            WITH uses AS (
              SELECT account_id, request_model, MIN({micros}) AS first_us, MIN(started_at) AS first_at,
                     MAX(started_at) AS last_at, COUNT(*) AS calls
              FROM calls WHERE request_model IS NOT NULL GROUP BY account_id, request_model),
            began AS (SELECT account_id, MIN(first_us) AS began FROM uses GROUP BY account_id),
            turns AS (
              SELECT u.* FROM uses u JOIN began b ON u.account_id = b.account_id WHERE u.first_us > b.began),
            later AS (
              SELECT t.account_id, t.request_model, COUNT(*) AS calls FROM turns t JOIN calls c ON c.account_id = t.account_id
              WHERE {dialect.epoch_us("c.started_at")} >= t.first_us GROUP BY t.account_id, t.request_model),
            followed AS (
              SELECT t.*, l.calls AS since, ROW_NUMBER() OVER (PARTITION BY t.account_id ORDER BY t.first_us DESC, t.request_model) AS place
              FROM turns t JOIN later l ON l.account_id = t.account_id AND l.request_model = t.request_model
              WHERE t.calls >= 3 AND 2 * t.calls >= l.calls)
            SELECT account_id, 'pivot.model' AS channel,
                   request_model || '@' || CAST(CAST(FLOOR(CAST(first_us AS DOUBLE) / {INTERVAL_US}.0) AS BIGINT) AS VARCHAR) AS value,
                   first_at, last_at, calls AS occurrences, CAST(calls AS DOUBLE) / CAST(since AS DOUBLE) AS share
            FROM followed WHERE place = 1"""

    def describe(self, aspect: str, value: str) -> str:
        """The model; the interval is for the timeline."""
        return f"a turn to the model {value.rsplit('@', 1)[0]} within the same six hours"


CHANNEL = Pivot()
