"""The lines of a mapping file: how one column is found and read, and which records are calls.

In: what TOML made of a line. Out: `Rule` and `Condition`, or a `ValueError` that says what is wrong with the line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa

from stillhunt.intake.formats.calls import credential_id
from stillhunt.intake.formats.reading import unreadable
from stillhunt.intake.formats.values import (
    SECRET_HEADERS,
    address,
    count,
    from_text,
    headers,
    http_status,
    instant,
    label,
    optional_identifier,
    optional_identity,
    parameters,
)
from stillhunt.intake.paths import Path, parse_path
from stillhunt.records import CANONICAL_ACCOUNTS, CANONICAL_INTERACTIONS

Reader = Callable[[Any, str], Any]

UNITS = {"s": 1_000_000.0, "ms": 1_000.0, "us": 1.0, "ns": 0.001}
"""Unit of a time or a duration -> microseconds."""

_KEYS = frozenset({"path", "value", "unit", "zone", "after", "hash", "map"})
_TEXT = frozenset({"system", "messages", "tools", "response", "reasoning"})


def _readers(schema: pa.Schema) -> dict[str, Reader | None]:
    """How each column is read; None for times, which a rule reads itself since it knows their unit."""
    special: dict[str, Reader] = {
        "client_ip": address,
        "signup_ip": address,
        "http_status": http_status,
        "request_parameters": parameters,
        "client_headers": headers,
        **dict.fromkeys(("account_id", "end_user_id"), optional_identity),
    }

    def reader(name: str, kind: pa.DataType) -> Reader | None:
        if pa.types.is_timestamp(kind):
            return None
        ordinary: Reader = count if pa.types.is_integer(kind) else optional_identifier if name.endswith("_id") else label
        found: Reader = special.get(name, ordinary)
        return found

    return {column.name: reader(column.name, column.type) for column in schema if column.name not in _TEXT}


CALL_READERS = _readers(CANONICAL_INTERACTIONS)
ACCOUNT_READERS = {name: reader for name, reader in _readers(CANONICAL_ACCOUNTS).items() if name != "account_id"}
TIMES = frozenset(name for readers in (CALL_READERS, ACCOUNT_READERS) for name, reader in readers.items() if reader is None)


@dataclass(frozen=True)
class Rule:
    """How one column is found: the first of `paths` that holds something, or a constant.

    Attributes:
        unit: of a time or a duration: a key of `UNITS`, "iso", a pattern of `strptime`, or "" if its size or shape tells.
        zone: of a time that names none; None is UTC.
        after: the column of a time, when this is a duration behind it.
        hashed: whether a digest stands for the value, because it is a credential.
        words: values -> what is written instead.
    """

    paths: tuple[Path, ...]
    constant: Any = None
    unit: str = ""
    zone: tzinfo | None = None
    after: str | None = None
    hashed: bool = False
    words: Mapping[str, Any] | None = None

    @property
    def said(self) -> str:
        """The paths as a person wrote them."""
        return " or ".join(path.text for path in self.paths)

    def given(self, record: Mapping[str, Any]) -> bool:
        """Whether a record holds something at one of the paths."""
        return any(path.find(record) not in (None, "") for path in self.paths)

    def found(self, record: Mapping[str, Any]) -> tuple[Any, str]:
        """What a record holds, as it is there, and the path; None where there is nothing."""
        for path in self.paths:
            value = path.find(record)
            if value is not None and value != "":
                if self.words is not None:
                    value = self.words.get(_plain(value), value)
                return value, path.text
        return self.constant, self.said

    def value(self, record: Mapping[str, Any], reader: Reader | None) -> Any:
        """The column's value.

        Raises:
            BadRow: what is there is of another kind, when reading strictly.
        """
        value, field = self.found(record)
        if value is None or value == "":
            return None
        if self.hashed:
            return credential_id(value)
        if reader is None:
            return self._moment(value, field)
        if reader in (label, optional_identifier, optional_identity) and not isinstance(value, str):
            # a model's name or an id may be a number; a list of one (a header sent once) is that one
            value = value[0] if isinstance(value, list) and len(value) == 1 else value
            value = str(value) if isinstance(value, bool | float) or type(value) is int else value
        return reader(value, field)

    def moment_after(self, record: Mapping[str, Any], start: Any) -> int | None:
        """The time that lies this rule's duration behind `start`, in microseconds; None where either is missing."""
        value, field = self.found(record)
        length = _number(value)
        if length is None or start is None:
            return None
        if not 0 <= length * UNITS[self.unit] < 7 * 86_400e6:
            return unreadable(f"{field}: expected a duration from 0 to 7 days")
        return int(start) + round(length * UNITS[self.unit])

    def _moment(self, value: Any, field: str) -> int:
        if self.unit in UNITS:
            number = _number(value)
            if number is None or not -1e20 < number * UNITS[self.unit] < 1e20:
                return unreadable(f"{field}: expected a time in {self.unit} since 1970")
            whole = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
            exact = whole // 1_000 if self.unit == "ns" and type(whole) is int else round(number * UNITS[self.unit])
            return instant(exact, field)
        if self.unit and self.unit != "iso":
            try:
                moment = datetime.strptime(str(value).strip(), self.unit)  # noqa: DTZ007  # the zone is the mapping's to tell
            except ValueError:
                return unreadable(f"{field}: expected a time like {self.unit}")
            return from_text(moment.replace(tzinfo=self.zone) if moment.tzinfo is None and self.zone else moment, field)
        number = _number(value) if self.unit == "" else None
        if number is not None:
            return instant(round(number * unit_by_size(number)), field)
        if self.zone is not None and isinstance(value, str):
            try:
                moment = datetime.fromisoformat(value.strip())
            except ValueError:
                return unreadable(f"{field}: expected a time as ISO 8601 text")
            return from_text(moment.replace(tzinfo=self.zone) if moment.tzinfo is None else moment, field)
        return from_text(value, field)


def unit_by_size(number: float) -> float:
    """Microseconds in the unit in which `number` is a time of our days."""
    return next((UNITS[unit] for unit, most in (("s", 1e11), ("ms", 1e14), ("us", 1e17)) if abs(number) < most), UNITS["ns"])


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value.strip() if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def rule_of(column: str, value: Any, *, is_text: bool = False) -> Rule:
    """The rule that a line of TOML writes: a path, a list of paths, or a table with path or value.

    Raises:
        ValueError: it is none.
    """
    told = value if isinstance(value, dict) else {"path": value}
    for key in told:
        if key not in _KEYS:
            raise ValueError(f"{key}: not known here; known are {', '.join(sorted(_KEYS))}")
    if ("path" in told) == ("value" in told):
        raise ValueError('expected a path, like "user.id", or one of {path = …} and {value = …}')
    if "value" in told:
        if not isinstance(told["value"], str | int | float):
            raise ValueError("value: expected text or a number")
        return Rule((), constant=told["value"])
    listed = told["path"] if isinstance(told["path"], list) else [told["path"]]
    if not listed or not all(isinstance(one, str) and one.strip() for one in listed):
        raise ValueError("path: expected text, or a list of texts of which the first that is there counts")
    paths = tuple(parse_path(one) for one in listed)
    unit, after = told.get("unit", ""), told.get("after")
    if "unit" in told and column not in TIMES:
        raise ValueError("unit: only times have one")
    if not isinstance(unit, str) or (unit and unit not in UNITS and unit != "iso" and "%" not in unit):
        raise ValueError("unit: expected s, ms, us, ns, iso, or a pattern such as %d/%b/%Y:%H:%M:%S %z")
    if after is not None and (column not in TIMES or unit not in UNITS or not isinstance(after, str)):
        raise ValueError('after: expected a duration, like {path = "latency", unit = "ms", after = "started_at"}')
    words = told.get("map")
    if not isinstance(words, dict | None):
        raise ValueError("map: expected words and what they mean, like {map = {ok = 200}}")  # noqa: TRY004  # a wrong line, not a wrong call
    hashed = told.get("hash", not is_text and any(path.steps[-1].name.lower() in SECRET_HEADERS for path in paths))
    if not isinstance(hashed, bool):
        raise ValueError("hash: expected true or false")  # noqa: TRY004
    if not hashed and any(path.steps[-1].name.lower() in SECRET_HEADERS for path in paths):
        raise ValueError("hash: this is a credential, which is never kept as it is: leave hash out, or set it to true")
    return Rule(paths, None, unit, _zone(told.get("zone")), after, hashed, words)


def _zone(name: Any) -> tzinfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ValueError("zone: expected the name of a time zone, such as Europe/Vienna") from None


# --------------------------------------------------------------------------------------------------------------------
# Which records are calls


OPERATORS = frozenset(("is", "not", "matches", "exists"))


@dataclass(frozen=True)
class Condition:
    """What one place of a record must say."""

    path: Path
    one_of: frozenset[str] | None = None
    none_of: frozenset[str] | None = None
    pattern: re.Pattern[str] | None = None
    there: bool | None = None

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether a record says it."""
        value = self.path.find(record)
        said = _plain(value)
        return (
            (self.one_of is None or said in self.one_of)
            and (self.none_of is None or said not in self.none_of)
            and (self.pattern is None or (value is not None and self.pattern.search(said) is not None))
            and (self.there is None or (value is not None and value != "") is self.there)
        )


def condition_of(key: str, value: Any) -> Condition:
    """The condition that a line of [where] writes: a value, a list of values, or {not, matches, exists}.

    Raises:
        ValueError: it is none.
    """
    path = parse_path(key)
    if not isinstance(value, dict):
        return Condition(path, one_of=_words(value))
    unknown = next((name for name in value if name not in OPERATORS), None)
    if unknown is not None or not value:
        raise ValueError(f"{unknown or 'nothing'}: expected a value, a list of values, or is, not, matches, exists; quote paths with dots")
    try:
        pattern = re.compile(value["matches"]) if "matches" in value else None
    except (re.error, TypeError):
        raise ValueError("matches: expected a regular expression") from None
    there = value.get("exists")
    if there is not None and not isinstance(there, bool):
        raise ValueError("exists: expected true or false")
    return Condition(
        path,
        one_of=_words(value["is"]) if "is" in value else None,
        none_of=_words(value["not"]) if "not" in value else None,
        pattern=pattern,
        there=there,
    )


def _words(value: Any) -> frozenset[str]:
    listed = value if isinstance(value, list) else [value]
    if not listed or not all(isinstance(one, str | int | float) for one in listed):
        raise ValueError("expected text, a number, true or false, or a list of these")
    return frozenset(map(_plain, listed))


def _plain(value: Any) -> str:
    """A value as text, so that a table's "200" is a mapping's 200, and true is true."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)
