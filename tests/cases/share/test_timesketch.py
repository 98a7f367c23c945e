import json
from datetime import UTC, datetime

from cases.share.shared_case import campaign, case, event, findings, options
from stillhunt.cases.share.timesketch import SHARE


def lines(**changes) -> list[dict]:
    told = case(event(2, "exported", "2026-06-01T00:00:00Z"))
    return [json.loads(line) for line in SHARE.render(told, findings(), campaign(), [], options(**changes)).splitlines()]


def test_each_line_has_what_timesketch_asks_for_in_order_of_time():
    found = lines()
    for one in found:
        when = datetime.fromisoformat(one["datetime"])
        assert when.tzinfo is not None
        assert one["timestamp"] == round(when.timestamp() * 1_000_000)
        assert one["message"]
        assert one["timestamp_desc"]
    assert [one["timestamp"] for one in found] == sorted(one["timestamp"] for one in found)


def test_an_accounts_life_is_four_lines_where_it_is_known():
    known, unknown = campaign().accounts[0].account_id, campaign().accounts[1].account_id
    found = lines()
    assert [one["timestamp_desc"] for one in found if one.get("account_id") == known] == [
        "Account Created",
        "First Call",
        "Last Call",
        "Account Closed",
    ]
    assert [one["timestamp_desc"] for one in found if one.get("account_id") == unknown] == ["First Call", "Last Call"]
    assert datetime.fromisoformat(found[0]["datetime"]) == datetime(2026, 5, 3, tzinfo=UTC)


def test_days_add_up_to_the_campaigns_calls():
    assert sum(one["calls"] for one in lines() if one["timestamp_desc"] == "Day of calls") == campaign().calls


def test_events_of_the_case_are_told_by_kind_and_commitment_without_exports():
    found = [one for one in lines() if one["timestamp_desc"] == "Case event"]
    assert [one["message"] for one in found] == ["Case: opened", "Case: note"]
    assert found[0]["commitment"] == "ab" * 32
    assert found[0]["ledger_leaf"] == 0
