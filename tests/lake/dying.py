"""A program that is killed at every step it takes, then run again. Started by test_crash.

Usage: python -m lake.dying HOW FOLDER [LOG]. HOW is `lake` (append batches) or `ingest` (read LOG through the pipeline). For
some n a child works on the lake FOLDER/n and kills itself at its n-th step, a step being a file that it is about
to write or a database commit before or after it happens; then another child repeats the work undisturbed. It ends with the
first child that gets through. After these come lakes FOLDER/t0, ... whose child is killed after so many milliseconds.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from pyiceberg.io.pyarrow import PyArrowFileIO
from sqlalchemy.orm import Session

from lake.invented import accounts, interactions, texts
from stillhunt.lake import Lake
from stillhunt.lake.identity import siphash128

MILLISECONDS = (15, 60, 130)
CREATION = 20  # about so many steps create the lake: one in four is enough: a table takes three of them, so all kinds are met


def append_batches(folder: Path) -> None:
    with Lake.open(folder, create=True) as lake:
        lake.append_interactions(interactions(range(40), days=1), texts(range(40), days=1))
        lake.append_interactions(interactions(range(30, 70), days=1))
        lake.upsert_accounts(accounts({"account_id": "account-001", "plan": "free"}, {"account_id": "account-002"}))


def read_log(folder: Path, log: Path) -> None:
    from stillhunt.intake.pipeline import ingest

    with Lake.open(folder, create=True) as lake:
        ingest([log], lake, workers=1, keep_text=True)


def die_at_step(number: int) -> None:
    steps = iter(range(number + 1))

    def step() -> None:
        if next(steps, number) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    write, commit = PyArrowFileIO.new_output, Session.commit

    def dying_write(self: PyArrowFileIO, location: str) -> object:
        step()
        return write(self, location)

    def dying_commit(self: Session) -> None:
        step()
        commit(self)
        step()

    PyArrowFileIO.new_output, Session.commit = dying_write, dying_commit  # type: ignore[method-assign,assignment]


def child(work: Callable[[], None], prepare: Callable[[], None] = lambda: None, milliseconds: float | None = None) -> int:
    """Run `work` in a forked child. Returns the signal that killed it, 0 if none did."""
    pid = os.fork()
    if not pid:
        prepare()
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    if milliseconds is not None:
        time.sleep(milliseconds / 1000)
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    if os.WEXITSTATUS(status):
        sys.exit(f"the work failed: {os.WEXITSTATUS(status)}")
    return 0


def main() -> None:
    how, folder = sys.argv[1], Path(sys.argv[2])
    siphash128(pa.array(["compiled once for all children"]), bytes(16))

    def work_on(lake: Path) -> Callable[[], None]:
        return lambda: append_batches(lake) if how == "lake" else read_log(lake, Path(sys.argv[3]))

    number, killed = 0, signal.SIGKILL
    while killed:
        work = work_on(folder / str(number))
        killed = child(work, lambda number=number: die_at_step(number))  # type: ignore[misc]
        child(work)
        number += 5 if how == "ingest" else 4 if number < CREATION else 1
    for milliseconds in MILLISECONDS:
        work = work_on(folder / f"t{milliseconds}")
        child(work, milliseconds=milliseconds)
        child(work)


if __name__ == "__main__":
    main()
