"""The log formats that a world can be written in, by name: `WRITERS`.

`canonical` is the design's own tables: Parquet or JSON lines with exactly the names of `records.CANONICAL_INTERACTIONS`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from stillhunt.errors import InputError
from stillhunt.range.calls import Call
from stillhunt.range.files import LineWriter, Writer
from stillhunt.range.litellm import LiteLLM, LiteLLMArchive, SpendLogs, SpendTable
from stillhunt.records import CANONICAL_INTERACTIONS

dumps = orjson.dumps
GROUP = 8192
"""Rows that a Parquet row group holds: some 30 MB of text."""


def _messages(call: Call) -> str:
    turns = [{"role": message["role"], "parts": [{"type": "text", "content": message["content"]}]} for message in call.messages]
    return dumps(turns).decode()


def canonical_row(call: Call, interaction_id: str) -> dict[str, Any]:
    """One call under the canonical names; times in microseconds since 1970 UTC."""
    memo = call.memo
    slot = f"canonical/{call.user_agent}"
    headers = memo.get(slot)
    if headers is None:
        headers = memo[slot] = dumps(dict(call.headers)).decode()
    parameters = memo.get("canonical")
    if parameters is None:
        parameters = memo["canonical"] = dumps(call.parameters).decode()
    return {
        "interaction_id": interaction_id,
        "started_at": call.at,
        "ended_at": call.ended,
        "account_id": call.account.account_id,
        "organization_id": call.account.organization_id,
        "key_id": call.account.key_id(call.key)[:24],
        "end_user_id": call.end_user_id,
        "surface": call.surface,
        "operation": "chat",
        "request_model": call.model,
        "response_model": call.model if call.status == 200 else None,
        "input_tokens": call.input_tokens if call.status == 200 else 0,
        "output_tokens": call.output_tokens,
        "reasoning_tokens": call.reasoning_tokens,
        "cached_tokens": call.cached_tokens,
        "http_status": call.status,
        "finish_reason": call.finish_reason,
        "error_type": call.error_type,
        "conversation_id": call.conversation_id,
        "request_parameters": parameters,
        "client_ip": call.ip,
        "user_agent": call.user_agent,
        "client_headers": headers,
        "tls_ja4": call.ja4,
        "system": call.system,
        "messages": _messages(call),
        "tools": call.tools,
        "response": call.response if call.status == 200 else None,
        "reasoning": call.reasoning,
    }


class Canonical(Writer):
    """Canonical Parquet, zstd, one file a day."""

    suffix = ".parquet"

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        self._rows: list[dict[str, Any]] = []

    def _begin(self, path: Path) -> None:
        self._parquet = pq.ParquetWriter(path, CANONICAL_INTERACTIONS, compression="zstd")

    def _add(self, call: Call) -> None:
        self._rows.append(canonical_row(call, self._id()))
        if len(self._rows) >= GROUP:
            self._flush()

    def _flush(self) -> None:
        self._parquet.write_table(pa.Table.from_pylist(self._rows, CANONICAL_INTERACTIONS))
        self._rows.clear()

    def _end(self) -> None:
        if self._rows:
            self._flush()
        self._parquet.close()


class CanonicalLines(LineWriter):
    """Canonical JSON lines; times are integers, microseconds since 1970 UTC."""

    suffix = ".jsonl"

    def line(self, call: Call) -> bytes:
        """The row as one JSON object."""
        return dumps(canonical_row(call, self._id()), option=orjson.OPT_APPEND_NEWLINE)


WRITERS: dict[str, type[Writer]] = {
    "litellm": LiteLLM,
    "litellm-gz": LiteLLMArchive,
    "litellm-spend": SpendLogs,
    "litellm-spend-csv": SpendTable,
    "canonical": Canonical,
    "canonical-jsonl": CanonicalLines,
}
"""Log formats by the name that `range make --format` takes."""


def writer(name: str, folder: Path, seed: int) -> Writer:
    """The writer for the format `name`, into `folder`.

    Raises:
        InputError: no such format.
    """
    if name not in WRITERS:
        raise InputError(f"format: {name!r} is not one that the range writes; choose one of {', '.join(WRITERS)} or fingerprints")
    return WRITERS[name](folder, seed)
