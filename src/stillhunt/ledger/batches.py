"""Batches: one Merkle tree over the interactions of an append, and the files from which one interaction is proved among tens of millions.

The tree's leaves lie in the order of a keyed hash of their ids (SipHash-2-4-128), so that a position says nothing and the same rows give
the same tree in whatever order they are read. The files are a cache in so far as `Batches.tree` makes them again from the lake's rows; the
log alone says what they must hold.

    directory   64 bytes a batch: its id (16 characters), entry in the log, rows (8 bytes each, little-endian), root; a batch is there once
                it is here
    ids         4 bytes a row: the upper half of the hash of its id, ascending within a batch
    leaves      32 bytes a row: its leaf hash
    nodes       the hashes of the tree from 256 rows on, level by level: a quarter of a byte a row
    manifests/  one JSON list of data files for each entry that names some
    pending/    what is about to happen to the lake: `stillhunt.ledger.recording`
    lock        empty

A lookup searches all batches: hashes are evenly spread, so that each is guessed right within one or two pages.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt.compiled import compiled
from stillhunt.errors import StillhuntError
from stillhunt.lake.identity import Digests, Strings, siphash128
from stillhunt.lake.keys import make_key
from stillhunt.ledger.hashing import HASH_BYTES, hash_fixed
from stillhunt.ledger.rows import Bytes, leaf_hashes

FOLDER = "batches"
SALT_KEY_FILE = "salts.key"
MANIFESTS, PENDING = "manifests", "pending"
NODES_FROM = 8
"""The lowest level above the leaves whose hashes are kept: those below are worked out from up to 2**8 leaves in no time."""

_DIRECTORY = np.dtype([("batch", "S16"), ("entry", "<u8"), ("rows", "<u8"), ("root", "V32")])
_FILES = {"ids": 4, "leaves": HASH_BYTES, "nodes": HASH_BYTES}


@dataclass(frozen=True)
class Tree:
    """The tree of one batch: its id, the upper halves of the hashes of its ids (ascending), its leaf hashes, its root."""

    batch: str
    ids: npt.NDArray[np.uint32]
    leaves: Bytes
    nodes: Bytes
    root: bytes


class Place(NamedTuple):
    """Where a row may be: the number of its batch in the directory, its position in the tree."""

    number: int
    position: int


class Known(NamedTuple):
    """One batch of the directory: its id, its entry in the log, its rows, its root."""

    batch: str
    entry: int
    rows: int
    root: bytes


class Batches:
    """The batches of one ledger. Any number of processes may add and read at the same time.

    Args:
        folder: the ledger's.

    Raises:
        StillhuntError: the key of the salts cannot be made or read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER
        for one in (self.folder, self.folder / MANIFESTS, self.folder / PENDING):
            one.mkdir(mode=0o700, exist_ok=True)
        # Beside the ledger and not in it: whoever is given a copy of the ledger must not get what opens every row.
        self._key = make_key(folder.with_name(SALT_KEY_FILE))
        self._order_key = hmac.digest(self._key, b"order of rows", "sha256")[:16]
        self._read: tuple[int, dict[str, Any]] | None = None
        self._listed: tuple[int, list[Known]] | None = None

    # ---- making trees

    def secret(self, batch: str) -> bytes:
        """What the salts of one batch are made from (32 bytes)."""
        return hmac.digest(self._key, b"salts of batch " + batch.encode(), "sha256")

    def secret_commitment(self, batch: str) -> str:
        """SHA-256 of a batch's secret, in hex: the log says it, so that the secret cannot be another one later."""
        return hashlib.sha256(self.secret(batch)).hexdigest()

    def digest(self, ids: Strings) -> Digests:
        """The keyed hashes of `ids`, by which rows are ordered."""
        return siphash128(ids, self._order_key)

    def tree(self, batch: str, rows: pa.Table) -> Tree:
        """The tree over `rows` (the columns of `records.INTERACTIONS`, ids all different, at least one row)."""
        return self.tree_of(batch, self.digest(rows["interaction_id"]), [rows])

    def tree_of(self, batch: str, digests: Digests, tables: Iterable[pa.Table]) -> Tree:
        """The same of rows that come in several tables; `digests` are those of all their ids, in order."""
        order = np.argsort(digests.high, kind="stable")
        high = digests.high[order]
        if np.any(high[1:] == high[:-1]):
            order = np.lexsort((digests.low, digests.high))
        positions = np.empty(order.size, np.int64)
        positions[order] = np.arange(order.size)
        leaves = np.empty((order.size, HASH_BYTES), np.uint8)
        at, secret = 0, self.secret(batch)
        for table in tables:
            mine = positions[at : at + table.num_rows]
            leaves[mine] = leaf_hashes(table, mine, secret)
            at += table.num_rows
        nodes, root = root_of(leaves)
        return Tree(batch, (high >> np.uint64(32)).astype(np.uint32), leaves, nodes, root)

    # ---- keeping them

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for whoever else adds batches, and keep them waiting."""
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def lay(self, tree: Tree) -> None:
        """Put a batch's hashes on disk. They are not there until `name` says so. Only within `turn`."""
        known = self.known()
        ends = {
            "ids": sum(one.rows for one in known) * 4,
            "leaves": sum(one.rows for one in known) * HASH_BYTES,
            "nodes": sum(_node_count(one.rows) for one in known) * HASH_BYTES,
        }
        for name, data in (("ids", tree.ids), ("leaves", tree.leaves), ("nodes", tree.nodes)):
            _extend(self.folder / name, ends[name], data.tobytes())

    def name(self, tree: Tree, entry: int) -> None:
        """Put a batch that was laid into the directory, as what entry `entry` of the log is about. Only within `turn`."""
        record = np.array([(tree.batch.encode(), entry, tree.ids.size, tree.root)], _DIRECTORY)
        _extend(self.folder / "directory", len(self.known()) * _DIRECTORY.itemsize, record.tobytes())

    # ---- reading

    def known(self) -> list[Known]:
        """All batches in the order in which they were added."""
        size = self._directory_size()
        if self._listed is None or self._listed[0] != size:
            listed = [
                Known(bytes(one["batch"]).decode("ascii", "replace"), int(one["entry"]), int(one["rows"]), one["root"].tobytes())
                for one in self._directory()
            ]
            self._listed = size, listed
        return list(self._listed[1])

    def find(self, interaction_id: str) -> list[Place]:
        """Where a row of this id can be: usually one place, seldom two, of which the leaf tells the right one."""
        wanted = np.uint32(int(self.digest(pa.array([interaction_id])).high[0]) >> 32)
        mapped = self._mapped()
        found = _search(mapped["ids"], mapped["first"], wanted)
        return [Place(int(number), int(position)) for number, position in found]

    def ids(self, number: int) -> npt.NDArray[np.uint32]:
        """The ids of one batch."""
        mapped = self._mapped()
        return np.asarray(mapped["ids"][mapped["first"][number] : mapped["first"][number + 1]])

    def leaves(self, number: int) -> Bytes:
        """The leaf hashes of one batch: (rows, 32)."""
        mapped = self._mapped()
        return np.asarray(mapped["leaves"][mapped["first"][number] : mapped["first"][number + 1]])

    def nodes(self, number: int) -> Bytes:
        """The hashes from level `NODES_FROM` on, level by level: (nodes, 32)."""
        mapped = self._mapped()
        return np.asarray(mapped["nodes"][mapped["first_node"][number] : mapped["first_node"][number + 1]])

    def proof(self, place: Place) -> list[bytes]:
        """The audit path of a row in its batch's tree (RFC 9162, 2.1.3.1), from its sibling upwards."""
        leaves, nodes = self.leaves(place.number), self.nodes(place.number)
        low = place.position >> NODES_FROM << NODES_FROM
        level, position, first = leaves[low : low + (1 << NODES_FROM)], place.position - low, 0
        path: list[bytes] = []
        width = len(leaves)
        for height in range(width.bit_length() + 1):
            if width <= 1:
                break
            if height == NODES_FROM:
                level, position = nodes[:width], place.position >> NODES_FROM
                first = width
            sibling = position ^ 1
            if sibling < len(level):
                path.append(level[sibling].tobytes())
            width = (width + 1) // 2
            position >>= 1
            if height >= NODES_FROM:
                level, first = nodes[first : first + width], first + width
            else:
                level = parents(level)
        return path

    # ---- inside

    def _directory_size(self) -> int:
        path = self.folder / "directory"
        return path.stat().st_size if path.exists() else 0

    def _directory(self) -> npt.NDArray[Any]:
        path = self.folder / "directory"
        data = path.read_bytes() if path.exists() else b""
        return np.frombuffer(data[: len(data) // _DIRECTORY.itemsize * _DIRECTORY.itemsize], _DIRECTORY)

    def _mapped(self) -> dict[str, Any]:
        """The files, mapped into memory anew whenever batches were added."""
        size = self._directory_size()
        if self._read is None or self._read[0] != size:
            rows = self._directory()["rows"].astype(np.int64)
            first = np.concatenate([[0], np.cumsum(rows)])
            first_node = np.concatenate([[0], np.cumsum([_node_count(int(one)) for one in rows])]).astype(np.int64)
            mapped: dict[str, Any] = {"first": first, "first_node": first_node}
            for name, count in (("ids", first[-1]), ("leaves", first[-1]), ("nodes", first_node[-1])):
                width = _FILES[name]
                there = self.folder / name
                if count and (not there.exists() or there.stat().st_size < count * width):
                    raise StillhuntError(f"{there}: too short for what the directory names; `stillhunt ledger check` says more")
                shape = (int(count),) if name == "ids" else (int(count), width)
                kind = "<u4" if name == "ids" else np.uint8
                mapped[name] = np.memmap(there, kind, "r", shape=shape) if count else np.empty(shape, kind)
            self._read = size, mapped
        return self._read[1]


def parents(level: Bytes) -> Bytes:
    """The hashes one level up (RFC 6962): of each pair, and the last one as it is where it has no other."""
    pairs = len(level) // 2
    data = np.ones((pairs, 1 + 2 * HASH_BYTES), np.uint8)  # a node begins with a one
    data[:, 1:] = level[: 2 * pairs].reshape(pairs, 2 * HASH_BYTES)
    hashed = hash_fixed(data)
    return np.concatenate([hashed, level[2 * pairs :]]) if len(level) % 2 else hashed


def root_of(leaves: Bytes) -> tuple[Bytes, bytes]:
    """The levels from `NODES_FROM` on, one after the other, and the root, of at least one leaf."""
    kept, level, height = [np.empty((0, HASH_BYTES), np.uint8)], leaves, 0
    while len(level) > 1:
        if height >= NODES_FROM:
            kept.append(level)
        level, height = parents(level), height + 1
    return np.concatenate(kept), level[0].tobytes()


def _node_count(rows: int) -> int:
    """How many hashes `root_of` keeps of a tree of so many rows."""
    count, height = 0, 0
    while rows > 1:
        count += rows if height >= NODES_FROM else 0
        rows, height = (rows + 1) // 2, height + 1
    return count


def _extend(path: Path, end: int, data: bytes) -> None:
    """Write `data` at `end`, which is where the file ends but for what a crash left there."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(file).st_size < end:
            raise StillhuntError(f"{path}: too short for what the directory names; `stillhunt ledger check` says more")
        os.ftruncate(file, end)
        view = memoryview(data)
        while view:
            written = os.pwrite(file, view, end)
            view, end = view[written:], end + written
        os.fsync(file)
    finally:
        os.close(file)


@compiled
def _search(ids: Any, first: Any, wanted: Any) -> Any:
    """(batch, position) of each id that is `wanted`: guessed where it must be, then in doubled steps, then by halves."""
    found = []
    for batch in range(first.size - 1):
        start, end = first[batch], first[batch + 1]
        if start == end:
            continue
        guess = start + np.int64(np.float64(wanted) / 4294967296.0 * (end - start))
        step, low, high = 16, guess, guess
        while low > start and ids[low] >= wanted:
            low = max(start, low - step)
            step *= 2
        step = 16
        while high < end and ids[high] < wanted:
            high = min(end, high + step)
            step *= 2
        while low < high:
            middle = (low + high) // 2
            if ids[middle] < wanted:
                low = middle + 1
            else:
                high = middle
        while low < end and ids[low] == wanted:
            found.append((batch, low - start))
            low += 1
    return found
