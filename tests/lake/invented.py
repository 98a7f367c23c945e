"""Invented rows for the tests of the lake: nothing here was ever said by anybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from stillhunt import records

FIRST_DAY = datetime(2026, 3, 1, tzinfo=UTC)


def interactions(numbers: range, *, days: int = 3, label: str = "call") -> pa.Table:
    """One row for each number, the same row whenever it is asked for, spread over `days` days."""
    rows = [
        {
            "interaction_id": f"{label}-{number:08d}",
            "started_at": FIRST_DAY + timedelta(seconds=(number * 7919) % (days * 86400)),
            "account_id": f"account-{number % 17:03d}",
            "surface": "api",
            "request_model": "model-a" if number % 3 else None,
            "input_tokens": number,
            "output_tokens": number * 2,
            "http_status": 200,
            "client_prefix": "192.0.2.0/24",
            "prompt_hash": (number * 2654435761) % (2**63) - 2**62,
            "sketch": [number % 5, number % 7] if number % 4 else None,
            "truncated": False,
            "source": "test",
        }
        for number in numbers
    ]
    return pa.Table.from_pylist(rows, schema=records.INTERACTIONS)


def texts(numbers: range, *, days: int = 3) -> pa.Table:
    """The texts of `interactions(numbers)`."""
    called = interactions(numbers, days=days)
    rows = [
        {
            "interaction_id": row["interaction_id"],
            "started_at": row["started_at"],
            "system": "Be brief.",
            "response": f"Answer {row['interaction_id']}",
        }
        for row in called.to_pylist()
    ]
    return pa.Table.from_pylist(rows, schema=records.TEXTS)


def accounts(*rows: dict[str, object], updated: bool = False) -> pa.Table:
    """Account records; `updated` adds the column `updated_at`."""
    schema = records.ACCOUNTS.append(records.ACCOUNT_UPDATED_AT) if updated else records.ACCOUNTS
    return pa.Table.from_pylist(list(rows), schema=schema)


def ordered(table: pa.Table) -> pa.Table:
    """Rows in the order of their id, in one chunk, so that two tables can be compared."""
    return table.sort_by(table.column_names[0]).combine_chunks()
