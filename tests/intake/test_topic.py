"""Topics: near for texts with the same longer words, half apart for others, the same on every machine."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.intake.topic import MOST_BYTES, MOST_WORDS, topics

BITS = (1 << 64) - 1
RECIPE = "Describe how people cook mushrooms slowly with butter, garlic and plenty of fresh parsley"
STORY = "请写一个关于李白和杜甫之间的友谊的故事"
SORTING = "Write a python function that returns the largest number of a nested list of integers"


def of(*texts, last_turn=False):
    return topics(pa.array(texts, pa.large_string()), last_turn=last_turn).to_pylist()


def apart(one, other):
    return ((one ^ other) & BITS).bit_count()


def ref_mum(a, b):
    return (a * b & BITS) ^ (a * b >> 64)


def ref_words(raw):
    """A slow reading of the docstring, over bytes."""
    raw = raw[:MOST_BYTES]
    i = 0
    while i < len(raw):
        if raw[i] >= 0xE0:
            width = 4 if raw[i] >= 0xF0 else 3
            if width == 4 or raw[i] == 0xE2 or i + 6 > len(raw) or raw[i + 3] < 0xE0:
                i += width
            else:
                yield True, raw[i : i + 6]
                i += 3
            continue
        end = i
        while end < len(raw) and raw[end] < 0xE0 and (raw[end] >= 0x80 or chr(raw[end]).isalnum()):
            end += 1
        if end - i >= 4:
            yield False, bytes(b | 0x20 for b in raw[i:end])
        i = end + (end == i or (end < len(raw) and raw[end] < 0xE0))


def ref_topic(text):
    seed, mix = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9
    words = list(ref_words(text.encode()))[:MOST_WORDS]
    if len(words) < 4:
        return None
    counts = [0] * 64
    for pair, word in words:
        token = seed
        for at in range(0, len(word), 8):
            token = ref_mum(token ^ int.from_bytes(word[at : at + 8], "little"), mix)
        assert not pair or len(word) == 6
        token = ref_mum(token ^ mix, seed)
        for bit in range(64):
            counts[bit] += token >> bit & 1
    value = sum((2 * counts[bit] > len(words)) << bit for bit in range(64))
    return value - (1 << 64) if value >> 63 else value


def test_the_order_of_words_their_case_and_the_small_words_between_do_not_count():
    first, second = of(SORTING, "RETURNS THE LARGEST NUMBER of nested, list: integers; python function write That!")
    assert first == second


def test_a_paraphrase_that_keeps_the_matter_is_near_and_another_matter_is_not():
    base, near, other = of(SORTING, SORTING.replace("Write a", "Please give me some") + ".", RECIPE)
    assert apart(base, near) <= 16
    assert 20 <= apart(base, other) <= 44


def test_unrelated_texts_differ_in_half_of_the_bits():
    rng = random.Random(3)
    letters = "abcdefghijklmnopqrstuvwxyz"
    texts = [" ".join("".join(rng.choices(letters, k=6)) for _ in range(15)) for _ in range(400)]
    found = of(*texts)
    mean = sum(map(apart, found[:200], found[200:])) / 200
    assert 31 <= mean <= 33


def test_scripts_without_spaces_are_near_by_pairs_of_characters():
    base, near, other = of(
        "请写一个关于李白和杜甫之间的友谊的故事", "请写一个关于李白和杜甫的友谊的小故事", "怎样在家里做一碗好吃的牛肉面条呢朋友们"
    )
    assert apart(base, near) <= 20 < apart(base, other)


@pytest.mark.parametrize("text", [None, "", "ok, and now?", "Continue", "🙂🙂🙂🙂🙂🙂", "a b c d e f g", "“…” — “…”"])
def test_what_is_too_short_to_be_about_anything_has_no_topic(text):
    assert of(text) == [None]


def test_only_the_last_message_of_a_user_counts_in_a_transcript():
    alone = of(SORTING)[0]
    transcripts = [
        f"\x1eu{SORTING}",
        f"\x1eu{RECIPE}\x1ea{RECIPE}\x1eu{SORTING}",
        f"\x1eu{RECIPE}\x1eu{SORTING}\x1ea{RECIPE}\x1et{RECIPE}",
    ]
    assert of(*transcripts, last_turn=True) == [alone] * 3
    assert of(f"\x1ea{RECIPE}", RECIPE, "", None, last_turn=True) == [None] * 4


def test_slices_and_nulls_do_not_move_anything():
    column = pa.array([RECIPE, None, SORTING, "", RECIPE], pa.large_string())
    whole = topics(column).to_pylist()
    assert [value is None for value in whole] == [False, True, False, True, False]
    assert whole[0] == whole[4] != whole[2]
    assert topics(column.slice(2, 3)).to_pylist() == whole[2:]
    assert topics(column.slice(4)).to_pylist() == whole[4:]
    assert topics(column.slice(0, 0)).to_pylist() == []


def test_a_long_text_is_read_at_its_beginning():
    head = " ".join(f"matter{number}" for number in range(MOST_WORDS))
    assert of(f"{head} {RECIPE}") == of(f"{head} {SORTING}")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("abcXYZ019 .,\n-äßяЖ请写李白한국ไทย“—🙂"), max_size=120))
def test_the_kernel_computes_what_the_docstring_says(text):
    assert of(text) == [ref_topic(text)]
    assert of(f"\x1eu{text}", last_turn=True) == [ref_topic(text)]


def test_the_same_numbers_on_every_machine():
    assert of(SORTING, STORY) == [648954096769007803, 4866729955957159363]
