"""Parts: the pieces of which one message's content is made, in every API's spelling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from stillhunt.intake.formats.values import encodable, json_text

TEXT = "text"
REASONING = "reasoning"
TOOL_CALL = "tool_call"
TOOL_RESULT = "tool_call_response"
IMAGE = "image"
OTHER = "other"

_DEEPEST = 8
"""Parts nest (a tool's result holds parts again), in no API more than three deep; below this it is kept as JSON."""

_KINDS = {
    "text": TEXT,
    "input_text": TEXT,
    "output_text": TEXT,
    "summary_text": TEXT,
    "refusal": TEXT,
    "message": TEXT,
    "reasoning": REASONING,
    "reasoning_text": REASONING,
    "reasoning.text": REASONING,
    "reasoning.summary": REASONING,
    "thinking": REASONING,
    "redacted_thinking": REASONING,
    "tool_call": TOOL_CALL,
    "tool_use": TOOL_CALL,
    "server_tool_use": TOOL_CALL,
    "server_tool_call": TOOL_CALL,
    "mcp_tool_use": TOOL_CALL,
    "mcp_call": TOOL_CALL,
    "function": TOOL_CALL,
    "function_call": TOOL_CALL,
    "custom_tool_call": TOOL_CALL,
    "tool_result": TOOL_RESULT,
    "tool_call_response": TOOL_RESULT,
    "server_tool_call_response": TOOL_RESULT,
    "function_call_output": TOOL_RESULT,
    "custom_tool_call_output": TOOL_RESULT,
    "image": IMAGE,
    "image_url": IMAGE,
    "input_image": IMAGE,
    "audio": IMAGE,
    "input_audio": IMAGE,
    "video": IMAGE,
    "video_url": IMAGE,
    "file": IMAGE,
    "input_file": IMAGE,
    "document": IMAGE,
    "blob": IMAGE,
    "uri": IMAGE,
}
_UNTYPED = {  # Gemini's parts say by their one key what they are
    "text": TEXT,
    "functionCall": TOOL_CALL,
    "function_call": TOOL_CALL,
    "functionResponse": TOOL_RESULT,
    "function_response": TOOL_RESULT,
    "inlineData": IMAGE,
    "inline_data": IMAGE,
    "fileData": IMAGE,
    "file_data": IMAGE,
}
_CONTENT = {
    TEXT: ("text", "content", "refusal"),
    REASONING: ("thinking", "text", "content", "summary"),
    TOOL_RESULT: ("content", "output", "response", "result", "functionResponse", "function_response"),
    OTHER: ("content", "text"),
}


class Part(NamedTuple):
    """One piece: its kind (text, reasoning, tool_call, tool_call_response, image, other) and its text."""

    kind: str
    text: str


def parts_of(content: Any, depth: int = 0, *, kind: str | None = None) -> list[Part]:
    """The parts of a message's content: text, a part, or a list of them. `kind` is what an untyped part is taken for."""
    if content is None:
        return []
    if isinstance(content, str):
        return [Part(kind or TEXT, encodable(content))]
    if isinstance(content, Mapping):
        return [_part(content, depth, kind)]
    if isinstance(content, list | tuple) and depth < _DEEPEST:
        return [part for item in content for part in parts_of(item, depth + 1, kind=kind)]
    return [Part(kind or OTHER, json_text(content))]


def _part(part: Mapping[str, Any], depth: int, default: str | None) -> Part:
    name = part.get("type")
    kind = _KINDS.get(name) if isinstance(name, str) else next((_UNTYPED[key] for key in part if key in _UNTYPED), default)
    if kind is None and isinstance(name, str):
        kind = TOOL_RESULT if name.endswith(("_tool_result", "_call_output")) else TOOL_CALL if name.endswith("_call") else None
    if kind == IMAGE:
        return Part(IMAGE, "")
    if kind == TOOL_CALL:
        return Part(TOOL_CALL, _call(part))
    for key in _CONTENT.get(kind or OTHER, ()):
        value = part.get(key)
        if isinstance(value, str):
            return Part(kind or OTHER, encodable(value))
        if value is not None and value != []:
            inner = parts_of(value, depth + 1) if isinstance(value, list | tuple) else [Part(OTHER, json_text(value))]
            return Part(kind or OTHER, "\n".join(found.text for found in inner if found.kind != IMAGE))
    # Encrypted reasoning has no text; an unknown part is kept whole rather than lost.
    return Part(kind, "") if kind in (REASONING, TEXT) else Part(kind or OTHER, json_text(part))


def _call(part: Mapping[str, Any]) -> str:
    """A tool call as "name arguments"; the arguments' JSON as the model wrote it where that is kept."""
    if isinstance(part.get("content"), str):
        return encodable(part["content"])
    inner = part.get("function") or part.get("functionCall") or part.get("function_call")
    call = inner if isinstance(inner, Mapping) else part
    name = call.get("name")
    arguments = next((call[key] for key in ("arguments", "input", "args") if call.get(key) is not None), None)
    if not isinstance(name, str) and arguments is None:
        return json_text(part)
    text = arguments if isinstance(arguments, str) else "" if arguments is None else json_text(arguments)
    return encodable(f"{name} {text}".rstrip() if isinstance(name, str) else text)
