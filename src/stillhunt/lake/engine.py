"""The engine seam: SQL in the subset that DuckDB and Spark both speak, and a small dialect for the rest.

An engine holds named relations. Lake tables and Arrow tables are attached under a name, queries are materialised
under new names, and only small results are fetched. Everything above the lake speaks to `Engine` alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from stillhunt.lake import LakeTable


class Dialect(ABC):
    """The handful of expressions that differ between engines. Arguments and results are SQL text."""

    @abstractmethod
    def epoch_us(self, timestamp: str) -> str:
        """Microseconds since 1970 UTC as BIGINT."""

    @abstractmethod
    def from_epoch_us(self, microseconds: str) -> str:
        """TIMESTAMP WITH TIME ZONE from microseconds since 1970 UTC."""

    @abstractmethod
    def hour_utc(self, timestamp: str) -> str:
        """Hour of the day in UTC, 0 to 23, as INTEGER."""

    @abstractmethod
    def day_utc(self, timestamp: str) -> str:
        """Whole days since 1970-01-01 UTC as INTEGER."""

    @abstractmethod
    def explode(self, relation: str, column: str, alias: str, keep: list[str]) -> str:
        """A SELECT with one row for each element of the list `column`, named `alias`, beside the columns `keep`."""

    @abstractmethod
    def quantile(self, expression: str, q: float) -> str:
        """Aggregate: exact continuous quantile of `expression`."""


class Engine(ABC):
    """Named relations and SQL over them. Final methods are the seam; `_` methods are what an engine overrides."""

    name: str
    dialect: Dialect

    @abstractmethod
    def attach(self, name: str, source: pa.Table | LakeTable) -> None:
        """Make a lake table (at its pinned snapshot) or an Arrow table visible as the relation `name`."""

    @abstractmethod
    def materialise(self, name: str, sql: str) -> int:
        """Evaluate `sql` once into the relation `name`, replacing it if it exists. Returns its number of rows."""

    @abstractmethod
    def fetch(self, sql: str) -> pa.Table:
        """Evaluate `sql` and return its rows, with string, int64, float64, bool and timestamp[us, UTC] columns only."""

    @abstractmethod
    def close(self) -> None:
        """Release what the engine holds."""
