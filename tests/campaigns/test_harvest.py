"""What the harvest axis promises: a training set is told from ordinary traffic, and what cannot be seen is left out."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import call, digest, observed, population, positions

from stillhunt.campaigns.harvest import LEAST_CALLS, judge, traits
from stillhunt.channels.digest.kernels import LEAST_UNITS

POOL = [f"p{number:02d}" for number in range(6)]
PEOPLE = [f"z{number:03d}" for number in range(120)]
ACCOUNTS = sorted(POOL + PEOPLE)
CALLS = 22  # of an account of the pool: enough to be judged, and all of them in the digest's sample
assert LEAST_CALLS <= CALLS < LEAST_UNITS


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
    return [call(account, hour, **{**plain, "prompt_hash": 10**9 + number * 1000 + hour, **changes}) for hour in range(CALLS)]


def digested(pool_rows):
    """The digest of people and of a pool."""
    rng = np.random.default_rng(1)
    rows = [row for number, account in enumerate(PEOPLE) for row in ordinary(account, number, rng)]
    return digest(rows + [row for number, account in enumerate(POOL) for row in pool_rows(account, number)])


def judged(of_calls, seen, declared=None):
    """(population, traits) of the accounts of a digest, of which `seen` was observed."""
    of = population(of_calls.accounts, seen, declared)
    return of, traits(of_calls, of, observed(of_calls.accounts, seen))


def world(pool_rows, instructed=1.0):
    seen = [(account, "template.gram", "77", instructed) for account in POOL if instructed]
    seen += [(account, "template.gram", str(number), 0.2) for number, account in enumerate(PEOPLE)]
    of_calls = digested(pool_rows)
    return of_calls, *judged(of_calls, seen)


def verdict(pool_rows, instructed=1.0):
    of_calls, of, own = world(pool_rows, instructed)
    return judge(of_calls, of, positions(of, POOL), own)


def test_a_training_set_is_as_rare_as_the_population_can_show():
    found = verdict(harvested)
    assert found.visible
    assert found.quantities == {"fresh": 1.0, "single": 1.0, "instructed": 1.0, "answered": 900.0}
    assert found.as_extreme == pytest.approx(1 / (1 + len(PEOPLE)))
    assert found.log10_evidence == pytest.approx(np.log10(0.5 * np.sqrt(1 + len(PEOPLE))))
    assert found.ordinary == ()


def test_requests_that_repeat_are_no_training_set():
    found = verdict(lambda account, number: harvested(account, number, prompt_hash=5))
    assert found.quantities["fresh"] == pytest.approx(1 / (len(POOL) * CALLS))
    assert "fresh" in found.ordinary
    assert found.as_extreme == 1.0
    assert found.log10_evidence < 0


def test_two_accounts_that_work_off_one_list_are_not_fresh_together():
    found = verdict(lambda account, number: harvested(account, 0))
    assert found.quantities["fresh"] == pytest.approx(1 / len(POOL))


def test_short_answers_are_no_training_set():
    found = verdict(lambda account, number: harvested(account, number, output_tokens=3))
    assert "answered" in found.ordinary
    assert found.log10_evidence < 0


def test_refused_calls_were_not_answered():
    found = verdict(lambda account, number: [*harvested(account, number), *harvested(account, 0, prompt_hash=1, http_status=429)])
    assert found.quantities["fresh"] == 1.0
    assert found.quantities["answered"] == 900.0


def test_conversations_are_not_one_shot_by_turns_or_by_conversation():
    turns = verdict(lambda account, number: harvested(account, number, message_count=7))
    assert turns.quantities["single"] == 0.0
    talks = verdict(lambda account, number: harvested(account, number, conversation_id=account))
    assert talks.quantities["single"] == 0.0
    own = verdict(lambda account, number: [{**row, "conversation_id": row["interaction_id"]} for row in harvested(account, number)])
    assert own.quantities["single"] == 1.0


def test_without_content_nothing_is_claimed_about_freshness():
    found = verdict(lambda account, number: harvested(account, number, prompt_hash=None))
    assert not found.visible
    assert "fresh" not in found.quantities
    assert found.quantities["answered"] == 900.0


def test_answers_are_measured_in_characters_where_tokens_are_not_logged():
    found = verdict(lambda account, number: harvested(account, number, output_tokens=None, response_chars=4000))
    assert found.quantities["answered"] == 1000.0


def test_accounts_with_few_calls_are_no_measure_of_what_is_usual():
    of_calls, of, own = world(harvested)
    own.calls[[of.position[account] for account in PEOPLE]] = LEAST_CALLS - 1
    assert judge(of_calls, of, positions(of, POOL), own).as_extreme == 1.0


def test_traits_are_counted_for_each_account():
    of_calls, of, own = world(harvested)
    at = of.position["p00"]
    assert (own.calls[at], of_calls.days[at], of_calls.tokens[at]) == (CALLS, 1, CALLS * 900)
    assert (own.fresh[at], own.single[at], own.instructed[at]) == (1.0, 1.0, 1.0)
    assert (own.ended[at] - own.began[at]) * 24 == pytest.approx(CALLS - 1)
    assert own.until == of_calls.last.max() / 8.64e10
    other = of.position["z000"]
    assert own.single[other] == 0.0
    assert own.instructed[other] == pytest.approx(0.2)
    assert (own.top[at], own.top[other]) == (77, 0)


def test_an_account_that_asks_again_is_less_fresh_and_turns_of_a_conversation_are_requests_of_their_own():
    plain = {"http_status": 200, "message_count": 1}
    again = [call("a", hour, prompt_hash=hour % 5, **plain) for hour in range(20)]
    talk = [call("b", hour, prompt_hash=1, conversation_id="talk", **plain) for hour in range(20)]
    both = [*(call("c", hour, prompt_hash=7, **plain) for hour in range(6)), *({**row, "account_id": "c"} for row in talk[:4])]
    _, own = judged(digest(again + talk + both), [])
    assert own.fresh.tolist() == [5 / 20, 1.0, (1 + 4) / 10]


def test_only_what_three_entities_send_is_public():
    seen = [(account, "identical.request", "1", 0.5) for account in POOL[:3]]
    seen += [(account, "identical.request", "2", 0.25) for account in POOL[:2]]
    of_calls = digest([call(account) for account in POOL])
    assert judged(of_calls, seen)[1].collided.tolist() == [0.5, 0.5, 0.5, 0, 0, 0]
    assert judged(of_calls, seen, dict.fromkeys(POOL[:3], "one company"))[1].collided.tolist() == [0] * 6


def disguised(account, number):
    """Half of an account's calls are somebody's conversation, which repeats and is answered in a word."""
    talk = {"message_count": 5, "output_tokens": 3, "http_status": 200, "sketch": [5], "prompt_hash": 8}
    return [*harvested(account, number), *(call(account, 100 + hour, **talk) for hour in range(CALLS))]


def sliced(pool_rows, grams, seen):
    people = [(account, "template.gram", str(number), 0.2) for number, account in enumerate(PEOPLE)]
    of_calls = digested(pool_rows)
    of, own = judged(of_calls, people + [(account, "template.gram", gram, share) for account in POOL for gram, share in seen])
    return judge(of_calls, of, positions(of, POOL), own, grams)


def test_an_operator_that_hides_among_ordinary_conversation_is_judged_by_the_calls_that_carry_its_instruction():
    found = sliced(disguised, ("77",), [("77", 0.5), ("5", 0.4)])
    assert found.quantities == {"fresh": 1.0, "single": 1.0, "instructed": 0.5, "answered": 900.0}
    assert found.as_extreme == pytest.approx(1 / (1 + len(PEOPLE)))
    assert found.ordinary == ()


def test_a_pools_grams_choose_the_calls_even_where_another_gram_recurs_more():
    seen = [("77", 0.4), ("5", 0.5)]
    hidden = sliced(disguised, (), seen)
    assert hidden.quantities["fresh"] == pytest.approx(1 / (len(POOL) * CALLS))
    assert hidden.quantities["answered"] == 3.0
    assert hidden.log10_evidence < 0
    assert sliced(disguised, ("77",), seen).quantities["answered"] == 900.0
    assert sliced(disguised, ("4711", "77"), seen).quantities["answered"] == 900.0


def test_without_a_gram_of_the_pool_each_account_has_a_slice_of_its_own():
    found = sliced(disguised, (), [("77", 0.5)])
    assert (found.quantities["fresh"], found.quantities["single"], found.quantities["answered"]) == (1.0, 1.0, 900.0)


def test_accounts_in_which_nothing_recurs_are_taken_whole():
    found = sliced(disguised, (), [])
    assert found.quantities["fresh"] == pytest.approx((len(POOL) * CALLS + 1) / (2 * len(POOL) * CALLS))
    assert found.quantities["single"] == pytest.approx(0.5)
    assert found.quantities["instructed"] == 0.0


def test_unrelated_accounts_are_judged_by_their_slices_too():
    of_calls = digest([row for number, account in enumerate(POOL) for row in disguised(account, number)])
    _, own = judged(of_calls, [(account, "template.gram", "77", 0.5) for account in POOL[:3]])
    assert own.calls.tolist() == [CALLS] * 3 + [2 * CALLS] * 3
    assert own.answered[:3].tolist() == [900.0] * 3
    assert own.fresh[0] == 1.0
    assert own.fresh[5] == pytest.approx((CALLS + 1) / (2 * CALLS))
    assert own.single[[0, 5]].tolist() == [1.0, 0.5]


def test_what_the_logs_do_not_carry_is_left_out_of_a_slice_as_well():
    unseen = sliced(lambda account, number: harvested(account, number, prompt_hash=None), ("77",), [("77", 1.0)])
    assert not unseen.visible
    assert "fresh" not in unseen.quantities
    lengths = sliced(lambda account, number: harvested(account, number, output_tokens=None), ("77",), [("77", 1.0)])
    assert "answered" not in lengths.quantities
    assert lengths.quantities["fresh"] == 1.0
    nothing = sliced(disguised, ("4711",), [("77", 1.0)])  # no call of the pool carries it
    assert not nothing.visible
