"""Hosted gateways' exports: Helicone, Cloudflare AI Gateway, Portkey, OpenRouter."""

import json
from pathlib import Path

import pytest

from stillhunt.errors import BadRow
from stillhunt.intake.formats import Context, cloudflare, helicone, openrouter, portkey
from stillhunt.intake.opening import open_source
from stillhunt.intake.registry import guess

SAMPLES = Path(__file__).with_name("samples")


def samples(name):
    return json.loads((SAMPLES / f"{name}.json").read_text())


def read(form, record, **context):
    ((_, row),) = form.read(record, Context(**context))
    return row


def shown(row, expected):
    return {name: row[name] for name in expected}


SAID = {
    "started_at": 1783418400251000,
    "ended_at": 1783418401777000,
    "account_id": "acct-512",
    "conversation_id": "s-9",
    "operation": "chat",
    "response_model": "llama-3-70b-instruct",
    "input_tokens": 15,
    "output_tokens": 7,
    "cached_tokens": 4,
    "http_status": 200,
    "system": "Be kind.",
    "transcript": "\x1euWrite a haiku",
    "response": "Old pond",
    "finish_reason": "stop",
    "request_parameters": '{"temperature":0.7}',
}


def test_a_helicone_request():
    expected = {**SAID, "interaction_id": "a0000000-0000-4000-8000-000000000001", "organization_id": "blue", "client_ip": "203.0.113.77"}
    assert shown(read(helicone.FORMAT, samples("helicone")[0]), expected) == expected


def test_helicones_own_statuses_are_no_http_statuses():
    row = read(helicone.FORMAT, samples("helicone")[1])
    assert (row["http_status"], row["error_type"], row["input_tokens"], row["response"]) == (None, "cancelled", None, None)
    for status in (-1, "-2", -4.0, 0, None):
        assert read(helicone.FORMAT, {**samples("helicone")[1], "response_status": status})["http_status"] is None


def test_a_helicone_property_names_the_account_before_the_user():
    record = {**samples("helicone")[0], "request_properties": {"Customer-Id": "c-1"}}
    assert read(helicone.FORMAT, record)["account_id"] == "c-1"
    with pytest.raises(BadRow, match="Helicone-User-Id"):
        read(helicone.FORMAT, {**record, "request_properties": None, "request_user_id": None})


def test_a_cloudflare_record_of_logpush():
    row = read(cloudflare.FORMAT, samples("cloudflare")[0])
    expected = {**SAID, "organization_id": "main", "client_ip": "203.0.113.77", "request_model": "dynamic/chat"}
    expected["response_model"] = "llama-3-70b"
    assert shown(row, expected) == expected
    assert row["interaction_id"] == read(cloudflare.FORMAT, samples("cloudflare")[0])["interaction_id"]


def test_encrypted_bodies_are_no_text_and_a_limited_request_is_refused():
    row = read(cloudflare.FORMAT, samples("cloudflare")[1])
    assert (row["transcript"], row["response"], row["http_status"], row["error_type"]) == (None, None, 429, "rate_limited")


def test_decrypted_bodies_are_text():
    record = {**samples("cloudflare")[1], "RequestBody": {"type": "plain", "data": '{"messages":[{"role":"user","content":"Hi"}]}'}}
    assert read(cloudflare.FORMAT, record)["transcript"] == "\x1euHi"


def test_a_cloudflare_record_of_the_api():
    row = read(cloudflare.FORMAT, samples("cloudflare_api")[0])
    expected = {
        "interaction_id": "01J0000000000000000000001",
        "account_id": "acct-514",
        "input_tokens": 9,
        "output_tokens": 3,
        "http_status": 200,
        "ended_at": 1783418403402000,
        "transcript": None,
    }
    assert shown(row, expected) == expected
    with pytest.raises(BadRow, match="cf-aig-metadata"):
        read(cloudflare.FORMAT, {**samples("cloudflare_api")[0], "metadata": None})


def test_a_portkey_record():
    row = read(portkey.FORMAT, samples("portkey")[0])
    expected = {**SAID, "organization_id": "blue", "user_agent": "OpenAI/Python 2.3.0"}
    assert shown(row, expected) == expected
    assert "sk-example" not in json.dumps(row)


def test_portkey_bodies_as_text_and_a_failure():
    row = read(portkey.FORMAT, samples("portkey")[1])
    assert (row["transcript"], row["error_type"], row["http_status"], row["account_id"]) == (
        "\x1euWrite a haiku",
        "rate_limit_error",
        429,
        "acct-513",
    )
    with pytest.raises(BadRow, match="x-portkey-metadata"):
        read(portkey.FORMAT, {**samples("portkey")[1], "metadata": {}})


def test_an_openrouter_row():
    row = read(openrouter.FORMAT, samples("openrouter")[0])
    expected = {
        "interaction_id": "gen-1783418400-exampleAAA",
        "started_at": 1783418400251000,
        "ended_at": 1783418401777000,
        "account_id": "acct-512",
        "key_id": "backend",
        "request_model": "example/large-2026",
        "input_tokens": 10389,
        "output_tokens": 137,
        "reasoning_tokens": 20,
        "cached_tokens": 4000,
        "finish_reason": "stop",
    }
    assert shown(row, expected) == expected
    assert "transcript" not in row
    assert not openrouter.FORMAT.sees & {"messages", "response"}


def test_without_a_user_the_key_is_the_account():
    row = read(openrouter.FORMAT, samples("openrouter")[1])
    assert (row["account_id"], row["key_id"]) == ("acct-513-key", "acct-513-key")
    with pytest.raises(BadRow, match="user"):
        read(openrouter.FORMAT, {**samples("openrouter")[1], "api_key_name": ""})


@pytest.mark.parametrize("camel", [False, True])
def test_a_generation_from_openrouters_api(camel):
    names = (
        "id",
        "created_at",
        "external_user",
        "tokens_prompt",
        "tokens_completion",
        "native_tokens_prompt",
        "native_tokens_completion",
        "generation_time",
    )
    values = ("gen-1", "2026-07-07T10:00:00+00:00", "acct-9", 10, 20, 11, 22, 1200)
    if camel:
        names = [name.split("_")[0] + "".join(word.capitalize() for word in name.split("_")[1:]) for name in names]
    row = read(openrouter.FORMAT, dict(zip(names, values, strict=True)))
    assert (row["interaction_id"], row["account_id"], row["input_tokens"], row["output_tokens"]) == ("gen-1", "acct-9", 11, 22)
    assert row["ended_at"] - row["started_at"] == 1200000


def test_openrouters_csv_is_recognised(tmp_path):
    rows = samples("openrouter")
    path = tmp_path / "openrouter_activity.csv"
    path.write_text("\n".join([",".join(rows[0]), *(",".join(row.get(name, "") for name in rows[0]) for row in rows)]) + "\n")
    opened = open_source(path)
    assert (opened.framing, guess(opened.sample)[0].name) == ("csv", "openrouter")


def test_what_helicone_left_out_is_no_text():
    record = {**samples("helicone")[0], "request_body": {"helicone_message": "omitted"}, "response_body": {"heliconeMessage": "omitted"}}
    row = read(helicone.FORMAT, record)
    assert (row["transcript"], row["response"], row["input_tokens"]) == (None, None, 15)


@pytest.mark.parametrize("path", ["/v1/models", "/v1/files/file-1/content", "/v1/batches?limit=1", "/v1/fine_tuning/jobs"])
def test_listings_files_and_batches_are_no_calls(path):
    url = f"https://llm.example.com{path}"
    assert list(helicone.FORMAT.read({**samples("helicone")[0], "request_path": url}, Context())) == []
    assert list(portkey.FORMAT.read({**samples("portkey")[0], "request_url": url}, Context())) == []


def test_geminis_path_with_its_models_is_a_call():
    url = "https://llm.example.com/v1beta/models/gemini-2.5-pro:generateContent"
    assert read(helicone.FORMAT, {**samples("helicone")[0], "request_path": url})["operation"] == "generate_content"


def test_the_member_who_owns_a_key_of_openrouter_is_not_the_account():
    member = "user_2abcdefghijklmnopqrstuvwxyz"
    assert read(openrouter.FORMAT, {**samples("openrouter")[0], "user": member})["account_id"] == "backend"
    assert read(openrouter.FORMAT, {**samples("openrouter")[0], "user": member, "api_key_name": ""})["account_id"] == member
