"""Innocent twins at full size."""

from __future__ import annotations

from stillhunt.range.scale.cast import Register
from stillhunt.range.scale.crowd import Supplies
from stillhunt.range.world import WorldSpec


def cast(supplies: Supplies, spec: WorldSpec) -> list[list[object]]:
    """Nobody yet."""
    del supplies, spec
    return []


def planned(register: Register, days: int) -> int:
    """About how many calls the lanes that are on stage make."""
    del days
    return int(sum((part["rate"] * (part["until"] - part["begin"]) / 86_400_000_000).sum() for part in register.lanes))
