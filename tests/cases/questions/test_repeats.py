"""A benchmark is told apart from a list that is worked off once, and from a list that tasks are drawn from at random."""

import numpy as np
import pytest

from stillhunt.cases.questions.repeats import apart, requests_of, shorter

HOUR = 3_600_000_000


def asked(prompts, micros=None, accounts=None, output=None, answers=None):
    size = len(prompts)
    return requests_of(
        np.array(prompts, np.int64),
        np.zeros(size, np.int64) if accounts is None else np.array(accounts, np.int64),
        np.arange(size, dtype=np.int64) if micros is None else np.array(micros, np.int64),
        np.full(size, np.nan) if output is None else np.array(output, float),
        np.zeros(size, np.int64) if answers is None else np.array(answers, np.int64),
    )


def test_calls_are_put_together_by_request():
    found = asked([7, 5, 7, 7, 5], [0, 1, 2, 2 * HOUR, 4], [0, 0, 1, 1, 0], [10, np.nan, 30, 20, np.nan], [1, 0, 1, 2, 0])
    assert found.hashes.tolist() == [5, 7]
    assert found.calls.tolist() == [2, 3]
    assert found.accounts.tolist() == [1, 2]
    assert found.answers.tolist() == [0, 2]
    assert np.isnan(found.answer[0])
    assert found.answer[1] == 20
    assert (found.first[1], found.last[1]) == (0, 2 * HOUR)


def test_a_pause_of_an_hour_ends_a_run_and_other_requests_in_it_do_not_shorten_it():
    found = asked([1, 2, 2, 1, 2, 1], [0, 10, HOUR - 10, 2 * HOUR, 2 * HOUR + 5, 2 * HOUR + 9])
    assert found.runs.tolist() == [2, 2]
    assert found.recurring.tolist() == [True, True]
    assert asked([1, 1, 1, 2]).resampled.tolist() == [True, False]


@pytest.mark.parametrize("seed", range(5))
def test_one_list_drawn_at_random_is_not_called_two_parts(seed):
    rng = np.random.default_rng(seed)
    assert apart(asked(rng.integers(0, 20_000, 12_000))).p > 0.001


def test_the_p_value_is_not_too_small_too_often():
    rng = np.random.default_rng(1)
    ps = np.array([apart(asked(rng.integers(0, 3_000, 2_500))).p for _ in range(200)])
    assert (ps < 0.05).mean() <= 0.09


def test_fifty_questions_asked_ten_times_among_ten_thousand_once_are_a_part_of_their_own():
    rng = np.random.default_rng(2)
    prompts = np.concatenate([np.arange(1_000, 11_000), np.repeat(np.arange(50), 10)])
    found = apart(asked(rng.permutation(prompts)))
    assert found.observed == 50
    assert found.expected < 0.01
    assert found.p < 2e-6


def test_where_nothing_is_asked_once_nothing_is_claimed():
    assert apart(asked(np.repeat(np.arange(20), 5))).p is None


def test_shorter_answers_are_seen_and_equal_ones_are_not():
    rng = np.random.default_rng(3)
    ids = np.arange(400)
    once = rng.normal(700, 80, 400)
    assert shorter(rng.normal(60, 10, 40), ids[:40], once, ids) < 1e-6
    assert shorter(rng.normal(700, 80, 40), ids[:40], once, ids) > 0.001
    assert shorter(once[:9], ids[:9], once, ids) is None
