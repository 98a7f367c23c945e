"""The evidence bundle: one signed file from which a stranger learns what is proved, what is claimed and what is not shown.

In: a case with what it has frozen, the ledger, the answers. Out: bytes that `stillhunt.verifier` checks without lake and network.
May import records, errors, verifier, lake, ledger and the rest of cases. Nothing leaves that the ledger does not record first.
"""

from __future__ import annotations

from stillhunt.cases.bundle.choosing import chosen
from stillhunt.cases.bundle.export import Wanted, export

__all__ = ["Wanted", "chosen", "export"]
