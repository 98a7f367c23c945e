"""Reading digests: compiled loops from the state's arrays to what channels ask for."""

from __future__ import annotations

from typing import Any

import numpy as np

from stillhunt.channels.digest.kernels import (
    BLOCK,
    CONVERSATION,
    NO_WORDS,
    SINGLE,
    UNKNOWN,
    Held,
    Rows,
    Units,
)
from stillhunt.compiled import compiled


@compiled
def quantile(bins: Any, rows: Any, begin: Any, edges: Any, q: Any) -> Any:
    """Quantile of the histograms of `rows`, linear inside a bin, nan where it is empty; bins `begin` on, `edges` their limits."""
    out = np.empty(rows.size, np.float64)
    for place in range(rows.size):
        row = rows[place]
        total = 0
        for bin_ in range(edges.size - 1):
            total += bins[row, begin + bin_]
        if total == 0:
            out[place] = np.nan
            continue
        rank = q * (total - 1)
        before = 0
        for bin_ in range(edges.size - 1):
            here = bins[row, begin + bin_]
            if before + here > rank:
                out[place] = (
                    edges[bin_] + (rank - before + 0.5) / here * (edges[bin_ + 1] - edges[bin_])
                    if here > 1
                    else (0.5 * (edges[bin_] + edges[bin_ + 1]))
                )
                break
            before += here
    return out


@compiled
def total(bins: Any, rows: Any, begin: Any, end: Any) -> Any:
    """Number of entries of the histograms of `rows`."""
    out = np.zeros(rows.size, np.int64)
    for place in range(rows.size):
        for bin_ in range(begin, end):
            out[place] += bins[rows[place], bin_]
    return out


@compiled
def dominant(values: Any, times: Any, rows: Any, group: Any, rank: Any) -> Any:
    """The group of values with the most calls of each of `rows`: (group, its calls, all calls); of equal ones the first by rank.

    `group` numbers the group of each value (-1 for none), `rank` orders groups.
    """
    size = rows.size
    best, most, everything = np.full(size, -1, np.int32), np.zeros(size, np.int64), np.zeros(size, np.int64)
    slots = values.shape[1]
    found, held = np.empty(slots, np.int64), np.empty(slots, np.int64)
    for out in range(size):
        row = rows[out]
        many = 0
        for slot in range(slots):
            if values[row, slot] == UNKNOWN:
                break
            of = group[values[row, slot]]
            if of < 0:
                continue
            everything[out] += times[row, slot]
            place = 0
            while place < many and found[place] != of:
                place += 1
            if place == many:
                found[many], held[many] = of, 0
                many += 1
            held[place] += times[row, slot]
        for place in range(many):
            of = found[place]
            if best[out] < 0 or held[place] > most[out] or (held[place] == most[out] and rank[of] < rank[best[out]]):
                best[out], most[out] = of, held[place]
    return best, most, everything


@compiled
def quietest(hours: Any, rows: Any, wide: Any) -> Any:
    """Calls in the quietest `wide` hours in a row of each of `rows`, around midnight, too."""
    out = np.empty(rows.size, np.int64)
    for place in range(rows.size):
        own = hours[rows[place]]
        inside = np.int64(0)
        for hour in range(wide):
            inside += own[hour]
        fewest = inside
        for begin in range(1, own.size):
            inside += np.int64(own[(begin + wide - 1) % own.size]) - np.int64(own[begin - 1])
            fewest = min(fewest, inside)
        out[place] = fewest
    return out


@compiled
def recurring(rows: Rows, held: Held, chosen: Any, share: Any, often: Any, seldom: Any) -> Any:
    """Held grams that recur in the `chosen` rows of a shard: (row, gram, times, first, last), by row as chosen and by gram.

    Those in at least `share` of an account's requests, or in `seldom` of them if these are at least `often`; in two at least.
    """
    many = 0
    for row in chosen:
        many += rows.held[row]
    who, gram = np.empty(many, np.int64), np.empty(many, np.int64)
    times, first, last = np.empty(many, np.int64), np.empty(many, np.int64), np.empty(many, np.int64)
    at = 0
    for row in chosen:
        begin = at
        block, left = rows.held_block[row], rows.held[row]
        while left > 0:
            for place in range(min(left, BLOCK)):
                n = min(np.int64(held.times[block, place]), rows.requests[row])
                if n >= 2 and (n >= share * rows.requests[row] or (n >= often and n >= seldom * rows.requests[row])):
                    to, value = at, np.int64(held.gram[block, place])
                    while to > begin and gram[to - 1] > value:  # few recur, and most come in this order
                        gram[to], times[to], first[to], last[to] = gram[to - 1], times[to - 1], first[to - 1], last[to - 1]
                        to -= 1
                    who[at], gram[to], times[to] = row, value, n
                    first[to], last[to] = held.first[block, place], held.last[block, place]
                    at += 1
            left -= BLOCK
            block = held.following[block]
    return who[:at], gram[:at], times[:at], first[:at], last[:at]


@compiled
def units_of(rows: Rows, units: Units, chosen: Any) -> Any:
    """Where the units of the rows `chosen` lie: (place in `chosen`, block * BLOCK + place), in the order of `chosen`."""
    many = 0
    for at in range(chosen.size):
        many += rows.units[chosen[at]]
    who, where = np.empty(many, np.int64), np.empty(many, np.int64)
    out = 0
    for at in range(chosen.size):
        block, left = rows.unit_block[chosen[at]], rows.units[chosen[at]]
        while left > 0:
            for place in range(min(left, BLOCK)):
                who[out], where[out] = at, block * BLOCK + place
                out += 1
            left -= BLOCK
            block = units.following[block]
    return who, where


@compiled
def slices(rows: Rows, units: Units, chosen: Any, top: Any, out: Any) -> None:
    """What the units of the `chosen` rows of a shard show, of those that have the gram `top` (of all where it is -1), into `out`.

    `top` is by row, and so is `out`, of shape (4, rows): share of the answered calls that are in the slice; distinct requests as a share of
    its calls (nan without words); share of its calls that stand alone; median of output tokens (nan where not known).
    """
    room = 0
    for row in chosen:
        room = max(room, rows.units[row])
    outputs, weights, prompts = np.empty(room, np.float64), np.empty(room, np.float64), np.empty(room, np.uint64)
    for row in chosen:
        everything, inside, single, worded, distinct = 0.0, 0.0, 0.0, 0.0, 0.0
        known, seen = 0, 0
        block, left = rows.unit_block[row], rows.units[row]
        while left > 0:
            for place in range(min(left, BLOCK)):
                calls = float(units.calls[block, place])
                everything += calls
                has = top[row] < 0
                for gram in range(units.size[block, place]):
                    has = has or units.grams[block, place, gram] == top[row]
                if not has:
                    continue
                inside += calls
                flags = units.flags[block, place]
                if flags & SINGLE and (not flags & CONVERSATION or calls == 1):
                    single += calls
                if units.output[block, place] >= 0:
                    outputs[known], weights[known] = units.output[block, place], calls
                    known += 1
                if not flags & NO_WORDS:
                    worded += calls
                    again = False
                    for other in range(seen):
                        again = again or prompts[other] == units.prompt[block, place]
                    if not again:
                        prompts[seen] = units.prompt[block, place]
                        seen += 1
                        distinct += 1.0
                    if flags & CONVERSATION:
                        distinct += calls - 1.0
            left -= BLOCK
            block = units.following[block]
        out[0, row] = inside / everything if everything else 0.0
        out[1, row] = distinct / worded if worded else np.nan
        out[2, row] = single / inside if inside else np.nan
        out[3, row] = weighted_median(outputs[:known], weights[:known])


@compiled
def weighted_median(values: Any, weights: Any) -> Any:
    """Median of values that count `weights` times each, between the two in the middle; nan of none."""
    if values.size == 0:
        return np.nan
    order = np.argsort(values)
    half = 0.5 * weights.sum()
    before = 0.0
    for place in range(order.size):
        before += weights[order[place]]
        if before > half:
            return values[order[place]]
        if before == half and place + 1 < order.size:
            return 0.5 * (values[order[place]] + values[order[place + 1]])
    return values[order[-1]]


@compiled
def traced(account: Any, micros: Any, chosen: Any) -> Any:
    """(row, microseconds, whether from a batch) of the calls of chosen accounts; `chosen` is a mask over rows."""
    many = 0
    for at in range(account.size):
        many += chosen[account[at] & np.uint32(0x7FFFFFFF)]
    who, when, batch = np.empty(many, np.int64), np.empty(many, np.int64), np.empty(many, np.bool_)
    out = 0
    for at in range(account.size):
        row = account[at] & np.uint32(0x7FFFFFFF)
        if chosen[row]:
            who[out], when[out], batch[out] = row, micros[at], account[at] >> np.uint32(31)
            out += 1
    return who, when, batch


@compiled
def latest(account: Any, micros: Any, starts: Any, groups: Any, left: Any, out_at: Any, out_row: Any, out_micros: Any) -> None:
    """The latest calls of groups of accounts, batches left out, from the end of a piece of the trace on.

    Args:
        account: of each call, with the highest bit set for batches.
        micros: of each call.
        starts: where the groups of each row begin in `groups`, shape (rows + 1,).
        groups: numbers of groups.
        left: how many calls each group still takes; counted down.
        out_at: where the next call of each group goes; counted up.
        out_row: rows of the calls taken.
        out_micros: their times.
    """
    for back in range(account.size):
        at = account.size - 1 - back
        if account[at] >> np.uint32(31):
            continue
        row = account[at]
        for place in range(starts[row], starts[row + 1]):
            group = groups[place]
            if left[group] > 0:
                left[group] -= 1
                out_row[out_at[group]] = row
                out_micros[out_at[group]] = micros[at]
                out_at[group] += 1


@compiled
def holders(key: Any) -> Any:
    """How many pairs have the key of each pair; keys are sorted."""
    out = np.empty(key.size, np.int64)
    begin = 0
    while begin < key.size:
        end = begin + 1
        while end < key.size and key[end] == key[begin]:
            end += 1
        out[begin:end] = end - begin
        begin = end
    return out
