"""`stillhunt case pack`, `stillhunt import`, `stillhunt packs`: what one provider tells another, to recognise without reading."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from stillhunt.cases.wording import count, visible
from stillhunt.cli.arguments import LakeOption
from stillhunt.cli.case_arguments import ByOption, CaseArgument, docket, who
from stillhunt.cli.terminal import Json, emit, results
from stillhunt.errors import InputError

ExchangeKeyOption = Annotated[
    Path | None, typer.Option("--exchange-key", metavar="FILE", help="The key for identifiers that both sides hold: 64 hex digits.")
]
IdentifiersOption = Annotated[
    Path | None,
    typer.Option("--identifiers", metavar="FILE", help="An export of accounts (Parquet or JSON lines, canonical names) with identifiers."),
]


def pack(
    case: CaseArgument,
    lake: LakeOption,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.", show_default=False)],
    recipient: Annotated[str, typer.Option("--recipient", metavar="NAME", help="The organization that it is for.", show_default=False)],
    tlp: Annotated[
        str, typer.Option("--tlp", metavar="LABEL", help="clear, green, amber, amber+strict or red: who may be told.")
    ] = "amber",
    days: Annotated[int, typer.Option("--days", min=1, max=730, help="For how long it is to be looked for.")] = 90,
    revoke: Annotated[
        list[str] | None,
        typer.Option(
            "--revoke", metavar="PACK", help="An earlier pack that is not to be looked for any more. May be repeated.", show_default=False
        ),
    ] = None,
    exchange_key: ExchangeKeyOption = None,
    identifiers: IdentifiersOption = None,
    by: ByOption = None,
    json: Json = False,
) -> None:
    """Write an indicator pack: lets another provider recognise the campaign, and shows neither prompts nor identities."""
    from stillhunt.cases.share import Tlp
    from stillhunt.cases.share.pack import Outgoing, send

    name = who(by)
    if tlp not in set(Tlp):
        raise InputError(f"--tlp {tlp[:40]}: no such label; use {', '.join(Tlp)}")
    wanted = Outgoing(recipient, Tlp(tlp), days, tuple(revoke or ()), exchange_key, identifiers)
    with docket(lake, write=True) as cases:
        made, event = send(cases, case, output, wanted, name)
        keys = [key.vkey for key in cases.ledger.keys()] if cases.ledger is not None else []  # noqa: SIM118  # no dictionary
    grams = sum(len(template.grams) for template in made.templates)
    sent = sum(len(values) for values in made.identifiers.values.values()) if made.identifiers is not None else 0
    if json:
        emit(
            {
                "pack_id": made.pack_id,
                "file": str(output),
                "event": event.number,
                "export_leaf": (event.body or {}).get("export_leaf"),
                "grams": grams,
                "templates": len(made.templates),
                "least": made.least,
                "matched": made.matched,
                "identifiers": sent,
                "expires_at": made.expires_at,
                "keys": keys,
            }
        )
        return
    console = results()
    console.print(
        Text(
            f"{output}: pack {made.pack_id}, {count(grams, 'number')} of word runs in {count(len(made.templates), 'template')}; "
            f"{made.matched:.0%} of the case's accounts match it. TLP:{tlp.upper()}, until {made.expires_at[:10]}."
        )
    )
    if sent:
        console.print(
            Text(
                f"{count(sent, 'keyed identifier')}: whoever holds the exchange key can try values, telephone numbers one after the other."
            )
        )
    console.print(Text("The recipient needs your public keys, by another way than the pack:"))
    for key in keys:
        console.print(Text(f"  {key}", overflow="fold", no_wrap=False))


def import_(
    pack: Annotated[Path, typer.Argument(metavar="PACK", help="The pack's file.", show_default=False)],
    lake: LakeOption,
    key: Annotated[
        list[Path],
        typer.Option("--key", metavar="FILE", help="The sender's public keys, one vkey a line. May be repeated.", show_default=False),
    ],
    exchange_key: ExchangeKeyOption = None,
    identifiers: IdentifiersOption = None,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", metavar="DIR", help="The ledger's folder (default: beside the lake).", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Verify another provider's indicator pack and look for it in every later scan of a lake."""
    from stillhunt.cases.share.pack import take
    from stillhunt.lake import Lake
    from stillhunt.ledger.log import ledger_at
    from stillhunt.verifier import Refused, read_keys

    try:
        keys = [one for path in key for one in read_keys(_read(path).decode("utf-8", "replace"))]
    except Refused as error:
        raise InputError(f"--key: {error}; give the sender's public keys, one vkey a line") from error
    data = _read(pack)
    with Lake.open(lake) as opened:
        kept = take(opened, ledger_at(opened, ledger), data, keys, exchange_key=exchange_key, identifiers=identifiers)
    if json:
        emit(kept.model_dump(mode="json"))
        return
    told = kept.pack
    console = results()
    console.print(
        Text(
            f"Pack {told.pack_id} of {visible(told.issuer)}, for {visible(told.recipient)}, TLP:{told.tlp.upper()}: "
            f"a campaign of about {count(told.accounts, 'account')}, {told.first_day} to {told.last_day}. "
            f"Looked for until {told.expires_at[:10]}."
        )
    )
    if kept.identified:
        console.print(Text(f"{count(len(kept.identified), 'account')} of the export have identifiers that are in it."))
    console.print(Text(f"Next: stillhunt scan --lake {lake}", style="dim"))


def packs(lake: LakeOption, json: Json = False) -> None:
    """List the imported packs that scans of a lake look for."""
    from stillhunt.lake import Lake
    from stillhunt.lake import packs as kept_packs

    with Lake.open(lake) as opened:
        found = kept_packs.decode(kept_packs.kept(opened.folder))
    if json:
        emit({"packs": [one.model_dump(mode="json") for one in found]})
        return
    console = results()
    if not found:
        console.print(Text("No packs were imported."))
        return
    gone = {(one.pack.issuer, each) for one in found for each in one.pack.revokes}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("pack", "from", "TLP", "accounts there", "until", "grams", ""):
        table.add_column(heading, overflow="fold")
    for one in found:
        each = one.pack
        table.add_row(
            Text(each.pack_id),
            Text(visible(each.issuer, 60)),
            Text(each.tlp),
            Text(f"about {each.accounts:,}"),
            Text(each.expires_at[:10]),
            Text(str(sum(len(template.grams) for template in each.templates))),
            Text("revoked" if (each.issuer, each.pack_id) in gone else ""),
        )
    console.print(table)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); name a file that is there") from error
