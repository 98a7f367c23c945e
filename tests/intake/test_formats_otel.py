"""OpenTelemetry GenAI: old and new names, content wherever it stands, the caller from the spans above."""

import json
from pathlib import Path

import pytest

from stillhunt.errors import BadRow
from stillhunt.intake.formats import Context
from stillhunt.intake.formats.otel_genai import FORMAT

SAMPLES = Path(__file__).with_name("samples")
TRACE = "0af7651916cd43dd8448eb211c80319c"


def samples(name):
    return json.loads((SAMPLES / f"otel_{name}.json").read_text())


def any_value(value):
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": listed(value)}}
    return {"stringValue": value}


def listed(attributes):
    return [{"key": name, "value": any_value(value)} for name, value in attributes.items()]


def span(attributes, span_id="02", parent="", events=(), **changes):
    found = {
        "traceId": TRACE,
        "spanId": span_id,
        "parentSpanId": parent,
        "name": "chat",
        "startTimeUnixNano": "1783418400251934111",
        "endTimeUnixNano": "1783418404882115999",
        "attributes": listed(attributes),
        "events": [{"name": name, "timeUnixNano": "1783418400251934111", "attributes": listed(inner)} for name, inner in events],
    }
    return {**found, **changes}


def spans(*found, **resource):
    return {"resourceSpans": [{"resource": {"attributes": listed(resource)}, "scopeSpans": [{"spans": list(found)}]}]}


def log(name, attributes, body=None, span_id="02", **changes):
    record = {
        "timeUnixNano": "1783418404882115999",
        "eventName": name,
        "attributes": listed(attributes),
        "traceId": TRACE,
        "spanId": span_id,
    }
    record |= {"body": any_value(body)} if body is not None else {}
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [{**record, **changes}]}]}]}


def read(*records, **settings):
    context = Context(**settings)
    for record in records:
        FORMAT.index(record, context)
    return [row for record in records for _, row in FORMAT.read(record, context)]


MODEL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "large-1", "user.id": "acct-1"}


def test_a_trace_with_its_server_span_is_one_complete_interaction():
    (row,) = read(*samples("spans"))
    expected = {
        "interaction_id": "5b8efff798038103d269b633813fc60c-eee19b7ec3c1b175",
        "started_at": 1783418400251934,
        "ended_at": 1783418404882115,
        "account_id": "acct-310",
        "operation": "chat",
        "request_model": "large-1",
        "response_model": "large-1-2026-05-14",
        "input_tokens": 44,
        "output_tokens": 120,
        "reasoning_tokens": 64,
        "cached_tokens": 8,
        "http_status": 200,
        "finish_reason": "stop",
        "conversation_id": "sess-12",
        "client_ip": "203.0.113.44",
        "user_agent": "OpenAI/JS 6.1.0",
        "tls_ja4": "ja3:d4e5f6",
        "system": "You are terse.",
        "transcript": '\x1euWeather in Oslo?\x1eaweather {"city":"Oslo"}\x1etrain',
        "response": "Rain.",
        "reasoning": "The tool said rain.",
        "tool_count": 1,
        "request_parameters": '{"temperature":0.5,"max_tokens":300}',
        "_request_ids": ["req-abc", "chatcmpl-77"],
    }
    assert {name: row[name] for name in expected} == expected


def test_the_order_of_the_lines_does_not_matter():
    assert read(*samples("spans")) == read(*reversed(samples("spans")))


def test_a_details_event_without_a_span_is_an_interaction():
    (row,) = read(*samples("logs"))
    assert (row["account_id"], row["transcript"], row["response"], row["input_tokens"]) == ("acct-311", "\x1euHello there", "Hi", 5)
    assert row["started_at"] == 1783418404882000


def test_a_details_event_of_an_exported_span_fills_that_span_and_is_not_counted_twice():
    event = log("gen_ai.client.inference.operation.details", {"gen_ai.input.messages": "Hi", "gen_ai.usage.input_tokens": 3})
    for order in ([event, spans(span(MODEL))], [spans(span(MODEL)), event]):
        (row,) = read(*order)
        assert (row["transcript"], row["input_tokens"], row["started_at"]) == ("\x1euHi", 3, 1783418400251934)


INNER = [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]
OUTER = [{"role": "assistant", "parts": [{"type": "text", "content": "Ho"}], "finish_reason": "stop"}]
OLD = {"gen_ai.system": "openai", "gen_ai.usage.prompt_tokens": 7, "gen_ai.usage.completion_tokens": 9}
NEW = {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 9}
DETAILS = "gen_ai.client.inference.operation.details"
CONTENT = {
    "attributes as JSON text": [
        spans(span({**MODEL, **NEW, "gen_ai.input.messages": json.dumps(INNER), "gen_ai.output.messages": json.dumps(OUTER)}))
    ],
    "attributes as values": [spans(span({**MODEL, **NEW, "gen_ai.input.messages": INNER, "gen_ai.output.messages": OUTER}))],
    "a span event with everything": [
        spans(span({**MODEL, **NEW}, events=[(DETAILS, {"gen_ai.input.messages": INNER, "gen_ai.output.messages": OUTER})]))
    ],
    "a log event with a body": [
        spans(span({**MODEL, **NEW})),
        log(DETAILS, {}, {"gen_ai.input.messages": INNER, "gen_ai.output.messages": OUTER}),
    ],
    "former span events for each message": [
        spans(
            span(
                {**MODEL, **OLD},
                events=[
                    ("gen_ai.user.message", {"content": "Hi"}),
                    ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": json.dumps({"role": "assistant", "content": "Ho"})}),
                ],
            )
        )
    ],
    "former log events for each message": [
        log("gen_ai.user.message", {"gen_ai.system": "openai"}, {"content": "Hi"}),
        log("gen_ai.choice", {}, {"index": 0, "finish_reason": "stop", "message": {"content": "Ho"}}),
        spans(span({**MODEL, **OLD})),
    ],
    "removed attributes": [
        spans(
            span({**MODEL, **OLD, "gen_ai.prompt": json.dumps([{"role": "user", "content": "Hi"}]), "gen_ai.completion": json.dumps(OUTER)})
        )
    ],
    "removed attributes on span events": [
        spans(
            span(
                {**MODEL, **OLD},
                events=[
                    ("gen_ai.content.prompt", {"gen_ai.prompt": "Hi"}),
                    ("gen_ai.content.completion", {"gen_ai.completion": json.dumps(OUTER)}),
                ],
            )
        )
    ],
    "indexed attributes": [
        spans(
            span(
                {
                    "llm.request.type": "chat",
                    "gen_ai.request.model": "large-1",
                    "user.id": "acct-1",
                    **OLD,
                    "gen_ai.prompt.0.role": "user",
                    "gen_ai.prompt.0.content": '[{"type": "text", "text": "Hi"}]',
                    "gen_ai.completion.0.content": "Ho",
                    "gen_ai.completion.0.finish_reason": "stop",
                }
            )
        )
    ],
    "OpenInference": [
        spans(
            span(
                {
                    "openinference.span.kind": "LLM",
                    "llm.model_name": "large-1",
                    "user.id": "acct-1",
                    "llm.token_count.prompt": 7,
                    "llm.token_count.completion": 9,
                    "llm.input_messages.0.message.role": "user",
                    "llm.input_messages.0.message.contents.0.message_content.type": "text",
                    "llm.input_messages.0.message.contents.0.message_content.text": "Hi",
                    "llm.output_messages.0.message.role": "assistant",
                    "llm.output_messages.0.message.content": "Ho",
                    "llm.invocation_parameters": '{"temperature": 1}',
                }
            )
        )
    ],
    "OpenInference's values": [
        spans(
            span(
                {
                    "openinference.span.kind": "LLM",
                    "llm.model_name": "large-1",
                    "user.id": "acct-1",
                    "llm.token_count.prompt": 7,
                    "llm.token_count.completion": 9,
                    "input.value": json.dumps({"messages": [{"role": "user", "content": "Hi"}]}),
                    "output.value": json.dumps({"choices": [{"message": {"content": "Ho"}, "finish_reason": "stop"}]}),
                }
            )
        )
    ],
}


@pytest.mark.parametrize("where", CONTENT)
def test_content_and_counts_are_found_wherever_an_emitter_puts_them(where):
    (row,) = read(*CONTENT[where])
    assert (row["transcript"], row["response"]) == ("\x1euHi", "Ho")
    assert (row["input_tokens"], row["output_tokens"]) == (7, 9)
    assert (row["request_model"], row["operation"], row["account_id"]) == ("large-1", "chat", "acct-1")
    assert row["finish_reason"] in ("stop", None)


def test_indexed_messages_keep_their_order_beyond_ten_and_their_tool_calls():
    attributes = {f"gen_ai.prompt.{i}.content": f"m{i}" for i in range(12)} | {f"gen_ai.prompt.{i}.role": "user" for i in range(12)}
    attributes |= {"gen_ai.completion.0.tool_calls.0.name": "look", "gen_ai.completion.0.tool_calls.0.arguments": "{}"}
    attributes |= {"llm.request.functions.0.name": "look"}
    (row,) = read(spans(span({**MODEL, **attributes})))
    assert row["transcript"] == "".join(f"\x1eum{i}" for i in range(12))
    assert (row["response"], row["tool_count"]) == ("look {}", 1)


# --------------------------------------------------------------------------------------------------------------------
# Who called


@pytest.mark.parametrize("name", ["user.id", "enduser.id", "enduser.pseudo.id", "metadata.user_api_key_user_id"])
def test_the_account_is_found_on_a_span_far_above(name):
    found = [
        span({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}, "05", "04"),
        span({}, "04", "03"),
        span({"gen_ai.operation.name": "invoke_agent"}, "03", "01"),
        span({name: "acct-9", "client.address": "192.0.2.8", "tls.client.ja4": "t13d"}, "01"),
    ]
    (row,) = read(spans(*found))
    assert (row["account_id"], row["client_ip"], row["tls_ja4"]) == ("acct-9", "192.0.2.8", "t13d")


def test_a_call_of_nobody_is_a_bad_row_that_says_what_to_do():
    with pytest.raises(BadRow, match=r"user\.id.*span"):
        read(spans(span({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"})))


def test_parents_in_a_circle_end():
    found = [span({"gen_ai.operation.name": "chat", "user.id": "a"}, "01", "02"), span({}, "02", "03"), span({}, "03", "02")]
    assert len(read(spans(*found))) == 1


def test_the_same_call_seen_deeper_is_not_counted_twice():
    found = [span(MODEL, "01"), span({}, "02", "01"), span({"gen_ai.response.model": "m", "user.id": "a"}, "03", "02")]
    assert [row["interaction_id"] for row in read(spans(*found))] == [f"{TRACE}-01"]


@pytest.mark.parametrize("operation", ["execute_tool", "invoke_agent", "create_agent"])
def test_tools_and_agents_are_no_interactions(operation):
    assert read(spans(span({**MODEL, "gen_ai.operation.name": operation}))) == []


def test_spans_without_a_model_are_of_another_kind():
    assert read(spans(span({"http.request.method": "GET", "user.id": "a"}))) == []


def test_a_bad_span_does_not_cost_the_good_ones_beside_it():
    record = spans(span(MODEL, "01", startTimeUnixNano="soon"), span(MODEL, "02"))
    found = iter(FORMAT.read(record, Context()))
    assert next(found)[1]["interaction_id"] == f"{TRACE}-02"
    with pytest.raises(BadRow, match="startTimeUnixNano"):
        next(found)


# --------------------------------------------------------------------------------------------------------------------
# Content by reference


def stored(folder, name, data):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data)
    return path


@pytest.mark.parametrize("as_uri", [False, True])
def test_uploaded_content_is_read_from_beside_the_log(tmp_path, as_uri):
    path = stored(tmp_path, "up loads/a_inputs.json", json.dumps(INNER) + "\n")
    lines = stored(
        tmp_path, "up loads/a_outputs.jsonl", "".join(json.dumps({**message, "index": i}) + "\n" for i, message in enumerate(OUTER))
    )
    system = stored(tmp_path, "up loads/s.json", json.dumps([{"type": "text", "content": "Be kind."}]))
    refer = (lambda p: p.as_uri()) if as_uri else (lambda p: str(p.relative_to(tmp_path)))
    attributes = {
        "gen_ai.input.messages_ref": refer(path),
        "gen_ai.output.messages_ref": refer(lines),
        "gen_ai.system_instructions_ref": refer(system),
    }
    (row,) = read(spans(span({**MODEL, **attributes})), base=str(tmp_path))
    assert (row["transcript"], row["response"], row["system"]) == ("\x1euHi", "Ho", "Be kind.")


def test_references_never_leave_the_logs_folder(tmp_path):
    stored(tmp_path, "secret.json", '"secret"')
    base = tmp_path / "logs"
    base.mkdir()
    (base / "link.json").symlink_to(tmp_path / "secret.json")
    outside = [
        "../secret.json",
        str(tmp_path / "secret.json"),
        (tmp_path / "secret.json").as_uri(),
        "link.json",
        "file:///etc/hostname",
        "file://host.example.com/a",
    ]
    outside += [f"file://{base}/%2e%2e/secret.json"]
    for reference in outside:
        with pytest.raises(BadRow, match=r"gen_ai\.input\.messages_ref: .*(copy|file)"):
            read(spans(span({**MODEL, "gen_ai.input.messages_ref": reference})), base=str(base))


@pytest.mark.parametrize(
    "reference", ["s3://bucket/a.json", "gs://bucket/a.json", "https://example.com/a.json", "missing.json", ".", "a\0b", "http://[", 5]
)
def test_other_references_are_bad_rows_that_say_what_to_do(tmp_path, reference):
    with pytest.raises(BadRow, match=r"gen_ai\.output\.messages_ref"):
        read(spans(span({**MODEL, "gen_ai.output.messages_ref": reference})), base=str(tmp_path))


def test_a_damaged_file_is_a_bad_row(tmp_path):
    stored(tmp_path, "a.json", "[{")
    with pytest.raises(BadRow, match="neither JSON nor JSON lines"):
        read(spans(span({**MODEL, "gen_ai.input.messages_ref": "a.json"})), base=str(tmp_path))


def test_it_says_that_identity_stands_on_another_span():
    assert FORMAT.two_pass
    assert {"client_ip", "user_agent", "account_id", "messages"} <= set(FORMAT.hides)
