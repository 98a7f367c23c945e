"""Findings in words: what terminal and report both say, so that they cannot say different things.

Everything that comes out of logs (account ids above all) is chosen by whoever is being hunted. `visible` is the only
way from there to a screen: it shows control and formatting characters instead of obeying them.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from stillhunt.records import Campaign, Evidence, Findings, Member, Pool, Visibility

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK = re.compile(r"…|\[_+\]|_{2,}|\{[^{}]*\}")


def visible(text: str, limit: int = 80) -> str:
    """`text` on one line, at most about `limit` characters, with every invisible or reordering character spelled out.

    Control characters could drive a terminal, U+202E could make one account id look like another; both become
    ``<U+202E>``. A long text keeps its beginning and its end, because ids that share one often differ in the other.
    """
    if len(text) > limit:
        half = max((limit - 1) // 2, 1)
        text = f"{text[:half]}…{text[-half:]}"
    return "".join(f"<U+{ord(c):04X}>" if unicodedata.category(c) in _HIDDEN_CATEGORIES else c for c in text)


def count(number: int, one: str = "", many: str = "") -> str:
    """`number` with thousands separated, followed by the noun in its right form: ``count(2, "call")`` is ``2 calls``."""
    noun = (one if number == 1 else many or f"{one}s") if one else ""
    return f"{number:,} {noun}".rstrip()


def amount(number: int) -> str:
    """A large number in three digits: ``28.8 M``. Below ten thousand it stays exact."""
    for unit, size in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size and number >= 10_000:
            return f"{number / size:.1f}\u00a0{unit}"
    return f"{number:,}"


def moment(iso: str | None) -> str:
    """An ISO 8601 time as ``2026-05-01 13:05 UTC``; a date stays a date; what is not a time stays what it is."""
    if not iso:
        return "unknown"
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return visible(iso)
    if len(iso) <= 10:
        return f"{when:%Y-%m-%d}"
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return f"{when:%Y-%m-%d %H:%M} UTC"


def log10(value: float) -> str:
    """Evidence as a signed power of ten with one decimal: ``+12.3``."""
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "+∞" if value > 0 else "−∞"
    return f"{value:+.1f}".replace("-", "−")


FULL_EVIDENCE = 12.0
"""Evidence (powers of ten) that fills a bar, and beyond which words name no larger number: more changes no decision, and
nobody's model of chance is right to one in a million millions."""

BY_CHANCE = (
    "“1 in 1,000”: unrelated accounts would show as much at most once in 1,000 times by chance. "
    "“against, 20 to 1”: chance explains what is seen 20 times better."
)
"""What `by_chance` means; stands once, where a screen or page first uses it."""

FOR_IT = "“20 to 1 for it”: what was seen is 20 times likelier if the hypothesis is true than if one of the others is."
"""What `odds` means; stands once, where a screen or page first uses it."""

LOG10_OF_BIT = math.log10(2.0)


def by_chance(log10_evidence: float) -> str:
    """How evidence is spoken everywhere: how rare as much of it is where chance alone is at work.

    Args:
        log10_evidence: log10 of an e-value or likelihood ratio against chance (`Evidence.log10_evidence`; bits times `LOG10_OF_BIT`). The
            chance of as much or more is at most one over it, so numbers are rounded down: never more is said than is so.

    >>> [by_chance(value) for value in (0.2, 1.3, 3.41, 8.2, 382.4)]
    ['1 in 1.5', '1 in 19', '1 in 2,500', '1 in 10^8', '< 1 in 10^12']
    >>> by_chance(-1.31), by_chance(0.01)
    ('against, 20 to 1', 'neither way')
    """
    if math.isnan(log10_evidence):
        return "unknown"
    if abs(log10_evidence) < _EVEN:
        return "neither way"
    number = _rounded_down(abs(log10_evidence))
    if log10_evidence < 0:
        return f"against, {number} to 1" if -log10_evidence < FULL_EVIDENCE else f"against, > {number} to 1"
    return f"1 in {number}" if log10_evidence < FULL_EVIDENCE else f"< 1 in {number}"


def speaks_for(log10_evidence: float) -> bool:
    """Whether evidence is told as speaking for something: it is neither against it nor next to nothing."""
    return log10_evidence >= _EVEN


def odds(bits: float) -> str:
    """A weight of evidence between hypotheses, whichever side it stands on: ``20 to 1``.

    >>> odds(4.4), odds(0.5), odds(0.02)
    ('21 to 1', '1.4 to 1', 'next to nothing')
    """
    value = abs(bits) * LOG10_OF_BIT
    if math.isnan(value):
        return "unknown"
    return f"{_rounded_down(value)} to 1" if value >= _EVEN else "next to nothing"


def share_of_bar(log10_evidence: float) -> float:
    """How much of a bar evidence fills, 0 to 1, on the same scale for every axis; evidence against counts as much. Unknown fills none."""
    return 0.0 if math.isnan(log10_evidence) else min(abs(log10_evidence) / FULL_EVIDENCE, 1.0)


_EVEN = math.log10(1.1)


def _rounded_down(power: float) -> str:
    """10 to the `power` in at most two digits, rounded down: ``1.5``, ``2,500``, from a million on ``10^8``."""
    power = min(power, FULL_EVIDENCE)
    if power >= 6.0:
        return f"10^{math.floor(power + 1e-9):d}"
    value = 10.0**power * (1 + 1e-9)
    if value < 10.0:
        return f"{math.floor(10 * value) / 10:g}"
    step = 10 ** (math.floor(math.log10(value)) - 1)
    return f"{math.floor(value / step) * step:,d}"


def probability(value: float) -> str:
    """A probability that never rounds to certainty: ``> 99.9 %``, ``< 0.1 %``, ``97.3 %``."""
    if value > 0.999:
        return ">\u00a099.9\u00a0%"
    if value < 0.001:
        return "<\u00a00.1\u00a0%"
    return f"{100 * value:.1f}\u00a0%"


@dataclass(frozen=True)
class Axis:
    """One of the three questions that make a pool a campaign."""

    name: str
    question: str
    evidence: Evidence


def axes(subject: Campaign | Pool) -> list[Axis]:
    """The three axes of a campaign or pool, in the order of the design; those that were not weighed are left out."""
    questions = (
        ("coordination", "do these accounts act as one?", subject.coordination),
        ("concealment", "do they hide that they are one?", subject.concealment),
        ("harvest", "is the traffic a training set?", subject.harvest),
    )
    return [Axis(name, question, evidence) for name, question, evidence in questions if evidence is not None]


def headline(findings: Findings) -> str:
    """What the scan found, in one sentence or two. It never says that nothing is there, nor clears what could not be judged."""
    waiting = unjudged_sentence(findings)
    if findings.campaigns:
        named = sum(len(campaign.accounts) for campaign in findings.campaigns)
        found = count(len(findings.campaigns), "campaign stands out", "campaigns stand out")
        who = "one operator" if len(findings.campaigns) == 1 else "their operators"
        said = f"{found}: {count(named, 'account')} judged to be run by {who}."
        return f"{said} Beside {'it' if len(findings.campaigns) == 1 else 'them'}, {waiting}." if waiting else said
    if findings.scanned.refused_share > MOSTLY:
        return "Most of these logs could not be read, and of what was not read nothing is known."
    if waiting:
        return f"0 campaigns; {waiting}."
    if no_text(findings):
        return "0 campaigns: these logs hold no text, and without text none is named."
    return "No campaign stands out in what these logs show."


NOTEWORTHY, MOSTLY = 0.01, 0.5
"""Shares of records that were not read above which this is said first, and above which nothing is said of what stands out."""


def not_read(findings: Findings) -> str:
    """What of the logs could not be read, why, and what to do, as sentences; empty where it was next to nothing."""
    scanned = findings.scanned
    if scanned.refused_share <= NOTEWORTHY:
        return ""
    records = scanned.refused + scanned.interactions
    said = f"{scanned.refused:,} of {count(records, 'record')} ({probability(scanned.refused_share)}) could not be read"
    often = sorted(scanned.reasons.items(), key=lambda one: (-one[1], one[0]))[:3]
    why = "; ".join(f"{visible(reason, 120)} ({times:,})" for reason, times in often)
    said = f"{said}: {why}." if why else f"{said}."
    return f"{said} What follows is about the rest. Keep them with --quarantine to see which they are, or say the format with --format."


def unjudged(findings: Findings) -> list[Pool]:
    """Pools that act as one and could not be judged, largest first."""
    return sorted((pool for pool in findings.pools if pool.verdict == "not judged"), key=lambda pool: (-len(pool.accounts), pool.pool_id))


def not_held(pools: Iterable[Pool]) -> str:
    """What logs lack so that these pools could not be judged, in words: ``no text and no payment``; empty where it was not for that."""
    lacking = list(dict.fromkeys(visible(name, 40) for pool in pools for name in pool.not_visible))
    return " and ".join(filter(None, (", ".join(f"no {name}" for name in lacking[:-1]), *(f"no {name}" for name in lacking[-1:]))))


def unjudged_sentence(findings: Findings) -> str:
    """What could not be judged, as a sentence without its stop; empty if nothing was left open."""
    pools = unjudged(findings)
    if not pools:
        return ""
    accounts = len({account for pool in pools for account in pool.accounts})
    one = len(pools) == 1
    who = (
        f"1 pool of {count(accounts, 'account')} acts" if one else f"{len(pools):,} pools ({count(accounts, 'account')} together) each act"
    )
    lacking = not_held(pools)
    return f"{who} as one and could not be judged" + (
        f": the logs hold {lacking}{'' if _nobodys(findings, pools) else ' of theirs'}" if lacking else ""
    )


_SEEN_BY = {"text": "identical", "payment": "payment", "e-mail": "email"}
"""What a pool may lack -> the channel that sees nothing where nobody has it."""


def _nobodys(findings: Findings, pools: Iterable[Pool]) -> bool:
    """Whether what these pools lack is lacking of everybody in the logs."""
    dark = {channel.channel for channel in blind(findings.visibility)}
    return all(_SEEN_BY.get(name) in dark for pool in pools for name in pool.not_visible)


def no_text(findings: Findings) -> bool:
    """Whether the logs hold no text at all: the channel that compares requests word for word saw nothing."""
    return any(channel.channel == "identical" and not channel.visible for channel in findings.visibility)


def scanned(findings: Findings) -> str:
    """What was read: calls, accounts and the time that they span."""
    read = f"{count(findings.scanned.interactions, 'call')} of {count(findings.scanned.accounts, 'account')}"
    if findings.scanned.from_ and findings.scanned.to:
        read += f", {moment(findings.scanned.from_)} to {moment(findings.scanned.to)}"
    if findings.as_of:
        read += f", seeing nothing after {moment(findings.as_of)}"
    return read


def error_rate(findings: Findings) -> str:
    """What the false discovery rate of a scan promises, in one sentence."""
    rate = findings.false_discovery_rate
    if rate <= 0:
        return "No account is named, so none is named wrongly."
    per = max(round(1 / rate), 1)
    return f"Of every {count(per, 'account')} named, at most about one is expected to be named wrongly (false discovery rate {rate:g})."


@dataclass(frozen=True)
class Reason:
    """Why pools are not campaigns, and the pools that share this reason, largest first."""

    why: str
    pools: list[Pool]

    @property
    def accounts(self) -> int:
        """Accounts in these pools; one that is in two of them counts once."""
        return len({account for pool in self.pools for account in pool.accounts})


def reasons(findings: Findings) -> list[Reason]:
    """Pools that are not campaigns, grouped by reason, the reason with most accounts first. `unjudged` ones are told apart and left out."""
    grouped: dict[str, list[Pool]] = defaultdict(list)
    for pool in findings.pools:
        if pool.verdict != "not judged":
            grouped[pool.why_not_a_campaign].append(pool)
    groups = [Reason(why, sorted(pools, key=lambda p: (-len(p.accounts), p.pool_id))) for why, pools in grouped.items()]
    return sorted(groups, key=lambda group: (-group.accounts, group.why))


def blind(visibility: Iterable[Visibility]) -> list[Visibility]:
    """The channels that saw nothing, by name."""
    return sorted((channel for channel in visibility if not channel.visible), key=lambda channel: channel.channel)


def unseen(visibility: Iterable[Visibility]) -> list[tuple[str, str]]:
    """What could not be seen, as (channel, why): channels that saw nothing first, then those that saw only part."""
    found = [(not channel.visible, channel.channel, channel.reason) for channel in visibility if channel.reason or not channel.visible]
    ordered = sorted(found, key=lambda entry: (not entry[0], entry[1]))
    return [(visible(name, 40), visible(why or "its columns are not in these logs", 400)) for _, name, why in ordered]


def seeing(visibility: Iterable[Visibility]) -> list[Visibility]:
    """The channels that saw something, widest first."""
    return sorted((channel for channel in visibility if channel.visible), key=lambda channel: (-channel.accounts, channel.channel))


def strongest(members: Iterable[Member], most: int) -> list[Member]:
    """The `most` surest members of a campaign, and of equally sure ones those with most calls."""
    return sorted(members, key=lambda member: (-member.membership, -(member.calls or 0), member.account_id))[:most]


def instruction_parts(instruction: str) -> list[tuple[str, bool]]:
    """An instruction cut into (text, is a blank): blanks are ``…``, ``{…}``, ``[__]`` or ``__``."""
    parts: list[tuple[str, bool]] = []
    position = 0
    for blank in _BLANK.finditer(instruction):
        if blank.start() > position:
            parts.append((visible(instruction[position : blank.start()], 2_000), False))
        parts.append((visible(blank.group()), True))
        position = blank.end()
    if position < len(instruction):
        parts.append((visible(instruction[position:], 2_000), False))
    return parts


def what_next(findings: Findings, where: str | None = None) -> list[str]:
    """What to do with these findings, one sentence each: the scan's own notes first, then what always holds.

    Args:
        findings: of a scan.
        where: the arguments with which commands find these findings again, as a shell takes them (``--lake lake``, ``findings.json``);
            None where they are kept nowhere: then no command is told, because it would fail.
    """
    said_already = {f"{channel.channel}: {channel.reason}." for channel in findings.visibility}
    steps = [visible(note, 600) for note in findings.notes if note not in said_already]
    open_ = unjudged(findings)
    if open_:
        steps.append("What could not be judged is neither accused nor cleared: turn on what would decide, and scan again.")
        if where and pasteable(open_[0].pool_id):
            steps.append(
                f"List all accounts of {'it' if len(open_) == 1 else 'the largest'}: `stillhunt members {open_[0].pool_id} {where}`"
            )
    if findings.campaigns:
        surest = [one.account_id for one in strongest(findings.campaigns[0].accounts, 20) if pasteable(one.account_id)]
        command = f": `stillhunt account {surest[0]} {where}`" if where and surest else "."
        steps.append(f"Read why an account was named before acting{command}")
        steps.append(
            "Look for a permission on record first: a contract, a research grant, a registered fleet or a reseller is an entitlement."
        )
        steps.append("Check a few accounts by hand: a permission that was granted off the record looks like concealment in the logs.")
    if blind(findings.visibility):
        steps.append("Turn on what could not be seen (`stillhunt formats` says how for each source): every channel makes hiding harder.")
    return [*steps, *limits(findings)]


FEWEST_LOOKED_FOR, FEWEST_NAMED, LARGEST_LOOKED_FOR = 5, 8, 0.5
"""Unrelated accounts of the smallest pool that is looked for (`pools.candidates.LEAST`) and that is named (`Settings.least_accounts`), and
the largest share of all accounts that is looked for (`pools.candidates.LARGEST`)."""

FEW_CALLS = 20
"""Calls (`campaigns.harvest.LEAST_CALLS`) from which on an account says what ordinary traffic is."""


def limits(findings: Findings) -> list[str]:
    """Why a scan that names nobody could not have named more, one sentence each, and only where it is so."""
    if findings.campaigns:
        return []
    said = (
        f"Pools of fewer than {FEWEST_NAMED} unrelated accounts are never named; pools of fewer than {FEWEST_LOOKED_FOR}, or of more than "
        f"{LARGEST_LOOKED_FOR:.0%} of all accounts, are not looked for"
    )
    small = [pool for pool in findings.pools if pool.verdict == "too few"]
    accounts, calls = findings.scanned.accounts, findings.scanned.interactions
    if accounts < FEWEST_NAMED:
        said += f": these logs have {count(accounts, 'account')} in all"
    elif small:
        said += f": {count(len(small), 'smaller pool is', 'smaller pools are')} listed above"
    told = [f"{said}."]
    if accounts and calls < FEW_CALLS * accounts:
        each = calls / accounts
        told.append(
            f"Scan a longer time: an account made {each:.1f} calls here on average, and habits are told from chance by {FEW_CALLS} or more."
        )
    return told


def pasteable(name: str) -> bool:
    """Whether a shell and the command line take a name as it stands, and a screen shows it as it is."""
    return re.fullmatch(r"[A-Za-z0-9_.:@+/][A-Za-z0-9_.:@+/=-]*", name) is not None and visible(name, 300) == name
