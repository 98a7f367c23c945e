"""How they behave: pace, hours, idleness, constancy and regularity of an account's calls.

Measures, each for accounts with at least eight calls:

* `rhythm.pace`: log2 of calls per active day;
* `rhythm.quiet`: share of the calls that fall into the account's quietest eight hours of the day (circular); a person's
  night makes it nearly 0, a machine that never pauses comes near 1/3;
* `rhythm.idle`: median over days of the longest pause that begins on that day, in hours;
* `rhythm.constancy`: log2 of 0.05 + the variance-to-mean ratio (Fano factor) of the daily counts between first and last day,
  days without calls included, where these are three days apart or more; independent arrivals at one rate give
  about 0, people far more, and perfectly even days log2(0.05).
* `rhythm.regularity`: log2 of the upper quartile of the pauses between calls over the lower one: 0 for a timetable, whatever its
  nights, about 2.3 for independent arrivals at one rate, more for people, whose calls come in sittings.

Null hypothesis: the accounts' places in the population's own order of each measure are drawn independently. An
operator's scheduler gives all accounts one pace; people who share a cause share hours, hardly ever a pace.
Reference: U. Fano, Phys. Rev. 72 (1947) 26, for the ratio.
Formula: p(bin) = (1 + entities outside the group in the bin) / (1 + entities outside it), bins of equal share at four
resolutions, within strata; weighed by the urn of `pools.evidence`.
"""

from __future__ import annotations

from collections.abc import Iterable

from stillhunt.channels import Aspect, Family, View
from stillhunt.lake.engine import Dialect

LEAST_CALLS = 8
QUIET_HOURS = 8


class Rhythm:
    """Five measures of how an account's calls lie in time."""

    name = "rhythm"
    title = "Rhythm"
    family: Family = "conduct"
    aspects = (
        Aspect("rhythm.pace", "measure", "calls per active day", {"interactions": ("started_at",)}),
        Aspect("rhythm.quiet", "measure", "the share of calls in the quietest eight hours", {"interactions": ("started_at",)}),
        Aspect("rhythm.idle", "measure", "the longest pause of a day", {"interactions": ("started_at",)}),
        Aspect("rhythm.constancy", "measure", "how constant the daily counts are", {"interactions": ("started_at",)}),
        Aspect("rhythm.regularity", "measure", "how regular the pauses are", {"interactions": ("started_at",)}),
    )

    def observe(self, dialect: Dialect, view: View) -> Iterable[str]:
        """One query for each measure."""
        day = dialect.day_utc("started_at")
        busy = f"""busy AS (
              SELECT account_id, COUNT(*) AS calls, MIN(started_at) AS first_at, MAX(started_at) AS last_at,
                     MIN({day}) AS first_day, MAX({day}) AS last_day, COUNT(DISTINCT {day}) AS days
              FROM calls GROUP BY account_id HAVING COUNT(*) >= {LEAST_CALLS})"""
        columns = "b.first_at, b.last_at, b.calls AS occurrences, CAST(1.0 AS DOUBLE) AS share"
        yield f"""WITH {busy}
            SELECT b.account_id, 'rhythm.pace' AS channel,
                   CAST(LOG2(CAST(b.calls AS DOUBLE) / CAST(b.days AS DOUBLE)) AS VARCHAR) AS value, {columns}
            FROM busy b"""
        yield f"""WITH {busy},
            hours AS (SELECT account_id, {dialect.hour_utc("started_at")} AS hour, COUNT(*) AS calls FROM calls
                      GROUP BY account_id, {dialect.hour_utc("started_at")}),
            begins AS ({" UNION ALL ".join(f"SELECT {hour} AS begins" for hour in range(24))}),
            windows AS (
              SELECT b.account_id, w.begins,
                     SUM(CASE WHEN h.hour IS NOT NULL AND MOD(h.hour - w.begins + 24, 24) < {QUIET_HOURS} THEN h.calls ELSE 0 END) AS inside
              FROM busy b CROSS JOIN begins w LEFT JOIN hours h ON h.account_id = b.account_id GROUP BY b.account_id, w.begins),
            quietest AS (SELECT account_id, MIN(inside) AS inside FROM windows GROUP BY account_id)
            SELECT b.account_id, 'rhythm.quiet' AS channel,
                   CAST(CAST(q.inside AS DOUBLE) / CAST(b.calls AS DOUBLE) AS VARCHAR) AS value, {columns}
            FROM busy b JOIN quietest q ON q.account_id = b.account_id"""
        micros = dialect.epoch_us("started_at")
        yield f"""WITH {busy},
            gaps AS (
              SELECT account_id, {day} AS day,
                     CAST(LEAD({micros}) OVER (PARTITION BY account_id ORDER BY {micros}) - {micros} AS DOUBLE) / 3.6e9 AS gap
              FROM calls),
            longest AS (SELECT account_id, day, MAX(gap) AS gap FROM gaps WHERE gap IS NOT NULL GROUP BY account_id, day),
            typical AS (SELECT account_id, {dialect.quantile("gap", 0.5)} AS gap FROM longest GROUP BY account_id)
            SELECT b.account_id, 'rhythm.idle' AS channel, CAST(t.gap AS VARCHAR) AS value, {columns}
            FROM busy b JOIN typical t ON t.account_id = b.account_id"""
        lower, upper = dialect.quantile("gap", 0.25), dialect.quantile("gap", 0.75)
        yield f"""WITH {busy},
            gaps AS (
              SELECT account_id, CAST(LEAD({micros}) OVER (PARTITION BY account_id ORDER BY {micros}) - {micros} AS DOUBLE) / 1e6 AS gap
              FROM calls),
            quartiles AS (
              SELECT account_id, {lower} AS lower_one, {upper} AS upper_one FROM gaps WHERE gap IS NOT NULL GROUP BY account_id)
            SELECT b.account_id, 'rhythm.regularity' AS channel,
                   CAST(LOG2((1.0 + q.upper_one) / (1.0 + q.lower_one)) AS VARCHAR) AS value, {columns}
            FROM busy b JOIN quartiles q ON q.account_id = b.account_id"""
        yield f"""WITH {busy},
            daily AS (SELECT account_id, {day} AS day, CAST(COUNT(*) AS DOUBLE) AS calls FROM calls GROUP BY account_id, {day}),
            sums AS (SELECT account_id, SUM(calls) AS total, SUM(calls * calls) AS squares FROM daily GROUP BY account_id),
            moments AS (
              SELECT b.account_id, CAST(b.last_day - b.first_day + 1 AS DOUBLE) AS span, s.total, s.squares
              FROM busy b JOIN sums s ON s.account_id = b.account_id WHERE b.last_day - b.first_day >= 3)
            SELECT b.account_id, 'rhythm.constancy' AS channel,
                   CAST(LOG2(0.05 + m.squares / m.total - m.total / m.span) AS VARCHAR) AS value, {columns}
            FROM busy b JOIN moments m ON m.account_id = b.account_id"""

    def describe(self, aspect: str, value: str) -> str:
        """What is alike, with the number in its own unit."""
        number = float(value)
        return {
            "rhythm.pace": f"the same pace, about {2**number:.1f} calls on an active day",
            "rhythm.quiet": f"the same hours ({number:.0%} of the calls in the quietest eight hours)",
            "rhythm.idle": f"the same pauses (the longest of a day is about {number:.1f} hours)",
            "rhythm.regularity": f"equally regular pauses (the upper quartile is {2**number:.1f} times the lower one)",
            "rhythm.constancy": f"equally constant days (variance is {2**number:.1f} times the mean)",
        }[aspect]


CHANNEL = Rhythm()
