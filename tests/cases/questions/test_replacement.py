"""Accounts that are opened because others were closed stand out; those that come at any time do not."""

from __future__ import annotations

import numpy as np

from stillhunt.cases.questions.replacement import HOUR_US, replaced

DAY = 24 * HOUR_US
BEGIN, END = 100 * DAY, 160 * DAY


def test_sign_ups_that_follow_closures_are_more_than_chance() -> None:
    rng = np.random.default_rng(1)
    closed = np.zeros(90, np.int64)
    closed[:20] = np.repeat([110, 125, 137, 151], 5) * DAY
    born = np.full(90, 80 * DAY)
    born[20:80] = np.repeat([110, 125, 137, 151], 15) * DAY + rng.integers(HOUR_US, 20 * HOUR_US, 60)
    found = replaced(born, closed, BEGIN, END)
    assert (found.closed, found.after, found.later) == (20, 60, 60)
    assert found.p is not None
    assert found.p <= 0.005
    assert found.expected < 20


def test_sign_ups_at_any_time_are_wrongly_tied_no_oftener_than_the_test_says() -> None:
    rng = np.random.default_rng(2)
    wrong = 0
    for number in range(100):
        closed = np.zeros(60, np.int64)
        closed[:8] = rng.integers(BEGIN, END, 8)
        found = replaced(rng.integers(BEGIN, END, 60), closed, BEGIN, END, moves=99, seed=number)
        wrong += found.p is not None and found.p <= 0.05
    assert wrong <= 11


def test_one_closure_and_one_burst_prove_little() -> None:
    closed = np.zeros(30, np.int64)
    closed[0] = 120 * DAY
    found = replaced(np.full(30, 121 * DAY), closed, BEGIN, END)
    assert found.after == 30
    assert found.p is not None
    assert found.p > 0.01


def test_without_closures_or_sign_ups_nothing_is_said() -> None:
    nobody = np.zeros(10, np.int64)
    assert replaced(np.full(10, 120 * DAY), nobody, BEGIN, END).p is None
    assert replaced(nobody, np.full(10, 120 * DAY), BEGIN, END).p is None
