"""What they work on: word for word the same request from several accounts.

Null hypothesis: requests of some length are typed anew by everybody, so that the chance of an account sending a given
one is the share of other entities that did; greetings, popular prompts and benchmark questions cancel themselves.
This channel works both ways: independent people and benchmark runs repeat one another, a sharded work queue never
does. Few collisions are therefore no excuse, and many are one (see `campaigns.causes`).
Formula: the share of an account's calls whose request at least two other entities sent, too (`campaigns.harvest`), and the pool's
distinct requests as a share of its calls. It never counts towards coordination.
"""

from __future__ import annotations

from collections.abc import Iterable

from stillhunt.channels import Aspect, Family, View
from stillhunt.lake.engine import Dialect


class Identical:
    """Requests that two accounts or more have sent word for word."""

    name = "identical"
    title = "Identical request"
    family: Family = "work"
    aspects = (Aspect("identical.request", "set", "requests to the word", {"interactions": ("prompt_hash",)}, testifies=False),)

    def observe(self, dialect: Dialect, view: View) -> Iterable[str]:
        """Only requests of more than one account; the system prompt belongs to the request."""
        yield """
            WITH sent AS (
              SELECT account_id, prompt_hash, COALESCE(system_hash, 0) AS system_hash, COUNT(*) AS occurrences,
                     MIN(started_at) AS first_at, MAX(started_at) AS last_at
              FROM calls WHERE prompt_hash IS NOT NULL GROUP BY account_id, prompt_hash, COALESCE(system_hash, 0)),
            totals AS (SELECT account_id, SUM(occurrences) AS total FROM sent GROUP BY account_id),
            common AS (SELECT prompt_hash, system_hash FROM sent GROUP BY prompt_hash, system_hash HAVING COUNT(*) >= 2)
            SELECT s.account_id, 'identical.request' AS channel,
                   CAST(s.prompt_hash AS VARCHAR) || '/' || CAST(s.system_hash AS VARCHAR) AS value, s.first_at, s.last_at, s.occurrences,
                   CAST(s.occurrences AS DOUBLE) / CAST(t.total AS DOUBLE) AS share
            FROM sent s
            JOIN common c ON s.prompt_hash = c.prompt_hash AND s.system_hash = c.system_hash
            JOIN totals t ON s.account_id = t.account_id"""

    def describe(self, aspect: str, value: str) -> str:
        """A hash means nothing to a person."""
        return "requests that are the same word for word"


CHANNEL = Identical()
