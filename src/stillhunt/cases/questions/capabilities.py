"""What was taken, by capability: signs that the fingerprints of a request still show.

In: `Taken`. Out: for each capability the answered calls that show its sign. A sign is not the capability: an instruction to write a program
may hold no code, and a table is full of brackets. How often each sign stands where it should and where it should not was measured on
public corpora (docs/attribution.md). A call can show several signs, or none.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from stillhunt.cases.questions.taken import Mask, Taken, distinct


class Sign(NamedTuple):
    """One capability: its name, what is looked at in words, the columns that it needs, and the calls that show it (None: not visible)."""

    name: str
    looked_at: str
    needs: tuple[str, ...]
    calls: Mask | None


def signs(taken: Taken) -> list[Sign]:
    """The sign of each capability in each call, answered or not."""
    marks, digits = taken.shape("signs"), taken.shape("digits")
    foreign, turns = taken.shape("foreign"), taken.counts["user_turns"]
    messages = taken.counts["message_count"]
    tooled = (taken.counts["tool_count"] > 0) | taken.known["tools_hash"]
    thought = (taken.tokens["reasoning_tokens"] > 0) | (taken.tokens["reasoning_chars"] > 0)
    listed: list[tuple[str, str, tuple[str, ...], Mask]] = [
        ("coding", "brackets, slashes and operators are 2 % or more of the request", ("prompt_shape",), marks >= 2),
        (
            "mathematics",
            "digits are 2 % or more of the request, brackets and operators less",
            ("prompt_shape",),
            (digits >= 2) & (marks >= 0) & (marks <= 1),
        ),
        (
            "agents and tools",
            "tools are offered, or an answer is followed by results of tools",
            ("tool_count", "tools_hash", "message_count"),
            tooled | ((messages >= 3) & (turns <= 1)),
        ),
        ("languages other than English", "letters beyond ASCII are 2 % or more of the request", ("prompt_shape",), foreign >= 2),
        ("dialogue", "a user speaks twice or more", ("user_turns",), turns >= 2),
        ("reasoning", "the answer comes with tokens or text of reasoning", ("reasoning_tokens", "reasoning_chars"), thought),
    ]
    seen = taken.visible
    return [Sign(name, words, needs, calls if seen.intersection(needs) else None) for name, words, needs, calls in listed]


def capability_rows(taken: Taken) -> list[dict[str, Any]]:
    """One row a capability: answered calls that show its sign, distinct requests, output tokens, share; None where not visible."""
    rows = []
    request = np.full(taken.answered.size, -1, np.int64)
    request[taken.worded] = taken.requests.of
    answered = int(taken.answered.sum())
    for sign in signs(taken):
        row: dict[str, Any] = {"capability": sign.name, "calls": None, "share": None, "distinct_requests": None, "output_tokens": None}
        if sign.calls is not None:
            showing = sign.calls & taken.answered
            row |= {
                "calls": int(showing.sum()),
                "share": round(float(showing.sum()) / max(answered, 1), 4),
                "distinct_requests": distinct(request[showing]),
                "output_tokens": int(np.nansum(taken.tokens["output_tokens"][showing])) if "output_tokens" in taken.visible else None,
            }
        rows.append(
            row | {"sign": sign.looked_at if sign.calls is not None else f"not visible: the logs carry none of {', '.join(sign.needs)}"}
        )
    return rows


_SCRIPTS = (
    "ASCII letters",
    "Latin with accents, or mixed",
    "Han",
    "kana",
    "another script of three bytes a letter",
    "Greek, Cyrillic, Arabic or the like",
)


def script_rows(taken: Taken) -> list[dict[str, Any]]:
    """Answered calls by script, from the first letter and the share of letters beyond ASCII; empty where not visible."""
    if "prompt_shape" not in taken.visible:
        return []
    foreign, start = taken.shape("foreign")[taken.answered], taken.shape("start")[taken.answered]
    many = foreign == 3
    which = np.select(
        [foreign < 0, foreign <= 1, many & (start == 4), many & (start == 6), many & (start == 7), many & (start == 5)],
        [-1, 0, 2, 3, 4, 5],
        1,
    )
    counts = np.bincount(which[which >= 0], minlength=len(_SCRIPTS))
    return [
        {"script": name, "calls": int(calls), "share": round(float(calls) / max(int(counts.sum()), 1), 4)}
        for name, calls in zip(_SCRIPTS, counts, strict=True)
        if calls
    ]
