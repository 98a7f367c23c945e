"""A recorded writer that is killed at every step it takes. Started by test_recording. Usage: python -m ledger.dying FOLDER [EVERY]

The lake in FOLDER grows by an append and an account for each n; a child makes them and kills itself at its n-th step: before a file is
forced to disk, before a name appears or goes, and before and after each commit. Another child then opens the recording, says what `check`
finds, does the same again without being killed, and says it again. Prints one JSON object for each
n, of which there are all, or one in EVERY.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from lake.dying import child
from lake.invented import accounts, interactions
from ledger.invented_rows import rows
from stillhunt.lake import Lake
from stillhunt.ledger import Ledger
from stillhunt.ledger.auditing import check
from stillhunt.ledger.batches import Batches
from stillhunt.ledger.recording import record
from stillhunt.ledger.rows import leaf_hashes

ROWS = 20


def work(folder: Path, number: int) -> None:
    with Lake.open(folder) as lake:
        record(lake)
        lake.append_interactions(interactions(range(number * ROWS, (number + 1) * ROWS), days=1))
        lake.upsert_accounts(accounts({"account_id": f"account-{number}"}))


def die_at_step(number: int) -> None:
    steps = iter(range(number + 1))

    def dying(function, *, after: bool = False):
        def stepping(*arguments, **options):
            if next(steps, number) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            found = function(*arguments, **options)
            if after and next(steps, number) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        return stepping

    os.fsync = dying(os.fsync)
    Path.unlink, Path.rename, Path.replace = dying(Path.unlink), dying(Path.rename), dying(Path.replace)
    Session.commit = dying(Session.commit, after=True)


def tell(folder: Path, number: int) -> None:
    with Lake.open(folder) as lake:
        record(lake)
        ledger = Ledger.open(folder / "ledger")
        found = [str(problem) for problem in check(ledger, lake)]
    work(folder, number)
    with Lake.open(folder) as lake:
        found += [str(problem) for problem in check(ledger, lake)]
        entries = sum(entry.document["rows"] for entry in ledger.entries() if entry.kind == "batch")
        said = {
            "died_at": number,
            "problems": found,
            "rows": lake.table("interactions").count(),
            "recorded": entries,
            "pending": len(list((ledger.folder / "batches" / "pending").glob("*.json"))),
            "expected": (number + 1) * ROWS,
        }
    print(json.dumps(said), flush=True)


def main() -> None:
    folder, every = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    leaf_hashes(rows(5), np.arange(5), bytes(32))  # compiled once for all children

    def create() -> None:
        with Lake.open(folder, create=True) as lake:
            record(lake)
            Batches(folder / "ledger").find("compiled, too")

    child(create)
    number, killed = 0, signal.SIGKILL
    while killed:
        killed = child(lambda: work(folder, number), lambda: die_at_step(number))  # noqa: B023
        child(lambda: tell(folder, number))  # noqa: B023
        number += every


if __name__ == "__main__":
    main()
