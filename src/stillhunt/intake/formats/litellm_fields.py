"""What LiteLLM's two payloads and the ways to read them have in common: parameters, tokens, outcome, headers, whose call it is.

Functions of decoded values, as in `values.py`; several other sources write parameters in the same shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from stillhunt.errors import UnknownCaller
from stillhunt.intake.bodies import Body
from stillhunt.intake.formats import Context, Found, Row
from stillhunt.intake.formats.placeholders import ABSENT, NO_CALL, NOBODY, REFUSED, is_rotating
from stillhunt.intake.formats.usage import Tokens, tokens_of, usage_in
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
    optional_identity,
)

_BEARERS = frozenset({"invalid_api_key", "unauthorized", "unauthenticated", "auth_error", "token_not_found_in_db", "no_api_key"})
"""What stands for a refusal's status in versions that write a word."""
NO_MODEL = ABSENT | NOBODY
"""What stands for a model where LiteLLM knows none."""
NOT_TEAMS = frozenset({"litellm-dashboard"})
"""Teams that the proxy gives to whoever is logged in to its pages: nobody declares to belong to them."""

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


def token_counts(record: Mapping[str, Any], usage: Any, response: Any) -> Tokens:
    """The payload's own counts; where they are zero or missing, those of the usage object or of the response."""
    if type(usage) is not dict:
        usage = decoded(usage)
    if not usage:
        usage = usage_in(response)
    found = tokens_of(usage)
    own = (count(record.get(name), name) for name in ("prompt_tokens", "completion_tokens"))
    given, spent = (mine or other if other or mine is None else mine for mine, other in zip(own, found[:2], strict=True))
    return found._replace(input=given, output=spent)


def outcome(record: Mapping[str, Any], field: str) -> tuple[int | None, str | None]:
    """(HTTP status, error type). LiteLLM writes the status of a failure as text, and "" or a word when it knows none."""
    error = record.get(field)
    if error is not None and type(error) is not dict:
        error = json_object(error, field)
    if error:
        code = error.get("error_code")
        if isinstance(code, str) and not code.strip().isdecimal():
            code = 401 if code.strip().lower() in _BEARERS else None
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

    call_id: str | None
    interaction_id: str | None
    request_ids: tuple[str, ...]
    account_id: str | None
    organization_id: str | None
    key_id: str | None
    conversation_id: str | None


def ids_of_call(call_id: Any, others: Iterable[tuple[Any, str]]) -> tuple[str | None, str | None, tuple[str, ...]]:
    """(id of the call, id of the interaction, the other ids that other logs may know it by).

    The call's id is the proxy's and one for all its loggers. The id of the response is made anew by each logger for some
    APIs, and chosen by the upstream for others, so it only counts where there is no call's id.
    """
    found = [optional_identifier(call_id, "litellm_call_id"), *(optional_identifier(value, field) for value, field in others)]
    ids = tuple(dict.fromkeys(one for one in found if one is not None and one not in NO_CALL))
    call = found[0] if ids[:1] == (found[0],) else None
    return (call, ids[0], ids[1:]) if ids else (None, None, ())


def attempt_of(call: str, started: int) -> str:
    """The id of an attempt that failed: the proxy tries again under the same call's id, often within the same second.

    Args:
        call: the call's id.
        started: when the attempt began, in microseconds.
    """
    return f"{call}#{started}"


def account_of(users: Iterable[tuple[Any, str]], key_id: str | None, metadata: Mapping[str, Any], error: Any) -> str | None:
    """Who is billed: the user, else the key, else (where the key's hash changes with every token) the team; None: nobody known.

    Args:
        users: where a user's id may stand, with the names of the fields.
        key_id: the hash of the key.
        metadata: what the proxy found out about the key.
        error: the error information of a failed call.

    Raises:
        UnknownCaller: the proxy refused the call and knows nothing of the key: the hash is that of whatever was sent.
    """
    for value, field in users:
        account = optional_identity(value, field)
        if account is not None:
            return account
    if error and not any(metadata.get(name) for name in _KNOWN_KEY):
        error = decoded(error)
        if isinstance(error, Mapping) and not error.get("llm_provider"):  # with one, it is the provider that refused the proxy's key
            status, _ = outcome({"error": error}, "error")
            if status in REFUSED:
                raise UnknownCaller("user: the gateway refused the credentials, and knows nobody by them")
    if key_id is not None and not is_rotating(key_id):
        return key_id
    return organization_of((metadata.get(name), f"metadata.{name}") for name in _TEAM) if key_id is not None else None


_TEAM = ("user_api_key_team_id", "user_api_key_org_id")
_KNOWN_KEY = (*_TEAM, "user_api_key_alias", "user_api_key_user_email", "user_api_key_project_id", "user_api_key_team_alias")


def organization_of(candidates: Iterable[tuple[Any, str]]) -> str | None:
    """The first organization or team that is one."""
    for value, field in candidates:
        found = optional_identity(value, field)
        if found is not None and found not in NOT_TEAMS:
            return found
    return None


def rows_of_call(
    record: Mapping[str, Any],
    metadata: Mapping[str, Any],
    kind: tuple[str, str],
    who: Who,
    body: Body,
    response: Any,
    own: Row,
    context: Context,
) -> Iterable[Found]:
    """The interaction, and the account when it is the first with an e-mail address.

    Args:
        record: the payload, for what has one name in both.
        metadata: its metadata, decoded.
        kind: surface and operation.
        who: whose call it is.
        body: what was asked and answered.
        response: the response, decoded, for token details.
        own: the columns that the two payloads fill differently, whether a response has a model of its own among them.
        context: what has been seen before.
    """
    get, meta = record.get, metadata.get
    tokens = token_counts(record, meta("usage_object"), response)
    started = from_seconds(get("startTime"), "startTime")
    interaction_id, request_ids = who.interaction_id, who.request_ids
    if who.call_id is not None and started is not None and (get("status") or meta("status")) == "failure":
        interaction_id, request_ids = attempt_of(who.call_id, started), tuple(dict.fromkeys((who.call_id, *request_ids)))
    row: Row = {
        "interaction_id": interaction_id,
        "started_at": started,
        "account_id": who.account_id,
        "organization_id": who.organization_id,
        "key_id": who.key_id,
        "end_user_id": optional_identity(get("end_user"), "end_user"),
        "surface": kind[0],
        "operation": kind[1],
        "request_model": label(get("model_group"), "model_group") or model_of(get("model")),
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "reasoning_tokens": tokens.reasoning,
        "cached_tokens": tokens.cached,
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
    if request_ids:
        row["_request_ids"] = list(request_ids)
    email = meta("user_api_key_user_email")
    if email is None or who.account_id is None:
        return (("interactions", row),)
    return (
        ("interactions", row),
        *first_seen_account(who.account_id, who.organization_id, email, "metadata.user_api_key_user_email", context),
    )


def model_of(value: Any) -> str | None:
    """The model; LiteLLM writes `unknown` for a pass-through call."""
    found = label(value, "model")
    return None if found in NO_MODEL else found


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
