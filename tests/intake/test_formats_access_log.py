"""Access logs: lines as text become the records that the same server writes as JSON, and are read alike."""

import json
from pathlib import Path

import pytest

from stillhunt.errors import BadRow
from stillhunt.intake.access_lines import access_line
from stillhunt.intake.formats import Context, access_log, envoy_ai
from stillhunt.intake.framing import records_of_line
from stillhunt.intake.opening import open_source
from stillhunt.intake.registry import guess

SAMPLES = json.loads(Path(__file__).with_name("samples").joinpath("access_log.json").read_text())
COMBINED = (
    b'198.51.100.4 - acct-513 [07/Jul/2026:10:00:02 +0000] "POST /v1/messages HTTP/2.0" 429 12 "-" '
    b'"Mozilla/5.0 (X11; Linux x86_64; rv:1) \\x22odd\\x22, \\xC3\\xA4"'
)
ENVOY = (
    b'[2026-07-07T10:00:00.251Z] "POST /v1/chat/completions HTTP/2" 200 - 154 900 226 100 "203.0.113.77" '
    b'"OpenAI/Python 2.3.0" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "llm.example.com" "192.0.2.1:8000"\n'
)
ISTIO = (
    b'[2026-07-07T10:00:00.251Z] "POST /v1/chat/completions HTTP/2" 200 - via_upstream - "-" 154 900 226 100 "203.0.113.77" '
    b'"curl/8" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "llm.example.com" "192.0.2.1:8000" outbound|80||llm 10.0.0.2:4 10.0.0.1:80 10.0.0.9:5'
    b" - default\n"
)


def read(record, form=access_log.FORMAT, **context):
    ((_, row),) = form.read(record, Context(**context))
    return row


def test_a_json_line_with_a_body():
    row = read(SAMPLES[0])
    expected = {
        "interaction_id": "4b1c0d0e7f0a4c5b9a550d9a0f3f0001",
        "started_at": 1783418400251000,
        "ended_at": 1783418401777000,
        "account_id": "acct-512",
        "end_user_id": "kim",
        "operation": "chat",
        "request_model": "llama-3-70b",
        "http_status": 200,
        "client_ip": "203.0.113.77",
        "user_agent": "OpenAI/Python 2.3.0",
        "transcript": "\x1euWrite a haiku",
        "request_parameters": '{"temperature":1}',
    }
    assert {name: row[name] for name in expected} == expected
    assert list(json.loads(row["client_headers"])) == ["x-user-id", "user-agent", "accept"]


def test_a_combined_line_is_read_like_the_record():
    row = read(access_line(COMBINED))
    assert (row["account_id"], row["http_status"], row["client_ip"], row["started_at"]) == (
        "acct-513",
        429,
        "198.51.100.4",
        1783418402000000,
    )
    assert row["user_agent"] == 'Mozilla/5.0 (X11; Linux x86_64; rv:1) "odd", ä'
    assert row["ended_at"] is None  # how long it took is not in the line
    assert row["interaction_id"] == read(access_line(COMBINED))["interaction_id"]
    assert row["interaction_id"] != read(access_line(COMBINED.replace(b" 12 ", b" 13 ")))["interaction_id"]


def test_what_stands_behind_a_combined_line_is_used():
    forwarded = access_line(b"10.0.0.1 " + COMBINED[13:] + b' "203.0.113.9, 10.0.0.7"')
    assert read(forwarded)["client_ip"] == "203.0.113.9"
    ingress = access_line(COMBINED + b" 512 1.5 [llm-svc-80] [] 10.0.0.3:80 12 1.499 429 0123456789abcdef0123456789abcdef")
    row = read(ingress)
    assert (row["interaction_id"], row["ended_at"] - row["started_at"]) == ("0123456789abcdef0123456789abcdef", 1500000)
    assert access_line(b"llm.example.com:443 " + COMBINED)["remote_user"] == "acct-513"


@pytest.mark.parametrize("line", [ENVOY, ISTIO])
def test_envoys_default_line_is_read_as_envoys_record(line):
    record = access_line(line)
    row = read(record, envoy_ai.FORMAT, account_optional=True)
    assert (row["interaction_id"], row["http_status"], row["operation"]) == ("cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2", 200, "chat")
    assert (row["started_at"], row["ended_at"]) == (1783418400251000, 1783418400477000)
    with pytest.raises(BadRow, match="x-account-id"):
        read(record, envoy_ai.FORMAT)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b'{"a": [1]}',
        b'2026-07-07 INFO "x" [y] done',
        b'a - b [c] "d" e f',
        b'["a", "b"]',
        b'"' * 70000 + b"[",
        b'[x] "POST / HTTP/1" 200',
        b"\xff[",
    ],
)
def test_other_lines_are_none(line):
    assert access_line(line) is None


@pytest.mark.parametrize(("line", "name"), [(COMBINED, "access-log"), (ENVOY, "envoy-ai"), (ISTIO, "envoy-ai")])
def test_a_file_of_text_lines_is_recognised_and_read(tmp_path, line, name):
    path = tmp_path / "access.log"
    path.write_bytes(line.strip() + b"\n" + line.strip() + b"\nnot a line\n")
    opened = open_source(path)
    assert (opened.framing, guess(opened.sample)[0].name) == ("lines", name)
    ((_, record, raw),) = records_of_line(1, memoryview(line.strip()))
    assert record == access_line(line)
    assert bytes(raw) == line.strip()


def test_other_requests_are_of_another_kind():
    for request in ("GET /v1/models HTTP/1.1", "GET /v1/chat/completions HTTP/1.1", "POST /login HTTP/1.1", "junk"):
        assert list(access_log.FORMAT.read({**SAMPLES[1], "request": request}, Context())) == []


def test_a_request_of_nobody_says_what_to_log():
    with pytest.raises(BadRow, match=r"\$http_x_user_id.*--map"):
        read({**SAMPLES[1], "remote_user": "-"})
    row = read({**SAMPLES[1], "remote_user": "-", "http_authorization": "Bearer sk-example-0123456789"})
    assert row["account_id"].startswith("key-")
    assert "sk-example" not in json.dumps(row)


def test_a_client_that_went_away_has_no_status():
    row = read({**SAMPLES[1], "status": "499"})
    assert (row["http_status"], row["error_type"]) == (None, "client_closed_request")


@pytest.mark.parametrize("at", ["32/Jul/2026:10:00:00 +0000", "07/Foo/2026:10:00:00 +0000", "x", None, "07/Jul/2026:10:00:00 +99:99"])
def test_a_time_that_is_none_refuses_the_line(at):
    with pytest.raises(BadRow, match=r"time|msec"):
        read({**SAMPLES[1], "time_local": at})
