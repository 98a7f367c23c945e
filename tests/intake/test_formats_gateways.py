"""Gateways' access logs (Envoy AI Gateway, Kong): who called from where, with what client, and how it ended."""

import json
from pathlib import Path

import pytest

from stillhunt.errors import BadRow
from stillhunt.intake.formats import Context, envoy_ai, kong
from stillhunt.intake.formats.envoy_ai import operation_of

SAMPLES = Path(__file__).with_name("samples")


def samples(name):
    return json.loads((SAMPLES / f"{name}.json").read_text())


def read(form, record, context=None):
    return dict(form.read(record, context or Context()))["interactions"]


def envoy(index=0, **changes):
    return read(envoy_ai.FORMAT, {**samples("envoy_ai")[index], **changes})


def test_an_envoy_record_with_the_documented_keys():
    expected = {
        "interaction_id": "83b63da3-45a9-4196-98b8-1a7f697d6d8d",
        "started_at": 1783418400251000,
        "ended_at": 1783418401777000,
        "account_id": "acct-512",
        "operation": "chat",
        "request_model": "small-2",
        "response_model": None,
        "input_tokens": 15,
        "output_tokens": 7,
        "http_status": 200,
        "error_type": None,
        "client_ip": "203.0.113.77",
        "user_agent": "OpenAI/Python 2.3.0",
        "tls_ja4": "t13d1516h2_8daaf6152771_02713d6af862",
    }
    row = envoy()
    assert {name: row[name] for name in expected} == expected


def test_an_envoy_record_with_conventional_names_and_nested_keys():
    row = envoy(1)
    assert (row["interaction_id"], row["account_id"], row["input_tokens"], row["user_agent"]) == ("r-2", "acct-513", 12, "curl/8.7.1")
    assert (row["operation"], row["response_model"]) == ("chat", "large-1-2026")


def test_a_client_that_went_away_has_no_status():
    assert (envoy(1)["http_status"], envoy(1)["error_type"]) == (None, "DC")
    with pytest.raises(BadRow, match="response_code"):
        envoy(response_code=42)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.1:5", "198.51.100.1", "203.0.113.1"),
        ("10.0.0.1:5", "198.51.100.66, 203.0.113.5", "203.0.113.5"),
        ("10.0.0.1:5", "203.0.113.5, 10.0.0.7, 172.16.0.1", "203.0.113.5"),
        ("10.0.0.1:5", "10.9.9.9", "10.9.9.9"),
        ("10.0.0.1:5", None, "10.0.0.1"),
        (None, "nonsense, 203.0.113.5", "203.0.113.5"),
        (None, None, None),
        ("[2001:db8::5]:443", "203.0.113.5", "2001:db8::5"),
    ],
)
def test_what_a_client_writes_into_x_forwarded_for_does_not_count(peer, forwarded, client):
    assert envoy(downstream_remote_address=peer, **{"x-forwarded-for": forwarded})["client_ip"] == client


@pytest.mark.parametrize("key", ["x-account-id", "X-User-Id", "account_id", "authorization_principal", "jwt_sub", "x-consumer-id"])
def test_the_account_comes_from_common_keys_flat_or_nested(key):
    record = {name: value for name, value in samples("envoy_ai")[0].items() if name != "x-account-id"}
    assert read(envoy_ai.FORMAT, {**record, key: "acct-1"})["account_id"] == "acct-1"
    assert read(envoy_ai.FORMAT, {**record, "request_headers": {key: "acct-1"}})["account_id"] == "acct-1"
    for nothing in ("-", " ", ""):
        with pytest.raises(BadRow, match="x-account-id"):
            read(envoy_ai.FORMAT, {**record, key: nothing})


def test_logged_headers_keep_their_order():
    row = envoy(request_headers={"host": "a.example.com", "accept": "*/*", "x-stainless-lang": "js"})
    assert list(json.loads(row["client_headers"])) == ["host", "accept", "x-stainless-lang"]


def test_requests_to_no_model_are_of_another_kind():
    record = {**samples("envoy_ai")[0], "genai_model_name": None, "x-envoy-origin-path": "/healthz"}
    assert list(envoy_ai.FORMAT.read(record, Context())) == []


@pytest.mark.parametrize(
    ("field", "value"), [("x-request-id", None), ("start_time", "soon"), ("duration", -1), ("genai_tokens_input", "x")]
)
def test_a_wrong_envoy_value_is_a_bad_row(field, value):
    with pytest.raises(BadRow, match=field):
        envoy(**{field: value})


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/v1/chat/completions", "chat"),
        ("/openai/deployments/x/chat/completions?api-version=1", "chat"),
        ("/v1/messages/", "chat"),
        ("/v1/responses", "chat"),
        ("/v1/completions", "text_completion"),
        ("/v1/embeddings", "embeddings"),
        ("/v1beta/models/m:streamGenerateContent", "generate_content"),
        ("/v1/models", None),
        (None, None),
    ],
)
def test_the_path_tells_the_operation(path, operation):
    assert operation_of(path) == operation


# --------------------------------------------------------------------------------------------------------------------


def test_a_kong_record_with_payloads():
    record = samples("kong")[0]
    expected = {
        "interaction_id": "0a1b2c3d4e5f",
        "started_at": 1783418400251000,
        "ended_at": 1783418402062000,
        "account_id": "7c1b0c52-6d1c-4c7f-8f0e-0f0e7f5b1a11",
        "key_id": "key-cred-4",
        "end_user_id": "u-3",
        "operation": "chat",
        "request_model": "large-1",
        "response_model": "large-1-2026-05-14",
        "input_tokens": 20,
        "output_tokens": 40,
        "http_status": 200,
        "finish_reason": "stop",
        "conversation_id": "s-9",
        "client_ip": "198.51.100.77",
        "user_agent": "OpenAI/Python 2.3.0",
        "transcript": "\x1euHallo",
        "response": "Guten Tag",
        "_request_ids": ["client-1"],
    }
    row = read(kong.FORMAT, record)
    assert {name: row[name] for name in expected} == expected
    assert json.loads(row["client_headers"])["authorization"] == ""


def test_the_consumers_account_comes_once_with_its_creation():
    context = Context()
    rows = [pair for _ in range(2) for pair in kong.FORMAT.read(samples("kong")[0], context)]
    assert [row for table, row in rows if table == "accounts"] == [
        {"account_id": "7c1b0c52-6d1c-4c7f-8f0e-0f0e7f5b1a11", "created_at": 1751328000000000}
    ]


def test_the_older_namespace_of_the_plugin_without_payloads_and_consumer():
    row = read(kong.FORMAT, samples("kong")[1])
    assert (row["account_id"], row["input_tokens"], row["transcript"]) == ("7c1b0c52-6d1c-4c7f-8f0e-0f0e7f5b1a11", 20, None)


def test_the_proxy_counts_where_several_plugins_log():
    record = samples("kong")[0]
    record["ai"]["ai-prompt-compressor"] = {"usage": {"prompt_tokens": 999}}
    assert read(kong.FORMAT, record)["input_tokens"] == 20


def test_requests_without_a_model_are_of_another_kind():
    record = samples("kong")[0]
    del record["ai"]
    assert list(kong.FORMAT.read(record, Context())) == []


def test_a_kong_record_of_nobody_is_a_bad_row():
    record = {**samples("kong")[0], "consumer": None, "authenticated_entity": []}
    with pytest.raises(BadRow, match="consumer"):
        read(kong.FORMAT, record)


@pytest.mark.parametrize(
    ("field", "value"), [("started_at", 1783418400), ("started_at", None), ("client_ip", 4), ("latencies", "x"), ("response", "x")]
)
def test_a_wrong_kong_value_is_a_bad_row(field, value):
    with pytest.raises(BadRow, match=field):
        read(kong.FORMAT, {**samples("kong")[0], field: value})


@pytest.mark.parametrize("form", [envoy_ai.FORMAT, kong.FORMAT])
def test_gateways_see_the_client_and_say_what_they_hide(form):
    assert {"account_id", "client_ip", "user_agent"} <= form.sees
    assert {"messages", "response", "email"} <= set(form.hides)
