"""What the pools engine promises, on populations with planted groups."""

from __future__ import annotations

import numpy as np
import pytest
from planted import plant, population, strangers

from stillhunt.campaigns.naming import surely
from stillhunt.pools.find import Pool, find
from stillhunt.pools.population import Population


def names(of: Population, pool: Pool) -> set[str]:
    """The accounts that belong to a pool surely; those that only may are for a person to look at."""
    return {of.accounts[pool.members[at]] for at in surely(pool.membership, 0.002)}


@pytest.mark.parametrize("seed", range(3))
def test_no_pool_among_strangers(seed):
    rng = np.random.default_rng(seed)
    assert find(population(strangers(rng, 1500))).pools == []


@pytest.mark.parametrize("seed", range(3))
def test_operator_with_one_scheduler_and_one_script_is_found_whole_and_alone(seed):
    rng = np.random.default_rng(seed)
    people = strangers(rng, 2000)
    hidden = plant(
        rng,
        people,
        60,
        client="client7",
        gram=lambda _, n: [f"job-{k}" for k in range(8)],
        created=lambda r, n: 9000 + r.uniform(0, 72),
        pace=lambda r, n: r.normal(4.68, 0.1),
    )
    seen = population(people)
    found = find(seen)
    assert found.pools, "the operator was missed"
    assert names(seen, found.pools[0]) == set(hidden)
    assert len(found.pools) == 1


def test_framework_users_are_no_pool():
    rng = np.random.default_rng(5)
    people = strangers(rng, 2000)
    plant(rng, people, 150, client="client-agent", gram=lambda _, n: [f"agent-{k}" for k in range(12)])
    assert find(population(people)).pools == []


def test_two_operators_are_kept_apart():
    rng = np.random.default_rng(6)
    people = strangers(rng, 2500)
    groups = [
        plant(
            rng,
            people,
            50,
            client=f"sdk{who}",
            gram=lambda _, n, who=who: [f"job{who}-{k}" for k in range(8)],
            created=lambda r, n, who=who: 5000 + 4000 * who + r.uniform(0, 72),
            pace=lambda r, n, who=who: r.normal(4 + who, 0.1),
        )
        for who in (0, 1)
    ]
    seen = population(people)
    found = [names(seen, pool) for pool in find(seen).pools]
    assert sorted(map(sorted, found)) == sorted(map(sorted, groups))


def test_a_declared_organization_counts_once():
    rng = np.random.default_rng(7)
    people = strangers(rng, 1500)
    staff = plant(
        rng, people, 60, card="company", client="sdk", created=lambda r, n: 9000 + r.uniform(0, 40), pace=lambda r, n: r.normal(4, 0.1)
    )
    assert find(population(people, dict.fromkeys(staff, "acme"))).pools == []
    assert find(population(people)).pools != []


def test_handoffs_alone_tie_a_pool():
    rng = np.random.default_rng(8)
    people = strangers(rng, 2000)
    hidden = plant(rng, people, 60, pace=lambda r, n: r.normal(4.68, 0.1), handoff=lambda r, n: [f"h{n}", f"h{(n + 1) % 60}"])
    seen = population(people)
    pools = find(seen).pools
    assert pools
    assert names(seen, pools[0]) == set(hidden)


def test_a_large_pool_does_not_hide_a_small_one():
    rng = np.random.default_rng(9)
    people = strangers(rng, 3000)
    shared = {"created": lambda r, n: 9000 + r.uniform(0, 72), "pace": lambda r, n: r.normal(4.68, 0.1)}
    large = plant(rng, people, 500, client="sdk0", gram=lambda _, n: [f"job-{k}" for k in range(8)], **shared)
    small = plant(
        rng, people, 14, client="sdk1", gram=lambda _, n: [f"few-{k}" for k in range(8)], pace=lambda r, n: r.normal(7.5, 0.05),
        created=lambda r, n: 3000 + r.uniform(0, 30), card=lambda r, n: f"c{n // 7}",
    )  # fmt: skip
    seen = population(people)
    found = [names(seen, pool) for pool in find(seen).pools]
    assert set(small) in found
    assert any(set(large) <= one and len(one) <= 1.01 * len(large) for one in found)
