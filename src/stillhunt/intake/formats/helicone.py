"""Helicone's export: requests as its API and its export tool write them (JSON lines, JSON, CSV).

Fields as of the schema `HeliconeRequest` and of the table `request_response_rmt`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.calls import (
    ACCOUNT_KEYS,
    CONVERSATION_KEYS,
    ORGANIZATION_KEYS,
    TEXT_COLUMNS,
    filled,
    first,
    is_call,
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
from stillhunt.intake.formats.values import address, count, decoded, from_text, http_status, identifier, label, optional_identifier
from stillhunt.intake.vendors import usage_of, vendor_request, vendor_response

_PROPERTY = "only as a property: header Helicone-Property-…"
_HELICONE = frozenset(
    (
        *("request_id", "request_created_at", "response_created_at", "request_user_id", "request_properties", "helicone_user", "delay_ms"),
        *("response_status", "request_path", "request_body", "response_body", "model_override", "request_model", "response_id", "provider"),
        *("prompt_tokens", "completion_tokens", "target_url", "scores", "time_to_first_token", "properties", "organization_id"),
    )
)


class Helicone:
    """One request is one record."""

    name = "helicone"
    title = "Helicone export"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "organization_id", "key_id", "end_user_id", "surface", "operation"),
            *("request_model", "response_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "http_status"),
            *("error_type", "conversation_id", "client_ip", *TEXT_COLUMNS),
        )
    )
    hides: Mapping[str, str] = {
        "account_id": "only with the header Helicone-User-Id, or a property that names the account",
        "organization_id": _PROPERTY,
        "conversation_id": "only with the header Helicone-Session-Id",
        "client_ip": _PROPERTY,
        "system": "only with --include-body (export tool) or includeBody (API)",
        "messages": "only with --include-body (export tool) or includeBody (API)",
        "response": "only with --include-body (export tool) or includeBody (API)",
        "user_agent": "not in the export: join a gateway log",
        "client_headers": "not in the export: join a gateway log",
        "tls_ja4": "Helicone does not log the TLS handshake",
        "email": "not in the export: ingest an accounts file",
        "payment_fingerprint": "not in the export: ingest an accounts file",
    }
    two_pass = False

    def sniff(self, sample: Sample) -> float:
        """By `request_id` and `request_created_at` among Helicone's columns."""
        heads = [dict.fromkeys(sample.columns)] if sample.columns else sample.records
        scores = [_score(record.keys()) for record in heads if isinstance(record, Mapping)]
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Nothing: a record is complete in itself."""

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction."""
        get = record.get
        path = first(record, ("request_path", "target_url"))[0]
        if not is_call(path):
            return ()
        properties = lowered(first(record, ("request_properties", "properties"))[0])
        account = required_account(
            who(properties, ACCOUNT_KEYS[:10]) or person(first(record, ("request_user_id", "user_id"))[0], "request_user_id"),
            context,
            "request_user_id: expected the account; send the header Helicone-User-Id with each request",
            first(record, ("response_status", "status"))[0],
        )
        request, response = _body(get("request_body")), _body(get("response_body"))
        asked, said = mapping(request), mapping(response)
        body = read_body(vendor_request(request), vendor_response(response), keep_text=context.keep_text)
        ended = get("response_created_at")
        status = first(record, ("response_status", "status"))
        error = mapping(said.get("error"))
        row: Row = {
            "interaction_id": identifier(get("request_id"), "request_id"),
            "started_at": from_text(get("request_created_at"), "request_created_at"),
            "ended_at": from_text(ended, "response_created_at") if ended not in (None, "") else None,
            "account_id": account,
            "organization_id": named(properties, ORGANIZATION_KEYS),
            "key_id": optional_identifier(text(first(record, ("auth_hash", "helicone_api_key_id", "provider_key_id"))[0]), "auth_hash"),
            "end_user_id": person(asked.get("user"), "request_body.user"),
            "surface": "api",
            "operation": operation_of(path) or "chat",
            "request_model": label(
                text(first(record, ("model_override", "request_model", "model"))[0] or asked.get("model")), "request_model"
            ),
            "response_model": label(text(get("response_model") or said.get("model")), "response_model"),
            "input_tokens": count(get("prompt_tokens"), "prompt_tokens"),
            "output_tokens": count(get("completion_tokens"), "completion_tokens"),
            "cached_tokens": count(get("prompt_cache_read_tokens"), "prompt_cache_read_tokens"),
            # Helicone has statuses of its own below 100: cancelled, pending, threat.
            "http_status": http_status(status[0], status[1])
            if str(status[0]).partition(".")[0] not in ("-1", "-2", "-3", "-4", "0")
            else None,
            "error_type": label(text(error.get("type") or error.get("code")), "response_body.error.type"),
            "conversation_id": named(properties, ("helicone_session_id", *CONVERSATION_KEYS)),
            "client_ip": address(text(first(properties, ("client_ip", "client-ip", "ip", "ip_address"))[0]), "request_properties.ip"),
            "request_parameters": request_parameters(asked, "request_body"),
            **text_columns(body),
        }
        return (("interactions", filled(row, usage_columns(usage_of(response), "response_body.usage"))),)


def _body(value: Any) -> Any:
    """A body; None for what Helicone writes where it was told to leave it out, which would be a text that all have in common."""
    found = decoded(value)
    return None if isinstance(found, Mapping) and ("helicone_message" in found or "heliconeMessage" in found) else found


def _score(keys: Iterable[str]) -> float:
    names = set(keys)
    known = len(names & _HELICONE)
    return min(1.0, 0.6 + 0.05 * known) if {"request_id", "request_created_at"} <= names and known >= 5 else 0.0


FORMAT = Helicone()
