"""Snapshot ids of the whole lake: which snapshot each table had, in one word that can be written down."""

from __future__ import annotations

import re

from pyiceberg.table.snapshots import Snapshot

from stillhunt.lake.faults import SnapshotGoneError

TABLES = ("interactions", "accounts", "entitlements", "phrases", "texts")
"""The tables that a snapshot id names, in its order. Changing this changes the prefix below."""

SCANNED = "stillhunt.scanned"
"""Property of a snapshot of the observations: the id of what the scan read."""

_PREFIX = "s1-"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Pins(dict[str, int | None]):
    """Table name -> snapshot id, None for a table without rows. `str()` is the id of the lake's snapshot."""

    def __str__(self) -> str:
        return _PREFIX + ".".join(_base36(self[name] or 0) for name in TABLES)

    @classmethod
    def parse(cls, text: str, where: str) -> Pins:
        """The pins that `text` stands for.

        Raises:
            SnapshotGoneError: it is not a snapshot id.
        """
        words = text.removeprefix(_PREFIX).split(".")
        if not text.startswith(_PREFIX) or len(words) != len(TABLES) or not all(re.fullmatch("[0-9a-z]{1,13}", word) for word in words):
            raise SnapshotGoneError(f"{where}: {text[:100]!r} is not the id of a snapshot of a lake; copy it from a scan's findings")
        return cls({name: int(word, 36) or None for name, word in zip(TABLES, words, strict=True)})


def scanned_by(snapshot: Snapshot) -> str | None:
    """The id of what the scan read that wrote this snapshot of the observations."""
    return snapshot.summary.additional_properties.get(SCANNED) if snapshot.summary is not None else None


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
