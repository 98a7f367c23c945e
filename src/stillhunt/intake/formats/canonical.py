"""The design's own tables (interactions, accounts, entitlements) as Parquet or JSON lines, with exactly those names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pyarrow as pa

from stillhunt.errors import BadRow
from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.reading import is_lenient
from stillhunt.intake.formats.values import (
    address,
    count,
    from_microseconds,
    headers,
    http_status,
    identifier,
    identity,
    label,
    optional_identifier,
    optional_identity,
    parameters,
)
from stillhunt.records import CANONICAL_ACCOUNTS, CANONICAL_INTERACTIONS, ENTITLEMENT_SCOPES, ENTITLEMENTS

_TEXT = ("system", "messages", "tools", "response", "reasoning")
_NAMES = {
    "interactions": frozenset(CANONICAL_INTERACTIONS.names),
    "accounts": frozenset(CANONICAL_ACCOUNTS.names),
    "entitlements": frozenset(ENTITLEMENTS.names),
}


def _moment(value: Any, field: str) -> int | None:
    return None if value is None or value == "" else from_microseconds(value, field)


_SPECIAL: dict[str, Callable[[Any, str], Any]] = {
    "client_ip": address,
    "signup_ip": address,
    "http_status": http_status,
    "request_parameters": parameters,
    "client_headers": headers,
}


def _readers(schema: pa.Schema) -> tuple[tuple[str, Callable[[Any, str], Any]], ...]:
    """How each column of `schema` is read, by its name and else by its type."""

    def reader(column: pa.Field[Any]) -> Callable[[Any, str], Any]:
        if column.name in _SPECIAL:
            return _SPECIAL[column.name]
        if pa.types.is_timestamp(column.type):
            return _moment
        if pa.types.is_integer(column.type):
            return count
        if column.name in ("account_id", "organization_id", "end_user_id"):
            return optional_identity
        return optional_identifier if column.name.endswith("_id") else label

    return tuple((column.name, reader(column)) for column in schema if column.name not in _TEXT)


_INTERACTION = _readers(CANONICAL_INTERACTIONS)
_ACCOUNT = _readers(CANONICAL_ACCOUNTS)
_ENTITLEMENT = _readers(ENTITLEMENTS)


def table_of(keys: Iterable[str]) -> str | None:
    """Which of the three tables a record with these keys belongs to; None when it is none of them."""
    names = set(keys)
    if "scope" in names and names & {"account_id", "organization_id"}:
        return "entitlements"
    if "interaction_id" in names or ("started_at" in names and "account_id" in names):
        return "interactions"
    return "accounts" if "account_id" in names else None


class Canonical:
    """One row of one of the three tables is one record; which table, its columns tell."""

    name = "canonical"
    title = "Stillhunt's canonical tables"
    sees = _NAMES["interactions"] | _NAMES["accounts"]
    hides: Mapping[str, str] = {}
    two_pass = False

    def sniff(self, sample: Sample) -> float:
        """By exact column names: the required ones must be there, and most of the others must be known."""
        heads = (
            [frozenset(sample.columns)]
            if sample.columns
            else [frozenset(record) for record in sample.records if isinstance(record, Mapping)]
        )
        return sum(map(_score, heads)) / len(heads) if heads else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Nothing: a row is complete in itself."""

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """The record as one row of its table."""
        table = table_of(record)
        if table == "interactions":
            return ((table, self._interaction(record, context)),)
        if table == "accounts":
            identity(record.get("account_id"), "account_id")
            return ((table, _columns(record, _ACCOUNT, context)),)
        if table == "entitlements":
            return ((table, self._entitlement(record, context)),)
        raise BadRow(
            "account_id: expected with interaction_id and started_at (interactions), alone (accounts) or with scope (entitlements)"
        )

    def _interaction(self, record: Mapping[str, Any], context: Context) -> Row:
        identifier(record.get("interaction_id"), "interaction_id")
        row = _columns(record, _INTERACTION, context)
        if row["account_id"] is None and not context.account_optional:
            raise BadRow("account_id: expected a non-empty id")
        if row["started_at"] is None:
            raise BadRow("started_at: expected a time")
        body = read_body(record.get("messages"), None, tools=record.get("tools"), system=record.get("system"), keep_text=context.keep_text)
        response, reasoning = (label(record.get(name), name) for name in ("response", "reasoning"))
        said = {"role": "assistant", "content": response, "reasoning_content": reasoning}
        answer = read_body(None, {"choices": [{"message": said}]} if reasoning is None and response is not None else [said])
        row |= {
            "system": body.system,
            "transcript": body.transcript,
            "tools": body.tools,
            "response": answer.response,
            "reasoning": answer.reasoning,
            "tool_count": body.tool_count,
            "truncated": body.truncated or answer.truncated,
            "messages": body.messages,
        }
        return row

    def _entitlement(self, record: Mapping[str, Any], context: Context) -> Row:
        row = _columns(record, _ENTITLEMENT, context)
        if row["scope"] not in ENTITLEMENT_SCOPES:
            raise BadRow(f"scope: expected one of {', '.join(ENTITLEMENT_SCOPES)}")
        if row["account_id"] is None and row["organization_id"] is None:
            raise BadRow("account_id, organization_id: expected one of them, to know who is entitled")
        return row


def _columns(record: Mapping[str, Any], readers: tuple[tuple[str, Callable[[Any, str], Any]], ...], context: Context) -> Row:
    """A row. Most columns of most tables are empty or say the same few things again: what text was read as is remembered for a while."""
    get = record.get
    if is_lenient():
        return {name: read(get(name), name) for name, read in readers}
    known: dict[str, dict[str, Any]] = context.facts.setdefault("canonical columns", {})
    row: Row = {}
    for name, read in readers:
        value = get(name)
        if type(value) is not str or name in _OWN:
            row[name] = None if value is None else read(value, name)
            continue
        column = known.get(name)
        if column is None:
            column = known[name] = {}
        if value in column:
            row[name] = column[value]
            continue
        row[name] = found = read(value, name)
        if len(column) < _MAX_REMEMBERED and len(value) <= _LONGEST_REMEMBERED:
            column[value] = found
    return row


_OWN = frozenset({"interaction_id", "started_at", "ended_at"})
"""Columns in which hardly two rows say the same."""
_MAX_REMEMBERED, _LONGEST_REMEMBERED = 4096, 4096  # for each column


def _score(keys: frozenset[str]) -> float:
    table = table_of(keys)
    if table is None or (table == "interactions" and not {"interaction_id", "started_at"} <= keys) or len(keys) < 2:
        return 0.0
    known = len(keys & _NAMES[table]) / len(keys)
    return 0.99 if known == 1 else 0.9 * known if known >= 0.6 else 0.0


FORMAT = Canonical()
