"""What histograms and slots promise: how far they round, what happens when they are full, and what stays exact."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from folded import DAY0, digested, table_of_calls

from stillhunt.channels.digest.kernels import NETWORKS, VALUES

FULL = 65_535


def calls_at(seconds, account="a", **columns):
    moments = DAY0 + np.round(np.asarray(seconds) * 1e6).astype(np.int64)
    return table_of_calls({"account_id": [account] * moments.size, "started_at": moments, **columns})


@pytest.mark.parametrize("q", [0.1, 0.25, 0.5, 0.75, 0.9])
def test_quantiles_of_pauses_are_off_by_an_eighth_of_an_octave_at_most(q):
    pauses = np.random.default_rng(1).lognormal(5, 2, 500)
    histogram = digested(calls_at(np.cumsum(pauses))).pauses
    assert histogram.entries.tolist() == [499]
    assert histogram.quantile(q)[0] == pytest.approx(np.quantile(np.log2(1 + pauses[1:]), q), abs=1 / 8)


@pytest.mark.parametrize(("column", "name"), [("output_tokens", "answers"), ("prompt_chars", "lengths"), ("reasoning_tokens", "thoughts")])
def test_quantiles_of_lengths_are_off_by_a_quarter_of_an_octave_at_most(column, name):
    sizes = np.random.default_rng(2).lognormal(5, 1.5, 400).astype(int) + 1
    digest = digested(calls_at(range(400), **{column: sizes, "http_status": [200] * 300 + [500] * 100}))
    histogram = getattr(digest, name)
    assert histogram.entries.tolist() == [300], "refused calls have no length"
    for q in (0.25, 0.5, 0.75):
        assert histogram.quantile(q)[0] == pytest.approx(np.quantile(np.log2(1.0 + sizes[:300]), q), abs=1 / 4)


def test_where_there_is_nothing_there_is_no_quantile():
    digest = digested(calls_at([0, 1], "a", output_tokens=[5, 5]), calls_at([0], "b"))
    assert np.isnan(digest.answers.quantile(0.5)).tolist() == [False, True]
    assert digest.answers.entries.tolist() == [2, 0]
    assert np.isnan(digest.pauses.quantile(0.5)[1])


def test_lengths_and_pauses_beyond_every_bin_fall_into_the_last_one():
    digest = digested(calls_at([0, 5e9], output_tokens=[2**62, 2**62]))
    assert digest.answers.quantile(0.5)[0] == pytest.approx(20, abs=0.25)
    assert digest.pauses.quantile(0.5)[0] == pytest.approx(23, abs=0.25)


@pytest.mark.parametrize(
    ("hours", "width"),
    [(0.1, 0.25), (3.3, 0.25), (11.9, 0.25), (12.0, 0.5), (17.2, 0.5), (23.9, 0.5), (24.0, 6.0), (40.0, 8.0), (1e5, 2e4)],
)
def test_the_longest_pause_of_a_day_is_off_by_its_bin_at_most(hours, width):
    count = 5 if hours >= 24 else int(5 * 24 / hours)
    idle = digested(calls_at(np.arange(count) * hours * 3600)).idle
    assert idle.quantile(0.5)[0] == pytest.approx(hours, abs=width if hours < 1e5 else np.inf)
    assert idle.quantile(0.5)[0] <= 24 * 2**5, "a month and more is the last bin"


def test_a_full_histogram_is_halved_and_its_quantiles_stay():
    rng = np.random.default_rng(3)
    many = rng.choice([20, 5000], size=150_000, p=[0.8, 0.2])
    digest = digested(
        *(calls_at(range(begin, begin + 30_000), output_tokens=many[begin : begin + 30_000]) for begin in range(0, 150_000, 30_000))
    )
    entries = digest.answers.entries[0]
    assert FULL / 2 < entries < 150_000
    assert digest.answers.quantile(0.5)[0] == pytest.approx(np.log2(21), abs=0.25)
    assert digest.answers.quantile(0.9)[0] == pytest.approx(np.log2(5001), abs=0.25)
    assert digest.calls.tolist() == [150_000], "counters are not touched"
    # later calls would weigh twice as much as those halved: of calls that stay as they were no quantile moves, of these it may
    shares = [digest.answers.quantile(q)[0] < 8 for q in (0.75, 0.85)]
    assert shares == [True, False]


def test_a_full_histogram_halves_no_other_account_and_no_other_histogram():
    full = calls_at(range(70_000), "full", output_tokens=[20] * 70_000, prompt_chars=[9, 900] * 35_000)
    digest = digested(calls_at(range(9), "small", output_tokens=[20] * 9), full)
    assert digest.answers.entries[0] < 70_000
    assert digest.answers.entries[1] == 9
    assert digest.lengths.entries[0] == 70_000


def networks(prefixes):
    return calls_at(range(len(prefixes)), client_prefix=prefixes)


def test_of_as_many_values_as_slots_every_count_is_exact():
    prefixes = [f"n{number:02}" for number in range(NETWORKS) for _ in range(number + 1)]
    drawn = np.random.default_rng(4).permutation(prefixes).tolist()
    values, times, everything = digested(networks(drawn)).networks.dominant()
    assert (values.to_pylist(), times.tolist(), everything.tolist()) == ([f"n{NETWORKS - 1}"], [NETWORKS], [len(prefixes)])


@pytest.mark.parametrize("seed", range(3))
def test_of_more_values_than_slots_the_frequent_one_stays_and_its_count_is_too_high_by_the_rarest_at_most(seed):
    rng = np.random.default_rng(seed)
    prefixes = np.where(rng.random(1000) < 0.3, "home", np.char.add("n", rng.integers(0, 200, 1000).astype(str)))
    values, times, everything = digested(networks(prefixes.tolist())).networks.dominant()
    true = int((prefixes == "home").sum())
    assert values.to_pylist() == ["home"]
    assert true <= times[0] <= true + 1000 / NETWORKS
    assert everything.tolist() == [1000]


def test_of_more_models_than_slots_the_first_stay_exact():
    models = [f"m{number}" for number in range(VALUES + 3)] * 4
    found = digested(calls_at(range(len(models)), request_model=models)).models
    assert sorted(found.names.take(pa.array(found.model[0])).to_pylist()) == [f"m{number}" for number in range(VALUES)]
    assert found.calls[0].tolist() == [4] * VALUES
    assert found.before[0].tolist() == list(range(VALUES))


def test_groups_of_values_are_counted_together_and_values_of_no_group_left_out():
    digest = digested(networks(["a1", "a2", "b1", "b1", "a3", "c", "c", "c", "c"]))
    names = digest.networks.names.to_pylist()
    groups = pa.array([None if name == "c" else name[0] for name in names], pa.string())
    values, times, everything = digest.networks.dominant(groups)
    assert (values.to_pylist(), times.tolist(), everything.tolist()) == (["a"], [3], [5])


def test_pauses_of_hours_are_of_the_day_on_which_they_begin():
    # noon and three in the afternoon of each day: 3 hours inside, 21 overnight
    seconds = [3600.0 * (24 * day + hour) for day in range(6) for hour in (12, 15)]
    idle = digested(calls_at(seconds)).idle
    assert idle.entries.tolist() == [5], "the sixth day is not over"
    assert idle.quantile(0.5)[0] == pytest.approx(21, abs=0.5)
