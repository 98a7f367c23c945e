"""What the shape channel promises: lengths of whatever language, of answered calls only, and only where there are enough."""

from __future__ import annotations

import math

import numpy as np
import pytest
from handmade import call, look

from stillhunt.channels.shape import CHANNEL

BIN = 0.25
"""Lengths are kept in quarters of an octave."""


def observed(calls):
    return look(CHANNEL, calls)


def test_lengths_are_medians_in_their_own_units():
    calls = [call("a", hour, output_tokens=100 * hour, prompt_chars=1023, reasoning_tokens=63) for hour in range(1, 10)]
    seen = observed(calls)
    assert seen.numbers("shape.answer")["a"] == pytest.approx(math.log2(501), abs=BIN)
    assert seen.numbers("shape.spread")["a"] == pytest.approx(math.log2(701 / 301), abs=2 * BIN)
    assert seen.numbers("shape.request")["a"] == pytest.approx(10.0, abs=BIN)
    assert seen.numbers("shape.thought")["a"] == pytest.approx(6.0, abs=BIN)


@pytest.mark.parametrize("seed", range(5))
def test_no_median_and_no_quartile_is_off_by_more_than_a_bin(seed):
    sizes = np.random.default_rng(seed).lognormal(6, 1.5, 300).astype(int)
    seen = observed([call("a", hour, output_tokens=int(size)) for hour, size in enumerate(sizes)])
    lower, middle, upper = np.quantile(np.log2(1.0 + sizes), [0.25, 0.5, 0.75])
    assert seen.numbers("shape.answer")["a"] == pytest.approx(middle, abs=BIN)
    assert seen.numbers("shape.spread")["a"] == pytest.approx(upper - lower, abs=2 * BIN)


def test_refused_calls_have_no_answer_to_measure():
    calls = [call("a", hour, output_tokens=400, http_status=200) for hour in range(8)]
    calls += [call("a", 10 + hour, output_tokens=0, http_status=429) for hour in range(20)]
    assert observed(calls).numbers("shape.answer")["a"] == pytest.approx(math.log2(401), abs=BIN)


def test_accounts_with_fewer_than_eight_answers_are_not_measured():
    calls = [call("seven", hour, output_tokens=5) for hour in range(7)] + [call("eight", hour, output_tokens=5) for hour in range(8)]
    assert set(observed(calls).numbers("shape.answer")) == {"eight"}


def test_calls_without_reasoning_do_not_make_it_short():
    calls = [call("a", hour, reasoning_tokens=127) for hour in range(8)] + [call("a", 20 + hour, reasoning_tokens=0) for hour in range(30)]
    assert observed(calls).numbers("shape.thought")["a"] == pytest.approx(7.0, abs=BIN)


@pytest.mark.parametrize(
    ("aspect", "value", "words"),
    [
        ("shape.answer", math.log2(701), "700 tokens"),
        ("shape.request", math.log2(301), "300 characters"),
        ("shape.spread", 1.0, "2.0 times"),
    ],
)
def test_what_is_alike_is_said_in_its_own_unit(aspect, value, words):
    assert words in CHANNEL.describe(aspect, str(value))
