"""OpenTelemetry attributes: OTLP/JSON values decoded, the names of every generation side by side, content collected.

The GenAI conventions moved and renamed much (`open-telemetry/semantic-conventions-genai`); emitters in use still write
names that were deprecated or removed years ago. Each tuple below lists the current name first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stillhunt.intake.formats.values import decoded

ALIASES: dict[str, tuple[str, ...]] = {
    "operation": ("gen_ai.operation.name", "llm.request.type"),
    "request_model": ("gen_ai.request.model", "llm.request.model", "llm.model_name", "embedding.model_name"),
    "response_model": ("gen_ai.response.model", "llm.response.model"),
    "response_id": ("gen_ai.response.id",),
    "finish_reasons": ("gen_ai.response.finish_reasons", "gen_ai.response.finish_reason", "llm.response.finish_reason"),
    "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens", "llm.token_count.prompt"),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.usage.completion_tokens",
        "llm.token_count.completion",
    ),
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.output_tokens.reasoning",
        "gen_ai.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
    ),
    "cached_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.input_tokens.cached",
        "llm.token_count.prompt_details.cache_read",
    ),
    "error_type": ("error.type", "exception.type"),
    "conversation_id": (
        "gen_ai.conversation.id",
        "gen_ai.session.id",
        "session.id",
        "gen_ai.thread.id",
        "traceloop.association.properties.session_id",
    ),
    "account_id": (
        "user.id",
        "enduser.id",
        "enduser.pseudo.id",
        "traceloop.association.properties.user_id",
        "metadata.user_api_key_user_id",
        "http.request.header.x-account-id",
        "http.request.header.x-user-id",
    ),
    "organization_id": (
        "organization.id",
        "user.organization.id",
        "tenant.id",
        "team.id",
        "metadata.user_api_key_org_id",
        "metadata.user_api_key_team_id",
    ),
    "key_id": ("api_key.id", "user.api_key.id", "metadata.user_api_key_hash"),
    "end_user_id": ("metadata.user_api_key_end_user_id", "gen_ai.request.user"),
    "client_ip": ("client.address", "http.client_ip", "metadata.requester_ip_address"),
    "peer": ("network.peer.address", "net.sock.peer.addr", "net.peer.ip"),
    "user_agent": ("user_agent.original", "http.user_agent", "metadata.user_agent"),
    "ja4": ("tls.client.ja4", "http.request.header.x-ja4-fingerprint", "http.request.header.x-ja4"),
    "ja3": ("tls.client.ja3",),
    "http_status": ("http.response.status_code", "http.status_code"),
    "request_id": ("http.request.header.x-request-id", "http.request.id", "request.id"),
}

IDENTITY = frozenset(
    name
    for column in (
        "account_id",
        "organization_id",
        "key_id",
        "end_user_id",
        "conversation_id",
        "client_ip",
        "peer",
        "user_agent",
        "ja4",
        "ja3",
    )
    for name in ALIASES[column]
) | frozenset((*ALIASES["http_status"], *ALIASES["request_id"]))
"""Attributes that an inference span takes over from the spans above it."""

HEADER = "http.request.header."
INPUT = ("gen_ai.input.messages", "gen_ai.prompt", "llm.prompts")
OUTPUT = ("gen_ai.output.messages", "gen_ai.completion", "llm.completions")
SYSTEM = ("gen_ai.system_instructions", "gen_ai.system.instructions", "llm.system_prompt")
TOOLS = ("gen_ai.tool.definitions", "gen_ai.request.tools", "llm.tools_json")
_INDEXED_INPUT = ("gen_ai.prompt", "llm.input_messages", "llm.prompts")
_INDEXED_OUTPUT = ("gen_ai.completion", "llm.output_messages", "llm.completions")
_INDEXED_TOOLS = ("llm.request.functions", "llm.tools")
_MESSAGE_EVENTS = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}
DETAILS = "gen_ai.client.inference.operation.details"
CONTENT_EVENTS = frozenset((DETAILS, "gen_ai.choice", "gen_ai.content.prompt", "gen_ai.content.completion", *_MESSAGE_EVENTS))
_DEEPEST = 64


def value_of(value: Any, depth: int = 0) -> Any:
    """A value of OTLP/JSON's AnyValue; a value that is none stays as it is."""
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        return value
    for key, inner in value.items():
        match key:
            case (
                "stringValue" | "boolValue" | "doubleValue" | "bytesValue" | "string_value" | "bool_value" | "double_value" | "bytes_value"
            ):
                return inner
            case "intValue" | "int_value":
                return (
                    int(inner)
                    if isinstance(inner, str) and inner.lstrip("-").isdecimal() and inner.isascii() and len(inner) < 20
                    else inner
                )
            case "arrayValue" | "array_value":
                values = inner.get("values") if isinstance(inner, Mapping) else None
                return [value_of(item, depth + 1) for item in values] if isinstance(values, list) else []
            case "kvlistValue" | "kvlist_value":
                return attributes_of(inner.get("values") if isinstance(inner, Mapping) else None, depth + 1)
    return value or None  # {} is OTLP's null


def attributes_of(listed: Any, depth: int = 0) -> dict[str, Any]:
    """Attributes as a dict, from OTLP's list of {key, value} (or from a plain object)."""
    if isinstance(listed, Mapping):
        return {str(key): value_of(value, depth) for key, value in listed.items()}
    found: dict[str, Any] = {}
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, Mapping) and isinstance(item.get("key"), str):
            found[item["key"]] = value_of(item.get("value"), depth)
    return found


def lookup(column: str, levels: Iterable[Mapping[str, Any]]) -> tuple[Any, str]:
    """The value of a column and its attribute's name: the nearest level that has one, there the most current name."""
    names = ALIASES[column]
    for attributes in levels:
        for name in names:
            value = attributes.get(name)
            if value is not None and value not in ("", []):
                return value, name
    return None, names[0]


def identity_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What of these attributes tells who called, and from where."""
    return {name: value for name, value in attributes.items() if name in IDENTITY or name.startswith(HEADER)}


@dataclass
class Content:
    """What was said, from attributes and events; None where nothing is."""

    asked: Any = None
    answered: Any = None
    system: Any = None
    tools: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)  # of a details event: what the span may lack

    def fill(self, other: Content) -> None:
        """Take over from `other` what is missing."""
        self.asked = other.asked if self.asked is None else self.asked
        self.answered = other.answered if self.answered is None else self.answered
        self.system = other.system if self.system is None else self.system
        self.tools = other.tools if self.tools is None else self.tools


def content_of(attributes: Mapping[str, Any]) -> Content:
    """The content on one span's or event's own attributes, in whichever way it is written there."""
    found = Content(*(_direct(attributes, names) for names in (INPUT, OUTPUT, SYSTEM, TOOLS)))
    if found.asked is None or found.answered is None or found.tools is None:
        nested = _nested(attributes)
        found.fill(
            Content(
                next((_messages(nested[name]) for name in _INDEXED_INPUT if name in nested), None),
                next((_messages(nested[name]) for name in _INDEXED_OUTPUT if name in nested), None),
                None,
                next((_tools(nested[name]) for name in _INDEXED_TOOLS if name in nested), None),
            )
        )
    if found.asked is None:
        found.asked = decoded(attributes.get("input.value"))
    if found.answered is None:
        found.answered = decoded(attributes.get("output.value"))
    return found


def content_of_events(events: Iterable[tuple[str, Mapping[str, Any], Any]]) -> Content:
    """The content of events, each as (name, attributes, body of a log record)."""
    whole = Content()
    messages: list[Any] = []
    choices: list[Any] = []
    for name, attributes, body in events:
        inner = body if isinstance(body, Mapping) else decoded(attributes.get("gen_ai.event.content"))
        fields = {**attributes, **inner} if isinstance(inner, Mapping) else dict(attributes)
        if name in _MESSAGE_EVENTS:
            messages.append({**fields, "role": fields.get("role") or _MESSAGE_EVENTS[name]})
        elif name == "gen_ai.choice":
            message = decoded(fields.get("message"))
            said = message if isinstance(message, Mapping) else {"content": message if message is not None else fields.get("content")}
            choices.append(
                {
                    "finish_reason": fields.get("finish_reason"),
                    "message": {**said, "tool_calls": said.get("tool_calls") or fields.get("tool_calls")},
                }
            )
        else:
            whole.fill(content_of(fields))
            if name == DETAILS:
                whole.attributes = {**fields, **whole.attributes}
    whole.fill(Content(messages or None, {"choices": choices} if choices else None))
    return whole


def _direct(attributes: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        value = attributes.get(name)
        if value is not None and value not in ("", []):
            return decoded(value)
    return None


def _nested(attributes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Indexed attributes (`gen_ai.prompt.0.content`) as nested dicts under their prefix."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in attributes.items():
        if not name.startswith(("gen_ai.prompt.", "gen_ai.completion.", "llm.")):
            continue
        for prefix in (*_INDEXED_INPUT, *_INDEXED_OUTPUT, *_INDEXED_TOOLS):
            if name.startswith(prefix + "."):
                steps = name[len(prefix) + 1 :].split(".", 12)
                if steps[0].isdecimal():
                    node: Any = found.setdefault(prefix, {})
                    for step in steps[:-1]:
                        node = node.setdefault(step, {}) if isinstance(node, dict) else None
                    if isinstance(node, dict):
                        node.setdefault(steps[-1], value)
                break
    return found


def _listed(node: Any) -> list[Any]:
    """A nested dict with numbers as keys, as the list that it stands for."""
    if not isinstance(node, dict):
        return []
    return [node[key] for key in sorted((key for key in node if key.isdecimal()), key=lambda key: (len(key), key))]


def _messages(node: Any) -> list[Any]:
    found = []
    for item in _listed(node):
        message = item.get("message", item) if isinstance(item, dict) else item
        if not isinstance(message, dict):
            found.append(message)
            continue
        content = message.get("content")
        parts = decoded(content)
        if isinstance(parts, list) and parts and all(isinstance(part, dict) and "type" in part for part in parts):
            content = parts
        if isinstance(message.get("contents"), dict):  # OpenInference
            parts = [part.get("message_content", part) if isinstance(part, dict) else part for part in _listed(message["contents"])]
            content = [{**part, "type": part.get("type", "text")} if isinstance(part, dict) else part for part in parts]
        calls = [call.get("tool_call", call) if isinstance(call, dict) else call for call in _listed(message.get("tool_calls"))]
        found.append(
            {
                "role": message.get("role"),
                "content": content,
                "tool_calls": calls or None,
                "reasoning": message.get("reasoning"),
                "finish_reason": message.get("finish_reason"),
            }
        )
    return found


def _tools(node: Any) -> list[Any]:
    tools = []
    for item in _listed(node):
        inner = item.get("tool", item) if isinstance(item, dict) else item
        tools.append(decoded(inner["json_schema"]) if isinstance(inner, dict) and "json_schema" in inner else inner)
    return tools
