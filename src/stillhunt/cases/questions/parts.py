"""Into which parts a pool's answered calls fall: asked once, asked again at once, asked again in runs, conversations, sessions of agents.

In: `Taken`. Out: `Parts`, and what tells that the part that comes again is a benchmark. A call stands in exactly one part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stillhunt.cases.questions.repeats import OFTEN, Apart, Index, apart, shorter
from stillhunt.cases.questions.taken import Taken, distinct

UNSEEN, ONCE, TWICE, RESAMPLED, RECURRING, CONVERSATION, SESSION = range(7)
NAMES = (
    "without words in the logs",
    "asked once, standing alone",
    "asked twice",
    f"asked {OFTEN} times or more, in one run",
    f"asked {OFTEN} times or more, in two runs or more",
    "in conversations",
    "in sessions of agents",
)

LEAST_SET = 10
"""Fewer requests that come again are probes or health checks: no benchmark has so few questions."""

SURE = 0.001
"""Below this p-value a part that comes again counts as a part of its own, and its answers as shorter."""


@dataclass(frozen=True)
class Parts:
    """What a pool's calls fall into.

    Attributes:
        of: part of each call, -1 for calls that were not answered; shape (calls,).
        apart: whether the repeated requests are more than one list drawn at random explains.
        shorter: p-value of answers to recurring requests being shorter than to those asked once; None where it cannot be asked.
        recurring: requests that come again in runs.
        evenness: variance over mean of how often each of those was asked: near 0 where a list is worked off whole in every run, 1 for
            questions drawn at random; nan with fewer than two.
    """

    of: Index
    apart: Apart
    shorter: float | None
    recurring: Index
    evenness: float

    def calls(self, part: int) -> int:
        """Calls in one part."""
        return int((self.of == part).sum())

    @property
    def benchmark(self) -> bool:
        """Whether the part that comes again in runs looks like a benchmark: large enough, one of its own, and with shorter answers."""
        alone = self.apart.p is None or self.apart.p < SURE
        return self.recurring.size >= LEAST_SET and alone and (self.shorter is None or self.shorter < SURE)


def parts_of(taken: Taken) -> Parts:
    """Sort calls into parts. Repetition goes before conversation: a fixed question of two turns is still a fixed question."""
    requests = taken.requests
    turns, messages = taken.counts["user_turns"], taken.counts["message_count"]
    alone = ~taken.together & (turns <= 1)
    tooled = taken.known["tools_hash"] | (taken.counts["tool_count"] > 0)
    session = (messages >= 3) & (turns <= 1) & (tooled | (turns == 1))
    of = np.where(taken.answered, UNSEEN, -1)
    asked = np.select([requests.recurring, requests.resampled, requests.calls == 2], [RECURRING, RESAMPLED, TWICE], ONCE)[requests.of]
    own_session, own_alone = session[taken.worded], alone[taken.worded]
    seldom = asked <= TWICE
    asked = np.where(seldom & own_session, SESSION, np.where(seldom & ~own_alone, CONVERSATION, asked))
    of[taken.worded] = asked
    recurring = np.flatnonzero(requests.recurring)
    single = requests.calls == 1
    single[requests.of[asked != ONCE]] = False
    counts = requests.calls[recurring]
    return Parts(
        of=of,
        apart=apart(requests),
        shorter=shorter(requests.answer[recurring], requests.hashes[recurring], requests.answer[single], requests.hashes[single]),
        recurring=recurring,
        evenness=float(counts.var() / counts.mean()) if recurring.size > 1 else float("nan"),
    )


def part_rows(taken: Taken, parts: Parts) -> list[dict[str, Any]]:
    """One row a part that has calls: calls, share of the answered ones, distinct requests, accounts, output tokens, median answer."""
    rows = []
    request = np.full(taken.answered.size, -1, np.int64)
    request[taken.worded] = taken.requests.of
    answered = max(int(taken.answered.sum()), 1)
    for part, name in enumerate(NAMES):
        mine = parts.of == part
        if not mine.any():
            continue
        output = taken.tokens["output_tokens"][mine]
        known = output[np.isfinite(output)]
        rows.append(
            {
                "part": name,
                "calls": int(mine.sum()),
                "share": round(float(mine.sum()) / answered, 4),
                "distinct_requests": distinct(request[mine]),
                "accounts": distinct(taken.account[mine]),
                "output_tokens": int(known.sum()) if known.size else None,
                "median_answer": float(np.median(known)) if known.size else None,
            }
        )
    return rows


def repeated_rows(taken: Taken, parts: Parts, most: int = 10) -> list[dict[str, Any]]:
    """The requests that come again in runs, most often asked first (then by hash), at most `most`: hash, calls, accounts, runs, answers."""
    requests = taken.requests
    order = parts.recurring[np.lexsort((requests.hashes[parts.recurring], -requests.calls[parts.recurring]))][:most]
    return [
        {
            "prompt_hash": str(int(requests.hashes[at])),
            "calls": int(requests.calls[at]),
            "accounts": int(requests.accounts[at]),
            "runs": int(requests.runs[at]),
            "distinct_answers": int(requests.answers[at]) or None,
            "median_answer": float(requests.answer[at]) if np.isfinite(requests.answer[at]) else None,
        }
        for at in order
    ]


def evenness_of_topics(taken: Taken, bits: int = 8) -> tuple[float, int] | None:
    """How evenly the distinct requests cover topics: (evenness, requests); None where topics are not visible.

    A request's cell is the first `bits` bits of its topic (`intake.topic`, a SimHash: requests with the same words share it). Evenness is
    the entropy of the cells over the logarithm of their number (E. C. Pielou, J. Theor. Biol. 13 (1966) 131-144): 1 where all are met
    equally often. It depends on how many requests there are, and on the vocabulary; it describes.
    """
    own = taken.worded[taken.known["prompt_topic"][taken.worded]]
    if not own.size:
        return None
    _, first = np.unique(taken.hashes["prompt_hash"][own], return_index=True)
    cells = taken.hashes["prompt_topic"][own][first].view(np.uint64) >> np.uint64(64 - bits)
    counts = np.bincount(cells.astype(np.int64), minlength=1 << bits)
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum() / (bits * np.log(2.0))), int(first.size)
