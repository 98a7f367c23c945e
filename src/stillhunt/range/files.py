"""How a world's calls become files: one file a UTC day, records in order of time, the same bytes for the same world.

A writer gets calls and knows nothing of populations or operators. What a log format cannot carry is left out by its
writer, as the real product would leave it out.
"""

from __future__ import annotations

import gzip
import io
import random
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from pathlib import Path

from stillhunt.range.calls import DAY, Call


class Writer(ABC):
    """Writes calls, given in order of time, as one log format under a folder, a file a day."""

    suffix: str

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.ids = random.Random(f"{seed}/ids")
        self.files: list[Path] = []
        self._day = -1

    def write(self, call: Call) -> None:
        """Append one call; calls come in order of time."""
        day = call.at // DAY
        if day != self._day:
            if self._day >= 0:
                self._end()
            self._day = day
            path = self.folder / f"interactions-{datetime.fromtimestamp(day * 86400, UTC):%Y-%m-%d}{self.suffix}"
            self.files.append(path)
            self._begin(path)
        self._add(call)

    def close(self) -> None:
        """Finish the last file."""
        if self._day >= 0:
            self._end()
            self._day = -1

    def _id(self) -> str:
        """An identifier for the next record, 128 random bits."""
        bits = f"{self.ids.getrandbits(128):032x}"
        return f"{bits[:8]}-{bits[8:12]}-{bits[12:16]}-{bits[16:20]}-{bits[20:]}"

    @abstractmethod
    def _begin(self, path: Path) -> None: ...

    @abstractmethod
    def _add(self, call: Call) -> None: ...

    @abstractmethod
    def _end(self) -> None: ...


class LineWriter(Writer):
    """A format of one record a line."""

    compressed = False
    _raw: io.BufferedWriter
    _file: io.BufferedIOBase

    @abstractmethod
    def line(self, call: Call) -> bytes:
        """The record, line end included."""

    def _begin(self, path: Path) -> None:
        self._raw = io.BufferedWriter(io.FileIO(path, "w"), 1 << 20)
        # mtime and name are left out of the gzip header: the same world is the same bytes
        self._file = gzip.GzipFile("", "wb", 5, self._raw, mtime=0) if self.compressed else self._raw

    def _add(self, call: Call) -> None:
        self._file.write(self.line(call))

    def _end(self) -> None:
        self._file.close()
        self._raw.close()
