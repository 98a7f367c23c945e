"""Which campaign of a scan is which known one, told by the accounts that they have in common.

A known campaign is one or more *generations* of accounts: those that came after a ban are a generation of their own. Campaigns of a scan
and generations are paired by the number of accounts in common, most first; what is left over is a merger or a split.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

LEAST_SHARED = 2
LEAST_SHARE = 0.2
"""Accounts in common that make two campaigns one: so many, and this share of the smaller. Named accounts are wrong once in a thousand,
so that two unrelated campaigns hardly ever have one in common."""

Generation = tuple[str, int]
"""Name of a known campaign, and which generation of its accounts, from 1."""


@dataclass
class Continuity:
    """The pairing.

    Attributes:
        home: campaign of the scan (by its place) -> name of the known campaign that it is.
        generations: campaign of the scan -> the generations that it continues.
        merged: name -> name of the known campaign that it has become part of.
        split: campaign of the scan without a home -> name of the known campaign that it was part of.
    """

    home: dict[int, str] = field(default_factory=dict)
    generations: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    merged: dict[str, str] = field(default_factory=dict)
    split: dict[int, str] = field(default_factory=dict)


def in_common(one: AbstractSet[str], other: AbstractSet[str]) -> int:
    """Accounts in common, if there are enough for these to be one campaign; otherwise 0.

    >>> in_common({"a", "b", "c"}, {"b", "c", "d"}), in_common({"a", "b", "c"}, {"c"})
    (2, 0)
    """
    shared = len(one & other)
    return shared if shared >= max(LEAST_SHARED, LEAST_SHARE * min(len(one), len(other))) else 0


def pair(found: Sequence[AbstractSet[str]], known: Mapping[Generation, AbstractSet[str]], gone_into: Mapping[str, str]) -> Continuity:
    """Pair the campaigns of a scan with known ones.

    Args:
        found: accounts of each campaign of the scan; no account is in two.
        known: accounts of each generation, in the order in which these became known.
        gone_into: name -> name of the known campaign that it has become part of before; it may come apart again.
    """
    order = {generation: at for at, generation in enumerate(known)}
    pairs: list[tuple[int, float, int, Generation]] = []
    for at, accounts in enumerate(found):
        for generation, members in known.items():
            shared = in_common(accounts, members)
            if shared:
                pairs.append((shared, shared / len(accounts | members), at, generation))
    pairs.sort(key=lambda one: (-one[0], -one[1], order[one[3]], one[2]))
    result = Continuity()
    claimed: dict[Generation, int] = {}
    for _, _, at, generation in pairs:
        free = generation not in claimed
        if free and result.home.get(at, generation[0]) == generation[0]:
            result.home[at] = generation[0]
            result.generations[at].append(generation[1])
            claimed[generation] = at
    living = set(result.home.values())
    for _, _, at, generation in pairs:
        name = generation[0]
        if at not in result.home:
            result.split.setdefault(at, name)
        elif name not in living and gone_into.get(name) != result.home[at]:
            result.merged.setdefault(name, result.home[at])
    return result
