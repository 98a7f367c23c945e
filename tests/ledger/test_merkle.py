import hashlib

import pytest

from stillhunt import verifier
from stillhunt.ledger import merkle

# The reference tree of RFC 6962 implementations (certificate-transparency, RFC 9162 test data): eight leaves and their roots.
LEAVES = [
    bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def tree(size):
    return merkle.all_stored(hashlib.sha256(b"leaf %d" % n).digest() for n in range(size))


def plain_root(leaves):
    """The definition of RFC 6962, section 2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return hashlib.sha256(b"\1" + plain_root(leaves[:middle]) + plain_root(leaves[middle:])).digest()


def test_the_published_tree_has_its_published_roots():
    stored = merkle.all_stored(map(verifier.leaf_hash, LEAVES))
    assert [merkle.root(stored.__getitem__, size).hex() for size in range(1, 9)] == ROOTS


def test_roots_are_those_of_the_definition():
    stored = tree(70)
    leaves = [stored[merkle.place(0, n)] for n in range(70)]
    for size in range(71):
        assert merkle.root(stored.__getitem__, size) == plain_root(leaves[:size])
        assert len(merkle.all_stored(leaves[:size])) == merkle.stored(size)


def test_every_inclusion_proof_convinces_the_verifier_and_no_other_leaf_does():
    stored = tree(33)
    for size in range(1, 34):
        root = merkle.root(stored.__getitem__, size)
        for index in range(size):
            path = merkle.inclusion(stored.__getitem__, index, size)
            verifier.check_inclusion(index, size, stored[merkle.place(0, index)], path, root)
            with pytest.raises(verifier.Refused):
                verifier.check_inclusion(index, size, b"\7" * 32, path, root)


def test_every_consistency_proof_convinces_the_verifier():
    stored = tree(33)
    roots = [merkle.root(stored.__getitem__, size) for size in range(34)]
    for new in range(34):
        for old in range(new + 1):
            verifier.check_consistency(old, new, roots[old], roots[new], merkle.consistency(stored.__getitem__, old, new))


def test_growing_reads_and_writes_few_hashes():
    stored = tree(1_000_000 // 500)
    read = []
    merkle.inclusion(lambda place: read.append(place) or stored[place], 777, 2000)
    assert len(read) < 2 * 11
    assert len(merkle.grown(stored.__getitem__, 2000 - 1, b"\1" * 32)) <= 11


def test_leaves_that_are_not_there_have_no_proof():
    with pytest.raises(IndexError):
        merkle.inclusion(tree(3).__getitem__, 3, 3)
    with pytest.raises(IndexError):
        merkle.consistency(tree(3).__getitem__, 4, 3)
