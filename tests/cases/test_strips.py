import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.cases import strips


def path(svg: str) -> str:
    return ET.fromstring(svg).find("path").get("d")


def heights(svg: str) -> list[float]:
    return [float(bar.split("v-")[1].split("h")[0]) for bar in path(svg).split("M")[1:]]


def test_bars_are_as_high_as_their_share_of_what_fills_the_picture():
    assert heights(strips.bars([5, 10, 20], 20, "", "spark")) == [5.0, 10.0, 20.0]


def test_nothing_is_not_drawn_and_little_is():
    drawn = heights(strips.bars([0, 1, 0, 100_000], 100_000, "", "spark"))
    assert len(drawn) == 2
    assert drawn[0] > 0.5


@pytest.mark.parametrize("values", [[], [0], [0, 0]])
def test_pictures_of_nothing_are_still_pictures(values):
    assert path(strips.bars(values, 0, "no calls", "spark")) == ""


@given(st.text(min_size=1))
def test_what_is_said_is_text(words):
    clean = "".join(c for c in words if c.isprintable())
    root = ET.fromstring(strips.bars([1], 1, clean, "spark"))
    assert root.get("aria-label") == clean
    assert (root.find("title").text or "") == clean
    assert [element.tag for element in root.iter()] == ["svg", "title", "path"]


@pytest.mark.parametrize(("begin", "end"), [(0.0, 1.0), (0.5, 0.5), (1.0, 1.0), (-3.0, 7.0)])
def test_a_span_is_seen_however_short_and_stays_inside(begin, end):
    drawn = path(strips.span(begin, end, "", "spark"))
    left, right = float(drawn[1:].split(" ")[0]), float(drawn.split("H")[1].split("v")[0])
    assert 0 <= left < right <= 100
