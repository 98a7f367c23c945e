"""Small numbers for strings and hashes, in the order in which they first come.

In: Arrow strings, or int64 hashes. Out: int32 numbers. May import: compiled, lake.identity. Strings are told apart by 64 bits
of a SipHash: two of a million differ in them with a probability of 1 - 3e-8.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt.compiled import compiled
from stillhunt.lake.identity import siphash128

Numbers = npt.NDArray[np.int32]
Hashes = npt.NDArray[np.uint64]

_KEY = b"stillhunt digest"  # 16 bytes; not secret: it only spreads


@compiled
def _number(keys: Any, slots: Any, numbers: Any, known: Any, out: Any, fresh: Any, mask: Any) -> Any:
    """Number `keys`; those not seen before get the next numbers and are noted in `fresh`. Returns how many are known then."""
    wrap = np.uint64(slots.size - 1)
    begun = known
    for at in range(keys.size):
        if not mask[at]:
            out[at] = -1
            continue
        key = keys[at]
        slot = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20) & wrap
        while numbers[slot] >= 0 and slots[slot] != key:
            slot = (slot + np.uint64(1)) & wrap
        if numbers[slot] < 0:
            slots[slot] = key
            numbers[slot] = known
            fresh[known - begun] = at
            known += 1
        out[at] = numbers[slot]
    return known


class HashNumbers:
    """Numbers of 64-bit hashes."""

    def __init__(self, keys: Hashes | None = None) -> None:
        """Start from nothing, or from `keys` whose numbers are their places."""
        self._slots = np.zeros(1024, np.uint64)
        self._numbers = np.full(1024, -1, np.int32)
        self._known = 0
        self._keys: list[Hashes] = []
        if keys is not None and keys.size:
            self.of(keys.astype(np.uint64))

    def __len__(self) -> int:
        return self._known

    @property
    def keys(self) -> Hashes:
        """The hashes, in the order of their numbers."""
        if len(self._keys) > 1:
            self._keys = [np.concatenate(self._keys)]
        return self._keys[0] if self._keys else np.zeros(0, np.uint64)

    def of(self, keys: Hashes, mask: npt.NDArray[np.bool_] | None = None) -> tuple[Numbers, npt.NDArray[np.int64]]:
        """Numbers of `keys`, -1 where `mask` is false, and the places in `keys` of those that are new, in the order of their numbers."""
        self._reserve(self._known + keys.size)
        out, fresh = np.empty(keys.size, np.int32), np.empty(keys.size, np.int64)
        known = self._known
        mask = np.ones(keys.size, np.bool_) if mask is None else mask
        self._known = int(_number(keys, self._slots, self._numbers, known, out, fresh, mask))
        new = fresh[: self._known - known].copy()
        if new.size:
            self._keys.append(keys[new])
        return out, new

    def _reserve(self, wanted: int) -> None:
        size = self._slots.size
        if 2 * wanted <= size:
            return
        while size < 2 * wanted:
            size *= 2
        kept = self.keys
        self._slots, self._numbers = np.zeros(size, np.uint64), np.full(size, -1, np.int32)
        nothing = np.empty(kept.size, np.int32), np.empty(kept.size, np.int64)
        _number(kept, self._slots, self._numbers, 0, *nothing, np.ones(kept.size, np.bool_))


class StringNumbers:
    """Numbers of strings."""

    def __init__(self, strings: pa.Array[Any] | None = None) -> None:
        """Start from nothing, or from `strings` whose numbers are their places."""
        self._hashes = HashNumbers()
        self._strings: list[pa.Array[Any]] = []
        if strings is not None and len(strings):
            self.of(strings)

    def __len__(self) -> int:
        return len(self._hashes)

    @property
    def strings(self) -> pa.Array[Any]:
        """The strings, in the order of their numbers."""
        if len(self._strings) != 1:
            self._strings = [pa.concat_arrays(self._strings) if self._strings else pa.array([], pa.string())]
        return self._strings[0]

    @property
    def keys(self) -> Hashes:
        """Hashes of the strings, in the order of their numbers."""
        return self._hashes.keys

    def of(self, strings: pa.Array[Any]) -> Numbers:
        """Numbers of `strings`, of which none is null."""
        numbers, fresh = self._hashes.of(siphash128(strings, _KEY).high)
        if fresh.size:
            self._strings.append(strings.take(pa.array(fresh, pa.int64())).cast(pa.string()))
        return numbers


def hashes(strings: pa.Array[Any]) -> Hashes:
    """A 64-bit hash of each of `strings`, of which none is null; never 0."""
    return np.asarray(siphash128(strings, _KEY).high | np.uint64(1))
