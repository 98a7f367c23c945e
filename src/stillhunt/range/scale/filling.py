"""Bare calls -> the numbers of their columns: what was said, from where, how long it took, and its sketch.

A message's draws depend on its conversation's seed and its turn alone, so that a conversation's later calls repeat its earlier messages
word for word, an attempt repeats the one before, and a fixed request is the same whoever sends it.

Sketches are made layer by layer (`voices.LAYERS`), from small grams to large ones, so that what halving leaves out is never drawn and
rows come out sorted. As in intake, what stands between is thinned apart from the template.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stillhunt.compiled import merged, uncounted
from stillhunt.compiled.instructions import prefetch
from stillhunt.range.scale.cast import CONTENTS, MODEL_NAMES, NEW, Cast
from stillhunt.range.scale.chance import at, exponential, mix, unit
from stillhunt.range.scale.moments import MOST_TURNS, call_key, fail_seconds, moment_key
from stillhunt.range.scale.voices import COMMON, EXPONENT, LAYERS, MOST_GRAMS, TOP
from stillhunt.range.stage import MODEL_BY_NAME

Array = npt.NDArray[Any]

_SECOND = 1_000_000
_TALK, _SESSION, _PASTE = (CONTENTS[name] for name in ("talk", "session", "paste"))
assert EXPONENT == 0.6  # the r-th of n phrases is drawn as n u^2.5, which needs no logarithm
_CHANCE = 1.0 / (COMMON * (1 << 24))
_LAST = LAYERS - 1
_SPEEDS = np.array([MODEL_BY_NAME[name].speed for name in MODEL_NAMES])
_SPEEDS.flags.writeable = False
_LOW = np.uint64((1 << 24) - 1)
_LEAST_BETWEEN = 16
_TOPICAL = 30  # characters of an answer from which on it has a topic


class Filled(NamedTuple):
    """One array a column, one element a call; 0 stands for null in hashes, keys and codes, -1 in sizes."""

    ident: Array  # u8
    ended: Array
    account: Array
    lane: Array
    model: Array
    input_tokens: Array
    output_tokens: Array
    finish: Array  # 0 null, 1 stop, 2 length, 3 content_filter
    conversation: Array  # u8
    end_user: Array  # u8
    address: Array  # u8
    ware: Array
    parameters: Array
    prompt_hash: Array
    system_hash: Array
    tools_hash: Array
    response_hash: Array
    prompt_topic: Array
    response_topic: Array
    prompt_shape: Array
    system_chars: Array
    prompt_chars: Array
    response_chars: Array
    message_count: Array
    user_turns: Array
    tool_count: Array


_TYPES = {
    "ident": "u8", "ended": "i8", "account": "i4", "lane": "i4", "model": "i1", "input_tokens": "i8", "output_tokens": "i8", "finish": "i1",
    "conversation": "u8", "end_user": "u8", "address": "u8", "ware": "i4", "system_chars": "i4", "prompt_chars": "i4",
    "response_chars": "i4", "message_count": "i4", "user_turns": "i4", "tool_count": "i4",
}  # fmt: skip


@merged
def _place(values: Array, head: Any, total: Any, gram: Any) -> Any:
    """Insert a gram into values[head:total], which are sorted."""
    place = total
    while place > head and values[place - 1] > gram:
        values[place] = values[place - 1]
        place -= 1
    values[place] = gram
    return total + 1


@merged
def _sketch(
    voice: Any, salt: Any, grams: Array, common: Array, layers: Array, keys: Array, slots: Array, messages: Any, values: Array, total: Any,
    counts: Array,
) -> Any:  # fmt: skip
    """Append the sketch of a call with so many messages of the user's; returns the new total.

    `counts` is room: how many grams each message has in each layer, and in its last row all of them.
    """
    sums = counts[counts.shape[0] - 1]
    sums[:] = 0
    for j in range(messages):
        luck = unit(at(keys[j], 6))
        share = slots[j]
        for layer in range(LAYERS):
            if layer < _LAST:
                share *= 0.5
            luck += 0.618034
            if luck >= 1.0:
                luck -= 1.0
            count = np.int64(share + luck)
            counts[j, layer] = count
            sums[layer] += count
    # what fills the slots is thinned until it fits beside the template, which stands at the edges and stays
    first = kept = np.int64(0)
    for layer in range(LAYERS):
        kept += sums[layer]
    while kept > max(MOST_GRAMS - voice.grams, _LEAST_BETWEEN) and first < _LAST:
        kept -= sums[first]
        first += 1
    begin = total
    g = np.int64(voice.gram)
    for layer in range(_LAST, -1, -1):
        head = total
        low = np.int64(0) if layer == _LAST else np.int64(1) << (TOP - 1 - layer)
        size = np.uint64(1 << (TOP - _LAST)) if layer == _LAST else np.uint64(low)
        known = layers[layer + 1] - layers[layer]
        for j in range(messages if layer >= first else 0):
            for k in range(counts[j, layer]):
                draw = at(keys[j], 1000 * layer + 1000 + k)
                wanted = np.float64(draw & _LOW) * _CHANCE
                if wanted < 1.0:
                    rank = np.int64(known * (wanted * wanted * math.sqrt(wanted)))
                    gram = np.int64(common[layers[layer] + rank])
                else:
                    gram = low + np.int64((draw >> np.uint64(24)) % size)
                total = _place(values, head, total, gram)
        # a template's grams are in order, too
        while g < voice.gram + voice.grams and abs(np.int64(grams[g])) >> (TOP - layer) == 0:
            gram = abs(np.int64(grams[g]))
            if salt and grams[g] > 0:
                gram = low + np.int64(mix(salt ^ np.uint64(gram)) % size)
            total = _place(values, head, total, gram)
            g += 1
    # common phrases may have been drawn twice
    end = begin
    for place in range(begin, total):
        if (end == begin or values[end - 1] != values[place]) and end - begin < MOST_GRAMS:
            values[end] = values[place]
            end += 1
    return end


@uncounted
def _fill(
    calls: Array, lanes: Array, sites: Array, anchors: Array, prefix_lists: Array, voices: Array, samples: Array, grams: Array,
    common: Array, layers: Array, out: Any, offsets: Array, values: Array, lines: tuple[Array, Array, Array], keys: Array, slots: Array,
    counts: Array,
) -> Any:  # fmt: skip
    """Fill `out`, `offsets` and `values`; returns how many values there are. `keys`, `slots`, `counts`: room for a call's messages."""
    total = 0
    rows = calls.size
    for row in range(rows):
        # whose call comes next is anybody's guess: fetch what it needs while others are made
        if row + 24 < rows:
            prefetch(lines[0], np.uint64(calls[row + 24].lane))
        if row + 16 < rows:
            prefetch(lines[1], np.uint64(lanes[calls[row + 16].lane].site))
        if row + 8 < rows:
            prefetch(lines[2], np.uint64(sites[lanes[calls[row + 8].lane].site].anchor))
        call = calls[row]
        lane = lanes[call.lane]
        content = lane.content
        linked = content in (_TALK, _PASTE)
        messages = call.turn + 1 if linked else 1
        chars: Any = 0
        answer: Any = 0
        shape = np.int64(0)
        topical = True
        key = np.uint64(0)
        number = call.voice
        for j in range(messages):
            number = call.voice
            if content == _PASTE:
                number = lane.voice if j == 0 else lane.after
            voice = voices[number]
            key = call_key(call.seed, j) if not voice.fixed else mix(np.uint64(number) + np.uint64(77))
            sample = samples[voice.sample + np.int64(key % np.uint64(voice.samples))]
            factor = 1.0 if voice.fixed else 0.85 + 0.3 * unit(at(key, 1))
            keys[j] = key
            slots[j] = sample.slots * factor
            chars += answer + np.int64(sample.chars * factor)
            answer = np.int64(sample.answer * (0.7 + 0.6 * unit(at(call_key(call.seed, j), 2)))) + 1
            shape = sample.shape
            topical = sample.topic
            if content == _SESSION:
                chars += call.turn * sample.grows
        voice = voices[number]
        base = voices[lane.voice] if content == _PASTE else voice
        call_draws = moment_key(call.seed, call.lane, call.at)
        good = call.status == 200
        limit = lane.limit
        finish = 1
        if call.withheld:
            finish = 3
            answer = min(answer, 20 + np.int64(180 * unit(at(call_draws, 1))))
        tokens = answer // 4 + 1
        if limit and tokens > limit:
            answer = answer * limit // tokens
            tokens = limit
            finish = 2
        new = lane.moves and call.at >= lane.moves
        model = NEW if new else lane.model
        sent = (voice.system_chars + chars + voice.tools_chars) // 4 + 4 * (2 * call.turn + 1) + 3
        if good:
            seconds = 0.18 + exponential(at(call_draws, 2)) / 4.0 + sent / 9000.0
            seconds += tokens / (_SPEEDS[model] * (0.75 + 0.5 * unit(at(call_draws, 3))))
        else:
            seconds = fail_seconds(call_draws, call.status)
        site = sites[lane.site]
        luck = unit(at(call_draws, 4))
        pick = at(call_draws, 5)
        if lane.home and luck < 0.9:
            address = lane.home
        elif site.anchors:
            address = anchors[site.anchor + (0 if luck < site.steady else np.int64(pick % np.uint64(site.anchors)))]
        else:
            prefix = prefix_lists[site.prefix + np.int64(pick % np.uint64(max(1, site.prefixes)))]
            address = np.uint64(prefix) << np.uint64(32) | (np.uint64(1) + (pick >> np.uint64(40)) % np.uint64(254))
        out.ident[row] = mix(call_draws + np.uint64(1))
        out.ended[row] = call.at + np.int64(seconds * _SECOND)
        out.account[row] = lane.account
        out.lane[row] = call.lane
        out.model[row] = model
        out.input_tokens[row] = sent if good else 0
        out.output_tokens[row] = tokens if good else 0
        out.finish[row] = finish if good else 0
        out.conversation[row] = call.seed if lane.labelled else 0
        out.end_user[row] = (
            mix(np.uint64(call.lane) << np.uint64(24) | np.uint64(lane.users * unit(at(call_draws, 6)) ** 2) | np.uint64(1 << 60))
            if lane.users
            else 0
        )
        out.address[row] = address
        out.ware[row] = lane.ware
        out.parameters[row] = lane.parameters
        request = mix(keys[messages - 1] ^ (np.uint64(number) << np.uint64(33)))
        if linked and messages > 1:
            request = mix(request ^ keys[0])
        elif content == _SESSION:
            request = mix(request + np.uint64(call.turn))
        out.prompt_hash[row] = np.int64(request)
        out.system_hash[row] = base.system_hash ^ np.int64(lane.salt) if base.system_hash else 0
        out.tools_hash[row] = base.tools_hash
        out.response_hash[row] = np.int64(at(call_draws, 7)) if good else 0
        fresh = at(keys[messages - 1], 7)
        out.prompt_topic[row] = np.int64(((voice.topic ^ lane.salt) & voice.keep) | (fresh & ~voice.keep)) if topical else 0
        out.response_topic[row] = np.int64(at(call_draws, 8)) if good and answer >= _TOPICAL else 0
        out.prompt_shape[row] = shape
        out.system_chars[row] = base.system_chars if base.system_hash else -1
        out.prompt_chars[row] = chars
        out.response_chars[row] = answer if good else -1
        out.message_count[row] = 2 * call.turn + 1 if content != 0 else 1
        out.user_turns[row] = messages
        out.tool_count[row] = base.tool_count if base.tools_hash else -1
        total = _sketch(base, lane.salt, grams, common, layers, keys, slots, messages, values, total, counts)
        offsets[row + 1] = total
    return total


class Room:
    """Memory for the columns of so many calls, which is used again: what was made with it is good until the next time."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.columns = Filled(*(np.empty(rows, _TYPES.get(name, "i8")) for name in Filled._fields))
        self.offsets = np.zeros(rows + 1, np.int32)
        # a sketch is made before it is cut to size: the last one may need more room
        self.values = np.empty((MOST_GRAMS + 1) * rows + 100_000, np.int32)


def fill(cast: Cast, calls: Array, room: Room | None = None) -> tuple[Filled, Array, Array]:
    """The columns of bare calls, and offsets and grams of their sketches; in `room`, if that is given."""
    rows = calls.size
    room = room or Room(rows)
    out = Filled(*(column[:rows] for column in room.columns))
    voices = cast.voices
    total = _fill(
        calls, cast.lanes, cast.sites, cast.anchors, cast.prefix_lists, voices.voices, voices.samples, voices.grams, voices.common,
        voices.layers, out, room.offsets, room.values, (_lines(cast.lanes), _lines(cast.sites), _lines(cast.anchors)),
        np.empty(MOST_TURNS + 2, np.uint64), np.empty(MOST_TURNS + 2), np.empty((MOST_TURNS + 3, LAYERS), np.int64),
    )  # fmt: skip
    return out, room.offsets[: rows + 1], room.values[:total]


def _lines(table: Array) -> Array:
    """A table as rows of bytes."""
    return table.view(np.uint8).reshape(table.size, table.dtype.itemsize)
