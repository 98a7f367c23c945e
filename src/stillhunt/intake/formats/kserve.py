"""KServe's payload logger: CloudEvents of requests and responses, as a sink writes them down.

One call is two events with one id: the request knows who asked (its headers, where the logger passes them on), the response what was
answered. Read are events in CloudEvents' JSON format, events with `ce-` headers beside a body, and the records that the logger itself
writes to a bucket (`Id`, `ReqType`, `Bytes`). Hence two passes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.calls import (
    ACCOUNT_KEYS,
    CONVERSATION_KEYS,
    TEXT_COLUMNS,
    account_in_headers,
    filled,
    first,
    keep,
    kept,
    lowered,
    mapping,
    named,
    person,
    request_parameters,
    required_account,
    text,
    text_columns,
    usage_columns,
    who,
)
from stillhunt.intake.formats.envoy_ai import operation_of
from stillhunt.intake.formats.openai_body import moment
from stillhunt.intake.formats.values import address, decoded, headers, identifier, label, optional_identifier
from stillhunt.intake.vendors import usage_of, vendor_request, vendor_response

_KIND = ".inference."
_ASKED = ("messages", "prompt", "input", "contents", "instances", "inputs", "text_input")
_NO_HEADERS = "only when the logger passes headers on: metadataHeaders of the InferenceService's logger"


class KServe:
    """A call is one event of its request and one of its response."""

    name = "kserve"
    title = "KServe payload logger"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "organization_id", "key_id", "end_user_id", "surface", "operation"),
            *("request_model", "response_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "conversation_id"),
            *("client_ip", "user_agent", "client_headers", "error_type", *TEXT_COLUMNS),
        )
    )
    hides: Mapping[str, str] = {
        "account_id": _NO_HEADERS,
        "client_ip": _NO_HEADERS,
        "user_agent": _NO_HEADERS,
        "client_headers": _NO_HEADERS,
        "conversation_id": _NO_HEADERS,
        "http_status": "not in the events: join a gateway log",
        "tls_ja4": "KServe does not see the TLS handshake: join a gateway log that does",
        "email": "not in the events: ingest an accounts file",
        "payment_fingerprint": "not in the events: ingest an accounts file",
    }
    two_pass = True
    keeps = True
    """All that the first pass remembers is in `Context.kept`, so that workers can do both passes."""

    def sniff(self, sample: Sample) -> float:
        """By the events' type."""
        scores = [0.97 if _kind(_entry(record)) else 0.0 for record in sample.records if isinstance(record, Mapping)]
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Remember responses by the id of their call, and which calls have a request."""
        entry = _entry(record)
        kind, call = _kind(entry), text(entry.get("id"))
        if call is None or not kind:
            return
        told = {"data": _data(entry), "time": first(entry, ("time", "knativearrivaltime"))[0]} if kind == "response" else None
        keep(context, self.name, str(call), told)

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction for a request, and for a response whose request is nowhere."""
        entry = _entry(record)
        kind = _kind(entry)
        if not kind:
            return ()
        call = identifier(text(entry.get("id")), "id")
        known = kept(context, self.name, call)
        if kind == "response" and None in known:
            return ()
        request = _data(entry) if kind == "request" else None
        other: Mapping[str, Any] = next((told for told in known if told is not None), {}) if kind == "request" else {}
        response = other.get("data") if kind == "request" else _data(entry)
        asked, said = mapping(request), mapping(response)
        if kind == "request" and not any(key in asked for key in _ASKED):
            return ()
        passed = first(entry, ("metadata", "headers"))[0]
        sent = lowered(passed)
        trusted, key = account_in_headers({**sent, **entry})
        account = required_account(
            who(sent, ACCOUNT_KEYS[:10]) or trusted,
            context,
            "metadata.x-user-id: expected a header that names the account; list it in the logger's metadataHeaders",
        )
        body = read_body(vendor_request(request), vendor_response(response), keep_text=context.keep_text)
        ended = other.get("time")
        row: Row = {
            "interaction_id": call,
            "started_at": moment(*_time(entry, said)),
            "ended_at": moment(ended, "time") if ended is not None else None,
            "account_id": account,
            "organization_id": optional_identifier(text(sent.get("x-organization-id") or entry.get("namespace")), "namespace"),
            "key_id": key,
            "end_user_id": person(asked.get("user"), "data.user"),
            "surface": "api",
            "operation": operation_of(entry.get("endpoint")) or ("embeddings" if said.get("object") == "list" else "chat"),
            "request_model": label(
                text(asked.get("model") or entry.get("inferenceservicename") or entry.get("inferenceservice")), "data.model"
            ),
            "response_model": label(text(said.get("model")), "data.model"),
            "error_type": label(text(mapping(said.get("error")).get("type")), "data.error.type"),
            "conversation_id": named(sent, (*CONVERSATION_KEYS, "x_session_id", "x_conversation_id")),
            "client_ip": address(text(sent.get("x-real-ip") or sent.get("x-forwarded-for")), "metadata.x-forwarded-for"),
            "user_agent": label(text(sent.get("user-agent")), "metadata.user-agent"),
            "client_headers": headers(passed, "metadata") if isinstance(decoded(passed), Mapping) else None,
            "request_parameters": request_parameters(asked, "data"),
            **text_columns(body),
        }
        return (("interactions", filled(row, usage_columns(usage_of(response), "data.usage"))),)


def _time(entry: Mapping[str, Any], said: Mapping[str, Any]) -> tuple[Any, str]:
    """When the event was; records of a bucket have no time but the one that the model's server wrote into its answer."""
    value, field = first(entry, ("time", "knativearrivaltime"))
    return (value, field) if value is not None else (said.get("created"), field)


def _entry(record: Mapping[str, Any]) -> dict[str, Any]:
    """An event's attributes and data by their plain names, however the sink wrote them."""
    found: dict[str, Any] = {}
    for outer in (record, mapping(record.get("attributes")), mapping(record.get("extensions"))):
        for name, value in outer.items():
            found.setdefault(str(name).lower().removeprefix("ce-").removeprefix("ce_"), value)
    if "reqtype" in found:
        found.setdefault("type", found["reqtype"])
    return found


def _kind(entry: Mapping[str, Any]) -> str:
    """What an event tells of, "request" or "response"; "" for another kind."""
    kind = entry.get("type")
    end = kind.rpartition(".")[2] if isinstance(kind, str) and _KIND in kind else ""
    return end if end in ("request", "response") else ""


def _data(entry: Mapping[str, Any]) -> Any:
    """An event's body: an object, JSON text, or base64 of either."""
    value = first(entry, ("data", "body", "payload"))[0]
    packed = first(entry, ("data_base64", "bytes"))[0]
    if value is None and isinstance(packed, str):
        with suppress(ValueError):
            value = base64.b64decode(packed, validate=True).decode("utf-8", "replace")
    return decoded(value)


FORMAT = KServe()
