"""A mapping proposed for a log that no format knows, from the names of its values and their shapes.

A proposal is a beginning: whoever knows the log reads it, corrects it and tries it (`stillhunt formats try FILE --map`). No value of the
log stands in it. May import: errors and its neighbours in intake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stillhunt.errors import InputError
from stillhunt.intake.formats.values import SECRET_HEADERS, address, decoded
from stillhunt.intake.guessing_names import COLUMNS, REQUIRED, TABLES, Wanted
from stillhunt.intake.mapping_rules import unit_by_size
from stillhunt.intake.opening import open_source
from stillhunt.intake.trying import beginning

_MAX_DEPTH = 6
_MAX_PATHS = 2_000
_PLAIN = re.compile(r"[^.\[\]\"'\s$](?:[^.\[\]\"'\n\t]*[^.\[\]\"'\s])?")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s*(?:Z|[+-]\d\d:?\d\d)?")
_PATTERNS = (
    (re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"), "%d/%b/%Y:%H:%M:%S %z"),
    (re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"), "%a, %d %b %Y %H:%M:%S GMT"),
    (re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d"), "%Y/%m/%d %H:%M:%S"),
    (re.compile(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d"), "%m/%d/%Y %H:%M:%S"),
)


@dataclass
class Seen:
    """What stands at one path over all records."""

    path: str
    name: str  # the last name of the path, in lower case with underscores
    places: tuple[str, ...]  # the names before it, likewise
    values: list[Any] = field(default_factory=list)

    @property
    def first(self) -> Any:
        """One value."""
        return self.values[0]


def propose(path: Path) -> str:
    """The text of a mapping file for a log.

    Raises:
        InputError: the log cannot be read, or nothing in it looks like a call's time.
    """
    records = [record for record in beginning(open_source(path)) if isinstance(record, dict)]
    if not records:
        raise InputError(f"{path}: no records to guess from. A mapping maps JSON, CSV or Parquet records.")
    seen = list(_paths(records))
    found = _assigned(seen, len(records))
    if "started_at" not in found:
        raise InputError(
            f"{path}: nothing in it looks like a time, without which no record is a call. Write the mapping by hand (docs/logs/mapping.md)."
        )
    return _written(path, found, len(records), seen)


# --------------------------------------------------------------------------------------------------------------------
# Paths and what stands there


def _paths(records: list[dict[str, Any]]) -> Iterator[Seen]:
    found: dict[str, Seen] = {}
    for record in records:
        for path, places, value in _walk(record, "", ()):
            if path not in found and len(found) >= _MAX_PATHS:
                continue
            seen = found.setdefault(path, Seen(path, places[-1], places[:-1]))
            seen.values.append(value)
    yield from found.values()


def _walk(value: Mapping[str, Any], path: str, places: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    for name, inner in value.items():
        if inner is None or inner == "" or not isinstance(name, str) or '"' in name or "'" in name or not name:
            continue
        step = name if _PLAIN.fullmatch(name) else f'"{name}"'
        here, names = f"{path}{step}", (*places, _snake(name))
        held = decoded(inner) if isinstance(inner, str | bytes) else inner
        yield here, names, inner
        if isinstance(held, Mapping) and len(names) < _MAX_DEPTH:
            yield from _walk(held, f"{here}.", names)
        elif isinstance(held, list) and held and len(names) < _MAX_DEPTH and all(isinstance(one, Mapping) for one in held):
            yield from _listed(held, here, names)


def _listed(held: list[Any], path: str, names: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Lists of names and values, as attributes are often written."""
    for key, value in (("key", "value"), ("name", "value"), ("Name", "Value")):
        if all(isinstance(one.get(key), str) and value in one for one in held):
            for one in held:
                if _PLAIN.fullmatch(one[key].replace(".", "_")) and one[value] not in (None, ""):
                    yield f"{path}[{key}={one[key]}].{value}", (*names, *_snake(one[key]).split(".")), one[value]


def _snake(name: str) -> str:
    """``userId``, ``User-ID`` and ``user id`` as ``user_id``."""
    return re.sub(r"[^a-z0-9.]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()).strip("_")


# --------------------------------------------------------------------------------------------------------------------
# Shapes


def _is_time(seen: Seen) -> bool:
    return _time_unit(seen.first) is not None


def _time_unit(value: Any) -> str | None:
    """The unit of a time; None when the value is none. Empty where reading needs no unit."""
    if hasattr(value, "isoformat"):
        return ""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        if _ISO.fullmatch(text):
            return ""
        known = next((unit for pattern, unit in _PATTERNS if pattern.fullmatch(text)), None)
        if known is not None:
            return known
        try:
            value = float(text)
        except ValueError:
            return None
    if not isinstance(value, int | float) or not 1e9 <= value < 5e18:
        return None
    factor = unit_by_size(value)
    at = value * factor / 1e6
    return {1e6: "s", 1e3: "ms", 1.0: "us", 0.001: "ns"}[factor] if 1_262_304_000 <= at < 4_102_444_800 else None


def _is_word(seen: Seen) -> bool:
    return (
        isinstance(seen.first, str | int) and not isinstance(seen.first, bool) and len(str(seen.first)) <= 300 and not _is_json(seen.first)
    )


def _is_json(value: Any) -> bool:
    return isinstance(decoded(value), dict | list)


def _is_id(seen: Seen) -> bool:
    """Text or whole numbers, nearly all different."""
    return _is_word(seen) and len(set(map(str, seen.values))) >= 0.9 * len(seen.values)


def _is_count(seen: Seen) -> bool:
    return all(not isinstance(value, bool) and re.fullmatch(r"\d{1,9}(?:\.0)?", str(value)) for value in seen.values[:50])


def _is_status(seen: Seen) -> bool:
    return all(re.fullmatch(r"[1-5]\d\d(?:\.0)?", str(value)) for value in seen.values[:50])


def _is_address(seen: Seen) -> bool:
    return isinstance(seen.first, str) and address(seen.first, "") is not None


def _is_number(seen: Seen) -> bool:
    return all(not isinstance(value, bool) and re.fullmatch(r"\d+(?:\.\d+)?(?:[eE]-?\d+)?", str(value)) for value in seen.values[:50])


def _is_object(seen: Seen) -> bool:
    return isinstance(decoded(seen.first), Mapping)


def _is_headers(seen: Seen) -> bool:
    held = decoded(seen.first)
    return isinstance(held, Mapping) or (isinstance(held, list) and bool(held) and all(isinstance(one, list | str) for one in held))


def _is_messages(seen: Seen) -> bool:
    held = decoded(seen.first)
    return isinstance(held, list) and bool(held) and all(isinstance(one, Mapping) and ("role" in one or "parts" in one) for one in held)


def _is_request(seen: Seen) -> bool:
    held = decoded(seen.first)
    return isinstance(held, Mapping) and bool({"messages", "prompt", "contents", "input", "inputText"} & held.keys())


def _is_response(seen: Seen) -> bool:
    held = decoded(seen.first)
    return isinstance(held, Mapping) and bool({"choices", "content", "candidates", "output", "completion", "results"} & held.keys())


def _is_text(seen: Seen) -> bool:
    return isinstance(seen.first, str) and not _is_json(seen.first)


def _is_said(seen: Seen) -> bool:
    return _is_text(seen) or _is_messages(seen)


def _is_tools(seen: Seen) -> bool:
    return isinstance(decoded(seen.first), list)


_SHAPES: dict[str, Callable[[Seen], bool]] = {
    "time": _is_time,
    "word": _is_word,
    "id": _is_id,
    "count": _is_count,
    "status": _is_status,
    "address": _is_address,
    "number": _is_number,
    "object": _is_object,
    "headers": _is_headers,
    "messages": _is_messages,
    "request": _is_request,
    "response": _is_response,
    "text": _is_text,
    "said": _is_said,
    "tools": _is_tools,
}


# --------------------------------------------------------------------------------------------------------------------
# Columns


def _assigned(seen: list[Seen], records: int) -> dict[str, Seen]:
    """For each column the best path. A path serves one column; whole bodies take the place of their parts."""
    scores = []
    for order, (column, wanted) in enumerate(COLUMNS.items()):
        for one in seen:
            score = _score(one, wanted, records)
            if score > 0:
                scores.append((-score, order, len(one.path), one.path, column, one))
    found: dict[str, Seen] = {}
    taken: set[str] = set()
    for _, _, _, path, column, one in sorted(scores, key=lambda entry: entry[:4]):
        if column not in found and path not in taken:
            found[column] = one
            taken.add(path)
    if "duration" in found and ("ended_at" in found or not _duration_unit(found["duration"])):
        del found["duration"]
    for whole, parts in (("request_body", ("messages", "prompt", "system", "tools")), ("response_body", ("response", "reasoning"))):
        if whole in found:
            for part in parts:
                found.pop(part, None)
    if "messages" in found:
        found.pop("prompt", None)
    return found


def _score(seen: Seen, wanted: Wanted, records: int) -> float:
    if seen.name in SECRET_HEADERS or seen.name.replace("_", "-") in SECRET_HEADERS:
        return 0.0
    full = "_".join((*seen.places[-1:], seen.name))
    named = 0.0
    for rank, pattern in enumerate(wanted.names):
        if pattern.fullmatch(seen.name) or pattern.fullmatch(full):
            named = 1.0 - 0.04 * rank + (0.02 if pattern.fullmatch(full) else 0.0)
            break
    if not named or not _SHAPES[wanted.shape](seen):
        return 0.0
    if wanted.unlike and any(word in "_".join(seen.places) for word in wanted.unlike):
        named -= 0.5
    return named - 0.03 * len(seen.places) + 0.1 * len(seen.values) / records


def _duration_unit(seen: Seen) -> str:
    words = seen.name.split("_")
    for unit, names in (
        ("ms", ("ms", "msec", "millis", "milliseconds")),
        ("us", ("us", "micros", "microseconds")),
        ("ns", ("ns", "nanos")),
        ("s", ("s", "sec", "secs", "seconds")),
    ):
        if any(name in words for name in names):
            return unit
    return "s" if isinstance(seen.first, float) and 0 < seen.first < 600 and not float(seen.first).is_integer() else ""


# --------------------------------------------------------------------------------------------------------------------
# Writing


def _written(path: Path, found: dict[str, Seen], records: int, seen: list[Seen]) -> str:
    lines = [
        f"# A mapping proposed from the names and shapes of {records:,} records. Read it, correct it, then try it:",
        "#   stillhunt formats try LOG --map mapping.toml",
        "# Paths and all that can be said in this file: docs/logs/mapping.md",
        "",
        f'name = "{re.sub(r"[^a-z0-9]+", "-", path.name.split(".")[0].lower()).strip("-")[:40].strip("-") or "mapping"}"',
    ]
    hidden = {"duration", "request_body", "response_body", *(["ended_at"] if "duration" in found else [])}
    for table, columns in TABLES.items():
        entries = [(column, found[column]) for column in columns if column in found]
        absent = [column for column in columns if column not in found and table != "accounts" and column not in hidden]
        if not entries and table != "calls":
            continue
        lines += ["", f"[{table}]"]
        for column, one in entries:
            rule = _rule(column, one)
            share = f"in {len(one.values):,} of {records:,}"
            lines.append(f"{'ended_at' if column == 'duration' else column} = {rule}  # {share}")
        for column in absent if table == "calls" else ():
            need = "  # needed: whose call it is; name the path" if column in REQUIRED else ""
            lines.append(f'# {column} = "…"{need}')
    kinds = _kinds(seen)
    lines += ["", "# Which records are calls; without conditions all are.", "# [where]", *(f"# {kind}" for kind in kinds)]
    return "\n".join(lines) + "\n"


def _kinds(seen: list[Seen]) -> list[str]:
    """Values that may tell calls from other records: few words under a name like type. They are the log's own words for kinds."""
    found = []
    for one in seen:
        if one.name in ("type", "kind", "event", "event_type", "event_name", "operation", "method", "level") and _is_word(one):
            words = sorted(set(map(str, one.values)))
            if 1 < len(words) <= 8 and all(re.fullmatch(r"[A-Za-z][\w.:/-]{0,39}", word) for word in words):
                listed = ", ".join(f'"{word}"' for word in words)
                found.append(f"{_quoted(one.path)} = [{listed}]")
    return found or ['"type" = "completion"']


def _rule(column: str, seen: Seen) -> str:
    path = _quoted(seen.path)
    if column == "duration":
        return f'{{ path = {path}, unit = "{_duration_unit(seen)}", after = "started_at" }}'
    unit = _time_unit(seen.first) if COLUMNS[column].shape == "time" else ""
    return f"{{ path = {path}, unit = {_quoted(unit)} }}" if unit else path


def _quoted(text: str) -> str:
    return "'" + text + "'" if '"' in text else '"' + text.replace("\\", "\\\\") + '"'
