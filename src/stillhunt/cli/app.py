"""The command tree: where each command is found, imported only when it is chosen."""

from __future__ import annotations

from typing import Annotated

import typer

from stillhunt import __version__
from stillhunt.cli.lazy import Place, group_of

EPILOG = "Exit status: 0 done, 1 found something (with --fail-on) or `case rerun` differs, 2 bad usage or input."

COMMANDS = {
    "scan": Place("scan:scan", "Find campaigns in logs, in a lake, or in both. `stillhunt scan LOGS` needs no configuration."),
    "demo": Place(
        "demo:demo",
        "See it at work: hide an operator among simulated customers, find it, make it a case, prove it: a minute or two, 0.4 GB.",
    ),
    "watch": Place(
        "watch:watch",
        "Follow logs, scan as they grow, and print what becomes of campaigns: one line an event, nothing when nothing happens.",
    ),
    "ingest": Place("intake:ingest", "Read logs into a lake. Reading the same calls again changes nothing."),
    "join": Place("intake:join", "Join a gateway's log with a content log on the request id, into one file that `ingest` and `scan` read."),
    "campaigns": Place(
        "investigate:campaigns",
        "Show the campaigns that a scan found, and pools that could not be judged; with --lake also all that a watch has ever seen there.",
    ),
    "account": Place(
        "investigate:account",
        "Show why an account is in a campaign (or in a pool that is none): what it shares, and how rare that is by chance.",
    ),
    "members": Place("members:members", "List all accounts of a campaign, or of a pool that is none or could not be judged."),
    "export": Place("export:export", "Write a scan's findings as a table: CSV or Parquet, one row for each account, observation or group."),
    "pools": Place(
        "pools:pools",
        "Find accounts that act as one in any table of accounts, channels, values and times. A pool is coordination, not guilt.",
    ),
    "formats": Place("formats:app", "List the log formats that can be read, and what each of them can see."),
    "channels": Place(
        "catalogue:channels", "List the channels: the kinds of evidence that accounts act as one, and the columns that each needs."
    ),
    "import": Place("packs:import_", "Verify another provider's indicator pack and look for it in every later scan of a lake."),
    "packs": Place("packs:packs", "List the imported packs that scans of a lake look for."),
    "verify": Place(
        "verify:verify",
        "Verify an evidence bundle: what is proved, what is merely claimed, what is not shown. Exits with status 2 if it is refused.",
    ),
    "config": Place("config:app", "Which settings hold, and where each comes from."),
    "case": Place("case:app", "Investigations: open, work on, close and repeat them."),
    "lake": Place("lake:app", "What a lake holds, keeping it fast, and deleting what may no longer be kept."),
    "ledger": Place("ledger:app", "The append-only log under everything: what it holds, whether it is whole, and proofs from it."),
    "range": Place("range:app", "Worlds with known truth, to drill in and to measure on."),
}
"""The commands and groups, in the order of `stillhunt --help`. The second text is the first line of the command's docstring."""

app = typer.Typer(
    name="stillhunt",
    cls=group_of(COMMANDS),
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
