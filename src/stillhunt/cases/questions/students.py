"""The student that a harvest could train: arithmetic on published rules, as a range, with what is assumed.

In: counts of tokens and of distinct answers. Out: rows for a table. Nothing here says that anybody trained anything.
"""

from __future__ import annotations

from typing import Any, NamedTuple

TOKENS_PER_PARAMETER = 20.0
"""Compute-optimal training from nothing (J. Hoffmann et al., arXiv 2203.15556: about 20 tokens a parameter)."""

EPOCHS = 4.0
"""Passes over the same tokens that are nearly as good as new ones (N. Muennighoff et al., arXiv 2305.16264)."""


class Practice(NamedTuple):
    """A set that published work fine-tuned a model with: its size in examples, and where it is written."""

    name: str
    examples: int
    reference: str


PRACTICES = (
    Practice(
        "alignment by few, chosen examples", 1_000, "C. Zhou et al., arXiv 2305.11206 (LIMA): 1,000 examples, a student of 65 G parameters"
    ),
    Practice("following instructions", 52_000, "R. Taori et al., 2023 (Alpaca): 52,000 generated examples, a student of 7 G parameters"),
    Practice(
        "distilling reasoning", 800_000, "arXiv 2501.12948: about 800,000 answers with their reasoning, students of 1.5 to 70 G parameters"
    ),
)


def parameters(tokens: float, epochs: float = 1.0) -> float:
    """Parameters of a model for which `tokens`, read `epochs` times, are compute-optimal training from nothing."""
    return tokens * epochs / TOKENS_PER_PARAMETER


def students(answers: int, output_tokens: int, reasoning_tokens: int | None) -> list[dict[str, Any]]:
    """What such a set is enough for.

    Args:
        answers: distinct requests that were answered.
        output_tokens: tokens of all answers.
        reasoning_tokens: tokens of reasoning that the logs count; they may be part of the answers' tokens, which is why they make a range;
            None where the logs do not count them.

    Returns:
        One row for each rule: `rule`, `needs`, `taken`, `times` (how often the need is met) and `reference`.
    """
    rows: list[dict[str, Any]] = [
        {
            "rule": practice.name,
            "needs": f"{practice.examples:,} examples",
            "taken": f"{answers:,} distinct requests answered",
            "times": round(answers / practice.examples, 3),
            "reference": practice.reference,
        }
        for practice in PRACTICES
    ]
    low, high = parameters(output_tokens), parameters(output_tokens + (reasoning_tokens or 0), EPOCHS)
    rows.append(
        {
            "rule": "training from nothing",
            "needs": f"{TOKENS_PER_PARAMETER:.0f} tokens a parameter",
            "taken": f"{output_tokens:,} tokens of answers, "
            + (f"{reasoning_tokens:,} of reasoning" if reasoning_tokens is not None else "reasoning not visible"),
            "times": None,
            "reference": f"arXiv 2203.15556: {low:,.0f} parameters from the answers read once, {high:,.0f} "
            f"{'with the reasoning, ' if reasoning_tokens else ''}read {EPOCHS:.0f} times (arXiv 2305.16264)",
        }
    )
    return rows
