"""`stillhunt scan`: logs or a lake in, findings out."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from stillhunt.cases import scans, wording
from stillhunt.cli import intake, screen
from stillhunt.cli.arguments import (
    FormatOption,
    KeepTextOption,
    LedgerFolderOption,
    MapOption,
    NoLedgerOption,
    QuarantineOption,
    WorkersOption,
    chosen_format,
    parse_time,
)
from stillhunt.cli.failing import FailOnCampaignOption, FailOnOption, fails, on
from stillhunt.cli.networks import network_kinds
from stillhunt.cli.outcome import FOUND
from stillhunt.cli.terminal import Json, emit, load, progress, results
from stillhunt.errors import InputError
from stillhunt.intake.early import start_early

if TYPE_CHECKING:
    from stillhunt.campaigns import Settings
    from stillhunt.intake.report import IngestReport
    from stillhunt.lake import Lake
    from stillhunt.ledger.recording import Recording
    from stillhunt.records import Findings


def scan(
    logs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[LOGS...]", help="Log files or folders to read first; their format is guessed.", show_default=False),
    ] = None,
    lake: Annotated[
        str | None,
        typer.Option("--lake", metavar="DIR", help="Scan this lake, and keep there what is read from LOGS. Without it nothing is kept."),
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="TIME", help="See nothing later than TIME, as if it were now.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the findings to FILE as JSON.")] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write a report to FILE: one HTML page that opens anywhere.")
    ] = None,
    fail_on: FailOnOption = None,
    fail_on_campaign: FailOnCampaignOption = False,
    false_discovery_rate: Annotated[
        float,
        typer.Option("--false-discovery-rate", min=1e-6, max=0.5, metavar="RATE", help="Share of accounts that may be named wrongly."),
    ] = 0.001,
    ignore_organization: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore-organization",
            metavar="NAME",
            help="An organization that says nothing, such as a gateway's default: its accounts are not taken as one customer.",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option("--engine", metavar="NAME", help="Read calls on another engine: spark (docs/scale.md). Without it in this process."),
    ] = None,
    format_: FormatOption = None,
    map_: MapOption = None,
    keep_text: KeepTextOption = False,
    quarantine: QuarantineOption = None,
    workers: WorkersOption = None,
    ledger: LedgerFolderOption = None,
    no_ledger: NoLedgerOption = False,
    json: Json = False,
) -> None:
    """Find campaigns in logs, in a lake, or in both. `stillhunt scan LOGS` needs no configuration."""
    if not logs and lake is None:
        raise InputError("nothing to scan; give log files, or --lake DIR to scan what was read before")
    if keep_text and lake is None:
        raise InputError("--keep-text keeps text in a lake; say in which with --lake DIR")
    chosen = chosen_format(format_, map_)
    start_early(logs or (), workers)
    until = parse_time(as_of, "--as-of") if as_of is not None else None
    load("stillhunt.campaigns.hunting", "stillhunt.intake.pipeline", "stillhunt.ledger.recording")
    from stillhunt import campaigns
    from stillhunt.lake import packs

    console = results()
    read: IngestReport | None = None
    recording: Recording | None = None
    with _open(lake, create=bool(logs)) as opened:
        if lake is not None and not no_ledger:
            from stillhunt.ledger.recording import record

            recording = record(opened, ledger)
        if logs:
            read = intake.read_logs(logs, opened, format_=chosen, keep_text=keep_text, quarantine=quarantine, workers=workers)
            if not json:
                intake.show_report(console, read, quarantine)
            if not (read.accepted or read.duplicates) and (lake is None or not (read.accounts or read.entitlements)):
                intake.finish(read)  # what kept it from being read to its end is the better reason
                raise intake.nothing_read(read)
        settings = campaigns.Settings(
            false_discovery_rate=false_discovery_rate,
            network_kind=network_kinds(),
            ignored_organizations=frozenset(ignore_organization or ()),
            engine=engine,
            packs=packs.kept(opened.folder) if lake is not None else (),
        )
        findings = hunt(opened, until, settings)
    if lake is not None:
        from stillhunt.cases.configuration import configuration

        if recording is not None:
            recording.scan(findings, scans.encode(findings), configuration(settings))
        scans.keep(findings, lake, configuration(settings))
    if output is not None:
        scans.write_private(output, scans.encode(findings))
    where = shlex.quote(str(output)) if output is not None else f"--lake {shlex.quote(lake)}" if lake is not None else None
    if report is not None:
        from stillhunt.cases.report import write_report

        write_report(findings, report, where)
    if json:
        emit(findings.to_json())
    else:
        screen.show_findings(console, findings, where)
        if where is None and (findings.campaigns or wording.unjudged(findings)):
            again = shlex.join(_again(logs or [], format_, map_, as_of, ignore_organization or []))
            screen.show_step(console, f"Keep the findings to ask them more: `stillhunt scan {again} --output findings.json`")
        for path, what in ((output, "Findings"), (report, "Report")):
            if path is not None:
                console.print(Text(f"{what}: {path}", style="dim"))
    if read is not None:
        intake.finish(read)
    if fails(findings, on(fail_on, campaign=fail_on_campaign)):
        raise typer.Exit(FOUND)


def _again(logs: list[Path], format_: str | None, map_: Path | None, as_of: str | None, ignored: list[str]) -> list[str]:
    """The arguments that change what a scan without a lake finds."""
    given = [str(log) if not str(log).startswith("-") else f"./{log}" for log in logs]
    given += ["--format", format_] if format_ else []
    given += ["--map", str(map_)] if map_ else []
    given += ["--as-of", as_of] if as_of else []
    return given + [word for name in ignored for word in ("--ignore-organization", name)]


def hunt(lake: Lake, as_of: datetime | None, settings: Settings) -> Findings:
    """Hunt in `lake` with a progress bar."""
    from stillhunt import campaigns

    with progress() as step:
        return campaigns.hunt(lake, as_of=as_of, settings=settings, progress=lambda stage, share: step("hunt", stage, share, 1.0))


@contextmanager
def _open(lake: str | None, *, create: bool) -> Iterator[Lake]:
    from stillhunt.lake import Lake

    if lake is not None:
        with Lake.open(lake, create=create) as opened:
            yield opened
        return
    # mode 0700, gone afterwards
    with tempfile.TemporaryDirectory(prefix="stillhunt-") as folder, Lake.open(Path(folder) / "lake", create=True) as opened:
        yield opened
