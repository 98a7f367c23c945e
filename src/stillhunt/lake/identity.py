"""Which interactions the lake already has: exact, and small enough for tens of millions of them.

An id is remembered as its SipHash-2-4-128 under the lake's key (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
INDOCRYPT 2012): 16 bytes an id, 480 MB for 30 million. Two of 30 million ids share a hash with probability 1e-24, and
without the key nobody can choose ids that do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

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


class IdIndex:
    """The ids that one table had at one of its snapshots, in sorted blocks."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.blake2b(b"stillhunt interaction ids", key=key, digest_size=16).digest()
        self._blocks: list[Digests] = []
        self.snapshot_id: int | None = None
        self.files: set[str] = set()

    def __len__(self) -> int:
        return sum(block.high.size for block in self._blocks)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the remembered ids take."""
        return sum(block.high.nbytes + block.low.nbytes for block in self._blocks)

    def forget(self) -> None:
        """Start from nothing, as for an empty table."""
        self._blocks, self.snapshot_id, self.files = [], None, set()

    def digest(self, ids: Strings) -> Digests:
        """The hashes under which `ids` are remembered."""
        return siphash128(ids, self._key)

    def fresh(self, digests: Digests) -> npt.NDArray[np.bool_]:
        """Which of `digests` are not remembered and did not occur before in `digests` itself."""
        order = np.lexsort((digests.low, digests.high))
        ordered = digests.take(order)
        repeated = np.zeros(order.size, bool)
        repeated[1:] = (ordered.high[1:] == ordered.high[:-1]) & (ordered.low[1:] == ordered.low[:-1])
        known = repeated
        for block in self._blocks:
            known |= _contains(block, ordered)
        fresh = np.empty(order.size, bool)
        fresh[order] = ~known
        return fresh

    def remember(self, digests: Digests) -> None:
        """Add `digests`, which are all fresh."""
        if not digests.high.size:
            return
        self._blocks.append(_ordered([digests]))
        while len(self._blocks) > 1:
            older, newer = self._blocks[-2:]
            total = older.high.size + newer.high.size
            if total > _BLOCK or older.high.size > 2 * newer.high.size:
                break
            self._blocks[-2:] = [_ordered([older, newer])]

    def learn(self, columns: Iterable[Strings]) -> None:
        """Remember the ids in `columns`, some of which may be known already."""
        for ids in columns:
            digests = self.digest(ids)
            self.remember(digests.take(self.fresh(digests)))


def _ordered(parts: list[Digests]) -> Digests:
    high = np.concatenate([part.high for part in parts])
    order = np.argsort(high, kind="stable")  # runs that are sorted already are merged, not sorted again
    return Digests(high[order], np.concatenate([part.low for part in parts])[order])


def _contains(block: Digests, wanted: Digests) -> npt.NDArray[np.bool_]:
    at = np.searchsorted(block.high, wanted.high)
    inside = np.minimum(at, block.high.size - 1)
    half = block.high[inside] == wanted.high
    found: npt.NDArray[np.bool_] = half & (block.low[inside] == wanted.low)
    # Equal first halves of different ids: once in 30 000 lakes of 30 million ids, and then it must still be right.
    for row in np.flatnonzero(half & ~found):
        end = np.searchsorted(block.high, wanted.high[row], side="right")
        found[row] = bool(np.any(block.low[at[row] : end] == wanted.low[row]))
    return found
