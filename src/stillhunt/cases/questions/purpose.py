"""The third question: training, evaluation, or both? What was taken, by capability and by purpose, and what it would have cost.

In: `Material`, and a price list if there is one. Out: `records.cases.Answer`. Deterministic: the same material gives the same answer.

Five hypotheses stand side by side: training, evaluation, both, serving users, something else. What a training set shows speaks for
*training* and
*both*, what a benchmark shows for *evaluation* and *both*, what people show who are served for *serving users*. Where an e-value was
computed (the
harvest axis, and whether repeated requests are a part of their own) its logarithm is what counts; where none was, the bits are a
judgement, named
as one in the text and listed in `JUDGED` and docs/attribution.md. How evidence becomes a likelihood is `likelihood.posterior`'s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stillhunt.cases.material import Material
from stillhunt.cases.questions import parts as falls
from stillhunt.cases.questions.capabilities import capability_rows, script_rows
from stillhunt.cases.questions.likelihood import Evidence, bits_of_p, hypothesis, points, posterior, word
from stillhunt.cases.questions.parts import Parts, parts_of
from stillhunt.cases.questions.prices import KINDS, Prices, priced
from stillhunt.cases.questions.purposes import LEAST_SHARE, SYNTHETIC, Asked, asked, term_rows
from stillhunt.cases.questions.students import EPOCHS, PRACTICES, TOKENS_PER_PARAMETER, parameters, students
from stillhunt.cases.questions.taken import COLUMNS, Taken, taken_of
from stillhunt.cases.wording import by_chance, count, speaks_for
from stillhunt.records.cases import Answer, Confidence, Credibility, Estimate, Hypothesis

PRIORS = {"training": 0.2, "evaluation": 0.2, "both": 0.2, "serving users": 0.2, "something else": 0.2}
"""Before anything of the traffic is seen, each is as likely as another."""

_STATEMENTS = {
    "training": "The answers were taken to train a model.",
    "evaluation": "The calls measure a model on fixed questions.",
    "both": "The answers were taken to train a model, and fixed questions measure one beside.",
    "serving users": "The calls serve people, and nothing else.",
    "something else": "The calls are for none of these.",
}

JUDGED = {
    "an instruction asks for what teaches": 2.0,
    "fewer answers than any published set": -2.0,
    "most calls are conversations": -3.0,
    "a set comes again, with nothing asked once to compare": 3.0,
    "no set comes again": -3.0,
    "conversations for users": 3.0,
    "many end users": 2.0,
    "asked once and left": -3.0,
}
"""Bits that are a judgement, not a measurement: what about one in four (2) or one in eight (3) comparable cases would show otherwise."""

LEAST_ANSWERED = 200
"""With fewer answered calls with words nothing is said with more than low confidence."""

MANY_END_USERS = 2.0
"""Distinct end users for each account, from which on accounts look like a service for others."""


_TRAINS, _EVALUATES, _SERVES = ("training", "both"), ("evaluation", "both"), ("serving users",)


def _weighed(family: str, names: Sequence[str], text: str, bits: float, reference: str | None = None) -> Evidence:
    return Evidence(family, text, dict.fromkeys(names, bits), reference)


def _judged(family: str, names: Sequence[str], text: str, judgement: str) -> Evidence:
    return _weighed(family, names, f"{text} (weight judged, not measured)", JUDGED[judgement])


def answer(material: Material, prices: Prices | None = None) -> Answer:
    """Answer the third question.

    Args:
        material: the campaign.
        prices: the provider's price list; without one nothing is priced.
    """
    taken = taken_of(material.calls(COLUMNS))
    parts = parts_of(taken)
    phrases = {int(row["gram"]): str(row["words"]) for row in material.lake.table("phrases").to_arrow().to_pylist()}
    purposes = asked(taken, material.calls(("sketch",))["sketch"], phrases)
    evidence = [*_of_training(material, taken, parts, purposes), *_of_evaluation(parts), *_of_users(material, taken, parts)]
    found = posterior(evidence, PRIORS)
    confidence = _confidence(parts)
    credible = Credibility.CANNOT_BE_JUDGED if confidence is Confidence.LOW else Credibility.PROBABLY_TRUE
    hypotheses = [
        hypothesis(
            name,
            statement,
            found[name],
            points(evidence, name, PRIORS),
            founded=confidence,
            credible=credible,
            would_change=_WOULD_CHANGE[name],
        )
        for name, statement in _STATEMENTS.items()
    ]
    wanted = found["training"] + found["both"]
    estimates, tables, notes = _counted(taken, parts)
    estimates["training"] = Estimate(value=wanted, unit="probability", method="training or both, by likelihood.posterior")
    tables["purposes"] = _purpose_rows(taken, parts, purposes, material)
    tables["terms"] = term_rows(material, taken, parts, harvests=_harvests(material, parts), likely=wanted)
    notes += _price(taken, prices, estimates, tables)
    return Answer(
        question="purpose",
        title="Training, evaluation, or both?",
        summary=_summary(hypotheses, found, taken, parts),
        hypotheses=hypotheses,
        estimates=estimates,
        tables=tables,
        notes=notes + _LIMITS,
    )


_WOULD_CHANGE = {
    "training": [
        "the operator's storage of the answers, or its absence",
        "a model of the operator's that shows the provider's outputs in its own (provenance)",
        "the same requests coming again in runs, with short answers",
    ],
    "evaluation": [
        "the list of questions, shown to be a published benchmark",
        "requests that never come again",
    ],
    "both": ["evidence that two customers of one reseller, and not one operator, made the two parts"],
    "serving users": ["a product with named users on whose behalf the calls were made", "conversations that continue what a person wrote"],
    "something else": ["an account holder's explanation that the calls bear out"],
}

_LIMITS = [
    "Told from fingerprints, not from text: what an answer says, whether it was kept, and what was done with it cannot be seen here.",
    "A request that was reworded for every run counts as asked once: a benchmark in paraphrases is not told apart.",
    "The weights of observations marked as judged are judgements; docs/attribution.md lists them.",
    "The size of a student is arithmetic on published practice. It says what the set is enough for, not that a model was trained.",
]


def _harvests(material: Material, parts: Parts) -> bool:
    """Whether a part of the calls could be a training set: as large as the smallest published one, by a pool that harvests."""
    return parts.calls(falls.ONCE) + parts.calls(falls.SESSION) >= PRACTICES[0].examples and material.campaign.harvest.log10_evidence > 0


def _of_training(material: Material, taken: Taken, parts: Parts, purposes: list[Asked]) -> list[Evidence]:
    harvest = material.campaign.harvest.log10_evidence
    rarer = speaks_for(harvest)
    words = (
        f"rarer than in the population's accounts ({by_chance(harvest)} by chance)"
        if rarer
        else "no rarer than in the population's accounts"
    )
    found = [
        _weighed(
            "harvest",
            _TRAINS,
            f"Fresh, stand-alone, instructed requests with long answers are jointly {words}",
            harvest / math.log10(2.0),
            f"findings: campaign {material.campaign.campaign_id}, harvest",
        )
    ]
    telling = [one for one in purposes if one.calls and one.share >= LEAST_SHARE]
    if telling:
        said = "; ".join(f"{one.purpose.asks} ({one.calls:,} calls, {one.share:.0%})" for one in telling)
        found.append(_judged("instructions", _TRAINS, f"Instructions ask for {said}", "an instruction asks for what teaches"))
    distinct, least = taken.requests.hashes.size, PRACTICES[0].examples
    if 0 < distinct < least:
        text = f"{distinct:,} distinct requests were answered, fewer than the {least:,} examples of the smallest published set"
        found.append(_judged("amount", _TRAINS, text, "fewer answers than any published set"))
    talks, worded = parts.calls(falls.CONVERSATION), int(taken.worded.size)
    if talks > worded / 2:
        text = f"{talks / worded:.0%} of the answered calls are conversations"
        found.append(_judged("conversation", _TRAINS, text, "most calls are conversations"))
    return found


_BY_CHANCE = "one list drawn at random explains as many"
_AS_LONG = "their answers are not shorter than the others'"


def _of_evaluation(parts: Parts) -> list[Evidence]:
    size, again = parts.recurring.size, parts.calls(falls.RECURRING)
    if not (parts.of > falls.UNSEEN).any():
        return []
    if size < falls.LEAST_SET:
        few = f"Only {count(size, 'request comes', 'requests come')} again in runs" if size else "No request comes again in runs"
        text = f"{few}: a benchmark is asked again, and has more questions"
        return [_judged("repetition", _EVALUATES, text, "no set comes again")]
    text = f"{size:,} requests come again in runs, {again:,} calls in all"
    if not parts.benchmark:
        chance = parts.apart.p is not None and parts.apart.p >= falls.SURE
        long = parts.shorter is not None and parts.shorter >= falls.SURE
        why = [words for holds, words in ((chance, _BY_CHANCE), (long, _AS_LONG)) if holds]
        return [_weighed("repetition", _EVALUATES, f"{text}, but {' and '.join(why)}", 0.0)]
    if parts.evenness < 1:
        text += f", each about equally often (variance over mean {parts.evenness:.2f})"
    if parts.shorter is None:
        text += "; whether their answers are shorter cannot be asked"
    else:
        text += f", with shorter answers (p = {parts.shorter:.1g})"
    if parts.apart.p is None:
        return [_judged("repetition", _EVALUATES, text, "a set comes again, with nothing asked once to compare")]
    drawn = f"one list drawn at random explains {parts.apart.expected:.1f} of {parts.apart.observed:,} repeated requests"
    p = max(parts.apart.p, 1e-300)
    return [_weighed("repetition", _EVALUATES, f"{text}; {drawn} (p = {p:.1g})", bits_of_p(p))]


def _of_users(material: Material, taken: Taken, parts: Parts) -> list[Evidence]:
    worded, found = int(taken.worded.size), []
    talks, once = parts.calls(falls.CONVERSATION), parts.calls(falls.ONCE)
    if talks > worded / 2:
        text = f"{talks / worded:.0%} of the answered calls continue a conversation"
        found.append(_judged("conversation", _SERVES, text, "conversations for users"))
    if once > worded / 2:
        text = f"{once / worded:.0%} of the answered calls ask once and are never followed up"
        found.append(_judged("conversation", _SERVES, text, "asked once and left"))
    if taken.end_users > MANY_END_USERS * material.members.size:
        text = f"The calls name {taken.end_users:,} end users behind {material.members.size:,} accounts"
        found.append(_judged("end users", _SERVES, text, "many end users"))
    return found


def _confidence(parts: Parts) -> Confidence:
    """Moderate at best: what became of the answers is not in the traffic."""
    return Confidence.MODERATE if int((parts.of > falls.UNSEEN).sum()) >= LEAST_ANSWERED else Confidence.LOW


def _counted(taken: Taken, parts: Parts) -> tuple[dict[str, Estimate], dict[str, list[dict[str, Any]]], list[str]]:
    requests, worded = taken.requests, int(taken.worded.size)
    answered = int(taken.answered.sum())
    notes: list[str] = []
    found = {
        "calls": Estimate(value=taken.answered.size, unit="calls", method="counted"),
        "answered": Estimate(value=answered, unit="calls", method="counted: no status, or one below 400"),
    }
    if worded:
        once = int((requests.calls == 1).sum())
        found["distinct_requests"] = Estimate(
            value=requests.hashes.size, unit="requests", method="distinct hashes of answered requests, counted"
        )
        found["never_repeated"] = Estimate(value=once / worded, unit="share of answered calls", method="requests asked once, counted")
        found["coverage"] = Estimate(
            value=1.0 - once / worded,
            unit="probability that the next request was asked before",
            method="Good-Turing: 1 - f1 / n (I. J. Good, Biometrika 40 (1953) 237-264); taken as drawn at random from one list",
        )
        topics = falls.evenness_of_topics(taken)
        if topics is not None:
            found["evenness"] = Estimate(
                value=topics[0], unit="0 to 1", method=f"Pielou's evenness over 256 cells of the topics of {topics[1]:,} distinct requests"
            )
    else:
        notes.append("Requests carry no fingerprints (prompt_hash): repetition, capability and coverage are not visible.")
    for name in ("input_tokens", "output_tokens", "reasoning_tokens"):
        if name in taken.visible:
            known = int(taken.known[name].sum())
            found[name] = Estimate(value=taken.total(name), unit="tokens", method=f"summed over {known:,} calls that carry it")
        else:
            notes.append(f"{name} is not in the logs: it is not counted.")
    tables: dict[str, list[dict[str, Any]]] = {
        "parts": falls.part_rows(taken, parts),
        "capabilities": capability_rows(taken),
        "scripts": script_rows(taken),
        "repeated": falls.repeated_rows(taken, parts),
    }
    if "output_tokens" in taken.visible and worded:
        answers, reasoning = taken.total("output_tokens"), taken.total("reasoning_tokens")
        counted = reasoning if "reasoning_tokens" in taken.visible else None
        tables["students"] = students(int(requests.hashes.size), answers, counted)
        found["student"] = Estimate(
            value=parameters(answers + reasoning),
            low=parameters(answers),
            high=parameters(answers + reasoning, EPOCHS),
            level=1.0,
            unit="parameters",
            method=f"tokens / {TOKENS_PER_PARAMETER:.0f} (arXiv 2203.15556), trained from nothing; low: answers without reasoning, "
            f"high: all read {EPOCHS:.0f} times (arXiv 2305.16264). A range of assumptions, no confidence interval",
        )
    return found, tables, notes


def _purpose_rows(taken: Taken, parts: Parts, purposes: list[Asked], material: Material) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "purpose": one.purpose.name,
            "calls": one.calls,
            "share": round(one.share, 4) if one.calls is not None else None,
            "supported": bool(one.calls) and one.share >= LEAST_SHARE,
            "observation": "not visible: the logs carry no sketches"
            if one.calls is None
            else "; ".join(f"“… {words} …”" for words in one.phrases) or "no such instruction recurs",
        }
        for one in purposes
    ]
    once = parts.calls(falls.ONCE)
    supported = _harvests(material, parts) and once > 0
    rows.append(
        {
            "purpose": SYNTHETIC,
            "calls": once if taken.worded.size else None,
            "share": round(once / max(int(taken.answered.sum()), 1), 4) if taken.worded.size else None,
            "supported": supported,
            "observation": _synthetic(material, parts, taken, supported=supported),
        }
    )
    return rows


def _synthetic(material: Material, parts: Parts, taken: Taken, *, supported: bool) -> str:
    """Why the calls count as synthetic data or do not: what is missing, and nothing that is not."""
    if supported:
        return "answers to requests that stand alone and are asked once, in a pool that harvests"
    if not taken.worded.size:
        return "not visible: the logs carry no fingerprints of requests"
    once, harvests = parts.calls(falls.ONCE), material.campaign.harvest.log10_evidence > 0
    enough = once > 0 and once + parts.calls(falls.SESSION) >= PRACTICES[0].examples
    missing = [] if enough else [f"only {count(once, 'request')} that stand alone and are asked once"]
    missing += [] if harvests else ["the pool's traffic is no rarer than other accounts'"]
    return "; ".join(missing)


def _price(taken: Taken, prices: Prices | None, estimates: dict[str, Estimate], tables: dict[str, list[dict[str, Any]]]) -> list[str]:
    if prices is None:
        return ["Not priced: no price file was given (--prices)."]
    tokens = {kind: taken.tokens[f"{kind}_tokens"] for kind in KINDS}
    rows = priced(prices, taken.model, taken.micros, tokens)
    tables["prices"] = [
        {
            "model": one.model,
            "calls": one.calls,
            "priced_calls": one.priced,
            "amount": None if one.amount is None else round(one.amount, 2),
            "currency": prices.currency,
        }
        for one in rows
    ]
    calls, everything = sum(one.priced for one in rows), int(taken.answered.size)
    if not calls:
        return ["Not priced: no price in the list fits a model and a time of these calls, or the logs carry no token counts."]
    estimates["list_price"] = Estimate(
        value=round(float(np.sum([one.amount or 0.0 for one in rows])), 2),
        unit=prices.currency,
        method=f"the price list given, over {calls:,} of {everything:,} calls",
    )
    return (
        []
        if calls == everything
        else [f"{everything - calls:,} of {everything:,} calls are not priced: no price fits them, or they carry no token counts."]
    )


def _summary(hypotheses: list[Hypothesis], found: Mapping[str, float], taken: Taken, parts: Parts) -> str:
    if not taken.worded.size:
        return "The logs carry no fingerprints of requests: what the calls were for cannot be told from them."
    best = max(hypotheses, key=lambda one: found[one.name])
    once, repeated = parts.calls(falls.ONCE) / taken.worded.size, parts.calls(falls.RECURRING)
    again = (
        f"{repeated:,} ask {parts.recurring.size:,} questions that come again in runs" if repeated else "no question comes again in runs"
    )
    return (
        f"{best.name.capitalize()}: {best.likelihood.value}. That answers were taken to train a model, whatever else was done: "
        f"{word(found['training'] + found['both']).value}. "
        f"{int(taken.answered.sum()):,} calls were answered; {once:.0%} of those with words ask once and stand alone, "
        f"{again}."
    )
