"""Who carries a group's instruction: set-valued aspects as seen from a group.

Values that recur in half of a group and eight times as often there as elsewhere are characteristic of it. Who else carries them is
asked of up to `MOST_ASKED` of them, drawn by hash, so that groups with one instruction ask for the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt.channels.threads import THREADS, in_threads
from stillhunt.compiled import compiled
from stillhunt.pools.columns import Changed, Codes, Column, Floats, Index, Levels, binned
from stillhunt.pools.evidence import Groups, averaged, urns
from stillhunt.pools.population import Population, Sets
from stillhunt.pools.rows import distinct

CHARACTERISTIC = 0.5
"""A value is characteristic of a group if it recurs in at least this share of it, and `LIFT` times as often as elsewhere."""
LIFT = 8.0
CARRIES = 0.3
"""An account carries a group's instruction if at least this share of the characteristic values recurs in it."""
MOST_ASKED, MOST_SCREENED = 16, 1
"""... of so many where a group is weighed by itself, and of so many where all candidates are."""

GLANCE, GLANCED = 256, 0.3
"""Of a group with more than four times as many members as the first number, that many are looked at first: if nothing recurs in the second
share of them, nothing is characteristic of the group (it would stand in half: a chance of less than 1e-9)."""


@dataclass(frozen=True)
class Carried:
    """A set-valued aspect as seen from a group.

    Attributes:
        column: codes 1 (no) and 2 (carries the values that are characteristic of the group).
        values: the characteristic values, most common first.
        pace: how often an account shows them, where the aspect has a pace; of accounts that show none of them, their own most frequent
            value's.
    """

    column: Column
    values: list[str]
    pace: Column | None


def carrying(sets: Sets, population: Population, members: Index) -> Carried | None:
    """Who carries the values that are characteristic of a group, and at what pace; None if no value is."""
    singles = population.one_each(members)
    rows = sets.of_accounts(members)
    present, which = distinct(sets.values[rows], sets.holders.size)
    own = np.bincount(which, weights=population.weights[sets.accounts[rows]], minlength=present.size)
    counts = own
    if singles.size < members.size:
        counts = np.bincount(np.searchsorted(present, sets.values[sets.of_accounts(singles)]), minlength=present.size).astype(np.float64)
    elsewhere = (sets.holders[present] - own + 1.0) / (population.entities - population.weights[members].sum() + 1.0)
    share = counts / max(singles.size, 1)
    typical = (share >= CHARACTERISTIC) & (share >= LIFT * elsewhere)
    if not typical.any():
        return None
    ranked = present[typical][np.argsort(-share[typical], kind="stable")]
    column, pace = _carriers(sets, population, _asked(ranked))
    return Carried(column, [str(sets.names[int(value)].as_py()) for value in ranked], pace)


def _asked(values: npt.NDArray[Any]) -> Index:
    """The characteristic values by which carriers are told, sorted."""
    wide = np.asarray(values, dtype=np.int64)
    return np.sort(wide[np.argsort(_mixed(wide), kind="stable")[:MOST_ASKED]])


@compiled
def _mixed(values: Any) -> Any:
    mixed = np.empty(values.size, dtype=np.uint64)
    for at in range(values.size):
        mixed[at] = np.uint64(values[at] + 1) * np.uint64(0x9E3779B97F4A7C15)
    return mixed


def _carriers(sets: Sets, population: Population, asked: Index) -> tuple[Column, Column | None]:
    room = _Room.of(population)
    at, held, paces = _held(sets.accounts, sets.order, sets.value_starts, sets.paces, asked, room.times, room.best)
    carriers = at[held >= CARRIES * asked.size]
    totals = _carried(population, carriers)
    codes: Codes = np.broadcast_to(np.int32(1), population.size)
    changed = Changed(carriers, np.full(carriers.size, 2, dtype=np.int32))
    names = pa.array(["no", "carries"])
    column = Column(sets.aspect, sets.channel, sets.family, codes, totals, names, changed=changed)
    return column, None if sets.pace is None else population.amended(sets.pace, at, paces)


def _carried(population: Population, carriers: Index) -> Floats:
    """Entities by stratum and code when these accounts carry an instruction, and the others do not."""
    inside = np.bincount(population.strata[carriers], weights=population.weights[carriers], minlength=population.depth)
    return np.stack([np.zeros(population.depth), population.sizes - inside, inside], axis=1)


class _Room(NamedTuple):
    """Room that `_held` takes for each account: how often (0 before and after), and the greatest pace."""

    times: Codes
    best: Floats

    @staticmethod
    def of(population: Population) -> _Room:
        return _Room(np.zeros(population.size, dtype=np.int32), np.empty(population.size))


@compiled
def _held(accounts: Any, order: Any, value_starts: Any, paces: Any, asked: Any, times: Any, best: Any) -> Any:
    """Accounts that have any of the `asked` values, sorted; how many of them; and the greatest pace (nan = not known).

    `times` and `best` are room for each account, the first all 0.
    """
    room = 0
    for number in range(asked.size):
        room += value_starts[asked[number] + 1] - value_starts[asked[number]]
    touched = np.empty(room, dtype=np.int64)
    present = 0
    for number in range(asked.size):
        for place in range(value_starts[asked[number]], value_starts[asked[number] + 1]):
            account = accounts[order[place]]
            pace = paces[order[place]]
            if times[account] == 0:
                touched[present] = account
                present += 1
                best[account] = pace
            elif np.isnan(best[account]) or pace > best[account]:
                best[account] = pace
            times[account] += 1
    at = np.sort(touched[:present])
    held = times[at].astype(np.int64)
    for account in at:
        times[account] = 0
    return at, held, best[at]


def many(
    sets: Sets, population: Population, groups: Groups, family_least: Floats, pace_least: Floats
) -> tuple[npt.NDArray[np.bool_], Floats, Floats]:
    """Evidence of an instruction and of its pace for many groups.

    Args:
        sets: the aspect.
        population: of all accounts.
        groups: whom to ask; groups of which both bounds are infinite are not asked.
        family_least: what the instruction's evidence must be able to reach, bits, shape (groups,).
        pace_least: what that of its pace must.

    Returns:
        Whether anything is characteristic of each group; log2 e-values of the instruction and of its pace, -inf where not asked or surely
        below what they must reach.
    """
    open_ = np.isfinite(family_least) | (np.isfinite(pace_least) & (sets.pace is not None))
    halves = np.array_split(np.arange(groups.size.size), 4)
    parts = in_threads(
        lambda half: _characteristic(
            groups.members, groups.starts, groups.drawn, groups.size, open_, int(half[0]) if half.size else 0, int(half.size),
            sets.starts, sets.values, sets.holders, np.diff(sets.value_starts), population.weights, population.entities,
            MOST_SCREENED,
        ),
        halves,
    )  # fmt: skip
    key, asked = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    found = key != 0
    family, pace = np.full(key.size, -np.inf), np.full(key.size, -np.inf)
    chosen = np.flatnonzero(found)
    order = chosen[np.argsort(key[chosen], kind="stable")]
    edges = np.flatnonzero(np.concatenate([[True], key[order][1:] != key[order][:-1], [True]])) if order.size else np.zeros(1, np.int64)
    alike = list(pairwise(edges.tolist()))

    def weigh(part: list[tuple[int, int]]) -> None:
        codes, room, nowhere = np.ones(population.size, dtype=np.int32), _Room.of(population), np.zeros((1, 0), dtype=np.int32)
        paced = sets.pace.codes.copy() if sets.pace is not None else codes
        for first, last in part:
            same = np.sort(order[first:last])
            values = asked[same[0]]
            values = values[values >= 0].astype(np.int64)
            at, held, paces = _held(sets.accounts, sets.order, sets.value_starts, sets.paces, values, room.times, room.best)
            some = groups.selected(same)
            if np.isfinite(family_least[same]).any():
                carriers = at[held >= CARRIES * values.size]
                codes[carriers] = 2
                levels = Levels(nowhere, np.array([0, 3]), np.ascontiguousarray(_carried(population, carriers).T))
                family[same] = averaged(urns(codes, levels, some, family_least[same]))
                codes[carriers] = 1
            if sets.pace is not None and np.isfinite(pace_least[same]).any():
                before, now = paced[at], binned(paces, sets.pace.edges[-1])
                levels = sets.pace.levels.amended(before, now, population.weights[at], population.strata[at])
                paced[at] = now
                pace[same] = averaged(urns(paced, levels, some, pace_least[same]))
                paced[at] = before

    in_threads(weigh, [alike[number::THREADS] for number in range(THREADS)])
    return found, family, pace


@compiled
def _characteristic(
    members: Any, starts: Any, drawn: Any, size: Any, open_: Any, first: int, count: int,
    row_starts: Any, values: Any, holders: Any, held: Any, weights: Any, entities: float,
    most_asked: int,
) -> Any:  # fmt: skip
    """For `count` groups from `first` on: a hash of the values that are asked for (0 for none), and these values, -1 for none."""
    key, asked = np.zeros(count, dtype=np.uint64), np.full((count, most_asked), -1, dtype=np.int32)
    times, own = np.zeros(holders.size, dtype=np.int32), np.zeros(holders.size)
    touched = np.empty(holders.size, dtype=np.int32)
    for number in range(count):
        group = first + number
        begin, end = starts[group], starts[group + 1]
        if not open_[group]:
            continue
        if end - begin > 4 * GLANCE:
            present, most = 0, 0
            for glance in range(GLANCE):
                member = members[begin + (end - begin) * glance // GLANCE]
                for row in range(row_starts[member], row_starts[member + 1]):
                    value = values[row]
                    if times[value] == 0:
                        touched[present] = value
                        present += 1
                    times[value] += 1
                    most = max(most, times[value])
            for at in range(present):
                times[touched[at]] = 0
            if most < GLANCED * GLANCE:
                continue
        present, weight = 0, 0.0
        for at in range(begin, end):
            member = members[at]
            weight += weights[member]
            for row in range(row_starts[member], row_starts[member + 1]):
                value = values[row]
                if 2 * held[value] < size[group]:
                    continue
                if own[value] == 0.0:
                    touched[present] = value
                    present += 1
                own[value] += weights[member]
                if drawn.size == 0 or drawn[at]:
                    times[value] += 1
        kept = 0
        for at in range(present):
            value = touched[at]
            share = times[value] / size[group]
            elsewhere = (holders[value] - own[value] + 1.0) / (entities - weight + 1.0)
            times[value] = 0
            own[value] = 0.0
            if share >= CHARACTERISTIC and share >= LIFT * elsewhere:
                touched[kept] = value
                kept += 1
        if kept == 0:
            continue
        typical = touched[:kept].astype(np.int64)
        order = np.argsort(_mixed(typical))
        mixed = np.uint64(14695981039346656037)
        few = np.sort(typical[order[: min(kept, most_asked)]])
        for at in range(few.size):
            asked[number, at] = few[at]
            mixed = (mixed ^ np.uint64(few[at] + 1)) * np.uint64(1099511628211)
            mixed ^= mixed >> np.uint64(31)
        key[number] = mixed | np.uint64(1)
    return key, asked
