"""Log formats: one module per source, found by entry point (group ``stillhunt.formats``).

In: one record (a dict) as the source wrote it. Out: rows with the columns of `records.INTAKE_INTERACTIONS`
(or of `CANONICAL_ACCOUNTS`, `ENTITLEMENTS`). May import: records, errors, intake.bodies, intake.framing, intake.kept.
A format does no I/O of its own except to follow a reference that its record names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt.intake.kept import Kept

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
    ends: Sequence[int] = ()  # where a block is of several sources: the number of the last line of each
    facts: dict[Any, Any] = field(default_factory=dict)
    kept: Kept = field(default_factory=Kept)  # the same for what grows with the log: it may be larger than memory


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

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[Found]:
        """The rows in `record`, as (table name, row); none when it is a record of another kind.

        Raises:
            BadRow: the record cannot become rows; the reason names the field, never its value.
        """
        ...


Found: TypeAlias = tuple[str, Row]
"""A table's name and a row of it."""

Also: TypeAlias = Callable[[], Iterable[Found]]
"""Rows that depend on what was read before: asked for when everything before them has been."""

Left: TypeAlias = tuple[int, int, int]
"""A line that `read` must see: its number from 1, and the bytes [from, to) that it has in the block."""


class Scan(NamedTuple):
    """What a block scanner made of a block of lines, which are numbered from 1.

    Attributes:
        rows: `records.INTAKE_INTERACTIONS`, one row for each of `lines`, which ascend.
        left: the other lines, ascending; blank ones may be among them.
        ignored: the numbers of lines with records of another kind.
        also: rows of other tables, with the line that they come from, ascending.
    """

    rows: pa.Table
    lines: npt.NDArray[np.int64]
    left: list[Left]
    ignored: npt.NDArray[np.int64]
    also: list[tuple[int, Also]]


class Scanner(Protocol):
    """What a format may offer beside `Format` when its logs are large: a way from blocks to rows in compiled loops."""

    def scan(self, data: npt.NDArray[np.uint8], context: Context) -> Scan | None:
        """What decoding lines and `read` would give, but for the lines that are left to them; None: all.

        Args:
            data: lines in UTF-8, with `grammar.PAD` newlines behind them so that loops may look further than the end.
            context: as for `read`.
        """
        ...
