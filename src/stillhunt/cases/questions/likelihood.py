"""From evidence to words: how likely each hypothesis is, how well founded that is, and how far its source can be trusted.

**Likelihood.** Hypotheses h exclude one another. Each piece of evidence i says how much likelier it is under each of them than under
strangers, in bits b(h, i) = log2 P(i | h) / P(i | strangers). Pieces of one family depend on one another, so they are averaged there; a
family says at most `MOST_BITS`; and the sum over families is taken at half its weight, because families depend on one another, too, and
every model is wrong:

    log2 P(h | all) = log2 prior(h) + TEMPER * sum over families f of clip(mean of b(h, i) over i in f, -MOST_BITS, MOST_BITS) + constant

A likelihood at a power below one is the posterior given data that are only *near* the model's (J. Miller and D. Dunson, J. Amer. Statist.
Assoc. 114 (2019) 1113). Nothing is ever said to be likelier than 0.99 or less likely than 0.01: beyond, what is left is that the model is
wrong.

**Confidence** counts what a judgement rests on and is no probability (ICD 203, section D.6.e.2.b). **Reliability** is of the source,
**credibility** of what it says (AJP-2.1): four fields, never one number.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stillhunt.records.cases import LIKELIHOOD_RANGES, Confidence, Credibility, Hypothesis, Likelihood, Point, Reliability

MOST_BITS = 6.0
"""What one family of evidence says at most, in bits: one in 64, about how often an analyst's model of a whole family is wrong."""

TEMPER = 0.5
SHOWN_BITS = 0.25
"""Evidence that tells a hypothesis from the others by less stands on neither side."""

LEAST, MOST = 0.01, 0.99

MANY_ACCOUNTS, SOME_ACCOUNTS = 30, 12
TESTIFIES = 1.0
"""log10 evidence with which a family counts as one that testifies."""


def word(probability: float) -> Likelihood:
    """The word for a probability; a bound belongs to the word nearer to even chance.

    Raises:
        ValueError: not a probability.
    """
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"{probability} is no probability")
    likely = probability > 0.5
    for one in sorted(LIKELIHOOD_RANGES, key=lambda each: LIKELIHOOD_RANGES[each][0], reverse=not likely):
        low, high = LIKELIHOOD_RANGES[one]
        if (likely and probability <= high) or (not likely and probability >= low):
            return one
    return Likelihood.ALMOST_CERTAIN if likely else Likelihood.ALMOST_NO_CHANCE


def range_of(likelihood: Likelihood) -> tuple[float, float]:
    """The probabilities that a word stands for, from and to."""
    return LIKELIHOOD_RANGES[likelihood]


def capped(probability: float) -> float:
    """`probability` within what is ever claimed."""
    return min(MOST, max(LEAST, probability))


def bits_of(probability: float) -> float:
    """Log2 odds of a probability, capped."""
    at = capped(probability)
    return math.log2(at / (1.0 - at))


def probability_of(bits: float) -> float:
    """The probability for log2 odds, capped."""
    return capped(1.0 / (1.0 + 2.0 ** -min(50.0, max(-50.0, bits))))


def bits_of_p(p: float) -> float:
    """What a p-value is worth against its null hypothesis, in bits: log2 of the e-value (1 - p + p ln p) / (p ln(p)^2).

    It is the mean over kappa of the calibrators kappa p^(kappa - 1) (V. Vovk and R. Wang, Ann. Statist. 49 (2021) 1736): of mean one under
    the null, and so a Bayes factor that nobody can call too large on average. p = 0.001 is worth 4.4 bits; p = 1 is worth -1.

    Raises:
        ValueError: not in (0, 1].
    """
    if not 0.0 < p <= 1.0:
        raise ValueError(f"{p} is no p-value")
    log = math.log(p)
    if log > -0.05:
        return -1.0
    return math.log2((1.0 - p + p * log) / (p * log * log))


@dataclass(frozen=True)
class Evidence:
    """One observation, in words, and how much likelier it is under each hypothesis than among strangers.

    Attributes:
        family: what would move it together with other evidence.
        text: for a layman.
        bits: hypothesis -> bits; a hypothesis that is not named has 0.
        reference: where it can be looked up.
    """

    family: str
    text: str
    bits: Mapping[str, float] = field(default_factory=dict)
    reference: str | None = None


def posterior(evidence: Sequence[Evidence], priors: Mapping[str, float]) -> dict[str, float]:
    """Probability of each hypothesis by the formula above, before the cap; they add up to one.

    Args:
        evidence: in any order.
        priors: hypothesis -> prior probability, positive.
    """
    by_family: dict[str, list[Evidence]] = defaultdict(list)
    for one in evidence:
        by_family[one.family].append(one)
    scores = {}
    for name, prior in priors.items():
        means = (sum(one.bits.get(name, 0.0) for one in group) / len(group) for _, group in sorted(by_family.items()))
        scores[name] = math.log2(prior) + TEMPER * sum(min(MOST_BITS, max(-MOST_BITS, mean)) for mean in means)
    top = max(scores.values())
    whole = sum(2.0 ** (score - top) for score in scores.values())
    return {name: 2.0 ** (score - top) / whole for name, score in scores.items()}


def told(statement: str, probability: float) -> str:
    """The likeliest of several statements as a sentence. Where even that one is not likely, the sentence says so before it says what."""
    said = word(capped(probability))
    lower = f"{statement[0].lower()}{statement[1:]}"
    if LIKELIHOOD_RANGES[said][0] >= LIKELIHOOD_RANGES[Likelihood.LIKELY][0]:
        return f"{said.value.capitalize()}: {lower}"
    return f"No answer stands out. The likeliest, with a likelihood of “{said.value}”: {lower}"


def points(evidence: Sequence[Evidence], name: str, priors: Mapping[str, float]) -> tuple[list[Point], list[Point]]:
    """What stands for and against a hypothesis, most telling first.

    The weight shown is I. J. Good's weight of evidence: log2 of P(i | h) over the mean of P(i | k) over the other hypotheses k, weighed by
    their priors. It is the evidence as it stands, before averages, bounds and the half weight.
    """
    others = {other: prior for other, prior in priors.items() if other != name}
    whole = sum(others.values())
    found: list[tuple[float, Point]] = []
    for one in evidence:
        rest = math.log2(sum(prior / whole * 2.0 ** one.bits.get(other, 0.0) for other, prior in others.items())) if others else 0.0
        weight = one.bits.get(name, 0.0) - rest
        if abs(weight) >= SHOWN_BITS:
            found.append((weight, Point(text=one.text, bits=round(abs(weight), 2), channel=one.family, reference=one.reference)))
    found.sort(key=lambda pair: (-abs(pair[0]), pair[1].text))
    return [point for weight, point in found if weight > 0], [point for weight, point in found if weight < 0]


def confidence(families: int, accounts: int, *, blind: bool) -> Confidence:
    """How well founded a judgement is, by rule.

    High: three families of channels or more testify, of thirty accounts or more, and nothing that would matter was out of sight.
    Low: one family or none testifies, or there are fewer than twelve accounts. Moderate: everything between.

    Args:
        families: families of channels that testify by themselves (`TESTIFIES`).
        accounts: how many accounts are judged.
        blind: whether a channel that would matter saw nothing.
    """
    if families <= 1 or accounts < SOME_ACCOUNTS:
        return Confidence.LOW
    return Confidence.HIGH if families >= 3 and accounts >= MANY_ACCOUNTS and not blind else Confidence.MODERATE


def reliability() -> Reliability:
    """Of the source: the provider's own logs. B, usually reliable, and never A.

    They were written for billing and not for this case, by somebody with a stake in it; what customers declare in them (names, addresses,
    headers) is the customers' own word. That nobody changed them since is the ledger's to prove, and says nothing of how they were written.
    """
    return Reliability.B


def credibility(families: int) -> Credibility:
    """Of the information: confirmed where three families of channels say it independently, probably true with two, possibly with one."""
    if families >= 3:
        return Credibility.CONFIRMED
    return {2: Credibility.PROBABLY_TRUE, 1: Credibility.POSSIBLY_TRUE}.get(families, Credibility.CANNOT_BE_JUDGED)


def hypothesis(
    name: str,
    statement: str,
    probability: float,
    sides: tuple[Sequence[Point], Sequence[Point]],
    *,
    founded: Confidence,
    credible: Credibility,
    would_change: Sequence[str],
) -> Hypothesis:
    """A hypothesis as it is recorded; `sides` are the points for and against it."""
    return Hypothesis(
        name=name,
        statement=statement,
        likelihood=word(capped(probability)),
        confidence=founded,
        source_reliability=reliability(),
        information_credibility=credible,
        supports=list(sides[0]),
        opposes=list(sides[1]),
        would_change=list(would_change),
    )
