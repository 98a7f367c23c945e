"""Is the work dealt out, each task once? What accounts would have in common if each drew tasks of its own.

**Null hypothesis**: accounts draw independently from one list of L requests. Of P pairs (account, request), C is the number that repeat a
request that another account has sent, apart from those that were handed on. If L is large, C is Poisson with mean P^2 / (2 L), so that
with c = the upper 95 % limit of a Poisson mean for C (chi-squared quantile / 2; F. Garwood, Biometrika 28 (1936) 437) the list has at least

    L >= P^2 / (2 c)

requests. A list that would have to be a thousand times what was asked is no list that anybody draws from: the work is dealt out, or each
account's is its own. Requests are sampled by hash at a known rate, the same for all accounts; L is scaled by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True)
class Dealt:
    """What was asked, and how long a list that accounts draw from would have to be.

    Attributes:
        distinct: distinct requests, of those sampled.
        pairs: pairs of account and request, of those sampled.
        repeated: repetitions that no handing on explains.
        least_list: requests that a common list would have at least.
    """

    distinct: int
    pairs: int
    repeated: int
    least_list: float

    @property
    def times(self) -> float:
        """How many times what was asked the list would have to be."""
        return self.least_list / max(self.pairs, 1)


def dealt(distinct: int, pairs: int, handed_on: int, rate: float = 1.0) -> Dealt | None:
    """The figures; None where fewer than a hundred requests are known.

    Args:
        distinct: distinct requests among those sampled.
        pairs: pairs of account and request among them.
        handed_on: requests that one member handed to another.
        rate: share of all requests that is sampled.
    """
    if pairs < 100:
        return None
    repeated = max(0, pairs - distinct - round(handed_on * rate))
    mean = float(stats.chi2.ppf(LEVEL, 2 * (repeated + 1)) / 2.0)
    return Dealt(distinct, pairs, repeated, pairs**2 / (2.0 * mean) / max(rate, 1e-9))
