"""What LiteLLM's two payloads and the ways to read them have in common: parameters, token details, outcome, headers, account.

Functions of decoded values, as in `values.py`; several other sources write parameters in the same shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from stillhunt.intake.bodies import Body
from stillhunt.intake.formats import Context, Found, Row
from stillhunt.intake.formats.values import (
    address,
    count,
    decoded,
    from_seconds,
    headers,
    http_status,
    json_object,
    json_text,
    label,
    optional_identifier,
)

NOBODY = "default_user_id"
"""The user id that the proxy gives to calls with its master key: everybody, hence nobody."""

OPERATIONS = {
    "completion": "chat",
    "acompletion": "chat",
    "responses": "chat",
    "aresponses": "chat",
    "anthropic_messages": "chat",
    "text_completion": "text_completion",
    "atext_completion": "text_completion",
    "embedding": "embeddings",
    "aembedding": "embeddings",
    "generate_content": "generate_content",
    "agenerate_content": "generate_content",
    "generate_content_stream": "generate_content",
    "agenerate_content_stream": "generate_content",
}
"""LiteLLM's call types as OpenTelemetry's `gen_ai.operation.name`; any other stays as it is."""

_NOT_PARAMETERS = frozenset({"tools", "functions", "instructions", "system", "messages", "input", "prompt", "contents"})
"""What LiteLLM puts among the parameters although it is content."""


def split_parameters(value: Any, field: str) -> tuple[str | None, Any, Any]:
    """(request parameters as JSON text, tool definitions, system instructions) of LiteLLM's parameters."""
    parameters = value if type(value) is dict else json_object(value, field)
    if not parameters:
        return None, None, None
    if _NOT_PARAMETERS.isdisjoint(parameters):
        return json_text(parameters), None, None
    kept = {name: setting for name, setting in parameters.items() if name not in _NOT_PARAMETERS}
    tools = parameters.get("tools") or parameters.get("functions")
    return (json_text(kept) if kept else None), tools, parameters.get("system") or parameters.get("instructions")


def token_details(usage: Any, response: Any) -> tuple[int | None, int | None]:
    """(reasoning tokens, cached tokens) of a usage object in OpenAI's (both APIs) or Anthropic's spelling."""
    if type(usage) is not dict:
        usage = decoded(usage)
        if not usage and type(response) is dict:
            usage = response.get("usage")
        if type(usage) is not dict:
            return None, None
    spent = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    given = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    reasoning = spent.get("reasoning_tokens") if type(spent) is dict else None
    cached = given.get("cached_tokens") if type(given) is dict else None
    if cached is None:
        cached = usage.get("cache_read_input_tokens")
    return count(reasoning, "usage.reasoning_tokens"), count(cached, "usage.cached_tokens")


def outcome(record: Mapping[str, Any], field: str) -> tuple[int | None, str | None]:
    """(HTTP status, error type). LiteLLM writes the status of a failure as text, and "" or a word when it knows none."""
    error = record.get(field)
    if error is not None and type(error) is not dict:
        error = json_object(error, field)
    if error:
        code = error.get("error_code")
        if isinstance(code, str) and not code.strip().isdecimal():
            code = None
        error_type = label(error.get("error_class"), f"{field}.error_class")
        if code is not None or error_type is not None:
            return http_status(code, f"{field}.error_code"), error_type
    return (200 if record.get("status") == "success" else None), None


def client_headers(metadata: Mapping[str, Any], proxy_request: Any) -> str | None:
    """The client's headers: all that the proxy kept of the request, then the `x-` headers that it copies out."""
    custom = metadata.get("requester_custom_headers")
    whole = metadata.get("headers")
    if proxy_request is not None or "proxy_server_request" in metadata:
        request = decoded(proxy_request if proxy_request is not None else metadata["proxy_server_request"])
        whole = (request.get("headers") if isinstance(request, Mapping) else None) or whole
    if not whole:
        return headers(custom, "metadata.requester_custom_headers") if custom else None
    whole, custom = decoded(whole), decoded(custom)
    if isinstance(whole, Mapping) and isinstance(custom, Mapping):
        present = {name.lower() for name in whole if isinstance(name, str)}
        whole = {**whole, **{name: value for name, value in custom.items() if not isinstance(name, str) or name.lower() not in present}}
    return headers(whole, "metadata.headers")


class Who(NamedTuple):
    """Whose call a record is, by the ids that the two payloads find in different places."""

    interaction_id: str
    call_id: str | None
    account_id: str | None
    organization_id: str | None
    key_id: str | None
    conversation_id: str | None


def rows_of_call(
    record: Mapping[str, Any], metadata: Mapping[str, Any], who: Who, body: Body, response: Any, own: Row, context: Context
) -> Iterable[Found]:
    """The interaction, and the account when it is the first with an e-mail address.

    Args:
        record: the payload, for what has one name in both.
        metadata: its metadata, decoded.
        who: whose call it is.
        body: what was asked and answered.
        response: the response, decoded, for token details.
        own: the columns that the two payloads fill differently, whether a response has a model of its own among them.
        context: what has been seen before.
    """
    get, meta = record.get, metadata.get
    surface, operation = kind_of_call(call_type_of(record))
    reasoning_tokens, cached_tokens = token_details(meta("usage_object"), response)
    row: Row = {
        "interaction_id": who.interaction_id,
        "started_at": from_seconds(get("startTime"), "startTime"),
        "account_id": who.account_id,
        "organization_id": who.organization_id,
        "key_id": who.key_id,
        "end_user_id": optional_identifier(get("end_user"), "end_user"),
        "surface": surface,
        "operation": operation,
        "request_model": label(get("model_group"), "model_group") or label(get("model"), "model"),
        "input_tokens": count(get("prompt_tokens"), "prompt_tokens"),
        "output_tokens": count(get("completion_tokens"), "completion_tokens"),
        "reasoning_tokens": reasoning_tokens,
        "cached_tokens": cached_tokens,
        "finish_reason": body.finish_reason,
        "conversation_id": who.conversation_id,
        "client_ip": address(get("requester_ip_address") or meta("requester_ip_address"), "requester_ip_address"),
        "system": body.system,
        "transcript": body.transcript,
        "tools": body.tools,
        "response": body.response,
        "reasoning": body.reasoning,
        "tool_count": body.tool_count,
        "truncated": body.truncated,
        "messages": body.messages,
        **own,
    }
    if who.call_id is not None and who.call_id != who.interaction_id:
        row["_request_ids"] = [who.call_id]
    email = meta("user_api_key_user_email")
    if email is None or who.account_id is None:
        return (("interactions", row),)
    return (
        ("interactions", row),
        *first_seen_account(who.account_id, who.organization_id, email, "metadata.user_api_key_user_email", context),
    )


def call_type_of(record: Mapping[str, Any]) -> str:
    """What kind of call it was. A type with "mcp" in it is one of a tool server, not of a model."""
    return label(record.get("call_type"), "call_type") or "completion"


def kind_of_call(call_type: str) -> tuple[str, str]:
    """(surface, operation)."""
    return "batch" if "batch" in call_type else "api", OPERATIONS.get(call_type, call_type)


def first_seen_account(account_id: str, organization_id: str | None, email: Any, field: str, context: Context) -> Iterable[tuple[str, Row]]:
    """The accounts row with an e-mail address, once per account and context."""
    seen: set[str] = context.facts.setdefault("accounts with e-mail", set())
    if account_id in seen:
        return ()
    found = label(email, field)
    if found is None or "@" not in found:
        return ()
    seen.add(account_id)
    return (("accounts", {"account_id": account_id, "organization_id": organization_id, "email": found}),)
