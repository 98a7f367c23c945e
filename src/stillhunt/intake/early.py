"""Starting the process that workers are forked from before the rest is imported: it takes a second, on a core that has nothing to do yet.

In: the paths that will be read. Out: nothing but that process, which ends with this one. May import: the standard library only,
so that a command can call this first.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterable
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import BaseContext, ForkServerContext, ForkServerProcess
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

SMALL_BYTES = 24 << 20  # below this, starting processes costs more than they save

_SCANNED = (b'"call_type"', b'"startTime"')
_HEAD = 4096
"""Logs that begin with these names are LiteLLM's, which threads read: see `workers`."""


def context() -> BaseContext:
    """How workers are started: forked from the template where there is such a thing."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    found = _Context()
    found.set_forkserver_preload(["stillhunt.intake.template"])
    # Whoever presses Ctrl-C means this process, which ends the others; one that is still importing would show a traceback.
    resource_tracker.ensure_running()  # it unblocks the signal when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return found


class _Process(ForkServerProcess):
    """A worker that does not run the caller's script again.

    Workers are forked from the template, which has all that they need. multiprocessing would import the main module in
    each of them, so that a script without a `__name__` guard would start its own ingest there, and fail.
    """

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Any:  # noqa: N802 - multiprocessing's name
        main = sys.modules["__main__"]
        hidden: dict[str, Any] = {name: main.__dict__.pop(name) for name in ("__file__", "__spec__") if name in main.__dict__}
        main.__spec__ = None
        try:
            return ForkServerProcess._Popen(process_obj)
        finally:
            main.__dict__.update(hidden)


class _Context(ForkServerContext):
    """The forkserver's context with workers as above."""

    Process = _Process


def start_early(paths: Iterable[Path], workers: int | None = None) -> bool:
    """Start the template if reading `paths` looks as if it would take worker processes. Returns whether it does.

    A wrong guess costs a second of time on another core, or that second later. Paths that cannot be read are somebody else's to report.
    """
    if (workers if workers is not None else os.cpu_count() or 1) < 2 or not (workers or _large(paths)):
        return False
    context()
    return True


def _large(paths: Iterable[Path]) -> bool:
    size = 0
    for path in paths:
        for file in _files(path):
            try:
                size += 0 if _is_scanned(file) else file.stat().st_size
            except OSError:
                continue
            if size >= SMALL_BYTES:
                return True
    return False


def _is_scanned(path: Path) -> bool:
    if not path.is_file():  # opening a pipe would wait for whoever writes to it
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return all(name in head for name in _SCANNED)


def _files(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        yield path
        return
    for base, _, names in os.walk(path):
        yield from (Path(base) / name for name in names)
