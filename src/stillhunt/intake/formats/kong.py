"""Kong's log (file-log, http-log, ...) with the `ai` namespace of its AI plug-ins.

Fields as of Kong's `pdk/log.lua` and `ai-plugin-o11y`: `ai.proxy.{meta,usage,payload}`, in older versions
`ai.<plugin>.{meta,usage,payload}` and, first of all, `ai.{meta,usage,payload}`. Times are milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stillhunt.errors import BadRow, UnknownCaller
from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.litellm_calls import operation_of_route, settings_in
from stillhunt.intake.formats.litellm_fields import model_of, split_parameters
from stillhunt.intake.formats.placeholders import REFUSED, is_nobody
from stillhunt.intake.formats.reading import unreadable
from stillhunt.intake.formats.usage import tokens_of, usage_in
from stillhunt.intake.formats.values import (
    address,
    decoded,
    from_milliseconds,
    headers,
    http_status,
    label,
    object_of,
    optional_identifier,
    optional_identity,
)

_OFF = "only with config.logging.log_payloads on the AI plug-in"
_KONG = frozenset({"latencies", "client_ip", "request", "response", "route", "service", "started_at", "upstream_uri", "tries", "workspace"})
_MANAGED = frozenset({"files", "batches", "assistants", "threads", "vector_stores", "models", "fine_tuning", "uploads", "count_tokens"})
"""Parts of paths below which nothing is asked of a model."""


class Kong:
    """One request is one record; requests without an `ai` namespace are of another kind."""

    name = "kong"
    title = "Kong AI Gateway log"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "organization_id", "key_id", "end_user_id", "surface", "operation"),
            *("request_model", "response_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "http_status"),
            *("finish_reason", "error_type", "conversation_id", "request_parameters", "client_ip", "user_agent", "client_headers"),
            *("system", "messages", "tools", "response", "reasoning", "created_at"),
        )
    )
    hides: Mapping[str, str] = {
        "system": _OFF,
        "messages": _OFF,
        "tools": _OFF,
        "response": _OFF,
        "reasoning": _OFF,
        "finish_reason": _OFF,
        "request_parameters": _OFF,
        "account_id": "only when an authentication plug-in identifies the consumer",
        "client_headers": "in the order of the log's JSON, which is not the order in which they were sent",
        "client_ip": "behind a load balancer set trusted_ips and real_ip_header",
        "tls_ja4": "Kong does not log the TLS handshake: join a gateway log that does",
        "email": "not in the log: ingest an accounts file",
        "payment_fingerprint": "not in the log: ingest an accounts file",
    }
    two_pass = False

    def sniff(self, sample: Sample) -> float:
        """By Kong's own keys; more surely when a record has the `ai` namespace."""
        scores = []
        for record in sample.records:
            if isinstance(record, Mapping):
                known = len(_KONG & record.keys())
                sure = isinstance(record.get("latencies"), Mapping) and isinstance(record.get("request"), Mapping) and known >= 4
                scores.append((0.98 if isinstance(record.get("ai"), Mapping) else 0.55) if sure else 0.0)
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Nothing: a record is complete in itself."""

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction for a request in which an AI plug-in called a model, and the consumer's account once."""
        ai = _call(record.get("ai"))
        request, response = _object(record, "request"), _object(record, "response")
        if ai is None or not _asks(request):
            return ()
        meta, usage, payload = (_object(ai, name) for name in ("meta", "usage", "payload"))
        sent = _headers(request)
        consumer, entity = _object(record, "consumer"), _object(record, "authenticated_entity")
        account = _account_id(consumer, entity)
        if account is None and not context.account_optional:
            if response.get("status") in REFUSED:
                raise UnknownCaller("consumer.id: the gateway refused the credentials, and knows nobody by them")
            raise BadRow("consumer.id, authenticated_entity.consumer_id: expected one of them; enable an authentication plug-in")
        asked = decoded(payload.get("request"))
        said = payload.get("response")
        body = read_body(asked, said, keep_text=context.keep_text)
        request_id = (
            optional_identifier(request.get("id"), "request.id") or _header(sent, "x-request-id") or _header(sent, "x-kong-request-id")
        )
        request_id = request_id or _header(_headers(response), "x-kong-request-id")
        started = from_milliseconds(record.get("started_at"), "started_at")
        waited = _object(record, "latencies").get("request")
        tokens = tokens_of(usage, "ai.usage")
        if not tokens.input and not tokens.output:
            tokens = tokens_of(usage_in(said), "ai.payload.response.usage") if usage_in(said) else tokens
        row: Row = {
            "interaction_id": request_id,
            "started_at": started,
            "account_id": account,
            "organization_id": _organization(record),
            "key_id": optional_identifier(entity.get("id"), "authenticated_entity.id"),
            "end_user_id": _end_user(asked),
            "surface": "api",
            "operation": _operation(request.get("uri")) or _operation(record.get("upstream_uri")),
            "request_model": model_of(meta.get("request_model")) or (model_of(asked.get("model")) if isinstance(asked, dict) else None),
            "response_model": label(meta.get("response_model"), "ai.meta.response_model"),
            "input_tokens": tokens.input,
            "output_tokens": tokens.output,
            "reasoning_tokens": tokens.reasoning,
            "cached_tokens": tokens.cached,
            "http_status": http_status(response.get("status"), "response.status"),
            "finish_reason": body.finish_reason,
            "conversation_id": _header(sent, "x-session-id") or _header(sent, "x-conversation-id"),
            "request_parameters": split_parameters(settings_in(asked), "ai.payload.request")[0],
            "client_ip": address(record.get("client_ip"), "client_ip"),
            "user_agent": label(sent.get("user-agent"), "request.headers.user-agent")
            if not isinstance(sent.get("user-agent"), list)
            else None,
            "client_headers": headers(request.get("headers"), "request.headers"),
            "system": body.system,
            "transcript": body.transcript,
            "tools": body.tools,
            "response": body.response,
            "reasoning": body.reasoning,
            "tool_count": body.tool_count,
            "truncated": body.truncated,
            "messages": body.messages,
        }
        if waited is not None:
            row["ended_at"] = from_milliseconds(_sum(record.get("started_at"), waited), "latencies.request")
        aliases = [found for name in ("x-request-id", "x-correlation-id") if (found := _header(sent, name)) and found != request_id]
        if aliases:
            row["_request_ids"] = aliases
        return (("interactions", row), *_account(account, consumer, context))


def _call(ai: Any) -> Mapping[str, Any] | None:
    """What a plug-in tells of a model's call, `proxy` first; None when it tells of none.

    Up to 3.6 `meta`, `usage` and `payload` stand in the namespace itself, later in one of each plug-in. From 3.11 on the
    request stands in the namespace and the response in the plug-in's. One plug-in proxies; others (a guard, a prompt
    compressor, a transformer) have calls of their own, which are the gateway's and not the client's.
    """
    if not isinstance(ai, Mapping):
        return None
    names = sorted((str(name) for name in ai), key=lambda name: (name != "proxy", "proxy" not in name, name))
    for one in (*(ai.get(name) for name in names if name not in ("meta", "usage", "payload")), ai):
        if isinstance(one, Mapping) and any(isinstance(one.get(name), Mapping) for name in ("meta", "usage")):
            shared, own = ai.get("payload"), one.get("payload")
            payload = {**(shared if isinstance(shared, Mapping) else {}), **(own if isinstance(own, Mapping) else {})}
            return {**one, "payload": payload}
    return None


def _asks(request: Mapping[str, Any]) -> bool:
    """Whether a request asks a model; the plug-ins proxy files, batches and stored responses, too."""
    method, uri = request.get("method"), request.get("uri")
    if isinstance(method, str) and method.upper() in ("GET", "HEAD", "DELETE", "OPTIONS"):
        return False
    parts = uri.partition("?")[0].lower().split("/") if isinstance(uri, str) else []
    return _operation(uri) is not None or _MANAGED.isdisjoint(parts)


def _operation(uri: Any) -> str | None:
    return operation_of_route(uri) if isinstance(uri, str) else None


def _account_id(consumer: Mapping[str, Any], entity: Mapping[str, Any]) -> str | None:
    """The consumer, else the authenticated entity; the consumer for whoever does not authenticate is nobody."""
    for name in ("username", "custom_id"):
        value = consumer.get(name)
        if isinstance(value, str) and value and is_nobody(value):
            return None
    return (
        optional_identity(consumer.get("id"), "consumer.id")
        or optional_identity(entity.get("consumer_id"), "authenticated_entity.consumer_id")
        or optional_identity(entity.get("id"), "authenticated_entity.id")
    )


def _end_user(asked: Any) -> str | None:
    if not isinstance(asked, Mapping):
        return None
    metadata = asked.get("metadata")
    inner = metadata.get("user_id") if isinstance(metadata, Mapping) else None
    found = asked.get("user") if asked.get("user") is not None else inner
    return optional_identity(found, "ai.payload.request.user") if isinstance(found, str | int | Mapping) else None


def _object(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    if value is None or value == []:  # Lua writes an empty table as []
        return {}
    if isinstance(value, Mapping):
        return value
    return object_of(value, name)


def _headers(message: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in _object(message, "headers").items()}


def _header(sent: Mapping[str, Any], name: str) -> str | None:
    value = sent.get(name)
    return optional_identifier(value[0] if isinstance(value, list) and value else value if value != [] else None, f"request.headers.{name}")


def _organization(record: Mapping[str, Any]) -> str | None:
    """The consumer group, when there is exactly one: what accounts declare to belong to."""
    groups = record.get("consumer_groups") or record.get("authenticated_groups")
    if isinstance(groups, list) and len(groups) == 1:
        group = groups[0]
        return optional_identity(group.get("id") if isinstance(group, Mapping) else group, "consumer_groups")
    return None


def _account(account: str | None, consumer: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
    """When the consumer was created, which Kong logs with every call of an authenticated consumer."""
    created = consumer.get("created_at")
    seen: set[str] = context.facts.setdefault("consumers", set())
    if account is None or account in seen or type(created) is not int:
        return ()
    seen.add(account)
    return (("accounts", {"account_id": account, "created_at": from_milliseconds(created * 1000, "consumer.created_at")}),)


def _sum(started: Any, waited: Any) -> Any:
    if isinstance(started, int | float) and isinstance(waited, int | float) and not isinstance(waited, bool):
        return started + waited
    return unreadable("latencies.request: expected milliseconds")


FORMAT = Kong()
