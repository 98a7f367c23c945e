"""Findings on disk: read with one clear error, written at once or not at all, the latest ones kept beside the lake.

Findings name accounts, so every file is readable by its owner only (mode 0600).
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stillhunt.errors import InputError, StillhuntError
from stillhunt.records import Findings

_TOLD = ".told"
KEPT = 20
"""Scans kept beside a lake: enough to see what changed over some weeks of daily scans."""


def encode(findings: Findings) -> bytes:
    """The contract's JSON, ASCII only, so that no terminal or editor can be misled by what an account calls itself."""
    return (json.dumps(findings.to_json(), indent=1, ensure_ascii=True) + "\n").encode()


def write_private(path: Path, content: bytes) -> None:
    """Write `content` to `path` with mode 0600, completely or not at all.

    Raises:
        StillhuntError: the folder cannot be written to.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise StillhuntError(f"{path}: cannot be written ({error.strerror or error}); choose another place") from error


def read(path: Path) -> Findings:
    """Findings from a file.

    Raises:
        InputError: missing, unreadable, no JSON, or not findings.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); give a findings.json that `stillhunt scan` wrote") from error
    return decode(content, str(path))


def decode(content: bytes, where: str) -> Findings:
    """Findings from the bytes of a file that is called `where`.

    Raises:
        InputError: no JSON, or not findings.
    """
    try:
        return Findings.model_validate(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{where}: not findings of Stillhunt ({_first_problem(error)}); give a findings.json that `stillhunt scan` wrote"
        ) from error


def _first_problem(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the whole"
        return f"{where}: {first['msg'].lower()}"
    return "not JSON"


def keep(findings: Findings, lake: str | Path, told: Mapping[str, Any] | None = None) -> Path | None:
    """Keep `findings` beside a local lake as ``scans/<time>.json`` and drop all but the `KEPT` newest.

    Args:
        findings: the scan's.
        lake: the lake's folder.
        told: what the scan was told (`cases.configuration`), kept beside, so that the scan can be repeated.

    Returns:
        The file written, or None where the lake is not a local folder.
    """
    folder = _folder(lake)
    if folder is None:
        return None
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.json"
    if told is not None:
        write_private(path.with_suffix(_TOLD), json.dumps(told, indent=1, sort_keys=True).encode())
    write_private(path, encode(findings))
    for old in sorted(folder.glob("*.json"))[:-KEPT]:
        with contextlib.suppress(OSError):
            old.unlink()
            old.with_suffix(_TOLD).unlink(missing_ok=True)
    return path


def told_of(findings: bytes, lake: str | Path) -> dict[str, Any] | None:
    """What the kept scan was told whose findings are exactly these bytes; None where it is not kept, or nobody wrote it down."""
    folder = _folder(lake)
    for kept in sorted(folder.glob("*.json"), reverse=True) if folder is not None else ():
        with contextlib.suppress(OSError, ValueError):
            if kept.read_bytes() == findings:
                found = json.loads(kept.with_suffix(_TOLD).read_bytes())
                return found if isinstance(found, dict) else None
    return None


def latest(lake: str | Path) -> Findings:
    """The newest findings kept beside a local lake.

    Raises:
        InputError: the lake is not a local folder, or has never been scanned.
    """
    return read(latest_file(lake))


def latest_file(lake: str | Path) -> Path:
    """The file of the newest findings kept beside a local lake.

    Raises:
        InputError: the lake is not a local folder, or has never been scanned.
    """
    folder = _folder(lake)
    if folder is None:
        raise InputError(f"{lake}: no folder, so no scans are kept beside it; give the findings.json that `stillhunt scan --output` wrote")
    kept = sorted(folder.glob("*.json"))
    if not kept:
        raise InputError(f"{lake}: has not been scanned yet; run `stillhunt scan --lake {lake}` first")
    return kept[-1]


def _folder(lake: str | Path) -> Path | None:
    location = Path(lake)
    return location / "scans" if location.is_dir() else None
