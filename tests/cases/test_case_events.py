import hashlib
import json

import pytest

from stillhunt.cases.case_events import STANDING, bodies, commitment, event, intact, leaf, worked_out
from stillhunt.errors import StillhuntError
from stillhunt.records.cases import Result, Status

OPENED = {
    "campaign_id": "c-1",
    "campaign": "c-1",
    "title": "A campaign",
    "accounts": ["a", "b", "c"],
    "lake_snapshot": "s1-1",
    "findings_sha256": "00",
    "frozen_sha256": "00",
    "stillhunt": "0",
    "split_from": None,
}


def events(*told):
    return [event(number, "Analyst", kind, body) for number, (kind, body) in enumerate([("opened", OPENED), *told], 1)]


def case(*told):
    return worked_out("case-1", events(*told))


def test_a_commitment_is_what_its_documentation_says():
    one = event(3, "Analyst", "note", {"text": "hé"})
    written = json.dumps(
        {"actor": "Analyst", "at": one.at, "body": {"text": "hé"}, "kind": "note", "number": 3}, sort_keys=True, separators=(",", ":")
    )
    assert one.commitment == hashlib.sha256(bytes.fromhex(one.salt) + written.encode()).hexdigest()
    assert len(bytes.fromhex(one.salt)) == 16
    assert intact(one)


@pytest.mark.parametrize(
    "change", [{"number": 4}, {"at": "2026-05-01T00:00:00Z"}, {"actor": "x"}, {"kind": "rerun"}, {"body": {"text": "x"}}]
)
def test_any_change_of_an_event_is_seen(change):
    assert not intact(event(3, "Analyst", "note", {"text": "said"}).model_copy(update=change))


def test_half_a_redaction_is_seen():
    one = event(3, "Analyst", "note", {"text": "said"})
    assert intact(one.model_copy(update={"body": None, "salt": None}))
    assert not intact(one.model_copy(update={"body": None}))
    assert not intact(one.model_copy(update={"salt": None}))


def test_the_same_body_is_committed_to_differently_each_time():
    assert event(1, "a", "note", {"text": "no"}).commitment != event(1, "a", "note", {"text": "no"}).commitment


def test_a_case_is_pending_until_somebody_investigates_and_closes_it():
    assert case().status is Status.PENDING
    assert case(("status", {"status": "investigating", "reason": ""})).status is Status.INVESTIGATING
    closed = case(("closed", {"result": "valuable_alert", "reason": "worth knowing"}))
    assert (closed.status, closed.result, closed.reason) == (Status.CLOSED, Result.VALUABLE_ALERT, "worth knowing")
    again = case(("closed", {"result": "confirmed", "reason": "x"}), ("reopened", {"reason": "new calls"}))
    assert (again.status, again.result, again.reason) == (Status.INVESTIGATING, None, "new calls")


def test_accounts_move_by_merge_and_split():
    assert case(("merged", {"from": "case-2", "accounts": ["c", "d"], "reason": "x"})).accounts == ["a", "b", "c", "d"]
    assert case(("split", {"to": "case-2", "accounts": ["b"], "reason": "x"})).accounts == ["a", "c"]
    assert case(("merged", {"into": "case-2", "reason": "x"})).merged_into == "case-2"


def test_what_redaction_leaves_is_enough_to_know_where_the_case_stands():
    told = events(("closed", {"result": "false_positive", "reason": "names somebody"}))
    left = {key: told[1].body[key] for key in STANDING["closed"]}
    told[1] = told[1].model_copy(update={"body": None, "salt": None})
    told.append(event(3, "Analyst", "redacted", {"event": 2, "kind": "closed", "reason": "personal", "left": left}))
    found = worked_out("case-1", told)
    assert (found.status, found.result) == (Status.CLOSED, Result.FALSE_POSITIVE)
    assert "somebody" not in found.model_dump_json()
    assert bodies(told)[2] == {"result": "false_positive"}


def test_how_a_case_was_closed_is_a_disposition_and_everything_else_a_case_entry():
    kind, document = leaf("case-1", event(2, "A", "closed", {"result": "confirmed", "reason": "secret"}))
    assert kind == "disposition"
    assert document["result"] == "confirmed"
    assert "secret" not in json.dumps(document)
    kind, document = leaf("case-1", event(2, "A", "note", {"text": "secret"}))
    assert (kind, set(document)) == ("case", {"case_id", "number", "kind", "commitment"})


def test_a_case_without_its_opening_is_refused():
    with pytest.raises(StillhuntError, match="opening"):
        worked_out("case-1", events()[1:])


def test_commitment_takes_the_body_whatever_the_order_of_its_keys():
    salt = "00" * 16
    one, other = ({"x": 1, "y": 2}, {"y": 2, "x": 1})
    made = [commitment(salt, number=1, at="t", actor="a", kind="note", body=body) for body in (one, other)]
    assert made[0] == made[1]
