"""OpenTelemetry as emitters really write it: operations, nested spans, counts, text and identities of every dialect."""

import json
from pathlib import Path

import pytest
from tests.intake.test_formats_otel import MODEL, TRACE, log, read, span, spans

from stillhunt.errors import BadRow, UnknownCaller
from stillhunt.intake.formats import Context
from stillhunt.intake.formats.otel_genai import FORMAT

CASES = Path(__file__).with_name("samples") / "cases"
SECOND = 1_000_000_000
ZERO = 1783418400 * SECOND


def at(start, end):
    return {"startTimeUnixNano": str(ZERO + round(start * SECOND)), "endTimeUnixNano": str(ZERO + round(end * SECOND))}


def case(name):
    return read(*(json.loads(line) for line in (CASES / f"otel_{name}.jsonl").read_text().splitlines()))


def only(attributes, **changes):
    (row,) = read(spans(span({"user.id": "acct-1", **attributes}, **changes)))
    return row


# --------------------------------------------------------------------------------------------------------------------
# Logs that were read wrongly


@pytest.mark.parametrize(
    ("name", "calls", "expected"),
    [
        ("litellm_acompletion", 5, {"operation": "chat", "transcript": "\x1euwho paints doors", "account_id": "u0"}),
        ("nested_adk", 4, {"input_tokens": 100, "transcript": "\x1euwhich shoes", "account_id": "u0"}),
        ("langfuse_generation", 3, {"input_tokens": 3, "output_tokens": 4, "response": "needle", "request_model": "gpt-4o"}),
        ("partial_usage", 3, {"input_tokens": 9344, "output_tokens": 1, "cached_tokens": 7166}),
        ("text_in_events_attribute", 3, {"transcript": "\x1eupaint the fence", "response": "which colour"}),
        ("langchain_all_messages", 3, {"transcript": "\x1euadd two sums", "response": "here", "account_id": "u0"}),
        ("vercel_text", 3, {"transcript": "\x1eubake bread", "response": "use flour", "account_id": "u0", "output_tokens": 6}),
        ("litellm_default_user_finish_reason", 3, {"account_id": "hash-20", "finish_reason": "stop"}),
        ("litellm_teamkey", 3, {"account_id": "hash-10", "key_id": "hash-10", "organization_id": "team-a"}),
    ],
)
def test_logs_as_emitters_write_them_are_read_for_what_they_are(name, calls, expected):
    rows = case(name)
    assert len(rows) == calls
    assert {column: rows[0][column] for column in expected} == expected
    assert len({row["account_id"] for row in rows}) == (2 if name == "nested_adk" else calls)


# --------------------------------------------------------------------------------------------------------------------
# Operations


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        *(("acompletion", "chat"), ("aresponses", "chat"), ("anthropic_messages", "chat"), ("chat.completion", "chat")),
        *(("aembedding", "embeddings"), ("atext_completion", "text_completion"), ("converse", "chat"), ("InvokeModel", "InvokeModel")),
        *(("agenerate_content", "generate_content"), ("thinkaloud", "thinkaloud"), ("CHAT", "chat"), ("create_message", "create_message")),
    ],
)
def test_a_span_with_a_model_and_tokens_or_messages_is_a_call_whatever_it_is_called(operation, expected):
    named = {"gen_ai.operation.name": operation, "gen_ai.request.model": "m"}
    assert only({**named, "gen_ai.usage.input_tokens": 1})["operation"] == expected
    assert only({**named, "gen_ai.input.messages": '[{"role": "user", "content": "Hi"}]'})["operation"] == expected


@pytest.mark.parametrize(
    "attributes",
    [
        *(
            {"gen_ai.operation.name": name}
            for name in ("invoke_workflow", "list_models", "retrieve_file", "aget_responses", "count_tokens")
        ),
        *({"openinference.span.kind": kind} for kind in ("AGENT", "TOOL", "CHAIN", "RETRIEVER", "GUARDRAIL")),
        *({"traceloop.span.kind": kind} for kind in ("workflow", "agent", "tool")),
        *({"langfuse.observation.type": kind} for kind in ("agent", "tool", "chain", "event")),
        {"gen_ai.operation.name": "alist_input_items", "metadata.user_api_key_hash": "h"},
        {"ai.operationId": "ai.toolCall"},
    ],
)
def test_what_asks_no_model_is_no_call_though_it_names_one(attributes):
    assert read(spans(span({"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 5, "user.id": "a", **attributes}))) == []


@pytest.mark.parametrize(
    ("attributes", "operation"),
    [
        ({"openinference.span.kind": "EMBEDDING", "embedding.model_name": "e"}, "embeddings"),
        ({"openinference.span.kind": "RERANKER", "reranker.model_name": "e"}, "rerank"),
        ({"langfuse.observation.type": "embedding"}, "embeddings"),
        ({"ai.operationId": "ai.embed.doEmbed", "ai.model.id": "e"}, "embeddings"),
        ({"mlflow.spanType": '"CHAT_MODEL"'}, "chat"),
    ],
)
def test_dialects_say_in_their_own_words_what_a_span_is(attributes, operation):
    assert only(attributes)["operation"] == operation


# --------------------------------------------------------------------------------------------------------------------
# One call, several spans; several calls, one tree

USED = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 2}
OTHER = {"gen_ai.usage.input_tokens": 30, "gen_ai.usage.output_tokens": 4}
AGENT = {"gen_ai.operation.name": "invoke_agent"}
TREES = {
    "an engine below its gateway": (1, [span({**MODEL, **USED}, "01"), span({**MODEL, **USED}, "02", "01")]),
    "a gateway that ends later": (1, [span({**MODEL, **USED}, "01", **at(0, 5)), span({**MODEL, **USED}, "02", "01", **at(1, 4))]),
    "a model with its provider and version": (
        1,
        [
            span({**MODEL, **USED, "gen_ai.request.model": "acme/large-1"}, "01"),
            span({**MODEL, **USED, "gen_ai.request.model": "large-1-2026-01-01"}, "02", "01"),
        ],
    ),
    "the same response, though the counts differ": (
        1,
        [span({**MODEL, **USED, "gen_ai.response.id": "r"}, "01"), span({**MODEL, **OTHER, "gen_ai.response.id": "r"}, "02", "01")],
    ),
    "another response with the same counts": (
        2,
        [span({**MODEL, **USED, "gen_ai.response.id": "r"}, "01"), span({**MODEL, **USED, "gen_ai.response.id": "s"}, "02", "01")],
    ),
    "other counts": (2, [span({**MODEL, **USED}, "01"), span({**MODEL, **OTHER}, "02", "01")]),
    "another model": (2, [span({**MODEL, **USED}, "01"), span({**MODEL, **USED, "gen_ai.request.model": "small-2"}, "02", "01")]),
    "a tool in between": (
        2,
        [
            span({**MODEL, **USED}, "01"),
            span({"gen_ai.operation.name": "execute_tool"}, "02", "01"),
            span({**MODEL, **USED}, "03", "02"),
        ],
    ),
    "an agent in between": (2, [span({**MODEL, **USED}, "01"), span(AGENT, "02", "01"), span({**MODEL, **USED}, "03", "02")]),
    "a child that starts after its parent ended": (
        2,
        [span({**MODEL, **USED}, "01", **at(0, 1)), span({**MODEL, **USED}, "02", "01", **at(2, 3))],
    ),
    "a child that ends long after its parent": (
        2,
        [span({**MODEL, **USED}, "01", **at(0, 2)), span({**MODEL, **USED}, "02", "01", **at(1, 9))],
    ),
    "a failed attempt and the one that counts": (
        1,
        [
            span({**MODEL, **USED}, "01", **at(0, 9)),
            span({**MODEL, "error.type": "timeout"}, "02", "01", **at(1, 3)),
            span({**MODEL, **USED}, "03", "01", **at(4, 9)),
        ],
    ),
    "a sum of two calls": (
        2,
        [
            span({**MODEL, "gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 6}, "01", **at(0, 9)),
            span({**MODEL, **USED}, "02", "01", **at(1, 3)),
            span({**MODEL, **OTHER}, "03", "01", **at(4, 9)),
        ],
    ),
    "a function that asks in steps": (
        2,
        [
            span({"ai.operationId": "ai.generateText", "ai.model.id": "m", "user.id": "acct-1", **OTHER}, "01", **at(0, 9)),
            span({"ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "m", **USED}, "02", "01", **at(1, 3)),
            span({"ai.operationId": "ai.toolCall"}, "03", "01", **at(3, 4)),
            span({"ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "m", **OTHER}, "04", "01", **at(4, 9)),
        ],
    ),
    "siblings": (3, [span({"user.id": "a"}, "01"), *(span({**MODEL, **USED}, f"0{n}", "01") for n in (2, 3, 4))]),
    "siblings of one response": (
        1,
        [span({"user.id": "a"}, "01"), *(span({**MODEL, **USED, "gen_ai.response.id": "r"}, f"0{n}", "01") for n in (2, 3))],
    ),
    "one response id, two customers": (
        2,
        [span({**MODEL, "user.id": f"acct-{n}", "gen_ai.response.id": "r"}, f"0{n}") for n in (1, 2)],
    ),
}


@pytest.mark.parametrize("order", ["as it stands", "backwards", "each in a line"])
@pytest.mark.parametrize("tree", TREES)
def test_a_call_is_counted_once_and_two_are_two(tree, order):
    expected, found = TREES[tree]
    found = found[::-1] if order == "backwards" else found
    rows = read(*map(spans, found)) if order == "each in a line" else read(spans(*found))
    assert len(rows) == expected
    assert len({row["interaction_id"] for row in rows}) == expected


def test_spans_of_one_call_fill_in_what_the_others_lack():
    found = [
        span({**MODEL, "gen_ai.response.id": "r", "gen_ai.usage.input_tokens": 10}, "01", **at(0, 9)),
        span(
            {
                **{name: value for name, value in MODEL.items() if name != "user.id"},
                **USED,
                "gen_ai.response.model": "large-1b",
                "gen_ai.response.id": "r",
                "gen_ai.response.finish_reasons": ["stop"],
                "gen_ai.input.messages": '[{"role": "user", "content": "Hi"}]',
            },
            "02",
            "01",
            **at(1, 8),
        ),
    ]
    for order in (found, found[::-1]):
        (row,) = read(*map(spans, order))
        assert row["interaction_id"] == f"{TRACE}-01"
        assert (row["ended_at"] - row["started_at"], row["transcript"], row["account_id"]) == (9_000_000, "\x1euHi", "acct-1")
        assert (row["output_tokens"], row["response_model"], row["finish_reason"]) == (2, "large-1b", "stop")


def test_the_two_records_of_a_stream_are_one_call():
    asked = json.dumps({"messages": [{"role": "user", "content": "Hi"}], "model": "large-1", "stream": True})
    first = {"gen_ai.request.model": "large-1", "user.id": "a", "request_data": asked}
    last = {**first, "logfire.span_type": "log", "response_data": '{"combined_chunk_content": "Ho", "chunk_count": 2}', **USED}
    found = [
        span(first, "02", "01", name="Chat Completion with 'large-1'", **at(0, 1)),
        span(last, "03", "01", name="streaming response from 'large-1' took 3.00s", **at(4, 4)),
        span(first, "04", "01", name="Chat Completion with 'large-1'", **at(9, 10)),
    ]
    one, another = read(spans(*found))
    assert (one["interaction_id"], another["interaction_id"]) == (f"{TRACE}-02", f"{TRACE}-04")
    assert (one["transcript"], one["output_tokens"], one["ended_at"] - one["started_at"]) == ("\x1euHi", 2, 4_000_000)


# --------------------------------------------------------------------------------------------------------------------
# Numbers


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"gen_ai.usage.input_tokens": "12", "gen_ai.usage.output_tokens": "3"}, (12, 3, None, None)),
        ({"gen_ai.usage.input_tokens": 12.0, "gen_ai.usage.output_tokens": 3.0}, (12, 3, None, None)),
        ({"gen_ai.usage.input_tokens": 0, "gen_ai.usage.prompt_tokens": 12}, (12, None, None, None)),
        ({"gen_ai.usage.partial.input_tokens": 12, "gen_ai.usage.partial.cache_read.input_tokens": 8}, (12, None, None, 8)),
        ({"gen_ai.usage.cache_read.input_tokens": 0, "gen_ai.usage.cache_read_input_tokens": 7}, (None, None, None, 7)),
        ({"gen_ai.usage.input_tokens": 12, "gen_ai.usage.cache_creation": {"ephemeral_5m_input_tokens": 4}}, (12, None, None, None)),
        ({"gen_ai.usage": {"input_tokens": 12, "input_token_details": {"cache_read": 8}}}, (12, None, None, 8)),
        ({"gen_ai.usage.prompt_tokens_details.cached_tokens": 8, "gen_ai.usage.prompt_tokens": 12}, (12, None, None, 8)),
        ({"gen_ai.usage.details.reasoning_tokens": 5, "gen_ai.usage.output_tokens": 9}, (None, 9, 5, None)),
        ({"langfuse.observation.usage_details": '{"input": 3, "output": 4, "input_cached_tokens": 2}'}, (3, 4, None, 2)),
        ({"langfuse.observation.usage_details": '{"prompt_tokens": 3, "completion_tokens": 4}'}, (3, 4, None, None)),
        ({"langfuse.observation.usage_details": "{}"}, (None, None, None, None)),
        ({"ai.usage.promptTokens": 3, "ai.usage.completionTokens": 4, "ai.usage.reasoningTokens": 1}, (3, 4, 1, None)),
        ({"llm.token_count.prompt": 3, "llm.token_count.prompt_details.cache_read": 2}, (3, None, None, 2)),
    ],
)
def test_counts_are_found_under_every_name_and_in_every_bucket(usage, expected):
    row = only({"gen_ai.request.model": "m", **usage})
    assert tuple(row[f"{name}_tokens"] for name in ("input", "output", "reasoning", "cached")) == expected


def test_the_latest_of_a_spans_events_counts():
    events = [("usage", {"gen_ai.usage.output_tokens": count}) for count in (1, 5, 9)]
    assert only(MODEL, events=events)["output_tokens"] == 9
    assert only({**MODEL, "gen_ai.usage.output_tokens": 11}, events=events)["output_tokens"] == 11


@pytest.mark.parametrize("written", [["stop"], '["stop"]', "stop", "['stop']", ["", "stop"], ["stop", "length"]])
def test_a_finish_reason_is_a_word_however_it_is_written(written):
    assert only({**MODEL, "gen_ai.response.finish_reasons": written})["finish_reason"] == "stop"


# --------------------------------------------------------------------------------------------------------------------
# Text

HI = [{"role": "user", "content": "Hi"}]
HO = {"role": "assistant", "content": "Ho"}
EVENTS = [{"event.name": "gen_ai.user.message", **HI[0]}, {"event.name": "gen_ai.choice", "index": 0, "message": HO}]
LANGCHAIN = [[{"lc": 1, "type": "constructor", "id": ["langchain", "HumanMessage"], "kwargs": {"content": "Hi", "type": "human"}}]]
TEXTS = {
    "Logfire's events": {"events": json.dumps(EVENTS)},
    "Logfire's events as values": {"events": EVENTS},
    "all messages as events": {"all_messages_events": json.dumps(EVENTS)},
    "all messages": {"all_messages_events": json.dumps([*HI, HO])},
    "events that end with the assistant": {"events": json.dumps([EVENTS[0], {"event.name": "gen_ai.assistant.message", **HO}])},
    "Pydantic AI's messages": {"pydantic_ai.all_messages": json.dumps([*HI, HO])},
    "Logfire's bodies": {"request_data": json.dumps({"messages": HI, "model": "m"}), "response_data": json.dumps({"message": HO})},
    "Vercel's messages": {"ai.prompt.messages": json.dumps(HI), "ai.response.text": "Ho"},
    "Vercel's prompt": {"ai.prompt": '{"prompt": "Hi"}', "ai.response.text": "Ho"},
    "Langfuse's": {"langfuse.observation.input": json.dumps(HI), "langfuse.observation.output": json.dumps(HO)},
    "Langfuse's texts": {"langfuse.observation.input": "Hi", "langfuse.observation.output": "Ho"},
    "OpenInference's values": {"input.value": json.dumps({"messages": HI}), "output.value": json.dumps({"choices": [{"message": HO}]})},
    "LangChain's values": {
        "input.value": json.dumps({"messages": LANGCHAIN}),
        "output.value": json.dumps({"generations": [[{"text": "Ho", "message": {"type": "constructor", "kwargs": {"content": "Ho"}}}]]}),
    },
    "LangSmith's bodies": {"gen_ai.prompt": json.dumps({"messages": HI}), "gen_ai.completion": json.dumps({"choices": [{"message": HO}]})},
    "MLflow's": {"mlflow.spanInputs": json.dumps({"messages": HI}), "mlflow.spanOutputs": json.dumps({"choices": [{"message": HO}]})},
}


@pytest.mark.parametrize("dialect", TEXTS)
def test_text_is_found_in_every_dialect(dialect):
    row = only({"gen_ai.request.model": "m", **TEXTS[dialect]})
    assert (row["transcript"], row["response"]) == ("\x1euHi", "Ho")


def test_vercels_tool_calls_are_read_on_both_sides():
    asked = [
        {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
        {"role": "assistant", "content": [{"type": "tool-call", "toolCallId": "1", "toolName": "weather", "input": {"at": "Oslo"}}]},
        {"role": "tool", "content": [{"type": "tool-result", "toolCallId": "1", "output": {"type": "text", "value": "rain"}}]},
    ]
    calls = [{"toolCallType": "function", "toolName": "umbrella", "args": "{}"}]
    row = only({"ai.model.id": "m", "ai.prompt.messages": json.dumps(asked), "ai.response.toolCalls": json.dumps(calls)})
    assert row["transcript"] == '\x1euWeather?\x1eaweather {"at":"Oslo"}\x1etrain'
    assert row["response"] == "umbrella {}"


# --------------------------------------------------------------------------------------------------------------------
# Who called

CALLED = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


@pytest.mark.parametrize(
    "attributes",
    [
        *({name: "acct-7"} for name in ("langfuse.user.id", "ai.telemetry.metadata.userId", "traceloop.association.properties.user_id")),
        *({name: '{"user_id": "acct-7"}'} for name in ("metadata", "langfuse.trace.metadata")),
        {"user.id": "default_user_id", "enduser.id": "acct-7"},
        {"user.id": "None", "langsmith.metadata.user_id": "acct-7"},
    ],
)
@pytest.mark.parametrize("where", ["span", "above", "resource"])
def test_the_account_is_found_in_every_dialect_and_place_and_placeholders_are_passed_over(attributes, where):
    own, above, resource = ({**attributes} if where == place else {} for place in ("span", "above", "resource"))
    (row,) = read(spans(span({**CALLED, **own}, "02", "01"), span(above, "01"), **resource))
    assert row["account_id"] == "acct-7"


def test_somebody_above_counts_more_than_a_placeholder_on_the_span():
    (row,) = read(spans(span({**CALLED, "user.id": "anonymous"}, "02", "01"), span({"enduser.id": "acct-7"}, "01")))
    assert row["account_id"] == "acct-7"


def test_placeholders_alone_are_nobody():
    with pytest.raises(BadRow, match=r"user\.id"):
        read(spans(span({**CALLED, "user.id": "unknown"})))


def test_a_key_stands_for_its_account_unless_it_changes_with_every_token():
    assert read(spans(span({**CALLED, "metadata.user_api_key_hash": "hash-1"})))[0]["account_id"] == "hash-1"
    with pytest.raises(BadRow, match=r"user\.id"):
        read(spans(span({**CALLED, "metadata.user_api_key_hash": "hashed-jwt-1"})))


def test_a_refused_call_of_an_unknown_key_is_nobodys_and_costs_no_other():
    refused = span({**CALLED, "metadata.user_api_key_hash": "h", "http.response.status_code": 401}, "01")
    found = iter(FORMAT.read(spans(refused, span(MODEL, "02")), Context()))
    assert next(found)[1]["account_id"] == "acct-1"
    with pytest.raises(UnknownCaller):
        next(found)


# --------------------------------------------------------------------------------------------------------------------
# Ways to write OTLP/JSON


def test_ids_in_base64_and_in_capitals_are_the_same_ids():
    inner = span({**CALLED}, "eee19b7ec3c1b175", "", traceId="W47/+YeYA4ECaJtjOBP8YA==", spanId="7uGbfsPBsXU=", parentSpanId="7uGbfsPBsXQ=")
    outer = span({"user.id": "acct-1"}, "EEE19B7EC3C1B174", traceId="5B8EFFF987980381 02689B633813FC60".replace(" ", ""))
    (row,) = read(spans(inner), spans(outer))
    assert (row["account_id"], row["interaction_id"]) == ("acct-1", "5b8efff98798038102689b633813fc60-eee19b7ec3c1b175")


def test_one_attribute_that_json_cannot_keep_costs_nothing_else():
    found = [span({"user.id": "acct-1", "client.address": 2**70}, "01"), span({**CALLED}, "02", "03"), span({"user.id": "acct-2"}, "03")]
    record = spans(*found)
    record["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"][1]["value"] = {"intValue": 2**70}
    assert [row["account_id"] for row in read(record)] == ["acct-2"]


# --------------------------------------------------------------------------------------------------------------------
# Event streams of coding agents

SESSION = {"session.id": "s1", "user.id": "device-1", "user.account_uuid": "acct-9", "organization.id": "org-1", "prompt.id": "p1"}


def agent(name, attributes, **changes):
    return log("", {"event.name": name, **attributes}, f"coder.{name}", span_id="", **{"traceId": "", "eventName": "", **changes})


def test_a_coding_agents_requests_are_calls_and_the_rest_of_its_events_is_not():
    request = {
        "model": "large-1",
        "input_tokens": "5",
        "output_tokens": 6,
        "cache_read_tokens": 4,
        "duration_ms": 1500,
        "event.sequence": 3,
    }
    records = [
        agent("user_prompt", {**SESSION, "prompt": "Fix the door", "prompt_length": 12}),
        agent("api_request", {**SESSION, **request}),
        agent("tool_result", {**SESSION, "tool_name": "Read", "duration_ms": 3}),
        agent("api_error", {**SESSION, "model": "large-1", "error": "overloaded", "status_code": "529", "duration_ms": "20"}),
        agent("api_error", {**SESSION, "model": "large-1", "error": "no answer", "status_code": "undefined"}),
    ]
    first, *failed = read(*records)
    expected = {
        "account_id": "acct-9",
        "organization_id": "org-1",
        "conversation_id": "s1",
        "request_model": "large-1",
        "operation": "chat",
        "input_tokens": 5,
        "output_tokens": 6,
        "cached_tokens": 4,
        "transcript": "\x1euFix the door",
        "started_at": 1783418403382115,
        "ended_at": 1783418404882115,
    }
    assert {name: first[name] for name in expected} == expected
    assert [(row["http_status"], row["error_type"]) for row in failed] == [(529, "529"), (None, "error")]
    assert len({row["interaction_id"] for row in (first, *failed)}) == 3
    assert read(*records) == [first, *failed]


def test_other_agents_words_are_understood():
    codex = {"conversation.id": "c", "user.account_id": "acct-2", "model": "large-1"}
    gemini = {"session.id": "c", "user.email": "a@example.com", "model": "large-1", "prompt_id": "p"}
    rows = read(
        log("codex.sse_event", {**codex, "event.kind": "response.completed", "input_token_count": "7", "output_token_count": "8"}),
        log("codex.sse_event", {**codex, "event.kind": "response.created"}),
        log("gemini_cli.api_request", {**gemini, "request_text": "[]"}),
        log(
            "gemini_cli.api_response",
            {**gemini, "input_token_count": 7, "output_token_count": 8, "response_text": "Ho", "status_code": 200},
        ),
    )
    assert [(row["account_id"], row["input_tokens"], row["output_tokens"]) for row in rows] == [("acct-2", 7, 8), ("a@example.com", 7, 8)]
    assert (rows[1]["response"], rows[1]["http_status"]) == ("Ho", 200)
