"""Following logs into a lake: whatever is new since the last time, each row once, whenever the process is killed.

A round takes pieces (`followed`) of bounded size, brings their rows into the lake, and only then writes down (`journal`) that they
were read. Killed in between, the next round reads the same bytes again: the lake knows their calls by interaction_id and the
quarantine its rows by content. Pieces are read by the same readers as `pipeline.ingest` has.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from stillhunt.errors import InputError
from stillhunt.intake.appending import Appender, LakeLike
from stillhunt.intake.early import SMALL_BYTES
from stillhunt.intake.followed import WHOLE, Piece, Sight, look
from stillhunt.intake.formats import Context, Format
from stillhunt.intake.framing import Block, blocks
from stillhunt.intake.journal import Journal, Position
from stillhunt.intake.opening import Opened, open_source
from stillhunt.intake.quarantine import Quarantine
from stillhunt.intake.registry import by_name, source_of
from stillhunt.intake.report import SourceReport
from stillhunt.intake.rows import Batch, index_block, read_block
from stillhunt.intake.workers import MOST_WORKERS, Done, Here, Job, Pool, Threads

ROUND_BYTES = 256 << 20
"""New bytes that are committed together: what a kill costs at most, and how long stopping takes."""

WARM_BYTES = 32 << 20
"""So much of what was read before is looked at again when a watch starts, because accounts per phrase are counted in memory."""

_PAIRED_BYTES = 64 << 20
_PAIRED_LOGS = 16
"""In formats whose records need one another, so much of so many logs is looked through for what new records need."""


@dataclass
class Arrivals:
    """What came in.

    Attributes:
        calls: interactions that the lake did not have.
        duplicates: interactions that it had.
        accounts, entitlements: rows of these, not distinct.
        quarantined: records that could not be read, by reason.
        problems: logs that cannot be used, one line each.
        passed: names of files in folders that are no log.
        logs: from how many logs.
        bytes: of logs, decompressed.
        behind: bytes that are there and not read yet, roughly; not 0 only where the round was stopped.
    """

    calls: int = 0
    duplicates: int = 0
    accounts: int = 0
    entitlements: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    logs: int = 0
    bytes: int = 0
    behind: int = 0

    def add(self, reports: Sequence[SourceReport]) -> None:
        """Count what was read from some logs."""
        for report in reports:
            self.calls += report.accepted
            self.duplicates += report.duplicates
            self.accounts += report.accounts
            self.entitlements += report.entitlements
            self.quarantined.update(report.quarantined)
        self.logs += len(reports)


class Follower:
    """Follows logs for as long as it lives.

    Args:
        paths: files and folders, which may appear later.
        lake: takes the rows.
        journal: where positions are kept.
        format: the format of all logs; guessed for each when None.
        keep_text: whether the text itself is stored beside its fingerprints.
        quarantine: a JSON-lines file that bad rows are added to, each once; None only counts them.
        workers: processes to read with where there is much to read; None: one for each CPU, up to 8.
        clock: seconds since 1970.

    Raises:
        InputError: `format` or `quarantine` cannot be used.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        lake: LakeLike,
        journal: Journal,
        *,
        format: str | None = None,  # noqa: A002  # as the command line has it
        keep_text: bool = False,
        quarantine: Path | None = None,
        workers: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._paths = list(paths)
        self._lake = lake
        self._journal = journal
        self._chosen = by_name(format) if format is not None else None
        self._keep_text = keep_text
        self._aside = quarantine
        Quarantine(quarantine).close()
        self._workers = workers
        self._clock = clock
        self._here: Here | None = None
        self._readers: dict[bool, Pool | Threads] = {}

    def read(
        self, *, stop: Callable[[], bool] = lambda: False, most_bytes: int = ROUND_BYTES, progress: Callable[[int], None] | None = None
    ) -> Arrivals:
        """Bring everything that is new into the lake.

        Args:
            stop: asked after each commit; what is left then is read the next time.
            most_bytes: new bytes that are committed together, roughly.
            progress: called with the bytes that are left, roughly, after each commit.

        Raises:
            InputError: a folder cannot be listed, or the quarantine cannot be written.
            StillhuntError: lake or journal cannot be written.
        """
        try:
            return self._rounds(stop, most_bytes, progress or _unseen)
        finally:
            for readers in self._readers.values():
                readers.close()
            self._readers.clear()

    def _rounds(self, stop: Callable[[], bool], most_bytes: int, progress: Callable[[int], None]) -> Arrivals:
        arrivals, now = Arrivals(), self._clock()
        while True:
            sight = look(self._paths, self._journal.positions(), now, most_bytes=most_bytes, chosen=self._chosen, skip=self._aside)
            self._journal.advance([*sight.moved, *_found(sight)], sight.forgotten)
            arrivals.problems += sight.problems
            arrivals.passed += sight.passed
            arrivals.behind = sight.behind
            if not sight.pieces:
                self._journal.prune(now)
                return arrivals
            sound = self._read(sight, arrivals)
            progress(sight.behind)
            if not sound or stop():
                return arrivals

    def _read(self, sight: Sight, arrivals: Arrivals) -> bool:
        """Read the pieces. False where a log changed meanwhile: nothing is written down then, and the next look tells what is there."""
        reports = [SourceReport(piece.after.name, source_of(piece.format), piece.bytes) for piece in sight.pieces]
        after = [piece.after for piece in sight.pieces]
        with Quarantine(self._aside) as aside, Appender(self._lake) as appender:

            def take(done: Done) -> None:
                report, batch, position = reports[done.source], done.batch, after[done.source]
                if done.failed is not None:
                    raise _GoneError(str(done.failed)) from done.failed
                bad = [row._replace(line=row.line + position.lines) for row in batch.bad]
                aside.add(report.source, bad)
                report.quarantined.update(row.reason for row in bad)
                report.records += batch.records
                report.ignored += batch.ignored
                report.unknown_callers += batch.unknown
                for name, rows in batch.rows.items():
                    setattr(report, name, getattr(report, name) + rows)
                after[done.source] = replace(position, lines=position.lines + batch.lines, bad=position.bad + len(bad))
                appender.add(report, batch)

            try:
                for done in self._ordinary(sight.pieces, appender):
                    take(done)
                for done in self._paired(sight.pieces):
                    take(done)
            except _GoneError as gone:
                arrivals.problems.append(str(gone))
                return False
            appender.finish()
        self._journal.advance(after)
        arrivals.add(reports)
        arrivals.bytes += sum(piece.bytes for piece in sight.pieces)
        return True

    # ---- formats whose records stand alone

    def _ordinary(self, pieces: Sequence[Piece], appender: Appender) -> Iterator[Done]:
        for scanned in (True, False):
            chosen = [
                (at, piece) for at, piece in enumerate(pieces) if not piece.format.two_pass and hasattr(piece.format, "scan") is scanned
            ]
            if chosen:
                yield from self._reader(scanned, sum(piece.bytes for _, piece in chosen), appender).read(self._jobs(chosen))

    def _jobs(self, chosen: Sequence[tuple[int, Piece]]) -> Iterator[Job]:
        for at, piece in chosen:
            for block in _blocks(piece):
                yield Job(at, block, piece.format.name, str(piece.opened.path.parent), self._keep_text)

    def _reader(self, scanned: bool, size: int, appender: Appender) -> Here | Pool | Threads:
        """Who reads so many bytes: a backlog is worth threads (for formats with a scanner) or processes, what came in since is not."""
        count = max(1, self._workers if self._workers is not None else min(os.cpu_count() or 1, MOST_WORKERS))
        if count > 1 and size >= SMALL_BYTES:
            if scanned not in self._readers:
                self._readers[scanned] = Threads(self._lake.key, count) if scanned else Pool(self._lake.key, count)
            return self._readers[scanned]
        if self._here is None:
            self._here = Here(self._lake.key)
            self._warm(self._here, appender)
        return self._here

    def _warm(self, here: Here, appender: Appender) -> None:
        """Count phrases of what was read last, which a process before this one has counted and forgotten."""
        left = WARM_BYTES
        nobody = SourceReport("")
        for position in sorted(self._journal.positions(), key=lambda one: -one.modified):
            form = _ordinary_format(position)
            if form is None or left <= 0:
                continue
            try:
                opened = open_source(Path(position.path))
                if opened.framing != "lines" or opened.compression:
                    continue
                begin = max(opened.start, position.length - left)
                for block in blocks(replace(opened, start=begin, size=min(position.length, opened.size))):
                    done = next(iter(here.read([Job(0, block, form.name, opened.path.parent.as_posix(), keep_text=False)])))
                    if "phrases" in done.batch.tables:
                        appender.add(nobody, Batch(tables={"phrases": done.batch.tables["phrases"]}))
            except InputError:
                continue
            left -= position.length - begin

    # ---- formats whose records need one another

    def _paired(self, pieces: Sequence[Piece]) -> Iterator[Done]:
        for name in dict.fromkeys(piece.format.name for piece in pieces if piece.format.two_pass):
            mine = [(at, piece) for at, piece in enumerate(pieces) if piece.format.name == name]
            context = Context(keep_text=self._keep_text)
            for opened in self._around(by_name(name)):
                context.base = str(opened.path.parent)
                try:
                    for block in blocks(opened):
                        index_block(block, mine[0][1].format, context)
                except InputError:
                    continue  # the reading below meets it again, if it matters
            if self._here is None:
                self._here = Here(self._lake.key)
            for at, piece in mine:
                context.base = str(piece.opened.path.parent)
                for block in _blocks(piece):
                    try:
                        yield Done(at, block, read_block(block, piece.format, context, self._here.fingerprints))
                    except InputError as error:
                        raise _GoneError(str(error)) from error

    def _around(self, form: Format) -> Iterator[Opened]:
        """The newest part of the newest logs of a format, whatever has been read of it."""
        mine = sorted((one for one in self._journal.positions() if one.format == form.name), key=lambda one: -one.modified)
        for position in mine[:_PAIRED_LOGS]:
            try:
                opened = open_source(Path(position.path))
            except InputError:
                continue
            begin = opened.size - _PAIRED_BYTES
            if opened.framing != "lines" or opened.compression or begin <= opened.start:
                yield opened
                continue
            with opened.path.open("rb") as file:
                file.seek(begin)
                file.readline()
                yield replace(opened, start=file.tell())


def _unseen(_behind: int) -> None:
    """Progress that nobody watches."""


class _GoneError(InputError):
    """A log changed while it was read. Nothing of the round is written down."""


def _found(sight: Sight) -> list[Position]:
    """Logs that are about to be read for the first time, so that they are known by name should they be rotated meanwhile."""
    return [
        replace(piece.after, size=0, modified=0, length=0, crc=0, head="", tail="", waiting=1)
        for piece in sight.pieces
        if not piece.after.lines and piece.opened.framing not in WHOLE
    ]


def _ordinary_format(position: Position) -> Format | None:
    if not position.length or not position.format or position.device < 0:
        return None
    try:
        form = by_name(position.format)
    except InputError:
        return None
    return None if form.two_pass else form


def _blocks(piece: Piece) -> Iterator[Block]:
    """The blocks of a piece.

    Raises:
        InputError: its bytes are no longer there.
    """
    opened = piece.opened
    if opened.framing == "csv" and not opened.compression:
        # cut at whole records already; `blocks` would read the log from its beginning
        length = opened.size - opened.start
        yield Block(str(opened.path), "csv", None, opened.start, length, opened.columns, opened.delimiter)
        return
    try:
        yield from blocks(opened)
    except InputError as error:
        if opened.compression and (piece.after.waiting or piece.after.problem):
            return  # cut off, as was seen when it was looked at: what came before is what the piece is
        raise _GoneError(str(error)) from error
