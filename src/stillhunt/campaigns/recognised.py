"""Recognising, without reading it, a campaign that another provider has seen: who here matches an imported pack (`records.packs`).

In: the digest, what the channel template observed, the packs. Out: `records.Recognised`, which describes and accuses nobody.

A pack's grams are those that recur in the requests of the sender's campaign and of hardly anybody else there. An account matches if

* at least `least` of them (half of what is typical of the campaign, four at any rate) recur in its requests, grams left out that more than
  `RARE` of this lake's entities show who match otherwise in nothing;
* two of them stand in the same request, in two sampled requests at least: else they came from requests that have nothing in common;
* the weight of evidence reaches `BAR` bits.

Null hypothesis: the account is a stranger here, and shows each template of the pack as often as those strangers do who do not match. With
s(t) the share of the sender's campaign that shows template t, and p(t) = (1 + strangers here that show it) / (1 + strangers), entities
counted once and accounts of named campaigns left out,

    bits = sum over templates shown of log2 s(t) / p(t) + sum over the others of log2 (1 - s(t)) / (1 - p(t)),

the log-likelihood ratio of the two, templates taken as independent. They are not where one cause brings several of them: a framework
that many use here and nobody at the sender's. So, if more than `COMMON` of this lake's entities match that no scan of its own has
named, it is said that so many do, and not who: then a product explains it as well as an operator does. Accounts with an entitlement,
and those that declare one organization together, are counted and not told: a customer who may distil sends the same instruction, and
conceals nothing. The rate of false matches is measured, not derived (docs/benchmarks/packs.md).
Reference: I. J. Good, Probability and the Weighing of Evidence (1950), chapter 6; Laplace's rule of
succession.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from stillhunt.campaigns.declared import Declared
from stillhunt.channels import Observed
from stillhunt.channels.digest import Digest
from stillhunt.pools.population import Floats, Index
from stillhunt.records import Recognised, RecognisedAccount
from stillhunt.records.packs import KeptPack, Pack, Template

BAR = 8.0
"""Bits that an account must reach: a lake of fewer than some 250 entities cannot say so much."""

RARE = 0.01
"""A gram that a larger share of strangers shows tells nothing here and is left out."""

COMMON, FEW = 0.005, 8
"""Of those that match unnamed, more than this share of all entities (and more than so many) are not told one by one."""

TOGETHER, REQUESTS = 2, 2
"""So many grams stand in one request, in so many sampled requests at least."""

_CLIP = 0.01

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Shown:
    """Which grams recur in which accounts' requests: rows of equal length, and the entity of each account (shape (accounts,))."""

    accounts: Index
    grams: Index
    entities: Index

    @classmethod
    def of(cls, observed: Observed | None, owners: Index) -> Shown:
        """From what `channels.template` observed; accounts with the same `owners` (not -1) are one entity."""
        alone = np.flatnonzero(owners < 0)
        entities = owners.copy()
        entities[alone] = int(owners.max(initial=-1)) + 1 + np.arange(alone.size)
        if observed is None:
            return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), entities)
        return cls(observed.accounts, np.asarray(observed.values, dtype=np.int64), entities)

    def only(self, grams: Index) -> Shown:
        """The rows of some grams."""
        kept = np.isin(self.grams, grams)
        return Shown(self.accounts[kept], self.grams[kept], self.entities)

    def counts(self, grams: Index) -> Index:
        """How many of `grams` each account shows; shape (accounts,)."""
        return np.bincount(self.accounts[np.isin(self.grams, grams)], minlength=self.entities.size).astype(np.int64)

    def showing(self, grams: Sequence[int]) -> Mask:
        """Accounts that show at least half of a template's grams."""
        return self.counts(np.array(grams, np.int64)) * 2 >= max(len(grams), 1)

    def entities_of(self, accounts: Mask) -> int:
        """How many entities some accounts are."""
        return int(np.unique(self.entities[accounts]).size)

    def entities_by_gram(self, grams: Index, accounts: Mask) -> Index:
        """How many entities among `accounts` show each of `grams` (ascending)."""
        kept = accounts[self.accounts] & np.isin(self.grams, grams)
        pairs = np.unique(np.stack([self.grams[kept], self.entities[self.accounts[kept]]]), axis=1)
        return np.bincount(np.searchsorted(grams, pairs[0]), minlength=grams.size).astype(np.int64)


@dataclass(frozen=True)
class Matched:
    """How well every account matches a pack: grams that count, how many of them an account shows, its bits, whether both suffice."""

    grams: Index
    counts: Index
    bits: Floats
    matches: Mask


def recognise(
    digest: Digest, observed: Observed | None, declared: Declared, named: Mapping[str, str], kept: Sequence[KeptPack], now: datetime
) -> list[Recognised]:
    """What a scan sees of the campaigns in packs.

    Args:
        digest: of everybody in view.
        observed: what `channels.template` observed; None where it saw nothing.
        declared: what accounts declare to belong to, and what they are entitled to.
        named: accounts that this scan names -> their campaign.
        kept: the packs.
        now: the last call in view: a pack that had expired by then is not looked for, so that the same scan says the same for ever.

    Returns:
        One for each pack in the order of their ids, those left out that another pack of the same sender revokes.
    """
    revoked = {(one.pack.issuer, gone) for one in kept for gone in one.pack.revokes}
    shown = Shown.of(observed, declared.owners)
    ours = np.array([account in named for account in digest.accounts], np.bool_)
    found = []
    for one in sorted(kept, key=lambda each: each.pack.pack_id):
        pack = one.pack
        if (pack.issuer, pack.pack_id) in revoked or not (pack.templates or pack.identifiers):
            continue
        if datetime.fromisoformat(pack.expires_at) <= now:
            reason = f"it has expired on {pack.expires_at[:10]}; ask {pack.issuer} for a new one"
            found.append(Recognised(pack_id=pack.pack_id, issuer=pack.issuer, campaign=pack.campaign, grams=0, reason=reason))
            continue
        found.append(_recognised(digest, shown, ours, declared, named, one))
    return found


def matched(shown: Shown, strangers: Mask, pack: Pack) -> Matched:
    """Hold every account against a pack.

    Args:
        shown: what recurs in whose requests.
        strangers: accounts whose habits are the measure of what is usual: those that are not named.
        pack: the pack.
    """
    wanted = np.array(sorted(gram for template in pack.templates for gram in template.grams), np.int64)
    near = shown.only(wanted)
    total = max(shown.entities_of(strangers), 1)
    plain = strangers & (near.counts(wanted) < pack.least)
    rare = near.entities_by_gram(wanted, plain) <= RARE * total
    grams = wanted[rare]
    counts = near.counts(grams)
    carries = counts >= pack.least
    bits = np.zeros(counts.size)
    for template in pack.templates:
        bits += _bits(near, template, strangers & ~carries, total)
    return Matched(grams, counts, bits, carries & (bits >= BAR))


def _bits(shown: Shown, template: Template, plain: Mask, total: int) -> Floats:
    shows = shown.showing(template.grams)
    share = min(max(template.share, _CLIP), 1.0 - _CLIP)
    usual = (1.0 + shown.entities_of(plain & shows)) / (1.0 + total)
    otherwise = np.log2((1.0 - share) / max(1.0 - usual, _CLIP))
    bits: Floats = np.full(shows.size, otherwise) + shows * (np.log2(share / usual) - otherwise)
    return bits


def _recognised(digest: Digest, shown: Shown, ours: Mask, declared: Declared, named: Mapping[str, str], kept: KeptPack) -> Recognised:
    pack = kept.pack
    held = matched(shown, ~ours, pack)
    candidates = np.flatnonzero(held.matches)
    share, requests = together(digest, candidates, held.grams)
    stands = requests >= REQUESTS
    candidates, share = candidates[stands], share[stands]
    open_ = _conceal_nothing(candidates, declared) & ~ours[candidates]
    excused = int(open_.sum())
    candidates, share = candidates[~open_], share[~open_]
    alone = np.zeros(ours.size, np.bool_)
    alone[candidates] = True
    unnamed, strangers = shown.entities_of(alone & ~ours), max(shown.entities_of(~ours), 1)
    reason = None
    if unnamed > max(FEW, COMMON * strangers):
        told = ours[candidates]
        candidates, share = candidates[told], share[told]
        reason = (
            f"{unnamed} unrelated accounts or organizations show it, of {strangers}: too many to tell an operator from a product's users"
        )
    elif pack.templates and held.grams.size < pack.least:
        reason = "its words are common here"
    elif excused:
        reason = f"{excused} accounts of declared organizations, or with an entitlement, show it as well: they conceal nothing"
    clients = _client_shapes(digest)
    at = {digest.accounts[place]: (place, float(part)) for place, part in zip(candidates.tolist(), share, strict=True)}
    accounts = []
    for account in sorted({*at, *kept.identified}):
        place, part = at.get(account, (-1, 0.0))
        accounts.append(
            RecognisedAccount(
                account_id=account,
                bits=round(float(held.bits[place]), 2) if place >= 0 else 0.0,
                grams=int(held.counts[place]) if place >= 0 else 0,
                requests=round(part, 3),
                same_client=place >= 0 and clients[place] in pack.behaviour.clients,
                identifiers=sorted(kept.identified.get(account, [])),
                campaign_id=named.get(account),
            )
        )
    accounts.sort(key=lambda account: (-len(account.identifiers), -account.bits, account.account_id))
    return Recognised(
        pack_id=pack.pack_id, issuer=pack.issuer, campaign=pack.campaign, grams=int(held.grams.size), accounts=accounts, reason=reason
    )


def together(digest: Digest, accounts: Index, grams: Index) -> tuple[Floats, Index]:
    """Share of the requests of some accounts that have `TOGETHER` of `grams` at least, and in how many sampled ones they were seen."""
    if not accounts.size:
        return np.zeros(0), np.zeros(0, np.int64)
    units = digest.units_of(accounts)
    both = np.isin(units.grams, grams).sum(axis=1) >= TOGETHER
    everything = np.bincount(units.of, weights=units.weight, minlength=accounts.size)
    having = np.bincount(units.of[both], weights=units.weight[both], minlength=accounts.size)
    seen = np.bincount(units.of[both], minlength=accounts.size).astype(np.int64)
    return having / np.maximum(everything, 1e-9), seen


def _conceal_nothing(accounts: Index, declared: Declared) -> Mask:
    """Which of some accounts have an entitlement on record, or declare one organization with another of them."""
    owners = declared.owners[accounts]
    several = np.bincount(owners[owners >= 0], minlength=1)
    return (declared.entitled[accounts] >= 0) | ((owners >= 0) & (several[owners] >= 2))


def _client_shapes(digest: Digest) -> list[int | None]:
    """The client that most of an account's calls came with."""
    words: Any = digest.clients.dominant()[0]
    numbers = [int(word.rpartition("#")[2]) for word in words.dictionary.to_pylist()]
    return [None if at is None else numbers[at] for at in words.indices.to_pylist()]
