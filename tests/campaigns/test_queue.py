"""What steadiness promises: a queue behind many accounts is seen, and nothing that independent accounts do looks like one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from drawn import call, digest

from stillhunt.campaigns.queue import MOST_CALLS, steadiness, steady

DAY = 86_400e6
DRAWS = 125


def poisson(rng, accounts=20, days=7, a_day=4.0):
    """Independent arrivals, one rate each."""
    account = np.repeat(np.arange(accounts), rng.poisson(a_day * days, accounts))
    return account, rng.uniform(0, days * DAY, account.size)


def cron(rng, accounts, days=14, a_day=2, jitter=0.0):
    """Jobs that run as often as one another, each at a minute of its own, early or late by at most half of `jitter` of a period."""
    times = np.arange(days * a_day) + rng.uniform(0, 1, (accounts, 1)) + jitter * rng.uniform(-0.5, 0.5, (accounts, days * a_day))
    return np.repeat(np.arange(accounts), days * a_day), times.ravel() * DAY / a_day


def people(rng, accounts=30, days=7, zones=1):
    """Sittings in the evenings of one country, or of two that are half a day apart."""
    account, times = [], []
    for who in range(accounts):
        evening = rng.normal(19, 1.5) + 12 * (who % zones)
        for day in range(days):
            for _ in range(rng.poisson(0.7)):
                asked = 1 + rng.geometric(0.3)
                begin = day * DAY + (evening + rng.normal(0, 2)) * 3.6e9
                times.append(begin + np.cumsum(rng.exponential(90e6, asked)))
                account += [who] * asked
    return np.array(account), np.concatenate(times)


def queue(rng, count, accounts=250, days=7):
    """One task after another, each handed to whichever account: the accounts look random, their sum does not."""
    return rng.integers(0, accounts, count), (np.arange(count) + rng.uniform(0, 1, count)) * days * DAY / count


INDEPENDENT = {
    "arrivals": poisson,
    "many of which each calls once or twice": lambda rng: poisson(rng, accounts=200, a_day=0.42),
    "cron jobs": lambda rng: cron(rng, accounts=13, days=7, a_day=6),
    "many cron jobs": lambda rng: cron(rng, accounts=70, days=7, a_day=1),
    "cron jobs that start late": lambda rng: cron(rng, accounts=12, a_day=3, jitter=0.5),
    "cron jobs beside arrivals": lambda rng: beside(cron(rng, accounts=3, days=7, a_day=18), poisson(rng, accounts=6)),
    "people": people,
    "people of two continents": lambda rng: people(rng, zones=2),
}


def beside(some, others):
    return np.concatenate([some[0], others[0] + some[0].max() + 1]), np.concatenate([some[1], others[1]])


@pytest.mark.parametrize("draw", INDEPENDENT.values(), ids=INDEPENDENT.keys())
def test_independent_accounts_give_no_evidence(draw):
    values = 10.0 ** np.array([steady(*draw(np.random.default_rng(seed))) for seed in range(DRAWS)])
    assert (values > 0).all(), "too few calls to be a test"
    assert values.mean() <= 1.0
    assert values.max() < 20.0  # over all kinds: none in 1,000


@pytest.mark.parametrize(("accounts", "a_day"), [(2, 31), (3, 24), (4, 12), (5, 31), (8, 12), (8, 31)])
def test_a_few_cron_jobs_give_no_evidence(accounts, a_day):
    values = np.array([steady(*cron(np.random.default_rng(seed), accounts, 14, a_day)) for seed in range(15)])
    assert not np.isnan(values).any()
    assert (values < 1.0).all()


def test_a_queue_sharded_at_random_tells_more_with_every_call():
    found = [np.median([steady(*queue(np.random.default_rng(seed), count)) for seed in range(5)]) for count in (500, 700, 1000)]
    assert found[0] > 2.0
    assert all(later > 1.5 * earlier for earlier, later in pairwise(found))


def test_a_few_timetables_in_step_say_no_more_than_their_phases_can_draw():
    times = np.arange(14 * 24)[None, :] + np.arange(8)[:, None] / 8
    found = steady(np.repeat(np.arange(8), 14 * 24), times.ravel() * DAY / 24)
    assert found < 5.3  # eight phases fall into 24 slots in equal numbers once in 200,000 times


def test_a_queue_is_seen_through_a_rhythm_of_day_and_night():
    account, times = queue(np.random.default_rng(1), 2000)
    hours = np.linspace(0, 7 * DAY, 20_000)
    done = np.cumsum(1 + 0.9 * np.cos(2 * np.pi * hours / DAY))  # at noon nineteen times as much as at midnight
    assert steady(account, np.interp(times / (7 * DAY), done / done[-1], hours)) > 10.0


def test_a_queue_is_seen_among_others_calls():
    rng = np.random.default_rng(2)
    assert steady(*beside(queue(rng, 3000), poisson(rng, accounts=40, a_day=4.0))) > 2.0


def test_too_few_calls_say_nothing():
    rng = np.random.default_rng(3)
    assert steady(*queue(rng, 230)) == float("-inf")
    assert np.isfinite(steady(*queue(rng, 240)))


def test_one_account_alone_says_nothing():
    account, times = queue(np.random.default_rng(4), 1000)
    assert steady(np.zeros_like(account), times) == float("-inf")


def test_the_same_calls_give_the_same_number():
    drawn = queue(np.random.default_rng(5), 500)
    assert steady(*drawn) == steady(*drawn)


def asked(rows):
    of_calls = digest(sorted(rows, key=lambda row: row["started_at"]))
    members = np.array([place for place, name in enumerate(of_calls.accounts) if name != "other"])
    [calls] = of_calls.latest([members], MOST_CALLS)
    return steadiness(*calls)


def of_queue(count, **columns):
    account, times = queue(np.random.default_rng(6), count, accounts=10, days=3)
    return [call(f"a{who}", float(moment) / 3.6e9, **columns) for who, moment in zip(account, times, strict=True)]


def test_a_pool_is_asked_for_its_own_calls():
    rows = of_queue(600)
    alone = asked(rows)
    assert alone > 3.0
    others = [call("other", hour / 20) for hour in range(1200)]
    assert asked([*rows, *others]) == alone


def test_calls_that_waited_in_the_providers_own_queue_are_left_out():
    assert asked(of_queue(600, surface="batch")) == float("-inf"), "no call is left to ask about"
    alone = asked(of_queue(600, surface="api"))
    assert alone == asked(of_queue(600))
    assert alone == asked([*of_queue(600, surface="api"), *of_queue(400, surface="batch")])
