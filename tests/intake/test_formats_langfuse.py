"""Langfuse's exports: enriched observations, and legacy ones joined to their traces."""

import json
from pathlib import Path

import pytest

from stillhunt.errors import BadRow
from stillhunt.intake.formats import Context
from stillhunt.intake.formats.langfuse import FORMAT

SAMPLES = Path(__file__).with_name("samples")


def samples(name):
    return json.loads((SAMPLES / f"langfuse_{name}.json").read_text())


def read(*records):
    context = Context()
    for record in records:
        FORMAT.index(record, context)
    return [row for record in records for _, row in FORMAT.read(record, context)]


def test_an_enriched_generation_is_complete_and_a_span_is_none():
    (row,) = read(*samples("events"))
    expected = {
        "interaction_id": "sp-1",
        "started_at": 1783418400251000,
        "ended_at": 1783418404882000,
        "account_id": "acct-700",
        "organization_id": "org-5",
        "operation": "chat",
        "request_model": "large-1",
        "input_tokens": 21,
        "output_tokens": 34,
        "reasoning_tokens": 10,
        "cached_tokens": 3,
        "conversation_id": "chat-3",
        "client_ip": "203.0.113.8",
        "user_agent": "Mozilla/5.0",
        "system": "Be kind.",
        "transcript": "\x1euHi",
        "response": "Hello!",
        "tool_count": 1,
        "request_parameters": '{"temperature":0.3,"max_tokens":200}',
    }
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize("order", [1, -1])
def test_a_legacy_observation_belongs_to_the_user_of_its_trace_whichever_comes_first(order):
    (row,) = read(*[*samples("observations"), *samples("traces")][::order])
    assert (row["account_id"], row["conversation_id"], row["client_ip"]) == ("acct-701", "chat-8", "192.0.2.55")
    assert (row["transcript"], row["response"], row["error_type"]) == ("\x1euTell me a joke", None, "error")


def test_an_observation_of_nobody_is_a_bad_row_that_says_what_to_do():
    with pytest.raises(BadRow, match=r"user_id.*traces"):
        read(*samples("observations"))


def test_the_camel_case_of_the_api_reads_the_same():
    def camel(name):
        first, *others = name.split("_")
        return first + "".join(part.capitalize() for part in others)

    records = [*samples("observations"), *samples("traces")]
    assert read(*[{camel(name): value for name, value in record.items()} for record in records]) == read(*records)


def test_values_as_csv_writes_them_read_the_same():
    record = samples("events")[0]
    as_text = {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in record.items()}
    assert read(as_text) == read(record)


def test_a_whole_request_as_input_is_understood():
    body = {"messages": [{"role": "user", "content": "Hi"}], "tools": [{"name": "f"}]}
    (row,) = read({**samples("events")[0], "input": json.dumps(body), "tool_definitions": {}})
    assert (row["transcript"], row["tool_count"]) == ("\x1euHi", 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [("start_time", "x"), ("start_time", None), ("span_id", {}), ("user_id", []), ("model_parameters", "x"), ("type", 3)],
)
def test_a_wrong_value_is_a_bad_row_that_names_the_field(field, value):
    with pytest.raises(BadRow, match=field.removeprefix("span_")):
        read({**samples("events")[0], field: value})


def test_an_unusable_trace_never_stops_the_first_pass():
    context = Context()
    for trace in ({"id": []}, {"id": "t", "metadata": "{", "user_id": 7}, {}):
        FORMAT.index(trace, context)
    with pytest.raises(BadRow, match="id"):
        list(FORMAT.read({"id": None, "timestamp": "x"}, context))


def test_it_says_that_the_user_is_what_the_application_set():
    assert FORMAT.two_pass
    assert "user_id" in FORMAT.hides["account_id"]
    assert {"http_status", "client_ip"} <= set(FORMAT.hides)
