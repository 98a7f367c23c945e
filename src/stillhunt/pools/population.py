"""The population: every account's observations as codes, with the share of unrelated entities behind each code (`pools.columns`).

That most of a group lacks a value which everybody else has is evidence, too: code 0, "not known", is weighed like any other.

Accounts are compared with their like: the population is divided into *strata* (programs and persons, say), and the strangers that a
group is weighed against are mixed from the strata in the group's own proportions (direct standardisation). Without that, any
group of programs would look surprisingly alike among people who chat.

Accounts that declare one organization are one *entity*: they count once, so that a company's thousand accounts do not
make its habits look common, and do not look like a thousand strangers who agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from stillhunt.channels import Aspect, Channel, Family, Observed
from stillhunt.channels.threads import in_threads
from stillhunt.pools.columns import Codes, Column, Floats, Index, amended, bin_edges, binned, tally
from stillhunt.pools.rows import by_value, rows_of

__all__ = ["Codes", "Column", "Floats", "Index", "Population", "Sets", "measure", "survey"]

Strata = npt.NDArray[np.int8]

LEAST_TIMES = 8
"""Of a value that an account showed less often, the pace is not known."""

LINKABLE = 3
"""A value that ties accounts directly may be held by no more entities than this."""


@dataclass(frozen=True)
class Sets:
    """One aspect of which an account may have many values: (account, value) pairs, sorted by account.

    Attributes:
        values: number of each row's value in `names`.
        shares: share of the account's calls that show it.
        holders: entity-weighted number of accounts for each value.
        paces: log2 of how often a day the account shows the value between its first and its last time, nan = too seldom to say.
        starts: first row of each account, and the number of rows.
        order, value_starts: the rows by value, and the first of each value.
        pace: pace of each account's most frequent value, where the aspect has a pace.
    """

    aspect: Aspect
    channel: str
    family: Family
    accounts: Index
    values: Codes
    shares: Floats
    names: pa.Array[Any]
    holders: Floats
    paces: Floats
    starts: Index
    order: Index
    value_starts: Index
    pace: Column | None = None

    def of_accounts(self, accounts: Index) -> Index:
        """The rows of some accounts, in the accounts' order."""
        return rows_of(self.starts, accounts)

    def of_values(self, values: Index) -> Index:
        """The rows that show some values."""
        return self.order[rows_of(self.value_starts, values)]


@dataclass
class Population:
    """All accounts that were seen, in one order.

    Attributes:
        accounts: their ids.
        entity: number of the entity of each account.
        weights: what each account counts: an entity's accounts share a weight of 1.
        strata: number of the stratum of each account.
        columns, sets: what was observed.
        codes: the columns' codes, one row for each column that has `Column.row`, shape (rows, accounts).
    """

    accounts: list[str]
    entity: Index
    weights: Floats
    strata: Strata
    columns: list[Column] = field(default_factory=list)
    sets: list[Sets] = field(default_factory=list)
    codes: Codes = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int32))

    @property
    def size(self) -> int:
        """Number of accounts."""
        return len(self.accounts)

    @cached_property
    def position(self) -> dict[str, int]:
        """Where each account stands."""
        return {account: at for at, account in enumerate(self.accounts)}

    @cached_property
    def entities(self) -> float:
        """Number of entities."""
        return float(self.weights.sum())

    @cached_property
    def single(self) -> bool:
        """Whether every account is an entity of its own."""
        return bool((self.weights == 1.0).all())

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
        return tally(codes, width, weights, strata, self.depth)

    def amended(self, column: Column, at: Index, numbers: Floats) -> Column:
        """A measure with other numbers for the accounts `at` (sorted); see `columns.amended`."""
        return amended(column, at, numbers, self.weights, self.strata)

    def one_each(self, members: Index) -> Index:
        """One account for each entity among `members`: the first in the population's order."""
        if (self.weights[members] == 1.0).all():
            return members
        _, first = np.unique(self.entity[members], return_index=True)
        return members[np.sort(first)]

    def undeclared(self) -> Population:
        """The same accounts as if nobody had declared anything: codes stay, what is counted by entities is counted anew."""
        if self.single:
            return self
        other = Population(self.accounts, np.arange(self.size), np.ones(self.size), self.strata, codes=self.codes)
        other.columns = in_threads(lambda column: _recounted(column, other), self.columns)
        other.sets = [_held_anew(sets, other) for sets in self.sets]
        return other


def survey(
    observed: Iterable[Observed],
    channels: Iterable[Channel],
    declared: Index | None,
    accounts: list[str],
    strata: Strata | None = None,
) -> Population:
    """Code what was observed.

    Args:
        observed: one for each aspect that showed anything.
        channels: what the aspects mean (kind and family); observations of no such aspect are left out.
        declared: number of the organization (or verified domain) that each account declares, -1 for none; None if nobody declares.
        accounts: every account in view; what `observed` counts accounts by.
        strata: number of each account's stratum; None compares everybody with everybody.
    """
    size = len(accounts)
    entity = np.arange(size) if declared is None else _entities(declared)
    weights = 1.0 / np.bincount(entity)[entity] if size else np.zeros(0)
    population = Population(accounts, entity, weights, np.zeros(size, dtype=np.int8) if strata is None else strata.astype(np.int8))
    known = {one.aspect: one for one in observed if len(one.accounts)}
    wanted = [(known[aspect.name], aspect, channel) for channel in channels for aspect in channel.aspects if aspect.name in known]
    coded = in_threads(lambda one: _coded(*one, population), wanted)
    population.columns = [one for one in coded if isinstance(one, Column)]
    population.sets = [one for one in coded if isinstance(one, Sets)]
    _stack(population)
    return population


def _entities(declared: Index) -> Index:
    """Numbers for entities: one for each organization, one for each account that declares none."""
    alone = int(declared.max(initial=-1)) + 1 + np.arange(declared.size)
    _, entity = np.unique(np.where(declared < 0, alone, declared), return_inverse=True)
    return entity.astype(np.int64)


def _stack(population: Population) -> None:
    """Lay the columns' codes out as the rows of one table, which compiled loops take as a whole."""
    columns = [*population.columns, *(sets.pace for sets in population.sets if sets.pace is not None)]
    if not columns:
        return
    population.codes = np.stack([column.codes for column in columns])
    placed = [replace(column, codes=population.codes[row], row=row) for row, column in enumerate(columns)]
    population.columns, paces = placed[: len(population.columns)], iter(placed[len(population.columns) :])
    population.sets = [sets if sets.pace is None else replace(sets, pace=next(paces)) for sets in population.sets]


def _coded(observed: Observed, aspect: Aspect, channel: Channel, population: Population) -> Column | Sets | None:
    if aspect.kind == "set":
        return _sets(observed, aspect, channel, population)
    if aspect.kind == "tie":
        return _ties(observed, aspect, channel, population)
    if aspect.kind == "measure":
        numbers = np.full(population.size, np.nan)
        numbers[observed.accounts] = np.asarray(observed.values, dtype=np.float64)
        return measure(numbers, aspect, channel.name, channel.family, population)
    codes = np.zeros(population.size, dtype=np.int32)
    numbers_of, names = _numbered(observed.values)
    codes[observed.accounts] = numbers_of + 1
    return Column(aspect, channel.name, channel.family, codes, population.count(codes, len(names) + 1), names)


def _numbered(values: Any) -> tuple[Codes, pa.Array[Any]]:
    """Values as numbers of distinct ones, -1 for null."""
    encoded: Any = values if isinstance(values, pa.DictionaryArray) else pa.array(values).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32), encoded.dictionary


def measure(numbers: Floats, aspect: Aspect, channel: str, family: Family, population: Population) -> Column | None:
    """A column from one number for each account, shape (accounts,), nan = not known; None if none is."""
    if not np.isfinite(numbers).any():
        return None
    edges = bin_edges(numbers)
    codes = binned(numbers, edges[-1])
    return Column(aspect, channel, family, codes, population.count(codes, edges[-1].size + 2), numbers=numbers, edges=edges)


def _recounted(column: Column, population: Population) -> Column:
    return replace(column, totals=population.count(column.codes, column.width))


def _held_anew(sets: Sets, population: Population) -> Sets:
    holders = np.bincount(sets.values, minlength=len(sets.names)).astype(np.float64)
    return replace(sets, holders=holders, pace=None if sets.pace is None else _recounted(sets.pace, population))


def _sets(observed: Observed, aspect: Aspect, channel: Channel, population: Population) -> Sets:
    values, names = _numbered(observed.values)
    at = observed.accounts
    holders = np.bincount(values, weights=population.weights[at], minlength=len(names)).astype(np.float64)
    starts = np.concatenate([[0], np.cumsum(np.bincount(at, minlength=population.size))]).astype(np.int64)
    paces = _paces(observed)
    own = np.full(population.size, np.nan)
    held = starts[1:] > starts[:-1]
    own[held] = np.fmax.reduceat(paces, starts[:-1][held])
    pace = measure(own, aspect.pace, channel.name, "conduct", population) if aspect.pace else None
    order, value_starts = by_value(values, len(names))
    shares = np.nan_to_num(observed.shares)
    return Sets(
        aspect, channel.name, channel.family, at, values, shares, names, holders, paces, starts, order, value_starts, pace
    )  # fmt: skip


def _paces(observed: Observed) -> Floats:
    times = observed.occurrences.astype(np.float64)
    days = (observed.last - observed.first) / 8.64e10
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where((times >= LEAST_TIMES) & (days > 0), np.log2((times - 1) / days), np.nan))


def _ties(observed: Observed, aspect: Aspect, channel: Channel, population: Population) -> Column | None:
    """Accounts tied through rare values, directly or through others, get one code (connected component)."""
    values, names = _numbered(observed.values)
    rare = np.bincount(values, minlength=len(names))[values] <= LINKABLE
    who, at = np.unique(observed.accounts[rare], return_inverse=True)
    codes = values[rare]
    nodes = who.size + len(names)
    graph = coo_array((np.ones(at.size, dtype=np.int8), (at, codes + who.size)), shape=(nodes, nodes))
    _, labels = connected_components(graph, directed=False)
    mine = labels[: who.size]
    member = np.bincount(mine, minlength=int(labels.max(initial=0)) + 1)[mine] >= 2
    dense = np.zeros(population.size, dtype=np.int32)
    _, numbers = np.unique(mine[member], return_inverse=True)
    dense[who[member]] = numbers + 1
    chains = int(dense.max(initial=0))
    titles = pa.array([f"chain {number}" for number in range(1, chains + 1)], pa.string())
    return Column(aspect, channel.name, channel.family, dense, population.count(dense, chains + 1), titles)
