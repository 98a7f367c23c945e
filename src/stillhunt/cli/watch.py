"""`stillhunt watch`: follow logs, scan every few minutes, and say what becomes of campaigns."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stillhunt.cli.arguments import (
    FormatOption,
    KeepTextOption,
    LakeOption,
    LedgerFolderOption,
    MapOption,
    NoLedgerOption,
    QuarantineOption,
    WorkersOption,
    chosen_format,
)
from stillhunt.cli.failing import FailOn, FailOnCampaignOption, FailOnOption, on
from stillhunt.cli.networks import network_kinds
from stillhunt.cli.outcome import FOUND, complain
from stillhunt.cli.terminal import load, progress
from stillhunt.errors import InputError, StillhuntError

if TYPE_CHECKING:
    from collections.abc import Callable

    from stillhunt.campaigns import Settings
    from stillhunt.cli.watching import Hunt
    from stillhunt.lake import Lake
    from stillhunt.records import Findings

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def watch(
    lake: LakeOption,
    logs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[LOGS...]", help="Log files and folders to follow; they may appear later.", show_default=False),
    ] = None,
    every: Annotated[str, typer.Option("--every", metavar="TIME", help="Time between looks, like 30s, 5m or 1h.")] = "5m",
    once: Annotated[bool, typer.Option("--once", help="Look once and end, for cron: the next run goes on from there.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Keep the newest findings in FILE as JSON, replaced at once.")
    ] = None,
    on_event: Annotated[
        str | None,
        typer.Option("--on-event", metavar="COMMAND", help="Run COMMAND for each event, the event as JSON on its standard input."),
    ] = None,
    registry: Annotated[
        str | None,
        typer.Option(
            "--registry",
            metavar="WHERE",
            help="Where campaigns are remembered: a file or a database's URL (default: registry.sqlite in the lake's folder).",
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option("--state", metavar="DIR", help="Where it is remembered what was read and told (default: the lake's folder)."),
    ] = None,
    fail_on: FailOnOption = None,
    fail_on_campaign: FailOnCampaignOption = False,
    false_discovery_rate: Annotated[
        float,
        typer.Option("--false-discovery-rate", min=1e-6, max=0.5, metavar="RATE", help="Share of accounts that may be named wrongly."),
    ] = 0.001,
    ignore_organization: Annotated[
        list[str] | None,
        typer.Option("--ignore-organization", metavar="NAME", help="An organization that says nothing, as in `scan`.", show_default=False),
    ] = None,
    format_: FormatOption = None,
    map_: MapOption = None,
    keep_text: KeepTextOption = False,
    quarantine: QuarantineOption = None,
    workers: WorkersOption = None,
    ledger: LedgerFolderOption = None,
    no_ledger: NoLedgerOption = False,
    json: Annotated[bool, typer.Option("--json", help="Print each event as one JSON object on a line of its own.")] = False,
) -> None:
    """Follow logs, scan as they grow, and print what becomes of campaigns: one line an event, nothing when nothing happens."""
    seconds = duration(every)
    chosen = chosen_format(format_, map_)
    paths = list(logs or ())
    missing = [f"{path}: not there yet, waiting for it" for path in paths if not path.exists()]
    load("stillhunt.cli.watching", "stillhunt.campaigns.hunting", "stillhunt.ledger.recording")
    from stillhunt.campaigns import Settings
    from stillhunt.cases.configuration import configuration
    from stillhunt.cases.registry import FILE, Registry
    from stillhunt.cli.outlet import Outlet
    from stillhunt.cli.watching import Place, Watch
    from stillhunt.intake.follow import Follower
    from stillhunt.intake.journal import Journal
    from stillhunt.lake import Lake, packs
    from stillhunt.ledger.recording import record

    with ExitStack() as stack:
        opened = stack.enter_context(Lake.open(lake, create=bool(paths)))
        recording = record(opened, ledger) if not no_ledger else None
        folder = Path(lake).expanduser() if Path(lake).expanduser().is_dir() else None
        kept = state or folder
        remembered = registry or (str(folder / FILE) if folder is not None else None)
        if kept is None or remembered is None:
            raise InputError(f"{lake}: has no folder of its own; say with --state DIR and --registry FILE where a watch remembers things")
        journal = stack.enter_context(Journal(kept))
        campaigns = stack.enter_context(Registry(remembered, create=True))
        outlet = stack.enter_context(Outlet(kept, registry=campaigns.identity, as_json=json, command=on_event))
        follower = (
            Follower(paths, opened, journal, format=chosen, keep_text=keep_text, quarantine=quarantine, workers=workers) if paths else None
        )
        settings = Settings(
            false_discovery_rate=false_discovery_rate,
            network_kind=network_kinds(),
            ignored_organizations=frozenset(ignore_organization or ()),
            packs=packs.kept(opened.folder),
        )
        complain(missing)
        ended = stack.enter_context(signals())
        looks = Watch(
            Place(lake, kept, output, configuration(settings)),
            opened,
            follower,
            campaigns,
            outlet,
            hunt=_hunter(opened, settings),
            complain=lambda problems: complain(list(problems)),
            every=seconds,
            stop=ended.is_set,
            record=recording.scan if recording is not None else None,
        )
        if not once:
            looks.run(ended.wait)
            return
        try:
            while looks.round() and not ended.is_set():
                pass
        except StillhuntError:
            if not ended.is_set():
                raise  # else it is workers that a signal to all processes has ended, too: nothing is lost
            return
        wanted = on(fail_on, campaign=fail_on_campaign)
        if (FailOn.CAMPAIGN in wanted and looks.named()) or (FailOn.NOT_JUDGED in wanted and looks.unjudged()):
            raise typer.Exit(FOUND)


def duration(text: str) -> float:
    """Seconds from text like ``30s``, ``5m``, ``1h``; a bare number is seconds.

    >>> duration("5m"), duration("90")
    (300.0, 90.0)

    Raises:
        InputError: it is no time, or less than a second.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", text)
    seconds = float(found[1]) * _SECONDS[found[2] or "s"] if found else 0.0
    if not 1.0 <= seconds <= 366 * 86_400:
        raise InputError(f"--every {text}: write a time of one second or more, like 30s, 5m or 1h")
    return seconds


@contextmanager
def signals() -> Iterator[threading.Event]:
    """An event that SIGTERM or SIGINT sets, so that the watch ends at the next safe point; a second SIGINT interrupts at once."""
    ended = threading.Event()

    def end(number: int, _frame: object) -> None:
        if ended.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hunter(lake: Lake, settings: Settings) -> Hunt:
    from stillhunt import campaigns

    def hunt(as_of: datetime | None, pause: Callable[[], None]) -> Findings:
        with progress() as step:

            def tell(stage: str, share: float) -> None:
                pause()
                step("hunt", f"the past: {stage}" if as_of else stage, share, 1.0)

            return campaigns.hunt(lake, as_of=as_of, settings=settings, progress=tell)

    return hunt
