"""Kong's log (file-log, http-log, ...) with the `ai` namespace of its AI plug-ins.

Fields as of Kong's `pdk/log.lua` and `ai-plugin-o11y`: `ai.proxy.{meta,usage,payload}`, in older versions
`ai.<plugin>.{meta,usage,payload}`. Times are milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stillhunt.errors import BadRow
from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.envoy_ai import operation_of
from stillhunt.intake.formats.litellm_fields import split_parameters
from stillhunt.intake.formats.values import (
    address,
    count,
    decoded,
    from_milliseconds,
    headers,
    http_status,
    identifier,
    label,
    optional_identifier,
    parameters,
)

_OFF = "only with config.logging.log_payloads on the AI plug-in"
_KONG = frozenset({"latencies", "client_ip", "request", "response", "route", "service", "started_at", "upstream_uri", "tries", "workspace"})


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
        calls = list(_calls(record.get("ai")))
        if not calls:
            return ()
        ai = calls[0]  # one plug-in proxies; others (a guard, a prompt compressor) only follow it
        request, response = _object(record, "request"), _object(record, "response")
        meta, usage, payload = (_object(ai, name) for name in ("meta", "usage", "payload"))
        sent = _headers(request)
        consumer, entity = _object(record, "consumer"), _object(record, "authenticated_entity")
        account = optional_identifier(consumer.get("id"), "consumer.id") or optional_identifier(
            entity.get("consumer_id"), "authenticated_entity.consumer_id"
        )
        account = account or optional_identifier(entity.get("id"), "authenticated_entity.id")
        if account is None and not context.account_optional:
            raise BadRow("consumer.id, authenticated_entity.consumer_id: expected one of them; enable an authentication plug-in")
        asked = decoded(payload.get("request"))
        body = read_body(asked, payload.get("response"), keep_text=context.keep_text)
        settings = (
            parameters({name: value for name, value in asked.items() if name != "model"}, "ai.payload.request")
            if isinstance(asked, dict)
            else None
        )
        request_id = (
            optional_identifier(request.get("id"), "request.id") or _header(sent, "x-request-id") or _header(sent, "x-kong-request-id")
        )
        request_id = request_id or _header(_headers(response), "x-kong-request-id")
        started = from_milliseconds(record.get("started_at"), "started_at")
        waited = _object(record, "latencies").get("request")
        details = _object(usage, "completion_tokens_details")
        row: Row = {
            "interaction_id": identifier(request_id, "request.id"),
            "started_at": started,
            "account_id": account,
            "organization_id": _organization(record),
            "key_id": optional_identifier(entity.get("id"), "authenticated_entity.id"),
            "end_user_id": optional_identifier(asked.get("user"), "ai.payload.request.user") if isinstance(asked, dict) else None,
            "surface": "api",
            "operation": operation_of(request.get("uri")) or operation_of(record.get("upstream_uri")),
            "request_model": label(meta.get("request_model"), "ai.meta.request_model"),
            "response_model": label(meta.get("response_model"), "ai.meta.response_model"),
            "input_tokens": count(usage.get("prompt_tokens"), "ai.usage.prompt_tokens"),
            "output_tokens": count(usage.get("completion_tokens"), "ai.usage.completion_tokens"),
            "reasoning_tokens": count(details.get("reasoning_tokens"), "ai.usage.completion_tokens_details.reasoning_tokens"),
            "cached_tokens": count(usage.get("cached_tokens"), "ai.usage.cached_tokens"),
            "http_status": http_status(response.get("status"), "response.status"),
            "finish_reason": body.finish_reason,
            "conversation_id": _header(sent, "x-session-id") or _header(sent, "x-conversation-id"),
            "request_parameters": split_parameters(decoded(settings), "ai.payload.request")[0] if settings else None,
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


def _calls(ai: Any) -> Iterator[Mapping[str, Any]]:
    """The namespaces that tell of a model's call, `proxy` first."""
    if isinstance(ai, Mapping):
        for name in sorted(ai, key=lambda name: (name != "proxy", str(name))):
            value = ai[name]
            if isinstance(value, Mapping) and (isinstance(value.get("meta"), Mapping) or isinstance(value.get("usage"), Mapping)):
                yield value


def _object(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    if value is None or value == []:  # Lua writes an empty table as []
        return {}
    if isinstance(value, Mapping):
        return value
    raise BadRow(f"{name}: expected an object")


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
        return optional_identifier(group.get("id") if isinstance(group, Mapping) else group, "consumer_groups")
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
    raise BadRow("latencies.request: expected milliseconds")


FORMAT = Kong()
