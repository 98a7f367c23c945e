"""`stillhunt ledger witness`, `timestamp` and `cosign`: what people outside say about the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from stillhunt.cases.wording import count, moment
from stillhunt.cli.ledger_place import LakeOfLedger, LedgerOption, OutputOption, deliver, opened, read, read_keys
from stillhunt.cli.terminal import Json, emit, results
from stillhunt.errors import InputError

witness = typer.Typer(help="Others who vouch that the ledger only ever grew.", no_args_is_help=True)
timestamp = typer.Typer(help="Time stamps by an authority that you do not run (RFC 3161).", no_args_is_help=True)

WitnessKey = Annotated[Path, typer.Option("--key", metavar="FILE", help="The witness's private key.", show_default=False)]
WitnessName = Annotated[
    str, typer.Option("--name", metavar="NAME", help="The witness's name, like auditor.example/w1.", show_default=False)
]


@witness.command("trust")
def trust(
    keys: Annotated[Path, typer.Argument(metavar="FILE", help="The witness's public keys, one a line.", show_default=False)],
    lake: LakeOfLedger = None,
    ledger: LedgerOption = None,
    json: Json = False,
) -> None:
    """Accept a witness's cosignatures from now on; that becomes an entry."""
    from stillhunt.ledger.witness import trust as accept

    book = opened(lake, ledger)
    accepted = [accept(book, key.vkey).label for key in read_keys(keys)]
    if json:
        emit({"trusted": accepted})
        return
    results().print(Text(f"Trusted from now on: {', '.join(accepted)}."))


@witness.command("request")
def request(
    lake: LakeOfLedger = None,
    ledger: LedgerOption = None,
    old: Annotated[
        int | None,
        typer.Option(
            "--old", min=0, metavar="N", help="The size that the witness cosigned last (it says so if it is another).", show_default=False
        ),
    ] = None,
    output: OutputOption = None,
    json: Json = False,
) -> None:
    """Write what a witness needs: the newest checkpoint, and the proof that it continues the one before (tlog-witness)."""
    from stillhunt.ledger.witness import request as asked

    deliver(asked(opened(lake, ledger), old), output, json=json, what="request")


@witness.command("add")
def add(
    answer: Annotated[Path, typer.Argument(metavar="FILE", help="The witness's answer.", show_default=False)],
    lake: LakeOfLedger = None,
    ledger: LedgerOption = None,
    json: Json = False,
) -> None:
    """Keep a witness's answer, after it was verified."""
    from stillhunt.ledger.witness import add as keep

    size, keys = keep(opened(lake, ledger), read(answer))
    labels = [key.label for key in keys]
    if json:
        emit({"size": size, "cosigned_by": labels})
        return
    results().print(Text(f"The checkpoint of {count(size, 'entry', 'entries')} is cosigned by {', '.join(labels)}."))


@witness.command("key")
def key(key: WitnessKey, name: WitnessName, json: Json = False) -> None:
    """For a witness: print your public keys, for `trust`. The private key is made if there is none."""
    from stillhunt.ledger.checkpoints import witness_keys
    from stillhunt.ledger.keys import make_key
    from stillhunt.verifier import Refused

    try:
        vkeys = [one.vkey for one in witness_keys(make_key(key), name)]
    except Refused as error:
        raise InputError(f"--name {name}: {error}") from error
    if json:
        emit({"keys": vkeys})
        return
    for vkey in vkeys:
        typer.echo(vkey)


def cosign(
    checkpoint: Annotated[Path, typer.Argument(metavar="REQUEST", help="What `ledger witness request` wrote.", show_default=False)],
    key: WitnessKey,
    name: WitnessName,
    log: Annotated[list[Path], typer.Option("--log", metavar="FILE", help="Public keys of a ledger that you watch.", show_default=False)],
    state: Annotated[
        Path, typer.Option("--state", metavar="FILE", help="Where you remember what you cosigned. Never lose it.", show_default=False)
    ],
    output: OutputOption = None,
    json: Json = False,
) -> None:
    """For a witness: cosign a checkpoint, unless it contradicts one that you cosigned before."""
    from stillhunt.ledger.keys import read_key
    from stillhunt.ledger.witness import Witness

    logs = [one for path in log for one in read_keys(path)]
    deliver(Witness(name, read_key(key), logs, state).cosign(read(checkpoint)), output, json=json, what="cosignatures")


@timestamp.command("request")
def stamp_request(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Write the request (DER) to FILE.", show_default=False)],
    lake: LakeOfLedger = None,
    ledger: LedgerOption = None,
    json: Json = False,
) -> None:
    """Write a time stamp request for the newest checkpoint."""
    from stillhunt.ledger.timestamps import request as asked

    deliver(asked(opened(lake, ledger)), output, json=json, what="request")


@timestamp.command("add")
def stamp_add(
    response: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The authority's response (DER).", show_default=False)] = None,
    authority: Annotated[
        str | None,
        typer.Option(
            "--authority", metavar="URL", help="Ask this authority now, over the network, instead of reading FILE.", show_default=False
        ),
    ] = None,
    certificate: Annotated[
        list[Path] | None,
        typer.Option("--certificate", metavar="PEM", help="The authority's root certificate, to check it.", show_default=False),
    ] = None,
    lake: LakeOfLedger = None,
    ledger: LedgerOption = None,
    json: Json = False,
) -> None:
    """Keep a time stamp of a checkpoint, after it was verified. Nothing is sent anywhere without --authority."""
    from stillhunt.ledger import timestamps

    if (response is None) == (authority is None):
        raise InputError("give either the file with the authority's response, or --authority URL to ask it now")
    book = opened(lake, ledger)
    trusted: list[Any] = [one for path in certificate or () for one in timestamps.read_certificates(read(path), str(path))]
    content = read(response) if response is not None else timestamps.ask(str(authority), timestamps.request(book))
    size, at = timestamps.add(book, content, trusted)
    if json:
        emit({"size": size, "at": at.isoformat(), "authority_checked": bool(trusted)})
        return
    how = "" if trusted else " Whose stamp it is was not checked: give --certificate."
    results().print(
        Text(f"The checkpoint of {count(size, 'entry', 'entries')} existed at {moment(at.isoformat())}, says the time stamp.{how}")
    )
