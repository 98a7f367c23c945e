"""Loud when blind: an answer over a log that was mostly not read begins with that."""

import json

import pytest

from stillhunt.cli.outcome import BAD_INPUT, DONE, run

CALL = {"started_at": "2026-01-01T00:00:00Z", "account_id": "account-1"}


def write(path, good, bad):
    rows = [{**CALL, "interaction_id": f"call-{n}"} for n in range(good)]
    rows += [{**CALL, "interaction_id": f"bad-{n}", "started_at": "soon"} for n in range(bad)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_a_log_that_was_mostly_not_read_is_never_told_as_quiet(tmp_path, capsys):
    log = write(tmp_path / "calls.jsonl", 20, 80)
    assert run(["scan", log]) == DONE
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("80 of 100 records were not read (started_at: expected a time")
    assert "stillhunt formats try FILE" in said
    assert "could not be read: started_at: expected a time" in said
    assert "No campaign stands out" not in said


def test_findings_know_the_share_that_was_refused_also_when_only_the_lake_is_scanned(tmp_path, capsys):
    log, lake = write(tmp_path / "calls.jsonl", 20, 80), str(tmp_path / "lake")
    assert run(["ingest", log, "--lake", lake]) == DONE
    assert run(["ingest", log, "--lake", lake]) == DONE  # the same source again is no second refusal
    capsys.readouterr()
    assert run(["scan", "--lake", lake, "--json"]) == DONE
    scanned = json.loads(capsys.readouterr().out)["scanned"]
    assert (scanned["refused"], scanned["interactions"]) == (80, 20)
    assert list(scanned["reasons"].values()) == [80]


@pytest.mark.parametrize("command", [["ingest", "--lake", "{lake}"], ["scan"], ["scan", "--lake", "{lake}"]])
def test_nothing_accepted_is_an_error(tmp_path, capsys, command):
    log = write(tmp_path / "calls.jsonl", 0, 5)
    assert run([part.format(lake=tmp_path / "lake") for part in command] + [log]) == BAD_INPUT
    assert "there are no calls in these logs" in capsys.readouterr().err


def test_one_odd_record_in_a_thousand_is_not_shouted(tmp_path, capsys):
    assert run(["ingest", write(tmp_path / "calls.jsonl", 999, 1), "--lake", str(tmp_path / "lake")]) == DONE
    assert "were not read" not in capsys.readouterr().out
