"""What the harvest axis promises: a training set is told from ordinary traffic, and what cannot be seen is left out."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import call, calls, population, positions

from stillhunt.campaigns.harvest import LEAST_CALLS, judge, traits

POOL = [f"p{number:02d}" for number in range(6)]
PEOPLE = [f"z{number:03d}" for number in range(120)]
ACCOUNTS = sorted(POOL + PEOPLE)


def ordinary(account, number, rng):
    """A person: chats of several turns, now and then the same question again, short answers."""
    rows = []
    for talk in range(10):
        rows += [
            call(
                account,
                talk * 20 + turn,
                prompt_hash=number * 1000 + int(rng.integers(40)),
                conversation_id=f"{account}-{talk}",
                message_count=2 * turn + 1,
                output_tokens=int(rng.integers(20, 300)),
                http_status=200,
                sketch=[number],
            )
            for turn in range(3)
        ]
    return rows


def harvested(account, number, **changes):
    """A pool's account: each request once, alone, answered at length."""
    plain = {"message_count": 1, "output_tokens": 900, "http_status": 200, "sketch": [77]}
    return [call(account, hour, **{**plain, "prompt_hash": 10**9 + number * 1000 + hour, **changes}) for hour in range(30)]


def world(engine, pool_rows, instructed=1.0):
    rng = np.random.default_rng(1)
    rows = [row for number, account in enumerate(PEOPLE) for row in ordinary(account, number, rng)]
    rows += [row for number, account in enumerate(POOL) for row in pool_rows(account, number)]
    engine.attach("calls", calls(rows))
    seen = [(account, "template.gram", "77", instructed) for account in POOL if instructed]
    seen += [(account, "template.gram", str(number), 0.2) for number, account in enumerate(PEOPLE)]
    of = population(ACCOUNTS, seen)
    return of, traits(engine, of)


def verdict(engine, pool_rows, instructed=1.0):
    of, own = world(engine, pool_rows, instructed)
    return judge(engine, of, positions(of, POOL), own)


def test_a_training_set_is_as_rare_as_the_population_can_show(engine):
    found = verdict(engine, harvested)
    assert found.visible
    assert found.quantities == {"fresh": 1.0, "single": 1.0, "instructed": 1.0, "answered": 900.0}
    assert found.as_extreme == pytest.approx(1 / (1 + len(PEOPLE)))
    assert found.log10_evidence == pytest.approx(np.log10(0.5 * np.sqrt(1 + len(PEOPLE))))
    assert found.ordinary == ()


def test_requests_that_repeat_are_no_training_set(engine):
    found = verdict(engine, lambda account, number: harvested(account, number, prompt_hash=5))
    assert found.quantities["fresh"] == pytest.approx(1 / 180)
    assert "fresh" in found.ordinary
    assert found.as_extreme == 1.0
    assert found.log10_evidence < 0


def test_two_accounts_that_work_off_one_list_are_not_fresh_together(engine):
    found = verdict(engine, lambda account, number: harvested(account, 0))
    assert found.quantities["fresh"] == pytest.approx(1 / len(POOL))


def test_short_answers_are_no_training_set(engine):
    found = verdict(engine, lambda account, number: harvested(account, number, output_tokens=3))
    assert "answered" in found.ordinary
    assert found.log10_evidence < 0


def test_refused_calls_were_not_answered(engine):
    found = verdict(engine, lambda account, number: [*harvested(account, number), *harvested(account, 0, prompt_hash=1, http_status=429)])
    assert found.quantities["fresh"] == 1.0
    assert found.quantities["answered"] == 900.0


def test_conversations_are_not_one_shot_by_turns_or_by_conversation(engine):
    turns = verdict(engine, lambda account, number: harvested(account, number, message_count=7))
    assert turns.quantities["single"] == 0.0
    talks = verdict(engine, lambda account, number: harvested(account, number, conversation_id=account))
    assert talks.quantities["single"] == 0.0
    own = verdict(engine, lambda account, number: [{**row, "conversation_id": row["interaction_id"]} for row in harvested(account, number)])
    assert own.quantities["single"] == 1.0


def test_without_content_nothing_is_claimed_about_freshness(engine):
    found = verdict(engine, lambda account, number: harvested(account, number, prompt_hash=None))
    assert not found.visible
    assert "fresh" not in found.quantities
    assert found.quantities["answered"] == 900.0


def test_answers_are_measured_in_characters_where_tokens_are_not_logged(engine):
    found = verdict(engine, lambda account, number: harvested(account, number, output_tokens=None, response_chars=4000))
    assert found.quantities["answered"] == 1000.0


def test_accounts_with_few_calls_are_no_measure_of_what_is_usual(engine):
    of, own = world(engine, harvested)
    own.calls[[of.position[account] for account in PEOPLE]] = LEAST_CALLS - 1
    assert judge(engine, of, positions(of, POOL), own).as_extreme == 1.0


def test_traits_are_counted_for_each_account(engine):
    of, own = world(engine, harvested)
    at = of.position["p00"]
    assert (own.calls[at], own.days[at], own.tokens[at]) == (30, 2, 27_000)
    assert (own.fresh[at], own.single[at], own.instructed[at]) == (1.0, 1.0, 1.0)
    other = of.position["z000"]
    assert own.single[other] == 0.0
    assert 0 < own.fresh[other] < 1
    assert own.instructed[other] == pytest.approx(0.2)


def test_only_what_three_entities_send_is_public(engine):
    seen = [(account, "identical.request", "1/0", 0.5) for account in POOL[:3]] + [
        (account, "identical.request", "2/0", 0.25) for account in POOL[:2]
    ]
    engine.attach("calls", calls([call(account) for account in POOL]))
    own = traits(engine, population(POOL, seen))
    assert own.collided.tolist() == [0.5, 0.5, 0.5, 0, 0, 0]
    declared = traits(engine, population(POOL, seen, dict.fromkeys(POOL[:3], "one company")))
    assert declared.collided.tolist() == [0] * 6
