"""Azure: the resource log of Azure OpenAI, and API Management's two logs put together."""

import csv
import json
from pathlib import Path

import pytest

from stillhunt.errors import BadRow
from stillhunt.intake.formats import Context, azure_apim, azure_openai
from stillhunt.intake.formats.azure_openai import azure_time
from stillhunt.intake.opening import open_source
from stillhunt.intake.registry import guess

SAMPLES = Path(__file__).with_name("samples")
CALLS = json.loads((SAMPLES / "azure_openai.json").read_text())
LOGS = json.loads((SAMPLES / "azure_apim.json").read_text())


def read(form, records, context=None):
    """All interactions of `records`, indexed first."""
    context = context or Context()
    for record in records:
        form.index(record, context)
    return [row for record in records for table, row in form.read(record, context) if table == "interactions"]


def test_a_record_of_the_resource_log():
    (row,) = read(azure_openai.FORMAT, CALLS[:1])
    expected = {
        "interaction_id": "3f0c1d54-0000-4000-8000-000000000001",
        "started_at": 1783418400251934,
        "ended_at": 1783418401777934,
        "account_id": "9a1e0000-0000-4000-8000-00000000c0de",
        "organization_id": "example-aoai",
        "operation": "chat",
        "request_model": "chat-large",
        "response_model": "gpt-4o",
        "http_status": 200,
        "client_ip": None,
    }
    assert {name: row[name] for name in expected} == expected


def test_a_row_of_log_analytics_is_read_alike():
    (row,) = read(azure_openai.FORMAT, CALLS[1:])
    assert (row["operation"], row["http_status"], row["request_model"]) == ("embeddings", 429, "embed")
    assert (row["started_at"], row["ended_at"]) == (1783418402000000, 1783418402012000)
    assert row["account_id"] == "9a1e0000-0000-4000-8000-00000000beef"


def test_audit_records_and_listings_are_no_calls():
    for changes in ({"category": "Audit", "operationName": "ListKey"}, {"operationName": "ListModels"}, {"operationName": "Files_Upload"}):
        assert read(azure_openai.FORMAT, [{**CALLS[0], **changes}]) == []


def test_a_call_with_the_resources_key_names_nobody():
    record = {**CALLS[0], "properties": {"modelName": "gpt-4o"}}
    with pytest.raises(BadRow, match=r"Entra ID.*azure-apim"):
        read(azure_openai.FORMAT, [record])


@pytest.mark.parametrize("given", ["2026-07-07T10:00:00Z", "7/7/2026, 10:00:00.000 AM", "7/7/2026 10:00:00 AM"])
def test_times_as_the_portal_writes_them(given):
    assert azure_time(given, "time") == 1783418400000000


@pytest.mark.parametrize("order", [LOGS, LOGS[::-1], [LOGS[3], LOGS[0], LOGS[2], LOGS[1]]])
def test_gateway_and_model_log_become_one_call_in_any_order(order):
    (row,) = read(azure_apim.FORMAT, order)
    expected = {
        "interaction_id": "c0000000-0000-4000-8000-000000000001",
        "started_at": 1783418400251000,
        "ended_at": 1783418401777000,
        "account_id": "sub-512",
        "organization_id": "starter",
        "key_id": "sub-512",
        "operation": "chat",
        "request_model": "chat-large",
        "response_model": "gpt-4o-2024-11-20",
        "input_tokens": 15,
        "output_tokens": 7,
        "http_status": 200,
        "client_ip": "203.0.113.77",
        "user_agent": "OpenAI/Python 2.3.0",
        "system": "Be kind.",
        "transcript": "\x1euWrite a haiku",
        "response": "Old pond",
    }
    assert {name: row[name] for name in expected} == expected
    assert "0123456789abcdef" not in json.dumps(row)


def test_the_gateway_log_alone_is_calls_without_text_and_other_paths_are_none():
    (row,) = read(azure_apim.FORMAT, LOGS[:1])
    assert (row["account_id"], row["transcript"], row["input_tokens"]) == ("sub-512", None, None)
    other = {**LOGS[0], "properties": {**LOGS[0]["properties"], "url": "https://llm.example.com/status"}}
    assert read(azure_apim.FORMAT, [other]) == []


def test_the_model_log_alone_does_not_say_who_called():
    with pytest.raises(BadRow, match="apimSubscriptionId"):
        read(azure_apim.FORMAT, LOGS[1:])
    (row,) = read(azure_apim.FORMAT, LOGS[1:], Context(account_optional=True))
    assert (row["account_id"], row["transcript"], row["output_tokens"]) == (None, "\x1euWrite a haiku", 7)


def test_bodies_that_the_gateway_log_holds_are_read_where_there_is_no_model_log():
    inner = {
        "requestBody": '{"messages":[{"role":"user","content":"Hi"}],"user":"u-1","temperature":0}',
        "responseBody": '{"choices":[{"message":{"content":"Yo"}}],"usage":{"prompt_tokens":3,"completion_tokens":2}}',
    }
    (row,) = read(azure_apim.FORMAT, [{**LOGS[0], "properties": {**LOGS[0]["properties"], **inner}}])
    assert (row["transcript"], row["response"], row["input_tokens"], row["output_tokens"]) == ("\x1euHi", "Yo", 3, 2)
    assert (row["end_user_id"], row["request_parameters"]) == ("u-1", '{"temperature":0}')


def test_an_api_without_subscriptions_has_the_digest_of_its_key_as_account():
    inner = {**LOGS[0]["properties"], "apimSubscriptionId": None, "userId": None}
    (row,) = read(azure_apim.FORMAT, [{**LOGS[0], "properties": inner}])
    assert row["account_id"].startswith("key-")
    assert "0123456789abcdef" not in json.dumps(row)


def test_a_table_exported_from_the_portal_is_recognised_and_read(tmp_path):
    row = {
        "TimeGenerated [UTC]": "7/7/2026, 10:00:00.000 AM",
        "ResourceProvider": "MICROSOFT.COGNITIVESERVICES",
        "Category": "RequestResponse",
        "OperationName": "ChatCompletions_Create",
        "CorrelationId": "c-1",
        "ResultSignature": "200",
        "properties_s": json.dumps({"objectId": "o-1", "modelName": "gpt-4o"}),
    }
    path = tmp_path / "query_data.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
    opened = open_source(path)
    assert guess(opened.sample)[0].name == "azure-openai"
    (found,) = read(azure_openai.FORMAT, opened.sample.records)
    assert (found["account_id"], found["started_at"], found["http_status"]) == ("o-1", 1783418400000000, 200)


def test_a_retrieval_through_the_gateway_is_no_call():
    assert read(azure_apim.FORMAT, [{**LOGS[0], "properties": {**LOGS[0]["properties"], "method": "GET"}}]) == []
