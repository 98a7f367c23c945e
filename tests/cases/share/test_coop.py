import json
from datetime import datetime

from cases.share.shared_case import answers, campaign, case, findings, options
from stillhunt.cases.share.coop import SHARE


def report(**changes) -> dict:
    return json.loads(SHARE.render(case(), findings(), campaign(), answers(), options(**changes)))


def test_a_report_has_what_coops_report_api_requires():
    found = report()
    assert found["reporter"] == {"kind": "user", "typeId": "stillhunt-reporter", "id": "stillhunt"}
    assert datetime.fromisoformat(found["reportedAt"]).tzinfo is not None
    for item in [found["reportedItem"], *found["additionalItems"]]:
        assert item.keys() == {"id", "typeId", "data"}
        assert all(isinstance(value, str | int | float) for value in item["data"].values())
    assert found["reportedForReason"]["csam"] is False


def test_one_item_is_the_campaign_and_its_accounts_are_beside_it():
    found = report()
    assert found["reportedItem"]["id"] == campaign().campaign_id
    assert found["reportedItem"]["data"]["controlled_likelihood"] == "very likely"
    assert [one["id"] for one in found["additionalItems"]] == [member.account_id for member in campaign().accounts]


def test_a_console_has_its_own_ids_of_types_and_policies():
    found = report(settings={"campaign_type": "t-1", "account_type": "t-2", "policy": "p-9"})
    assert found["reportedItem"]["typeId"] == "t-1"
    assert {one["typeId"] for one in found["additionalItems"]} == {"t-2"}
    assert found["reportedForReason"]["policyId"] == "p-9"
    assert "policyId" not in report()["reportedForReason"]
