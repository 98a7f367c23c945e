"""The lake: Apache Iceberg tables of interactions, accounts, entitlements, phrases, texts and observations.

In: rows of `records.TABLES` from intake and scans. Out: the same rows at a snapshot that can be repeated, through
`LakeTable` or through an engine (`engine.py` is the seam, `engines/` its sides). Appends are atomic and idempotent,
retention deletes for good, several processes may write at once.
May import: records, errors. Nothing above the lake touches pyiceberg or DuckDB.

Names are imported when they are asked for: pyiceberg and what it brings take a second, which modules beside them need not wait for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stillhunt.lake.faults import LakeBusyError, SnapshotGoneError
    from stillhunt.lake.housekeeping import CompactReport, RetentionReport
    from stillhunt.lake.lake import Appended, Lake
    from stillhunt.lake.table import LakeTable

__all__ = ["Appended", "CompactReport", "Lake", "LakeBusyError", "LakeTable", "RetentionReport", "SnapshotGoneError"]

_HOMES = {
    "Appended": "lake",
    "CompactReport": "housekeeping",
    "Lake": "lake",
    "LakeBusyError": "faults",
    "LakeTable": "table",
    "RetentionReport": "housekeeping",
    "SnapshotGoneError": "faults",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
