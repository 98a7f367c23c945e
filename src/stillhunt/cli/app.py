"""The command tree. Each group's module holds its commands; here they only get their places."""

from __future__ import annotations

from typing import Annotated

import typer

from stillhunt import __version__
from stillhunt.cli import (
    case,
    case_answer,
    case_export,
    case_report,
    catalogue,
    config,
    demo,
    export,
    intake,
    investigate,
    lake,
    ledger,
    members,
    packs,
    pools,
    scan,
    share,
    verify,
    watch,
)
from stillhunt.cli import range as range_group

EPILOG = "Exit status: 0 done, 1 found something (with --fail-on) or `case rerun` differs, 2 bad usage or input."

app = typer.Typer(
    name="stillhunt",
    help="Finds networks of accounts that are one operator harvesting a language model's outputs.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stillhunt {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version_: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")] = False,
) -> None:
    """Finds networks of accounts that are one operator harvesting a language model's outputs."""


app.command("scan")(scan.scan)
app.command("demo")(demo.demo)
app.command("watch")(watch.watch)
app.command("ingest")(intake.ingest)
app.command("join")(intake.join)
app.command("campaigns")(investigate.campaigns)
app.command("export")(export.export)
app.command("account")(investigate.account)
app.command("members")(members.members)
app.command("pools")(pools.pools)
app.command("formats")(catalogue.formats)
app.command("channels")(catalogue.channels)
case.app.command("answer")(case_answer.answer)
case.app.command("policy")(case_answer.policy)
case.app.command("share")(share.share)
case.app.command("export")(case_export.export)
case.app.command("report")(case_report.report)
case.app.command("pack")(packs.pack)
app.command("import")(packs.import_)
app.command("packs")(packs.packs)
app.command("verify")(verify.verify)
app.add_typer(config.app, name="config")
app.add_typer(case.app, name="case")
app.add_typer(lake.app, name="lake")
app.add_typer(ledger.app, name="ledger")
app.add_typer(range_group.app, name="range")
