"""What a first pass over a log keeps for the second: byte strings under keys, in memory while they are few, then in a file.

A log can be larger than memory, and what its records must know of each other grows with it. Past `MEMORY_BYTES` all is
written to a temporary SQLite file, which is sorted once, on disk, and whose pages come and go. Worker processes open it
for reading.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

MEMORY_BYTES = 48 << 20
"""Bytes of values that are kept in memory; what Python adds to them is about as much again."""
_ROWS = 4096  # that are written at once


def key_of(name: str) -> int:
    """A key for a name of any length: 63 bits of a hash. Values say whose they are, since keys can collide."""
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") >> 1


class Kept:
    """Keys with the values that were added under each, in the order in which they came."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._memory_bytes = memory_bytes
        self._held: defaultdict[int, list[bytes]] = defaultdict(list)
        self._size = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._database: sqlite3.Connection | None = None
        self._waiting: list[tuple[int, bytes]] = []
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
        if self._database is None:
            self._held[key].append(value)
            self._size += len(value) + 64
            if self._size > self._memory_bytes:
                self._spill()
            return
        self._waiting.append((key, value))
        if len(self._waiting) >= _ROWS:
            self._write()

    def extend(self, items: Iterable[tuple[int, bytes]]) -> None:
        """Keep many values."""
        for key, value in items:
            self.add(key, value)

    def get(self, key: int) -> list[bytes]:
        """The values of a key; none when nothing was added."""
        if self._database is None:
            return self._held.get(key, [])
        self._sort()
        return [value for (value,) in self._database.execute("SELECT value FROM kept WHERE key = ? ORDER BY rowid", (key,))]

    def items(self) -> list[tuple[int, bytes]]:
        """All that is held in memory, as `extend` takes it."""
        return [(key, value) for key, values in self._held.items() for value in values]

    def path(self) -> str:
        """The file that holds everything, for `opened` in another process; what was in memory is written first."""
        self._spill()
        self._sort()
        assert self._folder is not None
        return self._file()

    def close(self) -> None:
        """Remove the file."""
        if self._database is not None:
            self._database.close()
            self._database = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self._held.clear()

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
        self._waiting = self.items()
        self._held.clear()
        self._write()

    def _write(self) -> None:
        assert self._database is not None
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO kept VALUES (?, ?)", self._waiting)
        self._database.execute("COMMIT")
        self._waiting = []

    def _sort(self) -> None:
        assert self._database is not None
        if self._waiting:
            self._write()
        if not self._sorted:
            self._database.execute("CREATE INDEX kept_key ON kept (key)")
            self._sorted = True
