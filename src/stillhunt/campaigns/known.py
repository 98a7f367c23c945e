"""Campaigns as they are known from scan to scan, and what happens to them: the shapes that the chronicle writes and the registry keeps.

Times are ISO 8601 in UTC. Wall-clock times say when a scan was made, the others which calls it saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from stillhunt.campaigns.kinship import Trait

Status = Literal["active", "banned", "quiet", "faded", "merged"]
Kind = Literal["appeared", "grew", "shrank", "merged", "split", "banned", "came_back", "went_quiet", "faded", "dated"]


@dataclass(frozen=True)
class Membership:
    """One account of a campaign: its generation, when a scan first named it, whether the newest scan does, whether it is closed."""

    generation: int
    named_at: str
    listed: bool
    closed: bool


@dataclass(frozen=True)
class Known:
    """A campaign as it is known.

    Attributes:
        name: given when it first was named, and kept.
        status: active; banned; quiet (nobody calls any more); faded (the newest scan does not name it); merged (part of another one).
        generation: of its newest accounts, from 1.
        first_named_at: wall clock of the scan that first named it.
        first_named_to: the newest call that this scan saw.
        not_named_to: a scan that saw calls up to here does not name it; None before any was made.
        could_to: a scan that sees calls up to here names it: the earliest such scan that is known.
        dated: how `could_to` is known. watched: the watch scanned shortly before and did not name it. looked back: by scans of the past
            (taking it that what can be named can be named ever after). open: not closer than from `not_named_to` to `could_to` yet.
        first_seen, last_seen: its first and last call.
        calls, output_tokens: what it has taken, as the last scan that named it counted.
        members: account -> membership, of everybody who was ever named in it.
        traits: what its accounts share that may outlive them.
        told: accounts that were told last.
        merged_into, split_from: names of other campaigns.
    """

    name: str
    status: Status
    generation: int
    first_named_at: str
    first_named_to: str
    not_named_to: str | None
    could_to: str
    dated: Literal["watched", "looked back", "open"]
    first_seen: str
    last_seen: str
    calls: int
    output_tokens: int
    members: Mapping[str, Membership]
    traits: tuple[Trait, ...] = ()
    told: int = 0
    merged_into: str | None = None
    split_from: str | None = None

    @property
    def size(self) -> int:
        """Accounts that the newest scan names."""
        return sum(one.listed for one in self.members.values())

    @property
    def closed(self) -> int:
        """Accounts that are closed, of all that were ever named."""
        return sum(one.closed for one in self.members.values())

    def of(self, generation: int) -> list[Membership]:
        """The accounts of one generation."""
        return [one for one in self.members.values() if one.generation == generation]


@dataclass(frozen=True)
class Event:
    """Something that happened to a campaign.

    Attributes:
        kind: what.
        campaign: its name.
        at: wall clock of the scan that showed it.
        seen_to: the newest call that this scan saw.
        accounts: accounts that the scan names.
        before: accounts that were told before.
        new: accounts that no scan had named.
        closed: accounts that are closed, of all that were ever named.
        generation: of its newest accounts.
        other: the campaign that it has become part of (merged) or was part of (split).
        could_to: as `Known.could_to`, where it is known (appeared, dated).
    """

    kind: Kind
    campaign: str
    at: str
    seen_to: str
    accounts: int
    before: int
    new: int
    closed: int
    generation: int
    other: str | None = None
    could_to: str | None = None
