"""What a span is: a call of a model, something that others happen below (an agent, a tool), or neither; and a call's operation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from stillhunt.intake.formats.litellm_calls import kind_of_call
from stillhunt.intake.formats.values import decoded
from stillhunt.intake.otel_attributes import ALIASES, IDENTITY, TOKENS, USAGE, lookup
from stillhunt.intake.otel_content import CONTENT_NAMES, CONTENT_PREFIXES

PLAIN, CALL, BOUNDARY = 0, 1, 2
"""Kinds of spans. What is below an agent's or a tool's span is another call than what is above."""

_OPERATIONS = {
    "chat": "chat",
    "completion": "text_completion",
    "text_completion": "text_completion",
    "generate_content": "generate_content",
    "embeddings": "embeddings",
    "embedding": "embeddings",
    "embed": "embeddings",
    "responses": "chat",
    "response": "chat",
    "rerank": "rerank",
    "chat.completion": "chat",
    "chat.completions": "chat",
    "chat_completion": "chat",
    "chat_completions": "chat",
    "chat completion": "chat",
    "converse": "chat",
    "converse_stream": "chat",
    "conversestream": "chat",
    "invoke_model": "chat",
    "invoke_model_with_response_stream": "chat",
    "message": "chat",
    "messages": "chat",
    "messages.create": "chat",
    "generate": "chat",
    "stream": "chat",
    "inference": "chat",
    "llm": "chat",
    "embedding.create": "embeddings",
    "text.completion": "text_completion",
}
"""Operations as emitters name them -> as the conventions do. Others are looked for among LiteLLM's, and else stay as they are."""
_BOUNDARIES = frozenset(
    (
        *("invoke_agent", "create_agent", "execute_tool", "invoke_workflow", "execute_task", "run_agent", "agent", "tool", "workflow"),
        *("task", "handoff", "guardrail", "plan", "ai.toolcall", "retriever", "retrieval", "chain"),
    )
)
_OTHERS = frozenset(
    (
        *("list_models", "create_thread", "list_messages", "upload_file", "delete_file", "search_memory", "update_memory", "create_memory"),
        *("upsert_memory", "delete_memory", "create_memory_store", "delete_memory_store", "evaluate", "evaluator", "count_tokens", "score"),
    )
)
_KIND_NAMES = ("openinference.span.kind", "traceloop.span.kind", "langfuse.observation.type", "langsmith.span.kind", "mlflow.spanType")
_KINDS = frozenset(_KIND_NAMES)
_CALL_KINDS = {
    "llm": "",
    "generation": "",
    "chat_model": "",
    "embedding": "embeddings",
    "embeddings": "embeddings",
    "reranker": "rerank",
    "rerank": "rerank",
}
_WRAPPERS = frozenset(("ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject", "ai.embed", "ai.embedMany", "ai.rerank"))
"""Vercel's functions: each asks its model in spans of its own below (`.doGenerate`), once or in several steps."""
_WORD = re.compile(r"(?:a(?=get|list|delete|cancel|retrieve|update|upload|download))?([a-z]+)")
_MANAGING = frozenset({"get", "list", "delete", "cancel", "retrieve", "update", "upload", "download", "modify", "poll", "count"})
"""How operations begin that fetch or manage something: a stored answer with its tokens is not asked for twice."""
_COPY = "raw_gen_ai_request"  # of its parent, with the provider's own names

NAMED = frozenset(
    (
        *(name for column in ("operation", "request_model", "response_model", "response_id") for name in ALIASES[column]),
        *(name for column in ("finish_reasons", "error_type", *TOKENS) for name in ALIASES[column]),
        *_KIND_NAMES,
        *USAGE,
    )
)
WANTED = NAMED | IDENTITY
"""Attributes that an index of spans looks at."""


def kind_of(name: Any, attributes: Mapping[str, Any], names: Iterable[str]) -> int:
    """Whether a span is a call of a model, whatever the operation is called: a model and tokens or messages make one.

    Args:
        name: the span's name.
        attributes: at least those in `WANTED`.
        names: the names of all its attributes.
    """
    if name == _COPY:
        return PLAIN
    kind = _kind_word(attributes)
    said = lookup("operation", (attributes,))[0]
    if said is None and isinstance(name, str):
        first = name.partition(" ")[0]  # a span is called "{operation} {target}"
        said = first if first in _BOUNDARIES and " " in name else None
    operation = said.lower() if isinstance(said, str) else ""
    if operation in _BOUNDARIES:
        return BOUNDARY
    modelled = lookup("request_model", (attributes,))[0] is not None or lookup("response_model", (attributes,))[0] is not None
    if kind in _CALL_KINDS:
        return CALL
    if kind is not None and not (kind in ("span", "task", "unknown") and modelled):
        return BOUNDARY if kind in _BOUNDARIES else PLAIN
    if operation in _OTHERS:
        return PLAIN
    if operation in _OPERATIONS or operation.startswith(("ai.generate", "ai.stream", "ai.embed", "ai.rerank")):
        return CALL
    if not modelled:
        return PLAIN
    if operation and operation_of(attributes) is None:
        return PLAIN
    if not operation or has_tokens(attributes, names):
        return CALL
    return CALL if any(each in CONTENT_NAMES or each.startswith(CONTENT_PREFIXES) for each in names) else PLAIN


def _kind_word(attributes: Mapping[str, Any]) -> str | None:
    for name in () if _KINDS.isdisjoint(attributes) else _KIND_NAMES:
        found = decoded(attributes.get(name))
        if isinstance(found, str) and found:
            return found.lower()
    return None


def has_tokens(attributes: Mapping[str, Any], names: Iterable[str]) -> bool:
    """Whether any count of tokens is there."""
    return any(name in attributes for column in TOKENS for name in ALIASES[column]) or any(
        "usage." in name or name in USAGE for name in names
    )


def operation_of(attributes: Mapping[str, Any]) -> str | None:
    """The operation under its conventional name; None where it is known to ask no model anything (a retrieval, a file)."""
    said = lookup("operation", (attributes,))[0]
    kind = _kind_word(attributes)
    if not isinstance(said, str) or not said:
        return (_CALL_KINDS.get(kind or "") or "chat") if kind in _CALL_KINDS else "chat"
    operation = said.lower()
    if operation == "completion" and "metadata.user_api_key_hash" in attributes:
        return "chat"  # LiteLLM's word for a chat
    if operation in _OPERATIONS:
        return _OPERATIONS[operation]
    if operation.startswith("ai."):
        return "embeddings" if "embed" in operation else "rerank" if "rerank" in operation else "chat"
    by_proxy = "metadata.user_api_key_hash" in attributes or "llm.request.type" in attributes
    first = _WORD.match(operation)
    if not by_proxy and first is not None and first[1] in _MANAGING:
        return None
    known = kind_of_call(operation)
    if known is None:
        return None if by_proxy else said
    return said if known[1] == operation else known[1]


def is_wrapper(attributes: Mapping[str, Any]) -> bool:
    """Whether a span stands for calls in spans of their own below it, should there be any."""
    named = attributes.get("ai.operationId")
    return isinstance(named, str) and named in _WRAPPERS
