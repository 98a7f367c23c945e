"""An id that a client chose hides no call: only a record of the same account and the same moment is the same call."""

import itertools

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lake.invented import interactions, texts
from stillhunt.lake import Appended, Lake

SECOND = 1_000_000


def call(account: str, shift: float = 0.0, name: str = "the same for all") -> pa.Table:
    row = interactions(range(1))
    started = pa.array([row["started_at"].cast(pa.int64())[0].as_py() + int(shift * SECOND)]).cast(row.schema.field("started_at").type)
    for column, values in (("interaction_id", pa.array([name])), ("account_id", pa.array([account])), ("started_at", started)):
        row = row.set_column(row.column_names.index(column), column, values)
    return row


def seen(lake: Lake) -> list[tuple[str, int]]:
    rows = lake.table("interactions").to_arrow()
    assert pc.count_distinct(rows["interaction_id"]).as_py() == rows.num_rows
    return sorted(zip(rows["account_id"].to_pylist(), rows["started_at"].cast(pa.int64()).to_pylist(), strict=True))


@pytest.fixture
def lake(tmp_path):
    with Lake.open(tmp_path / "lake", create=True) as opened:
        yield opened


CALLS = [call("a"), call("b"), call("b", 5), call("c"), call("a", 60), call("a", 120)]


def test_calls_of_other_accounts_or_moments_are_kept_under_ids_of_their_own(lake):
    assert lake.append_interactions(pa.concat_tables(CALLS)) == Appended(6, 0, 5)
    assert len(seen(lake)) == 6
    assert lake.append_interactions(pa.concat_tables(CALLS)) == Appended(0, 6, 0)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_reading_again_changes_nothing_in_whatever_order_and_however_cut(tmp_path, order):
    with Lake.open(tmp_path / "one", create=True) as whole, Lake.open(tmp_path / "other", create=True) as cut:
        whole.append_interactions(pa.concat_tables(CALLS[:4]))
        for place in order:
            cut.append_interactions(CALLS[place])
        assert seen(whole) == seen(cut)
    with Lake.open(tmp_path / "other") as again:
        for place in reversed(order):
            assert again.append_interactions(CALLS[place]).accepted == 0
        assert again.append_interactions(pa.concat_tables(CALLS[:4])).accepted == 0


def test_the_same_call_told_twice_within_a_second_is_one(lake):
    assert lake.append_interactions(pa.concat_tables([call("a"), call("a", 0.9)])) == Appended(1, 1, 0)
    assert lake.append_interactions(call("a", -0.9)) == Appended(0, 1, 0)
    assert lake.append_interactions(call("a", 1.5)) == Appended(1, 0, 1)


def test_kept_texts_stay_with_their_calls(lake):
    rows = pa.concat_tables([call("a"), call("b")])
    said = texts(range(1))
    words = pa.concat_tables([said, said]).set_column(0, "interaction_id", rows["interaction_id"])
    words = words.set_column(words.column_names.index("started_at"), "started_at", rows["started_at"])
    lake.append_interactions(call("a"), words.slice(0, 1))
    lake.append_interactions(rows.slice(1), words.slice(1))
    one, other = (set(lake.table(name).to_arrow()["interaction_id"].to_pylist()) for name in ("interactions", "texts"))
    assert one == other
    assert len(one) == 2


def test_ten_thousand_calls_behind_one_id_are_ten_thousand_calls(lake):
    rows = interactions(range(10_000))
    rows = rows.set_column(rows.column_names.index("interaction_id"), "interaction_id", pa.array(["x"] * 10_000))
    done = lake.append_interactions(rows)
    assert done.accepted + done.duplicates == 10_000
    distinct = len(set(zip(rows["account_id"].to_pylist(), rows["started_at"].cast(pa.int64()).to_pylist(), strict=True)))
    assert done.accepted == distinct > 5_000


def test_each_call_keeps_its_own_text_where_id_and_moment_are_the_same(lake):
    rows = pa.concat_tables([call("a"), call("b"), call("c")])
    words = pa.table({name: rows[name] for name in ("interaction_id", "started_at")}).append_column("response", [["of a", "of b", "of c"]])
    for _ in range(2):
        lake.append_interactions(rows, words)
        owners = dict(
            zip(*(lake.table("interactions").to_arrow()[name].to_pylist() for name in ("interaction_id", "account_id")), strict=True)
        )
        kept = lake.table("texts").to_arrow()
        said = {owners[one]: text for one, text in zip(kept["interaction_id"].to_pylist(), kept["response"].to_pylist(), strict=True)}
        assert said == {"a": "of a", "b": "of b", "c": "of c"}


def test_whoever_has_seen_the_ids_of_an_account_hides_none_of_its_calls(lake):
    lake.append_interactions(pa.concat_tables([call("a"), call("b")]))
    ids = lake.table("interactions").to_arrow()["interaction_id"].to_pylist()
    suffix = next(one for one in ids if "~" in one).rpartition("~")[2]
    moment = call("b", 3)["started_at"].cast(pa.int64())[0].as_py()
    lake.append_interactions(
        pa.concat_tables([call("a", name="x"), call("z", name=f"x~{suffix}"), call("z", 9, name=f"x~{suffix}~{moment:x}")])
    )
    assert lake.append_interactions(call("b", 3, name="x")) == Appended(1, 0, 1)
    assert lake.append_interactions(call("b", 3, name="x")) == Appended(0, 1, 0)
