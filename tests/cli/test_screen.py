import pytest

from stillhunt.cli.screen import _segment
from stillhunt.cli.screen_parts import BAR_WIDTH, bar


@pytest.mark.parametrize(("value", "cells"), [(0.0, 0), (6.0, BAR_WIDTH // 2), (12.0, BAR_WIDTH), (400.0, BAR_WIDTH), (-12.0, BAR_WIDTH)])
def test_a_bar_is_as_long_as_the_evidence_and_never_longer_than_its_column(value, cells):
    drawn = bar(value).plain
    assert drawn.count("█") == cells
    assert len(drawn) == BAR_WIDTH


def test_evidence_that_is_no_number_has_no_bar():
    assert "█" not in bar(float("nan")).plain


def test_segments_of_a_waterfall_stay_in_their_column():
    for start, end in ((0.0, 10.0), (10.0, 9.9), (9.9, 10.0), (10.0, 10.0), (10.0, 0.0)):
        drawn = _segment(start, end, 0.0, 10.0).plain
        assert drawn.count("█") >= 1
        assert len(drawn) <= BAR_WIDTH
    assert _segment(0.0, 0.0, 0.0, 0.0).plain.strip() == "█"
