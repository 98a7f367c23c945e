"""Words of likelihood come from stated arithmetic, bounded, and never become certainty."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stillhunt.cases.questions import likelihood
from stillhunt.cases.questions.likelihood import Evidence
from stillhunt.records.cases import Confidence, Credibility, Likelihood, Reliability

EVEN = {"one": 0.5, "strangers": 0.5}


@pytest.mark.parametrize("one", list(Likelihood))
def test_the_middle_of_every_words_range_gives_the_word_back(one: Likelihood) -> None:
    assert likelihood.word(sum(likelihood.range_of(one)) / 2) is one


def test_a_bound_belongs_to_the_word_nearer_to_even_chance() -> None:
    assert likelihood.word(0.95) is Likelihood.VERY_LIKELY
    assert likelihood.word(0.05) is Likelihood.VERY_UNLIKELY
    assert likelihood.word(0.55) is Likelihood.ROUGHLY_EVEN_CHANCE
    assert likelihood.word(0.45) is Likelihood.ROUGHLY_EVEN_CHANCE
    assert likelihood.word(1.0) is Likelihood.ALMOST_CERTAIN
    assert likelihood.word(0.0) is Likelihood.ALMOST_NO_CHANCE


def test_what_is_no_probability_has_no_word() -> None:
    with pytest.raises(ValueError, match="no probability"):
        likelihood.word(1.2)
    with pytest.raises(ValueError, match="no p-value"):
        likelihood.bits_of_p(0.0)


def test_bits_and_probabilities_are_each_others_inverse_up_to_the_cap() -> None:
    for probability in (0.02, 0.3, 0.5, 0.8, 0.97):
        assert likelihood.probability_of(likelihood.bits_of(probability)) == pytest.approx(probability)
    assert likelihood.probability_of(1e9) == 0.99
    assert likelihood.probability_of(-1e9) == 0.01


def test_a_p_value_is_worth_no_more_on_average_than_luck() -> None:
    drawn = np.random.default_rng(1).uniform(size=200_000)
    worth = np.array([2.0 ** likelihood.bits_of_p(p) for p in drawn])
    assert worth.mean() < 1.1  # an e-value: mean one under the null hypothesis
    assert likelihood.bits_of_p(0.001) == pytest.approx(4.38, abs=0.01)
    assert likelihood.bits_of_p(1.0) == -1.0


def test_without_evidence_the_priors_stand() -> None:
    assert likelihood.posterior([], {"one": 0.7, "strangers": 0.3}) == pytest.approx({"one": 0.7, "strangers": 0.3})


def test_evidence_of_one_family_is_averaged_and_families_add_up_at_half_weight() -> None:
    twice = [Evidence("payer", "a", {"one": 4.0}), Evidence("payer", "b", {"one": 2.0})]
    assert likelihood.posterior(twice, EVEN)["one"] == pytest.approx(2**1.5 / (1 + 2**1.5))
    more = [*twice, Evidence("work", "c", {"one": 3.0})]
    assert likelihood.posterior(more, EVEN)["one"] == pytest.approx(2**3 / (1 + 2**3))


def test_no_single_family_can_outweigh_the_bound() -> None:
    huge = likelihood.posterior([Evidence("work", "a", {"one": 1e6})], EVEN)
    assert math.log2(huge["one"] / huge["strangers"]) == pytest.approx(0.5 * likelihood.MOST_BITS)


def test_what_speaks_for_one_hypothesis_stands_against_the_other() -> None:
    found = [Evidence("work", "handed on", {"one": 3.0}), Evidence("size", "says nothing", {"one": 1.0, "strangers": 1.0})]
    supports, opposes = likelihood.points(found, "one", EVEN)
    assert [(point.text, point.bits) for point in supports] == [("handed on", 3.0)]
    assert not opposes
    supports, opposes = likelihood.points(found, "strangers", EVEN)
    assert not supports
    assert [point.text for point in opposes] == ["handed on"]


def test_confidence_counts_what_a_judgement_rests_on() -> None:
    assert likelihood.confidence(3, 30, blind=False) is Confidence.HIGH
    assert likelihood.confidence(3, 30, blind=True) is Confidence.MODERATE
    assert likelihood.confidence(2, 30, blind=False) is Confidence.MODERATE
    assert likelihood.confidence(1, 5_000, blind=False) is Confidence.LOW
    assert likelihood.confidence(7, 11, blind=False) is Confidence.LOW


def test_credibility_grows_with_independent_families_and_reliability_does_not() -> None:
    assert [likelihood.credibility(n).value for n in range(5)] == ["6", "3", "2", "1", "1"]
    assert likelihood.credibility(0) is Credibility.CANNOT_BE_JUDGED
    assert likelihood.reliability() is Reliability.B
