"""Real prompt templates: which of their places are work, and how to fill the rest.

A template's places ({name}, {{name}}, {{ name | filter }}) are of two kinds: settings (a domain, a role, a number), which one
user fills once, and work (a document, a question, an answer), which differs from call to call. A template becomes
head + work + tail: everything between its first and last place of work is the payload of a call.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from stillhunt.range.bank.grammar import pick
from stillhunt.range.bank.topics import TOPICS

_PLACE = re.compile(r"\{\{\s*([A-Za-z_][^{}%\n]{0,80}?)\s*\}\}|(?<![\\{])\{([A-Za-z_]\w{1,40})\}(?!\})|<<([A-Za-z_]\w{1,40})>>")
_SETTING = re.compile(
    r"(?i)domain|language|role|limit|^num|count|icl_|seed_|example|criteria|taxonomy|lang$|include|tool|format|history|scratchpad|choices"
)
_LONGEST = 9_000


@dataclass(frozen=True)
class Template:
    """A usable template. `middle` alternates literals and names of work, beginning and ending with a name; it may be empty."""

    name: str
    role: str
    family: str
    head: str
    middle: tuple[str, ...]
    tail: str

    def payload(self, rng: random.Random, work: Callable[[random.Random], str]) -> str:
        """Fill the places of work; one name gets one value."""
        values: dict[str, str] = {}
        parts = []
        for number, part in enumerate(self.middle):
            if number % 2:
                parts.append(part)
                continue
            if part not in values:
                values[part] = work(rng)
            parts.append(values[part])
        return "".join(parts) if parts else work(rng)


def _setting(name: str, rng: random.Random) -> str:
    """Choose what one user puts into a setting."""
    topic = pick(rng, TOPICS)
    lowered = name.lower()
    if "num" in lowered or "limit" in lowered or "count" in lowered:
        return str(rng.choice((3, 5, 8, 10, 20, 50)))
    if "language" in lowered or lowered.endswith("lang"):
        return pick(rng, ("Python", "English", "German", "Rust", "Java", "French"))
    if "role" in lowered:
        return pick(rng, topic.people)
    if "domain" in lowered:
        return topic.name
    return f"{pick(rng, topic.actions)} the {pick(rng, topic.qualities)} {pick(rng, topic.things)}"


def parse(name: str, role: str, family: str, text: str, rng: random.Random) -> Template | None:
    """Make a template usable; None for one that cannot be filled (control blocks, nothing left, too long)."""
    text = text.split("|||", maxsplit=1)[0].replace("\r\n", "\n").strip()
    if "{%" in text or not 20 <= len(text) <= _LONGEST:
        return None
    pieces: list[str] = []
    names: list[str] = []
    at = 0
    literal = ""
    for match in _PLACE.finditer(text):
        place = next(group for group in match.groups() if group)
        literal += text[at : match.start()]
        at = match.end()
        if _SETTING.search(place):
            literal += _setting(place, rng)
        else:
            pieces.append(literal)
            names.append(place)
            literal = ""
    tail = literal + text[at:]
    if not names:
        return Template(name, role, family, tail, (), "")
    middle = [names[0]]
    for gap, following in zip(pieces[1:], names[1:], strict=True):
        middle += [gap, following]
    if len(pieces[0]) + len(tail) + sum(map(len, pieces[1:])) < 12:
        return None
    return Template(name, role, family, pieces[0], tuple(middle), tail)
