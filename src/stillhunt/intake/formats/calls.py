"""What the readers of gateways' and clouds' logs have in common: whose call it was, what it used, what was said.

Functions of decoded values, as in `values.py`. Nothing here knows a source by name.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from stillhunt.errors import BadRow, UnknownCaller
from stillhunt.intake.bodies import Body
from stillhunt.intake.formats import Context, Row
from stillhunt.intake.formats.values import count, decoded, json_text, optional_identifier, optional_identity, parameters

ACCOUNT_NAMES = (
    *("x-account-id", "x-user-id", "x-consumer-id", "x-customer-id", "x-tenant-id", "x-client-id", "x-forwarded-user", "x-auth-user"),
    *("x-auth-request-user", "x-consumer-custom-id", "x-authenticated-userid", "x-credential-identifier"),
)
"""Headers in which gateways and authenticating proxies write who called, the surest first."""

ACCOUNT_KEYS = (
    *("account_id", "accountid", "user_id", "userid", "customer_id", "customerid", "consumer_id", "consumerid", "tenant_id", "tenantid"),
    *("client_id", "clientid", "subscriber_id", "principal_id", "_user", "user", "account", "customer", "tenant"),
)
"""Names under which applications put who called into the metadata of a request, the surest first."""

ORGANIZATION_KEYS = (
    "organization_id",
    "organizationid",
    "organisation_id",
    "org_id",
    "orgid",
    "organization",
    "org",
    "team_id",
    "team",
    "workspace_id",
)
CONVERSATION_KEYS = ("conversation_id", "conversationid", "session_id", "sessionid", "thread_id", "threadid", "chat_id")

_SECRETS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
"""Headers whose value is a credential. Every call of an account carries the same one, so that its digest tells accounts apart."""

_CONTENT = frozenset(
    (
        *("messages", "prompt", "input", "contents", "system", "instructions", "systemInstruction", "system_instruction", "tools"),
        *("functions", "toolConfig", "inputText", "message", "chat_history", "preamble", "texts", "documents", "suffix", "images"),
        *("model", "modelId", "user", "metadata", "safety_identifier", "prompt_cache_key", "endpoint", "labels", "requestMetadata"),
    )
)
"""What stands in a request's body and is content or identity, not a parameter."""


def first(entry: Mapping[str, Any], keys: Iterable[str]) -> tuple[Any, str]:
    """The first value among `keys` that is there, and its key; (None, first key) when there is none."""
    names = tuple(keys)
    for key in names:
        value = entry.get(key)
        if value is not None and value != "":
            return value, key
    return None, names[0]


def mapping(value: Any) -> Mapping[str, Any]:
    """An object given as one or as JSON text; {} where there is none. For what may be missing or of another kind."""
    found = decoded(value)
    return found if isinstance(found, Mapping) else {}


def lowered(value: Any) -> dict[str, Any]:
    """An object with its names in lower case; of a list of values (a header sent twice) the first."""
    found: dict[str, Any] = {}
    for name, inner in mapping(value).items():
        found.setdefault(str(name).lower(), inner[0] if isinstance(inner, list) and inner else inner)
    return found


def required_account(account: str | None, context: Context, reason: str) -> str | None:
    """The account, or a refusal that says what to turn on.

    Raises:
        BadRow: nobody is named, and the log is not read as half of one.
    """
    if account is None and not context.account_optional:
        raise BadRow(reason)
    return account


def account_in_headers(sent: Mapping[str, Any], status: Any = None) -> tuple[str | None, str | None]:
    """(account, key id) of headers in lower case: the account as a trusted proxy wrote it, else the digest of the credential.

    A credential that was refused (`status` 401, 403 or 407) is nobody's: whoever tries a thousand keys is not a thousand accounts.

    Raises:
        UnknownCaller: such a credential is all that the request has.
    """
    account = next((found for name in ACCOUNT_NAMES if (found := person(sent.get(name), name))), None)
    key = next((found for name in _SECRETS if (found := credential_id(sent.get(name)))), None)
    if key is not None and str(status).partition(".")[0] in ("401", "403", "407"):
        if account is None:
            raise UnknownCaller("account: the gateway refused the credentials, and knows nobody by them")
        key = None
    return account or key, key


def person(value: Any, field: str) -> str | None:
    """An account or an end user: its stable part, None for placeholders and for what cannot be one."""
    return optional_identity(value, field) if isinstance(value, str | Mapping) or type(value) is int else None


def text(value: Any) -> Any:
    """A value that may stand for an identity: text or a number; anything else is none."""
    return value if isinstance(value, str) or type(value) is int else None


def credential_id(value: Any) -> str | None:
    """A digest that stands for a credential, so that it never enters; None for none and for what a proxy has blanked."""
    if not isinstance(value, str):
        return None
    scheme, _, secret = value.strip().rpartition(" ")
    if len(secret) < 8 or secret.strip("*").upper() in ("", "REDACTED", "[REDACTED]", "<REDACTED>", "MASKED", "[MASKED]"):
        return None
    if scheme.lower() == "basic":
        secret = f"basic {secret}"
    return f"key-{hashlib.sha256(secret.encode('utf-8', 'replace')).hexdigest()[:24]}"


def made_id(*parts: Any) -> str:
    """An id for a call that the source gives none: a digest of all that tells it from other calls."""
    return hashlib.sha256(json_text(parts).encode()).hexdigest()[:32]


def named(metadata: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    """The first id among `keys` of `metadata`, whose names are in lower case; "-" counts as "_"."""
    plain = {name.replace("-", "_"): value for name, value in metadata.items()}
    return next((found for key in keys if (found := optional_identifier(text(plain.get(key)), f"metadata.{key}"))), None)


def who(metadata: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    """The first account or user among `keys` of `metadata` that is somebody; names as for `named`."""
    plain = {name.replace("-", "_"): value for name, value in metadata.items()}
    return next((found for key in keys if (found := person(plain.get(key), f"metadata.{key}"))), None)


def request_parameters(request: Any, field: str) -> str | None:
    """The settings of a request's body as JSON text: all that is neither content nor identity."""
    found = decoded(request)
    if not isinstance(found, Mapping):
        return None
    return parameters({str(name): value for name, value in found.items() if name not in _CONTENT and value is not None}, field)


_INPUT = (
    *("prompt_tokens", "input_tokens", "inputTokens", "promptTokens", "promptTokenCount", "inputTokenCount", "prompt_token_count"),
    *("inputTextTokenCount", "input_token_count"),
)
_OUTPUT = (
    *("completion_tokens", "output_tokens", "outputTokens", "completionTokens", "candidatesTokenCount", "outputTokenCount"),
    *("generation_token_count", "totalOutputTextTokenCount", "output_token_count"),
)
_REASONING = ("reasoning_tokens", "reasoningTokens", "thoughtsTokenCount", "output_reasoning_tokens", "reasoning")
_CACHED = (
    *("cache_read_input_tokens", "cacheReadInputTokens", "cacheReadInputTokenCount", "cachedContentTokenCount", "cached_tokens"),
    *("cachedInputTokens", "cache_read"),
)
_SPENT = ("completion_tokens_details", "output_tokens_details", "outputTokenDetails", "output_token_details", "completionTokensDetails")
_GIVEN = ("prompt_tokens_details", "input_tokens_details", "inputTokenDetails", "input_token_details", "promptTokensDetails")


def usage_columns(usage: Any, field: str) -> Row:
    """Token counts of a usage object in any vendor's spelling; columns that it does not have are not there."""
    found = mapping(usage)
    row: Row = {}
    spent = next((inner for key in _SPENT if (inner := mapping(found.get(key)))), {})
    given = next((inner for key in _GIVEN if (inner := mapping(found.get(key)))), {})
    for column, names, places in (
        ("input_tokens", _INPUT, (found,)),
        ("output_tokens", _OUTPUT, (found,)),
        ("reasoning_tokens", _REASONING, (spent, found)),
        ("cached_tokens", _CACHED, (found, given)),
    ):
        told = [
            counted
            for place in places
            for key in names
            if not isinstance(place.get(key), Mapping | list | bool) and (counted := count(place.get(key), f"{field}.{key}")) is not None
        ]
        if told:  # a zero beside another count of the same tokens is a field that this vendor does not fill
            row[column] = next((counted for counted in told if counted), 0)
    return row


def text_columns(body: Body) -> Row:
    """The columns of an interaction that hold what was asked and answered."""
    return {
        "finish_reason": body.finish_reason,
        "system": body.system,
        "transcript": body.transcript,
        "tools": body.tools,
        "response": body.response,
        "reasoning": body.reasoning,
        "tool_count": body.tool_count,
        "truncated": body.truncated,
        "messages": body.messages,
    }


TEXT_COLUMNS = ("system", "messages", "tools", "response", "reasoning", "finish_reason", "request_parameters")
"""What a format sees whose records hold bodies."""


def filled(*rows: Mapping[str, Any]) -> Row:
    """Several rows as one: the first value that is there counts, column by column."""
    found: Row = {}
    for row in rows:
        for name, value in row.items():
            if found.get(name) is None:
                found[name] = value
    return found


def packed(value: Any) -> bytes:
    """What a first pass remembers of a record until the second meets its call: JSON, compressed."""
    try:
        plain = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # integers beyond 64 bits, lone surrogates
        plain = json.dumps(value, default=str, skipkeys=True).encode()
    return zlib.compress(plain, 1)


def unpacked(data: bytes) -> Any:
    """The inverse of `packed`."""
    plain = zlib.decompress(data)
    try:
        return orjson.loads(plain)
    except ValueError:
        return json.loads(plain)
