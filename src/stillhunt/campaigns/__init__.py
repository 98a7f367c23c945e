"""Campaigns: which pools conceal that they are one and harvest, and how sure that is.

In: a lake (through an engine), what channels observed, what pools were found. Out: `records.Findings`; from scan to scan, what has become
of each campaign (`chronicle`).
May import: records, errors, lake, channels, pools. Nothing here acts on an account (response) or argues about who (cases).

Names are imported when they are asked for: the hunt brings the compiler, the lake and statistics, two seconds that nobody waits for who
only looks at what was found.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stillhunt.campaigns.hunting import hunt
    from stillhunt.campaigns.judging import Settings

__all__ = ["Settings", "hunt"]

_HOMES = {"Settings": "judging", "hunt": "hunting"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
