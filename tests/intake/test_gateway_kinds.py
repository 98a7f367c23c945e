"""Kong's and Langfuse's records as they really are, and what holds for whoever is named in any format."""

import json
from pathlib import Path

import pytest

from stillhunt.errors import BadRow, UnknownCaller
from stillhunt.intake.formats import Context, canonical, envoy_ai, kong, langfuse, openai_body
from stillhunt.intake.formats.usage import Tokens, tokens_of
from stillhunt.intake.framing import Block
from stillhunt.intake.rows import INTAKE_TABLES, read_tables

SAMPLES = Path(__file__).with_name("samples")
PLACEHOLDERS = ["None", "null", "NULL", "\\N", "nan", "undefined", "anonymous", "unknown", "default_user_id", " - "]


def case(form, name):
    data = (SAMPLES / "cases" / f"{name}.jsonl").read_bytes()
    context = Context()
    for line in data.splitlines():
        form.index(json.loads(line), context)
    batch, tables = read_tables(Block("x", "lines", data), form, context, INTAKE_TABLES)
    return batch, tables["interactions"].to_pylist()


def read(form, record, **options):
    context = Context(**options)
    form.index(record, context)
    return [row for table, row in form.read(record, context) if table == "interactions"]


# --------------------------------------------------------------------------------------------------------------------
# Tokens


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 1, "completion_tokens": 2}, (1, 2, None, None)),
        ({"prompt_token": 1, "completion_token": 2, "total_tokens": 3}, (1, 2, None, None)),
        ({"input_tokens": "1", "output_tokens": 2.0, "input_tokens_details": {"cached_tokens": 4}}, (1, 2, None, 4)),
        ({"inputTokens": 1, "outputTokens": 2, "cacheReadInputTokens": 5}, (1, 2, None, 5)),
        ({"promptTokenCount": 1, "candidatesTokenCount": 2, "thoughtsTokenCount": 3}, (1, 2, 3, None)),
        ({"prompt_tokens": 0, "input_tokens": 8, "completion_tokens": 0}, (8, 0, None, None)),
        ('{"prompt_tokens": 1, "completion_tokens_details": {"reasoning_tokens": 6}}', (1, None, 6, None)),
        ({}, (None, None, None, None)),
        (None, (None, None, None, None)),
        ("12", (None, None, None, None)),
        ([1], (None, None, None, None)),
    ],
)
def test_counts_are_found_under_every_name(usage, counts):
    assert tokens_of(usage) == Tokens(*counts)


# --------------------------------------------------------------------------------------------------------------------
# Kong

ASKED = json.dumps({"model": "m-1", "temperature": 0, "messages": [{"role": "user", "content": "Hallo"}], "user": "u-3"})
SAID = json.dumps(
    {"choices": [{"message": {"content": "Guten Tag"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
)
META = {"request_model": "m-1", "response_model": "m-1-2026", "provider_name": "openai"}


def request(ai, **changes):
    plain = {"latencies": {"request": 1200}, "client_ip": "203.0.113.5", "started_at": 1783418400251, "consumer": {"id": "cons-1"}}
    sent = {"id": "r-1", "uri": "/chat", "method": "POST", "headers": {}}
    return {
        **plain,
        "request": sent,
        "response": {"status": 200, "headers": {}},
        "upstream_uri": "/v1/chat/completions",
        "ai": ai,
        **changes,
    }


@pytest.mark.parametrize(
    "ai",
    [
        {"payload": {"request": ASKED, "response": SAID}, "usage": {"prompt_tokens": 3, "completion_tokens": 4}, "meta": META},
        {
            "payload": {"request": ASKED},
            "proxy": {"payload": {"response": SAID}, "usage": {"input_tokens": 3, "output_tokens": 4}, "meta": META},
        },
        {"ai-proxy": {"payload": {"request": ASKED, "response": SAID}, "usage": {"prompt_token": 3, "completion_token": 4}, "meta": META}},
        {"proxy": {"payload": {"request": json.loads(ASKED), "response": json.loads(SAID)}, "usage": {}, "meta": META}},
        {"ai-guard": {"meta": {"request_model": "guard"}}, "proxy": {"meta": META}, "payload": {"request": ASKED, "response": SAID}},
    ],
)
def test_every_version_of_the_namespace_reads_the_same(ai):
    (row,) = read(kong.FORMAT, request(ai))
    assert (row["transcript"], row["response"], row["finish_reason"], row["end_user_id"]) == ("\x1euHallo", "Guten Tag", "stop", "u-3")
    assert (row["input_tokens"], row["output_tokens"], row["request_model"], row["response_model"]) == (3, 4, "m-1", "m-1-2026")
    assert (row["operation"], row["request_parameters"]) == ("chat", '{"temperature":0}')


@pytest.mark.parametrize(
    ("method", "uri"),
    [
        *(("GET", "/v1/responses/resp_1"), ("DELETE", "/chat"), ("POST", "/v1/files"), ("POST", "/v1/batches"), ("GET", "/v1/models")),
        *(("POST", "/v1/messages/count_tokens"), ("POST", "/v1/assistants?x=1")),
    ],
)
def test_a_request_that_asks_no_model_is_no_call(method, uri):
    record = request({"proxy": {"meta": META, "usage": {"prompt_tokens": 9}}})
    record["request"] |= {"method": method, "uri": uri}
    assert read(kong.FORMAT, record) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kong_v36", ("\x1euWhere does parcel nine go?", "To shelf four.", 28, 20, None, "chat")),
        ("kong_v312", ("\x1euWhere does parcel nine go?", "To shelf four.", 14, 21, 9, "chat")),
        ("kong_image", (None, None, 50, 900, None, "image_generation")),
    ],
)
def test_the_cases_of_kong_are_read(name, expected):
    batch, rows = case(kong.FORMAT, name)
    columns = ("transcript", "response", "input_tokens", "output_tokens", "cached_tokens", "operation")
    assert len(rows) == batch.records > 0
    assert {tuple(row[column] for column in columns) for row in rows} == {expected}


@pytest.mark.parametrize(
    "consumer", [{"id": "c-0", "username": "anonymous"}, {"id": "c-0", "custom_id": "unknown"}, {"id": "None"}, {}, []]
)
def test_the_consumer_of_whoever_does_not_authenticate_is_nobody(consumer):
    record = request({"proxy": {"meta": META}}, consumer=consumer)
    with pytest.raises(BadRow, match="consumer"):
        read(kong.FORMAT, record)
    with pytest.raises(UnknownCaller, match="consumer"):
        read(kong.FORMAT, {**record, "response": {"status": 401}})
    assert read(kong.FORMAT, record, account_optional=True)[0]["account_id"] is None


def test_two_sessions_of_one_end_user_are_one():
    blobs = [json.dumps({"device_id": "d-1", "session_id": f"s-{n}"}) for n in range(3)]
    asked = [json.dumps({"messages": [], "metadata": {"user_id": blob}}) for blob in blobs]
    rows = [row for one in asked for row in read(kong.FORMAT, request({"proxy": {"meta": META, "payload": {"request": one}}}))]
    assert [row["end_user_id"] for row in rows] == ["d-1"] * 3


# --------------------------------------------------------------------------------------------------------------------
# Langfuse


def observation(**changes):
    plain = {
        "id": "o-1",
        "trace_id": "t-1",
        "type": "GENERATION",
        "start_time": "2026-07-07 10:00:00.123000",
        "name": "llm",
        "level": "DEFAULT",
    }
    said = {"input": "42", "output": "7", "provided_model_name": "m-1", "usage_details": {}, "cost_details": {}, "metadata": {}}
    return {**plain, **said, "user_id": "u-1", **changes}


def test_without_usage_a_calls_text_is_not_its_count():
    batch, rows = case(langfuse.FORMAT, "langfuse_no_usage")
    assert len(rows) == batch.records
    counts = {row["interaction_id"]: (row["input_tokens"], row["output_tokens"]) for row in rows}
    assert counts["q1"] == counts["q2"] == (None, None)
    assert rows[0]["transcript"] == "\x1eu42"


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"input": 5, "output": 7, "total": 12}, (5, 7, None, None)),
        ({"input": 5, "output": 7, "input_cached_tokens": 3, "output_reasoning_tokens": 2}, (5, 7, 2, 3)),
        ({"input": 5, "output": 7, "input_cache_read": 3, "output_reasoning": 2}, (5, 7, 2, 3)),
        ({"input": 5, "output": 7, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 1}, (5, 7, None, 3)),
        ({"prompt_tokens": 5, "completion_tokens": 7}, (5, 7, None, None)),
        ({"promptTokens": 5, "completionTokens": 7}, (5, 7, None, None)),
        ({"input_text": 4, "input_audio": 1, "output_text": 7}, (5, 7, None, None)),
        ({"input": 0, "output": 0, "prompt_tokens": 5, "completion_tokens": 7}, (5, 7, None, None)),
        ([["input", 5], ["output", 7]], (5, 7, None, None)),
        ([("input", 5), ("output", 7)], (5, 7, None, None)),
        ('{"input": "5", "output": "7"}', (5, 7, None, None)),
        ({}, (None, None, None, None)),
        ("{}", (None, None, None, None)),
        (None, (None, None, None, None)),
    ],
)
def test_usage_of_every_writer_and_export_is_counted(usage, counts):
    (row,) = read(langfuse.FORMAT, observation(usage_details=usage))
    assert tuple(row[f"{name}_tokens"] for name in ("input", "output", "reasoning", "cached")) == counts


def test_counts_may_stand_in_columns_of_their_own():
    record = {"id": "o-1", "traceId": "t-1", "type": "GENERATION", "startTime": "2026-07-07T10:00:00Z", "model": "m-1", "userId": "u-1"}
    (row,) = read(langfuse.FORMAT, {**record, "promptTokens": "5", "completionTokens": "7", "input": "9"})
    assert (row["input_tokens"], row["output_tokens"], row["transcript"]) == (5, 7, "\x1eu9")


def test_the_users_of_a_trace_come_from_where_there_is_one():
    trace = {"id": "t-1", "timestamp": "2026-07-07 10:00:00", "user_id": "u-9", "session_id": "s"}
    context = Context()
    for record in (observation(user_id="anonymous"), trace):
        langfuse.FORMAT.index(record, context)
    ((_, row),) = langfuse.FORMAT.read(observation(user_id="NULL"), context)
    assert row["account_id"] == "u-9"


def test_a_call_that_a_gateway_logged_belongs_to_its_key():
    metadata = {"user_api_key_hash": "k" * 64, "user_api_key_user_id": "default_user_id"}
    (row,) = read(langfuse.FORMAT, observation(user_id=None, metadata=metadata))
    assert row["account_id"] == "k" * 64
    with pytest.raises(BadRow, match="user_id"):
        read(langfuse.FORMAT, observation(user_id=None, metadata={"user_api_key_hash": "hashed-jwt-0"}))


# --------------------------------------------------------------------------------------------------------------------
# Whoever is named, in any format


EXCHANGE = {
    "id": "x-1",
    "time": "2026-07-07T10:00:00Z",
    "request": {"model": "m-1", "messages": [{"role": "user", "content": "Hi"}]},
    "response": {"id": "r", "choices": [{"message": {"role": "assistant", "content": "Hello"}}]},
    "status": 200,
}


@pytest.mark.parametrize("word", PLACEHOLDERS)
def test_a_placeholder_is_no_account_in_any_format(word):
    for form, record in (
        (kong.FORMAT, request({"proxy": {"meta": META}}, consumer={"id": word})),
        (langfuse.FORMAT, observation(user_id=word)),
        (canonical.FORMAT, {"interaction_id": "i", "started_at": 1783418400251000, "account_id": word}),
        (canonical.FORMAT, {"account_id": word, "created_at": 1783418400251000}),
        (envoy_ai.FORMAT, {**json.loads((SAMPLES / "envoy_ai.json").read_text())[0], "x-account-id": word}),
        (openai_body.FORMAT, {**EXCHANGE, "headers": {"x-user-id": word}}),
    ):
        data = json.dumps(record).encode()
        batch, tables = read_tables(Block("x", "lines", data), form, Context(), INTAKE_TABLES)
        assert not any(table.num_rows for table in tables.values()), form.name
        assert len(batch.bad) + batch.unknown == 1, form.name


def test_an_organization_of_everybody_declares_nothing_and_an_end_user_is_one_in_each_session():
    record = {"interaction_id": "i", "started_at": 1783418400251000, "account_id": "a", "organization_id": "default", "end_user_id": ""}
    (row,) = read(canonical.FORMAT, {**record, "end_user_id": json.dumps({"user_id": "u", "session_id": "s"})})
    assert (row["organization_id"], row["end_user_id"]) == (None, "u")


def test_a_credential_that_was_refused_is_no_account_and_one_that_was_not_is_one():
    plain = {**EXCHANGE, "headers": {"authorization": "Bearer invented-credential"}}
    found = []
    for status in (200, 401):
        data = json.dumps({**plain, "status": status}).encode()
        batch, tables = read_tables(Block("x", "lines", data), openai_body.FORMAT, Context(), INTAKE_TABLES)
        found.append((batch.unknown + len(batch.bad), [row["account_id"][:4] for table in tables.values() for row in table.to_pylist()]))
    assert found == [(0, ["key-"]), (1, [])]
