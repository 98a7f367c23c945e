"""What was asked and answered, from the attributes and events of a span or log record, in whichever dialect it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stillhunt.intake.formats.values import decoded

INPUT = (
    *("gen_ai.input.messages", "gen_ai.prompt", "llm.prompts", "llm.input_messages", "ai.prompt.messages", "ai.prompt"),
    *("langfuse.observation.input", "langfuse.generation.input", "gen_ai.request.messages", "request_text", "ai.value", "ai.values"),
)
OUTPUT = (
    *("gen_ai.output.messages", "gen_ai.completion", "llm.completions", "llm.output_messages", "langfuse.observation.output"),
    *("langfuse.generation.output", "gen_ai.response.messages", "response_text"),
)
SYSTEM = ("gen_ai.system_instructions", "gen_ai.system.instructions", "llm.system_prompt")
TOOLS = ("gen_ai.tool.definitions", "gen_ai.request.tools", "llm.tools_json", "ai.prompt.tools")
WHOLE = ("events", "all_messages_events", "pydantic_ai.all_messages", "gen_ai.all_messages", "all_messages")
"""Attributes that hold a conversation with its answer at the end, as messages or as events."""
_BODIES = (
    ("request_data", "response_data"),
    ("input.value", "output.value"),
    ("mlflow.spanInputs", "mlflow.spanOutputs"),
    ("traceloop.entity.input", "traceloop.entity.output"),
)
"""Attributes that hold an API's bodies: (request, response)."""
_VERCEL = ("ai.response.text", "ai.response.object", "ai.response.toolCalls", "ai.response.reasoning", "ai.result.text", "ai.result.object")
_INDEXED_INPUT = ("gen_ai.prompt", "llm.input_messages", "llm.prompts")
_INDEXED_OUTPUT = ("gen_ai.completion", "llm.output_messages", "llm.completions")
_INDEXED_TOOLS = ("llm.request.functions", "llm.tools")
_MESSAGE_EVENTS = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}
DETAILS = "gen_ai.client.inference.operation.details"
CONTENT_EVENTS = frozenset((DETAILS, "gen_ai.choice", "gen_ai.content.prompt", "gen_ai.content.completion", *_MESSAGE_EVENTS))
ASKED_NAMES = frozenset((*INPUT, *WHOLE, *(request for request, _ in _BODIES), "gen_ai.input.messages_ref"))
CONTENT_NAMES = ASKED_NAMES | frozenset((*OUTPUT, *_VERCEL, *(response for _, response in _BODIES)))
CONTENT_PREFIXES = tuple(f"{name}." for name in (*_INDEXED_INPUT, *_INDEXED_OUTPUT))
ASKED_PREFIXES = tuple(f"{name}." for name in _INDEXED_INPUT)
_VERCEL_TYPES = {"tool-call": "tool_call", "tool-result": "tool_result", "redacted-reasoning": "redacted_thinking"}


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
    found.asked = _usual(found.asked)
    found.answered = _usual(found.answered)
    if found.answered is None:
        found.answered = _vercel_answer(attributes)
    if found.asked is None or found.answered is None or found.tools is None:
        nested = _nested(attributes)
        if nested:
            found.fill(
                Content(
                    next((_messages(nested[name]) for name in _INDEXED_INPUT if name in nested), None),
                    next((_messages(nested[name]) for name in _INDEXED_OUTPUT if name in nested), None),
                    None,
                    next((_tools(nested[name]) for name in _INDEXED_TOOLS if name in nested), None),
                )
            )
    if found.asked is None:
        for name in WHOLE:
            if attributes.get(name) not in (None, "", []):
                found.fill(_conversation(decoded(attributes[name])))
    for request, response in _BODIES:
        if found.asked is None:
            found.asked = _usual(decoded(attributes.get(request)))
        if found.answered is None:
            found.answered = _answer_body(decoded(attributes.get(response)))
    if found.tools is None:
        parameters = decoded(attributes.get("model_request_parameters"))  # Pydantic AI
        tools = parameters.get("function_tools") if isinstance(parameters, Mapping) else None
        found.tools = tools or None
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


def _conversation(value: Any) -> Content:
    """A conversation as a list of messages or of events with `event.name`: what was asked, and the answer at its end."""
    if not isinstance(value, list):
        return Content(asked=_usual(value))
    events: list[tuple[str, Mapping[str, Any], Any]] = []
    messages: list[Any] = []
    for item in value:
        name = item.get("event.name") or item.get("name") if isinstance(item, Mapping) else None
        if isinstance(name, str) and name in CONTENT_EVENTS:
            events.append((name, {key: inner for key, inner in item.items() if key != "event.name"}, None))
        elif item not in (None, "", {}):
            messages.append(item)
    found = content_of_events(events)
    if messages:
        messages = _usual(messages)
        asked = list(messages)
        while asked and isinstance(asked[-1], Mapping) and asked[-1].get("role") in ("assistant", "ai", "model"):
            asked.pop()
        found.fill(Content(asked or None, messages[len(asked) :] or None))
    elif found.answered is None and isinstance(found.asked, list):  # no choice: the last word is the assistant's
        asked = list(found.asked)
        while asked and asked[-1].get("role") == "assistant":
            asked.pop()
        if asked and len(asked) < len(found.asked):
            found.asked, found.answered = asked, found.asked[len(asked) :]
    return found


def _usual(value: Any) -> Any:
    """Messages as `read_body` knows them: LangChain's and Vercel's own ways to write them are undone."""
    if isinstance(value, Mapping):
        for key in ("messages", "inputs"):
            inner = decoded(value.get(key))
            if isinstance(inner, list):
                return {**value, "messages": _usual(inner)}
        return value
    if not isinstance(value, list):
        return value
    messages = value[0] if len(value) == 1 and isinstance(value[0], list) else value
    return [_usual_message(message) for message in messages]


def _usual_message(message: Any) -> Any:
    if not isinstance(message, Mapping):
        return message
    inner = message.get("kwargs") if message.get("type") == "constructor" else message.get("data") if "role" not in message else None
    if isinstance(inner, Mapping):  # LangChain's messages: {"type": "constructor", "kwargs": {…}}, {"type": "human", "data": {…}}
        return _usual_message({"type": message.get("type"), **inner})
    if message.get("kind") in ("request", "response") and isinstance(message.get("parts"), list):  # Pydantic AI's own
        return {"role": "user" if message["kind"] == "request" else "assistant", "parts": message["parts"]}
    content = message.get("content")
    if isinstance(content, list) and any(isinstance(part, Mapping) and part.get("type") in _VERCEL_TYPES for part in content):
        return {**message, "content": [_usual_part(part) for part in content]}
    return message


def _usual_part(part: Any) -> Any:
    """A part of Vercel's messages."""
    if not isinstance(part, Mapping) or part.get("type") not in _VERCEL_TYPES:
        return part
    kind = _VERCEL_TYPES[part["type"]]
    if kind == "tool_call":
        return {"type": kind, "name": part.get("toolName"), "arguments": part.get("args", part.get("input"))}
    result = part.get("result", part.get("output"))
    if isinstance(result, Mapping) and set(result) == {"type", "value"}:
        result = result["value"]
    return {**part, "type": kind, "content": result}


def _vercel_answer(attributes: Mapping[str, Any]) -> Any:
    text = next((attributes[name] for name in _VERCEL if "text" in name and attributes.get(name)), None)
    text = text or next((attributes[name] for name in _VERCEL if "object" in name and attributes.get(name)), None)
    calls = decoded(attributes.get("ai.response.toolCalls") or attributes.get("ai.result.toolCalls"))
    reasoning = attributes.get("ai.response.reasoning")
    if text is None and not calls and not reasoning:
        return None
    listed = calls if isinstance(calls, list) else []
    return {
        "role": "assistant",
        "content": text,
        "reasoning": reasoning,
        "tool_calls": [
            {"name": call.get("toolName"), "arguments": call.get("args", call.get("input"))} for call in listed if isinstance(call, Mapping)
        ]
        or None,
    }


def _answer_body(value: Any) -> Any:
    if isinstance(value, Mapping):
        streamed = value.get("combined_chunk_content")  # Logfire's, of a stream
        if streamed is not None:
            return str(streamed)
        generations = value.get("generations")  # LangChain's result
        while isinstance(generations, list) and generations:
            generations = generations[0]
        if isinstance(generations, Mapping):
            message = generations.get("message")
            return _usual_message(message) if isinstance(message, Mapping) else generations.get("text")
    return _usual(value)


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
