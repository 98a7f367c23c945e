"""The quarantine: rows that could not be read, kept for the provider to look at, outside the lake.

One JSON line each: source, line, reason, and the row as text (or base64 when it is not UTF-8). A row holds what the log
held, so the file is for its owner only (mode 0600). Running again adds only rows that are not there yet.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import orjson

from stillhunt.errors import InputError


class Bad(NamedTuple):
    """One row that is set aside. `reason` holds no value of the row; `row` is its bytes."""

    line: int
    reason: str
    row: bytes


class Quarantine:
    """Appends bad rows to a file, in the order given; counts only when there is no file.

    Safe beside other writers of the same file, and after a kill: a torn last line is cut off, and rows that an earlier
    run wrote are not written again.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self._descriptor = _open(path) if path is not None else None
        self._known: set[bytes] = set()
        if self._descriptor is not None:
            with self._locked(self._descriptor):
                self._known.update(_existing(self._descriptor))

    def add(self, source: str, rows: Iterable[Bad]) -> None:
        """Count `rows` of `source` by reason and write them out."""
        lines = []
        for row in rows:
            self.counts[row.reason] += 1
            if self._descriptor is None:
                continue
            line = _line(source, row)
            digest = _digest(line)
            if digest not in self._known:
                self._known.add(digest)
                lines.append(line)
        if lines and self._descriptor is not None:
            try:
                with self._locked(self._descriptor):
                    _write(self._descriptor, b"".join(lines))
            except OSError as error:
                raise InputError(f"{self.path}: bad rows cannot be written ({error.strerror}). Make room or name another file.") from None

    def close(self) -> None:
        """Put the file on disk."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    @contextlib.contextmanager
    def _locked(self, descriptor: int) -> Iterator[None]:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _open(path: Path) -> int:
    """A descriptor that appends. A new file is made with O_EXCL, an existing one must be a plain file of one's own."""
    flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        try:
            return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            descriptor = os.open(path, flags | os.O_NONBLOCK)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            os.close(descriptor)
            raise InputError(f"{path}: not a file of your own to append bad rows to. Name another quarantine file.")
        os.fchmod(descriptor, 0o600)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise InputError(f"{path}: bad rows cannot be written there ({reason}). Name another quarantine file.") from None
    return descriptor


def _existing(descriptor: int) -> Iterator[bytes]:
    """Digests of the complete lines of the file; a torn last line is removed."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        complete = 0
        for line in file:
            if line.endswith(b"\n"):
                complete += len(line)
                yield _digest(line)
            else:
                os.ftruncate(descriptor, complete)


def _digest(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=16).digest()


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _line(source: str, bad: Bad) -> bytes:
    # A file name that is not UTF-8 is shown with its odd bytes escaped.
    shown = source.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    entry: dict[str, str | int] = {"source": shown, "line": bad.line, "reason": bad.reason}
    try:
        entry["row"] = bad.row.decode()
    except UnicodeDecodeError:
        entry["row_base64"] = base64.b64encode(bad.row).decode()
    return orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
