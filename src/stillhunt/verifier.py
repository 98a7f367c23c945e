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

import base64
import binascii
import hashlib
import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
