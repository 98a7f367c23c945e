"""What is new in the logs that are followed: which bytes of which files nobody has read yet.

Looks at files and decides; reads no rows. A log is told by what it holds (`journal.Mark`), not by its name: renamed, copied and
compressed logs go on where they were, truncated and replaced ones begin anew. Half a last line waits until it is whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from stillhunt.errors import InputError
from stillhunt.intake.followed_bytes import cut, first, is_json, readable
from stillhunt.intake.formats import Format
from stillhunt.intake.journal import WINDOW, Mark, Position, hashed, measured
from stillhunt.intake.opening import Opened, chunks, open_source, walk
from stillhunt.intake.registry import by_name, guess, unknown

STILL_SECONDS = 600.0
"""A log that nobody has written to for so long is taken as it is: a last line without an end, a compressed file that is cut off."""

PAIRED_SECONDS = 60.0
"""In formats whose records need one another (spans of one trace), what is younger than this waits for the next look."""

_VERIFIED_BYTES = 16 << 20
"""So much of a log that has changed is compared byte by byte; of more, only both ends: a log that grows is the usual case."""

WHOLE = ("parquet", "array")
"""Framings of logs that are one document: Parquet, and JSON texts of any shape."""


@dataclass(frozen=True)
class Piece:
    """Bytes of one log that are new. `opened` spans them alone; when their rows are in the lake, the log's position is `after`."""

    opened: Opened
    format: Format
    after: Position
    bytes: int


@dataclass
class Sight:
    """What one look at the logs showed.

    Attributes:
        pieces: what is to be read, oldest log first.
        moved: positions to be written down before anything is read.
        forgotten: device and inode of positions that a copy took over.
        problems: logs that cannot be used, one line each; each is said once.
        passed: names of files in folders that are no log; each is said once.
        behind: bytes on disk that are new and in no piece yet, roughly.
        files: logs that are there.
    """

    pieces: list[Piece] = field(default_factory=list)
    moved: list[Position] = field(default_factory=list)
    forgotten: list[tuple[int, int]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    behind: int = 0
    files: int = 0


@dataclass(frozen=True)
class _File:
    path: Path
    status: os.stat_result
    named: bool
    guest: bool  # lies beside a named log, and counts only if it turns out to hold what that log held

    @property
    def identity(self) -> tuple[int, int]:
        return self.status.st_dev, self.status.st_ino


def look(
    paths: Sequence[Path],
    known: Sequence[Position],
    now: float,
    *,
    most_bytes: int,
    chosen: Format | None = None,
    skip: Path | None = None,
) -> Sight:
    """Look at all logs once.

    Args:
        paths: files and folders; what is not there yet is waited for.
        known: positions as the journal has them.
        now: seconds since 1970, on the clock that files are stamped with; the same for all looks of one round.
        most_bytes: after so many new bytes the rest is left for the next look.
        chosen: the format of all logs; guessed for each when None.
        skip: a file in the folders that is no log (the quarantine).

    Raises:
        InputError: a folder cannot be listed.
    """
    sight = Sight()
    files = sorted(_files(paths, skip), key=lambda one: (one.status.st_mtime_ns, str(one.path)))
    here = {one.identity for one in files}
    by_identity = {one.identity: one for one in known}
    lost = [one for one in known if one.length]
    taken = 0
    for file in files:
        sight.files += not file.guest
        position = by_identity.get(file.identity)
        if position is not None and _unchanged(position, file):
            if now - position.seen > 86_400:
                sight.moved.append(replace(position, seen=now))
            continue
        if taken >= most_bytes:
            read = position.length if position is not None else 0
            sight.behind += max(0, file.status.st_size - read)
            continue
        try:
            piece = _Look(file, position, lost, now, chosen).piece(sight, most_bytes - taken)
        except OSError:
            continue  # gone or not readable at this moment: the next look tells
        if piece is not None:
            sight.pieces.append(piece)
            taken += piece.bytes
    moved = {one.identity for one in sight.moved}
    sight.forgotten = [one for one in sight.forgotten if one not in here and one not in moved]
    return sight


def _unchanged(position: Position, file: _File) -> bool:
    same = (position.size, position.modified, position.path) == (file.status.st_size, file.status.st_mtime_ns, str(file.path))
    return same and not position.waiting


def _files(paths: Sequence[Path], skip: Path | None) -> Iterator[_File]:
    there = [path for path in paths if path.exists()]
    seen: set[tuple[int, int]] = set()
    found = [(path, named, False) for path, named in walk(there, skip=skip)]
    found += [(path, False, True) for named in paths if not named.is_dir() for path in _beside(named)]
    for path, named, guest in found:
        try:
            one = _File(path, path.stat(), named, guest)
        except OSError:
            continue  # rotated away since the folder was listed
        if one.identity not in seen:
            seen.add(one.identity)
            yield one


def _beside(path: Path) -> Iterator[Path]:
    """What a rotation may have made of a log that was named by itself: files beside it, or beside what it links to, with longer names."""
    for base in dict.fromkeys((path, path.resolve())):
        with suppress(OSError):
            yield from sorted(
                one for one in base.parent.iterdir() if one.name.startswith(base.name) and one.name != base.name and one.is_file()
            )


def _ghost(position: Position) -> list[Position]:
    """What was read of a log that is truncated or replaced, kept without a file: a copy of it may still appear."""
    return [replace(position, device=-1, inode=position.crc)] if position.length else []


@dataclass(frozen=True)
class _Look:
    """One log that has changed, or was never seen."""

    file: _File
    known: Position | None
    lost: list[Position]
    now: float
    chosen: Format | None

    @property
    def _still(self) -> bool:
        return self.now - self.file.status.st_mtime >= STILL_SECONDS

    def piece(self, sight: Sight, most_bytes: int) -> Piece | None:
        """What is new in it, if anything; notes in `sight` what else is to be remembered."""
        try:
            opened = open_source(self.file.path)
            resumed = self._resume(sight, opened)
            if resumed is None:
                return None
            base, mark = resumed
            form = self.chosen or (by_name(base.format) if base.format and base.length else guess(opened.sample)[0])
            if form is None:
                raise unknown(str(self.file.path))
        except InputError as error:
            self._unreadable(sight, str(error))
            return None
        if self.file.guest and not base.length and base.name == str(self.file.path):
            sight.moved.append(self._stamped(base, waiting=0))
            return None
        base = replace(base, format=form.name, problem="")
        limit = self._readable(opened, form)
        base = replace(base, bound=limit)
        if limit <= 0:
            sight.moved.append(self._stamped(base, waiting=1))
            return None
        if opened.framing in WHOLE:
            return self._whole(sight, base, opened, form)
        return self._part(sight, base, mark, replace(opened, size=limit), form, most_bytes)

    # ---- which log it is

    def _new(self) -> Position:
        status = self.file.status
        return Position(str(self.file.path), str(self.file.path), status.st_dev, status.st_ino)

    def _stamped(self, base: Position, *, waiting: int) -> Position:
        status = self.file.status
        return replace(
            base,
            path=str(self.file.path),
            device=status.st_dev,
            inode=status.st_ino,
            size=status.st_size,
            modified=status.st_mtime_ns,
            seen=self.now,
            waiting=waiting,
        )

    def _unreadable(self, sight: Sight, problem: str) -> None:
        """Half-written, no log at all, or damaged: time tells, and what is left is said once."""
        base = self.known or self._new()
        if not self.file.status.st_size:
            sight.moved += [*_ghost(base), self._stamped(replace(self._new(), name=base.name), waiting=0)]
            return
        again = self.known is not None and bool(self.known.size) and self.known.seen < self.now
        if (self._still or (self.file.named and again)) and base.problem != problem:
            if self.file.named:
                sight.problems.append(problem)
            elif not self.file.guest:
                sight.passed.append(self.file.path.name)
            base = replace(base, problem=problem)
        sight.moved.append(self._stamped(base, waiting=int(not self._still)))

    def _resume(self, sight: Sight, opened: Opened) -> tuple[Position, Mark] | None:
        """The position to go on from, with a mark that can grow; None where a copy is still being made."""
        known = self.known
        if opened.framing in WHOLE:
            return known or self._new(), Mark()
        if known is not None and known.length:
            found = self._measured(opened, known)
            if found.same(known.mark):
                return known, found
        for other in sorted(self._alike(opened), key=lambda one: -one.length):
            found = self._measured(opened, other, whole=True)
            if found.same(other.mark):
                if other.identity != self.file.identity:
                    sight.forgotten.append(other.identity)
                return other, found
            if found.length < other.length and not self._still:
                sight.moved.append(self._stamped(known or self._new(), waiting=1))
                return None
        if known is not None and not known.length:
            return known, Mark()
        if known is not None:
            sight.moved += _ghost(known)
        return self._new(), Mark()

    def _alike(self, opened: Opened) -> Iterator[Position]:
        """Logs that began as this one does."""
        begin = b""
        for data in readable(opened):
            begin += data
            if len(begin) >= WINDOW:
                break
        heads = {length: hashed(begin[:length]) for length in {min(one.length, WINDOW) for one in self.lost} if length <= len(begin)}
        return (one for one in self.lost if one is not self.known and heads.get(min(one.length, WINDOW)) == one.head)

    def _measured(self, opened: Opened, position: Position, *, whole: bool = False) -> Mark:
        """The mark of as many bytes of this log as `position` has read."""
        wanted = position.mark
        if not opened.compression and opened.size < wanted.length:
            return Mark(opened.size)
        if opened.compression or whole or wanted.length <= _VERIFIED_BYTES:
            return measured(first(readable(opened), wanted.length))
        with self.file.path.open("rb") as file:
            head = file.read(WINDOW)
            file.seek(wanted.length - WINDOW)
            tail = file.read(WINDOW)
        return Mark(wanted.length, wanted.crc, hashed(head), hashed(tail), head, tail)

    # ---- what is new in it

    def _readable(self, opened: Opened, form: Format) -> int:
        """Bytes on disk that may be read now."""
        if not form.two_pass or self.now - self.file.status.st_mtime >= PAIRED_SECONDS:
            return opened.size
        before = 0
        if self.known is not None:
            before = self.known.size if self.known.seen < self.now else self.known.bound
        if opened.framing in ("lines", "csv") and not opened.compression:
            return min(opened.size, before)
        return opened.size if before == opened.size else 0

    def _whole(self, sight: Sight, base: Position, opened: Opened, form: Format) -> Piece | None:
        """A log that is one document: read whole, and again whenever it has become another one."""
        try:
            mark = measured(chunks(opened.path, opened.compression, opened.size))
            complete = opened.framing == "parquet" or self._still or mark.last.rstrip()[-1:] in (b"]", b"}")
        except InputError:
            mark, complete = base.mark, self._still
        copy = next((one for one in self.lost if one.mark.same(mark)), None)
        if not complete or copy is not None:
            sight.moved.append(self._stamped(copy or base, waiting=int(not complete)))
            return None
        after = self._stamped(replace(base, lines=0, bad=0).marked(mark), waiting=0)
        return Piece(opened, form, after, opened.size)

    def _part(self, sight: Sight, base: Position, mark: Mark, opened: Opened, form: Format, most_bytes: int) -> Piece | None:
        """Whole records behind what has been read, up to about `most_bytes`; of a compressed log all of them."""
        start = max(mark.length, opened.start)
        grown, rest, broken = cut(opened, mark, most_bytes)
        ended = not rest or broken or is_json(rest, opened.framing) or self._still or opened.compression in ("gzip", "zstd")
        if rest and ended and not broken:
            grown = grown.grown(rest)
        seen_all = opened.compression or grown.length + (0 if ended else len(rest)) >= self.file.status.st_size
        waiting = int((bool(rest) and not ended) or (broken and not self._still) or not seen_all)
        after = self._stamped(base.marked(grown), waiting=waiting)
        if broken and self._still and base.problem != "cut off":
            sight.problems.append(f"{self.file.path}: the {opened.compression} data is cut off or damaged; what came before was read")
            after = replace(after, problem="cut off")
        if not opened.compression:
            sight.behind += max(0, opened.size - grown.length - len(rest))
        if grown.length <= start:
            # nothing but a header, or half a line
            sight.moved.append(self._stamped(base.marked(mark), waiting=waiting))
            return None
        size = opened.size if opened.compression else grown.length
        return Piece(replace(opened, start=start, size=size), form, after, grown.length - start)
