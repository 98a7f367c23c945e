"""Blocks are found where members fall apart in several respects, and not where one hand deals out cards and machines as they come."""

from __future__ import annotations

import numpy as np

from stillhunt.cases.questions import blocks


def _dealt(rng: np.random.Generator, members: int = 80) -> dict[tuple[str, str], np.ndarray]:
    return {
        ("payer", "card"): rng.integers(0, 6, members),
        ("place", "network"): rng.integers(0, 4, members),
        ("place", "wide"): rng.integers(0, 2, members),
        ("software", "client"): rng.integers(0, 3, members),
    }


def _two(members: int = 80) -> tuple[dict[tuple[str, str], np.ndarray], np.ndarray]:
    rng = np.random.default_rng(5)
    whose = np.repeat([0, 1], [members * 5 // 8, members - members * 5 // 8])
    return {
        ("payer", "card"): rng.integers(0, 3, members) + 3 * whose,
        ("place", "network"): rng.integers(0, 2, members) + 2 * whose,
        ("software", "client"): whose.copy(),
    }, whose


def test_without_blocks_the_test_is_wrong_no_oftener_than_it_says() -> None:
    rng = np.random.default_rng(1)
    wrong = sum((blocks.split(_dealt(rng), draws=99, seed=number).p or 0) <= 0.05 for number in range(120))
    assert wrong <= 13  # 6 expected; 13 or more come up once in a hundred times


def test_two_operators_with_machinery_of_their_own_are_told_apart() -> None:
    respects, whose = _two()
    found = blocks.split(respects, draws=199)
    assert found.p is not None
    assert found.p <= 0.01
    assert found.sizes == [50, 30]
    assert all(len(np.unique(found.label[whose == one])) == 1 for one in (0, 1))


def test_members_of_whom_little_is_known_stay_out_of_blocks() -> None:
    respects, _ = _two()
    for column in respects.values():
        column[:5] = -1
    found = blocks.split(respects, draws=199)
    assert (found.label[:5] == blocks.NO_BLOCK).all()
    assert found.sizes == [45, 30]


def test_respects_of_one_family_are_not_compared_with_one_another() -> None:
    whose = np.repeat([0, 1], 30)
    found = blocks.split({("place", "network"): whose, ("place", "wide"): whose.copy()})
    assert found.p is None
    assert found.sizes == []


def test_what_everybody_or_nobody_shares_tells_nothing() -> None:
    found = blocks.split({("payer", "card"): np.zeros(40, np.int64), ("place", "network"): np.arange(40)})
    assert found.p is None
    assert blocks.split({}).label.size == 0


def test_one_queue_hands_across_blocks_and_two_do_not() -> None:
    rng = np.random.default_rng(2)
    label = np.repeat([0, 1], 30)
    first, last = np.zeros(60, np.int64), np.full(60, 1_000_000, np.int64)
    when = rng.integers(0, 1_000_000, 200)
    giver = rng.integers(0, 60, 200)
    anybody = (giver + 1 + rng.integers(0, 59, 200)) % 60
    own = giver // 30 * 30 + (giver % 30 + 1 + rng.integers(0, 29, 200)) % 30
    one = blocks.crossing(label, first, last, (giver, anybody, when))
    two = blocks.crossing(label, first, last, (giver, own, when))
    assert one is not None
    assert two is not None
    assert one.p > 0.05
    assert abs(one.across - one.expected) < 30
    assert (two.across, two.p) == (0, 0.001)


def test_blocks_that_follow_one_another_are_not_expected_to_hand_over() -> None:
    label = np.repeat([0, 1], 30)
    first = np.where(label == 0, 0, 1_000)
    last = np.where(label == 0, 900, 2_000)
    giver, taker = np.arange(0, 28), np.arange(1, 29)
    found = blocks.crossing(label, first, last, (giver, taker, np.full(28, 500)))
    assert found is not None
    assert found.expected == 0
    assert found.p == 1.0


def test_handed_on_requests_tie_directly_or_in_a_chain() -> None:
    nothing = np.zeros(0, np.int64)
    assert blocks.tied(10, (nothing, nothing, nothing)) == 0.0
    chain = (np.array([0, 1, 2, 7]), np.array([1, 2, 3, 8]), np.zeros(4, np.int64))
    assert blocks.tied(10, chain) == 0.4
