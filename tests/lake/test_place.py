"""A local lake is a folder like any other: it can be moved, renamed and copied, and a copy never reaches into the original."""

import hashlib
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lake.invented import interactions
from stillhunt.lake import Lake


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def ids(lake: Lake) -> set[str]:
    return {row for batch in lake.table("interactions").batches(["interaction_id"]) for row in batch["interaction_id"].to_pylist()}


@pytest.fixture
def lake(tmp_path):
    with Lake.open(tmp_path / "old", create=True) as made:
        made.append_interactions(interactions(range(50)))
        made.append_interactions(interactions(range(50, 80)))
    return tmp_path / "old"


def test_a_moved_lake_is_read_written_compacted_and_retained_and_moved_again(lake, tmp_path):
    with Lake.open(lake) as opened:
        before, snapshot = ids(opened), opened.snapshot()
    there = tmp_path / "somewhere else"
    shutil.move(lake, there)
    with Lake.open(there) as opened:
        assert ids(opened) == before
        assert opened.snapshot() == snapshot
        opened.append_interactions(interactions(range(60, 100)))  # twenty of them are there already
        assert opened.table("interactions").count() == 100
        opened.compact()
        assert opened.table("interactions").count() == 100
    last = tmp_path / "deeper" / "lake"
    last.parent.mkdir()
    shutil.move(there, last)
    with Lake.open(last) as opened:
        assert len(ids(opened)) == 100
        opened.retain(datetime.now(UTC) + timedelta(days=1), orphan_age=timedelta(0))
        assert opened.table("interactions").count() == 0
    assert not list(last.rglob("tables/stillhunt/interactions/**/*.parquet"))
    assert not lake.exists()
    assert not there.exists()


def test_a_copy_never_reaches_into_the_original(lake, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(lake, copy)
    original = contents(lake)
    with Lake.open(copy) as opened:
        opened.append_interactions(interactions(range(80, 120)))
        opened.compact(keep_snapshots=1, snapshot_age=timedelta(0), orphan_age=timedelta(0))
        opened.retain(datetime.now(UTC) + timedelta(days=1), orphan_age=timedelta(0))
        assert opened.table("interactions").count() == 0
    assert contents(lake) == original
    with Lake.open(lake) as opened:
        assert opened.table("interactions").count() == 80
