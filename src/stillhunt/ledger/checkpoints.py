"""Making what `stillhunt.verifier` checks: signature lines, checkpoints, log proofs, envelopes.

Formats: C2SP signed-note, tlog-checkpoint, tlog-cosignature and tlog-proof; DSSE 1.0. A log signs each checkpoint with its Ed25519 key
(type 0x01, what every tool reads) and its ML-DSA-44 key (type 0x06, with the time), both under the log's origin.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence

from stillhunt.ledger.keys import ED25519, ED25519_COSIGNATURE, ML_DSA_44, Signing
from stillhunt.verifier import Checkpoint, Key, cosignature_message, cosigned_message, pae

_ML_DSA_LETTERS = 2420 * 4 // 3
"""A signature of ML-DSA-44 alone has so many letters of base64."""


def base64_of(data: bytes) -> str:
    """RFC 4648 section 4, the only spelling."""
    return base64.b64encode(data).decode()


def text_of(checkpoint: Checkpoint) -> str:
    """The three lines that are signed."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{base64_of(checkpoint.root)}\n"


def signature_line(signer: Signing, name: str, kind: int, checkpoint: Checkpoint, seconds: int) -> str:
    """The line under a checkpoint by which `signer` signs it.

    Args:
        signer: the key.
        name: the key's name; the log's origin, or a witness's name.
        kind: 0x01, 0x04 or 0x06.
        checkpoint: what is signed.
        seconds: the time that is signed with it (POSIX seconds); kind 0x01 has none.
    """
    text = text_of(checkpoint)
    if kind == ED25519:
        written = signer.sign(text.encode())
    else:
        message = cosigned_message(name, seconds, checkpoint) if kind == ML_DSA_44 else cosignature_message(seconds, text)
        written = struct.pack(">Q", seconds) + signer.sign(message)
    return f"— {name} {base64_of(Key(name, kind, signer.public).key_id + written)}\n"


def sign_checkpoint(signers: Sequence[Signing], checkpoint: Checkpoint, seconds: int) -> bytes:
    """The checkpoint as a note signed by the log's own keys."""
    lines = [signature_line(signer, checkpoint.origin, signer.kind, checkpoint, seconds) for signer in signers]
    return (text_of(checkpoint) + "\n" + "".join(lines)).encode()


def without_ml_dsa(note: bytes) -> bytes:
    """A checkpoint without the signatures that are as long as ML-DSA's; as it is if none would be left."""
    text, lines = note.decode().rsplit("\n\n", 1)
    short = [line + "\n" for line in lines.splitlines() if len(line.rpartition(" ")[2]) < _ML_DSA_LETTERS]
    return "\n\n".join((text, "".join(short))).encode() if short else note


def cosign(signers: Sequence[Signing], name: str, checkpoint: Checkpoint, seconds: int) -> bytes:
    """A witness's signature lines: an Ed25519 key signs cosignature/v1, an ML-DSA key subtree/v1."""
    kinds = {ED25519: ED25519_COSIGNATURE, ML_DSA_44: ML_DSA_44}
    return "".join(signature_line(signer, name, kinds[signer.kind], checkpoint, seconds) for signer in signers).encode()


def witness_keys(signers: Sequence[Signing], name: str) -> list[Key]:
    """The public keys by which the lines that `cosign` makes are checked."""
    kinds = {ED25519: ED25519_COSIGNATURE, ML_DSA_44: ML_DSA_44}
    return [Key(name, kinds[signer.kind], signer.public) for signer in signers]


def log_proof(index: int, path: Sequence[bytes], checkpoint: bytes, extra: bytes | None = None) -> bytes:
    """A .tlog-proof file; `extra` goes with it and is not vouched for by it."""
    hashes = "".join(f"{base64_of(each)}\n" for each in path)
    more = f"extra {base64_of(extra)}\n" if extra is not None else ""
    return f"c2sp.org/tlog-proof@v1\n{more}index {index}\n{hashes}\n".encode() + checkpoint


def envelope(signers: Sequence[Signing], keys: Sequence[Key], payload_type: str, body: bytes) -> dict[str, object]:
    """A DSSE 1.0 envelope over `body`, signed by each of `signers`, whose public keys are `keys`; a keyid is the key's name and hash."""
    signed = pae(payload_type, body)
    signatures = [{"keyid": key.label, "sig": base64_of(signer.sign(signed))} for signer, key in zip(signers, keys, strict=True)]
    return {"payload": base64_of(body), "payloadType": payload_type, "signatures": signatures}
