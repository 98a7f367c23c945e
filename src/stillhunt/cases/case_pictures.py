"""Pictures of one case: when its accounts called, what ties them, how likely each explanation is. Inline SVG, like `pictures`.

The heat map is written by hand: forty thousand cells as elements of their own would take megabytes, as runs of one path for each row and
shade they take some hundred kilobytes. The others are Altair specs. The same input gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt

from stillhunt.cases.case_timeline import Timeline
from stillhunt.cases.hubs import Hub, hubs
from stillhunt.cases.pictures import FONT, PALETTE, draw
from stillhunt.cases.wording import count, visible
from stillhunt.records import Campaign
from stillhunt.records.cases import LIKELIHOOD_RANGES, Hypothesis

MOST_ROWS = 200
"""Accounts in the heat map; of more, so many evenly spaced ones are drawn."""
MOST_LABELLED = 40
MOST_MEMBERS = 150
"""Accounts in the link graph; of more, so many evenly spaced ones are drawn."""
SHADES = (0.25, 0.5, 0.75, 1.0)

_HEAD, _RATE, _GAP, _LABEL, _PLOT = 22, 70, 10, 170, 800
"""Pixels: room for a line of words, height of the rate, room below it, width of account names, width of everything."""


# ---- when accounts called


def heat_map(timeline: Timeline) -> str:
    """The total rate above a row for each account, in the order of their first calls: who was on when, and who came when another left."""
    rows = sampled(len(timeline.names), MOST_ROWS)
    spans = timeline.calls.shape[1]
    named = len(rows) <= MOST_LABELLED
    left = _LABEL if named else 46
    height = 12.0 if named else max(380.0 / len(rows), 2.0)
    width = (_PLOT - left - 6) / max(spans, 1)
    bounds = shades(timeline.calls)
    top = _HEAD + _RATE + _GAP
    parts = [_rate(timeline, left, width), _ticks(timeline, left, width, top, top + height * len(rows))]
    for at, row in enumerate(rows):
        calls = timeline.calls[row]
        name = visible(timeline.names[row], 64)
        first, last = (timeline.moment(int(place)) for place in np.flatnonzero(calls)[[0, -1]])
        said = f"{name}: {count(int(calls.sum()), 'call')}, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
        y = top + at * height
        label = _text(left - 6, y + height - 2.5, visible(timeline.names[row], 22), "end", "ink") if named else ""
        parts.append(f"<g><title>{escape(said)}</title>{label}{_cells(calls, bounds, left, y, width, height * 0.92)}</g>")
    bottom = top + height * len(rows) + 24
    parts.append(_legend(bounds, timeline.span, left, bottom + 14))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_PLOT}" height="{bottom + 24:.0f}" '
        f'viewBox="0 0 {_PLOT} {bottom + 24:.0f}" font-family="{escape(FONT)}" font-size="11">{"".join(parts)}</svg>'
    )


def sampled(there: int, most: int) -> list[int]:
    """At most `most` of `there` places, evenly spaced, first and last among them."""
    return sorted({round(at) for at in np.linspace(0, there - 1, min(there, most))}) if there else []


def shades(calls: npt.NDArray[np.int64]) -> list[int]:
    """From how many calls on a cell gets each shade: one, and where half, four fifths and 19 in 20 of the cells with calls stay below."""
    some = calls[calls > 0]
    higher = [math.ceil(float(np.quantile(some, share))) for share in (0.5, 0.8, 0.95)] if some.size else []
    return sorted({1, *higher})


def _cells(calls: npt.NDArray[np.int64], bounds: Sequence[int], x: float, y: float, width: float, height: float) -> str:
    """One path for each shade: runs of equal cells as rectangles."""
    of = np.searchsorted(bounds, calls, side="right")
    edges = [0, *(np.flatnonzero(np.diff(of)) + 1).tolist(), int(of.size)]
    paths: dict[int, list[str]] = {}
    for begin, end in pairwise(edges):
        if of[begin]:
            long = _short((end - begin) * width)
            paths.setdefault(int(of[begin]), []).append(f"M{_short(x + begin * width)} {_short(y)}h{long}v{_short(height)}h-{long}z")
    opacity = _opacity(len(bounds))
    return "".join(
        f'<path fill="{PALETTE["for"]}" fill-opacity="{opacity[shade - 1]:g}" d="{"".join(paths[shade])}"/>' for shade in sorted(paths)
    )


def _opacity(bounds: int) -> list[float]:
    return list(SHADES[-bounds:]) if bounds < len(SHADES) else list(SHADES)


def _rate(timeline: Timeline, left: int, width: float) -> str:
    total = timeline.calls.sum(axis=0)
    most = int(total.max(initial=1)) or 1
    base = _HEAD + _RATE
    heights = [base - _RATE * int(one) / most for one in total]
    steps = "".join(f"V{_short(y)}h{_short(width)}" for y in heights)
    right = left + width * len(heights)
    top = _HEAD
    return (
        f"<g><title>All accounts together: at most {count(most, 'call')} in {timeline.span}</title>"
        f'<path fill="{PALETTE["grid"]}" d="M{left} {top}H{_short(right)}v1H{left}zM{left} {base}H{_short(right)}v1H{left}z"/>'
        f'<path fill="{PALETTE["for"]}" d="M{left} {base}{steps}V{base}z"/></g>'
        + _text(left - 6, top + 4, f"{most:,}", "end", "muted")
        + _text(left - 6, base + 4, "0", "end", "muted")
        + _text(left, 10, f"calls in {timeline.span}, all accounts together (above), and account by account", "start", "muted")
    )


def _ticks(timeline: Timeline, left: int, width: float, top: float, bottom: float) -> str:
    """Days below the rows, as many as there is room for, and a rule for each through all rows."""
    spans = timeline.calls.shape[1]
    days = [span for span in range(spans) if timeline.hours >= 24 or not timeline.moment(span).hour]
    days = days or [0]
    shown = days[:: max(math.ceil(len(days) / 12), 1)]
    parts = []
    for span in shown:
        x = left + span * width
        parts.append(
            f'<path stroke="{PALETTE["grid"]}" d="M{_short(x)} {_short(top)}V{_short(bottom + 6)}"/>'
            + _text(x, bottom + 18, f"{timeline.moment(span):%-d %b}", "start" if span == shown[0] else "middle", "muted")
        )
    return "".join(parts)


def _legend(bounds: Sequence[int], span: str, left: int, y: float) -> str:
    parts, x = [_text(left, y, f"calls of one account in {span}", "start", "muted")], left + 240.0
    for at, opacity in enumerate(_opacity(len(bounds))):
        upper = bounds[at + 1] - 1 if at + 1 < len(bounds) else None
        words = f"{bounds[at]:,} or more" if upper is None else f"{bounds[at]:,}" if upper == bounds[at] else f"{bounds[at]:,} to {upper:,}"
        parts.append(
            f'<path fill="{PALETTE["for"]}" fill-opacity="{opacity:g}" d="M{_short(x)} {_short(y - 9)}h14v10h-14z"/>'
            + _text(x + 19, y, words, "start", "muted")
        )
        x += 110
    return "".join(parts)


def _text(x: float, y: float, words: str, anchor: str, token: str) -> str:
    return f'<text x="{_short(x)}" y="{_short(y)}" text-anchor="{anchor}" fill="{PALETTE[token]}">{escape(words)}</text>'


def _short(number: float) -> str:
    return f"{round(number, 2):g}"


# ---- what ties accounts


def link_graph(campaign: Campaign, width: int = 800) -> str:
    """Accounts (dots) and what they share (circles around them): a thicker tie weighs more bits.

    What nearly all share pulls evenly, what few share pulls its own to its side, so that accounts with the same profile lie together.
    """
    around = _around(hubs(campaign), campaign)
    if not around:
        return ""
    height = max(340, 40 * ((len(around) + 1) // 2))
    members = [campaign.accounts[at] for at in sampled(len(campaign.accounts), MOST_MEMBERS)]
    place = {(hub.channel, hub.value): at for at, hub in enumerate(around)}
    weight = np.zeros((len(members), len(around)))
    for at, member in enumerate(members):
        for one in member.observations:
            if (one.channel, one.value) in place:
                weight[at, place[one.channel, one.value]] = max(one.bits, 0.1)
    rim = _rim(len(around), width, height)
    dots = _apart(_pulled(weight, rim, [hub.accounts / len(campaign.accounts) for hub in around], width, height))
    most = float(weight.max(initial=1.0))
    ties = [
        {"x": dots[at][0], "y": dots[at][1], "x2": rim[hub][0], "y2": rim[hub][1], "w": round(0.3 + 1.7 * weight[at, hub] / most, 2)}
        for at, hub in zip(*(places.tolist() for places in np.nonzero(weight)), strict=True)
    ]
    named = [
        {
            "x": x,
            "y": y,
            "accounts": hub.accounts,
            "label": visible(hub.words, 36),
            "said": _hub_said(hub),
            "side": "left" if x < width / 2 else "right",
        }
        for hub, (x, y) in zip(around, rim, strict=True)
    ]
    points = [
        {"x": x, "y": y, "said": f"{visible(member.account_id, 64)}: {count(int((weight[at] > 0).sum()), 'tie')} drawn"}
        for at, (member, (x, y)) in enumerate(zip(members, dots, strict=True))
    ]
    return _graph(ties, points, named, width, height)


def _graph(ties: list[dict[str, Any]], points: list[dict[str, Any]], named: list[dict[str, Any]], width: int, height: int) -> str:
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, width], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, height], nice=False))
    rules = (
        alt.Chart(alt.InlineData(values=ties))
        .mark_rule(color=PALETTE["for"], opacity=0.22, aria=False)
        .encode(x=x, y=y, x2="x2:Q", y2="y2:Q", strokeWidth=alt.StrokeWidth("w:Q", scale=None, legend=None))
    )
    dots = (
        alt.Chart(alt.InlineData(values=points))
        .mark_circle(size=34, color=PALETTE["total"], opacity=0.9)
        .encode(x=x, y=y, description="said:N")
    )
    ring = alt.Chart(alt.InlineData(values=named))
    circles = ring.mark_circle(color=PALETTE["against"], opacity=0.95).encode(
        x=x,
        y=y,
        description="said:N",
        size=alt.Size("accounts:Q", legend=None, scale=alt.Scale(type="sqrt", range=[40, 300], domainMin=1)),
    )
    right = ring.transform_filter("datum.side == 'right'").mark_text(align="left", dx=13, fontSize=11, limit=220, aria=False)
    left = ring.transform_filter("datum.side == 'left'").mark_text(align="right", dx=-13, fontSize=11, limit=220, aria=False)
    labels = [side.encode(x=x, y=y, text="label:N") for side in (left, right)]
    return draw(alt.layer(rules, dots, circles, *labels).properties(width=width, height=height))


def _hub_said(hub: Hub) -> str:
    return f"{visible(hub.words, 200)}: {count(hub.accounts, 'account')}, median {hub.bits:.1f} bits"


def _around(found: list[Hub], campaign: Campaign) -> list[Hub]:
    """Hubs in an order in which neighbours share accounts: a chain, each time to the most similar one that is left."""
    of: dict[tuple[str, str], set[str]] = {(hub.channel, hub.value): set() for hub in found}
    for member in campaign.accounts:
        for one in member.observations:
            if (one.channel, one.value) in of:
                of[one.channel, one.value].add(member.account_id)
    left: list[Hub] = list(found)
    chain: list[Hub] = []
    while left:
        last = of[chain[-1].channel, chain[-1].value] if chain else set()
        likeness = [len(last & one) / (len(last | one) or 1) for one in (of[hub.channel, hub.value] for hub in left)]
        chain.append(left.pop(int(np.argmax(likeness))))
    return chain


def _rim(there: int, width: int, height: int) -> list[tuple[float, float]]:
    """Places on both sides, evenly spaced from top to bottom so that labels never touch; the middle bulges outwards."""
    right = (there + 1) // 2
    places = []
    for at in range(there):
        side, row, rows = (1, at, right) if at < right else (-1, there - 1 - at, there - right)
        y = height - (row + 0.5) * height / rows
        bulge = math.sqrt(max(1 - (2 * y / height - 1) ** 2, 0.0))
        places.append((round(width / 2 + side * (95 + 75 * bulge), 1), round(y, 1)))
    return places


def _pulled(
    weight: npt.NDArray[np.float64], rim: Sequence[tuple[float, float]], shares: Sequence[float], width: int, height: int
) -> npt.NDArray[np.float64]:
    """Each account at the mean of its hubs, weighted by bits and by how few share the hub, drawn in towards the middle."""
    pull = weight * (1.05 - np.array(shares))
    total = pull.sum(axis=1, keepdims=True)
    middle = np.array([width / 2, height / 2])
    mean = np.divide(pull @ np.array(rim), total, out=np.tile(middle, (weight.shape[0], 1)), where=total > 0)
    found: npt.NDArray[np.float64] = middle + (mean - middle) * np.array([0.62, 0.8])
    return found


def _apart(wanted: npt.NDArray[np.float64], step: float = 9.0) -> list[tuple[float, float]]:
    """Each dot on the free place of a triangular grid that is nearest to where it wants to be, so that none hides another."""
    taken: set[tuple[int, int]] = set()
    found = []
    for x, y in wanted.round(3).tolist():
        row, column = round(y / (step * 0.866)), round(x / step)
        near = (
            (
                round(math.hypot((column + right + 0.5 * ((row + up) % 2)) * step - x, (row + up) * step * 0.866 - y), 6),
                row + up,
                column + right,
            )
            for reach in (range(-_reach(len(taken)), _reach(len(taken)) + 1),)
            for up in reach
            for right in reach
        )
        _, row, column = min(one for one in near if one[1:] not in taken)
        taken.add((row, column))
        found.append((round((column + 0.5 * (row % 2)) * step, 1), round(row * step * 0.866, 1)))
    return found


def _reach(taken: int) -> int:
    """How far a free place can be at most when so many are taken."""
    return math.isqrt(taken) // 2 + 2


# ---- how likely


def likelihoods(hypotheses: Sequence[Hypothesis], width: int = 800) -> str:
    """Each hypothesis' range of likelihood on one scale from 0 to 100 %."""
    names = [visible(one.name, 40) for one in hypotheses]
    named = [name if names.count(name) == 1 else f"{name} ({at})" for at, name in enumerate(names, 1)]  # two bars never share a line
    rows = [
        {
            "label": name,
            "low": 100 * LIKELIHOOD_RANGES[one.likelihood][0],
            "high": 100 * LIKELIHOOD_RANGES[one.likelihood][1],
            "said": f"{name}: {one.likelihood.value}",
            "word": one.likelihood.value,
        }
        for name, one in zip(named, hypotheses, strict=True)
    ]
    labels = [str(row["label"]) for row in rows]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("label:N", sort=labels, title=None, axis=alt.Axis(labelLimit=300, minExtent=250))
    )
    scale = alt.Scale(domain=[0, 118], nice=False)
    bars = base.mark_bar(size=12).encode(
        x=alt.X("low:Q", scale=scale, title="likelihood, %", axis=alt.Axis(values=[0, 20, 45, 55, 80, 95], grid=True)),
        x2="high:Q",
        description="said:N",
    )
    words = base.mark_text(align="left", dx=5, aria=False).encode(x=alt.X("high:Q", scale=scale), text="word:N")
    return draw((bars + words).properties(width=width - 260, height=alt.Step(20)))
