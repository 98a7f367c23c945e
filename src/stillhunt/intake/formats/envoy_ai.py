"""Envoy's JSON access log with Envoy AI Gateway's metadata.

The operator chooses the keys. Understood are those of the gateway's documentation (`accesslogs.md`), the names of
OpenTelemetry's conventions, and header names, flat, nested under a group such as "request" or as `a.b` keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stillhunt.errors import BadRow, UnknownCaller
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.placeholders import REFUSED
from stillhunt.intake.formats.values import (
    address,
    count,
    from_text,
    headers,
    http_status,
    identifier,
    label,
    optional_identifier,
    optional_identity,
    trusted_address,
)

ACCOUNT: tuple[str, ...] = (
    "account_id",
    "x-account-id",
    "x-user-id",
    "user_id",
    "user.id",
    "x-auth-user",
    "x-forwarded-user",
    "x-consumer-id",
    "x-tenant-id",
)
ACCOUNT += (
    "jwt_sub",
    "sub",
    "principal",
    "authorization_principal",
    "downstream_peer_subject",
    "x-forwarded-client-cert-subject",
    "x-client-id",
)
ORGANIZATION = ("organization_id", "org_id", "x-organization-id", "x-org-id", "openai-organization", "x-team-id")
KEY = ("key_id", "api_key_id", "x-api-key-id", "x-key-id")
END_USER = ("end_user_id", "x-end-user-id", "enduser.id")
CONVERSATION = ("conversation_id", "session_id", "session.id", "gen_ai.conversation.id", "x-session-id", "x-conversation-id")
REQUEST_ID = ("x-request-id", "request_id", "stream_id")
REQUEST_MODEL = ("gen_ai.request.model", "genai_model_name", "x-ai-eg-model", "original_model", "request_model", "model")
RESPONSE_MODEL = ("gen_ai.response.model", "response_model", "genai_model_name_override", "model_name_override", "genai_response_model")
INPUT = ("gen_ai.usage.input_tokens", "genai_tokens_input", "llm_input_token", "input_tokens")
OUTPUT = ("gen_ai.usage.output_tokens", "genai_tokens_output", "llm_output_token", "output_tokens")
CACHED = ("gen_ai.usage.cache_read.input_tokens", "genai_tokens_cached", "llm_cached_input_token", "cached_input_tokens")
REASONING = ("gen_ai.usage.reasoning.output_tokens", "llm_reasoning_token", "reasoning_tokens")
PATH = ("x-envoy-origin-path", "x-envoy-original-path", "path", "url.path")
PEER = ("downstream_remote_address", "client.address", "client_ip", "source.address", "downstream_direct_remote_address")
JA4 = ("tls_ja4", "ja4", "ja4_fingerprint", "tls_ja4_fingerprint", "x-ja4-fingerprint", "x-ja4", "tls.client.ja4")

_ENVOY = frozenset(
    (
        *("response_code", "response_flags", "response_code_details", "upstream_cluster", "upstream_host", "route_name", "duration"),
        *("downstream_remote_address", "downstream_local_address", "bytes_received", "bytes_sent", "x-envoy-upstream-service-time"),
        *("upstream_transport_failure_reason", "upstream_local_address", "requested_server_name", "x-envoy-origin-path", ":authority"),
    )
)
_OPERATIONS = (("/chat/completions", "chat"), ("/messages", "chat"), ("/responses", "chat"), ("/embeddings", "embeddings"))
_LATER = (("/completions", "text_completion"), (":generatecontent", "generate_content"), (":streamgeneratecontent", "generate_content"))
_ABSENT = "an access log holds no bodies: join a content log on x-request-id"


class EnvoyAI:
    """One request is one record; requests that reached no model and no model's path are of another kind."""

    name = "envoy-ai"
    title = "Envoy AI Gateway access log"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "organization_id", "key_id", "end_user_id", "surface", "operation"),
            *("request_model", "response_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "http_status"),
            *("error_type", "conversation_id", "client_ip", "user_agent", "client_headers", "tls_ja4"),
        )
    )
    hides: Mapping[str, str] = {
        "account_id": "only when the log format names a header or principal that identifies the account, such as x-account-id",
        "client_headers": "only the headers that the log format names",
        "tls_ja4": "only when the log format holds %TLS_JA4_FINGERPRINT%",
        "client_ip": "behind a load balancer set numTrustedHops, so that downstream_remote_address is the client's",
        "system": _ABSENT,
        "messages": _ABSENT,
        "tools": _ABSENT,
        "response": _ABSENT,
        "reasoning": _ABSENT,
        "finish_reason": _ABSENT,
        "request_parameters": _ABSENT,
        "email": "not in the access log: ingest an accounts file",
        "payment_fingerprint": "not in the access log: ingest an accounts file",
    }
    two_pass = False

    def sniff(self, sample: Sample) -> float:
        """By Envoy's operators beside `start_time`; more surely with a key of the AI gateway."""
        records = [flat(record) for record in sample.records if isinstance(record, Mapping)]
        scores = []
        for record in records:
            known = len(_ENVOY & record.keys())
            model = any(key in record for key in (*REQUEST_MODEL[:4], *INPUT[:3]))
            scores.append((0.95 if model else 0.6) if "start_time" in record and known >= (2 if model else 4) else 0.0)
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Nothing: a record is complete in itself."""

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction without text."""
        entry = flat(record)
        path, _ = _first(entry, PATH)
        operation = operation_of(path)
        model, model_key = _first(entry, REQUEST_MODEL)
        if model is None and operation is None:
            return ()
        request_id, id_key = _first(entry, REQUEST_ID)
        account = optional_identity(*_first(entry, ACCOUNT))
        if account is None and not context.account_optional and entry.get("response_code") in (*REFUSED, *map(str, REFUSED)):
            raise UnknownCaller("x-account-id: the gateway refused the credentials, and knows nobody by them")
        if account is None and not context.account_optional:
            raise BadRow("x-account-id: expected a key that identifies the account; add such a header or principal to the log format")
        started = from_text(entry.get("start_time"), "start_time")
        duration = count(entry.get("duration"), "duration")
        status = entry.get("response_code")
        peer = address(*_first(entry, PEER))
        row: Row = {
            "interaction_id": identifier(request_id, id_key),
            "started_at": started,
            "account_id": account,
            "organization_id": optional_identity(*_first(entry, ORGANIZATION)),
            "key_id": optional_identifier(*_first(entry, KEY)),
            "end_user_id": optional_identity(*_first(entry, END_USER)),
            "surface": "batch" if isinstance(path, str) and "/batches" in path else "api",
            "operation": operation,
            "request_model": label(model, model_key),
            "response_model": label(*_first(entry, RESPONSE_MODEL)),
            "input_tokens": count(*_first(entry, INPUT)),
            "output_tokens": count(*_first(entry, OUTPUT)),
            "cached_tokens": count(*_first(entry, CACHED)),
            "reasoning_tokens": count(*_first(entry, REASONING)),
            # Envoy writes 0 when the client went away before there was a response.
            "http_status": None if status in (0, "0") else http_status(status, "response_code"),
            "error_type": _error(entry),
            "conversation_id": optional_identifier(*_first(entry, CONVERSATION)),
            "client_ip": trusted_address(peer, entry.get("x-forwarded-for")),
            "user_agent": label(*_first(entry, ("user-agent", "user_agent", "user_agent.original"))),
            "client_headers": headers(_logged_headers(record), "request.headers"),
            "tls_ja4": label(*_first(entry, JA4)),
        }
        if duration is not None and duration < 10**12:
            row["ended_at"] = started + duration * 1000
        return (("interactions", row),)


def operation_of(path: Any) -> str | None:
    """The operation that a model API's path stands for."""
    if not isinstance(path, str):
        return None
    plain = path.partition("?")[0].rstrip("/").lower()
    return next((operation for ending, operation in (*_OPERATIONS, *_LATER) if plain.endswith(ending)), None)


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Keys in lower case, inner keys by their own name and as `outer.inner`; outer ones win, "-" and "" are missing."""
    found: dict[str, Any] = {}
    for key, value in _walk(record, "", 0):
        if value is not None and value not in ("-", "") and key not in found:
            found[key] = value
    return found


def _walk(record: Mapping[Any, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    inner: list[tuple[str, Mapping[Any, Any]]] = []
    for key, value in record.items():
        name = str(key).lower()
        if isinstance(value, Mapping):
            inner.append((name, value))
        else:
            yield name, value
            if prefix:
                yield f"{prefix}.{name}", value
    if depth < 4:
        for name, value in inner:
            yield from _walk(value, f"{prefix}.{name}" if prefix else name, depth + 1)


def _first(entry: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[Any, str]:
    """The first value among `keys`, and its key; (None, first key) when there is none."""
    for key in keys:
        if key in entry:
            return entry[key], key
    return None, keys[0]


def _error(entry: Mapping[str, Any]) -> str | None:
    found = label(*_first(entry, ("error.type", "response_flags_long", "response_flags")))
    return found or label(*_first(entry, ("upstream_transport_failure_reason",)))


def _logged_headers(record: Mapping[str, Any]) -> Any:
    for holder in (record, record.get("request")):
        if isinstance(holder, Mapping):
            for key in ("request_headers", "headers"):
                if isinstance(holder.get(key), Mapping | list):
                    return holder[key]
    return None


FORMAT = EnvoyAI()
