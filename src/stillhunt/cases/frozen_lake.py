"""A lake over frozen files: what a scan reads, without the catalog that the files came from.

A folder holds Parquet files and a list of them (`Files`): for each table, in the order in which calls are folded. It opens with the live
lake moved, changed or gone, and where it is moved to itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import DataFile, FileFormat
from pyiceberg.table import FileScanTask

from stillhunt import records
from stillhunt.errors import StillhuntError
from stillhunt.lake import Lake
from stillhunt.lake.faults import SnapshotGoneError
from stillhunt.lake.reading import NotRead
from stillhunt.lake.table import LakeTable


class FrozenFile(NamedTuple):
    """One Parquet file: its path below the frozen lake's folder, rows, bytes, and SHA-256 in hex."""

    file: str
    rows: int
    bytes: int
    sha256: str


Files = Mapping[str, Sequence[FrozenFile]]
"""Table -> its files, in order."""


class FrozenTable(LakeTable):
    """The rows of one table as they were frozen."""

    def __init__(self, name: str, schema: pa.Schema, folder: Path, files: Sequence[FrozenFile]) -> None:
        # No Iceberg table is behind it: the list of files is all that reading needs.
        self.name, self.schema = name, schema
        self._snapshot_id = None
        self._where = str(folder)
        self._folder, self._files = folder, files

    @cached_property
    def _tasks(self) -> list[FileScanTask]:
        return [
            FileScanTask(
                DataFile.from_args(
                    file_path=str(self._folder / one.file),
                    file_format=FileFormat.PARQUET,
                    record_count=one.rows,
                    file_size_in_bytes=one.bytes,
                )
            )
            for one in self._files
        ]

    @property
    def io(self) -> FileIO:
        """The files lie where their names say."""
        return PyArrowFileIO()

    @property
    def identifier(self) -> str:
        """The table's name: there is no catalog with another."""
        return self.name

    @property
    def uniform(self) -> bool:
        """Never taken for granted: files may be of several releases."""
        return len(self._files) < 2

    def in_order(self) -> list[str]:
        """The files in the order in which they were frozen, which is that of the live table."""
        return [str(self._folder / one.file) for one in self._files]


class FrozenLake(Lake):
    """A lake at one snapshot, for reading, from frozen files.

    Its pseudonym key is not frozen: `key` is empty. A scan of it keeps no observations.

    Args:
        folder: where the files are.
        files: which they are.
        snapshot: the id that the live lake's snapshot had.
        not_read: what of the logs had not made it into the live lake.
    """

    def __init__(self, folder: Path, files: Files, snapshot: str, not_read: NotRead | None = None) -> None:
        self.key = b""
        self.where = str(folder)
        self._place, self._files, self._snapshot = folder, files, snapshot
        self._not_read = not_read or NotRead()

    def close(self) -> None:
        """Nothing is held open."""

    def not_read(self) -> NotRead:
        """What the scan that was frozen said of it: the records themselves are in no lake."""
        return self._not_read

    @property
    def folder(self) -> Path | None:
        """Where the frozen files are; digests may be kept beside them."""
        return self._place

    def table(self, name: str) -> LakeTable:
        """One of `records.TABLES` as it was frozen; of observations and texts only the campaign's."""
        return FrozenTable(name, records.TABLES[name], self._place, self._files.get(name, ()))

    def snapshot(self) -> str:
        """The id that the live lake's snapshot had."""
        return self._snapshot

    def at(self, snapshot: str) -> Lake:
        """This lake, if `snapshot` is the one that was frozen.

        Raises:
            SnapshotGoneError: it is another one.
        """
        if snapshot != self._snapshot:
            raise SnapshotGoneError(f"{self.where}: only the snapshot {self._snapshot} is frozen here; open the lake itself for others")
        return self

    def write_observations(self, rows: pa.Table, scanned: str | None = None) -> None:
        """Nothing: what a repeated scan observes is what the first one did, and that is frozen already."""

    @contextmanager
    def _writing(self) -> Iterator[None]:
        raise StillhuntError(f"{self.where}: frozen calls are for reading only; open the lake itself")
        yield  # a context manager is a generator
