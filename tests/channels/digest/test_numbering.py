"""What numbers of strings and hashes promise: one each, in the order in which they first come, however many there are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.channels.digest.numbering import HashNumbers, StringNumbers, hashes


@given(st.lists(st.lists(st.text(max_size=3))))
def test_strings_are_numbered_in_the_order_in_which_they_first_come(pieces):
    numbers, known = StringNumbers(), {}
    for piece in pieces:
        found = numbers.of(pa.array(piece, pa.string()))
        assert found.tolist() == [known.setdefault(word, len(known)) for word in piece]
    assert numbers.strings.to_pylist() == list(known)
    assert len(numbers) == len(known)


def test_a_hundred_thousand_hashes_keep_their_numbers_while_the_table_grows():
    keys = np.random.default_rng(1).integers(0, 2**64, 100_000, dtype=np.uint64)
    numbers = HashNumbers()
    for begin in range(0, keys.size, 7_000):
        numbers.of(keys[begin : begin + 7_000])
    assert numbers.of(keys)[0].tolist() == list(range(keys.size))
    assert len(numbers) == keys.size
    assert numbers.keys.tolist() == keys.tolist()


def test_what_is_masked_has_no_number_and_takes_none():
    numbers = HashNumbers()
    found, fresh = numbers.of(np.array([7, 8, 7, 9], np.uint64), np.array([True, False, True, True]))
    assert found.tolist() == [0, -1, 0, 1]
    assert fresh.tolist() == [0, 3]


def test_numbers_go_on_from_what_was_known():
    before = StringNumbers()
    before.of(pa.array(["b", "a"]))
    after = StringNumbers(before.strings)
    assert after.of(pa.array(["a", "c", "b"])).tolist() == [1, 2, 0]
    hashed = HashNumbers(np.array([5, 3], np.uint64))
    assert hashed.of(np.array([3, 9, 5], np.uint64))[0].tolist() == [1, 2, 0]


def test_hashes_of_strings_tell_them_apart_and_are_never_nothing():
    words = pa.array([str(number) for number in range(50_000)])
    found = hashes(words)
    assert np.unique(found).size == len(words)
    assert (found != 0).all()
    assert hashes(words.slice(10, 5)).tolist() == found[10:15].tolist()
