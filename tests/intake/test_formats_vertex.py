"""Vertex AI: rows of the request-response log, and audit records."""

import json
from pathlib import Path

import pytest

from stillhunt.errors import BadRow
from stillhunt.intake.formats import Context, vertex

SAMPLES = Path(__file__).with_name("samples")
ROWS = json.loads((SAMPLES / "vertex.json").read_text())
AUDIT = json.loads((SAMPLES / "vertex_audit.json").read_text())[0]


def read(record, **context):
    ((_, row),) = vertex.FORMAT.read(record, Context(**context))
    return row


def test_a_streamed_row_of_the_table():
    row = read(ROWS[0])
    expected = {
        "interaction_id": "7411111111111111111",
        "started_at": 1783418400251934,
        "account_id": "acct-512",
        "organization_id": "123456",
        "conversation_id": "s-9",
        "operation": "generate_content",
        "request_model": "gemini-2.5-pro",
        "response_model": "gemini-2.5-pro",
        "input_tokens": 15,
        "output_tokens": 7,
        "reasoning_tokens": 30,
        "cached_tokens": 4,
        "system": "Be kind.",
        "transcript": "\x1euWrite a haiku",
        "response": "Old pond",
        "finish_reason": "STOP",
    }
    assert {name: row[name] for name in expected} == expected


def test_payloads_are_read_where_the_full_bodies_are_missing():
    bare = {name: value for name, value in ROWS[0].items() if not name.startswith("full_")}
    assert read(bare)["response"] == "Old pond"
    row = read(ROWS[1])
    assert (row["account_id"], row["transcript"], row["response"]) == ("acct-513", "\x1euHi", "Yo")


def test_claude_on_vertex_is_read_alike():
    asked = {"anthropic_version": "vertex-2023-10-16", "messages": [{"role": "user", "content": "Hi"}], "labels": {"user_id": "a"}}
    said = {"content": [{"type": "text", "text": "Yo"}], "stop_reason": "end_turn", "usage": {"input_tokens": 2, "output_tokens": 3}}
    row = read({**ROWS[0], "full_request": asked, "full_response": said, "api_method": "RawPredict"})
    assert (row["transcript"], row["response"], row["input_tokens"], row["output_tokens"]) == ("\x1euHi", "Yo", 2, 3)


def test_a_row_without_labels_names_nobody():
    with pytest.raises(BadRow, match=r"labels\.user_id"):
        read({**ROWS[0], "full_request": {"contents": []}})


@pytest.mark.parametrize("given", [AUDIT, {**AUDIT["protoPayload"], "timestamp": AUDIT["timestamp"], "insertId": "abc123"}])
def test_an_audit_record_whole_or_peeled(given):
    row = read(given)
    expected = {
        "interaction_id": "abc123",
        "started_at": 1783418400251934,
        "account_id": "caller@example.iam.gserviceaccount.com",
        "organization_id": "example",
        "operation": "generate_content",
        "request_model": "gemini-2.5-pro",
        "http_status": 429,
        "error_type": "RESOURCE_EXHAUSTED",
        "client_ip": "203.0.113.77",
        "user_agent": "google-genai-sdk/1.9.0 gl-python/3.12",
    }
    assert {name: row[name] for name in expected} == expected


def test_a_peeled_audit_record_has_the_time_of_its_request():
    sent = {**AUDIT["protoPayload"]["requestMetadata"], "requestAttributes": {"time": "2026-07-07T10:00:00.25Z"}}
    row = read({**AUDIT["protoPayload"], "requestMetadata": sent})
    assert row["started_at"] == 1783418400250000
    assert len(row["interaction_id"]) == 32


def test_a_stream_is_one_call_and_other_methods_are_none():
    began, ended = ({**AUDIT, "operation": {"id": "op-1", which: True}} for which in ("first", "last"))
    assert read(began)["interaction_id"] == "op-1"
    assert list(vertex.FORMAT.read(ended, Context())) == []
    other = {**AUDIT, "protoPayload": {**AUDIT["protoPayload"], "methodName": "google.cloud.aiplatform.v1.EndpointService.ListEndpoints"}}
    assert list(vertex.FORMAT.read(other, Context())) == []
