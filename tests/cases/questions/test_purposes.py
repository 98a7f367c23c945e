"""A purpose is told from an instruction that recurs, not from a phrase that occurs."""

import numpy as np
import pyarrow as pa

from stillhunt.cases.questions.purposes import PURPOSES, asked
from stillhunt.cases.questions.taken import COLUMNS, holding, taken_of
from stillhunt.records import INTERACTIONS

GRADE, CHAT = 11, 12
PHRASES = {GRADE: "grade the answer from", CHAT: "tell me about the"}


def pool(grams):
    """Calls of two accounts, alternating, with these grams."""
    size = len(grams)
    columns = {name: pa.nulls(size, INTERACTIONS.field(name).type) for name in COLUMNS}
    columns["started_at"] = pa.array(range(size), pa.int64()).cast(INTERACTIONS.field("started_at").type)
    columns["account_id"] = pa.array([f"a{at % 2}" for at in range(size)])
    columns["prompt_hash"] = pa.array(range(1, size + 1), pa.int64())
    return taken_of(pa.table(columns)), pa.chunked_array([pa.array(grams, pa.list_(pa.int32()))])


def grading(grams):
    taken, sketches = pool(grams)
    return next(one for one in asked(taken, sketches, PHRASES) if one.purpose.name == "autograding")


def test_a_recurring_instruction_is_counted_in_every_call_that_carries_it():
    found = grading([[GRADE, CHAT] if at % 4 == 0 else [CHAT] for at in range(400)])
    assert found.calls == 100
    assert found.phrases == ("grade the answer from",)


def test_a_phrase_that_merely_occurs_is_not_an_instruction():
    assert grading([[GRADE] if at in {3, 50} else [CHAT] for at in range(400)]).calls == 0


def test_without_sketches_purposes_are_not_visible():
    taken, _ = pool([[CHAT]] * 30)
    empty = pa.chunked_array([pa.nulls(30, pa.list_(pa.int32()))])
    assert {one.calls for one in asked(taken, empty, PHRASES)} == {None}


def test_grams_are_found_across_chunks_empty_lists_and_nulls():
    sketches = pa.chunked_array([pa.array([[5], None, [], [7, 9]], pa.list_(pa.int32())), pa.array([[9]], pa.list_(pa.int32())).slice(0)])
    calls, places = holding(sketches, np.array([5, 9]))
    assert list(zip(calls.tolist(), places.tolist(), strict=True)) == [(0, 0), (3, 1), (4, 1)]


def test_each_purpose_knows_its_words_in_more_than_one_language():
    shown = {
        "reasoning exfiltration": ["explain your reasoning fully", "逐步写出推理过程"],
        "reasoning critique": ["find the error in", "请指出错误所在"],
        "autograding": ["score each answer from", "按评分标准打分"],
        "task generation": ["write # new questions", "根据主题生成问题"],
    }
    for purpose in PURPOSES:
        assert all(purpose.words.search(words) for words in shown[purpose.name]), purpose.name
        assert not purpose.words.search("what is the weather")
