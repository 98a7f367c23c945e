"""What clauses are tested on: the calls and the accounts of a pool as arrays, read only as far as a policy asks.

In: `Material`. Out: `Facts`. Call number i is the same call in every array: calls are in order of time and id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.cases.material import Material
from stillhunt.cases.questions.parts import ONCE, SESSION, parts_of
from stillhunt.cases.questions.repeats import Index
from stillhunt.cases.questions.taken import COLUMNS, Mask, filled, taken_of

NEVER = -(2**62)
"""Stands for a time that is not known."""


@dataclass(frozen=True)
class Facts:
    """A pool's calls and accounts.

    Attributes:
        material: the campaign.
        names: account ids; account number i is `names[i]`.
        micros: when each call began, microseconds; shape (calls,).
        account: number of each call's account.
        people: account records, row i is account i.
    """

    material: Material
    names: list[str]
    micros: Index
    account: Index
    people: pa.Table

    @classmethod
    def of(cls, material: Material) -> Facts:
        """Read who called when."""
        calls = material.calls(("started_at", "account_id"))
        names = material.names
        at: Any = pc.index_in(calls["account_id"], value_set=pa.array(names, pa.string()))
        return cls(material, names, filled(calls["started_at"].cast(pa.int64()), 0), filled(at, -1), material.accounts())

    def column(self, name: str) -> pa.ChunkedArray[Any]:
        """A column of the calls."""
        found: pa.ChunkedArray[Any] = self.material.calls((name,))[name]
        return found

    def person(self, name: str) -> list[Any]:
        """A column of the accounts' records, None where not known."""
        found: list[Any] = self.people[name].to_pylist()
        return found

    def times(self, name: str) -> Index:
        """A column of times of the accounts' records, `NEVER` where not known; microseconds."""
        return filled(self.people[name].cast(pa.int64()), NEVER)

    @cached_property
    def first(self) -> Index:
        """The number of each account's first call, -1 for an account without calls."""
        found = np.full(len(self.names), -1, np.int64)
        accounts, first = np.unique(self.account, return_index=True)
        found[accounts] = first
        return found

    @cached_property
    def began(self) -> Index:
        """When each account was created, or where that is not known first called; microseconds."""
        created, known = self.times("created_at"), self.first >= 0
        called = np.where(known, self.micros[np.maximum(self.first, 0)] if self.micros.size else 0, 2**62)
        return np.where(created == NEVER, called, created)

    @cached_property
    def harvested(self) -> Mask | None:
        """Answered calls that ask what no other call asks and stand alone or in an agent's session; None where requests are not visible."""
        taken = taken_of(self.material.calls(COLUMNS))
        return np.isin(parts_of(taken).of, (ONCE, SESSION)) if taken.worded.size else None

    @cached_property
    def phrases(self) -> dict[int, str]:
        """The words behind grams, of the whole lake."""
        return {int(row["gram"]): str(row["words"]) for row in self.material.lake.table("phrases").to_arrow().to_pylist()}

    def closures(self, reasons: Sequence[str] | None) -> Index:
        """When each account was closed (for one of `reasons`, if any are given), `NEVER` where it was not; microseconds."""
        closed = self.times("closed_at")
        if reasons is None:
            return closed
        fits = [str(reason).casefold() in reasons if reason is not None else False for reason in self.person("closed_reason")]
        return np.where(np.array(fits, np.bool_), closed, NEVER)

    def permitted(self, scopes: Sequence[str], calls: Index) -> Mask:
        """Whether an entitlement with one of `scopes`, of the account or of its organization, ran when each of `calls` was made."""
        found = np.zeros(calls.size, np.bool_)
        organizations, number = self.person("organization_id"), {name: at for at, name in enumerate(self.names)}
        who, when = self.account[calls], self.micros[calls]
        granted = self.material.lake.table("entitlements").to_arrow()
        spans = [filled(granted[name].cast(pa.int64()), fill) for name, fill in (("granted_at", NEVER), ("expires_at", 2**62))]
        for at, row in enumerate(granted.select(["account_id", "organization_id", "scope"]).to_pylist()):
            if row["scope"] not in scopes:
                continue
            own = [number[row["account_id"]]] if row["account_id"] in number else []
            if row["organization_id"]:
                own += [place for place, name in enumerate(organizations) if name == row["organization_id"]]
            if own:
                found |= np.isin(who, own) & (when >= spans[0][at]) & (when < spans[1][at])
        return found
