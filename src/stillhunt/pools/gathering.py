"""Pools from any table of (account, channel, value, time): no logs, no texts, no labels.

What a channel means is said by its kind, as for the aspects of `stillhunt.channels`:

* shared: something that anybody may have (an address, a product, a post). One in common says little; what counts is how much more two
  accounts have in common than chance gives them (`pools.links`), and values that draw accounts which do nothing else (`pools.crowds`).
* tie: something that two accounts do with each other (a transfer, a request handed on). A tie links them as it stands, unless so many have
  part in it that it is a hub.
* measure: a number that says how an account behaves. With the time at which it began it makes bursts (`pools.bursts`).

Pools are made in the order of how directly they are seen: ties and links first; then bursts among the accounts that are left, because a
large pool makes its neighbours look as if they were part of its burst; then crowds among the rest. What proposed a pool cannot testify for
it: where there are measures, the accounts of a pool of ties must be more alike in them than strangers are (`LIKE`).

A pool is coordination, nothing else: a household, a shop and a firm are pools, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.pools.bursts import EXCESS, Bursts, bursts, likeness
from stillhunt.pools.bursts import RATE as BURST_RATE
from stillhunt.pools.crowds import Crowds, crowds
from stillhunt.pools.joining import join
from stillhunt.pools.links import Shared, distinct, shared, together, validated
from stillhunt.pools.population import Floats, Index

Kind = Literal["shared", "tie", "measure"]
Because = Literal["links", "burst", "crowd"]

HUB = 32
"""Accounts that may have part in one tie; beyond, it is a place (an exchange, a shop) that strangers meet at."""

LEAST_LINKED = 8
"""Fewest accounts of a pool of ties and links: fewer are what families and friends have. The engine for logs has the same bound."""

LEAST_BURST = 5
"""Fewest accounts of a pool of a burst, each of which is unlike strangers by itself."""

LIKE = 3.0
"""Mean bits by which the accounts of a pool of ties are nearer to one another than strangers: strangers have 1.44, and a common cause may
double that (compare `pools.calibration`)."""

CROWDED = 0.75
"""Least membership in a pool of a crowd: four times as many as expected. Less is what a common cause does (an audience, a season), and
stands in the accounts' `crowd_bits` only; `pools.calibration` grants causes the same."""

RATE = 0.01
"""False discovery rate of links and of crowds unless set."""

_LINKS: list[tuple[str, pa.DataType]] = [
    ("account", pa.string()),
    ("other", pa.string()),
    ("bits", pa.float64()),
    ("values", pa.int64()),
    ("expected", pa.float64()),
]
LINKS = pa.schema(_LINKS)
"""One row a link: how many values the two share and how many as rare as those unrelated accounts would."""

_MEMBERS: list[tuple[str, pa.DataType]] = [
    ("account", pa.string()),
    ("pool", pa.string()),
    ("because", pa.string()),
    ("membership", pa.float64()),
    ("shares", pa.int64()),  # values shared with the pool; 0 for a burst
    ("others", pa.int64()),  # accounts it shares them with, or that are as near
    ("expected", pa.float64()),  # values shared (links) or accounts as near (bursts, crowds) if nobody were related
]
MEMBERS = pa.schema(_MEMBERS)
"""One row an account of a pool."""


@dataclass
class Gathered:
    """What a table of observations shows.

    Attributes:
        links: rows of LINKS, heaviest first.
        members: rows of MEMBERS: pools of links, then of bursts, each the largest first, then of crowds.
        accounts: every account, with `crowd_bits`: how much rather it belongs to a crowd than strangers do (null without shared values).
        notes: what was not looked at and what that may have cost, one sentence each.
    """

    links: pa.Table
    members: pa.Table
    accounts: pa.Table
    notes: list[str] = field(default_factory=list)


@dataclass
class _Table:
    accounts: list[str]
    position: Index
    channel: np.ndarray[tuple[int, ...], np.dtype[np.object_]]
    values: pa.Array[Any]
    moments: Index  # microseconds since 1970, 0 where not known
    known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

    def rows(self, channel: str) -> Index:
        return np.flatnonzero(self.channel == channel).astype(np.int64)

    def taken(self, rows: Index) -> pa.Array[Any]:
        return self.values.take(pa.array(rows, pa.int64()))

    def numbers(self, rows: Index) -> Index:
        encoded = self.taken(rows).dictionary_encode()
        return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def gather(observations: pa.Table, kinds: Mapping[str, Kind] | None = None, within: float | None = None, rate: float = RATE) -> Gathered:
    """Links and pools of a table.

    Args:
        observations: columns account_id, channel, value (string) and first_at (timestamp, may be null); `records.OBSERVATIONS` has them.
        kinds: what each channel is; "shared" where absent.
        within: seconds; where given, two accounts share a value only if they have it within this time of each other. Rows without a
            time are then not looked at in shared channels.
        rate: false discovery rate of links and of crowds.

    Raises:
        ValueError: a measure is not a number.
    """
    table = _read(observations)
    kinds = kinds or {}
    size = len(table.accounts)
    notes: list[str] = []
    channels = sorted(set(table.channel.tolist()))
    by_kind = {kind: [c for c in channels if kinds.get(c, "shared") == kind] for kind in ("shared", "tie", "measure")}
    ties = [_tied(table, channel) for channel in by_kind["tie"]]
    alike = [_shared(table, channel, within, notes) for channel in by_kind["shared"]]
    linked = _validated(alike, size, rate)
    account, other = np.r_[linked[0], *(t.account for t in ties)], np.r_[linked[1], *(t.other for t in ties)]
    bits = np.r_[linked[2], *(t.bits for t in ties)]
    begun, measures = _behaviour(table, by_kind["measure"])
    groups = _linked_groups(size, account, other, bits, begun, measures)
    burst = _bursts(groups, begun, measures, (account, other, bits))
    crowd = [crowds(table.position[rows], table.numbers(rows), size, rate) for rows in map(table.rows, by_kind["shared"])]
    members = _members(table.accounts, groups, burst, crowd, [*ties, *alike], rate)
    scores = np.max([c.bits for c in crowd], axis=0) if crowd else np.full(size, -np.inf)
    return Gathered(
        _links(table.accounts, [*ties, *alike], account, other),
        members,
        pa.table({"account": table.accounts, "crowd_bits": pa.array(scores, mask=~np.isfinite(scores))}),
        notes,
    )


def _read(observations: pa.Table) -> _Table:
    accounts = observations["account_id"].cast(pa.string()).combine_chunks().dictionary_encode()
    assert isinstance(accounts, pa.DictionaryArray)
    names = accounts.dictionary.to_pylist()
    order = sorted(range(len(names)), key=lambda at: str(names[at]))
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    moments = observations["first_at"].cast(pa.timestamp("us")).cast(pa.int64())
    return _Table(
        [str(names[at]) for at in order],
        place[accounts.indices.to_numpy(zero_copy_only=False)] if names else np.empty(0, dtype=np.int64),
        np.array(observations["channel"].to_pylist(), dtype=object),
        observations["value"].cast(pa.string()).combine_chunks(),
        np.nan_to_num(moments.to_numpy()).astype(np.int64),
        np.asarray(moments.is_valid().to_numpy(), dtype=np.bool_),
    )


def _tied(table: _Table, channel: str) -> Shared:
    """All pairs with a tie in common, hubs left out."""
    rows = table.rows(channel)
    values = table.numbers(rows)
    many = np.bincount(distinct(table.position[rows], values)[1], minlength=int(values.max(initial=-1)) + 1)
    few = many[values] <= HUB
    return shared(table.position[rows][few], values[few], per_row=HUB)


def _shared(table: _Table, channel: str, within: float | None, notes: list[str]) -> Shared:
    rows = table.rows(channel)
    if within is not None:
        rows = rows[table.known[rows]]
    seconds = None if within is None else round(within * 1_000_000)
    found = shared(table.position[rows], table.numbers(rows), table.moments[rows], seconds)
    if found.skipped:
        notes.append(
            f"{channel}: pairs that share nothing but its {found.skipped} most popular values were not compared; "
            f"sharing one of them could have weighed {found.blind:.1f} bits at most"
        )
    return found


def _validated(alike: list[Shared], size: int, rate: float) -> tuple[Index, Index, Floats]:
    """The pairs whose channels together stand among all pairs of accounts."""
    if not alike or size < 2:
        nothing = np.empty(0, dtype=np.int64)
        return nothing, nothing, np.empty(0)
    keys = np.concatenate([one.account * size + one.other for one in alike])
    pairs, at = np.unique(keys, return_inverse=True)
    added = np.bincount(at, weights=np.concatenate([one.bits for one in alike]), minlength=pairs.size).astype(np.float64)
    bits = together(added, len(alike))
    stand = validated(bits, size * (size - 1) / 2, rate)
    return pairs[stand] // size, pairs[stand] % size, bits[stand]


def _behaviour(table: _Table, channels: list[str]) -> tuple[Floats, list[Floats]]:
    """When each account began (seconds, nan if not known) and its measures (nan if not known)."""
    size = len(table.accounts)
    begun = np.full(size, np.inf)
    np.minimum.at(begun, table.position[table.known], table.moments[table.known] / 1e6)
    begun[np.isinf(begun)] = np.nan
    measures = []
    for channel in channels:
        rows = table.rows(channel)
        try:
            numbers = pc.cast(table.taken(rows), pa.float64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid as error:
            raise ValueError(f"channel {channel} is said to be a measure, and not all of its values are numbers") from error
        measure = np.full(size, np.nan)
        measure[table.position[rows]] = numbers
        measures.append(measure)
    return begun, measures


def _linked_groups(size: int, account: Index, other: Index, bits: Floats, begun: Floats, measures: list[Floats]) -> list[Index]:
    """Groups that ties and links make, largest first, as positions; those that measures do not bear out are left out."""
    label = join(size, account, other, bits, RATE)
    order = np.argsort(label, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(label[order])) + 1) if size else []
    visible = np.isfinite(begun)
    for measure in measures:
        visible &= np.isfinite(measure)
    groups = []
    for part in parts:
        if part.size < LEAST_LINKED:
            continue
        seen = part[visible[part]]
        if measures and seen.size >= LEAST_LINKED:
            at = np.searchsorted(np.flatnonzero(visible), seen)
            if likeness(begun[visible], [measure[visible] for measure in measures], at) < LIKE:
                continue
        groups.append(part.astype(np.int64))
    return sorted(groups, key=lambda group: (-group.size, int(group[0])))


def _bursts(
    groups: list[Index], begun: Floats, measures: list[Floats], ties: tuple[Index, Index, Floats]
) -> tuple[list[Index], Index, Bursts] | None:
    """Groups that bursts and small ties make among the accounts in no pool: (groups, the accounts looked at, what was seen)."""
    free = np.isfinite(begun)
    for measure in measures:
        free &= np.isfinite(measure)
    for group in groups:
        free[group] = False
    among = np.flatnonzero(free).astype(np.int64)
    if not measures or not among.size:
        return None
    seen = bursts(begun[among], [measure[among] for measure in measures])
    back = np.full(begun.size, -1, dtype=np.int64)
    back[among] = np.arange(among.size)
    account, other, bits = ties
    inside = (back[account] >= 0) & (back[other] >= 0)
    ends = np.r_[back[account[inside]], seen.account], np.r_[back[other[inside]], seen.other]
    label = join(among.size, *ends, np.r_[bits[inside], seen.bits[seen.account]], BURST_RATE)
    found = []
    for one in np.unique(label[seen.stands]):
        group = np.flatnonzero(label == one)
        own = group[seen.much[group]]
        if own.size >= LEAST_BURST and seen.rushless[own].mean() >= -EXCESS:
            found.append(among[own])
    return sorted(found, key=lambda group: (-group.size, int(group[0]))), among, seen


def _members(
    accounts: list[str],
    groups: list[Index],
    burst: tuple[list[Index], Index, Bursts] | None,
    crowd: list[Crowds],
    shares: list[Shared],
    rate: float,
) -> pa.Table:
    """Rows of MEMBERS. An account of a pool of links belongs unless all of its links are false, each at the rate granted."""
    rows: list[dict[str, Any]] = []
    size = len(accounts)
    taken = np.zeros(size, dtype=bool)
    number = 0
    for group in groups:
        number += 1
        inside = np.zeros(size, dtype=bool)
        inside[group] = True
        values, others, expected = np.zeros(size), np.zeros(size), np.zeros(size)
        for one in shares:
            both = inside[one.account] & inside[one.other]
            for end in (one.account[both], one.other[both]):
                values += np.bincount(end, weights=one.values[both], minlength=size)
                others += np.bincount(end, minlength=size)
                expected += np.bincount(end, weights=one.expected[both], minlength=size)
        taken |= inside
        rows += [_row(accounts, at, number, "links", 1.0 - rate ** others[at], values[at], others[at], expected[at]) for at in group]
    if burst is not None:
        found, among, seen = burst
        for group in found:
            number += 1
            taken[group] = True
            for at, own in zip(group, np.searchsorted(among, group), strict=True):
                stranger = seen.expected[own] / seen.near[own]
                rows.append(_row(accounts, at, number, "burst", max(0.0, 1.0 - stranger), 0, seen.near[own], seen.expected[own]))
    for seen_by in crowd:
        membership = seen_by.membership()
        for value in np.flatnonzero(seen_by.stands):
            there = np.flatnonzero((seen_by.value == value) & (membership >= CROWDED) & ~taken)
            if there.size >= LEAST_LINKED:
                number += 1
                taken[there] = True
                many, few = seen_by.single[value] - 1, seen_by.expected[value]
                rows += [_row(accounts, int(at), number, "crowd", membership[at], 1, many, few) for at in there]
    return pa.Table.from_pylist(rows, schema=MEMBERS)


def _row(
    accounts: list[str], at: int, number: int, because: Because, membership: float, shares: float, others: float, expected: float
) -> dict[str, Any]:
    return {
        "account": accounts[at],
        "pool": f"pool-{number}",
        "because": because,
        "membership": float(membership),
        "shares": int(shares),
        "others": int(others),
        "expected": float(expected),
    }


def _links(accounts: list[str], shares: list[Shared], account: Index, other: Index) -> pa.Table:
    size = max(len(accounts), 1)
    told = np.unique(account * size + other)
    values, bits, expected = np.zeros(told.size), np.zeros(told.size), np.zeros(told.size)
    for one in shares:
        keys = one.account * size + one.other
        at = np.searchsorted(told, keys)
        hit = (at < told.size) & (told[np.minimum(at, told.size - 1)] == keys) if told.size else np.zeros(keys.size, dtype=bool)
        values[at[hit]] += one.values[hit]
        bits[at[hit]] += one.bits[hit]
        expected[at[hit]] += one.expected[hit]
    bits = together(bits, max(len(shares), 1))
    names = pa.array(accounts, pa.string())
    order = np.argsort(-bits, kind="stable")
    return pa.table(
        [
            names.take(pa.array(told[order] // size)),
            names.take(pa.array(told[order] % size)),
            pa.array(bits[order]),
            pa.array(values[order].astype(np.int64)),
            pa.array(expected[order]),
        ],
        schema=LINKS,
    )
