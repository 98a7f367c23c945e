"""What a campaign called with, and how well that tells it apart: networks, user agents, TLS handshakes.

Only what another provider can see as well: addresses, cards and e-mails are pseudonyms under the provider's own key, match nowhere else,
and are left out. A user agent that everybody sends says nothing, so each value comes with how many accounts outside the campaign show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.cases.material import Material
from stillhunt.channels.digest.chunks import until
from stillhunt.records import Campaign

COLUMNS = {"client_prefix": "network", "user_agent": "user agent", "tls_ja4": "JA4"}
"""Columns of `records.INTERACTIONS` that two providers see alike -> what they are in words."""

MIN_ACCOUNTS = 3
"""A value of fewer accounts is an account's own, and nobody's network."""

MIN_PRECISION = 0.9
"""Of ten accounts that show a distinctive value, at most one may be outside the campaign."""


@dataclass(frozen=True)
class Observable:
    """One value that accounts of the campaign called with.

    Attributes:
        column: of `COLUMNS`.
        value: as it was seen.
        accounts: of the campaign that show it.
        outside: accounts of everybody else that show it; None where it was not counted.
        calls: of the campaign that show it; None where it was not counted.
        first, last: of these calls; None where not known.
        days: on how many days (UTC) the campaign called with it; None where it was not counted.
    """

    column: str
    value: str
    accounts: int
    outside: int | None = None
    calls: int | None = None
    first: datetime | None = None
    last: datetime | None = None
    days: int | None = None

    @property
    def precision(self) -> float | None:
        """How likely the next account that shows it is the campaign's: Laplace's rule of succession, (m + 1) / (m + o + 2)."""
        return None if self.outside is None else (self.accounts + 1) / (self.accounts + self.outside + 2)

    @property
    def distinctive(self) -> bool:
        """Whether it tells the campaign from others: enough accounts, few of them outside."""
        return (
            self.outside is not None and self.accounts >= MIN_ACCOUNTS and self.accounts >= MIN_PRECISION * (self.accounts + self.outside)
        )


@dataclass(frozen=True)
class Life:
    """When an account was made and closed; None where not known."""

    created_at: datetime | None
    closed_at: datetime | None


def observables(material: Material) -> tuple[Observable, ...]:
    """What the members called with up to the time of the scan, most accounts first; read from the frozen calls, twice."""
    calls = material.calls(["account_id", "started_at", *COLUMNS])
    found: list[Observable] = []
    for column in COLUMNS:
        shown = calls.filter(pc.not_equal(calls[column], pa.scalar("")))  # neither null nor empty
        if not shown.num_rows:
            continue
        dated = shown.append_column("day", pc.floor_temporal(shown["started_at"], unit="day"))
        counted = dated.group_by(column).aggregate(
            [
                ("account_id", "count_distinct"),
                ("account_id", "count"),
                ("started_at", "min"),
                ("started_at", "max"),
                ("day", "count_distinct"),
            ]
        )
        others = _outside(material, column, counted[column].combine_chunks())
        found += [
            Observable(
                column=column,
                value=row[column],
                accounts=row["account_id_count_distinct"],
                outside=others.get(row[column], 0),
                calls=row["account_id_count"],
                first=row["started_at_min"],
                last=row["started_at_max"],
                days=row["day_count_distinct"],
            )
            for row in counted.to_pylist()
        ]
    return _ordered(found)


def observables_of_findings(campaign: Campaign) -> tuple[Observable, ...]:
    """What findings alone know: networks, without who else shows them, so that none is distinctive."""
    accounts: dict[str, set[str]] = {}
    for member in campaign.accounts:
        for one in member.observations:
            if one.channel == "subnet.calls":
                accounts.setdefault(one.value, set()).add(member.account_id)
    return _ordered([Observable("client_prefix", value, len(of)) for value, of in accounts.items()])


def lives(material: Material) -> dict[str, Life]:
    """Sign-up and closure of each member that has a record."""
    table = material.accounts().select(["created_at", "closed_at"])
    return {name: Life(row["created_at"], row["closed_at"]) for name, row in zip(material.names, table.to_pylist(), strict=True)}


def _outside(material: Material, column: str, values: pa.Array[Any]) -> dict[str, int]:
    """Accounts that are no members, by which of `values` they show."""
    members = pa.array(material.names, pa.string())
    pairs: list[pa.Table] = []
    needed = [column, "account_id", "started_at", "ended_at"]
    for batch in material.lake.table("interactions").batches(needed):
        table = pa.Table.from_batches([batch])
        if material.as_of is not None:
            table = until(material.as_of)(table)
        table = table.filter(
            pc.and_(pc.is_in(table[column], value_set=values), pc.invert(pc.is_in(table["account_id"], value_set=members)))
        )
        pairs.append(table.select([column, "account_id"]).group_by([column, "account_id"]).aggregate([]))
    if not pairs:
        return {}
    counted = pa.concat_tables(pairs).group_by(column).aggregate([("account_id", "count_distinct")])
    return {row[column]: row["account_id_count_distinct"] for row in counted.to_pylist()}


def _ordered(found: Sequence[Observable]) -> tuple[Observable, ...]:
    return tuple(sorted(found, key=lambda one: (list(COLUMNS).index(one.column), -one.accounts, one.value)))
