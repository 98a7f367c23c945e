"""Worlds with known truth, to drill in and to measure on.

In: a `WorldSpec` (or a scan's findings and a world's truth). Out: simulated logs, accounts and entitlements with the truth
beside them (or a score). Nobody calls a model. May import: records and errors; nothing of the hunt, so that what is
measured cannot leak into what measures; `ladder` alone calls the hunt, to measure it, and `scale` alone intake's fingerprints
and the lake, to write worlds straight into one. People, `populations/` (innocent twins) and operators play on a `stage`; `texts`
gives them words, `machinery` everything else, `writers` the provider's log formats.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stillhunt.range.operators import LADDER, PRESETS, OperatorSpec, operator
    from stillhunt.range.world import World, WorldSpec, make
    from stillhunt.range.writers import WRITERS

FINGERPRINTS = "fingerprints"
"""The format of worlds that are written straight into a lake (`scale`)."""

__all__ = ["FINGERPRINTS", "LADDER", "PRESETS", "WRITERS", "OperatorSpec", "World", "WorldSpec", "make", "operator"]

_HOME = {"LADDER": "operators", "PRESETS": "operators", "OperatorSpec": "operators", "operator": "operators", "WRITERS": "writers"}


def __getattr__(name: str) -> Any:
    # loaded when asked for: words and machinery are used without worlds, and a command line that makes none starts faster
    if name in __all__:
        return getattr(importlib.import_module(f"{__name__}.{_HOME.get(name, 'world')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
