"""A world read back as a provider's analyst would read it; `SPEC` is a small one with everybody in it."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from stillhunt.range.operators import operator
from stillhunt.range.populations import load
from stillhunt.range.world import World, WorldSpec

FEW = ("hackathon_unlabelled", "digest_app")
"""Populations outside the default set that are in this world; the others have a world of their own."""

SPEC = WorldSpec(
    seed=7,
    days=14,
    accounts=700,
    calls=24_000,
    populations=tuple(name for name, one in load().items() if one.default or name in FEW),
    operators=(
        operator("letter", name="still", accounts=36, banned=0.1, refused=0.03),
        operator("low-and-slow", name="shy", accounts=24, machinery="separate", refused=0.03),
    ),
    format="canonical",
)


@dataclass
class Ground:
    """A world read back from disk."""

    world: World
    folder: Path
    calls: list[dict[str, Any]]
    accounts: dict[str, dict[str, Any]]
    truth: dict[str, dict[str, Any]]
    entitlements: list[dict[str, Any]]

    def of(self, population: str | None = None, operator: str | None = None) -> list[dict[str, Any]]:
        """Calls of one population or operator, in order of time."""
        wanted = {
            account
            for account, row in self.truth.items()
            if (population is None or row["population"] == population) and (operator is None or row["operator"] == operator)
        }
        return [call for call in self.calls if call["account_id"] in wanted]

    def people(self, population: str | None = None, operator: str | None = None) -> list[dict[str, Any]]:
        """Account records of one population or operator."""
        return [
            self.accounts[account]
            for account, row in self.truth.items()
            if (population is None or row["population"] == population) and (operator is None or row["operator"] == operator)
        ]


def read(world: World, folder: Path) -> Ground:
    """Read a canonical world from disk."""
    calls = [row for file in world.files for row in pq.read_table(file).to_pylist()]
    for call in calls:
        turns = json.loads(call["messages"])
        call["turns"] = len(turns)
        call["prompt"] = turns[-1]["parts"][0]["content"]
        call["us"] = int(call["started_at"].timestamp() * 1_000_000)
    by_id = lambda path: {row["account_id"]: row for row in pq.read_table(path).to_pylist()}  # noqa: E731
    return Ground(
        world=world,
        folder=folder,
        calls=calls,
        accounts=by_id(folder / "provider" / "accounts.parquet"),
        truth=by_id(folder / "truth" / "truth.parquet"),
        entitlements=pq.read_table(folder / "provider" / "entitlements.parquet").to_pylist(),
    )


def by_account(calls: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Calls grouped by account, each group in order of time."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for call in calls:
        groups[call["account_id"]].append(call)
    return groups
