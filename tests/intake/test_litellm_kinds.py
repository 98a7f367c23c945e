"""LiteLLM's logs as they really are: what is a call, whose it is, how many tokens it took, and what it said."""

import csv
import json
from pathlib import Path

import pytest

from stillhunt.errors import BadRow, UnknownCaller
from stillhunt.intake.formats import Context, litellm, litellm_spend
from stillhunt.intake.formats.litellm_calls import kind_of_call
from stillhunt.intake.framing import Block
from stillhunt.intake.rows import INTAKE_TABLES, read_tables

CASES = Path(__file__).parent / "samples" / "cases"
FORMS = {"litellm": litellm.FORMAT, "spend": litellm_spend.FORMAT}
UUID = "3f0c52a1-7d1e-4b6c-9a2f-0123456789ab"


def payload(**changes):
    """A payload of nothing in particular; `metadata` is added to, not replaced."""
    meta = {"user_api_key_hash": "k" * 64, "user_api_key_user_id": "u-1", "user_api_key_team_id": "team-1", **changes.pop("metadata", {})}
    plain = {
        "id": "r-1",
        "litellm_call_id": "c-1",
        "call_type": "acompletion",
        "startTime": 1783418400.5,
        "endTime": 1783418401,
        "end_user": "",
    }
    said = {"messages": [{"role": "user", "content": "Name a river."}], "response": None, "prompt_tokens": 5, "completion_tokens": 7}
    return {**plain, **said, "model": "m-1", "status": "success", "metadata": meta, **changes}


def spend(**changes):
    """The same as a row of the spend logs."""
    call = payload(**changes)
    meta = call["metadata"]
    row = {
        name: call[name]
        for name in ("call_type", "prompt_tokens", "completion_tokens", "model", "status", "messages", "response", "end_user")
    }
    given = {"request_id": call["id"], "api_key": meta["user_api_key_hash"], "user": meta["user_api_key_user_id"] or "", "metadata": meta}
    meta["error_information"] = call.get("error_information")
    return {**row, **given, "team_id": "", "startTime": "2026-07-07 10:00:00.5", "endTime": "2026-07-07 10:00:01"}


BOTH = pytest.mark.parametrize("write", [payload, spend], ids=["payload", "spend"])


def rows_of(record, **options):
    form = litellm_spend.FORMAT if "request_id" in record else litellm.FORMAT
    return [row for table, row in form.read(record, Context(**options)) if table == "interactions"]


def block_of(records, **options):
    form = litellm_spend.FORMAT if "request_id" in records[0] else litellm.FORMAT
    data = b"\n".join(json.dumps(record).encode() for record in records)
    batch, tables = read_tables(Block("x", "lines", data), form, Context(**options), INTAKE_TABLES)
    return batch, tables["interactions"].to_pylist() if "interactions" in tables else []


def case(name):
    records = [json.loads(line) for line in (CASES / f"{name}.jsonl").read_text().splitlines()]
    return block_of(records)


# --------------------------------------------------------------------------------------------------------------------
# What is a call


@pytest.mark.parametrize(
    "call_type",
    [
        *(
            "aget_responses",
            "get_responses",
            "adelete_responses",
            "acancel_responses",
            "alist_input_items",
            "aretrieve_batch",
            "acreate_batch",
        ),
        *("create_batch", "acancel_batch", "alist_batches", "acreate_file", "afile_content", "afile_list", "file_delete", "afile_retrieve"),
        *("acreate_fine_tuning_job", "alist_fine_tuning_jobs", "aget_assistants", "acreate_thread", "a_add_message", "get_messages"),
        *("avector_store_create", "vector_store_search", "avideo_content", "avideo_status", "acreate_container", "acount_tokens"),
        *("call_mcp_tool", "list_mcp_tools", "/key/info", "/v1/models", "/models", "/user/info", "/health", "/v1/files", "/v1/batches"),
        *("GET /v1/responses", "/v1/responses/resp_1", "/v1/messages/count_tokens", "/v1/threads/t/messages", "/spend/logs", "asearch"),
    ],
)
@BOTH
def test_what_asks_no_model_is_no_call(write, call_type):
    assert kind_of_call(call_type) is None
    assert rows_of(write(call_type=call_type)) == []


@pytest.mark.parametrize(
    ("call_type", "operation"),
    [
        *(("completion", "chat"), ("acompletion", "chat"), ("aresponses", "chat"), ("anthropic_messages", "chat"), ("", "chat")),
        *(("aembedding", "embeddings"), ("atext_completion", "text_completion"), ("agenerate_content_stream", "generate_content")),
        *(("/chat/completions", "chat"), ("/v1/messages", "chat"), ("POST /v1/responses", "chat"), ("/v1/embeddings", "embeddings")),
        *(
            ("aimage_generation", "aimage_generation"),
            ("atranscription", "atranscription"),
            ("arerank", "arerank"),
            ("_arealtime", "_arealtime"),
        ),
        *(("amoderation", "amoderation"), ("aspeech", "aspeech"), ("abatch_completion", "abatch_completion"), ("run_thread", "run_thread")),
        *(("/v1/images/generations", "image_generation"), ("/bedrock/model/m/converse", "chat"), ("acompact_responses", "chat")),
    ],
)
@BOTH
def test_what_asks_a_model_is_a_call(write, call_type, operation):
    (row,) = rows_of(write(call_type=call_type))
    assert row["operation"] == operation


@pytest.mark.parametrize(
    ("route", "calls"),
    [
        *(("/chat/completions", 1), ("/v1/messages", 1), ("/my/own/endpoint", 1), (None, 1), (7, 1)),
        *(("/key/info", 0), ("/v1/models", 0), ("/v1/files/f-1", 0), ("/spend/logs", 0), ("/global/spend", 0)),
    ],
)
@pytest.mark.parametrize("nothing", [None, "", "None"])
@BOTH
def test_where_the_type_is_missing_the_route_tells(write, nothing, route, calls):
    assert len(rows_of(write(call_type=nothing, metadata={"user_api_key_request_route": route}))) == calls


def test_a_stored_response_that_is_fetched_again_is_no_call():
    batch, rows = case("litellm_get_responses")
    assert [row["interaction_id"] for row in rows] == ["resp_orig"]
    assert batch.ignored == batch.records - 1
    assert not batch.bad


# --------------------------------------------------------------------------------------------------------------------
# One call, two records


def test_two_callbacks_of_one_call_have_one_id():
    batch, rows = case("litellm_double_callback")
    assert len(rows) == batch.records == 10
    assert {row["interaction_id"] for row in rows} == {f"call-{n}" for n in range(5)}


def test_the_response_keeps_its_id_for_logs_that_know_it_by_that():
    (row,) = rows_of(payload())
    assert (row["interaction_id"], row["_request_ids"]) == ("c-1", ["r-1"])
    (same,) = rows_of({**spend(), "metadata": {**spend()["metadata"], "litellm_call_id": "c-1"}})
    assert same["interaction_id"] == "c-1"


@BOTH
def test_attempts_that_failed_are_calls_of_their_own_however_soon_the_next_one_comes(write):
    failed = {"status": "failure", "error_information": {"error_code": "429", "error_class": "RateLimitError", "llm_provider": "x"}}
    attempts = [write(**failed), write(**failed), write(**failed), write()]
    for n, record in enumerate(attempts):
        record["litellm_call_id"] = "c-1"
        record["startTime"] = 1783418400.5 + n // 2 / 10  # the first two are one, logged twice
    _, rows = block_of(attempts)
    ids = [row["interaction_id"] for row in rows]
    assert ids == ["c-1#1783418400500000", "c-1#1783418400500000", "c-1#1783418400600000", "c-1"]
    assert rows_of(attempts[0])[0]["_request_ids"] == ["c-1", "r-1"]


@pytest.mark.parametrize("nothing", [None, "", "None", "null", "undefined", "\\N", "0", 0, "00000000-0000-0000-0000-000000000000"])
@BOTH
def test_an_id_that_is_none_is_not_shared_by_everybody(write, nothing):
    (row,) = rows_of(write(id=nothing, litellm_call_id=nothing))
    assert row["interaction_id"] is None


# --------------------------------------------------------------------------------------------------------------------
# Whose call it is

REFUSED = {"error_code": "401", "error_class": "ProxyException", "llm_provider": "", "error_message": "", "traceback": ""}


@pytest.mark.parametrize(
    "user", [None, "", "default_user_id", "None", "NULL", "\\N", "nan", "undefined", "anonymous", "Unknown", "default"]
)
@BOTH
def test_a_placeholder_is_nobody_so_the_key_is_the_account(write, user):
    (row,) = rows_of(write(metadata={"user_api_key_user_id": user}))
    assert row["account_id"] == row["key_id"] == "k" * 64
    with pytest.raises(BadRow, match="user"):
        rows_of(write(metadata={"user_api_key_user_id": user, "user_api_key_hash": "None"}))


@pytest.mark.parametrize("code", ["401", 401, "403", "407", "invalid_api_key", "auth_error"])
@BOTH
def test_a_refused_call_of_nobody_known_is_no_accounts(write, code):
    unknown = {"user_api_key_user_id": None, "user_api_key_team_id": None}
    record = write(metadata=unknown, status="failure", error_information={**REFUSED, "error_code": code})
    with pytest.raises(UnknownCaller, match="user"):
        rows_of(record)
    assert rows_of(record, account_optional=True)[0]["account_id"] is None  # the other half of a join may know who it was
    batch, rows = block_of([record, write()])
    assert (batch.records, batch.unknown, len(rows), batch.bad) == (2, 1, 1, [])


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"user_api_key_user_id": "u-2", "user_api_key_team_id": None}, REFUSED),
        ({"user_api_key_user_id": None}, REFUSED),
        ({"user_api_key_user_id": None, "user_api_key_team_id": None, "user_api_key_alias": "batch"}, REFUSED),
        ({"user_api_key_user_id": None, "user_api_key_team_id": None}, {**REFUSED, "error_code": "429"}),
        ({"user_api_key_user_id": None, "user_api_key_team_id": None}, {**REFUSED, "llm_provider": "openai"}),
        ({"user_api_key_user_id": None, "user_api_key_team_id": None}, None),
    ],
)
@BOTH
def test_a_refused_call_of_a_known_key_is_its_accounts(write, metadata, error):
    (row,) = rows_of(write(metadata=metadata, status="failure", error_information=error))
    assert row["account_id"] == (metadata["user_api_key_user_id"] or "k" * 64)


def test_who_tries_many_keys_adds_no_accounts():
    tried = [
        spend(
            id=f"r-{n}",
            metadata={"user_api_key_hash": f"{n:064x}", "user_api_key_user_id": None, "user_api_key_team_id": None},
            call_type=kind,
        )
        for n in range(300)
        for kind in ("/v1/models", "/chat/completions", "")
    ]
    for record in tried:
        record["metadata"]["error_information"] = REFUSED
        record["status"] = "failure"
    batch, rows = block_of([*tried, spend()])
    assert (batch.unknown, [row["account_id"] for row in rows], batch.bad) == (900, ["u-1"], [])


@pytest.mark.parametrize("name", ["litellm_none_key", "litellm_scanner"])
def test_the_cases_of_unknown_callers_have_no_accounts(name):
    batch, rows = case(name)
    known = [row["account_id"] for row in rows]
    assert batch.unknown > 0
    assert batch.unknown + len(rows) == batch.records
    assert not {"None", ""} & set(known)
    assert not any(account.startswith("0000") for account in known)


@BOTH
def test_a_tokens_hash_is_neither_account_nor_key(write):
    hashes = [f"hashed-jwt-{n:064x}" for n in range(3)]
    rows = [row for one in hashes for row in rows_of(write(metadata={"user_api_key_hash": one, "user_api_key_user_id": None}))]
    assert {(row["account_id"], row["key_id"]) for row in rows} == {("team-1", None)}
    (row,) = rows_of(write(metadata={"user_api_key_hash": hashes[0]}))
    assert (row["account_id"], row["key_id"]) == ("u-1", None)
    with pytest.raises(BadRow, match="user"):
        rows_of(write(metadata={"user_api_key_hash": hashes[0], "user_api_key_user_id": None, "user_api_key_team_id": None}))


@pytest.mark.parametrize("team", ["None", "null", "default", "unknown", "litellm-dashboard"])
@BOTH
def test_a_team_that_is_none_declares_nothing(write, team):
    (row,) = rows_of(write(metadata={"user_api_key_team_id": team, "user_api_key_org_id": "NULL"}))
    assert row["organization_id"] is None


@pytest.mark.parametrize(
    ("end_user", "stable"),
    [
        ('{"device_id": "d-1", "account_uuid": "", "session_id": "s-%d"}', "d-1"),
        (f'{{"device_id": "d-1", "account_uuid": "{UUID}", "session_id": "s-%d"}}', UUID),
        (f"user_abc_account__session_{UUID[:-1]}%d", "abc"),
        ('{"session_id": "s-%d"}', None),
        (f"session_{UUID[:-1]}%d", None),
        ("anonymous", None),
        ("visitor-%d", "visitor-%d"),
    ],
)
@BOTH
def test_an_end_user_is_the_same_in_each_session(write, end_user, stable):
    texts = [end_user % n if "%d" in end_user else end_user for n in range(4)]
    found = [row["end_user_id"] for text in texts for row in rows_of(write(end_user=text))]
    assert found == [stable % n if stable and "%d" in stable else stable for n in range(4)]


def test_the_case_of_blobs_has_one_end_user():
    _, rows = case("litellm_enduser_blob")
    assert {row["end_user_id"] for row in rows} == {"4ec41e"}


def test_an_export_with_a_word_for_null_is_read_as_one_with_nothing():
    with (CASES / "csv_null_word.csv").open(newline="") as file:
        rows = [row for record in csv.DictReader(file) for row in rows_of(record)]
    assert {row["account_id"] for row in rows} == {"u0", "u1", "u2", "u3"}
    assert {(row["organization_id"], row["end_user_id"]) for row in rows} == {("team-a", None)}


# --------------------------------------------------------------------------------------------------------------------
# Numbers


@pytest.mark.parametrize(
    ("usage", "reasoning", "cached"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 0}, "cache_read_input_tokens": 940, "total_tokens": 1}, None, 940),
        ({"prompt_tokens_details": None, "cache_read_input_tokens": 0, "prompt_cache_hit_tokens": 64, "total_tokens": 1}, None, 64),
        ({"input_tokens_details": {"cached_tokens": "12"}, "output_tokens_details": {"reasoning_tokens": 8.0}}, 8, 12),
        ({"completion_tokens_details": {"reasoning_tokens": 0}, "reasoning_tokens": 31, "cached_tokens": 5}, 31, 5),
        ({"prompt_tokens_details": {"cached_tokens": 0}, "total_tokens": 9}, None, 0),
        ({"thoughtsTokenCount": 7, "cachedContentTokenCount": 6}, 7, 6),
        ({"total_tokens": 9}, None, None),
    ],
)
@BOTH
def test_a_zero_beside_another_name_is_not_the_count(write, usage, reasoning, cached):
    (row,) = rows_of(write(metadata={"usage_object": usage}))
    assert (row["reasoning_tokens"], row["cached_tokens"]) == (reasoning, cached)
    (row,) = rows_of(write(response={"choices": [], "usage": usage}))
    assert (row["reasoning_tokens"], row["cached_tokens"]) == (reasoning, cached)


def test_the_case_of_cached_tokens_counts_them_in_both_ways_of_reading():
    _, rows = case("litellm_cached_zero")
    assert {row["cached_tokens"] for row in rows} == {30_940}


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": 12, "output_tokens": 7},
        {"prompt_tokens": "12", "completion_tokens": "7"},
        {"promptTokenCount": 12, "candidatesTokenCount": 7},
        {"inputTokens": 12, "outputTokens": 7},
    ],
)
@pytest.mark.parametrize("own", [0, None, "0", ""])
def test_counts_of_the_usage_fill_what_the_payload_lacks(usage, own):
    (row,) = rows_of(payload(prompt_tokens=own, completion_tokens=own, metadata={"usage_object": usage}))
    assert (row["input_tokens"], row["output_tokens"]) == (12, 7)
    (row,) = rows_of(payload(prompt_tokens=5, completion_tokens=6, metadata={"usage_object": usage}))
    assert (row["input_tokens"], row["output_tokens"]) == (5, 6)


# --------------------------------------------------------------------------------------------------------------------
# Text


@pytest.mark.parametrize("word", ["redacted-by-litellm", "default-message-value", "[REDACTED]", "<redacted>", "***"])
@BOTH
def test_a_placeholder_is_no_text(write, word):
    answer = {"choices": [{"message": {"role": "assistant", "content": word}, "finish_reason": "stop"}]}
    messages = [{"role": "system", "content": word}, {"role": "user", "content": word}]
    (row,) = rows_of(write(messages=messages, response=answer))
    assert (row["system"], row["transcript"], row["response"], row["finish_reason"]) == (None, None, None, "stop")


def test_the_case_of_a_placeholder_has_no_text():
    _, rows = case("litellm_default_message")
    assert {row["transcript"] for row in rows} == {None}
    assert {row["response"] for row in rows} == {"in their cells"}


ASKED = {"model": "m-9", "max_tokens": 99, "system": "You garden.", "messages": [{"role": "user", "content": "Prune roses?"}]}
SAID = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Above a bud."}], "stop_reason": "end_turn"}
COUNTED = {**SAID, "usage": {"input_tokens": 12, "output_tokens": 7, "cache_read_input_tokens": 4}}
STREAM = "".join(
    f"event: {one['type']}\ndata: {json.dumps(one)}\n\n"
    for one in (
        {"type": "message_start", "message": {"role": "assistant", "content": [], "usage": {"input_tokens": 12}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Above a bud."}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
    )
)


@pytest.mark.parametrize("call_type", ["pass_through_endpoint", "allm_passthrough_route", "llm_passthrough_route"])
@pytest.mark.parametrize("written", [json.dumps, str, dict], ids=["JSON", "Python", "object"])
@pytest.mark.parametrize("answer", [json.dumps(COUNTED), COUNTED, STREAM], ids=["JSON", "object", "stream"])
@BOTH
def test_a_pass_through_body_is_the_body_that_it_is(write, call_type, written, answer):
    messages = [{"role": "user", "content": written(ASKED)}]
    (row,) = rows_of(write(call_type=call_type, messages=messages, response={"response": answer}, model="unknown"))
    assert (row["system"], row["transcript"], row["response"]) == ("You garden.", "\x1euPrune roses?", "Above a bud.")
    assert row["finish_reason"] == "end_turn"
    assert row["operation"] == "chat"


def test_the_body_of_a_pass_through_call_tells_model_parameters_and_tokens():
    messages = [{"role": "user", "content": json.dumps(ASKED)}]
    record = payload(
        call_type="pass_through_endpoint",
        messages=messages,
        response={"response": json.dumps(COUNTED)},
        model="unknown",
        prompt_tokens=0,
        completion_tokens=0,
    )
    (row,) = rows_of(record)
    assert (row["request_model"], row["request_parameters"]) == ("m-9", '{"max_tokens":99}')
    assert (row["input_tokens"], row["output_tokens"], row["cached_tokens"]) == (12, 7, 4)


@pytest.mark.parametrize("kind", ["list", "batch", "file", "model", "response.deleted"])
@BOTH
def test_a_pass_through_to_something_that_is_no_model_is_no_call(write, kind):
    answer = {"response": json.dumps({"object": kind, "data": [{"id": "x"}], "id": "y"})}
    assert rows_of(write(call_type="pass_through_endpoint", messages=[{"role": "user", "content": "{}"}], response=answer)) == []


@pytest.mark.parametrize("messages", [None, "", [], "redacted-by-litellm", [{"role": "user", "content": "redacted-by-litellm"}]])
@BOTH
def test_a_pass_through_call_without_logged_text_is_a_call(write, messages):
    (row,) = rows_of(write(call_type="pass_through_endpoint", messages=messages, response=None))
    assert (row["transcript"], row["system"], row["response"]) == (None, None, None)


@pytest.mark.parametrize("content", ["{}", "null", "{ }", "[]"])
@BOTH
def test_a_pass_through_without_a_body_fetches_something(write, content):
    answer = {"response": json.dumps({"id": "resp_1", "output": [], "usage": {"input_tokens": 3}})}
    assert rows_of(write(call_type="pass_through_endpoint", messages=[{"role": "user", "content": content}], response=answer)) == []


def test_embeddings_that_are_passed_through_are_a_call():
    answer = {
        "response": json.dumps({"object": "list", "data": [{"object": "embedding", "embedding": [0.1]}], "usage": {"prompt_tokens": 3}})
    }
    messages = [{"role": "user", "content": json.dumps({"model": "e-1", "input": "river"})}]
    (row,) = rows_of(payload(call_type="pass_through_endpoint", messages=messages, response=answer, prompt_tokens=0))
    assert (row["transcript"], row["input_tokens"]) == ("\x1euriver", 3)


@BOTH
def test_json_that_somebody_asks_about_stays_what_was_asked(write):
    text = json.dumps(ASKED)
    (row,) = rows_of(write(messages=[{"role": "user", "content": text}]))
    assert (row["transcript"], row["system"]) == (f"\x1eu{text}", None)


def test_the_case_of_pass_through_bodies_has_system_prompt_and_answer():
    _, rows = case("litellm_passthrough_body")
    assert {(row["system"], row["response"], row["input_tokens"]) for row in rows} == {("You are a gardener.", "cut above a bud", 12)}
    assert rows[0]["transcript"] == "\x1euprune roses 0"


# --------------------------------------------------------------------------------------------------------------------
# What three versions of the proxy sent to the generic callback (1.83.14, 1.106.12, 1.110.2), recorded with invented accounts


def test_what_the_proxy_really_sends_is_read():
    batch, rows = case("litellm_recorded")
    assert (batch.records, len(rows), batch.bad, batch.unknown) == (5, 5, [], 0)
    assert [row["account_id"] for row in rows] == ["acct-0007"] * 3 + ["litellm_proxy_master_key"] * 2
    assert len({row["interaction_id"] for row in rows}) == 5  # the upstream answered each with the same id
    for row in rows[:3]:
        assert (row["system"], row["transcript"], row["response"]) == ("Be brief.", "\x1euSay hello", "Hello from the stub upstream")
        assert (row["input_tokens"], row["output_tokens"], row["reasoning_tokens"], row["reasoning"]) == (11, 7, 3, "because")
        assert (row["organization_id"], row["end_user_id"], row["client_ip"], row["http_status"]) == (
            "org-1",
            "end-user-1",
            "203.0.113.9",
            200,
        )
    assert [(row["http_status"], row["error_type"]) for row in rows[3:]] == [
        (400, "GuardrailRaisedException"),
        (None, "RouterRateLimitError"),
    ]
