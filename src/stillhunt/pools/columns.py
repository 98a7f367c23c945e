"""Columns: one aspect of a channel over all accounts, as codes, with the share of unrelated entities behind each code.

Categories are coded by value. Measures are coded by their place in the population's own order, in bins of equal share at several
resolutions, because one does not know beforehand how tightly a scheduler or a sign-up script holds. The bins of a finer resolution lie
within those of a coarser one (their edges are quantiles at halves, eighths, ... of one order), so that an account has one code, the
finest, and coarser ones are read off it: a group is gathered once, not once for each resolution. Code 0 means "not known".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt.channels import Aspect, Family
from stillhunt.compiled import compiled

Codes = npt.NDArray[np.int32]
Index = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

RESOLUTIONS = (8, 32, 128, 512)
"""Numbers of bins for a measure. A bin must hold eight accounts at least, else its share is not known. Each divides the next."""

CROSSED = (1, 2)
"""Resolutions of measures (places in `RESOLUTIONS`) at which columns are crossed."""

UNKNOWN = "not known"


def tally(codes: Codes | Index, width: int, weights: Floats, strata: npt.NDArray[Any], depth: int) -> Floats:
    """Entity-weighted number of accounts by stratum and code, shape (depth, width)."""
    at = np.multiply(strata, width, dtype=np.int64)
    at += codes
    return np.bincount(at, weights=weights, minlength=depth * width).reshape(depth, width).astype(np.float64, copy=False)


@dataclass(frozen=True)
class Coding:
    """One resolution of a column.

    Attributes:
        fold: the code at this resolution for each of the column's own (finest) codes; None where it is the same.
        totals: entity-weighted number of accounts for each stratum and code, shape (strata, codes).
    """

    fold: Codes | None
    totals: Floats

    @property
    def width(self) -> int:
        """Number of codes."""
        return int(self.totals.shape[1])

    def of(self, codes: Codes) -> Codes:
        """Codes at this resolution for codes of the column."""
        return codes if self.fold is None else self.fold[codes]


@dataclass(frozen=True)
class Changed:
    """Accounts in which a column differs from the one that it was made of: sorted positions, and their codes and numbers."""

    at: Index
    codes: Codes
    numbers: Floats | None = None


@dataclass(frozen=True)
class Column:
    """One aspect over all accounts.

    Attributes:
        codes: finest code of each account, 0 = not known.
        totals: entity-weighted number of accounts for each stratum and finest code, shape (strata, codes).
        names: a code's value, for code 1 and on, where it is a category.
        numbers: the measure itself, nan = not known.
        edges: inner edges of a measure's bins, for each resolution from coarse to fine; () for a category.
        changed: where this column differs from `codes` and `numbers`; totals are right as they stand.
        row: its row in `Population.codes`, -1 if it stands in none.
    """

    aspect: Aspect
    channel: str
    family: Family
    codes: Codes
    totals: Floats
    names: pa.Array[Any] | None = None
    numbers: Floats | None = None
    edges: tuple[Floats, ...] = ()
    changed: Changed | None = None
    row: int = -1

    @property
    def width(self) -> int:
        """Number of finest codes."""
        return int(self.totals.shape[1])

    @cached_property
    def codings(self) -> tuple[Coding, ...]:
        """The column at all its resolutions, from coarse to fine."""
        if not self.edges:
            return (Coding(None, self.totals),)
        return (*(Coding(fold, _folded(self.totals, fold)) for fold in _folds(self.edges)), Coding(None, self.totals))

    @property
    def middle(self) -> Coding:
        """The resolution at which single accounts are compared."""
        return self.codings[min(1, len(self.codings) - 1)]

    def of(self, accounts: Index) -> Codes:
        """Finest codes of some accounts."""
        codes = self.codes[accounts]
        if self.changed is not None and self.changed.at.size:
            place = np.minimum(np.searchsorted(self.changed.at, accounts), self.changed.at.size - 1)
            codes = np.where(self.changed.at[place] == accounts, self.changed.codes[place], codes)
        return codes

    def numbers_of(self, accounts: Index) -> Floats:
        """The measure for some accounts, nan where it is not known or there is none."""
        if self.numbers is None:
            return np.full(len(accounts), np.nan)
        numbers = self.numbers[accounts]
        if self.changed is not None and self.changed.numbers is not None and self.changed.at.size:
            place = np.minimum(np.searchsorted(self.changed.at, accounts), self.changed.at.size - 1)
            numbers = np.where(self.changed.at[place] == accounts, self.changed.numbers[place], numbers)
        return numbers

    def name(self, code: int) -> str:
        """A category's value."""
        if code == 0:
            return UNKNOWN
        return str(code) if self.names is None or code > len(self.names) else str(self.names[code - 1].as_py())

    @cached_property
    def levels(self) -> Levels:
        """All resolutions in one table, for compiled loops."""
        return Levels.of(self)


@dataclass(frozen=True)
class Levels:
    """A column's resolutions one after the other, the finest last.

    Attributes:
        places: where a finest code counts, for each resolution, shape (resolutions, codes); none for one resolution: code c counts at c.
        starts: first place of each resolution, and the number of places.
        totals: entity-weighted number of accounts for each place and stratum, shape (places, strata).
    """

    places: Codes
    starts: Index
    totals: Floats

    @staticmethod
    def of(column: Column) -> Levels:
        """Laid out once for each column."""
        starts = np.concatenate([[0], np.cumsum([coding.width for coding in column.codings])]).astype(np.int64)
        if len(column.codings) == 1:
            return Levels(np.zeros((1, 0), dtype=np.int32), starts, np.ascontiguousarray(column.totals.T))
        own = np.arange(column.width, dtype=np.int32)
        places = np.stack([coding.of(own) + start for coding, start in zip(column.codings, starts, strict=False)]).astype(np.int32)
        return Levels(places, starts, _laid_out(places, int(starts[-1]), column.totals))

    def amended(self, old: Codes, new: Codes, weights: Floats, strata: npt.NDArray[Any]) -> Levels:
        """The same resolutions where some accounts, of these weights and strata, have other finest codes."""
        return Levels(self.places, self.starts, _moved(self.places, self.totals, old, new, weights, strata))


@compiled
def _moved(places: Any, totals: Any, old: Any, new: Any, weights: Any, strata: Any) -> Any:
    """Totals, shape (places, strata), when accounts have moved from old to new codes. None falls below nothing by rounding."""
    out = totals.copy()
    for at in range(old.size):
        if places.shape[1] == 0:
            out[old[at], strata[at]] -= weights[at]
            out[new[at], strata[at]] += weights[at]
            continue
        for level in range(places.shape[0]):
            out[places[level, old[at]], strata[at]] -= weights[at]
            out[places[level, new[at]], strata[at]] += weights[at]
    return np.maximum(out, 0.0)


@compiled
def _laid_out(places: Any, size: int, totals: Any) -> Any:
    """Totals of finest codes, shape (strata, codes), by place, shape (size, strata)."""
    out = np.zeros((size, totals.shape[0]))
    for level in range(places.shape[0]):
        for code in range(places.shape[1]):
            for stratum in range(totals.shape[0]):
                out[places[level, code], stratum] += totals[stratum, code]
    return out


def _folds(edges: tuple[Floats, ...]) -> list[Codes]:
    """For each resolution but the finest, its code for each finest code."""
    lower = np.concatenate([[-np.inf], edges[-1]])
    return [np.concatenate([[0], np.searchsorted(inner, lower, side="right") + 1]).astype(np.int32) for inner in edges[:-1]]


def _folded(totals: Floats, fold: Codes) -> Floats:
    width = int(fold[-1]) + 1
    return np.stack([np.bincount(fold, weights=row, minlength=width) for row in totals]).astype(np.float64)


def bin_edges(numbers: Floats) -> tuple[Floats, ...]:
    """Inner edges of bins of equal share, for each resolution that the population bears; nan is left out."""
    known = np.sort(numbers[np.isfinite(numbers)])
    kept = [bins for bins in RESOLUTIONS if known.size >= 8 * bins or bins == RESOLUTIONS[0]]
    finest = _quantiles(known, np.arange(1, kept[-1]) / kept[-1])
    return tuple(np.unique(finest[kept[-1] // bins - 1 :: kept[-1] // bins]) for bins in kept)


def _quantiles(known: Floats, shares: Floats) -> Floats:
    """Quantiles of sorted numbers, interpolated as numpy does, without looking at all of them again for each."""
    at = shares * (known.size - 1)
    below = np.floor(at).astype(np.int64)
    part = at - below
    low, high = known[below], known[np.minimum(below + 1, known.size - 1)]
    step = high - low
    return np.asarray(np.where(part >= 0.5, high - step * (1 - part), low + step * part))


def binned(numbers: Floats, edges: Floats) -> Codes:
    """Codes in the bins between `edges`, 0 for nan."""
    return np.where(np.isfinite(numbers), np.searchsorted(edges, numbers, side="right") + 1, 0).astype(np.int32)


def amended(column: Column, at: Index, numbers: Floats, weights: Floats, strata: npt.NDArray[Any]) -> Column:
    """A measure with other numbers for the accounts `at` (sorted), in the bins that it has: at the price of the few.

    Args:
        column: a measure that was not amended before.
        at: positions of accounts.
        numbers: their numbers, nan = not known.
        weights: of all accounts.
        strata: of all accounts.
    """
    codes = binned(numbers, column.edges[-1])
    levels = column.levels.amended(column.codes[at], codes, weights[at], strata[at])  # bins are the same: only what is in them differs
    finest = levels.totals[levels.starts[-2] :].T
    found = replace(column, totals=np.ascontiguousarray(finest), changed=Changed(at, codes, numbers))
    found.__dict__["levels"] = levels
    return found
