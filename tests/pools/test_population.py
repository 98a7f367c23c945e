"""What a population promises: codes that fold, entities that count once, and the same people without what they declare."""

from __future__ import annotations

import numpy as np
import pytest
from planted import Fixed, observed, owners, population, strangers

from stillhunt.pools.columns import binned
from stillhunt.pools.population import survey


def measured(numbers):
    accounts = [f"a{at:06d}" for at in range(len(numbers))]
    pairs = [(account, number) for account, number in zip(accounts, numbers, strict=True) if np.isfinite(number)]
    return survey([observed("pace", "measure", accounts, pairs)], [Fixed("pace", "measure", "conduct")], None, accounts).columns[0]


@pytest.mark.parametrize("size", [100, 500, 5000])
def test_coarse_codes_are_those_of_the_coarse_quantiles(size):
    rng = np.random.default_rng(0)
    numbers = np.round(rng.normal(size=size), 2)  # with ties
    numbers[::9] = np.nan
    column = measured(numbers)
    known = numbers[np.isfinite(numbers)]
    for coding, bins in zip(column.codings, (8, 32, 128, 512), strict=False):
        edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1]))
        assert np.array_equal(coding.of(column.codes), binned(numbers, edges))
        assert coding.totals.sum() == pytest.approx(size)
        assert np.array_equal(coding.totals[0], np.bincount(coding.of(column.codes), minlength=coding.width))


@pytest.mark.parametrize("size", [40, 900])
def test_a_measure_amended_for_a_few_counts_as_if_it_had_been_so(size):
    rng = np.random.default_rng(4)
    accounts = [f"a{at:06d}" for at in range(size)]
    pairs = [(account, float(number)) for account, number in zip(accounts, rng.normal(size=size), strict=True)]
    channels, layers = [Fixed("pace", "measure", "conduct")], rng.integers(0, 3, size).astype(np.int8)
    declared = owners(accounts, dict.fromkeys(accounts[:7], "acme"))
    of = survey([observed("pace", "measure", accounts, pairs)], channels, declared, accounts, layers)
    column = of.columns[0]
    at = np.sort(rng.choice(size, 12, replace=False))
    numbers = rng.normal(size=12)
    numbers[3] = np.nan
    amended = of.amended(column, at, numbers)
    codes = column.codes.copy()
    codes[at] = binned(numbers, column.edges[-1])
    assert np.array_equal(amended.of(np.arange(size)), codes)
    assert amended.totals == pytest.approx(of.count(codes, column.width))
    assert (amended.totals >= 0).all()
    for level, (coding, plain) in enumerate(zip(amended.codings, column.codings, strict=True)):
        counted = of.count(plain.of(codes), plain.width)
        assert coding.totals == pytest.approx(counted)
        assert pytest.approx(counted) == amended.levels.totals[amended.levels.starts[level] : amended.levels.starts[level + 1]].T


def test_people_of_one_organization_count_as_one():
    rng = np.random.default_rng(0)
    people = strangers(rng, 60)
    names = sorted(people)
    of = population(people, dict.fromkeys(names[:20], "acme") | dict.fromkeys(names[20:25], "other"))
    assert of.entities == pytest.approx(60 - 25 + 2)
    assert len(of.one_each(np.arange(60))) == 37
    for column in of.columns:
        assert column.totals.sum() == pytest.approx(37)


def test_without_what_they_declare_they_are_as_if_they_had_declared_nothing():
    rng = np.random.default_rng(0)
    people = strangers(rng, 200)
    declared = dict.fromkeys(sorted(people)[:50], "acme")
    alone, never = population(people, declared).undeclared(), population(people)
    assert alone.entities == never.entities == 200
    for one, other in zip(alone.columns, never.columns, strict=True):
        assert np.array_equal(one.codes, other.codes)
        assert one.totals == pytest.approx(other.totals)
    for one, other in zip(alone.sets, never.sets, strict=True):
        assert one.holders == pytest.approx(other.holders)


def test_an_account_without_a_value_is_not_known():
    accounts = ["a", "b", "c"]
    of = survey([observed("card", "category", accounts, [("a", "x"), ("c", "x")])], [Fixed("card", "category", "payer")], None, accounts)
    assert of.columns[0].codes.tolist() == [1, 0, 1]
    assert [of.columns[0].name(code) for code in (0, 1)] == ["not known", "x"]


def test_what_no_channel_knows_is_left_out():
    accounts = ["a", "b"]
    of = survey(
        [observed("unheard", "category", accounts, [("a", "x")])], [Fixed("card", "category", "payer")], owners(accounts, {}), accounts
    )
    assert of.columns == []
