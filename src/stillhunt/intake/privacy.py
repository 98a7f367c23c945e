"""What becomes of personal values at intake: pseudonyms under the provider's key, and the coarse part that evidence needs.

In: columns of strings. Out: columns of strings of the same length. May import: errors, formats.values. Nothing here keeps
what it saw, but for some User-Agents in memory.

A pseudonym is BLAKE2b keyed with the provider's key, personalised with the kind of value, 128 bits in hex after a prefix
("mail:3f...", RFC 7693). Equal values get equal pseudonyms under one key; without the key nobody can try out values.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.errors import StillhuntError
from stillhunt.intake.formats.values import DOTTED

KEY_BYTES = 32
SHORTEST_KEY = 16
USER_AGENT_CHARS = 256
SHAPE_RUNS = 32


def new_key() -> bytes:
    """A fresh pseudonym key: 32 bytes from the system's generator. Whoever loses it cannot join old and new rows again."""
    return secrets.token_bytes(KEY_BYTES)


def key_id(key: bytes) -> str:
    """A short public name of the key (16 hex digits), to see whether two lakes share it. It tells nothing about the key."""
    return hashlib.blake2b(_key(key), digest_size=8, person=b"stillhunt:keyid").hexdigest()


def _key(key: bytes) -> bytes:
    if len(key) < SHORTEST_KEY:
        raise StillhuntError(f"the pseudonym key has {len(key)} bytes, at least {SHORTEST_KEY} are needed: use `privacy.new_key()`")
    return key if len(key) <= hashlib.blake2b.MAX_KEY_SIZE else hashlib.blake2b(key).digest()


def over_unique(column: pa.ChunkedArray[Any] | pa.Array[Any], function: Callable[[str], str | None]) -> pa.Array[Any]:
    """`function` of each string, called once per distinct value; null stays null."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded: Any = pc.dictionary_encode(whole.cast(pa.string()))
    values = pa.array([function(v) for v in encoded.dictionary.to_pylist()], pa.string())
    result: pa.Array[Any] = values.take(encoded.indices)
    return result


class Pseudonyms:
    """The keyed hashes of one key.

    Raises:
        StillhuntError: the key is shorter than 16 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._secret = _key(key)

    def of(self, kind: str, value: str | None) -> str | None:
        """`kind` and 32 hex digits for a value that is already normalised; null for an empty one."""
        if not value:
            return None
        person = b"stillhunt:" + kind.encode("ascii")
        return f"{kind}:{hashlib.blake2b(value.encode(), digest_size=16, key=self._secret, person=person).hexdigest()}"

    def emails(self, column: pa.Array[Any]) -> pa.Array[Any]:
        """Pseudonyms of e-mail addresses: trimmed and case folded, nothing else.

        Dots and +suffixes stay: whether they are ignored depends on the mail host, and an operator's variations of one
        mailbox are evidence that `email_shape` and `email_domain` keep.
        """
        return over_unique(column, lambda v: self.of("mail", _trimmed(v).casefold()))

    def phones(self, column: pa.Array[Any]) -> pa.Array[Any]:
        """Pseudonyms of telephone numbers: digits only, without a leading 00."""
        return over_unique(column, lambda v: self.of("tel", _phone(v)))

    def cards(self, column: pa.Array[Any]) -> pa.Array[Any]:
        """Pseudonyms of the processor's card tokens, as given but trimmed."""
        return over_unique(column, lambda v: self.of("card", _trimmed(v)))

    def users(self, column: pa.Array[Any]) -> pa.Array[Any]:
        """Pseudonyms of end users' ids, as given but trimmed."""
        return over_unique(column, lambda v: self.of("user", _trimmed(v)))

    def addresses(self, column: pa.Array[Any]) -> pa.Array[Any]:
        """Pseudonyms of IP addresses in their canonical form. What is no address (hashed by the gateway, say) is taken as it is."""

        def one(value: str) -> str | None:
            if DOTTED.fullmatch(value):
                return self.of("ip", value)
            found = address(value)
            return self.of("ip", str(found) if found else _trimmed(value).strip("-"))

        return over_unique(column, one)


def _trimmed(value: str) -> str:
    return unicodedata.normalize("NFKC", value).strip()


def _phone(value: str) -> str:
    if re.search(r"[^\W\d_]{2}", re.sub(r"(?i)\b(ext|tel|phone|mobile)\b", "", value)):
        return _trimmed(value)  # letters: a token that somebody else made of the number; its digits alone would collide
    digits = "".join(str(unicodedata.decimal(c)) for c in value if unicodedata.decimal(c, None) is not None)
    return digits.removeprefix("00")


def address(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The first IP address in a field: alone, with port or brackets or zone, or first of a forwarding list. None if there is none."""
    for part in value.split(","):
        text = part.strip().strip('"').removeprefix("for=").strip('"')
        if text.startswith("["):
            text = text[1:].partition("]")[0]
        elif text.count(":") == 1:
            text = text.partition(":")[0]
        try:
            found = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            continue
        return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found
    return None


def prefix(value: str) -> str | None:
    """The network around an address: /24 for IPv4, /48 for IPv6, in canonical form; None if the value is no address."""
    if DOTTED.fullmatch(value):
        return value[: value.rindex(".")] + ".0/24"
    found = address(value)
    if found is None:
        return None
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))


def email_domain(value: str) -> str | None:
    """What follows the last @, lower case, without a final dot."""
    local, at, domain = _trimmed(value).rpartition("@")
    return domain.lower().rstrip(".") or None if at and local else None


def email_shape(value: str) -> str | None:
    """Runs of letters (a), digits (d) and signs (as they are) of the local part: "winter.berry07" is "a6.a5d2".

    It shows how a batch of addresses was made up and not whose they are. After 32 runs it is cut.
    """
    local, at, _ = _trimmed(value).rpartition("@")
    if not at or not local:
        return None
    runs = re.findall(r"[^\W\d_]+|\d+|[\W_]", local)[:SHAPE_RUNS]
    return "".join(f"d{len(r)}" if r[0].isdigit() else f"a{len(r)}" if r[0].isalpha() else r for r in runs)


_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
_IDS = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"  # UUID
    r"|\b(?:sk|pk|rk|key|token|bearer)[-_ ][\w-]{12,}"  # API keys
    r"|\b(?=[a-f]*\d)[0-9a-f]{12,}\b"  # long hex
    r"|\b(?=[a-z_]*\d)[a-z0-9_]{24,}\b"  # long mixed
    r"|\d{9,}",
    re.IGNORECASE,
)


def user_agent(value: str) -> str | None:
    """At most 256 characters, e-mail addresses and long ids masked. Product names and versions stay."""
    return _user_agent(value) if len(value) <= USER_AGENT_CHARS else _user_agent.__wrapped__(value)


@lru_cache(maxsize=4096)
def _user_agent(value: str) -> str | None:
    text = " ".join(value.split())
    return _IDS.sub("<id>", _EMAIL.sub("<email>", text[: 4 * USER_AGENT_CHARS]))[:USER_AGENT_CHARS] or None
