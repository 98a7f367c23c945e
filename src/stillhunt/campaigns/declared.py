"""What is on record: which accounts declare to be one entity, and which hold an entitlement."""

from __future__ import annotations

import numpy as np

from stillhunt.campaigns.causes import Declared
from stillhunt.lake.engine import Engine
from stillhunt.pools.candidates import LARGEST, LEAST
from stillhunt.pools.find import Found, Pool
from stillhunt.pools.population import Population
from stillhunt.pools.weighing import weigh

VERIFIED = ("domain", "organization", "enterprise", "business")
"""Words in `accounts.verification` that mean that the provider has verified who the account belongs to."""


def declarations(engine: Engine, ignored: frozenset[str] = frozenset()) -> Declared:
    """Read ``people`` and ``granted``.

    An account declares an organization by naming one, or by an e-mail domain that the provider has verified for it.
    An entitlement of an organization holds for all its accounts. Organizations in `ignored` declare nothing.
    """
    organizations, entitlements = {}, {}
    granted = engine.fetch("SELECT account_id, organization_id, scope, reference FROM granted ORDER BY scope, reference").to_pylist()
    by_account = {row["account_id"]: (row["scope"], row["reference"] or "") for row in granted if row["account_id"]}
    by_organization = {row["organization_id"]: (row["scope"], row["reference"] or "") for row in granted if row["organization_id"]}
    for row in engine.fetch("SELECT account_id, organization_id, email_domain, verification FROM people").to_pylist():
        account, verification = row["account_id"], (row["verification"] or "").lower()
        if row["organization_id"] and row["organization_id"] not in ignored:
            organizations[account] = row["organization_id"]
        elif row["email_domain"] and any(word in verification for word in VERIFIED):
            organizations[account] = row["email_domain"]
        entitlement = by_account.get(account) or by_organization.get(row["organization_id"])
        if entitlement:
            entitlements[account] = entitlement
    return Declared(organizations, entitlements)


def declared_pools(undeclared: Population, declared: Declared, found: Found) -> list[Pool]:
    """Organizations whose accounts act as one: what would be found if they had not declared it.

    They are listed, so that a provider sees that they were seen and why nothing follows from it.

    Args:
        undeclared: the population with every account as an entity of its own.
        declared: what is on record.
        found: the pools of the population as declared, with what a common cause is granted there.
    """
    members: dict[str, list[int]] = {}
    for account, organization in declared.organizations.items():
        at = undeclared.position.get(account)
        if at is not None:
            members.setdefault(organization, []).append(at)
    pools = []
    price = np.log2(max(found.candidates, 1))
    for _, positions in sorted(members.items()):
        if LEAST <= len(positions) <= LARGEST * undeclared.size:
            group = np.array(sorted(positions), dtype=np.int64)
            weighing = weigh(undeclared, group, found.bounds)
            if sum(weighing.families.values()) > price:
                pools.append(Pool(group, np.ones(group.size), weighing, weighing, (("declared organization", ""),)))
    return pools
