"""What is removed for good is shown first, and whoever sits at a terminal is asked; a script is not."""

import pytest
import typer

from cases.frozen_world import frozen_world
from cli.conftest import write_calls
from stillhunt.cli import confirming


@pytest.fixture
def at_a_terminal(monkeypatch):
    """Somebody sits there and answers what `answers` holds; questions are collected."""
    answers, asked = [], []
    monkeypatch.setattr(confirming, "attended", lambda: True)

    def confirm(question, **_):
        asked.append(question)
        return answers.pop()

    monkeypatch.setattr(typer, "confirm", confirm)
    return answers, asked


@pytest.fixture
def lake(stillhunt, tmp_path):
    stillhunt("ingest", write_calls(tmp_path / "calls.jsonl"), "--lake", tmp_path / "lake")
    return tmp_path / "lake"


def rows(stillhunt, lake):
    return stillhunt("lake", "info", "--lake", lake, "--json").document["rows"]["interactions"]


def test_a_dry_run_of_retention_counts_exactly_what_would_go_and_removes_nothing(stillhunt, lake):
    before = rows(stillhunt, lake)
    said = stillhunt("lake", "retain", "--lake", lake, "--before", "2026-05-06T12:00", "--dry-run", "--json").document
    assert rows(stillhunt, lake) == before
    done = stillhunt("lake", "retain", "--lake", lake, "--before", "2026-05-06T12:00", "--json").document
    assert 0 < said["would_delete"]["interactions"] == done["interactions"] < before
    text = stillhunt("lake", "retain", "--lake", lake, "--before", "2026-05-07", "--dry-run").out
    assert "Nothing was deleted" in text


def test_somebody_at_a_terminal_is_asked_and_no_means_no(stillhunt, lake, at_a_terminal):
    answers, asked = at_a_terminal
    before = rows(stillhunt, lake)
    answers.append(False)
    assert stillhunt("lake", "retain", "--lake", lake, "--before", "2026-05-06").status == 0
    assert rows(stillhunt, lake) == before
    assert "calls" in asked[0]
    assert "cannot be undone" in asked[0]
    assert stillhunt("lake", "retain", "--lake", lake, "--before", "2026-05-06", "--yes").status == 0
    assert len(asked) == 1
    assert rows(stillhunt, lake) < before


def test_releasing_and_redacting_are_shown_and_asked_too(stillhunt, tmp_path, at_a_terminal):
    answers, asked = at_a_terminal
    lake = frozen_world(tmp_path).lake
    findings = next((lake / "cases").glob("*/findings.json"))
    case = stillhunt("case", "open", "c-", "--lake", lake, "--findings", findings, "--by", "analyst", "--json").document["case_id"]
    for command in (("release", case), ("redact", case, "1")):
        common = ("case", *command, "--lake", lake, "--reason", "no longer needed", "--by", "analyst")
        dry = stillhunt(*common, "--dry-run")
        assert dry.status == 0
        assert "Nothing was removed." in dry.out
        answers.append(False)
        assert stillhunt(*common).status == 0
    assert [question[: len(case)] for question in asked] == [case, case]
    shown = stillhunt("case", "show", case, "--lake", lake, "--json").document
    assert [event["kind"] for event in shown["events"]] == ["opened"]
    assert stillhunt("case", "redact", case, "99", "--lake", lake, "--reason", "x", "--by", "analyst").status == 2
