"""The ledger: an append-only Merkle log of what came in, what was concluded and what left.

In: documents about batches, scans, decisions, cases and exports. Out: indexes, signed checkpoints, proofs that a stranger checks with
`stillhunt.verifier` alone. Formats are RFC 6962 and C2SP. May import records, errors, lake and the verifier; decides nothing, and
knows nothing of campaigns and cases.
"""

from __future__ import annotations

from stillhunt.ledger.keys import Signing
from stillhunt.ledger.log import KINDS, Entry, Ledger, ledger_at
from stillhunt.ledger.problem import Problem

__all__ = ["KINDS", "Entry", "Ledger", "Problem", "Signing", "ledger_at"]
