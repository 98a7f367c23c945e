"""`stillhunt verify`: what an evidence bundle proves. Needs neither lake nor network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stillhunt.cases.wording import visible
from stillhunt.cli.terminal import Json, emit
from stillhunt.errors import InputError


def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle, or the proof of one interaction.", show_default=False)],
    key: Annotated[
        list[Path],
        typer.Option("--key", metavar="FILE", help="Public keys that you trust, of the provider and of witnesses. May be repeated."),
    ],
    tsa: Annotated[
        list[Path] | None,
        typer.Option("--tsa", metavar="FILE", help="Certificate (PEM) of a timestamp authority that you trust. May be repeated."),
    ] = None,
    extract: Annotated[
        Path | None,
        typer.Option("--extract", metavar="DIR", help="Write what is enclosed (report, PDF, documents) to DIR, once it is verified."),
    ] = None,
    json: Json = False,
) -> None:
    """Verify an evidence bundle: what is proved, what is merely claimed, what is not shown. Exits with status 2 if it is refused."""
    from stillhunt.verifier import Refused, read_keys, told, verify_any

    try:
        keys = [one for path in key for one in read_keys(_read(path).decode("utf-8", "replace"))]
        verdict = verify_any(_read(bundle), keys, [_read(path) for path in tsa or []])
        files = verdict.extract(extract) if extract is not None else []
    except Refused as error:
        raise InputError(f"{bundle}: refused: {error}") from error
    if json:
        emit({"verified": True, **verdict.document(), "extracted": [str(file) for file in files]})
        return
    typer.echo(told(verdict), nl=False)
    if files:
        typer.echo(f"\nWritten to {visible(str(extract), 200)}: {', '.join(file.name for file in files)}")
    elif extract is not None:
        typer.echo("\nNothing was written: the proof of one interaction encloses no files.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); name a file that is there") from error
