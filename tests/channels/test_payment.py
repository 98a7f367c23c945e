"""What the payment channel promises."""

from __future__ import annotations

from handmade import call, look

from stillhunt.channels.payment import CHANNEL


def test_each_known_card_of_whoever_calls_is_one_observation():
    people = [
        {"account_id": "a", "payment_fingerprint": "card:1"},
        {"account_id": "b", "payment_fingerprint": "card:1"},
        {"account_id": "silent", "payment_fingerprint": "card:2"},
        {"account_id": "cash"},
    ]
    seen = look(CHANNEL, [call("a"), call("b"), call("cash")], people)
    assert seen.values("payment.card") == {"a": "card:1", "b": "card:1"}
    assert [row["occurrences"] for row in seen.rows] == [1, 1]


def test_description_shows_no_more_of_the_pseudonym_than_tells_cards_apart():
    words = CHANNEL.describe("payment.card", "card:0123456789abcdef0123456789abcdef")
    assert words.startswith("payment card card:01234567")
    assert "9abcdef" not in words
