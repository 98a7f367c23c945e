"""What worker processes are forked from: importing this loads and runs everything that they need, once for all of them."""

from __future__ import annotations

import pyarrow as pa

from stillhunt.intake.fingerprint import Fingerprinter
from stillhunt.intake.registry import registry
from stillhunt.intake.rows import INTAKE_TABLES

_ROW = {"interaction_id": "0", "started_at": 0, "account_id": "0", "system": "a b c d e", "transcript": "\x1eua b c d e", "response": "a"}

registry()
Fingerprinter(bytes(32)).interactions(pa.Table.from_pylist([_ROW], schema=INTAKE_TABLES["interactions"]), "canonical")
