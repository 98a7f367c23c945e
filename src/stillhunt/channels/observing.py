"""How observations are made of digests: what channels have in common, so that each says only what is its own.

In: a `Digest`. Out: `Observed`. May import: channels, channels.digest. Nothing here loops over accounts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.channels import Observed

if TYPE_CHECKING:
    from stillhunt.channels.digest import Digest, Floats, Index, Slots


def micros_of(column: pa.ChunkedArray[Any]) -> Index:
    """Times as microseconds since 1970, 0 where they are not known. Shape (rows,)."""
    micros: Any = column.cast(pa.int64())
    return np.asarray(pc.fill_null(micros, 0).to_numpy(), np.int64)


def coded(codes: npt.NDArray[Any], words: pa.Array[Any]) -> pa.DictionaryArray[Any, Any]:
    """Codes of `words` as a dictionary array whose dictionary is sorted and has no other words than those that occur.

    Args:
        codes: places in `words`, not negative, shape (rows,).
        words: strings, not null; the same one may stand in several places.
    """
    used = np.flatnonzero(np.bincount(codes, minlength=len(words)))
    distinct = words.take(pa.array(used, pa.int64())).cast(pa.string()).dictionary_encode()
    order = pc.sort_indices(distinct.dictionary).to_numpy()
    rank = np.empty(order.size, np.int32)
    rank[order] = np.arange(order.size)
    place = np.zeros(len(words), np.int32)
    place[used] = rank[distinct.indices.to_numpy()]
    return pa.DictionaryArray.from_arrays(pa.array(place[codes], pa.int32()), distinct.dictionary.take(pa.array(order, pa.int64())))


def on_account(digest: Digest, aspect: str, column: str, *, pattern: str = "", replacement: str = "") -> Observed:
    """What stands on accounts themselves: one observation for each where `column` of `people` is known, dated by the sign-up.

    Args:
        digest: the digests.
        aspect: name of a category.
        column: of strings.
        pattern: what to replace wherever it occurs in a value (RE2).
        replacement: ... by what.
    """
    encoded = digest.people[column].combine_chunks().dictionary_encode()
    words = pc.replace_substring_regex(encoded.dictionary, pattern, replacement) if pattern else encoded.dictionary
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    at = np.flatnonzero(codes >= 0)
    created = micros_of(digest.people["created_at"])[at]
    return Observed(aspect, at, coded(codes[at], words), created, created, np.ones(at.size, np.int64), np.ones(at.size))


def on_most_calls(digest: Digest, aspect: str, slots: Slots, groups: pa.Array[Any] | None = None, called: str = "") -> Observed:
    """The value that most of an account's calls show: one observation for each account that shows any.

    Values of equal share go to the first by name. Exact for accounts with no more values than slots; of others the counts are those
    of space saving, too high by the calls of the rarest value kept at most. Dated by the account's first and last call.

    Args:
        digest: the digests.
        aspect: name of a category.
        slots: the values.
        groups: a group for each of the slots' names, null for none, to be observed in their stead.
        called: see `Slots.dominant`.
    """
    values, times, everything = slots.dominant(groups, called)
    codes = values.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    at = np.flatnonzero(codes >= 0)
    words = values.dictionary.cast(pa.string())
    return Observed(aspect, at, coded(codes[at], words), digest.first[at], digest.last[at], times[at], times[at] / everything[at])


def measured(digest: Digest, aspect: str, numbers: Floats, known: npt.NDArray[np.bool_], occurrences: Index) -> Observed:
    """A number for each account, of all its calls: one observation where it is `known` and not nan. Arrays have shape (accounts,)."""
    at = np.flatnonzero(known & np.isfinite(numbers))
    return Observed(aspect, at, numbers[at], digest.first[at], digest.last[at], occurrences[at], np.ones(at.size))
