"""A record is worth more than its oddest field: one that may be absent may also be broken, in every format.

Two kinds of field are told apart from those: what makes a call (id, time, account), where a broken one may hide another that would have
served, and what says which kind of record it is. A row may be lost to them, and is then counted with that as the reason.
"""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from intake.test_formats_sniff import OWNERS
from stillhunt.intake.formats import Context
from stillhunt.intake.framing import Block
from stillhunt.intake.registry import registry
from stillhunt.intake.rows import INTAKE_TABLES, index_block, read_tables

SAMPLES = Path(__file__).with_name("samples")
FORMATS = registry().formats
FILES = [(file, name) for file, name in OWNERS.items() if name in FORMATS]
MAKES_A_CALL = re.compile(r"expected (a time|nanoseconds|the account|on the |an id|a key|one of them|somebody)|labels.user_id|account")
MOST_PATHS = 120  # of one record, drawn evenly: traces have thousands


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a record, objects and lists included."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield (*at, key)
        yield from paths(inner, (*at, key))


def parent(record: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        record = record[key]
    return record


def broken(value: Any) -> list[Any]:
    """Values of other types than this one."""
    if isinstance(value, str):
        return [{"odd": [1]}, -1.5, [[None]]]
    if isinstance(value, dict):
        return [7, "\u0001 nonsense", [[1]]]
    if isinstance(value, list):
        return [7, {"odd": None}, True]
    return [{"odd": [1]}, "\u0001 nonsense", [[1]]]


def calls(form: Any, records: list[Any]) -> tuple[list[dict[str, Any]], Any]:
    block = Block("sample", "lines", b"".join(json.dumps(record).encode() + b"\n" for record in records))
    context = Context()
    if form.two_pass:
        index_block(block, form, context)
    batch, tables = read_tables(block, form, context, INTAKE_TABLES)
    return tables.get("interactions", pa.table({})).to_pylist(), batch


@pytest.mark.parametrize(("file", "name"), FILES, ids=[file for file, _ in FILES])
def test_a_field_that_may_be_absent_may_be_broken_and_no_row_is_lost(file, name):
    form = FORMATS[name]
    records = json.loads((SAMPLES / f"{file}.json").read_text())
    tried = lost = 0
    for number, record in enumerate(records):
        places = list(paths(record))
        for path in places[:: max(1, len(places) // MOST_PATHS)]:
            without = copy.deepcopy(records)
            del parent(without[number], path)[path[-1]]
            kept, _ = calls(form, without)
            for value in broken(parent(record, path)[path[-1]]):
                odd = copy.deepcopy(records)
                parent(odd[number], path)[path[-1]] = value
                found, batch = calls(form, odd)
                reasons = [bad.reason for bad in batch.bad]
                excused = batch.ignored or any(MAKES_A_CALL.search(reason) for reason in reasons)
                assert len(found) >= len(kept) or excused, (path, type(value).__name__, reasons)
                lost += len(found) < len(kept)
                tried += 1
    assert tried
    assert lost <= tried / 8
