"""The bytes that are signed: an in-toto Statement v1 whose predicate holds the evidence itself.

The predicate's type is a `urn:`, because a web address would name a host that has to be kept, or that somebody else could come to own,
and nothing is ever fetched from it. The name space `stillhunt` is not registered with IANA; verifiers compare the whole text.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from stillhunt.records.canonical import canonical
from stillhunt.verifier import PREDICATE, STATEMENT


def as_json(document: Any) -> dict[str, Any]:
    """An artifact that is a JSON document; its bytes are the canonical ones."""
    return {"json": document}


def as_text(content: bytes) -> dict[str, Any]:
    """An artifact of UTF-8 text, byte for byte."""
    return {"text": content.decode()}


def as_bytes(content: bytes) -> dict[str, Any]:
    """An artifact of any bytes."""
    return {"base64": base64.b64encode(content).decode()}


def content_of(artifact: Mapping[str, Any]) -> bytes:
    """The bytes that an artifact stands for."""
    if "json" in artifact:
        return canonical(artifact["json"])
    return str(artifact["text"]).encode() if "text" in artifact else base64.b64decode(artifact["base64"])


def subjects(artifacts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The statement's subjects: each artifact's name and SHA-256, by name."""
    return [{"digest": {"sha256": hashlib.sha256(content_of(artifacts[name])).hexdigest()}, "name": name} for name in sorted(artifacts)]


def subjects_sha256(artifacts: Mapping[str, Mapping[str, Any]]) -> str:
    """What the ledger's `export` entry holds: it comes before the checkpoint and so cannot be about the whole payload, which has both."""
    return hashlib.sha256(canonical(subjects(artifacts))).hexdigest()


def statement(artifacts: Mapping[str, Mapping[str, Any]], log: Mapping[str, Any], export: int, signers: Sequence[str]) -> bytes:
    """The statement as it is signed.

    Args:
        artifacts: name -> `as_json`, `as_text` or `as_bytes`; names as in `verifier.ARTIFACTS`.
        log: `checkpoints` (oldest first; the last one is what `entries` are proved against) and `entries`.
        export: index of the `export` entry.
        signers: keyids that will stand in the envelope, so that none can be taken away.
    """
    predicate = {"artifacts": dict(artifacts), "export": export, "log": dict(log), "signers": sorted(signers)}
    return canonical({"_type": STATEMENT, "predicate": predicate, "predicateType": PREDICATE, "subject": subjects(artifacts)})
