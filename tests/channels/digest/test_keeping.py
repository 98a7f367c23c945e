"""What is kept beside a lake is a cache: used where it fits, worth nothing where it does not, and never seen in what comes out."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from folded import DAY0, PEOPLE, drawn_calls, told

from stillhunt.channels.digest import keeping, reading
from stillhunt.channels.digest.taking import digest_of_state
from stillhunt.lake import Lake
from stillhunt.lake.opening import DIGEST_FOLDER
from stillhunt.lake.table import LakeTable
from stillhunt.records import INTERACTIONS


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Digests are kept of small lakes, too."""
    monkeypatch.setattr(keeping, "LEAST_KEPT", 1)


@pytest.fixture
def read(monkeypatch):
    """The data files that were read, scan after scan."""
    files = []
    plain = LakeTable.tables_of

    def noted(self, paths, *arguments, **options):
        files.append(list(paths))
        return plain(self, paths, *arguments, **options)

    monkeypatch.setattr(LakeTable, "tables_of", noted)
    return files


def calls(seed, *, day=0, size=400, label="i"):
    """Calls of two days, the same accounts whatever the seed."""
    drawn = drawn_calls(seed, size=size, days=2.0)
    columns = {name: drawn[name] for name in drawn.column_names}
    columns["interaction_id"] = pa.array([f"{label}{seed}-{number}" for number in range(size)])
    for name in ("started_at", "ended_at"):
        moved = drawn[name].cast(pa.int64()).to_numpy() + day * 86_400_000_000
        columns[name] = pa.array(moved).cast(INTERACTIONS.field(name).type)
    return pa.table(columns)


@pytest.fixture
def lake(tmp_path):
    with Lake.open(tmp_path / "lake", create=True) as opened:
        opened.append_interactions(calls(1))
        yield opened


def look(lake):
    """All that the digest of a lake tells."""
    return told(digest_of_state(keeping.state_of(lake.at(lake.snapshot())), PEOPLE))


def anew(lake):
    """The same, with nothing kept."""
    shutil.rmtree(lake.folder / DIGEST_FOLDER, ignore_errors=True)
    return look(lake)


def current(lake):
    place = lake.folder / DIGEST_FOLDER
    return place / (place / "current").read_text()


def test_what_is_kept_is_not_read_again_and_says_the_same(lake, read):
    first = look(lake)
    assert look(lake) == first
    assert (len(read[0]) > 0, read[1]) == (True, [])


def test_folding_on_says_the_very_same_as_folding_from_nothing(lake, read):
    look(lake)
    for step in (1, 2, 3):
        lake.append_interactions(calls(step + 1, day=2 * step))
        on = look(lake)
        assert len(read[-1]) < len(lake.table("interactions").in_order()), "only what is new was read"
        kept = current(lake)
        shutil.move(kept, lake.folder / "aside")
        assert look(lake) == on
        shutil.rmtree(lake.folder / DIGEST_FOLDER)
        (lake.folder / DIGEST_FOLDER).mkdir()
        shutil.move(lake.folder / "aside", kept)
        (lake.folder / DIGEST_FOLDER / "current").write_text(kept.name)


def wanted(digest):
    """What channels ask of a digest that is worked out account by account, as a scan asks for it."""
    top = np.full(len(digest.accounts), -1)
    grams = digest.recurring(0.12, 12, 0.02)
    top[grams.accounts] = grams.grams
    values = [digest.networks.dominant(), digest.networks.dominant(digest.networks.names, "itself")]
    return [
        *(column.tolist() for column in vars(grams).values()),
        *(np.nan_to_num(column, nan=-1).tolist() for column in vars(digest.slices(top)).values()),
        *([codes.to_pylist(), times.tolist(), everything.tolist()] for codes, times, everything in values),
        np.nan_to_num(digest.pauses.quantile(0.25), nan=-1).tolist(),
        digest.answers.entries.tolist(),
        digest.quietest(8).tolist(),
    ]


def asked(lake, *, remembering=False):
    digest = digest_of_state(keeping.state_of(lake.at(lake.snapshot())), PEOPLE)
    found = wanted(digest)
    if remembering:
        digest.remember()
    return found


def some_calls(seed, size, accounts):
    """Calls of a few of the accounts, and of some that nobody saw before."""
    drawn = calls(seed, size=size, day=3, label="m")
    names = [f"{accounts[number % len(accounts)]}" for number in range(size)]
    return drawn.set_column(drawn.column_names.index("account_id"), "account_id", pa.array(names))


def test_what_was_worked_out_is_worked_out_again_of_those_who_called_since_and_of_nobody_else(lake, monkeypatch):
    first = asked(lake, remembering=True)
    names = [path.name for path in current(lake).glob("derived.*.npy")]
    assert len(names) > 10
    assert asked(lake) == first
    known = sorted(set(lake.table("interactions").to_arrow(["account_id"])["account_id"].to_pylist()))
    lake.append_interactions(some_calls(5, 12, [known[1], "nobody before", known[4]]))
    rows = []
    plain = reading.quantile
    monkeypatch.setattr(reading, "quantile", lambda bins, chosen, *rest: rows.append(chosen.size) or plain(bins, chosen, *rest))
    on = asked(lake)
    assert rows == [3]
    shutil.rmtree(lake.folder / DIGEST_FOLDER)
    assert on == asked(lake)
    assert on != first


def test_of_what_was_worked_out_nothing_is_known_if_it_is_not_all_there(lake):
    first = asked(lake, remembering=True)
    (current(lake) / "derived.json").unlink()
    assert asked(lake) == first
    asked(lake, remembering=True)
    assert (current(lake) / "derived.json").exists(), "and it is kept again"
    next(current(lake).glob("derived.slices*.npy")).unlink()
    assert asked(lake) == first


def test_of_calls_that_are_not_kept_nothing_is_remembered(lake):
    look(lake)
    lake.append_interactions(calls(2, size=15, day=2))
    asked(lake, remembering=True)
    assert not (current(lake) / "derived.json").exists()


def test_a_full_disk_forgets_what_was_worked_out_and_nothing_else(lake, monkeypatch):
    first = look(lake)

    def full(path, array):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    asked(lake, remembering=True)
    assert not (current(lake) / "derived.json").exists()
    assert look(lake) == first


def test_it_is_kept_anew_only_once_a_twentieth_has_come(lake):
    look(lake)
    first = current(lake)
    lake.append_interactions(calls(2, size=15, day=2))
    look(lake)
    assert current(lake) == first
    lake.append_interactions(calls(3, size=15, day=2))
    look(lake)
    assert current(lake) != first
    assert [one.name for one in (lake.folder / DIGEST_FOLDER).iterdir() if one.is_dir()] == [current(lake).name]


def test_of_few_calls_nothing_is_kept(lake, monkeypatch):
    monkeypatch.setattr(keeping, "LEAST_KEPT", 401)
    look(lake)
    assert not (lake.folder / DIGEST_FOLDER).exists()


def test_what_is_kept_is_for_the_owners_eyes_only(lake):
    look(lake)
    assert (lake.folder / DIGEST_FOLDER).stat().st_mode & 0o077 == 0
    assert current(lake).stat().st_mode & 0o077 == 0


def test_calls_that_arrive_late_are_folded_on_as_they_would_be_from_nothing(lake):
    lake.append_interactions(calls(2, day=6))
    look(lake)
    lake.append_interactions(calls(3, day=1))
    assert look(lake) == anew(lake)


DAMAGES = {
    "empty": lambda file: file.write_bytes(b""),
    "cut short": lambda file: file.write_bytes(file.read_bytes()[: max(1, file.stat().st_size // 2)]),
    "cut in its header": lambda file: file.write_bytes(file.read_bytes()[:20]),
    "something else": lambda file: file.write_bytes(b"\x93NUMPY\x01\x00\x10\x00{'descr': 'nonsense"),
    "gone": lambda file: file.unlink(),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_whatever_file_is_damaged_the_digest_is_folded_anew(lake, damage):
    expected = look(lake)
    names = [
        "files.json",
        "about.npy",
        "names.accounts.npy",
        "rows.calls.npy",
        "units0.grams.npy",
        "pairs.key.npy",
        "trace.1.npy",
        "open.0.npy",
    ]
    for name in names:
        DAMAGES[damage](current(lake) / name)
        assert look(lake) == expected, name
        assert current(lake).is_dir()
        assert anew(lake) == expected


@pytest.mark.parametrize("pointer", ["", "no such folder", "../../..", "\x00"])
def test_a_pointer_to_nowhere_is_ignored(lake, pointer):
    expected = look(lake)
    (lake.folder / DIGEST_FOLDER / "current").write_text(pointer)
    assert look(lake) == expected


@pytest.mark.parametrize(
    "about",
    [[], {}, None, {"version": -1, "shards": 2, "files": []}, {"version": keeping.VERSION, "shards": 7, "files": []}, {"files": 3}],
)
def test_what_another_release_kept_is_ignored(lake, about, read):
    expected = look(lake)
    known = json.loads((current(lake) / "files.json").read_text())
    if isinstance(about, dict) and about.get("files") == []:
        about["files"] = known["files"]
    (current(lake) / "files.json").write_text(json.dumps(about))
    assert look(lake) == expected
    assert read[-1] == lake.table("interactions").in_order()


def test_what_was_kept_of_another_lake_is_ignored(lake, tmp_path):
    with Lake.open(tmp_path / "other", create=True) as other:
        other.append_interactions(calls(7))
        foreign = look(other)
        expected = look(lake)
        shutil.rmtree(lake.folder / DIGEST_FOLDER)
        shutil.copytree(other.folder / DIGEST_FOLDER, lake.folder / DIGEST_FOLDER)
        assert look(lake) == expected != foreign


def test_an_earlier_snapshot_is_read_as_it_was(lake):
    early, expected = lake.snapshot(), look(lake)
    lake.append_interactions(calls(2, day=2))
    later = look(lake)
    assert later != expected
    assert told(digest_of_state(keeping.state_of(lake.at(early)), PEOPLE)) == expected
    assert look(lake) == later


def test_a_compacted_lake_is_folded_anew(lake, read):
    lake.append_interactions(calls(2))
    look(lake)
    lake.compact()
    compacted = look(lake)
    assert read[-1] == lake.table("interactions").in_order(), "none of what was kept is there any more"
    assert compacted == anew(lake)


def test_retention_removes_what_is_kept(lake):
    look(lake)
    lake.append_interactions(calls(2, day=30))
    lake.retain(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=DAY0, days=20))
    assert not (lake.folder / DIGEST_FOLDER).exists()
    assert look(lake)["first"][0] > DAY0 + 20 * 86_400_000_000


@pytest.mark.parametrize("at", [0, 3, 40, "pointer"])
def test_killed_while_keeping_the_next_scan_uses_what_was_kept_before(lake, monkeypatch, at):
    look(lake)
    before = current(lake)
    lake.append_interactions(calls(2, day=2))
    written = []
    save, replace = np.save, os.replace

    def dying(path, array):
        if len(written) == at:
            raise KeyboardInterrupt
        written.append(path)
        save(path, array)

    def stopped(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", dying)
    if at == "pointer":
        monkeypatch.setattr(os, "replace", stopped)
    monkeypatch.setattr(shutil, "rmtree", lambda *a, **k: None)  # whoever is killed clears nothing away
    with pytest.raises(KeyboardInterrupt):
        keeping.state_of(lake)
    monkeypatch.undo()
    monkeypatch.setattr(keeping, "LEAST_KEPT", 1)
    assert os.replace is replace
    assert current(lake) == before
    assert look(lake) == anew(lake)
    folders = [one for one in (lake.folder / DIGEST_FOLDER).iterdir() if one.is_dir()]
    assert folders == [current(lake)], "and what was half written is cleared away"


def test_a_disk_that_is_full_costs_time_and_nothing_else(lake, monkeypatch):
    expected = look(lake)
    shutil.rmtree(lake.folder / DIGEST_FOLDER)

    def full(path, array):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    assert look(lake) == expected
    assert not (lake.folder / DIGEST_FOLDER / "current").exists()


def test_two_scans_at_once_say_the_same(lake):
    lake.append_interactions(calls(2, day=2))
    lake.append_interactions(calls(3, day=4))
    expected = anew(lake)

    def scan(_):
        with Lake.open(lake.folder) as own:
            shutil.rmtree(own.folder / DIGEST_FOLDER, ignore_errors=True)
            return [look(own) for _ in range(3)]

    with ThreadPoolExecutor(3) as pool:
        for said in pool.map(scan, range(3)):
            assert said == [expected] * 3
    assert look(lake) == expected


def test_a_folder_that_another_scan_replaces_while_it_is_read_is_no_harm(lake, monkeypatch):
    expected, paths = look(lake), lake.table("interactions").in_order()
    plain = json.loads

    def replaced(text):
        shutil.rmtree(current(lake))
        return plain(text)

    monkeypatch.setattr(json, "loads", replaced)
    state, known = keeping._kept(lake.folder / DIGEST_FOLDER, paths)
    monkeypatch.undo()
    assert (state.accounts, known) == (0, 0)
    assert look(lake) == expected


def test_a_state_in_use_outlives_the_folder_it_was_read_from(lake):
    expected = look(lake)
    state = keeping.state_of(lake)
    shutil.rmtree(lake.folder / DIGEST_FOLDER)
    assert told(digest_of_state(state, PEOPLE)) == expected


def test_reading_on_changes_nothing_of_what_is_kept(lake):
    look(lake)
    before = {file.name: file.read_bytes() for file in current(lake).iterdir()}
    lake.append_interactions(calls(2, size=10, day=2))
    look(lake)
    assert {file.name: file.read_bytes() for file in current(lake).iterdir()} == before


def test_progress_goes_to_the_end(lake):
    told_of = []
    keeping.state_of(lake, told_of.append)
    assert told_of == sorted(told_of)
    assert told_of[-1] <= 1.0
