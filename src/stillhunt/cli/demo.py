"""`stillhunt demo`: the whole of the main job on a small simulated provider, so that whoever installed Stillhunt can see it at work.

Every step uses what the commands of the same name use; nothing is shortened but the world. It writes into one folder and nowhere else.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console
from rich.text import Text

from stillhunt.cases.wording import count
from stillhunt.cli.terminal import Json, Step, emit, progress, results
from stillhunt.errors import InputError, StillhuntError

if TYPE_CHECKING:
    from stillhunt.range import World
    from stillhunt.range.score import Score
    from stillhunt.records import Findings

MARK = ".stillhunt-demo"
"""A file in the folder of a demo: only a folder that has it is replaced by the next one."""
_BYTES_A_CALL = 7_500
"""What a call of the simulated world takes on disk, all told, so that the reader knows beforehand and a full disk is met early."""
_ANALYST = "demo"
_STEPS = 6


@dataclass(frozen=True)
class _Size:
    hidden: int
    accounts: int
    calls: int
    seed: int


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where everything goes; an earlier demo there is replaced.")] = Path("demo"),
    hidden: Annotated[int, typer.Option("--hidden", min=20, help="The operator's accounts.")] = 80,
    accounts: Annotated[int, typer.Option("--accounts", min=200, help="Accounts of everybody else.")] = 3_000,
    calls: Annotated[int, typer.Option("--calls", min=1_000, help="About how many calls these make.")] = 24_000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same world.")] = 1,
    json: Json = False,
) -> None:
    """See it at work: hide an operator among simulated customers, find it, make it a case, prove it: under a minute, 0.4 GB."""
    size = _Size(hidden, accounts, calls, seed)
    console = results()
    _clear(folder, size)
    if not json:
        console.print(
            Text(
                f"A drill with simulated logs: {count(hidden, 'account')} of one operator among {accounts:,} of other people. "
                f"It takes well under a minute and about {_expected(size) / 1e9:.1f} GB in {folder}/, and sends nothing anywhere."
            )
        )
    seen = _Narrator(console, quiet=json)
    with progress() as step:
        world = _make(folder, size, seen, step)
        findings = _find(folder, seen, step)
        score = _score(folder, findings, seen)
        proof = _prove(folder, findings, seen) if findings.campaigns else None
    if json:
        emit(_document(folder, world, findings, score, proof))
        return
    _conclude(console, folder, findings)


class _Narrator:
    """One line a step: what was done, what came out, how long it took."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console, self._quiet, self._number = console, quiet, 0

    @contextmanager
    def step(self, what: str) -> Iterator[list[str]]:
        """Do a step inside; what is appended to the list is said of it."""
        self._number += 1
        said: list[str] = []
        began = time.monotonic()
        yield said
        if not self._quiet:
            took = f"  ({time.monotonic() - began:.0f} s)"
            self._console.print(Text.assemble((f"{self._number}/{_STEPS} {what}: ", "bold"), " ".join(said), (took, "dim")))


def _expected(size: _Size) -> int:
    """Bytes on disk. An account of the operator makes 25.6 calls a day for 14 days."""
    return int((size.calls + size.hidden * 25.6 * 14) * _BYTES_A_CALL)


def _clear(folder: Path, size: _Size) -> None:
    """Make `folder` empty and marked.

    Raises:
        InputError: something else is there, or there is no room.
    """
    try:
        if folder.is_dir() and (folder / MARK).is_file():
            shutil.rmtree(folder)
        elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder}: exists and is no earlier demo; name another place: stillhunt demo DIR")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).write_text("Made by `stillhunt demo`, which replaces this folder when it is run again.\n", "utf-8")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); name another place: stillhunt demo DIR") from None
    needed, free = _expected(size), shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(f"{folder}: about {needed / 1e9:.1f} GB are needed there, and {free / 1e9:.1f} GB are free; name another place")


def _make(folder: Path, size: _Size, seen: _Narrator, step: Step) -> World:
    with seen.step("Make a world") as said:
        step("making", "making a world", 0, None)
        from dataclasses import replace

        from stillhunt import range as drill

        spec = drill.WorldSpec(
            seed=size.seed,
            days=14,
            accounts=size.accounts,
            calls=size.calls,
            populations="all",
            operators=(replace(drill.PRESETS["letter"], accounts=size.hidden),),
            texts=None,
            format="litellm",
        )
        world = drill.make(spec, folder / "world", lambda done, total: step("making", "making a world", done, total))
        said.append(f"{count(world.calls, 'call')} of {count(world.accounts, 'account')}, as a LiteLLM gateway logs them.")
    return world


def _find(folder: Path, seen: _Narrator, step: Step) -> Findings:
    from stillhunt import campaigns
    from stillhunt.cases import scans
    from stillhunt.cases.configuration import configuration
    from stillhunt.cases.report import write_report
    from stillhunt.intake import pipeline
    from stillhunt.lake import Lake
    from stillhunt.ledger.recording import record

    with Lake.open(str(folder / "lake"), create=True) as lake:
        recording = record(lake, None)
        with seen.step("Read the logs") as said:
            read = pipeline.ingest(
                [folder / "world" / "provider"],
                lake,
                progress=lambda now: step("reading", f"reading logs, {count(now.records, 'record')}", now.done, now.total),
            )
            said.append(f"{count(read.accepted, 'call')}; prompts became numbers, none is kept.")
        with seen.step("Scan") as said:
            settings = campaigns.Settings()
            findings = campaigns.hunt(lake, settings=settings, progress=lambda stage, share: step("hunt", stage, share, 1.0))
            if recording is not None:
                recording.scan(findings, scans.encode(findings), configuration(settings))
            scans.keep(findings, str(folder / "lake"), configuration(settings))
            scans.write_private(folder / "findings.json", scans.encode(findings))
            write_report(findings, folder / "report.html", shlex.quote(str(folder / "findings.json")))
            named = sum(len(one.accounts) for one in findings.campaigns)
            found, innocent = count(len(findings.campaigns), "campaign"), count(len(findings.pools), "pool")
            said.append(
                f"{found} with {count(named, 'account')}; {innocent} that look coordinated and are not named, each with the reason."
            )
    return findings


def _score(folder: Path, findings: Findings, seen: _Narrator) -> Score:
    from stillhunt.range import score as scoring

    with seen.step("Compare with the truth") as said:
        result = scoring.score(findings.to_json(), scoring.Truth.read(folder / "world" / "truth" / "truth.parquet"))
        wrong = result.false_discovery.hits
        said.append(f"{result.recall.hits} of {result.recall.total} hidden accounts named, {wrong or 'nobody'} wrongly.")
    return result


def _prove(folder: Path, findings: Findings, seen: _Narrator) -> dict[str, Any]:
    """A case on the largest campaign, its answers, its bundle, and the bundle verified with the printed keys alone."""
    from stillhunt.cases import scans
    from stillhunt.cases.answering import Given, ask, record
    from stillhunt.cases.bundle import Wanted, export
    from stillhunt.cases.docket import Docket
    from stillhunt.cases.proceedings import open_case
    from stillhunt.lake import Lake
    from stillhunt.records.cases import QUESTIONS, Question
    from stillhunt.verifier import read_keys, told, verify_any

    place = folder / "lake"
    largest = max(findings.campaigns, key=lambda one: len(one.accounts))
    with Docket.open(str(place), write=True, create=True) as cases:
        with seen.step("Open a case") as said:
            with Lake.open(str(place)) as lake:
                case = open_case(cases, lake, scans.latest_file(str(place)).read_bytes(), largest.campaign_id, _ANALYST)
            with cases.material(case.case_id) as material:
                answers, skipped = ask(material, cast("tuple[Question, ...]", QUESTIONS), Given())
            record(cases, case.case_id, answers, _ANALYST)
            without = f" ({', '.join(skipped)} needs a policy of yours)" if skipped else ""
            said.append(f"{case.case_id}, {len(answers)} questions answered{without}.")
        with seen.step("Export and verify the evidence") as said:
            content, _ = export(cases, case.case_id, answers, Wanted(), _ANALYST)
            bundle = folder / "case.stillhunt-bundle.json"
            scans.write_private(bundle, content)
            if cases.ledger is None:
                raise StillhuntError(f"{place}: the ledger could not be opened, so that nothing can be proved")
            public = cases.ledger.keys()
            keys = "".join(f"{one.vkey}\n" for one in public)
            (folder / "provider.vkey").write_text(keys, "utf-8")
            verdict = verify_any(content, read_keys(keys), [])
            (folder / "verified.txt").write_text(told(verdict), "utf-8")
            said.append("VERIFIED offline, from the file and the provider's public keys alone.")
    return {"case_id": case.case_id, "bundle": str(bundle), "keys": str(folder / "provider.vkey"), "proved": verdict.proved}


def _document(folder: Path, world: World, findings: Findings, score: Score, proof: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "calls": world.calls,
        "accounts": world.accounts,
        "hidden": world.hidden_accounts,
        "campaigns": [one.campaign_id for one in findings.campaigns],
        "named": score.named,
        "named_wrongly": score.false_discovery.hits,
        "report": str(folder / "report.html"),
        "findings": str(folder / "findings.json"),
        "case": proof,
    }


def _conclude(console: Console, folder: Path, findings: Findings) -> None:
    """The finding, where to look, and the next command: each line can be pasted."""
    console.print()
    if findings.campaigns:
        largest = max(findings.campaigns, key=lambda one: len(one.accounts))
        surest = max(largest.accounts, key=lambda one: one.membership).account_id
        size = count(len(largest.accounts), "account")
        console.print(Text(f"Found: campaign {largest.campaign_id}, {size} judged to be run by one operator.", "bold"))
        where = shlex.quote(str(folder / "findings.json"))
        next_command = f"{_program()} account {shlex.quote(surest)} {where}"
    else:
        console.print(Text("No campaign stands out in this world; a larger one, or another --seed, has more to find.", "bold"))
        next_command = f"{_program()} scan --lake {shlex.quote(str(folder / 'lake'))}"
    console.print(Text(f"Look: open {folder / 'report.html'} in a browser."))
    console.print(Text(f"Next: {next_command}"), soft_wrap=True)  # one line, to be pasted
    console.print(Text(f"Then your own logs: {_program()} scan YOUR_LOGS"), soft_wrap=True)


def _program() -> str:
    """How a shell finds this program: its name if it is on the path, else where it was called."""
    called = Path(sys.argv[0])
    if shutil.which("stillhunt") or not (called.is_file() and os.access(called, os.X_OK)):
        return "stillhunt"
    with contextlib.suppress(ValueError):
        called = called.absolute().relative_to(Path.cwd())
    return shlex.quote(str(called if called.parent != Path() else Path("./") / called))
