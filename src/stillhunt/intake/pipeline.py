"""Sources to lake: open, guess, read in parallel, append in batches, and account for every record.

Nothing is kept between runs but the lake: it drops what it has (on interaction_id) and appends atomically, so a run that
was killed is repeated, not repaired, and ends with the same rows.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa

from stillhunt.errors import InputError
from stillhunt.intake.appending import Appender, LakeLike
from stillhunt.intake.bundles import SMALL_SOURCE, Bundle, fits
from stillhunt.intake.early import SMALL_BYTES
from stillhunt.intake.formats import Context, Format, Sample
from stillhunt.intake.framing import Block, blocks, loaded
from stillhunt.intake.kept import Kept
from stillhunt.intake.opening import Opened, open_source, walk
from stillhunt.intake.quarantine import Bad, Quarantine
from stillhunt.intake.registry import Guesses, by_name, source_of, unknown
from stillhunt.intake.report import IngestReport, Progress, SourceReport
from stillhunt.intake.rows import INTAKE_TABLES, Share, index_block, read_block
from stillhunt.intake.workers import MOST_WORKERS, Done, Here, Job, Pool, Threads, uncollected
from stillhunt.records import REQUIRED

_PACKED = 8  # a compressed log is about this much larger than it looks


@dataclass
class _Source:
    report: SourceReport
    opened: Opened
    format: Format
    base: str
    numbered: int = 0  # records numbered in earlier blocks
    done: int = 0  # bytes on disk that have been read, as far as can be told


@dataclass
class _Run:
    """One call of `ingest`."""

    report: IngestReport
    sources: list[_Source]
    quarantine: Quarantine
    appender: Appender
    progress: Callable[[Progress], None] | None
    keep_text: bool
    total: int = field(init=False)
    read: int = 0  # bytes, records and bad records so far: with many sources, adding them up for every step would be most of the work
    records: int = 0
    quarantined: int = 0

    def __post_init__(self) -> None:
        self.total = sum(source.opened.size for source in self.sources)


def ingest(
    paths: Sequence[Path],
    lake: LakeLike,
    *,
    format: str | None = None,  # noqa: A002  # as the command line has it
    keep_text: bool = False,
    quarantine: Path | None = None,
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> IngestReport:
    """Read logs into a lake.

    Args:
        paths: files and folders; folders are walked, and what is no log in them is skipped.
        lake: takes the rows; idempotent on interaction_id.
        format: the format of all of them; guessed for each source when None.
        keep_text: whether the text itself is stored beside its fingerprints.
        quarantine: a JSON-lines file that bad rows are added to; None only counts them.
        workers: processes to read with; None: one for each CPU, up to 8. Which rows come out does not depend on it.
        progress: called after each block.

    Returns:
        The account of every record. Sources that could not be read, or not to their end, are in its `errors`: the
        others, and what came before a cut, are in the lake all the same.

    Raises:
        InputError: not one source could be read, or `format` or `quarantine` cannot be used.

    """
    chosen = by_name(format) if format is not None else None
    report = IngestReport()
    sources = list(_open_all(paths, chosen, report, skip=quarantine))
    if not sources:
        report.raise_for_errors()
        raise InputError(f"{', '.join(map(str, paths)) or 'nothing'}: no logs found. Give files, or a folder that holds some.")
    with Quarantine(quarantine) as aside, Appender(lake) as appender:
        run = _Run(report, sources, aside, appender, progress, keep_text)
        once = [source for source in sources if not source.format.two_pass]
        for scanned in (True, False):
            _read_parallel(run, [source for source in once if hasattr(source.format, "scan") is scanned], lake.key, workers)
        for name in dict.fromkeys(source.format.name for source in sources if source.format.two_pass):
            _read_twice(run, [source for source in sources if source.format.name == name], lake.key, workers)
        appender.finish()
        report.shared_ids = appender.shared_ids
        if (note := getattr(lake, "note_not_read", None)) is not None:  # a lake that keeps what it does not hold
            note([os.path.abspath(source.report.source) for source in sources], report.quarantined)  # noqa: PTH100 - may be gone
        _tell(run, "done", sources[-1])
    return report


# --------------------------------------------------------------------------------------------------------------------
# Opening


def _open_all(paths: Sequence[Path], chosen: Format | None, report: IngestReport, *, skip: Path | None) -> Iterator[_Source]:
    guesses = Guesses()
    for path, named in walk(list(paths), skip=skip):
        source = SourceReport(str(path))
        report.sources.append(source)
        try:
            opened = open_source(path)
            form = chosen or guesses.guess(opened.sample, str(path.parent))[0]
            if form is None:
                raise unknown(str(path))
            _check_types(opened, form)
        except InputError as error:
            if named or source_is_damaged(error):
                source.errors.append(str(error))
            else:
                source.skipped = str(error)
            continue
        source.format, source.size = source_of(form), opened.size
        # A sample is for guessing: those of a million sources are a log themselves.
        yield _Source(source, replace(opened, sample=Sample(path.name, opened.framing, [])), form, str(path.parent))


def source_is_damaged(error: InputError) -> bool:
    """Whether a file in a folder is a log that came to harm, rather than something that happens to lie there."""
    return any(sign in str(error) for sign in ("cut off", "damaged", "cannot be read (", "must be"))


_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_dictionary, pa.types.is_null)
_ACCEPTED: dict[str, tuple[Callable[[pa.DataType], bool], ...]] = {
    "text": (*_TEXT, pa.types.is_integer),
    "JSON": (*_TEXT, pa.types.is_nested),
    "a time": (pa.types.is_timestamp, pa.types.is_int64, *_TEXT),
    "whole numbers": (pa.types.is_integer, pa.types.is_null),
    "true or false": (pa.types.is_boolean, pa.types.is_null),
}
_JSON_COLUMNS = frozenset({"messages", "tools", "request_parameters", "client_headers"})


def _check_types(opened: Opened, form: Format) -> None:
    """A required column of a wrong type makes every row bad: say it once, for the file, instead of a million times."""
    if opened.framing != "parquet" or form.name != "canonical":
        return
    wanted = {column.name: column.type for schema in reversed(INTAKE_TABLES.values()) for column in schema}
    for column in opened.schema or ():
        kind = _expected(column.name, wanted.get(column.name)) if column.name in _CALL else None
        if kind and not any(accepts(column.type) for accepts in _ACCEPTED[kind]):
            raise InputError(f"{opened.path}: column {column.name!r} is {column.type}, but must be {kind}. Cast it and run again.")


_CALL = frozenset(REQUIRED["interactions"])
"""What makes a call. Any other column of a wrong type is left out, and counted as that."""


def _expected(name: str, kind: pa.DataType | None) -> str | None:
    if name in _JSON_COLUMNS:
        return "JSON"
    if kind is None:
        return None
    if pa.types.is_timestamp(kind):
        return "a time"
    if pa.types.is_integer(kind):
        return "whole numbers"
    return "true or false" if pa.types.is_boolean(kind) else "text"


# --------------------------------------------------------------------------------------------------------------------
# Reading


def _read_parallel(run: _Run, sources: list[_Source], key: bytes, workers: int | None) -> None:
    if not sources:
        return
    count = max(1, workers if workers is not None else min(os.cpu_count() or 1, MOST_WORKERS))
    size = sum(source.opened.size * (_PACKED if source.opened.compression else 1) for source in sources)
    pool: Here | Pool | Threads = Here(key)
    if count > 1 and (size >= SMALL_BYTES or workers is not None):
        pool = Threads(key, count) if hasattr(sources[0].format, "scan") else Pool(key, count)
    try:
        for done in pool.read(_bundled_jobs(run, sources)):
            _take(run, sources, done)
    finally:
        pool.close()


def _bundled_jobs(run: _Run, sources: list[_Source]) -> Iterator[Job]:
    """The jobs of `sources`, in order; small ones of one format that follow each other share a job."""
    bundle, form = Bundle(), ""
    for number, source in enumerate(sources):
        found = iter(_blocks(source))
        first = list(islice(found, 2)) if source.opened.size <= SMALL_SOURCE else []
        for one in chain(first, found):
            block = one
            small = len(first) == 1 and fits(source.opened, block)  # a source of one block
            if small:
                try:
                    block = loaded(block)
                except InputError as error:
                    _fail(source.report, error)
                    continue
                small = fits(source.opened, block)
            if bundle and not (small and form == source.format.name and bundle.has_room(block)):
                yield _bundle_job(run, bundle, form)
                bundle = Bundle()
            if small:
                bundle.add(number, source.base, block)
                form = source.format.name
            else:
                yield Job(number, block, source.format.name, source.base, run.keep_text)
    if bundle:
        yield _bundle_job(run, bundle, form)


def _bundle_job(run: _Run, bundle: Bundle, form: str) -> Job:
    block = bundle.block()
    return Job(block.members[0].source, block, form, block.members[0].base, run.keep_text)


def _jobs(run: _Run, sources: list[_Source]) -> Iterator[Job]:
    for number, source in enumerate(sources):
        for block in _blocks(source):
            yield Job(number, block, source.format.name, source.base, run.keep_text)


def _blocks(source: _Source) -> Iterable[Block]:
    try:
        yield from blocks(source.opened)
    except InputError as error:
        _fail(source.report, error)


def _read_twice(run: _Run, sources: list[_Source], key: bytes, workers: int | None) -> None:
    """Formats whose rows need what stands elsewhere: all their sources are seen once before any is read."""
    count = max(1, workers if workers is not None else min(os.cpu_count() or 1, MOST_WORKERS))
    size = sum(source.opened.size * (_PACKED if source.opened.compression else 1) for source in sources)
    if count > 1 and getattr(sources[0].format, "keeps", False) and (size >= SMALL_BYTES or workers is not None):
        _read_twice_parallel(run, sources, key, count)
        return
    context = Context(keep_text=run.keep_text)
    try:
        for source in sources:
            context.base = source.base
            for block in _blocks(source):
                try:
                    with uncollected():
                        index_block(block, source.format, context)
                except InputError as error:
                    _fail(source.report, error)
            _tell(run, "indexing", source)
        fingerprints = Here(key).fingerprints
        for number, source in enumerate(sources):
            context.base = source.base
            for block in _blocks(source):
                try:
                    with uncollected():
                        done = Done(number, block, read_block(block, source.format, context, fingerprints))
                except InputError as error:
                    _fail(source.report, error)
                    continue
                _take(run, sources, done)
    finally:
        context.kept.close()


def _read_twice_parallel(run: _Run, sources: list[_Source], key: bytes, count: int) -> None:
    """Both passes in worker processes: what the first keeps is gathered here, in a file that the second looks things up in."""
    pool, kept = Pool(key, count), Kept()
    try:
        for done in pool.read(job._replace(indexes=True) for job in _jobs(run, sources)):
            source = sources[done.source]
            if done.failed is not None:
                _fail(source.report, done.failed)
            if done.batch.kept is not None:
                kept.extend(done.batch.kept)
            _tell(run, "indexing", source)
        path = kept.path()
        for done in pool.read(job._replace(kept=path) for job in _jobs(run, sources)):
            _take(run, sources, done)
    finally:
        pool.close()
        kept.close()


def _take(run: _Run, sources: list[_Source], done: Done) -> None:
    source, batch = sources[done.source], done.batch
    if done.failed is not None:
        _fail(source.report, done.failed)
        return
    if not batch.shares:
        whole = Share(batch.records, batch.ignored, batch.unknown, Counter(batch.rows), batch.left_out)
        _account(run, source, whole, batch.bad, batch.lines, done.block.length)
        source.report.filled |= batch.filled
        run.appender.add(source.report, batch)
    else:
        bad, before = deque(batch.bad), 0
        for member, share in zip(done.block.members, batch.shares, strict=True):
            own: list[Bad] = []
            while bad and bad[0].line <= member.end:
                own.append(bad[0]._replace(line=bad.popleft().line - before))
            _account(run, sources[member.source], share, own, member.end - before, member.length)
            before = member.end
        source.report.filled |= batch.filled  # only all sources' taken together are asked for
        shares = [(sources[member.source].report, share.rows["interactions"]) for member, share in zip(done.block.members, batch.shares)]  # noqa: B905
        run.appender.add(source.report, batch, shares)
    _tell(run, "reading", source)


def _account(run: _Run, source: _Source, share: Share, bad: list[Bad], lines: int, length: int) -> None:
    """Add what came of a source's records to its account."""
    report = source.report
    bad = [row._replace(line=row.line + source.numbered) for row in bad]
    run.quarantine.add(report.source, bad)
    report.quarantined.update(row.reason for row in bad)
    report.left_out.update(share.left_out)
    report.records += share.records
    report.ignored += share.ignored
    report.unknown_callers += share.unknown
    for name, rows in share.rows.items():
        setattr(report, name, getattr(report, name) + rows)
    source.numbered += lines
    read = min(source.opened.size, source.done + length)
    run.read += read - source.done
    run.records += share.records
    run.quarantined += len(bad)
    source.done = read


def _fail(report: SourceReport, error: InputError) -> None:
    # Two passes, or several blocks, meet the same fault again.
    if str(error) not in report.errors:
        report.errors.append(str(error))


def _tell(run: _Run, stage: str, source: _Source) -> None:
    if run.progress is None:
        return
    read = run.total if stage == "done" else run.read
    run.progress(Progress(stage, source.report.source, read, run.total, run.records, run.quarantined))
