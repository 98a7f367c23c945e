"""The scanner takes what JSON's grammar takes, finds what is wanted in it, and gives up a line rather than misread it."""

from __future__ import annotations

import json

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.intake.framing import Block, is_utf8, padded
from stillhunt.intake.scanning import COUNT, IDENTIFIER, NUMBER, RAW, TEXT, UNSEEN, Each, One, Plan, scan
from stillhunt.intake.spans import Several, numbers, strings

PLAN = Plan(
    {
        "text": TEXT,
        "id": IDENTIFIER,
        "count": COUNT,
        "number": NUMBER,
        "any": RAW,
        "in": {"text": TEXT, "deep": {"text": TEXT}},
        "each": Each({"a": TEXT, "b": TEXT}),
        "one": One({"text": TEXT}),
    }
)


def scanned(*lines):
    return scan(padded(Block("x", "lines", b"\n".join(lines))), PLAN)


def texts(found, path):
    return strings(found.data, found.spans[:, PLAN.slots[path]]).to_pylist()


FLOATS = st.floats(-1e90, 1e90).filter(lambda number: number == 0 or abs(number) > 1e-90)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | FLOATS | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
NAMES = st.text("abcdeghilnotuwxy 0_.é", max_size=10).filter(lambda name: name not in PLAN.slots)
FILLING = st.dictionaries(NAMES, VALUES, max_size=6)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(FILLING, st.text(max_size=90), FILLING), min_size=1, max_size=5), st.booleans())
def test_whatever_else_a_line_holds_the_text_is_found(parts, spaced):
    separators = (" ,  ", "\t:\r") if spaced else (",", ":")
    lines = [
        json.dumps({**before, "text": text, **behind}, ensure_ascii=False, separators=separators).encode() for before, text, behind in parts
    ]
    found = scanned(*lines)
    assert found.good.all()
    assert texts(found, "text") == [text or None for _, text, _ in parts]


DAMAGE = [
    *(b"", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":"),
    *(b"1", b"-", b".", b"e", b"+", b"t", b"null", b"\x00", b"\x1f", b"\x7f"),
    b"\\u00",
]


@settings(max_examples=600, deadline=None)
@given(VALUES, st.data())
def test_a_line_that_breaks_the_grammar_is_given_up(value, data):
    line = bytearray(json.dumps({"surprise": value, "text": "kept"}).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(line)))
        line[at : at + data.draw(st.integers(0, 2))] = data.draw(st.sampled_from(DAMAGE))
    found = scanned(json.dumps({"surprise": value, "text": "kept"}).encode(), bytes(line), b'{"text": "after"}')
    assert found.good[0]
    assert found.good[-1]
    if found.good[1] and is_utf8(bytes(line)):
        assert texts(found, "text")[1] == (orjson.loads(bytes(line)).get("text") or None)


@pytest.mark.parametrize("name", ["text", "surprise"])
def test_blanks_differ_from_the_line_before(name):
    compact, spaced, wide = (f'{{"{name}":{blanks}"a"}}'.encode() for blanks in ("", " ", " \t "))
    assert scanned(compact, spaced, wide, compact, wide, spaced).good.all()


@pytest.mark.parametrize(
    "number", ["0", "-0", "10", "1.5", "-1.25e3", "1e-07", "1783418400.2519341", "123456789012345678", "0.00000000000000000001"]
)
def test_numbers_are_the_nearest_double(number):
    found = scanned(f'{{"number": {number}}}'.encode())
    assert numbers(found.data, found.spans[:, PLAN.slots["number"]]).tolist() == [float(number)]


@pytest.mark.parametrize(
    "number", ["01", "1.", ".5", "+1", "-", "1e", "1e+", "0x1", "NaN", "Infinity", "1_0", "1e999", "1234567890123456789"]
)
def test_what_is_no_number_or_too_long_is_given_up_wherever_it_stands(number):
    assert not scanned(f'{{"number": {number}}}'.encode()).good.any()
    assert not scanned(f'{{"surprise": [{number}]}}'.encode()).good.any()


@pytest.mark.parametrize(
    "line",
    [
        *(
            b'{"text": 1}',
            b'{"text": "a", "text": "b"}',
            b'{"te\\u0078t": "a"}',
            b'{"id": "\\u0041"}',
            b'{"id": " a"}',
            b'{"id": "\xc3\xa9"}',
        ),
        *(b'{"count": -1}', b'{"count": 1.0}', b'{"count": "1"}', b'{"in": []}', b'{"one": []}', b'{"one": [{}, {}]}', b'{"one": [1]}'),
        *(b'{"each": [{"a": "x"}]}', b'{"each": [{"a": "x", "b": null}]}', b'{"each": [{"a": "x", "b": "y", "c": 1}]}', b'{"each": ["x"]}'),
        *(b'{"surprise": "\\ud800"}', b'{"surprise": "\\udc00\\ud800"}', b"[" * 70 + b"]" * 70, b'{"s": ' + b"[" * 70 + b"]" * 70 + b"}"),
        *(
            b"",
            b"[]",
            b"null",
            b'{"text": "a"} {}',
            b'{"text": "a"',
            b'"text"',
            b'{"text": "a",}',
            b'{,"text": "a"}',
            b'{"in": {"text": "a",}}',
        ),
    ],
)
def test_what_is_not_as_wanted_gives_up_its_line_and_no_other(line):
    found = scanned(b'{"text": "before"}', line, b'{"text": "behind"}')
    assert found.good.tolist() == [True, False, True]


def test_lists_and_objects_are_looked_into():
    found = scanned(
        b'{"in": {"deep": {"text": "d"}, "text": "i"}, "each": [{"a": "1", "b": "2"}, {"b": "4", "a": "3"}], "one": [{"text": "o"}]}',
        b'{"in": {}, "each": [], "one": null}',
        b'{"each": [{"a": "5", "b": "6"}]}',
    )
    assert found.good.all()
    assert [texts(found, path) for path in ("in.deep.text", "in.text", "one.text")] == [
        ["d", None, None],
        ["i", None, None],
        ["o", None, None],
    ]
    assert found.ends.tolist() == [0, 2, 2, 3]
    assert strings(found.data, found.items[:, PLAN.each["each.a"]]).to_pylist() == ["1", "3", "5"]
    assert found.spans[:, PLAN.slots["in"], 2].tolist()[:2] == [0, 1]
    assert found.spans[2, PLAN.slots["in"], 0] == UNSEEN


def test_more_items_than_there_was_room_for_at_first():
    line = json.dumps({"each": [{"a": str(n), "b": "x" * (n % 50)} for n in range(5000)]}).encode()
    found = scanned(b'{"text": "a"}', line, line)
    assert found.ends.tolist() == [0, 0, 5000, 10000]
    assert strings(found.data, found.items[:, PLAN.each["each.a"]]).to_pylist() == [str(n) for n in range(5000)] * 2


def test_values_that_come_again_are_read_once_and_bad_ones_fail_alone():
    asked = []

    def read(values):
        asked.append(values)
        return None if values[0] == "bad" else (1 // values[0], values[1])

    several = Several(read, pa.int64(), pa.string())
    for _ in range(2):
        found = scanned(*(f'{{"any": {value}, "text": "t"}}'.encode() for value in ("1", '"bad"', "0", "1", "null")))
        spans = np.stack([found.spans[:, PLAN.slots["any"]], found.spans[:, PLAN.slots["id"]]], axis=1)
        (quotients, others), sound = several.columns(found.data, spans)
        assert quotients.to_pylist() == [1, None, None, 1, None]
        assert others.null_count == 5
        assert sound.tolist() == [True, False, False, True, False]
    assert len(asked) == 4
