"""What screening promises: all candidates at once weigh what each weighs by itself."""

from __future__ import annotations

import numpy as np
import pytest
from planted import plant, population, strangers

from stillhunt.pools.calibration import bounds
from stillhunt.pools.candidates import FAMILIES, propose
from stillhunt.pools.evidence import Group, Groups, column_bits, many_bits, urn_bits
from stillhunt.pools.screening import ask_crossings, screen
from stillhunt.pools.weighing import weigh


def drawn(declared: bool):
    rng = np.random.default_rng(3)
    people = strangers(rng, 1500)
    plant(rng, people, 60, client="client7", created=lambda r, n: 9000 + r.uniform(0, 72), pace=lambda r, n: r.normal(4.68, 0.1))
    plant(rng, people, 90, gram=lambda _, n: [f"agent-{k}" for k in range(12)], net=lambda r, n: f"vpn{n % 4}")
    plant(rng, people, 40, card=lambda r, n: f"shared{n // 4}", handoff=lambda r, n: [f"h{n}", f"h{(n + 1) % 40}"])
    names = sorted(people)
    of = population(people, {name: f"org{at % 9}" for at, name in enumerate(names) if at % 7 == 0} if declared else None)
    of.strata = (np.arange(of.size) % 3).astype(np.int8)
    for cached in ("depth", "sizes"):
        of.__dict__.pop(cached, None)
    of.columns = [type(column)(**{**vars_of(column), "totals": of.count(column.codes, column.width)}) for column in of.columns]
    return of


def vars_of(column):
    return {name: getattr(column, name) for name in column.__dataclass_fields__}


@pytest.mark.parametrize("declared", [False, True])
def test_all_candidates_at_once_weigh_what_each_weighs_alone(declared):
    of = drawn(declared)
    candidates = propose(of)
    groups = Groups.of(of, candidates.members, candidates.starts)
    granted = bounds(of, candidates, groups)
    together = screen(of, groups, candidates.families, granted)
    ask_crossings(of, candidates, groups, granted, together)
    assert len(candidates) > 40
    assert any(candidate.crossing for candidate in candidates)
    for number, candidate in enumerate(candidates):
        alone = weigh(of, candidate.members, granted, candidate.families, candidate.crossing).families
        assert {family for at, family in enumerate(FAMILIES) if not np.isnan(together[number, at])} == set(alone)
        for family, bits in alone.items():
            assert together[number, FAMILIES.index(family)] == pytest.approx(bits, abs=1e-3)


def test_what_cannot_reach_the_bound_is_left_out_and_nothing_else_is():
    of = drawn(declared=False)
    candidates = propose(of)
    groups = Groups.of(of, candidates.members, candidates.starts)
    for column in of.columns:
        whole = many_bits(column, groups, np.full(len(candidates), -np.inf))
        least = 2.0 * groups.size
        bounded = many_bits(column, groups, least)
        assert whole == pytest.approx([column_bits(column, Group(of, candidate.members)) for candidate in candidates])
        reaching = whole >= least
        assert bounded[reaching] == pytest.approx(whole[reaching], abs=4.0)  # the models that cannot reach it count as nothing
        assert (bounded[~reaching] < least[~reaching]).all()


def test_compiled_urns_are_the_formula():
    of = drawn(declared=False)
    column = next(column for column in of.columns if column.aspect.name == "client")
    group = Group(of, np.arange(0, 400, 3))
    _, counts, share = group.present(column, column.codings[0])
    alone = urn_bits(counts, share, (1.0, 16.0, 256.0))
    assert column_bits(column, group) == pytest.approx(float(np.log2(np.exp2(alone - alone.max()).mean()) + alone.max()))
