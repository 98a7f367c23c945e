"""Where records end, whatever the layout."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.intake.splitting import csv_cut, split_stream

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab"\\{}[],\n é', max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('k"\\,]', max_size=3), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=3), VALUES, max_size=3)


def elements(data: bytes, step: int | None = None) -> list[object]:
    """Everything `split_stream` finds in `data`, given `step` bytes at a time."""
    found, rest, in_array = [], b"", False
    step = step or len(data)
    for start in range(0, len(data), step):
        split = split_stream(rest + data[start : start + step], in_array=in_array)
        assert not split.broken
        found += [json.loads(line) for line in split.lines.split(b"\n") if line]
        rest, in_array = split.rest, split.in_array
    assert not in_array
    assert not rest.strip()
    return found


@given(st.lists(OBJECTS, max_size=5), st.sampled_from([None, 1, 4]), st.integers(1, 40))
def test_an_array_comes_apart_into_its_elements_wherever_it_is_cut(values, indent, step):
    assert elements(json.dumps(values, indent=indent).encode(), step) == values


@given(st.lists(OBJECTS, min_size=1, max_size=5), st.sampled_from(["", "\n", " \n\n "]), st.sampled_from([None, 2]))
def test_objects_in_a_row_come_apart_even_without_a_newline_between_them(values, between, indent):
    assert elements(between.join(json.dumps(value, indent=indent) for value in values).encode()) == values


@given(st.lists(st.lists(OBJECTS, min_size=1, max_size=3), min_size=1, max_size=4), st.integers(1, 30))
def test_arrays_in_a_row_come_apart_into_their_elements(batches, step):
    data = "\n".join(json.dumps(batch) for batch in batches).encode()
    assert elements(data, step) == [value for batch in batches for value in batch]


@pytest.mark.parametrize("backslashes", range(6))
def test_a_quote_ends_a_text_only_after_an_even_run_of_backslashes(backslashes):
    text = "\\" * backslashes + '"},{"'
    assert elements(json.dumps([{"a": text}, {"b": 1}]).encode()) == [{"a": text}, {"b": 1}]


def test_a_bracket_that_closes_nothing_is_found_and_what_came_before_is_kept():
    split = split_stream(b'[{"a":1}]}{"b":2}', in_array=False)
    assert split.broken
    assert split.lines == b'{"a":1}'


def test_csv_is_not_cut_inside_quotes():
    whole = b'a,"two\nlines"\nb,"a ""quoted"" word"\n'
    assert csv_cut(whole + b'c,"open\n') == len(whole)
    assert csv_cut(b'"open\nfor long') == 0
