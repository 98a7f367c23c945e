"""Content by reference: a file that a record names, read inside the log's own folder and nowhere else."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from stillhunt.intake.formats.reading import unreadable

_LARGEST = 64 << 20
"""Bytes of a file that a record refers to; no conversation is larger, and a special file must not be read for ever."""


def read_reference(reference: Any, field: str, folder: str) -> Any:
    """The JSON, or the lines of JSON, in the file that `reference` names.

    A log is written by others: what it names is read only inside the folder that the log lies in, links resolved.

    Args:
        reference: a path, absolute or relative to `folder`, or a file:// URI; None and "" refer to nothing.
        field: the attribute's name, for the reason.
        folder: the folder that must not be left.

    Raises:
        BadRow: the reference leaves the folder, has another scheme, or its file cannot be read as JSON.
    """
    if reference is None or reference == "":
        return None
    if not isinstance(reference, str) or "\0" in reference:
        return unreadable(f"{field}: expected a path or a file:// URI")
    path = reference
    if "://" in reference[:32]:
        try:
            parts = urlsplit(reference)
        except ValueError:
            return unreadable(f"{field}: expected a path or a file:// URI")
        if parts.scheme.lower() != "file" or parts.netloc not in ("", "localhost"):
            return unreadable(f"{field}: only files are read; copy the uploaded content beside the log and refer to it by path")
        path = unquote(parts.path)
    try:
        base = Path(folder).resolve()
        target = (base / path).resolve()
        if not target.is_relative_to(base):
            return unreadable(f"{field}: the file lies outside the log's folder; copy the uploaded content beside the log")
        if not target.is_file() or target.stat().st_size > _LARGEST:
            return unreadable(f"{field}: no such file beside the log (or one beyond 64 MiB); copy the uploaded content there")
        data = _plain(target.read_bytes(), field)
        if data is None:
            return None
    except (OSError, ValueError, RuntimeError):
        return unreadable(f"{field}: the file cannot be read; check its permissions")
    try:
        return orjson.loads(data)
    except ValueError:
        pass
    try:
        return [orjson.loads(line) for line in data.splitlines() if line.strip()]
    except ValueError:
        return unreadable(f"{field}: the file is neither JSON nor JSON lines")


def _plain(data: bytes, field: str) -> bytes | None:
    """What a gzip file holds; any other data as it is. Bounded: a small file may hold terabytes."""
    if data[:2] != b"\x1f\x8b":
        return data
    opened = zlib.decompressobj(wbits=31)
    try:
        plain = opened.decompress(data, _LARGEST)
    except zlib.error:
        return unreadable(f"{field}: the file is damaged gzip; get a sound copy")
    if opened.unconsumed_tail or not opened.eof:
        return unreadable(f"{field}: the file is cut off, or beyond 64 MiB unpacked")
    return plain
