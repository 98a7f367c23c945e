"""Compaction changes no row; retention deletes for good, from disk too."""

from __future__ import annotations

import itertools
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.invented import FIRST_DAY, accounts, interactions, ordered, texts
from stillhunt import records
from stillhunt.lake import Lake, SnapshotGoneError, commits, housekeeping

AT_ONCE = {"keep_snapshots": 1, "snapshot_age": timedelta(0), "orphan_age": timedelta(0)}


@pytest.fixture
def lake(tmp_path):
    with Lake.open(tmp_path / "lake", create=True) as opened:
        for start in range(0, 300, 100):
            opened.append_interactions(interactions(range(start, start + 100)), texts(range(start, start + 100)))
        yield opened


def bytes_on_disk(lake: Lake) -> bytes:
    return b"".join(path.read_bytes() for path in Path(lake.where).rglob("*") if path.is_file())


def test_compaction_leaves_one_file_a_day_and_every_row(lake):
    before = ordered(lake.table("interactions").to_arrow())
    report = lake.compact(**AT_ONCE)
    assert len(lake.table("interactions").files()) == 3
    assert report.files_after < report.files_before
    assert ordered(lake.table("interactions").to_arrow()).equals(before)


def test_compacted_calls_lie_in_order_of_time_by_row_group_and_by_account_within_it(lake, monkeypatch):
    monkeypatch.setattr(commits, "_ROW_GROUP", 20)
    lake.compact(**AT_ONCE)
    for path in lake.table("interactions").files():
        with pq.ParquetFile(path) as file:
            groups = [file.read_row_group(group, columns=["account_id", "started_at"]) for group in range(file.num_row_groups)]
        assert len(groups) > 1
        for group in groups:
            rows = list(zip(*(column.to_pylist() for column in group.columns), strict=True))
            assert rows == sorted(rows)
        times = [group["started_at"].to_pylist() for group in groups]
        assert all(max(one) <= min(other) for one, other in itertools.pairwise(times))


def test_compacting_again_has_nothing_to_do(lake):
    lake.compact(**AT_ONCE)
    again = lake.compact(**AT_ONCE)
    assert (again.files_before, again.snapshots_expired, again.files_removed) == (again.files_after, 0, 0)


def test_compaction_tells_its_progress(lake):
    told: list[tuple[int, int, str]] = []
    lake.compact(lambda *step: told.append(step), **AT_ONCE)
    assert [done for done, _, _ in told] == list(range(told[-1][1] + 1))


def test_ids_are_still_known_after_a_compaction_by_somebody_else(lake, tmp_path):
    with Lake.open(tmp_path / "lake") as other:
        other.compact(**AT_ONCE)
    assert lake.append_interactions(interactions(range(310))).accepted == 10


def test_the_newest_scan_can_be_repeated_after_a_compaction(lake):
    scanned = lake.snapshot()
    lake.write_observations(records.OBSERVATIONS.empty_table())
    lake.append_interactions(interactions(range(300, 310)))
    between = lake.snapshot()
    lake.append_interactions(interactions(range(310, 320)))
    lake.compact(**AT_ONCE)
    assert ordered(lake.at(scanned).table("interactions").to_arrow()).equals(interactions(range(300)))
    with pytest.raises(SnapshotGoneError, match="expired"):
        lake.at(between)


def test_young_snapshots_stay_for_scans_that_are_running(lake):
    running = lake.at(lake.snapshot())
    lake.append_interactions(interactions(range(300, 310)))
    lake.compact(keep_snapshots=1)
    assert running.table("interactions").to_arrow().num_rows == 300


def test_files_of_a_running_writer_survive_and_old_orphans_do_not(lake):
    folder = Path(lake.table("interactions").files()[0]).parent
    young, old = folder / "young.parquet", folder / "old.parquet"
    for path in (young, old):
        path.write_bytes(b"left by a writer")
    two_days_ago = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    os.utime(old, (two_days_ago, two_days_ago))
    lake.compact()
    assert young.exists()
    assert not old.exists()


def test_appending_forgets_snapshots_when_there_are_too_many(lake, monkeypatch):
    monkeypatch.setattr("stillhunt.lake.lake._HISTORY", 4)
    monkeypatch.setattr(housekeeping.shorten, "__defaults__", (timedelta(0),))
    scanned = lake.snapshot()
    lake.write_observations(records.OBSERVATIONS.empty_table())
    for number in range(300, 308):
        lake.append_interactions(interactions(range(number, number + 1)))
    assert len(lake._opened.load("interactions").metadata.snapshots) <= 6
    assert lake.table("interactions").count() == 308
    assert lake.at(scanned).table("interactions").to_arrow().num_rows == 300


def test_retention_deletes_what_is_older_and_nothing_else(lake):
    cut = FIRST_DAY + timedelta(days=1, hours=7, microseconds=1)
    report = lake.retain(cut)
    expected = interactions(range(300))
    expected = expected.filter(pa.compute.greater_equal(expected["started_at"], pa.scalar(cut, records.TIMESTAMP)))
    assert ordered(lake.table("interactions").to_arrow()).equals(expected.combine_chunks())
    assert lake.table("texts").count() == expected.num_rows
    assert report.interactions == report.texts == 300 - expected.num_rows > 0


def test_what_retention_deleted_is_nowhere_on_disk(tmp_path):
    with Lake.open(tmp_path / "lake", create=True) as lake:
        lake.append_interactions(interactions(range(40), label="oldcall", days=1))
        later = interactions(range(40), label="newcall", days=1)
        moved = pa.array([when + timedelta(days=5) for when in later["started_at"].to_pylist()], records.TIMESTAMP)
        lake.append_interactions(later.set_column(1, "started_at", moved))
        lake.compact(**AT_ONCE)
        assert b"oldcall" in bytes_on_disk(lake)
        lake.retain(FIRST_DAY + timedelta(days=2), orphan_age=timedelta(0))
        assert b"oldcall" not in bytes_on_disk(lake)
        assert b"newcall" in bytes_on_disk(lake)


def test_old_snapshots_go_with_what_was_deleted(lake):
    before = lake.snapshot()
    lake.write_observations(records.OBSERVATIONS.empty_table())
    lake.retain(FIRST_DAY + timedelta(days=1))
    with pytest.raises(SnapshotGoneError):
        lake.at(before)


def test_retention_of_nothing_changes_nothing(lake):
    before = lake.snapshot()
    report = lake.retain(FIRST_DAY - timedelta(days=1))
    assert report.interactions == report.texts == report.accounts == report.phrases == 0
    assert lake.snapshot() == before


def test_an_id_that_was_deleted_may_come_again(lake, tmp_path):
    with Lake.open(tmp_path / "lake") as other:
        gone = other.retain(FIRST_DAY + timedelta(days=1)).interactions
    assert lake.append_interactions(interactions(range(300))).accepted == gone > 0


def test_accounts_stay_while_they_are_open_or_have_interactions(lake):
    old, new = FIRST_DAY - timedelta(days=90), FIRST_DAY + timedelta(days=40)
    cut = FIRST_DAY + timedelta(days=30)
    later = (
        interactions(range(1))
        .set_column(0, "interaction_id", pa.array(["late"]))
        .set_column(1, "started_at", pa.array([new], records.TIMESTAMP))
    )
    lake.append_interactions(later.set_column(3, "account_id", pa.array(["closed-but-active"])))
    lake.upsert_accounts(
        accounts(
            {"account_id": "open", "created_at": old},
            {"account_id": "closed", "created_at": old, "closed_at": old},
            {"account_id": "closed-lately", "created_at": old, "closed_at": new},
            {"account_id": "closed-but-active", "created_at": old, "closed_at": old},
            {"account_id": "from-logs-only", "organization_id": "org-a"},
        )
    )
    assert lake.retain(cut).accounts == 2
    assert lake.table("accounts").to_arrow()["account_id"].to_pylist() == ["closed-but-active", "closed-lately", "open"]


def test_phrases_go_with_the_last_interaction_that_has_them(lake):
    lake.add_phrases(pa.table({"gram": [0, 6, 99], "words": ["be brief", "and kind", "never said"]}))
    assert lake.retain(FIRST_DAY + timedelta(hours=1)).phrases == 1
    assert sorted(lake.table("phrases").to_arrow()["gram"].to_pylist()) == [0, 6]
    assert lake.retain(FIRST_DAY + timedelta(days=9)).phrases == 2


def test_entitlements_outlive_logs(lake):
    lake.upsert_entitlements(
        pa.Table.from_pylist([{"account_id": "a", "scope": "research", "granted_at": FIRST_DAY}], schema=records.ENTITLEMENTS)
    )
    lake.retain(FIRST_DAY + timedelta(days=400))
    assert lake.table("entitlements").count() == 1
