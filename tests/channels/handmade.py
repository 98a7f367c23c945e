"""Calls and accounts made by hand for tests of channels, their digest, and what a channel observes in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pyarrow as pa

from stillhunt.channels import Channel, table_of
from stillhunt.channels.digest import Digest
from stillhunt.channels.digest.taking import in_memory
from stillhunt.records import ACCOUNTS, INTERACTIONS

DAY0 = datetime(2030, 3, 4, tzinfo=UTC)

_numbers = count()

Row = dict[str, Any]


def at(hours: float) -> datetime:
    """`hours` after midnight of the first day."""
    return DAY0 + timedelta(microseconds=round(hours * 3.6e9))


def call(account: str, hours: float = 0.0, **columns: Any) -> Row:
    """One call; columns not named are null."""
    return {"interaction_id": f"i{next(_numbers)}", "account_id": account, "started_at": at(hours), **columns}


def digest_of(calls: list[Row], people: list[Row] | None = None, kind_of: Callable[[str], str | None] | None = None) -> Digest:
    """The digest of some calls, taken in in their order, and of what is known of accounts."""
    return in_memory(pa.Table.from_pylist(calls, schema=INTERACTIONS), pa.Table.from_pylist(people or [], schema=ACCOUNTS), kind_of=kind_of)


class Seen:
    """What a channel observed."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def of(self, aspect: str) -> list[Row]:
        """The observations of one aspect, by account and value."""
        return sorted((row for row in self.rows if row["channel"] == aspect), key=lambda row: (row["account_id"], row["value"]))

    def values(self, aspect: str) -> dict[str, str]:
        """account -> its value, for aspects with one value an account."""
        rows = self.of(aspect)
        assert len({row["account_id"] for row in rows}) == len(rows), f"{aspect}: an account has more than one value"
        return {row["account_id"]: row["value"] for row in rows}

    def numbers(self, aspect: str) -> dict[str, float]:
        """account -> its value as a number."""
        return {account: float(value) for account, value in self.values(aspect).items()}

    def sets(self, aspect: str) -> dict[str, set[str]]:
        """account -> its values."""
        found: dict[str, set[str]] = {}
        for row in self.of(aspect):
            found.setdefault(row["account_id"], set()).add(row["value"])
        return found


def look(channel: Channel, calls: list[Row], people: list[Row] | None = None, kind_of: Callable[[str], str | None] | None = None) -> Seen:
    """Everything that `channel` observes in `calls` and `people`; `kind_of` tells the kind of a network."""
    digest = digest_of(calls, people, kind_of)
    return Seen(table_of(channel.observe(digest), digest).to_pylist())
