"""When a campaign's accounts called: one row an account, one column a span of time.

Calls are read in batches and added up at once, so that a campaign of tens of millions of calls takes no more memory than its table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.cases.material import Material
from stillhunt.channels.digest.chunks import until

MOST_SPANS = 240
"""Columns at most: an hour each for ten days, longer spans beyond."""
HOURS = (1, 2, 3, 4, 6, 8, 12, 24, 48, 168, 336, 672)
"""Lengths of a span that divide or collect days, so that columns begin at midnight (UTC)."""

_HOUR = 3_600_000_000


@dataclass(frozen=True)
class Timeline:
    """Calls of accounts by spans of time.

    Attributes:
        names: account ids, in the order of their first call.
        calls: calls of each account in each span; shape (accounts, spans).
        begin: when the first span begins, microseconds since 1970 UTC.
        hours: length of a span.
    """

    names: list[str]
    calls: npt.NDArray[np.int64]
    begin: int
    hours: int

    def moment(self, span: int) -> datetime:
        """When a span begins."""
        return datetime.fromtimestamp((self.begin + span * self.hours * _HOUR) / 1e6, UTC)

    @property
    def span(self) -> str:
        """The length of a span in words."""
        if self.hours % 24:
            return "an hour" if self.hours == 1 else f"{self.hours} hours"
        return "a day" if self.hours == 24 else f"{self.hours // 24} days"


def timeline(material: Material) -> Timeline:
    """The calls of all members that the scan saw, failed ones included; accounts without any are left out."""
    if not material.members.size:
        return Timeline([], np.zeros((0, 1), np.int64), 0, 1)
    digest = material.sight.digest
    first, last = int(digest.first[material.members].min()), int(digest.last[material.members].max())
    hours = next((length for length in HOURS if (last - first) // (length * _HOUR) + 2 <= MOST_SPANS), HOURS[-1])
    begin = first // (min(hours, 24) * _HOUR) * min(hours, 24) * _HOUR
    spans = int((last - begin) // (hours * _HOUR)) + 1
    names = material.names
    wanted = pa.array(names, pa.string())
    calls = np.zeros(len(names) * spans, np.int64)
    columns = ["account_id", "started_at", *(["ended_at"] if material.as_of is not None else [])]
    for batch in material.lake.table("interactions").batches(columns):
        table = pa.Table.from_batches([batch])
        place = pc.index_in(table["account_id"].combine_chunks(), value_set=wanted)
        table = table.append_column("place", place).filter(place.is_valid())
        if material.as_of is not None:
            table = until(material.as_of)(table)
        if not table.num_rows:
            continue
        at = table["started_at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
        column = np.clip((at - begin) // (hours * _HOUR), 0, spans - 1)
        cells, times = np.unique(table["place"].to_numpy().astype(np.int64) * spans + column, return_counts=True)
        calls[cells] += times
    return _ordered(names, calls.reshape(len(names), spans), begin, hours)


def _ordered(names: list[str], calls: npt.NDArray[np.int64], begin: int, hours: int) -> Timeline:
    called = np.flatnonzero(calls.any(axis=1))
    first = (calls[called] > 0).argmax(axis=1)
    order = sorted(range(called.size), key=lambda at: (int(first[at]), names[called[at]]))
    return Timeline([names[called[at]] for at in order], calls[called[order]] if order else calls[:0], begin, hours)
