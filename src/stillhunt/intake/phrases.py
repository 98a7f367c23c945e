"""The k-anonymous dictionary: which sampled grams enough accounts have sent for their words to be kept.

In: each interaction's account and sketch, as numbers, in a stream without end. Out: the grams that ripen, so that the caller
cuts their words from the text at hand, and those words as a table. May import: records and intake's sketch, instructions and
unicode_table.

Memory is fixed (48 MB by default). A bucket of eight entries remembers a gram, how many distinct accounts sent it, and a
16-bit signature of each. Two accounts may share a signature (1 in 65,536) and an entry may be replaced before it ripens: both
only delay a phrase. An account is never counted twice, so no phrase comes out that fewer than `k` accounts have sent.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhunt import records
from stillhunt.compiled import compiled
from stillhunt.compiled.instructions import prefetch
from stillhunt.intake.sketch import gram_of, grams
from stillhunt.intake.unicode_table import UNSPACED

MEMORY = 48_000_000
PENDING = 16_384
"""Phrases that wait to be taken. When so many wait, further grams stay one account short of ripe until somebody takes them."""

MOST_ACCOUNTS = 100
LONG_NUMBER = 7  # digits in a phrase: from here on it may be a telephone number, a card, a customer's number
LONG_TOKEN = 24  # characters: longer ones are keys and encoded data, hardly an instruction

_SLOTS = 8
_COUNTS, _LIVES, _SIGNATURES = 4 * _SLOTS, 5 * _SLOTS, 6 * _SLOTS  # in units of 16 bits, after eight grams of 64
_LOW, _HALF, _SIGN, _SHIFT = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(0x9E3779B97F4A7C15), np.uint64(48)
_AHEAD = 24  # grams: long enough for a cache miss, short enough not to push out what is needed first
_LIFE = 4  # misses in a full bucket that an entry survives for each account that it has seen

Array = npt.NDArray[Any]


@compiled
def _learn(grams: Array, small: Array, k: int, accounts: Array, offsets: Array, values: Array, rows: Array, ripe: Array) -> int:
    """Count each row's grams for its account; ripe grams go to `rows` and `ripe`, as far as they hold. Returns how many."""
    buckets = np.uint64(grams.shape[0])
    found = 0
    total = offsets[-1]
    for row in range(offsets.size - 1):
        for j in range(offsets[row], offsets[row + 1]):
            ahead = np.uint64(values[min(j + _AHEAD, total - 1)])
            prefetch(grams, ((ahead & _LOW) * buckets) >> _HALF)
            gram = np.uint64(values[j])
            bucket = ((gram & _LOW) * buckets) >> _HALF
            signature = np.uint16(((gram ^ accounts[row]) * _SIGN) >> _SHIFT)
            place = -1
            for slot in range(_SLOTS):  # without a way out, so that it needs no branches
                place = slot if grams[bucket, slot] == gram else place
            if place < 0 or not small[bucket, _COUNTS + place]:  # an empty entry holds the gram 0, which somebody may send
                weakest = 0
                for slot in range(1, _SLOTS):
                    weakest = slot if small[bucket, _LIVES + slot] < small[bucket, _LIVES + weakest] else weakest
                if small[bucket, _LIVES + weakest]:
                    for slot in range(_SLOTS):
                        small[bucket, _LIVES + slot] -= 1
                grams[bucket, weakest] = gram
                small[bucket, _COUNTS + weakest] = 1
                small[bucket, _LIVES + weakest] = _LIFE
                small[bucket, _SIGNATURES + weakest] = signature
                continue
            count = np.int64(small[bucket, _COUNTS + place])
            small[bucket, _LIVES + place] = _LIFE * count
            if count >= k:
                continue
            known = False
            for seen in range(count):
                known |= small[bucket, _SIGNATURES + _SLOTS * seen + place] == signature
            if known:
                continue
            if count + 1 < k:
                small[bucket, _SIGNATURES + _SLOTS * count + place] = signature
                small[bucket, _COUNTS + place] = count + 1
            elif found < rows.size:
                small[bucket, _COUNTS + place] = k
                rows[found] = row
                ripe[found] = values[j]
                found += 1
    return found


class PhraseBook:
    """Counts accounts per gram and keeps the words of ripe grams until they are taken. One per process, one thread.

    Args:
        k: distinct accounts that must have sent a gram, 2 to 100.
        memory: bytes for the table of counts.
    """

    def __init__(self, k: int = 10, *, memory: int = MEMORY) -> None:
        if not 2 <= k <= MOST_ACCOUNTS:
            raise ValueError(f"k-anonymity must lie between 2 and {MOST_ACCOUNTS}, not {k}")
        self.k = k
        words = -(-(_SIGNATURES + _SLOTS * (k - 1)) // 32) * 8  # 64-bit words, whole cache lines
        self._grams = np.zeros((max(1, memory // (8 * words)), words), np.uint64)
        self._small = self._grams.view(np.uint16)
        self._kept: dict[int, str] = {}

    def learn(self, accounts: Array, offsets: Array, values: Array) -> tuple[Array, Array]:
        """Count the grams of a batch.

        Args:
            accounts: uint64, a hash of each row's account.
            offsets: int64, rows + 1 of them, into `values`.
            values: int64, the hashes of the rows' grams one after the other, distinct within a row.

        Returns:
            Row numbers (ascending) and grams that have just been sent by their k-th account.
        """
        room = max(0, PENDING - len(self._kept))
        rows, ripe = np.empty(room, np.int64), np.empty(room, np.int64)
        found = _learn(self._grams, self._small, self.k, accounts, offsets, values, rows, ripe)
        return rows[:found], ripe[:found]

    def keep(self, gram: int, tokens: Sequence[tuple[str, int]], raw: str) -> bool:
        """Remember the words of a ripe gram, unless they are not what was hashed or look like somebody's own.

        Args:
            gram: its whole hash. Its number alone would not do: of a million popular ones, many have a stranger with the same.
            tokens: folded tokens and their classes; only these are kept, since only these are what `k` accounts have sent.
            raw: the text that they were cut from, to see signs that tokens no longer show.
        """
        if gram_of(tokens) != gram or "@" in raw or personal(tokens):
            return False
        self._kept[gram] = show(tokens)
        return True

    def take(self) -> pa.Table:
        """The phrases kept since the last call, as `records.PHRASES`: hashes become the numbers that sketches have."""
        kept, self._kept = self._kept, {}
        numbers = grams(np.fromiter(kept, np.int64, len(kept)))
        return pa.table([pa.array(numbers, pa.int64()), pa.array(kept.values(), pa.string())], schema=records.PHRASES)


def personal(tokens: Sequence[tuple[str, int]]) -> bool:
    """Whether folded tokens hold a long number, an id or a key: not an instruction, perhaps a person."""
    digits = sum(c.isdigit() for token, _ in tokens for c in token)
    return digits >= LONG_NUMBER or any(len(token) > LONG_TOKEN and any(c.isdigit() for c in token) for token, _ in tokens)


def show(tokens: Sequence[tuple[str, int]]) -> str:
    """Folded tokens for people: words apart, unspaced scripts together, numbers as "#", Hangul in syllables."""
    text = ""
    before = UNSPACED
    for token, kind in tokens:
        joined = not text or (kind == UNSPACED and before == UNSPACED)
        text += ("" if joined else " ") + ("#" if token.isdigit() else token)
        before = kind
    return unicodedata.normalize("NFC", text)
