"""The digests of all accounts while calls are folded into them.

In: chunks. Out: arrays, that can be kept, put together with those of other accounts, and read by `channels.digest.reading`.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stillhunt.channels.digest import kernels
from stillhunt.channels.digest.chunks import Names, chunk_of, put_together
from stillhunt.channels.digest.derived import Derived
from stillhunt.channels.digest.kernels import (
    BINS,
    BLOCK,
    DAYS_KEPT,
    HELD_MARKS,
    MARKS,
    MOST_HELD,
    NETWORKS,
    UNIT_GRAMS,
    VALUES,
    Array,
    Chunk,
    Held,
    Rows,
    Units,
)
from stillhunt.channels.digest.trace import Trace

SHARDS = 2
"""Accounts are folded in so many shards at once. It never changes what comes out."""

MOST_PAIRS = 24_000_000
"""Of requests so many (account, request) pairs are kept at most: from then on every second request, by hash, then every fourth ..."""

HANDOFF_SECONDS = 60

_EVERYTHING = np.uint64(0xFFFFFFFFFFFFFFFF)
_BUFFERED = 4_000_000

TOGETHER = 1_500_000
"""So many calls are folded at once, 260 MB of them: a large file by itself, small ones together."""

_PAGE_OUT = 21
"""MADV_PAGEOUT of Linux 5.4 and later: pages go back to their file. Python has no name for it yet."""

_ROWS: dict[str, tuple[Any, tuple[int, ...], float]] = {
    "calls": (np.int64, (), 0),
    "answered": (np.int64, (), 0),
    "requests": (np.int64, (), 0),
    "tokens": (np.int64, (), 0),
    "first": (np.int64, (), 0),
    "last": (np.int64, (), 0),
    "days": (np.int32, (), 0),
    "squares": (np.float64, (), 0),
    "day": (np.int32, (DAYS_KEPT,), -(1 << 31)),
    "day_calls": (np.uint32, (DAYS_KEPT,), 0),
    "pause_day": (np.int32, (), -1),
    "pause_most": (np.float64, (), 0),
    "hours": (np.uint32, (24,), 0),
    "bins": (np.uint16, (BINS,), 0),
    "network": (np.int32, (NETWORKS,), -1),
    "network_calls": (np.uint32, (NETWORKS,), 0),
    "client": (np.int32, (VALUES,), -1),
    "client_calls": (np.uint32, (VALUES,), 0),
    "parameters": (np.int32, (VALUES,), -1),
    "parameters_calls": (np.uint32, (VALUES,), 0),
    "model": (np.int32, (VALUES,), -1),
    "model_calls": (np.uint32, (VALUES,), 0),
    "model_first": (np.int64, (VALUES,), 0),
    "model_before": (np.uint32, (VALUES,), 0),
    "organization": (np.int32, (2,), -1),
    "unit_block": (np.int32, (), -1),
    "units": (np.int32, (), 0),
    "below": (np.uint64, (), -1),
    "held_block": (np.int32, (), -1),
    "held": (np.int32, (), 0),
    "held_marks": (np.uint64, (HELD_MARKS,), 0),
}
_UNITS: dict[str, tuple[Any, tuple[int, ...], float]] = {
    "following": (np.int32, (), -1),
    "key": (np.uint64, (BLOCK,), 0),
    "prompt": (np.uint64, (BLOCK,), 0),
    "shape": (np.int64, (BLOCK,), 0),
    "calls": (np.uint32, (BLOCK,), 0),
    "seconds": (np.uint32, (BLOCK,), 0),
    "output": (np.float32, (BLOCK,), 0),
    "messages": (np.int16, (BLOCK,), 0),
    "flags": (np.uint8, (BLOCK,), 0),
    "size": (np.uint8, (BLOCK,), 0),
    "grams": (np.int32, (BLOCK, UNIT_GRAMS), 0),
    "again": (np.uint16, (BLOCK,), 0),
    "marks": (np.uint64, (MARKS,), 0),
}
_HELD: dict[str, tuple[Any, tuple[int, ...], float]] = {
    "following": (np.int32, (), -1),
    "gram": (np.int32, (BLOCK,), 0),
    "times": (np.uint32, (BLOCK,), 0),
    "first": (np.uint32, (BLOCK,), 0),
    "last": (np.uint32, (BLOCK,), 0),
}


def _made(kinds: dict[str, tuple[Any, tuple[int, ...], float]], size: int) -> dict[str, Array]:
    return {name: _filled(kind, (size, *shape), fill) for name, (kind, shape, fill) in kinds.items()}


def _filled(kind: Any, shape: tuple[int, ...], fill: float) -> Array:
    if fill == 0:
        return np.zeros(shape, kind)  # pages that are never touched cost nothing
    return np.full(shape, _EVERYTHING if kind is np.uint64 else fill, kind)


def _longer(arrays: dict[str, Array], kinds: dict[str, tuple[Any, tuple[int, ...], float]], size: int) -> None:
    """Make every array `size` long, one after the other, so that memory holds one of them twice at most."""
    for name, (kind, shape, fill) in kinds.items():
        old = arrays[name]
        new = _filled(kind, (size, *shape), fill)
        new[: len(old)] = old
        arrays[name] = new


class Shard:
    """Blocks of units and held grams of a part of the accounts."""

    def __init__(self) -> None:
        self.units = _made(_UNITS, 1024)
        self.held = _made(_HELD, 256)
        self.used = (0, 0)

    def grow(self, units: int, held: int) -> None:
        """Make room for so many more blocks."""
        for arrays, kinds, used, more in ((self.units, _UNITS, self.used[0], units), (self.held, _HELD, self.used[1], held)):
            if used + more > len(arrays["following"]):
                _longer(arrays, kinds, max(used + more, int(1.5 * len(arrays["following"]))))


class Pairs:
    """Which accounts sent which requests, in a sample of requests drawn by hash: (key, account, calls), sorted."""

    def __init__(self) -> None:
        self.key, self.account, self.calls = np.zeros(0, np.uint64), np.zeros(0, np.int32), np.zeros(0, np.uint32)
        self.below = _EVERYTHING
        self._waiting: list[tuple[Array, Array]] = []
        self._rows = 0

    def add(self, key: Array, account: Array) -> None:
        """Add calls; requests whose hash is not below `below` must have been left out."""
        self._waiting.append((key, account))
        self._rows += key.size
        if self._rows > _BUFFERED:
            self.settle()

    def settle(self) -> None:
        """Sort in what waits, and thin out if there are too many."""
        if self._waiting:
            key, account = (np.concatenate(parts) for parts in zip(*self._waiting, strict=True))
            self._waiting, self._rows = [], 0
            key, account = kernels.sorted_pairs(key, account)
            self.key, self.account, self.calls = kernels.merged_counts(self.key, self.account, self.calls, key, account)
        self.thin()

    def thin(self) -> None:
        """Keep every second request as often as needed."""
        while self.key.size > MOST_PAIRS:
            self.below = np.uint64(int(self.below) // 2)
            kept = int(np.searchsorted(self.key, self.below))
            self.key, self.account, self.calls = self.key[:kept].copy(), self.account[:kept].copy(), self.calls[:kept].copy()


class State:
    """Digests as they grow.

    Attributes:
        names: numbers of accounts and of all other names.
        rows: arrays with one row an account (and room for more), as `kernels.Rows`.
        shards: blocks, account `row` in shard `row % SHARDS`.
        pairs: sampled requests.
        handoffs: (key, giver, taker, failed at, taken at), in the order in which they were seen.
        open_failures: failed requests that may still be taken over: (key, account, time).
        trace: who called when, every call.
        maps: arrays that are maps of files in which a state was kept.
        derived: what has been worked out of `rows`.
        kept_in: the folder in which it was kept as it is, if it was.
    """

    def __init__(self) -> None:
        self.names = Names()
        self.rows = _made(_ROWS, 1024)
        self.shards = [Shard() for _ in range(SHARDS)]
        self.pairs = Pairs()
        self.handoffs: list[tuple[Array, ...]] = []
        self.open_failures: tuple[Array, Array, Array] = (np.zeros(0, np.uint64), np.zeros(0, np.int32), np.zeros(0, np.int64))
        self.trace = Trace()
        self.calls = 0
        self.maps: list[Any] = []
        self.derived = Derived()
        self.kept_in: Path | None = None

    def put_aside(self) -> None:
        """Let the machine have the memory in which files are mapped, until they are read again.

        A hint that changes nothing of what is read: changed pages stay, and systems that do not know it ignore it.
        """
        for array in self.maps:
            mapped: mmap.mmap = array._mmap
            with suppress(OSError, ValueError):
                mapped.madvise(_PAGE_OUT)

    @property
    def accounts(self) -> int:
        """How many accounts there are."""
        return len(self.names.accounts)

    def fold(self, tables: Iterable[pa.Table]) -> None:
        """Fold calls into the digests: tables of the columns `chunks.COLUMNS`, in an order that tells.

        Tables are put together until there are `TOGETHER` calls: an account's record is fetched from memory once for all of its calls
        in them, which is most of what folding costs. It never changes what comes out.
        """
        with ThreadPoolExecutor(SHARDS + 2) as pool:
            running = _nothing
            waiting: list[Chunk] = []
            for table in tables:
                if table.num_rows:
                    waiting.append(chunk_of(table, self.names))
                if sum(chunk.micros.size for chunk in waiting) >= TOGETHER:
                    # put in order while those before are folded: until they are, nothing of the state is touched
                    ordered = self._ordered(waiting)
                    running()
                    running = self._started(pool, *ordered)
                    del ordered
            if waiting:
                ordered = self._ordered(waiting)
                running()
                running = self._started(pool, *ordered)
            running()

    def _ordered(self, chunks: list[Chunk]) -> tuple[Chunk, Array, Array]:
        """Chunks as one (the list is emptied), the order of its calls in time, and their order by account."""
        in_time = _in_time(chunks)
        chunk = put_together(chunks)
        return chunk, in_time, in_time[kernels.by_account(chunk.account[in_time], self.accounts)]

    def _started(self, pool: ThreadPoolExecutor, chunk: Chunk, in_time: Array, order: Array) -> Callable[[], None]:
        """Begin to fold a chunk; what is given back waits until it is done. Meanwhile the next ones may be read."""
        if self.accounts > len(self.rows["calls"]):
            _longer(self.rows, _ROWS, max(self.accounts, int(1.5 * len(self.rows["calls"]))))
        rows = Rows(**self.rows)
        self.kept_in = None
        self.derived.touch(chunk.account)
        work = [pool.submit(_fold_shard, number, self.shards[number], order, chunk, rows) for number in range(SHARDS)]
        work.append(pool.submit(self._requests, chunk, in_time))
        self.calls += chunk.micros.size

        def wait() -> None:
            while work:
                work.pop().result()

        return wait

    def _requests(self, chunk: Chunk, in_time: Array) -> None:
        self.pairs.add(*kernels.request_keys(chunk, self.pairs.below))
        found, self.open_failures = kernels.handed_over(in_time, chunk, *self.open_failures, HANDOFF_SECONDS * 1_000_000)
        if found[0].size:
            self.handoffs.append(found)
        account = chunk.account.astype(np.uint32) | (chunk.batch.astype(np.uint32) << np.uint32(31))
        self.trace.add(account[in_time], chunk.micros[in_time])


def _nothing() -> None:
    """Nothing runs that would have to be waited for."""


def _in_time(chunks: list[Chunk]) -> Array:
    """The order of chunks put together: one chunk after the other, each in order of time."""
    orders, begun = [], 0
    for chunk in chunks:
        orders.append(kernels.in_time(chunk.micros) + begun)
        begun += chunk.micros.size
    return np.concatenate(orders)


def _fold_shard(number: int, shard: Shard, order: Array, chunk: Chunk, rows: Rows) -> None:
    position = 0
    kept = np.empty(UNIT_GRAMS, np.int32)
    while position < order.size:
        shard.grow(max(1024, shard.used[0] // 8), max(4 * MOST_HELD, shard.used[1] // 8))
        units, held = Units(**shard.units), Held(**shard.held)
        position, *used = kernels.fold_accounts(number, SHARDS, order, chunk, rows, units, held, shard.used, position, kept)
        shard.used = (int(used[0]), int(used[1]))
