"""What an account carries beside the common instruction is counted account by account."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa

from stillhunt.cases.questions.customers import Carried, of_calls

GRAM = 17


def _calls(rows: list[dict[str, Any]]) -> Carried:
    fields: list[tuple[str, pa.DataType]] = [
        ("end_user_id", pa.string()),
        ("system_hash", pa.int64()),
        ("parameters_hash", pa.int64()),
        ("sketch", pa.list_(pa.int32())),
        ("user_turns", pa.int32()),
    ]
    schema = pa.schema(fields)
    who = np.array([row["who"] for row in rows], np.int64)
    columns = [{name: row.get(name) for name in schema.names} for row in rows]
    return of_calls(who, pa.Table.from_pylist(columns, schema), np.array([GRAM], np.int64))


def test_an_account_that_only_works_carries_nothing_beside() -> None:
    found = _calls([{"who": who, "sketch": [3, GRAM], "system_hash": 1, "user_turns": 1} for who in (0, 0, 1, 1)])
    assert found.instructed == 1.0
    assert math.isnan(found.purposes)
    assert math.isnan(found.end_users)


def test_a_resellers_account_serves_many_for_many_purposes() -> None:
    beside = [
        {"who": 0, "sketch": [100 + n], "system_hash": n % 4, "parameters_hash": 1, "end_user_id": f"u{n % 5}", "user_turns": 1 + n % 2}
        for n in range(40)
    ]
    found = _calls([*beside, *({"who": 0, "sketch": [GRAM], "user_turns": 1, "end_user_id": "u0"} for _ in range(10))])
    assert abs(found.instructed - 0.2) < 1e-9
    assert found.end_users == 5
    assert abs(found.purposes - 4.0) < 0.5
    assert found.talks == 0.5


def test_without_sketches_the_share_of_the_instruction_is_not_known() -> None:
    found = _calls([{"who": 0, "system_hash": 1, "user_turns": 1} for _ in range(3)])
    assert math.isnan(found.instructed)
    assert found.purposes == 1.0


def test_no_calls_say_nothing() -> None:
    found = _calls([])
    assert found.accounts == 0
    assert math.isnan(found.instructed)
