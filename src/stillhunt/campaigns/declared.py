"""What is on record: which accounts declare to be one entity, and which hold an entitlement."""

from __future__ import annotations

from stillhunt.campaigns.causes import Declared
from stillhunt.lake.engine import Engine

VERIFIED = ("domain", "organization", "enterprise", "business")
"""Words in `accounts.verification` that mean that the provider has verified who the account belongs to."""


def declarations(engine: Engine) -> Declared:
    """Read ``people`` and ``granted``.

    An account declares an organization by naming one, or by an e-mail domain that the provider has verified for it.
    An entitlement of an organization holds for all its accounts.
    """
    organizations, entitlements = {}, {}
    granted = engine.fetch("SELECT account_id, organization_id, scope, reference FROM granted ORDER BY scope, reference").to_pylist()
    by_account = {row["account_id"]: (row["scope"], row["reference"] or "") for row in granted if row["account_id"]}
    by_organization = {row["organization_id"]: (row["scope"], row["reference"] or "") for row in granted if row["organization_id"]}
    for row in engine.fetch("SELECT account_id, organization_id, email_domain, verification FROM people").to_pylist():
        account, verification = row["account_id"], (row["verification"] or "").lower()
        if row["organization_id"]:
            organizations[account] = row["organization_id"]
        elif row["email_domain"] and any(word in verification for word in VERIFIED):
            organizations[account] = row["email_domain"]
        entitlement = by_account.get(account) or by_organization.get(row["organization_id"])
        if entitlement:
            entitlements[account] = entitlement
    return Declared(organizations, entitlements)
