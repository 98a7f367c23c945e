"""A campaign as the report shows it: what stands in each row and column, ready for the template.

Texts are as they are in the findings; the template makes them safe to show.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from markupsafe import Markup

from stillhunt.cases import strips, wording
from stillhunt.cases.hubs import Hub, hubs, letters
from stillhunt.cases.questions.controlled_evidence import WORDS
from stillhunt.records import Campaign, Evidence, Member, Pool

MAX_ACCOUNTS = 50
"""Accounts listed for each campaign; findings.json has them all."""
MAX_TIES = 10
"""Shared observations that the accounts' table has a column for."""
MAX_DAYS = 400
MAX_KINDS = 12
SORTS = (("membership", "m"), ("calls", "c"), ("weight", "w"), ("first call", "f"), ("name", "n"))
"""What accounts can be sorted by, and the letter that the style knows it by."""

_DAY = timedelta(days=1)
_ALL = "all of it"


@dataclass(frozen=True)
class Bar:
    """Evidence on the scale that all bars of a page share.

    Attributes:
        percent: of the bar that it fills.
        against: whether it speaks against.
        words: how rare as much is by chance.
    """

    percent: float
    against: bool
    words: str


def bar(log10_evidence: float) -> Bar:
    """Evidence (powers of ten) as a bar."""
    share = 100 * wording.share_of_bar(log10_evidence)
    return Bar(round(share, 1), log10_evidence < 0, wording.by_chance(log10_evidence))


@dataclass(frozen=True)
class Question:
    """One of the three questions, and its answer; `answer` is None where the logs do not show it."""

    name: str
    question: str
    answer: Bar | None


def questions(subject: Campaign | Pool) -> list[Question]:
    """The questions that were asked of a campaign or pool."""
    unseen = isinstance(subject, Pool) and "text" in subject.not_visible
    return [
        Question(axis.name, axis.question, None if unseen and axis.name == "harvest" else bar(axis.evidence.log10_evidence))
        for axis in wording.axes(subject)
    ]


@dataclass(frozen=True)
class Kind:
    """Evidence of one kind: how rare what they have in common is, and how much of that no visible cause explains, in words.

    `whole` says that it is all of it.
    """

    words: str
    together: Bar
    hidden: str

    @property
    def whole(self) -> bool:
        """Whether no visible cause explains any of it."""
        return self.hidden == _ALL


def kinds(coordination: Evidence, concealment: Evidence) -> list[Kind]:
    """Coordination and concealment, kind by kind, in one list: the second is what is left of the first."""
    names = sorted({*coordination.parts, *concealment.parts}, key=lambda name: (-coordination.parts.get(name, -math.inf), name))
    shown, rest = names[:MAX_KINDS], names[MAX_KINDS:]
    found = [
        Kind(_kind(name), bar(coordination.parts.get(name, 0.0)), _left(coordination.parts.get(name, 0.0), concealment.parts.get(name)))
        for name in shown
    ]
    if rest:
        some, left = (sum(one.parts.get(name, 0.0) for name in rest) for one in (coordination, concealment))
        found.append(Kind(f"{len(rest)} other kinds", bar(some), _left(some, left)))
    return found


def _kind(name: str) -> str:
    words = WORDS.get(name, name)
    return words[:1].upper() + words[1:]


def _left(together: float, hidden: float | None) -> str:
    if hidden is None:
        return "nothing" if together > 0 else "–"
    if abs(hidden - together) < 0.05 or (min(hidden, together) >= wording.FULL_EVIDENCE):
        return _ALL if together > 0 else wording.by_chance(hidden)
    return "nothing" if hidden <= 0 < together else wording.by_chance(hidden)


@dataclass(frozen=True)
class Timeline:
    """Calls by day over all accounts, and accounts at work by span; `facts` are what to read off it, (what, when)."""

    calls: Markup
    most_calls: int
    working: Markup | None
    most_working: int
    dates: list[str]
    facts: list[tuple[str, str]]


def timeline(campaign: Campaign) -> Timeline | None:
    """None where the findings do not say when calls were made."""
    days = _days(campaign.calls_by_day)
    if not days:
        return None
    most_calls = max(calls for _, calls in days)
    drawn = strips.bars(
        [calls for _, calls in days],
        most_calls,
        f"Calls by day from {days[0][0]} to {days[-1][0]}: at most {wording.count(most_calls, 'call')} in a day",
        "calls",
    )
    columns = list(zip(*(one.calls_by_span for one in campaign.accounts if one.calls_by_span), strict=False))
    working = [sum(calls > 0 for calls in column) for column in columns]
    most_working = max(working, default=0)
    said = f"Accounts that called, by {_span(campaign.span_hours)}: at most {most_working:,} of {len(campaign.accounts):,}"
    at_work = Markup(strips.bars(working, most_working, said, "working")) if working else None  # noqa: S704  # our own SVG
    dates = [days[at][0].isoformat() for at in sorted({0, (len(days) - 1) // 2, len(days) - 1})]
    return Timeline(Markup(drawn), most_calls, at_work, most_working, dates, _read_off(campaign, days))  # noqa: S704


def _read_off(campaign: Campaign, days: Sequence[tuple[date, int]]) -> list[tuple[str, str]]:
    facts = [("First call", wording.moment(campaign.first_seen))]
    first = sorted(one.first_seen for one in campaign.accounts if one.first_seen)
    if len(first) > 1:
        most = first[math.ceil(0.9 * len(first)) - 1]
        facts.append(("Nine in ten accounts had called by", wording.moment(most)))
        facts.append(("The last account began", wording.moment(first[-1])))
    busiest = max(days, key=lambda one: (one[1], one[0]))
    facts.append(("Busiest day", f"{busiest[0]}, {wording.count(busiest[1], 'call')}"))
    silent = [day.isoformat() for day, calls in days if not calls]
    if silent:
        named = ", ".join(silent[:3]) + (f" and {len(silent) - 3} more" if len(silent) > 3 else "")
        facts.append(("Days without a call", named))
    return [*facts, ("Last call", wording.moment(campaign.last_seen))]


def _span(hours: int | None) -> str:
    if hours is None or hours % 24:
        return "hour" if hours == 1 else f"{hours} hours"
    return "day" if hours == 24 else f"{hours // 24} days"


def _days(by_day: dict[str, int]) -> list[tuple[date, int]]:
    """Every day from the first to the last, those without calls included."""
    known: dict[date, int] = {}
    for day, calls in by_day.items():
        try:
            known[date.fromisoformat(day[:10])] = calls
        except ValueError:
            continue
    if not known:
        return []
    first, last = min(known), max(known)
    if (last - first).days > MAX_DAYS:
        first = last - timedelta(days=MAX_DAYS)
    return [(first + n * _DAY, known.get(first + n * _DAY, 0)) for n in range((last - first).days + 1)]


@dataclass(frozen=True)
class Tie:
    """An observation that accounts share, and the letter it has in the table."""

    letter: str
    hub: Hub


@dataclass(frozen=True)
class Row:
    """One account. `order` is how far down it stands by each of `SORTS`, as the style wants it."""

    member: Member
    order: str
    when: Markup
    weight: str
    ties: list[tuple[Tie, bool]]


@dataclass(frozen=True)
class Accounts:
    """The table of accounts: `hidden` of them are not listed."""

    ties: list[Tie]
    rows: list[Row]
    hidden: int
    by_span: str
    memberships: str


def accounts(campaign: Campaign) -> Accounts:
    """The surest accounts of a campaign."""
    listed = wording.strongest(campaign.accounts, MAX_ACCOUNTS)
    found = hubs(campaign, MAX_TIES)
    ties = [Tie(letter, hub) for letter, hub in zip(letters(len(found)), found, strict=True)]
    weights = {one.account_id: sum(shared.bits for shared in one.observations) for one in listed}
    most = max((calls for one in listed for calls in one.calls_by_span), default=0)
    ranks = _ranks(listed, weights)
    rows = []
    for one in listed:
        has = {(shared.channel, shared.value) for shared in one.observations}
        rows.append(
            Row(
                one,
                ";".join(f"--{letter}:{ranks[letter][one.account_id]}" for _, letter in SORTS),
                Markup(_when(campaign, one, most)),  # noqa: S704  # our own SVG
                wording.by_chance(weights[one.account_id] * wording.LOG10_OF_BIT),
                [(tie, (tie.hub.channel, tie.hub.value) in has) for tie in ties],
            )
        )
    by_span = _span(campaign.span_hours) if most else ""
    return Accounts(ties, rows, len(campaign.accounts) - len(listed), by_span, memberships(campaign.accounts))


def _ranks(listed: Sequence[Member], weights: dict[str, float]) -> dict[str, dict[str, int]]:
    keys: dict[str, Callable[[Member], tuple[object, ...]]] = {
        "m": lambda one: (-one.membership,),
        "c": lambda one: (-(one.calls or 0),),
        "w": lambda one: (-weights[one.account_id],),
        "f": lambda one: (one.first_seen is None, one.first_seen or ""),
        "n": lambda one: (one.account_id,),
    }
    return {letter: {one.account_id: at for at, one in enumerate(sorted(listed, key=key))} for letter, key in keys.items()}


def _when(campaign: Campaign, member: Member, most: int) -> str:
    if member.calls_by_span:
        said = f"at most {wording.count(max(member.calls_by_span), 'call')} in {_span(campaign.span_hours)}"
        return strips.bars(member.calls_by_span, most, said, "spark")
    begin, end = (_moment(one) for one in (campaign.first_seen, campaign.last_seen))
    first, last = (_moment(one) for one in (member.first_seen, member.last_seen))
    if begin is None or end is None or first is None or last is None or end <= begin:
        return ""
    said = f"{wording.moment(member.first_seen)} to {wording.moment(member.last_seen)}"
    return strips.span((first - begin) / (end - begin), (last - begin) / (end - begin), said, "spark")


def _moment(iso: str | None) -> datetime | None:
    try:
        when = datetime.fromisoformat(iso or "")
    except ValueError:
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when


def memberships(members: Sequence[Member]) -> str:
    """How sure it is that accounts belong, in one sentence."""
    least = min((one.membership for one in members), default=0.0)
    sure = sum(one.membership > 0.999 for one in members)
    if sure == len(members):
        return "Each belongs to it with a probability above 99.9\u00a0%."
    return (
        f"{sure:,} of {len(members):,} belong to it with a probability above 99.9\u00a0%; the least sure with {wording.probability(least)}."
    )
