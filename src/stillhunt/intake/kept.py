"""What a first pass over a log keeps for the second: byte strings under keys, in memory while they are few, then in a file.

A log can be larger than memory, and what its records must know of each other grows with it. Past `MEMORY_BYTES` all is
written to a temporary SQLite file, which is sorted once, on disk, and whose pages come and go. Worker processes open it
for reading.

In memory the values lie in one piece behind each other: as objects of their own, each would hold on to the megabyte of
decoded records among which it was made.
"""

from __future__ import annotations

import sqlite3
import tempfile
from array import array
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MEMORY_BYTES = 48 << 20
"""Bytes that are kept in memory."""
_ROWS = 4096  # that are written at once


def key_of(name: str) -> int:
    """A key for a name of any length: 63 bits of a hash. Values say whose they are, since keys can collide."""
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") >> 1


class Packed(NamedTuple):
    """Keys (int64), where their values end (int64), and the values behind each other."""

    keys: bytes
    ends: bytes
    values: bytes


class Kept:
    """Keys with the values that were added under each, in the order in which they came."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._memory_bytes = memory_bytes
        self._keys, self._ends, self._values = array("q"), array("q"), bytearray()
        self._order: npt.NDArray[np.int64] | None = None
        self._sorted_keys: npt.NDArray[np.int64] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._database: sqlite3.Connection | None = None
        self._sorted = False

    @classmethod
    def opened(cls, path: str) -> Kept:
        """What another process has written to a file, for reading only."""
        found = cls()
        found._database = sqlite3.connect(f"{Path(path).as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        found._database.execute("PRAGMA cache_size = -16384")
        found._sorted = True
        return found

    def add(self, key: int, value: bytes) -> None:
        """Keep a value."""
        self._values += value
        self._keys.append(key)
        self._ends.append(len(self._values))
        self._order = None
        if self._database is not None:
            if len(self._keys) >= _ROWS:
                self._write()
        elif len(self._values) + 16 * len(self._keys) > self._memory_bytes:
            self._spill()

    def extend(self, packed: Packed) -> None:
        """Keep what another has gathered."""
        ends = array("q", packed.ends)
        start = 0
        for key, end in zip(array("q", packed.keys), ends, strict=True):
            self.add(key, packed.values[start:end])
            start = end

    def get(self, key: int) -> list[bytes]:
        """The values of a key; none when nothing was added."""
        if self._database is not None:
            self._sort()
            return [value for (value,) in self._database.execute("SELECT value FROM kept WHERE key = ? ORDER BY rowid", (key,))]
        if not self._keys:
            return []
        if self._order is None or self._sorted_keys is None:
            keys = np.array(self._keys, np.int64)
            self._order = np.argsort(keys, kind="stable")
            self._sorted_keys = keys[self._order]
        found: list[bytes] = []
        at = int(self._sorted_keys.searchsorted(key))
        while at < self._order.size and self._sorted_keys[at] == key:
            place = int(self._order[at])
            found.append(bytes(self._values[self._ends[place - 1] if place else 0 : self._ends[place]]))
            at += 1
        return found

    def packed(self) -> Packed:
        """All that is held in memory, as `extend` takes it."""
        return Packed(self._keys.tobytes(), self._ends.tobytes(), bytes(self._values))

    def path(self) -> str:
        """The file that holds everything, for `opened` in another process; what was in memory is written first."""
        self._spill()
        self._sort()
        return self._file()

    def close(self) -> None:
        """Remove the file, and forget."""
        if self._database is not None:
            self._database.close()
            self._database = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self._forget()

    def _forget(self) -> None:
        self._keys, self._ends, self._values = array("q"), array("q"), bytearray()
        self._order = self._sorted_keys = None

    def _file(self) -> str:
        assert self._folder is not None
        return str(Path(self._folder.name, "kept.sqlite"))

    def _spill(self) -> None:
        if self._database is not None:
            return
        self._folder = tempfile.TemporaryDirectory(prefix="stillhunt-", ignore_cleanup_errors=True)
        self._database = sqlite3.connect(self._file(), isolation_level=None, check_same_thread=False)
        # The file is worth nothing after a crash: the log is read again then.
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -32768", "temp_store = FILE"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("CREATE TABLE kept (key INTEGER NOT NULL, value BLOB NOT NULL)")
        self._write()

    def _rows(self) -> Iterator[tuple[int, bytes]]:
        start = 0
        for key, end in zip(self._keys, self._ends, strict=True):
            yield key, bytes(self._values[start:end])
            start = end

    def _write(self) -> None:
        assert self._database is not None
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO kept VALUES (?, ?)", self._rows())
        self._database.execute("COMMIT")
        self._forget()

    def _sort(self) -> None:
        assert self._database is not None
        if self._keys:
            self._write()
        if not self._sorted:
            self._database.execute("CREATE INDEX kept_key ON kept (key)")
            self._sorted = True
