"""What readers of logs have in common: whose call it was, token counts in every spelling, what is remembered between passes."""

import json
from pathlib import Path

import pytest

from intake.memory_lake import MemoryLake
from intake.test_formats_sniff import OWNERS
from stillhunt.errors import BadRow, UnknownCaller
from stillhunt.intake.formats import Context
from stillhunt.intake.formats.calls import (
    account_in_headers,
    credential_id,
    made_id,
    packed,
    required_account,
    unpacked,
    usage_columns,
    who,
)
from stillhunt.intake.kept import Kept
from stillhunt.intake.pipeline import ingest
from stillhunt.intake.registry import registry

SAMPLES = Path(__file__).with_name("samples")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 2}}, (3, 4, None, 2)),
        ({"input_tokens": 3, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 1}}, (3, 4, 1, None)),
        (
            {"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 30940, "prompt_tokens_details": {"cached_tokens": 0}},
            (3, 4, None, 30940),
        ),
        ({"cache_read_input_tokens": 0, "prompt_tokens_details": {"cached_tokens": 5}}, (None, None, None, 5)),
        ({"inputTokens": "3", "outputTokens": 4.0, "cacheReadInputTokens": 0}, (3, 4, None, 0)),
        ({"promptTokenCount": 3, "candidatesTokenCount": 4, "thoughtsTokenCount": 9, "cachedContentTokenCount": 1}, (3, 4, 9, 1)),
        ({"input_tokens": 3, "input_token_details": {"cache_read": 2}, "output_token_details": {"reasoning": 1}}, (3, None, 1, 2)),
        ('{"prompt_tokens": 3}', (3, None, None, None)),
        ({}, (None, None, None, None)),
        (None, (None, None, None, None)),
        ("text", (None, None, None, None)),
    ],
)
def test_tokens_in_every_spelling(usage, expected):
    row = usage_columns(usage, "usage")
    assert tuple(row.get(name) for name in ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")) == expected


def test_a_credential_is_a_digest_and_a_blanked_one_is_nothing():
    assert credential_id("Bearer sk-example-0123") == credential_id("sk-example-0123") != credential_id("sk-example-0124")
    assert "example" not in credential_id("sk-example-0123")
    assert [credential_id(value) for value in (None, 7, "", "Bearer ", "Bearer ****", "[REDACTED]", "short")] == [None] * 7


def test_a_call_of_nobody_that_was_refused_is_an_unknown_callers():
    assert account_in_headers({"authorization": "Bearer sk-example-0123", "x-user-id": "a"})[0] == "a"
    for status in (401, "403", 407.0):
        with pytest.raises(UnknownCaller):
            required_account(None, Context(), "x: expected", status)
    for status in (200, None, "x"):
        with pytest.raises(BadRow, match=r"^x: expected"):
            required_account(None, Context(), "x: expected", status)
    assert required_account(None, Context(account_optional=True), "x: expected", 401) is None


REFUSALS = [
    ("access-log", "access_log", 0, {"status": "401", "http_x_user_id": "", "http_authorization": "Bearer sk-example-0123"}),
    (
        "openai-body",
        "openai_body",
        0,
        {"status": 401, "request": {"headers": {"api-key": "sk-example-0123"}, "body": {"messages": [{"role": "user"}]}}},
    ),
    (
        "openai-body",
        "openai_body",
        0,
        {"status": 403, "key_id": "k-1", "headers": {"api-key": "sk-example-0123"}, "request": {"prompt": "x"}},
    ),
    ("helicone", "helicone", 0, {"response_status": 401, "request_user_id": None, "request_properties": {}}),
    ("portkey", "portkey", 0, {"response_status_code": 401, "metadata": {}}),
    ("cloudflare-ai-gateway", "cloudflare", 0, {"StatusCode": 401, "Metadata": {}}),
    ("azure-openai", "azure_openai", 1, {"ResultSignature": "401", "properties_s": "{}"}),
]


@pytest.mark.parametrize(("name", "file", "at", "changes"), REFUSALS)
def test_a_refused_credential_adds_no_account(name, file, at, changes, tmp_path):
    record = json.loads((SAMPLES / f"{file}.json").read_text())[at]
    (tmp_path / "log.jsonl").write_text(json.dumps({**record, **changes}) + "\n")
    report = ingest([tmp_path / "log.jsonl"], MemoryLake(), format=name, workers=1)
    assert (report.accepted, sum(source.unknown_callers for source in report.sources)) == (0, 1)


def test_placeholders_are_nobody_and_the_next_name_counts():
    assert who({"user_id": "default_user_id", "customer-id": "c-1"}, ("user_id", "customer_id")) == "c-1"
    assert who({"user_id": "anonymous"}, ("user_id",)) is None
    assert who({"user_id": {"device_id": "d-1", "session_id": "s-1"}}, ("user_id",)) == "d-1"
    assert [who({"user_id": value}, ("user_id",)) for value in (True, 1.5, ["a", "b"], None, "NULL", "")] == [None] * 6


def test_made_ids_tell_calls_apart():
    assert made_id("a", 1, {"x": 1}) == made_id("a", 1, {"x": 1})
    assert len({made_id("a", 1), made_id("a", 2), made_id("b", 1), made_id("a", None, 1)}) == 4


@pytest.mark.parametrize(
    "value", [{"a": [1, None, "ä"]}, {"n": 2**63}, {"s": "\ud800"}, {"long": "x" * 5000}, {"n": 10**20, "long": "\ud800" * 2000}, None]
)
def test_what_is_remembered_comes_back(value):
    assert unpacked(packed(["name", value])) == ["name", value]


NEW = sorted(set(OWNERS.values()) - {"canonical", "envoy-ai", "kong", "langfuse", "litellm", "litellm-spend", "otel-genai"})


def named_nowhere(value):
    """`value` with every word in it that a sample uses for an account replaced by a placeholder."""
    if isinstance(value, dict):
        return {key: named_nowhere(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [named_nowhere(inner) for inner in value]
    if isinstance(value, str):
        found = value
        for word in ("acct-512", "acct-513-key", "acct-513", "acct-514", "sub-512", "9a1e0000-0000-4000-8000-00000000c0de"):
            found = found.replace(word, "anonymous")
        return found
    return value


@pytest.mark.parametrize("name", [name for name in NEW if name not in ("bedrock", "azure-apim")])  # these have a principal, too
def test_a_placeholder_is_no_account_in_any_format(name):
    form, context = registry().formats[name], Context()
    records = [
        named_nowhere(record)
        for file, owner in OWNERS.items()
        if owner == name
        for record in json.loads((SAMPLES / f"{file}.json").read_text())
    ]
    for record in records:
        form.index(record, context)
    for record in records:
        try:
            rows = [row for table, row in form.read(record, context) if table == "interactions"]
        except BadRow:
            continue
        assert all(row["account_id"] not in ("anonymous", None) for row in rows)


def call_count(name):
    """How many calls a format's samples hold, all read as one log."""
    form, context = registry().formats[name], Context()
    records = [record for file, owner in OWNERS.items() if owner == name for record in json.loads((SAMPLES / f"{file}.json").read_text())]
    for record in records:
        form.index(record, context)
    return records, [row for record in records for table, row in form.read(record, context) if table == "interactions"]


@pytest.mark.parametrize("layout", ["lines", "array", "indented", "a file for each"])
@pytest.mark.parametrize("name", NEW)
def test_every_new_format_is_guessed_and_read_from_files(name, layout, tmp_path):
    records, rows = call_count(name)
    if layout == "lines":
        (tmp_path / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    elif layout == "a file for each":
        for number, record in enumerate(records):
            (tmp_path / f"{number}.json").write_text(json.dumps(record))
    else:
        (tmp_path / "log.json").write_text(json.dumps(records, indent=2 if layout == "indented" else None))
    lake = MemoryLake()
    report = ingest([tmp_path], lake, workers=1)
    assert {source.format for source in report.sources} == {name}
    assert not report.errors
    assert set(lake.interactions) == {row["interaction_id"] for row in rows}
    assert {row["source"] for row in lake.interactions.values()} == {name}
    again = ingest([tmp_path], lake, workers=1)
    assert again.accepted == 0


@pytest.mark.parametrize("name", ["azure-apim", "kserve", "langfuse-events", "langsmith"])
def test_what_is_remembered_may_be_larger_than_memory(name):
    form = registry().formats[name]
    records, expected = call_count(name)
    context = Context(kept=Kept(memory_bytes=0))
    for record in records:
        form.index(record, context)
    elsewhere = Context(kept=Kept.opened(context.kept.path()))  # as another process reads it
    assert [row for record in records for table, row in form.read(record, elsewhere) if table == "interactions"] == expected
    context.kept.close()


@pytest.mark.parametrize("name", ["azure-apim", "kserve", "langfuse-events", "langsmith"])
def test_two_passes_are_made_by_workers_alike(name, tmp_path):
    records, rows = call_count(name)
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    lakes = []
    for workers in (1, 2):
        lakes.append(MemoryLake())
        assert not ingest([tmp_path / "log.jsonl"], lakes[-1], workers=workers).errors
    assert lakes[0].interactions == lakes[1].interactions
    assert len(lakes[0].interactions) == len({row["interaction_id"] for row in rows})
