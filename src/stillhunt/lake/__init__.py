"""The lake: Apache Iceberg tables of interactions, accounts, entitlements, phrases, texts and observations.

In: rows of `records.TABLES` from intake and scans. Out: the same rows at a snapshot that can be repeated, through
`LakeTable` or through an engine (`engine.py` is the seam, `engines/` its sides). Appends are atomic and idempotent,
retention deletes for good, several processes may write at once.
May import: records, errors. Nothing above the lake touches pyiceberg or DuckDB.
"""

from stillhunt.lake.faults import LakeBusyError, SnapshotGoneError
from stillhunt.lake.housekeeping import CompactReport, RetentionReport
from stillhunt.lake.lake import Appended, Lake
from stillhunt.lake.table import LakeTable

__all__ = ["Appended", "CompactReport", "Lake", "LakeBusyError", "LakeTable", "RetentionReport", "SnapshotGoneError"]
