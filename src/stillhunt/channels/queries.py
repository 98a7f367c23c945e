"""The two queries that most channels are made of, so that each channel says only what is its own."""

from __future__ import annotations


def account_value(aspect: str, expression: str) -> str:
    """Observations of something that stands on the account itself: one an account where `expression` is not null."""
    return f"""
        SELECT account_id, '{aspect}' AS channel, {expression} AS value, created_at AS first_at, created_at AS last_at,
               CAST(1 AS BIGINT) AS occurrences, CAST(1.0 AS DOUBLE) AS share
        FROM people WHERE ({expression}) IS NOT NULL"""


def dominant_value(aspect: str, expression: str) -> str:
    """Observations of the value that most of an account's calls show: one an account.

    Values of equal share go to the first by name, so that results do not depend on the engine.
    """
    return f"""
        WITH counted AS (
          SELECT account_id, {expression} AS value, MIN(started_at) AS first_at, MAX(started_at) AS last_at, COUNT(*) AS occurrences
          FROM calls WHERE ({expression}) IS NOT NULL GROUP BY account_id, {expression}),
        ranked AS (
          SELECT *, SUM(occurrences) OVER (PARTITION BY account_id) AS total,
                 ROW_NUMBER() OVER (PARTITION BY account_id ORDER BY occurrences DESC, value) AS place FROM counted)
        SELECT account_id, '{aspect}' AS channel, value, first_at, last_at, occurrences,
               CAST(occurrences AS DOUBLE) / CAST(total AS DOUBLE) AS share
        FROM ranked WHERE place = 1"""
