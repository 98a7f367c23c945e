"""Innocent twins: one module per population that looks coordinated and is not, found by being in this folder.

In: a stage, and how many accounts and calls to bring. Out: accounts, entitlements and lanes on that stage.
Each module lists its `POPULATIONS` and says in its docstring what they are, which indicators they trip and which
innocent cause explains them; the cause leaves visible traces in what a provider sees. May import: range.calls, stage, people,
machinery, texts.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from stillhunt.range.stage import Stage


@dataclass(frozen=True)
class Population:
    """One kind of innocents.

    `share` of the world's accounts belong to it, at least `fewest` and at most `most`; `pace` is calls per account and day
    of the window. `trips` names the indicators it really trips, `cause` what explains them.
    """

    name: str
    cast: Callable[[Stage, int, int], None]  # (stage, accounts, calls)
    share: float
    fewest: int
    most: int
    pace: float
    trips: tuple[str, ...]
    cause: str
    default: bool = True

    def size(self, accounts: int) -> int:
        """How many accounts it has in a world of `accounts`."""
        return max(self.fewest, min(self.most, round(self.share * accounts)))


def load() -> dict[str, Population]:
    """All populations by name, in order of name."""
    found: dict[str, Population] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda entry: entry.name):
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        for population in getattr(loaded, "POPULATIONS", ()):
            found[population.name] = population
    return found
