"""What the client channel promises."""

from __future__ import annotations

from handmade import call, look

from stillhunt.channels.client import CHANNEL


def test_the_shape_of_most_calls_counts_and_carries_its_label():
    calls = [call("a", hour, client_shape=11, client_label="library 1.2") for hour in range(3)]
    calls += [call("a", 4, client_shape=22, client_label="curl 8"), call("b", 1, client_shape=-5)]
    seen = look(CHANNEL, calls)
    assert seen.values("client.shape") == {"a": "library 1.2 #11", "b": " #-5"}
    assert [row["share"] for row in seen.of("client.shape")] == [0.75, 1.0]


def test_clients_of_one_label_and_different_shapes_stay_apart():
    seen = look(CHANNEL, [call("a", client_shape=1, client_label="library"), call("b", client_shape=2, client_label="library")])
    assert len(set(seen.values("client.shape").values())) == 2


def test_calls_without_a_visible_client_are_not_observed():
    seen = look(CHANNEL, [call("a"), call("a", client_shape=3), call("b", client_label="a label alone")])
    assert seen.values("client.shape") == {"a": " #3"}
    assert seen.of("client.shape")[0]["share"] == 1.0


def test_parameters_are_compared_to_the_last_value():
    calls = [call("a", parameters_hash=7), call("a", parameters_hash=7), call("a", parameters_hash=8), call("b", parameters_hash=7)]
    assert look(CHANNEL, calls).values("client.parameters") == {"a": "7", "b": "7"}


def test_an_account_of_many_clients_keeps_the_one_that_makes_most_of_its_calls():
    calls = [call("a", hour, client_shape=9 if hour % 2 else 100 + hour, client_label="x") for hour in range(60)]
    (row,) = look(CHANNEL, calls).of("client.shape")
    assert (row["value"], row["occurrences"], row["share"]) == ("x #9", 30, 0.5)


def test_description_is_the_label_or_says_which_shape():
    assert CHANNEL.describe("client.shape", "library #1, forked #42") == "the client library #1, forked"
    assert CHANNEL.describe("client.shape", " #-5") == "the client shape -5"
    assert "42" not in CHANNEL.describe("client.parameters", "42")
