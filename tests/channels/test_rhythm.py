"""What the rhythm channel promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from handmade import call, look

from stillhunt.channels.rhythm import CHANNEL

PAUSE_BIN = 1 / 8
"""Pauses are kept in eighths of an octave: a quartile is off by no more."""

TIMETABLE = 0.55 * PAUSE_BIN
"""The quartiles of pauses that lie in one bin, but for the nights, are half of it apart, because quantiles are linear inside it."""


def measured(aspect, hours, account="a"):
    return look(CHANNEL, [call(account, hour) for hour in hours]).numbers(aspect)


def test_accounts_with_fewer_than_eight_calls_are_not_measured():
    calls = [call("seven", 24 * number) for number in range(7)] + [call("eight", 24 * number) for number in range(8)]
    seen = look(CHANNEL, calls)
    assert {row["account_id"] for row in seen.rows} == {"eight"}
    assert {row["channel"] for row in seen.rows} == {aspect.name for aspect in CHANNEL.aspects}


def test_pace_is_per_active_day():
    hours = [24 * day + hour for day in (0, 3, 9) for hour in range(8)]
    assert measured("rhythm.pace", hours)["a"] == pytest.approx(3.0)


def test_quiet_is_nothing_for_whoever_sleeps_and_a_third_for_whoever_never_does():
    day = [24 * number + hour for number in range(3) for hour in range(8, 24)]
    never = [24 * number + hour for number in range(3) for hour in range(24)]
    assert measured("rhythm.quiet", day)["a"] == 0.0
    assert measured("rhythm.quiet", never)["a"] == pytest.approx(1 / 3)


def test_quiet_hours_run_around_midnight():
    awake = [hour % 24 + 24 * day for day in range(2) for hour in range(4, 20)]  # silent from 20 to 4
    assert measured("rhythm.quiet", awake)["a"] == 0.0
    shifted = [hour % 24 + 24 * day for day in range(2) for hour in range(5, 20)]  # silent for nine hours, 20 to 5
    assert measured("rhythm.quiet", shifted)["a"] == 0.0
    short = [hour % 24 + 24 * day for day in range(2) for hour in range(3, 20)]  # silent for seven hours only
    assert measured("rhythm.quiet", short)["a"] == pytest.approx(1 / 17)


def test_hours_are_utc_on_days_when_clocks_change():
    # 2030-03-31: clocks go forward in Europe; 48 hours of calls have one in each hour of the day on both days
    hours = [24 * 26 + hour for hour in range(48)]
    assert measured("rhythm.quiet", hours)["a"] == pytest.approx(1 / 3)
    assert measured("rhythm.pace", hours)["a"] == pytest.approx(math.log2(24))


def test_idle_is_the_typical_longest_pause():
    # each day: calls from 8 to 18 by the hour, then nothing until 8 on the next
    hours = [24 * day + hour for day in range(5) for hour in range(8, 19)]
    assert measured("rhythm.idle", hours)["a"] == pytest.approx(14.0, abs=0.5)  # bins of half an hour
    machine = [0.5 * number for number in range(240)]
    assert measured("rhythm.idle", machine)["a"] == pytest.approx(0.5, abs=0.25)  # bins of a quarter


def test_one_long_holiday_is_not_typical():
    hours = [hour for day in (0, 1, 2, 3, 20, 21) for hour in np.arange(24 * day, 24 * day + 24, 1.0)]
    assert measured("rhythm.idle", hours)["a"] == pytest.approx(1.0, abs=0.25)


def test_the_day_of_the_last_call_has_no_longest_pause_yet():
    one_day = [0.5 * number for number in range(20)]
    assert measured("rhythm.idle", one_day) == {}
    begun = [*one_day, 24.0]
    assert measured("rhythm.idle", begun) == {}, "the night is the first day's, which a call after it closes"
    assert measured("rhythm.idle", [*begun, 30.0])["a"] == pytest.approx(24 - 9.5, abs=0.5)


def test_constant_days_are_far_below_independent_arrivals_and_bursts_far_above():
    rng = np.random.default_rng(1)
    even = [24 * day + hour for day in range(10) for hour in range(20)]
    independent = sorted(rng.uniform(0, 240, 200))
    bursts = [24 * day + hour / 10 for day in (0, 5, 9) for hour in range(66)]
    values = [measured("rhythm.constancy", hours)["a"] for hours in (even, independent, bursts)]
    assert values[0] == pytest.approx(math.log2(0.05))
    assert abs(values[1]) < 1.5
    assert values[2] > 5


def test_days_without_calls_count_between_the_first_and_the_last():
    gappy = [24 * day + hour for day in (0, 2, 4, 6) for hour in range(6)]
    counts = np.array([6, 0, 6, 0, 6, 0, 6])
    expected = math.log2(0.05 + counts.var() / counts.mean())
    assert measured("rhythm.constancy", gappy)["a"] == pytest.approx(expected)


def test_constancy_needs_four_days():
    hours = [24 * day + hour for day in range(3) for hour in range(8)]
    assert measured("rhythm.constancy", hours) == {}
    assert measured("rhythm.constancy", [*hours, 75]) != {}


def test_calls_at_the_same_moment_do_not_disturb():
    seen = look(CHANNEL, [call("a", 5.0)] * 12)
    assert seen.numbers("rhythm.regularity")["a"] <= TIMETABLE
    assert seen.numbers("rhythm.pace")["a"] == pytest.approx(math.log2(12))


def test_descriptions_speak_in_units():
    assert "24.0 calls on an active day" in CHANNEL.describe("rhythm.pace", str(math.log2(24)))
    assert "33%" in CHANNEL.describe("rhythm.quiet", "0.3333")
    assert "1.5 hours" in CHANNEL.describe("rhythm.idle", "1.5")
    assert "4.0 times" in CHANNEL.describe("rhythm.constancy", "2.0")
    assert "8.0 times" in CHANNEL.describe("rhythm.regularity", "3.0")


def test_regularity_is_nothing_for_a_timetable_whatever_its_nights():
    always = [0.5 * number for number in range(300)]
    by_day = [24 * day + hour / 4 for day in range(10) for hour in range(32, 72)]
    assert measured("rhythm.regularity", always)["a"] <= TIMETABLE
    assert measured("rhythm.regularity", by_day)["a"] <= TIMETABLE


@pytest.mark.parametrize("octaves", np.arange(5.9, 6.1, 0.02))
def test_a_timetable_is_regular_on_whatever_side_of_a_bin_it_lies(octaves):
    seconds = 2**octaves - 1 + np.random.default_rng(6).uniform(-0.5, 0.5, 400)  # clocks that are half a second off
    assert measured("rhythm.regularity", np.cumsum(seconds) / 3600)["a"] <= 1.05 * PAUSE_BIN


def test_regularity_is_two_and_a_third_for_arrivals_at_random_and_more_for_sittings():
    rng = np.random.default_rng(2)
    quartiles = math.log2(math.log(4) / math.log(4 / 3))  # of an exponential distribution
    assert quartiles == pytest.approx(2.27, abs=0.01)
    random = np.cumsum(rng.exponential(1.0, 2000))
    assert measured("rhythm.regularity", random)["a"] == pytest.approx(quartiles, abs=0.15 + PAUSE_BIN)
    sittings = [24 * day + 10 * sitting + asked / 60 for day in range(10) for sitting in (0, 1) for asked in range(3)]
    assert measured("rhythm.regularity", sittings)["a"] > 5.0


def test_pauses_varied_by_half_either_way_are_still_a_timetable():
    rng = np.random.default_rng(3)
    varied = np.cumsum(rng.uniform(0.5, 1.5, 2000))
    assert measured("rhythm.regularity", varied)["a"] == pytest.approx(math.log2(1.25 / 0.75), abs=0.1 + PAUSE_BIN)


def test_regularity_belongs_to_each_account():
    rng = np.random.default_rng(4)
    calls = [call("clock", hour) for hour in range(50)] + [call("dice", hour) for hour in np.cumsum(rng.exponential(1.0, 400))]
    found = look(CHANNEL, calls).numbers("rhythm.regularity")
    assert found["clock"] <= TIMETABLE
    assert found["dice"] > 1.5
