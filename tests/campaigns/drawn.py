"""Small populations for tests of campaigns: observations of the real channels, drawn or written by hand, and digests of calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa

from stillhunt.campaigns.harvest import Traits
from stillhunt.channels import Observed, channels
from stillhunt.channels.digest import Digest
from stillhunt.channels.digest.taking import in_memory
from stillhunt.pools.population import Population, survey
from stillhunt.records import ACCOUNTS, INTERACTIONS

DAY0 = datetime(2030, 3, 4, tzinfo=UTC)
DAY0_US = int(DAY0.timestamp()) * 1_000_000
KINDS = {aspect.name: aspect.kind for channel in channels() for aspect in channel.aspects}
_numbers = count()


def at(hours: float) -> datetime:
    """`hours` after midnight of the first day."""
    return DAY0 + timedelta(microseconds=round(hours * 3.6e9))


def call(account: str, hours: float = 0.0, **columns: Any) -> dict[str, Any]:
    """One call; columns not named are null."""
    return {"interaction_id": f"i{next(_numbers)}", "account_id": account, "started_at": at(hours), **columns}


def calls(rows: list[dict[str, Any]]) -> pa.Table:
    """Calls as the lake keeps them."""
    return pa.Table.from_pylist(rows, schema=INTERACTIONS)


def digest(rows: list[dict[str, Any]]) -> Digest:
    """The digest of calls, taken in in their order, of accounts of which nothing else is known."""
    return in_memory(calls(rows), ACCOUNTS.empty_table())


Seen = tuple[str, str, str, float]
"""account, aspect, value, share."""


def observed(accounts: Sequence[str], seen: Sequence[Seen]) -> list[Observed]:
    """What was observed of the accounts, as channels hand it over; `accounts` are sorted."""
    position = {account: place for place, account in enumerate(accounts)}
    found = []
    for aspect in sorted({name for _, name, _, _ in seen}):
        rows = sorted((position[account], value, share) for account, name, value, share in seen if name == aspect)
        values: Any = [value for _, value, _ in rows]
        if KINDS[aspect] == "category":
            values = pa.array(values, pa.string()).dictionary_encode()
        else:
            values = np.array(values, dtype=np.float64 if KINDS[aspect] == "measure" else np.int64)
        found.append(
            Observed(
                aspect,
                np.array([who for who, _, _ in rows], dtype=np.int64),
                values,
                first=np.full(len(rows), DAY0_US),
                last=np.full(len(rows), DAY0_US),
                occurrences=np.full(len(rows), 5),
                shares=np.array([share for _, _, share in rows], dtype=np.float64),
            )
        )
    return found


def population(accounts: Sequence[str], seen: Sequence[Seen], declared: Mapping[str, str] | None = None) -> Population:
    """The accounts (sorted) with what was observed of them, and the organizations that they declare."""
    names = sorted(set((declared or {}).values()))
    owners = np.array([names.index(declared[account]) if declared and account in declared else -1 for account in accounts], dtype=np.int64)
    return survey(observed(accounts, seen), channels(), owners, list(accounts))


def no_traits(size: int, **known: Any) -> Traits:
    """Traits of `size` accounts of which nothing is known but `known`; lives end long before the view does unless said."""
    plain: dict[str, Any] = {"until": 0.0, "top": np.full(size, -1)}
    for one in fields(Traits):
        plain.setdefault(one.name, np.zeros(size) if one.name in {"calls", "collided"} else np.full(size, np.nan))
    given = {name: float(values) if name == "until" else np.asarray(values, dtype=float) for name, values in known.items()}
    return Traits(**(plain | given))


def positions(of: Population, accounts: Sequence[str]) -> np.ndarray[Any, Any]:
    """Where the accounts stand in the population, sorted."""
    return np.array(sorted(of.position[account] for account in accounts), dtype=np.int64)
