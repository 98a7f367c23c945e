"""Numbers -> the lake's rows: what `filling` made, as a table in the columns of `records.INTERACTIONS`.

Strings that repeat are dictionaries of what occurs in the table at hand, so that neither memory nor the writer spends anything on a
repetition.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt import records
from stillhunt.compiled import uncounted
from stillhunt.range.scale.cast import MODEL_NAMES, SOURCE, SURFACES, Cast, pseudonyms
from stillhunt.range.scale.chance import key_of, mix
from stillhunt.range.scale.filling import Room, fill
from stillhunt.range.scale.spelling import column, identifiers, spell
from stillhunt.range.stage import ERRORS

Array = npt.NDArray[Any]

_FINISHES = ("stop", "length", "content_filter")
_STATUSES = tuple(ERRORS)
_KEY_DIGITS, _CONVERSATION_DIGITS = 24, 20


@uncounted
def _compact(codes: Array, places: Array, local: Array, found: Array) -> Any:
    """Number the codes that occur, in order of occurrence. `places` is -1 everywhere, and again afterwards."""
    count = 0
    for row in range(codes.size):
        code = codes[row]
        if code < 0:
            local[row] = -1
            continue
        if places[code] < 0:
            places[code] = count
            found[count] = code
            count += 1
        local[row] = places[code]
    for j in range(count):
        places[found[j]] = -1
    return count


@uncounted
def _distinct(keys: Array, slots: Array, local: Array, found: Array) -> Any:
    """Number the keys that occur, in order of occurrence; -1 for 0. `slots` is a table of a power of two of zeros."""
    mask = np.uint64(slots.size - 1)
    count = 0
    for row in range(keys.size):
        key = keys[row]
        if key == 0:
            local[row] = -1
            continue
        slot = mix(key) & mask
        while slots[slot] and found[slots[slot] - 1] != key:
            slot = (slot + np.uint64(1)) & mask
        if not slots[slot]:
            found[count] = key
            count += 1
            slots[slot] = count
        local[row] = slots[slot] - 1
    return count


class Rows:
    """Makes tables of one cast's calls. Not for several threads at once."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.seed = int(cast.facts["seed"])
        accounts = cast.accounts
        self._account = accounts["account_id"].combine_chunks()
        organization = accounts["organization_id"].combine_chunks().dictionary_encode()
        self._organization = organization.dictionary
        self._organization_of = organization.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        self._places: dict[int, Array] = {}
        self._room: Room | None = None

    def table(self, calls: Array, *, lasting: bool = True) -> pa.Table:
        """The rows of bare calls, in their order.

        Args:
            calls: `moments.CALL`.
            lasting: otherwise the table is good until the next one only, which saves the time that fresh memory takes.

        Returns:
            The columns of `records.INTERACTIONS`; strings may be dictionaries.
        """
        if not lasting and (self._room is None or self._room.rows < calls.size):
            self._room = Room(calls.size)
        out, offsets, grams = fill(self.cast, calls, None if lasting else self._room)
        cast, count = self.cast, calls.size
        status = calls["status"].astype(np.int32)
        good = status == 200
        account, which = self._chosen(out.account, len(self._account))
        address, where = _numbered(out.address)
        prefix, lines = self._chosen((out.address >> np.uint64(32)).astype(np.int32), len(cast.prefixes))
        agent = cast.wares["agent"][out.ware]
        conversation, talks = _numbered(out.conversation)
        end_user, users = _numbered(out.end_user)
        models = column(MODEL_NAMES)
        error = np.full(count, -1, np.int32)
        for number, known in enumerate(_STATUSES):
            error[status == known] = number
        flags = pa.DictionaryArray.from_arrays
        zeros = np.zeros(count, np.int64)
        columns: dict[str, Any] = {
            "interaction_id": identifiers(out.ident, key_of(self.seed, 0x1D)),
            "started_at": _times(calls["at"]),
            "ended_at": _times(out.ended),
            "account_id": flags(account, self._account.take(column(which))),
            "organization_id": self._coded(self._organization_of[out.account], self._organization),
            "key_id": flags(account, spell("", which, key_of(self.seed, 0x4E7), _KEY_DIGITS)),
            "end_user_id": flags(end_user, pseudonyms("user", users, self.seed, np.ones(users.size, np.bool_))),
            "surface": flags(column(cast.lanes["surface"][out.lane].astype(np.int32)), column(SURFACES)),
            "operation": flags(column(zeros.astype(np.int32)), column(["chat"])),
            "request_model": flags(column(out.model.astype(np.int32)), models),
            "response_model": flags(_codes(np.where(good, out.model, -1)), models),
            "input_tokens": column(out.input_tokens),
            "output_tokens": column(out.output_tokens),
            "reasoning_tokens": column(zeros),
            "cached_tokens": column(zeros),
            "http_status": column(status),
            "finish_reason": flags(_codes(out.finish - 1), column(_FINISHES)),
            "error_type": flags(_codes(error), column([ERRORS[known] for known in _STATUSES])),
            "conversation_id": flags(conversation, spell("", talks, key_of(self.seed, 0xC0), _CONVERSATION_DIGITS)),
            "client_ip": flags(address, pseudonyms("ip", where, self.seed, np.ones(where.size, np.bool_))),
            "client_prefix": flags(prefix, cast.prefixes.take(column(lines))),
            "user_agent": self._coded(agent, cast.agents),
            "tls_ja4": self._coded(cast.wares["ja4"][out.ware], cast.ja4s),
            "client_shape": _hashes(cast.wares["shape"][out.ware]),
            "client_label": self._coded(cast.wares["label"][out.ware], cast.labels),
            "parameters_hash": _hashes(out.parameters),
            "sketch": pa.ListArray.from_arrays(column(offsets), column(grams)),
            "system_chars": _sizes(out.system_chars),
            "prompt_chars": column(out.prompt_chars),
            "response_chars": _sizes(out.response_chars),
            "reasoning_chars": pa.nulls(count, pa.int32()),
            "message_count": column(out.message_count),
            "user_turns": column(out.user_turns),
            "tool_count": _sizes(out.tool_count),
            "truncated": column(np.zeros(count, np.bool_)),
            "source": flags(column(zeros.astype(np.int32)), column([SOURCE])),
        }
        for name in ("prompt_hash", "system_hash", "tools_hash", "response_hash", "prompt_topic", "response_topic", "prompt_shape"):
            columns[name] = _hashes(getattr(out, name))
        made = []
        for field in records.INTERACTIONS:
            one = columns[field.name]
            made.append(one if pa.types.is_dictionary(one.type) or one.type == field.type else one.cast(field.type))
        return pa.table(made, names=records.INTERACTIONS.names)

    def _chosen(self, codes: Array, size: int) -> tuple[pa.Array[Any], Array]:
        """Codes into what occurs, and what occurs."""
        places = self._places.get(size)
        if places is None:
            places = self._places[size] = np.full(size, -1, np.int32)
        local, found = np.empty(codes.size, np.int32), np.empty(codes.size, np.int32)
        count = _compact(codes.astype(np.int32, copy=False), places, local, found)
        return _codes(local), found[:count]

    def _coded(self, codes: Array, words: pa.Array[Any]) -> pa.Array[Any]:
        local, found = self._chosen(codes, len(words))
        return pa.DictionaryArray.from_arrays(local, words.take(column(found)))


def _numbered(keys: Array) -> tuple[pa.Array[Any], Array]:
    size = 1 << max(4, int(2 * keys.size - 1).bit_length())
    local, found = np.empty(keys.size, np.int32), np.empty(keys.size, np.uint64)
    count = _distinct(keys, np.zeros(size, np.int32), local, found)
    return _codes(local), found[:count]


def _codes(codes: Array) -> Any:
    codes = codes.astype(np.int32, copy=False)
    missing = codes < 0
    return column(codes, mask=missing) if missing.any() else column(codes)


def _times(moments: Array) -> Any:
    return column(np.ascontiguousarray(moments)).view(records.TIMESTAMP)


def _hashes(hashes: Array) -> Any:
    missing = hashes == 0
    return column(hashes, mask=missing) if missing.any() else column(hashes)


def _sizes(sizes: Array) -> Any:
    missing = sizes < 0
    return column(sizes, mask=missing) if missing.any() else column(sizes)
