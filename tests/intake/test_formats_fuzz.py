"""Whatever a record holds, a format answers with rows that fit the schema or with `BadRow`, never otherwise."""

import contextlib
import copy
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intake.test_formats_sniff import OWNERS
from stillhunt.errors import BadRow
from stillhunt.intake.formats import Context
from stillhunt.intake.registry import registry
from stillhunt.records import CANONICAL_ACCOUNTS, ENTITLEMENTS, INTAKE_INTERACTIONS, REQUIRED

SAMPLES = Path(__file__).with_name("samples")
SCHEMAS = {"interactions": INTAKE_INTERACTIONS, "accounts": CANONICAL_ACCOUNTS, "entitlements": ENTITLEMENTS}
FORMATS = registry().formats
RECORDS = [(name, record) for file, name in OWNERS.items() for record in json.loads((SAMPLES / f"{file}.json").read_text())]

WORDS = st.sampled_from(
    [
        *("", "0", "-1", "nan", "{}", "[]", "{", "[{'role': 'user'", "\0", "\ud800", "a\x1eb", "2026-07-07T10:00:00Z", "2026-13-01", "1.5"),
        *("９", "data: {}", "text", "image", "tool_use", "tool_result", "reasoning", "user", "system", "x" * 300, "unknown"),
        *("192.0.2.1:80", "[::1]:1", "file:///etc", "../x"),
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, -(2**63) - 1, 2**64, 10**400, -1, 99, 600, 1783418400])
    | st.floats()
    | st.text(max_size=6)
    | WORDS
)
KEYS = st.sampled_from(
    [
        *("role", "content", "type", "text", "parts", "messages", "choices", "message", "delta", "tool_calls", "function", "name"),
        *("arguments", "input", "output", "tools", "system", "key", "value", "values", "stringValue", "kvlistValue", "arrayValue"),
        *("intValue", "usage", "model", "finish_reason"),
    ]
) | st.text(max_size=5)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12)


def check(form, record, context):
    """Read `record`; prove that each row fits its schema and has what is required."""
    with contextlib.suppress(BadRow):
        form.index(record, context)
    found = []
    try:
        for table, row in form.read(record, context):
            found.append((table, row))
    except BadRow as bad:
        reason = str(bad)
        assert ":" in reason
        assert "\n" not in reason
    for table, row in found:
        schema = SCHEMAS[table]
        assert set(row) <= {*schema.names, "_request_ids"}
        for name, value in row.items():
            if name == "_request_ids":
                pa.array(value, pa.string())
            elif pa.types.is_timestamp(schema.field(name).type):
                assert value is None or (type(value) is int and 946_684_800_000_000 <= value < 4_102_444_800_000_000)
            else:
                assert type(value) in (str, int, bool, type(None))
                pa.array([value], schema.field(name).type)
        for name in REQUIRED[table]:
            assert row[name] not in (None, "")
        if row.get("transcript") is not None:
            assert row["transcript"][0] == "\x1e"
            assert all(turn[:1] in {"u", "a", "t", "o"} for turn in row["transcript"].split("\x1e")[1:])
    return found


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60, deadline=None)
@given(found=st.dictionaries(KEYS, JSON, max_size=5))
def test_arbitrary_objects_give_rows_or_bad_rows(name, found):
    check(FORMATS[name], found, Context())


def places(node, path=()):
    """Every path to a value inside `node`."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_mutated_records_give_rows_or_bad_rows(data):
    name, record = data.draw(st.sampled_from(RECORDS))
    record = copy.deepcopy(record)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(record)) or [()]))
        if not path:
            break
        node = record
        for step in path[:-1]:
            node = node[step]
        if data.draw(st.booleans()):
            node.pop(path[-1])
        else:
            node[path[-1]] = data.draw(JSON)
    check(FORMATS[name], record, Context(keep_text=data.draw(st.booleans())))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_content_of_any_shape_never_costs_the_row(data):
    name, record = data.draw(st.sampled_from([entry for entry in RECORDS if entry[0] in ("litellm", "litellm-spend")]))
    record = {**record, "messages": data.draw(JSON), "response": data.draw(st.text(max_size=30) | st.lists(JSON, max_size=4) | WORDS)}
    assert check(FORMATS[name], record, Context())


@pytest.mark.parametrize("name", FORMATS)
def test_reasons_never_show_a_value(name):
    secret = "s3cr3t-value"
    reasons = set()
    for record in (record for owner, record in RECORDS if owner == name):
        for key in record:
            try:
                list(FORMATS[name].read({**record, key: [secret]}, Context()))
            except BadRow as bad:
                reasons.add(str(bad))
    assert reasons
    assert not any(secret in reason for reason in reasons)


def test_half_of_a_log_may_leave_open_whose_call_it_is():
    nobody = [
        ("access-log", {"request_id": "i", "time_iso8601": "2026-07-07T10:00:00Z", "request": "POST /v1/messages HTTP/1.1"}),
        (
            "azure-apim",
            {
                "category": "GatewayLogs",
                "correlationId": "i",
                "time": "2026-07-07T10:00:00Z",
                "properties": {"url": "/v1/chat/completions"},
            },
        ),
        ("azure-openai", {"operationName": "ChatCompletions_Create", "correlationId": "i", "time": "2026-07-07T10:00:00Z"}),
        (
            "bedrock",
            {
                "schemaType": "ModelInvocationLog",
                "requestId": "i",
                "timestamp": "2026-07-07T10:00:00Z",
                "operation": "Converse",
                "modelId": "m",
            },
        ),
        ("cloudflare-ai-gateway", {"id": "i", "created_at": "2026-07-07T10:00:00Z", "model": "m", "tokens_in": 1}),
        ("helicone", {"request_id": "i", "request_created_at": "2026-07-07T10:00:00Z"}),
        (
            "kserve",
            {
                "id": "i",
                "type": "org.kubeflow.serving.inference.request",
                "time": "2026-07-07T10:00:00Z",
                "data": {"messages": [{"role": "user", "content": "x"}]},
            },
        ),
        (
            "langfuse-events",
            {"id": "e", "timestamp": "2026-07-07T10:00:00Z", "type": "generation-create", "body": {"id": "i", "traceId": "t"}},
        ),
        ("langsmith", {"id": "i", "run_type": "llm", "start_time": "2026-07-07T10:00:00"}),
        ("openrouter", {"generation_id": "i", "created_at": "2026-07-07 10:00:00"}),
        ("portkey", {"id": "i", "created_at": "2026-07-07T10:00:00Z", "ai_model": "m"}),
        ("vertex", {"request_id": "i", "logging_time": "2026-07-07 10:00:00 UTC", "full_request": {}}),
        ("canonical", {"interaction_id": "i", "started_at": "2026-07-07T10:00:00Z"}),
        ("envoy-ai", {"x-request-id": "i", "start_time": "2026-07-07T10:00:00Z", "gen_ai.request.model": "m"}),
        ("kong", {"request": {"id": "i"}, "started_at": 1783418400251, "ai": {"proxy": {"meta": {}}}}),
        ("langfuse", {"id": "i", "start_time": "2026-07-07 10:00:00", "type": "GENERATION"}),
        ("litellm", {"id": "i", "startTime": 1783418400.0}),
        ("litellm-spend", {"request_id": "i", "startTime": "2026-07-07 10:00:00"}),
        ("openai-body", {"id": "i", "time": 1783418400, "request": {"messages": [{"role": "user", "content": "x"}]}, "response": {}}),
        (
            "otel-genai",
            {
                "resourceSpans": [
                    {
                        "scopeSpans": [
                            {
                                "spans": [
                                    {
                                        "traceId": "i",
                                        "spanId": "s",
                                        "startTimeUnixNano": "1783418400251934111",
                                        "attributes": [{"key": "gen_ai.request.model", "value": {"stringValue": "m"}}],
                                    }
                                ]
                            }
                        ]
                    }
                ]
            },
        ),
    ]
    for name, record in nobody:
        ((table, row),) = FORMATS[name].read(record, Context(account_optional=True))
        assert (table, row["account_id"]) == ("interactions", None)
        assert row["interaction_id"].startswith("i")
        with pytest.raises(BadRow):
            list(FORMATS[name].read(record, Context()))
    assert {name for name, _ in nobody} == set(FORMATS)
