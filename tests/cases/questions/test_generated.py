"""The second question: which machinery made the calls, in how many parts and at which hours, from a frozen campaign and from figures made
by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stillhunt.cases.material import Material
from stillhunt.cases.questions import clocks, generated, likelihood
from stillhunt.cases.questions.blocks import Blocks, Crossing
from stillhunt.cases.questions.customers import Carried
from stillhunt.cases.questions.generated import DISPATCHER, HANDS, PARTS, PRIORS, PROGRAMS, Seen, _evidence, _summary
from stillhunt.cases.questions.sharding import dealt
from stillhunt.records.cases import Answer, Likelihood

NAN = float("nan")
NOTHING = Seen(
    accounts=60,
    queue=float("-inf"),
    tied=0.0,
    dealt=None,
    split=Blocks(None, (), 1.0, np.full(60, -1)),
    crossing=None,
    phases=[],
    handovers=None,
    night=None,
    awake=NAN,
    carried=Carried(0, NAN, NAN, NAN, NAN),
)


@pytest.fixture(scope="module")
def answered(material: Material) -> Answer:
    return generated.answer(material)


def _judged(seen: Seen) -> dict[str, float]:
    return likelihood.posterior(generated._evidence(seen), PRIORS)


def test_a_queue_behind_sixty_accounts_is_called_one_dispatcher(answered: Answer) -> None:
    by_name = {one.name: one for one in answered.hypotheses}
    assert set(by_name) == set(PRIORS)
    assert by_name[DISPATCHER].likelihood in (Likelihood.VERY_LIKELY, Likelihood.ALMOST_CERTAIN)
    assert by_name[HANDS].likelihood is Likelihood.ALMOST_NO_CHANCE


def test_all_calls_and_accounts_are_in_the_tables(material: Material, answered: Answer) -> None:
    calls = int(material.sight.digest.calls[material.members].sum())
    assert sum(row["calls"] for row in answered.tables["hours"]) == calls
    assert sum(row["calls"] for row in answered.tables["clients"]) == calls
    assert answered.tables["groups"][0]["accounts"] == 60
    for rows in answered.tables.values():
        assert len({tuple(row) for row in rows}) == 1  # the same columns in every row


def test_a_pool_that_calls_at_all_hours_is_given_no_offset(answered: Answer) -> None:
    assert answered.tables["groups"][0]["offsets"] == ""
    assert "around the clock" in answered.summary


def test_the_same_case_always_gives_the_same_answer(material: Material, answered: Answer) -> None:
    assert generated.answer(material) == answered


def test_without_anything_to_see_every_hypothesis_keeps_its_prior() -> None:
    assert _judged(NOTHING) == pytest.approx(PRIORS)


def test_groups_that_hand_nothing_across_are_sub_operators() -> None:
    split = Blocks(0.001, ("software", "time"), 2.0, np.repeat([0, 1], 30))
    found = _judged(replace(NOTHING, split=split, crossing=Crossing(80, 0, 40.0, 0.001), queue=20.0))
    assert max(found, key=lambda name: found[name]) == PARTS
    one = _judged(replace(NOTHING, split=split, crossing=Crossing(80, 41, 40.0, 0.6), queue=20.0, tied=1.0))
    assert max(one, key=lambda name: one[name]) == DISPATCHER


def test_timers_on_accounts_that_know_nothing_of_one_another_are_programs() -> None:
    timed = [clocks.Phase("hour", 60, 60, 0.7, 0.4)]
    found = _judged(replace(NOTHING, queue=-0.3, phases=timed, awake=1.0))
    assert max(found, key=lambda name: found[name]) == PROGRAMS


def test_people_are_not_ruled_out_by_a_night() -> None:
    found = _judged(replace(NOTHING, queue=-0.3, awake=0.0, dealt=dealt(150, 400, 0)))
    assert found[HANDS] >= PRIORS[HANDS]


def test_offsets_are_told_in_runs() -> None:
    assert generated.night_words(clocks.Quiet(22, 0.03, (-3, -2, -1, 0, 12))).endswith("-3 to +0, +12 hours")


def test_a_rate_that_is_not_steady_is_not_told_as_steady():
    (steady,) = _evidence(replace(NOTHING, queue=4.0))
    (plain,) = _evidence(replace(NOTHING, queue=-0.5))
    assert "steadier than independent accounts' (1 in 10,000 by chance), as one queue makes it" in steady.text
    assert "no steadier than independent accounts' (against, 3.1 to 1)" in plain.text
    assert "queue" not in plain.text


def test_nothing_seen_is_nothing_claimed():
    assert _evidence(NOTHING) == []
    assert _summary(dict.fromkeys(PRIORS, 0.25), NOTHING).startswith("No answer stands out.")
