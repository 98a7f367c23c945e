import json
import stat

import pytest

from cases.worked_example import nothing_found, worked_example
from stillhunt.cases import scans
from stillhunt.errors import InputError, StillhuntError


def test_what_is_written_is_read_back_unchanged(tmp_path):
    target = tmp_path / "findings.json"
    scans.write_private(target, scans.encode(worked_example()))
    assert scans.read(target) == worked_example()


def test_the_file_has_the_names_of_the_contract():
    document = json.loads(scans.encode(worked_example()))
    assert {"stillhunt", "lake_snapshot", "scanned", "visibility", "false_discovery_rate", "campaigns", "pools"} <= set(document)
    assert set(document["scanned"]) == {"interactions", "accounts", "from", "to"}
    assert {
        "campaign_id",
        "first_seen",
        "last_seen",
        "calls",
        "output_tokens",
        "coordination",
        "concealment",
        "harvest",
        "accounts",
        "explanations",
    } <= set(document["campaigns"][0])
    assert {"account_id", "membership", "observations"} <= set(document["campaigns"][0]["accounts"][0])


def test_nothing_in_the_file_can_drive_a_terminal():
    content = scans.encode(worked_example())
    assert content.isascii()
    assert b"\x1b" not in content


def test_files_are_for_their_owner_only(tmp_path):
    target = tmp_path / "findings.json"
    target.write_text("old")
    target.chmod(0o644)
    scans.write_private(target, b"new")
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").write_text("")
    with pytest.raises(StillhuntError, match="cannot be written"):
        scans.write_private(tmp_path / "taken", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1, 2]", b"{}", b'{"stillhunt": 1}', b"[" * 100_000, b'"' + b"a" * 1000])
def test_what_is_not_findings_is_one_clear_line(tmp_path, content):
    target = tmp_path / "other.json"
    target.write_bytes(content)
    with pytest.raises(InputError, match="not findings of Stillhunt") as caught:
        scans.read(target)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_clear_line(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        scans.read(tmp_path / "none.json")


def test_the_latest_scan_of_a_lake_is_the_one_that_is_read(tmp_path):
    scans.keep(worked_example(), tmp_path)
    kept = scans.keep(nothing_found(), tmp_path)
    assert scans.latest(tmp_path) == nothing_found()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_old_scans_do_not_pile_up(tmp_path):
    for _ in range(scans.KEPT + 3):
        scans.keep(nothing_found(), tmp_path)
    assert len(list((tmp_path / "scans").iterdir())) == scans.KEPT


def test_a_lake_that_was_never_scanned_says_how_to(tmp_path):
    with pytest.raises(InputError, match="stillhunt scan --lake"):
        scans.latest(tmp_path)


def test_a_lake_without_a_folder_keeps_no_scans():
    assert scans.keep(nothing_found(), "catalog:prod") is None
    with pytest.raises(InputError, match="no folder"):
        scans.latest("catalog:prod")
