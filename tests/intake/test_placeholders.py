"""Which words are nobody, and what of a client's blob names somebody."""

import json

import pytest

from stillhunt.errors import BadRow
from stillhunt.intake.formats.placeholders import ABSENT, LONGEST_WORD, NO_CALL, NOBODY, is_absent, is_nobody, is_rotating, somebody
from stillhunt.intake.formats.values import identifier, identity, optional_identifier, optional_identity

UUID = "3f0c52a1-7d1e-4b6c-9a2f-0123456789ab"
SESSION = "9e8d7c6b-5a49-4838-8271-6f5e4d3c2b1a"


@pytest.mark.parametrize(
    "word", ["None", "null", "NULL", "Null", "\\N", "nan", "NaN", "undefined", "<nil>", "(null)", "N/A", "-", " None ", "", " ", '"null"']
)
def test_a_word_for_no_value_is_no_id_of_any_kind(word):
    assert is_absent(word)
    assert optional_identifier(word, "id") is None
    assert optional_identity(word, "user") is None
    with pytest.raises(BadRow, match="id: expected a non-empty id"):
        identifier(word, "id")


EVERYBODY = ["default_user_id", "default", "Anonymous", "anonymous", "unknown", "UNKNOWN", " unknown", "unauthenticated"]
NAMES = ["nullius", "user-1", "none-1", "unknown-2", "anonymous.fox@example.com", "0", "default_user_id_2", "Nana", "ünal"]


@pytest.mark.parametrize("word", EVERYBODY)
def test_a_word_for_everybody_is_an_id_but_nobodys(word):
    assert is_nobody(word)
    assert optional_identifier(word, "id") == word
    assert optional_identity(word, "user") is None
    with pytest.raises(BadRow, match="user: expected somebody"):
        identity(word, "user")


@pytest.mark.parametrize("name", NAMES)
def test_names_that_only_begin_like_one_are_somebody(name):
    assert not is_nobody(name)
    assert optional_identity(name, "user") == name == optional_identifier(name, "user")


def test_no_word_is_longer_than_the_bound_that_saves_looking_it_up():
    assert max(map(len, NO_CALL | ABSENT | NOBODY)) == LONGEST_WORD


@pytest.mark.parametrize(
    ("blob", "stable"),
    [
        ({"device_id": "4ec41e", "account_uuid": "", "session_id": "s-0"}, "4ec41e"),
        ({"device_id": "4ec41e", "account_uuid": UUID, "session_id": "s-0"}, UUID),
        ({"session_id": "s-0", "user_id": "u-7"}, "u-7"),
        ({"userId": 12, "sessionId": "x"}, "12"),
        ({"user": {"id": "u-8", "session": "x"}}, "u-8"),
        ({"user_id": json.dumps({"device_id": "d-1", "session_id": "x"})}, "d-1"),
        ({"user_id": "anonymous", "device_id": "d-2"}, "d-2"),
        ({"user_id": None, "metadata": {"user_id": f"user_ab12_account__session_{SESSION}"}}, "ab12"),
        (["u-9"], "u-9"),
        ("quoted", "quoted"),
        ({"session_id": "s-0"}, None),
        ({"device_id": "null"}, None),
        ({}, None),
        ([], None),
        (["a", "b"], None),
    ],
)
def test_of_a_blob_the_stable_part_counts_and_the_session_does_not(blob, stable):
    assert somebody(json.dumps(blob)) == stable
    assert somebody(f"  {json.dumps(blob)}\n") == stable
    assert optional_identity(json.dumps(blob), "end_user") == stable
    if isinstance(blob, dict) and blob:
        assert optional_identity(blob, "end_user") == stable
    if isinstance(blob, dict | list):
        assert somebody(str(blob)) == stable


@pytest.mark.parametrize(
    ("text", "stable"),
    [
        (f"user_ab12cd_account_{UUID}_session_{SESSION}", UUID),
        (f"user_ab12cd_account__session_{SESSION}", "ab12cd"),
        (f"user_ab12cd_account_{UUID}", UUID),
        (f"acct-7:session:{SESSION}", "acct-7"),
        (f"acct-7_session_{'f' * 32}", "acct-7"),
        (f"session_{SESSION}", None),
        (f"unknown_session_{SESSION}", None),
        ("user-session-manager", "user-session-manager"),
        (f"{{{UUID}}}", f"{{{UUID}}}"),
        ('{"device_id": "4ec4', None),
        ("{" * 5000, None),
        ("[" * 3000 + "]" * 3000, None),
        (UUID, UUID),
    ],
)
def test_a_session_is_taken_off_a_joined_text_and_nothing_else_is(text, stable):
    assert somebody(text) == stable


def test_two_sessions_of_one_client_are_one_end_user():
    sessions = [f"user_{'ab' * 32}_account__session_{n:08x}{SESSION[8:]}" for n in range(50)]
    assert {somebody(session) for session in sessions} == {"ab" * 32}


def test_a_blob_that_nests_without_end_names_nobody():
    blob = "u-1"
    for _ in range(10):
        blob = json.dumps({"user_id": blob})
    assert somebody(blob) is None


def test_the_hash_of_a_token_rotates_and_that_of_a_key_does_not():
    assert is_rotating("hashed-jwt-0f")
    assert not is_rotating("a" * 64)
    assert not is_rotating(None)


@pytest.mark.parametrize("value", [True, 1.5, ["u"], {}, 2**64])
def test_what_is_no_id_is_a_bad_row_that_names_the_field(value):
    with pytest.raises(BadRow, match="user"):
        optional_identity(value, "user")
    assert optional_identity(float("nan"), "user") is None
