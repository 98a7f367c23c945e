"""LiteLLM's ordinary payloads, read from their line without making objects of what nobody looks at.

`read_line` gives the rows that decoding the line and `LiteLLM.read` would give, or None: then that is the way to go. It takes
what nearly every call looks like (messages and one choice of plain text, ids as text, times as numbers) and is never sure of
anything else, so that `litellm.py` stays the definition of the format and the only place that says what is wrong with a record.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from stillhunt.errors import BadRow
from stillhunt.intake.bodies import LETTERS, REDACTED, Body, finished, set_tools
from stillhunt.intake.formats import Context, Row
from stillhunt.intake.formats.litellm_fields import NOBODY, OPERATIONS, client_headers, first_seen_account, split_parameters
from stillhunt.intake.formats.values import address, count, decoded, from_seconds, http_status, optional_identifier
from stillhunt.records import TURN

_REMEMBERED = 1024  # distinct parameters and headers, of _LONGEST bytes at most: a few MB
_LONGEST = 2048

_NULL = msgspec.Raw(b"null")

# The payload as far as it is read. Where it holds anything else than these types, decoding fails, and the line is not ordinary.


class _Part(msgspec.Struct, gc=False):
    """A part of the payload. No cycle can go through one, so the collector need not know it."""


class _Message(_Part, gc=False, forbid_unknown_fields=True):
    role: str
    content: str


class _Answer(_Part, gc=False):
    content: str
    tool_calls: None = None
    function_call: None = None
    reasoning_content: None = None
    reasoning: None = None
    thinking_blocks: None = None


class _Choice(_Part, gc=False):
    message: _Answer
    finish_reason: str | None = None


class _Response(_Part, gc=False):
    choices: list[_Choice]
    model: str | None = None


class _Details(_Part, gc=False):
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None


class _Usage(_Part, gc=False):
    completion_tokens_details: _Details | None = None
    prompt_tokens_details: _Details | None = None
    output_tokens_details: None = None
    input_tokens_details: None = None
    cache_read_input_tokens: int | None = None


class _Error(_Part, gc=False):
    error_code: str | None = None
    error_class: str | None = None


class _Metadata(_Part, gc=False):
    usage_object: _Usage
    user_api_key_hash: str | None = None
    user_api_key_user_id: str | None = None
    user_api_key_org_id: str | None = None
    user_api_key_team_id: str | None = None
    user_api_key_user_email: str | None = None
    requester_ip_address: str | None = None
    user_agent: str | None = None
    requester_custom_headers: msgspec.Raw = _NULL
    headers: msgspec.Raw = _NULL
    proxy_server_request: None = None


class _Call(_Part, gc=False):
    metadata: _Metadata
    messages: list[_Message]
    response: _Response
    startTime: float  # noqa: N815  # LiteLLM's spelling
    endTime: float | None = None  # noqa: N815
    id: str | None = None
    litellm_call_id: str | None = None
    call_type: str | None = None
    session_id: str | None = None
    trace_id: str | None = None
    model: str | None = None
    model_group: str | None = None
    model_parameters: msgspec.Raw = _NULL
    status: str | None = None
    error_information: _Error | None = None
    end_user: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    requester_ip_address: str | None = None
    user_agent: str | None = None
    proxy_server_request: None = None


_decode = msgspec.json.Decoder(_Call).decode


def read_line(line: bytes | memoryview, context: Context) -> Iterable[tuple[str, Row]] | None:
    """The rows of one line in UTF-8, or None when it is not an ordinary one. Never raises.

    Values that nobody reads are not looked at: they may hold numbers that are too long for JSON's readers.
    """
    if context.keep_text:
        return None
    try:
        return _rows(_decode(line), context)
    except Exception:  # whatever it is, the definition of the format meets it again and gives the reason
        return None


def _rows(call: _Call, context: Context) -> Iterable[tuple[str, Row]]:
    call_type = call.call_type or "completion"
    if "mcp" in call_type:
        return ()
    metadata, response = call.metadata, call.response
    call_id = _identifier(call.litellm_call_id)
    interaction_id = _identifier(call.id) or call_id
    key_id = _identifier(metadata.user_api_key_hash)
    account_id = _identifier(metadata.user_api_key_user_id)
    if account_id is None or account_id == NOBODY:
        account_id = key_id
    if interaction_id is None or (account_id is None and not context.account_optional):
        raise BadRow("an id is missing")
    organization_id = _identifier(metadata.user_api_key_org_id) or _identifier(metadata.user_api_key_team_id)
    conversation_id = _identifier(call.session_id)
    if conversation_id is None or conversation_id in (interaction_id, call_id):
        conversation_id = _identifier(call.trace_id)
        if conversation_id in (interaction_id, call_id):
            conversation_id = None

    (choice,) = response.choices
    answer, answer_cut = finished(choice.message.content)
    system, transcript, cut = _request(call.messages)
    parameters, tools, tool_count, tools_cut = _parameters(call.model_parameters)
    usage = metadata.usage_object
    spent, given = usage.completion_tokens_details, usage.prompt_tokens_details
    cached_tokens = given.cached_tokens if given is not None else None
    if cached_tokens is None:
        cached_tokens = usage.cache_read_input_tokens
    status, error_type = _outcome(call)
    ended = call.endTime
    model = call.model or None
    row: Row = {
        "interaction_id": interaction_id,
        "started_at": from_seconds(call.startTime, "startTime"),
        "ended_at": None if ended is None else from_seconds(ended, "endTime"),
        "account_id": account_id,
        "organization_id": organization_id,
        "key_id": key_id,
        "end_user_id": _identifier(call.end_user),
        "surface": "batch" if "batch" in call_type else "api",
        "operation": OPERATIONS.get(call_type, call_type),
        "request_model": call.model_group or model,
        "response_model": response.model or model,
        "input_tokens": count(call.prompt_tokens, "prompt_tokens"),
        "output_tokens": count(call.completion_tokens, "completion_tokens"),
        "reasoning_tokens": count(spent.reasoning_tokens, "usage.reasoning_tokens") if spent is not None else None,
        "cached_tokens": count(cached_tokens, "usage.cached_tokens"),
        "http_status": status,
        "finish_reason": choice.finish_reason or None,
        "error_type": error_type,
        "conversation_id": conversation_id,
        "request_parameters": parameters,
        "client_ip": address(call.requester_ip_address or metadata.requester_ip_address, "requester_ip_address"),
        "user_agent": call.user_agent or metadata.user_agent or None,
        "client_headers": _headers(metadata.requester_custom_headers, metadata.headers),
        "system": system,
        "transcript": transcript,
        "tools": tools,
        "response": answer,
        "reasoning": None,
        "tool_count": tool_count,
        "truncated": cut or answer_cut or tools_cut,
        "messages": None,
    }
    if call_id is not None and call_id != interaction_id:
        row["_request_ids"] = [call_id]
    email = metadata.user_api_key_user_email
    if email is None or account_id is None:
        return (("interactions", row),)
    return (("interactions", row), *first_seen_account(account_id, organization_id, email, "metadata.user_api_key_user_email", context))


def _identifier(value: str | None) -> str | None:
    return value if value and value.isprintable() and value[0] != " " else optional_identifier(value, "id")


def _request(messages: list[_Message]) -> tuple[str | None, str | None, bool]:
    """(system, transcript, whether one of them was cut)."""
    systems: list[str] = []
    turns: list[str] = []
    for message in messages:
        content = message.content
        letter = LETTERS.get(message.role, "o")
        if letter == "s":
            systems.append(content)
        else:
            turns.append(letter + (content.replace(TURN, " ") if TURN in content else content))
    system, system_cut = finished("\n".join(systems)) if systems else (None, False)
    if not turns or turns[0][1:] == REDACTED:
        return system, None, system_cut
    transcript, cut = finished(TURN + TURN.join(turns))
    return system, transcript, cut or system_cut


def _outcome(call: _Call) -> tuple[int | None, str | None]:
    error = call.error_information
    if error is not None:
        code, error_type = error.error_code, error.error_class or None
        if code is not None and not code.strip().isdecimal():
            code = None
        if code is not None or error_type is not None:
            return http_status(code, "error_information.error_code"), error_type
    return (200 if call.status == "success" else None), None


# Parameters and headers are few and come again and again.


def _parameters(raw: msgspec.Raw) -> tuple[str | None, str | None, int | None, bool]:
    """(parameters, tools, how many tools, whether they were cut)."""
    data = bytes(raw)
    return (_parameters_again if len(data) <= _LONGEST else _parameters_of)(data)


def _parameters_of(data: bytes) -> tuple[str | None, str | None, int | None, bool]:
    parameters, tools, system = split_parameters(orjson.loads(data), "model_parameters")
    if system is not None:
        raise BadRow("the system's instructions stand among the parameters")
    body = Body()
    if tools:
        set_tools(body, decoded(tools))
    return parameters, body.tools, body.tool_count, body.truncated


def _headers(custom: msgspec.Raw, whole: msgspec.Raw) -> str | None:
    sent = bytes(custom), bytes(whole)
    return (_headers_again if len(sent[0]) + len(sent[1]) <= _LONGEST else _headers_of)(*sent)


def _headers_of(custom: bytes, whole: bytes) -> str | None:
    metadata: dict[str, Any] = {"requester_custom_headers": orjson.loads(custom), "headers": orjson.loads(whole)}
    return client_headers(metadata, None)


_parameters_again = lru_cache(maxsize=_REMEMBERED)(_parameters_of)
_headers_again = lru_cache(maxsize=_REMEMBERED)(_headers_of)
