"""Rows on their way into the lake: nothing lost, no text and no personal value passed on, every schema kept."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from stillhunt import records
from stillhunt.errors import StillhuntError
from stillhunt.intake import fingerprint, privacy, sketch
from stillhunt.intake.fingerprint import Fingerprinter

KEY = bytes(range(32))
PASSED_ON = [
    n for n in records.INTERACTIONS.names if n in records.INTAKE_INTERACTIONS.names and n not in ("end_user_id", "client_ip", "user_agent")
]

CALL = {
    "interaction_id": "call-1",
    "started_at": 1_700_000_000_000_000,
    "ended_at": 1_700_000_001_000_000,
    "account_id": "acct-1",
    "organization_id": "org-1",
    "key_id": "key-1",
    "end_user_id": "user-of-theirs",
    "surface": "api",
    "operation": "chat",
    "request_model": "large-2",
    "response_model": "large-2-0101",
    "input_tokens": 120,
    "output_tokens": 2400,
    "reasoning_tokens": 600,
    "cached_tokens": 8,
    "http_status": 200,
    "finish_reason": "stop",
    "error_type": "none",
    "conversation_id": "conv-1",
    "request_parameters": '{"temperature": 0.5, "user": "winter.berry@example.com"}',
    "client_ip": "192.0.2.44",
    "user_agent": "OpenAI/Python 1.51.0 (winter.berry@example.com)",
    "client_headers": '{"accept": "application/json", "authorization": "Bearer sk-AbCdEfGhIjKlMnOpQrSt"}',
    "tls_ja4": "t13d1516h2_8daaf6152771_02713d6af862",
    "system": "You are a careful grader.",
    "transcript": "\x1euPlease grade the following äöü answer by the rubric below.\x1eaGladly 🙂\x1etresult"
    "\x1euand now the second one as well please, thank you",
    "tools": '[{"name": "lookup"}]',
    "response": "A long secret answer",
    "reasoning": "hidden",
    "tool_count": 1,
    "truncated": False,
    "messages": "[]",
}
ACCOUNT = {
    "account_id": "acct-1",
    "created_at": 1_690_000_000_000_000,
    "organization_id": "org-1",
    "email": "Winter.Berry07@Example.com",
    "phone": "+1 202 555 0143",
    "payment_fingerprint": "card_abc",
    "signup_ip": "2001:db8:1:2::3",
    "signup_user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/124.0",
    "signup_ja4": "t13d1516h2_8daaf6152771_02713d6af862",
    "country": "NZ",
    "plan": "pro",
    "verification": "card",
    "referral": "friend",
    "status": "active",
    "closed_at": None,
    "closed_reason": None,
}


def calls(*rows):
    return pa.Table.from_pylist([CALL | r for r in rows], schema=records.INTAKE_INTERACTIONS)


def one(**changes):
    return Fingerprinter(KEY).interactions(calls(changes), "canonical").to_pylist()[0]


def test_a_row_keeps_what_is_the_providers_own():
    row = one()
    given = calls({}).to_pylist()[0]
    assert {n: row[n] for n in PASSED_ON} == {n: given[n] for n in PASSED_ON}
    assert row["source"] == "canonical"


def test_sizes_are_code_points_without_framing():
    row = one()
    texts = [
        "Please grade the following äöü answer by the rubric below.",
        "Gladly 🙂",
        "result",
        "and now the second one as well please, thank you",
    ]
    assert row["prompt_chars"] == sum(map(len, texts))
    assert (row["message_count"], row["user_turns"]) == (4, 2)
    assert (row["system_chars"], row["response_chars"], row["reasoning_chars"]) == (25, 20, 6)


def test_no_text_and_no_personal_value_is_left():
    fingerprinter = Fingerprinter(KEY)
    lake = json.dumps(fingerprinter.interactions(calls({}), "canonical").to_pylist(), default=str)
    lake += json.dumps(
        fingerprinter.accounts(pa.Table.from_pylist([ACCOUNT], schema=records.CANONICAL_ACCOUNTS), "canonical").to_pylist(), default=str
    )
    for secret in (
        *("grade", "Gladly", "careful", "secret answer", "hidden", "lookup"),
        *("192.0.2.44", "user-of-theirs", "inter.berry", "inter.Berry", "Bearer", "555", "card_abc", "2001:db8:1:2"),
    ):
        assert secret not in lake


def test_an_account():
    row = Fingerprinter(KEY).accounts(pa.Table.from_pylist([ACCOUNT], schema=records.CANONICAL_ACCOUNTS), "canonical").to_pylist()[0]
    pseudonyms = privacy.Pseudonyms(KEY)
    assert row["email"] == pseudonyms.of("mail", "winter.berry07@example.com")
    assert (row["email_domain"], row["email_shape"]) == ("example.com", "a6.a5d2")
    assert row["phone"] == pseudonyms.of("tel", "12025550143")
    assert row["payment_fingerprint"] == pseudonyms.of("card", "card_abc")
    assert row["signup_ip"] == pseudonyms.of("ip", "2001:db8:1:2::3")
    assert row["signup_prefix"] == "2001:db8:1::/48"
    same = ("account_id", "organization_id", "signup_user_agent", "signup_ja4", "country", "plan", "verification", "referral", "status")
    assert all(row[n] == ACCOUNT[n] for n in same)
    assert row["source"] == "canonical"


def test_pseudonyms_join_an_account_to_its_calls():
    fingerprinter = Fingerprinter(KEY)
    account = fingerprinter.accounts(pa.Table.from_pylist([ACCOUNT | {"signup_ip": "192.0.2.44"}], schema=records.CANONICAL_ACCOUNTS), "x")
    row = one()
    assert row["client_ip"] == account["signup_ip"][0].as_py()
    assert row["client_prefix"] == account["signup_prefix"][0].as_py() == "192.0.2.0/24"


@pytest.mark.parametrize(
    ("text", "hash_name"),
    [("system", "system_hash"), ("transcript", "prompt_hash"), ("tools", "tools_hash"), ("response", "response_hash")],
)
def test_each_hash_follows_its_own_text_and_no_other(text, hash_name):
    before, after = one(), one(**{text: CALL[text] + "."})
    changed = {n for n in ("system_hash", "prompt_hash", "tools_hash", "response_hash") if before[n] != after[n]}
    assert changed == {hash_name}
    assert one(**{text: None})[hash_name] is None
    assert one(**{text: ""})[hash_name] is None


def test_roles_are_part_of_the_prompt_hash():
    assert one(transcript="\x1euhello")["prompt_hash"] != one(transcript="\x1eahello")["prompt_hash"]
    assert one(transcript="\x1euab\x1euc")["prompt_hash"] != one(transcript="\x1eua\x1eubc")["prompt_hash"]


def test_a_null_text_is_not_an_empty_one():
    unseen = one(system=None, transcript=None, response=None, reasoning=None)
    names = ("sketch", "system_chars", "prompt_chars", "response_chars", "reasoning_chars", "message_count", "user_turns")
    assert all(unseen[n] is None for n in names)
    silent = one(system="", transcript="", response="", reasoning="")
    assert silent["sketch"] == []
    assert all(silent[n] == 0 for n in names[1:])
    assert one(transcript=None)["sketch"] is not None


def test_schemas_are_exact_and_batches_join_seamlessly(monkeypatch):
    monkeypatch.setattr(fingerprint, "BATCH_ROWS", 3)
    rows = [
        {"interaction_id": str(i), "system": None if i % 3 else f"be careful with number {i} of the many long lists"} for i in range(10)
    ]
    table = calls(*rows)
    chunked = pa.concat_tables([table.slice(0, 4), table.slice(4, 1), table.slice(5)])
    whole = Fingerprinter(KEY).interactions(chunked, "canonical")
    assert whole.schema == records.INTERACTIONS
    whole.validate(full=True)
    assert whole.to_pylist() == [one(**r) for r in rows]


@pytest.mark.parametrize("rows", [0, 1])
def test_missing_columns_count_as_not_visible(rows):
    table = calls(*[{}] * rows).select(["interaction_id", "started_at", "account_id"])
    found = Fingerprinter(KEY).interactions(table, "canonical")
    assert found.schema == records.INTERACTIONS
    assert found.num_rows == rows
    for row in found.to_pylist():
        assert {n for n, v in row.items() if v is not None} == {"interaction_id", "started_at", "account_id", "source"}
    accounts = Fingerprinter(KEY).accounts(pa.table({"account_id": pa.array(["a"] * rows, pa.string())}), "canonical")
    assert (accounts.schema, accounts.num_rows) == (records.ACCOUNTS, rows)


def test_columns_of_the_narrow_string_type_are_accepted():
    wide = calls({})
    narrow = wide.cast(pa.schema([f.with_type(pa.string()) if f.type == pa.large_string() else f for f in wide.schema]))
    assert Fingerprinter(KEY).interactions(narrow, "x").equals(Fingerprinter(KEY).interactions(wide, "x"))


def test_two_processes_with_one_key_agree_and_two_keys_do_not_join():
    first, second, other = (Fingerprinter(k).interactions(calls({}), "x").to_pylist()[0] for k in (KEY, KEY, privacy.new_key()))
    assert first == second
    assert {n for n in first if first[n] != other[n]} == {"end_user_id", "client_ip"}


def test_the_sketch_is_that_of_system_and_users():
    row = one()
    offsets, hashes = sketch.sketches(pa.array([CALL["system"]], pa.large_string()), pa.array([CALL["transcript"]], pa.large_string()))
    assert offsets.tolist() == [0, len(row["sketch"])]
    assert (
        row["sketch"]
        == sketch.grams(hashes).tolist()
        == one(transcript=CALL["transcript"].replace("Gladly", "Never ever would I do that"))["sketch"]
    )


def test_golden_row():
    row = one()
    golden = {
        "prompt_hash": -6891947153613150662,
        "system_hash": -7490855497462025713,
        "tools_hash": 6091372661492968544,
        "response_hash": -3188730815338920734,
        "client_shape": 7252578147566081020,
        "parameters_hash": 6327347995500906696,
        "sketch": [1189979670404089896 >> 31],
        "end_user_id": "user:5750d4a27dfaf1605adfed1b5e4c270b",
        "client_ip": "ip:635056a9be7e6884da92b3b69ea38458",
    }
    assert {n: row[n] for n in golden} == golden


def test_a_short_key_is_refused():
    with pytest.raises(StillhuntError, match="new_key"):
        Fingerprinter(b"short")
