"""Small pictures without words: bars over time that stretch to whatever room they are given. Inline SVG, one path each.

Words and numbers stand beside them as text of the page, so that they are as readable on a telephone as on a desk; a picture itself may be
drawn out. Colours come from the page (`currentColor`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

HEIGHT = 20
"""Units of the picture's own height; the page decides how many pixels that is."""
_SHORTEST = 1.5


def bars(values: Sequence[int], most: int, said: str, kind: str) -> str:
    """Values as bars side by side.

    Args:
        values: not negative, from left to right.
        most: the value that fills the height; pictures that are compared get the same.
        said: what it shows, for a tooltip and for who cannot see it.
        kind: the class that the page's style knows it by.
    """
    gap = 0.12 if len(values) <= 60 else 0.0
    path = "".join(
        f"M{_short(at + gap)} {HEIGHT}v-{_short(_height(value, most))}h{_short(1 - 2 * gap)}V{HEIGHT}z"
        for at, value in enumerate(values)
        if value > 0
    )
    return _strip(max(len(values), 1), path, said, kind)


def span(begin: float, end: float, said: str, kind: str) -> str:
    """One line from `begin` to `end`, both shares (0 to 1) of the width."""
    low, high = (100 * min(max(one, 0.0), 1.0) for one in (begin, end))
    low = min(low, 100 - _SHORTEST)
    high = max(high, low + _SHORTEST)
    path = f"M{_short(low)} {0.4 * HEIGHT:g}H{_short(high)}v{0.2 * HEIGHT:g}H{_short(low)}z"
    return _strip(100, path, said, kind)


def _strip(width: int, path: str, said: str, kind: str) -> str:
    words = escape(said)
    return (
        f'<svg class="{kind}" role="img" aria-label="{words}" viewBox="0 0 {width} {HEIGHT}" preserveAspectRatio="none">'
        f'<title>{words}</title><path fill="currentColor" d="{path}"/></svg>'
    )


def _height(value: int, most: int) -> float:
    """What is there is never drawn as if it were not."""
    share = value / most if most > 0 and math.isfinite(most) else 0.0
    return min(max(HEIGHT * share, 0.6), HEIGHT)


def _short(number: float) -> str:
    return f"{round(number, 2):g}"
