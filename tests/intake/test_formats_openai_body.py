"""OpenAI-compatible bodies: wherever they stand in a record, whoever the account is, however times are written."""

import json
from pathlib import Path

import pytest

from stillhunt.errors import BadRow
from stillhunt.intake.formats import Context, Sample, openai_body
from stillhunt.intake.formats.openai_body import moment

SAMPLES = json.loads(Path(__file__).with_name("samples").joinpath("openai_body.json").read_text())
ASKED = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
SAID = {
    "id": "c-1",
    "choices": [{"message": {"content": "Yo"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2},
}


def read(record, **context):
    ((_, row),) = openai_body.FORMAT.read(record, Context(**context))
    return row


def test_a_record_with_headers_and_bodies():
    row = read(SAMPLES[0])
    expected = {
        "interaction_id": "r-1",
        "started_at": 1783418400251000,
        "account_id": "acct-512",
        "end_user_id": "kim",
        "operation": "chat",
        "request_model": "llama-3-70b",
        "response_model": "llama-3-70b-instruct",
        "input_tokens": 15,
        "output_tokens": 7,
        "cached_tokens": 4,
        "http_status": 200,
        "client_ip": "203.0.113.77",
        "user_agent": "OpenAI/Python 2.3.0",
        "system": "Be kind.",
        "transcript": "\x1euWrite a haiku",
        "response": "Old pond",
        "finish_reason": "stop",
        "request_parameters": '{"temperature":0.7}',
    }
    assert {name: row[name] for name in expected} == expected
    assert "sk-example" not in json.dumps(row)


def test_a_stream_as_text_is_put_together():
    row = read(SAMPLES[1])
    assert (row["transcript"], row["response"], row["finish_reason"]) == ("\x1euOnce", " upon a time", "length")
    assert (row["account_id"], row["started_at"]) == ("acct-513", 1783418402500000)


@pytest.mark.parametrize(
    "names", [("request_body", "response_body"), ("request", "response"), ("req_body", "resp_body"), ("requestBody", "responseBody")]
)
@pytest.mark.parametrize("wrap", [lambda body: body, json.dumps, lambda body: {"body": body}, lambda body: {"body": json.dumps(body)}])
def test_bodies_are_found_under_their_usual_names(names, wrap):
    record = {"time": 1783418400, "user_id": "a", names[0]: wrap(ASKED), names[1]: wrap(SAID)}
    row = read(record)
    assert (row["transcript"], row["response"], row["output_tokens"], row["interaction_id"]) == ("\x1euHi", "Yo", 2, "c-1")
    assert openai_body.FORMAT.sniff(Sample("x", "lines", [record])) >= 0.85


@pytest.mark.parametrize(
    "value", [1783418400, 1783418400.0, "1783418400", 1783418400000, 1783418400000000, 1783418400000000000, "2026-07-07T10:00:00Z"]
)
def test_the_size_of_a_time_tells_its_unit(value):
    assert moment(value, "time") == 1783418400000000


@pytest.mark.parametrize("value", [None, True, "soon", -1, 1e300, float("nan"), 10**400, {}, []])
def test_what_is_no_time_is_refused(value):
    with pytest.raises(BadRow, match="time"):
        moment(value, "time")


@pytest.mark.parametrize("name", ["x-user-id", "X-Consumer-ID", "x-forwarded-user", "x-account-id"])
def test_the_account_is_what_a_trusted_header_says(name):
    record = {"time": 1783418400, "request": ASKED, "response": SAID, "headers": {name: "acct-9", "authorization": "Bearer sk-example-1"}}
    assert read(record)["account_id"] == "acct-9"
    assert read({**record, "headers": {name: ["acct-9"]}})["account_id"] == "acct-9"


def test_a_credential_alone_gives_an_account_that_does_not_show_it():
    record = {"time": 1783418400, "request": ASKED, "response": SAID}
    one, again, other = (
        read({**record, "headers": {"Authorization": f"Bearer {key}"}})["account_id"]
        for key in ("sk-example-111", "sk-example-111", "sk-example-222")
    )
    assert one == again != other
    assert "sk-example" not in one
    assert read({**record, "headers": {"x-api-key": "sk-example-111"}})["account_id"] == one
    for blanked in ("Bearer ***", "Bearer [REDACTED]", "", "Bearer x", "********"):
        with pytest.raises(BadRow, match=r"x-user-id.*--map"):
            read({**record, "headers": {"authorization": blanked}})


def test_the_clients_own_user_is_an_end_user_and_never_the_account():
    record = {"time": 1783418400, "request": {**ASKED, "user": "kim"}, "response": SAID}
    with pytest.raises(BadRow):
        read(record)
    with pytest.raises(BadRow):
        read({**record, "user": "kim"})
    assert read({**record, "user_id": "a"})["end_user_id"] == "kim"
    assert read({**record, "user": "acct-9"})["account_id"] == "acct-9"


def test_a_call_without_an_id_has_one_that_is_the_same_each_time():
    record = {"time": 1783418400, "user_id": "a", "request": ASKED, "response": {"choices": []}}
    assert read(record)["interaction_id"] == read(dict(record))["interaction_id"]
    assert read(record)["interaction_id"] != read({**record, "user_id": "b"})["interaction_id"]


def test_an_error_keeps_its_type_and_other_requests_are_of_another_kind():
    row = read(
        {"time": 1783418400, "user_id": "a", "status": 429, "request": ASKED, "response": {"error": {"type": "rate_limit", "message": "x"}}}
    )
    assert (row["http_status"], row["error_type"], row["response"]) == (429, "rate_limit", None)
    assert list(openai_body.FORMAT.read({"time": 1, "user_id": "a", "request": {"purpose": "batch"}, "response": {}}, Context())) == []
