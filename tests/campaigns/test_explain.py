"""What explanations promise: they say what is shared, by how many, and what one would expect, and show nobody's own words."""

from __future__ import annotations

import numpy as np
from drawn import population, positions

from stillhunt.campaigns.explain import TELLING_BITS, instructions, shared, what_they_harvest, what_they_share
from stillhunt.campaigns.harvest import Harvest
from stillhunt.channels import channels
from stillhunt.pools.find import Pool
from stillhunt.pools.weighing import grow

CHANNELS = {channel.name: channel for channel in channels()}
GROUP = [f"g{number:02d}" for number in range(30)]
OTHERS = [f"o{number:03d}" for number in range(600)]


def pooled():
    """Thirty accounts with one card and paces close together among people with cards and paces of their own."""
    rng = np.random.default_rng(2)
    seen = [(account, "payment.card", "card:group-card-token", 1.0) for account in GROUP]
    seen += [(account, "payment.card", f"card:{account}", 1.0) for account in OTHERS]
    seen += [(account, "rhythm.pace", str(rng.normal(4.7, 0.05)), 1.0) for account in GROUP]
    seen += [(account, "rhythm.pace", str(rng.normal(2.0, 1.5)), 1.0) for account in OTHERS]
    seen += [(account, "client.shape", f"library #{rng.integers(3)}", 1.0) for account in [*GROUP, *OTHERS]]
    of = population(sorted(GROUP + OTHERS), seen)
    members = positions(of, GROUP)
    grown = grow(of, members, {})
    assert set(grown.members.tolist()) == set(members.tolist()), "the planted group is the example of these tests"
    return of, Pool.of(members, grown, grown, (("payment.card", "card:group-card-token"),))


def test_each_member_has_what_it_shares_most_telling_first():
    of, pool = pooled()
    found = shared(of, pool, CHANNELS)
    assert set(found) == set(pool.members.tolist())
    for observations in found.values():
        assert observations[0].channel == "payment.card"
        assert observations[0].shared_with == len(GROUP) - 1
        assert observations[0].expected < 1
        assert "payment card" in observations[0].description
        bits = [one.bits for one in observations]
        assert bits == sorted(bits, reverse=True)
        assert min(bits) >= TELLING_BITS


def test_what_everybody_has_is_not_shown():
    of, pool = pooled()
    assert all(one.channel != "client.shape" for observations in shared(of, pool, CHANNELS).values() for one in observations)
    assert not any("client" in sentence for sentence in what_they_share(of, pool, CHANNELS))


def test_sentences_say_how_many_share_and_how_many_one_would_expect():
    of, pool = pooled()
    sentences = what_they_share(of, pool, CHANNELS)
    card = next(sentence for sentence in sentences if "payment card" in sentence)
    assert card.startswith("All 30 share payment card")
    assert card.endswith(("among 30 strangers nobody would", "among 30 strangers fewer than one would"))
    assert any("pace" in sentence for sentence in sentences)


def test_phrases_are_chained_where_they_overlap():
    phrases = {1: "explain every step of", 2: "step of the proof", 3: "return json only please"}
    assert instructions(["1", "2", "3"], phrases) == ["… explain every step of the proof …", "… return json only please …"]


def test_one_common_word_is_no_overlap():
    assert instructions(["1", "2"], {1: "write the code", 2: "code in rust"}) == ["… write the code …", "… code in rust …"]


def test_grams_without_words_are_left_out_and_few_are_shown():
    assert instructions(["1", "2"], {}) == []
    many = {number: f"alpha{number} beta{number} gamma{number} delta{number}" for number in range(20)}
    assert len(instructions([str(number) for number in many], many, limit=3)) == 3


def test_a_chain_that_runs_in_a_circle_ends():
    circle = {1: "a b c", 2: "b c a", 3: "c a b"}
    assert len(instructions(["1", "2", "3"], circle)) == 1


def test_the_traffic_is_told_in_its_own_units():
    words = what_they_harvest(Harvest(1.0, {"fresh": 0.999, "single": 1.0, "instructed": 0.9, "answered": 1234.0}, 0.004, (), True))
    assert "99.9% of the requests are asked only once" in words
    assert "1,234 tokens" in words
    assert "0.4% of comparable accounts" in words


def test_traffic_that_cannot_be_seen_is_said_to_be():
    assert "cannot be seen" in what_they_harvest(Harvest(0.0, {}, 1.0, (), False))
