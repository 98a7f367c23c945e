import pytest


@pytest.fixture
def lake(stillhunt, calls, tmp_path):
    folder = tmp_path / "lake"
    assert stillhunt("ingest", calls, "--lake", folder).status == 0
    return folder


def test_compacting_loses_nothing(stillhunt, lake):
    result = stillhunt("lake", "compact", "--lake", lake, "--json")
    assert result.status == 0
    assert result.document["files_before"] >= result.document["files_after"]
    assert stillhunt("lake", "info", "--lake", lake, "--json").document["rows"]["interactions"] == 400


def test_retaining_deletes_what_is_older_and_nothing_else(stillhunt, lake):
    result = stillhunt("lake", "retain", "--lake", lake, "--before", "2026-05-06")
    assert result.status == 0
    assert "2026-05-06 00:00 UTC" in result.out
    assert stillhunt("lake", "info", "--lake", lake, "--json").document["rows"]["interactions"] == 240


def test_what_a_lake_holds_is_printed(stillhunt, lake):
    out = stillhunt("lake", "info", "--lake", lake).out
    assert "interactions" in out
    assert "400" in out
    assert "Snapshot" in out
