"""Channels: kinds of observation, one module each, found by entry point (group ``stillhunt.channels``).

In: digests of accounts (`channels.digest`). Out: observations as columns (`Observed`), and as rows of `records.OBSERVATIONS` where they
are to be kept. May import: records, errors, lake. A channel decides nothing: what its values weigh is the population's to say (pools).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt.channels.threads import in_threads
from stillhunt.records import OBSERVATIONS, TIMESTAMP, Visibility

if TYPE_CHECKING:
    from stillhunt.channels.digest import Digest  # compiles loops, which whoever only lists channels need not wait for

Family = Literal["payer", "identity", "place", "software", "occasion", "conduct", "work"]
"""What would have to be common for the values to be: who pays, who they say they are, where they sit, what they run,
what brought them, how they behave, what they work on. Channels of one family depend on one another, because one
cause moves them together; evidence is multiplied across families and only averaged within one."""

Kind = Literal["category", "measure", "set", "tie"]
"""How values are to be compared. category: one value an account, alike or not. measure: a number, close or not.
set: many values an account, of which some recur. tie: values that two or three accounts share tie just these."""


@dataclass(frozen=True)
class Aspect:
    """One comparable quantity of a channel. Its observations carry `name` ("signup.created") as their channel."""

    name: str
    kind: Kind
    title: str  # for people, as in "they share ..."
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # table -> columns without which it sees nothing
    testifies: bool = True  # whether having it in common speaks for one operator, or only explains
    pace: Aspect | None = None  # of a set: what the frequency of a value that a group has in common is called, if that is telling
    unseen: str = ""  # why it sees nothing, in words, where that is not for want of a column in the logs


@dataclass(frozen=True)
class Observed:
    """What one aspect showed, as columns of equal length, sorted by account.

    Attributes:
        aspect: the aspect's name.
        accounts: positions of accounts in the digest's order.
        values: one value a row. Measures have numbers, categories a dictionary array of strings, sets and ties whole numbers.
            A dictionary is sorted and has no values but those observed, so that equal lakes give equal codes.
        first: when it was first seen, microseconds since 1970; 0 where that is not known.
        last: when it was last seen.
        occurrences: how many of the account's calls (or records) show it.
        shares: ... as a share of those that could have; nan where that is not known.
    """

    aspect: str
    accounts: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64] | npt.NDArray[np.int64] | pa.DictionaryArray[Any, Any]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    occurrences: npt.NDArray[np.int64]
    shares: npt.NDArray[np.float64]


class Channel(Protocol):
    """A kind of observation. An instance of it is the entry point."""

    name: str
    title: str
    family: Family
    aspects: tuple[Aspect, ...]

    def observe(self, digest: Digest) -> Iterable[Observed]:
        """What the digests show, once for each aspect that shows anything; the same whatever the order of calls and accounts."""
        ...

    def describe(self, aspect: str, value: str) -> str:
        """The value in words, to follow "share": "one payment card", "the network 192.0.2.0/24"."""
        ...


def channels() -> list[Channel]:
    """All channels, built in or plugged in, by name.

    Raises:
        ImportError: a plug-in that is installed cannot be imported.
    """
    return [entry.load() for entry in sorted(entry_points(group="stillhunt.channels"), key=lambda entry: entry.name)]


def observe(digest: Digest, wanted: Iterable[Channel]) -> tuple[list[Observed], list[Visibility]]:
    """Let every channel look at the digests.

    Returns:
        What each aspect showed, by name of the aspect, those that showed nothing left out; and for each channel what it could
        see: a channel none of whose columns is filled says "not visible" instead of "nothing found".
    """

    def look(channel: Channel) -> tuple[list[Observed], Visibility]:
        missing = {
            aspect.name: [
                f"{table}.{column}"
                for table, columns in aspect.needs.items()
                for column in columns
                if f"{table}.{column}" not in digest.filled
            ]
            for aspect in channel.aspects
        }
        if all(missing.values()):
            return [], Visibility(channel=channel.name, visible=False, accounts=0, reason=_lacking(channel, missing))
        own = [one for one in channel.observe(digest) if one.accounts.size]
        reason = f"partly: {_lacking(channel, missing)}" if any(missing.values()) else None
        return own, Visibility(channel=channel.name, visible=True, accounts=_observed_at_all(own, len(digest.ids)), reason=reason)

    looked = in_threads(look, wanted)
    return sorted((one for own, _ in looked for one in own), key=lambda one: one.aspect), [seen for _, seen in looked]


def _observed_at_all(found: Iterable[Observed], size: int) -> int:
    """How many of `size` accounts there is any observation of."""
    there = np.zeros(size, np.bool_)
    for one in found:
        there[one.accounts] = True
    return int(there.sum())


def _lacking(channel: Channel, missing: Mapping[str, list[str]]) -> str:
    """What the aspects that see nothing would need."""
    columns = sorted({column for aspect in channel.aspects if not aspect.unseen for column in missing[aspect.name]})
    reasons = [f"the logs do not carry {', '.join(columns)}"] if columns else []
    reasons += sorted({aspect.unseen for aspect in channel.aspects if aspect.unseen and missing[aspect.name]})
    return "; ".join(reasons)


def table_of(observed: Iterable[Observed], digest: Digest, accounts: npt.NDArray[np.int64] | None = None) -> pa.Table:
    """Observations as rows, values as words: what is kept and shown of the accounts that matter.

    Args:
        observed: what aspects showed.
        digest: the digests that they were observed in.
        accounts: positions of the accounts to tell of, in any order; None tells of all.

    Returns:
        Columns of `records.OBSERVATIONS`, sorted by channel, account and value, so that equal lakes give equal tables.
    """
    chosen = np.ones(len(digest.ids), np.bool_)
    if accounts is not None:
        chosen[:] = False
        chosen[accounts] = True
    table = pa.concat_tables([OBSERVATIONS.empty_table(), *(_rows(one, digest, np.flatnonzero(chosen[one.accounts])) for one in observed)])
    return table.sort_by([("channel", "ascending"), ("account_id", "ascending"), ("value", "ascending")])


def _rows(observed: Observed, digest: Digest, at: npt.NDArray[np.int64]) -> pa.Table:
    values = observed.values
    words = values.take(pa.array(at, pa.int64())) if isinstance(values, pa.DictionaryArray) else pa.array(values[at])
    shares = observed.shares[at]
    columns = [
        digest.ids.take(pa.array(observed.accounts[at], pa.int64())),
        pa.repeat(pa.scalar(observed.aspect), at.size),
        words.cast(pa.string()),
        _moments(observed.first[at]),
        _moments(observed.last[at]),
        pa.array(observed.occurrences[at], pa.int64()),
        pa.array(shares, pa.float64(), mask=np.isnan(shares)),
    ]
    return pa.table(columns, schema=OBSERVATIONS)


def _moments(micros: npt.NDArray[np.int64]) -> pa.Array[Any]:
    return pa.array(micros, pa.int64(), mask=micros == 0).cast(TIMESTAMP)
