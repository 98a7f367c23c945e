"""Keeping one Iceberg table small: few large files, few snapshots, nothing on disk that no snapshot names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.manifest import DataFile, DataFileContent, ManifestFile
from pyiceberg.table import Table

from stillhunt.lake.commits import MovedError, data_files, discard, replace_files, write_rows
from stillhunt.lake.faults import is_locked
from stillhunt.lake.place import local_path
from stillhunt.lake.recorder import Recorder, recorded

_ROWS_TOGETHER = 500_000
"""Rows rewritten into one file: a few hundred megabytes of memory, some tens on disk."""
_BYTES_TOGETHER = 128 * 1024 * 1024
"""... or this many bytes on disk, whichever comes first: kept texts are long."""


class Freed(NamedTuple):
    """Files removed from disk and their bytes."""

    files: int
    bytes: int

    def __add__(self, other: tuple[int, ...]) -> Freed:  # type: ignore[override]
        return Freed(self.files + other[0], self.bytes + other[1])


def small_file_groups(files: Iterable[DataFile]) -> Iterator[list[DataFile]]:
    """Files of one partition that should become one file, oldest partition first. Files that are large already stay."""
    by_partition: dict[object, list[DataFile]] = defaultdict(list)
    for file in files:
        if (
            file.content == DataFileContent.DATA
            and file.record_count < _ROWS_TOGETHER // 2
            and file.file_size_in_bytes < _BYTES_TOGETHER // 2
        ):
            by_partition[tuple(file.partition[i] for i in range(len(file.partition)))].append(file)
    for _, small in sorted(by_partition.items(), key=lambda item: str(item[0])):
        group: list[DataFile] = []
        rows = size = 0
        for file in sorted(small, key=lambda file: file.file_path):
            if group and (rows + file.record_count > _ROWS_TOGETHER or size + file.file_size_in_bytes > _BYTES_TOGETHER):
                if len(group) > 1:
                    yield group
                group, rows, size = [], 0, 0
            group.append(file)
            rows += file.record_count
            size += file.file_size_in_bytes
        if len(group) > 1:
            yield group


def rewrite_group(load: Iterator[Table], group: list[DataFile], rows: pa.Table, name: str, recorder: Recorder | None = None) -> bool:
    """Replace the files of `group` by one with the same rows.

    Args:
        load: gives the table as it is now, once for each attempt.
        group: the files.
        rows: their rows, as they are to lie in it.
        name: the table's.
        recorder: is told of it.

    Returns:
        False if another process removed one of the files meanwhile; nothing was changed then.
    """
    added: list[DataFile] | None = None
    for table in load:
        if added is None:
            added = write_rows(table, rows)
        here = {file.file_path for file in data_files(table)}
        if not all(file.file_path in here for file in group):
            discard(table, added)
            return False
        try:
            with recorded(recorder, table, name, "rewrite", added, group):
                replace_files(table, group, added, "rewrite")
        except MovedError:
            continue
        return True
    return False


def expire(load: Iterator[Table], keep_last: int, keep: set[int], younger_than: timedelta) -> tuple[int, Freed]:
    """Forget snapshots and remove from disk what only they named.

    Args:
        load: gives the table as it is now, once for each attempt.
        keep_last: so many of the newest snapshots stay.
        keep: these stay too.
        younger_than: and those younger than this.

    Returns:
        The number of snapshots forgotten, and what was freed.
    """
    for table in load:
        snapshots = sorted(table.metadata.snapshots, key=lambda snapshot: snapshot.sequence_number or 0)
        horizon = (datetime.now(UTC) - younger_than).timestamp() * 1000
        current = table.metadata.current_snapshot_id
        old = [
            snapshot.snapshot_id
            for snapshot in snapshots[: max(0, len(snapshots) - keep_last)]
            if snapshot.snapshot_id != current and snapshot.snapshot_id not in keep and snapshot.timestamp_ms < horizon
        ]
        if not old:
            return 0, Freed(0, 0)
        before = named_files(table)
        try:
            table.maintenance.expire_snapshots().by_ids(old).commit()
        except CommitFailedException:
            continue
        except Exception as error:
            if is_locked(error):
                continue
            raise
        # Whatever others commit from now on starts from a snapshot that is still there, so it cannot name these files.
        table.refresh()
        return len(old), remove(table, before - named_files(table))
    return 0, Freed(0, 0)


def named_files(table: Table) -> set[str]:
    """Every file that any snapshot of `table` names: manifest lists, manifests, data and delete files."""
    named: set[str] = set()
    manifests: dict[str, ManifestFile] = {}
    for snapshot in table.metadata.snapshots:
        named.add(snapshot.manifest_list)
        manifests |= {manifest.manifest_path: manifest for manifest in snapshot.manifests(table.io)}
    for path, manifest in manifests.items():
        named.add(path)
        named.update(entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True))
    return named


def remove(table: Table, paths: Iterable[str]) -> Freed:
    """Remove files from disk; those that are gone already do not count."""
    freed = Freed(0, 0)
    for path in paths:
        try:
            size = len(table.io.new_input(path))
            table.io.delete(path)
        except FileNotFoundError:
            continue
        freed += (1, size)
    return freed


def remove_orphans(table: Table, older_than: timedelta) -> Freed:
    """Remove files below a local table that nothing names and that are older than any running writer's could be.

    A writer that was killed leaves files that no snapshot names; one that still runs has them too, until it commits.
    Age tells them apart. Tables elsewhere are left to their catalog's own maintenance.
    """
    location = local_path(table.io, table.location())
    root = Path(location or "")
    if location is None or not root.is_dir():
        return Freed(0, 0)
    horizon = (datetime.now(UTC) - older_than).timestamp()
    candidates = [path for path in root.rglob("*") if path.is_file() and path.stat().st_mtime < horizon]
    # Only now ask what is named: a file named by a commit since the listing must not be taken for an orphan.
    table.refresh()
    named = named_files(table) | {entry.metadata_file for entry in table.metadata.metadata_log} | {table.metadata_location}
    here = {local_path(table.io, location) for location in named}
    freed = Freed(0, 0)
    for path in candidates:
        if str(path) not in here:
            try:
                size = path.stat().st_size
                path.unlink()
            except FileNotFoundError:
                continue
            freed += (1, size)
    return freed
