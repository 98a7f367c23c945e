"""Whatever stands where a lake should be, one line says what is wrong, where, and what to do."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.utils.config import Config

from lake.invented import interactions, ordered
from stillhunt.errors import StillhuntError
from stillhunt.lake import Lake, LakeBusyError, opening
from stillhunt.lake.engines import open_engine


def refusal(location, **options) -> str:
    with pytest.raises(StillhuntError) as caught:
        Lake.open(location, **options)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_nothing_there(tmp_path):
    assert "does not exist" in refusal(tmp_path / "lake")
    assert not (tmp_path / "lake").exists()


def test_a_file(tmp_path):
    (tmp_path / "calls.jsonl").write_text("{}")
    assert "is a file" in refusal(tmp_path / "calls.jsonl")


def test_a_folder_with_other_things(tmp_path):
    (tmp_path / "holiday.txt").write_text("fjord")
    assert "not a lake" in refusal(tmp_path)
    assert "other things" in refusal(tmp_path, create=True)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.txt"]


def test_a_catalog_that_is_no_database(tmp_path):
    (tmp_path / "catalog.sqlite").write_bytes(b"not a database, whatever its name says" * 100)
    assert "damaged" in refusal(tmp_path)


def test_a_database_that_is_no_catalog(tmp_path):
    sqlite3.connect(tmp_path / "catalog.sqlite").close()
    assert "not a lake" in refusal(tmp_path) or "no lake here" in refusal(tmp_path)


def test_a_lake_of_a_newer_release(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "LAYOUT", 7)
    Lake.open(tmp_path / "lake", create=True).close()
    monkeypatch.undo()
    assert "layout 7" in refusal(tmp_path / "lake")


def test_a_lake_whose_sketches_are_of_another_kind(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "LAYOUT", opening.LAYOUT - 1)
    Lake.open(tmp_path / "lake", create=True).close()
    monkeypatch.undo()
    assert "ingest the logs again into a new lake" in refusal(tmp_path / "lake", create=True)


def test_another_key(tmp_path):
    Lake.open(tmp_path / "lake", create=True).close()
    Lake.open(tmp_path / "other", create=True).close()
    (tmp_path / "lake" / "pseudonym.key").write_bytes((tmp_path / "other" / "pseudonym.key").read_bytes())
    assert "not the key of this lake" in refusal(tmp_path / "lake")


@pytest.mark.parametrize(("content", "expected"), [(None, "missing"), ("hello", "not a pseudonym key"), ("ab", "64 hex digits")])
def test_a_key_that_is_none(tmp_path, content, expected):
    Lake.open(tmp_path / "lake", create=True).close()
    key = tmp_path / "lake" / "pseudonym.key"
    key.unlink() if content is None else key.write_text(content)
    assert expected in refusal(tmp_path / "lake")


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path):
    with Lake.open(tmp_path / "lake", create=True) as lake, Lake.open(tmp_path / "lake", create=True) as again:
        assert len(lake.key) == 32
        assert lake.key == again.key
    assert stat.S_IMODE((tmp_path / "lake" / "pseudonym.key").stat().st_mode) == 0o600


def test_the_key_may_lie_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("STILLHUNT_KEY_FILE", str(tmp_path / "secrets" / "key"))
    with Lake.open(tmp_path / "lake", create=True) as lake:
        assert lake.key == bytes.fromhex((tmp_path / "secrets" / "key").read_text())
    assert not (tmp_path / "lake" / "pseudonym.key").exists()


def test_the_key_is_nowhere_else_in_the_lake(tmp_path):
    with Lake.open(tmp_path / "lake", create=True) as lake:
        lake.append_interactions(interactions(range(5)))
        others = [path for path in (tmp_path / "lake").rglob("*") if path.is_file() and path.name != "pseudonym.key"]
        for form in (lake.key, lake.key.hex().encode()):
            assert not any(form in path.read_bytes() for path in others)


def test_a_catalog_that_nobody_configured():
    assert "catalog" in refusal("catalog:nowhere")


def test_a_locked_catalog(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "LOCK_WAIT_SECONDS", 0)
    monkeypatch.setattr("stillhunt.lake.commits._PATIENCE_SECONDS", 0.2)
    with Lake.open(tmp_path / "lake", create=True) as lake:
        holder = sqlite3.connect(tmp_path / "lake" / "catalog.sqlite", isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LakeBusyError, match=r"another process|other writers"):
            lake.append_interactions(interactions(range(5)))
        holder.execute("ROLLBACK")
        holder.close()
        assert lake.append_interactions(interactions(range(5))).accepted == 5


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    assert "permission" in refusal(tmp_path / "lake", create=True)


def test_a_full_disk(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with Lake.open(tmp_path / "lake", create=True) as lake:
        monkeypatch.setattr("stillhunt.lake.lake.write_rows", full)
        with pytest.raises(StillhuntError, match="no space left"):
            lake.append_interactions(interactions(range(5)))
        monkeypatch.undo()
        assert lake.append_interactions(interactions(range(5))).accepted == 5


def test_a_path_with_spaces_signs_and_other_scripts(tmp_path):
    folder = tmp_path / "my lake #1 100%? ✓ 雪 'n"
    with Lake.open(folder, create=True) as lake:
        lake.append_interactions(interactions(range(20)))
        with open_engine() as engine:
            engine.attach("interactions", lake.table("interactions"))
            assert engine.fetch("SELECT COUNT(*) AS n FROM interactions").to_pylist() == [{"n": 20}]
        lake.compact()
    with Lake.open(folder) as lake:
        assert ordered(lake.table("interactions").to_arrow()).equals(interactions(range(20)))


def test_a_lake_made_before_a_column_existed_reads_it_as_null_and_takes_it(tmp_path, monkeypatch):
    whole = opening.stored_schema

    def before(name):
        schema = whole(name)
        return (
            schema.remove(schema.get_field_index("tool_count")).remove(schema.get_field_index("truncated") - 1)
            if name == "interactions"
            else schema
        )

    monkeypatch.setattr(opening, "stored_schema", before)
    Lake.open(tmp_path / "lake", create=True).close()
    monkeypatch.undo()
    old = SqlCatalog("stillhunt", uri=f"sqlite:///{tmp_path}/lake/catalog.sqlite").load_table("stillhunt.interactions")
    assert "tool_count" not in old.schema().column_names
    with Lake.open(tmp_path / "lake") as lake, open_engine() as engine:
        assert lake.table("interactions").to_arrow().schema.names == whole("interactions").names
        lake.append_interactions(interactions(range(10)))
        engine.attach("interactions", lake.table("interactions"))
        assert engine.fetch("SELECT COUNT(*) AS n, COUNT(tool_count) AS known FROM interactions").to_pylist() == [{"n": 10, "known": 0}]


def test_a_lake_in_a_configured_catalog(tmp_path, monkeypatch):
    monkeypatch.setenv("PYICEBERG_CATALOG__ELSEWHERE__TYPE", "sql")
    monkeypatch.setenv("PYICEBERG_CATALOG__ELSEWHERE__URI", f"sqlite:///{tmp_path}/elsewhere.sqlite")
    monkeypatch.setenv("PYICEBERG_CATALOG__ELSEWHERE__WAREHOUSE", f"file://{tmp_path}/warehouse")
    monkeypatch.setattr("pyiceberg.catalog._ENV_CONFIG", Config())  # it was read when pyiceberg was imported
    assert "STILLHUNT_KEY_FILE" in refusal("catalog:elsewhere", create=True)
    monkeypatch.setenv("STILLHUNT_KEY_FILE", str(tmp_path / "key"))
    with Lake.open("catalog:elsewhere", create=True) as lake:
        lake.append_interactions(interactions(range(20)))
        lake.append_interactions(interactions(range(30)))
        lake.compact()
    with Lake.open("catalog:elsewhere") as lake:
        assert ordered(lake.table("interactions").to_arrow()).equals(interactions(range(30)))


@pytest.mark.parametrize("location", ["loop", "~nobody-has-this-name/lake"])
def test_a_path_that_leads_nowhere(tmp_path, monkeypatch, location):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "leads nowhere" in refusal(location)
    assert "leads nowhere" in refusal(location, create=True)
    assert [path.name for path in tmp_path.iterdir()] == ["loop"]


def test_a_locked_catalog_is_waited_for_and_the_waiting_is_said(tmp_path, monkeypatch):
    Lake.open(tmp_path / "lake", create=True).close()
    monkeypatch.setattr(opening, "LOCK_WAIT_SECONDS", 0)
    monkeypatch.setattr(opening, "_TELL_AFTER_SECONDS", 0.01)
    with closing(sqlite3.connect(tmp_path / "lake" / "catalog.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "another process has locked" in refusal(tmp_path / "lake")
        monkeypatch.setattr(opening, "LOCK_WAIT_SECONDS", 60)
        monkeypatch.setattr(opening._LOG, "warning", lambda *_: other.execute("COMMIT"))  # said once, while it waits
        Lake.open(tmp_path / "lake").close()
