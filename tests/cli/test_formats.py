"""`formats try` shows how a log would be read; `formats guess` proposes a mapping that `--map` takes as it is."""

import csv
import json
import tomllib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillhunt.intake.mapping import parse
from stillhunt.intake.trying import redacted

NOW = 1_767_225_600


def nested(n: int) -> dict:
    return {
        "ts": (NOW + n) * 1000,
        "request": {
            "uuid": f"6f9619ff-8b86-d011-b42d-{n:012d}",
            "headers": {"User-Agent": "client/1.5", "Authorization": "Bearer sk-0123456789abcdefghij"},
            "body": {"model": "large", "temperature": 0.2, "messages": [{"role": "user", "content": f"Q{n} sk-0123456789abcdefghij"}]},
        },
        "user": {"id": f"u{n % 7}", "email": f"u{n % 7}@example.com"},
        "ip": f"192.0.2.{n % 9}",
        "latency_ms": 812.5,
        "status": 200,
        "type": "completion" if n % 3 else "health",
        "usage": {"prompt_tokens": 12 + n, "completion_tokens": 30},
        "response": {"choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]},
    }


def camel(n: int) -> dict:
    return {
        "requestId": f"r-{n}",
        "createdAt": f"2026-01-01T00:{n % 60:02d}:00.000Z",
        "customerId": n % 5,
        "organizationName": "o",
        "modelName": "large",
        "promptText": f"What is {n}?",
        "completionText": f"It is {n}.",
        "inputTokenCount": 5,
        "outputTokenCount": 7,
        "clientIp": "192.0.2.1",
        "statusCode": "200",
        "sessionId": f"s-{n % 3}",
    }


def flat(n: int) -> dict:
    return {
        "Request ID": f"r{n}",
        "User ID": f"u{n % 5}",
        "Timestamp": f"2026-01-01 00:{n % 60:02d}:00",
        "Model": "large",
        "Prompt": f"what is {n}, please",
        "Completion": f"answer {n}",
        "Prompt Tokens": 12,
        "Completion Tokens": 30,
        "IP Address": "192.0.2.4",
        "Status Code": 200,
    }


def attributes(n: int) -> dict:
    told = {"user.id": f"u{n % 5}", "model": "large", "client.ip": "192.0.2.1"}
    return {
        "event_id": f"e{n}",
        "event_time": "01/Jan/2026:00:00:00 +0000",
        "attributes": [{"key": key, "value": value} for key, value in told.items()],
        "request": json.dumps({"model": "large", "messages": [{"role": "user", "content": f"Q{n}"}]}),
    }


LOGS = {"nested": nested, "camel": camel, "flat": flat, "attributes": attributes}
FOUND = {
    "nested": {
        "interaction_id",
        "account_id",
        "request_model",
        "input_tokens",
        "output_tokens",
        "http_status",
        "client_ip",
        "user_agent",
        "email",
    },
    "camel": {
        "interaction_id",
        "account_id",
        "organization_id",
        "request_model",
        "input_tokens",
        "output_tokens",
        "conversation_id",
        "client_ip",
    },
    "flat": {"interaction_id", "account_id", "request_model", "input_tokens", "output_tokens", "http_status", "client_ip"},
    "attributes": {"interaction_id", "account_id", "request_model", "client_ip"},
}


def lines(path, make, count: int = 40):
    path.write_text("".join(json.dumps(make(n)) + "\n" for n in range(count)))
    return path


@pytest.mark.parametrize("name", LOGS)
def test_a_guessed_mapping_reads_the_log_that_it_was_guessed_from(stillhunt, tmp_path, name):
    log = lines(tmp_path / "app.jsonl", LOGS[name])
    guessed = stillhunt("formats", "guess", log)
    assert guessed.status == 0
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(guessed.out)
    tried = stillhunt("formats", "try", log, "--map", mapping, "--json").document
    assert (tried["records"], tried["calls"], tried["refused"]) == (40, 40, {})
    seen = {"started_at", "messages"} | FOUND[name]
    assert not seen & set(tried["missing"])
    assert len(tried["shown"]) == 3
    assert tried["shown"][0]["started_at"].startswith("2026-01-01T00:00:00")
    assert stillhunt("ingest", log, "--lake", tmp_path / "lake", "--map", mapping, "--no-ledger").status == 0


def test_tables_are_guessed_from_too(stillhunt, tmp_path):
    rows = [flat(n) for n in range(40)]
    with (tmp_path / "app.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "app.parquet")
    proposals = [stillhunt("formats", "guess", tmp_path / name).out for name in ("app.csv", "app.parquet")]
    assert proposals[0] == proposals[1]
    assert {"interaction_id", "started_at", "account_id"} <= parse(proposals[0]).calls.keys()


def test_a_proposal_holds_no_value_of_the_log_and_says_what_is_missing(stillhunt, tmp_path):
    out = stillhunt("formats", "guess", lines(tmp_path / "app.jsonl", nested)).out
    document = tomllib.loads(out)
    assert "where" not in document
    assert '# key_id = "…"' in out
    for value in ("example.com", "192.0.2", "0123456789", "6f9619ff", "client/1.5", "authorization"):
        assert value not in out.lower()


@pytest.mark.parametrize("content", ['{"a": 1, "b": "x"}\n', '{"time": "soon", "user": "u"}\n'])
def test_a_log_without_a_time_gets_no_mapping_but_a_reason(stillhunt, tmp_path, content):
    (tmp_path / "other.jsonl").write_text(content * 5)
    result = stillhunt("formats", "guess", tmp_path / "other.jsonl")
    assert result.status == 2
    assert "nothing in it looks like a time" in result.err


def test_trying_says_what_is_refused_what_is_missing_and_who_is_blind(stillhunt, tmp_path):
    log = tmp_path / "calls.jsonl"
    call = {"interaction_id": "1", "started_at": "2026-01-01T00:00:00Z", "account_id": "a", "request_model": "m"}
    log.write_text("".join(json.dumps(row) + "\n" for row in (call, {**call, "started_at": None}, call)) + "not JSON\n")
    document = stillhunt("formats", "try", log).out
    said = " ".join(document.split())
    assert "read as canonical" in said
    assert "Of the first 4 records, 2 are calls, 2 refused." in said
    assert "1 refused: not JSON" in said
    assert "started_at 2026-01-01T00:00:00.000Z" in said
    assert "Not there: " in said
    assert "client_ip" in said
    blind = stillhunt("formats", "try", log, "--json").document["blind"]
    assert blind["payment"] == ["payment_fingerprint"]
    assert "client_headers or user_agent" in blind["client"]


def test_a_log_in_which_everything_is_there_blinds_nobody_for_what_is_there(stillhunt, tmp_path):
    log = tmp_path / "calls.jsonl"
    call = {"interaction_id": "1", "started_at": "2026-01-01T00:00:00Z", "account_id": "a", "client_headers": {"user-agent": "x"}}
    log.write_text(json.dumps({**call, "client_ip": "192.0.2.1"}) + "\n")
    assert "client" not in stillhunt("formats", "try", log, "--json").document["blind"]


def test_no_credential_is_shown(stillhunt, tmp_path):
    log = lines(tmp_path / "app.jsonl", nested)
    mapping = tmp_path / "m.toml"
    mapping.write_text(stillhunt("formats", "guess", log).out.replace('# key_id = "…"', 'key_id = "request.headers.Authorization"'))
    shown = stillhunt("formats", "try", log, "--map", mapping).out
    assert "0123456789" not in shown
    assert "[credential]" in shown
    assert "key-" in shown


@pytest.mark.parametrize(
    "text",
    [
        "my key is sk-0123456789abcdefghij thanks",
        "Authorization: Bearer abcdefgh12345678",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "AKIAIOSFODNN7EXAMPLE",
        'password = "hunter2hunter2"',
        "api_key=abcdef123456",
    ],
)
def test_what_looks_like_a_credential_is_blanked(text):
    assert "[credential]" in redacted(text)


def test_ordinary_words_are_not_blanked():
    assert redacted("the secret of a good token economy is basic honesty") == "the secret of a good token economy is basic honesty"


def test_format_and_mapping_together_are_refused(stillhunt, tmp_path):
    log = lines(tmp_path / "app.jsonl", nested)
    result = stillhunt("formats", "try", log, "--map", tmp_path / "m.toml", "--format", "kong")
    assert result.status == 2
    assert "give one of the two" in result.err


def test_an_unknown_log_is_told_of_the_mapping(stillhunt, tmp_path):
    result = stillhunt("formats", "try", lines(tmp_path / "app.jsonl", camel))
    assert result.status == 2
    assert "--map" in result.err


def test_a_mapping_that_is_wrong_is_said_with_its_line(stillhunt, tmp_path):
    mapping = tmp_path / "m.toml"
    mapping.write_text('[calls]\nstarted_at = "ts"\nacount_id = "user.id"\n')
    log = lines(tmp_path / "app.jsonl", nested)
    for command in (
        ["ingest", log, "--lake", tmp_path / "lake"],
        ["scan", log],
        ["formats", "try", log],
        ["watch", log, "--lake", tmp_path / "lake"],
    ):
        result = stillhunt(*command, "--map", mapping)
        assert result.status == 2
        assert f"{mapping}:3:" in result.err
    assert not (tmp_path / "lake").exists()
