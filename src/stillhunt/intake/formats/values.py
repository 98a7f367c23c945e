"""One value of a record -> one value of a schema column, or `reading.unreadable`: `BadRow`, or nothing where the rest is to be kept.

Every function takes the value and the field's name as the source spells it; the reason of a `BadRow` carries that
name and what was expected, never the value, because reasons go to counters and screens.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import isnan
from typing import Any

import orjson

from stillhunt.intake.formats.placeholders import LONGEST_WORD, is_absent, somebody
from stillhunt.intake.formats.reading import unreadable

EARLIEST = 946_684_800_000_000
"""2000-01-01 in microseconds: no log of a language model is older, so an older time is a wrong unit."""
LATEST = 4_102_444_800_000_000
"""2100-01-01 in microseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_INT64_MAX = 2**63 - 1


def identifier(value: Any, field: str) -> str:
    """An id that must be there: a non-empty string or an integer, without NUL and lone surrogates."""
    found = optional_identifier(value, field)
    if found is None:
        return unreadable(f"{field}: expected a non-empty id")
    return found


def optional_identifier(value: Any, field: str) -> str | None:
    """An id that may be missing: null, absent, empty, or a word for it such as `NULL` (`placeholders.ABSENT`)."""
    if value is None:
        return None
    if type(value) is int:
        if -(2**63) <= value < 2**64:
            return str(value)
        return unreadable(f"{field}: expected an id, found an integer beyond 64 bits")
    if not isinstance(value, str):
        return unreadable(f"{field}: expected an id as text or integer")
    if len(value) <= LONGEST_WORD and is_absent(value):
        return None
    if value.isascii() and value.isalnum():
        return value
    # Printable text holds neither NUL nor surrogates, so the common case needs no second look.
    if not value.isprintable() and ("\0" in value or not _encodable(value)):
        return unreadable(f"{field}: expected an id without NUL and lone surrogates")
    return None if not value or value.isspace() else value


def optional_identity(value: Any, field: str) -> str | None:
    """An account, a user or an end user that may be missing: its stable part, and None for a placeholder (`placeholders.somebody`)."""
    if isinstance(value, float) and isnan(value):  # how data frames write "no value"
        return None
    found = json_text(value) if type(value) is dict and value else optional_identifier(value, field)
    return None if found is None else somebody(found)


def identity(value: Any, field: str) -> str:
    """An account that must be there, as `optional_identity` reads it."""
    found = optional_identity(value, field)
    if found is None:
        return unreadable(f"{field}: expected somebody's id, not a placeholder")
    return found


def label(value: Any, field: str) -> str | None:
    """Optional short text; empty is the same as missing."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        return unreadable(f"{field}: expected text")
    return value if value.isascii() else encodable(value)


def count(value: Any, field: str) -> int | None:
    """Optional count of tokens: 0 to 2^63-1, as an integer, an integral float or decimal digits."""
    number: int | None
    if type(value) is int:
        number = value
    elif value is None or value == "":
        return None
    else:
        number = _integer(value, field)
    if number is None or 0 <= number <= _INT64_MAX:
        return number
    return unreadable(f"{field}: expected an integer from 0 to 2^63-1")


def http_status(value: Any, field: str) -> int | None:
    """Optional HTTP status, 100 to 599."""
    if value is None or value == "":
        return None
    number = value if type(value) is int else _integer(value, field)
    if number is None or 100 <= number <= 599:
        return number
    return unreadable(f"{field}: expected an HTTP status from 100 to 599")


def _integer(value: Any, field: str) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        digits = value.strip().removesuffix(".0")  # spreadsheets and data frames write whole numbers so
        if digits.isascii() and digits.isdecimal() and len(digits) <= 19:
            return int(digits)
    return unreadable(f"{field}: expected an integer")


def instant(microseconds: int, field: str) -> int:
    """A time in microseconds since 1970 UTC that lies between 2000 and 2100."""
    if EARLIEST <= microseconds < LATEST:
        return microseconds
    return unreadable(f"{field}: expected a time between 2000 and 2100")


def from_seconds(value: Any, field: str) -> int:
    """Microseconds from seconds since 1970 UTC; also accepts what `from_text` does."""
    if isinstance(value, float) or type(value) is int:
        if not -1e12 < value < 1e12:  # also false for NaN
            return unreadable(f"{field}: expected a time in seconds since 1970")
        return instant(round(value * 1e6), field)
    return from_text(value, field)


def from_milliseconds(value: Any, field: str) -> int:
    """Microseconds from milliseconds since 1970 UTC; also accepts what `from_text` does."""
    if isinstance(value, float) or type(value) is int:
        if not -1e15 < value < 1e15:
            return unreadable(f"{field}: expected a time in milliseconds since 1970")
        return instant(round(value * 1e3), field)
    return from_text(value, field)


def from_nanoseconds(value: Any, field: str) -> int:
    """Microseconds from nanoseconds since 1970 UTC, as OTLP/JSON writes them: decimal digits in a string."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 20:
        value = int(value)
    if type(value) is not int:
        return unreadable(f"{field}: expected nanoseconds since 1970")
    return instant(value // 1000, field)


def from_microseconds(value: Any, field: str) -> int:
    """Microseconds as given; also accepts what `from_text` does."""
    return instant(value, field) if type(value) is int else from_text(value, field)


def from_text(value: Any, field: str) -> int:
    """Microseconds from ISO 8601 text or a datetime; without a zone it is UTC."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value.strip())
        elif isinstance(value, datetime):
            moment = value
        else:
            return unreadable(f"{field}: expected a time")
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return instant((moment - _EPOCH) // _MICROSECOND, field)
    except (ValueError, OverflowError):
        return unreadable(f"{field}: expected a time as ISO 8601 text")


def json_object(value: Any, field: str) -> dict[str, Any]:
    """A JSON object given as one, or as JSON text (as CSV and Parquet exports hold it); missing gives {}."""
    if type(value) is dict:
        return value
    found = decoded(value)
    if found is None or found in ("", []):
        return {}
    if isinstance(found, Mapping):
        return dict(found)
    return object_of(found, field)


def object_of(value: Any, field: str) -> dict[str, Any]:
    """What should be an object; an empty one where it is none and the rest of the record is to be kept."""
    if isinstance(value, Mapping):
        return dict(value)
    nothing: dict[str, Any] | None = unreadable(f"{field}: expected an object")
    return nothing or {}


def decoded(value: Any) -> Any:
    """JSON text decoded; anything else, and text that is no JSON object, array or string, as it is.

    Numbers and words stay text, so that a prompt "42" is not mistaken for a number.
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str) and value[:64].lstrip()[:1] in ("{", "[", '"'):
        try:
            return orjson.loads(value)
        except ValueError:
            return value
    return value


def json_text(value: Any) -> str:
    """`value` as JSON text in UTF-8; what JSON cannot hold becomes text."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, RecursionError):
        pass
    try:
        return json.dumps(value, default=str, skipkeys=True)
    except (TypeError, ValueError, RecursionError):
        return "null"


def parameters(value: Any, field: str) -> str | None:
    """Optional request parameters: a JSON object as JSON text."""
    found = json_object(value, field)
    return json_text(found) if found else None


SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-goog-api-key", "x-litellm-api-key"}
)
"""Headers whose values are credentials: their place in the order is kept, their values never enter."""


def headers(value: Any, field: str) -> str | None:
    """Optional request headers as JSON in the order in which they were sent, credentials blanked.

    Accepts an object, a list of [name, value] pairs, a list of {"name": …, "value": …}, a list of names alone (a way to log
    their order), or any of these as JSON text; and names with commas between.
    Repeated values are joined by ", ". Names alone give a JSON list of names.
    """
    if type(value) is dict and not _needs_care(value):
        return orjson.dumps(value).decode() if value else None
    found = decoded(value)
    if found is None or found == "" or found in ([], {}):
        return None
    if isinstance(found, str) and _NAMES.fullmatch(found):
        found = found.replace(" ", "").split(",")
    if isinstance(found, list) and all(isinstance(one, str) for one in found):
        names = [one.strip() for one in found]
        return json_text(names) if all(_NAME.fullmatch(one) for one in names) else unreadable(f"{field}: expected names of headers")
    pairs: Iterable[Any] = found.items() if isinstance(found, Mapping) else found
    result: dict[str, str] = {}
    try:
        for pair in pairs:
            name, content = (pair["name"], pair.get("value")) if isinstance(pair, Mapping) else pair
            if not isinstance(name, str):
                return unreadable(f"{field}: expected header names as text")
            text = ", ".join(map(_scalar, content)) if isinstance(content, list) else _scalar(content)
            result[name] = "" if name.lower() in SECRET_HEADERS else text
    except (TypeError, ValueError, KeyError):
        return unreadable(f"{field}: expected an object of headers, a list of pairs or of names")
    return json_text(result) if result else None


_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")  # a token of RFC 9110
_NAMES = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?: *, *[!#$%&'*+.^_`|~0-9A-Za-z-]+)+")


def _needs_care(found: dict[Any, Any]) -> bool:
    """Whether any header is repeated, secret, not text or not ASCII: nearly none is."""
    for name, content in found.items():
        if type(content) is not str or type(name) is not str or not content.isascii() or not name.isascii():
            return True
        if name in SECRET_HEADERS or name.lower() in SECRET_HEADERS:
            return True
    return False


def _scalar(value: Any) -> str:
    return encodable(value) if isinstance(value, str) else json_text(value)


_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
DOTTED = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
"""An IPv4 address in canonical form, alone (use `fullmatch`). Nearly all in logs are; `ipaddress` takes ten times as long."""

_INTERNAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)


@lru_cache(maxsize=1 << 16)
def _address(text: str) -> str | None:
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def address(value: Any, field: str) -> str | None:
    """Optional IP address without port and brackets; of a list (X-Forwarded-For) the first. Not an address: None.

    Words such as "unknown" must not become an address that thousands of accounts appear to share.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        return unreadable(f"{field}: expected an address as text")
    if DOTTED.fullmatch(value):
        return value
    return _address(value.partition(",")[0] if "," in value else value)


def is_internal(text: str) -> bool:
    """Whether an address belongs to a private, shared or loopback range, so that it is a proxy's and not a client's."""
    found = ipaddress.ip_address(text)
    return any(found in network for network in _INTERNAL)


def trusted_address(peer: str | None, forwarded_for: Any) -> str | None:
    """The client's address from the connection's peer and X-Forwarded-For.

    A client can write anything at the left of X-Forwarded-For; what our own proxies append stands at the right. So the
    peer counts when it is not internal, then the right-most address of the list that is not, then whatever there is.
    """
    if peer is not None and not is_internal(peer):
        return peer
    hops = [found for hop in forwarded_for.split(",") if (found := _address(hop))] if isinstance(forwarded_for, str) else []
    outside = [hop for hop in hops if not is_internal(hop)]
    return outside[-1] if outside else hops[0] if hops else peer


def encodable(text: str) -> str:
    """`text` without lone surrogates, which UTF-8 cannot hold."""
    return text if _encodable(text) else text.encode("utf-8", "replace").decode()


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
