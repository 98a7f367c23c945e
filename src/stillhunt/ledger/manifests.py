"""Which data files an entry is about: a list beside the ledger whose hash the entry holds, because one append writes a file a day."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stillhunt.lake.recorder import File
from stillhunt.ledger.log import Entry, Ledger
from stillhunt.records.canonical import canonical

KINDS = ("batch", "tables", "maintenance")
"""Entries that are about data files."""


@dataclass(frozen=True)
class Manifest:
    """Files that a change added (a hash is "" where the file was there before the ledger and was not read), and those that it removed."""

    added: tuple[File, ...]
    removed: tuple[tuple[str, int], ...] = ()

    def encode(self) -> bytes:
        """Canonical JSON."""
        return canonical({"added": [list(file) for file in self.added], "removed": [list(one) for one in self.removed]})

    def summary(self) -> dict[str, Any]:
        """What the entry says of it."""
        return {
            "added": len(self.added),
            "removed": len(self.removed),
            "rows_added": sum(file.rows for file in self.added),
            "rows_removed": sum(rows for _, rows in self.removed),
            "sha256": hashlib.sha256(self.encode()).hexdigest(),
        }

    @classmethod
    def parse(cls, data: bytes) -> Manifest:
        """The manifest in `data`.

        Raises:
            ValueError: it is none.
        """
        try:
            said = json.loads(data)
            added = tuple(File(str(name), int(size), int(rows), str(sha256)) for name, size, rows, sha256 in said["added"])
            return cls(added, tuple((str(name), int(rows)) for name, rows in said["removed"]))
        except (KeyError, TypeError) as error:
            raise ValueError from error


@dataclass(frozen=True)
class Listed:
    """An entry about data files, with its manifest; None where that is missing or is not what the entry says."""

    entry: Entry
    manifest: Manifest | None


def name_of(document: Mapping[str, Any]) -> str:
    """The id under which an entry's manifest lies; "" where it is none of ours."""
    name = document.get("id")
    return name if isinstance(name, str) and len(name) == 16 and name.isalnum() else ""


def listed(ledger: Ledger, folder: Path) -> Iterator[Listed]:
    """All entries about data files, with the manifests in `folder`."""
    for entry in ledger.entries():
        if entry.kind not in KINDS:
            continue
        try:
            data = (folder / f"{name_of(entry.document)}.json").read_bytes()
            sound = hashlib.sha256(data).hexdigest() == entry.document["files"]["sha256"]
            yield Listed(entry, Manifest.parse(data) if sound else None)
        except (OSError, ValueError, KeyError, TypeError):
            yield Listed(entry, None)


@dataclass
class Standing:
    """What all manifests together say.

    Attributes:
        added: files by name, as they were recorded; those with a hash only.
        older: names of files that were there before the ledger.
        removed: names of files that the lake should no longer have.
        mixed: names of files in which rows may lie that no batch has: older ones, and what was made of them.
        retained: interactions that retention deleted.
        before: the latest time up to which it did, ISO 8601; "" if never.
    """

    added: dict[str, File] = field(default_factory=dict)
    older: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    mixed: set[str] = field(default_factory=set)
    retained: int = 0
    before: str = ""

    def take(self, document: Mapping[str, Any], manifest: Manifest) -> None:
        """Go on by one entry."""
        # A file that nothing recorded and that is removed: what is made of it holds its rows.
        strangers = {name for name, _ in manifest.removed if name in self.mixed or name not in self.added}
        for file in manifest.added:
            if not file.sha256:
                self.older.add(file.name)
                self.mixed.add(file.name)
                continue
            self.added[file.name] = file
            if strangers:
                self.mixed.add(file.name)
            else:
                self.mixed.discard(file.name)
        self.removed.update(name for name, _ in manifest.removed)
        if document.get("change") == "retention" and document.get("table") == "interactions":
            self.retained += sum(rows for _, rows in manifest.removed) - sum(file.rows for file in manifest.added)
            self.before = max(self.before, str(document.get("before", "")))


def standing(ledger: Ledger, folder: Path) -> Standing:
    """What the manifests in `folder` say; those that are missing say nothing."""
    said = Standing()
    for one in listed(ledger, folder):
        if one.manifest is not None:
            said.take(one.entry.document, one.manifest)
    return said
