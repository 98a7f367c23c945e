"""Bedrock: who an ARN stands for, bodies of every vendor, bodies in files beside the log."""

import gzip
import json
from pathlib import Path

import pytest

from stillhunt.errors import BadRow
from stillhunt.intake.formats import Context, bedrock
from stillhunt.intake.formats.bedrock import model_of, principal_of

SAMPLES = json.loads(Path(__file__).with_name("samples").joinpath("bedrock.json").read_text())


def read(record, **context):
    ((table, row),) = bedrock.FORMAT.read(record, Context(**context))
    assert table == "interactions"
    return row


def body(request, response, **changes):
    """A record with these bodies."""
    base = {**SAMPLES[1], "input": {"inputBodyJson": request}, "output": {"outputBodyJson": response}}
    return read({**base, **changes})


def test_a_converse_record_with_metadata_tools_images_and_reasoning():
    row = read(SAMPLES[0])
    expected = {
        "interaction_id": "6b1c4d0e-7f0a-4c5b-9a55-0d9a0f3f0001",
        "started_at": 1783418400000000,
        "account_id": "acct-512",
        "organization_id": "blue",
        "key_id": "arn:aws:sts::111122223333:assumed-role/chat-backend",
        "conversation_id": "s-7",
        "operation": "chat",
        "request_model": "us.anthropic.claude-sonnet-4-20250514-v1:0",
        "input_tokens": 210,
        "output_tokens": 9,
        "cached_tokens": 100,
        "http_status": 200,
        "error_type": None,
        "system": "Answer briefly.",
        "transcript": '\x1euWhat is in this picture?\x1ealook {"detail":"high"}\x1eta lighthouse',
        "response": "A lighthouse.",
        "reasoning": "The tool says so.",
        "finish_reason": "end_turn",
        "tool_count": 1,
    }
    assert {name: row[name] for name in expected} == expected
    assert json.loads(row["request_parameters"]) == {"inferenceConfig": {"maxTokens": 512, "temperature": 0.2}}


def test_a_streamed_invocation_is_put_together():
    row = read(SAMPLES[1])
    assert (row["response"], row["finish_reason"], row["input_tokens"], row["output_tokens"]) == ("Good morning", "end_turn", 14, 5)
    assert (row["system"], row["transcript"], row["account_id"]) == (
        "You translate.",
        "\x1euGuten Morgen",
        "arn:aws:iam::111122223333:user/reporting",
    )
    assert row["organization_id"] == "111122223333"


def test_an_error_has_its_status_and_a_missing_body_costs_only_the_text():
    row = read(SAMPLES[2])
    assert (row["http_status"], row["error_type"], row["transcript"]) == (429, "ThrottlingException", None)


def test_tokens_may_stand_in_the_body_alone():
    said = {"output": {"message": {"content": [{"text": "x"}]}}, "usage": {"inputTokens": 3, "outputTokens": 4, "cacheReadInputTokens": 2}}
    row = body({"messages": []}, said)
    assert (row["input_tokens"], row["output_tokens"], row["cached_tokens"]) == (3, 4, 2)
    row = body({"inputText": "x"}, {"inputTextTokenCount": 5, "results": [{"outputText": "y", "tokenCount": 6}]})
    assert (row["input_tokens"], row["output_tokens"]) == (5, 6)


@pytest.mark.parametrize(
    ("request_body", "response_body", "asked", "answered", "reason"),
    [
        ({"inputText": "Hi"}, {"results": [{"outputText": "Yo", "completionReason": "FINISH"}]}, "Hi", "Yo", "FINISH"),
        ({"inputText": "Hi"}, [{"outputText": "Y", "index": 0}, {"outputText": "o", "completionReason": "FINISH"}], "Hi", "Yo", "FINISH"),
        ({"prompt": "Hi", "max_gen_len": 5}, {"generation": "Yo", "stop_reason": "stop"}, "Hi", "Yo", "stop"),
        ({"prompt": "Hi"}, [{"generation": "Y", "stop_reason": None}, {"generation": "o", "stop_reason": "stop"}], "Hi", "Yo", "stop"),
        ({"prompt": "Hi"}, {"generations": [{"text": "Yo", "finish_reason": "COMPLETE"}]}, "Hi", "Yo", "COMPLETE"),
        ({"message": "Hi"}, {"text": "Yo", "finish_reason": "COMPLETE"}, "Hi", "Yo", "COMPLETE"),
        (
            {"message": "Hi"},
            [{"event_type": "text-generation", "text": "Yo"}, {"event_type": "stream-end", "finish_reason": "COMPLETE"}],
            "Hi",
            "Yo",
            "COMPLETE",
        ),
        ({"prompt": "Hi"}, {"outputs": [{"text": "Yo", "stop_reason": "stop"}]}, "Hi", "Yo", "stop"),
        ({"prompt": "Hi"}, {"completions": [{"data": {"text": "Yo"}, "finishReason": {"reason": "endoftext"}}]}, "Hi", "Yo", "endoftext"),
        ({"prompt": "Hi"}, {"completion": "Yo", "stop_reason": "stop_sequence"}, "Hi", "Yo", "stop_sequence"),
        (
            {"messages": [{"role": "user", "content": "Hi"}]},
            {"choices": [{"message": {"content": "Yo"}, "finish_reason": "stop"}]},
            "Hi",
            "Yo",
            "stop",
        ),
        (
            {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]},
            [
                {"messageStart": {"role": "assistant"}},
                {"contentBlockDelta": {"delta": {"text": "Y"}, "contentBlockIndex": 0}},
                {"contentBlockDelta": {"delta": {"text": "o"}, "contentBlockIndex": 0}},
                {"messageStop": {"stopReason": "end_turn"}},
            ],
            "Hi",
            "Yo",
            "end_turn",
        ),
        ('{"inputText": "Hi"}', '{"results": [{"outputText": "Yo", "completionReason": "FINISH"}]}', "Hi", "Yo", "FINISH"),
    ],
)
def test_bodies_of_every_vendor_whole_and_streamed(request_body, response_body, asked, answered, reason):
    row = body(request_body, response_body)
    assert (row["transcript"], row["response"], row["finish_reason"]) == (f"\x1eu{asked}", answered, reason)


def test_embeddings_have_a_prompt_and_no_answer():
    row = body({"inputText": "Hi"}, {"embedding": [0.1, 0.2], "inputTextTokenCount": 2}, modelId="amazon.titan-embed-text-v2:0")
    assert (row["operation"], row["transcript"], row["response"], row["input_tokens"]) == ("embeddings", "\x1euHi", None, 2)
    row = body({"texts": ["a", "b"], "input_type": "search_document"}, {"embeddings": [[0.1]]})
    assert (row["transcript"], row["response"]) == ("\x1eua\nb", None)


@pytest.mark.parametrize(
    ("arn", "principal"),
    [
        ("arn:aws:iam::111122223333:user/team/kim", "arn:aws:iam::111122223333:user/team/kim"),
        ("arn:aws:sts::111122223333:assumed-role/worker/botocore-session-1783418400", "arn:aws:sts::111122223333:assumed-role/worker"),
        ("arn:aws:sts::111122223333:assumed-role/dev/kim@example.com", "arn:aws:sts::111122223333:assumed-role/dev/kim@example.com"),
        ("arn:aws-us-gov:sts::111122223333:federated-user/kim", "arn:aws-us-gov:sts::111122223333:federated-user/kim"),
        (None, None),
    ],
)
def test_a_roles_session_is_dropped_unless_it_names_a_person(arn, principal):
    assert principal_of(arn) == principal


def test_a_call_of_nobody_is_refused_with_what_to_do():
    record = {**SAMPLES[1], "identity": {}}
    with pytest.raises(BadRow, match=r"requestMetadata\.user_id"):
        read(record)
    assert read(record, account_optional=True)["account_id"] is None


def test_models_of_profiles_are_named_by_their_id():
    assert model_of("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0") == "amazon.nova-lite-v1:0"
    assert model_of("amazon.nova-lite-v1:0") == "amazon.nova-lite-v1:0"


def reference(name):
    return f"s3://bucket/prefix/AWSLogs/1/BedrockModelInvocationLogs/us-east-1/2026/07/07/10/data/{name}"


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("folder", ["data", "2026/07/07/10/data", "."])
def test_a_body_by_reference_is_read_from_the_copied_tree(tmp_path, packed, folder):
    text = json.dumps({"messages": [{"role": "user", "content": "Long"}]}).encode()
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / folder / "r_input.json.gz").write_bytes(gzip.compress(text) if packed else text)
    record = {**SAMPLES[1], "input": {"inputBodyS3Path": reference("r_input.json.gz")}}
    assert read(record, base=str(tmp_path))["transcript"] == "\x1euLong"


def test_a_reference_never_leaves_the_folder(tmp_path):
    inside = tmp_path / "logs"
    inside.mkdir()
    (tmp_path / "secret.json").write_text('{"messages": [{"role": "user", "content": "Secret"}]}')
    (inside / "link.json").symlink_to(tmp_path / "secret.json")
    for path in ("../secret.json", "s3://b/../secret.json", str(tmp_path / "secret.json"), "link.json", "s3://[", "a\0b"):
        record = {**SAMPLES[1], "input": {"inputBodyS3Path": path}}
        assert read(record, base=str(inside))["transcript"] is None


def test_damaged_and_swollen_references_cost_only_the_text(tmp_path):
    (tmp_path / "cut.json.gz").write_bytes(gzip.compress(b'{"messages": []}' * 1000)[:-20])
    (tmp_path / "bad.json.gz").write_bytes(b"\x1f\x8b\x08junk")
    (tmp_path / "huge.json.gz").write_bytes(gzip.compress(b" " * (65 << 20)))
    for name in ("cut.json.gz", "bad.json.gz", "huge.json.gz"):
        assert read({**SAMPLES[1], "input": {"inputBodyS3Path": reference(name)}}, base=str(tmp_path))["transcript"] is None


def test_guardrail_checks_are_no_calls():
    assert list(bedrock.FORMAT.read({**SAMPLES[1], "operation": "ApplyGuardrail"}, Context())) == []


def test_what_litellm_passes_on_names_the_account():
    told = {"user_api_key_user_id": "acct-9", "user_api_key_hash": "0a1b", "user_api_key_end_user_id": "kim"}
    row = read({**SAMPLES[1], "requestMetadata": told})
    assert (row["account_id"], row["end_user_id"]) == ("acct-9", "kim")
    assert read({**SAMPLES[1], "requestMetadata": {**told, "user_api_key_user_id": "default_user_id"}})["account_id"] == "0a1b"
