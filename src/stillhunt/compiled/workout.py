"""A small run of everything that has compiled loops, so that what is compiled in it can be shipped.

In: an empty folder. Out: nothing but loops that have been called, with the types of arguments that they are called with in earnest.
May import: the command line. A loop, or a combination of types, that is missing here costs its user a second or two, once.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from stillhunt.cli import main

_SMALL = ("--accounts", "400", "--calls", "9000", "--hidden", "50", "--days", "10", "--seed", "3")


def steps(folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is done, in order: its name for people, and how."""
    world, lake = folder / "world", folder / "lake"
    yield "a world", lambda: _run("range", "make", world, "--shape", "letter", *_SMALL, "--format", "litellm")
    yield "reading", lambda: _run("ingest", world / "provider", "--lake", lake)
    yield "hunting", lambda: _run("scan", "--lake", lake, "--output", folder / "findings.json", "--report", folder / "report.html")
    yield "hunting again", lambda: _again(folder)
    yield "a first log", lambda: _first(folder)
    yield "watching", lambda: _watch(folder)
    yield "a case", lambda: _case(folder)
    yield "pools of a table", lambda: _pools(folder)
    yield "fingerprints", lambda: _fingerprints(folder)


def _run(*arguments: str | Path) -> str:
    said, complained = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        status = main([str(one) for one in arguments])
    if status not in {0, 1}:
        raise RuntimeError(f"stillhunt {' '.join(map(str, arguments))}: {complained.getvalue().strip()[-2000:]}")
    return said.getvalue()


def _log(folder: Path) -> Path:
    return min((folder / "world" / "provider").glob("interactions-*"))


def _again(folder: Path) -> None:
    """Part of a log that is known, then a scan that goes on from what is remembered."""
    _run("ingest", _log(folder), "--lake", folder / "lake")
    _run("scan", "--lake", folder / "lake", "--json")


def _first(folder: Path) -> None:
    """Logs of a few calls, without a lake: as few as a new user may have, with text and without."""
    for count in (1, 35, 400):
        few = folder / f"few-{count}.jsonl"
        with _log(folder).open(encoding="utf-8") as log:
            few.write_text("".join(line for line, _ in zip(log, range(count), strict=False)), "utf-8")
        _run("scan", few)
    _run("scan", folder / "few-400.jsonl", "--keep-text", "--lake", folder / "kept")


def _watch(folder: Path) -> None:
    for _ in range(2):
        _run("watch", folder / "few-400.jsonl", "--lake", folder / "watched", "--once")


def _case(folder: Path) -> None:
    """From the first campaign to the bundle: nothing where the little world shows none."""
    lake = ("--lake", str(folder / "lake"))
    found = json.loads((folder / "findings.json").read_text("utf-8"))["campaigns"]
    if not found:
        return
    _run("case", "open", found[0]["campaign_id"], *lake, "--by", "build")
    name = json.loads(_run("case", "list", *lake, "--json"))["cases"][0]["case_id"]
    _run("case", "answer", name, *lake, "--by", "build")
    _run("case", "rerun", name, *lake, "--by", "build")
    _run("case", "export", name, *lake, "--by", "build", "-o", folder / "bundle.json")
    _run("ledger", "check", *lake)


def _pools(folder: Path) -> None:
    rows: list[dict[str, object]] = [
        {"account": f"a{n}", "channel": channel, "value": f"v{n % few if n < 20 else n}", "time": f"2026-03-0{1 + n % 9}T10:00:00Z"}
        for channel, few in (("card", 4), ("network", 3))
        for n in range(200)
    ]
    rows += [{"account": f"a{n}", "channel": "pace", "value": float(n % 7)} for n in range(200)]
    rows += [{"account": f"a{n}", "channel": "gift", "value": f"g{n // 2}"} for n in range(200)]
    table = folder / "table.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    _run("pools", table, "--measure", "pace", "--tie", "gift", "--json")
    _run("pools", table)


def _fingerprints(folder: Path) -> None:
    """Worlds as lakes, and the same in parts."""
    world = folder / "fingerprints"
    _run("range", "make", world, "--shape", "letter", *_SMALL, "--format", "fingerprints", "--workers", "1")
    _run("scan", "--lake", world / "lake", "--json")
