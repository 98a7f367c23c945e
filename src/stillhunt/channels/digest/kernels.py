"""The fold over calls, in compiled loops: what one chunk of calls does to the digests of its accounts.

In: a chunk's columns (`Chunk`) and the state's arrays (`Rows`, `Units`, `Held`). Out: the same arrays, changed.
May import: compiled. Everything here is a function of the calls and their order alone, so that folding anew gives the same.

What is bounded, and how:

* *Histograms* have bins of equal width on a log scale; when a bin is full the account's whole histogram is halved.
* *Slots* hold an account's most frequent values (space saving: of more values than slots the rarest gives way to the newcomer, which
  inherits its count). Of up to as many values as slots counts are exact.
* *Units* are a sample of an account's separate requests: a conversation, or a request by the hash of its words. Those with the smallest
  hashes stay (bottom-k): a unit that is in the sample has been there since its first call, so that its count of calls is exact,
  and what the units show is an unbiased sample of what the account's requests show. Up to `LEAST_UNITS` stay, or up to an eighth of the
  account's answered calls, `MOST_UNITS` at most; of accounts with fewer requests all are there and nothing is estimated.
* *Held* grams are those of a unit that came again, in another unit or in two more calls (sample and hold): once a gram is held it is
  counted exactly, what came before is estimated from the sample. Where an account has more than there is room for, the rarest gives way.

References: A. Metwally et al., ICDT 2005 (space saving); K. Beyer et al., SIGMOD 2007 (k smallest hashes with multiplicities);
C. Estan and G. Varghese, SIGCOMM 2002 (sample and hold).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stillhunt.compiled import compiled, merged, uncounted

Array = npt.NDArray[Any]

LEAST_UNITS, UNIT_SHARE, MOST_UNITS = 24, 8, 128
"""One answered call in so many may have a unit, but always the least and never more than the most: every call may have to look at all."""
UNIT_GRAMS = 16
"""So many grams of a unit are kept: the smallest, which are the same ones wherever an instruction stands."""
MOST_HELD = 128
BLOCK = 8
"""Units and held grams lie in blocks of so many, chained per account."""

MARKS, HELD_MARKS = 16, 16
"""Words of the Bloom filters of a block's units and of an account's held grams."""

NETWORKS, VALUES = 16, 8
"""Slots of an account's networks, and of its clients, parameters and models."""

PAUSE_BINS = 8 * 23
IDLE_BINS = 48 + 24 + 20
SIZE_BINS = 4 * 20
PAUSE_AT, IDLE_AT = 0, PAUSE_BINS
ANSWER_AT = IDLE_AT + IDLE_BINS
REQUEST_AT, THOUGHT_AT = ANSWER_AT + SIZE_BINS, ANSWER_AT + 2 * SIZE_BINS
BINS = ANSWER_AT + 3 * SIZE_BINS
_FULL = 65_535

DAYS_KEPT = 4
"""Days whose counts can still grow: logs that arrive later than that count as days of their own."""

CONVERSATION, SINGLE, NO_WORDS = 1, 2, 4
"""Flags of a unit: it is a conversation; its first call had one message at most; nothing is known of its words."""

UNKNOWN = -1
_HOUR, _DAY = 3_600_000_000, 86_400_000_000
_EVERYTHING = np.uint64(0xFFFFFFFFFFFFFFFF)
_M1, _M2, _M3 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_33 = np.uint64(33)
_BUCKETS = 1 << 19
_DIGIT_BITS = np.uint64(11)
_DIGITS = 1 << 11
_DIGIT = np.uint64(_DIGITS - 1)


class Chunk(NamedTuple):
    """Some calls as columns, all of one length. Whole numbers are -1 where they are null, but for hashes, which have masks."""

    account: Array  # int32 rows of the state
    micros: Array  # int64
    status: Array  # int32
    model: Array  # int32 numbers of strings
    label: Array  # int32 numbers of client shapes
    parameters: Array  # int32 numbers of parameter hashes
    network: Array  # int32 numbers of prefixes
    organization: Array  # int32 numbers
    prompt: Array  # int64 prompt_hash
    has_prompt: Array  # bool
    system: Array  # int64, 0 for null
    conversation: Array  # int64 hash of the conversation's id, 0 for null
    messages: Array  # int32
    output: Array  # int64
    reasoning: Array  # int64
    prompt_chars: Array  # int64
    response_chars: Array  # int64
    shape: Array  # int64
    batch: Array  # bool, the surface is "batch"
    has_sketch: Array  # bool
    offsets: Array  # int64 (calls + 1,)
    grams: Array  # int32


class Rows(NamedTuple):
    """The state's arrays with one row an account."""

    calls: Array
    answered: Array
    requests: Array
    tokens: Array
    first: Array
    last: Array
    days: Array
    squares: Array
    day: Array  # (rows, DAYS_KEPT) int32
    day_calls: Array  # (rows, DAYS_KEPT) uint32
    pause_day: Array  # int32, -1 before the first pause
    pause_most: Array  # float64 hours
    hours: Array  # (rows, 24) uint32
    bins: Array  # (rows, BINS) uint16
    network: Array  # (rows, NETWORKS) int32
    network_calls: Array
    client: Array
    client_calls: Array
    parameters: Array
    parameters_calls: Array
    model: Array
    model_calls: Array
    model_first: Array  # int64
    model_before: Array
    organization: Array  # (rows, 2) int32
    unit_block: Array  # int32, -1
    units: Array
    below: Array  # uint64
    held_block: Array
    held: Array
    held_marks: Array  # (rows, HELD_MARKS) uint64, a Bloom filter of the grams held


class Units(NamedTuple):
    """Blocks of units."""

    following: Array  # (blocks,) int32
    key: Array  # (blocks, BLOCK) uint64
    prompt: Array  # uint64
    shape: Array  # int64
    calls: Array  # uint32
    seconds: Array  # uint32, first call
    output: Array  # float32
    messages: Array  # int16, -1 for null
    flags: Array  # uint8
    size: Array  # uint8 grams
    grams: Array  # (blocks, BLOCK, UNIT_GRAMS) int32
    again: Array  # uint16, a bit for each gram that came once more in a call that has no unit
    marks: Array  # (blocks, MARKS) uint64, a Bloom filter of the block's grams: most calls show none of them


class Held(NamedTuple):
    """Blocks of held grams."""

    following: Array
    gram: Array  # (blocks, BLOCK) int32
    times: Array  # uint32
    first: Array  # uint32 seconds
    last: Array


@uncounted
def mixed(a: Any, b: Any) -> Any:
    """One 64-bit hash of two whole numbers."""
    h = np.uint64(a) * _M1 + np.uint64(b)
    h = (h ^ (h >> _33)) * _M2
    h = (h ^ (h >> _33) ^ np.uint64(a)) * _M3
    return h ^ (h >> _33)


@compiled
def by_account(account: Any, rows: Any) -> Any:
    """A stable order of calls by account: counting sort."""
    starts = np.zeros(rows + 1, np.int64)
    for i in range(account.size):
        starts[account[i] + 1] += 1
    for row in range(rows):
        starts[row + 1] += starts[row]
    order = np.empty(account.size, np.int64)
    for i in range(account.size):
        row = account[i]
        order[starts[row]] = i
        starts[row] += 1
    return order


@compiled
def in_time(micros: Any) -> Any:
    """A stable order of calls by time: none if they are in order, else a radix sort, which for one day takes four passes."""
    order = np.arange(micros.size)
    fallen = 0
    least = most = micros[0] if micros.size else np.int64(0)
    for i in range(1, micros.size):
        fallen += micros[i] < micros[i - 1]
        least = min(least, micros[i])
        most = max(most, micros[i])
    if not fallen:
        return order
    keys = (micros - least).astype(np.uint64)
    left = np.uint64(most - least)
    other, others = np.empty_like(order), np.empty_like(keys)
    starts = np.empty(_DIGITS + 1, np.int64)
    shift = np.uint64(0)
    while left:
        starts[:] = 0
        for i in range(keys.size):
            starts[np.int64(keys[i] >> shift & _DIGIT) + 1] += 1
        for at in range(_DIGITS):
            starts[at + 1] += starts[at]
        for i in range(keys.size):
            digit = np.int64(keys[i] >> shift & _DIGIT)
            others[starts[digit]] = keys[i]
            other[starts[digit]] = order[i]
            starts[digit] += 1
        keys, others = others, keys
        order, other = other, order
        shift += _DIGIT_BITS
        left >>= _DIGIT_BITS
    return order


@uncounted
def pause_bin(seconds: Any) -> Any:
    """Bin of a pause: log2(1 + seconds) in eighths."""
    return min(PAUSE_BINS - 1, int(8.0 * np.log2(1.0 + seconds)))


@uncounted
def idle_bin(hours: Any) -> Any:
    """Bin of a day's longest pause: quarters of an hour up to 12, halves up to 24, then quarters of an octave."""
    if hours < 12.0:
        return int(4.0 * hours)
    if hours < 24.0:
        return 48 + int(2.0 * (hours - 12.0))
    return min(IDLE_BINS - 1, 72 + int(4.0 * np.log2(hours / 24.0)))


@uncounted
def size_bin(size: Any) -> Any:
    """Bin of a length: log2(1 + size) in quarters."""
    return min(SIZE_BINS - 1, int(4.0 * np.log2(1.0 + size)))


@merged
def _add(bins: Any, row: Any, begin: Any, end: Any, place: Any) -> None:
    if bins[row, begin + place] == _FULL:
        for at in range(begin, end):
            bins[row, at] >>= 1
    bins[row, begin + place] += 1


@merged
def _count(values: Any, times: Any, row: Any, value: Any) -> None:
    """Space saving."""
    least = 0
    for slot in range(values.shape[1]):
        if values[row, slot] == value:
            times[row, slot] += 1
            return
        if values[row, slot] == UNKNOWN:
            values[row, slot] = value
            times[row, slot] = 1
            return
        if times[row, slot] < times[row, least]:
            least = slot
    values[row, least] = value
    times[row, least] += 1


@merged
def _turn(rows: Any, row: Any, model: Any, at: Any) -> None:
    """A call to a model; of more models than slots the later ones are not kept."""
    for slot in range(VALUES):
        if rows.model[row, slot] == UNKNOWN:
            rows.model[row, slot] = model
            rows.model_first[row, slot] = at
            rows.model_before[row, slot] = rows.calls[row]
        if rows.model[row, slot] == model:
            rows.model_calls[row, slot] += 1
            return


@merged
def _on_day(rows: Any, row: Any, day: Any) -> None:
    oldest = 0
    for slot in range(DAYS_KEPT):
        if rows.day[row, slot] == day:
            rows.squares[row] += 2.0 * rows.day_calls[row, slot] + 1.0
            rows.day_calls[row, slot] += 1
            return
        if rows.day[row, slot] < rows.day[row, oldest]:
            oldest = slot
    rows.days[row] += 1
    rows.squares[row] += 1.0
    if day > rows.day[row, oldest]:
        rows.day[row, oldest] = day
        rows.day_calls[row, oldest] = 1


@merged
def _paused(rows: Any, row: Any, before: Any, now: Any) -> None:
    """A pause from `before` to `now`, microseconds; it belongs to the day on which it begins."""
    _add(rows.bins, row, PAUSE_AT, PAUSE_AT + PAUSE_BINS, pause_bin((now - before) / 1e6))
    day = before // _DAY
    hours = (now - before) / 3.6e9
    if rows.pause_day[row] == day:
        rows.pause_most[row] = max(rows.pause_most[row], hours)
        return
    if rows.pause_day[row] >= 0:
        _add(rows.bins, row, IDLE_AT, IDLE_AT + IDLE_BINS, idle_bin(rows.pause_most[row]))
    rows.pause_day[row] = day
    rows.pause_most[row] = hours


@merged
def _smallest(grams: Any, begin: Any, end: Any, kept: Any) -> Any:
    """The smallest distinct grams of a call, at most UNIT_GRAMS, into `kept`, ascending. Returns how many."""
    size = 0
    for at in range(begin, end):
        gram = grams[at]
        if size == UNIT_GRAMS and gram >= kept[size - 1]:
            continue
        place = size
        while place > 0 and kept[place - 1] > gram:
            place -= 1
        if place > 0 and kept[place - 1] == gram:
            continue
        top = min(size, UNIT_GRAMS - 1)
        for move in range(top, place, -1):
            kept[move] = kept[move - 1]
        kept[place] = gram
        size = min(size + 1, UNIT_GRAMS)
    return size


@merged
def _found(values: Any, following: Any, block: Any, many: Any, wanted: Any) -> Any:
    """Where a value stands among the `many` of a chain of blocks that begins with `block`: block * BLOCK + place, or -1."""
    left = many
    while left > 0:
        for place in range(min(left, BLOCK)):
            if values[block, place] == wanted:
                return block * BLOCK + place
        left -= BLOCK
        block = following[block]
    return -1


@merged
def _room(following: Any, heads: Any, row: Any, many: Any, used: Any) -> Any:
    """The block of an account's chain that has room for one more than `many`, made if needed: (block, blocks in use)."""
    if heads[row] < 0:
        heads[row] = used
        following[used] = -1
        used += 1
    block = heads[row]
    for _ in range(many // BLOCK):
        if following[block] < 0:
            following[block] = used
            following[used] = -1
            used += 1
        block = following[block]
    return block, used


@merged
def _bits(gram: Any) -> Any:
    """The two bits of a gram in Bloom filters, to be taken modulo their length."""
    spread = np.uint64(gram) * _M1
    return spread >> np.uint64(32), spread >> np.uint64(48)


@merged
def _mark(words: Any, gram: Any) -> None:
    """Enter a gram into a Bloom filter of 64-bit words, a power of two of them."""
    last = np.uint64(64 * words.size - 1)
    for bit in _bits(gram):
        words[(bit & last) >> np.uint64(6)] |= np.uint64(1) << (bit & np.uint64(63))


@merged
def _marked(words: Any, bits: Any) -> Any:
    """False where the gram with these bits is certainly not in a Bloom filter."""
    last = np.uint64(64 * words.size - 1)
    one, other = bits
    first = words[(one & last) >> np.uint64(6)] >> (one & np.uint64(63))
    return (first & (words[(other & last) >> np.uint64(6)] >> (other & np.uint64(63))) & np.uint64(1)) != 0


@merged
def _is_held(rows: Any, held: Any, row: Any, gram: Any) -> Any:
    return _marked(rows.held_marks[row], _bits(gram)) and _found(held.gram, held.following, rows.held_block[row], rows.held[row], gram) >= 0


@merged
def _counted(rows: Any, held: Any, row: Any, chunk: Any, i: Any, seconds: Any, requests: Any) -> Any:
    """Count the held grams that a call shows, which stands for so many requests. Returns a bit for each of its first 64 grams: held.

    A gram that has come to be commoner than the one before it changes places with it: an instruction's are found at once.
    """
    bits = np.uint64(0)
    many = rows.held[row]
    if many == 0:
        return bits
    for at in range(chunk.offsets[i], chunk.offsets[i + 1]):
        gram = chunk.grams[at]
        if not _marked(rows.held_marks[row], _bits(gram)):
            continue
        b, left, before, last = rows.held_block[row], many, -1, -1
        found = False
        while left > 0 and not found:
            for place in range(min(left, BLOCK)):
                if held.gram[b, place] == gram:
                    found = True
                    held.last[b, place] = max(held.last[b, place], seconds)
                    held.first[b, place] = min(held.first[b, place], seconds)
                    held.times[b, place] += requests
                    if before >= 0 and held.times[b, place] > held.times[before, last]:
                        _swap(held, b, place, before, last)
                    break
                before, last = b, place
            left -= BLOCK
            if not found and left > 0:
                b = held.following[b]
        if found and at - chunk.offsets[i] < 64:
            bits |= np.uint64(1) << np.uint64(at - chunk.offsets[i])
    return bits


@merged
def _swap(held: Any, b: Any, place: Any, other: Any, at: Any) -> None:
    held.gram[b, place], held.gram[other, at] = held.gram[other, at], held.gram[b, place]
    held.times[b, place], held.times[other, at] = held.times[other, at], held.times[b, place]
    held.first[b, place], held.first[other, at] = held.first[other, at], held.first[b, place]
    held.last[b, place], held.last[other, at] = held.last[other, at], held.last[b, place]


@merged
def _rarest(rows: Any, held: Any, row: Any) -> Any:
    """Where the held gram with the fewest requests is: block * BLOCK + place."""
    block, left = rows.held_block[row], rows.held[row]
    least, found = np.uint32(0xFFFFFFFF), -1
    while left > 0:
        for place in range(min(left, BLOCK)):
            if held.times[block, place] < least:
                least, found = held.times[block, place], block * BLOCK + place
        left -= BLOCK
        block = held.following[block]
    return found


@merged
def _hold(rows: Any, held: Any, used: Any, row: Any, gram: Any, times: Any, first: Any, last: Any) -> Any:
    """Hold one more gram, in place of a rarer one if there is no more room. Returns the number of blocks in use."""
    many = rows.held[row]
    if many == MOST_HELD:
        found = _rarest(rows, held, row)
        block, place = found // BLOCK, found % BLOCK
        if held.times[block, place] >= times:
            return used
    else:
        place = many % BLOCK
        block, used = _room(held.following, rows.held_block, row, many, used)
        rows.held[row] = many + 1
    held.gram[block, place] = gram
    _mark(rows.held_marks[row], gram)
    held.times[block, place] = times
    held.first[block, place] = first
    held.last[block, place] = last
    return used


@merged
def _nominate(rows: Any, units: Any, held: Any, used: Any, row: Any, gram: Any, more: Any, seconds: Any) -> Any:
    """Hold a gram if it recurs: in two units' requests, or in one's and `more` others. Returns the blocks of held grams in use."""
    bits = _bits(gram)
    matching, first, last = 0.0, seconds, seconds
    block, left = rows.unit_block[row], rows.units[row]
    while left > 0:
        if _marked(units.marks[block], bits):
            for at in range(min(left, BLOCK)):
                for other in range(np.int64(units.size[block, at])):
                    if units.grams[block, at, other] >= gram:  # they ascend
                        if units.grams[block, at, other] == gram:
                            matching += 1.0 if units.flags[block, at] & CONVERSATION else float(units.calls[block, at])
                            first = min(first, units.seconds[block, at])
                            last = max(last, units.seconds[block, at])
                        break
        left -= BLOCK
        block = units.following[block]
    if matching + more < 2.0:
        return used
    everything = 0.0
    block, left = rows.unit_block[row], rows.units[row]
    while left > 0:
        for at in range(min(left, BLOCK)):
            everything += 1.0 if units.flags[block, at] & CONVERSATION else float(units.calls[block, at])
        left -= BLOCK
        block = units.following[block]
    times = max(matching + more, np.round(matching / everything * rows.requests[row]))
    return _hold(rows, held, used, row, gram, np.uint32(times), first, last)


@merged
def _unit_with(rows: Any, units: Any, row: Any, gram: Any, b: Any, own: Any) -> Any:
    """The first unit that has a gram, but for the one at place `own` of block `b`: (block, place, index of the gram), or (-1, -1, -1)."""
    bits = _bits(gram)
    block, left = rows.unit_block[row], rows.units[row]
    while left > 0:
        if _marked(units.marks[block], bits):
            for place in range(min(left, BLOCK)):
                if block == b and place == own:
                    continue
                for index in range(np.int64(units.size[block, place])):
                    if units.grams[block, place, index] == gram:
                        return block, place, index
        left -= BLOCK
        block = units.following[block]
    return -1, -1, -1


@merged
def _nominate_all(rows: Any, units: Any, held: Any, used: Any, row: Any, b: Any, place: Any, seconds: Any) -> Any:
    """Hold the grams of a unit that recur."""
    again = units.calls[b, place] > 1
    for index in range(units.size[b, place]):
        gram = units.grams[b, place, index]
        if _is_held(rows, held, row, gram):
            continue
        if again or _unit_with(rows, units, row, gram, b, place)[0] >= 0:
            used = _nominate(rows, units, held, used, row, gram, 0.0, seconds)
    return used


@merged
def _came_again(rows: Any, units: Any, held: Any, used: Any, row: Any, chunk: Any, i: Any, seconds: Any, bits: Any) -> Any:
    """Note the grams of a call without a unit that a unit has; hold those that come the second time. Returns the blocks in use.

    `bits` says which of the call's first 64 grams are held.
    """
    for at in range(chunk.offsets[i], chunk.offsets[i + 1]):
        gram = chunk.grams[at]
        order = at - chunk.offsets[i]
        if order < 64:
            if (bits >> np.uint64(order)) & np.uint64(1):
                continue
        elif _is_held(rows, held, row, gram):
            continue
        block, place, index = _unit_with(rows, units, row, gram, -1, -1)
        if block < 0:
            continue
        bit = np.uint16(1 << index)
        if units.again[block, place] & bit:
            used = _nominate(rows, units, held, used, row, gram, 2.0, seconds)
        else:
            units.again[block, place] |= bit
    return used


@merged
def _find_unit(rows: Any, units: Any, row: Any, key: Any) -> Any:
    return _found(units.key, units.following, rows.unit_block[row], rows.units[row], key)


@merged
def _copy(units: Any, to: Any, at: Any, of: Any, place: Any) -> None:
    units.key[to, at] = units.key[of, place]
    units.prompt[to, at] = units.prompt[of, place]
    units.shape[to, at] = units.shape[of, place]
    units.calls[to, at] = units.calls[of, place]
    units.seconds[to, at] = units.seconds[of, place]
    units.output[to, at] = units.output[of, place]
    units.messages[to, at] = units.messages[of, place]
    units.flags[to, at] = units.flags[of, place]
    units.size[to, at] = units.size[of, place]
    units.again[to, at] = units.again[of, place]
    for gram in range(UNIT_GRAMS):
        units.grams[to, at, gram] = units.grams[of, place, gram]


@merged
def _drop_largest(rows: Any, units: Any, row: Any) -> None:
    """Take the unit with the largest key out of the sample; none that large will come in again."""
    block, left = rows.unit_block[row], rows.units[row]
    largest, b, place = np.uint64(0), -1, -1
    last = block
    while left > 0:
        for at in range(min(left, BLOCK)):
            if b < 0 or units.key[block, at] > largest:
                largest, b, place = units.key[block, at], block, at
        left -= BLOCK
        last = block
        block = units.following[block]
    _copy(units, b, place, last, (rows.units[row] - 1) % BLOCK)
    rows.units[row] -= 1
    rows.below[row] = largest
    _mark_anew(units, b, BLOCK if b != last else rows.units[row] % BLOCK)


@merged
def _mark_anew(units: Any, block: Any, many: Any) -> None:
    """The Bloom filter of a block's first `many` units."""
    for word in range(MARKS):
        units.marks[block, word] = 0
    for place in range(many):
        for index in range(units.size[block, place]):
            _mark(units.marks[block], units.grams[block, place, index])


@merged
def _key(chunk: Any, i: Any) -> Any:
    if chunk.conversation[i] != 0:
        return mixed(chunk.conversation[i], 1)
    if chunk.has_prompt[i]:
        return mixed(chunk.prompt[i], chunk.system[i])
    return mixed(chunk.micros[i], 2)


@merged
def _met(rows: Any, units: Any, row: Any, chunk: Any, i: Any) -> Any:
    """How many conversations a call stands for whose opening was not seen: with examples before the question, or begun before the logs.

    One in the sample that is met for the first time stands for 1 / (the sampling rate), any other for none; of a fraction the hash
    decides whether it counts.
    """
    key = _key(chunk, i)
    if key >= rows.below[row] or _find_unit(rows, units, row, key) >= 0:
        return 0
    return int(2.0**64 / float(rows.below[row]) + float(mixed(key, 3)) / 2.0**64)


@merged
def _sampled(
    rows: Any, units: Any, held: Any, used: Any, held_used: Any, row: Any, chunk: Any, i: Any, kept: Any, counted: Any, bits: Any
) -> Any:
    """Let an answered call into the sample of units if its hash is small enough. Returns the blocks in use, (units, held)."""
    key = _key(chunk, i)
    seconds = np.uint32(max(0, chunk.micros[i] // 1_000_000))
    if key >= rows.below[row]:
        if counted and key & np.uint64(1):  # every second request, by hash, is enough to see what recurs
            held_used = _came_again(rows, units, held, held_used, row, chunk, i, seconds, bits)
        return used, held_used
    found = _find_unit(rows, units, row, key)
    if found >= 0:
        b, place = found // BLOCK, found % BLOCK
        units.calls[b, place] += 1
        if units.calls[b, place] == 2 and not units.flags[b, place] & CONVERSATION:
            held_used = _nominate_all(rows, units, held, held_used, row, b, place, seconds)
        return used, held_used
    b, used = _room(units.following, rows.unit_block, row, rows.units[row], used)
    place = rows.units[row] % BLOCK
    rows.units[row] += 1
    units.key[b, place] = key
    units.prompt[b, place] = mixed(chunk.prompt[i], chunk.system[i]) if chunk.has_prompt[i] else np.uint64(0)
    units.shape[b, place] = chunk.shape[i]
    units.calls[b, place] = 1
    units.seconds[b, place] = seconds
    output = chunk.output[i]
    if output < 0 and chunk.response_chars[i] >= 0:
        output = chunk.response_chars[i] // 4
    units.output[b, place] = output
    units.messages[b, place] = min(chunk.messages[i], 32_767)
    flags = 0
    if chunk.conversation[i] != 0:
        flags |= CONVERSATION
    if chunk.messages[i] <= 1:
        flags |= SINGLE
    if not chunk.has_prompt[i]:
        flags |= NO_WORDS
    units.flags[b, place] = flags
    size = _smallest(chunk.grams, chunk.offsets[i], chunk.offsets[i + 1], kept)
    units.size[b, place] = size
    units.again[b, place] = 0
    if place == 0:
        for word in range(MARKS):
            units.marks[b, word] = 0
    for at in range(size):
        units.grams[b, place, at] = kept[at]
        _mark(units.marks[b], kept[at])
    if size:
        held_used = _nominate_all(rows, units, held, held_used, row, b, place, seconds)
    if rows.units[row] > min(MOST_UNITS, max(LEAST_UNITS, rows.answered[row] // UNIT_SHARE)):
        _drop_largest(rows, units, row)
    return used, held_used


@uncounted
def fold_accounts(
    shard: Any, shards: Any, order: Any, chunk: Any, rows: Any, units: Any, held: Any, used: Any, start: Any, kept: Any
) -> Any:
    """Fold calls, in `order`, into the accounts of one shard, until the blocks may run out.

    `kept` is room for `UNIT_GRAMS` grams.

    Returns:
        (position in `order` that comes next, blocks of units in use, blocks of held grams in use).
    """
    unit_used, held_used = used
    room_units, room_held = units.following.size - 1, held.following.size - (MOST_HELD // BLOCK + 1)
    for position in range(start, order.size):
        i = order[position]
        row = chunk.account[i]
        if row % shards != shard:
            continue
        if unit_used >= room_units or held_used >= room_held:
            return position, unit_used, held_used
        now = chunk.micros[i]
        if rows.calls[row] == 0:
            rows.first[row] = now
            rows.last[row] = now
        else:
            if now >= rows.last[row]:
                _paused(rows, row, rows.last[row], now)
                rows.last[row] = now
            rows.first[row] = min(rows.first[row], now)
        if chunk.model[i] >= 0:
            _turn(rows, row, chunk.model[i], now)
        rows.calls[row] += 1
        rows.hours[row, (now // _HOUR) % 24] += 1
        _on_day(rows, row, now // _DAY)
        if chunk.network[i] >= 0:
            _count(rows.network, rows.network_calls, row, chunk.network[i])
        if chunk.label[i] >= 0:
            _count(rows.client, rows.client_calls, row, chunk.label[i])
        if chunk.parameters[i] >= 0:
            _count(rows.parameters, rows.parameters_calls, row, chunk.parameters[i])
        organization = chunk.organization[i]
        if organization >= 0 and rows.organization[row, 0] != organization:
            rows.organization[row, 0 if rows.organization[row, 0] < 0 else 1] = organization
        if chunk.output[i] > 0:
            rows.tokens[row] += chunk.output[i]
        if chunk.status[i] >= 400:
            continue
        rows.answered[row] += 1
        if chunk.output[i] >= 0:
            _add(rows.bins, row, ANSWER_AT, ANSWER_AT + SIZE_BINS, size_bin(chunk.output[i]))
        if chunk.prompt_chars[i] >= 0:
            _add(rows.bins, row, REQUEST_AT, REQUEST_AT + SIZE_BINS, size_bin(chunk.prompt_chars[i]))
        if chunk.reasoning[i] > 0:
            _add(rows.bins, row, THOUGHT_AT, THOUGHT_AT + SIZE_BINS, size_bin(chunk.reasoning[i]))
        counted = chunk.has_sketch[i] and (chunk.conversation[i] == 0 or chunk.messages[i] <= 1)
        requests = 1 if counted else (_met(rows, units, row, chunk, i) if chunk.has_sketch[i] else 0)
        bits = np.uint64(0)
        if requests > 0:
            rows.requests[row] += requests
            bits = _counted(rows, held, row, chunk, i, max(0, now // 1_000_000), requests)
        unit_used, held_used = _sampled(rows, units, held, unit_used, held_used, row, chunk, i, kept, counted, bits)
    return order.size, unit_used, held_used


@compiled
def request_keys(chunk: Any, below: Any) -> Any:
    """Consistently sampled requests of a chunk: (keys, accounts) of calls whose request's hash is less than `below`."""
    keys = np.empty(chunk.micros.size, np.uint64)
    accounts = np.empty(chunk.micros.size, np.int32)
    many = 0
    for i in range(chunk.micros.size):
        if chunk.has_prompt[i]:
            key = mixed(chunk.prompt[i], chunk.system[i])
            if key < below:
                keys[many] = key
                accounts[many] = chunk.account[i]
                many += 1
    return keys[:many], accounts[:many]


@compiled
def handed_over(order: Any, chunk: Any, open_key: Any, open_account: Any, open_at: Any, within: Any) -> Any:
    """Requests that fail on one account and are sent again by another within `within` microseconds.

    Args:
        order: the chunk's calls in order of time.
        chunk: the calls.
        open_key: requests that failed before the chunk and may still be taken over; with their accounts and times.
        open_account: see there.
        open_at: see there.
        within: microseconds.

    Returns:
        (key, giver, taker, failed at, taken at) of each handoff, then (key, account, time) of what is still open.
    """
    failures = open_key.size
    for i in range(chunk.micros.size):
        failures += chunk.status[i] >= 400 and chunk.has_prompt[i]
    size = 16
    while size < 2 * failures:
        size *= 2
    wrap = np.uint64(size - 1)
    keys, taken = np.zeros(size, np.uint64), np.zeros(size, np.bool_)
    who, when = np.zeros(size, np.int32), np.zeros(size, np.int64)
    for at in range(open_key.size):
        slot = open_key[at] & wrap
        while taken[slot] and keys[slot] != open_key[at]:
            slot = (slot + np.uint64(1)) & wrap
        taken[slot] = True
        keys[slot], who[slot], when[slot] = open_key[at], open_account[at], open_at[at]
    found_key = np.empty(chunk.micros.size, np.uint64)
    giver, taker = np.empty(chunk.micros.size, np.int32), np.empty(chunk.micros.size, np.int32)
    failed_at, taken_at = np.empty(chunk.micros.size, np.int64), np.empty(chunk.micros.size, np.int64)
    many = 0
    last = np.int64(-(1 << 62))
    for i in order:
        if not chunk.has_prompt[i]:
            continue
        last = max(last, chunk.micros[i])
        if failures == 0:
            continue
        key = mixed(chunk.prompt[i], chunk.system[i])
        slot = key & wrap
        while taken[slot] and keys[slot] != key:
            slot = (slot + np.uint64(1)) & wrap
        now = chunk.micros[i]
        if taken[slot] and who[slot] != chunk.account[i] and 0 <= now - when[slot] <= within:
            found_key[many], giver[many], taker[many], failed_at[many], taken_at[many] = key, who[slot], chunk.account[i], when[slot], now
            many += 1
        if chunk.status[i] >= 400:
            taken[slot] = True
            keys[slot], who[slot], when[slot] = key, chunk.account[i], now
    still = np.flatnonzero(taken & (when >= last - within))
    return (
        (found_key[:many].copy(), giver[:many].copy(), taker[:many].copy(), failed_at[:many].copy(), taken_at[:many].copy()),
        (keys[still], who[still], when[still]),
    )


@compiled
def sorted_pairs(key: Any, account: Any) -> Any:
    """(key, account) pairs sorted by key, then by account. Keys are hashes: in buckets by their first bits they are all but sorted."""
    most = np.uint64(0)
    for hashed in key:
        most = max(most, hashed)
    shift = np.uint64(0)
    while most >> shift > np.uint64(_BUCKETS - 1):
        shift += np.uint64(1)
    starts = np.zeros(_BUCKETS + 1, np.int64)
    for hashed in key:
        starts[np.int64(hashed >> shift) + 1] += 1
    for one in range(_BUCKETS):
        starts[one + 1] += starts[one]
    keys, accounts, ends = np.empty_like(key), np.empty_like(account), starts[:-1].copy()
    for at in range(key.size):
        bucket = np.int64(key[at] >> shift)
        keys[ends[bucket]], accounts[ends[bucket]] = key[at], account[at]
        ends[bucket] += 1
    for one in range(_BUCKETS):
        begin, end = starts[one], starts[one + 1]
        if end - begin > 64:  # a request that everybody sends
            order = np.argsort(keys[begin:end], kind="mergesort")
            keys[begin:end], accounts[begin:end] = keys[begin:end][order], accounts[begin:end][order]
            _order_within(keys[begin:end], accounts[begin:end])
            continue
        for at in range(begin + 1, end):
            k, a = keys[at], accounts[at]
            place = at
            while place > begin and (keys[place - 1] > k or (keys[place - 1] == k and accounts[place - 1] > a)):
                keys[place], accounts[place] = keys[place - 1], accounts[place - 1]
                place -= 1
            keys[place], accounts[place] = k, a
    return keys, accounts


@compiled
def _order_within(key: Any, account: Any) -> None:
    """Sort accounts among equal keys, in place."""
    begin = 0
    while begin < key.size:
        end = begin + 1
        while end < key.size and key[end] == key[begin]:
            end += 1
        if end - begin > 1:
            account[begin:end] = np.sort(account[begin:end])
        begin = end


@compiled
def merged_counts(key: Any, account: Any, times: Any, more_key: Any, more_account: Any) -> Any:
    """Sorted (key, account) pairs with counts, and more sorted pairs of one call each, as one."""
    size = key.size + more_key.size
    out_key, out_account, out_times = np.empty(size, np.uint64), np.empty(size, np.int32), np.empty(size, np.uint32)
    at, more, many = 0, 0, 0
    while at < key.size or more < more_key.size:
        old = more >= more_key.size or (
            at < key.size and (key[at] < more_key[more] or (key[at] == more_key[more] and account[at] <= more_account[more]))
        )
        k, a, n = (key[at], account[at], times[at]) if old else (more_key[more], more_account[more], np.uint32(1))
        if many and out_key[many - 1] == k and out_account[many - 1] == a:
            out_times[many - 1] += n
        else:
            out_key[many], out_account[many], out_times[many] = k, a, n
            many += 1
        if old:
            at += 1
        else:
            more += 1
    return out_key[:many].copy(), out_account[:many].copy(), out_times[:many].copy()
