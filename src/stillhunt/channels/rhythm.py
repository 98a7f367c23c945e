"""How they behave: pace, hours, idleness, constancy and regularity of an account's calls.

Measures, each for accounts with at least eight calls:

* `rhythm.pace`: log2 of calls per active day;
* `rhythm.quiet`: share of the calls that fall into the account's quietest eight hours of the day (circular); a person's
  night makes it nearly 0, a machine that never pauses comes near 1/3;
* `rhythm.idle`: median over days of the longest pause that begins on that day, in hours; the day of the last call is left out, because
  its longest pause is not over;
* `rhythm.constancy`: log2 of 0.05 + the variance-to-mean ratio (Fano factor) of the daily counts between first and last day,
  days without calls included, where these are three days apart or more; independent arrivals at one rate give
  about 0, people far more, and perfectly even days log2(0.05);
* `rhythm.regularity`: log2 of 1 + the upper quartile of the pauses between calls, in seconds, over 1 + the lower one: next to 0 for a
  timetable, whatever its nights, about 2.3 for independent arrivals at one rate, more for people, whose calls come in sittings.

Pace, quiet and constancy are exact (of logs that arrive more than four days late, days count apart). Estimated: idle and regularity,
from histograms, linear inside a bin. Bins of idle are a quarter of an hour wide up to 12 hours, a half up to 24, a quarter of an octave
beyond; bins of pauses an eighth of an octave, so that a timetable shows a regularity of about 1/16, or 1/8 at most where its pauses lie
around an edge.

Null hypothesis: the accounts' places in the population's own order of each measure are drawn independently. An
operator's scheduler gives all accounts one pace; people who share a cause share hours, hardly ever a pace.
Reference: U. Fano, Phys. Rev. 72 (1947) 26, for the ratio.
Formula: p(bin) = (1 + entities outside the group in the bin) / (1 + entities outside it), bins of equal share at four
resolutions, within strata; weighed by the urn of `pools.evidence`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from stillhunt.channels import Aspect, Family, Observed
from stillhunt.channels.observing import measured

if TYPE_CHECKING:
    from stillhunt.channels.digest import Digest

LEAST_CALLS = 8
QUIET_HOURS = 8
LEAST_SPAN = 3
"""Days between the first and the last call, for daily counts to vary."""

_DAY = 86_400_000_000


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

    def observe(self, digest: Digest) -> Iterable[Observed]:
        """All five for whoever has calls enough."""
        enough = digest.calls >= LEAST_CALLS
        calls = digest.calls.astype(np.float64)
        days = (digest.last // _DAY - digest.first // _DAY + 1).astype(np.float64)
        long = enough & (days > LEAST_SPAN)
        with np.errstate(invalid="ignore"):  # late logs that count as days of their own may leave a variance below 0
            constancy = np.log2(0.05 + np.maximum(0.0, digest.squares / calls - calls / days))
        yield measured(digest, "rhythm.pace", np.log2(calls / digest.days), enough, digest.calls)
        yield measured(digest, "rhythm.quiet", digest.quietest(QUIET_HOURS) / calls, enough, digest.calls)
        yield measured(digest, "rhythm.idle", digest.idle.quantile(0.5), enough, digest.calls)
        yield measured(digest, "rhythm.constancy", constancy, long, digest.calls)
        yield measured(digest, "rhythm.regularity", digest.pauses.quantile(0.75) - digest.pauses.quantile(0.25), enough, digest.calls)

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
