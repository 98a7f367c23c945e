"""The journal of a watch: how far each log has been read, kept on disk so that a watch can be killed.

A position says which bytes are read, and never which will be: it is written after the rows of those bytes are committed to the
lake. Killed in between, the same bytes are read again and the lake drops what it has. So nothing is lost and nothing counts twice.

A log is known again by its *mark*: a running checksum of every byte that was read, and hashes of the first and the last of them.
Names and inodes change (rotation, compression, copies, restored backups); what was read does not.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import zlib
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from stillhunt.errors import StillhuntError

FILE = "watch.sqlite"
LOCK = "watch.lock"
WINDOW = 4096
"""Bytes at either end of what was read that are compared each time. Logs that agree in both and in the checksum are the same log."""

_KEPT_DAYS = 30
"""Logs that are gone from disk are remembered so long: their compressed copy may still appear."""


@dataclass(frozen=True)
class Mark:
    """What the first `length` bytes of a log were, decompressed: their CRC-32 and hashes (hex) of their first and last `WINDOW`.

    The last window is kept in `last`, so that the mark can grow while a watch runs; it is not written down.
    """

    length: int = 0
    crc: int = 0
    head: str = ""
    tail: str = ""
    first: bytes = b""
    last: bytes = b""

    def grown(self, data: bytes) -> Mark:
        """The mark of the same bytes followed by `data`. Needs `first` and `last`, which a mark from disk has not: see `measured`."""
        first = self.first if self.length >= WINDOW else (self.first + data)[:WINDOW]
        last = (self.last + data)[-WINDOW:]
        return Mark(self.length + len(data), zlib.crc32(data, self.crc), hashed(first), hashed(last), first, last)

    def same(self, other: Mark) -> bool:
        """Whether both are marks of the same bytes."""
        return (self.length, self.crc, self.head, self.tail) == (other.length, other.crc, other.head, other.tail)


def hashed(data: bytes) -> str:
    """A hash that two windows share only if they are the same."""
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def measured(pieces: Iterable[bytes], mark: Mark | None = None) -> Mark:
    """The mark of `pieces` one after the other, behind what `mark` covers."""
    grown = mark or Mark()
    for piece in pieces:
        grown = grown.grown(piece)
    return grown


@dataclass(frozen=True)
class Position:
    """How far one log has been read.

    Attributes:
        path: where it was when last looked at.
        name: the path under which it was first seen; bad rows are set aside under this name, whatever becomes of the file.
        device, inode: of the file at `path`.
        size, modified: bytes on disk and st_mtime_ns when last looked at.
        length, crc, head, tail: the mark of what has been read; `length` in decompressed bytes.
        lines: records that were numbered in it.
        bad: records among them that could not be read.
        format: the name of its format; "" while that is not known.
        problem: what was said about it, so that it is said once.
        waiting: 1 where time may tell more even if nothing is written to it (half a last line, a file that is still being made).
        bound: in formats whose records need one another, bytes that were there a round ago and may be read.
        seen: when it was last looked at, seconds since 1970.
    """

    path: str
    name: str
    device: int
    inode: int
    size: int = 0
    modified: int = 0
    length: int = 0
    crc: int = 0
    head: str = ""
    tail: str = ""
    lines: int = 0
    bad: int = 0
    format: str = ""
    problem: str = ""
    waiting: int = 0
    bound: int = 0
    seen: float = 0.0

    @property
    def mark(self) -> Mark:
        """The mark of what has been read, to be compared with."""
        return Mark(self.length, self.crc, self.head, self.tail)

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode."""
        return self.device, self.inode

    def marked(self, mark: Mark) -> Position:
        """The same log, read as far as `mark`."""
        return replace(self, length=mark.length, crc=mark.crc, head=mark.head, tail=mark.tail)


_COLUMNS = [one.name for one in fields(Position)]
_KINDS = {"str": "TEXT", "int": "INTEGER", "float": "REAL"}


class Journal:
    """Positions in one folder, for one watch at a time.

    Args:
        folder: where the journal is kept; made if it is missing.

    Raises:
        StillhuntError: another watch has it, or it cannot be written or is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._lock = _locked(folder)
        try:
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            self._database = sqlite3.connect(self.path, isolation_level=None)
            self._database.execute("PRAGMA synchronous = FULL")
            columns = ", ".join(f"{one.name} {_KINDS[str(one.type)]} NOT NULL" for one in fields(Position))
            self._database.execute(f"CREATE TABLE IF NOT EXISTS positions ({columns}, PRIMARY KEY (device, inode))")
            self._known = {one.identity: one for one in self._read()}
        except (OSError, sqlite3.Error) as error:
            os.close(self._lock)
            raise self._failed(error) from error

    def positions(self) -> list[Position]:
        """All of them, those of logs that are gone included."""
        return list(self._known.values())

    def advance(self, changed: Iterable[Position], forgotten: Iterable[tuple[int, int]] = ()) -> None:
        """Write positions down, all or none of them. When this returns they survive a loss of power.

        Raises:
            StillhuntError: the journal cannot be written.
        """
        changed, forgotten = list(changed), list(forgotten)
        if not changed and not forgotten:
            return
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("DELETE FROM positions WHERE device = ? AND inode = ?", forgotten)
            marks = ", ".join("?" * len(_COLUMNS))
            self._database.executemany(f"INSERT OR REPLACE INTO positions ({', '.join(_COLUMNS)}) VALUES ({marks})", map(astuple, changed))
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._failed(error) from error
        for identity in forgotten:
            self._known.pop(identity, None)
        self._known |= {one.identity: one for one in changed}

    def prune(self, now: float) -> None:
        """Forget logs that have been gone for so long that nothing of them will come back."""
        self.advance([], [one.identity for one in self.positions() if now - one.seen > _KEPT_DAYS * 86_400])

    def close(self) -> None:
        """Release the journal to the next watch."""
        with suppress(sqlite3.Error):
            self._database.close()
        with suppress(OSError):
            os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _read(self) -> list[Position]:
        with closing(self._database.execute(f"SELECT {', '.join(_COLUMNS)} FROM positions ORDER BY name, path")) as rows:
            return [Position(*row) for row in rows]

    def _failed(self, error: Exception) -> StillhuntError:
        return StillhuntError(
            f"{self.path}: the journal of the watch cannot be used ({str(error).splitlines()[0]}); "
            "check the folder's permissions and space, or remove the file to read all logs again"
        )


def _locked(folder: Path) -> int:
    """A descriptor that holds the lock of `folder`; the system releases it when the process ends, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StillhuntError(
            f"{folder}: the watch cannot keep its journal here ({error.strerror}); check the folder's permissions"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise StillhuntError(f"{folder}: another watch is at work on this lake; stop it first, or watch with it") from error
    return lock
