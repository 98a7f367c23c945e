"""Two engines that are asked the same and must answer the same: every query that reaches one of them is a case of conformance.

A dialect of marks stands in for both. SQL that is built with it reaches `Twins` with marks where engines differ, and each engine gets
the text that its own dialect gives for them.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from stillhunt.lake import engines
from stillhunt.lake.engine import Dialect, Engine, Partition
from stillhunt.lake.table import LakeTable

_MARK = re.compile("⟦([0-9]+)⟧")


def open_engine() -> Twins:
    """DuckDB and Spark, so that this module can stand in the list of engines."""
    return Twins(engines.open_engine("duckdb"), engines.open_engine("spark"))


class Marks(Dialect):
    """Notes what is asked for and gives a mark for it."""

    def __init__(self) -> None:
        self._asked: list[tuple[str, tuple[Any, ...]]] = []

    def spelled(self, sql: str, dialect: Dialect) -> str:
        """`sql` as `dialect` has it."""

        def one(found: re.Match[str]) -> str:
            method, arguments = self._asked[int(found.group(1))]
            answer: str = getattr(dialect, method)(*(self.spelled(a, dialect) if isinstance(a, str) else a for a in arguments))
            return answer

        return _MARK.sub(one, sql)

    def _mark(self, method: str, *arguments: Any) -> str:
        self._asked.append((method, arguments))
        return f"⟦{len(self._asked) - 1}⟧"

    def epoch_us(self, timestamp: str) -> str:
        return self._mark("epoch_us", timestamp)

    def from_epoch_us(self, microseconds: str) -> str:
        return self._mark("from_epoch_us", microseconds)

    def hour_utc(self, timestamp: str) -> str:
        return self._mark("hour_utc", timestamp)

    def day_utc(self, timestamp: str) -> str:
        return self._mark("day_utc", timestamp)

    def explode(self, relation: str, column: str, alias: str, keep: list[str]) -> str:
        return self._mark("explode", relation, column, alias, keep)

    def quantile(self, expression: str, q: float) -> str:
        return self._mark("quantile", expression, q)

    def collect(self, expression: str) -> str:
        return self._mark("collect", expression)

    def list_length(self, expression: str) -> str:
        return self._mark("list_length", expression)

    def list_distinct(self, expression: str) -> str:
        return self._mark("list_distinct", expression)

    def list_contains(self, expression: str, element: str) -> str:
        return self._mark("list_contains", expression, element)

    def list_overlap(self, left: str, right: str) -> str:
        return self._mark("list_overlap", left, right)

    def extract(self, expression: str, pattern: str, group: int) -> str:
        return self._mark("extract", expression, pattern, group)

    def replace_all(self, expression: str, pattern: str, replacement: str) -> str:
        return self._mark("replace_all", expression, pattern, replacement)

    def matches(self, expression: str, pattern: str) -> str:
        return self._mark("matches", expression, pattern)

    def hash64(self, expression: str) -> str:
        return self._mark("hash64", expression)

    def text(self, value: str) -> str:
        return self._mark("text", value)


class Twins(Engine):
    """Asks both engines and compares: the rows of every query, the relation behind every name, what every grouped step is given.

    Attributes:
        asked: the SQL of every question, as the first engine had it.
        askers: the modules of the product that asked.
    """

    name = "twins"

    def __init__(self, first: Engine, second: Engine) -> None:
        self.dialect: Marks = Marks()
        self.first, self.second = first, second
        self.asked: list[str] = []
        self.askers: set[str] = set()

    def close(self) -> None:
        self.first.close()
        self.second.close()

    def _attach_arrow(self, name: str, table: pa.Table) -> None:
        self._note_asker()
        self.first.attach(name, table)
        self.second.attach(name, table)
        self._compare_relation(name)

    def _attach_lake(self, name: str, table: LakeTable) -> None:
        self._note_asker()
        self.first.attach(name, table)
        self.second.attach(name, table)
        self._compare_relation(name)

    def _materialise(self, name: str, sql: str) -> int:
        one, two = self._spelled(sql)
        counts = self.first.materialise(name, one), self.second.materialise(name, two)
        assert counts[0] == counts[1], f"{counts[0]} and {counts[1]} rows of\n{one}"
        self._compare_relation(name)
        return counts[0]

    def _fetch(self, sql: str) -> pa.Table:
        one, two = self._spelled(sql)
        found = self.first.fetch(one)
        compare(found, self.second.fetch(two), one)
        return found

    def _grouped(self, sql: str, keys: Sequence[str], order: Sequence[str], function: Partition, schema: pa.Schema) -> pa.Table:
        # How rows share calls is each engine's own, and so may be what comes out: what goes in must be the same.
        self._materialise("rows_to_group", sql)
        return self.second.grouped("SELECT * FROM rows_to_group", keys, order, function, schema)

    def _spelled(self, sql: str) -> tuple[str, str]:
        spelled = self.dialect.spelled(sql, self.first.dialect), self.dialect.spelled(sql, self.second.dialect)
        self.asked.append(spelled[0])
        self._note_asker()
        return spelled

    def _note_asker(self) -> None:
        frame = sys._getframe(1)
        while frame is not None:
            module = str(frame.f_globals.get("__name__", ""))
            if module.startswith("stillhunt.") and module != Engine.__module__:
                self.askers.add(module)
                return
            frame = frame.f_back

    def _compare_relation(self, name: str) -> None:
        """Counts and sums of every column, texts by their hashes and lists by their elements: the same for the same rows in any order."""
        told = {
            row["name"]: row["kind"]
            for row in self.first.fetch(
                f"SELECT column_name AS name, data_type AS kind FROM information_schema.columns WHERE table_name = '{name}'"
            ).to_pylist()
        }
        one, two = ([engine.fetch(sql) for sql in _sums(engine.dialect, name, told)] for engine in (self.first, self.second))
        for left, right in zip(one, two, strict=True):
            compare(left, right, f"the relation {name}")


_NUMBERS = {"BIGINT", "INTEGER", "HUGEINT", "DOUBLE", "SMALLINT", "TINYINT"}


def _sums(dialect: Dialect, name: str, columns: dict[str, str]) -> list[str]:
    def number(column: str, kind: str) -> str:
        if kind in _NUMBERS:
            return column
        if "TIMESTAMP" in kind:
            return dialect.epoch_us(column)
        return dialect.list_length(column) if kind.endswith("[]") else dialect.hash64(f"CAST({column} AS STRING)")

    # Remainders, so that sums are exact whatever the order.
    parts = [f"COUNT({c}) AS n_{c}, SUM(CAST({number(c, kind)} AS DOUBLE) % 65521) AS s_{c}" for c, kind in columns.items()]
    rows = [f"SELECT COUNT(*) AS n, {', '.join(parts)} FROM {name}"] if parts else []
    return rows + [
        f"SELECT COUNT(*) AS n, SUM(CAST(element % 65521 AS DOUBLE)) AS s FROM ({dialect.explode(name, c, 'element', [])})"
        for c, kind in columns.items()
        if kind.endswith("[]")
    ]


def compare(one: pa.Table, two: pa.Table, about: str) -> None:
    """Same columns, same types, same rows, in whatever order; doubles to twelve digits."""
    assert one.schema.names == two.schema.names, f"columns of\n{about}"
    assert one.schema.types == two.schema.types, f"types {one.schema.types} and {two.schema.types} of\n{about}"
    rows = [sorted((tuple(row.values()) for row in table.to_pylist()), key=_rank) for table in (one, two)]
    assert len(rows[0]) == len(rows[1]), f"{len(rows[0])} and {len(rows[1])} rows of\n{about}"
    for left, right in zip(*rows, strict=True):
        assert all(map(_same, left, right)), f"{left} and {right} in\n{about}"


def _rank(row: tuple[Any, ...]) -> tuple[tuple[bool, str], ...]:
    return tuple((value is None, f"{value:.9e}" if isinstance(value, float) else str(value)) for value in row)


def _same(left: object, right: object) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-12) or (math.isnan(left) and math.isnan(right))
    return left == right
