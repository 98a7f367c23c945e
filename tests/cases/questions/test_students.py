"""The student's size is arithmetic that a reader can redo."""

from stillhunt.cases.questions.students import parameters, students


def test_the_arithmetic_is_the_stated_one():
    assert parameters(20e9) == 1e9
    assert parameters(20e9, epochs=4) == 4e9


def test_every_rule_says_what_it_needs_and_where_that_is_written():
    rows = students(52_000, 40_000_000, 10_000_000)
    assert {row["rule"]: row["times"] for row in rows} == {
        "alignment by few, chosen examples": 52.0,
        "following instructions": 1.0,
        "distilling reasoning": 0.065,
        "training from nothing": None,
    }
    assert all(row["reference"] for row in rows)
    assert "2,000,000 parameters from the answers read once, 10,000,000 with the reasoning" in rows[-1]["reference"]
