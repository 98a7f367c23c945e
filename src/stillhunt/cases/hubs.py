"""What the accounts of a campaign share with one another, observation by observation."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from stillhunt.records import Campaign

MAX_HUBS = 16
"""Shared observations that are drawn and listed: there is a letter for each."""


@dataclass(frozen=True)
class Hub:
    """An observation that accounts share: how many of the campaign's do, how many of as many strangers would, median bits."""

    channel: str
    value: str
    words: str
    accounts: int
    expected: float | None
    bits: float


def hubs(campaign: Campaign, most: int = MAX_HUBS) -> list[Hub]:
    """What two accounts or more share, the observations with most bits in all first."""
    bits: dict[tuple[str, str], list[float]] = {}
    told: dict[tuple[str, str], tuple[str, float | None]] = {}
    for member in campaign.accounts:
        for one in member.observations:
            bits.setdefault((one.channel, one.value), []).append(one.bits)
            told[one.channel, one.value] = one.description or f"{one.channel}: {one.value}", one.expected
    order = sorted((key for key in bits if len(bits[key]) > 1), key=lambda key: (-sum(bits[key]), key))[:most]
    return [Hub(*key, told[key][0], len(bits[key]), told[key][1], median(bits[key])) for key in order]


def letters(many: int) -> str:
    """Names for so many hubs, one letter each, in their order; 26 at most."""
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:many]
