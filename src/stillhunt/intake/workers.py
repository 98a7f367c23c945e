"""Workers: blocks out, batches back, in order, a few at a time.

What a format's scanner reads, in compiled loops that need no interpreter, is read by threads: nothing is started, nothing is sent
about. The rest is read by processes. These share one forked template, so that the modules they need are in memory once, and each
ends by itself when its parent is killed. What all of them do is `rows.read_block`; nothing here knows what a row is.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from multiprocessing.connection import wait
from typing import NamedTuple

from stillhunt.errors import InputError, StillhuntError
from stillhunt.intake import early
from stillhunt.intake.fingerprint import Fingerprinter
from stillhunt.intake.formats import Context
from stillhunt.intake.framing import Block
from stillhunt.intake.kept import Kept
from stillhunt.intake.registry import by_name
from stillhunt.intake.rows import Batch, index_block, packed, read_block, unpacked

MOST_WORKERS = 8  # each takes some 150 MB of its own; past this the lake is what waits


class Job(NamedTuple):
    """One block and how to read it. `source` says whose it is.

    With `indexes`, only what its records keep for others comes back. `kept` is the file of what all of them kept.
    """

    source: int
    block: Block
    format: str
    base: str
    keep_text: bool
    indexes: bool = False
    kept: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one job; `failed` when its bytes could not be read any more."""

    source: int
    block: Block
    batch: Batch
    failed: InputError | None = None


class Here:
    """Reads blocks in this process."""

    def __init__(self, key: bytes) -> None:
        self.fingerprints = Fingerprinter(key)

    def read(self, jobs: Iterable[Job]) -> Iterator[Done]:
        """Read `jobs` one after the other."""
        for job in jobs:
            try:
                with uncollected():
                    batch = _read(job, self.fingerprints)
            except InputError as error:
                yield Done(job.source, job.block, Batch(), error)
            else:
                yield Done(job.source, job.block, batch)

    def close(self) -> None:
        """Nothing to release."""


class Pool:
    """Reads blocks in `workers` processes."""

    def __init__(self, key: bytes, workers: int) -> None:
        self._in_flight = workers + 2
        self._executor = ProcessPoolExecutor(workers, mp_context=early.context(), initializer=_begin, initargs=(key,))
        self._here = Here(key)
        self._ready = threading.Event()
        self._starting = threading.Thread(target=self._start, daemon=True)
        self._starting.start()

    def read(self, jobs: Iterable[Job]) -> Iterator[Done]:
        """Read `jobs`; results come in their order, and never more than a few are under way."""
        waiting: deque[tuple[Job, Future[Batch]]] = deque()
        try:
            for job in jobs:
                if not self._ready.is_set():
                    # Processes take a second to start: no reason to wait for them.
                    yield from self._here.read([job])
                    continue
                waiting.append((job, self._executor.submit(_work, job)))
                if len(waiting) >= self._in_flight:
                    yield self._done(*waiting.popleft())
            while waiting:
                yield self._done(*waiting.popleft())
        except BrokenProcessPool:
            raise StillhuntError(
                "a worker process was killed, perhaps for want of memory. Run again with fewer workers (--workers 1)."
            ) from None

    def close(self) -> None:
        """End the workers; what they have not begun is dropped."""
        self._starting.join()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _start(self) -> None:
        try:
            self._executor.submit(_nothing).result()
        except Exception:
            return  # the next submit says why
        finally:
            self._ready.set()

    @staticmethod
    def _done(job: Job, future: Future[Batch]) -> Done:
        try:
            return Done(job.source, job.block, unpacked(future.result()))
        except InputError as error:
            return Done(job.source, job.block, Batch(), error)


class Threads:
    """Reads blocks in `workers` threads, for formats with a scanner; in processes when that leaves most of the records to others."""

    def __init__(self, key: bytes, workers: int) -> None:
        self._key, self._workers = key, workers
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="stillhunt-read")
        self._own = threading.local()
        self._processes: Pool | None = None
        self._scanned = self._records = 0

    def read(self, jobs: Iterable[Job]) -> Iterator[Done]:
        """Read `jobs`; results come in their order, and never more than a few are under way."""
        waiting: deque[Future[Done]] = deque()
        remaining = iter(jobs)
        for job in remaining:
            waiting.append(self._executor.submit(self._work, job))
            if len(waiting) > self._workers + 1:
                yield self._counted(waiting.popleft())
            if self._records >= _ENOUGH and self._scanned < _WORTHWHILE * self._records:
                break
        while waiting:
            yield self._counted(waiting.popleft())
        for job in remaining:  # only when the scanner was not worth it
            self._processes = self._processes or Pool(self._key, self._workers)
            yield from self._processes.read(chain([job], remaining))

    def close(self) -> None:
        """End the threads; what they have not begun is dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        if self._processes is not None:
            self._processes.close()

    def _work(self, job: Job) -> Done:
        if not hasattr(self._own, "fingerprints"):
            self._own.fingerprints = Fingerprinter(self._key)
        try:
            return Done(job.source, job.block, _read(job, self._own.fingerprints))
        except InputError as error:
            return Done(job.source, job.block, Batch(), error)

    def _counted(self, future: Future[Done]) -> Done:
        done = future.result()
        self._scanned += done.batch.scanned
        self._records += done.batch.records
        return done


_ENOUGH, _WORTHWHILE = 10_000, 0.5
"""So many records show whether the scanner reads what share of them that makes threads the better choice."""


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Without looking for cycles: decoded records hold none, counting references frees them, and looking costs a sixth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


_fingerprints: Fingerprinter | None = None


def _begin(key: bytes) -> None:
    global _fingerprints  # noqa: PLW0603  # a worker process is its own world, and the executor has no other place
    _fingerprints = Fingerprinter(key)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _nothing() -> None:
    """Be done when a worker is there to do it."""


def _work(job: Job) -> Batch:
    assert _fingerprints is not None
    with uncollected():
        return packed(_read(job, _fingerprints))


def _read(job: Job, fingerprints: Fingerprinter) -> Batch:
    # A context of its own for each block: what is remembered must not depend on which worker read what before.
    form, context = by_name(job.format), Context(base=job.base, keep_text=job.keep_text)
    if job.indexes:
        context.kept = Kept(memory_bytes=sys.maxsize)
        index_block(job.block, form, context)
        return Batch(kept=context.kept.packed())
    if job.kept is not None:
        context.kept = _opened(job.kept)
    return read_block(job.block, form, context, fingerprints)


@lru_cache(maxsize=1)
def _opened(path: str) -> Kept:
    return Kept.opened(path)
