"""Rows that are known to be new go in through a door of their own: all at once, in order, and as if they had been appended."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.invented import FIRST_DAY, interactions, ordered
from stillhunt import records
from stillhunt.errors import StillhuntError
from stillhunt.lake import Lake
from stillhunt.lake.bulk import Bulk

DAY = int(FIRST_DAY.timestamp()) // 86_400


@pytest.fixture
def place(tmp_path):
    with Lake.open(tmp_path / "lake", create=True):
        return tmp_path / "lake"


def dictionaries(rows: pa.Table) -> pa.Table:
    """The same rows with strings as dictionaries, as whoever makes very many has them."""
    columns = [rows[f.name].dictionary_encode() if pa.types.is_string(f.type) else rows[f.name] for f in rows.schema]
    return pa.table(columns, names=rows.column_names)


def test_nothing_is_there_before_the_commit_and_everything_after_it(place):
    rows = interactions(range(500), days=1).sort_by("started_at")
    strings = [f.name for f in rows.schema if pa.types.is_string(f.type)]
    bulk = Bulk(place)
    with bulk.file(DAY, strings) as file:
        file.write(dictionaries(rows.slice(0, 300)))
        file.write(dictionaries(rows.slice(300)))
    with Lake.open(place) as lake:
        assert lake.table("interactions").count() == 0
        before = lake.snapshot()
        bulk.commit([file.path])
        assert lake.snapshot() != before
        assert ordered(lake.table("interactions").to_arrow()).equals(ordered(rows))
        assert len(lake.table("interactions").files() or []) == 1


def test_what_came_as_dictionaries_lies_there_as_strings_for_any_reader(place):
    rows = interactions(range(50), days=1)
    bulk = Bulk(place)
    with bulk.file(DAY, ["account_id", "source"]) as file:
        columns = [rows[n].dictionary_encode() if n in {"account_id", "source"} else rows[n] for n in rows.column_names]
        file.write(pa.table(columns, names=rows.column_names))
    stored = pq.ParquetFile(file.path.removeprefix("file://")).schema_arrow
    assert stored.field("account_id").type == pa.string()
    assert stored.field("started_at").type == records.TIMESTAMP


def test_an_append_afterwards_knows_what_came_in_bulk(place):
    rows = interactions(range(80), days=1)
    bulk = Bulk(place)
    with bulk.file(DAY) as file:
        file.write(rows)
    bulk.commit([file.path])
    with Lake.open(place) as lake:
        assert lake.append_interactions(interactions(range(100), days=1)).duplicates == 80


def test_files_of_one_commit_are_read_in_the_order_given(place):
    bulk = Bulk(place)
    paths = []
    for part in range(4):
        with bulk.file(DAY) as file:
            file.write(interactions(range(10 * part, 10 * part + 10), days=1))
        paths.append(file.path)
    bulk.commit(paths)
    with Lake.open(place) as lake:
        ids = lake.table("interactions").to_arrow()["interaction_id"].to_pylist()
    assert ids == [f"call-{number:08d}" for number in range(40)]


def test_where_there_is_no_lake_it_says_so(tmp_path):
    with pytest.raises(StillhuntError, match="lake"):
        Bulk(tmp_path / "nothing")
