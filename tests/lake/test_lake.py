"""The lake keeps every row exactly once, and gives the same rows for the same snapshot for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lake.invented import accounts, interactions, ordered, texts
from stillhunt import records
from stillhunt.errors import StillhuntError
from stillhunt.lake import Appended, Lake, SnapshotGoneError


@pytest.fixture
def lake(tmp_path):
    with Lake.open(tmp_path / "lake", create=True) as opened:
        yield opened


def rows(lake: Lake, name: str) -> pa.Table:
    return ordered(lake.table(name).to_arrow())


def test_rows_come_back_as_they_were_given(lake):
    assert lake.append_interactions(interactions(range(300))) == Appended(300, 0)
    assert rows(lake, "interactions").equals(interactions(range(300)))
    assert lake.table("interactions").count() == 300


def test_the_same_rows_again_change_nothing(lake):
    lake.append_interactions(interactions(range(100)))
    before = lake.snapshot()
    assert lake.append_interactions(interactions(range(100))) == Appended(0, 100)
    assert lake.snapshot() == before


def test_a_lake_opened_anew_knows_what_is_there(lake, tmp_path):
    lake.append_interactions(interactions(range(100)))
    with Lake.open(tmp_path / "lake") as again:
        assert again.append_interactions(interactions(range(50, 150))) == Appended(50, 50)
    assert rows(lake, "interactions").equals(interactions(range(150)))


def test_rows_of_another_writer_are_known_at_the_next_append(lake, tmp_path):
    lake.append_interactions(interactions(range(10)))
    with Lake.open(tmp_path / "lake") as other:
        other.append_interactions(interactions(range(10, 20)))
        assert lake.append_interactions(interactions(range(30))) == Appended(10, 20)
        assert other.append_interactions(interactions(range(35))) == Appended(5, 30)
    assert rows(lake, "interactions").equals(interactions(range(35)))


def test_of_one_call_twice_in_one_append_the_first_row_counts(lake):
    first, second = interactions(range(1)), interactions(range(1))
    where = second.column_names.index("request_model")
    second = second.set_column(where, "request_model", pa.array(["model-late"]))
    assert lake.append_interactions(pa.concat_tables([first, second])) == Appended(1, 1)
    assert rows(lake, "interactions")["request_model"].to_pylist() == first["request_model"].to_pylist()


def test_missing_columns_dictionaries_and_large_strings_are_fine(lake):
    given = interactions(range(20)).select(["account_id", "started_at", "interaction_id"])
    given = given.set_column(0, "account_id", given["account_id"].dictionary_encode())
    given = given.set_column(2, "interaction_id", given["interaction_id"].cast(pa.large_string()))
    lake.append_interactions(given)
    kept = rows(lake, "interactions")
    assert kept.schema == records.INTERACTIONS
    assert kept["account_id"].to_pylist() == interactions(range(20))["account_id"].to_pylist()
    assert kept["surface"].null_count == 20


def test_ids_in_many_scripts_and_lengths_are_told_apart(lake):
    ids = ["", "a", "a\x00", "\u00e9", "e\u0301", "雪", "x" * 4096, "x" * 4095 + "y"]
    given = interactions(range(len(ids))).set_column(0, "interaction_id", pa.array(ids))
    assert lake.append_interactions(given) == Appended(len(ids), 0)
    assert lake.append_interactions(given) == Appended(0, len(ids))


def test_an_empty_append_is_nothing(lake):
    assert lake.append_interactions(interactions(range(0))) == Appended(0, 0)
    assert lake.table("interactions").count() == 0


def test_texts_are_kept_beside_their_interactions_once(lake):
    lake.append_interactions(interactions(range(20)), texts(range(20)))
    lake.append_interactions(interactions(range(30)), texts(range(30)))
    assert rows(lake, "texts").equals(texts(range(30)))


def test_texts_may_come_later_than_their_interactions(lake):
    lake.append_interactions(interactions(range(20)))
    assert lake.append_interactions(interactions(range(20)), texts(range(20))) == Appended(0, 20)
    assert lake.table("texts").count() == 20


def test_interactions_are_laid_out_by_day(lake):
    lake.append_interactions(interactions(range(300), days=3))
    days = {Path(path).parent.name.removeprefix("started_day=") for path in lake.table("interactions").files()}
    assert days == {"2026-03-01", "2026-03-02", "2026-03-03"}


def test_batches_give_only_the_columns_asked_for(lake):
    lake.append_interactions(interactions(range(50)))
    batches = list(lake.table("interactions").batches(["account_id", "sketch"]))
    assert batches[0].schema.names == ["account_id", "sketch"]
    assert sum(batch.num_rows for batch in batches) == 50


def test_a_snapshot_can_be_read_again_whatever_came_after(lake):
    lake.append_interactions(interactions(range(10)))
    lake.upsert_accounts(accounts({"account_id": "a", "plan": "free"}))
    snapshot = lake.snapshot()
    lake.append_interactions(interactions(range(10, 20)))
    lake.upsert_accounts(accounts({"account_id": "a", "closed_at": datetime(2026, 4, 1, tzinfo=UTC)}))
    lake.add_phrases(pa.table({"gram": [1], "words": ["be brief"]}))
    then = lake.at(snapshot)
    assert rows(then, "interactions").equals(interactions(range(10)))
    assert rows(then, "accounts")["closed_at"].to_pylist() == [None]
    assert then.table("phrases").count() == 0
    assert then.snapshot() == snapshot


def test_the_snapshot_names_what_is_there_not_when_it_was_asked(lake):
    lake.append_interactions(interactions(range(10)))
    snapshot = lake.snapshot()
    lake.write_observations(observations("a"))
    assert lake.snapshot() == snapshot
    lake.append_interactions(interactions(range(11)))
    assert lake.snapshot() != snapshot


def test_a_lake_at_a_snapshot_cannot_be_written(lake):
    then = lake.at(lake.snapshot())
    with pytest.raises(StillhuntError, match="for reading only"):
        then.append_interactions(interactions(range(1)))


@pytest.mark.parametrize("snapshot", ["", "nonsense", "s1-1.2.3", "s1-zzz.0.0.0.0", "s1-0.0.0.0.0.0"])
def test_what_is_no_snapshot_of_this_lake_is_refused(lake, snapshot):
    with pytest.raises(SnapshotGoneError):
        lake.at(snapshot)


def observations(*account_ids: str) -> pa.Table:
    when = datetime(2026, 3, 1, tzinfo=UTC)
    return pa.Table.from_pylist(
        [
            {
                "account_id": one,
                "channel": "subnet",
                "value": "192.0.2.0/24",
                "first_at": when,
                "last_at": when,
                "occurrences": 1,
                "share": 0.5,
            }
            for one in account_ids
        ],
        schema=records.OBSERVATIONS,
    )


def test_observations_are_those_of_the_newest_scan(lake):
    lake.write_observations(observations("a", "b"))
    lake.write_observations(observations("c"))
    assert rows(lake, "observations").equals(observations("c"))
    lake.write_observations(observations())
    assert lake.table("observations").count() == 0


def test_a_pinned_lake_shows_the_observations_of_its_own_scan_only(lake):
    first = lake.snapshot()
    lake.write_observations(observations("a"))
    assert lake.at(first).table("observations").count() == 1
    lake.append_interactions(interactions(range(5)))
    second = lake.snapshot()
    assert lake.at(second).table("observations").count() == 0
    lake.write_observations(observations("b"))
    assert lake.at(first).table("observations").count() == 0


def test_a_gram_keeps_its_first_words(lake):
    assert lake.add_phrases(pa.table({"gram": [5, -3, 5], "words": ["be brief", "and kind", "zzz"]})) == 2
    assert lake.add_phrases(pa.table({"gram": [5, 7], "words": ["other", "new"]})) == 1
    assert dict(zip(*rows(lake, "phrases").to_pydict().values(), strict=True)) == {-3: "and kind", 5: "be brief", 7: "new"}


def entitlement(**values: object) -> pa.Table:
    return pa.Table.from_pylist(
        [{"organization_id": "org-a", "scope": "research", "reference": "R-1"} | values], schema=records.ENTITLEMENTS
    )


def test_entitlements_are_merged_whatever_the_order(lake, tmp_path):
    march, april, may = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 5))
    parts = [
        entitlement(),
        entitlement(granted_at=march, expires_at=may),
        entitlement(granted_at=march, expires_at=april),
        entitlement(scope="fleet"),
    ]
    changes = [lake.upsert_entitlements(part) for part in parts]
    assert changes == [1, 1, 0, 1]
    with Lake.open(tmp_path / "other", create=True) as other:
        for part in reversed(parts):
            other.upsert_entitlements(part)
        assert other.table("entitlements").to_arrow().equals(lake.table("entitlements").to_arrow())
    assert pc.max(lake.table("entitlements").to_arrow()["expires_at"]).as_py() == may


def test_an_entitlement_granted_anew_may_end_earlier(lake):
    march, april, may = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 5))
    lake.upsert_entitlements(entitlement(granted_at=march, expires_at=may))
    lake.upsert_entitlements(entitlement(granted_at=march + timedelta(days=1), expires_at=april))
    assert lake.table("entitlements").to_arrow()["expires_at"].to_pylist() == [april]


def test_rows_without_an_id_are_a_defect_of_the_caller(lake):
    given = interactions(range(2)).set_column(0, "interaction_id", pa.array(["a", None]))
    with pytest.raises(ValueError, match="without interaction_id"):
        lake.append_interactions(given)
    assert lake.table("interactions").count() == 0
