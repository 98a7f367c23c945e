"""Log formats: one module per source, found by entry point (group ``stillhunt.formats``).

In: one record (a dict) as the source wrote it. Out: rows with the columns of `records.INTAKE_INTERACTIONS`
(or of `CANONICAL_ACCOUNTS`, `ENTITLEMENTS`). May import: records, errors, intake.bodies, intake.framing.
A format does no I/O of its own except to follow a reference that its record names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Row = dict[str, Any]
"""One interaction, account or entitlement: column name -> value; absent columns are simply not there.
Times are integers: microseconds since 1970 UTC. JSON columns are str."""


@dataclass(frozen=True)
class Sample:
    """The beginning of a source, for guessing its format."""

    name: str  # file name without the folder
    framing: str  # "lines" | "array" | "csv" | "parquet" | "text"
    records: list[Mapping[str, Any]]  # the first few records, decoded
    columns: tuple[str, ...] = ()  # CSV and Parquet: the header


@dataclass
class Context:
    """What a first pass over all sources of one format collected for the second (identity on another span, say)."""

    base: str = "."  # the folder of the source being read: references are resolved against it and may not leave it
    keep_text: bool = False
    account_optional: bool = False  # half of a log is read for `join`: the other half may know whose call it is
    facts: dict[Any, Any] = field(default_factory=dict)


class Format(Protocol):
    """What a format module offers; an instance of it is the entry point."""

    name: str  # as --format takes it: "litellm"
    title: str  # for people: "LiteLLM StandardLoggingPayload"
    sees: frozenset[str]  # columns of CANONICAL_INTERACTIONS and CANONICAL_ACCOUNTS that it can carry
    hides: Mapping[str, str]  # column or channel -> why it is never, or not by default, there and how to turn it on
    two_pass: bool  # whether `index` must see every record before `read` sees the first

    def sniff(self, sample: Sample) -> float:
        """How surely `sample` is this format: 0 no, 1 certainly. Never raises."""
        ...

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """First pass: remember in `context.facts` what rows elsewhere need. Never raises but BadRow."""
        ...

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """The rows in `record`, as (table name, row); none when it is a record of another kind.

        Raises:
            BadRow: the record cannot become rows; the reason names the field, never its value.
        """
        ...


class LineReader(Protocol):
    """What a format may offer beside `Format` when its logs are large: a way from a line to rows that skips what nobody reads."""

    def read_line(self, line: memoryview, context: Context) -> Iterable[tuple[str, Row]] | None:
        """What decoding `line` (UTF-8, no newline) and `read` would give, or None: then they are asked. Never raises."""
        ...
