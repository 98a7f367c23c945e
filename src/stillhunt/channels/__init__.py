"""Channels: kinds of observation, one module each, found by entry point (group ``stillhunt.channels``).

In: the lake's interactions and accounts, through an engine. Out: rows of `records.OBSERVATIONS`.
May import: records, errors, lake. A channel decides nothing: what its values weigh is the population's to say (pools).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import entry_points
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt.lake.engine import Dialect, Engine
from stillhunt.records import OBSERVATIONS, Visibility

Family = Literal["payer", "identity", "place", "software", "occasion", "conduct", "work"]
"""What would have to be common for the values to be: who pays, who they say they are, where they sit, what they run,
what brought them, how they behave, what they work on. Channels of one family depend on one another, because one
cause moves them together; evidence is multiplied across families and only averaged within one."""

Kind = Literal["category", "measure", "set", "tie"]
"""How values are to be compared. category: one value an account, alike or not. measure: a number, close or not.
set: many values an account, of which some recur. tie: values that two or three accounts share tie just these."""


@dataclass(frozen=True)
class View:
    """What a scan looks at: everything that began before `as_of`, and the span of the calls in it."""

    first: datetime
    last: datetime


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
        first: when it was first seen, microseconds since 1970; 0 where that is not known.
        last: when it was last seen.
        occurrences: how many of the account's calls (or records) show it.
        shares: ... as a share of those that could have.
    """

    aspect: str
    accounts: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64] | npt.NDArray[np.int64] | pa.DictionaryArray[Any, Any]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    occurrences: npt.NDArray[np.int64]
    shares: npt.NDArray[np.float64]


class Channel(Protocol):
    """A kind of observation. An instance of it is the entry point.

    The SQL of `observe` reads the relations ``calls`` (interactions in view) and ``people`` (accounts in view, one row
    for every account that is known or has called) and yields the columns of `records.OBSERVATIONS` in that order.
    """

    name: str
    title: str
    family: Family
    aspects: tuple[Aspect, ...]

    def observe(self, dialect: Dialect, view: View) -> Iterable[str]:
        """Queries whose rows together are the channel's observations."""
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


def observe(engine: Engine, view: View, wanted: Iterable[Channel]) -> tuple[pa.Table, list[Visibility]]:
    """Run every channel on the relations ``calls`` and ``people``.

    Returns:
        The observations (`records.OBSERVATIONS`), sorted so that equal lakes give equal tables, and for each channel
        what it could see: a channel none of whose columns is filled says "not visible" instead of "nothing found".
    """
    wanted = list(wanted)
    filled = {table: _filled(engine, table, columns) for table, columns in _columns(wanted).items()}
    empty = OBSERVATIONS.empty_table()
    parts: list[pa.Table] = []
    seen: list[Visibility] = []
    for channel in wanted:
        missing = {
            aspect.name: [f"{table}.{column}" for table, columns in aspect.needs.items() for column in columns if not filled[table][column]]
            for aspect in channel.aspects
        }
        if all(missing.values()):
            seen.append(Visibility(channel=channel.name, visible=False, accounts=0, reason=_lacking(channel, missing)))
            continue
        own = [engine.fetch(sql).cast(OBSERVATIONS) for sql in channel.observe(engine.dialect, view)]
        parts += own
        accounts = len(pa.concat_tables([empty, *own])["account_id"].unique())
        reason = f"partly: {_lacking(channel, missing)}" if any(missing.values()) else None
        seen.append(Visibility(channel=channel.name, visible=True, accounts=accounts, reason=reason))
    table = pa.concat_tables([empty, *parts])
    return table.sort_by([("channel", "ascending"), ("account_id", "ascending"), ("value", "ascending")]), seen


def _lacking(channel: Channel, missing: Mapping[str, list[str]]) -> str:
    """What the aspects that see nothing would need."""
    columns = sorted({column for aspect in channel.aspects if not aspect.unseen for column in missing[aspect.name]})
    reasons = [f"the logs do not carry {', '.join(columns)}"] if columns else []
    reasons += sorted({aspect.unseen for aspect in channel.aspects if aspect.unseen and missing[aspect.name]})
    return "; ".join(reasons)


_RELATIONS = {"interactions": "calls", "accounts": "people"}


def _columns(wanted: Iterable[Channel]) -> dict[str, list[str]]:
    columns: dict[str, set[str]] = {"interactions": set(), "accounts": set()}
    for channel in wanted:
        for aspect in channel.aspects:
            for table, names in aspect.needs.items():
                columns[table].update(names)
    return {table: sorted(names) for table, names in columns.items()}


def _filled(engine: Engine, table: str, columns: list[str]) -> dict[str, bool]:
    if not columns:
        return {}
    counts = ", ".join(f"COUNT({column}) AS {column}" for column in columns)
    row = engine.fetch(f"SELECT {counts} FROM {_RELATIONS[table]}").to_pylist()[0]
    return {column: bool(row[column]) for column in columns}
