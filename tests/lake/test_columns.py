"""A lake of an earlier release, whose tables lack columns, goes on working."""

from __future__ import annotations

import pyarrow as pa
import pytest

from lake.invented import interactions
from stillhunt import records
from stillhunt.lake import Lake
from stillhunt.lake.engines import open_engine

LATER = ("prompt_topic", "response_topic", "prompt_shape")


@pytest.fixture
def earlier(tmp_path, monkeypatch):
    """A lake with 30 rows, made when `LATER` did not exist."""
    before = pa.schema([field for field in records.INTERACTIONS if field.name not in LATER])
    with monkeypatch.context() as past:
        past.setitem(records.TABLES, "interactions", before)
        past.setattr(records, "INTERACTIONS", before)
        with Lake.open(tmp_path / "lake", create=True) as lake:
            lake.append_interactions(interactions(range(30)).select(before.names))
    return tmp_path / "lake"


def test_columns_that_came_later_are_null_in_the_rows_from_before(earlier):
    with Lake.open(earlier) as lake:
        table = lake.table("interactions").to_arrow()
    assert table.num_rows == 30
    assert table.schema.names == records.INTERACTIONS.names
    assert {table[name].null_count for name in LATER} == {30}


def test_rows_with_the_later_columns_join_those_from_before(earlier):
    given = interactions(range(20, 40))
    for name in LATER:
        given = given.set_column(given.schema.get_field_index(name), name, pa.array(range(20, 40), pa.int64()))
    with Lake.open(earlier) as lake:
        assert lake.append_interactions(given).accepted == 10
        kept = lake.table("interactions").to_arrow(["interaction_id", *LATER])
        with open_engine("duckdb") as engine:
            engine.attach("calls", lake.table("interactions"))
            counted = engine.fetch(
                "SELECT COUNT(*) AS n, COUNT(prompt_topic) AS topics, SUM(response_topic) AS total FROM calls"
            ).to_pylist()
    assert {kept[name].null_count for name in LATER} == {30}
    assert counted == [{"n": 40, "topics": 10, "total": sum(range(30, 40))}]
