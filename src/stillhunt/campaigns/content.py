"""Is a part of a pool's calls one kind of work? How its calls are written and answered, against the population's.

A harvest is a mixture: some share of the pool's calls comes from a program's list of prompts, the rest may be anybody's. Prompts of
one list are alike in ways that are dull one by one (their length, how they begin and end, whether there is an "I" in them, how long
the answers are) and together are not common among people. Nothing is fitted to any harvest: the population at hand is all that a
pool is compared with.

Every call has some 25 *fields* (`records.SHAPE_FIELDS`; with structure also how far into a conversation it stands, and how long its
answer is). A *habit* is a value of a field or a pair of values of two fields, among all calls, among those written with care (no
first person, no small letter or missing space where there should be none), among those that stand alone, or both. Units (accounts,
or conversations) have one vote each, spread over their calls. For a habit with k votes where e are expected,

    s = sqrt(2 (k ln(k / e) - (k - e)))  where k > e and k >= `LEAST_VOTES`, else 0     (signed root of the Poisson deviance)
    e = sum over scripts z of n_z (K_z + 1/2) / (N_z + 1)                               (K of N votes in the population)

and the statistic is the sum of the `TOP` largest s, which finds a sub-group by whatever it has most in common. Expecting habits within
scripts (Latin letters, Han, kana, ...) means that a pool that writes Chinese is compared with those who do.

Null hypothesis: the pool's units are a random choice, within scripts, of the pool's and the population's. The p-value is that of the
permutation test: choices of as many units in each script from both together are compared with the rest in the same way, and
p = (1 + those with a statistic at least as large) / (1 + choices). It is exact whatever fields depend on one another and however
calls cluster in units, and, stopped as soon as `enough` choices are as large, p = as large / choices. E-value: 1 / (2 sqrt(p)).
It says that the pool is not like a random part of the population, not why: an application with one template, a benchmark and a class are
not either. Coordination, concealment and the other quantities of the harvest axis have to say the rest.
References: J. Besag and P. Clifford, Biometrika 78 (1991), for stopping; V. Vovk and R. Wang, Ann. Statist. 49 (2021), for the calibrator;
D. Donoho and J. Jin, Ann. Statist. 32 (2004), for why a sparse mixture shows in the largest of many deviations before it shows in means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

from stillhunt.campaigns.habit_words import habit_words
from stillhunt.records import SHAPE_FIELDS

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Table: TypeAlias = npt.NDArray[np.int16]

TOP = 5
LEAST_VOTES = 3.0
"""Two units that are alike are an accident that a population of many habits is full of."""

DRAWS = 999
ENOUGH = 20
MOST_UNITS = 20_000
"""Of a larger population so many units are enough: expectations are sharp, and memory stays small."""

SCRIPTS = ("Latin", "Latin with marks", "mixed", "Han", "kana", "another script of three bytes", "another script")
_TURNS = (2, 4, 8, 16)  # messages in the request: the first, a follow-up, ...
_ANSWERS = tuple(2**k for k in range(2, 14))  # tokens
_UNPAIRED = ("first_word", "first_two")
_CARELESS = ("first_person", "lower_i", "lower_start", "tight", "loose")
_SLICES = ("", "written with care", "standing alone", "written with care and standing alone")

_F = TypeVar("_F", bound=Callable[..., Any])
Kernel = npt.NDArray[Any]
Kernels: TypeAlias = tuple[Kernel, ...]


def _compiled(function: _F) -> _F:
    try:
        return cast("_F", njit(nogil=True, cache=True)(function))
    except RuntimeError:  # "no locator available": a read-only install without a home
        return cast("_F", njit(nogil=True)(function))


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

    `values` (calls, fields) is -1 where the logs do not say; `script` and `slices` (a bit each) are of the calls; the calls of unit u are
    rows `bounds[u]` to `bounds[u + 1]`; `dominant` is the script of most of a unit's calls.
    """

    values: Table
    script: npt.NDArray[np.int8]
    slices: npt.NDArray[np.int8]
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
        return Calls(self.values[rows], self.script[rows], self.slices[rows], bounds, self.dominant[units], self.structure)

    def __add__(self, other: Calls) -> Calls:
        """Both, these units first."""
        assert self.structure == other.structure
        return Calls(
            np.concatenate([self.values, other.values]),
            np.concatenate([self.script, other.script]),
            np.concatenate([self.slices, other.slices]),
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
        (careful + 2 * alone + 4 * (careful & alone)).astype(np.int8),
        bounds,
        votes.argmax(axis=1).astype(np.int64),
        structure,
    )


def _whole(values: npt.ArrayLike) -> Ints:
    given = np.asarray(values)
    if given.dtype.kind == "f":
        given = np.where(np.isfinite(given), given, -1.0)
    return given.astype(np.int64)


@_compiled
def _count(calls: Kernels, layout: Kernels, size: int, units: Kernel, votes: Kernel, totals: Kernel, touched: Kernel) -> int:
    """Add the votes of `units`: `votes` (habits, 1 + scripts), of which the first column is the sum, and `totals` (scripts,).

    Habits that had no votes before are listed in `touched`; returns how many. Calls whose script is negative are not looked at.
    """
    values, script, slices, bounds = calls
    singles, pairs, sizes = layout
    fields = values.shape[1]
    places = np.empty(fields * (fields + 1) // 2, np.int64)
    fresh = 0
    for unit in units:
        vote = 1.0 / (bounds[unit + 1] - bounds[unit])
        for row in range(bounds[unit], bounds[unit + 1]):
            z = script[row]
            if z < 0:
                continue
            totals[z] += vote
            n = 0
            for i in range(fields):
                if values[row, i] < 0:
                    continue
                places[n] = singles[i] + values[row, i]
                n += 1
                for j in range(i + 1, fields):
                    if pairs[i, j] >= 0 and values[row, j] >= 0:
                        places[n] = pairs[i, j] + values[row, i] * sizes[j] + values[row, j]
                        n += 1
            for part in range(4):
                if part == 0 or slices[row] & (1 << (part - 1)):
                    for p in range(n):
                        habit = part * size + places[p]
                        if votes[habit, 0] == 0.0:
                            touched[fresh] = habit
                            fresh += 1
                        votes[habit, 0] += vote
                        votes[habit, 1 + z] += vote
    return fresh


@_compiled
def _deviations(votes: Kernel, totals: Kernel, everything: Kernel, everything_totals: Kernel, touched: Kernel, roots: Kernel) -> Any:
    """The signed roots of the touched habits, those inside against everything but them; returns the sum of the largest."""
    top = np.zeros(TOP)
    for habit in touched:
        roots[habit] = 0.0
        here = votes[habit, 0]
        if here < LEAST_VOTES - 1e-9:
            continue
        expected = 0.0
        for z in range(totals.size):
            if totals[z] > 0:
                outside = max(everything[habit, 1 + z] - votes[habit, 1 + z], 0.0)
                expected += totals[z] * (outside + 0.5) / (everything_totals[z] - totals[z] + 1.0)
        if here <= expected:
            continue
        root = np.sqrt(max(2.0 * (here * np.log(here / expected) - (here - expected)), 0.0))
        roots[habit] = root
        at = TOP - 1
        if root > top[at]:
            while at > 0 and top[at - 1] < root:
                top[at] = top[at - 1]
                at -= 1
            top[at] = root
    return top.sum()


@_compiled
def _clear(votes: Kernel, totals: Kernel, touched: Kernel) -> None:
    totals[:] = 0.0
    for habit in touched:
        votes[habit] = 0.0


class Habit(NamedTuple):
    """What the pool's calls have in common: in words, the votes of units that show it, and how many were expected."""

    words: str
    votes: float
    expected: float


@dataclass(frozen=True)
class Content:
    """The judgement: p-value and log10 of the e-value, the statistic, units and calls that could be judged, and the strongest habits."""

    p: float
    log10_evidence: float
    statistic: float
    units: int
    calls: int
    habits: tuple[Habit, ...]


def compare(
    pool: Calls, population: Calls, *, seed: int = 0, draws: int = DRAWS, enough: int = ENOUGH, most_units: int = MOST_UNITS
) -> Content:
    """Judge the calls of a pool against those of accounts outside it.

    Args:
        pool: the pool's calls.
        population: the others'; nobody's may be in both.
        seed: of the random choices, so that a scan can be repeated.
        draws: how many choices at most; the smallest p-value is 1 / (draws + 1).
        enough: stop after so many choices that are as extreme as the pool.
        most_units: of a larger population so many units are drawn at random.

    Returns:
        p = 1 where nothing could be judged. Units in a script in which the population has no more units than the pool are left out, because
        there is nobody to compare them with.
    """
    rng = np.random.default_rng(seed)
    if population.units > most_units:
        population = population.take(np.sort(rng.choice(population.units, most_units, replace=False)))
    here, there = (np.bincount(side.dominant, minlength=len(SCRIPTS)) for side in (pool, population))
    comparable = here < there
    if not comparable[pool.dominant].all():
        pool = pool.take(np.flatnonzero(comparable[pool.dominant]))
    if not pool.units:
        return Content(1.0, float(np.log10(0.5)), 0.0, 0, 0, ())
    both = pool + population
    board = _Board(both, np.unique(pool.script))
    mine = np.arange(pool.units)
    observed, habits = board.statistic(mine), board.habits(mine)
    groups = [np.flatnonzero(both.dominant == z) for z in range(len(SCRIPTS))]
    wanted = np.bincount(pool.dominant, minlength=len(SCRIPTS))
    larger = 0
    drawn = 0
    while drawn < draws and larger < enough:
        chosen = np.concatenate(
            [rng.choice(group, want, replace=False) for group, want in zip(groups, wanted.tolist(), strict=True) if want]
        )
        larger += board.statistic(chosen) >= observed - 1e-9
        drawn += 1
    p = larger / drawn if larger >= enough else (1 + larger) / (1 + drawn)
    return Content(p, float(np.log10(0.5 / np.sqrt(p))), observed, pool.units, len(pool.script), habits)


class _Board:
    """All votes, counted once, and the statistic of any choice of units against the rest."""

    def __init__(self, both: Calls, present: Ints) -> None:
        column = np.full(len(SCRIPTS), -1)
        column[present] = np.arange(len(present))
        self._layout = _layout(structure=both.structure)
        self._calls = (both.values, column[both.script].astype(np.int8), both.slices, both.bounds)
        habits = len(_SLICES) * self._layout.size
        self._everything, self._totals = np.zeros((habits, 1 + len(present))), np.zeros(len(present))
        self._votes, self._inside = np.zeros_like(self._everything), np.zeros_like(self._totals)
        self._touched, self._roots = np.zeros(habits, np.int64), np.zeros(habits)
        self._count(np.arange(both.units), self._everything, self._totals)

    def _count(self, units: Ints, votes: Floats, totals: Floats) -> Ints:
        at = self._layout
        fresh = _count(self._calls, (at.singles, at.pairs, at.sizes), at.size, units, votes, totals, self._touched)
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
        for place in touched[np.argsort(-self._roots[touched], kind="stable")].tolist():
            parts = self._parts(place)
            if self._roots[place] == 0.0 or len(found) == most:
                break
            if said & set(parts):
                continue
            said |= set(parts)
            rest = (self._everything[place] - self._votes[place])[1:]
            expected = float((self._inside * (rest + 0.5) / (self._totals - self._inside + 1.0)).sum())
            among = _SLICES[place // self._layout.size]
            words = ", ".join([habit_words(*part) for part in parts] + ([among] if among else []))
            found.append(Habit(words, float(self._votes[place, 0]), expected))
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
