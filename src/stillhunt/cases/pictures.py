"""How charts are drawn as inline SVG: Vega-Altair specs, rendered here, so that nothing is drawn or fetched elsewhere.

A chart becomes one ``<svg>`` element. Tooltips are ``<title>`` elements, which need no
script. Colours are the few tokens of `PALETTE`; a page may restyle them by attribute (``svg [fill="#1f2933"]``), which
is how the report follows a reader's dark mode.
"""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ET
from typing import Any

import altair as alt
import vl_convert

PALETTE = {
    "ink": "#1f2933",  # text
    "muted": "#66727f",  # axis labels
    "grid": "#e4e7eb",  # rules and grid
    "for": "#2f6690",  # evidence for, and quantities
    "against": "#c08a3e",  # evidence against
    "total": "#16425b",  # sums
}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
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
