"""Which of a text's grams stay: at most 48, chosen so that an instruction beside a long document stays visible.

In: the hashes of sampled grams (see `intake.sketch`) in the order of the text. Out: those that are kept, ascending.
May import: compiled, nothing else of stillhunt.

Instructions stand at the ends of messages, documents between them. So the first and last `EDGE` grams of the system text and of the
first and last user message are kept apart from all that lies between, and each of the two has a threshold of its own, halved until
`MOST_AT_EDGES` and `MOST_BETWEEN` are left. How long the document is does not touch the edges; user messages in the middle of a
conversation were the last ones of earlier calls. Measured in decisions/0010.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from stillhunt.compiled import compiled
from stillhunt.compiled.instructions import zeros_below

MOST_AT_EDGES, MOST_BETWEEN = 32, 16
MAX_GRAMS = MOST_AT_EDGES + MOST_BETWEEN

EDGE = 32
"""Grams, sampled or not, that count as one end of a message: 35 words, or 39 characters of an unspaced script."""

THRESHOLD = np.uint64(1 << 62)
"""Hashes below it are sampled, one in four."""

GRAM_SHIFT = np.uint64(31)
"""Bits of a hash that a gram's number leaves out."""

WAITING = 512
"""Sampled grams that wait until it is known whether they are near the end of their message."""

_EDGES = 256  # three messages have 192 edge grams at most
_BETWEEN = 8 * MOST_BETWEEN
_SLICES = 64
_ONE = np.uint64(1)
_signed: Any = np.int64  # inside kernels numba knows the types, mypy does not

Kernel = npt.NDArray[Any]
State: TypeAlias = "tuple[Kernel, Kernel, Kernel, Kernel, Kernel, Kernel, Kernel, Kernel]"
"""waiting, places, edges, between, scratch, starts, counts (of edges, of between), limit (of between)."""


@compiled
def new_state(waiting: int) -> State:
    """Room for one row after the other, `waiting` grams of a message at a time."""
    return (
        np.empty(waiting, np.uint64),
        np.empty(waiting, np.int64),
        np.empty(_EDGES, np.uint64),
        np.empty(_BETWEEN, np.uint64),
        np.empty(_EDGES, np.uint64),
        np.empty(_SLICES + 1, np.int64),
        np.zeros(2, np.int64),
        np.empty(1, np.uint64),
    )


@compiled
def begin(state: State) -> None:
    """Forget the row before."""
    state[6][0] = state[6][1] = 0
    state[7][0] = THRESHOLD


@compiled
def _compact(kept: Kernel, n: int, most: int, threshold: np.uint64, scratch: Kernel, starts: Kernel) -> tuple[int, np.uint64]:
    """Sort kept[:n], drop doubles, halve the threshold until `most` fit. Returns the new n and threshold.

    Hashes are uniform below the threshold: one pass into about as many slices as there are hashes and an insertion sort is
    linear on average.
    """
    bits = 0
    while 1 << bits < n and 1 << bits < _SLICES:
        bits += 1
    shift = np.uint64(62 - bits) - zeros_below(THRESHOLD // threshold)
    slices = 1 << bits
    for j in range(slices + 1):
        starts[j] = 0
    for j in range(n):
        starts[_signed(kept[j] >> shift) + 1] += 1
    for j in range(slices):
        starts[j + 1] += starts[j]
    for j in range(n):
        slot = _signed(kept[j] >> shift)
        scratch[starts[slot]] = kept[j]
        starts[slot] += 1
    distinct = 0
    for j in range(n):
        value = scratch[j]
        k = distinct
        while k > 0 and kept[k - 1] > value:
            k -= 1
        if k > 0 and kept[k - 1] == value:
            continue
        for m in range(distinct, k, -1):
            kept[m] = kept[m - 1]
        kept[k] = value
        distinct += 1
    while distinct > most:
        threshold >>= _ONE
        while distinct > 0 and kept[distinct - 1] >= threshold:
            distinct -= 1
    return distinct, threshold


@compiled
def settle(state: State, n: int, edge: int, until: int, ending: int) -> int:
    """Decide on the first of the `n` grams waiting, those whose place in the message is below `until`; returns how many still wait.

    Places below `edge` and from `ending` on are edges. Before a message is over, `until` and `ending` are `edge` before its present
    end: whatever comes, nothing before that will be near the end.
    """
    waiting, places, edges, between, scratch, starts, counts, limit = state
    at_edges, inside, threshold = counts[0], counts[1], limit[0]
    done = 0
    while done < n and places[done] < until:
        gram, place = waiting[done], places[done]
        if place < edge or place >= ending:
            edges[at_edges] = gram
            at_edges += 1
        elif gram < threshold:
            if inside == between.size:
                inside, threshold = _compact(between, inside, MOST_BETWEEN, threshold, scratch, starts)
            between[inside] = gram
            inside += _signed(gram < threshold)
        done += 1
    for j in range(done, n):
        waiting[j - done] = waiting[j]
        places[j - done] = places[j]
    counts[0], counts[1], limit[0] = at_edges, inside, threshold
    return n - done


@compiled
def kept_of(state: State, out: Kernel) -> int:
    """Write the row's hashes to `out` (`MAX_GRAMS` of them at most), ascending, their numbers distinct; returns how many."""
    _, _, edges, between, scratch, starts, counts, limit = state
    at_edges, _ = _compact(edges, counts[0], MOST_AT_EDGES, THRESHOLD, scratch, starts)
    inside, _ = _compact(between, counts[1], MOST_BETWEEN, limit[0], scratch, starts)
    i = j = n = 0
    while i < at_edges or j < inside:
        if j == inside or (i < at_edges and edges[i] <= between[j]):
            gram = edges[i]
            i += 1
        else:
            gram = between[j]
            j += 1
        if n == 0 or out[n - 1] >> GRAM_SHIFT != gram >> GRAM_SHIFT:
            out[n] = gram
            n += 1
    return n
