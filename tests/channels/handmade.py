"""Relations made by hand for tests of channels: a few calls and accounts, and what a channel observes in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pyarrow as pa

from stillhunt.channels import Channel, View
from stillhunt.lake.engine import Engine
from stillhunt.records import ACCOUNTS, INTERACTIONS

DAY0 = datetime(2030, 3, 4, tzinfo=UTC)
CALLS = INTERACTIONS.append(pa.field("network_kind", pa.string()))
VIEW = View(DAY0, DAY0 + timedelta(days=14))

_numbers = count()


def at(hours: float) -> datetime:
    """`hours` after midnight of the first day."""
    return DAY0 + timedelta(microseconds=round(hours * 3.6e9))


def call(account: str, hours: float = 0.0, **columns: Any) -> dict[str, Any]:
    """One call; columns not named are null."""
    return {"interaction_id": f"i{next(_numbers)}", "account_id": account, "started_at": at(hours), **columns}


def attach(engine: Engine, calls: list[dict[str, Any]], people: list[dict[str, Any]] | None = None) -> None:
    """Make ``calls`` and ``people``; everybody who calls is known, by name alone if not described."""
    described = list(people or [])
    names = {person["account_id"] for person in described}
    described += [{"account_id": name} for name in sorted({one["account_id"] for one in calls} - names)]
    engine.attach("calls", pa.Table.from_pylist(calls, schema=CALLS))
    engine.attach("people", pa.Table.from_pylist(described, schema=ACCOUNTS))


class Seen:
    """What a channel observed."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def of(self, aspect: str) -> list[dict[str, Any]]:
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


def look(
    engine: Engine, channel: Channel, calls: list[dict[str, Any]], people: list[dict[str, Any]] | None = None, view: View = VIEW
) -> Seen:
    """Everything that `channel` observes in `calls` and `people`."""
    attach(engine, calls, people)
    return Seen([row for sql in channel.observe(engine.dialect, view) for row in engine.fetch(sql).to_pylist()])
