"""What weighing promises of the pace of an instruction: one scheduler's is evidence of conduct, everybody's own is not."""

from __future__ import annotations

import numpy as np
import pytest

from stillhunt.channels import Observed
from stillhunt.channels.template import CHANNEL
from stillhunt.pools.carrying import carrying
from stillhunt.pools.population import Population, survey
from stillhunt.pools.weighing import seen_from, weigh

DAY0 = 1_898_812_800_000_000
GROUP = 40
MEMBERS = np.arange(GROUP)
SOFTWARE = frozenset({"software"})


def shown(account, gram, times, days):
    return account, int(gram), times, round(days * 8.64e10)


def survey_of(shows) -> Population:
    accounts = sorted({account for account, *_ in shows})
    shows = sorted(shows, key=lambda one: one[0])
    at = np.array([accounts.index(account) for account, *_ in shows])
    grams, times, spans = (np.array([one[part] for one in shows], dtype=np.int64) for part in (1, 2, 3))
    first = np.full(len(shows), DAY0)
    return survey([Observed("template.gram", at, grams, first, first + spans, times, np.full(len(shows), 0.3))], [CHANNEL], None, accounts)


def drawn(pace, others=1000) -> Population:
    """Forty accounts with three grams of one instruction, among others whose instructions are their own; `pace` in times a day."""
    rng = np.random.default_rng(0)
    own = [shown(f"a{number:04d}", f"-{gram}", round(pace(rng) * 10) + 1, 10.0) for number in range(GROUP) for gram in (7001, 7002, 7003)]
    strangers = [shown(f"z{number:04d}", str(number), round(any_pace(rng) * 10) + 1, 10.0) for number in range(others)]
    return survey_of(own + strangers)


def any_pace(rng):
    return 2 ** rng.uniform(0, 6)


def test_one_instruction_at_one_pace_testifies_for_conduct():
    weighing = weigh(drawn(lambda rng: 20 * rng.uniform(0.95, 1.05)), MEMBERS, {}, SOFTWARE)
    assert set(weighing.families) == {"conduct"}
    assert weighing.families["conduct"] > 60
    assert "template.pace" in weighing.columns
    assert weighing.granted["template.pace"] == 2.0 * GROUP


def test_users_of_one_framework_at_their_own_paces_do_not():
    weighing = weigh(drawn(any_pace), MEMBERS, {}, SOFTWARE)
    assert set(weighing.families) == {"conduct"}
    assert weighing.families["conduct"] <= 0.0


def test_the_pace_is_conducts_and_goes_with_it():
    of = drawn(lambda rng: 20.0)
    both = frozenset({"software", "conduct"})
    assert weigh(of, MEMBERS, {}, both).families == {}
    assert [column.aspect.name for column in seen_from(of, MEMBERS)[0]] == ["template.gram", "template.pace"]
    assert [column.family for column in seen_from(of, MEMBERS)[0]] == ["software", "conduct"]
    assert [column.aspect.name for column in seen_from(of, MEMBERS, without=frozenset({"conduct"}))[0]] == ["template.gram"]


def test_an_instruction_that_proposed_a_group_is_no_gram_for_it_but_its_pace_is_seen():
    columns, grams = seen_from(drawn(lambda rng: 20.0), MEMBERS, without=SOFTWARE)
    assert [column.aspect.name for column in columns] == ["template.pace"]
    assert grams == []


def test_an_account_that_carries_the_instruction_has_its_pace_and_any_other_its_own_most_frequent_one():
    shows = [shown(f"a{number:04d}", "-7", 81, 10.0) for number in range(GROUP)]
    shows += [shown(f"a{number:04d}", "5", 641, 10.0) for number in range(10)]  # ten of the group have a busier job beside it
    shows += [shown(f"z{number:04d}", str(100 + number), 21, 10.0) for number in range(500)]
    shows += [shown(f"z{number:04d}", str(1000 + number), 41, 10.0) for number in range(500)]
    of = survey_of(shows)
    found = carrying(of.sets[0], of, MEMBERS)
    assert found.values == ["-7"]
    assert found.pace.numbers_of(MEMBERS) == pytest.approx(np.full(GROUP, 3.0))
    assert found.pace.numbers_of(np.arange(GROUP, GROUP + 500)) == pytest.approx(np.full(500, 2.0))


def test_without_paces_there_is_no_column_of_them():
    shows = [shown(f"a{number:04d}", "-7", 7, 10.0) for number in range(GROUP)]
    shows += [shown(f"z{number:04d}", str(number), 100, 0.0) for number in range(500)]
    of = survey_of(shows)
    assert carrying(of.sets[0], of, MEMBERS).pace is None
    assert weigh(of, MEMBERS, {}, SOFTWARE).families == {}


@pytest.mark.parametrize(("times", "days", "pace"), [(8, 7.0, 0.0), (41, 10.0, 2.0), (7, 7.0, None), (8, 0.0, None), (65, 2.0, 5.0)])
def test_a_pace_is_of_the_pauses_between_the_first_and_the_last_time(times, days, pace):
    (sets,) = survey_of([shown("a", "1", times, days)]).sets
    assert sets.paces == pytest.approx([np.nan if pace is None else pace], nan_ok=True)
    assert sets.paces.shape == sets.accounts.shape


def test_paces_stay_beside_their_accounts_and_values():
    (sets,) = survey_of([shown("b", "2", 17, 1.0), shown("a", "1", 65, 1.0), shown("b", "3", 5, 1.0), shown("a", "2", 9, 1.0)]).sets
    seen = {
        (int(account), sets.names[int(value)].as_py()): float(pace)
        for account, value, pace in zip(sets.accounts, sets.values, sets.paces, strict=True)
    }
    assert seen == {(1, 2): 4.0, (0, 1): 6.0, (1, 3): pytest.approx(np.nan, nan_ok=True), (0, 2): 3.0}
