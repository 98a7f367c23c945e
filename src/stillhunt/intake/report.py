"""What an ingest did, for people and for machines: every record accounted for, source by source."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from stillhunt.errors import InputError
from stillhunt.records import CANONICAL_ACCOUNTS, CANONICAL_INTERACTIONS


@dataclass
class SourceReport:
    """One file. For a format with one call in each record: records == accepted + duplicates + ignored + unknown_callers + quarantined."""

    source: str
    format: str | None = None
    size: int = 0  # bytes on disk
    records: int = 0
    ignored: int = 0  # records of another kind, in which there is nothing to read
    unknown_callers: int = 0  # calls that the gateway refused because it knew nobody by their credentials
    interactions: int = 0  # == accepted + duplicates once the ingest is done
    accepted: int = 0
    duplicates: int = 0  # already in the lake, or earlier in the same ingest
    accounts: int = 0
    entitlements: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)  # by reason
    left_out: Counter[str] = field(default_factory=Counter)  # fields that could not be read, by reason
    errors: list[str] = field(default_factory=list)  # one line each: why it could not be read, or not to its end
    skipped: str | None = None  # found in a folder, and no log
    filled: set[str] = field(default_factory=set)

    def to_json(self) -> dict[str, Any]:
        """Everything but `filled`, as JSON."""
        return {
            "source": self.source,
            "format": self.format,
            "bytes": self.size,
            **{name: getattr(self, name) for name in _COUNTS},
            "quarantined": dict(sorted(self.quarantined.items())),
            "left_out": dict(sorted(self.left_out.items())),
            "errors": self.errors,
            "skipped": self.skipped,
        }


_COUNTS = ("records", "ignored", "unknown_callers", "interactions", "accepted", "duplicates", "accounts", "entitlements")


@dataclass
class IngestReport:
    """What an ingest did. `errors` not empty means: something that was given could not be read (exit status 2)."""

    sources: list[SourceReport] = field(default_factory=list)
    shared_ids: int = 0  # accepted calls with the id of another account's call, or of one of another moment: kept under ids of their own

    @property
    def records(self) -> int:
        """Records met."""
        return sum(source.records for source in self.sources)

    @property
    def accepted(self) -> int:
        """Interactions that the lake did not have yet."""
        return sum(source.accepted for source in self.sources)

    @property
    def duplicates(self) -> int:
        """Interactions that it had."""
        return sum(source.duplicates for source in self.sources)

    @property
    def accounts(self) -> int:
        """Account rows read (not distinct)."""
        return sum(source.accounts for source in self.sources)

    @property
    def entitlements(self) -> int:
        """Entitlement rows read."""
        return sum(source.entitlements for source in self.sources)

    @property
    def quarantined(self) -> Counter[str]:
        """Rows set aside, by reason."""
        total: Counter[str] = Counter()
        for source in self.sources:
            total.update(source.quarantined)
        return total

    @property
    def left_out(self) -> Counter[str]:
        """Records that were kept without a field that could not be read, by reason; a record with two such fields counts for each."""
        total: Counter[str] = Counter()
        for source in self.sources:
            total.update(source.left_out)
        return total

    @property
    def errors(self) -> list[str]:
        """One line for each source that could not be read, or not to its end."""
        return [error for source in self.sources for error in source.errors]

    @property
    def never_filled(self) -> list[str]:
        """Canonical columns that no row of any source filled: what channels will not be able to see."""
        filled = set().union(*(source.filled for source in self.sources))
        return [name for name in dict.fromkeys([*CANONICAL_INTERACTIONS.names, *CANONICAL_ACCOUNTS.names]) if name not in filled]

    def raise_for_errors(self) -> None:
        """Raise what went wrong, if something did.

        Raises:
            InputError: the first error, and how many more there are.
        """
        errors = self.errors
        if errors:
            more = f" ({len(errors) - 1} more sources had errors)" if len(errors) > 1 else ""
            raise InputError(errors[0] + more)

    def to_json(self) -> dict[str, Any]:
        """The whole report as JSON."""
        quarantined = self.quarantined
        return {
            **{name: sum(getattr(source, name) for source in self.sources) for name in _COUNTS},
            "quarantined": dict(sorted(quarantined.items())),
            "left_out": dict(sorted(self.left_out.items())),
            "shared_ids": self.shared_ids,
            "never_filled": self.never_filled,
            "errors": self.errors,
            "sources": [source.to_json() for source in self.sources],
        }


@dataclass(frozen=True)
class Progress:
    """Where an ingest stands. Bytes are of the files as they lie on disk."""

    stage: str  # "indexing" | "reading" | "done"
    source: str
    done: int
    total: int
    records: int
    quarantined: int
