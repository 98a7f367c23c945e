"""Ids are remembered exactly."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from stillhunt.lake import identity
from stillhunt.lake.identity import Digests, IdIndex, siphash128

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


def test_what_was_remembered_is_known_and_nothing_else(monkeypatch):
    monkeypatch.setattr(identity, "_BLOCK", 64)  # so that there are many blocks
    index = IdIndex(b"k" * 32)
    generator = np.random.default_rng(1)
    known: set[str] = set()
    for _ in range(60):
        ids = [f"id-{number}" for number in generator.integers(0, 900, 25)]
        digests = index.digest(pa.array(ids))
        fresh = index.fresh(digests)
        expected = [one not in known and one not in ids[:place] for place, one in enumerate(ids)]
        assert fresh.tolist() == expected
        index.remember(digests.take(fresh))
        known.update(ids)
    assert len(index) == len(known)


def test_ids_that_share_half_a_hash_are_told_apart():
    high = np.array([7, 7, 7, 9], np.uint64)
    index = IdIndex(b"k" * 32)
    index.remember(Digests(high, np.array([3, 1, 2, 1], np.uint64)))
    wanted = Digests(np.array([7, 7, 7, 7, 9, 9], np.uint64), np.array([2, 3, 1, 4, 2, 1], np.uint64))
    assert index.fresh(wanted).tolist() == [False, False, False, True, True, False]


def test_a_remembered_id_takes_sixteen_bytes():
    index = IdIndex(b"k" * 32)
    index.learn(pa.array([f"{block}-{n}" for n in range(1000)]) for block in range(5))
    assert index.nbytes == 16 * 5000
