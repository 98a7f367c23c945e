"""What the e-mail channel promises."""

from __future__ import annotations

from handmade import call, look

from stillhunt.channels.email import CHANNEL


def person(account, domain, shape):
    return {"account_id": account, "email_domain": domain, "email_shape": shape}


def test_a_scheme_keeps_its_joints_and_digits_while_words_vary():
    seen = look(
        CHANNEL,
        [call("a"), call("b"), call("c")],
        [person("a", "mail.example", "a6.a5d2"), person("b", "mail.example", "a11.a3d2"), person("c", "post.example", "a6.a5d3")],
    )
    assert seen.values("email.shape") == {"a": "a.ad2", "b": "a.ad2", "c": "a.ad3"}
    assert seen.values("email.domain") == {"a": "mail.example", "b": "mail.example", "c": "post.example"}


def test_accounts_without_an_address_are_not_observed():
    seen = look(CHANNEL, [call("a"), call("b")], [person("a", None, None), person("b", "mail.example", None)])
    assert seen.values("email.domain") == {"b": "mail.example"}
    assert seen.values("email.shape") == {}


def test_shapes_are_shown_as_a_person_would_write_them():
    assert CHANNEL.describe("email.shape", "a.ad2") == "e-mail addresses of the form word.word99@…"
    assert CHANNEL.describe("email.shape", "a_d14-a") == "e-mail addresses of the form word_999999999999-word@…"
    assert CHANNEL.describe("email.domain", "mail.example") == "the e-mail domain mail.example"
