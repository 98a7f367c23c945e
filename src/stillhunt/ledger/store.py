"""The files of a log, and how they grow so that a crash at any moment leaves the old log or the new one.

    ledger.json      whose log this is: origin and public keys
    entries          one canonical JSON document a line: the leaves
    index            8 bytes an entry, little-endian: where it ends in `entries`
    hashes           32 bytes each, in the order of `stillhunt.ledger.merkle`
    checkpoints/N    the signed checkpoint of the first N entries, for every N
    arrived/ attached/  what others signed about checkpoints (`stillhunt.ledger.attachments`)
    lock             empty

An entry is in the log from the moment on in which its checkpoint stands in `checkpoints/`: that file appears whole, by a rename, after
everything else is on disk. What a crash left behind it is cut off by the next append.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stillhunt.errors import StillhuntError
from stillhunt.ledger import merkle

HEADER, ENTRIES, INDEX, HASHES, LOCK = "ledger.json", "entries", "index", "hashes", "lock"
DRAFT = "draft"
"""A file that is about to appear; only a crash leaves it behind."""
CHECKPOINTS, ARRIVED, ATTACHED = "checkpoints", "arrived", "attached"
FILES = (HEADER, ENTRIES, INDEX, HASHES, LOCK)
FOLDERS = (CHECKPOINTS, ARRIVED, ATTACHED)
OFFSET_BYTES = 8


class Store:
    """The files of the log in `folder`; knows nothing of signatures and of what entries say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # ---- reading

    def size(self) -> int:
        """How many entries the log has.

        Raises:
            StillhuntError: the files contradict each other.
        """
        indexed = -1
        while (seen := self._indexed()) != indexed:  # somebody may append while we look
            indexed = seen
            if self._checkpoint_path(indexed + 1).exists():
                continue
            for size in (indexed, indexed - 1):
                if size >= 0 and self._checkpoint_path(size).exists():
                    return size
        raise self._damaged("the index and the newest checkpoint do not belong together")

    def entry(self, index: int) -> bytes:
        """The bytes of the entry at `index`, which must be there."""
        start, end = self._span(index)
        return self._read(ENTRIES, start, end - start - 1)

    def hash_at(self, place: int) -> bytes:
        """The stored hash at `place`."""
        return self._read(HASHES, place * merkle.HASH_BYTES, merkle.HASH_BYTES)

    def checkpoint(self, size: int) -> bytes:
        """The log's own signed checkpoint of its first `size` entries.

        Raises:
            StillhuntError: it is not there.
        """
        with self._spoken():
            return self._checkpoint_path(size).read_bytes()

    def header(self) -> bytes:
        """The bytes of `ledger.json`."""
        with self._spoken():
            return (self.folder / HEADER).read_bytes()

    # ---- writing

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for whoever else writes, in this process or another, and keep them waiting."""
        with self._spoken():
            lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
            finally:
                os.close(lock)

    def lay(self, size: int, data: bytes, hashes: list[bytes]) -> None:
        """Put an entry on disk behind the first `size`; without a checkpoint it is not in the log yet."""
        end = self._span(size - 1)[1] if size else 0
        self._extend(ENTRIES, end, data + b"\n")
        self._extend(HASHES, merkle.stored(size) * merkle.HASH_BYTES, b"".join(hashes))
        self._extend(INDEX, size * OFFSET_BYTES, struct.pack("<Q", end + len(data) + 1))

    def seal(self, size: int, note: bytes) -> None:
        """Let the checkpoint of the first `size` entries appear."""
        self.place(CHECKPOINTS, str(size), note)

    def place(self, folder: str, name: str, content: bytes) -> None:
        """Let a file appear in one of `FOLDERS`, whole and on disk; for whoever has the turn."""
        with self._spoken():
            draft = self.folder / DRAFT
            write_through(draft, content)
            draft.replace(self.folder / folder / name)
            sync_folder(self.folder / folder)

    # ---- inside

    def _indexed(self) -> int:
        with self._spoken():
            return (self.folder / INDEX).stat().st_size // OFFSET_BYTES

    def _span(self, index: int) -> tuple[int, int]:
        if index == 0:
            return 0, int(struct.unpack("<Q", self._read(INDEX, 0, OFFSET_BYTES))[0])
        start, end = struct.unpack("<QQ", self._read(INDEX, (index - 1) * OFFSET_BYTES, 2 * OFFSET_BYTES))
        if start >= end:
            raise self._damaged("the index does not rise")
        return start, end

    def _read(self, name: str, start: int, length: int) -> bytes:
        with self._spoken():
            file = os.open(self.folder / name, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if os.fstat(file).st_size < start + length:
                    raise self._damaged(f"the file {name} is too short")
                return os.pread(file, length, start)
            finally:
                os.close(file)

    def _extend(self, name: str, end: int, data: bytes) -> None:
        """Write `data` at `end`, which is where the file ends but for what a crash left there."""
        file = os.open(self.folder / name, os.O_WRONLY | os.O_CLOEXEC)
        try:
            if os.fstat(file).st_size < end:
                raise self._damaged(f"the file {name} is too short")
            os.ftruncate(file, end)
            written = 0
            while written < len(data):
                written += os.pwrite(file, data[written:], end + written)
            os.fsync(file)
        finally:
            os.close(file)

    def _checkpoint_path(self, size: int) -> Path:
        return self.folder / CHECKPOINTS / str(size)

    def _damaged(self, how: str) -> StillhuntError:
        return StillhuntError(f"{self.folder}: the ledger is damaged: {how}; `stillhunt ledger check` says what else is wrong")

    @contextmanager
    def _spoken(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise self._damaged(f"{Path(str(error.filename)).name} is missing") from error
        except OSError as error:
            raise StillhuntError(f"{self.folder}: the ledger cannot be used ({error.strerror}); check permissions and space") from error


def write_through(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 and wait until it is on disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in `folder` are on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
