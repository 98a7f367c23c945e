"""Paths into a record: ``a.b``, ``a[0].b``, ``a[key=name].value``, ``"a.b".c``; ``$`` at the beginning is the record itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from stillhunt.intake.formats.values import decoded

_STEP = re.compile(
    r"""\.?(?:
        "(?P<quoted>[^"]+)" | '(?P<single>[^']+)' |
        \[\s*(?P<index>-?\d+)\s*\] |
        \[\s*["'](?P<key>[^"']+)["']\s*\] |
        \[\s*(?P<field>[^=\]\s]+)\s*=\s*["']?(?P<wanted>[^"'\]]*?)["']?\s*\] |
        (?P<name>[^.\[\]"'\s][^.\[\]"']*)
    )""",
    re.VERBOSE,
)


class Step(NamedTuple):
    """One step: a name, a place in a list (a number), or the element of a list whose `field` is `name`."""

    name: str
    place: int | None = None
    field: str | None = None


class Path(NamedTuple):
    """A path as it was written, and its steps."""

    text: str
    steps: tuple[Step, ...]

    def find(self, record: Mapping[str, Any]) -> Any:
        """What stands there; None where there is nothing. JSON text on the way is decoded, names that differ in case only are found."""
        whole = record.get(self.text)
        if whole is not None:
            return whole
        value: Any = record
        for step in self.steps:
            value = _down(decoded(value) if isinstance(value, str | bytes) else value, step)
            if value is None:
                return None
        return value


def parse_path(text: str) -> Path:
    """The path that `text` writes.

    Raises:
        ValueError: it is none; the message says where it breaks.
    """
    bare = text.strip()
    at = 1 if bare.startswith("$") else 0
    steps: list[Step] = []
    while at < len(bare):
        found = _STEP.match(bare, at)
        if found is None or found.end() == at or (steps == [] and at == 0 and bare[0] == "."):
            raise ValueError(f"the path breaks at {bare[at : at + 20]!r}; write it like request.headers.x-user-id or choices[0].text")
        if found["index"] is not None:
            steps.append(Step("", place=int(found["index"])))
        elif found["field"] is not None:
            steps.append(Step(found["wanted"], field=found["field"]))
        else:
            steps.append(Step(found["quoted"] or found["single"] or found["key"] or found["name"].rstrip()))
        at = found.end()
    if not steps:
        raise ValueError("the path is empty")
    return Path(bare.removeprefix("$."), tuple(steps))


def _down(value: Any, step: Step) -> Any:
    if step.place is not None:
        listed = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        return value[step.place] if listed and -len(value) <= step.place < len(value) else None
    if isinstance(value, Mapping):
        if step.field is not None:
            return value if str(value.get(step.field)) == step.name else None
        if step.name in value:
            return value[step.name]
        wanted = step.name.lower()
        return next((inner for name, inner in value.items() if isinstance(name, str) and name.lower() == wanted), None)
    if isinstance(value, list):
        if step.field is not None:
            return next((one for one in value if isinstance(one, Mapping) and str(one.get(step.field)) == step.name), None)
        wanted = step.name.lower()  # headers as a list of pairs
        return next((one[1] for one in value if isinstance(one, list | tuple) and len(one) == 2 and str(one[0]).lower() == wanted), None)
    return None
