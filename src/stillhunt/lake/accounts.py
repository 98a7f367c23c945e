"""Merging what is known about accounts: the newest value that is not null wins, column by column.

Each value is a last-writer-wins register (Shapiro et al., "A comprehensive study of convergent and commutative replicated
data types", INRIA RR-7506, 2011) ordered by its stamp and, for equal stamps, by the value itself. Merging is therefore
commutative, associative and idempotent: the order in which records arrive, and how often, makes no difference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt import records

NEVER = np.iinfo(np.int64).min
"""The stamp of a value that is not there, or of a record without any time in it."""

_VALUES = [field for field in records.ACCOUNTS if field.name != "account_id"]
_TIMES = [field.name for field in _VALUES if pa.types.is_timestamp(field.type)]

STORED = records.ACCOUNTS.append(records.ACCOUNT_STAMPS)
"""What the lake keeps: the columns of `records.ACCOUNTS` and the stamps."""

Stamps = npt.NDArray[np.int64]


def stamped(rows: pa.Table) -> pa.Table:
    """`rows` (columns of `records.ACCOUNTS`, perhaps with `updated_at`) with the stamp of every value.

    A record is as new as the newest time in it: its update, its closing, its creation.
    """
    newest = np.full(rows.num_rows, NEVER, np.int64)
    for name in [*_TIMES, records.ACCOUNT_UPDATED_AT.name]:
        if name in rows.column_names:
            newest = np.maximum(newest, _integers(rows[name]))
    stamps = np.full((rows.num_rows, len(_VALUES)), NEVER, np.int64)
    for column, field in enumerate(_VALUES):
        present = rows[field.name].is_valid().to_numpy()
        stamps[present, column] = newest[present]
    return pa.table([rows[name] for name in records.ACCOUNTS.names] + [_as_lists(stamps)], schema=STORED)


def merge(known: pa.Table, arriving: pa.Table) -> tuple[pa.Table, int]:
    """Merge two tables of `STORED`, `known` having one row per account.

    Returns:
        The merged table, one row per account in the order of account ids, and how many accounts are new or changed.
    """
    touched = pc.is_in(known["account_id"], value_set=pc.unique(arriving["account_id"]))
    before = known.filter(touched)
    merged = _merge_rows(pa.concat_tables([before, arriving]).combine_chunks())
    before = before.sort_by("account_id")
    kept = merged.filter(pc.is_in(merged["account_id"], value_set=before["account_id"]))
    # Stamps count as a change: a value confirmed at a later time must beat what arrives with a time between.
    changed = merged.num_rows - kept.num_rows
    if before.num_rows:
        same = np.ones(before.num_rows, bool)
        for field in _VALUES:
            same &= _same(before[field.name], kept[field.name])
        same &= np.all(_stamps(before) == _stamps(kept), axis=1)
        changed += int(np.count_nonzero(~same))
    if not changed:
        return known, 0
    return pa.concat_tables([known.filter(pc.invert(touched)), merged]).sort_by("account_id").combine_chunks(), changed


def newest_stamp(rows: pa.Table) -> Stamps:
    """For each row of `STORED`, the newest time of any of its values in microseconds, or `NEVER`."""
    newest: Stamps = _stamps(rows).max(axis=1, initial=NEVER)
    return newest


def _merge_rows(rows: pa.Table) -> pa.Table:
    encoded = rows["account_id"].combine_chunks().dictionary_encode()
    rank = pc.rank(encoded.dictionary).to_numpy().astype(np.int64) - 1
    account = rank[encoded.indices.to_numpy()]
    accounts = len(encoded.dictionary)
    stamps = _stamps(rows)
    merged_stamps = np.full((accounts, len(_VALUES)), NEVER, np.int64)
    columns: list[pa.Array[Any] | pa.ChunkedArray[Any]] = [encoded.dictionary.take(pc.sort_indices(encoded.dictionary))]
    for column, field in enumerate(_VALUES):
        values = rows[field.name]
        present = np.flatnonzero(values.is_valid().to_numpy())
        order = pc.rank(values.take(present), tiebreaker="dense").to_numpy()
        by_newness = np.lexsort((order, stamps[present, column], account[present]))
        chosen = present[by_newness]
        last = np.ones(chosen.size, bool)
        last[:-1] = account[chosen[1:]] != account[chosen[:-1]]
        winners = chosen[last]
        pick = np.full(accounts, -1, np.int64)
        pick[account[winners]] = winners
        columns.append(values.take(pa.array(pick, pa.int64(), mask=pick < 0)))
        merged_stamps[account[winners], column] = stamps[winners, column]
    return pa.table([*columns, _as_lists(merged_stamps)], schema=STORED)


def _stamps(rows: pa.Table) -> Stamps:
    """Stamps as a matrix of rows by columns; a row written before a column existed has none for it."""
    stamps = np.full((rows.num_rows, len(_VALUES)), NEVER, np.int64)
    lists = rows[records.ACCOUNT_STAMPS.name].combine_chunks()
    if not len(lists):
        return stamps
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    row = np.repeat(np.arange(lengths.size), lengths)
    column = np.arange(row.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    known = column < len(_VALUES)
    stamps[row[known], column[known]] = pc.list_flatten(lists).to_numpy()[known]
    return stamps


def _as_lists(stamps: Stamps) -> pa.Array[Any]:
    rows, columns = stamps.shape
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * columns), pa.array(stamps.ravel()))


def _integers(times: pa.ChunkedArray[Any]) -> Stamps:
    integers: Stamps = times.cast(records.TIMESTAMP).cast(pa.int64()).fill_null(NEVER).to_numpy()  # type: ignore[arg-type]
    return integers


def _same(left: pa.ChunkedArray[Any], right: pa.ChunkedArray[Any]) -> npt.NDArray[np.bool_]:
    equal: npt.NDArray[np.bool_] = pc.equal(left, right).fill_null(False).to_numpy(zero_copy_only=False)
    unknown: npt.NDArray[np.bool_] = left.is_null().to_numpy() & right.is_null().to_numpy()
    return equal | unknown
