"""The population: every account's observations as codes, with the share of unrelated entities behind each code.

A *column* is one aspect of a channel over all accounts. Categories are coded by value. Measures are coded by their
place in the population's own order, in bins of equal share at several resolutions, because one does not know beforehand how
tightly a scheduler or a sign-up script holds. Code 0 means "not known": that most of a group lacks a value which
everybody else has is evidence, too, and is weighed like any other value.

Accounts are compared with their like: the population is divided into *strata* (programs and persons, say), and the strangers that a
group is weighed against are mixed from the strata in the group's own proportions (direct standardisation). Without that, any
group of programs would look surprisingly alike among people who chat.

Accounts that declare one organization are one *entity*: they count once, so that a company's thousand accounts do not
make its habits look common, and do not look like a thousand strangers who agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from stillhunt.channels import Aspect, Channel, Family

Codes = npt.NDArray[np.int32]
Index = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

RESOLUTIONS = (8, 32, 128, 512)
"""Numbers of bins for a measure. A bin must hold eight accounts at least, else its share is not known."""

LEAST_TIMES = 8
"""Of a value that an account showed less often, the pace is not known."""

LINKABLE = 3
"""A value that ties accounts directly may be held by no more entities than this."""


@dataclass(frozen=True)
class Coding:
    """One way of coding a column. `codes` has one entry for each account, 0 = not known.

    `totals` is the entity-weighted number of accounts for each stratum and code, shape (strata, codes).
    """

    codes: Codes
    totals: Floats
    width: int

    @staticmethod
    def of(codes: Codes, population: Population) -> Coding:
        """Totals from the accounts' weights (an entity's accounts share a weight of 1)."""
        width = int(codes.max(initial=0)) + 1
        return Coding(codes, population.count(codes, width), width)


@dataclass(frozen=True)
class Column:
    """One aspect over all accounts. `codings` are alternatives; `names` gives a code's value where it is a category."""

    aspect: Aspect
    channel: str
    family: Family
    codings: tuple[Coding, ...]
    names: tuple[str, ...] = ()
    numbers: Floats | None = None  # the measure itself, nan = not known
    edges: tuple[Floats, ...] | None = None  # ... and the inner edges of its bins, for each coding

    @property
    def middle(self) -> Coding:
        """The coding by which single accounts are compared."""
        return self.codings[min(1, len(self.codings) - 1)]


@dataclass(frozen=True)
class Sets:
    """One aspect of which an account may have many values: (account, value) pairs, sorted by account."""

    aspect: Aspect
    channel: str
    family: Family
    accounts: Index
    values: Index
    shares: Floats
    names: pa.Array[Any]
    holders: Floats  # entity-weighted number of accounts for each value
    paces: Floats  # log2 of how often a day the account shows the value between its first and its last time, nan = too seldom to say
    size: int  # number of accounts in the population
    pace: Column | None = None  # pace of each account's most frequent value, where the aspect has a pace

    def of_accounts(self, accounts: Index) -> Index:
        """The rows of some accounts, in the accounts' order."""
        return _rows_of(self._starts, accounts)

    def of_values(self, values: Index) -> Index:
        """The rows that show some values."""
        order, starts = self._by_value
        return order[_rows_of(starts, values)]

    @cached_property
    def _starts(self) -> Index:
        return np.searchsorted(self.accounts, np.arange(self.size + 1))

    @cached_property
    def _by_value(self) -> tuple[Index, Index]:
        order = np.argsort(self.values, kind="stable")
        return order, np.searchsorted(self.values[order], np.arange(len(self.names) + 1))


def _rows_of(starts: Index, chosen: Index) -> Index:
    """Positions `starts[i]` to `starts[i + 1]` for every i in `chosen`, one after the other."""
    begin, counts = starts[chosen], starts[chosen + 1] - starts[chosen]
    ends = np.cumsum(counts)
    return np.asarray(np.arange(int(ends[-1]) if ends.size else 0) + np.repeat(begin - (ends - counts), counts))


@dataclass
class Population:
    """All accounts that were seen, in one order.

    `strata` numbers the stratum of each account. `declared` is the organization (or verified domain) that an account
    declares, "" for none; `entity` numbers entities.
    """

    accounts: list[str]
    position: dict[str, int]
    declared: list[str]
    entity: Index
    weights: Floats
    strata: Index
    columns: list[Column] = field(default_factory=list)
    sets: list[Sets] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Number of accounts."""
        return len(self.accounts)

    @cached_property
    def entities(self) -> float:
        """Number of entities."""
        return float(self.weights.sum())

    @cached_property
    def sizes(self) -> Floats:
        """Number of entities in each stratum."""
        return np.bincount(self.strata, weights=self.weights, minlength=self.depth).astype(np.float64)

    @cached_property
    def depth(self) -> int:
        """Number of strata."""
        return int(self.strata.max(initial=0)) + 1

    def count(self, codes: Codes | Index, width: int, members: Index | None = None) -> Floats:
        """Entity-weighted number of accounts (of `members`, whose codes `codes` are) by stratum and code, shape (strata, width)."""
        strata = self.strata if members is None else self.strata[members]
        weights = self.weights if members is None else self.weights[members]
        return (
            np.bincount(strata * width + codes, weights=weights, minlength=self.depth * width).reshape(self.depth, width).astype(np.float64)
        )

    def one_each(self, members: Index) -> Index:
        """One account for each entity among `members`: the first in the population's order."""
        if (self.weights[members] == 1.0).all():
            return members
        _, first = np.unique(self.entity[members], return_index=True)
        return members[np.sort(first)]


def survey(
    observations: pa.Table,
    channels: list[Channel],
    declared: Mapping[str, str],
    accounts: list[str],
    strata: Mapping[str, int] | None = None,
) -> Population:
    """Code `observations` over `accounts`.

    Args:
        observations: rows of `records.OBSERVATIONS`; observations of accounts not listed are ignored.
        channels: what the aspects mean (kind and family).
        declared: account -> what it declares to belong to; absent for accounts that declare nothing.
        accounts: every account in view, in a fixed order.
        strata: account -> number of its stratum, 0 where absent; None compares everybody with everybody.
    """
    position = {account: at for at, account in enumerate(accounts)}
    owners = [declared.get(account, "") for account in accounts]
    numbers: dict[str, int] = {}
    entity = np.array([numbers.setdefault(owner or f"\0{at}", len(numbers)) for at, owner in enumerate(owners)], dtype=np.int64)
    weights = 1.0 / np.bincount(entity)[entity] if len(entity) else np.zeros(0)
    layers = np.array([(strata or {}).get(account, 0) for account in accounts], dtype=np.int64)
    population = Population(accounts, position, owners, entity, weights, layers)
    known = pa.array(accounts, pa.string())
    for channel in channels:
        for aspect in channel.aspects:
            rows = observations.filter(pc.equal(observations["channel"], pa.scalar(aspect.name)))
            at = pc.index_in(rows["account_id"].combine_chunks(), value_set=known)
            rows = rows.append_column("at", at).filter(pc.is_valid(at))
            if rows.num_rows == 0:
                continue
            if aspect.kind == "set":
                population.sets.append(_sets(rows, aspect, channel, population))
            elif aspect.kind == "tie":
                population.columns.append(_ties(rows, aspect, channel, population))
            elif aspect.kind == "measure":
                population.columns.append(_measure(rows, aspect, channel, population))
            else:
                population.columns.append(_category(rows, aspect, channel, population))
    return population


def _at(rows: pa.Table) -> Index:
    return rows["at"].to_numpy().astype(np.int64)


def _encode(column: pa.ChunkedArray[Any]) -> pa.DictionaryArray[Any, Any]:
    encoded = column.combine_chunks().dictionary_encode()
    assert isinstance(encoded, pa.DictionaryArray)
    return encoded


def _category(rows: pa.Table, aspect: Aspect, channel: Channel, population: Population) -> Column:
    values = _encode(rows["value"])
    codes = np.zeros(population.size, dtype=np.int32)
    codes[_at(rows)] = values.indices.to_numpy().astype(np.int32) + 1
    names = ("not known", *(str(value) for value in values.dictionary.to_pylist()))
    return Column(aspect, channel.name, channel.family, (Coding.of(codes, population),), names)


def _measure(rows: pa.Table, aspect: Aspect, channel: Channel, population: Population) -> Column:
    numbers = np.full(population.size, np.nan)
    numbers[_at(rows)] = pc.cast(rows["value"], pa.float64()).to_numpy()
    return measure(numbers, aspect, channel.name, channel.family, population)


def measure(numbers: Floats, aspect: Aspect, channel: str, family: Family, population: Population) -> Column:
    """A column from one number for each account, shape (accounts,), nan = not known."""
    edges = tuple(_edges(numbers))
    codings = tuple(Coding.of(_binned(numbers, inner), population) for inner in edges)
    return Column(aspect, channel, family, codings, numbers=numbers, edges=edges)


def _edges(numbers: Floats) -> list[Floats]:
    """Inner edges of bins of equal share, for each resolution that the population bears."""
    known = np.sort(numbers[np.isfinite(numbers)])
    kept = [bins for bins in RESOLUTIONS if known.size >= 8 * bins or bins == RESOLUTIONS[0]]
    return [np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1])) for bins in kept]


def _binned(numbers: Floats, edges: Floats) -> Codes:
    return np.where(np.isfinite(numbers), np.searchsorted(edges, numbers, side="right") + 1, 0).astype(np.int32)


def amended(column: Column, at: Index, numbers: Floats, population: Population) -> Column:
    """A measure with other numbers for the accounts `at`, in the bins that it has; the same as coding anew, at the price of the few."""
    assert column.numbers is not None
    assert column.edges is not None
    changed = column.numbers.copy()
    changed[at] = numbers
    codings = []
    for coding, edges in zip(column.codings, column.edges, strict=True):
        codes = coding.codes.copy()
        codes[at] = _binned(numbers, edges)
        width = max(coding.width, int(codes[at].max(initial=0)) + 1)
        totals = np.zeros((population.depth, width))
        totals[:, : coding.width] = coding.totals
        totals += population.count(codes[at], width, at) - population.count(coding.codes[at], width, at)
        codings.append(Coding(codes, totals, width))
    return replace(column, codings=tuple(codings), numbers=changed)


def _sets(rows: pa.Table, aspect: Aspect, channel: Channel, population: Population) -> Sets:
    values = _encode(rows["value"])
    at = _at(rows)
    order = np.argsort(at, kind="stable")
    codes = values.indices.to_numpy().astype(np.int64)
    holders = np.bincount(codes, weights=population.weights[at], minlength=len(values.dictionary)).astype(np.float64)
    shares = np.nan_to_num(rows["share"].to_numpy().astype(np.float64))
    paces = _paces(rows)
    own = np.full(population.size, np.nan)
    np.fmax.at(own, at, paces)
    pace = measure(own, aspect.pace, channel.name, "conduct", population) if aspect.pace and np.isfinite(own).any() else None
    of = (at[order], codes[order], shares[order], values.dictionary, holders, paces[order])
    return Sets(aspect, channel.name, channel.family, *of, population.size, pace)


def _paces(rows: pa.Table) -> Floats:
    times = rows["occurrences"].to_numpy().astype(np.float64)
    first, last = (pc.cast(rows[name], pa.int64()).to_numpy().astype(np.float64) for name in ("first_at", "last_at"))
    days = (last - first) / 8.64e10
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where((times >= LEAST_TIMES) & (days > 0), np.log2((times - 1) / days), np.nan))


def _ties(rows: pa.Table, aspect: Aspect, channel: Channel, population: Population) -> Column:
    """Accounts tied through rare values, directly or through others, get one code (connected component)."""
    values = _encode(rows["value"])
    at, codes = _at(rows), values.indices.to_numpy().astype(np.int64)
    holders = np.bincount(codes, minlength=len(values.dictionary))
    rare = holders[codes] <= LINKABLE
    at, codes = at[rare], codes[rare]
    nodes = population.size + len(holders)
    graph = coo_array((np.ones(at.size, dtype=np.int8), (at, codes + population.size)), shape=(nodes, nodes))
    _, labels = connected_components(graph, directed=False)
    tied = np.zeros(population.size, dtype=bool)
    tied[at] = True
    mine = labels[: population.size]
    sizes = np.bincount(mine[tied], minlength=int(labels.max(initial=0)) + 1)
    member = tied & (sizes[mine] >= 2)
    dense = np.zeros(population.size, dtype=np.int32)
    _, dense[member] = np.unique(mine[member], return_inverse=True)
    dense[member] += 1
    names = ("not known", *(f"chain {number}" for number in range(1, int(dense.max(initial=0)) + 1)))
    return Column(aspect, channel.name, channel.family, (Coding.of(dense, population),), names)
