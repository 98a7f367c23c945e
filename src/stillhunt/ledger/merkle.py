"""A Merkle tree that only grows: where its hashes lie, and what is worked out from them.

The tree is that of RFC 6962, section 2.1 (RFC 9162, section 2.1.1). Hashes of complete subtrees never change, so they are stored once,
in the order in which they become known: each leaf is followed by the subtrees that it completes. A tree of n leaves has
2n - (number of ones in n) of them, and every root, inclusion and consistency proof needs O(log n) reads.

Everything here is a function of `read`, which gives the stored hash at a place. Checking proofs is `stillhunt.verifier`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from stillhunt.verifier import node_hash

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of the tree without leaves."""

Read = Callable[[int], bytes]
"""Place -> the stored hash there."""


def stored(size: int) -> int:
    """How many hashes a tree of `size` leaves stores."""
    return 2 * size - size.bit_count()


def place(level: int, number: int) -> int:
    """Where the hash of the `number`-th complete subtree of 2**level leaves is stored."""
    # It is the last of its own 2**(level + 1) - 1 hashes, which follow those of all leaves before it.
    return stored(number << level) + (2 << level) - 2


def grown(read: Read, size: int, leaf: bytes) -> list[bytes]:
    """The hashes that a tree of `size` leaves stores next when the leaf with hash `leaf` is added, in order."""
    added = [leaf]
    level = 0
    while (size >> level) & 1:
        left = read(place(level, (size >> level) - 1))
        added.append(node_hash(left, added[-1]))
        level += 1
    return added


def all_stored(leaves: Iterable[bytes]) -> list[bytes]:
    """All hashes that a tree with these leaf hashes stores, in order."""
    hashes: list[bytes] = []
    for size, leaf in enumerate(leaves):
        hashes.extend(grown(hashes.__getitem__, size, leaf))
    return hashes


def root(read: Read, size: int) -> bytes:
    """The root of the first `size` leaves."""
    return _of_range(read, 0, size) if size else EMPTY_ROOT


def inclusion(read: Read, index: int, size: int) -> list[bytes]:
    """The audit path of leaf `index` in the tree of the first `size` leaves (RFC 6962, 2.1.1), from its sibling upwards.

    Raises:
        IndexError: there is no such leaf in that tree.
    """
    if not 0 <= index < size:
        raise IndexError(index)
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _left(end - start)
        if index < middle:
            path.append(_of_range(read, middle, end))
            end = middle
        else:
            path.append(_of_range(read, start, middle))
            start = middle
    return path[::-1]


def consistency(read: Read, old: int, new: int) -> list[bytes]:
    """The proof that the first `old` leaves are the beginning of the first `new` ones (RFC 6962, 2.1.2).

    Raises:
        IndexError: `old` is not between 0 and `new`.
    """
    if not 0 <= old <= new:
        raise IndexError(old)
    if old in {0, new}:
        return []
    proof: list[bytes] = []
    start, end = 0, new
    while old != end:
        middle = start + _left(end - start)
        if old <= middle:
            proof.append(_of_range(read, middle, end))
            end = middle
        else:
            proof.append(_of_range(read, start, middle))
            start = middle
    if start:  # else the old root itself, which the one who checks has
        proof.append(_of_range(read, start, end))
    return proof[::-1]


def _left(size: int) -> int:
    """The largest power of two below `size` (at least 2): so many leaves are left of the root."""
    return 1 << ((size - 1).bit_length() - 1)


def _of_range(read: Read, start: int, end: int) -> bytes:
    size = end - start
    if size & (size - 1) == 0:
        return read(place(size.bit_length() - 1, start // size))
    middle = start + _left(size)
    return node_hash(_of_range(read, start, middle), _of_range(read, middle, end))
