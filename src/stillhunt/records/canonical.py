"""The one way in which JSON becomes bytes that are hashed or signed."""

from __future__ import annotations

import json
from typing import Any


def canonical(document: Any) -> bytes:
    """`document` as canonical JSON: keys sorted, no blanks, ASCII only; the same document always gives the same bytes.

    Raises:
        ValueError: it holds NaN or an infinity.
        TypeError: it is no JSON.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
