"""Timers, shifts and nights are seen where they are, and chance is called chance."""

from __future__ import annotations

import numpy as np

from stillhunt.cases.questions import clocks

HOUR = 3_600 * clocks.SECOND_US
DAY = 24 * HOUR


def _by_chance(rng: np.random.Generator, accounts: int = 20, calls: int = 60) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(np.arange(accounts), calls), rng.integers(0, 5 * DAY, accounts * calls)


def test_a_timer_keeps_its_minute_and_strangers_do_not() -> None:
    rng = np.random.default_rng(1)
    who = np.repeat(np.arange(10), 40)
    timed = np.tile(np.arange(40), 10) * HOUR + 7 * 60 * clocks.SECOND_US + rng.integers(0, 20 * clocks.SECOND_US, 400)
    by_period = {one.period: one for one in clocks.phases(who, timed)}
    assert by_period["hour"].keep == 10
    assert by_period["hour"].common is not None
    assert by_period["hour"].common < 1e-3
    assert abs((by_period["hour"].at or 0) * 60 - 7.2) < 0.5
    assert all(one.keep == 0 for one in clocks.phases(*_by_chance(rng)))


def test_timers_of_different_owners_keep_no_common_phase() -> None:
    who = np.repeat(np.arange(12), 40)
    own = (np.arange(12) * 5 * 60 * clocks.SECOND_US)[who]
    hour = next(one for one in clocks.phases(who, np.tile(np.arange(40), 12) * HOUR + own) if one.period == "hour")
    assert hour.keep == 12
    assert hour.common is not None
    assert hour.common > 0.5


def test_one_burst_is_no_timer() -> None:
    who = np.repeat(np.arange(5), 100)
    burst = np.tile(np.arange(100) * 10_000, 5)  # a hundred calls within a second, once
    assert all(one.accounts == 0 for one in clocks.phases(who, burst))


def test_the_phase_test_is_wrong_no_oftener_than_it_says() -> None:
    rng = np.random.default_rng(3)
    directions = np.exp(2j * np.pi * rng.random((4_000, 30))).sum(axis=1)
    p = clocks.rayleigh(np.full(4_000, 30.0), np.abs(directions))
    assert (p <= 0.05).mean() < 0.065
    assert (p <= 0.05).mean() > 0.035


def _shifts(rng: np.random.Generator, *, known: bool) -> tuple[np.ndarray, np.ndarray]:
    """Two accounts a desk: the second begins two minutes after the first has stopped, or whenever it likes."""
    who, when = [], []
    for desk in range(8):
        for day in range(5):
            begin = day * DAY + 8 * HOUR + int(rng.integers(0, 6 * HOUR))
            length = int(rng.integers(HOUR, 3 * HOUR))
            after = begin + length + 2 * 60 * clocks.SECOND_US if known else day * DAY + 8 * HOUR + int(rng.integers(0, 9 * HOUR))
            for account, start in ((2 * desk, begin), (2 * desk + 1, after)):
                times = np.arange(start, start + length + 1, 10 * 60 * clocks.SECOND_US)
                times[-1] = start + length
                who.append(np.full(times.size, account))
                when.append(times)
    return np.concatenate(who), np.concatenate(when)


def test_accounts_that_take_over_at_once_are_seen() -> None:
    found = clocks.handovers(*_shifts(np.random.default_rng(4), known=True))
    assert found is not None
    assert found.p <= 0.01
    assert found.pairs > 2 * found.expected


def test_accounts_that_come_and_go_on_their_own_are_not() -> None:
    wrong = 0
    for seed in range(40):
        found = clocks.handovers(*_shifts(np.random.default_rng(100 + seed), known=False), moves=99)
        wrong += found is not None and found.p <= 0.05
    assert wrong <= 6


def test_the_edges_of_the_view_are_no_hand_overs() -> None:
    rng = np.random.default_rng(7)
    wrong = 0
    for seed in range(40):
        who, when = rng.integers(0, 200, 3_000), rng.integers(0, 15 * HOUR, 3_000)  # no rhythm but that the view begins and ends
        found = clocks.handovers(who, when, seed=seed)
        wrong += found is not None and found.p <= 0.05
    assert wrong <= 6


def test_one_account_hands_over_to_nobody() -> None:
    assert clocks.handovers(np.zeros(50, np.int64), np.arange(50) * HOUR) is None
    assert clocks.handovers(np.zeros(0, np.int64), np.zeros(0, np.int64)) is None


def test_a_night_fits_the_offsets_at_which_people_sleep() -> None:
    rng = np.random.default_rng(5)
    for offset in (-7, 0, 3, 9):
        local = np.where((np.arange(24) < 7) | (np.arange(24) >= 23), 0.05, 1.0)
        hours = rng.poisson(np.roll(local, -offset) * 10, (30, 24))
        found = clocks.quiet(hours)
        assert found is not None
        assert offset in found.offsets
        assert len(found.offsets) < 14


def test_around_the_clock_no_offset_fits() -> None:
    found = clocks.quiet(np.random.default_rng(6).poisson(10, (30, 24)))
    assert found is not None
    assert found.offsets == ()
    assert clocks.quiet(np.zeros((3, 24), np.int64)) is None


def test_accounts_are_sorted_by_the_part_of_the_day_they_call_in() -> None:
    hours = np.zeros((4, 24), np.int64)
    hours[0, 9:12] = 20
    hours[1, 21:24] = 20
    hours[2] = 5
    hours[3, 9] = 2
    assert clocks.sectors(hours).tolist() == [2, 5, 6, -1]
