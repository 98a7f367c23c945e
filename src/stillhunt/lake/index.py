"""Keeping the index of known ids in step with a table that others write to as well."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyiceberg.table import Table

from stillhunt.lake.commits import CHANGE
from stillhunt.lake.identity import Calls, IdIndex
from stillhunt.lake.opening import stored_schema
from stillhunt.lake.table import LakeTable

_KEEPS_ALL_ROWS = {"append", "rewrite"}


def follow(index: IdIndex, table: Table, name: str, where: str) -> None:
    """Bring `index` to the snapshot that `table` shows, reading only files that it has not read.

    Where rows may have been removed since (retention, a writer that is not ours, a history that has expired) it starts anew:
    an id that is gone may come back.
    """
    current = table.metadata.current_snapshot_id
    if index.snapshot_id == current:
        return
    if not _only_grew(index, table):
        index.forget()
    columns = [column for column in ("interaction_id", "account_id", "started_at") if column in stored_schema(name).names]
    shown = LakeTable(name, stored_schema(name).empty_table().select(columns).schema, table, current, where)
    files = shown.data_paths()
    index.learn(known_by(index, pa.Table.from_batches([batch])) for batch in shown.batches_of(files - index.files))
    index.files = files
    index.snapshot_id = current


def known_by(index: IdIndex, rows: pa.Table) -> Calls:
    """How rows of interactions, or of texts, which have no accounts, are remembered."""
    accounts = rows["account_id"] if "account_id" in rows.column_names else None
    return index.calls(rows["interaction_id"], accounts, rows["started_at"])


def named_apart(index: IdIndex, rows: pa.Table) -> tuple[pa.Table, Calls, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Give calls that only share an id with another call an id of their own.

    Whoever can choose ids could otherwise hide calls behind one that is there already. The new id depends on the call alone (the account,
    then the moment it began), so that the same record gets it again whenever it is read.

    Returns:
        The rows with their ids, how they are remembered, which of them are new, and which have an id of their own.
    """
    calls = known_by(index, rows)
    settled = index.settle(calls)
    renamed = settled.conflict
    if not renamed.any():
        return rows, calls, settled.fresh, renamed
    ids = rows["interaction_id"].to_pylist()
    accounts, started = rows["account_id"], rows["started_at"].cast(pa.int64())
    fresh, left = settled.fresh, np.flatnonzero(settled.conflict)
    for attempt in range(3):
        for row in left.tolist():
            account, moment = accounts[row].as_py(), f"~{started[row].as_py():x}"
            # The third is for ids that somebody made up who has seen what an account's ids get: nobody can know this one beforehand.
            ids[row] = f"{ids[row]}{(index.apart(account), moment, index.apart(f'{ids[row]}~{account}'))[attempt]}"
        chosen: Any = left
        some = _with_ids(rows.take(chosen), [ids[row] for row in chosen])
        again = known_by(index, some)
        settled = index.settle(again)
        for column, values in zip(calls, again, strict=True):
            column[left] = values
        fresh[left] = settled.fresh
        left = left[settled.conflict]
        if not left.size:
            break
    return _with_ids(rows, ids), calls, fresh, renamed


def _with_ids(rows: pa.Table, ids: list[Any]) -> pa.Table:
    return rows.set_column(rows.column_names.index("interaction_id"), "interaction_id", pa.array(ids, pa.string()))


def _only_grew(index: IdIndex, table: Table) -> bool:
    at = table.metadata.current_snapshot_id
    while at is not None and at != index.snapshot_id:
        snapshot = table.metadata.snapshot_by_id(at)
        if snapshot is None or snapshot.summary is None or snapshot.summary.additional_properties.get(CHANGE) not in _KEEPS_ALL_ROWS:
            return False
        at = snapshot.parent_snapshot_id
    return at == index.snapshot_id
