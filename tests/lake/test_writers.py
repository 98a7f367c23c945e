"""Several processes may write at once: every row is there once, whoever brought it."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from lake.invented import interactions, ordered
from stillhunt.lake import Appended, Lake, commits
from stillhunt.lake import lake as lake_module

TESTS = Path(__file__).parent.parent


def start_writers(folder: Path, count: int, rows: int) -> list[subprocess.Popen[str]]:
    return [
        subprocess.Popen(
            [sys.executable, "-m", "lake.writing", str(folder), str(seed), str(rows)],
            cwd=TESTS,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(count)
    ]


def accepted_by(writers: list[subprocess.Popen[str]]) -> list[int]:
    ends = [writer.communicate() for writer in writers]
    assert all(writer.returncode == 0 for writer in writers), [error for _, error in ends]
    return [int(output) for output, _ in ends]


def test_two_writers_that_bring_the_same_rows_bring_each_once(tmp_path):
    # They also create the lake at the same time.
    accepted = accepted_by(start_writers(tmp_path / "lake", 2, 400))
    assert sum(accepted) == 400
    with Lake.open(tmp_path / "lake") as lake:
        assert ordered(lake.table("interactions").to_arrow()).equals(interactions(range(400), days=1))
        found = lake.table("accounts").to_arrow()
        assert found.num_rows == 11
        assert found.filter(pa.compute.equal(found["account_id"], "account-all"))["plan"].to_pylist() == ["1"]


def test_compaction_beside_a_writer_loses_nothing(tmp_path):
    with Lake.open(tmp_path / "lake", create=True) as lake:
        lake.append_interactions(interactions(range(50), days=1))
        lake.append_interactions(interactions(range(50, 100), days=1))
        writers = start_writers(tmp_path / "lake", 1, 240)
        while writers[0].poll() is None:
            lake.compact(keep_snapshots=3, snapshot_age=timedelta(minutes=1))
        assert accepted_by(writers) == [140]
        assert ordered(lake.table("interactions").to_arrow()).equals(interactions(range(240), days=1))


@pytest.fixture
def overtaken(tmp_path, monkeypatch):
    """A lake whose next append is overtaken by another writer between its look at the ids and its commit."""
    with Lake.open(tmp_path / "lake", create=True) as lake, Lake.open(tmp_path / "lake") as other:
        others_rows = iter([range(5, 15)])

        def overtake(table, files):
            for numbers in others_rows:
                other.append_interactions(interactions(numbers))
            return commits.append_files(table, files)

        lake.append_interactions(interactions(range(2)))
        monkeypatch.setattr(lake_module, "append_files", overtake)
        yield lake


def test_an_append_that_was_overtaken_looks_at_the_ids_again(overtaken):
    assert overtaken.append_interactions(interactions(range(10))) == Appended(3, 7)
    assert ordered(overtaken.table("interactions").to_arrow()).equals(interactions(range(15)))


def test_files_of_an_overtaken_append_do_not_stay(overtaken, tmp_path):
    overtaken.append_interactions(interactions(range(10)))
    on_disk = {str(path) for path in (tmp_path / "lake" / "tables").rglob("*.parquet")}
    assert on_disk == set(overtaken.table("interactions").files())


def test_an_answer_that_was_lost_is_not_mistaken_for_a_failure(tmp_path, monkeypatch):
    with Lake.open(tmp_path / "lake", create=True) as lake:
        commit = type(lake._opened.catalog).commit_table

        def lose_the_answer(self, *arguments):
            commit(self, *arguments)
            raise ConnectionError("the catalog's answer was lost")

        monkeypatch.setattr(type(lake._opened.catalog), "commit_table", lose_the_answer)
        assert lake.append_interactions(interactions(range(10))) == Appended(10, 0)
        monkeypatch.undo()
        assert lake.append_interactions(interactions(range(10))) == Appended(0, 10)
        assert lake.table("interactions").count() == 10
