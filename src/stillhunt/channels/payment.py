"""Who pays: the same card behind several accounts.

Null hypothesis: unrelated accounts hold unrelated cards, so that the chance of an account holding a given card is the
share of other entities that hold it. Values are the processor's card tokens, as keyed pseudonyms.
Innocent twins: families, a company whose employees pay with one card (declared by organization or e-mail domain).
Source: shared payment methods head the indicator lists that providers are told to watch (AA26-251A).
Formula: p(v) = (1 + entities outside the group with v) / (1 + entities outside it), within strata; weighed by the urn of
`pools.evidence`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stillhunt.channels import Aspect, Family, Observed
from stillhunt.channels.observing import on_account

if TYPE_CHECKING:
    from stillhunt.channels.digest import Digest


class Payment:
    """One observation for each account whose card is known."""

    name = "payment"
    title = "Payment card"
    family: Family = "payer"
    aspects = (Aspect("payment.card", "category", "the payment card", {"accounts": ("payment_fingerprint",)}),)

    def observe(self, digest: Digest) -> Iterable[Observed]:
        """Cards as they stand on the accounts."""
        yield on_account(digest, "payment.card", "payment_fingerprint")

    def describe(self, aspect: str, value: str) -> str:
        """The pseudonym's beginning is enough to tell cards apart."""
        return f"payment card {value[:13]}…"


CHANNEL = Payment()
