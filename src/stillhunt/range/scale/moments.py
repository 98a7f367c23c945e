"""When calls are made, a UTC day at a time: `day_calls` gives the bare calls of all lanes and of an operator's queue.

A bare call knows when, whose, which content (a seed and a turn) and how it ends; `filling` does the rest. Distributions are those of
`range.rates`, `range.stage` and `range.operation`: sessions in waking hours with a clock and a week of one's own, bursts, runs, schedules;
refusals that are tried again, by the same account or, for an operator, by another with the identical request.

What a lane does on a day depends on the seed, the lane and the day alone, so days are made in any order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from stillhunt.compiled import compiled, uncounted
from stillhunt.range.calls import DAY, HOUR
from stillhunt.range.rates import _OFFICE, _WAKING, _WEEK_OFFICE, _WEEK_PERSON
from stillhunt.range.scale.cast import CONTENTS, STYLES, Cast
from stillhunt.range.scale.chance import at, exponential, key_of, mix, normal, poisson, unit

Array = npt.NDArray[Any]

CALL = np.dtype(
    [
        ("at", "i8"),
        ("seed", "u8"),  # of the content: equal for a conversation, and for a request that is tried again
        ("lane", "i4"),
        ("voice", "i4"),
        ("turn", "i2"),
        ("status", "i2"),
        ("attempt", "i2"),
        ("withheld", "i2"),
    ]
)

_SECOND = 1_000_000
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0
_PERSON, _OFFICE_STYLE, _SERVICE, _BATCH, _STEADY, _SCHEDULE, _NIGHTLY, _TESTS, _QUOTA = range(len(STYLES))
_ONCE, _TALK, _FEW, _ITEMS, _SESSION, _PASTE, _COVER = range(len(CONTENTS))
_SHARES = (np.arange(256) + 0.5) / 256
_GAMMA_3, _GAMMA_2 = gammaincinv(3.0, _SHARES), gammaincinv(2.0, _SHARES)
_CLOCKS = np.stack([_WAKING, _OFFICE])
_WEEKS = np.stack([_WEEK_PERSON, _WEEK_OFFICE])
_SWING = np.searchsorted(np.cumsum(4.0 + _WAKING) / np.sum(4.0 + _WAKING), (np.arange(1024) + 0.5) / 1024).astype(np.int64)
for _table in (_GAMMA_3, _GAMMA_2, _CLOCKS, _WEEKS, _SWING):
    _table.flags.writeable = False
MOST_TURNS = 30
_ATTEMPTS = 8


@compiled
def _own_hour(key: Any, office: Any, hour: Any) -> Any:
    """The weight of a local hour in somebody's clock."""
    shift = 0 if office else np.int64(at(key, 900) % np.uint64(5)) - 2
    own = _GAMMA_3[np.int64(at(key, 901 + hour // 8) >> np.uint64(8 * (hour % 8))) & 255]
    return _CLOCKS[office, (hour - shift) % 24] * own


@compiled
def _own_day(key: Any, office: Any, weekday: Any) -> Any:
    return _WEEKS[office, weekday] * _GAMMA_2[np.int64(at(key, 904) >> np.uint64(8 * weekday)) & 255]


@uncounted
def _levels(seed: Any, lanes: Array, first: Any) -> None:
    for i in range(first, lanes.size):
        style = lanes[i].style
        if style <= _OFFICE_STYLE or style == _TESTS:
            office = 0 if style == _PERSON else 1
            key = at(seed, i)
            clock = week = 0.0
            for hour in range(24):
                clock += _own_hour(key, office, hour)
            for weekday in range(7):
                week += _own_day(key, office, weekday)
            lanes[i].level = clock / 24.0 * week / 7.0
            lanes[i].week = week / 7.0


def levels(cast: Cast) -> None:
    """Set the mean of each lane's own clock and week, so that its rate is what it is on average."""
    _levels(lane_key(cast.facts["seed"]), cast.lanes, 0)


def lane_key(seed: int) -> Any:
    """The key of all lanes' draws."""
    return key_of(seed, 0x1A9E)


@compiled
def moment_key(seed: Any, lane: Any, now: Any) -> Any:
    """The key of what chance decides about one call, whatever it says."""
    return mix(mix(seed ^ np.uint64(now)) + np.uint64(lane))


@compiled
def fail_seconds(key: Any, status: Any) -> Any:
    """How long a call that failed took; `key` is its moment's."""
    return 0.05 + exponential(at(key, 40)) / (6.0 if status == 429 else 1.5)


@compiled
def call_key(seed: Any, turn: Any) -> Any:
    """The key of one request's draws; the same for each attempt at it."""
    return mix(seed + np.uint64(turn + 1) * np.uint64(0xD1342543DE82EF95))


@compiled
def _awake(now: Any, zone: float) -> Any:
    local = (now / HOUR + zone) % 24.0
    return 7.0 <= local < 23.5


@uncounted
def _another(queue: Any, lanes: Array, closings: Array, key: Any, now: Any, but: Any) -> Any:
    """Another account of the operator's that is open, and awake if its accounts live by day and night."""
    who = but
    for turn in range(32):
        who = queue.lane + np.int64(at(key, 500 + turn) % np.uint64(queue.lanes))
        closed = closings[lanes[who].account]
        if who != but and not (closed and now >= closed) and (queue.central or _awake(now, lanes[who].zone)):
            break
    return who


@uncounted
def _emit(
    calls: Array,
    n: Any,
    lanes: Array,
    weathers: Array,
    queues: Array,
    closings: Array,
    who: Any,
    seed: Any,
    turn: Any,
    voice: Any,
    now: Any,
) -> Any:
    """A request and what comes of it: retries by the same account, or by another one of its operator's. Returns n, done, last moment."""
    key = moment_key(seed, who, now)
    attempt = 0
    lane = lanes[who]
    queue = queues[lane.queue]
    handed = lane.queue > 0
    closed = closings[lane.account]
    if handed and closed and now >= closed + 2 * HOUR:
        # known to be closed: whoever is open takes its turn
        who = _another(queue, lanes, closings, at(key, 119), now, who)
        lane = lanes[who]
        voice = lane.voice if queue.own_words else voice
    while True:
        if now >= lane.until or n >= calls.size:
            return n, False, now
        weather = weathers[lane.weather]
        key = moment_key(seed, who, now)
        luck = unit(at(key, 20))
        status, withheld = 200, 0
        closed = closings[lane.account]
        if handed and closed and now >= closed:
            status = 403
        elif luck < weather[0]:
            status = 429
        elif luck < weather[0] + weather[1]:
            status = 503 if unit(at(key, 60)) < 0.4 else 500
        elif luck < weather[0] + weather[1] + weather[2]:
            status = 400
        elif luck < weather[0] + weather[1] + weather[2] + weather[3]:
            withheld = 1
        if now >= lane.begin:
            calls[n].at = now
            calls[n].seed = seed
            calls[n].lane = who
            calls[n].voice = voice
            calls[n].turn = turn
            calls[n].status = status
            calls[n].attempt = attempt
            calls[n].withheld = withheld
            n += 1
        if status in (200, 400):
            return n, status == 200, now
        ended = now + np.int64(fail_seconds(key, status) * _SECOND)
        attempt += 1
        if handed:
            if attempt > _ATTEMPTS:
                return n, False, now
            now = ended + np.int64((0.8 + 4.0 * exponential(at(key, 80))) * _SECOND)
            if status == 403 or unit(at(key, 100)) < queue.failover:
                who = _another(queue, lanes, closings, at(key, 120), now, who)
                lane = lanes[who]
                if queue.rewords and queue.own_words:
                    voice = lane.voice
        else:
            if attempt > 3 or unit(at(key, 100)) > lane.patience:
                return n, False, now
            now = ended + np.int64((0.4 + 2.0 * exponential(at(key, 80))) * _SECOND * 2 ** (attempt - 1))


@uncounted
def _session(
    calls: Array, n: Any, lanes: Array, weathers: Array, queues: Array, closings: Array, who: Any, key: Any, begin: Any, count: Any,
    mean_gap: float, spread: float, talks: Array,
) -> Any:  # fmt: skip
    """`count` calls from `begin` on with log-normal pauses (exponential ones if `spread` is 0): conversations, or one after the other."""
    lane = lanes[who]
    now = begin
    seed, turn, part = key, 0, 0
    length: Any = 0
    item = 0
    linked = lane.content in (_TALK, _SESSION, _PASTE, _COVER)
    habit = np.int64(lane.habit)
    for j in range(count):
        luck = at(key, 1000 + j)
        if j > 0:
            pause = mean_gap * exponential(luck) if spread == 0.0 else mean_gap * math.exp(spread * normal(luck, mix(luck)))
            now += np.int64(pause * _SECOND)
            if pause > 3600.0:
                length = 0
        voice = lane.voice
        if linked:
            if turn >= length:
                part += 1
                seed = at(key, 5_000_000 + part)
                turn = 0
                length = min(MOST_TURNS, np.int64(talks[habit, np.int64(seed % np.uint64(talks.shape[1]))]))
            if lane.content == _PASTE and turn > 0:
                voice = lane.after
        else:
            turn = 0
            seed = luck
            if lane.content == _FEW and unit(mix(luck)) < 0.75:
                # one of a few inputs, which are replaced now and then
                seed = mix(
                    at(
                        mix(np.uint64(lane.account) + np.uint64(1)),
                        np.int64(luck >> np.uint64(40)) % 8 + 8 * (now // (4 * DAY)),
                    )
                )
            elif lane.content == _ITEMS or lane.voices > 1:
                voice = lane.voice + (item if lane.content == _ITEMS else np.int64(mix(luck) % np.uint64(lane.voices)))
                item = (item + 1) % lane.voices
                if lane.content == _ITEMS:
                    seed = mix(np.uint64(voice))
        n, done, now = _emit(calls, n, lanes, weathers, queues, closings, who, seed, turn, voice, now)
        turn += 1
        if not done:
            length = 0
    return n


@uncounted
def _own_time(
    calls: Array, n: Any, lanes: Array, weathers: Array, queues: Array, closings: Array, seed: Any, day: Any, talks: Array,
    hours: Array,
) -> Any:  # fmt: skip
    """The calls of all lanes that begin on one day, lane by lane; `hours` is room for 24 numbers."""
    start = day * DAY
    for who in range(lanes.size):
        lane = lanes[who]
        if lane.begin >= start + DAY or lane.until <= start or lane.rate <= 0.0:
            continue
        if n + 8192 > calls.size:
            return -1
        own = at(seed, who)
        key = at(own, day)
        style = lane.style
        if style <= _OFFICE_STYLE or style == _TESTS:
            office = 0 if style == _PERSON else 1
            sessions = lane.rate / lane.size
            first = np.int64(math.floor((day * 24 + lane.zone) / 24.0))
            one = _own_day(own, office, (first + _EPOCH_WEEKDAY) % 7)
            two = _own_day(own, office, (first + 1 + _EPOCH_WEEKDAY) % 7)
            week = lane.week
            luck = unit(at(key, 1))
            if luck < math.exp(-sessions * max(one, two) / week):
                continue
            total = 0.0
            for hour in range(24):
                local = day * 24 + hour + lane.zone
                weight = _own_hour(own, office, np.int64(math.floor(local % 24.0)))
                weight *= one if np.int64(math.floor(local / 24.0)) == first else two
                total += weight
                hours[hour] = total
            if total <= 0.0:
                continue
            for number in range(poisson(sessions * total / (24.0 * lane.level), key)):
                mine = at(key, 10 + number)
                wanted = unit(mine) * total
                hour = 0
                while hour < 23 and hours[hour] <= wanted:
                    hour += 1
                begin = start + hour * HOUR + np.int64(unit(mix(mine)) * HOUR)
                if style == _TESTS:
                    n = _session(calls, n, lanes, weathers, queues, closings, who, at(mine, 2), begin, np.int64(lane.size), 1.2, 0.0, talks)
                else:
                    asked = 1 + poisson(lane.size - 1.0, at(mine, 1))
                    n = _session(calls, n, lanes, weathers, queues, closings, who, at(mine, 2), begin, asked, 66.7, 1.0, talks)
                if n + 4096 > calls.size:
                    return -1
        elif style in (_SERVICE, _STEADY):
            before = np.int64(0)
            for number in range(poisson(lane.rate, key)):
                mine = at(key, 10 + number)
                if style == _STEADY:
                    now = start + np.int64(unit(mine) * DAY)
                elif before and unit(mix(mine)) < 0.25:
                    now = before + np.int64(20.0 * exponential(at(mine, 3)) * _SECOND)
                else:
                    local = (_SWING[np.int64(mine >> np.uint64(54))] + unit(at(mine, 4)) - lane.zone) % 24.0
                    now = start + np.int64(local * HOUR)
                before = now
                n = _session(calls, n, lanes, weathers, queues, closings, who, at(mine, 2), now, 1, 1.0, 0.0, talks)
                if n + 4096 > calls.size:
                    return -1
        elif style == _BATCH:
            for number in range(poisson(lane.rate / lane.size, key)):
                mine = at(key, 10 + number)
                begin = start + np.int64(unit(mine) * DAY)
                count: Any = max(1, np.int64(lane.size * (0.5 + unit(at(mine, 1)))))
                pace = 2.0 * (0.2 + 1.3 * unit(at(own, 7)))
                while count > 0:
                    part = min(count, 4000)
                    n = _session(calls, n, lanes, weathers, queues, closings, who, at(mine, 2 + count), begin, part, pace, 0.0, talks)
                    begin += np.int64(part * pace * _SECOND)
                    count -= part
                    if n + 8192 > calls.size:
                        return -1
        elif style == _SCHEDULE:
            tick = (start - lane.phase + lane.period - 1) // lane.period
            while lane.phase + tick * lane.period < start + DAY:
                mine = at(own, 10_000 + tick)
                now = lane.phase + tick * lane.period + np.int64(unit(mine) * lane.jitter)
                n = _session(calls, n, lanes, weathers, queues, closings, who, mine, now, np.int64(lane.size), 1.6, 0.0, talks)
                tick += 1
                if n + 4096 > calls.size:
                    return -1
        elif style == _NIGHTLY:
            begin = start + lane.phase + np.int64(unit(at(key, 1)) * lane.jitter)
            n = _session(calls, n, lanes, weathers, queues, closings, who, key, begin, np.int64(lane.size), 1.6, 0.0, talks)
        elif unit(at(key, 1)) < 0.8:  # what is free each day is used up on most days
            for number in range(np.int64(lane.size)):
                mine = at(key, 10 + number)
                now = start + (lane.phase + np.int64(normal(mine, mix(mine)) * lane.jitter)) % DAY
                n = _session(calls, n, lanes, weathers, queues, closings, who, at(mine, 2), now, 1, 1.0, 0.0, talks)
    return n


@uncounted
def _dealt(calls: Array, n: Any, lanes: Array, weathers: Array, queues: Array, closings: Array, number: Any, begin: Any, end: Any) -> Any:
    """The turns that a central schedule deals to whichever account is free, from `begin` to `end`."""
    queue = queues[number]
    turn = max(np.int64(0), np.int64((begin - queue.opening) / queue.step) - 3)
    last = np.int64((end - queue.opening) / queue.step) + 1
    while turn <= last:
        seed = at(queue.key, turn)
        now = queue.opening + np.int64((turn + 1.5 * unit(mix(seed))) * queue.step)
        turn += 1
        if now < begin or now >= end or now >= queue.end:
            continue
        if n + 64 > calls.size:
            return -1
        gap = np.int64(queue.step * queue.lanes)
        who = queue.lane
        for again in range(16):
            who = queue.lane + np.int64(at(seed, 1 + again) % np.uint64(queue.lanes))
            closed = closings[lanes[who].account]
            # an account that was closed is tried once more before it is given up
            if not closed or now < closed + gap // 2:
                break
        voice = lanes[who].voice if queue.own_words else queue.voice + np.int64(at(seed, 17) % np.uint64(queue.voices))
        n, _, _ = _emit(calls, n, lanes, weathers, queues, closings, who, at(seed, 18), 0, voice, now)
    return n


class Days:
    """Makes bare calls a day at a time; what it gives is good until the next one. Not for several threads at once."""

    def __init__(self, cast: Cast, room: int) -> None:
        """`room`: about how many calls there are in a day."""
        self._cast = cast
        self._begun = np.empty(int(room * 1.3) + 100_000, CALL)
        self._sorted = np.empty(0, CALL)
        self._counts = np.zeros((DAY >> _SHIFT) + 2, np.int32)
        self._spill = np.empty(0, CALL)
        self._next = -1
        self._hours = np.empty(24)

    def begun(self, day: int) -> Array:
        """The calls that begin on a day (days since 1970, UTC), and what they lead to after it, in no order."""
        cast = self._cast
        seed, queues = cast.facts["seed"], cast.queues
        while True:
            calls = self._begun
            n = _own_time(calls, 0, cast.lanes, cast.weathers, queues, cast.closings, lane_key(seed), day, cast.voices.talks, self._hours)
            for number in range(1, queues.size):  # the first is nobody's
                if n >= 0 and queues[number]["central"]:
                    n = _dealt(calls, n, cast.lanes, cast.weathers, queues, cast.closings, number, day * DAY, (day + 1) * DAY)
            if n >= 0:
                return calls[:n]
            self._begun = np.empty(2 * calls.size, CALL)

    def day(self, day: int, since: int, until: int) -> Array:
        """The calls of a day that lie in [since, until) (microseconds), in order of time."""
        if self._next != day:
            before = self.begun(day - 1) if (day - 1) * DAY >= self._cast.facts["start"] // DAY * DAY else self._begun[:0]
            self._spill = before[before["at"] >= day * DAY].copy()
        self._next = day + 1
        begun, spill = self.begun(day), self._spill
        if self._sorted.size < begun.size + spill.size:
            self._sorted = np.empty(int(1.2 * (begun.size + spill.size)) + 1, CALL)
        over = np.empty(min(begun.size, 1 << 20), CALL)
        first, last, kept = _arrange(spill, begun, day * DAY, since, min(until, self._cast.facts["end"]), self._counts, self._sorted, over)
        self._spill = over[:kept]
        return self._sorted[first:last]


_SHIFT = 16


@uncounted
def _arrange(spill: Any, begun: Any, start: Any, since: Any, until: Any, counts: Any, found: Any, over: Any) -> Any:
    """Sort a day's calls by time (equal moments as they came), set aside what lies after it; where [since, until) begins and ends."""
    counts[:] = 0
    kept = 0
    for part in (spill, begun):
        for i in range(part.size):
            slot = (part[i].at - start) >> _SHIFT
            if start <= part[i].at < start + DAY:
                counts[slot + 1] += 1
            elif part[i].at >= start and kept < over.size:
                over[kept] = part[i]
                kept += 1
    for slot in range(1, counts.size):
        counts[slot] += counts[slot - 1]
    total = counts[counts.size - 1]
    for part in (spill, begun):
        for i in range(part.size):
            if start <= part[i].at < start + DAY:
                slot = (part[i].at - start) >> _SHIFT
                place = counts[slot]
                counts[slot] += 1
                # the slots are short, and filled in order
                while place > 0 and found[place - 1].at > part[i].at and (found[place - 1].at - start) >> _SHIFT == slot:
                    found[place] = found[place - 1]
                    place -= 1
                found[place] = part[i]
    first = np.int64(0)
    while first < total and found[first].at < since:
        first += 1
    last = np.int64(total)
    while last > first and found[last - 1].at >= until:
        last -= 1
    return first, last, kept
