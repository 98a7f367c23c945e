"""The trace: who called when, for every call, in the order in which calls were folded.

In: accounts and times, chunk by chunk. Out: the same, piece by piece. Twelve bytes a call, which for a hundred million calls is more than
memory should hold: beyond `MOST_IN_MEMORY` calls it lies in a temporary file, which is gone with the process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

Calls = tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]
"""(account, with the highest bit set for calls from batches; microseconds), of equal length."""

MOST_IN_MEMORY = 4_000_000
_PIECE = 8_000_000


class Trace:
    """Calls in the order in which they were added."""

    def __init__(self, kept: Calls | None = None) -> None:
        """Start from nothing, or from what was kept: arrays that may be maps of files."""
        self._kept = kept
        self._file: IO[bytes] | None = None
        self._spilled: list[tuple[int, int]] = []  # where a piece begins in the file, and its calls
        self._parts: list[Calls] = []
        self._waiting = 0

    def __len__(self) -> int:
        return (len(self._kept[0]) if self._kept else 0) + sum(calls for _, calls in self._spilled) + self._waiting

    def add(self, account: npt.NDArray[np.uint32], micros: npt.NDArray[np.int64]) -> None:
        """Add calls."""
        self._parts.append((account, micros))
        self._waiting += account.size
        if self._waiting > MOST_IN_MEMORY:
            self._spill()

    def pieces(self, *, backwards: bool = False) -> Iterator[Calls]:
        """All calls in pieces; the last piece first if `backwards`."""
        kept = list(range(0, len(self._kept[0]), _PIECE)) if self._kept else []
        if backwards:
            yield from reversed(self._parts)
            yield from (self._read(*one) for one in reversed(self._spilled))
            yield from (self._cut(at) for at in reversed(kept))
        else:
            yield from (self._cut(at) for at in kept)
            yield from (self._read(*one) for one in self._spilled)
            yield from self._parts

    def save(self, account: Path, micros: Path) -> None:
        """Write two .npy files, piece by piece."""
        for at, (path, kind) in enumerate(((account, np.uint32), (micros, np.int64))):
            with path.open("wb") as file:
                np.lib.format.write_array_header_1_0(
                    file, {"descr": np.lib.format.dtype_to_descr(np.dtype(kind)), "fortran_order": False, "shape": (len(self),)}
                )
                for piece in self.pieces():
                    file.write(np.ascontiguousarray(piece[at]).data)

    def _cut(self, at: int) -> Calls:
        assert self._kept is not None
        account, micros = self._kept
        return np.asarray(account[at : at + _PIECE]), np.asarray(micros[at : at + _PIECE])

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="stillhunt-trace-")  # noqa: SIM115 - as long as the trace
        account, micros = (np.concatenate(columns) for columns in zip(*self._parts, strict=True))
        self._spilled.append((self._file.seek(0, 2), account.size))
        self._file.write(account.data)
        self._file.write(micros.data)
        self._parts, self._waiting = [], 0

    def _read(self, begin: int, calls: int) -> Calls:
        assert self._file is not None
        self._file.seek(begin)
        account = np.frombuffer(self._file.read(4 * calls), np.uint32)
        return account, np.frombuffer(self._file.read(8 * calls), np.int64)
