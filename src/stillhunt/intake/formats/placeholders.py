r"""Words that stand where an identity should, and identities that hold more than one: what of them names somebody.

Gateways and databases write `None`, `NULL` or `\N` where they know nobody, and `default_user_id` or `anonymous` where
they know that it is nobody in particular. Taken for an account, such a word makes one customer of many. Clients write
JSON or a joined text into an end user's field, with a session in it. Taken whole, it makes many customers of one.

The words are sets of exact spellings, so that compiled readers of logs can test the same ones.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from stillhunt.errors import BadRow, UnknownCaller


def _spellings(*words: str) -> frozenset[str]:
    return frozenset(spelling for word in words for spelling in (word, word.lower(), word.upper(), word.capitalize()))


_WRAPPED = ("null", "nil", "none", "undefined", "unset", "not set", "missing", "empty", "redacted")

ABSENT = _spellings(
    "",
    *("none", "null", "nil", "NaN", "undefined", "\\n", "n/a", "#n/a", "-", "--", "?", "{}", "[]", "()", '""', "''", "pd.NA", "NaT"),
    *(f"{left}{word}{right}" for word in _WRAPPED for left, right in ("<>", "()", "[]", "{}")),
    *(f"{quote}{word}{quote}" for word in ("null", "none") for quote in "\"'"),
    "00000000-0000-0000-0000-000000000000",
)
"""How exports and languages write "no value": never an id of anything."""

NO_CALL = ABSENT | {"0", "-1", "0" * 16, "0" * 32}
"""What stands for the id of a call where there is none; an account may well be called 0."""

NOBODY = _spellings(
    *("default_user_id", "default_user", "default-user", "default-user-id", "default_end_user", "default_customer_id", "default"),
    *(
        "anonymous",
        "anonymous_user",
        "anonymous-user",
        "anonymousUser",
        "anon",
        "unknown",
        "unknown_user",
        "unknown-user",
        "unauthenticated",
    ),
    *(
        "unidentified",
        "no_user",
        "no-user",
        "nouser",
        "nobody",
        "not_available",
        "not-available",
        "not available",
        "unspecified",
        "no-auth",
    ),
    *("system:anonymous", "allUsers", "user_id", "user-id", "userid", "your-user-id", "string"),
)
"""Users that a gateway, an example or a form fills in for everybody whom it does not know: an identity, but nobody's."""

LONGEST_WORD = max(map(len, NO_CALL | NOBODY))
"""No placeholder is longer, so longer ids need not be looked up."""

ROTATING = ("hashed-jwt-",)
"""How key hashes begin that change with every token, hence name neither an account nor a key. (LiteLLM hashes a JWT so.)"""

_PERSON = (
    *(
        "account_uuid",
        "accountUuid",
        "account_id",
        "accountId",
        "account",
        "user_id",
        "userId",
        "user_uuid",
        "user",
        "end_user_id",
        "end_user",
    ),
    *("customer_id", "customerId", "customer", "sub", "uid", "email", "username", "user_name", "id", "name"),
)
_MACHINE = ("device_id", "deviceId", "device", "machine_id", "machineId", "installation_id", "installationId", "client_id", "clientId")
_LONGEST_BLOB = 4096
_DEEPEST = 4

_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_SESSION = re.compile(
    rf"(?:^|[_:;,|/ .-])(?:session|sess|conversation|thread)(?:[_-]?id)?[_:= -]+(?:{_UUID}|[0-9A-Za-z]{{16,}}|[0-9]{{6,}})$"
)
_ACCOUNT = re.compile(rf"^(?:user_)?(?P<machine>[0-9A-Za-z-]*)_account_(?P<person>{_UUID})?_?$")
_GUID = re.compile(rf"^\{{{_UUID}\}}$")
BLOB_STARTS = "{[\"'"
"""How a text begins that may hold an identity instead of being one."""


def is_absent(text: str) -> bool:
    r"""Whether an id's text says that there is no value: `None`, `NULL`, `\N`, `nan`, `undefined`, `-` and the like."""
    return _trimmed(text) in ABSENT


def is_nobody(text: str) -> bool:
    """Whether a user's or account's text is a placeholder for everybody: `default_user_id`, `anonymous`, `unknown` and the like."""
    word = _trimmed(text)
    return word in NOBODY or word in ABSENT


def _trimmed(text: str) -> str:
    return text.strip() if text[:1].isspace() or text[-1:].isspace() else text


def is_rotating(key: str | None) -> bool:
    """Whether a key's hash is one of a token that is replaced every few minutes or hours."""
    return key is not None and key.startswith(ROTATING)


@lru_cache(maxsize=4096)
def somebody(text: str | None) -> str | None:
    """The stable part of an identity: None for placeholders and for what is only a session.

    A JSON object gives its account or user, else its device. `user_HASH_account_UUID_session_UUID`, as coding agents
    write it, gives the account, else the hash. Everything else is an identity as it stands.
    """
    return _stable(text, 0)


IDENTITIES = ("account_id", "organization_id", "end_user_id")
"""Columns that name somebody, in the tables of interactions, accounts and entitlements."""
REFUSED = frozenset({401, 403, 407})
"""Statuses of a request whose credentials were not accepted."""
CREDENTIAL = "key-"
"""How the digest of a credential begins that a format makes of a header."""


def settle(row: dict[str, Any]) -> None:
    """Take the stable part of a row's identities, whatever format it comes from; None for placeholders.

    Raises:
        UnknownCaller: the account is the digest of a credential that was refused, so it is not an account.
        BadRow: the account is a placeholder.
    """
    for name in IDENTITIES:
        value = row.get(name)
        if type(value) is str and (found := somebody(value)) != value:
            row[name] = found
            if found is None and name == "account_id":
                if row.get("http_status") in REFUSED:
                    raise UnknownCaller("account_id: the gateway refused the credentials, and knows nobody by them")
                raise BadRow("account_id: expected somebody's id, not a placeholder")
    if row.get("interaction_id") in NO_CALL:
        row["interaction_id"] = None
    account = row.get("account_id")
    if type(account) is str and account.startswith(CREDENTIAL) and account == row.get("key_id") and row.get("http_status") in REFUSED:
        raise UnknownCaller("account_id: the gateway refused the credentials, and knows nobody by them")


def _stable(value: Any, depth: int) -> str | None:
    if type(value) is int:
        return str(value)
    if isinstance(value, Mapping):
        for name in (*_PERSON, *_MACHINE):
            inner = value.get(name)
            found = _stable(inner, depth + 1) if inner is not None and depth < _DEEPEST else None
            if found is not None:
                return found
        return _stable(value.get("metadata"), depth + 1) if depth < _DEEPEST else None
    if isinstance(value, list | tuple) and len(value) == 1 and depth < _DEEPEST:
        return _stable(value[0], depth + 1)
    if not isinstance(value, str):
        return None
    if value.isalnum() and len(value) > LONGEST_WORD:
        return value
    value = _trimmed(value)
    if is_nobody(value):
        return None
    if value[0] in BLOB_STARTS and not _GUID.match(value):
        return _stable(_unpacked(value), depth + 1) if depth < _DEEPEST else None
    return _without_session(value)


def _unpacked(text: str) -> Any:
    """A value written as JSON, or as Python's `str()` writes it; None where it is neither, since half of one names nobody."""
    if len(text) > _LONGEST_BLOB:
        return None
    try:
        return orjson.loads(text)
    except ValueError:
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def _without_session(text: str) -> str | None:
    found = _SESSION.search(text) if "s" in text or "conv" in text or "thread" in text else None
    if found is not None:
        text = text[: found.start()]
        if not text or is_nobody(text):
            return None
    joined = _ACCOUNT.match(text) if "_account_" in text else None
    if joined is None:
        return text
    return joined["person"] or joined["machine"] or None
