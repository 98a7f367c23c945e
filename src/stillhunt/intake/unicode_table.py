"""What every code point is to a fingerprint: a separator, part of a word, a token of its own, or nothing.

In: the Unicode Character Database of one Python, once, when a maintainer runs this module. Out: `unicode_table.bin`, which
is committed and from then on is the only source, so that fingerprints never depend on the Python that computes them.

The fold of a code point is NFKD, marks and format characters dropped, case folded, NFKD again; decimal digits of every
script become ASCII digits. Folding is done per code point, so NFC and NFD, full and half width fold alike.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

SEPARATOR, WORD, UNSPACED, IGNORED, SEQUENCE = range(5)
"""Classes, the low three bits of an entry. `SEQUENCE`: the code point stands for several entries of `sequences`."""

PLANES_END = 0x30000
"""Planes 0 to 2 are in the table. Above: plane 3 is Han, the first 4096 of plane 14 are tags and selectors, the rest nothing."""

FILE = "unicode_table.bin"
_HEADER = struct.Struct("<8s8sII")  # magic, Unicode version, entries, sequence entries
_MAGIC = b"SHFOLD1\n"

_UNSPACED_NAMES = ("CJK UNIFIED IDEOGRAPH", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")
_UNSPACED_OTHERS = frozenset([0x3005, 0x3006, 0x3007, *range(0x3021, 0x302A), *range(0x3038, 0x303C)])  # Han without the name
_INVISIBLE = frozenset([0x0640, 0x115F, 0x1160, 0x3164, 0xFFA0])
"""Letters by category that print nothing, or only stretch the word: Hangul fillers, Arabic tatweel. They could hide a text."""


@dataclass(frozen=True)
class FoldTable:
    """Both arrays are read-only.

    Attributes:
        entries: uint32, one for each code point of planes 0 to 2: class | value << 3. The value is the folded code point, or
            for a `SEQUENCE` start << 5 | length in `sequences`.
        sequences: uint32, class | folded code point << 3.
        unicode_version: the version of Unicode that the table was made from.
    """

    entries: npt.NDArray[np.uint32]
    sequences: npt.NDArray[np.uint32]
    unicode_version: str

    def fold(self, code_point: int) -> list[tuple[int, int]]:
        """The (class, folded code point) pairs that one code point stands for."""
        if code_point >= PLANES_END:
            if code_point < 0x40000:
                return [(UNSPACED, code_point)]
            return [(IGNORED if 0xE0000 <= code_point < 0xE1000 else SEPARATOR, 0)]
        entry = int(self.entries[code_point])
        if entry & 7 != SEQUENCE:
            return [(entry & 7, entry >> 3)]
        start, length = entry >> 8, entry >> 3 & 31
        return [(int(e) & 7, int(e) >> 3) for e in self.sequences[start : start + length]]

    def tokens(self, text: str) -> list[tuple[str, int]]:
        """The tokens of `text` as (folded token, class), the way the compiled kernel sees them; for showing, not for speed."""
        found: list[tuple[str, int]] = []
        word: list[str] = []
        for kind, folded in (pair for c in text for pair in self.fold(ord(c))):
            if kind == WORD:
                word.append(chr(folded))
            elif kind != IGNORED:
                if word:
                    found.append(("".join(word), WORD))
                    word = []
                if kind == UNSPACED:
                    found.append((chr(folded), UNSPACED))
        if word:
            found.append(("".join(word), WORD))
        return found


@cache
def table() -> FoldTable:
    """The committed table. Raises RuntimeError when the installed file is damaged."""
    raw = resources.files(__package__).joinpath(FILE).read_bytes()
    magic, version, entries, sequences = _HEADER.unpack_from(raw)
    body = np.frombuffer(zlib.decompress(raw[_HEADER.size :]), dtype="<u4")
    if magic != _MAGIC or entries != PLANES_END or body.size != entries + sequences:
        raise RuntimeError(f"{FILE} is damaged: reinstall stillhunt")
    whole = np.cumsum(body, dtype=np.uint32)  # stored as differences modulo 2**32, which compress four times better
    whole.flags.writeable = False
    return FoldTable(whole[:entries], whole[entries:], version.rstrip(b"\0").decode("ascii"))


def build() -> bytes:
    """The contents of the data file, from the Unicode Character Database of the running Python."""
    import unicodedata as ucd  # noqa: PLC0415 - only a maintainer's run may see the running Python's Unicode

    def atom(char: str) -> int:
        """The entry of one character that folding leaves as it is."""
        point = ord(char)
        category = ucd.category(char)
        if category in ("Cf", "Mn", "Me") or point in _INVISIBLE:
            return IGNORED
        if category[0] not in "LN" and category != "Mc":
            return SEPARATOR
        if point in _UNSPACED_OTHERS or ucd.name(char, "").startswith(_UNSPACED_NAMES):
            return UNSPACED | point << 3
        return WORD | point << 3

    def visible(text: str) -> str:
        return "".join(c for c in ucd.normalize("NFKD", text) if atom(c) != IGNORED)

    def folded(point: int) -> list[int]:
        text = visible(visible(chr(point)).casefold())
        text = "".join(str(ucd.decimal(c)) if ucd.category(c) == "Nd" else c for c in text)
        found = [atom(c) for c in text]
        # A run of separators separates no more than one does, and NFKD puts a space before spacing accents.
        return [e for i, e in enumerate(found) if e != SEPARATOR or i == 0 or found[i - 1] != SEPARATOR]

    entries: list[int] = []
    sequences: list[int] = []
    known: dict[tuple[int, ...], int] = {}
    for point in range(PLANES_END):
        if 0xD800 <= point < 0xE000 or not (found := folded(point)):
            entries.append(SEPARATOR if 0xD800 <= point < 0xE000 else IGNORED)
        elif len(found) == 1:
            entries.append(found[0])
        else:
            start = known.setdefault(tuple(found), len(sequences))
            if start == len(sequences):
                sequences.extend(found)
            entries.append(SEQUENCE | len(found) << 3 | start << 8)
    body = np.diff(np.array(entries + sequences, dtype="<u4"), prepend=np.uint32(0)).astype("<u4").tobytes()
    header = _HEADER.pack(_MAGIC, ucd.unidata_version.encode("ascii"), len(entries), len(sequences))
    return header + zlib.compress(body, 9)


if __name__ == "__main__":
    from pathlib import Path

    Path(__file__).with_name(FILE).write_bytes(build())
