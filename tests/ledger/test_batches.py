"""Any row of any batch is found by its id and proved to the batch's root; what a crash leaves behind does no harm."""

from __future__ import annotations

import stat

import pyarrow as pa
import pytest

from ledger.invented_rows import rows
from stillhunt.errors import StillhuntError
from stillhunt.ledger.batches import SALT_KEY_FILE, Batches, Tree
from stillhunt.ledger.rows import shown
from stillhunt.verifier import Refused, check_inclusion, leaf_hash, node_hash, row_leaf


@pytest.fixture
def batches(tmp_path) -> Batches:
    (tmp_path / "ledger").mkdir()
    return Batches(tmp_path / "ledger")


def added(batches: Batches, table: pa.Table, number: int) -> Tree:
    tree = batches.tree(f"{number:016x}", table)
    with batches.turn():
        batches.lay(tree)
        batches.name(tree, number)
    return tree


def root_by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(root_by_definition(leaves[:split]), root_by_definition(leaves[split:]))


def test_every_row_is_found_among_all_batches_and_its_proof_leads_to_the_root(batches):
    first = 0
    trees, tables = [], []
    for number, count in enumerate((1, 2, 3, 255, 256, 257, 511, 513, 1_300)):
        tables.append(rows(count, number, first=first))
        trees.append(added(batches, tables[-1], number))
        first += count
    for number, (tree, table) in enumerate(zip(trees, tables, strict=True)):
        for row in table.slice(0, 3).to_pylist() + table.slice(max(0, table.num_rows - 4)).to_pylist():
            proved = 0
            for place in batches.find(row["interaction_id"]):
                leaf = row_leaf(shown(row, place.position, batches.secret(batches.known()[place.number].batch)), {})
                if leaf == batches.leaves(place.number)[place.position].tobytes():
                    check_inclusion(place.position, table.num_rows, leaf, batches.proof(place), tree.root)
                    assert place.number == number
                    proved += 1
            assert proved == 1


@pytest.mark.parametrize("count", [1, 2, 5, 8, 100, 1_025])
def test_the_root_is_that_of_the_rfc(batches, count):
    tree = added(batches, rows(count), 0)
    assert tree.root == root_by_definition([leaf.tobytes() for leaf in tree.leaves])


def test_every_position_of_a_batch_has_a_proof_and_no_other_leaf_fits(batches):
    tree = added(batches, rows(515), 0)
    for place in (batches.find(one)[0] for one in rows(515)["interaction_id"].to_pylist()[::37]):
        proof = batches.proof(place)
        check_inclusion(place.position, 515, tree.leaves[place.position].tobytes(), proof, tree.root)
        with pytest.raises(Refused):
            check_inclusion(place.position, 515, leaf_hash(b"another"), proof, tree.root)


def test_the_same_rows_in_another_order_are_the_same_tree(batches):
    table = rows(300)
    assert batches.tree("b" * 16, table).root == batches.tree("b" * 16, table.take(list(range(299, -1, -1)))).root


def test_an_id_that_was_never_recorded_is_nowhere(batches):
    added(batches, rows(100), 0)
    assert batches.find("never seen") == []


def test_what_a_crash_left_behind_the_directory_is_written_over(batches):
    added(batches, rows(300), 0)
    with batches.turn():
        batches.lay(batches.tree("c" * 16, rows(700, 5)))  # and nothing names it
    tree = added(batches, rows(20, 9, first=300), 1)
    again = Batches(batches.folder.parent)
    assert [one.rows for one in again.known()] == [300, 20]
    assert again.known()[1].root == tree.root
    place = again.find(rows(20, 9, first=300)["interaction_id"][3].as_py())[0]
    check_inclusion(place.position, 20, again.leaves(1)[place.position].tobytes(), again.proof(place), tree.root)


def test_the_salts_key_lies_beside_the_ledger_readable_by_its_owner_alone(batches, tmp_path):
    key = tmp_path / SALT_KEY_FILE
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert not list((tmp_path / "ledger").rglob(SALT_KEY_FILE))
    assert Batches(tmp_path / "ledger").secret("a" * 16) == batches.secret("a" * 16) != batches.secret("b" * 16)


def test_files_cost_at_most_forty_bytes_a_row(batches):
    added(batches, rows(3_000), 0)
    size = sum((batches.folder / name).stat().st_size for name in ("ids", "leaves", "nodes", "directory"))
    assert size <= 40 * 3_000


def test_files_that_are_too_short_are_an_error_in_one_line(batches):
    added(batches, rows(10), 0)
    (batches.folder / "leaves").write_bytes(b"short")
    with pytest.raises(StillhuntError, match="too short"):
        Batches(batches.folder.parent).find("anything")
