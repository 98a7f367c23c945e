"""Ids are remembered exactly."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from stillhunt.lake import identity
from stillhunt.lake.identity import Calls, IdIndex, siphash128

KEY = bytes(range(16))


@pytest.mark.parametrize(
    ("text", "expected"),
    # The first test vectors of SipHash's authors, vectors_sip128: inputs 00, 00 01, ... under the key 00 01 ... 0f.
    [
        ("", "a3817f04ba25a8e66df67214c7550293"),
        ("\x00", "da87c1d86b99af44347659119b22fc45"),
        ("\x00\x01", "8177228da4a45dc7fca38bdef60affe4"),
    ],
)
def test_the_hash_is_the_published_one(text, expected):
    digests = siphash128(pa.array([text]), KEY)
    assert (int(digests.high[0]).to_bytes(8, "little") + int(digests.low[0]).to_bytes(8, "little")).hex() == expected


def test_the_hash_does_not_depend_on_how_the_column_is_cut():
    ids = pa.array([f"id-{'x' * (n % 23)}-{n}" for n in range(100)])
    cut = pa.chunked_array([ids.slice(0, 0), ids.slice(0, 7), ids.slice(7, 60), ids.slice(67)])
    whole, pieces = siphash128(ids, KEY), siphash128(cut, KEY)
    assert np.array_equal(whole.high, pieces.high)
    assert np.array_equal(whole.low, pieces.low)


def calls_of(index, ids, accounts=None, started=None):
    """Calls of one account at one moment, unless it is said otherwise."""
    accounts = accounts if accounts is not None else ["a"] * len(ids)
    started = started if started is not None else [1_780_000_000_000_000] * len(ids)
    moments = pa.chunked_array([pa.array(started, pa.timestamp("us", "UTC"))])
    return index.calls(pa.array(ids), pa.array(accounts), moments)


def test_what_was_remembered_is_known_and_nothing_else(monkeypatch):
    monkeypatch.setattr(identity, "_BLOCK", 64)  # so that there are many blocks
    index = IdIndex(b"k" * 32)
    generator = np.random.default_rng(1)
    known: set[str] = set()
    for _ in range(60):
        ids = [f"id-{number}" for number in generator.integers(0, 900, 25)]
        calls = calls_of(index, ids)
        settled = index.settle(calls)
        expected = [one not in known and one not in ids[:place] for place, one in enumerate(ids)]
        assert settled.fresh.tolist() == expected
        assert not settled.conflict.any()
        index.remember(calls.take(settled.fresh))
        known.update(ids)
    assert len(index) == len(known)


def test_a_call_is_the_same_only_with_its_account_and_within_a_second(monkeypatch):
    monkeypatch.setattr(identity, "_BLOCK", 2)
    index = IdIndex(b"k" * 32)
    at = 1_780_000_000_000_000
    index.learn([calls_of(index, ["x"], ["a"], [at]), calls_of(index, ["y"], ["a"], [at]), calls_of(index, ["z"], ["b"], [at])])
    second = 1_000_000
    wanted = calls_of(
        index,
        ["x", "x", "x", "x", "x", "new", "new", "new"],
        ["a", "a", "a", "a", "b", "a", "a", "b"],
        [at + second, at - second, at + 2 * second, at - 2 * second, at, at, at + second, at],
    )
    settled = index.settle(wanted)
    assert settled.fresh.tolist() == [False, False, False, False, False, True, False, False]
    assert settled.conflict.tolist() == [False, False, True, True, True, False, False, True]


def test_what_is_added_to_an_id_cannot_be_foreseen_without_the_key():
    assert IdIndex(b"k" * 32).apart("a") == IdIndex(b"k" * 32).apart("a")
    assert len({IdIndex(b"k" * 32).apart("a"), IdIndex(b"l" * 32).apart("a"), IdIndex(b"k" * 32).apart("b")}) == 3


def test_ids_that_share_half_a_hash_are_told_apart():
    high = np.array([7, 7, 7, 9], np.uint64)
    index = IdIndex(b"k" * 32)
    index.remember(Calls(high, np.array([3, 1, 2, 1], np.uint64), np.zeros(4, np.uint64)))
    low = np.array([2, 3, 1, 4, 2, 1], np.uint64)
    wanted = Calls(np.array([7, 7, 7, 7, 9, 9], np.uint64), low, np.zeros(6, np.uint64))
    assert index.settle(wanted).fresh.tolist() == [False, False, False, True, True, False]


def test_a_remembered_call_takes_twenty_four_bytes():
    index = IdIndex(b"k" * 32)
    index.learn(calls_of(index, [f"{block}-{n}" for n in range(1000)]) for block in range(5))
    assert index.nbytes == 24 * 5000
