"""What becomes of campaigns from scan to scan: one name each while they grow, shrink, are banned, and come back under new accounts.

A pure step: what was known, and what one scan showed, give what is known now and the events that tell the difference. The same scan
again gives no event, so a watch that was killed between two steps repeats nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from stillhunt.campaigns.continuity import Continuity, Generation, pair
from stillhunt.campaigns.dating import EXACT
from stillhunt.campaigns.kinship import kin, traits
from stillhunt.campaigns.known import Event, Kind, Known, Membership, Status
from stillhunt.channels import Family
from stillhunt.records import Findings

CLOSED = 0.8
"""A campaign counts as banned when this share of the accounts of its newest generation is closed."""

QUIET = timedelta(hours=72)
"""... and as quiet when none of them has called for so long before the newest call of anybody: longer than a weekend."""

TOLD = 0.05
"""Growing and shrinking are told in steps of this share of the accounts told last, and of one account at least."""


@dataclass(frozen=True)
class Look:
    """One scan, for the chronicle.

    Attributes:
        findings: what it found.
        at: wall clock, ISO 8601.
        closed: accounts that are closed, of those that the findings or the chronicle name.
        before_to: the newest call that the look before this one saw; None for the first.
        families: `kinship.lasting`.
    """

    findings: Findings
    at: str
    closed: AbstractSet[str]
    before_to: str | None
    families: Mapping[str, Family] = field(default_factory=dict)

    @property
    def seen_to(self) -> str:
        """The newest call in view."""
        return self.findings.scanned.to or self.at


@dataclass
class Step:
    """What a look changed.

    Attributes:
        known: all campaigns, in the order in which they became known.
        events: in order.
        names: for each campaign of the findings, the name to show: that of the known one, with the generation behind a dot where a scan
            lists generations apart.
    """

    known: list[Known]
    events: list[Event]
    names: list[str]


def step(known: Sequence[Known], look: Look) -> Step:
    """Bring what is known up to a look."""
    return _Step(known, look).taken()


class _Step:
    def __init__(self, known: Sequence[Known], look: Look) -> None:
        self._known = {one.name: one for one in known}
        self._look = look
        self._found = look.findings.campaigns
        self._accounts = [{member.account_id for member in one.accounts} for one in self._found]
        self._traits = [tuple(traits(one, look.findings.scanned.accounts, look.families)) for one in self._found]
        self._events: list[Event] = []
        self._named_at: dict[str, str] = {}
        for one in known:
            for account, membership in one.members.items():
                self._named_at[account] = min(membership.named_at, self._named_at.get(account, membership.named_at))

    def taken(self) -> Step:
        generations: dict[Generation, set[str]] = {}
        for one in self._known.values():
            for account, membership in one.members.items():
                generations.setdefault((one.name, membership.generation), set()).add(account)
        gone_into = {one.name: one.merged_into for one in self._known.values() if one.merged_into is not None}
        paired = pair(self._accounts, generations, gone_into)
        self._adopt(paired)
        parts: dict[str, list[int]] = {}
        for at, name in sorted(paired.home.items()):
            parts.setdefault(name, []).append(at)
        changed = [self._updated(one, parts.get(one.name, []), paired) for one in self._known.values()]
        appeared = [self._appeared(at, paired) for at in range(len(self._found)) if at not in paired.home]
        return Step([*changed, *appeared], self._events, self._names(paired, parts))

    # ---- who is who

    def _adopt(self, paired: Continuity) -> None:
        """Tie campaigns without a home to those that are over, by what they share."""
        strays = [at for at in range(len(self._found)) if at not in paired.home and at not in paired.split]
        over = [one for one in self._known.values() if self._over(one)]
        ranked = sorted(
            (
                (-kin(one.traits, self._traits[at], self._look.families, len(strays) * len(over)), place, at)
                for at in strays
                for place, one in enumerate(over)
            ),
        )
        adopting: set[str] = set()
        for evidence, place, at in ranked:
            name = over[place].name
            if evidence < 0 and at not in paired.home and name not in adopting:
                adopting.add(name)
                paired.home[at] = name

    def _over(self, one: Known) -> bool:
        if one.status == "merged":
            return False
        return one.status != "active" or self._banned(one)

    def _banned(self, one: Known) -> bool:
        accounts = [account for account, membership in one.members.items() if membership.generation == one.generation]
        return sum(account in self._look.closed for account in accounts) >= CLOSED * len(accounts)

    def _names(self, paired: Continuity, parts: Mapping[str, list[int]]) -> list[str]:
        names = []
        for at, one in enumerate(self._found):
            home = paired.home.get(at)
            if home is None:
                names.append(one.campaign_id)
            elif parts[home][0] == at:
                names.append(home)
            else:
                names.append(f"{home}.{max(paired.generations.get(at, [self._known[home].generation + 1]))}")
        return names

    # ---- what has happened to a known campaign

    def _updated(self, one: Known, parts: list[int], paired: Continuity) -> Known:
        look = self._look
        listed = set().union(*(self._accounts[at] for at in parts)) if parts else set()
        new = listed - one.members.keys()
        fresh = new - look.closed
        generation = one.generation
        over = one.status == "banned" or self._banned(one)
        adopted = any(at not in paired.generations for at in parts)
        if adopted or (over and len(fresh) >= max(2, len(new) / 2)):
            generation += 1
            if over and one.status != "banned":
                one = self._closed(one)
        members = {
            account: replace(membership, listed=account in listed, closed=account in look.closed)
            for account, membership in one.members.items()
        }
        members |= {account: self._member(account, generation) for account in sorted(new)}
        after = replace(one, generation=generation, members=members)
        if parts:
            found = [self._found[at] for at in parts]
            kept = {(trait.aspect, trait.value): trait for at in parts for trait in self._traits[at]}
            after = replace(
                after,
                first_seen=min(one.first_seen, *(campaign.first_seen for campaign in found)),
                last_seen=max(one.last_seen, *(campaign.last_seen for campaign in found)),
                calls=sum(campaign.calls for campaign in found),
                output_tokens=sum(campaign.output_tokens for campaign in found),
                traits=tuple(kept.values()),
                merged_into=None,
            )
        if one.name in paired.merged:
            after = replace(after, merged_into=paired.merged[one.name], status="merged")
            self._tell("merged", after, before=one.told, other=after.merged_into)
            return replace(after, told=0)
        if after.merged_into is not None:
            return after
        if one.merged_into is not None:
            self._tell("split", after, before=0, other=one.merged_into)
            after = replace(after, told=after.size)
        after = replace(after, status=self._status(after, named=bool(parts)))
        return self._told(one, after, len(new - self._named_at.keys()))

    def _member(self, account: str, generation: int) -> Membership:
        look = self._look
        return Membership(generation, self._named_at.get(account, look.at), listed=True, closed=account in look.closed)

    def _closed(self, one: Known) -> Known:
        """The campaign as banned: a ban and a replacement between two looks are two events."""
        members = {account: replace(membership, closed=account in self._look.closed) for account, membership in one.members.items()}
        banned = replace(one, members=members, status="banned")
        self._tell("banned", banned, before=one.told)
        return banned

    def _status(self, one: Known, *, named: bool) -> Status:
        newest = one.of(one.generation)
        if sum(membership.closed for membership in newest) >= CLOSED * len(newest):
            return "banned"
        if datetime.fromisoformat(self._look.seen_to) - datetime.fromisoformat(one.last_seen) >= QUIET:
            return "quiet"
        return "active" if named else "faded"

    def _told(self, before: Known, after: Known, new: int) -> Known:
        size, told = after.size, after.told
        if after.generation > before.generation or (after.status == "active" and before.status in {"banned", "quiet", "faded"}):
            self._tell("came_back", after, before=told, new=new)
            return replace(after, told=size)
        if after.status != before.status and after.status in {"banned", "quiet", "faded"}:
            kind: Kind = "banned" if after.status == "banned" else "faded" if after.status == "faded" else "went_quiet"
            self._tell(kind, after, before=told, new=new)
            return replace(after, told=size)
        if not size or abs(size - told) < max(1.0, TOLD * told):
            return after
        self._tell("grew" if size > told else "shrank", after, before=told, new=new)
        return replace(after, told=size)

    # ---- new ones

    def _appeared(self, at: int, paired: Continuity) -> Known:
        look, found = self._look, self._found[at]
        parent = paired.split.get(at)
        origin = self._known.get(parent) if parent is not None else None
        members = {account: self._member(account, 1) for account in sorted(self._accounts[at])}
        low = look.before_to if look.before_to is not None and found.first_seen < look.before_to < look.seen_to else None
        close = datetime.fromisoformat(look.seen_to) - datetime.fromisoformat(low or found.first_seen) <= EXACT
        one = Known(
            name=found.campaign_id,
            status="active",
            generation=1,
            first_named_at=look.at if origin is None else origin.first_named_at,
            first_named_to=look.seen_to if origin is None else origin.first_named_to,
            not_named_to=low if origin is None else origin.not_named_to,
            could_to=look.seen_to if origin is None else origin.could_to,
            dated=("watched" if close else "open") if origin is None else origin.dated,
            first_seen=found.first_seen,
            last_seen=found.last_seen,
            calls=found.calls,
            output_tokens=found.output_tokens,
            members=members,
            traits=self._traits[at],
            told=len(members),
            split_from=parent,
        )
        one = replace(one, status=self._status(one, named=True))
        could = one.could_to if one.dated != "open" else None
        self._tell(
            "appeared" if parent is None else "split",
            one,
            before=0,
            new=len(members.keys() - self._named_at.keys()),
            other=parent,
            could_to=could,
        )
        if one.status == "banned":
            self._tell("banned", one, before=one.told)
        return one

    def _tell(self, kind: Kind, one: Known, *, before: int, new: int = 0, other: str | None = None, could_to: str | None = None) -> None:
        look = self._look
        self._events.append(
            Event(kind, one.name, look.at, look.seen_to, one.size, before, new, one.closed, one.generation, other, could_to)
        )


def renamed(findings: Findings, names: Sequence[str]) -> Findings:
    """Findings under the names by which campaigns are known."""
    campaigns = [one.model_copy(update={"campaign_id": name}) for one, name in zip(findings.campaigns, names, strict=True)]
    known = {one.campaign_id: name for one, name in zip(findings.campaigns, names, strict=True)}
    recognised = [
        one.model_copy(
            update={"accounts": [each.model_copy(update={"campaign_id": known.get(each.campaign_id or "")}) for each in one.accounts]}
        )
        for one in findings.recognised
    ]
    return findings.model_copy(update={"campaigns": campaigns, "recognised": recognised})
