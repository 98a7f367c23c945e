"""Spark's spelling of what differs between engines, in ANSI mode and a session whose zone is UTC."""

# ruff: noqa: D102 - the seam says what each method means

from __future__ import annotations

from stillhunt.lake.engine import Dialect

_MICROSECONDS_IN_HOUR = 3_600_000_000
_MICROSECONDS_IN_DAY = 24 * _MICROSECONDS_IN_HOUR


class SparkDialect(Dialect):
    """Spark SQL as it is since version 4: ANSI mode, lists as arrays, regular expressions of Java."""

    def epoch_us(self, timestamp: str) -> str:
        return f"unix_micros({timestamp})"

    def from_epoch_us(self, microseconds: str) -> str:
        return f"timestamp_micros({microseconds})"

    def hour_utc(self, timestamp: str) -> str:
        # From the number, not with hour(): the zone of the session must not matter.
        return f"CAST(pmod(unix_micros({timestamp}), {_MICROSECONDS_IN_DAY}) DIV {_MICROSECONDS_IN_HOUR} AS INTEGER)"

    def day_utc(self, timestamp: str) -> str:
        # DIV rounds towards zero, so that what is before 1970 would come a day late: the hours go first.
        micros = f"unix_micros({timestamp})"
        return f"CAST(({micros} - pmod({micros}, {_MICROSECONDS_IN_DAY})) DIV {_MICROSECONDS_IN_DAY} AS INTEGER)"

    def explode(self, relation: str, column: str, alias: str, keep: list[str]) -> str:
        return f"SELECT {''.join(f'{name}, ' for name in keep)}explode({column}) AS {alias} FROM {relation}"

    def quantile(self, expression: str, q: float) -> str:
        return f"percentile(CAST({expression} AS DOUBLE), {q!r}D)"

    def collect(self, expression: str) -> str:
        return f"array_sort(collect_set({expression}))"

    def list_length(self, expression: str) -> str:
        return f"array_size({expression})"

    def list_distinct(self, expression: str) -> str:
        return f"array_sort(array_distinct(array_compact({expression})))"

    def list_contains(self, expression: str, element: str) -> str:
        # Beside a null Spark does not know whether an element is there: nulls are taken out first.
        return f"array_contains(array_compact({expression}), {element})"

    def list_overlap(self, left: str, right: str) -> str:
        return f"array_size(array_intersect(array_compact({left}), array_compact({right})))"

    def extract(self, expression: str, pattern: str, group: int) -> str:
        return f"regexp_extract({expression}, {self.text(pattern)}, {int(group)})"

    def replace_all(self, expression: str, pattern: str, replacement: str) -> str:
        # In a replacement Java reads $ and \ as references to groups.
        plain = replacement.replace("\\", "\\\\").replace("$", "\\$")
        return f"regexp_replace({expression}, {self.text(pattern)}, {self.text(plain)})"

    def matches(self, expression: str, pattern: str) -> str:
        return f"({expression} RLIKE {self.text(pattern)})"

    def hash64(self, expression: str) -> str:
        return f"CAST(conv(substr(md5(CAST({expression} AS BINARY)), 1, 15), 16, 10) AS BIGINT)"

    def text(self, value: str) -> str:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
