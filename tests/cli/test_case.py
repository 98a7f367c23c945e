"""`stillhunt case`, from a finding to a closed case, as a person at a terminal meets it."""

import json
import shutil

import pytest

from cases.frozen_world import frozen_world
from stillhunt.cases import scans
from stillhunt.cases.configuration import configuration


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """A lake with a kept scan that names one campaign."""
    world = frozen_world(tmp_path_factory.mktemp("scanned"))
    shutil.rmtree(world.lake / "cases")
    scans.keep(world.findings, world.lake, configuration(world.settings))
    return world


@pytest.fixture
def case(stillhunt, scanned, monkeypatch):
    """Runs `stillhunt case` on the scanned lake, which forgets all cases afterwards."""
    monkeypatch.setenv("STILLHUNT_ANALYST", "Analyst One")

    def run(command, *arguments):
        return stillhunt("case", command, *arguments, "--lake", scanned.lake)

    yield run
    for name in ("cases", "ledger"):
        shutil.rmtree(scanned.lake / name, ignore_errors=True)
    (scanned.lake / "registry.sqlite").unlink(missing_ok=True)


def opened(case, scanned):
    return case("open", scanned.findings.campaigns[0].campaign_id[:6], "--json").document["case_id"]


def test_from_a_finding_to_a_closed_case(case, scanned, stillhunt, tmp_path):
    name = opened(case, scanned)
    assert case("status", name, "investigating").status == 0
    assert case("note", name, "looked at ten accounts").status == 0
    (tmp_path / "x.txt").write_text("a page")
    brought = ("--title", "Invoice", "--reliability", "B", "--credibility", "2", "--names", "Example Works")
    assert case("exhibit", name, tmp_path / "x.txt", *brought).status == 0
    assert "identical, byte for byte" in case("rerun", name).out
    assert case("close", name, "--result", "false_positive", "--reason", "a class").status == 0
    document = case("show", name, "--json").document
    assert [event["kind"] for event in document["events"]] == ["opened", "status", "note", "exhibit", "rerun", "closed"]
    assert {event["actor"] for event in document["events"]} == {"Analyst One"}
    assert (document["status"], document["result"], document["changed_events"]) == ("closed", "false_positive", [])
    out = case("show", name).out
    assert "looked at ten accounts" in out
    assert "Example Works" in out
    assert "closed, false positive (a class)" in stillhunt("campaigns", "--lake", scanned.lake).out
    told = stillhunt("campaigns", "--lake", scanned.lake, "--json").document["cases"]
    assert [(one["case_id"], one["result"]) for one in told] == [(name, "false_positive")]


def test_the_configuration_is_that_of_the_scan(case, scanned):
    name = opened(case, scanned)
    document = json.loads((scanned.lake / "cases" / name / "configuration.json").read_bytes())
    assert document["settings"]["ignored_organizations"] == ["default"]
    assert document["recorded"] is True


def test_findings_that_no_scan_kept_are_frozen_as_they_are(case, scanned, tmp_path):
    (tmp_path / "f.json").write_bytes(json.dumps(scanned.findings.to_json()).encode())
    out = case("open", scanned.findings.campaigns[0].campaign_id, "--findings", tmp_path / "f.json").out
    assert "usual settings are assumed" in " ".join(out.split())
    (folder,) = (scanned.lake / "cases").iterdir()
    assert (folder / "findings.json").read_bytes() == (tmp_path / "f.json").read_bytes()


def test_a_rerun_that_differs_ends_with_status_1(case, scanned):
    name = opened(case, scanned)
    file = scanned.lake / "cases" / name / "findings.json"
    file.write_bytes(file.read_bytes() + b"\n")
    result = case("rerun", name, "--json")
    assert result.status == 1
    assert result.document["identical"] is False
    assert any("findings.json" in one for one in result.document["differences"])


def test_who_does_it_must_be_known(case, scanned, monkeypatch):
    name = opened(case, scanned)
    monkeypatch.delenv("STILLHUNT_ANALYST")
    result = case("close", name, "--result", "confirmed", "--reason", "seen")
    assert (result.status, result.out) == (2, "")
    assert "--by NAME" in result.err
    assert case("close", name, "--result", "confirmed", "--reason", "seen", "--by", "Analyst Two").status == 0
    assert case("show", name, "--json").document["events"][-1]["actor"] == "Analyst Two"


def test_a_case_is_not_closed_without_result_and_reason(case, scanned):
    name = opened(case, scanned)
    for arguments in (
        ["--result", "confirmed"],
        ["--reason", "seen"],
        ["--result", "maybe", "--reason", "x"],
        ["--result", "confirmed", "--reason", ""],
    ):
        result = case("close", name, *arguments)
        assert result.status == 2
        assert len(result.err.strip().splitlines()) == 1
    assert case("list", "--status", "closed", "--json").document == {"cases": []}


def test_split_merge_reopen_redact_and_release(case, scanned, tmp_path):
    name = opened(case, scanned)
    accounts = case("show", name, "--json").document["accounts"]
    (tmp_path / "moved.txt").write_text("\n".join(accounts[1:8]) + "\n\n")
    split = case("split", name, "--account", accounts[0], "--accounts", tmp_path / "moved.txt", "--reason", "apart", "--json").document
    assert split["accounts"] == accounts[:8]
    assert len(case("merge", split["case_id"], "--into", name, "--reason", "one", "--json").document["accounts"]) == len(accounts)
    assert "part of" in case("list").out
    assert case("close", name, "--result", "confirmed", "--reason", "x").status == 0
    assert case("reopen", name, "--reason", "more").status == 0
    assert "redacted" in case("redact", name, 3, "--reason", "personal").out
    assert "given up" in case("release", name, "--reason", "done").out
    assert "given up" in case("rerun", name).err


def test_retention_says_which_cases_hold_older_calls(case, scanned, stillhunt, monkeypatch):
    from stillhunt.lake import Lake
    from stillhunt.lake.housekeeping import RetentionReport

    name = opened(case, scanned)
    # the world is shared: what retention deletes is tested in test_freezing
    monkeypatch.setattr(Lake, "retain", lambda *_: RetentionReport(0, 0, 0, 0, 0, 0, 0))
    assert name in stillhunt("lake", "retain", "--lake", scanned.lake, "--days", "1").out
    assert stillhunt("lake", "retain", "--lake", scanned.lake, "--days", "1", "--json").document["held_by_cases"] == [name]


def test_cases_may_be_kept_elsewhere(stillhunt, scanned, tmp_path, monkeypatch):
    monkeypatch.setenv("STILLHUNT_ANALYST", "Analyst One")
    where = ("--cases", tmp_path, "--registry", f"sqlite:///{tmp_path}/r.db", "--ledger", tmp_path / "log")
    campaign = scanned.findings.campaigns[0].campaign_id
    name = stillhunt("case", *where, "open", campaign, "--lake", scanned.lake, "--json").document["case_id"]
    assert {"cases", "r.db", "log"} <= {one.name for one in tmp_path.iterdir()}
    assert stillhunt("case", *where, "list", "--lake", scanned.lake, "--json").document["cases"][0]["case_id"] == name
    assert not (scanned.lake / "cases").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["open", "c-none"], "no such campaign"),
        (["show", "case-none"], "no cases here"),
        (["note", "case-none", "x"], "no cases here"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(case, arguments, expected):
    result = case(*arguments)
    assert result.status == 2
    assert expected in result.err
    assert len(result.err.strip().splitlines()) == 1


def test_a_folder_that_is_not_there_is_not_made(stillhunt, tmp_path):
    assert stillhunt("case", "note", "x", "y", "--by", "A", "--lake", tmp_path / "typo").status == 2
    assert not (tmp_path / "typo").exists()
    assert stillhunt("case", "note", "x", "y", "--by", "A", "--lake", tmp_path).status == 2
    assert list(tmp_path.iterdir()) == []


def test_hostile_words_do_not_reach_the_terminal(case, scanned):
    name = opened(case, scanned)
    case("note", name, "\x1b]0;owned\x07 \u202egnp", "--by", "\x1b[2J")
    out = case("show", name).out
    assert out.replace("\n", "").replace("\u00a0", "").isprintable()
