import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pytest

from cases.frozen_world import FrozenWorld
from evidence_made import STRANGER, WATCHER, Signer, note_of
from ledger.test_timestamps import Authority
from stillhunt.cases import proceedings
from stillhunt.cases.answering import keep
from stillhunt.cases.bundle import Wanted, chosen, export
from stillhunt.cases.docket import Docket
from stillhunt.errors import InputError, StillhuntError
from stillhunt.lake import Lake
from stillhunt.ledger import timestamps
from stillhunt.ledger.attachments import name_of
from stillhunt.ledger.recording import Recording, scan_document
from stillhunt.records import Campaign, Evidence, Member, SharedObservation
from stillhunt.records.canonical import canonical
from stillhunt.records.cases import Answer
from stillhunt.verifier import Refused, check_checkpoint, verify_bundle

BY = "A. Nalyst"


@pytest.fixture(scope="module")
def docket(world: FrozenWorld, tmp_path_factory) -> Iterator[Docket]:
    """A case with a note and a redacted note, in a ledger that has the world's calls and its scan."""
    folder = tmp_path_factory.mktemp("docket")
    with Lake.open(world.lake) as lake, Docket.open(folder, create=True) as found:
        Recording(found.ledger, lake).adopt()
        found.ledger.append("scan", scan_document(world.findings, world.findings_bytes, {}))
        case = proceedings.open_case(found, lake, world.findings_bytes, world.findings.campaigns[0].campaign_id, BY)
        for text in ("seen", "a secret"):
            note = proceedings.note(found, case.case_id, text, BY)
        proceedings.redact(found, case.case_id, note.number, "privacy", BY)
        yield found


@pytest.fixture
def case_id(docket: Docket) -> str:
    return docket.cases()[0].case_id


def test_a_bundle_of_a_real_case_verifies_and_says_how_far(docket, case_id, world):
    answer = Answer(question="controlled", title="Who?", summary="One.", hypotheses=[])
    data, event = export(docket, case_id, [answer], Wanted(most=7, recipient="a court", reports={"report.html": b"<p>"}), BY)
    verdict = verify_bundle(data, docket.ledger.keys())
    assert (verdict.facts["interactions"], verdict.facts["events_redacted"], verdict.facts["recipient"]) == (7, 1, "a court")
    assert verdict.facts["findings_sha256"] == hashlib.sha256(world.findings_bytes).hexdigest()
    assert verdict.facts["scan"] is not None
    assert any(f"campaign {world.findings.campaigns[0].campaign_id} is byte for byte" in each for each in verdict.proved)
    assert b"a secret" not in data
    assert (event.kind, event.body["export_leaf"]) == ("exported", verdict.facts["export"])
    assert docket.ledger.entry(verdict.facts["export"]).document["recipient"] == "a court"


def test_whole_findings_prove_that_the_campaign_is_a_part_of_them(docket, case_id):
    data, _ = export(docket, case_id, [], Wanted(most=1, whole_findings=True), BY)
    assert any("byte for byte" in each for each in verify_bundle(data, docket.ledger.keys()).proved)


def test_a_withheld_group_is_nowhere_among_the_interactions(docket, case_id):
    data, _ = export(docket, case_id, [], Wanted(most=3, withhold=("who", "content")), BY)
    verdict = verify_bundle(data, docket.ledger.keys())
    assert (verdict.facts["withheld"], verdict.facts["accounts_shown"]) == ({"content": 3, "who": 3}, 0)


def test_named_interactions_are_shown_and_others_cannot_be(docket, case_id):
    with docket.material(case_id) as material:
        name = material.calls(["interaction_id"])["interaction_id"][5].as_py()
    data, _ = export(docket, case_id, [], Wanted(interactions=[name]), BY)
    assert verify_bundle(data, docket.ledger.keys()).facts["interactions"] == 1
    before = docket.ledger.size
    for wanted in (Wanted(interactions=["no such call"]), Wanted(most=1, withhold=("everything",))):
        with pytest.raises(InputError):
            export(docket, case_id, [], wanted, BY)
    assert docket.ledger.size == before, "what is refused is no export"


def test_nothing_leaves_that_the_ledger_could_not_record(docket, case_id):
    with patch.object(docket.ledger, "append", side_effect=StillhuntError("disk full")), pytest.raises(StillhuntError, match="disk full"):
        export(docket, case_id, [], Wanted(most=1), BY)
    with pytest.raises(InputError, match="--by"):
        export(docket, case_id, [], Wanted(most=1), " ")


def test_a_bundle_of_another_log_is_refused(docket, case_id):
    data, _ = export(docket, case_id, [], Wanted(most=1), BY)
    with pytest.raises(Refused):
        verify_bundle(data, [STRANGER.key])


def test_an_earlier_checkpoint_that_a_witness_signed_dates_what_is_in_it(docket, case_id):
    ledger = docket.ledger
    size = ledger.size
    checkpoint, _ = check_checkpoint(ledger.checkpoint(), ledger.keys())
    watcher = Signer(WATCHER.name, WATCHER.kind, WATCHER.seed)
    line = note_of(checkpoint, watcher).split(b"\n\n")[1]
    ledger.keep(name_of(size, line, "cosignature"), line)
    data, _ = export(docket, case_id, [], Wanted(most=2), BY)
    verdict = verify_bundle(data, [*ledger.keys(), watcher.key])
    assert [each["size"] for each in verdict.facts["seen"]] == [size]
    assert any("seen to be there by the witness" in each for each in verdict.proved)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the authority of this test is `openssl ts`, which is not installed")
def test_a_time_stamp_counts_only_for_who_trusts_its_authority(docket, case_id, tmp_path):
    authority, stranger = Authority(tmp_path / "tsa"), Authority(tmp_path / "other")
    size = docket.ledger.size
    timestamps.add(docket.ledger, authority.stamp(timestamps.request(docket.ledger)), authority.certificates)
    data, _ = export(docket, case_id, [], Wanted(most=1), BY)
    keys = docket.ledger.keys()
    assert any("1 RFC 3161 timestamps" in each for each in verify_bundle(data, keys).claimed)
    verdict = verify_bundle(data, keys, [(authority.folder / "root.pem").read_bytes()])
    assert [(each["size"], each["witness"]) for each in verdict.facts["seen"]] == [(size, "a timestamp authority that you gave")]
    for wrong in ((stranger.folder / "root.pem").read_bytes(), b"no certificate"):
        with pytest.raises(Refused, match="timestamp"):
            verify_bundle(data, keys, [wrong])


def test_observations_are_those_that_the_evidence_rests_on(docket, case_id, world):
    data, _ = export(docket, case_id, [], Wanted(most=1), BY)
    artifacts = json.loads(base64.b64decode(json.loads(data)["payload"]))["predicate"]["artifacts"]
    weighed = {(member.account_id, one.channel) for member in world.findings.campaigns[0].accounts for one in member.observations}
    enclosed = artifacts["observations.json"]["json"]
    assert enclosed
    assert {(row["account_id"], row["channel"]) for row in enclosed} <= weighed


# ---- choosing


def _campaign(members: dict[str, dict[str, float]]) -> Campaign:
    none = Evidence(log10_evidence=0)
    accounts = [
        Member(
            account_id=name,
            membership=1,
            observations=[SharedObservation(channel=channel, value="x", bits=bits) for channel, bits in of.items()],
        )
        for name, of in members.items()
    ]
    return Campaign(
        campaign_id="c",
        first_seen="",
        last_seen="",
        calls=0,
        output_tokens=0,
        coordination=none,
        concealment=none,
        harvest=none,
        accounts=accounts,
        explanations=[],
    )


def _calls(*rows: tuple[str, str, int | None]) -> pa.Table:
    names = ("interaction_id", "account_id", "output_tokens")
    return pa.table({name: [row[place] for row in rows] for place, name in enumerate(names)})


def test_instances_come_first_in_turn_then_the_strongest_members_longest_calls():
    campaign = _campaign({"a": {"payment": 9.0}, "b": {"payment": 8.0, "rhythm": 1.0}, "c": {"rhythm": 2.0}})
    calls = _calls(("1", "a", 5), ("2", "a", 50), ("3", "b", None), ("4", "c", 7), ("5", "c", 7), ("6", "a", 1))
    rows = [{"clause": clause, "interaction_id": name} for clause, name in (("x", "6"), ("x", "1"), ("y", "5"), ("y", "gone"))]
    answer = Answer(question="breaches", title="", summary="", hypotheses=[], tables={"instances": rows})
    assert chosen(campaign, [answer], calls) == ["6", "5", "1", "2", "4", "3"]
    assert chosen(campaign, [answer], calls, 2) == ["6", "5"]
    assert chosen(campaign, [], calls) == ["2", "4", "3"]


def test_what_is_chosen_does_not_depend_on_the_order_of_members():
    members = {name: {"payment": bits} for name, bits in (("a", 1.0), ("b", 2.0), ("c", 2.0))}
    calls = _calls(("1", "a", 5), ("2", "b", 5), ("3", "c", 5))
    assert chosen(_campaign(members), [], calls) == chosen(_campaign(dict(reversed(members.items()))), [], calls) == ["2", "3", "1"]


def test_every_file_that_a_bundle_can_hold_can_be_enclosed(docket, case_id):
    keep(docket, case_id, "policy", "# none", BY)
    wanted = Wanted(most=1, whole_findings=True, reports={"report.html": "é".encode(), "report.pdf": b"\xff%PDF"})
    data, _ = export(docket, case_id, [], wanted, BY)
    verdict = verify_bundle(data, docket.ledger.keys())
    assert not any("not enclosed" in each for each in verdict.not_shown)
    policy = {"sha256": hashlib.sha256(b"# none").hexdigest(), "text": "# none"}
    assert verdict.facts["artifacts"]["policy.json"] == hashlib.sha256(canonical(policy)).hexdigest()
    assert verdict.facts["artifacts"]["report.pdf"] == hashlib.sha256(b"\xff%PDF").hexdigest()
    assert json.loads(data)["payloadType"] == "application/vnd.in-toto+json"
    assert isinstance(docket.folder, Path)
