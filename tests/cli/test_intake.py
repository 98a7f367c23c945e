import json

import pytest


def test_reading_again_changes_nothing(stillhunt, calls, tmp_path):
    lake = tmp_path / "lake"
    first = stillhunt("ingest", calls, "--lake", lake, "--json").document
    second = stillhunt("ingest", calls, "--lake", lake, "--json").document
    assert (first["accepted"], first["duplicates"]) == (400, 0)
    assert (second["accepted"], second["duplicates"]) == (0, 400)
    assert stillhunt("lake", "info", "--lake", lake, "--json").document["rows"]["interactions"] == 400


def test_what_was_read_is_said(stillhunt, calls, tmp_path):
    lake = tmp_path / "lake"
    assert "Read 400 new calls from 1 source (canonical)." in stillhunt("ingest", calls, "--lake", lake).out
    assert "400 calls were there already" in stillhunt("ingest", calls, "--lake", lake).out


def test_text_is_kept_only_when_asked(stillhunt, calls, tmp_path):
    without, with_text = tmp_path / "without", tmp_path / "with"
    stillhunt("ingest", calls, "--lake", without)
    stillhunt("ingest", calls, "--lake", with_text, "--keep-text")
    assert stillhunt("lake", "info", "--lake", without, "--json").document["keeps_text"] is False
    assert stillhunt("lake", "info", "--lake", with_text, "--json").document["rows"]["texts"] == 400
    assert "No text is kept" in stillhunt("lake", "info", "--lake", without).out


def test_a_source_that_is_no_log_is_named(stillhunt, calls, tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("dear diary\n" * 5)
    result = stillhunt("ingest", calls, other, "--lake", tmp_path / "lake")
    assert result.status == 2
    assert "notes.txt" in result.err
    assert "Read 400 new calls" in result.out


def test_a_wrong_format_is_refused_with_those_that_there_are(stillhunt, calls, tmp_path):
    result = stillhunt("ingest", calls, "--lake", tmp_path / "lake", "--format", "nope")
    assert result.status == 2
    assert "canonical" in result.err


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_two_halves_of_a_log_become_one_that_can_be_scanned(stillhunt, tmp_path):
    times = [f"2026-05-04T00:00:{n:02d}Z" for n in range(4)]
    gateway = write(
        tmp_path / "gateway.jsonl",
        [{"interaction_id": f"r{n}", "started_at": times[n], "account_id": f"acct-{n}", "client_ip": "192.0.2.1"} for n in range(3)],
    )
    words = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "hello"}]}])
    content = write(
        tmp_path / "content.jsonl",
        [
            {"interaction_id": f"r{n}", "started_at": times[n], "account_id": "app", "messages": words, "output_tokens": 5}
            for n in range(1, 4)
        ],
    )
    joined = tmp_path / "joined.parquet"
    result = stillhunt("join", gateway, content, "-o", joined, "--json")
    assert result.status == 0
    assert (result.document["matched"], result.document["only_gateway"]) == (2, 1)
    assert stillhunt("ingest", joined, "--lake", tmp_path / "lake", "--json").document["accepted"] == result.document["rows"]
    assert "2 calls in both logs" in " ".join(stillhunt("join", gateway, content, "-o", joined).out.split())


@pytest.fixture
def unguessable(tmp_path):
    """Two access logs of so few keys that nobody can guess whose they are: who called, and what it cost."""
    times = [f"2026-05-04T00:00:{n:02d}.000Z" for n in range(3)]
    calls = [{"start_time": times[n], "x-request-id": f"r{n}", "path": "/v1/chat/completions", "response_code": 200} for n in range(3)]
    gateway = [{**call, "x-account-id": f"acct-{n}", "downstream_remote_address": "192.0.2.1:999"} for n, call in enumerate(calls)]
    content = [{**call, "genai_tokens_output": 7} for call in calls]
    return write(tmp_path / "gateway.log", gateway), write(tmp_path / "content.log", content), tmp_path / "joined.jsonl"


def test_each_half_of_a_join_is_read_in_the_format_that_is_named_for_it(stillhunt, unguessable):
    gateway, content, joined = unguessable
    result = stillhunt("join", gateway, content, "-o", joined, "--gateway-format", "envoy-ai", "--content-format", "envoy-ai", "--json")
    assert (result.status, result.document["matched"], result.document["only_gateway"]) == (0, 3, 0)
    rows = [json.loads(line) for line in joined.read_text().splitlines()]
    assert [(row["account_id"], row["client_ip"], row["output_tokens"]) for row in rows] == [
        (f"acct-{n}", "192.0.2.1", 7) for n in range(3)
    ]


@pytest.mark.parametrize(("named", "missed"), [("--gateway-format", "content.log"), ("--content-format", "gateway.log")])
def test_a_format_that_is_named_for_one_half_says_nothing_of_the_other(stillhunt, unguessable, named, missed):
    gateway, content, joined = unguessable
    result = stillhunt("join", gateway, content, "-o", joined, named, "envoy-ai")
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert missed in result.err
    assert not joined.exists()


@pytest.mark.parametrize("option", ["--gateway-format", "--content-format"])
def test_a_join_in_a_format_that_does_not_exist_names_those_that_do(stillhunt, unguessable, option):
    gateway, content, joined = unguessable
    result = stillhunt("join", gateway, content, "-o", joined, "--gateway-format", "envoy-ai", option, "nope")
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert "'nope'" in result.err
    assert "canonical" in result.err


def test_a_join_of_what_is_no_log_is_one_line(stillhunt, calls, tmp_path):
    result = stillhunt("join", calls, tmp_path / "missing.jsonl", "-o", tmp_path / "joined.parquet")
    assert result.status == 2
    assert result.err.count("\n") == 1
    assert not (tmp_path / "joined.parquet").exists()


def test_what_is_read_beside_calls_is_said(stillhunt, calls, tmp_path):
    accounts = write(tmp_path / "accounts.jsonl", [{"account_id": f"acct-{n}", "plan": "free"} for n in range(3)])
    granted = write(tmp_path / "entitlements.jsonl", [{"account_id": "acct-1", "scope": "research"}])
    out = " ".join(stillhunt("ingest", calls, accounts, granted, "--lake", tmp_path / "lake").out.split())
    assert "Read 400 new calls from 3 sources (canonical)" in out
    assert "3 account records, 1 entitlement" in out
    assert "Beside them" not in stillhunt("ingest", calls, "--lake", tmp_path / "lake").out
