"""Guessing the format: each source's samples are taken for that source and no other, anything else for none."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.intake.formats import Sample, envoy_ai
from stillhunt.intake.registry import registry

SAMPLES = Path(__file__).with_name("samples")
FORMATS = list(registry().formats.values())
OWNERS = {
    "access_log": "access-log",
    "azure_apim": "azure-apim",
    "azure_openai": "azure-openai",
    "bedrock": "bedrock",
    "canonical": "canonical",
    "canonical_accounts": "canonical",
    "canonical_entitlements": "canonical",
    "cloudflare": "cloudflare-ai-gateway",
    "cloudflare_api": "cloudflare-ai-gateway",
    "envoy_ai": "envoy-ai",
    "helicone": "helicone",
    "kong": "kong",
    "kserve": "kserve",
    "langfuse_events": "langfuse",
    "langfuse_observations": "langfuse",
    "langfuse_raw": "langfuse-events",
    "langfuse_traces": "langfuse",
    "langsmith": "langsmith",
    "litellm": "litellm",
    "litellm_spend": "litellm-spend",
    "openai_body": "openai-body",
    "openrouter": "openrouter",
    "otel_logs": "otel-genai",
    "otel_spans": "otel-genai",
    "portkey": "portkey",
    "vertex": "vertex",
    "vertex_audit": "vertex",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def records(name):
    return json.loads((SAMPLES / f"{name}.json").read_text())


def test_every_sample_file_has_an_owner_and_every_format_a_sample():
    assert {path.stem for path in SAMPLES.glob("*.json")} == set(OWNERS)
    assert set(OWNERS.values()) == {form.name for form in FORMATS}


@pytest.mark.parametrize("name", OWNERS)
def test_a_source_is_taken_for_itself_and_for_nothing_else(name):
    scores = {form.name: form.sniff(Sample(f"{name}.jsonl", "lines", records(name))) for form in FORMATS}
    assert scores.pop(OWNERS[name]) >= 0.85
    assert set(scores.values()) == {0.0}


TABLES = (
    "canonical",
    "langfuse_events",
    "langfuse_observations",
    "langfuse_traces",
    "litellm_spend",
    "helicone",
    "openrouter",
    "portkey",
    "langsmith",
    "cloudflare_api",
)
"""Samples of formats that are written as tables, too."""


@pytest.mark.parametrize("name", [name for name in OWNERS if name.startswith(TABLES)])
def test_a_table_is_recognised_by_its_header_alone(name):
    columns = tuple(dict.fromkeys(key for record in records(name) for key in record))
    scores = {form.name: form.sniff(Sample(f"{name}.csv", "csv", [], columns)) for form in FORMATS}
    best = max(scores, key=scores.get)
    assert best == OWNERS[name]
    assert scores.pop(best) >= 0.85
    assert max(scores.values()) == 0.0


OTHERS = [
    [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}],
    [{"time": "2026-01-01", "level": "info", "msg": "started", "trace_id": "t"}],
    [{"timestamp": "2026-01-01", "id": "1", "name": "event", "version": "2"}],
    [{"account_id": "a", "balance": 3, "iban": "x", "branch": "y"}],
    [{"request": {"url": "/"}, "response": {"status": 200}}],
    [{"start_time": "2026-01-01T00:00:00Z", "duration": 3, "job": "backup"}],
    [{"messages": [{"role": "user", "content": "Hi"}]}],
    [{}],
    [],
]


@pytest.mark.parametrize("other", OTHERS)
def test_other_json_is_no_format(other):
    assert [form.sniff(Sample("x.jsonl", "lines", other)) for form in FORMATS] == [0.0] * len(FORMATS)


@pytest.mark.parametrize("columns", [("id", "name", "price"), ("account_id",), ("date", "open", "high", "low"), ("scope", "value"), ()])
def test_other_tables_are_no_format(columns):
    assert [form.sniff(Sample("x.csv", "csv", [], columns)) for form in FORMATS] == [0.0] * len(FORMATS)


@settings(max_examples=60, deadline=None)
@given(st.lists(JSON, max_size=3))
def test_guessing_never_raises_and_arbitrary_json_is_no_format(found):
    for form in FORMATS:
        assert form.sniff(Sample("x.jsonl", "lines", found)) == 0.0


def test_a_plain_envoy_log_is_less_sure_than_one_of_the_ai_gateway():
    record = {key: value for key, value in records("envoy_ai")[0].items() if not key.startswith("genai")}
    assert (
        0.5
        <= envoy_ai.FORMAT.sniff(Sample("x.log", "lines", [record]))
        < envoy_ai.FORMAT.sniff(Sample("x.log", "lines", records("envoy_ai")))
    )
