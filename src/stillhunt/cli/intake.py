"""`stillhunt ingest` and `stillhunt join`: logs into a lake, and two halves of a log into one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stillhunt.cases.wording import NOTEWORTHY, count, visible
from stillhunt.cli.arguments import (
    FormatOption,
    KeepTextOption,
    LakeOption,
    LedgerFolderOption,
    Logs,
    MapOption,
    NoLedgerOption,
    QuarantineOption,
    WorkersOption,
    chosen_format,
)
from stillhunt.cli.outcome import BAD_INPUT, complain
from stillhunt.cli.terminal import Json, emit, load, progress, results
from stillhunt.errors import InputError
from stillhunt.intake.early import start_early

if TYPE_CHECKING:
    from stillhunt.intake.report import IngestReport, Progress
    from stillhunt.lake import Lake


_MAX_REASONS = 12


def ingest(
    logs: Logs,
    lake: LakeOption,
    format_: FormatOption = None,
    map_: MapOption = None,
    keep_text: KeepTextOption = False,
    quarantine: QuarantineOption = None,
    workers: WorkersOption = None,
    ledger: LedgerFolderOption = None,
    no_ledger: NoLedgerOption = False,
    json: Json = False,
) -> None:
    """Read logs into a lake. Reading the same calls again changes nothing."""
    chosen = chosen_format(format_, map_)
    start_early(logs, workers)
    load("stillhunt.intake.pipeline", "stillhunt.ledger.recording")
    from stillhunt.lake import Lake
    from stillhunt.ledger.recording import record

    with Lake.open(lake, create=True) as opened:
        if not no_ledger:
            record(opened, ledger)
        report = read_logs(logs, opened, format_=chosen, keep_text=keep_text, quarantine=quarantine, workers=workers)
    if json:
        emit(report.to_json())
    else:
        show_report(results(), report, quarantine)
    finish(report)


def read_logs(
    logs: list[Path], lake: Lake, *, format_: str | None, keep_text: bool, quarantine: Path | None, workers: int | None
) -> IngestReport:
    """Ingest `logs` with a progress bar."""
    from stillhunt.intake import pipeline

    with progress() as step:

        def show(now: Progress) -> None:
            what = f"{now.stage} logs, {count(now.records, 'record')}" + (f", {now.quarantined:,} set aside" if now.quarantined else "")
            step(now.stage, what, now.done, now.total)

        return pipeline.ingest(logs, lake, format=format_, keep_text=keep_text, quarantine=quarantine, workers=workers, progress=show)


def show_report(console: Console, report: IngestReport, quarantine: Path | None) -> None:
    """Print what was read, source by source where there are few, and what was not; most of it unread is said first."""
    if alarm := blind(report):
        console.print(Text(alarm, style="bold red"))
    read = [source for source in report.sources if source.format and not source.skipped]
    formats = sorted({source.format for source in read if source.format})
    console.print(
        Text(
            f"Read {count(report.accepted, 'new call')} from {count(len(read), 'source')}"
            + (f" ({', '.join(formats)})" if formats else "")
            + (f"; {count(report.duplicates, 'call was', 'calls were')} there already" if report.duplicates else "")
            + "."
            + _beside(report)
        )
    )
    skipped = [source for source in report.sources if source.skipped]
    if skipped:
        named = ", ".join(visible(Path(source.source).name, 40) for source in skipped[:5])
        console.print(
            Text(
                f"Passed over {count(len(skipped), 'file')} in folders that {'is' if len(skipped) == 1 else 'are'} no log: {named}.",
                style="dim",
            )
        )
    if report.shared_ids:
        console.print(
            Text(
                f"{count(report.shared_ids, 'call')} came with the id of another call, of another account or another time, and got an id "
                "of its own: clients choose ids in some gateways."
            )
        )
    _show_left_out(console, report)
    total = report.quarantined.total()
    if total:
        console.print(Text(f"{count(total, 'record')} could not be read and {'is' if total == 1 else 'are'} not counted:"))
        console.print(_reasons(sorted(report.quarantined.items(), key=lambda item: (-item[1], item[0]))))
        where = f"They are in {quarantine}." if quarantine else "Give --quarantine FILE to keep them."
        console.print(Text(where, style="dim"))


def blind(report: IngestReport) -> str:
    """One sentence where more than a small share of the records is not in what follows, with what to do; else nothing."""
    refused, ignored = report.quarantined.total(), sum(source.ignored for source in report.sources)
    calls = report.accepted + report.duplicates
    if refused <= NOTEWORTHY * report.records and (calls or ignored <= report.records / 2):
        return ""
    why = max(report.quarantined.items(), key=lambda item: (item[1], item[0]))[0] if refused else "they are records of another kind"
    said = f"{refused or ignored:,} of {count(report.records, 'record')} were not read ({visible(why, 200)})."
    return f"{said} `stillhunt formats try FILE` shows how a log is read, --format says what it is, --map reads any other."


def _show_left_out(console: Console, report: IngestReport) -> None:
    """Fields that could not be read, and in how many records: these were kept without them."""
    if not report.left_out:
        return
    console.print(Text("Kept without a field that could not be read:"))
    console.print(_reasons(report.left_out.most_common(_MAX_REASONS)))
    if len(report.left_out) > _MAX_REASONS:
        console.print(Text(f"and {len(report.left_out) - _MAX_REASONS} more reasons; --json has them all", style="dim"))


def _reasons(counted: Iterable[tuple[str, int]]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(justify="right")
    table.add_column()
    for reason, number in counted:
        table.add_row(f"{number:,}", Text(visible(reason, 200)))
    return table


def _beside(report: IngestReport) -> str:
    """What there was besides calls: an accounts file has none, and must not look as if nothing had been read."""
    found = [
        count(number, one, many)
        for number, one, many in (
            # a gateway log repeats what it knows of an account in every part of it: only files of accounts have records to count
            (sum(source.accounts for source in report.sources if not source.interactions), "account record", ""),
            (report.entitlements, "entitlement", ""),
            (sum(source.ignored for source in report.sources), "record of another kind", "records of another kind"),
            (
                sum(source.unknown_callers for source in report.sources),
                "request of an unknown caller that the gateway refused",
                "requests of unknown callers that the gateway refused",
            ),
        )
        if number
    ]
    return f" Beside them {', '.join(found)}." if found else ""


def nothing_read(report: IngestReport) -> InputError:
    """The error for logs in which there is no call, with the reason that most of their records give."""
    reasons = sorted(report.quarantined.items(), key=lambda item: (-item[1], item[0]))
    why = (
        f"{count(report.quarantined.total(), 'record')} could not be read, mostly because of {reasons[0][0]}; --format chooses another"
        if reasons
        else "`stillhunt formats` says what each format needs, --format chooses one"
    )
    return InputError(f"there are no calls in these logs, so there is nothing to scan; {why}")


def finish(report: IngestReport) -> None:
    """Complain about sources that could not be read to their end, and leave with status 2 if there are any."""
    if report.errors:
        complain(report.errors)
        raise typer.Exit(BAD_INPUT)
    if not (report.accepted or report.duplicates or report.accounts or report.entitlements):
        raise nothing_read(report)


def join(
    gateway: Annotated[
        Path, typer.Argument(metavar="GATEWAY", help="The log that knows who called: identity, address, client.", show_default=False)
    ],
    content: Annotated[
        Path, typer.Argument(metavar="CONTENT", help="The log that knows what was said: text, tokens, model.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="Where to write: .parquet, or JSON lines with .jsonl.", show_default=False)
    ],
    gateway_format: Annotated[
        str | None, typer.Option("--gateway-format", metavar="NAME", help="The gateway log's format, not guessed.")
    ] = None,
    content_format: Annotated[
        str | None, typer.Option("--content-format", metavar="NAME", help="The content log's format, not guessed.")
    ] = None,
    gateway_map: Annotated[
        Path | None, typer.Option("--gateway-map", metavar="FILE", help="A mapping file for the gateway's log.", show_default=False)
    ] = None,
    content_map: Annotated[
        Path | None, typer.Option("--content-map", metavar="FILE", help="A mapping file for the content log.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Join a gateway's log with a content log on the request id, into one file that `ingest` and `scan` read."""
    from stillhunt.intake.join import join as run

    gateway_format = chosen_format(gateway_format, gateway_map, options="--gateway-format and --gateway-map")
    content_format = chosen_format(content_format, content_map, options="--content-format and --content-map")
    report = run([gateway], [content], output, gateway_format=gateway_format, content_format=content_format)
    if json:
        emit(
            {
                "output": str(output),
                "rows": report.rows,
                "matched": report.matched,
                "only_gateway": report.only_left,
                "only_content": report.only_right,
                "left_out": report.left_out,
                "repeated_gateway": report.repeated_left,
                "repeated_content": report.repeated_right,
                "retried": report.retried,
                "crowded": report.crowded,
                "quarantined": dict(sorted(report.quarantined.items())),
            }
        )
        return
    console = results()
    console.print(
        Text(f"{count(report.rows, 'call')} written to {visible(str(output), 200)}: {count(report.matched, 'call')} in both logs.")
    )
    for number, what in (
        (report.only_left, f"only in {visible(str(gateway), 100)}: kept, without text"),
        (report.only_right, f"only in {visible(str(content), 100)}, which names their account: kept"),
        (report.left_out, "left out: neither log says whose they are"),
        (report.repeated_left + report.repeated_right, "repeated in one log: kept once"),
        (report.retried, "were retries of a call that had matched already: kept, with its identity"),
        (report.crowded, "share a request id with too many others to say which is which"),
        (report.quarantined.total(), "could not be read"),
    ):
        if number:
            console.print(Text(f"{number:,} {what}."))
