"""Small populations for tests of campaigns: observations of the real channels, drawn or written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa

from stillhunt.campaigns.harvest import Traits
from stillhunt.channels import channels
from stillhunt.pools.population import Population, survey
from stillhunt.records import INTERACTIONS, OBSERVATIONS

DAY0 = datetime(2030, 3, 4, tzinfo=UTC)
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


Seen = tuple[str, str, str, float]
"""account, aspect, value, share."""


def population(accounts: list[str], seen: list[Seen], declared: Mapping[str, str] | None = None) -> Population:
    """The accounts with what was observed of them."""
    rows = [
        {"account_id": account, "channel": aspect, "value": value, "first_at": DAY0, "last_at": DAY0, "occurrences": 5, "share": share}
        for account, aspect, value, share in seen
    ]
    return survey(pa.Table.from_pylist(rows, schema=OBSERVATIONS), channels(), declared or {}, accounts)


def no_traits(size: int, **known: Any) -> Traits:
    """Traits of `size` accounts of which nothing is known but `known`; lives end long before the view does unless said."""
    plain: dict[str, Any] = {"until": 0.0}
    for one in fields(Traits):
        plain.setdefault(one.name, np.zeros(size) if one.name in {"calls", "tokens", "days", "collided"} else np.full(size, np.nan))
    given = {name: float(values) if name == "until" else np.asarray(values, dtype=float) for name, values in known.items()}
    return Traits(**(plain | given))


def positions(of: Population, accounts: list[str]) -> np.ndarray[Any, Any]:
    """Where the accounts stand in the population, sorted."""
    return np.array(sorted(of.position[account] for account in accounts), dtype=np.int64)
