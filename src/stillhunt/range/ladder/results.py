"""Results: one JSON line a measurement, appended as soon as it is there.

A line holds everything that the page shows. A torn last line (a run that was killed) is left out by the reader and does not
spoil the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import orjson

from stillhunt.errors import InputError

FILE = "ladder.jsonl"
NOBODY = "nobody"
REPLACEMENT = ", replacement"

Key = tuple[int, str, str | None, int, int, int, str, str]


@dataclass(frozen=True)
class Replay:
    """One scan of the past: what it saw, and whom the scans up to it had named.

    Attributes:
        mean_calls: calls that hidden accounts had made by then, on average.
        as_of: the moment, ISO 8601.
        right: hidden accounts that it named.
        wrong: others that it named.
        ever: hidden accounts named by it or a scan before it.
        campaigns: how many it named.
        seconds: wall time.
    """

    mean_calls: float
    as_of: str
    right: int
    wrong: int
    ever: int
    campaigns: int
    seconds: float


@dataclass(frozen=True)
class Result:
    """One step on one seed.

    Attributes:
        seed: of the world.
        step: the step's name.
        without: the family of columns that was taken away; None for none.
        accounts, calls, hidden: as the conditions asked.
        texts, format: where the texts come from, and the log format.
        pools: operator -> accounts; those that took over after a ban are a pool of their own, "NAME, replacement".
        hidden_accounts, hidden_calls: the operators' accounts, and what these called.
        world_accounts, world_calls: everybody.
        named, right: accounts that the full scan named, and how many of them are hidden.
        wrong_by_population: population -> accounts that the full scan named wrongly.
        wrong_ever: accounts that any scan named wrongly.
        campaigns: for each campaign of the full scan, pool (or "nobody") -> accounts.
        overlooked: why a pool was not named -> hidden accounts in such pools that no campaign names.
        replays: scans of the past in order; none where only the full scan was asked for.
        first_named: for each hidden account the calls that it had made at the first scan that named it, sorted; None: not named.
        price: what the step costs its one operator (`range.price`); empty for several operators, or where columns are taken away.
        seconds: wall time by stage.
        conditions: date, machine, versions.
    """

    seed: int
    step: str
    without: str | None
    accounts: int
    calls: int
    hidden: int
    texts: str
    format: str
    pools: dict[str, int]
    hidden_accounts: int
    hidden_calls: int
    world_accounts: int
    world_calls: int
    named: int
    right: int
    wrong_by_population: dict[str, int]
    wrong_ever: int
    campaigns: list[dict[str, int]]
    overlooked: dict[str, int]
    replays: list[Replay]
    first_named: list[int | None]
    price: dict[str, float]
    seconds: dict[str, float]
    conditions: dict[str, str]

    @property
    def key(self) -> Key:
        """What is not measured twice."""
        return (self.seed, self.step, self.without, self.accounts, self.calls, self.hidden, self.texts, self.format)


def append(path: Path, result: Result) -> None:
    """Add one line to the results file.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 1))
            torn = size > 0 and file.read(1) != b"\n"
            file.write((b"\n" if torn else b"") + orjson.dumps(asdict(result)) + b"\n")
    except OSError as error:
        raise InputError(f"{path}: results cannot be written here ({error.strerror}); name another folder") from error


def rewrite(path: Path, results: Sequence[Result]) -> None:
    """Replace a results file by `results`.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.write_bytes(b"".join(orjson.dumps(asdict(one)) + b"\n" for one in results))
    except OSError as error:
        raise InputError(f"{path}: results cannot be written here ({error.strerror}); name another folder") from error


def read(path: Path) -> list[Result]:
    """All whole lines of a results file; of two with one key the later. An absent file has none.

    Raises:
        InputError: the file is there and cannot be read, or holds something else.
    """
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    names = {one.name for one in fields(Result)}
    found: dict[Key, Result] = {}
    for number, line in enumerate(lines, 1):
        try:
            row: dict[str, Any] = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if not isinstance(row, dict) or set(row) != names:
            raise InputError(f"{path}, line {number}: not a result of this release's ladder; use another folder")
        row["replays"] = [Replay(**replay) for replay in row["replays"]]
        result = Result(**row)
        found[result.key] = result
    return list(found.values())
