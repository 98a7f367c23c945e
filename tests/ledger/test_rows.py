"""Compiled loops give the leaves that the verifier works out row by row."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ledger.invented_rows import rows
from stillhunt import records
from stillhunt.ledger import hashing
from stillhunt.ledger.rows import leaf_hashes, salts, shown
from stillhunt.verifier import ROW_COLUMNS, ROW_GROUPS, group_commitment, row_leaf

SECRET = bytes(range(32))


def by_verifier(table: pa.Table, positions: np.ndarray) -> list[bytes]:
    return [row_leaf(shown(row, int(place), SECRET), {}) for row, place in zip(table.to_pylist(), positions, strict=True)]


def test_groups_hold_every_column_of_the_lake_once():
    assert sorted(ROW_COLUMNS) == sorted(records.INTERACTIONS.names)


@settings(max_examples=25, deadline=None)
@given(count=some.integers(0, 60), seed=some.integers(0, 10**6), skip=some.integers(0, 9))
def test_leaves_are_the_verifiers_whatever_rows_hold_and_however_they_are_cut(count, seed, skip):
    table = pa.concat_tables([rows(count, seed), rows(7, seed + 1, first=count)]).slice(min(skip, count))
    positions = np.random.default_rng(seed).permutation(table.num_rows)
    assert [leaf.tobytes() for leaf in leaf_hashes(table, positions, SECRET)] == by_verifier(table, positions)


def test_leaves_of_more_rows_than_are_encoded_at_once_are_the_same():
    table = rows(5_000)
    positions = np.arange(5_000)[::-1].copy()
    found = leaf_hashes(table, positions, SECRET)
    chosen = [0, 2_047, 2_048, 4_999]
    assert [found[row].tobytes() for row in chosen] == by_verifier(table.take(chosen), positions[chosen])


def test_a_group_can_be_withheld_and_the_leaf_stays_the_same():
    table = rows(3)
    leaf = leaf_hashes(table, np.arange(3), SECRET)[1].tobytes()
    groups = shown(table.to_pylist()[1], 1, SECRET)
    for group in ROW_GROUPS:
        kept = {name: one for name, one in groups.items() if name != group}
        hidden = group_commitment(group, bytes.fromhex(groups[group]["salt"]), groups[group]["values"]).hex()
        assert row_leaf(kept, {group: hidden}) == leaf


def test_no_two_rows_groups_or_batches_share_a_salt():
    made = {one.tobytes() for secret in (SECRET, bytes(32)) for one in salts(np.arange(1_000), secret).reshape(-1, 16)}
    assert len(made) == 2 * 3 * 1_000


@pytest.mark.parametrize("instructions", [True, False])
def test_hashes_of_every_length_are_sha256(monkeypatch, instructions):
    if instructions and not hashing.has_instructions():
        pytest.skip("this processor has no instructions for SHA-256")
    monkeypatch.setattr(hashing, "_INSTRUCTIONS", instructions)
    lengths = [*range(200), 1_000, 64 * 9 - 9, 64 * 9 - 8]
    edges = np.concatenate([[0], np.cumsum(lengths)])
    data = np.random.default_rng(3).integers(0, 256, edges[-1]).astype(np.uint8)
    found = hashing.hash_pieces(data, edges)
    for piece, (start, end) in enumerate(pairwise(edges.tolist())):
        assert found[piece].tobytes() == hashlib.sha256(data[start:end].tobytes()).digest()
