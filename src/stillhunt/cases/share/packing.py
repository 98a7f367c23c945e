"""What goes into an indicator pack: of a campaign's grams those that hardly anybody else shows, and what may help a person to look closer.

In: the material of a case. Out: the parts of `records.packs.Pack` that describe the campaign. Nothing here signs or writes.

A gram goes in if it recurs in the requests of `LEAST_ACCOUNTS` members and a twentieth of them, and of no more than `MOST_STRANGERS` of
the entities that the scan did not name (accounts of one organization count once). So what a framework, an application or a popular prompt
brings stays out, and nothing that one account wrote for itself leaves. If too little is left to tell a stranger from a member, there is
no pack.

What a recipient learns: grams are unkeyed numbers of 31 bits for four words each, one in four of them sampled. Nobody can read words from
them, and many runs of words have the same number; but whoever guesses the words can confirm the guess. That is what recognising means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stillhunt.campaigns.declared import declarations
from stillhunt.campaigns.recognised import Mask, Shown, together
from stillhunt.cases.material import Material
from stillhunt.channels.digest import Digest
from stillhunt.channels.template import CHANNEL
from stillhunt.errors import InputError
from stillhunt.pools.population import Index
from stillhunt.records.packs import LEAST_GRAMS, MOST_GRAMS, MOST_TEMPLATES, Behaviour, Template

LEAST_ACCOUNTS = 5
LEAST_SHARE = 0.05
MOST_STRANGERS = 0.002
"""Of the entities outside the campaign, at most this share (or one entity) may show a gram that goes in."""

TYPICAL = 0.5
"""An account must show this share of what is typical of the campaign (the median member's grams), and `LEAST_GRAMS` at any rate."""

LEAST_MATCHED = 0.2
"""A pack that fewer of the campaign's own accounts match would recognise nobody."""

ENOUGH, NEARLY_ALL = LEAST_GRAMS + 2, 0.95
"""No more goes in once so large a share of the members shows so many grams."""

ALIKE = 0.5
"""Two grams stand and fall together if the accounts that show both are this share of those that show either."""


@dataclass(frozen=True)
class Gathered:
    """Templates, the grams that an account must show, and the share of the campaign's accounts that show so many."""

    templates: list[Template]
    least: int
    matched: float


def gather(material: Material, ignored: frozenset[str] = frozenset()) -> Gathered:
    """The grams of a campaign that are its own. Organizations in `ignored` declare nothing, as in the scan.

    Raises:
        InputError: there are too few: the accounts say what others say, too, or each something else.
    """
    digest = material.sight.digest
    declared = declarations(digest.people, material.sight.granted, ignored)
    observed = next(iter(CHANNEL.observe(digest)))
    named = {member.account_id for campaign in material.findings.campaigns for member in campaign.accounts}
    outside = np.array([account not in named for account in digest.accounts], np.bool_)
    return chosen(Shown.of(observed, declared.owners), material.members, outside, digest)


def chosen(shown: Shown, members: Index, outside: Mask, digest: Digest | None = None) -> Gathered:
    """The grams of some accounts that are their own; see `gather`.

    Args:
        shown: what recurs in whose requests.
        members: places of the campaign's accounts.
        outside: accounts that no campaign has.
        digest: to see what stands in one request; not asked if None.
    """
    inside = np.zeros(outside.size, np.bool_)
    inside[members] = True
    own, times = np.unique(shown.grams[inside[shown.accounts]], return_counts=True)
    own = own[times >= max(LEAST_ACCOUNTS, LEAST_SHARE * members.size)]
    elsewhere = shown.entities_by_gram(own, outside & ~inside)
    own = own[elsewhere <= max(1.0, MOST_STRANGERS * shown.entities_of(outside & ~inside))]
    holders = {int(gram): frozenset[int]() for gram in own}
    near = shown.only(own)
    of_members = inside[near.accounts]
    order = np.argsort(near.grams[of_members], kind="stable")
    grams, accounts = near.grams[of_members][order], near.accounts[of_members][order]
    for gram, those in zip(own.tolist(), np.split(accounts, np.searchsorted(grams, own)[1:]) if own.size else [], strict=True):
        holders[gram] = frozenset(those.tolist())
    ranked = sorted(holders, key=lambda gram: (-len(holders[gram]), gram))[:MOST_GRAMS]
    groups = _enough(_together(ranked, holders)[:MOST_TEMPLATES], near, members)
    kept = np.array(sorted(gram for group in groups for gram in group), np.int64)
    counts = near.counts(kept)
    least = max(LEAST_GRAMS, int(TYPICAL * float(np.median(counts[members]))) if members.size else 0)
    matching = members[counts[members] >= least]
    if digest is not None:
        matching = matching[together(digest, matching, kept)[1] >= 1]
    share = matching.size / max(members.size, 1)
    if kept.size < LEAST_GRAMS or share < LEAST_MATCHED:
        raise InputError(
            f"no pack can be made: only {kept.size} runs of words recur in these accounts and in hardly anybody else's, "
            f"and {share:.0%} of the accounts show enough of them; share the case with `stillhunt case share` instead"
        )
    templates = [
        Template(grams=sorted(group), share=round(float(near.showing(group)[members].sum()) / members.size, 2)) for group in groups
    ]
    return Gathered(templates, least, round(share, 2))


def _together(ranked: list[int], holders: dict[int, frozenset[int]]) -> list[list[int]]:
    """Grams in groups that stand and fall together, each group led by its most frequent gram."""
    groups: list[list[int]] = []
    for gram in ranked:
        mine = holders[gram]
        for group in groups:
            leader = holders[group[0]]
            if len(mine & leader) >= ALIKE * len(mine | leader):
                group.append(gram)
                break
        else:
            groups.append([gram])
    return groups


def _enough(groups: list[list[int]], shown: Shown, members: Index) -> list[list[int]]:
    """As many groups, the most frequent first, as nearly all members are recognised by: more would only tell the recipient more.

    It would not help either: whether an account shows what few members do depends on how much it asks.
    """
    counts = np.zeros(members.size, np.int64)
    for number, group in enumerate(groups, 1):
        counts += shown.counts(np.array(group, np.int64))[members]
        if (counts >= ENOUGH).mean() >= NEARLY_ALL:
            return groups[:number]
    return groups


def behaviour(material: Material) -> Behaviour:
    """Clients and models of a twentieth of the campaign's accounts, and the hours of its calls."""
    digest, members = material.sight.digest, material.members
    least = max(LEAST_ACCOUNTS, LEAST_SHARE * members.size)
    words: Any = digest.clients.dominant()[0]
    held: dict[int, int] = {}
    for word in words.take(members).drop_null().to_pylist():
        shape = int(str(word).rpartition("#")[2])
        held[shape] = held.get(shape, 0) + 1
    clients = sorted(held, key=lambda shape: (-held[shape], shape))[:16]
    models = digest.models
    numbers, times = np.unique(models.model[members][models.model[members] >= 0], return_counts=True)
    names = models.names.to_pylist()
    hours = digest.hours[members].sum(axis=0)
    return Behaviour(
        clients=[shape for shape in clients if held[shape] >= least],
        models=sorted(
            str(names[at])[:300] for at, many in zip(numbers.tolist(), times.tolist(), strict=True) if many >= least and names[at]
        )[:16],
        hours=[round(float(part), 3) for part in hours / max(int(hours.sum()), 1)],
    )
