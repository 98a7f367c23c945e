"""Streamed responses, put together again: OpenAI chunks, Anthropic events, Responses events.

In: the chunks of one response, as a list or as the text of a server-sent event stream. Out: the body that the same
API would have sent unstreamed, for `bodies` to read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson


def events_of(text: str) -> list[Any]:
    """The data of a server-sent event stream, decoded; [] when `text` is none."""
    if not text[:32].lstrip().startswith(("data:", "event:", ":")):
        return []
    found = []
    for line in text.splitlines():
        if line.startswith("data:"):
            data = line[5:].strip()
            if data and data != "[DONE]":
                try:
                    found.append(orjson.loads(data))
                except ValueError:
                    continue  # the log was cut within this event; the ones before it stand
    return found


def aggregate(chunks: Sequence[Any]) -> dict[str, Any] | None:
    """The unstreamed body of `chunks`, or None when they are no chunks."""
    if not chunks or not all(isinstance(chunk, Mapping) for chunk in chunks):
        return None
    if any(isinstance(chunk.get("choices"), list) for chunk in chunks):
        return _completion(chunks)
    kinds = [chunk.get("type") for chunk in chunks]
    if any(isinstance(kind, str) and kind.startswith(("content_block_", "message_start", "message_delta")) for kind in kinds):
        return _message(chunks)
    if any(isinstance(kind, str) and kind.startswith("response.") for kind in kinds):
        return _responses(chunks)
    return None


def _completion(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    choices: dict[Any, dict[str, Any]] = {}
    model = None
    for chunk in chunks:
        model = chunk.get("model") or model
        listed = chunk.get("choices")
        for choice in listed if isinstance(listed, list) else []:
            if not isinstance(choice, Mapping):
                continue
            whole = choices.setdefault(str(choice.get("index", 0)), {"text": [], "reasoning": [], "calls": {}, "finish": None})
            whole["finish"] = choice.get("finish_reason") or whole["finish"]
            delta = choice.get("delta") or choice.get("message") or choice
            if not isinstance(delta, Mapping):
                continue
            _append(whole["text"], delta.get("content") if delta.get("content") is not None else delta.get("text"))
            _append(whole["reasoning"], delta.get("reasoning_content") or delta.get("reasoning"))
            calls = delta.get("tool_calls")
            for call in calls if isinstance(calls, list) else []:
                function = call.get("function") if isinstance(call, Mapping) else None
                if isinstance(function, Mapping):
                    slot = whole["calls"].setdefault(str(call.get("index", 0)), {"name": [], "arguments": []})
                    _append(slot["name"], function.get("name"))
                    _append(slot["arguments"], function.get("arguments"))
    return {
        "model": model,
        "choices": [
            {
                "finish_reason": whole["finish"],
                "message": {
                    "content": "".join(whole["text"]),
                    "reasoning_content": "".join(whole["reasoning"]),
                    "tool_calls": [
                        {"type": "function", "function": {"name": "".join(call["name"]), "arguments": "".join(call["arguments"])}}
                        for call in whole["calls"].values()
                    ],
                },
            }
            for whole in choices.values()
        ],
    }


def _message(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    blocks: dict[str, dict[str, Any]] = {}
    stop = model = None
    for chunk in chunks:
        block, delta, start = chunk.get("content_block"), chunk.get("delta"), chunk.get("message")
        slot = str(chunk.get("index", 0))
        if isinstance(start, Mapping):
            model = start.get("model") or model
        if isinstance(block, Mapping):
            blocks[slot] = {"type": block.get("type"), "name": block.get("name"), "pieces": []}
            _append(blocks[slot]["pieces"], block.get("text") or block.get("thinking"))
        if isinstance(delta, Mapping):
            stop = delta.get("stop_reason") or stop
            piece = next((delta[key] for key in ("text", "thinking", "partial_json") if isinstance(delta.get(key), str)), None)
            if piece is not None:
                kind = "thinking" if "thinking" in delta else "tool_use" if "partial_json" in delta else "text"
                _append(blocks.setdefault(slot, {"type": kind, "name": None, "pieces": []})["pieces"], piece)
    content = []
    for block in blocks.values():
        text = "".join(block["pieces"])
        key = "thinking" if block["type"] == "thinking" else "input" if block["name"] is not None else "text"
        content.append({"type": block["type"], "name": block["name"], key: text})
    return {"model": model, "stop_reason": stop, "content": content}


def _responses(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    # The closing event repeats the whole response; only a stream that was cut before it needs the deltas.
    for chunk in reversed(chunks):
        response = chunk.get("response")
        if isinstance(response, Mapping) and response.get("output"):
            return dict(response)
    pieces: dict[str, list[str]] = {"text": [], "reasoning": [], "call": []}
    for chunk in chunks:
        kind = chunk.get("type")
        if isinstance(kind, str) and kind.endswith(".delta"):
            _append(pieces["reasoning" if "reasoning" in kind else "call" if "arguments" in kind else "text"], chunk.get("delta"))
    return {
        "output": [
            {"type": "reasoning", "content": "".join(pieces["reasoning"])},
            {"type": "message", "role": "assistant", "content": "".join(pieces["text"])},
            *([{"type": "function_call", "arguments": "".join(pieces["call"])}] if pieces["call"] else []),
        ]
    }


def _append(pieces: list[str], piece: Any) -> None:
    if isinstance(piece, str):
        pieces.append(piece)
