"""Where whoever keeps a record of every change of a lake (the ledger) is told of it: before the commit, and of what became of it.

The lake knows nothing of what is done with it. A recorder is set by `Lake.recorded_by`; without one nothing here costs anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from stillhunt.lake.commits import MovedError

_PIECE = 1 << 20
_UNRECORDED = {"observations"}
"""A scan's result, which the next scan replaces: what a scan found is recorded as findings."""


class File(NamedTuple):
    """A data file: its name (`file_name`), bytes, rows, and SHA-256 in hex."""

    name: str
    bytes: int
    rows: int
    sha256: str


@dataclass(frozen=True)
class Change:
    """One commit of one table.

    Attributes:
        table: its name in `records.TABLES`.
        kind: `append` (rows are added), `replace` (the table is written anew), `rewrite` (the same rows in other files),
            `retention` (rows are removed).
        added: files that it adds.
        removed: names and rows of files that the table no longer has afterwards.
        rows: the rows that it adds, as they are stored; only for appended interactions.
        about: what else there is to say, as JSON.
    """

    table: str
    kind: str
    added: tuple[File, ...]
    removed: tuple[tuple[str, int], ...] = ()
    rows: pa.Table | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


class Recorder(Protocol):
    """Keeps a record of changes."""

    def prepare(self, change: Change) -> object:
        """Note that `change` is about to be committed. Returns what `finish` is to be called with.

        Raises:
            StillhuntError: it cannot be noted; the change is not made then.
        """
        ...

    def finish(self, prepared: object, *, done: bool | None) -> None:
        """Say what became of a change: committed, not committed, or (None) not known, so that only looking can tell."""
        ...


def file_name(table: str, path: str) -> str:
    """What a data file is called in records: the table, and its path below the table's data, wherever the lake lies."""
    return f"{table}/{path.rpartition('/data/')[2]}"


def file_hash(io: FileIO, path: str) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with io.new_input(path).open() as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


@contextmanager
def recorded(
    recorder: Recorder | None,
    table: Table,
    name: str,
    kind: str,
    added: Iterable[DataFile],
    removed: Iterable[DataFile] = (),
    *,
    rows: pa.Table | None = None,
    about: Mapping[str, Any] | None = None,
) -> Iterator[None]:
    """Around one commit: tell `recorder` before it, and whether it was made after it."""
    if recorder is None or name in _UNRECORDED:
        yield
        return
    files = tuple(
        File(file_name(name, file.file_path), file.file_size_in_bytes, file.record_count, file_hash(table.io, file.file_path))
        for file in added
    )
    gone = tuple((file_name(name, file.file_path), file.record_count) for file in removed)
    prepared = recorder.prepare(Change(name, kind, files, gone, rows, about or {}))
    try:
        yield
    except MovedError:
        recorder.finish(prepared, done=False)
        raise
    except BaseException:
        recorder.finish(prepared, done=None)
        raise
    recorder.finish(prepared, done=True)
