"""A pool's calls as arrays: what the third question looks at, one entry a call in order of time.

In: `Material.calls`. Out: `Taken`. Nulls become what the field's description says; a column that is null for every call is not visible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.cases.questions.repeats import Floats, Index, Requests, requests_of
from stillhunt.records import SHAPE_FIELDS

Mask = npt.NDArray[np.bool_]

_NUMBERS = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "reasoning_chars", "response_chars")
_COUNTS = ("message_count", "user_turns", "tool_count")
_HASHES = ("prompt_hash", "response_hash", "tools_hash", "prompt_topic", "prompt_shape")
COLUMNS = (
    "started_at",
    "account_id",
    "http_status",
    "conversation_id",
    "end_user_id",
    "request_model",
    "response_model",
    *_NUMBERS,
    *_COUNTS,
    *_HASHES,
)
"""What is read, beside sketches."""

_FIELDS = {field.name: (field.at, (1 << field.bits) - 1) for field in SHAPE_FIELDS}


@dataclass(frozen=True)
class Taken:
    """Calls of a pool, shape (calls,) each.

    Attributes:
        micros: microseconds since 1970.
        account: number of the account.
        answered: not refused: without a status, or with one below 400.
        tokens: by name of the column, nan where null.
        counts: messages, turns of users, tools; -1 where null.
        hashes: by name of the column, 0 where null.
        known: by name of the column, whether it is not null.
        together: the call's conversation id is that of another call, too.
        model: the model that answered, else the one asked for; null for none.
        end_users: distinct end users that the calls name.
        requests: the answered calls with words, by request.
        worded: which calls those are, in order.
    """

    micros: Index
    account: Index
    answered: Mask
    tokens: dict[str, Floats]
    counts: dict[str, Index]
    hashes: dict[str, Index]
    known: dict[str, Mask]
    together: Mask
    model: pa.ChunkedArray[Any]
    end_users: int
    requests: Requests
    worded: Index

    @property
    def visible(self) -> frozenset[str]:
        """Columns that at least one answered call has filled."""
        return frozenset(name for name, filled in self.known.items() if bool((filled & self.answered).any()))

    def shape(self, name: str) -> Index:
        """A field of `prompt_shape` (`records.SHAPE_FIELDS`), -1 where there is no shape."""
        at, mask = _FIELDS[name]
        return np.where(self.known["prompt_shape"], (self.hashes["prompt_shape"] >> at) & mask, -1)

    def total(self, name: str) -> int:
        """Sum of a column of tokens over all calls; what is null counts as nothing."""
        return int(np.nansum(self.tokens[name]))


def taken_of(calls: pa.Table) -> Taken:
    """Arrays from calls in order of time.

    Args:
        calls: the columns `COLUMNS`.
    """
    micros = filled(calls["started_at"].cast(pa.int64()), 0)
    account = coded(calls["account_id"])
    status = filled(calls["http_status"], 0)
    known = {name: valid(calls[name]) for name in (*_NUMBERS, *_COUNTS, *_HASHES, "conversation_id", "end_user_id")}
    tokens = {name: np.where(known[name], filled(calls[name], 0).astype(np.float64), np.nan) for name in _NUMBERS}
    hashes = {name: filled(calls[name], 0) for name in _HASHES}
    conversation = coded(calls["conversation_id"])
    sizes = np.bincount(conversation[conversation >= 0], minlength=1)
    answered = status < 400
    worded = np.flatnonzero(answered & known["prompt_hash"])
    model: Any = pc.coalesce(calls["response_model"], calls["request_model"])
    return Taken(
        micros=micros,
        account=account,
        answered=answered,
        tokens=tokens,
        counts={name: filled(calls[name], -1) for name in _COUNTS},
        hashes=hashes,
        known=known,
        together=(conversation >= 0) & (sizes[np.maximum(conversation, 0)] > 1),
        model=model,
        end_users=int(pc.count_distinct(calls["end_user_id"]).as_py()),
        requests=requests_of(
            hashes["prompt_hash"][worded], account[worded], micros[worded], tokens["output_tokens"][worded], hashes["response_hash"][worded]
        ),
        worded=worded,
    )


def filled(column: pa.ChunkedArray[Any], null: int) -> Index:
    """A column of whole numbers as int64, with `null` where it is null."""
    numbers: Any = column.cast(pa.int64())
    found: Index = pc.fill_null(numbers, null).to_numpy().astype(np.int64, copy=False)
    return found


def valid(column: pa.ChunkedArray[Any]) -> Mask:
    """Where a column is not null."""
    found: Mask = column.is_valid().to_numpy().astype(np.bool_, copy=False)
    return found


def coded(column: pa.ChunkedArray[Any]) -> Index:
    """A number for each distinct value, -1 where null."""
    encoded: Any = column.combine_chunks().dictionary_encode()
    found: Index = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def distinct(numbers: Index) -> int:
    """How many distinct numbers there are, those below zero left out; numbers are small, so that counting beats sorting."""
    return int(np.count_nonzero(np.bincount(numbers[numbers >= 0])))


def holding(sketches: pa.ChunkedArray[Any], grams: Index) -> tuple[Index, Index]:
    """Where some grams stand: numbers of calls and, beside each, the place of the gram in `grams`; by call.

    Chunk by chunk: a pool's sketches can be larger than everything else of it.

    Args:
        sketches: the column `sketch`, lists of distinct numbers.
        grams: numbers of grams, distinct and ascending.
    """
    calls, places = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    begin = 0
    for chunk in sketches.chunks if grams.size else ():
        lists: Any = chunk
        lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
        numbers = pc.list_flatten(lists).to_numpy(zero_copy_only=False)
        at = np.minimum(np.searchsorted(grams, numbers), grams.size - 1)
        hit = np.flatnonzero(grams[at] == numbers)
        calls.append(begin + np.searchsorted(np.cumsum(lengths), hit, side="right"))
        places.append(at[hit])
        begin += len(lists)
    return np.concatenate(calls), np.concatenate(places)
