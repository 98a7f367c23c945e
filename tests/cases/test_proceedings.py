"""What may be done in a case, by whom and when, and what stays of it."""

import hashlib
import json
import sqlite3

import pytest

from stillhunt.cases import scans
from stillhunt.cases.beside import beside, documents, standing
from stillhunt.cases.case_events import intact, leaf
from stillhunt.cases.docket import Docket
from stillhunt.cases.proceedings import (
    campaign_in,
    close,
    exhibit,
    investigate,
    merge,
    note,
    open_case,
    redact,
    release,
    reopen,
    rerun,
    split,
)
from stillhunt.cases.registry import FILE, Registry
from stillhunt.errors import InputError
from stillhunt.lake import Lake
from stillhunt.records.cases import Credibility, Reliability, Result, Status

BY = "Analyst One"


@pytest.fixture
def docket(tmp_path):
    with Docket.open(tmp_path, create=True) as opened:
        yield opened


def opened(docket, world, **options):
    with Lake.open(world.lake) as lake:
        return open_case(docket, lake, world.findings_bytes, world.findings.campaigns[0].campaign_id, BY, **options)


@pytest.fixture
def case(docket, world):
    return opened(docket, world).case_id


def take_in(docket, case, path, text=b"contract with Example Works"):
    path.write_bytes(text)
    return exhibit(
        docket, case, path, BY, title="A contract", reliability=Reliability.B, credibility=Credibility.PROBABLY_TRUE, names="Example Works"
    )


def test_a_case_begins_pending_on_the_campaign_and_its_bytes(docket, world, case):
    found = docket.case(case)
    assert found.status is Status.PENDING
    assert set(found.accounts) == {member.account_id for member in world.findings.campaigns[0].accounts}
    assert found.findings_sha256 == hashlib.sha256(world.findings_bytes).hexdigest()
    assert found.lake_snapshot == world.findings.lake_snapshot
    assert docket.frozen(case).findings_bytes == world.findings_bytes
    assert [one.kind for one in found.events] == ["opened"]


def test_each_event_is_a_leaf_with_its_commitment_and_nothing_of_its_body(docket, case):
    note(docket, case, "the-very-secret", BY)
    close(docket, case, Result.CONFIRMED, "the-very-secret", BY)
    events = docket.case(case).events
    assert [one.kind for one in events] == ["opened", "note", "status", "closed"]
    for one in events:
        entry = docket.ledger.entry(one.leaf)
        assert (entry.kind, dict(entry.document)) == leaf(case, one)
        assert b"the-very-secret" not in entry.data
        assert intact(one)
    assert docket.ledger.entry(events[-1].leaf).kind == "disposition"


def test_a_leaf_that_was_cut_off_is_added_by_the_next_event(docket, case, monkeypatch):
    with monkeypatch.context() as cut:
        cut.setattr(docket, "complete", lambda _: None)
        note(docket, case, "cut off", BY)
    assert docket.case(case).events[1].leaf is None
    note(docket, case, "goes on", BY)
    assert [one.leaf is not None for one in docket.case(case).events] == [True, True, True]


@pytest.mark.parametrize("reason", ["", "  "])
def test_nothing_is_closed_reopened_or_given_up_without_a_reason(docket, case, reason):
    with pytest.raises(InputError, match="say why"):
        close(docket, case, Result.CONFIRMED, reason, BY)
    with pytest.raises(InputError, match="say why"):
        release(docket, case, reason, BY)
    close(docket, case, Result.CONFIRMED, "seen", BY)
    with pytest.raises(InputError, match="say why"):
        reopen(docket, case, reason, BY)
    assert [one.kind for one in docket.case(case).events] == ["opened", "status", "closed"]


def test_nothing_is_done_without_a_name(docket, world, case, tmp_path):
    actions = [
        lambda: note(docket, case, "x", " "),
        lambda: close(docket, case, Result.CONFIRMED, "x", ""),
        lambda: rerun(docket, case, ""),
        lambda: release(docket, case, "x", ""),
        lambda: split(docket, case, docket.case(case).accounts[:1], "x", ""),
    ]
    for action in actions:
        with pytest.raises(InputError, match="say who"):
            action()
    with Lake.open(world.lake) as lake, pytest.raises(InputError, match="say who"):
        open_case(docket, lake, world.findings_bytes, world.findings.campaigns[0].campaign_id, "")
    assert [one.kind for one in docket.case(case).events] == ["opened"]
    assert [place.name for place in (tmp_path / "cases").iterdir()] == [case]


def test_a_closed_case_takes_notes_and_goes_on_only_when_reopened(docket, case):
    investigate(docket, case, Status.INVESTIGATING, "", BY)
    assert close(docket, case, Result.VALUABLE_ALERT, "a reseller", BY).result is Result.VALUABLE_ALERT
    note(docket, case, "an afterthought", BY)
    for action in (
        lambda: close(docket, case, Result.CONFIRMED, "x", BY),
        lambda: investigate(docket, case, Status.PENDING, "x", BY),
        lambda: split(docket, case, docket.case(case).accounts[:1], "x", BY),
    ):
        with pytest.raises(InputError, match="reopen it first"):
            action()
    found = reopen(docket, case, "came back", BY)
    assert (found.status, found.result) == (Status.INVESTIGATING, None)
    with pytest.raises(InputError, match="not closed"):
        reopen(docket, case, "again", BY)


def test_split_moves_accounts_to_a_case_with_frozen_material_of_its_own(docket, case):
    moved = docket.case(case).accounts[:20]
    other = split(docket, case, moved, "another scheduler", BY)
    assert (other.accounts, other.split_from) == (moved, case)
    assert set(docket.case(case).accounts).isdisjoint(moved)
    release(docket, case, "done", BY)
    with docket.material(other.case_id) as material:
        assert material.names == sorted(moved)
    assert rerun(docket, other.case_id, BY)[1] == []
    for accounts, problem in ((["stranger"], "no account"), ([], "not none"), (docket.case(case).accounts, "not all")):
        with pytest.raises(InputError, match=problem):
            split(docket, case, accounts, "x", BY)


def test_a_merged_case_gives_its_accounts_and_goes_on_in_the_other(docket, case):
    moved = docket.case(case).accounts[:20]
    other = split(docket, case, moved, "thought to be apart", BY).case_id
    assert set(merge(docket, other, case, "one after all", BY).accounts) >= set(moved)
    found = docket.case(other)
    assert (found.status, found.merged_into) == (Status.CLOSED, case)
    for action in (
        lambda: note(docket, other, "x", BY),
        lambda: reopen(docket, other, "x", BY),
        lambda: merge(docket, case, other, "x", BY),
    ):
        with pytest.raises(InputError, match="go on there"):
            action()
    with pytest.raises(InputError, match="part of itself"):
        merge(docket, case, case, "x", BY)


def test_an_exhibit_is_kept_for_the_owner_alone_with_its_hash_and_who_brought_it(docket, case, tmp_path):
    made = take_in(docket, case, tmp_path / "contract.txt")
    kept = docket.place(case) / "exhibits" / made.body["exhibit_id"]
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == made.body["sha256"]
    assert kept.stat().st_mode & 0o077 == 0
    assert (made.actor, made.body["names"]) == (BY, "Example Works")
    assert (made.body["source_reliability"], made.body["information_credibility"]) == ("B", "2")
    with pytest.raises(InputError, match="cannot be read"):
        exhibit(docket, case, tmp_path / "none", BY, title="x", reliability=Reliability.F, credibility=Credibility.CANNOT_BE_JUDGED)


def test_what_is_redacted_is_gone_from_disk_and_its_commitment_stays(docket, case, tmp_path):
    made = take_in(docket, case, tmp_path / "contract.txt", b"Sensitive-Words")
    said = note(docket, case, "Sensitive-Words by somebody", BY)
    for number in (made.number, said.number):
        redact(docket, case, number, "personal data", "Analyst Two")
    assert not list((docket.place(case) / "exhibits").iterdir())
    docket.registry.close()
    (tmp_path / "contract.txt").unlink()
    for file in (one for one in tmp_path.rglob("*") if one.is_file()):
        assert b"Sensitive-Words" not in file.read_bytes(), file
        assert b"Example Works" not in file.read_bytes(), file
    events = {one.number: one for one in docket.case(case).events}
    for was in (made, said):
        now = events[was.number]
        assert (now.body, now.salt, now.commitment, now.leaf) == (None, None, was.commitment, was.leaf)
        assert docket.ledger.entry(now.leaf).document["commitment"] == was.commitment
    told = events[said.number + 1]
    assert (told.kind, told.actor, told.body["event"], told.body["reason"]) == ("redacted", "Analyst Two", made.number, "personal data")


def test_redaction_of_a_closing_keeps_its_result_and_redactions_stay(docket, case):
    close(docket, case, Result.FALSE_POSITIVE, "it was somebody's class", BY)
    redact(docket, case, 3, "names a person", BY)
    found = docket.case(case)
    assert (found.status, found.result) == (Status.CLOSED, Result.FALSE_POSITIVE)
    assert "class" not in found.model_dump_json()
    for number, problem in ((4, "that stays"), (3, "redacted already"), (9, "no event 9")):
        with pytest.raises(InputError, match=problem):
            redact(docket, case, number, "x", BY)


def test_a_repeated_scan_is_identical_and_one_of_changed_files_is_not(docket, case):
    assert rerun(docket, case, BY)[1] == []
    file = docket.place(case) / "findings.json"
    document = json.loads(file.read_bytes())
    document["campaigns"][0]["calls"] += 1
    file.write_bytes(json.dumps(document, indent=1).encode() + b"\n")
    found, differences = rerun(docket, case, BY)
    assert any("findings.json" in one for one in differences)
    assert any(one.endswith("calls differs") for one in differences)
    assert [one.body["identical"] for one in found.events[1:]] == [True, False]


def test_a_list_of_files_that_was_written_again_is_seen(docket, case):
    manifest = docket.place(case) / "frozen.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"layout": 1', b'"layout":  1'))
    assert any("frozen.json" in one for one in rerun(docket, case, BY)[1])


def test_the_settings_that_the_scan_kept_are_those_of_the_case(docket, world, tmp_path):
    told = {
        "settings": {"false_discovery_rate": 0.001, "ignored_organizations": ["default"]},
        "recorded": True,
        "software": {},
        "channels": [],
    }
    kept = scans.keep(world.findings, world.lake, told)
    try:
        case = opened(docket, world).case_id
        assert docket.frozen(case).settings.ignored_organizations == frozenset({"default"})
        assert docket.frozen(case).configuration == told
    finally:
        kept.unlink()
        kept.with_suffix(".told").unlink()
    assert docket.frozen(opened(docket, world).case_id).configuration["recorded"] is False


def test_a_campaign_is_meant_by_its_id_its_beginning_or_a_watchs_name(world):
    campaign = world.findings.campaigns[0]
    assert campaign_in(world.findings, [], campaign.campaign_id) == (campaign, campaign.campaign_id)
    assert campaign_in(world.findings, [], campaign.campaign_id[:5])[0] is campaign
    for wanted in ("c-zz", "", "c-" + "0" * 40):
        with pytest.raises(InputError, match="no such campaign"):
            campaign_in(world.findings, [], wanted)
    both = world.findings.model_copy(
        update={"campaigns": [campaign, campaign.model_copy(update={"campaign_id": campaign.campaign_id + "0"})]}
    )
    assert campaign_in(both, [], campaign.campaign_id)[0] is campaign
    with pytest.raises(InputError, match="2 campaigns"):
        campaign_in(both, [], "c-")


def test_cases_are_told_beside_campaigns_that_share_half_of_their_accounts(docket, world, case):
    campaign = world.findings.campaigns[0]
    close(docket, case, Result.FALSE_POSITIVE, "a class", BY)
    assert [standing(one) for one in beside(campaign, docket.cases())] == ["closed, false positive"]
    grown = campaign.model_copy(update={"campaign_id": "c-grown"})
    assert [one["case_id"] for one in documents([grown], docket.cases())] == [case]
    little = campaign.accounts[:10]
    strangers = [member.model_copy(update={"account_id": f"other-{at}"}) for at, member in enumerate(campaign.accounts)]
    assert beside(campaign.model_copy(update={"campaign_id": "c-new", "accounts": [*little, *strangers]}), docket.cases()) == []


def test_cases_are_found_by_how_their_ids_begin(docket, world, case):
    other = opened(docket, world, title="Second").case_id
    assert docket.case(other).title == "Second"
    assert docket.case(case.removeprefix("case-")).case_id == case
    assert [one.case_id for one in docket.cases()] == [case, other]
    close(docket, other, Result.CONFIRMED, "seen", BY)
    assert [one.case_id for one in docket.cases(Status.CLOSED)] == [other]
    for name, problem in (("case-zzz", "no such case"), ("", "no such case"), ("case-", "no such case")):
        with pytest.raises(InputError, match=problem):
            docket.case(name)


def test_an_older_registry_is_brought_up_to_date_and_loses_nothing(tmp_path):
    with Registry(tmp_path / FILE, create=True) as registry:
        identity = registry.identity
    with sqlite3.connect(tmp_path / FILE) as raw:
        raw.execute("DROP TABLE case_events")
        raw.execute("UPDATE registry SET layout = 1")
        raw.execute("INSERT INTO newest_look VALUES (1, 's', 't', 'a', 1.0)")
    with Docket.open(tmp_path) as reading:
        assert reading.cases() == []
    with Registry(tmp_path / FILE, create=True) as registry:
        assert (registry.layout, registry.identity, registry.newest_look().snapshot) == (2, identity, "s")
        assert Docket(registry, tmp_path).cases() == []


def test_two_writers_never_give_two_events_one_number(docket, case, tmp_path):
    with Docket.open(tmp_path, create=True) as other:
        for at in range(5):
            note(docket, case, f"one {at}", BY)
            note(other, case, f"other {at}", BY)
    events = docket.case(case).events
    assert [one.number for one in events] == list(range(1, 12))
    assert len({one.leaf for one in events}) == 11


def test_where_there_are_no_cases_that_is_said(tmp_path):
    with pytest.raises(InputError, match="no cases here"), Docket.open(tmp_path):
        pass
    with pytest.raises(InputError, match="--cases"), Docket.open("catalog:x"):
        pass


def test_a_case_is_found_by_the_campaign_that_it_is_on(docket, world, case):
    campaign = world.findings.campaigns[0].campaign_id
    assert docket.case(campaign) == docket.case(case)
    other = opened(docket, world).case_id
    with pytest.raises(InputError, match="2 cases are on this campaign") as told:
        docket.case(campaign)
    assert case in str(told.value)
    assert other in str(told.value)
    with pytest.raises(InputError, match="no such case"):
        docket.case("c-unknown")


def test_latest_is_the_case_that_was_opened_last(docket, world, case):
    assert docket.case("latest").case_id == case
    other = opened(docket, world).case_id
    note(docket, case, "written to later", BY)
    assert docket.case("latest").case_id == other


def test_latest_where_no_case_was_opened_is_no_case(world, tmp_path):
    with Docket.open(tmp_path, create=True) as empty, pytest.raises(InputError, match="no such case"):
        empty.case("latest")
