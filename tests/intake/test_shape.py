"""Shapes: how a message is written, the same wherever it stands, and nothing of what it says."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.intake.shape import shapes
from stillhunt.records import SHAPE_FIELDS


def number(text, prefix="\x1eu"):
    return shapes(pa.array([None if text is None else prefix + text], pa.large_string()))[0].as_py()


def read(text):
    value = number(text)
    return {field.name: value >> field.at & (1 << field.bits) - 1 for field in SHAPE_FIELDS}


def test_the_fields_fill_the_number_without_overlap():
    ends = [field.at + field.bits for field in SHAPE_FIELDS]
    assert [field.at for field in SHAPE_FIELDS] == [0, *ends[:-1]]
    assert ends[-1] <= 63


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write a story.", {"start": 0, "end": 0, "sentences": 1, "question": 0, "lines": 0, "length": 1, "first_person": 0}),
        ("how do i sort this?", {"start": 1, "end": 1, "question": 1, "lower_i": 1, "first_person": 3, "sentences": 1}),
        ("42 of them", {"start": 2, "end": 7, "digits": 3}),
        ('"Quoted" text', {"start": 3, "quotes": 1}),
        ("It's mine", {"quotes": 2}),
        ("请写一个故事。", {"start": 4, "end": 8, "foreign": 3, "sentences": 1}),
        ("这是什么？", {"start": 4, "end": 9, "question": 1, "sentences": 1}),
        ("ひらがなの文", {"start": 6, "end": 10}),
        ("한국어 문장", {"start": 7}),
        ("Привет мир", {"start": 5, "foreign": 3, "end": 10}),
        ("Could you help, please", {"second_person": 1, "please": 1, "commas": 3}),
        ("One,two", {"tight": 1}),
        ("One , two", {"loose": 1, "tight": 0}),
        ("One. two", {"lower_start": 1}),
        ("One. Two", {"lower_start": 0, "capitals": 3}),
        ("One  two", {"double_space": 1}),
        ("First\nSecond", {"lines": 1}),
        ("First\n\nSecond", {"lines": 2}),
        ("1\n2\n3\n4\n5", {"lines": 3}),
        ("Steps:\n- one\n- two", {"listed": 1, "markdown": 0}),
        ("Steps:\n1. one", {"listed": 1}),
        ("Some **bold** words", {"markdown": 1}),
        ("See https://example.com now", {"address": 1}),
        ("if (a[0] == {}) { return b; }", {"signs": 3, "end": 5}),
        ("x" * 5000, {"length": 15, "word_length": 7}),
    ],
)
def test_fields_say_what_one_sees(text, expected):
    found = read(text)
    assert {name: found[name] for name in expected} == expected


def test_the_opening_words_count_whatever_their_case():
    assert read("Generate a list")["first_two"] == read("generate A poem")["first_two"]
    assert read("Generate a list")["first_word"] == read("GENERATE two")["first_word"]
    assert read("Generate a list")["first_two"] != read("Generate two lists")["first_two"]
    assert read("请写一个故事")["first_word"] == read("请说说看")["first_word"]


def test_space_around_a_message_and_what_stands_before_it_do_not_count():
    alone = number("Write a story.")
    assert number("  \n Write a story. \n") == alone
    assert number("Write a story.", prefix="\x1euHello\x1eaHi\x1eu") == alone
    assert shapes(pa.array(["\x1euWrite a story.\x1eaOnce upon\x1etresult"], pa.large_string()))[0].as_py() == alone


@pytest.mark.parametrize("text", [None, "", "  \n "])
def test_without_a_message_there_is_no_shape(text):
    assert number(text) is None
    assert number("said by the model", prefix="\x1ea") is None


def test_slices_do_not_move_anything():
    column = pa.array(["\x1euOne.", None, "\x1eutwo", "\x1euThree?"], pa.large_string())
    assert shapes(column.slice(1, 3)).to_pylist() == shapes(column).to_pylist()[1:]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=600))
def test_any_text_has_a_shape_that_fits(text):
    value = number(text.replace("\x1e", " "))
    assert value is None or 0 <= value < 1 << 63
