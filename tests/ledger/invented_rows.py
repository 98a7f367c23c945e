"""Invented interactions with everything that an encoding can meet: nulls, empty text, many scripts, negative numbers, empty sketches."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from stillhunt import records

TEXTS = ("", "plain", "größe ✓ 東京", "a\x00b", "🧪" * 40, "x" * 300)
NUMBERS = (0, 1, -1, 2**31, -(2**63), 2**63 - 1)


def rows(count: int, seed: int = 1, *, first: int = 0) -> pa.Table:
    """`count` rows; the same whenever they are asked for."""
    chance = random.Random(seed)

    def value(field: pa.Field, number: int) -> object:
        if field.name == "interaction_id":
            return f"call-{number}-{chance.choice(TEXTS[:4])}"
        if field.name == "started_at":
            return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(microseconds=number * 987_654_321)
        if field.name == "account_id":
            return f"account-{number % 7}"
        if chance.random() < 0.3:
            return None
        if pa.types.is_string(field.type):
            return chance.choice(TEXTS)
        if pa.types.is_timestamp(field.type):
            return datetime(1969, 12, 31, tzinfo=UTC) + timedelta(microseconds=chance.randrange(2**52))
        if pa.types.is_list(field.type):
            return [chance.randrange(2**31) for _ in range(chance.choice((0, 0, 1, 48)))]
        if pa.types.is_boolean(field.type):
            return chance.random() < 0.5
        return chance.choice(NUMBERS if pa.types.is_int64(field.type) else (0, -1, 2**31 - 1, -(2**31)))

    listed = [{field.name: value(field, number) for field in records.INTERACTIONS} for number in range(first, first + count)]
    return pa.Table.from_pylist(listed, schema=records.INTERACTIONS)
