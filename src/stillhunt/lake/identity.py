"""Which interactions the lake already has: exact, and small enough for tens of millions of them.

An id is remembered as its SipHash-2-4-128 under the lake's key (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
INDOCRYPT 2012): 16 bytes an id, and 8 that say whose call it is and when it began, 720 MB for 30 million. Two of 30 million
ids share a hash with probability 1e-24, and without the key nobody can choose ids that do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.compiled import compiled, pasted

Strings: TypeAlias = "pa.Array[Any] | pa.ChunkedArray[Any]"
Words = npt.NDArray[np.uint64]

_BLOCK = 1 << 22
"""Blocks are merged up to this many ids: larger merges would need a second copy of everything."""

_MASK_0, _MASK_1, _MASK_2, _MASK_3 = (
    np.uint64(0x736F6D6570736575),
    np.uint64(0x646F72616E646F6D),
    np.uint64(0x6C7967656E657261),
    np.uint64(0x7465646279746573),
)
_EE, _DD, _FF = np.uint64(0xEE), np.uint64(0xDD), np.uint64(0xFF)


class Digests(NamedTuple):
    """128-bit hashes of ids: the two halves, in the order of the ids."""

    high: Words
    low: Words

    def take(self, chosen: npt.NDArray[Any]) -> Digests:
        """The hashes at the positions, or under the mask, `chosen`."""
        return Digests(self.high[chosen], self.low[chosen])


@pasted
def _rotate(x: Any, bits: int) -> Any:
    return (x << np.uint64(bits)) | (x >> np.uint64(64 - bits))


@pasted
def _round(v0: Any, v1: Any, v2: Any, v3: Any) -> Any:
    v0 += v1
    v1 = _rotate(v1, 13) ^ v0
    v0 = _rotate(v0, 32)
    v2 += v3
    v3 = _rotate(v3, 16) ^ v2
    v0 += v3
    v3 = _rotate(v3, 21) ^ v0
    v2 += v1
    v1 = _rotate(v1, 17) ^ v2
    v2 = _rotate(v2, 32)
    return v0, v1, v2, v3


@compiled
def _siphash128(data: Any, offsets: Any, k0: Any, k1: Any, high: Any, low: Any) -> None:
    for row in range(high.size):
        start, end = offsets[row], offsets[row + 1]
        length = end - start
        v0, v1, v2, v3 = k0 ^ _MASK_0, k1 ^ _MASK_1 ^ _EE, k0 ^ _MASK_2, k1 ^ _MASK_3
        whole = start + (length // 8) * 8
        for at in range(start, whole, 8):
            word = np.uint64(0)
            for byte in range(8):
                word |= np.uint64(data[at + byte]) << np.uint64(8 * byte)
            v3 ^= word
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
            v0 ^= word
        word = (np.uint64(length) & _FF) << np.uint64(56)
        for at in range(whole, end):
            word |= np.uint64(data[at]) << np.uint64(8 * (at - whole))
        v3 ^= word
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 ^= word
        v2 ^= _EE
        for _ in range(4):
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        high[row] = v0 ^ v1 ^ v2 ^ v3
        v1 ^= _DD
        for _ in range(4):
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        low[row] = v0 ^ v1 ^ v2 ^ v3


def siphash128(ids: Strings, key: bytes) -> Digests:
    """SipHash-2-4-128 of each string in `ids` under the 16 bytes `key`; little-endian halves. Nulls are not allowed."""
    k0, k1 = np.frombuffer(key, "<u8", 2)
    chunks = ids.chunks if isinstance(ids, pa.ChunkedArray) else [ids]
    digests = Digests(np.empty(len(ids), np.uint64), np.empty(len(ids), np.uint64))
    row = 0
    for chunk in chunks:
        plain = chunk.cast(pa.large_string())
        _, offsets, data = plain.buffers()
        if not len(plain):
            continue
        starts = np.frombuffer(memoryview(offsets or b""), np.int64)[plain.offset : plain.offset + len(plain) + 1]
        text = np.frombuffer(memoryview(data), np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
        _siphash128(text, starts, k0, k1, digests.high[row : row + len(plain)], digests.low[row : row + len(plain)])
        row += len(plain)
    return digests


class Calls(NamedTuple):
    """What is remembered of interactions: the hash of the id, and a mark of whose call it is and when it began (see `mark_of`)."""

    high: Words
    low: Words
    mark: Words

    def take(self, chosen: npt.NDArray[Any]) -> Calls:
        """Those at the positions, or under the mask, `chosen`."""
        return Calls(self.high[chosen], self.low[chosen], self.mark[chosen])


class Settled(NamedTuple):
    """What calls are to an index: new, or called like another call that they are not. All others are there already."""

    fresh: npt.NDArray[np.bool_]
    conflict: npt.NDArray[np.bool_]


SAME_CALL_MS = 1_000
"""Two records with one id are one call only if they are one account's and began within this time of each other."""


def mark_of(accounts: Strings | None, started: pa.ChunkedArray[Any], key: bytes) -> Words:
    """64 bits for each call: 32 of its account's SipHash, and when it began in milliseconds modulo 2^32 (49 days).

    Without accounts (texts, which follow their interactions) all marks are equal, and an id alone says which call it is.
    """
    if accounts is None:
        return np.zeros(len(started), np.uint64)
    encoded: Any = pc.dictionary_encode(accounts.combine_chunks() if isinstance(accounts, pa.ChunkedArray) else accounts)
    who = (siphash128(encoded.dictionary, key).low << np.uint64(32))[encoded.indices.to_numpy(zero_copy_only=False)]
    at = np.floor_divide(started.cast(pa.int64()).to_numpy(), 1_000).view(np.uint64) & np.uint64(0xFFFFFFFF)
    marks: Words = who | at
    return marks


def _agree(one: Words, other: Words) -> npt.NDArray[np.bool_]:
    apart = ((one - other) + np.uint64(SAME_CALL_MS)) & np.uint64(0xFFFFFFFF)  # modulo 2^32: 0 to twice the limit if near
    agreed: npt.NDArray[np.bool_] = (one >> np.uint64(32) == other >> np.uint64(32)) & (apart <= np.uint64(2 * SAME_CALL_MS))
    return agreed


class IdIndex:
    """The ids that one table had at one of its snapshots, and whose calls they are, in sorted blocks of 24 bytes an id."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.blake2b(b"stillhunt interaction ids", key=key, digest_size=16).digest()
        self._blocks: list[Calls] = []
        self.snapshot_id: int | None = None
        self.files: set[str] = set()

    def __len__(self) -> int:
        return sum(block.high.size for block in self._blocks)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the remembered ids take."""
        return sum(array.nbytes for block in self._blocks for array in block)

    def forget(self) -> None:
        """Start from nothing, as for an empty table."""
        self._blocks, self.snapshot_id, self.files = [], None, set()

    def calls(self, ids: Strings, accounts: Strings | None, started: pa.ChunkedArray[Any]) -> Calls:
        """How these calls are remembered. `accounts` is None for rows that follow others and are known by their ids alone."""
        return Calls(*siphash128(ids, self._key), mark_of(accounts, started, self._key))

    def apart(self, account: str) -> str:
        """What is added to an id of this account's that another call has: under the lake's key, so that nobody can foresee it."""
        return f"~{int(siphash128(pa.array([account]), self._key).high[0]):016x}"

    def settle(self, calls: Calls) -> Settled:
        """Which of `calls` are new: neither remembered, nor before in `calls` itself; and which only share an id with one that is."""
        order = np.lexsort((calls.low, calls.high))  # stable: of one id, the first call comes first
        ordered = calls.take(order)
        first = np.ones(order.size, bool)
        first[1:] = (ordered.high[1:] != ordered.high[:-1]) | (ordered.low[1:] != ordered.low[:-1])
        known, reference = np.zeros(order.size, bool), ordered.mark[np.maximum.accumulate(np.where(first, np.arange(order.size), 0))]
        for block in self._blocks:
            there, at = _places(block, ordered)
            known |= there
            reference[there] = block.mark[at[there]]
        new = first & ~known
        conflict = ~new & ~_agree(ordered.mark, reference)
        settled = Settled(np.empty(order.size, bool), np.empty(order.size, bool))
        settled.fresh[order], settled.conflict[order] = new, conflict
        return settled

    def remember(self, calls: Calls) -> None:
        """Add `calls`, which are all fresh."""
        if not calls.high.size:
            return
        self._blocks.append(_ordered([calls]))
        while len(self._blocks) > 1:
            older, newer = self._blocks[-2:]
            total = older.high.size + newer.high.size
            if total > _BLOCK or older.high.size > 2 * newer.high.size:
                break
            self._blocks[-2:] = [_ordered([older, newer])]

    def learn(self, calls: Iterable[Calls]) -> None:
        """Remember those of `calls` that are not known already."""
        for some in calls:
            self.remember(some.take(self.settle(some).fresh))


def _ordered(parts: list[Calls]) -> Calls:
    high = np.concatenate([part.high for part in parts])
    order = np.argsort(high, kind="stable")  # runs that are sorted already are merged, not sorted again
    low, mark = (np.concatenate([part[column] for part in parts])[order] for column in (1, 2))
    return Calls(high[order], low, mark)


def _places(block: Calls, wanted: Calls) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Which ids stand in a block, and where."""
    at = np.searchsorted(block.high, wanted.high)
    place = np.minimum(at, block.high.size - 1)
    half = block.high[place] == wanted.high
    there: npt.NDArray[np.bool_] = half & (block.low[place] == wanted.low)
    # Equal first halves of different ids: once in 30 000 lakes of 30 million ids, and then it must still be right.
    for row in np.flatnonzero(half & ~there):
        end = np.searchsorted(block.high, wanted.high[row], side="right")
        matches = np.flatnonzero(block.low[at[row] : end] == wanted.low[row])
        if matches.size:
            there[row], place[row] = True, at[row] + matches[0]
    return there, place
