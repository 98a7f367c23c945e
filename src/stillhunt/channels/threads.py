"""Two threads for loops that hold no lock.

In: a function and items. Out: what it gives. May import: nothing of stillhunt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

THREADS = 2
"""Accounts are observed, and columns coded, counted and weighed in so many threads: what each does is compiled and holds no lock."""

_One = TypeVar("_One")
_Other = TypeVar("_Other")


def in_threads(function: Callable[[_One], _Other], items: Iterable[_One]) -> list[_Other]:
    """`function` of each item, in the items' order, `THREADS` at a time. All items are taken at once."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(function, items))
