"""Keyed identifiers: whether two providers know the same e-mail address, telephone or card token, told to nobody without the key.

In: an export of accounts that the user gives (the lake has pseudonyms only) and an exchange key that both providers hold. Out: keyed
hashes.

    key(kind) = HKDF-SHA256(exchange key, salt of the pack, "stillhunt pack identifiers " + kind)
    identifier = first 16 bytes of HMAC-SHA256(key(kind), normalised value)

A pack's salt is random, so the same value looks different in each pack. The recipient holds the key, too, and can try values: telephone
numbers and most e-mail addresses can be guessed so, one by one. The key protects against everybody else. References: RFC 5869 (HKDF), RFC
2104 (HMAC).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stillhunt.errors import InputError
from stillhunt.records.packs import Identifiers, Kind

COLUMNS: Mapping[Kind, str] = {"email": "email", "phone": "phone", "payment": "payment_fingerprint"}
KEY_BYTES = 32


def read_exchange_key(path: Path) -> bytes:
    """The exchange key in a file: 64 hex digits, the same at both providers.

    Raises:
        InputError: it is none.
    """
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not an exchange key; a file with 64 hex digits that both sides have was expected") from error
    if len(key) != KEY_BYTES:
        raise InputError(f"{path}: an exchange key has 64 hex digits; make one with `openssl rand -hex 32`")
    return key


def known_accounts(path: Path) -> Iterator[Mapping[str, Any]]:
    """Accounts from an export with the canonical names (account_id, email, phone, payment_fingerprint), Parquet or JSON lines.

    Raises:
        InputError: it cannot be read, or has no account_id.
    """
    wanted = ["account_id", *COLUMNS.values()]
    try:
        if path.suffix == ".parquet":
            names = [name for name in wanted if name in pq.read_schema(path).names]
            rows = pq.read_table(path, columns=names).to_pylist()
        else:
            rows = [orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read; give accounts as Parquet or JSON lines with canonical names") from error
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("account_id"), str):
            raise InputError(f"{path}: a row has no account_id; give accounts as Parquet or JSON lines with canonical names")
        yield {name: row[name] for name in wanted if isinstance(row.get(name), str) and row[name].strip()}


def keyed(exchange: bytes, salt: bytes, kind: Kind, value: str) -> str:
    """One identifier, 32 hex digits."""
    key = HKDF(SHA256(), KEY_BYTES, salt, b"stillhunt pack identifiers " + kind.encode()).derive(exchange)
    return hmac.new(key, _normal(kind, value).encode(), hashlib.sha256).hexdigest()[:32]


def identifiers_of(path: Path, accounts: Collection[str], exchange: bytes, salt: bytes) -> Identifiers:
    """The keyed identifiers of some accounts.

    Raises:
        InputError: the export cannot be read, or knows nothing of them.
    """
    wanted, found = set(accounts), {kind: set[str]() for kind in COLUMNS}
    for row in known_accounts(path):
        if row["account_id"] in wanted:
            for kind, column in COLUMNS.items():
                if column in row:
                    found[kind].add(keyed(exchange, salt, kind, row[column]))
    values = {kind: sorted(held) for kind, held in found.items() if held}
    if not values:
        raise InputError(f"{path}: knows no e-mail address, telephone number or card token of the case's accounts")
    return Identifiers(salt=salt.hex(), values=values)


def identified(path: Path, identifiers: Identifiers, exchange: bytes) -> dict[str, list[Kind]]:
    """The accounts of an export whose identifiers are in a pack, and which.

    Raises:
        InputError: the export cannot be read.
    """
    salt, wanted = bytes.fromhex(identifiers.salt), {kind: set(values) for kind, values in identifiers.values.items()}
    found: dict[str, list[Kind]] = {}
    for row in known_accounts(path):
        kinds = [
            kind for kind, column in COLUMNS.items() if column in row and keyed(exchange, salt, kind, row[column]) in wanted.get(kind, ())
        ]
        if kinds:
            found[row["account_id"]] = sorted(kinds)
    return dict(sorted(found.items()))


def _normal(kind: Kind, value: str) -> str:
    text = unicodedata.normalize("NFKC", value).strip()
    if kind == "email":
        return text.casefold()
    return re.sub(r"\D", "", text).removeprefix("00") if kind == "phone" else text
