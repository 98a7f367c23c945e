"""Merging permissions on record: one row for each account, organization, scope and reference."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from stillhunt import records

_KEY = ["account_id", "organization_id", "scope", "reference"]
_TIMES = ["granted_at", "expires_at"]


def merge_entitlements(known: pa.Table, arriving: pa.Table) -> tuple[pa.Table, int]:
    """Merge two tables of `records.ENTITLEMENTS`.

    Of two rows for the same permission the one granted later counts; granted at the same time, the one that expires later,
    and a time that is known before one that is not. To shorten a permission, grant it anew with the earlier end. The order
    of arrival makes no difference.

    Returns:
        The merged table in the order of its key, and how many rows are new or changed.
    """
    order: list[tuple[str, Literal["ascending", "descending"]]] = [(name, "ascending") for name in _KEY]
    order += [(name, "descending") for name in _TIMES]
    rows = pa.concat_tables([known, arriving]).sort_by(order)
    keys = rows.select(_KEY).to_pylist()
    first = [place == 0 or keys[place] != keys[place - 1] for place in range(len(keys))]
    merged = rows.filter(pa.array(first, pa.bool_())).select(records.ENTITLEMENTS.names)
    before = {tuple(row.values()) for row in known.to_pylist()}
    return merged, sum(tuple(row.values()) not in before for row in merged.to_pylist())
