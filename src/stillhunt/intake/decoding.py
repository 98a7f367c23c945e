"""JSON as log writers really write it: strict where it is sound, forgiving where other writers let something through."""

from __future__ import annotations

import json
from typing import Any

import orjson

from stillhunt.errors import BadRow


def loads(data: bytes | bytearray | memoryview | str) -> Any:
    """Decode one JSON text. NaN is read, and half of a surrogate pair, where somebody cut a text in two, becomes U+FFFD.

    Raises:
        BadRow: it is no JSON, or not UTF-8.
    """
    try:
        return orjson.loads(data)
    except (orjson.JSONDecodeError, TypeError):
        pass
    try:
        text = data if isinstance(data, str) else bytes(data).decode()
        return _mended(json.loads(text))
    except UnicodeDecodeError:
        raise BadRow("not UTF-8") from None
    except (ValueError, RecursionError):
        raise BadRow("not JSON") from None


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mended(element) for element in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(element) for key, element in value.items()}
    return value
