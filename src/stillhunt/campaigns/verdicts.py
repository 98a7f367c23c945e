"""What is said of a pool that is no campaign: cleared, too few, part of a campaign, or not judged because an axis could not be seen.

To clear a pool is a finding like any other: it needs to have been looked at. A pool that acts as one, and of which the logs do not show
what decides (no text: whether it harvests; no payment and no e-mail: whether it hides), is *not judged*, with what would decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from stillhunt.campaigns.causes import PRODUCT
from stillhunt.campaigns.harvest import TELLING
from stillhunt.campaigns.judging import Judged, Settings
from stillhunt.campaigns.naming import merged
from stillhunt.channels import Family
from stillhunt.errors import InputError
from stillhunt.intake import registry
from stillhunt.pools.candidates import FAMILIES
from stillhunt.records import Unseen, Verdict

NOTICE_LOG10 = float(np.log10(20.0))
"""log10 evidence beyond every visible cause from which a pool is not cleared by what is visible: 1 in 20 by chance. That the pool acts as
one was paid for among all candidates already. This only asks whether all that it shares is explained, and accuses nobody."""

_COLUMNS: Mapping[Unseen, str] = {"text": "messages", "output tokens": "output_tokens"}
"""What a log does not show -> the canonical column in which it would."""

_PEOPLE = (
    "Who pays and under which addresses shows whether they are one: give an accounts table with payment_fingerprint and email (canonical "
    "names, Parquet or JSON lines)"
)

_TURN_ON: Mapping[Unseen, str] = {
    "text": "The text of the calls shows whether they make a training set: turn on message logging{settings}, or join a content log "
    "(`stillhunt join --help`)",
    "output tokens": "The tokens of the answers show whether they are long: log usage at the gateway{settings}",
    "payment": _PEOPLE,
    "e-mail": _PEOPLE,
}

_IN_COMMON: tuple[tuple[Family, str], ...] = (("conduct", "pace"), ("payer", "payment"), ("work", "work"))


@dataclass(frozen=True)
class Ruling:
    """Why a pool is no campaign.

    Attributes:
        why: in words, for a person.
        verdict: which of the kinds of answer it is.
        unseen: what the logs do not show and what would decide; empty unless not judged.
    """

    why: str
    verdict: Verdict = "cleared"
    unseen: tuple[Unseen, ...] = ()


def ruling(one: Judged, settings: Settings, price: float, *, stands: bool) -> Ruling | None:
    """Why a pool is no campaign, reasons in the order in which a person would want to know; None if it is one.

    Args:
        one: the pool and what was asked about it.
        settings: the bars.
        price: log10 evidence that a family needs to stand alone, given how many candidates there were.
        stands: whether the part of concealment that nothing visible explains survived error control.
    """
    if one.declared:
        return Ruling(one.declared)
    if one.pool.grown.entities < settings.least_accounts:
        few = f"only {one.pool.grown.entities} unrelated accounts: too few to tell an operator from acquaintances"
        return Ruling(few, "too few")
    if not stands:
        return _not_standing(one, settings)
    if not one.harvest.visible:
        return _not_judged("they act as one and conceal it", ("text",))
    if one.harvest.log10_evidence < settings.harvest_log10:
        return _not_harvesting(one)
    if one.only_conduct(price) and one.harvest.log10_evidence < settings.harvest_alone_log10:
        words = "they share a product and a pace, which a product with a schedule explains"
        if unknown := _people_unseen(one):
            return _not_judged(words, unknown)
        return Ruling(f"{words}, and {one.harvest.as_extreme:.1%} of comparable accounts send the same kind of traffic")
    return None


def _not_standing(one: Judged, settings: Settings) -> Ruling:
    """A pool whose concealment is too weak to name anybody: for what can be seen, or because too little can be."""
    people = _people_unseen(one)
    harvests = not one.harvest.visible or one.harvest.log10_evidence >= settings.harvest_log10
    left = merged([found for family, found in one.concealment.items() if family != PRODUCT], of=len(FAMILIES) - 1)
    strong = one.control >= NOTICE_LOG10 or (bool(people) and left >= NOTICE_LOG10)
    text: tuple[Unseen, ...] = () if one.harvest.visible else ("text",)
    explained = "; ".join(cause.words for cause in one.causes)
    if strong and harvests and (text or people):
        partly = f", beyond what a visible cause explains ({explained})" if one.causes else ""
        return _not_judged(f"they act as one{partly}", (*text, *people))
    if one.causes:
        if one.control >= NOTICE_LOG10:
            return Ruling(f"a visible cause explains part of it ({explained}), and the rest is too little evidence to name anybody")
        return Ruling(f"a visible cause explains it: {explained}")
    return Ruling(f"what they share is what people share who use one product or sit in one place{_nothing_else(one)}")


def _nothing_else(one: Judged) -> str:
    """That nothing speaks of control, in words: only of what could be seen, and not of what they do have in common."""
    shared = {family for family, bits in one.pool.grown.families.items() if bits > 0}
    nothing = [word for family, word in _IN_COMMON if family in one.seen and family not in shared]
    unseen = [word for family, word in _IN_COMMON if family not in one.seen]
    said = f": no {_listed(nothing, 'or')} in common" if nothing else ""
    return f"{said} ({_listed(unseen, 'and')} could not be seen)" if unseen else said


def _not_harvesting(one: Judged) -> Ruling:
    plain = {"fresh": "requests repeat", "instructed": "no fixed instruction recurs", "answered": "answers are short"}
    missing = [name for name in TELLING if name not in one.harvest.quantities]
    if not one.harvest.ordinary and "answered" in missing:
        return _not_judged("they act as one and conceal it", ("output tokens",))
    words = ", ".join(plain[name] for name in one.harvest.ordinary) or f"{one.harvest.as_extreme:.0%} of comparable accounts look the same"
    return Ruling(f"its traffic is not a training set: {words}")


def _not_judged(words: str, unseen: tuple[Unseen, ...]) -> Ruling:
    return Ruling(f"{words}, and could not be judged: the logs hold no {_listed(unseen, 'and no')} of theirs", "not judged", unseen)


def _people_unseen(one: Judged) -> tuple[Unseen, ...]:
    """What an accounts table would show, where neither payment nor e-mail could be seen; else nothing: one of them was looked at."""
    return () if one.seen & {"payer", "identity"} else ("payment", "e-mail")


def _listed(words: Iterable[str], last: str) -> str:
    *first, end = words
    return f"{', '.join(first)} {last} {end}" if first else end


def would_decide(unseen: Iterable[Unseen], sources: Iterable[str]) -> list[str]:
    """What to turn on so that a pool can be judged, a sentence each.

    Args:
        unseen: as in `Ruling`.
        sources: names of the formats that the calls came through, so that each gateway's own setting can be named.
    """
    told = (_TURN_ON[one].format(settings=_settings_of(_COLUMNS.get(one), sources)) + "." for one in unseen)
    return list(dict.fromkeys(told))


def _settings_of(column: str | None, sources: Iterable[str]) -> str:
    told = []
    for source in sorted(set(sources)) if column else ():
        try:
            hidden = registry.by_name(source).hides.get(str(column))
        except InputError:
            continue  # a plug-in that is not installed here
        if hidden:
            told.append(f"{source}: {hidden}")
    return f" ({'; '.join(told)})" if told else ""
