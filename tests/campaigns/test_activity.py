import numpy as np
import pytest

from stillhunt.campaigns.activity import HOUR_US, MAX_SPANS, activity

DAY_US = 24 * HOUR_US
BEGIN = 20_000 * DAY_US


def test_every_call_is_counted_for_its_account_in_its_span():
    members = np.array([7, 3, 5])
    positions = np.array([3, 7, 7, 5])
    times = BEGIN + np.array([5, 1, 1, 13]) * HOUR_US
    hours, counts = activity(positions, times, members)
    assert hours == 1
    assert counts.shape == (3, 14)
    assert counts[0, 1] == 2  # account 7
    assert counts[1, 5] == 1  # account 3
    assert counts[2, 13] == 1  # account 5
    assert counts.sum() == 4


@pytest.mark.parametrize(("days", "hours"), [(1, 1), (2, 2), (7, 6), (14, 12), (28, 24), (29, 48), (365, 336)])
def test_spans_divide_or_collect_days_and_there_are_never_too_many(days, hours):
    times = BEGIN + np.arange(days) * DAY_US + 23 * HOUR_US
    found, counts = activity(np.zeros(days, np.int64), times, np.array([0]))
    assert found == hours
    assert counts.shape[1] <= MAX_SPANS
    assert counts.sum() == days


def test_accounts_without_calls_have_no_spans():
    none = np.zeros(0, np.int64)
    assert activity(none, none, np.array([1, 2]))[1].shape == (2, 0)
