"""Which entries were changed, removed, inserted or reordered, from the hashes that should be there and those that are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

_LIMIT = 2_000
"""Entries beyond which differences are not told apart: the comparison takes time in the square of their number."""


def differences(signed: Sequence[bytes], found: Sequence[bytes]) -> list[tuple[int, str]]:
    """What became of the entries.

    Args:
        signed: leaf hashes that a signed checkpoint vouches for.
        found: leaf hashes of the entries as they are.

    Returns:
        Number of an entry (as it was signed) and what happened to it or before it, in order.
    """
    begin = 0
    while begin < min(len(signed), len(found)) and signed[begin] == found[begin]:
        begin += 1
    end = 0
    while end < min(len(signed), len(found)) - begin and signed[-1 - end] == found[-1 - end]:
        end += 1
    was, now = signed[begin : len(signed) - end], found[begin : len(found) - end]
    if not was and not now:
        return []
    if len(was) == len(now) and Counter(was) == Counter(now):
        return [
            (begin + at, "stands in another place: entries were reordered")
            for at, pair in enumerate(zip(was, now, strict=True))
            if pair[0] != pair[1]
        ]
    if len(was) > _LIMIT or len(now) > _LIMIT:
        return [(begin, f"from here on, {len(was)} entries were changed, removed, inserted or reordered")]
    told: list[tuple[int, str]] = []
    for how, first, last, start, stop in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if how == "equal":
            continue
        both = min(last - first, stop - start)
        told.extend((begin + first + at, "was changed") for at in range(both))
        told.extend((begin + at, "was removed") for at in range(first + both, last))
        if stop - start > both:
            told.append((begin + last, f"{stop - start - both} inserted before it"))
    return told
