"""Bodies: what was asked and what was answered, whatever API's shape a source carries.

In: a request (messages, a prompt or a whole body, as JSON or as JSON text) and a response. Understood are OpenAI
Chat Completions and Responses, Anthropic Messages, Gemini's contents, OpenTelemetry's `parts` messages, streamed
responses, and what LiteLLM leaves of a body after truncating or redacting it. Out: `Body`. No I/O, and nothing raises:
what is not understood is kept as JSON text of an "other" speaker, so that no text is lost to a new API.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stillhunt.intake.formats.values import decoded, encodable, json_text
from stillhunt.intake.parts import IMAGE, REASONING, TOOL_CALL, TOOL_RESULT, Part, parts_of
from stillhunt.intake.streams import aggregate, events_of
from stillhunt.records import ROLE_LETTERS, TURN

TRUNCATION_MARKS = ("truncated by litellm", "litellm_truncated")
"""What LiteLLM writes where it cut: at the end of a field in some loggers' payloads, within long strings in spend logs."""
_TAIL = 160
"""Characters at the end of a text among which the first mark stands, with what LiteLLM writes after it."""
REDACTED = "redacted-by-litellm"
"""What LiteLLM writes instead of content with `turn_off_message_logging`. Taken for a prompt, it would make everybody alike."""
NO_TEXT = frozenset(
    (
        *(REDACTED, "default-message-value", "redacted", "REDACTED", "Redacted", "***REDACTED***", "***", "[Content redacted]"),
        *(
            f"{left}{word}{right}"
            for word in ("redacted", "REDACTED", "masked", "MASKED", "filtered", "FILTERED")
            for left, right in ("[]", "<>")
        ),
    )
)
"""Whole texts that stand for content which a gateway or an SDK left out: no text, as if nothing had been logged."""

_LONGEST_NO_TEXT = max(map(len, NO_TEXT))

LETTERS = {**ROLE_LETTERS, "system": "s", "developer": "s", "human": "u", "ai": "a"}
"""Role -> its letter in the transcript; "s" is the system's, which stands apart, and any other role is "o"."""
_REQUEST_KEYS = ("messages", "input", "contents", "prompt")
_ROLE_OF_TYPE = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}


@dataclass(slots=True)
class Body:
    """The text of one interaction; None where the source carries none.

    `transcript` is as `records.INTAKE_INTERACTIONS` describes it; `tools` is the JSON of the tool definitions;
    `messages` is canonical JSON and filled only with `keep_text`; `images` counts parts that are no text.
    """

    system: str | None = None
    transcript: str | None = None
    tools: str | None = None
    tool_count: int | None = None
    response: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    truncated: bool = False
    messages: str | None = None
    images: int = 0


def read_body(request: Any, response: Any, *, tools: Any = None, system: Any = None, keep_text: bool = False) -> Body:
    """Read one request and its response.

    Args:
        request: messages, a prompt, or a whole request body; as JSON values or JSON text.
        response: a response body, messages, text, a list of streamed chunks or a server-sent event stream.
        tools: tool definitions, where the source holds them apart from the request.
        system: system instructions, where the source holds them apart from the request.
        keep_text: whether to fill `messages`.
    """
    body = Body()
    systems: list[str] = []
    turns: list[str] = []
    kept: list[dict[str, Any]] | None = [] if keep_text else None
    if system is not None:
        body.images += _add_system(decoded(system), systems)
    if type(request) is not list and request is not None:
        request, inner_tools, inner_system = _unfold(request, body)
        tools = tools or inner_tools
        if inner_system is not None:
            body.images += _add_system(inner_system, systems)
    if request is not None:
        for message in request:
            # The bare {"role", "content": text}, or one part of text, is nearly all of the traffic: it is worth a path of its own.
            if kept is None and type(message) is dict and len(message) == 2:
                content, role = message.get("content"), message.get("role")
                if content is None:
                    content = _only_text(message.get("parts"))
                if type(content) is str and type(role) is str:
                    letter = LETTERS.get(role, "o")
                    if letter == "s":
                        systems.append(content)
                    else:
                        turns.append(letter + (content.replace(TURN, " ") if TURN in content else content))
                    continue
            body.images += _add_message(message, systems, turns, kept)
    if tools:
        set_tools(body, decoded(tools))
    if response is not None:
        _read_response(body, response)
    if systems:
        body.system = _finished(body, "\n".join(systems))
    if turns and not (len(turns[0]) <= _LONGEST_NO_TEXT + 1 and turns[0][1:] in NO_TEXT):
        body.transcript = _finished(body, TURN + TURN.join(turns))
        if kept is not None:
            body.messages = json_text(kept)
    return body


def _only_text(parts: Any) -> str | None:
    """The text of parts that are one bare part of text."""
    if type(parts) is list and len(parts) == 1 and type(part := parts[0]) is dict and len(part) == 2 and part.get("type") == "text":
        content = part.get("content")
        return content if type(content) is str else None
    return None


def _finished(body: Body, text: str) -> str | None:
    found, cut = finished(text)
    if cut:
        body.truncated = True
    return found


def finished(text: str) -> tuple[str | None, bool]:
    """A text as it is kept (None when there is none, or when it is redacted), and whether LiteLLM cut it."""
    # One character is found twenty times faster than a word, and this runs over every text.
    cut = ("_" in text and TRUNCATION_MARKS[1] in text) or TRUNCATION_MARKS[0] in text[-_TAIL:]
    if not text or (len(text) <= _LONGEST_NO_TEXT and text in NO_TEXT):
        return None, cut
    return (text if text.isascii() else encodable(text)), cut


# --------------------------------------------------------------------------------------------------------------------
# Requests


def _unfold(request: Any, body: Body) -> tuple[Iterable[Any] | None, Any, Any]:
    """(messages, tools, system) of a request that is not already a list of messages."""
    request = opened_body(request)
    if isinstance(request, str):
        request = salvaged(request) if any(mark in request[-_TAIL:] for mark in TRUNCATION_MARKS) else request
        if isinstance(request, str):
            return ([{"role": "user", "content": request}] if request else None), None, None
        body.truncated = True
    if isinstance(request, list | tuple):
        return request, None, None
    if not isinstance(request, Mapping):
        return [{"role": "other", "content": json_text(request)}], None, None
    if "litellm_truncated" in request:
        body.truncated = True
        return None, None, None
    tools = request.get("tools") or request.get("functions")
    system = request.get("system") or request.get("instructions") or request.get("system_instruction") or request.get("systemInstruction")
    for key in _REQUEST_KEYS:
        inner = decoded(request.get(key))
        if inner is not None and inner != "":
            return (inner if isinstance(inner, list) else [inner]), tools, system
    if "role" in request or "parts" in request:
        return [request], None, None
    if not request or tools or system:
        return None, tools, system
    return [{"role": "user", "content": json_text(request)}], None, None


_SHAPES = frozenset(
    (
        *(*_REQUEST_KEYS, "role", "type", "parts", "content", "tool_calls", "tools", "functions", "system", "instructions"),
        *("choices", "output", "candidates", "message", "output_text", "completion", "text", "error", "object", "litellm_truncated"),
    )
)


def opened_body(value: Any) -> Any:
    """JSON text decoded when a body is in it; any other text stays as written, for models are asked and answer in JSON, too."""
    if not isinstance(value, str):
        return decoded(value)
    found = decoded(value)
    items = found if isinstance(found, list) else [found]
    if all(isinstance(item, str) or (isinstance(item, Mapping) and (not item or not _SHAPES.isdisjoint(item))) for item in items):
        return found
    return value


def _add_system(value: Any, systems: list[str]) -> int:
    if isinstance(value, Mapping) and "parts" in value:
        value = value["parts"]
    parts = parts_of(value)
    text = "\n".join(part.text for part in parts if part.kind != IMAGE)
    if text:
        systems.append(text)
    return sum(part.kind == IMAGE for part in parts)


def _add_message(message: Any, systems: list[str], turns: list[str], kept: list[dict[str, Any]] | None) -> int:
    """Add one message of any shape; returns how many images it holds."""
    role, parts = message_parts(message)
    letter = LETTERS.get(role, "o")
    images = sum(part.kind == IMAGE for part in parts)
    if letter == "s":
        systems.append("\n".join(part.text for part in parts if part.kind != IMAGE))
        return images
    # Tools' results stand inside user messages in some APIs and on their own in others: both become the tool's turn.
    speaker = ""
    texts: list[str] = []
    for part in parts:
        whose = "t" if part.kind == TOOL_RESULT else letter
        if whose != speaker:
            if speaker:
                turns.append(speaker + "\n".join(texts).replace(TURN, " "))
            speaker, texts = whose, []
        if part.kind != IMAGE:
            texts.append(part.text)
    turns.append((speaker or letter) + "\n".join(texts).replace(TURN, " "))
    if kept is not None:
        kept.append({"role": role, "parts": [{"type": part.kind, "content": part.text} for part in parts]})
    return images


def message_parts(message: Any) -> tuple[str, list[Part]]:
    """(role, parts) of one message or item of a conversation."""
    if not isinstance(message, Mapping):
        return ("user" if isinstance(message, str) else "other"), parts_of(message)
    role = message.get("role")
    if not isinstance(role, str) or not role:
        kind = message.get("type")
        role = _ROLE_OF_TYPE.get(kind) if isinstance(kind, str) else None
        if role is None:
            if kind in (None, "message") and ("content" in message or "parts" in message):
                role = "other"
            else:
                parts = parts_of([message])
                return _role_of(parts), parts
    content = message.get("content")
    if content is None:
        content = message.get("parts")
    parts = reasoning_of(message) + parts_of(content)
    calls = message.get("tool_calls") or message.get("function_call")
    if calls:
        parts += [Part(TOOL_CALL, part.text) for part in parts_of(calls, kind=TOOL_CALL)]
    return encodable(role), parts


def _role_of(parts: list[Part]) -> str:
    kinds = {part.kind for part in parts}
    if TOOL_RESULT in kinds:
        return "tool"
    if TOOL_CALL in kinds or REASONING in kinds:
        return "assistant"
    return "user" if kinds <= {"text", IMAGE} else "other"


def reasoning_of(message: Mapping[str, Any]) -> list[Part]:
    """Reasoning that a message carries beside its content; the first field that has any, since providers duplicate it."""
    for key in ("reasoning_content", "reasoning", "thinking_blocks", "reasoning_details"):
        value = message.get(key)
        if value:
            texts = [part.text for part in parts_of(value) if part.text]
            if texts:
                return [Part(REASONING, "\n".join(texts))]
    return []


def set_tools(body: Body, tools: Any) -> None:
    """Keep decoded tool definitions, and how many they are."""
    body.tool_count = len(tools) if isinstance(tools, list | tuple) else 1
    text = tools if isinstance(tools, str) else json_text(tools)
    body.tools = _finished(body, text)


# --------------------------------------------------------------------------------------------------------------------
# Responses


def _read_response(body: Body, response: Any) -> None:
    if type(response) is dict:
        choices = response.get("choices")
        if type(choices) is list and len(choices) == 1 and type(choices[0]) is dict:
            message = choices[0].get("message")
            if type(message) is dict:
                content = message.get("content")
                plain = not (message.get("tool_calls") or message.get("reasoning_content") or message.get("function_call"))
                if type(content) is str and plain and not message.get("reasoning") and not message.get("thinking_blocks"):
                    body.finish_reason = _word(choices[0].get("finish_reason"))
                    body.response = _finished(body, content)
                    return
    parts, body.finish_reason = answer_parts(response, body)
    body.images += sum(part.kind == IMAGE for part in parts)
    texts = [part.text for part in parts if part.kind not in (REASONING, IMAGE) and part.text]
    thoughts = [part.text for part in parts if part.kind == REASONING and part.text]
    if texts:
        body.response = _finished(body, "\n".join(texts))
    if thoughts:
        body.reasoning = _finished(body, "\n".join(thoughts))


def answer_parts(response: Any, body: Body) -> tuple[list[Part], str | None]:
    """(parts, finish reason) of a response of any shape; sets `body.truncated` where it was cut."""
    response = opened_body(response)
    if isinstance(response, str):
        events = events_of(response)
        if events:
            return answer_parts(aggregate(events), body)
        if any(mark in response[-_TAIL:] for mark in TRUNCATION_MARKS):
            body.truncated = True
            response = salvaged(response)
        if isinstance(response, str):
            return parts_of(response), None
    if isinstance(response, list | tuple):
        whole = aggregate(response)
        return answer_parts(whole, body) if whole else _several(response)
    if not isinstance(response, Mapping):
        return parts_of(response), None
    if "litellm_truncated" in response:
        body.truncated = True
        return [], None
    for key in ("choices", "output", "candidates"):
        if isinstance(response.get(key), list):
            parts, reason = _several(response[key])
            return parts, reason or _stop(response)
    inner = response.get("message")
    if isinstance(inner, Mapping):
        return message_parts(inner)[1], _stop(response)
    if "content" in response or "parts" in response or "tool_calls" in response:
        return message_parts({"role": "assistant", **response})[1], _stop(response)
    for key in ("output_text", "text", "completion", "response", "output"):
        if isinstance(response.get(key), str):
            return parts_of(response[key]), _stop(response)
    if not response or "error" in response or "data" in response or "object" in response:
        return [], _stop(response)  # an error, embeddings, images: nothing was said
    return parts_of(json_text(response)), None


def _several(items: Iterable[Any]) -> tuple[list[Part], str | None]:
    """Choices, output items, candidates or messages, one after another; the first finish reason counts."""
    parts: list[Part] = []
    reason: str | None = None
    for item in items:
        if isinstance(item, Mapping):
            reason = reason or _stop(item)
            inner = item.get("message") or item.get("delta")
            if not isinstance(inner, Mapping) and isinstance(item.get("content"), Mapping):
                inner = item["content"]  # Gemini's candidate
            if isinstance(inner, Mapping):
                parts += message_parts({"role": "assistant", **inner})[1]
                continue
            if "type" not in item and isinstance(item.get("text"), str):
                parts += parts_of(item["text"])
                continue
            if "finish_reason" in item and "content" not in item and "parts" not in item:
                continue
        parts += message_parts(item)[1]
    return parts, reason


def _stop(item: Mapping[str, Any]) -> str | None:
    for key in ("finish_reason", "stop_reason", "finishReason", "done_reason"):
        reason = _word(item.get(key))
        if reason:
            return reason
    details = item.get("incomplete_details")
    if isinstance(details, Mapping):
        return _word(details.get("reason"))
    return _word(item.get("status")) if item.get("object") == "response" else None


def _word(value: Any) -> str | None:
    return encodable(value) if isinstance(value, str) and value else None


# --------------------------------------------------------------------------------------------------------------------
# LiteLLM's truncation writes str() of the Python value, cut at some character.

_ENDINGS = ("", "'}]", '"}]', "'}]}]", '"}]}]', "}]", "]", "'}", '"}', "'}}]}", '"}}]}', "}")


def salvaged(text: str) -> Any:
    """The list or object whose beginning `text` shows before LiteLLM's mark, or `text` without the mark."""
    cut = min((found for mark in TRUNCATION_MARKS if (found := text.rfind(mark)) >= 0), default=len(text))
    start = text[:cut].rstrip(" .(")
    if start[:1] in ("[", "{"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            for ending in _ENDINGS:
                try:
                    found = ast.literal_eval(start + ending)
                except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
                    continue
                if isinstance(found, list | dict):
                    return found
    return start
