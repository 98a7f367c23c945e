"""The habits of calls: how many units show each, and how far that is from what others' calls lead one to expect.

In: columns of `records.INTERACTIONS`. Out: `Calls`, and a `Board` that weighs any choice of their units against the rest. What
habits, votes and roots are, and why, stands in `campaigns.content`; here is how they are counted: in compiled loops, because a
permutation test counts a thousand times.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from stillhunt.campaigns.habit_words import habit_words
from stillhunt.compiled import compiled
from stillhunt.records import SHAPE_FIELDS

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Table: TypeAlias = npt.NDArray[np.int16]

TOP = 5
LEAST_VOTES = 3.0
"""Two units that are alike are an accident that a population of many habits is full of."""

SCRIPTS = ("Latin", "Latin with marks", "mixed", "Han", "kana", "another script of three bytes", "another script")
_TURNS = (2, 4, 8, 16)  # messages in the request: the first, a follow-up, ...
_ANSWERS = tuple(2**k for k in range(2, 14))  # tokens
_UNPAIRED = ("first_word", "first_two")
_CARELESS = ("first_person", "lower_i", "lower_start", "tight", "loose")
_SLICES = ("", "written with care", "standing alone", "written with care and standing alone")

Kernel = npt.NDArray[Any]
Kernels: TypeAlias = tuple[Kernel, ...]


class Layout(NamedTuple):
    """Where habits are counted: names and sizes of the fields, where a field's and a pair's values begin, all of one slice."""

    names: tuple[str, ...]
    sizes: Ints
    singles: Ints  # (fields,)
    pairs: Ints  # (fields, fields), -1 where not paired
    size: int  # places of one slice, the first of them unused


@lru_cache
def _layout(*, structure: bool) -> Layout:
    names = [field.name for field in SHAPE_FIELDS] + (["turn", "answer"] if structure else [])
    sizes = [1 << field.bits for field in SHAPE_FIELDS] + ([len(_TURNS) + 1, len(_ANSWERS) + 1] if structure else [])
    singles, at = [], 1
    for size in sizes:
        singles.append(at)
        at += size
    pairs = np.full((len(names), len(names)), -1, np.int64)
    for i, name in enumerate(names):
        for j in range(i + 1, len(names)):
            if name not in _UNPAIRED and names[j] not in _UNPAIRED:
                pairs[i, j] = at
                at += sizes[i] * sizes[j]
    return Layout(tuple(names), np.array(sizes, np.int64), np.array(singles, np.int64), pairs, at)


@dataclass(frozen=True)
class Calls:
    """Calls as the test sees them, grouped by unit.

    `values` (calls, fields) is -1 where the logs do not say; `script` and `manner` (1 with care, + 2 alone) are of the calls; the calls
    of unit u are rows `bounds[u]` to `bounds[u + 1]`; `dominant` is the script of most of a unit's calls.
    """

    values: Table
    script: npt.NDArray[np.int8]
    manner: npt.NDArray[np.int8]
    bounds: Ints
    dominant: Ints
    structure: bool

    @property
    def units(self) -> int:
        """How many there are."""
        return len(self.bounds) - 1

    def take(self, units: Ints) -> Calls:
        """Some of the units."""
        rows = np.concatenate([np.arange(self.bounds[u], self.bounds[u + 1]) for u in units.tolist()] or [np.zeros(0, np.int64)])
        bounds = np.concatenate([[0], np.cumsum(self.bounds[units + 1] - self.bounds[units])])
        return Calls(self.values[rows], self.script[rows], self.manner[rows], bounds, self.dominant[units], self.structure)

    def __add__(self, other: Calls) -> Calls:
        """Both, these units first."""
        assert self.structure == other.structure
        return Calls(
            np.concatenate([self.values, other.values]),
            np.concatenate([self.script, other.script]),
            np.concatenate([self.manner, other.manner]),
            np.concatenate([self.bounds, other.bounds[1:] + self.bounds[-1]]),
            np.concatenate([self.dominant, other.dominant]),
            self.structure,
        )


def read(shape: npt.ArrayLike, unit: npt.ArrayLike, *, messages: npt.ArrayLike | None = None, answer: npt.ArrayLike | None = None) -> Calls:
    """Columns of `records.INTERACTIONS` as the test sees them. Calls without a shape are left out.

    Args:
        shape: `prompt_shape`, -1 (or nan) for null; shape (calls,).
        unit: whose call it is (any integers): what is exchangeable, the account or, where there are none, the conversation.
        messages: `message_count`, -1 or nan for null.
        answer: output tokens (or a quarter of `response_chars`), -1 or nan for null. `messages` or `answer` make structure count.
    """
    number = _whole(shape)
    known = number >= 0
    units = np.asarray(unit)[known]
    order = np.argsort(units, kind="stable")
    number, units = number[known][order], units[order]
    columns = [number >> field.at & ((1 << field.bits) - 1) for field in SHAPE_FIELDS]
    named = dict(zip([field.name for field in SHAPE_FIELDS], columns, strict=True))
    foreign, start = named["foreign"], named["start"]
    script = np.where(foreign < 3, foreign, np.select([start == 4, start == 6, start == 7], [3, 4, 5], 6))
    careful = (start != 1) & np.all([named[name] == 0 for name in _CARELESS], axis=0)
    alone = np.zeros(len(number), np.bool_)
    structure = messages is not None or answer is not None
    if structure:
        turns = np.full(len(number), -1) if messages is None else _whole(messages)[known][order]
        tokens = np.full(len(number), -1) if answer is None else _whole(answer)[known][order]
        alone = (turns >= 0) & (turns <= 1)
        columns += [np.where(turns < 0, -1, np.digitize(turns, _TURNS)), np.where(tokens < 0, -1, np.digitize(tokens, _ANSWERS))]
    _, first, sizes = np.unique(units, return_index=True, return_counts=True)
    bounds = np.concatenate([first, [len(units)]]).astype(np.int64)
    votes = np.zeros((len(sizes), len(SCRIPTS)))
    np.add.at(votes, (np.repeat(np.arange(len(sizes)), sizes), script), 1.0)
    return Calls(
        np.stack(columns, axis=1).astype(np.int16),
        script.astype(np.int8),
        (careful + 2 * alone).astype(np.int8),
        bounds,
        votes.argmax(axis=1).astype(np.int64),
        structure,
    )


def _whole(values: npt.ArrayLike) -> Ints:
    given = np.asarray(values)
    if given.dtype.kind == "f":
        given = np.where(np.isfinite(given), given, -1.0)
    return given.astype(np.int64)


@compiled
def _count(calls: Kernels, layout: Kernels, units: Kernel, votes: Kernel, totals: Kernel, touched: Kernel) -> int:
    """Add the votes of `units`: `votes` (values, 1 + 4 scripts), the sum first and then by script and manner, and `totals` (scripts,).

    Values that had no votes before are listed in `touched`; returns how many. Calls whose script is negative are not looked at.
    """
    values, script, manner, bounds = calls
    singles, pairs, sizes = layout
    fields = values.shape[1]
    fresh = 0
    for unit in units:
        vote = 1.0 / (bounds[unit + 1] - bounds[unit])
        for row in range(bounds[unit], bounds[unit + 1]):
            if script[row] < 0:
                continue
            totals[script[row]] += vote
            column = 1 + 4 * script[row] + manner[row]
            for i in range(fields):
                if values[row, i] < 0:
                    continue
                for j in range(i, fields):
                    if j == i:
                        place = singles[i] + values[row, i]
                    elif pairs[i, j] >= 0 and values[row, j] >= 0:
                        place = pairs[i, j] + values[row, i] * sizes[j] + values[row, j]
                    else:
                        continue
                    if votes[place, 0] == 0.0:
                        touched[fresh] = place
                        fresh += 1
                    votes[place, 0] += vote
                    votes[place, column] += vote
    return fresh


@compiled
def _weighed(votes: Kernel, totals: Kernel, everything: Kernel, scales: Kernel, place: int, part: int) -> tuple[float, float]:
    """Votes of a value in one slice (bits of the manner that it asks for), and those expected from everything but them.

    `scales` (scripts,) are totals inside over totals outside and one.
    """
    here = expected = 0.0
    for z in range(totals.size):
        if totals[z] > 0:
            mine = every = 0.0
            for manner in range(part, 4):
                if manner & part == part:
                    mine += votes[place, 1 + 4 * z + manner]
                    every += everything[place, 1 + 4 * z + manner]
            here += mine
            expected += scales[z] * (max(every - mine, 0.0) + 0.5)
    return here, expected


@compiled
def _deviations(votes: Kernel, totals: Kernel, everything: Kernel, everything_totals: Kernel, touched: Kernel, roots: Kernel) -> Any:
    """Fill `roots` (values, 4 slices) of the touched values; returns the sum of the `TOP` largest."""
    top = np.zeros(TOP)
    scales = totals / (everything_totals - totals + 1.0)
    for place in touched:
        for part in range(4):
            roots[place, part] = 0.0
        if votes[place, 0] < LEAST_VOTES - 1e-9:
            continue
        for part in range(4):
            here, expected = _weighed(votes, totals, everything, scales, place, part)
            if here < LEAST_VOTES - 1e-9 or here <= expected:
                continue
            root = np.sqrt(max(2.0 * (here * np.log(here / expected) - (here - expected)), 0.0))
            roots[place, part] = root
            at = TOP - 1
            if root > top[at]:
                while at > 0 and top[at - 1] < root:
                    top[at] = top[at - 1]
                    at -= 1
                top[at] = root
    return top.sum()


@compiled
def _clear(votes: Kernel, totals: Kernel, touched: Kernel) -> None:
    totals[:] = 0.0
    for place in touched:
        for column in range(votes.shape[1]):
            votes[place, column] = 0.0


class Habit(NamedTuple):
    """What the pool's calls have in common: in words, the votes of units that show it, and how many were expected."""

    words: str
    votes: float
    expected: float


class Board:
    """All votes, counted once, and the statistic of any choice of units against the rest.

    Args:
        both: the calls that choices are made from.
        present: the scripts that are looked at; calls in others are not.
    """

    def __init__(self, both: Calls, present: Ints) -> None:
        column = np.full(len(SCRIPTS), -1)
        column[present] = np.arange(len(present))
        self._layout = _layout(structure=both.structure)
        self._calls = (both.values, column[both.script].astype(np.int8), both.manner, both.bounds)
        size = self._layout.size
        self._everything, self._totals = np.zeros((size, 1 + 4 * len(present))), np.zeros(len(present))
        self._votes, self._inside = np.zeros_like(self._everything), np.zeros_like(self._totals)
        self._touched, self._roots = np.zeros(size, np.int64), np.zeros((size, 4))
        self._count(np.arange(both.units), self._everything, self._totals)

    def _count(self, units: Ints, votes: Floats, totals: Floats) -> Ints:
        at = self._layout
        fresh = _count(self._calls, (at.singles, at.pairs, at.sizes), units, votes, totals, self._touched)
        return self._touched[:fresh]

    def statistic(self, units: Ints) -> float:
        """The sum of the `TOP` largest roots."""
        touched = self._count(units, self._votes, self._inside)
        found = _deviations(self._votes, self._inside, self._everything, self._totals, touched, self._roots)
        _clear(self._votes, self._inside, touched)
        return float(found)

    def habits(self, units: Ints, most: int = 3) -> tuple[Habit, ...]:
        """The strongest habits of a choice of units, none of which shares a field's value with a stronger one."""
        found: list[Habit] = []
        said: set[tuple[str, int]] = set()
        touched = self._count(units, self._votes, self._inside)
        _deviations(self._votes, self._inside, self._everything, self._totals, touched, self._roots)
        roots, scales = self._roots[touched], self._inside / (self._totals - self._inside + 1.0)
        for at in np.argsort(-roots, axis=None, kind="stable").tolist():
            place, part = int(touched[at // 4]), at % 4
            parts = self._parts(place)
            if roots[at // 4, part] == 0.0 or len(found) == most:
                break
            if said & set(parts):
                continue
            said |= set(parts)
            votes, expected = _weighed(self._votes, self._inside, self._everything, scales, place, part)
            words = ", ".join([habit_words(*one) for one in parts] + ([_SLICES[part]] if part else []))
            found.append(Habit(words, float(votes), float(expected)))
        _clear(self._votes, self._inside, touched)
        return tuple(found)

    def _parts(self, place: int) -> tuple[tuple[str, int], ...]:
        """The fields and values of a habit."""
        at = self._layout
        place %= at.size
        if place < int(at.singles[-1] + at.sizes[-1]):
            field = int(np.searchsorted(at.singles, place, side="right")) - 1
            return ((at.names[field], place - int(at.singles[field])),)
        below = np.where((at.pairs >= 0) & (at.pairs <= place), at.pairs, -1)
        i, j = (int(x) for x in np.unravel_index(int(below.argmax()), below.shape))
        value = place - int(at.pairs[i, j])
        return (at.names[i], value // int(at.sizes[j])), (at.names[j], value % int(at.sizes[j]))
