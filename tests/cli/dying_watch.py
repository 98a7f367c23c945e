"""A watch that is killed at every step it takes, then run again. Started by test_watch_crash.

Usage: python -m cli.dying_watch FOLDER [STRIDE]. In FOLDER/n the pieces of `PIECES` are written to logs one after the other; after each
the watch looks once in a child that kills itself at its n-th step, then again undisturbed. A step is a file of the lake that is about to
be written, or a commit of the catalog, the journal, the registry or the findings, before or after it happens. It ends with the first n
that kills nobody. In FOLDER/t150, ... the child is killed after so many milliseconds. FOLDER/undisturbed is what all must come to.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pyiceberg.io.pyarrow import PyArrowFileIO
from sqlalchemy.orm import Session

from cli import standin
from lake.dying import child
from stillhunt import campaigns
from stillhunt.cases import scans
from stillhunt.cases.registry import Registry
from stillhunt.cli import main as stillhunt
from stillhunt.cli.outlet import Outlet
from stillhunt.intake.journal import Journal
from stillhunt.lake import Lake

BEGIN = datetime(2026, 5, 4, tzinfo=UTC)
MILLISECONDS = (150, 400)
STRIDE = 6
"""One step in six is met in the suite, another one for each piece: what a step is differs from look to look."""


def call(account: str, hour: float) -> str:
    at = (BEGIN + timedelta(hours=hour)).isoformat()
    text = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "be brief and answer in steps of one line each"}]}])
    return json.dumps({"interaction_id": f"{account}/{at}", "started_at": at, "account_id": account, "messages": text}) + "\n"


def closed(account: str) -> str:
    return json.dumps({"account_id": account, "status": "banned"}) + "\n"


def first(logs: Path) -> None:
    with (logs / "calls.jsonl").open("a") as file:
        file.writelines(call(f"op1-{n}", n / 60) for n in range(12))
        file.write("{broken\n" + call("op1-99", 1)[:60])


def second(logs: Path) -> None:
    with (logs / "calls.jsonl").open("a") as file:
        file.write(call("op1-99", 1)[60:])
    (logs / "calls.jsonl").rename(logs / "calls.jsonl.1")
    (logs / "calls.jsonl").write_text("".join(call(f"op2-{n}", 2) for n in range(9)))
    (logs / "accounts.jsonl").write_text("".join(closed(f"op1-{n}") for n in [*range(12), 99]))


def third(logs: Path) -> None:
    with (logs / "calls.jsonl").open("a") as file:
        file.writelines([*(call(f"op1x-{n}", 3) for n in range(10)), "{worse\n"])


PIECES = (first, second, third)


def look(place: Path) -> None:
    """The command, with standard output appended to a file as a shell's >> does."""
    campaigns.hunt = standin.hunt  # type: ignore[assignment]
    handle = os.open(place / "told.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    options = ["--once", "--json", "--workers", "1", "--output", place / "findings.json", "--quarantine", place / "aside.jsonl"]
    status = stillhunt([str(word) for word in ("watch", place / "logs", "--lake", place / "lake", *options)])
    if status:
        raise SystemExit(status)


def die_at_step(number: int) -> None:
    steps = iter(range(number + 1))

    def step() -> None:
        if next(steps, number) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(owner: Any, name: str, *, before: bool = True) -> None:
        real = getattr(owner, name)

        def dying(*arguments: Any, **options: Any) -> Any:
            if before:
                step()
            result = real(*arguments, **options)
            step()
            return result

        setattr(owner, name, dying)

    around(PyArrowFileIO, "new_output")
    around(Session, "commit")
    around(Journal, "advance")
    around(Registry, "take")
    around(scans, "write_private")
    around(Outlet, "_write", before=False)  # a kill right before this tells an event again, which docs/watch.md says


def live_through(place: Path, prepare: Callable[[int], None] = lambda _at: None, milliseconds: float | None = None) -> bool:
    """All pieces with a child that dies after each. Returns whether any did."""
    (place / "logs").mkdir(parents=True)
    Lake.open(place / "lake", create=True).close()  # dying while a lake is made is `lake.dying`'s
    died = False
    for at, piece in enumerate(PIECES):
        piece(place / "logs")
        died |= bool(child(lambda: look(place), lambda at=at: prepare(at), milliseconds))  # type: ignore[misc]
        child(lambda: look(place))
    return died


def main() -> None:
    folder, stride = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else STRIDE
    with TemporaryDirectory() as scratch:
        # imported and compiled once for all children
        (Path(scratch) / "logs").mkdir()
        first(Path(scratch) / "logs")
        look(Path(scratch))
    live_through(folder / "undisturbed")
    number = 0
    while live_through(folder / str(number), lambda at, number=number: die_at_step(number + 2 * at % stride)):  # type: ignore[misc]
        number += stride
    for milliseconds in MILLISECONDS:
        live_through(folder / f"t{milliseconds}", milliseconds=milliseconds)


if __name__ == "__main__":
    main()
