"""`stillhunt ledger`: what the ledger holds, whether it is still what was signed, and proofs to hand out."""

from __future__ import annotations

import hashlib
import json as encoder
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from stillhunt.cases.wording import count, moment, visible
from stillhunt.cli.ledger_batches import adopt
from stillhunt.cli.ledger_outside import cosign, timestamp, witness
from stillhunt.cli.ledger_place import LakeOfLedger, LedgerOption, OutputOption, deliver, folder_of, opened, read, read_keys
from stillhunt.cli.outcome import BAD_INPUT
from stillhunt.cli.terminal import Json, emit, results
from stillhunt.errors import InputError
from stillhunt.records.canonical import canonical

app = typer.Typer(
    help="The append-only log under everything: what it holds, whether it is whole, and proofs from it.", no_args_is_help=True
)
app.add_typer(witness, name="witness")
app.add_typer(timestamp, name="timestamp")
app.command("cosign")(cosign)
app.command("adopt")(adopt)


@app.command()
def init(
    lake: LakeOfLedger = None,
    ledger: LedgerOption = None,
    origin: Annotated[
        str | None,
        typer.Option(
            "--origin", metavar="NAME", help="The log's name, like example.com/stillhunt (default: from its key).", show_default=False
        ),
    ] = None,
    kms: Annotated[
        str | None,
        typer.Option(
            "--kms", metavar="URI", help="Sign with this Ed25519 key of a key service (gcpkms:, hv:, hsm: ...).", show_default=False
        ),
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option("--public-key", metavar="PEM", help="The public key that belongs to --kms.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Make a ledger, with a name or a key of your own. Without this, the first ingest makes one."""
    from stillhunt.ledger import Ledger
    from stillhunt.ledger.keys import key_path, make_key
    from stillhunt.ledger.store import HEADER

    folder = folder_of(lake, ledger)
    if (folder / HEADER).exists():
        raise InputError(f"{folder}: there is a ledger already; its name and keys stay as they are")
    path = key_path(folder)
    if kms is not None and path.exists():
        raise InputError(f"{path}: there is a key already; move it away to use one of a key service")
    signers = make_key(path, kms=kms, public_pem=read(public_key) if public_key else None)
    made = Ledger.open(folder, create=True, signers=signers, origin=origin)
    public = made.keys()
    if json:
        emit({"ledger": str(folder), "origin": made.origin, "key_file": str(path), "keys": [one.vkey for one in public]})
        return
    results().print(Text(f"{made.origin} lies in {folder}; its signing key is {path}: keep it safe, and apart from backups of the ledger."))


@app.command()
def show(
    lake: LakeOfLedger = None,
    ledger: LedgerOption = None,
    start: Annotated[
        int | None, typer.Option("--from", min=0, metavar="N", help="From entry N on (default: the last 50).", show_default=False)
    ] = None,
    kind: Annotated[str | None, typer.Option("--kind", metavar="KIND", help="Only entries of this kind.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Show the entries: when, what kind, and what they say."""
    book = opened(lake, ledger)
    size = book.size
    entries = [entry for entry in book.entries(max(0, size - 50) if start is None else start) if kind in {None, entry.kind}]
    if json:
        documents: list[dict[str, Any]] = [
            {"index": entry.index, "at": entry.at, "kind": entry.kind, "document": entry.document} for entry in entries
        ]
        emit({"origin": book.origin, "size": size, "entries": documents})
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("Entry", "At", "Kind", "Says"):
        table.add_column(column, no_wrap=column != "Says", justify="right" if column == "Entry" else "left")
    for entry in entries:
        said = ", ".join(f"{name} {_short(value)}" for name, value in entry.document.items())
        table.add_row(Text(str(entry.index)), Text(moment(entry.at)), Text(entry.kind), Text(visible(said, 300)))
    console = results()
    console.print(Text(f"{visible(book.origin)}: {count(size, 'entry', 'entries')}"))
    console.print(table)


@app.command()
def check(
    lake: LakeOfLedger = None,
    ledger: LedgerOption = None,
    key: Annotated[
        list[Path] | None,
        typer.Option("--key", metavar="FILE", help="The ledger's public keys as somebody else kept them.", show_default=False),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against",
            metavar="FILE",
            help="An older checkpoint that somebody else kept: the ledger must continue it.",
            show_default=False,
        ),
    ] = None,
    certificate: Annotated[
        list[Path] | None, typer.Option("--certificate", metavar="PEM", help="Certificates of a time stamp authority.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Say whether ledger and lake are still what was signed; exit status 2 if anything is not."""
    from stillhunt.lake import Lake
    from stillhunt.ledger.checking import check as checked

    folder = folder_of(lake, ledger)
    keys = [one for path in key or () for one in read_keys(path)]
    kept = {str(path): read(path) for path in against or ()}
    certificates: list[Any] = []
    for path in certificate or ():
        from stillhunt.ledger.timestamps import read_certificates

        certificates.extend(read_certificates(read(path), str(path)))
    if lake is not None:
        with Lake.open(lake) as holding:
            done = checked(folder, keys=keys, against=kept, certificates=certificates, lake=holding)
    else:
        done = checked(folder, keys=keys, against=kept, certificates=certificates)
    if json:
        problems = [{"where": one.where, "what": one.what} for one in done.problems]
        emit({"origin": done.origin, "size": done.size, "lake": lake, "sound": not problems, "problems": problems})
    else:
        console = results()
        for problem in done.problems:
            console.print(Text(visible(str(problem), 600)))
        console.print(Text(_verdict(done.size, len(done.problems), rows=lake is not None, outside=bool(keys), older=len(kept))))
    if done.problems:
        raise typer.Exit(BAD_INPUT)


def _verdict(size: int, problems: int, *, rows: bool, outside: bool, older: int) -> str:
    said = f"{count(size, 'entry', 'entries')}, {count(problems, 'problem') if problems else 'all as it was signed'}."
    if not rows:
        said += " The lake's rows were not looked at: give --lake."
    if not outside:
        said += " The keys are the ledger's own word: give --key."
    if not older:
        said += " Whether entries were cut off its end only a checkpoint that somebody else kept can tell: give --against."
    return said


@app.command()
def prove(
    index: Annotated[int | None, typer.Argument(metavar="[INDEX]", help="The entry.", show_default=False)] = None,
    interaction: Annotated[
        str | None,
        typer.Option("--interaction", metavar="ID", help="Prove one interaction, without showing any other.", show_default=False),
    ] = None,
    lake: LakeOfLedger = None,
    ledger: LedgerOption = None,
    output: OutputOption = None,
    all_signatures: Annotated[
        bool, typer.Option("--all-signatures", help="With an interaction's proof also the checkpoint's ML-DSA signature, 3.3 kB.")
    ] = False,
    json: Json = False,
) -> None:
    """Write the proof that an entry (.tlog-proof, with the entry in it) or an interaction (JSON) is in the ledger."""
    if (index is None) == (interaction is None):
        raise InputError("say what to prove: the number of an entry, or --interaction ID")
    book = opened(lake, ledger)
    if interaction is None:
        deliver(book.proof(index or 0, with_entry=True), output, json=json, what="proof")
        return
    from stillhunt.lake import Lake

    if lake is None:
        raise InputError("--interaction needs --lake DIR, which holds the row")
    with Lake.open(lake) as holding:
        proof = canonical(book.prove_interaction(interaction, holding, brief=not all_signatures)) + b"\n"
    if output is None:
        typer.echo(proof.decode(), nl=False)
    else:
        deliver(proof, output, json=json, what="proof")


@app.command()
def key(lake: LakeOfLedger = None, ledger: LedgerOption = None, json: Json = False) -> None:
    """Print the ledger's public keys: one line each for Stillhunt and C2SP tools, and as PEM for everything else."""
    from stillhunt.ledger.keys import pem

    keys = opened(lake, ledger).keys()
    if json:
        emit({"keys": [{"vkey": one.vkey, "algorithm": one.algorithm, "pem": pem(one.kind, one.public)} for one in keys]})
        return
    for one in keys:
        typer.echo(one.vkey)
    for one in keys:
        typer.echo("".join(f"# {line}\n" for line in (one.algorithm, *pem(one.kind, one.public).splitlines())), nl=False)


@app.command()
def add(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="What it is: decision, dye_plan, disposition, case, export or import.", show_default=False)
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Any document. Only its hash enters the ledger.", show_default=False)],
    lake: LakeOfLedger = None,
    ledger: LedgerOption = None,
    json: Json = False,
) -> None:
    """Commit to a document of any tool's before it matters: a decision, or a dye test's plan before its coins are thrown."""
    allowed = ("decision", "dye_plan", "disposition", "case", "export", "import")
    if kind not in allowed:
        raise InputError(f"{kind}: no such kind; choose from {', '.join(allowed)}")
    content = read(file)
    # the name's hash only: names of files say more than people think, and an entry stays for ever
    document = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "name_sha256": hashlib.sha256(file.name.encode()).hexdigest(),
    }
    book = opened(lake, ledger)
    index = book.append(kind, document)
    if json:
        emit({"index": index, "kind": kind, **document})
        return
    results().print(Text(f"Entry {index}: the SHA-256 of {visible(file.name)} is in the ledger. Keep the file: the ledger does not."))


@app.command()
def checkpoint(
    lake: LakeOfLedger = None,
    ledger: LedgerOption = None,
    size: Annotated[
        int | None, typer.Option("--size", min=0, metavar="N", help="Of the first N entries (default: all).", show_default=False)
    ] = None,
    output: OutputOption = None,
    json: Json = False,
) -> None:
    """Write the signed checkpoint, with its cosignatures. Whoever keeps a copy can later tell whether the ledger was cut or forked."""
    deliver(opened(lake, ledger).checkpoint(size), output, json=json, what="checkpoint")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else encoder.dumps(value)
    return f"{text[:12]}…" if len(text) == 64 and " " not in text else text[:80]
