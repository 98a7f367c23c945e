"""What the readers of gateways' and clouds' logs have in common: whose call it was, what it used, what was said.

Functions of decoded values, as in `values.py`. Nothing here knows a source by name.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from stillhunt.errors import BadRow, UnknownCaller
from stillhunt.intake.bodies import Body
from stillhunt.intake.formats import Context, Row
from stillhunt.intake.formats.envoy_ai import operation_of
from stillhunt.intake.formats.placeholders import CREDENTIAL, REFUSED
from stillhunt.intake.formats.usage import tokens_of
from stillhunt.intake.formats.values import decoded, json_text, optional_identifier, optional_identity, parameters
from stillhunt.intake.kept import key_of

ACCOUNT_NAMES = (
    *("x-account-id", "x-user-id", "x-consumer-id", "x-customer-id", "x-tenant-id", "x-client-id", "x-forwarded-user", "x-auth-user"),
    *("x-auth-request-user", "x-consumer-custom-id", "x-authenticated-userid", "x-credential-identifier"),
)
"""Headers in which gateways and authenticating proxies write who called, the surest first."""

ACCOUNT_KEYS = (
    *("account_id", "accountid", "user_id", "userid", "customer_id", "customerid", "consumer_id", "consumerid", "tenant_id", "tenantid"),
    *("client_id", "clientid", "subscriber_id", "principal_id", "_user", "user", "account", "customer", "tenant"),
    *("user_api_key_user_id", "user_api_key_hash"),  # what LiteLLM passes on
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
END_USER_KEYS = ("end_user_id", "enduser_id", "end_user", "user_api_key_end_user_id")
CONVERSATION_KEYS = ("conversation_id", "conversationid", "session_id", "sessionid", "thread_id", "threadid", "chat_id")

_REFUSED = frozenset(map(str, REFUSED))
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
    if type(value) is dict:
        return value
    found = decoded(value)
    return found if isinstance(found, Mapping) else {}


def lowered(value: Any) -> dict[str, Any]:
    """An object with its names in lower case; of a list of values (a header sent twice) the first."""
    found: dict[str, Any] = {}
    for name, inner in mapping(value).items():
        found.setdefault(str(name).lower(), inner[0] if isinstance(inner, list) and inner else inner)
    return found


def required_account(account: str | None, context: Context, reason: str, status: Any = None) -> str | None:
    """The account, or a refusal that says what to turn on.

    Raises:
        UnknownCaller: nobody is named, and the gateway refused the call for it.
        BadRow: nobody is named, and the log is not read as half of one.
    """
    if account is None and not context.account_optional:
        if str(status).partition(".")[0] in _REFUSED:
            raise UnknownCaller("account_id: the gateway refused the credentials, and knows nobody by them")
        raise BadRow(reason)
    return account


def account_in_headers(sent: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """(account, key id) of headers in lower case: the account as a trusted proxy wrote it, else the digest of the credential.

    A digest that is an account is the row's `key_id`, too: a refused credential is nobody's, and is known by that (`placeholders.settle`).
    """
    account = next((found for name in ACCOUNT_NAMES if name in sent and (found := person(sent[name], name))), None)
    key = next((found for name in _SECRETS if name in sent and (found := credential_id(sent[name]))), None)
    return account or key, key


def person(value: Any, field: str) -> str | None:
    """An account or an end user: its stable part, None for placeholders and for what cannot be one."""
    if value is None:
        return None
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
    return f"{CREDENTIAL}{hashlib.sha256(secret.encode('utf-8', 'replace')).hexdigest()[:24]}"


def made_id(*parts: Any) -> str:
    """An id for a call that the source gives none: a digest of all that tells it from other calls."""
    return hashlib.sha256(json_text(parts).encode()).hexdigest()[:32]


def named(metadata: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    """The first id among `keys` of `metadata`, whose names are in lower case; "-" counts as "_"."""
    plain = {name.replace("-", "_"): value for name, value in metadata.items()}
    for key in keys:
        value = plain.get(key)
        if value is not None and (found := optional_identifier(text(value), f"metadata.{key}")):
            return found
    return None


def who(metadata: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    """The first account or user among `keys` of `metadata` that is somebody; names as for `named`."""
    plain = {name.replace("-", "_"): value for name, value in metadata.items()}
    for key in keys:
        value = plain.get(key)
        if value is not None and (found := person(value, f"metadata.{key}")):
            return found
    return None


_NO_CALLS = re.compile(
    r"/(?:files|batches|models|fine_tuning|vector_stores|uploads|evals|containers|assistants|threads|organization|usage|keys?)(?:/|$|\?)"
)


def is_call(path: Any) -> bool:
    """Whether a path may be a model's call: listings, files, batches and the like are none; where no path is known, it may."""
    return not isinstance(path, str) or operation_of(path) is not None or _NO_CALLS.search(path.lower()) is None


def request_parameters(request: Any, field: str) -> str | None:
    """The settings of a request's body as JSON text: all that is neither content nor identity."""
    found = decoded(request)
    if not isinstance(found, Mapping):
        return None
    return parameters({str(name): value for name, value in found.items() if name not in _CONTENT and value is not None}, field)


def usage_columns(usage: Any, field: str) -> Row:
    """Token counts of a usage object in any vendor's spelling; columns that it does not have are not there."""
    told = tokens_of(mapping(usage), field)
    columns = {"input_tokens": told.input, "output_tokens": told.output, "reasoning_tokens": told.reasoning, "cached_tokens": told.cached}
    return {name: value for name, value in columns.items() if value is not None}


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


_PLAIN = 1024
"""Bytes up to which compressing takes more time than it saves room."""


def keep(context: Context, kind: str, name: str, value: Any) -> None:
    """Remember something of a record under what its call, trace or pair has in common, for the second pass (`Context.kept`)."""
    context.kept.add(key_of(f"{kind} {name}"), packed([name, value]))


def kept(context: Context, kind: str, name: str) -> list[Any]:
    """What was remembered under a name, in the order in which it came."""
    found = (unpacked(data) for data in context.kept.get(key_of(f"{kind} {name}")))
    return [value for owner, value in found if owner == name]  # keys are hashes, which may collide


def packed(value: list[Any]) -> bytes:
    """What a first pass remembers of a record until the second meets its call: a list as JSON, compressed when it is long."""
    try:
        plain = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # integers beyond 64 bits, lone surrogates
        plain = json.dumps(value, default=str, skipkeys=True).encode()
    # orjson's bytes have grown and shrunk: to keep them as they are would keep the holes that they left.
    return bytes(bytearray(plain)) if len(plain) < _PLAIN else zlib.compress(plain, 1)


def unpacked(data: bytes) -> list[Any]:
    """The inverse of `packed`."""
    plain = data if data[:1] == b"[" else zlib.decompress(data)  # no compressed text begins so
    try:
        found: list[Any] = orjson.loads(plain)
    except ValueError:
        found = json.loads(plain)
    return found
