"""Checks what a Stillhunt evidence bundle says: one file that needs neither Stillhunt, nor its data, nor a network.

    python verifier.py CASE.stillhunt-bundle.json --key provider.vkey

Needs Python 3.11 and the package `cryptography` (48 or newer where ML-DSA signatures are to be checked). It may be copied and read by
itself; it is also the only place in Stillhunt where anything is verified, so what is read here is what the product runs. In order:

1. reading JSON and base64 so strictly that there is one way of writing anything;
2. Merkle trees (RFC 6962, RFC 9162): is this leaf in that tree, is this tree the beginning of that one;
3. keys and signed notes, checkpoints, cosignatures and log proofs (c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof);
4. interactions: how a row of a call log becomes a leaf, and how parts of it can be withheld;
5. envelopes (DSSE 1.0) with an in-toto Statement v1, and what the evidence in it proves.

Whatever is wrong with an input, `Refused` is raised and nothing else.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import os
import re
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Refused(Exception):  # noqa: N818 - it reads as what it is
    """The evidence is not accepted. `str()` is one line that says what is wrong and where."""


# --------------------------------------------------------------------------------------------------------------------
# 1. JSON and base64, of which there is one spelling

BUNDLE_LIMIT: Final = 256 << 20
DEPTH_LIMIT: Final = 64
NOTE_LIMIT: Final = 1 << 20
HASH_SIZE: Final = 32

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def canonical(document: Any) -> bytes:
    """JSON with sorted keys, no blanks, ASCII only: the same document always gives the same bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def parse_canonical(data: bytes, what: str) -> Any:
    """The JSON document that `data` is the canonical spelling of.

    Raises:
        Refused: it is no JSON, is nested deeper than 64, has a key twice, holds NaN, or could be spelled in another way.
    """
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", data)):
        depth += 1 if bracket.group() in b"[{" else -1
        if depth > DEPTH_LIMIT:
            raise Refused(f"{what}: nested deeper than {DEPTH_LIMIT}")
    try:
        document = json.loads(data.decode("ascii"))
        if canonical(document) != data:  # keys that come twice or out of order, blanks, other escapes, 1e2 for 100.0
            raise Refused(f"{what}: not written as canonical JSON, so it was changed or made by something else")
        if _LONE_SURROGATE.search(data):
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:  # UnicodeError is a ValueError
        raise Refused(f"{what}: not JSON that can be read ({type(error).__name__})") from None
    return document


def from_base64(text: Any, what: str, size: int | None = None) -> bytes:
    """Decode base64 (RFC 4648 section 4) that has exactly one spelling: padded, no blanks, unused bits zero.

    Raises:
        Refused: it is something else, or not `size` bytes long.
    """
    try:
        data = base64.b64decode(_text(text, what).encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        raise Refused(f"{what}: not base64") from None
    if base64.b64encode(data).decode() != text:
        raise Refused(f"{what}: base64 in an unusual spelling")
    if size is not None and len(data) != size:
        raise Refused(f"{what}: {size} bytes were expected, not {len(data)}")
    return data


def from_hex(text: Any, what: str, size: int) -> bytes:
    """Decode exactly `size` bytes of lower-case hexadecimal.

    Raises:
        Refused: it is something else.
    """
    if not isinstance(text, str) or not re.fullmatch(f"[0-9a-f]{{{2 * size}}}", text):
        raise Refused(f"{what}: {2 * size} hexadecimal digits were expected")
    return bytes.fromhex(text)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise Refused(f"{what}: text was expected")
    return value


def _whole(value: Any, what: str, least: int = 0, most: int = 2**63 - 1) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Refused(f"{what}: a whole number from {least} to {most} was expected")
    return value


def _array(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise Refused(f"{what}: a list was expected")
    return value


def _fields(value: Any, what: str, names: Sequence[str]) -> list[Any]:
    """The values of an object that has exactly these fields, in that order."""
    if not isinstance(value, dict) or value.keys() != set(names):
        raise Refused(f"{what}: an object with exactly the fields {', '.join(names)} was expected")
    return [value[name] for name in names]


def _decimal(text: str, what: str) -> int:
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text, re.ASCII):
        raise Refused(f"{what}: a decimal number without leading zeros was expected")
    return _whole(int(text), what)


# --------------------------------------------------------------------------------------------------------------------
# 2. Merkle trees: RFC 6962 section 2.1, proofs as in RFC 9162 sections 2.1.3.2 and 2.1.4.2


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf that holds `data`: SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """Root of the tree of `size` leaves in which `leaf` (its hash, from `leaf_hash`) stands at `index`, by this proof.

    Raises:
        Refused: the proof is too long or too short for that place, or a hash is not 32 bytes.
    """
    if not 0 <= index < size:
        raise Refused(f"inclusion proof: there is no leaf {index} in a tree of {size}")
    if any(len(each) != HASH_SIZE for each in (leaf, *proof)):
        raise Refused("inclusion proof: a hash is not 32 bytes long")
    here, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Refused("inclusion proof: longer than the tree is high")
        if here & 1 or here == last:
            root = node_hash(sibling, root)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        here, last = here >> 1, last >> 1
    if last:
        raise Refused("inclusion proof: shorter than the tree is high")
    return root


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """`leaf` (a leaf's hash) stands at `index` in the tree of `size` leaves that has this root.

    Raises:
        Refused: the proof does not show it.
    """
    if root_from_inclusion(index, size, leaf, proof) != root:
        raise Refused(f"inclusion proof: leaf {index} is not in the tree of {size} that has this root")


def check_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """The first `old_size` leaves of the newer tree are the older tree: nothing was changed, removed, inserted or reordered.

    Raises:
        Refused: the proof does not show it.
    """
    if not 0 <= old_size <= new_size:
        raise Refused(f"consistency proof: a log of {old_size} entries cannot have become one of {new_size}")
    if any(len(each) != HASH_SIZE for each in (old_root, new_root, *proof)):
        raise Refused("consistency proof: a hash is not 32 bytes long")
    if old_size in {0, new_size}:
        empty = old_size == 0 and old_root != hashlib.sha256().digest()
        if proof or empty or (old_size == new_size and old_root != new_root):
            raise Refused(f"consistency proof: the trees of {old_size} and {new_size} entries contradict each other")
        return
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)  # a full tree is itself the first node, and is not sent
    if not path:
        raise Refused("consistency proof: empty")
    here, last = old_size - 1, new_size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old = new = path[0]
    for each in path[1:]:
        if last == 0:
            raise Refused("consistency proof: longer than the tree is high")
        if here & 1 or here == last:
            old, new = node_hash(each, old), node_hash(each, new)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            new = node_hash(new, each)
        here, last = here >> 1, last >> 1
    if last or old != old_root or new != new_root:
        raise Refused(f"consistency proof: the log of {new_size} entries does not begin with the log of {old_size}")


# --------------------------------------------------------------------------------------------------------------------
# 3. Keys, signed notes, checkpoints, cosignatures, log proofs (C2SP)

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
ML_DSA_44: Final = 0x06
_PUBLIC_SIZES: Final = {ED25519: 32, COSIGNATURE: 32, ML_DSA_44: 1312}
_SIGNATURE_SIZES: Final = {ED25519: 64, COSIGNATURE: 8 + 64, ML_DSA_44: 8 + 2420}
_KINDS: Final = {ED25519: "Ed25519", COSIGNATURE: "Ed25519 cosignature", ML_DSA_44: "ML-DSA-44"}


@dataclass(frozen=True)
class Key:
    """A public key under a name. `kind` is a signature type of c2sp.org/signed-note: 0x01, 0x04 or 0x06; `public` its raw bytes."""

    name: str
    kind: int
    public: bytes

    def __post_init__(self) -> None:
        """Refuse names and lengths that the format does not have."""
        if not self.name.isprintable() or " " in self.name or "+" in self.name or not 1 <= len(self.name.encode()) <= 255:
            raise Refused("key: a name has 1 to 255 bytes, and neither blanks nor plus signs")
        if _PUBLIC_SIZES.get(self.kind) != len(self.public):
            raise Refused(f"key {self.name}: kind {self.kind:#04x} with {len(self.public)} bytes is not known here")

    @classmethod
    def parse(cls, vkey: str) -> Key:
        """A key from its one line: name, plus sign, hash in hexadecimal, plus sign, base64 of kind and public key.

        Raises:
            Refused: it is no such line, or its hash is not the key's.
        """
        name, plus, rest = vkey.partition("+")
        digest, plus_again, encoded = rest.partition("+")
        if not plus or not plus_again:
            raise Refused("key: a line like name+hash+base64 was expected")
        data = from_base64(encoded, f"key {name!r}")
        key = cls(name, data[0] if data else 0, data[1:])
        if digest != key.key_id.hex():
            raise Refused(f"key {name!r}: the hash {digest!r} does not belong to it")
        return key

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart: SHA-256(name || newline || kind || public key), shortened."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def label(self) -> str:
        """`name+hash`: the vkey without the key itself. In an envelope it is the keyid."""
        return f"{self.name}+{self.key_id.hex()}"

    @property
    def vkey(self) -> str:
        """The key as one line, as `parse` reads it."""
        return f"{self.label}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    @property
    def algorithm(self) -> str:
        """What the key signs with, in words."""
        return _KINDS[self.kind]

    def verify(self, signature: bytes, message: bytes) -> None:
        """The holder of the key signed exactly `message` (for ML-DSA: pure, with an empty context).

        Raises:
            Refused: the signature is wrong, or ML-DSA cannot be checked by the installed `cryptography`.
        """
        try:
            if self.kind == ML_DSA_44:
                from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey  # noqa: PLC0415 - older ones lack it

                MLDSA44PublicKey.from_public_bytes(self.public).verify(signature, message)
            else:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            raise Refused(f"signature by {self.label} ({self.algorithm}): wrong") from None
        except (ImportError, UnsupportedAlgorithm):
            raise Refused(f"signature by {self.label}: ML-DSA needs the Python package cryptography 48 or newer") from None
        except (ValueError, TypeError):
            raise Refused(f"signature by {self.label}: malformed signature or key") from None


@dataclass(frozen=True)
class Note:
    """A signed note: `text` ends in a newline; `signatures` are (key name, key id of 4 bytes, what the key wrote)."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]


class Checkpoint(NamedTuple):
    """A log at one moment: which log, how many entries, and the root (32 bytes) of the Merkle tree over them."""

    origin: str
    size: int
    root: bytes


class Signed(NamedTuple):
    """A signature that was verified. `timestamp` is what the signer says the time was (POSIX seconds), or None where it says nothing."""

    key: Key
    timestamp: int | None


def parse_note(note: bytes) -> Note:
    """Take a signed note apart; nothing is verified.

    Raises:
        Refused: it does not follow c2sp.org/signed-note, or is larger than 1 MiB.
    """
    if len(note) > NOTE_LIMIT:
        raise Refused("note: larger than 1 MiB")
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise Refused("note: not UTF-8") from None
    if re.search(r"[\x00-\x09\x0b-\x1f]", whole):
        raise Refused("note: holds a control character")
    text, separator, lines = whole.rpartition("\n\n")
    if not separator or not text or not lines.endswith("\n"):
        raise Refused("note: text, an empty line and lines of signatures were expected")
    signatures = []
    for line in lines[:-1].split("\n"):
        match = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
        if not match:
            raise Refused("note: a line of signature is malformed")
        data = from_base64(match[2], "note: signature")
        if len(data) < 5:
            raise Refused("note: a signature is too short")
        signatures.append((match[1], data[:4], data[4:]))
    return Note(text + "\n", tuple(signatures))


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text (a note's without its signatures). Extension lines are refused: ML-DSA signatures would not cover them.

    Raises:
        Refused: it does not follow c2sp.org/tlog-checkpoint.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise Refused("checkpoint: three lines were expected: origin, size, root")
    return Checkpoint(lines[0], _decimal(lines[1], "checkpoint: size"), from_base64(lines[2], "checkpoint: root", HASH_SIZE))


def cosignature_message(timestamp: int, text: str) -> bytes:
    """What an Ed25519 cosignature (0x04) signs: two lines before the checkpoint's text."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def cosigned_message(name: str, timestamp: int, checkpoint: Checkpoint) -> bytes:
    """What an ML-DSA-44 signature (0x06) of a checkpoint signs: the structure `cosigned_message` of c2sp.org/tlog-cosignature."""
    cosigner, origin = name.encode(), checkpoint.origin.encode()
    if not 1 <= len(cosigner) <= 255 or not 1 <= len(origin) <= 255:
        raise Refused("checkpoint: origin and key names have 1 to 255 bytes")
    return (
        b"subtree/v1\n\x00"
        + bytes([len(cosigner)])
        + cosigner
        + struct.pack(">Q", timestamp)
        + bytes([len(origin)])
        + origin
        + struct.pack(">QQ", 0, checkpoint.size)
        + checkpoint.root
    )


def _verified(key: Key, data: bytes, text: str, checkpoint: Checkpoint) -> Signed:
    if len(data) != _SIGNATURE_SIZES[key.kind]:
        raise Refused(f"signature by {key.label}: {_SIGNATURE_SIZES[key.kind]} bytes were expected, not {len(data)}")
    if key.kind == ED25519:
        key.verify(data, text.encode())
        return Signed(key, None)
    timestamp = _whole(int.from_bytes(data[:8], "big"), f"signature by {key.label}: time")
    message = cosigned_message(key.name, timestamp, checkpoint) if key.kind == ML_DSA_44 else cosignature_message(timestamp, text)
    key.verify(data[8:], message)
    return Signed(key, timestamp)


def check_checkpoint(note: bytes, keys: Sequence[Key], *, all_known: bool = False) -> tuple[Checkpoint, list[Signed]]:
    """The checkpoint in a signed note, and the signatures by `keys` that stand under it, in the note's order.

    Every signature by one of `keys` must be right; others are passed over, unless `all_known`.

    Raises:
        Refused: malformed, a known key's signature is wrong or comes twice, none is by a key whose name is the log's
            origin, or (with `all_known`) one is by a key that was not given.
    """
    parsed = parse_note(note)
    checkpoint = parse_checkpoint(parsed.text)
    known = {(key.name, key.key_id): key for key in keys}
    signed: list[Signed] = []
    for name, key_id, data in parsed.signatures:
        key = known.get((name, key_id))
        if key is None:
            if all_known:
                raise Refused(f"checkpoint: signed by {name}+{key_id.hex()}, a key that was not given")
            continue
        if any(each.key == key for each in signed):
            raise Refused(f"checkpoint: signed twice by {key.label}")
        signed.append(_verified(key, data, parsed.text, checkpoint))
    if not any(each.key.name == checkpoint.origin for each in signed):
        raise Refused(f"checkpoint: not signed by a key of the log {checkpoint.origin!r} that was given")
    return checkpoint, signed


@dataclass(frozen=True)
class LogProof:
    """A .tlog-proof file: entry `index`, its inclusion proof, the checkpoint (a signed note) and data that nothing vouches for."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None


def parse_log_proof(data: bytes) -> LogProof:
    """Take a .tlog-proof apart; nothing is verified.

    Raises:
        Refused: it does not follow c2sp.org/tlog-proof.
    """
    if len(data) > NOTE_LIMIT:
        raise Refused("log proof: larger than 1 MiB")
    head, separator, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Refused("log proof: not ASCII") from None
    if not separator or lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Refused("log proof: the first line is not c2sp.org/tlog-proof@v1, or there is no checkpoint")
    extra = from_base64(lines.pop(0)[6:], "log proof: extra") if lines and lines[0].startswith("extra ") else None
    if not lines or not lines[0].startswith("index "):
        raise Refused("log proof: a line with the index was expected")
    index = _decimal(lines.pop(0)[6:], "log proof: index")
    if len(lines) > 63:
        raise Refused("log proof: more hashes than any log needs")
    return LogProof(index, tuple(from_base64(line, "log proof: hash", HASH_SIZE) for line in lines), checkpoint, extra)


def check_log_proof(data: bytes, entry: bytes, keys: Sequence[Key]) -> tuple[Checkpoint, list[Signed], int]:
    """A .tlog-proof shows that the log holds `entry` (its bytes): the checkpoint, its verified signatures, the entry's index.

    Raises:
        Refused: it does not.
    """
    proof = parse_log_proof(data)
    checkpoint, signed = check_checkpoint(proof.checkpoint, keys)
    check_inclusion(proof.index, checkpoint.size, leaf_hash(entry), proof.hashes, checkpoint.root)
    return checkpoint, signed, proof.index


# --------------------------------------------------------------------------------------------------------------------
# 4. Interactions. A row is committed in three groups of columns, so that a whole group can be withheld and the proof still holds.

_TEXT, _INTEGER, _BOOLEAN, _TIME, _NUMBERS = "text", "integer", "true/false", "time", "numbers"
_COLUMNS: Final[dict[str, dict[str, str]]] = {
    "who": {
        **dict.fromkeys(("account_id", "organization_id", "key_id", "end_user_id", "conversation_id", "client_ip", "client_prefix"), _TEXT),
        **dict.fromkeys(("user_agent", "tls_ja4"), _TEXT),
        "client_shape": _INTEGER,
        "client_label": _TEXT,
    },
    "call": {
        "interaction_id": _TEXT,
        **dict.fromkeys(("started_at", "ended_at"), _TIME),
        **dict.fromkeys(("surface", "operation", "request_model", "response_model"), _TEXT),
        **dict.fromkeys(("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "http_status"), _INTEGER),
        **dict.fromkeys(("finish_reason", "error_type"), _TEXT),
        **dict.fromkeys(("system_chars", "prompt_chars", "response_chars", "reasoning_chars"), _INTEGER),
        **dict.fromkeys(("message_count", "user_turns", "tool_count"), _INTEGER),
        "truncated": _BOOLEAN,
        "source": _TEXT,
    },
    "content": {
        **dict.fromkeys(("parameters_hash", "prompt_hash", "system_hash", "tools_hash", "response_hash"), _INTEGER),
        **dict.fromkeys(("prompt_topic", "response_topic", "prompt_shape"), _INTEGER),
        "sketch": _NUMBERS,
    },
}
ROW_GROUPS: Final[dict[str, tuple[str, ...]]] = {group: tuple(columns) for group, columns in _COLUMNS.items()}
"""Group -> its columns, in the order in which they are written: who called, what kind of call it was, fingerprints of its text."""
ROW_COLUMNS: Final[tuple[str, ...]] = tuple(column for columns in ROW_GROUPS.values() for column in columns)
"""All columns; a column's place here is its number in the encoding."""
SALT_SIZE: Final = 16


def _encoded(column: str, kind: str, value: Any) -> bytes:
    what = f"interaction: {column}"
    if kind == _TEXT:
        try:
            return _text(value, what).encode()
        except UnicodeEncodeError:
            raise Refused(f"{what}: not text that UTF-8 can write") from None
    if kind == _NUMBERS:
        return b"".join(struct.pack("<i", _whole(each, what, -(2**31), 2**31 - 1)) for each in _array(value, what))
    if kind == _BOOLEAN:
        if not isinstance(value, bool):
            raise Refused(f"{what}: true or false was expected")
        return bytes([value])
    return struct.pack("<q", _whole(value, what, -(2**63)))


def encode_group(group: str, values: Mapping[str, Any]) -> bytes:
    """The columns of one group as bytes: for each that is there, in order, its number (1 byte), length (4 bytes) and value.

    Numbers are little-endian. Text is UTF-8; a whole number, and a time in microseconds since 1970 UTC, 8 bytes, two's
    complement; true/false 1 byte; a list of numbers 4 bytes each. A column without a value is left out, never null.

    Raises:
        Refused: a column that the group does not have, or a value of the wrong type.
    """
    columns = _COLUMNS[group]
    if values.keys() - columns.keys():
        raise Refused(f"interaction: {min(values.keys() - columns.keys())!r} is no column of the group {group}")
    parts = []
    for column, kind in columns.items():
        if column in values:
            data = _encoded(column, kind, values[column])
            parts.append(struct.pack("<BI", ROW_COLUMNS.index(column), len(data)) + data)
    return b"".join(parts)


def group_commitment(group: str, salt: bytes, values: Mapping[str, Any]) -> bytes:
    """SHA-256(salt || encoding): hides the group (the salt is 16 random-looking bytes of this row and group) and binds to it."""
    return hashlib.sha256(salt + encode_group(group, values)).digest()


def row_data(shown: Mapping[str, Any], withheld: Mapping[str, Any]) -> bytes:
    """What an interaction's leaf holds: the commitments of its three groups, one after another (96 bytes).

    `shown`: group -> {"salt": 16 bytes in hex, "values": {column: JSON value}}; `withheld`: group -> commitment in hex.

    Raises:
        Refused: a group is missing, comes twice, is not known or malformed.
    """
    if shown.keys() & withheld.keys() or shown.keys() | withheld.keys() != ROW_GROUPS.keys():
        raise Refused("interaction: each of the groups who, call and content must be shown or withheld")
    parts = []
    for group in ROW_GROUPS:
        if group in withheld:
            parts.append(from_hex(withheld[group], f"interaction: {group}", HASH_SIZE))
            continue
        salt, values = _fields(shown[group], f"interaction: {group}", ("salt", "values"))
        if not isinstance(values, Mapping):
            raise Refused(f"interaction: {group}: an object with values was expected")
        parts.append(group_commitment(group, from_hex(salt, f"interaction: {group}: salt", SALT_SIZE), values))
    return b"".join(parts)


def row_leaf(shown: Mapping[str, Any], withheld: Mapping[str, Any]) -> bytes:
    """Hash (32 bytes) of an interaction's leaf in the tree of its batch: `leaf_hash` of `row_data`."""
    return leaf_hash(row_data(shown, withheld))


# --------------------------------------------------------------------------------------------------------------------
# 5. Envelopes and bundles

STATEMENT: Final = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
PREDICATE: Final = "urn:stillhunt:evidence:v1"
ARTIFACTS: Final[dict[str, str]] = {
    "answers.json": "the answers to the four questions, with their likelihoods and confidence",
    "campaign.json": "that these accounts belong together, and what weighs for it",
    "case.json": "the case: its status, its result and what is written in its events",
    "configuration.json": "with which configuration the scan was made",
    "findings.json": "the findings of the whole scan",
    "interactions.json": "that the calls that are shown happened as the provider's logs say",
    "observations.json": "what was observed of the accounts, where the campaign's evidence rests on it",
    "policy.json": "the provider's clauses that were applied",
    "report.html": "the report (HTML)",
    "report.pdf": "the report (PDF)",
    "software.json": "which software made the findings",
}
"""What a bundle may hold -> what the provider claims by it."""
REQUIRED: Final = ("answers.json", "campaign.json", "case.json", "interactions.json", "software.json")


@dataclass
class Verdict:
    """What a bundle that was verified shows, in sentences, and the figures behind them."""

    proved: list[str] = field(default_factory=list)
    claimed: list[str] = field(default_factory=list)
    not_shown: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict, repr=False)  # what is enclosed, by its name, byte for byte as it was signed

    def document(self) -> dict[str, Any]:
        """The verdict as JSON values; the files stay out, `facts` has their hashes."""
        return {"proved": self.proved, "claimed": self.claimed, "not_shown": self.not_shown, "facts": self.facts}

    def extract(self, folder: Path) -> list[Path]:
        """Write the enclosed files into `folder`, which is made if need be, each readable by its owner alone. Nothing is overwritten.

        Raises:
            Refused: a file of one of these names is there already, or the folder cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            taken = [name for name in self.files if (folder / name).exists()]
            if taken:
                raise Refused(f"{folder}: {', '.join(sorted(taken))} would be overwritten; name an empty folder")
            for name, content in self.files.items():
                with open(folder / name, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                    file.write(content)
        except OSError as error:
            raise Refused(f"{folder}: cannot be written ({error.strerror})") from None
        return [folder / name for name in sorted(self.files)]


@dataclass(frozen=True)
class Entry:
    """An entry of the log that was shown to be in it."""

    index: int
    kind: str
    at: str
    document: dict[str, Any]


def pae(payload_type: str, body: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what the signatures of an envelope sign."""
    return b"DSSEv1 %d %b %d %b" % (len(payload_type.encode()), payload_type.encode(), len(body), body)


def open_envelope(data: bytes, keys: Sequence[Key], payload_type: str = PAYLOAD_TYPE, limit: int = BUNDLE_LIMIT) -> tuple[bytes, list[Key]]:
    """The payload of a DSSE envelope, and who signed it. The payload is not looked at before the signatures are found right.

    Every signature must be right and by one of `keys` (keyid is `Key.label`); one at least is Ed25519; they are sorted by keyid.

    Raises:
        Refused: anything else.
    """
    if len(data) > limit:
        raise Refused(f"envelope: larger than {limit >> 20} MiB")
    envelope = _fields(parse_canonical(data, "envelope"), "envelope", ("payload", "payloadType", "signatures"))
    if envelope[1] != payload_type:
        raise Refused(f"envelope: the payload's type is not {payload_type}")
    body, known, signers = from_base64(envelope[0], "envelope: payload"), {key.label: key for key in keys}, list[Key]()
    signed = [_fields(each, "envelope: signature", ("keyid", "sig")) for each in _array(envelope[2], "envelope: signatures")]
    labels = [_text(keyid, "envelope: keyid") for keyid, _ in signed]
    if labels != sorted(set(labels)) or len(labels) > 16:
        raise Refused("envelope: signatures are not sorted by keyid, or one comes twice")
    for label, (_, signature) in zip(labels, signed, strict=True):
        key = known.get(label)
        if key is None or key.kind == COSIGNATURE:
            raise Refused(f"envelope: signed by {label[:300]!r}, a key that was not given")
        key.verify(from_base64(signature, "envelope: signature"), pae(payload_type, body))
        signers.append(key)
    if not any(key.kind == ED25519 for key in signers):
        raise Refused("envelope: no Ed25519 signature by a key that was given")
    return body, signers


def event_commitment(event: Mapping[str, Any], salt: bytes) -> bytes:
    """What the log keeps of an event of a case: SHA-256(salt || canonical JSON of its number, at, actor, kind and body)."""
    return hashlib.sha256(salt + canonical({name: event[name] for name in ("actor", "at", "body", "kind", "number")})).digest()


def _artifacts(statement: Any, signers: Sequence[Key]) -> tuple[dict[str, Any], dict[str, bytes], dict[str, Any], bytes]:
    """Of a statement: predicate, artifacts as bytes, those of JSON as documents, and the digest of the list of subjects."""
    kind, subject, predicate_type, predicate = _fields(statement, "statement", ("_type", "subject", "predicateType", "predicate"))
    if kind != STATEMENT or predicate_type != PREDICATE:
        raise Refused(f"statement: not an in-toto Statement v1 about {PREDICATE}")
    _fields(predicate, "predicate", ("artifacts", "export", "log", "signers"))
    if predicate["signers"] != [key.label for key in signers]:
        raise Refused("envelope: a signature was taken away or added: the statement names other signers")
    held, documents, found = dict[str, bytes](), dict[str, Any](), predicate["artifacts"]
    if not isinstance(found, dict) or not set(REQUIRED) <= found.keys() <= ARTIFACTS.keys():
        raise Refused(f"artifacts: {', '.join(REQUIRED)} were expected, and nothing that is not known")
    for name, artifact in found.items():
        form = "text" if name in {"report.html", "findings.json"} else "base64" if name == "report.pdf" else "json"
        (content,) = _fields(artifact, name, (form,))
        if form == "json":
            documents[name], held[name] = content, canonical(content)
        else:
            held[name] = _text(content, name).encode() if form == "text" else from_base64(content, name)
    if subject != [{"digest": {"sha256": hashlib.sha256(held[name]).hexdigest()}, "name": name} for name in sorted(held)]:
        raise Refused("statement: the subjects are not the artifacts, each by its name and SHA-256")
    return predicate, held, documents, hashlib.sha256(canonical(subject)).digest()


def _proof(value: Any, what: str) -> list[bytes]:
    return [from_base64(each, what, HASH_SIZE) for each in _array(value, what)]


def _entries(value: Any, checkpoint: Checkpoint) -> dict[int, Entry]:
    entries: dict[int, Entry] = {}
    for each in _array(value, "log: entries"):
        number, encoded, proof = _fields(each, "log: entry", ("index", "data", "proof"))
        index, what = _whole(number, "log: entry"), f"log: entry {number}"
        data = from_base64(encoded, what)
        check_inclusion(index, checkpoint.size, leaf_hash(data), _proof(proof, what), checkpoint.root)
        at, document, kind, _ = _fields(parse_canonical(data, what), what, ("at", "document", "kind", "stillhunt"))
        if not isinstance(document, dict) or (entries and index <= max(entries)):
            raise Refused(f"{what}: no document, or not in order")
        entries[index] = Entry(index, _text(kind, what), _text(at, what), document)
    return entries


def _logged(entries: Mapping[int, Entry], index: Any, what: str, *kinds: str) -> Entry:
    entry = entries.get(_whole(index, what))
    if entry is None or entry.kind not in kinds:
        raise Refused(f"{what}: entry {index} of the log is not shown, or is not of the kind {' or '.join(kinds)}")
    return entry


class _Seen(NamedTuple):
    """The first `size` entries of the log were there no later than `by` (in words), according to `witness`."""

    size: int
    by: str
    witness: str


def _when(seconds: float) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=min(seconds, 2.5e11))).isoformat(timespec="seconds")


def _stamped(token: bytes, note: str, origin: str, authorities: Sequence[bytes]) -> str | None:
    """When an RFC 3161 authority saw the checkpoint as the log alone signed it; None where that cannot be checked here."""
    try:
        import rfc3161_client  # noqa: PLC0415 - optional
        from cryptography import x509  # noqa: PLC0415
    except ImportError:
        return None
    if not authorities:
        return None
    text, _, lines = note.rpartition("\n\n")
    own = f"{text}\n\n" + "".join(f"{line}\n" for line in lines.split("\n") if line.startswith(f"— {origin} "))
    try:
        builder = rfc3161_client.VerifierBuilder()
        for pem in authorities:
            builder = builder.add_root_certificate(x509.load_pem_x509_certificate(pem))
        response = rfc3161_client.decode_timestamp_response(token)
        builder.build().verify_message(response, own.encode())
        return str(response.tst_info.gen_time.isoformat(timespec="seconds"))
    except Exception as error:  # whatever a foreign parser makes of foreign bytes
        raise Refused(f"timestamp: not right, or not by an authority that was given ({type(error).__name__})") from None


def _log(log: Any, keys: Sequence[Key], authorities: Sequence[bytes], verdict: Verdict) -> tuple[Checkpoint, dict[int, Entry], list[_Seen]]:
    """The log as it was when the bundle was made: its last checkpoint, the entries that are shown, and who else had seen how much of it."""
    checkpoints, shown = _fields(log, "log", ("checkpoints", "entries"))
    parts = [_fields(each, "log: checkpoint", ("note", "proof", "timestamps")) for each in _array(checkpoints, "log: checkpoints")]
    if not parts or len(parts) > 64:
        raise Refused("log: 1 to 64 checkpoints were expected")
    notes = [_text(note, "log: checkpoint") for note, _, _ in parts]
    checked = [check_checkpoint(note.encode(), keys) for note in notes]
    last, seen, unchecked = checked[-1][0], list[_Seen](), 0
    for note, (checkpoint, signed), (_, proof, timestamps) in zip(notes, checked, parts, strict=True):
        if checkpoint.origin != last.origin:
            raise Refused("log: checkpoints of different logs")
        check_consistency(checkpoint.size, last.size, checkpoint.root, last.root, _proof(proof, "log: consistency proof"))
        for key, moment in signed:
            if key.name != last.origin:
                seen.append(_Seen(checkpoint.size, _when(moment) if moment else "a time that it does not say", f"the witness {key.label}"))
        for token in _array(timestamps, "log: timestamps"):
            time = _stamped(from_base64(token, "log: timestamp"), note, last.origin, authorities)
            unchecked += time is None
            if time is not None:
                seen.append(_Seen(checkpoint.size, time, "a timestamp authority that you gave"))
    entries = _entries(shown, last)
    names = ", ".join(f"{each.key.label} ({each.key.algorithm})" for each in checked[-1][1])
    verdict.proved.append(f"The log {last.origin} had {last.size} entries with the root {last.root.hex()}; signed by {names}.")
    verdict.proved += [
        f"{each.witness[0].upper()}{each.witness[1:]} saw the first {each.size} entries of it by {each.by}." for each in seen
    ]
    verdict.facts |= {"origin": last.origin, "size": last.size, "root": last.root.hex(), "seen": [each._asdict() for each in seen]}
    if unchecked:
        verdict.claimed.append(
            f"{unchecked} RFC 3161 timestamps are enclosed and were not checked (give --tsa, with rfc3161-client installed)."
        )
    if not seen:
        verdict.not_shown.append(
            "Nobody but the provider vouches for the log (no witness or timestamp was checked): that others are not shown "
            "a different log, and that its entries are as old as they say, is not shown."
        )
    return last, entries, seen


def _events(case: Any, entries: Mapping[int, Entry], verdict: Verdict) -> int:
    """The case's events against the log. Returns the index of the latest entry that is about the case, or -1."""
    latest, redacted, logged = -1, 0, 0
    names = ("number", "at", "actor", "kind", "body", "salt", "commitment", "leaf")
    events = [_fields(each, "case: event", names) for each in _array(case.get("events"), "case: events")]
    for place, (number, at, actor, kind, body, salt, commitment, leaf) in enumerate(events):
        what = f"case: event {number}"
        if _whole(number, what) != events[0][0] + place:
            raise Refused(f"{what}: events are missing or out of order")
        committed = from_hex(commitment, what, HASH_SIZE)
        said = {"actor": _text(actor, what), "at": _text(at, what), "body": body, "kind": _text(kind, what), "number": number}
        if body is None:
            redacted += 1
            if salt is not None:
                raise Refused(f"{what}: redacted, and has a salt still")
        elif event_commitment(said, from_hex(salt, what, SALT_SIZE)) != committed:
            raise Refused(f"{what}: not what its commitment says")
        if leaf is not None:
            entry, logged = _logged(entries, leaf, what, "case", "disposition"), logged + 1
            if [entry.document.get(name) for name in ("case_id", "number", "commitment")] != [case["case_id"], number, commitment]:
                raise Refused(f"{what}: entry {leaf} of the log says something else")
            latest = max(latest, entry.index)
    verdict.proved.append(
        f"{logged} of the case's {len(events)} events are in the log; {len(events) - redacted} are shown as they were committed to."
    )
    if redacted:
        verdict.not_shown.append(f"What {redacted} redacted events of the case said (that they exist is shown; who and when is claimed).")
    verdict.not_shown.append(f"Whether more events of the case followed after the {len(events)} that are enclosed.")
    verdict.facts |= {"events": len(events), "events_logged": logged, "events_redacted": redacted}
    return latest


def _findings(held: Mapping[str, bytes], documents: Mapping[str, Any], entries: Mapping[int, Entry], verdict: Verdict) -> None:
    """How far the campaign is what a scan found that the log recorded."""
    campaign, case = documents["campaign.json"], documents["case.json"]
    digest = from_hex(case.get("findings_sha256"), "case: findings_sha256", HASH_SIZE).hex()
    identity = _text(campaign.get("campaign_id"), "campaign: campaign_id")
    scan = next((each for each in entries.values() if each.kind == "scan" and each.document.get("findings_sha256") == digest), None)
    parts = scan.document.get("campaigns") if scan else None
    where = f"entry {scan.index} of the log records (a scan, {scan.at} by the provider's clock)" if scan else ""
    whole = held.get("findings.json")
    if whole is not None:
        if hashlib.sha256(whole).hexdigest() != digest:
            raise Refused("findings.json: not the findings that the case was opened on")
        try:
            found = [each for each in json.loads(whole)["campaigns"] if each["campaign_id"] == identity]
            same = [canonical(each) for each in found] == [held["campaign.json"]]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise Refused("findings.json: not findings that can be read") from None
        if not same:
            raise Refused("campaign.json: not what findings.json says of this campaign")
    if scan and whole is not None:
        verdict.proved.append(f"The findings are byte for byte those that {where}; the campaign is a part of them.")
    elif scan and isinstance(parts, dict) and identity in parts:
        if parts[identity] != hashlib.sha256(held["campaign.json"]).hexdigest():
            raise Refused(f"campaign.json: not what entry {scan.index} of the log recorded of this campaign")
        verdict.proved.append(f"What is said of the campaign {identity} is byte for byte what {where}.")
    elif scan:
        verdict.proved.append(f"Findings with the SHA-256 {digest} are those that {where}.")
        verdict.claimed.append("That the campaign is a part of those findings: they are not enclosed.")
    else:
        verdict.claimed.append(f"That a scan found the campaign {identity}: no entry of the log records it.")
    if whole is None:
        verdict.not_shown.append("What else the scan found: other campaigns, and groups that are none.")
    verdict.facts |= {"campaign_id": identity, "findings_sha256": digest, "scan": scan.index if scan else None}


def _interactions(rows: Any, case: Any, entries: Mapping[int, Entry], seen: Sequence[_Seen], verdict: Verdict) -> None:
    """Each interaction that is shown against the batch in which it was ingested."""
    names = ("interaction_id", "shown", "withheld", "leaf", "position", "rows", "proof")
    accounts, batches, withheld, places = set[str](), dict[int, int](), dict[str, int](), set[tuple[int, int]]()
    for each in _array(rows, "interactions"):
        identity, shown, hidden, leaf, position, count, proof = _fields(each, "interaction", names)
        what = f"interaction {identity!r}"[:200]
        if not isinstance(shown, dict) or not isinstance(hidden, dict):
            raise Refused(f"{what}: shown and withheld groups were expected")
        row = row_leaf(shown, hidden)
        entry = _logged(entries, leaf, what, "batch")
        size, place = _whole(entry.document.get("rows"), f"{what}: rows of the batch"), _whole(position, f"{what}: position")
        root = from_hex(entry.document.get("root"), f"{what}: root of the batch", HASH_SIZE)
        check_inclusion(place, size, row, _proof(proof, what), root)
        if count != size or (entry.index, place) in places:
            raise Refused(f"{what}: shown twice, or in a batch of another size")
        if identity != (shown["call"]["values"].get("interaction_id") if "call" in shown else None):
            raise Refused(f"{what}: that is not the interaction's id")
        places.add((entry.index, place))
        batches[entry.index] = batches.get(entry.index, 0) + 1
        if "account_id" in shown.get("who", {}).get("values", {}):
            accounts.add(shown["who"]["values"]["account_id"])
        for group in hidden:
            withheld[group] = withheld.get(group, 0) + 1
    for index, number in batches.items():
        times = [f"{each.witness} by {each.by}" for each in seen if each.size > index]
        verdict.proved.append(
            f"{number} interactions are in the batch of entry {index} of the log, unchanged since; ingested {entries[index].at} by the "
            f"provider's clock, {'seen to be there by ' + '; '.join(times) if times else 'which nobody else confirms'}."
        )
    named = set(_array(case.get("accounts"), "case: accounts"))
    verdict.proved.append(f"They are calls of {len(accounts)} accounts, of which the case names {len(accounts & named)} (of {len(named)}).")
    verdict.not_shown += [f"The group {group!r} of {number} interactions: it is withheld." for group, number in sorted(withheld.items())]
    verdict.not_shown.append("All other interactions of these accounts and of everybody else.")
    verdict.facts |= {"interactions": len(places), "batches": sorted(batches), "accounts_shown": len(accounts), "accounts": len(named)}
    verdict.facts["withheld"] = withheld


def _judgements(answers: Any) -> list[str]:
    """Likelihoods as the provider gives them."""
    return [
        f"{_text(one['name'], 'answers')}: {_text(one['likelihood'], 'answers')} (confidence {_text(one['confidence'], 'answers')})."
        for answer in _array(answers, "answers")
        for one in _array(answer["hypotheses"], "answers: hypotheses")
    ]


def _bundle(data: bytes, keys: Sequence[Key], authorities: Sequence[bytes]) -> Verdict:
    body, signers = open_envelope(data, keys)
    predicate, held, documents, subjects = _artifacts(parse_canonical(body, "statement"), signers)
    for name in ("case.json", "campaign.json"):
        if not isinstance(documents[name], dict):
            raise Refused(f"{name}: an object was expected")
    case, verdict = documents["case.json"], Verdict()
    _text(case.get("case_id"), "case: case_id")
    if any(not isinstance(each, str) for each in _array(case.get("accounts"), "case: accounts")):
        raise Refused("case: accounts: texts were expected")
    for key in signers:
        verdict.proved.append(f"Whoever holds the key {key.label} ({key.algorithm}) signed everything in this bundle.")
    checkpoint, entries, seen = _log(predicate["log"], keys, authorities, verdict)
    if any(key.name != checkpoint.origin for key in signers):
        raise Refused("envelope: signed by a key that is not the log's")
    latest = _events(case, entries, verdict)
    _findings(held, documents, entries, verdict)
    _interactions(documents["interactions.json"], case, entries, seen, verdict)
    export = _logged(entries, predicate["export"], "export", "export")
    if [export.document.get(name) for name in ("kind", "case", "sha256")] != ["bundle", case["case_id"], subjects.hex()]:
        raise Refused(f"export: entry {export.index} of the log is about something else")
    if latest > export.index:
        raise Refused("export: the case has events that are younger than the export")
    recipient = export.document.get("recipient")
    verdict.proved.append(
        f"The log recorded that exactly this was exported (entry {export.index}, {export.at} by the provider's clock, "
        f"for {recipient if isinstance(recipient, str) and recipient else 'nobody in particular'})."
    )
    verdict.claimed += [f"{name}: {ARTIFACTS[name]}." for name in sorted(held)]
    verdict.claimed += _judgements(documents["answers.json"])
    verdict.claimed.append("That the logs were true and complete when they were ingested, and all times by the provider's clock.")
    verdict.not_shown += [f"{name}: not enclosed." for name in sorted(ARTIFACTS.keys() - held.keys())]
    verdict.facts |= {"case_id": case["case_id"], "signers": predicate["signers"], "export": export.index, "recipient": recipient}
    verdict.facts["artifacts"] = {name: hashlib.sha256(held[name]).hexdigest() for name in sorted(held)}
    verdict.files = held
    return verdict


def verify_bundle(data: bytes, keys: Sequence[Key], authorities: Sequence[bytes] = ()) -> Verdict:
    """Check everything in a bundle that can be checked, and say what that shows and what it does not.

    `keys`: those that the reader trusts, of the provider and of witnesses; `authorities`: PEM certificates of timestamp authorities.

    Raises:
        Refused: anything at all is wrong. No other exception leaves this function.
    """
    try:
        return _bundle(data, keys, authorities)
    except Refused:
        raise
    except Exception as error:  # a defect here must not look like evidence
        raise Refused(f"bundle: cannot be read ({type(error).__name__})") from error


def _interaction(data: bytes, keys: Sequence[Key]) -> Verdict:
    if len(data) > NOTE_LIMIT:
        raise Refused("proof: larger than 1 MiB")
    names = ("interaction_id", "row", "position", "rows", "row_proof", "leaf", "leaf_data", "log_proof")
    document = parse_canonical(data.removesuffix(b"\n"), "proof")
    identity, shown, position, rows, row_proof, leaf, leaf_data, log_proof = _fields(document, "proof", names)
    entry = from_base64(leaf_data, "proof: the batch's entry")
    checkpoint, signed, index = check_log_proof(_text(log_proof, "proof: log proof").encode(), entry, keys)
    at, batch, kind, _ = _fields(parse_canonical(entry, "proof: the batch's entry"), "entry", ("at", "document", "kind", "stillhunt"))
    if kind != "batch" or index != leaf or not isinstance(batch, dict) or batch.get("rows") != rows or not isinstance(shown, dict):
        raise Refused("proof: the entry is not that of a batch with so many rows")
    root = from_hex(batch.get("root"), "proof: root of the batch", HASH_SIZE)
    place, size = _whole(position, "proof: position"), _whole(rows, "proof: rows")
    check_inclusion(place, size, row_leaf(shown, {}), _proof(row_proof, "proof"), root)
    if shown["call"]["values"].get("interaction_id") != identity:
        raise Refused("proof: that is not the interaction's id")
    verdict = Verdict(facts={"interaction_id": identity, "leaf": index, "position": place, "rows": size})
    by = ", ".join(f"{each.key.label} ({each.key.algorithm})" for each in signed)
    verdict.proved = [
        f"The log {checkpoint.origin} had {checkpoint.size} entries with the root {checkpoint.root.hex()}; signed by {by}.",
        f"The interaction {identity} is row {place} of {size} in the batch of entry {index}, as it is shown.",
    ]
    verdict.claimed = [f"That the batch was ingested {_text(at, 'entry')}, and that the logs were true then."]
    verdict.not_shown = ["All other interactions.", "That others are not shown a different log: compare checkpoints, or ask witnesses."]
    return verdict


def verify_interaction(data: bytes, keys: Sequence[Key]) -> Verdict:
    """Check the proof of one interaction by itself, as `stillhunt ledger prove --interaction` writes it.

    Raises:
        Refused: anything at all is wrong. No other exception leaves this function.
    """
    try:
        return _interaction(data, keys)
    except Refused:
        raise
    except Exception as error:  # a defect here must not look like evidence
        raise Refused(f"proof: cannot be read ({type(error).__name__})") from error


def verify_any(data: bytes, keys: Sequence[Key], authorities: Sequence[bytes] = ()) -> Verdict:
    """`verify_bundle`, or `verify_interaction` for a file that begins like the proof of one.

    Raises:
        Refused: anything at all is wrong.
    """
    return verify_interaction(data, keys) if data.startswith(b'{"interaction_id":') else verify_bundle(data, keys, authorities)


def read_keys(text: str) -> list[Key]:
    """Keys from a file: one vkey a line; empty lines, lines that begin with '#' and PEM blocks are passed over.

    Raises:
        Refused: a line is no key, or there is none.
    """
    lines = re.sub(r"-----BEGIN [A-Z0-9 ]+-----.*?-----END [A-Z0-9 ]+-----", "", text, flags=re.DOTALL).splitlines()
    keys = [Key.parse(line.strip()) for line in lines if line.strip() and not line.startswith("#")]
    if not keys:
        raise Refused("keys: none in the file")
    return keys


def told(verdict: Verdict) -> str:
    """A verdict as text for people. Characters that could play tricks with a terminal are replaced."""
    lines = ["VERIFIED. What this shows, and what it does not:"]
    for title, sentences in (("Proved", verdict.proved), ("Claimed by the provider", verdict.claimed), ("Not shown", verdict.not_shown)):
        lines += ["", title, *(f"  - {sentence}" for sentence in sentences)]
    return "\n".join("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line) for line in lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: exit status 0 verified, 2 refused (with one line on stderr)."""
    parser = argparse.ArgumentParser(description="Verify a Stillhunt evidence bundle, offline.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--key", type=Path, action="append", required=True, help="file with keys that you trust (provider, witnesses)")
    parser.add_argument("--tsa", type=Path, action="append", default=[], help="certificate (PEM) of a timestamp authority that you trust")
    parser.add_argument("--extract", type=Path, help="folder to write the enclosed files into, once the bundle is verified")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args(arguments)
    try:
        keys = [key for path in given.key for key in read_keys(path.read_text("utf-8"))]
        verdict = verify_any(given.bundle.read_bytes(), keys, [path.read_bytes() for path in given.tsa])
        if given.extract is not None:
            verdict.extract(given.extract)
    except (Refused, OSError, UnicodeDecodeError) as error:
        line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(error))
        sys.stderr.write(f"REFUSED: {line[:1000]}\n")
        return 2
    sys.stdout.write(json.dumps(verdict.document(), indent=2) + "\n" if given.json else told(verdict))
    return 0


if __name__ == "__main__":
    sys.exit(main())
