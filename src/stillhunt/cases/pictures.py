"""Pictures of findings as inline SVG: Vega-Altair specs, rendered here, so that nothing is drawn or fetched elsewhere.

Every picture is a pure function from records to one ``<svg>`` element. Tooltips are ``<title>`` elements, which need no
script. Colours are the few tokens of `PALETTE`; a page may restyle them by attribute (``svg [fill="#1f2933"]``), which
is how the report follows a reader's dark mode.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

import altair as alt
import vl_convert

from stillhunt.cases import wording
from stillhunt.cases.wording import Axis, Reason, visible
from stillhunt.records import Campaign, Member, Visibility

PALETTE = {
    "ink": "#1f2933",  # text
    "muted": "#66727f",  # axis labels
    "grid": "#e4e7eb",  # rules and grid
    "for": "#2f6690",  # evidence for, and quantities
    "against": "#c08a3e",  # evidence against
    "total": "#16425b",  # sums
}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
MOST_PARTS = 9
"""Bars in one waterfall; the smallest beyond it are drawn as one."""
MOST_POOLS = 1_500
"""Circles in one picture: more cannot be told apart, and each costs some 300 bytes."""
MOST_DAYS = 400
LABEL = 44
"""Characters of a label; the whole text is in the tooltip."""

_SVG = "http://www.w3.org/2000/svg"
_DESCRIBED = re.compile(r"(axis|legend|title|container|frame)")
CONFIG: dict[str, Any] = {
    "background": None,
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": PALETTE["muted"],
        "titleColor": PALETTE["muted"],
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "gridColor": PALETTE["grid"],
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
        "labelLimit": 300,
    },
    "axisY": {"grid": False, "labelColor": PALETTE["ink"], "labelFontSize": 12},
    "bar": {"color": PALETTE["for"]},
    "text": {"color": PALETTE["ink"], "fontSize": 11},
}
"""How all pictures look."""


def calls_by_day(campaign: Campaign, width: int = 800) -> str:
    """A campaign's calls per day (UTC), days without calls included: a work queue shows as a plateau."""
    days = _days(campaign.calls_by_day)
    values = [{"day": day, "calls": n, "said": f"{day}: {wording.count(n, 'call')}"} for day, n in days]
    labelled = [day for day, _ in days][:: math.ceil(len(days) / 14) or 1]
    band = alt.Scale(paddingInner=0.12 if len(days) <= 120 else 0, paddingOuter=0)
    chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar()
        .encode(
            x=alt.X(
                "day:O",
                title=None,
                scale=band,
                axis=alt.Axis(
                    values=labelled, labelExpr="utcFormat(toDate(datum.value), '%-d %b')", labelAngle=0, grid=False, labelOverlap=False
                ),
            ),
            y=alt.Y("calls:Q", title=None, axis=alt.Axis(tickCount=4, tickMinStep=1, format="~s", grid=True)),
            description="said:N",
        )
        .properties(width=width, height=130)
    )
    return draw(chart)


def waterfall(axis: Axis, width: int = 400) -> str:
    """How one axis' evidence adds up, in powers of ten, part by part down to the whole (after Splink's waterfall chart)."""
    whole = _finite(axis.evidence.log10_evidence)
    parts = _largest(axis.evidence.parts)
    ends = list(accumulate((value for _, value in parts), initial=0.0))
    rows: list[dict[str, Any]] = [
        {"label": name, "start": start, "end": end, "kind": "for" if value >= 0 else "against", "shown": wording.log10(value)}
        for (name, value), start, end in zip(parts, ends, ends[1:], strict=False)
    ]
    rows.append({"label": "together", "start": 0.0, "end": whole, "kind": "total", "shown": wording.log10(axis.evidence.log10_evidence)})
    for row in rows:
        row["said"] = f"{row['label']}: {row['shown']} powers of ten"
        row["right"] = max(float(row["start"]), float(row["end"]))
    low, high = min([0.0, *ends, whole]), max([0.0, *ends, whole])
    room = (high - low or 1.0) * 0.18  # for the number beside the longest bar
    labels = [str(row["label"]) for row in rows]
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=alt.Y("label:N", sort=labels, title=None, axis=_labels(labels)))
    scale = alt.Scale(domain=[low, high + room], nice=False)
    bars = base.mark_bar(size=14).encode(
        x=alt.X("start:Q", scale=scale, title="log10 evidence", axis=alt.Axis(tickCount=4, grid=True)),
        x2="end:Q",
        color=alt.Color(
            "kind:N",
            legend=None,
            scale=alt.Scale(domain=["for", "against", "total"], range=[PALETTE[k] for k in ("for", "against", "total")]),
        ),
        description="said:N",
    )
    numbers = base.mark_text(align="left", dx=5, aria=False).encode(x=alt.X("right:Q", scale=scale), text="shown:N")
    zero = alt.Chart(alt.InlineData(values=[{"x": 0}])).mark_rule(color=PALETTE["muted"], strokeWidth=1, aria=False).encode(x="x:Q")
    return draw((bars + zero + numbers).properties(width=_plot(width, labels), height=alt.Step(22)))


_BINS = (
    (0.999, "above 99.9 %"),
    (0.99, "99 to 99.9 %"),
    (0.95, "95 to 99 %"),
    (0.9, "90 to 95 %"),
    (0.5, "50 to 90 %"),
    (-1.0, "below 50 %"),
)


def memberships(members: Iterable[Member], width: int = 400) -> str:
    """How sure it is, over a campaign's accounts, that each belongs to it."""
    counts = dict.fromkeys((label for _, label in _BINS), 0)
    for member in members:
        counts[next(label for least, label in _BINS if member.membership > least or least < 0)] += 1
    rows = [
        {"label": label, "value": n, "shown": f"{n:,}", "said": f"{label}: {wording.count(n, 'account')}"} for label, n in counts.items()
    ]
    return _horizontal(rows, width, "accounts by probability of belonging")


def sight(visibility: Sequence[Visibility], accounts: int, width: int = 640) -> str:
    """For each channel, the share of accounts that it could see, in percent; a channel that saw nothing has no bar."""
    rows = []
    for channel in [*wording.seeing(visibility), *wording.blind(visibility)]:
        share = min(100 * channel.accounts / accounts, 100.0) if accounts and channel.visible else 0.0
        shown = f"{share:.0f} %" if channel.visible else "not visible"
        said = (
            f"{visible(channel.channel)}: {wording.count(channel.accounts, 'account')}"
            if channel.visible
            else f"{visible(channel.channel)}: not visible"
        )
        rows.append({"label": visible(channel.channel, LABEL), "value": share, "shown": shown, "said": said})
    return _horizontal(rows, width, "share of accounts that the channel could see, %", most=100.0)


def pools_by_reason(reasons: Sequence[Reason], width: int = 800) -> str:
    """Pools that are not campaigns: one circle a pool, by accounts (logarithmic) and by the reason that cleared it."""
    pools = sorted(((reason, pool) for reason in reasons for pool in reason.pools), key=lambda pair: -len(pair[1].accounts))[:MOST_POOLS]
    rows: list[dict[str, Any]] = [
        {
            "label": _cut(reason.why),
            "accounts": max(len(pool.accounts), 1),
            "said": f"{visible(pool.pool_id)}: {wording.count(len(pool.accounts), 'account')}; {visible(reason.why, 300)}",
        }
        for reason, pool in pools
    ]
    order = list(dict.fromkeys(_cut(reason.why) for reason in reasons))
    largest = max((row["accounts"] for row in rows), default=1)
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_circle(opacity=0.5, color=PALETTE["for"])
        .encode(
            x=alt.X(
                "accounts:Q",
                title="accounts in the pool",
                scale=alt.Scale(type="log", domain=[1, max(int(largest) * 1.5, 10)], nice=False),
                axis=alt.Axis(values=[1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000], format="~s", grid=True),
            ),
            y=alt.Y("label:N", sort=order, title=None, axis=_labels(order)),
            size=alt.Size("accounts:Q", legend=None, scale=alt.Scale(type="sqrt", domain=[1, max(int(largest), 2)], range=[25, 330])),
            description="said:N",
        )
        .properties(width=_plot(width, order), height=alt.Step(26))
    )
    return draw(chart)


def _horizontal(rows: list[dict[str, Any]], width: int, title: str, most: float | None = None) -> str:
    labels = [str(row["label"]) for row in rows]
    largest = most or max((float(row["value"]) for row in rows), default=1.0) or 1.0
    scale = alt.Scale(domain=[0, largest * 1.18], nice=False)
    ticks = [0, 25, 50, 75, 100] if most == 100.0 else alt.Undefined
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("label:N", sort=labels, title=None, axis=_labels(labels)),
        x=alt.X("value:Q", scale=scale, title=title, axis=alt.Axis(tickCount=4, tickMinStep=1, values=ticks, format="~s", grid=True)),
    )
    bars = base.mark_bar(size=14).encode(description="said:N")
    numbers = base.mark_text(align="left", dx=5, aria=False).encode(text="shown:N")
    return draw((bars + numbers).properties(width=_plot(width, labels), height=alt.Step(22)))


def _cut(reason: str) -> str:
    """A reason's beginning: its end is in the table below and in the tooltip."""
    said = visible(reason, 400)
    return said if len(said) <= LABEL else f"{said[: LABEL - 1].rstrip(' ,;:')}…"


def _labels(labels: Sequence[str]) -> alt.Axis:
    """A label column wide enough in any font: the reader's is not known here, and a wider one would be clipped."""
    return alt.Axis(labelLimit=400, minExtent=_extent(labels))


def _extent(labels: Sequence[str]) -> int:
    longest = max((sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in label) for label in labels), default=0)
    return round(7.1 * longest) + 8


def _plot(width: int, labels: Sequence[str]) -> int:
    """What is left of `width` pixels beside the labels, so that pictures beside one another have one scale of type."""
    return max(width - _extent(labels), 140)


def _largest(parts: dict[str, float]) -> list[tuple[str, float]]:
    ordered = sorted(((visible(name, 28), _finite(value)) for name, value in parts.items()), key=lambda part: -abs(part[1]))
    shown, rest = ordered[:MOST_PARTS], ordered[MOST_PARTS:]
    if rest:
        shown.append((f"{len(rest)} others", sum(value for _, value in rest)))
    return sorted(shown, key=lambda part: -part[1])


def _finite(value: float) -> float:
    """Pictures need finite numbers; the label still says what the number was."""
    return 0.0 if math.isnan(value) else max(min(value, 1e6), -1e6)


def _days(by_day: dict[str, int]) -> list[tuple[str, int]]:
    known: dict[date, int] = {}
    for day, n in by_day.items():
        try:
            known[date.fromisoformat(day[:10])] = n
        except ValueError:
            continue
    if not known:
        return []
    first, last = min(known), max(known)
    if (last - first).days > MOST_DAYS:
        return [(str(day), known[day]) for day in sorted(known)]
    return [(str(first + timedelta(n)), known.get(first + timedelta(n), 0)) for n in range((last - first).days + 1)]


def draw(chart: alt.Chart | alt.LayerChart | alt.FacetChart) -> str:
    """A chart as one ``<svg>`` element in the manner of all pictures. The same chart gives the same bytes."""
    spec = chart.to_dict(validate=False)
    spec["config"] = CONFIG
    return _titled(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))


def _titled(svg: str) -> str:
    """`svg` with each mark's description as its tooltip, and identifiers that stay unique beside other pictures.

    They are made of what the picture shows and not counted: a renderer's counters would give the same findings other bytes each time.
    """
    ET.register_namespace("", _SVG)
    root = ET.fromstring(svg)  # noqa: S314  # written a moment ago by vl-convert, not by a stranger
    names = {name: f"{at}" for at, name in enumerate(dict.fromkeys(e.get("id", "") for e in root.iter() if e.get("id")))}
    shown = re.sub(r'(id="|url\(#)[^")]*', r"\1", svg)
    serial = hashlib.sha256(shown.encode()).hexdigest()[:8]
    for element in root.iter():
        for name in ("id", "clip-path", "fill"):
            value = element.get(name, "")
            if name == "id" and value:
                element.set(name, f"p{serial}-{names[value]}")
            elif value.startswith("url(#"):
                element.set(name, f"url(#p{serial}-{names.get(value[5:-1], '')})")
        said = element.get("aria-label")
        if said is None:
            continue
        if _DESCRIBED.search(element.get("aria-roledescription", "")):
            del element.attrib["aria-label"]
            continue
        title = ET.Element(f"{{{_SVG}}}title")
        title.text = said
        element.insert(0, title)
    root.set("role", "img")
    return ET.tostring(root, encoding="unicode")
