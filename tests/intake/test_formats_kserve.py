"""KServe's payload logger: request and response become one call, in any order and however a sink wrote the events."""

import base64
import json
from pathlib import Path

import pytest

from stillhunt.errors import BadRow
from stillhunt.intake.formats import Context, kserve

EVENTS = json.loads(Path(__file__).with_name("samples").joinpath("kserve.json").read_text())


def read(records, context=None):
    context = context or Context()
    for record in records:
        kserve.FORMAT.index(record, context)
    return [row for record in records for _, row in kserve.FORMAT.read(record, context)]


@pytest.mark.parametrize("order", [EVENTS, EVENTS[::-1]])
def test_two_events_are_one_call(order):
    (row,) = read(order)
    expected = {
        "interaction_id": "689b15e7-84a1-4e89-9805-20809efc0001",
        "started_at": 1783418400251982,
        "ended_at": 1783418401777982,
        "account_id": "acct-512",
        "organization_id": "serving",
        "conversation_id": "s-9",
        "request_model": "llama-3-70b",
        "response_model": "llama-3-70b-instruct",
        "input_tokens": 15,
        "output_tokens": 7,
        "cached_tokens": 4,
        "user_agent": "OpenAI/Python 2.3.0",
        "system": "Be kind.",
        "transcript": "\x1euWrite a haiku",
        "response": "Old pond",
        "finish_reason": "stop",
    }
    assert {name: row[name] for name in expected} == expected


def structured(event):
    return event


def with_headers(event):
    names = {f"ce-{name}": value for name, value in event.items() if name not in ("data", "datacontenttype")}
    return {**names, "body": json.dumps(event["data"])}


def in_base64(event):
    return {**{k: v for k, v in event.items() if k != "data"}, "data_base64": base64.b64encode(json.dumps(event["data"]).encode()).decode()}


def with_attributes(event):
    return {"attributes": {k: v for k, v in event.items() if k != "data"}, "data": event["data"]}


def of_a_bucket(event):
    return {
        "Id": event["id"],
        "ReqType": event["type"],
        "InferenceService": event["inferenceservicename"],
        "Namespace": event["namespace"],
        "Metadata": event.get("metadata"),
        "Bytes": base64.b64encode(json.dumps(event["data"]).encode()).decode(),
    }


@pytest.mark.parametrize("written", [structured, with_headers, in_base64, with_attributes, of_a_bucket])
def test_events_are_read_however_a_sink_wrote_them(written):
    (row,) = read([written(event) for event in EVENTS])
    assert row["started_at"] // 2_000_000 == 1783418400251982 // 2_000_000
    assert (row["account_id"], row["transcript"], row["response"]) == ("acct-512", "\x1euWrite a haiku", "Old pond")


def test_a_request_without_a_response_is_a_call_and_a_response_alone_names_nobody():
    (row,) = read(EVENTS[:1])
    assert (row["transcript"], row["response"], row["ended_at"]) == ("\x1euWrite a haiku", None, None)
    with pytest.raises(BadRow, match="metadataHeaders"):
        read(EVENTS[1:])
    (row,) = read(EVENTS[1:], Context(account_optional=True))
    assert (row["response"], row["account_id"]) == ("Old pond", None)


def test_other_events_and_other_models_are_of_another_kind():
    assert read([{**EVENTS[0], "type": "org.kubeflow.serving.inference.outlier"}]) == []
    assert read([{**EVENTS[0], "data": {"rows": [[6.8, 2.8]]}}]) == []
