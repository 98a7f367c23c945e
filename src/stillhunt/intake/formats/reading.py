"""Strict and lenient reading: what becomes of a field that cannot be read.

A format reads each record as if all of it were sound, and the readers of `values` raise `BadRow` at the first field that is not. The record
is then read once more, leniently: a field that cannot be read is left out and noted, and only what makes a call can cost the row.
So sound records pay nothing, and a format need not know which of its fields are optional.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, cast

from stillhunt.errors import BadRow


class _Reading(threading.local):
    left_out: list[str] | None = None  # None: strict


_READING = _Reading()


def _unreadable(reason: str) -> None:
    """What a reader returns for a value that it cannot read: None, with the reason noted, when reading leniently.

    Args:
        reason: the field as the source spells it, a colon, and what was expected; never the value.

    Raises:
        BadRow: when reading strictly.
    """
    if _READING.left_out is None:
        raise BadRow(reason)
    _READING.left_out.append(reason)


unreadable = cast("Callable[[str], NoReturn]", _unreadable)
"""`_unreadable`, typed as what it is to strict reading, so that readers need not say in their types that anything may be missing."""


def is_lenient() -> bool:
    """Whether what cannot be read is left out here."""
    return _READING.left_out is not None


@contextmanager
def lenient() -> Iterator[list[str]]:
    """Read leniently inside the block; the list takes the reasons of what is left out."""
    before, _READING.left_out = _READING.left_out, []
    try:
        yield _READING.left_out
    finally:
        _READING.left_out = before
