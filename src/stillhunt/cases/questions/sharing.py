"""What a campaign's members share, as columns: what their observations, their records and their handed-on requests say.

In: `Material`. Out: columns over its members. May import: channels, cases.material. Nothing is weighed here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.cases.material import Material
from stillhunt.channels import Family, channels
from stillhunt.channels.handoff import CHANNEL as HANDOFF

Index = npt.NDArray[np.int64]

STRONG_BITS = 2.0
"""Observations that say less tie nobody: strangers share such values, too."""

RARE = 50
"""A value that more than one stranger in so many has is nobody's mark."""

WIDE = 0.95
"""A gram that so many members have tells none of them from the others."""

SPREAD = 0.1
"""Grams of an instruction recur with so many members; one instruction in ten counts."""


@dataclass(frozen=True)
class HandedOn:
    """Refused requests that reappeared from another account (`channels.handoff`), as far as a member is on one side.

    Attributes:
        pairs: between two members: giver and taker as places among the members (which is which is not kept), and when, microseconds.
        tied: accounts that requests of a member were handed to, members and others, each tie read in one direction drawn at random.
        members: those of them that are members.
        others: account -> requests, of those that are not.
    """

    pairs: tuple[Index, Index, Index]
    tied: int
    members: int
    others: dict[str, int]


def kinds() -> dict[str, tuple[Family, str]]:
    """Aspect -> (family, kind) of every channel."""
    return {aspect.name: (channel.family, aspect.kind) for channel in channels() for aspect in channel.aspects}


def places(material: Material) -> dict[str, int]:
    """Member's account id -> its place among the members."""
    return {name: at for at, name in enumerate(material.names)}


@dataclass(frozen=True)
class Common:
    """What members have that strangers hardly have.

    Attributes:
        respects: (family, aspect) -> a value's number for each member, -1 where it has none or one that strangers have, too.
        grams: numbers of the grams of the pool's instructions, ascending.
    """

    respects: dict[tuple[str, str], Index]
    grams: Index


INSTRUCTION = "instruction"
"""The family under which instructions are compared: what is asked is not what it is asked with."""


def common(material: Material) -> Common:
    """The values that members have and at most one in `RARE` of the other accounts: of categories, and of recurring grams.

    Of grams each member gets one number: that of the most widespread gram that it has and that not nearly everybody has (`WIDE`); those
    who have only grams of nearly everybody get one number of their own. Measures and ties are no values to be compared.
    """
    digest = material.sight.digest
    inside = np.zeros(len(digest.accounts), np.bool_)
    inside[material.members] = True
    place = np.full(inside.size, -1, np.int64)
    place[material.members] = np.arange(material.members.size)
    found: dict[tuple[str, str], Index] = {}
    grams = np.zeros(0, np.int64)
    for channel in channels():
        wanted = {one.name for one in channel.aspects if one.testifies and (one.kind == "category" or one.name == "template.gram")}
        if not wanted:
            continue
        for one in channel.observe(digest):
            if one.aspect not in wanted or not one.accounts.size:
                continue
            values = one.values.indices if isinstance(one.values, pa.DictionaryArray) else one.values
            codes = np.unique(np.asarray(values), return_inverse=True)[1].astype(np.int64)
            rare = _rare(codes, inside[one.accounts], inside)
            at = np.flatnonzero(inside[one.accounts] & rare[codes])
            who, code = place[one.accounts[at]], codes[at]
            if one.aspect != "template.gram":
                label = np.full(material.members.size, -1, np.int64)
                label[who] = code
                found[channel.family, one.aspect] = label
                continue
            held = np.bincount(code, minlength=rare.size)
            spread = held >= SPREAD * material.members.size
            grams = np.unique(np.asarray(one.values)[at][spread[code]]).astype(np.int64)
            found[INSTRUCTION, one.aspect] = _first_of(who, code, held, material.members.size)
    return Common({key: found[key] for key in sorted(found) if (found[key] >= 0).any()}, grams)


def _rare(codes: Index, ours: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which values at most one other account in `RARE` has."""
    width = int(codes.max()) + 1
    strangers = np.bincount(codes[~ours], minlength=width)
    return np.asarray(strangers * RARE <= np.count_nonzero(~inside))


def _first_of(who: Index, code: Index, held: Index, members: int) -> Index:
    """The most widespread value of each member that not nearly everybody has."""
    order = np.lexsort((np.arange(held.size), -held))
    rank = np.empty(held.size, np.int64)
    rank[order] = np.arange(held.size)
    number = np.where(held[code] > WIDE * members, held.size, rank[code])
    label = np.full(members, held.size + 1, np.int64)
    np.minimum.at(label, who, number)
    return np.where(label > held.size, -1, label)


def linked_by(material: Material) -> tuple[Index, int]:
    """By how many families of channels each member was linked, shape (members,), and how many families linked anybody."""
    at, known = places(material), kinds()
    families: list[set[str]] = [set() for _ in at]
    for member in material.campaign.accounts:
        if member.account_id in at:
            families[at[member.account_id]] = {
                known[one.channel][0] for one in member.observations if one.channel in known and one.bits >= STRONG_BITS
            }
    everything = {family for own in families for family in own}
    return np.array([len(own) for own in families], np.int64), len(everything)


def handed_on(material: Material) -> HandedOn:
    """The requests that members handed on or took over; those that many accounts send tie nobody and are left out."""
    digest = material.sight.digest
    place = np.full(len(digest.accounts), -1, np.int64)
    place[material.members] = np.arange(material.members.size)
    nothing = np.zeros(0, np.int64)
    observed = next(iter(HANDOFF.observe(digest)))
    if not observed.accounts.size:
        return HandedOn((nothing, nothing, nothing), 0, 0, {})
    keys = np.unique(np.asarray(observed.values), return_inverse=True)[1]
    order = np.argsort(keys, kind="stable")
    keys, accounts, when = keys[order], observed.accounts[order], observed.last[order]
    ours = np.bincount(keys, weights=place[accounts] >= 0)[keys] > 0
    keys, accounts, when = keys[ours], accounts[ours], when[ours]
    next_to = np.flatnonzero(keys[1:] == keys[:-1])
    one, other, moment = accounts[next_to], accounts[next_to + 1], when[next_to]
    both = (place[one] >= 0) & (place[other] >= 0)
    # each tie is read in one direction, drawn at random: else both of its ends would be caught together, and an account by itself
    forth = np.random.default_rng(0).random(one.size) < 0.5
    giver, taker = np.where(forth, one, other), np.where(forth, other, one)
    tied = np.unique(taker[place[giver] >= 0])
    inside = place[tied] >= 0
    others = Counter(digest.accounts[account] for account in accounts[place[accounts] < 0].tolist())
    return HandedOn(
        (place[one[both]], place[other[both]], moment[both]),
        int(tied.size),
        int(inside.sum()),
        dict(sorted(others.items(), key=lambda item: (-item[1], item[0]))),
    )


def micros(column: pa.ChunkedArray[Any]) -> Index:
    """Times as microseconds since 1970, 0 where they are not known."""
    whole: Any = pc.fill_null(column.cast(pa.int64()), pa.scalar(0, pa.int64()))
    return np.asarray(whole.to_numpy(), np.int64)


def distinct(column: pa.ChunkedArray[Any]) -> tuple[int, int]:
    """Of a column: (distinct values, rows with a value)."""
    filled = column.drop_null()
    return len(filled.unique()), len(filled)
