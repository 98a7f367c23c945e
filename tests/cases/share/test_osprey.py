import json
from datetime import datetime

from cases.share.shared_case import campaign, case, findings, options
from stillhunt.cases.share.osprey import SHARE


def lines(**changes) -> list[dict]:
    return [json.loads(line) for line in SHARE.render(case(), findings(), campaign(), [], options(**changes)).splitlines()]


def test_a_worker_decodes_every_line_into_an_action():
    for one in lines():  # what Osprey's Kafka input takes out of a message, and how
        assert one.keys() == {"send_time", "data"}
        assert datetime.fromisoformat(one["send_time"]).tzinfo is not None
        assert one["data"].keys() == {"action_id", "action_name", "data"}
        assert int(one["data"]["action_id"]) == one["data"]["action_id"]
        assert one["data"]["action_name"] == one["data"]["data"]["event_type"]


def test_each_account_that_is_named_gets_one_event_with_an_id_of_its_own():
    found = lines()
    assert [one["data"]["data"]["account"]["id"] for one in found] == [member.account_id for member in campaign().accounts]
    assert len({one["data"]["action_id"] for one in found}) == len(found)


def test_an_event_says_how_likely_it_is_and_which_channels_speak_for_it():
    account = lines()[0]["data"]["data"]["account"]
    assert account["membership"] == campaign().accounts[0].membership
    assert account["channels"] == ["client.shape", "payment.card", "subnet.prefix", "template.gram"]  # rhythm speaks against it


def test_a_platform_gives_the_action_its_own_name():
    assert {one["data"]["action_name"] for one in lines(settings={"action": "network_named"})} == {"network_named"}
