"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something that is not as it was committed.

    Attributes:
        what: what is wrong, in one sentence for a person.
        where: the file, entry or row.
    """

    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"
