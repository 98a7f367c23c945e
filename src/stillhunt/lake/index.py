"""Keeping the index of known ids in step with a table that others write to as well."""

from __future__ import annotations

from pyiceberg.table import Table

from stillhunt.lake.commits import CHANGE
from stillhunt.lake.identity import IdIndex
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
    shown = LakeTable(name, stored_schema(name).empty_table().select(["interaction_id"]).schema, table, current, where)
    files = shown.data_paths()
    index.learn(batch.column(0) for batch in shown.batches_of(files - index.files))
    index.files = files
    index.snapshot_id = current


def _only_grew(index: IdIndex, table: Table) -> bool:
    at = table.metadata.current_snapshot_id
    while at is not None and at != index.snapshot_id:
        snapshot = table.metadata.snapshot_by_id(at)
        if snapshot is None or snapshot.summary is None or snapshot.summary.additional_properties.get(CHANGE) not in _KEEPS_ALL_ROWS:
            return False
        at = snapshot.parent_snapshot_id
    return at == index.snapshot_id
