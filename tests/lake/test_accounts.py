"""Account records are merged to the same account whatever the order in which they arrive, and nothing known is blanked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.invented import accounts
from stillhunt.lake import Lake
from stillhunt.lake.accounts import STORED, merge, stamped

MARCH, APRIL, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 5))


def merged(*records_in_order: dict[str, object]) -> list[dict[str, object]]:
    known = STORED.empty_table()
    for record in records_in_order:
        known, _ = merge(known, stamped(accounts(record, updated=True)))
    return known.to_pylist()


def test_a_null_never_blanks_what_is_known():
    (account,) = merged({"account_id": "a", "plan": "paid", "updated_at": MARCH}, {"account_id": "a", "plan": None, "updated_at": MAY})
    assert account["plan"] == "paid"


def test_a_newer_value_wins_even_when_it_arrives_first():
    newer, older = {"account_id": "a", "plan": "free", "updated_at": MAY}, {"account_id": "a", "plan": "paid", "updated_at": MARCH}
    assert merged(newer, older)[0]["plan"] == merged(older, newer)[0]["plan"] == "free"


def test_each_value_has_an_age_of_its_own():
    plan, country = {"account_id": "a", "plan": "paid", "updated_at": MARCH}, {"account_id": "a", "country": "NO", "updated_at": MAY}
    between = {"account_id": "a", "plan": "free", "updated_at": APRIL}
    (account,) = merged(plan, country, between)
    assert (account["plan"], account["country"]) == ("free", "NO")


def test_a_record_that_tells_of_the_closing_is_newer_than_one_that_does_not():
    closed = {"account_id": "a", "created_at": MARCH, "status": "banned", "closed_at": MAY}
    still_open = {"account_id": "a", "created_at": MARCH, "status": "open"}
    assert merged(closed, still_open)[0]["status"] == merged(still_open, closed)[0]["status"] == "banned"


TIMES = st.sampled_from([None, MARCH, APRIL, MAY])
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "account_id": st.sampled_from("ab"),
            "plan": st.sampled_from([None, "free", "paid"]),
            "country": st.sampled_from([None, "NO", "日本"]),
            "created_at": TIMES,
            "closed_at": TIMES,
            "updated_at": TIMES,
        }
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(RECORDS, st.randoms(use_true_random=False))
def test_order_and_repetition_make_no_difference(arriving, random):
    shuffled = arriving + arriving[:2]
    random.shuffle(shuffled)
    at_once, _ = merge(STORED.empty_table(), stamped(accounts(*arriving, updated=True)))
    assert merged(*arriving) == merged(*shuffled) == at_once.to_pylist()


@pytest.fixture
def lake(tmp_path):
    with Lake.open(tmp_path / "lake", create=True) as opened:
        yield opened


def test_the_lake_has_one_row_per_account_and_says_how_many_changed(lake):
    assert (
        lake.upsert_accounts(accounts({"account_id": "b"}, {"account_id": "a", "plan": "free"}, {"account_id": "a", "country": "NO"})) == 2
    )
    assert lake.upsert_accounts(accounts({"account_id": "a", "plan": "free"}, {"account_id": "c"})) == 1
    found = lake.table("accounts").to_arrow()
    assert found["account_id"].to_pylist() == ["a", "b", "c"]
    assert found.slice(0, 1).select(["plan", "country"]).to_pylist() == [{"plan": "free", "country": "NO"}]


def test_what_changes_nothing_commits_nothing(lake):
    lake.upsert_accounts(accounts({"account_id": "a", "plan": "free", "created_at": MARCH}))
    before = lake.snapshot()
    assert lake.upsert_accounts(accounts({"account_id": "a", "plan": "free"})) == 0
    assert lake.snapshot() == before


def test_the_ages_of_values_survive_in_the_lake(lake, tmp_path):
    lake.upsert_accounts(accounts({"account_id": "a", "plan": "free", "updated_at": MAY}, updated=True))
    with Lake.open(tmp_path / "lake") as again:
        again.upsert_accounts(accounts({"account_id": "a", "plan": "paid", "updated_at": APRIL}, updated=True))
    assert lake.table("accounts").to_arrow()["plan"].to_pylist() == ["free"]
    assert "stamps" not in lake.table("accounts").schema.names
