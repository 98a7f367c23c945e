import hashlib
import stat

import pytest

from cases.share.shared_case import answers
from stillhunt.cases.answering import record
from stillhunt.cases.case_events import intact
from stillhunt.cases.proceedings import close
from stillhunt.cases.proceedings import release as give_up
from stillhunt.cases.share import Tlp
from stillhunt.cases.share.preparing import newest_answers, prepared
from stillhunt.cases.share.release import release
from stillhunt.errors import InputError
from stillhunt.records.cases import Result

CONTENT = b"what leaves"


def only(docket):
    return docket.cases()[0].case_id


def exported(docket, path, **changes):
    asked = {"kind": "stix", "tlp": Tlp.AMBER, "recipient": "Example Org", "by": "A. Nalyst"} | changes
    return release(docket, only(docket), CONTENT, path, **asked)


def exports(docket):
    return [entry for entry in docket.ledger.entries() if entry.kind == "export"]


def test_what_leaves_is_in_the_ledger_and_in_the_case_and_private(docket, tmp_path):
    event = exported(docket, tmp_path / "out.json")
    (entry,) = exports(docket)
    assert entry.document == {
        "case": only(docket),
        "kind": "stix",
        "recipient": "Example Org",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "tlp": "amber",
    }
    assert docket.case(only(docket)).events[-1] == event
    assert event.kind == "exported"
    assert event.body["export_leaf"] == entry.index < event.leaf
    assert intact(event)
    assert (tmp_path / "out.json").read_bytes() == CONTENT
    assert stat.S_IMODE((tmp_path / "out.json").stat().st_mode) == 0o600


def test_nothing_is_written_unless_the_ledger_has_it(docket, tmp_path, monkeypatch):
    def refuse(*_):
        raise InputError("the disk is full")

    monkeypatch.setattr(docket.ledger, "append", refuse)
    with pytest.raises(InputError, match="full"):
        exported(docket, tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_the_ledger_has_it_before_the_file_is_there(docket, tmp_path, monkeypatch):
    seen = []
    append = docket.ledger.append
    monkeypatch.setattr(docket.ledger, "append", lambda *what: (seen.append((tmp_path / "out.json").exists()), append(*what))[1])
    exported(docket, tmp_path / "out.json")
    assert seen == [False, False]  # the export, and the event


@pytest.mark.parametrize("recipient", [None, "", "  "])
def test_red_is_for_somebody(docket, tmp_path, recipient):
    with pytest.raises(InputError, match="--recipient"):
        exported(docket, tmp_path / "out.json", tlp=Tlp.RED, recipient=recipient)
    assert not exports(docket)
    assert exported(docket, tmp_path / "out.json", tlp=Tlp.RED).body["tlp"] == "red"


def test_without_a_ledger_nothing_leaves(docket, tmp_path):
    docket.ledger = None
    with pytest.raises(InputError, match="ledger"):
        release(docket, only(docket), CONTENT, tmp_path / "o", kind="stix", tlp=Tlp.AMBER, recipient=None, by="A. Nalyst")
    assert not (tmp_path / "o").exists()


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_recorded(docket, tmp_path):
    for path in (tmp_path, tmp_path / "missing" / "out.json"):
        with pytest.raises(InputError, match="choose another place"):
            exported(docket, path)
    assert not exports(docket)


def test_a_false_positive_is_not_shared(docket):
    close(docket, only(docket), Result.FALSE_POSITIVE, "a class", "A. Nalyst")
    with pytest.raises(InputError, match="false positive"):
        prepared(docket, only(docket))


def test_the_newest_answer_to_each_question_is_shared(docket):
    first = answers()
    later = first[0].model_copy(update={"summary": "Looked at again."})
    record(docket, only(docket), [first[1], first[0]], "A. Nalyst")
    record(docket, only(docket), [later], "A. Nalyst")
    assert newest_answers(docket.case(only(docket))) == [later, first[1]]


def test_a_case_whose_calls_were_given_up_is_shared_from_its_findings(docket, material):
    whole = prepared(docket, only(docket))
    assert whole.counted
    assert whole.campaign == material.campaign
    give_up(docket, only(docket), "retention", "A. Nalyst")
    left = prepared(docket, only(docket))
    assert not left.counted
    assert not any(one.distinctive for one in left.observables)
    assert [member.account_id for member in left.campaign.accounts] == [member.account_id for member in whole.campaign.accounts]
