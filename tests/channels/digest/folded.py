"""Calls drawn at random, and everything that a digest tells of them, so that two digests can be compared as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from stillhunt.channels.digest import Digest
from stillhunt.channels.digest.chunks import COLUMNS
from stillhunt.channels.digest.taking import digest_of
from stillhunt.records import ACCOUNTS, INTERACTIONS

DAY0 = int(datetime(2030, 3, 4, tzinfo=UTC).timestamp()) * 1_000_000
HOUR, DAY = 3_600_000_000, 86_400_000_000
PEOPLE = ACCOUNTS.empty_table()


def table_of_calls(columns: dict[str, Any]) -> pa.Table:
    """A table of all columns that the fold reads; those not given are null."""
    size = len(columns["account_id"])
    arrays = []
    for name in COLUMNS:
        kind = INTERACTIONS.field(name).type
        arrays.append(pa.array(columns[name], kind) if name in columns else pa.nulls(size, kind))
    return pa.table(arrays, names=list(COLUMNS))


def some(rng: np.random.Generator, values: Sequence[Any], size: int, missing: float = 0.1) -> list[Any]:
    """Values at random, a part of them missing."""
    drawn = [values[at] for at in rng.integers(len(values), size=size)]
    return [None if gone else value for value, gone in zip(drawn, rng.random(size) < missing, strict=True)]


def drawn_calls(seed: int, size: int = 400, accounts: int = 7, days: float = 9.0) -> pa.Table:
    """Calls of a few accounts in order of time, with refusals, conversations, shared requests, recurring grams, equal moments and gaps."""
    rng = np.random.default_rng(seed)
    micros = np.sort(DAY0 + rng.integers(0, int(days * DAY), size) // 20_000_000 * 20_000_000)
    prompts = rng.integers(0, max(3, size // 3), size).tolist()
    sketches = [sorted({int(gram) for gram in rng.integers(0, 60, rng.integers(0, 9))}) for _ in range(size)]
    return table_of_calls(
        {
            "account_id": [f"account{who}" for who in rng.integers(accounts, size=size)],
            "started_at": micros.tolist(),
            "ended_at": [int(at) + 1_500_000 for at in micros],
            "organization_id": some(rng, ["one", "other"], size, 0.8),
            "surface": some(rng, ["api", "batch"], size),
            "request_model": some(rng, ["heron", "egret", "stork"], size),
            "output_tokens": some(rng, range(0, 3000, 7), size),
            "reasoning_tokens": some(rng, range(0, 900, 9), size, 0.5),
            "http_status": some(rng, [200, 200, 200, 429], size),
            "conversation_id": some(rng, [f"c{number}" for number in range(12)], size, 0.7),
            "client_prefix": some(rng, [f"192.0.{number}.0/24" for number in range(5)], size),
            "client_shape": some(rng, range(-2, 3), size),
            "client_label": ["library"] * size,
            "parameters_hash": some(rng, range(3), size),
            "prompt_hash": [None if rng.random() < 0.1 else prompt for prompt in prompts],
            "system_hash": some(rng, [1, 2], size, 0.9),
            "prompt_shape": some(rng, range(99), size),
            "sketch": [None if rng.random() < 0.1 else sketch for sketch in sketches],
            "prompt_chars": some(rng, range(5000), size),
            "response_chars": some(rng, range(5000), size),
            "message_count": some(rng, [1, 1, 3], size),
        }
    )


def digested(*tables: pa.Table, **options: Any) -> Digest:
    """The digest of tables, taken in one after the other, of accounts of which nothing else is known."""
    return digest_of(tables, PEOPLE, **options)


def told(digest: Digest) -> dict[str, list[Any]]:
    """All that a digest tells, by name, as lists."""
    out: dict[str, list[Any]] = {"accounts": digest.accounts, "filled": sorted(digest.filled)}
    for name in ("calls", "answered", "requests", "tokens", "first", "last", "days", "squares", "hours", "drawn"):
        out[name] = getattr(digest, name).tolist()
    for name in ("pauses", "idle", "answers", "lengths", "thoughts"):
        histogram = getattr(digest, name)
        out[name] = [*histogram.entries.tolist(), *(np.nan_to_num(histogram.quantile(q), nan=-1).tolist() for q in (0, 0.25, 0.5, 0.9, 1))]
    for name in ("networks", "clients", "parameters"):
        values, times, everything = getattr(digest, name).dominant()
        out[name] = [values.to_pylist(), times.tolist(), everything.tolist()]
    out["models"] = models_told(digest)
    everybody = np.arange(len(digest.accounts))
    for name, columns in (
        ("grams", digest.recurring(0.12, 12, 0.02)),
        ("handoffs", digest.handoffs),
        ("shared", digest.shared),
        ("units", digest.units_of(everybody)),
        ("slices", digest.slices(np.full(everybody.size, -1))),
    ):
        out[name] = [np.nan_to_num(column, nan=-1).tolist() for column in vars(columns).values()]
    out["times"] = sorted(zip(*(column.tolist() for column in digest.times_of(everybody)), strict=True))
    out["distinct"] = [*digest.distinct(everybody), *digest.distinct(everybody[:2])]
    return out


def models_told(digest: Digest) -> list[dict[str, tuple[int, int, int]]]:
    """For each account, its models by name: (first call, calls, the account's calls before)."""
    models = digest.models
    names = models.names.to_pylist()
    return [
        {names[models.model[row, slot]]: tuple(int(x[row, slot]) for x in (models.first, models.calls, models.before)) for slot in used}
        for row, used in enumerate(np.flatnonzero(line >= 0) for line in models.model)
    ]
