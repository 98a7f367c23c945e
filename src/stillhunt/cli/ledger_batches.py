"""`stillhunt ledger adopt`: rows from before the ledger."""

from __future__ import annotations

from rich.text import Text

from stillhunt.cases.wording import count
from stillhunt.cli.arguments import LakeOption
from stillhunt.cli.ledger_place import LedgerOption, folder_of
from stillhunt.cli.terminal import Json, emit, results


def adopt(lake: LakeOption, ledger: LedgerOption = None, json: Json = False) -> None:
    """Record calls that the ledger does not know: from before there was one, or read with --no-ledger.

    What is adopted is proved to have been there since then, and not that it came like that.
    """
    from stillhunt.lake import Lake
    from stillhunt.ledger.recording import record

    with Lake.open(lake) as held:
        recording = record(held, folder_of(lake, ledger))
        adopted = recording.adopt() if recording is not None else 0
    if json:
        emit({"adopted": adopted})
    else:
        results().print(Text(f"{count(adopted, 'call')} adopted." if adopted else "The ledger knows all calls: nothing was adopted."))
