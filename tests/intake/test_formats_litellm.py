"""LiteLLM's two logs: whose call it is, what was said, when and how it ended."""

import csv
import io
import json
from pathlib import Path

import pytest

from stillhunt.errors import BadRow
from stillhunt.intake.formats import Context, litellm, litellm_spend

SAMPLES = Path(__file__).with_name("samples")
KEY = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b"


def payloads():
    return json.loads((SAMPLES / "litellm.json").read_text())


def spend():
    return json.loads((SAMPLES / "litellm_spend.json").read_text())[0]


def read(record, context=None, form=litellm.FORMAT):
    rows = dict(form.read(record, context or Context()))
    return rows["interactions"]


def changed(record, **metadata):
    return {**record, "metadata": {**record["metadata"], **metadata}}


def test_a_payload_becomes_the_whole_interaction():
    row = read(payloads()[0])
    assert {
        name: row[name] for name in row if name not in ("tools", "messages", "request_parameters", "client_headers", "_request_ids")
    } == {
        "interaction_id": "0b8f3f5e-7d0e-4f4b-9c55-1f1f6a2b7c01",
        "started_at": 1783418400251934,
        "ended_at": 1783418404882115,
        "account_id": "user-1007",
        "organization_id": "team-41",
        "key_id": KEY,
        "end_user_id": "visitor-5",
        "surface": "api",
        "operation": "chat",
        "request_model": "large-1",
        "response_model": "large-1-2026-05-14",
        "input_tokens": 57,
        "output_tokens": 261,
        "reasoning_tokens": 128,
        "cached_tokens": 32,
        "http_status": 200,
        "finish_reason": "stop",
        "error_type": None,
        "conversation_id": None,
        "client_ip": "203.0.113.9",
        "user_agent": "OpenAI/Python 2.3.0",
        "system": "Answer as a patient teacher.",
        "transcript": "\x1euWhat does this chart show?",
        "response": "It shows a rising line.",
        "reasoning": "The axis is labelled in years.",
        "tool_count": 1,
        "truncated": False,
    }
    assert list(json.loads(row["client_headers"])) == ["x-stainless-lang", "x-stainless-package-version", "x-stainless-os"]
    assert json.loads(row["request_parameters"]) == {"temperature": 0.2, "max_tokens": 512}
    assert json.loads(row["tools"])[0]["function"]["name"] == "lookup"
    assert row["_request_ids"] == ["chatcmpl-9f1c2e7a"]


def test_a_failure_keeps_its_status_and_has_no_response():
    row = read(payloads()[1])
    assert (row["http_status"], row["error_type"], row["response"], row["response_model"]) == (429, "RateLimitError", None, None)
    assert row["conversation_id"] == "conv-77"


@pytest.mark.parametrize("user", [None, "", "default_user_id"])
def test_without_a_user_the_key_is_the_account_and_never_the_team(user):
    row = read(changed(payloads()[0], user_api_key_user_id=user))
    assert (row["account_id"], row["organization_id"]) == (KEY, "team-41")
    with pytest.raises(BadRow, match="user_api_key_hash"):
        read(changed(payloads()[0], user_api_key_user_id=user, user_api_key_hash=None))


def test_the_organization_comes_before_the_team():
    assert read(changed(payloads()[0], user_api_key_org_id="org-1"))["organization_id"] == "org-1"


def test_the_account_with_its_e_mail_comes_once_a_context():
    context = Context()
    first, again = (list(litellm.FORMAT.read(payloads()[0], context)) for _ in range(2))
    assert first[1] == ("accounts", {"account_id": "user-1007", "organization_id": "team-41", "email": "ada.k@example.org"})
    assert [table for table, _ in again] == ["interactions"]


@pytest.mark.parametrize(
    ("code", "status"), [("429", 429), (500, 500), ("", None), ("None", None), ("context_length_exceeded", None), (None, None)]
)
def test_a_failure_without_a_number_has_no_status(code, status):
    record = {**payloads()[1], "error_information": {"error_code": code, "error_class": "SomeError"}}
    assert read(record)["http_status"] == status


def test_a_session_is_the_conversation_but_the_calls_own_id_is_not():
    record = payloads()[0]
    assert read({**record, "session_id": "s-1"})["conversation_id"] == "s-1"
    assert read({**record, "session_id": record["id"], "trace_id": "t-2"})["conversation_id"] == "t-2"
    assert read({**record, "session_id": record["litellm_call_id"]})["conversation_id"] is None


def test_headers_of_the_proxied_request_come_first_in_order_and_without_credentials():
    sent = {"host": "gw.example.com", "authorization": "Bearer abc", "accept": "*/*", "X-Stainless-Lang": "python"}
    row = read({**payloads()[0], "proxy_server_request": {"headers": sent}})
    assert json.loads(row["client_headers"]) == {
        **sent,
        "authorization": "",
        "x-stainless-package-version": "2.3.0",
        "x-stainless-os": "Linux",
    }


def test_instructions_among_the_parameters_are_the_system_prompt():
    row = read({**payloads()[0], "messages": "Say hi.", "model_parameters": {"instructions": "Be brief.", "top_p": 1}})
    assert (row["system"], row["transcript"], row["request_parameters"]) == ("Be brief.", "\x1euSay hi.", '{"top_p":1}')


def test_a_tool_servers_call_is_no_interaction():
    assert list(litellm.FORMAT.read({**payloads()[0], "call_type": "call_mcp_tool"}, Context())) == []


BAD = [
    ("startTime", None),
    ("startTime", float("nan")),
    ("startTime", 1783418400251),
    ("startTime", True),
    ("startTime", -1),
    ("endTime", "soon"),
    ("id", ["x"]),
    ("id", "a\0b"),
    ("id", "\ud800"),
    ("id", True),
    ("prompt_tokens", -1),
    ("prompt_tokens", True),
    ("prompt_tokens", 1.5),
    ("prompt_tokens", float("inf")),
    ("completion_tokens", 2**63),
    ("completion_tokens", "many"),
    ("model", 3),
    ("metadata", "x"),
    ("metadata", [1]),
    ("end_user", True),
    ("user_agent", ["x"]),
    ("requester_ip_address", 5),
    ("model_parameters", 5),
]


@pytest.mark.parametrize(("field", "value"), BAD)
def test_a_wrong_value_is_a_bad_row_that_names_the_field(field, value):
    with pytest.raises(BadRow, match=field):
        read({**payloads()[0], field: value})


@pytest.mark.parametrize("code", ["99", 600, "1000"])
def test_a_status_beyond_http_is_a_bad_row(code):
    with pytest.raises(BadRow, match="error_code"):
        read({**payloads()[1], "error_information": {"error_code": code}})


def test_the_call_has_the_proxys_id_else_the_responses_and_else_none():
    record = payloads()[0]
    for nothing in (None, "", "None", "null", "undefined"):
        assert read({**record, "id": nothing})["interaction_id"] == record["litellm_call_id"]
        assert read({**record, "litellm_call_id": nothing})["interaction_id"] == record["id"]
        assert read({**record, "id": nothing, "litellm_call_id": nothing})["interaction_id"] is None


def test_numbers_as_ids_become_text():
    row = read(changed({**payloads()[0], "id": 17, "litellm_call_id": None}, user_api_key_user_id=4))
    assert (row["interaction_id"], row["account_id"]) == ("17", "4")


def test_an_address_that_is_none_is_not_shared_by_everybody():
    assert read(changed({**payloads()[0], "requester_ip_address": "unknown"}))["client_ip"] is None


# --------------------------------------------------------------------------------------------------------------------
# Spend logs


def test_a_spend_log_becomes_the_interaction_with_the_stored_request():
    row = read(spend(), form=litellm_spend.FORMAT)
    expected = {
        "interaction_id": "aa11bb22",
        "started_at": 1783415722104000,
        "ended_at": 1783415724000000,
        "account_id": "user-2050",
        "organization_id": "team-9",
        "operation": "chat",
        "request_model": "small-2",
        "response_model": "small-2-0301",
        "input_tokens": 30,
        "output_tokens": 60,
        "cached_tokens": 4,
        "http_status": 200,
        "finish_reason": "length",
        "conversation_id": "sess-3",
        "client_ip": "198.51.100.20",
        "user_agent": "curl/8.7.1",
        "system": "Be brief.",
        "transcript": "\x1euName three rivers.",
        "response": "Half an answer",
        "request_parameters": '{"temperature":0}',
    }
    assert {name: row[name] for name in expected} == expected


def test_a_csv_export_reads_like_the_json_export():
    record = spend()
    file = io.StringIO()
    writer = csv.DictWriter(file, record)
    writer.writeheader()
    writer.writerow({name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in record.items()})
    exported = next(csv.DictReader(io.StringIO(file.getvalue())))
    assert read(exported, form=litellm_spend.FORMAT) == read(record, form=litellm_spend.FORMAT)


def test_a_csv_export_of_the_database_writes_times_without_a_zone():
    row = read({**spend(), "startTime": "2026-07-07 09:15:22.104", "endTime": ""}, form=litellm_spend.FORMAT)
    assert (row["started_at"], row["ended_at"]) == (1783415722104000, None)


def test_messages_of_older_versions_come_before_the_stored_request():
    row = read({**spend(), "messages": [{"role": "user", "content": "Older."}]}, form=litellm_spend.FORMAT)
    assert row["transcript"] == "\x1euOlder."


def test_without_stored_prompts_there_is_no_text():
    row = read({**spend(), "messages": "{}", "response": "{}", "proxy_server_request": "{}"}, form=litellm_spend.FORMAT)
    assert (row["transcript"], row["system"], row["response"], row["request_parameters"]) == (None, None, None, None)


def test_a_spend_log_that_was_cut_says_so():
    row = read({**spend(), "proxy_server_request": '{"litellm_truncated": true}'}, form=litellm_spend.FORMAT)
    assert (row["truncated"], row["transcript"]) == (True, None)
    request = {"messages": [{"role": "user", "content": "Begin... (litellm_truncated 4000 chars) ...end"}]}
    assert read({**spend(), "proxy_server_request": request}, form=litellm_spend.FORMAT)["truncated"]


def test_a_failed_spend_log_has_its_status():
    record = {
        **spend(),
        "status": "failure",
        "metadata": {"status": "failure", "error_information": {"error_code": "429", "error_class": "RateLimitError"}},
    }
    row = read(record, form=litellm_spend.FORMAT)
    assert (row["http_status"], row["error_type"]) == (429, "RateLimitError")


@pytest.mark.parametrize("user", ["", None, "default_user_id"])
def test_a_spend_log_without_a_user_belongs_to_the_key(user):
    record = {**spend(), "user": user, "metadata": {}}
    assert read(record, form=litellm_spend.FORMAT)["account_id"] == record["api_key"]
    with pytest.raises(BadRow, match="api_key"):
        read({**record, "api_key": ""}, form=litellm_spend.FORMAT)


@pytest.mark.parametrize("form", [litellm.FORMAT, litellm_spend.FORMAT])
def test_what_is_seen_and_what_is_hidden_are_columns_and_advice(form):
    assert {"account_id", "interaction_id", "started_at", "client_ip"} <= form.sees
    assert "tls_ja4" in form.hides
    assert "tls_ja4" not in form.sees
    assert not form.two_pass
