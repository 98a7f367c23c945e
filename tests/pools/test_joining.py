"""Joining: what is linked comes together, and one false link does not make two pools one."""

import numpy as np

from stillhunt.pools.joining import join


def groups(labels):
    return {frozenset(np.flatnonzero(labels == one).tolist()) for one in np.unique(labels)}


def chain(start, count):
    return [(at, at + 1) for at in range(start, start + count - 1)]


def test_small_groups_join_through_one_link_and_accounts_without_links_stay_alone():
    links = np.array(chain(0, 5))
    labels = join(1000, links[:, 0], links[:, 1], np.ones(len(links)), 0.01)
    assert frozenset(range(5)) in groups(labels)
    assert len(np.unique(labels)) == 996


def test_one_link_does_not_join_two_large_pools_and_enough_do():
    links = np.array(chain(0, 400) + chain(400, 400))
    ones = np.ones(len(links))
    bridge = np.array([[100, 500]])
    several = np.array([[at, 400 + at] for at in range(0, 200, 10)])
    one = np.r_[links, bridge]
    many = np.r_[links, several]
    weights = np.r_[ones, np.full(1, 0.5)]
    assert groups(join(2000, one[:, 0], one[:, 1], weights, 0.05)) >= {frozenset(range(400)), frozenset(range(400, 800))}
    weights = np.r_[ones, np.full(len(several), 0.5)]
    assert frozenset(range(800)) in groups(join(2000, many[:, 0], many[:, 1], weights, 0.05))


def test_the_order_in_which_links_stand_does_not_matter():
    rng = np.random.default_rng(0)
    links = rng.integers(0, 300, (250, 2))
    links = links[links[:, 0] != links[:, 1]]
    turned = rng.permutation(len(links))
    ones = np.ones(len(links))
    assert groups(join(300, links[:, 0], links[:, 1], ones, 0.01)) == groups(join(300, links[turned, 0], links[turned, 1], ones, 0.01))
