"""A small language for writing many sentences at once, and a corpus to cut long texts from.

`[this|that|]` picks one alternative (nesting allowed), `{slot}` picks an entry of a vocabulary; ⟦ ⟧ ⦃ ⦄ ⟐ stand for
literal brackets, braces and bar. Patterns compile once;
a draw then costs about a tenth of a microsecond per part.
"""

from __future__ import annotations

import bisect
import random
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, Union

T = TypeVar("T")

Part = Union[str, "tuple[Node, ...]", int]
Node = list[Part]
"""A sequence of parts: literal text, alternatives, or the number of a slot that is filled in at the time of the draw."""

Slots = Sequence[Sequence[str]]


_LITERAL = str.maketrans({"⟦": "[", "⟧": "]", "⦃": "{", "⦄": "}", "⟐": "|"})


class Grammar:
    """Compiles patterns over fixed vocabularies, and over late slots whose vocabulary comes with each draw."""

    def __init__(self, vocabulary: Mapping[str, Sequence[str]], late: Sequence[str] = ()) -> None:
        self._late = {name: number for number, name in enumerate(late)}
        self._source = vocabulary
        self._slots: dict[str, tuple[Node, ...]] = {}

    def compile(self, pattern: str) -> Node:
        """One pattern as a node. Raises KeyError for an unknown slot, ValueError for unbalanced brackets."""
        node, end = self._sequence(pattern, 0)
        if end != len(pattern):
            raise ValueError(f"unbalanced bracket at {end} in {pattern!r}")
        return node

    def compile_all(self, patterns: Sequence[str]) -> tuple[Node, ...]:
        """Each pattern as a node."""
        return tuple(self.compile(pattern) for pattern in patterns)

    def _sequence(self, text: str, at: int) -> tuple[Node, int]:
        parts: Node = []
        literal: list[str] = []

        def flush() -> None:
            if literal:
                parts.append("".join(literal).translate(_LITERAL))
                literal.clear()

        while at < len(text) and text[at] not in "|]":
            sign = text[at]
            if sign == "[":
                flush()
                alternatives: list[Node] = []
                while True:
                    node, at = self._sequence(text, at + 1)
                    alternatives.append(node)
                    if at >= len(text):
                        raise ValueError(f"unbalanced bracket in {text!r}")
                    if text[at] == "]":
                        break
                parts.append(tuple(alternatives))
                at += 1
            elif sign == "{":
                flush()
                end = text.index("}", at)
                parts.append(self._slot(text[at + 1 : end]))
                at = end + 1
            else:
                literal.append(sign)
                at += 1
        flush()
        return parts, at

    def _slot(self, name: str) -> Part:
        if name in self._late:
            return self._late[name]
        if name not in self._slots:
            self._slots[name] = tuple(self.compile(entry) for entry in self._source[name])
        return self._slots[name]


def draw(node: Node, rng: random.Random, late: Slots = ()) -> str:
    """One sentence of the node's language."""
    out: list[str] = []
    _expand(node, rng.random, late, out)
    return "".join(out)


def _expand(node: Node, uniform: Callable[[], float], late: Slots, out: list[str]) -> None:
    for part in node:
        if type(part) is str:
            out.append(part)
        elif type(part) is tuple:
            _expand(part[int(uniform() * len(part))], uniform, late, out)
        else:
            words = late[part]  # type: ignore[index]
            out.append(words[int(uniform() * len(words))])


def pick(rng: random.Random, options: Sequence[T]) -> T:
    """One of `options`, uniformly; a fifth of the cost of `rng.choice`."""
    return options[int(rng.random() * len(options))]


class Corpus:
    """A long text that can be cut at sentence ends, so that an answer costs a slice instead of a composition."""

    def __init__(self, sentences: Sequence[str], joint: str = " ") -> None:
        if not sentences:
            raise ValueError("a corpus needs at least one sentence")
        self.text = joint.join(sentences) + joint
        self._starts = [0]
        for sentence in sentences:
            self._starts.append(self._starts[-1] + len(sentence) + len(joint))

    def cut(self, rng: random.Random, chars: int) -> str:
        """About `chars` characters of running text, whole sentences, from anywhere in the corpus."""
        starts, pieces = self._starts, []
        while True:
            first = starts[int(rng.random() * (len(starts) - 1))]
            last = starts[bisect.bisect_left(starts, first + max(chars, 1), hi=len(starts) - 1)]
            pieces.append(self.text[first:last].rstrip())
            chars -= last - first
            if chars <= 0 or chars < len(self.text) // 50:  # a little less at the corpus' end is as good
                return "\n\n".join(pieces)


def length(rng: random.Random, median: float, spread: float, low: int = 1, high: int = 12_000) -> int:
    """A log-normal length: `median` characters, `spread` the standard deviation of its logarithm, clipped."""
    return min(high, max(low, int(median * 2.718281828 ** (spread * rng.gauss(0.0, 1.0)))))
