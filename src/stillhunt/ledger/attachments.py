"""What others sign about a checkpoint: cosignatures of witnesses, time stamps of an authority.

Each is a file `SIZE.HASH.WHAT`: the checkpoint's size, 16 hex digits of the file's SHA-256, "cosignature" or "timestamp". It arrives in
`arrived/`; the next entry is preceded by one that holds its full hash, and it moves to `attached/`. From then on its removal is found.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

COSIGNATURE, TIMESTAMP = "cosignature", "timestamp"

_NAME = re.compile(r"(0|[1-9][0-9]{0,18})\.([0-9a-f]{16})\.(cosignature|timestamp)", re.ASCII)


class Attachment(NamedTuple):
    """What a file's name says."""

    size: int
    digest: str
    what: str


def name_of(size: int, content: bytes, what: str) -> str:
    """The name of the file that holds `content`, which is about the checkpoint of `size` entries."""
    return f"{size}.{hashlib.sha256(content).hexdigest()[:16]}.{what}"


def parse_name(name: str) -> Attachment | None:
    """What `name` says, None if it is no such name."""
    match = _NAME.fullmatch(name)
    return Attachment(int(match[1]), match[2], match[3]) if match else None
