"""The engine seam: SQL in the subset that DuckDB and Spark both speak, and a small dialect for the rest.

An engine holds named relations. Lake tables and Arrow tables are attached under a name, queries are materialised
under new names, and only small results are fetched. Everything above the lake speaks to `Engine` alone.

The subset: SELECT with joins (inner, left, full, cross), subqueries (scalar, IN, EXISTS), DISTINCT, GROUP BY, HAVING, window functions,
UNION ALL, WITH, CASE, COALESCE, NULLIF, `IS NOT DISTINCT FROM`, ORDER BY, LIMIT; COUNT, SUM, AVG, MIN, MAX, ROW_NUMBER, RANK, LAG,
LEAD; `+ - * / %`, MOD, ABS, FLOOR, LN, LOG2, LEAST, GREATEST, SUBSTR, LOWER, CONCAT, `||`, LENGTH, LIKE; CAST to BIGINT, INTEGER, DOUBLE,
STRING, BOOLEAN. Times are compared and aggregated as they are and computed with as microseconds (`epoch_us`). Anything else goes through
`Dialect`. Strings in SQL are written by `Dialect.text`, never pasted.

Where engines differ nevertheless, and what to write: `/` divides without rounding, and by zero it is an error or infinite: NULLIF
the divisor. FLOOR of a double is whole on one engine and a double on the other: CAST it. LN and LOG2 take what is above zero. A text is
STRING (VARCHAR wants a length elsewhere). Nulls come first or last in ORDER BY: COALESCE them where it matters. A double as text is
spelled by each engine in its own way: results carry numbers.

The conformance suite (tests/lake) runs all of this on every engine, and replays there every query that a scan issues.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, final

import pyarrow as pa

from stillhunt.records import TIMESTAMP

if TYPE_CHECKING:
    from stillhunt.lake.table import LakeTable

Partition: TypeAlias = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
"""What `Engine.grouped` runs on rows in order. On Spark it runs in other processes, perhaps on other machines: it takes with it what it
refers to, and what it changes outside is lost."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")


class Dialect(ABC):
    """The handful of expressions that differ between engines. Arguments and results are SQL text, if nothing else is said."""

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
        """A SELECT with one row for each element of the list `column`, named `alias`, beside the columns `keep`.

        Rows whose list is null or empty have none.
        """

    @abstractmethod
    def quantile(self, expression: str, q: float) -> str:
        """Aggregate: exact quantile of `expression`, between neighbours by linear interpolation, as DOUBLE; nulls do not count."""

    @final
    def median(self, expression: str) -> str:
        """Aggregate: the quantile at one half."""
        return self.quantile(expression, 0.5)

    @abstractmethod
    def collect(self, expression: str) -> str:
        """Aggregate: the distinct values of `expression` that are not null, as a list in ascending order."""

    @abstractmethod
    def list_length(self, expression: str) -> str:
        """Number of elements of a list as INTEGER; null for null."""

    @abstractmethod
    def list_distinct(self, expression: str) -> str:
        """The list's distinct elements that are not null, in ascending order; null for null."""

    @abstractmethod
    def list_contains(self, expression: str, element: str) -> str:
        """Whether the list has the element, which is not null; null for a null list."""

    @abstractmethod
    def list_overlap(self, left: str, right: str) -> str:
        """Number of distinct elements, not null, that two lists share, as INTEGER; null if either list is."""

    @abstractmethod
    def extract(self, expression: str, pattern: str, group: int) -> str:
        """What the group of the first match of a regular expression matched; '' without a match, null for null.

        Args:
            expression: SQL.
            pattern: a regular expression itself, not SQL; only what RE2 and Java both understand.
            group: 0 is the whole match.
        """

    @abstractmethod
    def replace_all(self, expression: str, pattern: str, replacement: str) -> str:
        """The text with every match of a regular expression replaced. Pattern and replacement are plain, without groups."""

    @abstractmethod
    def matches(self, expression: str, pattern: str) -> str:
        """Whether a regular expression (as for `extract`) matches anywhere in the text; null for null."""

    @abstractmethod
    def hash64(self, expression: str) -> str:
        """BIGINT hash of a text, the same on every engine and in every release: the first 60 bits of its MD5; null for null."""

    @final
    def bucket(self, expression: str, count: int) -> str:
        """One of `count` buckets, 0 to `count` - 1, by the hash of a text; the same on every engine. Null for null."""
        return f"({self.hash64(expression)} % {int(count)})"

    @abstractmethod
    def text(self, value: str) -> str:
        """`value`, which is not SQL, as an SQL string."""


class Engine(ABC):
    """Named relations and SQL over them. Final methods are the seam; `_` methods are what an engine overrides.

    Names are lower case letters, digits and underscores. A name can be attached or materialised again: it is replaced.
    """

    name: str
    dialect: Dialect

    @final
    def attach(self, name: str, source: pa.Table | LakeTable) -> None:
        """Make a lake table (at its pinned snapshot) or an Arrow table visible as the relation `name`."""
        self._check(name)
        if isinstance(source, pa.Table):
            self._attach_arrow(name, source)
        else:
            self._attach_lake(name, source)

    @final
    def materialise(self, name: str, sql: str) -> int:
        """Evaluate `sql` once into the relation `name`, replacing it if it exists. Returns its number of rows.

        `sql` may read the relation that it replaces.
        """
        self._check(name)
        return self._materialise(name, sql)

    @final
    def fetch(self, sql: str) -> pa.Table:
        """Evaluate `sql` and return its rows, with string, int64, float64, bool and timestamp[us, UTC] columns only.

        Raises:
            TypeError: a column has another type, a list for instance.
            OverflowError: a whole number does not fit 64 bits.
        """
        return plain(self._fetch(sql))

    @final
    def grouped(self, sql: str, keys: Sequence[str], order: Sequence[str], function: Partition, schema: pa.Schema) -> pa.Table:
        """Rows of `sql` through `function`, so that it meets all rows of equal `keys` in one call, and every row in the order of `order`.

        Args:
            sql: the rows.
            keys: columns of `sql`, one or more. How rows of different keys share calls is the engine's choice.
            order: columns of `sql`: rows come sorted by them, nulls first. To meet the rows of one key together, begin with `keys`.
            function: takes the batches of one call, in order, and gives batches with the columns of `schema`. Batches have strings, whole
                numbers, doubles, booleans, timestamp[us, UTC] and lists of them. Called without any batch it gives what no rows give.
            schema: of the result: the same types, or binary.

        Returns:
            What the calls gave, one after the other; the order of calls is not defined.

        Raises:
            StillhuntError: `function` failed in another process, with its reason in words. In this one it raises what it raises.
        """
        for name in (*keys, *order):
            self._check(name)
        if not keys:
            raise ValueError("rows are grouped by at least one column")
        return self._grouped(sql, keys, order, function, schema)

    @abstractmethod
    def close(self) -> None:
        """Release what the engine holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @abstractmethod
    def _attach_arrow(self, name: str, table: pa.Table) -> None: ...

    @abstractmethod
    def _attach_lake(self, name: str, table: LakeTable) -> None: ...

    @abstractmethod
    def _materialise(self, name: str, sql: str) -> int: ...

    @abstractmethod
    def _fetch(self, sql: str) -> pa.Table: ...

    @abstractmethod
    def _grouped(self, sql: str, keys: Sequence[str], order: Sequence[str], function: Partition, schema: pa.Schema) -> pa.Table: ...

    @staticmethod
    def _check(name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot name a relation: lower case letters, digits and underscores only")


def plain(table: pa.Table) -> pa.Table:
    """`table` with the few column types that results have: string, int64, float64, bool, timestamp[us, UTC].

    Raises:
        TypeError: a column has a type that is none of them and becomes none.
        OverflowError: a whole number does not fit 64 bits.
    """
    columns = [_plain_column(field.name, table.column(place)) for place, field in enumerate(table.schema)]
    return pa.table(columns, names=table.column_names)


def _plain_column(name: str, column: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain_column(name, column.cast(kind.value_type))
    if pa.types.is_boolean(kind):
        return column
    if pa.types.is_null(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind):
        return column.cast(TIMESTAMP)
    if pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0):
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid as error:
            raise OverflowError(f"column {name}: a number does not fit 64 bits; cast it to DOUBLE in the query") from error
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    raise TypeError(
        f"column {name} has type {kind}; results have only strings, numbers, booleans and times: explode or cast it in the query"
    )
