"""The ladder as two pictures: SVG files that follow their reader's light or dark mode by themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import altair as alt
import vl_convert

from stillhunt.cases.pictures import CONFIG, PALETTE
from stillhunt.range.ladder.steps import Bar
from stillhunt.range.ladder.sums import Sum

MISSED = "#bf4b43"
STEPS = ("#8a96a3", "#62b5e8", "#3f6fd1", "#2f9c8f", "#86a93c", "#b3a06b", "#c9a227", "#d9772f", "#b5527e", "#8266b5")
"""One colour a step, told apart on light and on dark ground."""
DARK = {PALETTE["ink"]: "#e6ebf0", PALETTE["muted"]: "#9aa7b4", PALETTE["grid"]: "#333c46", PALETTE["for"]: "#6cb0e0"}
"""What takes the place of which colour in dark mode."""

_CONFIG = CONFIG | {
    "legend": {"labelColor": PALETTE["ink"], "labelFontSize": 12, "titleColor": PALETTE["muted"], "titleFontWeight": "normal"},
}


def recall(sums: Sequence[Sum], bars: dict[str, Bar | None], width: int = 560) -> str:
    """Account recall by step: the counted share, its exact 95 % interval, and the bar where there is one."""
    rows: list[dict[str, Any]] = []
    for one in sums:
        bar = bars.get(one.step)
        value = 100 * (one.recall.value or 0.0)
        rows.append(
            {
                "step": one.step,
                "value": value,
                "low": 100 * one.recall.low,
                "high": 100 * one.recall.high,
                "bar": 100 * bar.recall if bar else None,
                "kind": "no bar" if bar is None else "missed" if value < 100 * bar.recall else "met",
                "shown": f"{value:.4g} %",
                "said": f"{one.step}: {one.recall.hits:,} of {one.recall.total:,} hidden accounts named",
            }
        )
    order = [row["step"] for row in rows]
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=alt.Y("step:N", sort=order, title=None))
    scale = alt.Scale(domain=[0, 100], nice=False)
    colour = alt.Color(
        "kind:N", legend=None, scale=alt.Scale(domain=["met", "missed", "no bar"], range=[PALETTE["for"], MISSED, PALETTE["muted"]])
    )
    x = alt.X("value:Q", scale=scale, title="hidden accounts named, %", axis=alt.Axis(values=[0, 20, 40, 60, 80, 100], grid=True))
    span = base.mark_rule(strokeWidth=2, aria=False).encode(x=alt.X("low:Q", scale=scale), x2="high:Q", color=colour)
    goal = base.mark_tick(thickness=3, size=20, color=PALETTE["against"], aria=False).encode(x=alt.X("bar:Q", scale=scale))
    points = base.mark_point(filled=True, size=85, opacity=1).encode(x=x, color=colour, description="said:N")
    numbers = base.mark_text(align="left", aria=False).encode(x=alt.value(width + 14), text="shown:N")
    return _svg((goal + span + points + numbers).properties(width=width, height=alt.Step(28)))


def calls(sums: Sequence[Sum], width: int = 560) -> str:
    """Share of hidden accounts named against the calls that they had made by then on average, a line for each step."""
    rows = [
        {
            "step": one.step,
            "calls": mean,
            "named": 100 * share,
            "said": f"{one.step}: {100 * share:.1f} % named after {mean:,.0f} calls each",
        }
        for one in sums
        for mean, share in one.climb
    ]
    order = [one.step for one in sums]
    most = max([400.0, *(mean for one in sums for mean, _ in one.climb)])
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X(
            "calls:Q",
            scale=alt.Scale(type="log", domain=[2, most], nice=False),
            title="calls per hidden account, on average",
            axis=alt.Axis(values=[2, 4, 6, 12, 25, 50, 120, 250, 500, 1000], format="~s", grid=True),
        ),
        y=alt.Y(
            "named:Q",
            scale=alt.Scale(domain=[0, 100], nice=False),
            title="hidden accounts named by then, %",
            axis=alt.Axis(values=[0, 25, 50, 75, 100], grid=True),
        ),
        color=alt.Color(
            "step:N",
            sort=order,
            scale=alt.Scale(domain=order, range=[STEPS[at % len(STEPS)] for at in range(len(order))]),
            legend=alt.Legend(title=None, symbolType="stroke", symbolStrokeWidth=3, rowPadding=5),
        ),
    )
    # a scan names at its moment and nothing in between is known: the line holds until the next one
    lines = base.mark_line(interpolate="step-after", strokeWidth=2.2, clip=True, aria=False)
    points = base.mark_point(filled=True, size=36, opacity=1).encode(description="said:N")
    return _svg((lines + points).properties(width=width, height=280))


def _svg(chart: alt.LayerChart) -> str:
    spec = chart.to_dict(validate=False)
    spec["config"] = _CONFIG
    drawn = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    rules = "".join(f'[fill="{light}"]{{fill:{dark}}}[stroke="{light}"]{{stroke:{dark}}}' for light, dark in DARK.items())
    return re.sub(r"(<svg\b[^>]*>)", rf"\1<style>@media (prefers-color-scheme:dark){{{rules}}}</style>", drawn, count=1) + "\n"
