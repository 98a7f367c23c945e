import pytest
from rich.console import Console

from cases.worked_example import nothing_found
from stillhunt.cli.screen import _segment, show_findings
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


def test_what_could_not_be_read_is_said_first():
    console = Console(record=True, width=400)
    scanned = nothing_found().scanned.model_copy(update={"refused": 10**6, "reasons": {"no \x1b[2Jtime": 10**6}})
    show_findings(console, nothing_found().model_copy(update={"scanned": scanned}))
    said = console.export_text()
    assert said.startswith("1,000,000 of 1,412,903 records (70.8\u00a0%) could not be read: no <U+001B>[2Jtime (1,000,000).")
    assert "No campaign stands out" not in said
