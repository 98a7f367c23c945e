"""What they work on: the identical request reappears from another account right after the first one was refused.

Null hypothesis: unrelated accounts do not know one another's refused requests, so that a rare request that fails on one
account and is sent by another within a minute ties the two by chance only as often as requests are shared at all.
Requests known to more than three accounts (health checks, benchmarks, popular prompts) cannot tie anybody and are left out.
Innocent twin: a customer's failover router, whose accounts declare one organization or one payer.
Source: design note "handoff"; failover on 429, 403 or a ban is on the indicator lists (AA26-251A).
Formula: accounts tied by a request, directly or in a chain, form one value v (connected components, `pools.population`); then p(v) as
for any category.
"""

from __future__ import annotations

from collections.abc import Iterable

from stillhunt.channels import Aspect, Family, View
from stillhunt.lake.engine import Dialect

WITHIN_SECONDS = 60


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

    def observe(self, dialect: Dialect, view: View) -> Iterable[str]:
        """Both sides of each handoff, with the request as the value that they share."""
        failed = dialect.epoch_us("f.started_at")
        taken = dialect.epoch_us("t.started_at")
        request = "CAST(f.prompt_hash AS VARCHAR) || '/' || CAST(COALESCE(f.system_hash, 0) AS VARCHAR)"
        yield f"""
            WITH rare AS (
              SELECT prompt_hash, COALESCE(system_hash, 0) AS system_hash FROM calls WHERE prompt_hash IS NOT NULL
              GROUP BY prompt_hash, COALESCE(system_hash, 0)
              HAVING COUNT(DISTINCT account_id) BETWEEN 2 AND 3),
            c AS (
              SELECT account_id, started_at, http_status, calls.prompt_hash, COALESCE(calls.system_hash, 0) AS system_hash
              FROM calls JOIN rare ON calls.prompt_hash = rare.prompt_hash AND COALESCE(calls.system_hash, 0) = rare.system_hash),
            pairs AS (
              SELECT f.account_id AS giver, t.account_id AS taker, {request} AS value, f.started_at AS first_at, t.started_at AS last_at
              FROM c f JOIN c t ON f.prompt_hash = t.prompt_hash AND f.system_hash = t.system_hash AND f.account_id <> t.account_id
              WHERE f.http_status >= 400 AND {taken} >= {failed} AND {taken} - {failed} <= {WITHIN_SECONDS * 1_000_000}),
            sides AS (
              SELECT giver AS account_id, value, first_at, last_at FROM pairs
              UNION ALL SELECT taker AS account_id, value, first_at, last_at FROM pairs)
            SELECT account_id, 'handoff.request' AS channel, value, MIN(first_at) AS first_at, MAX(last_at) AS last_at,
                   COUNT(*) AS occurrences, CAST(NULL AS DOUBLE) AS share
            FROM sides GROUP BY account_id, value"""

    def describe(self, aspect: str, value: str) -> str:
        """What it means, since the hash says nothing."""
        return "requests that were refused on one account and sent again by another within a minute"


CHANNEL = Handoff()
