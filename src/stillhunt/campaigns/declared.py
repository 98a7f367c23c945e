"""What is on record: which accounts declare to be one entity, and which hold an entitlement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.pools.candidates import FAMILIES, LARGEST, LEAST
from stillhunt.pools.evidence import Groups
from stillhunt.pools.find import Found, Pool
from stillhunt.pools.population import Index, Population
from stillhunt.pools.screening import screen
from stillhunt.pools.weighing import weigh

VERIFIED = ("domain", "organization", "enterprise", "business")
"""Words in `accounts.verification` that mean that the provider has verified who the account belongs to."""

MOST = 0.8
"""A pool is declared if this share of it declares one thing."""


MOST_LISTED = 200
"""Organizations that are listed because they act as one. Of tens of thousands most do, and nothing follows from it."""


@dataclass(frozen=True)
class Declared:
    """What is on record: which accounts declare to be one, and which are entitled.

    Attributes:
        owners: number in `organizations` of what each account declares to belong to, -1 for none; shape (accounts,).
        organizations: names of organizations and verified domains.
        entitled: number in `entitlements` of what each account is entitled to, -1 for none.
        entitlements: (scope, reference).
    """

    owners: Index
    organizations: pa.Array[Any]
    entitled: Index
    entitlements: tuple[tuple[str, str], ...] = field(default=())

    def of(self, members: Index) -> str | None:
        """What most of `members` have declared or are entitled to, in words; None if that is nothing."""
        entitled, owners = self.entitled[members], self.owners[members]
        if (entitled >= 0).sum() >= MOST * members.size:
            scope, reference = self.entitlements[int(np.bincount(entitled[entitled >= 0]).argmax())]
            return f"entitlement on record: {scope}" + (f" ({reference})" if reference else "")
        counts = np.bincount(owners[owners >= 0]) if (owners >= 0).any() else np.zeros(1)
        if counts.max() >= MOST * members.size:
            return f"declared one organization ({self.organizations[int(counts.argmax())].as_py()})"
        return None

    def largest(self) -> tuple[str, int]:
        """The organization that most accounts declare, and how many; ("", 0) if nobody declares any."""
        counts = np.bincount(self.owners[self.owners >= 0], minlength=1)
        return (str(self.organizations[int(counts.argmax())].as_py()), int(counts.max())) if counts.max() else ("", 0)


def declarations(people: pa.Table, granted: pa.Table, ignored: frozenset[str] = frozenset()) -> Declared:
    """What accounts declare.

    An account declares an organization by naming one, or by an e-mail domain that the provider has verified for it.
    An entitlement of an organization holds for all its accounts. Organizations in `ignored` declare nothing.

    Args:
        people: columns of `records.ACCOUNTS`, one row for each account.
        granted: entitlements that run, columns of `records.ENTITLEMENTS`.
        ignored: organizations that say nothing, such as a gateway's default.
    """
    named: Any = people["organization_id"].combine_chunks()
    domain: Any = people["email_domain"].combine_chunks()
    words: Any = people["verification"].combine_chunks()
    says = pc.and_(pc.is_valid(named), pc.invert(pc.is_in(named, value_set=pa.array([*sorted(ignored), ""], pa.string()))))
    checked = pc.match_substring_regex(pc.utf8_lower(words.fill_null("")), "|".join(VERIFIED))
    verified = pc.and_(checked, pc.not_equal(domain.fill_null(""), pa.scalar("")))
    nobody = pa.scalar(None, pa.string())
    owner: Any = pc.if_else(says, named, pc.if_else(verified, domain, nobody)).dictionary_encode()
    rows = granted.sort_by([("scope", "ascending"), ("reference", "ascending")]).to_pylist()
    kinds = sorted({(row["scope"], row["reference"] or "") for row in rows})
    entitled = np.full(people.num_rows, -1, np.int64)
    for column, ids in (("organization_id", named), ("account_id", people["account_id"].combine_chunks())):
        holders = {row[column]: kinds.index((row["scope"], row["reference"] or "")) for row in rows if row[column]}
        if holders:
            at: Any = pc.index_in(ids, value_set=pa.array(list(holders), pa.string()))
            own = np.append(np.array(list(holders.values()), np.int64), -1)[at.fill_null(-1).to_numpy(zero_copy_only=False)]
            entitled = np.where(own >= 0, own, entitled)
    owners = owner.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Declared(owners, owner.dictionary, entitled, tuple(kinds))


def declared_pools(undeclared: Population, declared: Declared, found: Found) -> list[Pool]:
    """Organizations whose accounts act as one: what would be found if they had not declared it.

    They are listed, so that a provider sees that they were seen and why nothing follows from it; the `MOST_LISTED` that say most.

    Args:
        undeclared: the population with every account as an entity of its own.
        declared: what is on record.
        found: the pools of the population as declared, with what a common cause is granted there.
    """
    declaring = np.flatnonzero(declared.owners >= 0)
    order = declaring[np.argsort(declared.owners[declaring], kind="stable")].astype(np.int32)
    starts = np.searchsorted(declared.owners[order], np.arange(len(declared.organizations) + 1))
    sizes = np.diff(starts)
    groups = Groups.of(undeclared, order, starts).selected(np.flatnonzero((sizes >= LEAST) & (sizes <= LARGEST * undeclared.size)))
    if not groups.size.size:
        return []
    evidence = np.nansum(screen(undeclared, groups, np.zeros((groups.size.size, len(FAMILIES)), dtype=bool), found.bounds), axis=1)
    pools = []
    for number in np.argsort(-evidence, kind="stable")[:MOST_LISTED].tolist():
        if evidence[number] > np.log2(max(found.candidates, 1)):
            group = groups.members[groups.starts[number] : groups.starts[number + 1]].astype(np.int64)
            weighing = weigh(undeclared, group, found.bounds)
            pools.append(Pool(group, np.ones(group.size), weighing, weighing, (("declared organization", ""),)))
    return pools
