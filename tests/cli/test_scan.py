import json
import re
import shlex
import stat

from cases.worked_example import worked_example
from stillhunt.cases import scans, wording


def test_scan_needs_no_configuration_and_keeps_nothing(stillhunt, calls, tmp_path):
    result = stillhunt("scan", calls)
    assert result.status == 0
    assert "Read 400 new calls from 1 source (canonical)." in result.out
    assert "No campaign stands out in what these logs show." in result.out
    assert "What could not be seen" in result.out
    assert "What to do next" in result.out
    assert result.err == ""
    assert list(tmp_path.iterdir()) == [calls]


def test_json_is_the_findings_and_nothing_else(stillhunt, calls):
    document = stillhunt("scan", calls, "--json").document
    assert document["scanned"]["interactions"] == 400
    assert document["scanned"]["accounts"] == 20
    assert document["campaigns"] == []


def test_a_lake_keeps_what_was_read_and_the_scan(stillhunt, calls, tmp_path):
    lake = tmp_path / "lake"
    assert stillhunt("scan", calls, "--lake", lake).status == 0
    again = stillhunt("scan", "--lake", lake, "--json").document
    assert again["scanned"]["interactions"] == 400
    assert stillhunt("campaigns", "--lake", lake, "--json").document == {"campaigns": []}


def test_as_of_sees_nothing_later(stillhunt, calls, tmp_path):
    lake = tmp_path / "lake"
    stillhunt("ingest", calls, "--lake", lake)
    document = stillhunt("scan", "--lake", lake, "--as-of", "2026-05-06", "--json").document
    assert document["scanned"]["interactions"] == 160
    assert document["scanned"]["to"] < "2026-05-06T00"


def test_findings_and_report_are_written_for_their_owner_only(stillhunt, calls, tmp_path, hunted):
    hunted(found=True)
    output, report = tmp_path / "findings.json", tmp_path / "report.html"
    result = stillhunt("scan", calls, "--output", output, "--report", report)
    assert result.status == 0
    assert scans.read(output) == worked_example()
    assert "2 campaigns stand out" in report.read_text()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (output, report)} == {0o600}


def test_what_was_found_is_printed(stillhunt, calls, hunted):
    hunted(found=True)
    out = stillhunt("scan", calls).out
    for said in (
        "2 campaigns stand out",
        "Campaign c-7f3a91",
        "150 accounts",
        "< 1 in 10^12",
        "All accounts send one instruction",
        "Pools that act as one and are not campaigns",
        "declared one organization",
        "the logs do not carry accounts.payment_fingerprint",
        "Read why an account was named before acting.",
    ):
        assert said in out
    assert "\x1b" not in out


def test_finding_something_fails_only_when_asked_to(stillhunt, calls, hunted):
    hunted(found=True)
    assert stillhunt("scan", calls).status == 0
    assert stillhunt("scan", calls, "--fail-on-campaign").status == 1
    hunted(found=False)
    assert stillhunt("scan", calls, "--fail-on-campaign").status == 0


def test_a_damaged_log_still_gives_what_was_read_and_says_so(stillhunt, calls, tmp_path):
    other = tmp_path / "noise.bin"
    other.write_bytes(b"\x00\x01\x02" * 100)
    result = stillhunt("scan", calls, other, "--json")
    assert result.status == 2
    assert json.loads(result.out)["scanned"]["interactions"] == 400
    assert "noise.bin" in result.err
    assert result.err.count("\n") == 1


def test_records_that_cannot_be_read_are_counted_and_kept_where_asked(stillhunt, calls, tmp_path):
    calls.write_text(calls.read_text() + '{"interaction_id": "x", "account_id": "a"}\n')
    aside = tmp_path / "aside.jsonl"
    result = stillhunt("scan", calls, "--quarantine", aside)
    assert result.status == 0
    assert "1 record could not be read" in result.out
    assert aside.exists()


def test_an_output_that_cannot_be_written_is_one_line(stillhunt, calls, tmp_path):
    result = stillhunt("scan", calls, "--output", calls / "findings.json")
    assert result.status == 2
    assert result.err.count("\n") == 1


def test_every_command_that_a_campaign_comes_with_runs_as_it_was_printed(stillhunt, calls, hunted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hunted(found=True)
    member = wording.strongest(worked_example().campaigns[0].accounts, 1)[0].account_id
    for arguments, where in (
        (("-o", "found it.json"), "'found it.json'"),
        (("--lake", "a lake", "--no-ledger"), "--lake 'a lake'"),
        ((), None),
    ):
        commands = re.findall(r"`(stillhunt [^`]+)`", stillhunt("scan", calls, *arguments).out)
        asked = [command for command in commands if command.startswith("stillhunt account ")]
        assert asked == ([f"stillhunt account {member} {where}"] if where else [])
        for command in commands:
            assert stillhunt(*shlex.split(command)[1:]).status == 0, command
