"""LiteLLM's call types: which of them are calls of a model, and what a pass-through call carries.

The proxy logs everything that it serves with tokens, prices and models: a stored response that is fetched again, a
batch's state, files, keys. None of that asks a model anything. Functions of decoded values, no I/O.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from stillhunt.intake.bodies import opened_body
from stillhunt.intake.formats.envoy_ai import operation_of
from stillhunt.intake.formats.placeholders import ABSENT
from stillhunt.intake.formats.values import decoded, label

OPERATIONS = {
    "completion": "chat",
    "responses": "chat",
    "compact_responses": "chat",
    "anthropic_messages": "chat",
    "text_completion": "text_completion",
    "embedding": "embeddings",
    "generate_content": "generate_content",
    "generate_content_stream": "generate_content",
}
"""LiteLLM's call types, without the "a" of those that are asynchronous, as OpenTelemetry's `gen_ai.operation.name`."""

_MANAGING = frozenset(
    (
        *("get", "list", "delete", "cancel", "retrieve", "update", "modify", "upload", "download", "poll", "count", "info", "status"),
        *("file", "files", "assistant", "assistants", "thread", "message", "messages", "container", "containers", "skill", "skills"),
        *("vector", "fine", "tuning", "mcp", "health", "model", "models", "key", "keys", "budget", "content", "search", "evals", "eval"),
    )
)
"""Words of call types that manage something. `run_thread` and `anthropic_messages` are calls all the same."""
_CALLS = frozenset({"run_thread", "run_thread_stream", "anthropic_messages", "generate_content", "generate_content_stream"})

_MORE_PATHS = {
    "/images/generations": "image_generation",
    "/images/edits": "image_edit",
    "/images/variations": "image_variation",
    "/audio/speech": "speech",
    "/audio/transcriptions": "transcription",
    "/audio/translations": "translation",
    "/moderations": "moderation",
    "/rerank": "rerank",
    "/realtime": "realtime",
    "/converse": "chat",
    "/converse-stream": "chat",
    "/invoke": "chat",
    "/invoke-with-response-stream": "chat",
    ":rawpredict": "chat",
    ":streamrawpredict": "chat",
    ":predict": "chat",
    "/engines": None,
}
_OBJECTS = frozenset(
    (
        *("batch", "file", "model", "assistant", "thread", "vector_store", "upload", "fine_tuning.job", "container", "skill"),
        *("response.deleted", "file.deleted", "assistant.deleted", "model_deleted", "response.input_tokens"),
    )
)
"""What an API's answer calls itself when no model wrote it."""


_PAGES = frozenset(
    (
        *("key", "user", "team", "organization", "customer", "end_user", "model", "models", "model_group", "budget", "health", "spend"),
        *("global", "config", "cache", "credentials", "guardrails", "files", "batches", "assistants", "threads", "vector_stores", "sso"),
        *("mcp", "mcp-rest", "fine_tuning", "containers", "tag", "policy", "login", "metrics", "routes", "openapi.json", "ui"),
    )
)
"""Where routes begin that administer the proxy or hold what is not a model, with or without /v1."""


def call_type_of(record: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    """What kind of call it was. Without a type the route tells, which newer versions log; without either it is a completion."""
    found = label(record.get("call_type"), "call_type")
    if found is not None and found not in ABSENT:
        return found
    route = metadata.get("user_api_key_request_route")
    if isinstance(route, str):
        parts = [part for part in route.lower().split("/") if part and part != "v1"]
        if operation_of_route(route) is not None or (parts and parts[0] in _PAGES):
            return f"/{route.lstrip('/')}"
    return "completion"


def kind_of_call(call_type: str) -> tuple[str, str] | None:
    """(surface, operation) of a call of a model; None of any other operation of the proxy."""
    name = call_type.strip().lower()
    if "/" in name:  # a refused request has the route as its type
        operation = operation_of_route(name)
        return None if operation is None else ("api", operation)
    plain = name.lstrip("_")
    if plain[:1] == "a" and plain not in ("anthropic_messages", "audio", "assistant"):
        plain = plain[1:].lstrip("_") or plain
    if plain in OPERATIONS:
        return "api", OPERATIONS[plain]
    words = plain.split("_")
    if plain not in _CALLS and (not _MANAGING.isdisjoint(words) or "mcp" in name or ("batch" in words and "completion" not in words)):
        return None
    return "batch" if "batch" in words else "api", call_type


def operation_of_route(route: str) -> str | None:
    """The operation of a route, with or without its method before it; None where it is not one of a model's call."""
    route = route.strip().lower()
    method, _, rest = route.partition(" ")
    if rest and method in ("get", "delete", "head", "options", "put", "patch"):
        return None
    path = (rest or route).partition("?")[0].rstrip("/")
    if "/threads/" in path:
        return None
    return operation_of(path) or next((found for ending, found in _MORE_PATHS.items() if path.endswith(ending)), None)


def is_pass_through(call_type: str) -> bool:
    """Whether the proxy handed the call on without understanding it."""
    name = call_type.lower()
    return "passthrough" in name or "pass_through" in name or "pass-through" in name


def passed_through(record: Mapping[str, Any], metadata: Mapping[str, Any], messages: Any, response: Any) -> tuple[Any, Any] | None:
    """(request body, response body) of a pass-through call; None where it asked no model anything.

    LiteLLM writes the body as the text of one user message, and the answer as text in an object.
    """
    request = _body(messages)
    if request is None and messages is not None:  # an empty body was sent: something was fetched
        return None
    answer = response
    if isinstance(answer, Mapping) and set(answer) <= {"response", "status_code", "headers", "id", "object", "created", "model"}:
        inner = answer.get("response")
        answer = inner if inner is not None else answer
    answer = opened_body(answer)
    if _method(record, metadata) in ("GET", "HEAD", "DELETE", "OPTIONS"):
        return None
    if isinstance(answer, Mapping) and isinstance(answer.get("object"), str):
        kind, items = answer["object"], answer.get("data")
        embedded = isinstance(items, list) and bool(items) and isinstance(items[0], Mapping) and "embedding" in items[0]
        if kind in _OBJECTS or (kind == "list" and not embedded):
            return None
    return request, answer


def _method(record: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    """The HTTP method, where a version logs one."""
    for holder in (record, metadata):
        for name in ("passthrough_logging_payload", "standard_pass_through_logging_payload", "proxy_server_request"):
            inner = decoded(holder.get(name))
            method = (inner.get("request_method") or inner.get("method")) if isinstance(inner, Mapping) else None
            if isinstance(method, str):
                return method.upper()
    return ""


def _body(messages: Any) -> Any:
    """The body that stands as text in the only message, as JSON or as Python writes it; else the messages as they are."""
    found = decoded(messages)
    if isinstance(found, list) and len(found) == 1 and isinstance(found[0], Mapping):
        content = found[0].get("content")
        if isinstance(content, Mapping):
            return content or None
        if isinstance(content, str) and content.strip() in ("null", "None"):
            return None
        if isinstance(content, str) and content.lstrip()[:1] in ("{", "["):
            inner = decoded(content)
            if isinstance(inner, str):
                try:
                    inner = ast.literal_eval(content)
                except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
                    return messages
            return inner or None
    return messages


def operation_in(request: Any, answer: Any) -> str | None:
    """The operation that a pass-through call's bodies show; None where they show none."""
    items = answer.get("data") or answer.get("embeddings") if isinstance(answer, Mapping) else None
    if isinstance(items, list) and items and (not isinstance(items[0], Mapping) or "embedding" in items[0]):
        return "embeddings"
    for holder, names in ((request, _ASKED), (answer, _ANSWERED)):
        if isinstance(holder, Mapping):
            found = next((operation for name, operation in names if name in holder), None)
            if found is not None:
                return found
    return "chat" if isinstance(request, list) and request else None


_ASKED = (("messages", "chat"), ("contents", "generate_content"), ("prompt", "text_completion"), ("input", "chat"))
_ANSWERED = (("choices", "chat"), ("candidates", "generate_content"), ("output", "chat"), ("content", "chat"))


def settings_in(body: Any) -> dict[str, Any]:
    """The parameters of a request body: all but its content and its model."""
    if not isinstance(body, Mapping) or "litellm_truncated" in body:
        return {}
    return {name: value for name, value in body.items() if name not in CONTENT_KEYS and name != "model"}


CONTENT_KEYS = frozenset(
    (
        *("messages", "input", "prompt", "contents", "tools", "functions", "system", "instructions", "user", "metadata", "headers"),
        *("systemInstruction", "system_instruction", "inputText"),
    )
)
"""What of a request body says something, or who says it, and is no parameter."""
