"""A mapping file: a log that no format knows, told in TOML. Paths or column names in, canonical columns out.

In: a TOML file (docs/logs/mapping.md). Out: a `Format` like all others, known to the registry as ``map:FILE``, so that every command, every
worker process and every watch reads such a log as any other. May import: errors, records and its neighbours in intake.

A path is written as in JavaScript: ``request.headers.x-user-id``, ``choices[0].text``, ``attributes[key=user.id].value``. A column's name
that holds dots is found as it stands. JSON text on the way is looked into.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from stillhunt.errors import BadRow, InputError
from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.calls import mapping, request_parameters, text_columns, usage_columns
from stillhunt.intake.formats.values import label
from stillhunt.intake.mapping_rules import ACCOUNT_READERS, CALL_READERS, OPERATORS, UNITS, Condition, Rule, condition_of, rule_of
from stillhunt.intake.registry import MAPPED
from stillhunt.intake.vendors import usage_of, vendor_request, vendor_response

_TEXT_KEYS = ("messages", "prompt", "system", "tools", "response", "reasoning", "request_body", "response_body")
_TABLES = ("calls", "text", "accounts", "where")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Mapped:
    """The format that a mapping file describes. One record is one call, and what is known of its account."""

    two_pass = False

    def __init__(
        self,
        path: str,
        source: str,
        calls: Mapping[str, Rule],
        text: Mapping[str, Rule],
        accounts: Mapping[str, Rule],
        where: tuple[Condition, ...],
    ) -> None:
        self.name = f"{MAPPED}{path}"
        self.source = source
        self.title = f"{source}, as {Path(path).name} maps it"
        self.calls, self.text, self.accounts, self.where = calls, text, accounts, where
        told = {column for key in text for column in _SHOWS.get(key, (key,))}
        self.sees = frozenset({"interaction_id", *calls, *accounts, *told})
        self.hides: Mapping[str, str] = {}

    def sniff(self, sample: Sample) -> float:
        """A mapping is chosen, never guessed."""
        return 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Nothing: a record is complete in itself."""

    def takes(self, record: Mapping[str, Any]) -> bool:
        """Whether a record has the account and the time that the mapping names: it is a call then, and no envelope of one."""
        rules = [rule for name in ("account_id", "started_at") if (rule := self.calls.get(name)) is not None and rule.paths]
        return bool(rules) and all(rule.given(record) for rule in rules)

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction for a record that is a call, and its account if the mapping tells of accounts."""
        if not all(condition.holds(record) for condition in self.where):
            return ()
        row: Row = {}
        for column, rule in self.calls.items():
            if rule.after is None:
                row[column] = rule.value(record, CALL_READERS[column])
        for column, rule in self.calls.items():
            if rule.after is not None:
                row[column] = rule.moment_after(record, row.get(rule.after))
        if row.get("started_at") is None:
            unit = self.calls["started_at"].unit
            raise BadRow(f"{self._where_of('started_at')}: expected a time{f' in {unit} since 1970' if unit in UNITS else ''}")
        if row.get("account_id") is None and not context.account_optional:
            raise BadRow(f"{self._where_of('account_id')}: expected a non-empty id")
        row |= {column: value for column, value in self._said(record, context).items() if row.get(column) is None}
        found: list[tuple[str, Row]] = [("interactions", row)]
        if self.accounts and row.get("account_id") is not None:
            account = {column: rule.value(record, ACCOUNT_READERS[column]) for column, rule in self.accounts.items()}
            if any(value is not None for value in account.values()):
                found.append(("accounts", {**account, "account_id": row["account_id"]}))
        return found

    def _where_of(self, column: str) -> str:
        rule = self.calls.get(column)
        return rule.said if rule is not None and rule.said else f"{column}, which the mapping does not name"

    def _said(self, record: Mapping[str, Any], context: Context) -> Row:
        if not self.text:
            return {}
        found = {key: rule.found(record)[0] for key, rule in self.text.items()}
        request = found.get("request_body")
        request = found.get("messages") or found.get("prompt") if request is None else vendor_request(request)
        response = found.get("response_body")
        if response is None:
            response, reasoning = found.get("response"), found.get("reasoning")
            if isinstance(response, str) and isinstance(reasoning, str):
                response = [{"role": "assistant", "content": response, "reasoning_content": reasoning}]
        else:
            response = vendor_response(response)
        body = read_body(request, response, tools=found.get("tools"), system=found.get("system"), keep_text=context.keep_text)
        told = text_columns(body)
        if "request_body" in found:
            told |= self._asked(found["request_body"])
        if "response_body" in found:
            told |= usage_columns(usage_of(found["response_body"]), self.text["response_body"].said)
        return {column: value for column, value in told.items() if value is not None}

    def _asked(self, request: Any) -> Row:
        """What the body of a request says beside its text."""
        asked, field = mapping(request), self.text["request_body"].said
        model = asked.get("model")
        return {
            "request_model": label(model, f"{field}.model") if isinstance(model, str) else None,
            "request_parameters": request_parameters(request, field),
        }


_SHOWS: dict[str, tuple[str, ...]] = {
    "prompt": ("messages",),
    "messages": ("messages", "system"),
    "request_body": ("messages", "system", "tools", "request_model", "request_parameters"),
    "response": ("response",),
    "response_body": ("response", "reasoning", "finish_reason", "input_tokens", "output_tokens"),
}


def load(path: str) -> Mapped:
    """The format of a mapping file.

    Raises:
        InputError: it cannot be read, or says something that cannot be understood; the line is named.
    """
    try:
        status = Path(path).stat()
        return _load(path, (status.st_mtime_ns, status.st_size))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise InputError(
            f"{path}: the mapping cannot be read ({reason}). Give a TOML file; `stillhunt formats guess LOG` writes one."
        ) from None


@lru_cache(maxsize=8)
def _load(path: str, _stamp: tuple[int, int]) -> Mapped:
    try:
        text = Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError:
        raise InputError(f"{path}: the mapping is not UTF-8 text.") from None
    return parse(text, path)


def parse(text: str, path: str = "mapping.toml") -> Mapped:
    """The format that the text of a mapping file describes.

    Raises:
        InputError: as `load`.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}.") from None
    reading = _Reading(path, text)
    for name, value in document.items():
        if name == "name":
            if not isinstance(value, str) or not _NAME.fullmatch(value):
                raise reading.error(None, name, "expected a short name of small letters, digits and hyphens, such as our-gateway")
        elif name not in _TABLES or not isinstance(value, dict):
            raise reading.error(None, name, f"not known here; a mapping has name, [{'], ['.join(_TABLES)}]")
    calls = reading.rules(document, "calls", CALL_READERS)
    if "started_at" not in calls:
        raise reading.error("calls", None, "started_at is missing: name the path of the time at which a call began")
    for key, rule in calls.items():
        if rule.after is not None and (rule.after not in calls or calls[rule.after].after is not None):
            raise reading.error("calls", key, f"after: expected a column of [calls] that is a time of its own, not {rule.after!r}")
    accounts = reading.rules(document, "accounts", ACCOUNT_READERS)
    texts = reading.rules(document, "text", dict.fromkeys(_TEXT_KEYS))
    for whole, parts in (("request_body", ("messages", "prompt")), ("response_body", ("response", "reasoning"))):
        if whole in texts and (both := next((part for part in parts if part in texts), None)):
            raise reading.error("text", both, f"{whole} holds it already: keep one of the two")
    where = tuple(reading.condition(key, value) for key, value in _flat(document.get("where", {})))
    return Mapped(path, document.get("name", "mapping"), calls, texts, accounts, where)


def _flat(conditions: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Conditions by path. TOML makes tables of a path that is written without quotes."""
    for key, value in conditions.items():
        if isinstance(value, dict) and value and not OPERATORS & value.keys():
            yield from _flat(value, f"{path}{key}.")
        else:
            yield path + key, value


class _Reading:
    """A mapping file while it is read: where things stand in it."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.lines = path, text.splitlines()

    def error(self, table: str | None, key: str | None, what: str) -> InputError:
        line = self._line(table, key)
        where = f"{self.path}:{line}" if line else self.path
        named = ".".join(part for part in (table and f"[{table}]", key) if part).replace("].", "] ")
        return InputError(f"{where}: {named + ': ' if named else ''}{what}.")

    def _line(self, table: str | None, key: str | None) -> int:
        inside, found = table is None, 0
        for number, line in enumerate(self.lines, 1):
            bare = line.strip()
            header = re.match(r"\[\s*([^\]]+?)\s*\]\s*(?:#.*)?$", bare)
            if header is not None:
                names = header[1].replace('"', "").replace("'", "")
                inside = names == table
                if inside or (table is None and names == key) or (key is not None and names == f"{table}.{key}"):
                    found = number
                    if key is None or not inside:
                        return number
            elif key is not None:
                name = rf"[\"']?{re.escape(key)}[\"']?\s*[.=]"
                if re.match(name if inside else rf"{table}\.{name}", bare):
                    return number
        return found

    def rules(self, document: Mapping[str, Any], table: str, readers: Mapping[str, Callable[[Any, str], Any] | None]) -> dict[str, Rule]:
        """The rules of one table."""
        found: dict[str, Rule] = {}
        for key, value in document.get(table, {}).items():
            if key not in readers:
                raise self.error(table, key, f"no such column; known are {', '.join(readers)}")
            try:
                found[key] = rule_of(key, value, is_text=table == "text")
            except ValueError as error:
                raise self.error(table, key, str(error)) from None
        return found

    def condition(self, key: str, value: Any) -> Condition:
        """One line of [where]."""
        try:
            return condition_of(key, value)
        except ValueError as error:
            raise self.error("where", key, str(error)) from None
