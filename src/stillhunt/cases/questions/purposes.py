"""What instructions ask for, by purpose, and the terms of reference that an observation supports.

In: the k-anonymous dictionary, `Taken`, sketches. Out: rows. A purpose is told from words that at least ten accounts have sent
(`records.PHRASES`): an instruction that is worded anew for every call, or that fewer accounts send, is not seen. The purposes are those
that frontier laboratories report harvests under; the identifiers are those of MITRE ATLAS and OWASP. An identifier is attached only where
an observation supports it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from stillhunt.cases.material import Material
from stillhunt.cases.questions.parts import ONCE, SESSION, Parts
from stillhunt.cases.questions.taken import Taken, holding
from stillhunt.channels.template import OFTEN, SELDOM_SHARE, SHARE

SHOWN = 3
"""So many of the phrases that told a purpose are shown, the most frequent first."""

LEAST_SHARE = 0.02
"""Instructions in fewer of the answered calls support no purpose."""


class Purpose(NamedTuple):
    """One purpose: its name in the taxonomy, what such an instruction asks for, and the words by which it is known."""

    name: str
    asks: str
    words: re.Pattern[str]


def _words(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{part})" for part in parts))


_MADE = r"(?:task|question|problem|exercise|instruction|test case|example)"

PURPOSES = (
    Purpose(
        "reasoning exfiltration",
        "the reasoning behind an answer",
        _words(
            r"\b(?:reasoning|chain of thought|step by step|think aloud|thoughts?|scratchpad|working memory|intermediate|checked steps)\b",
            r"\b(?:each|every) step\b|\bdeliberat|\bderivation",
            r"\b(?:raisonnement|schritt für schritt|paso a paso|razonamiento)\b",
            r"рассужд|推理|思考|思维|步骤",
        ),
    ),
    Purpose(
        "reasoning critique",
        "faults in somebody's reasoning, or a cleaner version of it",
        _words(
            r"\bcritiqu|\bfind (?:the|any|all) (?:error|mistake|flaw)|\bmistakes? in\b|\bflaws?\b|\brefute\b",
            r"\brewrite the (?:reasoning|draft|solution)\b|\bclean up\b|\bweak(?:est)? (?:step|point)|\bwhich step\b",
            r"критик|批判|找出错误|指出错误",
        ),
    ),
    Purpose(
        "autograding",
        "a grade or a preference",
        _words(
            r"\brubric|\bgrad(?:e|es|ing)\b|\bscor(?:e|es|ing)\b|\b(?:impartial|as a) judge\b|\brate the\b|\brating\b",
            r"\bwhich (?:answer|response|assistant) is better\b|\bassistant a\b|\bevaluate the (?:answer|response|quality)\b",
            r"\bbewerte|\bpuntua|оцен|评分|打分",
        ),
    ),
    Purpose(
        "task generation",
        "new tasks, questions or tests",
        _words(
            rf"\b(?:generate|write|create|invent|compose|make up|come up with) (?:\w+ ){{0,2}}{_MADE}s?\b",
            rf"\bnew {_MADE}s?\b|\bunit tests? for\b|\bset of \w+ diverse\b|\bdiverse (?:task|question)",
            r"出题|生成问题|新的任务",
        ),
    ),
)
"""In the order of the taxonomy; synthetic data, its fifth, is told from how the calls fall and not from words."""

SYNTHETIC = "synthetic data"

_SIGN_UP = ("signup.", "email.", "payment.")


class Asked(NamedTuple):
    """What one purpose comes to: answered calls that carry such an instruction, and the words that told it; None calls: not visible."""

    purpose: Purpose
    calls: int | None
    share: float
    phrases: tuple[str, ...]


def asked(taken: Taken, sketches: pa.ChunkedArray[Any], phrases: Mapping[int, str]) -> list[Asked]:
    """Answered calls by the purpose of their instructions.

    An instruction recurs, a common phrase merely occurs: a phrase counts in the calls of an account only where it stands in at least 12 %
    of the account's answered calls, or in 2 % of them if these are twelve or more (as in `channels.template`).

    Args:
        taken: the pool's calls.
        sketches: their column `sketch`.
        phrases: gram -> words, all of the lake's dictionary.
    """
    if sketches.null_count == len(sketches):
        return [Asked(purpose, None, 0.0, ()) for purpose in PURPOSES]
    everything = max(int(taken.answered.sum()), 1)
    answered = np.bincount(taken.account[taken.answered], minlength=1)
    found = []
    for purpose in PURPOSES:
        grams = np.array(sorted(gram for gram, words in phrases.items() if purpose.words.search(words)), np.int64)
        calls, places = holding(sketches, grams)
        mine = taken.answered[calls]
        calls, places = calls[mine], places[mine]
        pairs, of, times = np.unique(taken.account[calls] * max(grams.size, 1) + places, return_inverse=True, return_counts=True)
        share = times / answered[pairs // max(grams.size, 1)]
        recurs = (((share >= SHARE) & (times > 1)) | ((share >= SELDOM_SHARE) & (times >= OFTEN)))[of]
        holds = int(np.unique(calls[recurs]).size)
        often = np.bincount(places[recurs], minlength=grams.size)
        told = tuple(phrases[int(grams[at])] for at in np.lexsort((grams, -often))[:SHOWN] if often[at])
        found.append(Asked(purpose, holds, holds / everything, told))
    return found


class Term(NamedTuple):
    """An identifier of a public catalogue, and what it is called there."""

    identifier: str
    title: str


EXTRACTION = Term("AML.T0024.002", "Exfiltration via AI inference API: extract AI model")
ACCESS = Term("AML.T0040", "AI model inference API access")
PROXIES = Term("AML.T0008.005", "Acquire infrastructure: AI service proxies")
THEFT = Term("AML.T0048.004", "External harms: AI intellectual property theft")
SIGN_UPS = Term("AML.T0021", "Establish accounts")
DISTILLATION_CASE = Term("AML.CS0056", "case study: model distillation campaigns")
CONSUMPTION = Term("LLM10:2025", "OWASP: unbounded consumption (functional model replication)")

LIKELY = 0.55
"""From this probability on of a training set having been taken, the harm has its identifier, too (ICD 203's "likely")."""


def term_rows(material: Material, taken: Taken, parts: Parts, *, harvests: bool, likely: float) -> list[dict[str, Any]]:
    """The identifiers that an observation supports: `identifier`, `title`, `observation`. What nothing supports is not listed.

    Args:
        material: the campaign.
        taken: its calls.
        parts: what they fall into.
        harvests: whether a part of the calls could be a training set.
        likely: the probability that they hold one.
    """
    answered, accounts = int(taken.answered.sum()), int(material.members.size)
    rows: list[tuple[Term, str]] = []
    if answered:
        rows.append((ACCESS, f"{answered:,} calls of {accounts:,} accounts were answered"))
    if harvests:
        once = parts.calls(ONCE) + parts.calls(SESSION)
        rows.append((EXTRACTION, f"{once:,} answered calls ask what no other call of theirs asks, in a pool that harvests"))
        tokens = (
            f"{taken.total('output_tokens'):,} output tokens" if "output_tokens" in taken.visible else f"the answers to {answered:,} calls"
        )
        rows.append((CONSUMPTION, f"one operator took {tokens} through {accounts:,} accounts"))
        if likely >= LIKELY:
            rows.append((THEFT, f"the calls hold what could train a model, and that they do is at least likely ({likely:.0%})"))
    signed_up = sum(any(one.channel.startswith(_SIGN_UP) for one in member.observations) for member in material.campaign.accounts)
    if signed_up:
        rows.append((SIGN_UPS, f"{signed_up:,} of {accounts:,} accounts share sign-up, e-mail or payment observations with one another"))
    resold = taken.end_users > 2 * accounts
    if resold:
        rows.append((PROXIES, f"the calls name {taken.end_users:,} end users behind {accounts:,} accounts"))
    if harvests and (signed_up or resold):
        ways = ["accounts that share how they signed up"] if signed_up else []
        ways += ["accounts that carry many end users, as a reseller's do"] if resold else []
        rows.append((DISTILLATION_CASE, f"a harvest through {' and '.join(ways)}: the pattern of this case study"))
    return [{"identifier": term.identifier, "title": term.title, "observation": why} for term, why in rows]
