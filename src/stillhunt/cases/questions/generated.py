"""Who generated the calls? Which machinery, in how many parts, at which hours; and never where or in whose name.

Four hypotheses exclude one another: **one dispatcher** deals work to all accounts; **several sub-operators**, each with machinery of its
own, within the pool; **each account's own program**, independent of the others'; **people by hand**. Weights stand in `_evidence`, in bits
against strangers of whom nothing is known; the arithmetic in `likelihood`, tests in `clocks`, `sharding`, `blocks` and `campaigns.queue`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt.campaigns.queue import MOST_CALLS, steadiness
from stillhunt.cases.material import Material
from stillhunt.cases.questions import blocks, clocks, customers, likelihood, sharing
from stillhunt.cases.questions.controlled_evidence import FEW_HANDED, UNDECIDED
from stillhunt.cases.questions.sharding import Dealt, dealt
from stillhunt.cases.wording import by_chance, speaks_for
from stillhunt.records.cases import Answer, Estimate

Index = npt.NDArray[np.int64]

DISPATCHER = "one dispatcher"
PARTS = "several sub-operators"
PROGRAMS = "each account's own program"
HANDS = "people by hand"
PRIORS: dict[str, float] = {DISPATCHER: 0.25, PARTS: 0.25, PROGRAMS: 0.25, HANDS: 0.25}

LATEST = 400_000
"""Calls of large pools that are looked at one by one: the latest."""

MOST_ROWS = 50
DENSE = 96
"""Calls from which on an account without a night is told from one that was seldom used."""

OFFSETS = (
    "Offsets from UTC are where the quiet hours would be a night for people who sleep at one place; programs, shifts and people "
    "who work at "
    "night fit others, and no country follows from an offset."
)
WEIGHTS = "Priors are even; weights that nobody measured are whole bits, listed with the evidence."

_STATEMENTS = {
    DISPATCHER: "One dispatcher generates the calls and deals them out to the accounts.",
    PARTS: "Several sub-operators generate the calls, each over accounts of its own with machinery of its own.",
    PROGRAMS: "Each account runs a program of its own, which knows nothing of the others.",
    HANDS: "People type the requests by hand.",
}
_WOULD_CHANGE = {
    DISPATCHER: [
        "a dye test whose refused requests reappear only within parts of the pool",
        "requests that two accounts send independently",
    ],
    PARTS: [
        "refused requests that cross from part to part",
        "a longer view in which the parts turn out to be batches set up one after another",
    ],
    PROGRAMS: ["refused requests that reappear from other accounts", "a total rate that is steadier than independent accounts can be"],
    HANDS: ["typing pauses and corrections in the logs of a chat surface", "one fixed instruction in every request, at every hour"],
}


@dataclass(frozen=True)
class Seen:
    """What was looked at."""

    accounts: int
    queue: float
    tied: float
    dealt: Dealt | None
    split: blocks.Blocks
    crossing: blocks.Crossing | None
    phases: list[clocks.Phase]
    handovers: clocks.Handovers | None
    night: clocks.Quiet | None
    awake: float  # share of the busy accounts that have no night; nan where none is busy
    carried: customers.Carried


def answer(material: Material) -> Answer:
    """The second question's answer."""
    seen = _seen(material)
    evidence = _evidence(seen)
    probability = likelihood.posterior(evidence, PRIORS)
    families = len({one.family for one in evidence if any(abs(bits) >= 1.0 for bits in one.bits.values())})
    blind = any(one.channel in ("handoff", "template") and not one.visible for one in material.findings.visibility)
    founded = likelihood.confidence(families, seen.accounts, blind=blind)
    credible = likelihood.credibility(families)
    found = [
        likelihood.hypothesis(
            name,
            _STATEMENTS[name],
            probability[name],
            likelihood.points(evidence, name, PRIORS),
            founded=founded,
            credible=credible,
            would_change=_WOULD_CHANGE[name],
        )
        for name in PRIORS
    ]
    return Answer(
        question="generated",
        title="Who generated the calls?",
        summary=_summary(probability, seen),
        hypotheses=found,
        estimates=_estimates(seen),
        tables=_tables(material, seen),
        notes=_notes(seen),
    )


def _seen(material: Material) -> Seen:
    digest, members = material.sight.digest, material.members
    common = sharing.common(material)
    handed = sharing.handed_on(material)
    place = np.full(len(digest.accounts), -1, np.int64)
    place[members] = np.arange(members.size)
    ((latest_who, latest_when),) = digest.latest([members], LATEST)
    who = place[latest_who]
    busy = digest.hours[members][digest.calls[members] >= DENSE]
    split = blocks.split(_habits(material, common))
    first, last = digest.first[members], digest.last[members]
    nights = [clocks.quiet(one[None, :]) for one in busy[: clocks.BOOTSTRAPS]]
    return Seen(
        accounts=int(members.size),
        queue=steadiness(latest_who[-MOST_CALLS:], latest_when[-MOST_CALLS:]),
        tied=blocks.tied(int(members.size), handed.pairs),
        dealt=dealt(*digest.distinct(members), int(handed.pairs[0].size), digest.shared.rate),
        split=split,
        crossing=blocks.crossing(split.label, first, last, handed.pairs) if len(split.sizes) > 1 else None,
        phases=clocks.phases(who, latest_when),
        handovers=clocks.handovers(who, latest_when),
        night=clocks.quiet(digest.hours[members]),
        awake=float(np.mean([one is not None and not one.offsets for one in nights])) if nights else math.nan,
        carried=customers.carried(material, common.grams),
    )


def _habits(material: Material, common: sharing.Common) -> dict[tuple[str, str], Index]:
    """How each member's calls are made: software, place, hours and pace, instruction. Values that strangers have, too, count here."""
    digest, members = material.sight.digest, material.members
    found = {key: column for key, column in common.respects.items() if key[0] == sharing.INSTRUCTION}
    for family, name, slots in (
        ("software", "client", digest.clients),
        ("software", "parameters", digest.parameters),
        ("place", "network", digest.networks),
    ):
        codes = slots.dominant()[0].indices.fill_null(pa.scalar(-1, pa.int32())).to_numpy(zero_copy_only=False)
        found[family, name] = np.asarray(codes, np.int64)[members]
    found["time", "hours"] = clocks.sectors(digest.hours[members])
    found["time", "pace"] = np.log2(digest.calls[members] / np.maximum(digest.days[members], 1)).astype(np.int64)
    return found


def _evidence(seen: Seen) -> list[likelihood.Evidence]:
    """All weights of this question.

    Measured where a scan or a test measured them, else whole bits (1 somewhat, 2 several times likelier, 3 hardly otherwise, 4 as good as
    never), with the reason in the text.
    """
    found: list[likelihood.Evidence] = []
    if math.isfinite(seen.queue):
        bits = max(-likelihood.MOST_BITS, min(likelihood.MOST_BITS, seen.queue * math.log2(10.0)))
        text = (
            f"The pool's total rate is steadier than independent accounts' ({by_chance(seen.queue)} by chance), as one queue makes it."
            if speaks_for(seen.queue)
            else f"The pool's total rate is no steadier than independent accounts' ({by_chance(seen.queue)})."
        )
        found.append(likelihood.Evidence("queue", text, {DISPATCHER: bits, PARTS: bits}, "campaigns.queue"))
    if seen.tied >= 0.9:
        text = f"Refused requests that reappear from other accounts tie {seen.tied:.0%} of them into one."
        found.append(likelihood.Evidence("handing on", text, {DISPATCHER: 3.0, PARTS: -1.0, PROGRAMS: -3.0, HANDS: -3.0}))
    if seen.dealt is not None and seen.dealt.times >= 100.0:
        text = (
            f"{seen.dealt.repeated:,} of {seen.dealt.pairs:,} requests repeat another account's: if accounts drew from one list, it "
            "would be "
            f"at least {seen.dealt.times:,.0f} times as long as what was asked."
        )
        found.append(likelihood.Evidence("sharding", text, {DISPATCHER: 1.0, PARTS: 1.0}, "estimates: least_list"))
    if seen.split.p is not None:
        sizes = seen.split.sizes
        if len(sizes) >= 2:
            text = f"By habits ({', '.join(seen.split.tested)}) the accounts fall into {len(sizes)} groups (p = {seen.split.p:.3f})."
            bits = min(3.0, max(0.0, likelihood.bits_of_p(seen.split.p)))
            found.append(likelihood.Evidence("habits", text, {PARTS: bits}, "tables: groups"))
        elif seen.split.p > UNDECIDED:
            text = f"No groups by habits: what an account does in one respect ({', '.join(seen.split.tested)}) says little of the others."
            found.append(likelihood.Evidence("habits", text, {PARTS: -min(2.0, len(seen.split.tested) - 1.0)}, "estimates: group_test"))
    if seen.crossing is not None and seen.crossing.expected >= FEW_HANDED:
        text = (
            f"Of {seen.crossing.handed:,} refused requests that were handed on between accounts of these groups, "
            f"{seen.crossing.across:,} went "
            f"across; one dispatcher would send about {seen.crossing.expected:,.0f} across (p of so few {seen.crossing.p:.3f})."
        )
        parted = {PARTS: likelihood.bits_of_p(seen.crossing.p), DISPATCHER: -2.0}
        weights = parted if seen.crossing.p <= blocks.SPLIT else {DISPATCHER: 2.0}
        found.append(likelihood.Evidence("handing on", text, weights, "tables: groups"))
    timed = [one for one in seen.phases if one.accounts >= 3 and one.keep >= 0.5 * one.accounts]
    if timed:
        text = f"{timed[0].keep} of {timed[0].accounts} accounts call at fixed points of the {timed[0].period}: timers make the calls."
        found.append(likelihood.Evidence("clock", text, {HANDS: -4.0, PROGRAMS: 1.0}, "tables: clocks"))
    if seen.awake >= 0.5:
        text = f"{seen.awake:.0%} of the busy accounts have no night: they call at all hours."
        found.append(likelihood.Evidence("hours", text, {HANDS: -4.0}, "tables: groups"))
    if seen.carried.instructed >= 0.9:
        text = f"One of the pool's fixed instructions stands in {seen.carried.instructed:.0%} of a typical account's calls."
        found.append(likelihood.Evidence("instruction", text, {HANDS: -3.0}))
    if seen.handovers is not None and seen.handovers.p <= 0.01:
        text = (
            f"{seen.handovers.pairs:,} times an account's session ended within five minutes before another's began; "
            f"{seen.handovers.expected:,.0f} by chance (p = {seen.handovers.p:.3f})."
        )
        found.append(likelihood.Evidence("hand-overs", text, {DISPATCHER: 1.0, PARTS: 1.0, HANDS: 1.0}, "estimates: hand_overs"))
    return found


def _summary(probability: dict[str, float], seen: Seen) -> str:
    best = max(PRIORS, key=lambda name: probability[name])
    parts = [likelihood.told(_STATEMENTS[best], probability[best])]
    if len(seen.split.sizes) >= 2:
        parts.append(f"By their habits the accounts fall into {len(seen.split.sizes)} groups.")
    if seen.night is not None:
        parts.append(f"Hours: {night_words(seen.night)}.")
    return " ".join(parts)


def night_words(night: clocks.Quiet) -> str:
    """The quiet hours, and what offsets fit; no place follows from them."""
    until = (night.begins + clocks.NIGHT) % 24
    where = f"quietest from {night.begins:02d}:00 to {until:02d}:00 UTC ({night.share:.0%} of the calls)"
    if not night.offsets:
        return f"around the clock; {where}"
    return f"{where}; a night there would be at offsets from UTC of {_ranges(night.offsets)} hours"


def _ranges(offsets: Sequence[int]) -> str:
    """Whole numbers in runs: "-3 to +1, +12"."""
    runs: list[list[int]] = []
    for one in offsets:
        if runs and one == runs[-1][1] + 1:
            runs[-1][1] = one
        else:
            runs.append([one, one])
    return ", ".join(f"{low:+d} to {high:+d}" if low != high else f"{low:+d}" for low, high in runs)


def _estimates(seen: Seen) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    if math.isfinite(seen.queue):
        found["one_queue"] = Estimate(
            value=round(seen.queue, 2), unit="log10 evidence", method="von Neumann's ratio of counts against accounts moved in time"
        )
    found["tied_by_handing_on"] = Estimate(
        value=round(seen.tied, 4), unit="share of accounts", method="largest connected part of the handed-on requests among members"
    )
    if seen.dealt is not None:
        found["least_list"] = Estimate(
            value=round(seen.dealt.least_list),
            low=round(seen.dealt.least_list),
            unit="requests, at least",
            method=f"P^2 / (2 c), {seen.dealt.pairs} pairs, {seen.dealt.repeated} repeated; assumes independent draws from one list",
        )
        found["distinct_requests"] = Estimate(
            value=round(seen.dealt.distinct / seen.dealt.pairs, 5),
            unit="distinct / account-request pairs",
            method="counted, sampled by hash",
        )
    if seen.split.p is not None:
        found["group_test"] = Estimate(
            value=seen.split.p,
            unit="p",
            method=f"permutation test over {', '.join(seen.split.tested)}; null: habits are exchangeable among accounts",
        )
        found["groups"] = Estimate(value=max(1, len(seen.split.sizes)), unit="groups", method="values of habits that go together")
    if seen.handovers is not None:
        found["hand_overs"] = Estimate(
            value=seen.handovers.pairs,
            unit="pairs of sessions",
            method=f"{seen.handovers.expected:.1f} expected with accounts moved in time, p {seen.handovers.p:.3f}; "
            f"{seen.handovers.sessions} sessions",
        )
    return found


def _tables(material: Material, seen: Seen) -> dict[str, list[dict[str, Any]]]:
    digest, members = material.sight.digest, material.members
    calls = digest.calls[members]
    software = digest.clients.dominant()[0]
    codes = np.asarray(software.indices.fill_null(pa.scalar(-1, pa.int32())).to_numpy(zero_copy_only=False), np.int64)[members]
    names = software.dictionary.to_pylist()
    used, counts = np.unique(codes[codes >= 0], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_ROWS]
    found: dict[str, list[dict[str, Any]]] = {
        "clients": [
            {"client": names[used[at]], "accounts": int(counts[at]), "calls": int(calls[codes == used[at]].sum())} for at in order.tolist()
        ],
        "hours": [{"utc_hour": hour, "calls": int(count)} for hour, count in enumerate(digest.hours[members].sum(axis=0))],
        "clocks": [
            {"period": one.period, "accounts": one.accounts, "keep_a_phase": one.keep, "p_one_phase": one.common, "at": one.at}
            for one in seen.phases
        ],
    }
    label = seen.split.label
    whole = [("all", np.ones(members.size, np.bool_))]
    rows = []
    for name, chosen in [*whole, *((str(one + 1), label == one) for one in range(min(len(seen.split.sizes), MOST_ROWS)))]:
        night = clocks.quiet(digest.hours[members][chosen])
        own = codes[chosen]
        most = int(np.bincount(own[own >= 0]).argmax()) if (own >= 0).any() else None
        rows.append(
            {
                "group": name,
                "accounts": int(chosen.sum()),
                "calls": int(calls[chosen].sum()),
                "client": names[most] if most is not None else None,
                "hours": night_words(night) if night is not None else None,
                "offsets": _ranges(night.offsets) if night is not None else None,
            }
        )
    found["groups"] = rows
    return {name: table for name, table in found.items() if table}


def _notes(seen: Seen) -> list[str]:
    notes = [OFFSETS, WEIGHTS]
    if seen.dealt is None:
        notes.append("Too few requests with words to say whether tasks are dealt out once.")
    if seen.handovers is None:
        notes.append("Too few sessions to ask for hand-overs.")
    if seen.split.p is None:
        notes.append("The members differ in too few habits to ask whether there are groups.")
    if not math.isfinite(seen.queue):
        notes.append("Too few calls to ask whether one queue is behind them.")
    return notes
