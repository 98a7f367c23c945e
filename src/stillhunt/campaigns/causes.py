"""Visible common causes: what, other than one operator, would explain what a pool shares.

Concealment is what is left when everything that the accounts declare, and every cause that a provider can see, has been granted.
Each cause explains certain families of channels and no others: a sponsor's referral code explains that sign-ups came
together, from one place, with one starter kit; it does not explain that a hundred people work at one pace all night.
Nothing visible explains one card behind strangers, one scheduler's pace, or requests handed from account to account.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stillhunt.campaigns.harvest import Traits
from stillhunt.channels import Family
from stillhunt.pools.candidates import CONTROL
from stillhunt.pools.population import Column, Index, Population

MOST = 0.6
"""A cause must hold for this share of a pool's entities to explain it."""

EVENT_DAYS = 4.0
EVENT_SHARE = 0.8
ENDED_DAYS = 2.0
"""An event: four accounts in five live for at most four days, within one week, and have been gone for two days, or are
tied by a place or a referral code. People at an event keep the event's hours and its pace."""

TIMETABLE = 0.32
"""log2 of the quartile ratio of an account's pauses (see `channels.rhythm`) below which a timetable makes the calls: pauses that vary by a
tenth either way. Independent arrivals have 2.3; an operator's even pace with some jitter has 0.7, which is no excuse."""

UNEXPLAINABLE: tuple[Family, ...] = CONTROL
"""Families that no place or product explains. A declaration explains them; so may, one by one, a public list (conduct, work), an
event (conduct), a referral code, an e-mail domain of their own or declared organizations (identity): classes of a school share its domain,
and where many schools use one courseware, pairs of classes are no sign of one hand."""

PRODUCT: Family = "software"
"""A product (framework, app, shared prompt) always explains common software, so this family never counts as concealment."""


@dataclass(frozen=True)
class Cause:
    """A visible cause: what it is, in words, and the families that it explains."""

    words: str
    explains: frozenset[Family]


def causes(population: Population, members: Index, traits: Traits) -> list[Cause]:
    """All visible causes that hold for most of a group."""
    found = []
    singles = population.one_each(members)
    collided = float(np.median(traits.collided[singles]))
    if collided >= 1 / 3:
        words = f"they work off one public list: {collided:.0%} of a typical member's requests are also sent, word for word, by others"
        found.append(Cause(words, frozenset({"software", "conduct", "work", "occasion"})))
    declaring = float(np.mean(population.weights[singles] < 1.0))
    if declaring >= MOST:
        words = f"{declaring:.0%} of them declare an organization, whose names and domains are its own"
        found.append(Cause(words, frozenset({"identity"})))
    columns = {column.aspect.name: column for column in population.columns}
    meeting = [columns.get(aspect) for aspect in ("signup.referral", "subnet.calls", "subnet.signup")]
    met = any(_common(column, population, members, singles, own=False) for column in meeting)
    brief = np.isfinite(traits.began[singles]) & (traits.ended[singles] - traits.began[singles] <= EVENT_DAYS)
    over = traits.ended[singles] <= traits.until - ENDED_DAYS
    if float(np.mean(brief & (over | met))) >= EVENT_SHARE and _together(traits, singles):
        words = "they came for the same few days and left" if float(np.mean(over)) >= EVENT_SHARE else "they met for the same few days"
        found.append(Cause(f"{words}, as for an event", frozenset({"occasion", "conduct"})))
    regular = columns.get("rhythm.regularity")
    if regular is not None and regular.numbers is not None:
        known = regular.numbers[singles][np.isfinite(regular.numbers[singles])]
        if known.size > 0.5 * singles.size and float(np.median(known)) < TIMETABLE:
            words = "their calls keep a timetable, which a product sets for everybody who uses it"
            found.append(Cause(words, frozenset({"software", "conduct"})))
    visible: tuple[tuple[str, tuple[Family, ...], str], ...] = (
        ("signup.referral", ("occasion", "place", "software", "identity"), "{share:.0%} signed up with the referral code {value}"),
        (
            "email.domain",
            ("identity", "place", "occasion", "software", "payer"),
            "{share:.0%} have e-mail addresses at {value}, which hardly anybody else has",
        ),
        ("subnet.calls", ("place", "occasion"), "{share:.0%} call from the network {value}"),
        ("subnet.signup", ("place", "occasion"), "{share:.0%} signed up from the network {value}"),
    )
    for aspect, explains, words in visible:
        common = _common(columns.get(aspect), population, members, singles, own=aspect == "email.domain")
        if common:
            value, share = common
            found.append(Cause(words.format(value=value, share=share), frozenset(explains)))
    return found


def _together(traits: Traits, singles: Index) -> bool:
    """Whether four in five lives lie within one week."""
    low, high = np.nanquantile(traits.began[singles], 0.1), np.nanquantile(traits.ended[singles], 0.9)
    return float(high - low) <= 2 * EVENT_DAYS - 1


def _common(column: Column | None, population: Population, members: Index, singles: Index, *, own: bool) -> tuple[str, float] | None:
    """The value that most of a group has; with `own`, only if the group makes up at least half of those who have it."""
    if column is None:
        return None
    counts = np.bincount(column.of(singles), minlength=column.width)
    counts[0] = 0
    code = int(counts.argmax())
    share = counts[code] / max(len(singles), 1)
    if share < MOST:
        return None
    inside = float(population.weights[members[column.of(members) == code]].sum())
    if own and inside < 0.5 * float(column.totals[:, code].sum()):
        return None
    return column.name(code), float(share)
