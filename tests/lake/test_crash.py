"""A writer may be killed at any moment: running it again gives exactly the lake that an undisturbed run gives."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from lake.dying import append_batches, read_log
from lake.invented import interactions, ordered
from stillhunt import records
from stillhunt.lake import Lake

TESTS = Path(__file__).parent.parent


def contents(folder: Path) -> dict[str, object]:
    with Lake.open(folder) as lake:
        return {name: ordered(lake.table(name).to_arrow()) for name in records.TABLES}


def kill_and_repeat(tmp_path: Path, *arguments: str) -> list[Path]:
    folder = tmp_path / "lakes"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "lake.dying", arguments[0], str(folder), *arguments[1:]],
        cwd=TESTS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return sorted(folder.iterdir())


@pytest.fixture(autouse=True)
def one_key(tmp_path, monkeypatch):
    # Pseudonyms are compared between lakes, so all of them need the same key.
    monkeypatch.setenv("STILLHUNT_KEY_FILE", str(tmp_path / "key"))


def test_a_killed_writer_run_again_leaves_the_same_lake_and_compaction_removes_what_it_left(tmp_path):
    append_batches(tmp_path / "undisturbed")
    expected = contents(tmp_path / "undisturbed")
    assert (expected["interactions"].num_rows, expected["texts"].num_rows) == (70, 40)
    lakes = kill_and_repeat(tmp_path, "lake")
    assert len(lakes) > 20  # files and commits were the moments to die
    for folder in lakes:
        assert contents(folder) == expected, folder.name
    for folder in lakes[::4]:
        with Lake.open(folder) as lake:
            lake.compact(keep_snapshots=1, snapshot_age=timedelta(0), orphan_age=timedelta(0))
            named = {path for name in records.TABLES for path in lake.table(name).files()}
        assert {str(path) for path in (folder / "tables").rglob("*.parquet")} == named
        assert contents(folder) == expected, folder.name


def test_a_killed_ingest_run_again_leaves_the_same_lake(tmp_path):
    pytest.importorskip("stillhunt.intake.pipeline")
    log = tmp_path / "calls.jsonl"
    with log.open("w") as file:
        for row in interactions(range(60)).select(["interaction_id", "started_at", "account_id", "output_tokens"]).to_pylist():
            row |= {
                "started_at": row["started_at"].isoformat(),
                "system": "Be brief and kind to everybody.",
                "response": f"Answer {row['output_tokens']}",
            }
            file.write(json.dumps(row) + "\n")
    read_log(tmp_path / "undisturbed", log)
    expected = contents(tmp_path / "undisturbed")
    assert expected["interactions"].num_rows == expected["texts"].num_rows == 60
    for lake in kill_and_repeat(tmp_path, "ingest", str(log)):
        assert contents(lake) == expected, lake.name
