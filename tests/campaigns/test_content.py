"""The content test: silent on random parts of a population, and found is a list of prompts among people's."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from drawn import call, digest

from stillhunt.campaigns import content
from stillhunt.campaigns.habit_words import habit_words
from stillhunt.intake.shape import shapes
from stillhunt.records import SHAPE_FIELDS

TOPICS = (
    "my router",
    "a sourdough bread",
    "the tax form",
    "old photos",
    "the garden fence",
    "a noisy fan",
    "git branches",
    "train tickets",
)


def person(rng):
    """One message as people write them: no two alike in form."""
    start = rng.choice(
        ["how do i fix", "What about", "can you help me with", "Tell me about", "i need", "Why is", "please explain", "thoughts on"]
    )
    text = f"{start} {rng.choice(TOPICS)}"
    for _ in range(rng.integers(0, 4)):
        text += rng.choice(
            [", and my " + rng.choice(TOPICS), ". it broke again", "\nI tried twice", " (see below)", "! Thanks", " 2 or 3 times"]
        )
    return text + rng.choice(["", "?", ".", "...", " thx"])


def asked(rng):
    """One prompt of a program's list."""
    return f"Generate a {rng.choice(['short', 'formal', 'detailed'])} description of {rng.choice(TOPICS)} for a general audience."


def calls(texts, *, unit=None, first=0, **structure):
    shape = shapes(pa.array([f"\x1eu{text}" for text in texts], pa.large_string())).to_numpy(zero_copy_only=False)
    return content.read(shape, first + np.arange(len(texts)) if unit is None else unit, **structure)


@pytest.fixture(scope="module")
def population():
    rng = np.random.default_rng(1)
    return calls([person(rng) for _ in range(4000)])


def mixed(rng, people, prompts, **structure):
    return calls([person(rng) for _ in range(people)] + [asked(rng) for _ in range(prompts)], first=10_000, **structure)


def test_a_tenth_of_listed_prompts_among_people_is_found(population):
    rng = np.random.default_rng(2)
    found = content.compare(mixed(rng, 180, 20), population, draws=199)
    assert found.p == 1 / 200
    assert found.log10_evidence == pytest.approx(np.log10(0.5 / np.sqrt(1 / 200)))
    assert found.units == found.calls == 200
    assert all(habit.votes > 3 * habit.expected for habit in found.habits)
    assert found.habits


def test_people_are_as_ordinary_as_chance_has_it(population):
    rng = np.random.default_rng(3)
    p = [content.compare(mixed(rng, 100, 0), population, draws=99, enough=100, seed=seed).p for seed in range(60)]
    assert min(p) >= 1 / 100
    # Uniform under the null: Binomial(60, 0.05) exceeds 8 once in 300, Binomial(60, 0.5) falls below 18 once in 1,000.
    assert sum(value <= 0.05 for value in p) <= 8
    assert sum(value > 0.5 for value in p) >= 18


def test_stopping_early_gives_the_same_answer_about_the_ordinary(population):
    rng = np.random.default_rng(4)
    window = mixed(rng, 100, 0)
    whole, stopped = (content.compare(window, population, draws=199, enough=enough).p for enough in (200, 10))
    assert stopped == pytest.approx(whole, abs=0.3)
    assert min(whole, stopped) > 0.01


def test_who_writes_chinese_is_compared_with_those_who_do():
    rng = np.random.default_rng(5)

    def chinese():
        text = "".join(rng.choice(list("我想知道怎么做请问这个那里可以吗的了在家学习写信"), size=rng.integers(4, 20)))
        return text + rng.choice(["", "？", "。", "吗"])

    english = [person(rng) for _ in range(2000)]
    population = calls(english + [chinese() for _ in range(300)])
    window = calls([chinese() for _ in range(60)], first=10_000)
    assert content.compare(window, population, draws=99, enough=5).p > 0.02
    some = content.compare(window, calls(english + [chinese() for _ in range(20)]), draws=99, enough=5)
    assert (some.units, some.p > 0.02) == (20, True)
    nobody = content.compare(window, calls(english), draws=99)
    assert (nobody.p, nobody.units, nobody.habits) == (1.0, 0, ())


def test_structure_finds_what_texts_hide(population):
    rng = np.random.default_rng(6)
    texts = [person(rng) for _ in range(2000)]
    turns, answers = rng.choice([1, 3, 5, 9, 17], 2000), rng.lognormal(5, 1, 2000)
    population = calls(texts, messages=turns, answer=answers)
    window = {
        "messages": np.concatenate([rng.choice([1, 3, 5, 9, 17], 160), np.ones(40)]),
        "answer": np.concatenate([rng.lognormal(5, 1, 160), rng.uniform(1100, 1900, 40)]),
    }
    hidden = mixed(rng, 200, 0, **window)
    assert content.compare(hidden, population, draws=199).p == 1 / 200


def test_one_unit_with_many_calls_has_one_vote():
    rng = np.random.default_rng(7)
    population = calls([person(rng) for _ in range(2000)])
    loud = calls([person(rng) for _ in range(60)] + [asked(rng)] * 200, unit=np.r_[np.arange(60), np.full(200, 60)] + 10_000)
    assert loud.units == 61
    assert content.compare(loud, population, draws=99, enough=5).p > 0.02


def test_what_the_logs_do_not_say_is_no_evidence(population):
    rng = np.random.default_rng(8)
    texts = [person(rng) for _ in range(2000)]
    population = calls(texts, messages=np.ones(2000), answer=rng.lognormal(5, 1, 2000))
    silent = mixed(rng, 150, 0, messages=np.full(150, np.nan), answer=np.full(150, -1))
    assert content.compare(silent, population, draws=99, enough=5).p > 0.02


def test_a_scan_can_be_repeated(population):
    rng = np.random.default_rng(9)
    window = mixed(rng, 90, 10)
    assert content.compare(window, population, seed=4, draws=99) == content.compare(window, population, seed=4, draws=99)


def test_calls_without_a_shape_are_left_out():
    read = content.read([5, -1, np.nan, 7], [1, 1, 2, 1])
    assert (read.units, len(read.script)) == (1, 2)


def digest_of(texts_of):
    """The digest of accounts that send these texts, one an hour."""
    rows = []
    for account, texts in texts_of.items():
        shape = shapes(pa.array([f"\x1eu{text}" for text in texts], pa.large_string())).to_pylist()
        rows += [
            call(account, hour, prompt_hash=hash_of(account, hour), prompt_shape=one, message_count=1, output_tokens=500)
            for hour, one in enumerate(shape)
        ]
    return digest(rows)


def hash_of(account, hour):
    return int(np.random.default_rng([ord(account[0]), int(account[1:]), hour]).integers(2**62))


def test_a_pools_list_is_seen_in_the_digest_and_ordinary_accounts_are_ordinary():
    rng = np.random.default_rng(11)
    pool = {f"p{number:02d}": [asked(rng) for _ in range(10)] for number in range(30)}
    people = {f"q{number:03d}": [person(rng) for _ in range(int(rng.integers(5, 40)))] for number in range(400)}
    of = digest_of(pool | people)
    members = np.array([place for place, name in enumerate(of.accounts) if name in pool])
    found = content.ask(of, members)
    assert found.p == 1 / (content.SCAN_DRAWS + 1)
    assert (found.units, found.calls) == (30, 300)
    assert found.habits
    some = np.sort(rng.choice(np.setdiff1d(np.arange(430), members), 30, replace=False))
    ordinary = content.ask(of, some)
    assert ordinary.p > 0.02
    assert ordinary.units == 30
    assert content.ask(of, some) == ordinary, "asked again, it says the same"


def test_of_an_account_with_many_calls_a_bounded_sample_is_looked_at():
    rng = np.random.default_rng(12)
    of = digest_of({"p00": [asked(rng) for _ in range(900)], **{f"q{number:03d}": [person(rng)] for number in range(50)}})
    assert content.ask(of, np.array([0])).calls == content.CALLS_EACH


def test_habits_are_said_in_words(population):
    rng = np.random.default_rng(10)
    found = content.compare(mixed(rng, 0, 100), population, draws=19)
    said = "; ".join(habit.words for habit in found.habits)
    assert "ends with a stop" in said or "same first" in said
    assert "_" not in said


def test_every_value_that_a_field_can_take_has_words():
    words = {(field.name, value): habit_words(field.name, value) for field in SHAPE_FIELDS for value in range(1 << field.bits)}
    assert all(words.values())
    assert habit_words("length", 6) == "96 to 127 bytes"
    assert habit_words("answer", 12) == "very long answers"
    assert habit_words("first_person", 0) == "no words of the first person"
    assert habit_words("tight", 0) == "no comma or stop without a space behind it"
    assert habit_words("turn", 0) == "stands alone"
