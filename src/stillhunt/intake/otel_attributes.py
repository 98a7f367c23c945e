"""OpenTelemetry attributes: OTLP/JSON values decoded, and one table of the names that every dialect gives to a column.

The GenAI conventions moved and renamed much (`open-telemetry/semantic-conventions-genai`), emitters in use still write
names that were deprecated or removed years ago, and SDKs have conventions of their own. Each tuple lists the current
name first, then older ones, then the dialects': OpenLLMetry, OpenInference, Langfuse, the Vercel AI SDK, Logfire,
LangSmith, MLflow, LiteLLM, and the event streams of coding agents.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from stillhunt.errors import BadRow
from stillhunt.intake.formats.usage import GIVEN_DETAILS, SPENT_DETAILS, Tokens, first_count, tokens_of
from stillhunt.intake.formats.values import count, decoded, optional_identity

ALIASES: dict[str, tuple[str, ...]] = {
    "operation": ("gen_ai.operation.name", "llm.request.type", "ai.operationId"),
    "request_model": (
        *("gen_ai.request.model", "llm.request.model", "llm.model_name", "embedding.model_name", "reranker.model_name"),
        *("langfuse.observation.model.name", "langfuse.generation.model", "ai.model.id", "mlflow.llm.model"),
    ),
    "response_model": ("gen_ai.response.model", "llm.response.model", "ai.response.model"),
    "response_id": ("gen_ai.response.id", "llm.response.id", "ai.response.id"),
    "finish_reasons": (
        *("gen_ai.response.finish_reasons", "gen_ai.response.finish_reason", "llm.response.finish_reason", "ai.response.finishReason"),
        *("ai.finishReason", "llm.response.stop_reason", "gen_ai.completion.0.finish_reason", "finish_reasons"),
    ),
    "input_tokens": (
        *("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens", "llm.usage.input_tokens"),
        *("llm.token_count.prompt", "ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
        *("gen_ai.usage.partial.input_tokens", "gen_ai.usage.partial.prompt_tokens"),
        *("input_tokens", "input_token_count", "prompt_tokens"),
    ),
    "output_tokens": (
        *("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens", "llm.usage.output_tokens"),
        *("llm.token_count.completion", "ai.usage.outputTokens", "ai.usage.completionTokens"),
        *("gen_ai.usage.partial.output_tokens", "gen_ai.usage.partial.completion_tokens"),
        *("output_tokens", "output_token_count", "completion_tokens"),
    ),
    "reasoning_tokens": (
        *("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.output_tokens.reasoning", "gen_ai.usage.reasoning_tokens"),
        *("gen_ai.usage.details.reasoning_tokens", "llm.usage.reasoning_tokens", "llm.token_count.completion_details.reasoning"),
        *("ai.usage.reasoningTokens", "ai.usage.outputTokenDetails.reasoningTokens", "gen_ai.usage.partial.reasoning.output_tokens"),
        *("gen_ai.usage.partial.reasoning_tokens", "reasoning_tokens", "reasoning_token_count", "thoughts_token_count"),
    ),
    "cached_tokens": (
        *("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.input_tokens.cached"),
        *("gen_ai.usage.cached_tokens", "gen_ai.usage.cached_input_tokens", "gen_ai.usage.details.cache_read_tokens"),
        *("gen_ai.usage.details.cache_read_input_tokens", "gen_ai.usage.details.cached_tokens"),
        *("llm.usage.cache_read_input_tokens", "llm.token_count.prompt_details.cache_read", "ai.usage.cachedInputTokens"),
        *("ai.usage.inputTokenDetails.cacheReadTokens", "gen_ai.usage.partial.cache_read.input_tokens"),
        *("gen_ai.usage.partial.cache_read_input_tokens", "cache_read_tokens", "cached_token_count", "cached_content_token_count"),
    ),
    "error_type": ("error.type", "exception.type", "error_type"),
    "conversation_id": (
        *("gen_ai.conversation.id", "gen_ai.session.id", "session.id", "langfuse.session.id", "gen_ai.thread.id", "conversation.id"),
        *("traceloop.association.properties.session_id", "traceloop.association.properties.sessionId"),
        *("ai.telemetry.metadata.sessionId", "ai.telemetry.metadata.session_id", "ai.telemetry.metadata.conversationId"),
        *("langsmith.trace.session_id", "langsmith.metadata.session_id", "langsmith.metadata.thread_id"),
    ),
    "account_id": (
        *("user.account_uuid", "user.account_id", "user.id", "enduser.id", "enduser.pseudo.id", "langfuse.user.id"),
        *("langfuse.trace.user.id", "langfuse.trace.user_id"),
        *("traceloop.association.properties.user_id", "traceloop.association.properties.userId"),
        *("ai.telemetry.metadata.userId", "ai.telemetry.metadata.user_id", "ai.telemetry.metadata.user.id"),
        *("langsmith.metadata.user_id", "langsmith.metadata.userId", "mlflow.trace.user", "metadata.user_api_key_user_id"),
        *("gen_ai.user.id", "user_id", "userId", "http.request.header.x-account-id", "http.request.header.x-user-id", "user.email"),
    ),
    "organization_id": (
        *("organization.id", "user.organization.id", "tenant.id", "team.id"),
        *("metadata.user_api_key_org_id", "metadata.user_api_key_team_id", "traceloop.association.properties.organization_id"),
        *("ai.telemetry.metadata.organizationId", "ai.telemetry.metadata.teamId", "ai.telemetry.metadata.tenantId"),
    ),
    "key_id": ("api_key.id", "user.api_key.id", "metadata.user_api_key_hash"),
    "end_user_id": ("metadata.user_api_key_end_user_id", "gen_ai.request.user", "llm.user"),
    "client_ip": ("client.address", "http.client_ip", "metadata.requester_ip_address"),
    "peer": ("network.peer.address", "net.sock.peer.addr", "net.peer.ip"),
    "user_agent": ("user_agent.original", "http.user_agent", "metadata.user_agent"),
    "ja4": ("tls.client.ja4", "http.request.header.x-ja4-fingerprint", "http.request.header.x-ja4"),
    "ja3": ("tls.client.ja3",),
    "http_status": ("http.response.status_code", "http.status_code", "status_code"),
    "request_id": ("http.request.header.x-request-id", "http.request.id", "request.id", "request_id"),
}
"""Column -> names of the attributes that hold it, the most current first."""

TOKENS = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")
USAGE = ("langfuse.observation.usage_details", "gen_ai.usage", "llm.usage", "ai.usage", "usage_details", "usage", "usage_metadata")
"""Attributes that hold all counts as one object, or as JSON text of one."""
USAGE_PREFIXES = ("gen_ai.usage.", "llm.usage.", "ai.usage.")
_OWN_USAGE = {"input": "input_tokens", "output": "output_tokens"}  # Langfuse's words
HEADER = "http.request.header."
METADATA = ("metadata", "langfuse.trace.metadata", "ai.telemetry.metadata", "logfire.metadata")
"""Attributes that hold who called as an object, or as JSON text of one."""
_METADATA_USERS = ("user_id", "userId", "user.id", "user")

IDENTITY = frozenset(
    (
        *(
            name
            for column in (
                *("account_id", "organization_id", "key_id", "end_user_id", "conversation_id", "client_ip", "peer", "user_agent"),
                *("ja4", "ja3", "http_status", "request_id"),
            )
            for name in ALIASES[column]
        ),
        *METADATA,
    )
)
"""Attributes that an inference span takes over from the spans above it."""

_SCALARS = frozenset(
    (
        *("stringValue", "boolValue", "doubleValue", "bytesValue"),
        *("string_value", "bool_value", "double_value", "bytes_value"),
    )
)
_DEEPEST = 64


def value_of(value: Any, depth: int = 0) -> Any:
    """A value of OTLP/JSON's AnyValue; a value that is none stays as it is."""
    if type(value) is not dict or depth > _DEEPEST:
        return value
    found = value.get("stringValue")
    if found is not None:  # most are text
        return found
    for key, inner in value.items():
        if key in _SCALARS:
            return inner
        if key in ("intValue", "int_value"):
            digits = isinstance(inner, str) and inner.lstrip("-").isdecimal() and inner.isascii() and len(inner) < 20
            return int(inner) if digits else inner
        if key in ("arrayValue", "array_value"):
            values = inner.get("values") if type(inner) is dict else None
            return [value_of(item, depth + 1) for item in values] if type(values) is list else []
        if key in ("kvlistValue", "kvlist_value"):
            return attributes_of(inner.get("values") if type(inner) is dict else None, depth + 1)
    return value or None  # {} is OTLP's null


def attributes_of(listed: Any, depth: int = 0) -> dict[str, Any]:
    """Attributes as a dict, from OTLP's list of {key, value} (or from a plain object)."""
    if type(listed) is dict:
        return {str(key): value_of(value, depth) for key, value in listed.items()}
    found: dict[str, Any] = {}
    for item in listed if type(listed) is list else ():
        if type(item) is dict and type(key := item.get("key")) is str:
            found[key] = value_of(item.get("value"), depth)
    return found


def names_of(listed: Any) -> tuple[str, ...]:
    """The names of attributes, without a look at their values."""
    if type(listed) is dict:
        return tuple(map(str, listed))
    items = listed if type(listed) is list else ()
    return tuple([key for item in items if type(item) is dict and type(key := item.get("key")) is str])


def chosen_attributes(listed: Any, wanted: frozenset[str]) -> dict[str, Any]:
    """Those attributes whose names are wanted: content is not touched, which is most of a log."""
    if type(listed) is dict:
        return {name: value_of(value) for name, value in listed.items() if name in wanted}
    items = listed if type(listed) is list else ()
    return {
        item["key"]: value_of(item.get("value"))
        for item in items
        if type(item) is dict and type(key := item.get("key")) is str and key in wanted
    }


_ID_LENGTHS = {24: 32, 12: 16}  # base64 of a trace's or a span's id, and its hexadecimal digits


def span_or_trace_id(value: Any) -> str:
    """An id as lower-case hexadecimal digits; "" where there is none.

    OTLP/JSON writes hexadecimal digits; writers that use protobuf's own JSON write base64.
    """
    if not isinstance(value, str) or not value.strip("0"):
        return ""
    if len(value) in _ID_LENGTHS and value.isascii():
        try:
            return base64.b64decode(value, validate=True).hex()
        except (binascii.Error, ValueError):
            pass
    return value.lower()


_NAMES = {column: frozenset(names) for column, names in ALIASES.items()}


def lookup(column: str, levels: Iterable[Mapping[str, Any]]) -> tuple[Any, str]:
    """The value of a column and its attribute's name: the nearest level that has one, there the most current name."""
    names, known = ALIASES[column], _NAMES[column]
    for attributes in levels:
        if known.isdisjoint(attributes):
            continue
        for name in names:
            value = attributes.get(name)
            if value is not None and value not in ("", []):
                return value, name
    return None, names[0]


def somebody_in(column: str, levels: Iterable[Mapping[str, Any]], metadata: tuple[str, ...] = ()) -> str | None:
    """The nearest identity that is one: placeholders are passed over, since a span above may know better.

    Args:
        column: what is looked for.
        levels: attributes of the span, of those above it, and of the resource.
        metadata: keys of objects in `METADATA` that hold it as well.
    """
    names, known = ALIASES[column], _NAMES[column]
    for attributes in levels:
        for name in () if known.isdisjoint(attributes) else names:
            value = attributes.get(name)
            if value is None or value == "":
                continue
            try:
                found = optional_identity(value, name)
            except BadRow:
                continue  # an id that cannot be read is no reason against one that can
            if found is not None:
                return found
        for holder in METADATA if metadata else ():
            if holder in attributes:
                inner = decoded(attributes[holder])
                for name in metadata if isinstance(inner, Mapping) else ():
                    found = optional_identity(inner[name], name) if isinstance(inner.get(name), str | int) else None
                    if found is not None:
                        return found
    return None


def account_in(levels: Iterable[Mapping[str, Any]]) -> str | None:
    """Whose call it is, from the nearest level that knows."""
    return somebody_in("account_id", levels, _METADATA_USERS)


def tokens_in(attributes: Mapping[str, Any]) -> Tokens:
    """Token counts: under one of their names, in an object of counts, or in a part of a name.

    A zero beside a count under another name is not the answer.
    """
    found: list[int | None] = []
    for column in TOKENS:
        best: int | None = None
        for name in () if _NAMES[column].isdisjoint(attributes) else ALIASES[column]:
            value = attributes.get(name)
            if value is None or isinstance(value, dict | list):
                continue
            counted = count(value, name)
            if counted:
                best = counted
                break
            best = counted if best is None else best
        found.append(best)
    if all(found):
        return Tokens(*found)
    others = [_usage_object(attributes[name], name) for name in USAGE if attributes.get(name) not in (None, "")]
    nested: dict[str, Any] = {}
    for name in attributes:
        if name not in _COUNTED and name.startswith(USAGE_PREFIXES):
            steps = name.split("usage.", 1)[1].removeprefix("partial.").split(".")
            node = nested
            for step in steps[:-1]:
                inner = node.setdefault(step, {})
                node = inner if isinstance(inner, dict) else {}
            node.setdefault(steps[-1], attributes[name])
    nested = {name: value for name, value in nested.items() if not isinstance(value, dict) or name in _DETAILS}
    if nested:
        others.append(tokens_of(nested, "gen_ai.usage"))
    for other in others:
        found = [theirs if not own and theirs is not None else own for own, theirs in zip(found, other, strict=True)]
    return Tokens(*found)


_DETAILS = frozenset((*GIVEN_DETAILS, *SPENT_DETAILS))
_COUNTED = frozenset(
    (*(name for column in TOKENS for name in ALIASES[column]), *(f"{prefix}total_tokens" for prefix in ("gen_ai.usage.", "llm.usage.")))
)


def _usage_object(value: Any, name: str) -> Tokens:
    usage = decoded(value)
    if not isinstance(usage, Mapping):
        return Tokens()
    renamed: dict[str, Any] = dict(usage)
    for own, usual in _OWN_USAGE.items():
        if own in renamed:
            renamed.setdefault(usual, renamed[own])
    tokens = tokens_of(renamed, name)
    cached = tokens.cached or first_count((renamed,), ("input_cache_read", "cache_read", "input_cached"), name)
    reasoning = tokens.reasoning or first_count((renamed,), ("output_reasoning", "reasoning"), name)
    return tokens._replace(cached=cached if tokens.cached is None or cached else tokens.cached, reasoning=reasoning)


def identity_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What of these attributes tells who called, and from where."""
    return {name: value for name, value in attributes.items() if name in IDENTITY or name.startswith(HEADER)}
