"""Event streams of coding agents: log records `claude_code.api_request`, `codex.sse_event`, `gemini_cli.api_response` and alike.

Each request to a model is a record of its own with plain attribute names, its time the request's end; what the user
typed is another record, which the requests name by its id. No span is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from stillhunt.intake.formats.values import from_nanoseconds, from_text, json_text
from stillhunt.intake.otel_attributes import ALIASES, TOKENS

_REQUESTS = frozenset({"api_request", "api_response", "api_error", "sse_event", "websocket_event", "llm_request", "llm_response"})
_PROMPT = "user_prompt"
_SESSION = ("session.id", "conversation.id", "gen_ai.conversation.id", "session_id")
_PROMPT_ID = ("prompt.id", "prompt_id")
_FAILED = ("error", "error.message", "error_message", "error_type", "error.type")


def event_word(name: str) -> str:
    """An event's name without the program before it: `claude_code.api_request` -> `api_request`."""
    return name.rpartition(".")[2]


def is_request(name: str, attributes: Mapping[str, Any]) -> bool:
    """Whether a record is one request to a model: its model and counts of tokens, or why it failed.

    Records that only say that a request begins, and parts of a stream, have neither.
    """
    if event_word(name) not in _REQUESTS or not isinstance(attributes.get("model"), str) or not attributes["model"]:
        return False
    if any(attributes.get(each) not in (None, "") for column in TOKENS[:2] for each in ALIASES[column]):
        return True
    return any(attributes.get(each) for each in _FAILED) or status_of(attributes) >= 400


def status_of(attributes: Mapping[str, Any]) -> int:
    """The HTTP status, 0 where there is none: agents write words where they know no number."""
    for name in ALIASES["http_status"]:
        text = str(attributes.get(name, "")).strip()
        if text.isascii() and text.isdecimal() and len(text) == 3 and 100 <= int(text) <= 599:
            return int(text)
    return 0


def prompt_key(attributes: Mapping[str, Any]) -> str | None:
    """What a prompt and the requests that it leads to have in common; None where they name no prompt."""
    prompt = next((attributes[name] for name in _PROMPT_ID if attributes.get(name)), None)
    session = next((attributes[name] for name in _SESSION if attributes.get(name)), "")
    return None if prompt is None else f"prompt {session} {prompt}"


def prompt_in(name: str, attributes: Mapping[str, Any]) -> str | None:
    """What the user typed, where the agent is told to log it."""
    prompt = attributes.get("prompt")
    return prompt if event_word(name) == _PROMPT and isinstance(prompt, str) and prompt not in ("", "<REDACTED>", "[REDACTED]") else None


def times_of(event: Mapping[str, Any], attributes: Mapping[str, Any]) -> tuple[int, int]:
    """(start, end) in microseconds.

    Raises:
        BadRow: the record has no time.
    """
    nanoseconds = event.get("timeUnixNano", event.get("time_unix_nano"))
    if nanoseconds in (None, 0, "0", "") and attributes.get("event.timestamp"):
        ended = from_text(attributes["event.timestamp"], "event.timestamp")
    else:
        if nanoseconds in (None, 0, "0", ""):
            nanoseconds = event.get("observedTimeUnixNano", event.get("observed_time_unix_nano"))
        ended = from_nanoseconds(nanoseconds, "timeUnixNano")
    try:
        took = max(0.0, float(attributes.get("duration_ms") or 0))
    except (TypeError, ValueError):
        took = 0.0
    return ended - round(min(took, 86_400_000) * 1000), ended


def id_of(account: str | None, ended: int, attributes: Mapping[str, Any]) -> str:
    """The id of a request that has none of its own: one made of whose it is, when it was and what was counted."""
    said = {name: value for name, value in sorted(attributes.items()) if isinstance(value, str | int | float)}
    return blake2b(json_text([account, ended, said]).encode("utf-8", "replace"), digest_size=16).hexdigest()
