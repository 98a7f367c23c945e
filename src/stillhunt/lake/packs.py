"""Imported packs beside a local lake: `packs/<id>.json`, mode 0600, each in canonical JSON (`records.packs.KeptPack`).

Signatures were found right when a pack was imported (`cases.share.importing`), and the ledger holds the SHA-256 of what was signed.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from stillhunt.errors import StillhuntError
from stillhunt.records.canonical import canonical
from stillhunt.records.packs import KeptPack

FOLDER = "packs"


def encode(kept: KeptPack) -> str:
    """One pack as canonical JSON."""
    return canonical(kept.model_dump(mode="json")).decode()


def decode(texts: Iterable[str]) -> list[KeptPack]:
    """Packs from what `encode` wrote.

    Raises:
        StillhuntError: a text is none.
    """
    try:
        return [KeptPack.model_validate(json.loads(text)) for text in texts]
    except (ValidationError, ValueError, RecursionError) as error:
        raise StillhuntError("an imported pack cannot be read; take it out of the lake's folder `packs` and import it again") from error


def kept(folder: Path | None) -> tuple[str, ...]:
    """The packs that are kept beside the lake in `folder`, in order of their names; none where the lake has no folder.

    Raises:
        StillhuntError: one cannot be read.
    """
    if folder is None or not (folder / FOLDER).is_dir():
        return ()
    texts = []
    for path in sorted((folder / FOLDER).glob("*.json")):
        try:
            text = path.read_text("ascii").strip()
            decode([text])
        except (OSError, ValueError, StillhuntError) as error:
            raise StillhuntError(f"{path}: this pack cannot be read; remove the file and import the pack again") from error
        texts.append(text)
    return tuple(texts)


def keep(one: KeptPack, folder: Path) -> Path:
    """Keep a pack beside the lake in `folder`, whole or not at all.

    Raises:
        StillhuntError: it cannot be written.
    """
    place = folder / FOLDER
    path = place / f"{one.pack.pack_id}.json"
    draft: str | None = None
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=place, prefix=".pack.")
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(encode(one) + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except OSError as error:
        if draft is not None:
            with suppress(OSError):
                Path(draft).unlink()
        raise StillhuntError(f"{path}: cannot be written ({error.strerror or error}); check the folder's permissions") from error
    return path
