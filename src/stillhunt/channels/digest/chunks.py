"""Files of the lake as chunks of columns that compiled loops understand.

In: data files, or batches of `records.INTERACTIONS`. Out: `Chunk`, with accounts and categories as numbers.
May import: records, lake, compiled. A chunk is the same rows whoever reads: batches are cut by files and row groups alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.channels.digest.kernels import Chunk
from stillhunt.channels.digest.numbering import HashNumbers, Numbers, StringNumbers, hashes
from stillhunt.compiled import frozen
from stillhunt.records import INTERACTIONS

COLUMNS = (
    "account_id",
    "started_at",
    "ended_at",
    "organization_id",
    "surface",
    "request_model",
    "output_tokens",
    "reasoning_tokens",
    "http_status",
    "conversation_id",
    "client_prefix",
    "client_shape",
    "client_label",
    "parameters_hash",
    "prompt_hash",
    "system_hash",
    "prompt_shape",
    "sketch",
    "prompt_chars",
    "response_chars",
    "message_count",
)
"""What the fold reads of an interaction."""

STRINGS = ("account_id", "organization_id", "surface", "request_model", "conversation_id", "client_prefix", "client_label")
"""Columns that are best read as dictionaries."""


@dataclass
class Names:
    """The numbers of everything that is a name, and the names behind them.

    Attributes:
        accounts, organizations, models, networks: numbers of strings.
        clients: numbers of client shapes; `labels` has the words for each.
        parameters: numbers of the hashes of request parameters.
        filled: columns that were seen to have a value.
    """

    accounts: StringNumbers = field(default_factory=StringNumbers)
    organizations: StringNumbers = field(default_factory=StringNumbers)
    models: StringNumbers = field(default_factory=StringNumbers)
    networks: StringNumbers = field(default_factory=StringNumbers)
    clients: HashNumbers = field(default_factory=HashNumbers)
    labels: list[str] = field(default_factory=list)
    parameters: HashNumbers = field(default_factory=HashNumbers)
    filled: set[str] = field(default_factory=set)


CALLS = pa.schema([INTERACTIONS.field(name) for name in COLUMNS])
"""The columns of `COLUMNS`, as the lake has them; `lake.commits.conform` makes them of a table that has some."""


def until(moment: datetime) -> Callable[[pa.Table], pa.Table]:
    """Only calls that had ended (or, where the end is not logged, begun) by `moment`."""

    def in_view(table: pa.Table) -> pa.Table:
        ended = pc.coalesce(table["ended_at"], table["started_at"])
        return table.filter(pc.less_equal(ended, pa.scalar(moment, table["started_at"].type)))

    return in_view


def chunk_of(table: pa.Table, names: Names) -> Chunk:
    """The calls of `table` (the columns `COLUMNS`), in its order."""
    for column in table.column_names:
        if column not in names.filled and table[column].null_count < table.num_rows:
            names.filled.add(column)
    prompt, has_prompt = _hash(table, "prompt_hash")
    shapes, has_shape = _hash(table, "client_shape")
    clients, fresh = names.clients.of(shapes.view(np.uint64), has_shape)
    if fresh.size:
        labels = table["client_label"].take(pa.array(fresh, pa.int64())).to_pylist()
        names.labels += [label or "" for label in labels]
    parameters, has_parameters = _hash(table, "parameters_hash")
    offsets, grams, has_sketch = _sketches(table["sketch"])
    made = Chunk(
        account=_numbers(table["account_id"], names.accounts),
        micros=_micros(table["started_at"]),
        status=_whole(table, "http_status", np.int32),
        model=_numbers(table["request_model"], names.models),
        label=clients,
        parameters=names.parameters.of(parameters.view(np.uint64), has_parameters)[0],
        network=_numbers(table["client_prefix"], names.networks),
        organization=_numbers(table["organization_id"], names.organizations),
        prompt=prompt,
        has_prompt=has_prompt,
        system=_hash(table, "system_hash")[0],
        conversation=_strings_hashed(table["conversation_id"]),
        messages=_whole(table, "message_count", np.int32),
        output=_whole(table, "output_tokens", np.int64),
        reasoning=_whole(table, "reasoning_tokens", np.int64),
        prompt_chars=_whole(table, "prompt_chars", np.int64),
        response_chars=_whole(table, "response_chars", np.int64),
        shape=_whole(table, "prompt_shape", np.int64),
        batch=_is_batch(table["surface"]),
        has_sketch=has_sketch,
        offsets=offsets,
        grams=grams,
    )
    return Chunk(*map(frozen, made))


def put_together(chunks: list[Chunk]) -> Chunk:
    """Chunks as one, one after the other. The list is emptied, so that memory holds one column twice at most."""
    if len(chunks) == 1:
        return chunks.pop()
    sizes = [chunk.grams.size for chunk in chunks]
    parts = [chunk._asdict() for chunk in chunks]
    chunks.clear()
    columns = {name: np.concatenate([part.pop(name) for part in parts]) for name in Chunk._fields if name != "offsets"}
    begun = np.cumsum([0, *sizes])
    offsets = np.concatenate([np.zeros(1, np.int64), *(part.pop("offsets")[1:] + at for part, at in zip(parts, begun, strict=False))])
    return Chunk(*map(frozen, Chunk(**columns, offsets=offsets)))


def _whole(table: pa.Table, name: str, kind: Any) -> npt.NDArray[Any]:
    column = table[name]
    if column.null_count == len(column):
        return np.full(len(column), -1, kind)
    filled: Any = pc.fill_null(column, pa.scalar(-1, column.type)) if column.null_count else column
    return np.ascontiguousarray(filled.to_numpy().astype(kind, copy=False))


def _hash(table: pa.Table, name: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    column = table[name]
    if column.null_count == len(column):
        return np.zeros(len(column), np.int64), np.zeros(len(column), np.bool_)
    valid = np.ones(len(column), np.bool_) if not column.null_count else column.is_valid().to_numpy()
    filled: Any = pc.fill_null(column, pa.scalar(0, column.type)) if column.null_count else column
    return np.ascontiguousarray(filled.to_numpy().astype(np.int64, copy=False)), valid


def _micros(column: pa.ChunkedArray[Any]) -> npt.NDArray[np.int64]:
    return np.ascontiguousarray(column.cast(pa.int64()).to_numpy())


def _parts(column: pa.ChunkedArray[Any]) -> Iterator[tuple[pa.Array[Any], npt.NDArray[np.int64], npt.NDArray[np.bool_]]]:
    """(dictionary, indices, whether valid) of each piece of a column of strings."""
    for piece in column.chunks:
        encoded = piece if isinstance(piece, pa.DictionaryArray) else piece.dictionary_encode()
        assert isinstance(encoded, pa.DictionaryArray)
        indices = encoded.indices
        valid = np.ones(len(piece), np.bool_) if not indices.null_count else indices.is_valid().to_numpy(zero_copy_only=False)
        yield encoded.dictionary, (indices.fill_null(0) if indices.null_count else indices).to_numpy(zero_copy_only=False), valid


def _numbers(column: pa.ChunkedArray[Any], numbers: StringNumbers) -> Numbers:
    out = [np.zeros(0, np.int32)]
    for dictionary, indices, valid in _parts(column):
        # a dictionary outlives its rows: an account whose calls were all filtered out must not be known
        used = np.zeros(len(dictionary), np.bool_)
        used[indices[valid]] = True
        own = np.full(len(dictionary) + 1, -1, np.int32)
        own[:-1][used] = numbers.of(dictionary.filter(pa.array(used)))
        out.append(own[np.where(valid, indices, -1)])
    return np.concatenate(out)


def _strings_hashed(column: pa.ChunkedArray[Any]) -> npt.NDArray[np.int64]:
    out = [np.zeros(0, np.int64)]
    for dictionary, indices, valid in _parts(column):
        own = np.append(hashes(dictionary).view(np.int64), np.int64(0))
        out.append(own[np.where(valid, indices, -1)])
    return np.concatenate(out)


def _is_batch(column: pa.ChunkedArray[Any]) -> npt.NDArray[np.bool_]:
    out = [np.zeros(0, np.bool_)]
    for dictionary, indices, valid in _parts(column):
        own = np.array([value == "batch" for value in dictionary.to_pylist()] + [False])
        out.append(own[np.where(valid, indices, -1)])
    return np.concatenate(out)


def _sketches(column: pa.ChunkedArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """(offsets, grams, whether there is a sketch) of the lists of a column."""
    lengths, grams, valid = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)], [np.zeros(0, np.bool_)]
    for piece in column.chunks:
        there = np.ones(len(piece), np.bool_) if not piece.null_count else piece.is_valid().to_numpy(zero_copy_only=False)
        size = pc.list_value_length(piece)
        lengths.append((size.fill_null(0) if size.null_count else size).to_numpy(zero_copy_only=False).astype(np.int64))
        assert isinstance(piece, pa.ListArray)
        values = piece.flatten()
        grams.append(values.to_numpy(zero_copy_only=False).astype(np.int32, copy=False))
        valid.append(there)
    sizes = np.concatenate(lengths)
    offsets = np.zeros(sizes.size + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    return offsets, grams[1] if len(grams) == 2 else np.concatenate(grams), np.concatenate(valid)
