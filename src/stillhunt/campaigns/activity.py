"""When each account of a campaign called, coarse enough to be kept with the findings of tens of thousands of accounts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stillhunt.pools.population import Index

MAX_SPANS = 28
"""Spans that a campaign's time is cut into at most: what fits in a line of text."""

HOUR_US = 3_600_000_000
_HOURS = (1, 2, 3, 4, 6, 8, 12, 24)
"""Lengths of a span that divide a day; beyond, whole days."""


def activity(positions: Index, times: Index, members: Index) -> tuple[int, npt.NDArray[np.int64]]:
    """Calls of each member in equal spans of time.

    Args:
        positions: of the account of each call, shape (calls,).
        times: of each call, microseconds since 1970 UTC, shape (calls,).
        members: positions of the accounts asked for, no two alike; all calls are theirs.

    Returns:
        Hours of a span, and counts of shape (members, spans) in the order of `members`. The first span begins at midnight UTC of the
        day of the first call; there are at most `MAX_SPANS`.
    """
    if not times.size:
        return _HOURS[-1], np.zeros((members.size, 0), np.int64)
    day = 24 * HOUR_US
    begin = int(times.min()) // day * day
    last = int(times.max()) - begin
    fitting = (length for length in _HOURS if last // (length * HOUR_US) < MAX_SPANS)
    hours = next(fitting, 24 * -(-(last // day + 1) // MAX_SPANS))
    spans = last // (hours * HOUR_US) + 1
    order = np.argsort(members, kind="stable")
    row = order[np.searchsorted(members, positions, sorter=order)]
    cells = row * spans + (times - begin) // (hours * HOUR_US)
    counts = np.bincount(cells, minlength=members.size * spans)
    return hours, counts.astype(np.int64).reshape(members.size, spans)
