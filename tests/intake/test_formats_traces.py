"""Traces of LangSmith and raw events of Langfuse: calls inherit their user from the trace, events become one call."""

import json
from itertools import permutations
from pathlib import Path

import pytest

from stillhunt.errors import BadRow
from stillhunt.intake.formats import Context, langfuse_events, langsmith

SAMPLES = Path(__file__).with_name("samples")
RUNS = json.loads((SAMPLES / "langsmith.json").read_text())
EVENTS = json.loads((SAMPLES / "langfuse_raw.json").read_text())


def read(form, records, context=None):
    context = context or Context()
    for record in records:
        form.index(record, context)
    return [row for record in records for _, row in form.read(record, context)]


SAID = {
    "started_at": 1783418400251000,
    "ended_at": 1783418401777000,
    "account_id": "acct-512",
    "conversation_id": "s-9",
    "client_ip": "203.0.113.77",
    "request_model": "large-1",
    "input_tokens": 15,
    "output_tokens": 7,
    "cached_tokens": 4,
    "system": "Be kind.",
    "transcript": "\x1euWrite a haiku",
    "response": "Old pond",
}


@pytest.mark.parametrize("order", [RUNS, RUNS[::-1]])
def test_a_run_of_a_model_has_its_traces_user(order):
    (row,) = read(langsmith.FORMAT, order)
    expected = {**SAID, "interaction_id": "d0000000-0000-4000-8000-000000000002", "reasoning_tokens": 2, "finish_reason": "stop"}
    expected["response_model"] = "large-1-2026"
    assert {name: row[name] for name in expected} == expected


def test_a_runs_own_user_counts_before_its_traces():
    own = {**RUNS[1], "extra": {"metadata": {"user_id": "acct-9"}}}
    (row,) = read(langsmith.FORMAT, [RUNS[0], own])
    assert (row["account_id"], row["conversation_id"]) == ("acct-9", "s-9")


def test_a_run_of_nobody_says_what_to_export():
    with pytest.raises(BadRow, match=r"metadata\.user_id"):
        read(langsmith.FORMAT, RUNS[1:])


@pytest.mark.parametrize("wrap", [lambda value: value, json.dumps])
@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ({"messages": [{"role": "user", "content": "Hi"}]}, {"choices": [{"message": {"content": "Yo"}, "finish_reason": "stop"}]}),
        ({"messages": [[{"type": "human", "data": {"content": "Hi"}}]]}, {"generations": [[{"text": "Yo"}]]}),
        ({"prompts": ["Hi"]}, {"generations": [[{"text": "Yo"}]]}),
        ({"input": "Hi"}, {"output": {"role": "assistant", "content": "Yo"}}),
        ({"messages": [{"type": "human", "content": "Hi"}]}, {"messages": [{"type": "ai", "content": "Yo"}]}),
    ],
)
def test_inputs_and_outputs_of_every_kind(inputs, outputs, wrap):
    record = {**RUNS[1], "inputs": wrap(inputs), "outputs": wrap(outputs)}
    (row,) = read(langsmith.FORMAT, [RUNS[0], record])
    assert (row["transcript"], row["response"]) == ("\x1euHi", "Yo")


def test_events_are_one_call_in_any_order():
    for order in permutations(EVENTS[:3]):
        (row,) = read(langfuse_events.FORMAT, [*order, *EVENTS[3:]])
        assert {name: row[name] for name in SAID} == SAID
        assert row["interaction_id"] == "g-1"


def test_a_batch_as_it_was_posted_is_read_alike():
    (row,) = read(langfuse_events.FORMAT, [{"batch": EVENTS, "metadata": {"sdk_name": "python"}}])
    assert {name: row[name] for name in SAID} == SAID


def test_an_event_that_is_there_twice_is_one_call_and_the_later_word_counts():
    later = {**EVENTS[2], "id": "e-9", "timestamp": "2026-07-07T10:00:05Z", "body": {"id": "g-1", "model": "large-2", "output": None}}
    rows = read(langfuse_events.FORMAT, [*EVENTS, EVENTS[1], later])
    assert {row["interaction_id"] for row in rows} == {"g-1"}
    assert {(row["request_model"], row["response"]) for row in rows} == {("large-2", "Old pond")}


def test_an_observation_says_its_type_itself():
    body = {**EVENTS[1]["body"], "type": "GENERATION"}
    (row,) = read(langfuse_events.FORMAT, [EVENTS[0], {**EVENTS[1], "type": "observation-create", "body": body}])
    assert row["transcript"] == "\x1euWrite a haiku"
    assert read(langfuse_events.FORMAT, [EVENTS[0], {**EVENTS[1], "type": "observation-create", "body": {**body, "type": "SPAN"}}]) == []


def test_a_generation_without_a_start_began_when_its_event_says():
    body = {name: value for name, value in EVENTS[1]["body"].items() if name != "startTime"}
    (row,) = read(langfuse_events.FORMAT, [EVENTS[0], {**EVENTS[1], "body": body}])
    assert row["started_at"] == 1783418400300000


def test_a_trace_that_names_nobody_refuses_its_calls_with_what_to_do():
    with pytest.raises(BadRow, match="user_id"):
        read(langfuse_events.FORMAT, EVENTS[1:])
