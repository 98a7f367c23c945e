"""Is a campaign whose accounts are all new an old one come back? What the new accounts share with the old ones tells.

Cards, networks, clients, ways of making names and instructions outlive a ban more often than accounts do. For an aspect (a channel's
column of categories or sets) let w(v) be the share of the old campaign's accounts that have value v (scaled so that the sum is one at
most), q(v) the share of the new one's, and p(v) that of unrelated accounts. Then

    E = Σ w(v) q(v) / p(v)

Null hypothesis: the new campaign is an unrelated operator's, so that each value of the old one is as common among its accounts, on
average, as among strangers: E[q(v)] = p(v). Then the mean of E is at most one, however the new campaign's accounts depend on one
another: E is an e-value. Aspects of a family, and families, are averaged, which keeps it one under any dependence (V. Vovk and R. Wang,
Ann. Statist. 49, 2021). With m pairs of campaigns compared, a pair is tied where the mean is at least m / `ALPHA`, and where what is
neither software nor place says `WITHOUT_PRODUCT` by itself: operators who have nothing else in common may run one harness, or rent
from one hoster. p(v) is taken from the scan; it is not below one account of those in view, so small populations tie less.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stillhunt.channels import Channel, Family
from stillhunt.records import Campaign

ALPHA = 0.01
WITHOUT_PRODUCT = 10.0
_PRODUCT: frozenset[Family] = frozenset({"software", "place"})
_LASTING: frozenset[Family] = frozenset({"payer", "identity", "place", "software", "work"})
"""Families that a replacement can keep: how accounts behave and what brought them is of their own time."""

_KINDS = ("category", "set")
"""Kinds whose values mean the same in every scan. Ties are numbered within one, measures are never quite equal."""


@dataclass(frozen=True)
class Trait:
    """A value that accounts of a campaign share: how many of them, as a share, and how common it is among strangers."""

    aspect: str
    value: str
    share: float
    strangers: float


def traits(campaign: Campaign, accounts_in_view: int, families: Mapping[str, Family]) -> list[Trait]:
    """What a campaign's accounts share that may outlive them.

    Args:
        campaign: as a scan found it.
        accounts_in_view: how many accounts the scan saw.
        families: as `lasting`.
    """
    size = len(campaign.accounts)
    held: Counter[tuple[str, str]] = Counter()
    expected: dict[tuple[str, str], float] = defaultdict(float)
    for member in campaign.accounts:
        for one in member.observations:
            if one.channel in families and one.expected is not None:
                key = (one.channel, one.value)
                held[key] += 1
                expected[key] = max(expected[key], one.expected)
    floor = 1.0 / max(accounts_in_view, 1)
    return [
        Trait(aspect, value, count / size, min(1.0, max(expected[aspect, value] / size, floor)))
        for (aspect, value), count in sorted(held.items())
        if count > 1
    ]


def lasting(channels: Iterable[Channel]) -> dict[str, Family]:
    """Aspects that may tie a replacement to what it replaces -> their family."""
    return {
        aspect.name: channel.family
        for channel in channels
        for aspect in channel.aspects
        if channel.family in _LASTING and aspect.kind in _KINDS
    }


def kin(old: Iterable[Trait], new: Iterable[Trait], families: Mapping[str, Family], pairs: int) -> float:
    """E-value that two campaigns are one operator's, 0 where it does not suffice.

    Args:
        old: traits of the campaign that is over.
        new: traits of the one whose accounts are new.
        families: as `lasting`.
        pairs: how many pairs are compared in this scan.
    """
    fresh = {(one.aspect, one.value): one for one in new}
    by_aspect: dict[str, list[Trait]] = defaultdict(list)
    for one in old:
        by_aspect[one.aspect].append(one)
    by_family: dict[Family, list[float]] = defaultdict(list)
    for aspect, kept in by_aspect.items():
        if aspect not in families:
            continue
        whole = max(1.0, sum(one.share for one in kept))
        found = ((one, fresh.get((aspect, one.value))) for one in kept)
        by_family[families[aspect]].append(
            sum(one.share / whole * other.share / other.strangers for one, other in found if other is not None)
        )
    each = {family: sum(values) / len(values) for family, values in by_family.items()}
    if not each:
        return 0.0
    control = [value for family, value in each.items() if family not in _PRODUCT]
    evidence = sum(each.values()) / len(each)
    apart = sum(control) / len(control) if control else 0.0
    return evidence if evidence >= max(pairs, 1) / ALPHA and apart >= WITHOUT_PRODUCT else 0.0
