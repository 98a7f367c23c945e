"""Bodies of vendors that `bodies` does not read as they are: turned into ones that it does.

In: a request or a response as it was sent, decoded or as JSON text. Out: the same in the shape of chat messages, with text
untouched; what is not known passes as it is. Understood are Bedrock's Converse (and Nova, which has its shape), Titan, Llama,
Cohere, AI21 and Claude's old completions, whole or as the chunks of a stream, Vertex's `instances`, and LangChain's
serialised messages. Nothing raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stillhunt.intake.formats.values import decoded

_PARTS = ("toolUse", "toolResult", "reasoningContent", "image", "document", "video", "audio", "guardContent", "cachePoint", "json")
_DEEPEST = 6


def vendor_request(request: Any) -> Any:
    """A request's body as `bodies.read_body` takes it."""
    body = decoded(request)
    if isinstance(body, list):
        return [_message(item) for item in body]
    if not isinstance(body, Mapping):
        return request
    found = dict(body)
    if isinstance(body.get("inputText"), str):  # Titan
        found["prompt"] = body["inputText"]
    if isinstance(body.get("texts"), list):  # Cohere's embeddings
        found["prompt"] = "\n".join(one for one in body["texts"] if isinstance(one, str))
    if "message" in body and "messages" not in body and isinstance(body.get("message"), str):  # Cohere's chat
        found["messages"] = [*map(_cohere, _listed(body.get("chat_history"))), {"role": "user", "content": body["message"]}]
        found.setdefault("system", body.get("preamble"))
    if isinstance(body.get("instances"), list) and "messages" not in body:  # Vertex's predict
        found["messages"] = [_instance(one) for one in body["instances"]]
    messages = found.get("messages")
    if isinstance(messages, list):
        found["messages"] = [_message(item) for item in messages]
    contents = body.get("contents")
    if isinstance(contents, list):  # Gemini
        found["contents"] = [_content(one) for one in contents]
    system = body.get("system")
    if isinstance(system, list):
        found["system"] = [_part(part) for part in system]
    tools = body.get("toolConfig")
    if isinstance(tools, Mapping) and not body.get("tools"):
        found["tools"] = tools.get("tools")
    return found


def vendor_response(response: Any) -> Any:
    """A response's body, or the chunks of a stream, as `bodies.read_body` takes it."""
    body = decoded(response)
    if isinstance(body, list):
        return _streamed(body)
    if not isinstance(body, Mapping):
        return response
    output = body.get("output")
    if isinstance(output, Mapping) and isinstance(output.get("message"), Mapping):  # Converse, Nova
        return {"message": _message(output["message"]), "stop_reason": body.get("stopReason")}
    for key, words, stop in (
        ("results", ("outputText",), ("completionReason",)),  # Titan
        ("generations", ("text",), ("finish_reason",)),  # Cohere's completions, LangChain
        ("outputs", ("text",), ("stop_reason",)),  # Mistral's completions
        ("completions", ("data",), ("finishReason",)),  # AI21
        ("predictions", ("content", "output", "text"), ()),  # Vertex's predict
    ):
        items = body.get(key)
        if isinstance(items, list) and items:
            return _several(items, words, stop)
    if isinstance(body.get("generation"), str):  # Llama
        return {"text": body["generation"], "stop_reason": body.get("stop_reason")}
    if isinstance(body.get("outputText"), str):
        return {"text": body["outputText"], "stop_reason": body.get("completionReason")}
    if "embedding" in body or "embeddings" in body or "embeddingsByType" in body:
        return {}
    return body


def usage_of(response: Any) -> Mapping[str, Any]:
    """The usage that a response, or the last chunk of a stream that has one, tells; {} when none does."""
    found = decoded(response)
    for chunk in reversed(found) if isinstance(found, list) else [found]:
        if isinstance(chunk, Mapping):
            for holder in (chunk, chunk.get("metadata"), chunk.get("message"), chunk.get("response")):
                for key in ("usage", "usageMetadata", "usage_metadata", "amazon-bedrock-invocationMetrics"):
                    if isinstance(holder, Mapping) and isinstance(holder.get(key), Mapping):
                        return dict(holder[key])
            if "generation_token_count" in chunk or "inputTextTokenCount" in chunk:
                results = chunk.get("results")
                said = results[0] if isinstance(results, list) and results and isinstance(results[0], Mapping) else {}
                return {"outputTokenCount": said.get("tokenCount"), **chunk}
    return {}


def _message(message: Any, depth: int = 0) -> Any:
    if not isinstance(message, Mapping):
        return message
    kwargs = message.get("kwargs")
    if isinstance(kwargs, Mapping) and isinstance(message.get("id"), list):  # LangChain's serialised messages
        kinds = {"human": "user", "ai": "assistant", "aimessagechunk": "assistant", "system": "system", "tool": "tool"}
        name = str(kwargs.get("type") or (message["id"] or [""])[-1]).lower()
        role = kinds.get(name) or kinds.get(name.removesuffix("chunk").removesuffix("message"))
        return _message({"role": role or "other", **{key: value for key, value in kwargs.items() if key != "type"}}, depth + 1)
    data = message.get("data")
    if isinstance(data, Mapping) and isinstance(message.get("type"), str) and "content" in data and "role" not in message:
        return _message({"type": message["type"], **data}, depth + 1)
    content = message.get("content")
    if type(content) is list and depth < _DEEPEST:
        plain = _plain(content)
        if plain is None:
            return {**message, "content": [_part(part) for part in content]}
        # Nearly all messages are text: `bodies` reads those with a role and a text much faster.
        return {"role": message.get("role"), "content": plain} if len(message) == 2 else {**message, "content": plain}
    return message


def _content(content: Any) -> Any:
    """One of Gemini's contents, as a message with a text where it is nothing else."""
    parts = content.get("parts") if isinstance(content, Mapping) else None
    plain = _plain(parts) if type(parts) is list else None
    return content if plain is None else {"role": content.get("role") or "user", "content": plain}


def _plain(parts: list[Any]) -> str | None:
    """The text of parts that are nothing else, as `bodies` would join them; None when one of them is."""
    for part in parts:
        if type(part) is not dict or len(part) != 1 or type(part.get("text")) is not str:
            return None
    return "\n".join(part["text"] for part in parts) if parts else None


def _part(part: Any, depth: int = 0) -> Any:
    """A part of Converse's content, which says by its one key what it is."""
    if not isinstance(part, Mapping) or "type" in part or not any(key in part for key in _PARTS) or depth > _DEEPEST:
        return part
    inner: Any
    if isinstance(inner := part.get("toolUse"), Mapping):
        return {"type": "tool_use", "name": inner.get("name"), "input": inner.get("input")}
    if isinstance(inner := part.get("toolResult"), Mapping):
        return {"type": "tool_result", "content": [_part(one, depth + 1) for one in _listed(inner.get("content"))]}
    if isinstance(inner := part.get("reasoningContent"), Mapping):
        thought = inner.get("reasoningText")
        return {"type": "thinking", "thinking": thought.get("text") if isinstance(thought, Mapping) else None}
    if isinstance(inner := part.get("guardContent"), Mapping):
        said = inner.get("text")
        return {"type": "text", "text": said.get("text") if isinstance(said, Mapping) else None}
    if "json" in part:
        return {"type": "other", "content": part["json"]}
    return {"type": "image"}  # also a document, a video, a point up to which a cache goes: nothing to read


def _cohere(message: Any) -> Any:
    if isinstance(message, Mapping) and isinstance(message.get("message"), str):
        role = str(message.get("role", "")).lower()
        return {"role": "assistant" if role == "chatbot" else role or "user", "content": message["message"]}
    return message


def _instance(instance: Any) -> Any:
    if isinstance(instance, Mapping):
        said = next((instance[key] for key in ("prompt", "content", "text", "inputs") if isinstance(instance.get(key), str)), None)
        if said is not None:
            return {"role": "user", "content": said}
    return instance


def _several(items: Sequence[Any], words: tuple[str, ...], stop: tuple[str, ...]) -> dict[str, Any]:
    """Alternatives of one answer as choices."""
    choices: list[dict[str, Any]] = []
    for item in items:
        if isinstance(item, str):
            choices.append({"message": {"content": item}})
            continue
        if isinstance(item, list):  # LangChain nests a list for each prompt
            choices += _several(item, words, stop)["choices"]
            continue
        if not isinstance(item, Mapping):
            continue
        said: Any = next((item[key] for key in words if item.get(key) is not None), None)
        said = said.get("text") if isinstance(said, Mapping) else said
        told = item.get("generation_info")
        reason: Any = next(
            (place[key] for place in (item, told if isinstance(told, Mapping) else {}) for key in stop if place.get(key) is not None), None
        )
        reason = reason.get("reason") if isinstance(reason, Mapping) else reason
        inner = item.get("message")
        message = _message(inner) if isinstance(inner, Mapping) else {"content": said}
        if isinstance(message, Mapping) and not message.get("content") and said:
            message = {**message, "content": said}
        choices.append({"message": message, "finish_reason": reason})
    return {"choices": choices}


def _streamed(chunks: list[Any]) -> Any:
    """The chunks of a stream as one body; lists of another kind as they are."""
    found = [chunk for chunk in chunks if isinstance(chunk, Mapping)]
    if not found:
        return chunks
    if any(key in chunk for chunk in found for key in ("contentBlockDelta", "messageStart", "messageStop")):
        return _converse(found)
    for key, stop in (("outputText", "completionReason"), ("generation", "stop_reason"), ("completion", "stop_reason")):
        if any(isinstance(chunk.get(key), str) for chunk in found):
            return {
                "text": "".join(chunk[key] for chunk in found if isinstance(chunk.get(key), str)),
                "stop_reason": next((chunk[stop] for chunk in reversed(found) if chunk.get(stop)), None),
            }
    if any(isinstance(chunk.get("event_type"), str) for chunk in found):  # Cohere's chat
        return {
            "text": "".join(
                chunk["text"] for chunk in found if isinstance(chunk.get("text"), str) and chunk.get("event_type") == "text-generation"
            ),
            "stop_reason": next((chunk["finish_reason"] for chunk in found if chunk.get("finish_reason")), None),
        }
    if any(isinstance(chunk.get("candidates"), list) for chunk in found):
        return _gemini(found)
    if any(isinstance(chunk.get("outputs"), list) for chunk in found):  # Mistral's completions
        pieces = [one for chunk in found for one in _listed(chunk.get("outputs")) if isinstance(one, Mapping)]
        return {
            "text": "".join(one["text"] for one in pieces if isinstance(one.get("text"), str)),
            "stop_reason": next((one["stop_reason"] for one in reversed(pieces) if one.get("stop_reason")), None),
        }
    return chunks


def _converse(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[dict[str, Any]] = []
    reason = None
    for chunk in chunks:
        start, delta, stop = (chunk.get(key) for key in ("contentBlockStart", "contentBlockDelta", "messageStop"))
        if isinstance(start, Mapping) and isinstance(start.get("start"), Mapping) and isinstance(start["start"].get("toolUse"), Mapping):
            calls.append({"type": "tool_use", "name": start["start"]["toolUse"].get("name"), "input": ""})
        piece = delta.get("delta") if isinstance(delta, Mapping) else None
        if isinstance(piece, Mapping):
            if isinstance(piece.get("text"), str):
                texts.append(piece["text"])
            thought, call = piece.get("reasoningContent"), piece.get("toolUse")
            if isinstance(thought, Mapping) and isinstance(thought.get("text"), str):
                thoughts.append(thought["text"])
            if isinstance(call, Mapping) and isinstance(call.get("input"), str) and calls:
                calls[-1]["input"] += call["input"]
        if isinstance(stop, Mapping):
            reason = stop.get("stopReason")
    content: list[dict[str, Any]] = [{"type": "thinking", "thinking": "".join(thoughts)}] if thoughts else []
    return {"content": [*content, {"type": "text", "text": "".join(texts)}, *calls], "stop_reason": reason}


def _gemini(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    parts: list[Any] = []
    reason = None
    for chunk in chunks:
        for candidate in _listed(chunk.get("candidates"))[:1]:
            if isinstance(candidate, Mapping):
                reason = candidate.get("finishReason") or reason
                content = candidate.get("content")
                for part in _listed(content.get("parts") if isinstance(content, Mapping) else None):
                    last: Any = parts[-1] if parts else None
                    # A stream cuts text anywhere: its pieces are one text again.
                    if _is_text(part) and _is_text(last) and part.get("thought") == last.get("thought"):
                        parts[-1] = {**last, "text": last["text"] + part["text"]}
                    else:
                        parts.append(part)
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": reason}]}


def _is_text(part: Any) -> bool:
    return isinstance(part, Mapping) and isinstance(part.get("text"), str)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
