"""What the two queries that most channels are made of promise."""

from __future__ import annotations

from handmade import at, attach, call

from stillhunt.channels.queries import account_value, dominant_value


def test_the_most_frequent_value_is_observed_with_its_own_span_and_share(engine):
    calls = [
        call("a", 1, surface="api"),
        call("a", 5, surface="chat"),
        call("a", 9, surface="api"),
        call("a", 99),
        call("a", 2, surface="api"),
    ]
    attach(engine, calls)
    (row,) = engine.fetch(dominant_value("x", "surface")).to_pylist()
    assert (row["value"], row["occurrences"], row["share"]) == ("api", 3, 0.75)
    assert (row["first_at"], row["last_at"]) == (at(1), at(9))


def test_a_tie_goes_to_the_first_by_name_whatever_the_order_of_calls(engine):
    for order in (["b", "a"], ["a", "b"]):
        attach(engine, [call("one", hour, surface=surface) for hour, surface in enumerate(order)])
        assert engine.fetch(dominant_value("x", "surface"))["value"].to_pylist() == ["a"]


def test_accounts_whose_calls_never_show_a_value_are_not_observed(engine):
    attach(engine, [call("a"), call("a")])
    assert engine.fetch(dominant_value("x", "surface")).num_rows == 0


def test_what_stands_on_an_account_is_observed_once_and_dated_by_its_sign_up(engine):
    attach(engine, [call("a"), call("a")], [{"account_id": "a", "plan": "pro", "created_at": at(-30)}, {"account_id": "b"}])
    (row,) = engine.fetch(account_value("x", "plan")).to_pylist()
    assert (row["account_id"], row["value"], row["occurrences"], row["share"]) == ("a", "pro", 1, 1.0)
    assert row["first_at"] == row["last_at"] == at(-30)
