"""Which formats there are, and which of them a source is: entry points in, one `Format` out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points
from typing import cast

from stillhunt.errors import InputError
from stillhunt.intake.formats import Format, Sample

GROUP = "stillhunt.formats"
SURE = 0.5
MAPPED = "map:"
"""Before the path of a mapping file, where the name of a format is expected."""


@dataclass(frozen=True)
class Registry:
    """Formats by name, in the order of their names, and the plug-ins that failed to load, with the kind of failure."""

    formats: dict[str, Format]
    failed: dict[str, str]


@cache
def registry() -> Registry:
    """Everything installed under the entry point group. One broken plug-in does not take the others with it."""
    found: dict[str, Format] = {}
    failed: dict[str, str] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            found[entry.name] = cast("Format", entry.load())
        except Exception as error:  # whatever a stranger's module does at import
            failed[entry.name] = type(error).__name__
    return Registry(found, failed)


def by_name(name: str) -> Format:
    """The format called `name`, or that of the mapping file in ``map:FILE``.

    Raises:
        InputError: there is none, or its plug-in or mapping cannot be loaded.
    """
    if name.startswith(MAPPED):
        from stillhunt.intake.mapping import load  # noqa: PLC0415  # most logs need none

        return load(name.removeprefix(MAPPED))
    known = registry()
    if name in known.failed:
        raise InputError(f"format {name!r} cannot be loaded ({known.failed[name]}). Reinstall the package that brings it.")
    if name not in known.formats:
        raise InputError(f"no format {name!r}. Known formats: {', '.join(known.formats)}. See `stillhunt formats`.")
    return known.formats[name]


def guess(sample: Sample) -> tuple[Format | None, float]:
    """The format that is surest of `sample`, and how sure; None when none is at least half sure. Ties go by name.

    Where no format is sure of the sample as a whole, because a log holds records of several kinds, each record is asked about on its
    own, and the format that is sure of most of them is taken.
    """
    found, surest = _surest(sample)
    if surest >= SURE or len(sample.records) < 2 or sample.columns:
        return (found if surest >= SURE else None), surest
    votes: Counter[str] = Counter()
    for record in sample.records:
        one, sure = _surest(replace(sample, records=[record]))
        if one is not None and sure >= SURE:
            votes[one.name] += 1
    if not votes:
        return None, surest
    best = min(votes, key=lambda name: (-votes[name], name))
    return registry().formats[best], SURE


class Guesses:
    """`guess` for many sources that look alike, one record each: whoever was sure of a shape is asked first, and alone if still as sure."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[Format, float]] = {}

    def guess(self, sample: Sample, folder: str) -> tuple[Format | None, float]:
        """As `guess`. Only sources of one `folder` are taken to look alike."""
        if len(sample.records) != 1 or sample.columns:
            return guess(sample)
        shape = folder, sample.framing, sample.name.rpartition(".")[2], _shape(sample.records[0])
        known = self._known.get(shape)
        if known is not None and known[0].sniff(sample) == known[1]:
            return known
        found, sure = guess(sample)
        if found is not None and sure >= _REMEMBERED and len(self._known) < _MAX_SHAPES:
            self._known[shape] = found, sure
        return found, sure


_REMEMBERED = 0.9  # below this another format may be nearly as sure, and a value decide
_MAX_SHAPES = 10_000


def _shape(value: object) -> Hashable:
    """The names and types in a record, all the way down; of a list, its first element."""
    if isinstance(value, dict):
        return tuple((name, _shape(inner)) for name, inner in value.items())
    if isinstance(value, list):
        return ("list", _shape(value[0])) if value else "list"
    return type(value).__name__


def _surest(sample: Sample) -> tuple[Format | None, float]:
    best, surest = None, 0.0
    for candidate in registry().formats.values():
        try:
            score = float(candidate.sniff(sample))
        except Exception:  # a sniff must never raise; one that does does not know the source
            score = 0.0
        if score > surest:
            best, surest = candidate, score
    return best, surest


def source_of(form: Format) -> str:
    """What the lake and reports call the source of a format's rows: its name, or the one that a mapping file gives."""
    return str(getattr(form, "source", form.name))


def unknown(source: str) -> InputError:
    """The error for a source that is data, but of no known format."""
    names = ", ".join(registry().formats)
    return InputError(
        f"{source}: no log that we know (known: {names}). Name it with --format, which `stillhunt formats` explains, "
        "or map it with --map: `stillhunt formats guess` proposes a mapping."
    )
