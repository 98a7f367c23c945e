"""The two streams: results on stdout, progress on stderr and there only when a person is looking."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any

import typer
from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else there.")]
"""The option that every command has."""

Step = Callable[[str, str, float | None, float | None], None]
"""Report progress: the stage (one bar each), what to say of it, how much is done, how much there is (None: not known)."""


class _Results(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to whoever ends the run; rich would end it with status 1."""
        raise BrokenPipeError


def results() -> Console:
    """The console for results. Nothing printed through it is interpreted as markup."""
    return _Results(file=sys.stdout, markup=False, highlight=False, emoji=False, soft_wrap=False)


def emit(document: Any) -> None:
    """Print `document` as JSON: ASCII only, so that a terminal obeys nothing in it."""
    sys.stdout.write(json.dumps(document, indent=1, ensure_ascii=True, default=str) + "\n")


def load(*modules: str) -> None:
    """Import modules that take a second or more; on a terminal a line says so, and is gone afterwards."""
    terminal = sys.stderr.isatty()
    if terminal:
        sys.stderr.write("Loading …\r")
        sys.stderr.flush()
    try:
        for module in modules:
            import_module(module)
    finally:
        if terminal:
            sys.stderr.write("\x1b[2K\r")
            sys.stderr.flush()


@contextmanager
def progress() -> Iterator[Step]:
    """A progress bar on stderr while the block runs; silent where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _stage, _said, _done, _total: None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

    bars = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(file=sys.stderr, markup=False, highlight=False, emoji=False),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def step(stage: str, said: str, done: float | None, total: float | None) -> None:
        if stage not in tasks:
            for finished in tasks.values():
                bars.update(finished, visible=False)
            tasks[stage] = bars.add_task(said, total=None)
        bars.update(tasks[stage], description=said, completed=done, total=total)

    with bars:
        yield step
