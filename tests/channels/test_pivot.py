"""What the pivot channel promises."""

from __future__ import annotations

from handmade import call, look

from stillhunt.channels.pivot import CHANNEL

ASPECT = "pivot.model"


def uses(account, model, begin, count, step=1.0):
    return [call(account, begin + step * number, request_model=model) for number in range(count)]


def test_accounts_that_turn_within_the_same_six_hours_share_a_value():
    calls = []
    for account, turn in {"a": 48.5, "b": 53.0, "c": 54.5}.items():
        calls += uses(account, "old", 1, 5) + uses(account, "new", turn, 5)
    values = look(CHANNEL, calls).values(ASPECT)
    assert values["a"] == values["b"] != values["c"]
    assert values["a"].startswith("new@")


def test_an_account_that_knows_only_one_model_has_not_turned():
    assert look(CHANNEL, uses("a", "new", 1, 20)).rows == []


def test_models_used_from_the_first_call_on_are_no_turn():
    calls = uses("a", "old", 1, 5) + uses("a", "new", 1, 5)
    assert look(CHANNEL, calls).rows == []


def test_trying_a_model_is_no_pivot():
    few = uses("a", "old", 1, 5) + uses("a", "new", 48, 2)
    assert look(CHANNEL, few).rows == []
    beside = uses("a", "old", 1, 40, step=5) + uses("a", "new", 48.5, 10, step=5)
    assert look(CHANNEL, beside).rows == []


def test_a_model_that_is_tried_later_does_not_hide_the_pivot():
    calls = uses("a", "old", 1, 5) + uses("a", "new", 48, 20) + uses("a", "toy", 80, 1)
    assert look(CHANNEL, calls).values(ASPECT)["a"].startswith("new@")


def test_of_two_turns_the_last_counts():
    calls = uses("a", "old", 1, 5) + uses("a", "newer", 48, 5) + uses("a", "newest", 96, 9)
    row = look(CHANNEL, calls).of(ASPECT)
    assert [one["value"].split("@")[0] for one in row] == ["newest"]
    assert (row[0]["occurrences"], row[0]["share"]) == (9, 1.0)


def test_share_is_of_the_calls_since_the_turn():
    calls = uses("a", "old", 1, 5) + uses("a", "new", 48, 6) + uses("a", "old", 60, 2)
    assert look(CHANNEL, calls).of(ASPECT)[0]["share"] == 0.75


def test_calls_without_a_model_are_left_out():
    calls = uses("a", None, 1, 5) + uses("a", "new", 48, 5)
    assert look(CHANNEL, calls).rows == []


def test_description_names_the_model_alone():
    assert CHANNEL.describe(ASPECT, "heron@2@80000") == "a turn to the model heron@2 within the same six hours"
