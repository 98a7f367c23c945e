"""What is frozen can be repeated with nothing else left."""

import errno
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from stillhunt.campaigns import Settings, hunt
from stillhunt.campaigns.ranges import Ranges
from stillhunt.cases import freezing, scans
from stillhunt.cases.configuration import configuration, other_software, settings_of
from stillhunt.cases.freezing import Frozen, freeze, holding
from stillhunt.cases.proceedings import unlike
from stillhunt.errors import InputError, StillhuntError
from stillhunt.intake import pipeline
from stillhunt.lake import Lake
from stillhunt.lake.faults import SnapshotGoneError


@pytest.fixture
def copied(world, tmp_path):
    """The frozen folder elsewhere, by itself."""
    return Frozen(shutil.copytree(world.frozen.folder, tmp_path / "elsewhere"))


def test_the_scan_is_repeated_byte_for_byte_without_the_lake_and_at_another_place(world, copied):
    assert copied.findings_bytes == world.findings_bytes
    assert copied.rerun() == world.findings_bytes
    assert copied.changed() == []


def test_a_scan_of_the_past_is_repeated_with_its_moment(world, tmp_path):
    middle = datetime(2026, 3, 8, tzinfo=UTC)
    settings = Settings(false_discovery_rate=0.01, network_kind=Ranges({"192.0.2.0/24": "hosting", "203.0.113.0/24": "vpn"}))
    with Lake.open(world.lake) as lake:
        written = scans.encode(hunt(lake, as_of=middle, settings=settings))
        frozen = freeze(lake, written, settings, tmp_path / "past")
    assert json.loads(written)["as_of"] == "2026-03-08T00:00:00Z"
    assert frozen.rerun() == written
    assert frozen.settings.network_kind("203.0.113.0/24") == "vpn"


def test_frozen_calls_survive_retention_and_of_texts_only_the_named_accounts_do(world, tmp_path):
    # a second lake: this one is to lose its calls
    with Lake.open(tmp_path / "lake", create=True) as lake:
        pipeline.ingest([world.provider], lake, workers=1, keep_text=True)
        written = scans.encode(hunt(lake, settings=world.settings))
        frozen = freeze(lake, written, world.settings, tmp_path / "lake" / "cases" / "case-1")
        linked = list((frozen.folder / "lake").glob("interactions-*"))
        assert all(file.stat().st_nlink == 2 for file in linked)
        before = datetime(2027, 1, 1, tzinfo=UTC)
        assert holding(tmp_path / "lake" / "cases", before) == ["case-1"]
        assert holding(tmp_path / "lake" / "cases", datetime(2026, 1, 1, tzinfo=UTC)) == []
        assert lake.retain(before).interactions == frozen.findings.scanned.interactions
        assert lake.table("interactions").count() == 0
    assert frozen.rerun() == written
    with frozen.lake() as lake:
        assert lake.table("texts").count() == frozen.findings.campaigns[0].calls
    frozen.release()
    assert holding(tmp_path / "lake" / "cases", before) == []


def test_where_links_fail_files_are_copied(world, tmp_path, monkeypatch):
    def cannot(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(freezing.os, "link", cannot)
    with Lake.open(world.lake) as lake:
        frozen = freeze(lake, world.findings_bytes, world.settings, tmp_path / "copied")
    assert all(file.stat().st_nlink == 1 and file.stat().st_mode & 0o077 == 0 for file in (frozen.folder / "lake").iterdir())
    assert frozen.changed() == []


def test_files_of_a_lake_elsewhere_are_written_anew_with_the_same_rows(world, tmp_path, monkeypatch):
    monkeypatch.setattr("stillhunt.lake.table.LakeTable.local_files", lambda self: dict.fromkeys(self.data_paths()))
    with Lake.open(world.lake) as lake:
        frozen = freeze(lake, world.findings_bytes, world.settings, tmp_path / "anew")
    assert frozen.rerun() == world.findings_bytes


@pytest.mark.parametrize("name", ["findings.json", "configuration.json", "lake/interactions-00003.parquet"])
def test_a_changed_file_is_named(copied, name):
    file = copied.folder / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.unlink()
    file.write_bytes(content)
    assert Frozen(copied.folder).changed() == [name]
    file.unlink()
    assert Frozen(copied.folder).changed() == [name]


def test_only_the_named_accounts_observations_are_frozen(world, frozen):
    named = {member.account_id for member in world.findings.campaigns[0].accounts}
    with frozen.lake() as lake, Lake.open(world.lake) as live:
        own = lake.table("observations").to_arrow()
        everybody = live.table("observations").to_arrow()
    assert set(own["account_id"].to_pylist()) == named < set(everybody["account_id"].to_pylist())
    assert own.num_rows == sum(account in named for account in everybody["account_id"].to_pylist())


def test_observations_that_a_later_scan_replaced_are_made_again(world, frozen, tmp_path):
    lake = shutil.copytree(frozen.folder, tmp_path / "f")
    shutil.rmtree(tmp_path / "f" / "digest", ignore_errors=True)
    with Frozen(lake).lake() as opened:
        written = opened.table("observations").to_arrow()
        opened._files = {**opened._files, "observations": ()}
        again = freeze(opened, world.findings_bytes, world.settings, tmp_path / "again")
    with again.lake() as opened:
        key = [(name, "ascending") for name in ("account_id", "channel", "value", "first_at")]
        assert opened.table("observations").to_arrow().sort_by(key) == written.sort_by(key)


def test_frozen_calls_are_for_reading(frozen):
    with frozen.lake() as lake:
        with pytest.raises(StillhuntError, match="for reading only"):
            lake.append_interactions(pa.table({"interaction_id": ["x"]}))
        with pytest.raises(StillhuntError, match="for reading only"):
            lake.retain(datetime(2027, 1, 1, tzinfo=UTC))
        with pytest.raises(SnapshotGoneError):
            lake.at("s1-1.1.1.1.1")


def test_calls_that_were_given_up_are_missed_in_words(copied):
    assert copied.release() > 0
    assert copied.findings.campaigns
    assert copied.changed() == []
    with pytest.raises(InputError, match="given up"):
        copied.rerun()
    assert copied.release() == 0


def test_a_snapshot_that_is_gone_leaves_nothing_behind(world, tmp_path):
    gone = json.loads(world.findings_bytes) | {"lake_snapshot": "s1-1.1.1.1.1"}
    with Lake.open(world.lake) as lake, pytest.raises(SnapshotGoneError):
        freeze(lake, json.dumps(gone).encode(), world.settings, tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_frozen_twice_at_one_place(world, frozen):
    with Lake.open(world.lake) as lake, pytest.raises(InputError, match="already"):
        freeze(lake, world.findings_bytes, world.settings, frozen.folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("frozen.json", b"{"),
        ("frozen.json", b"[]"),
        ("frozen.json", b'{"layout": 99}'),
        ("findings.json", b"{}"),
        ("configuration.json", b"{}"),
    ],
)
def test_a_damaged_folder_is_refused_in_one_line(copied, name, content):
    (copied.folder / name).write_bytes(content)
    with pytest.raises(InputError) as refused:
        _ = Frozen(copied.folder).findings, Frozen(copied.folder).settings
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "change", [{"tables": 7}, {"tables": {"x": [{"file": "x"}]}}, {"calls": {"from": "soon"}}, {"snapshot": None}, {"tables": None}]
)
def test_a_list_that_is_none_is_refused_in_one_line(copied, change):
    (copied.folder / "frozen.json").write_text(json.dumps(copied.about | change))
    with pytest.raises(InputError, match=r"frozen\.json"):
        Frozen(copied.folder)


def test_a_damaged_case_counts_as_holding_calls(copied):
    before = datetime(2026, 1, 1, tzinfo=UTC)
    assert holding(copied.folder.parent, before) == []
    (copied.folder / "frozen.json").write_bytes(b"{")
    assert holding(copied.folder.parent, before) == [copied.folder.name]


def test_a_list_that_names_files_elsewhere_is_refused(copied):
    about = json.loads((copied.folder / "frozen.json").read_bytes())
    about["tables"]["interactions"][0]["file"] = "../findings.json"
    (copied.folder / "frozen.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match="not what was frozen"):
        Frozen(copied.folder)


def test_a_folder_and_its_files_are_the_owners_alone(frozen):
    assert frozen.folder.stat().st_mode & 0o077 == 0
    assert frozen.folder.parent.stat().st_mode & 0o077 == 0
    for name in ("frozen.json", "findings.json", "configuration.json"):
        assert (frozen.folder / name).stat().st_mode & 0o077 == 0


def test_every_setting_is_written_down_and_read_back():
    told = Settings(0.01, 9, 0.3, 2.0, "spark", frozenset({"b", "a"}), Ranges({"192.0.2.7/24": "vpn"}))
    document = json.loads(json.dumps(configuration(told)))
    assert set(document["settings"]) == set(Settings.__dataclass_fields__)
    back = settings_of(document)
    assert replace(back, network_kind=None) == replace(told, network_kind=None)
    assert back.network_kind.kinds == {"192.0.2.0/24": "vpn"}


def test_a_lookup_by_a_program_cannot_be_frozen():
    with pytest.raises(InputError, match="cannot be frozen"):
        configuration(Settings(network_kind=lambda prefix: prefix))


def test_a_setting_that_is_not_known_is_named():
    with pytest.raises(InputError, match="least_noise"):
        settings_of({"settings": {"least_noise": 1}})


def test_other_software_is_named():
    document = configuration(Settings())
    assert other_software(document) == []
    document["software"]["numpy"] = "0.1"
    document["channels"].append("rumour")
    assert [one.split()[0] for one in other_software(document)] == ["numpy", "the"]


def test_what_differs_between_findings_is_named(world):
    other = world.findings.model_copy(deep=True)
    other.campaigns[0].calls += 1
    other.notes.append("more")
    gone = other.pools.pop()
    told = unlike(world.findings_bytes, scans.encode(other))
    assert sorted(told) == sorted(["notes differs", f"{other.campaigns[0].campaign_id}: calls differs", f"{gone.pool_id} is found no more"])
    assert unlike(world.findings_bytes, world.findings_bytes) == []
    assert unlike(world.findings_bytes, world.findings_bytes + b"\n") == ["the same findings are spelled otherwise"]
