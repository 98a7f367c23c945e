"""Personal values leave intake as keyed pseudonyms or as parts too coarse to name anybody."""

from __future__ import annotations

import hashlib
import re

import pyarrow as pa
import pytest

from stillhunt.errors import StillhuntError
from stillhunt.intake import privacy
from stillhunt.intake.privacy import Pseudonyms

KEY = bytes(range(32))


def column(*values):
    return pa.array(values, pa.string())


@pytest.mark.parametrize("kind", ["emails", "phones", "cards", "users", "addresses"])
def test_a_pseudonym_is_a_kind_and_128_bits_and_depends_on_the_key(kind):
    values = column("198.51.100.7", None, "", "   ")
    mine, theirs = (getattr(Pseudonyms(key), kind)(values).to_pylist() for key in (KEY, privacy.new_key()))
    assert re.fullmatch(r"(mail|tel|card|user|ip):[0-9a-f]{32}", mine[0])
    assert mine[0] != theirs[0]
    assert mine[1:] == [None, None, None]
    assert mine == getattr(Pseudonyms(KEY), kind)(values).to_pylist()


def test_the_pseudonym_is_the_documented_one():
    digest = hashlib.blake2b(b"berry@example.com", digest_size=16, key=KEY, person=b"stillhunt:mail").hexdigest()
    assert Pseudonyms(KEY).emails(column(" Berry@Example.COM ")).to_pylist() == [f"mail:{digest}"]


def test_kinds_do_not_share_pseudonyms():
    pseudonyms, value = Pseudonyms(KEY), column("12345678")
    found = {getattr(pseudonyms, k)(value)[0].as_py().partition(":")[2] for k in ("emails", "phones", "cards", "users", "addresses")}
    assert len(found) == 5


def same(method, *values):
    return len(set(getattr(Pseudonyms(KEY), method)(column(*values)).to_pylist())) == 1


def test_spellings_of_one_value_get_one_pseudonym():
    assert same("emails", "a.b+c@example.org", "A.B+C@EXAMPLE.ORG", " a.b+c@example.org\n")
    assert same("phones", "+1 (202) 555-0143", "0012025550143", "1-202-555-0143", "tel 12025550143")
    assert same("addresses", "2001:db8::1", "[2001:DB8:0::1]:443", "2001:db8::1%eth0")
    assert same("addresses", "192.0.2.1", "192.0.2.1:5060", "::ffff:192.0.2.1", "192.0.2.1, 198.51.100.2", "for=192.0.2.1")


def test_different_values_stay_different():
    assert not same("emails", "a.b@example.org", "ab@example.org")
    assert not same("emails", "ab+1@example.org", "ab@example.org")
    assert not same("phones", "token_ab12", "token_cd12")
    assert not same("users", "Anna", "anna")


@pytest.mark.parametrize(
    ("value", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("192.0.2.77:8080", "192.0.2.0/24"),
        ("::ffff:198.51.100.9", "198.51.100.0/24"),
        ("2001:db8:aa:bb::1", "2001:db8:aa::/48"),
        ("[2001:db8:aa:bb::1]:443", "2001:db8:aa::/48"),
        ("203.0.113.5, 192.0.2.1", "203.0.113.0/24"),
        ("unknown, 203.0.113.5", "203.0.113.0/24"),
        ("-", None),
        ("unknown", None),
        ("", None),
        ("999.1.1.1", None),
        ("8f14e45fceea167a", None),
    ],
)
def test_prefixes(value, network):
    assert privacy.prefix(value) == network


@pytest.mark.parametrize(
    ("email", "domain", "shape"),
    [
        ("winter.berry07@Example.COM", "example.com", "a6.a5d2"),
        ("Müller-4711+x@mail.example.org.", "mail.example.org", "a6-d4+a1"),
        ("a__b@example.net", "example.net", "a1__a1"),
        ('"odd@local"@example.net', "example.net", '"a3@a5"'),
        ("no address", None, None),
        ("@example.net", None, None),
        ("x@", None, "a1"),
        ("", None, None),
    ],
)
def test_domain_and_shape_of_an_email(email, domain, shape):
    assert (privacy.email_domain(email), privacy.email_shape(email)) == (domain, shape)


def test_a_shape_cannot_carry_the_address():
    assert privacy.email_shape("a1" * 500 + "@example.org") == "a1d1" * 16


@pytest.mark.parametrize(
    "plain",
    [
        "OpenAI/Python 1.51.0",
        "Mozilla/5.0 (X11; Linux x86_64; rv:124.0) Gecko/20100101 Firefox/124.0",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.109 Safari/537.36",
        "python-requests/2.31.0 Linux-5.15.0-1050-aws-x86_64-with-glibc2.31",
    ],
)
def test_an_ordinary_user_agent_stays(plain):
    assert privacy.user_agent(plain) == plain


@pytest.mark.parametrize(
    "secret",
    [
        "winter.berry@example.com",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "0123456789abcdef0123",
        "sk-AbCdEfGhIjKlMnOpQrSt",
        "user493028471",
        "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA",
    ],
)
def test_ids_in_a_user_agent_are_masked(secret):
    found = privacy.user_agent(f"MyApp/1.2 ({secret}) Linux")
    assert secret not in found
    assert found.startswith("MyApp/1.2 (")
    assert found.endswith(") Linux")


def test_a_user_agent_is_cut_and_an_empty_one_is_null():
    assert len(privacy.user_agent("Agent/1.0 " * 5000)) == 256
    assert privacy.user_agent(" \t ") is None


def test_a_mask_at_the_cut_leaves_no_half_of_a_secret():
    found = privacy.user_agent("x/1 " * 62 + "0123456789abcdef0123456789abcdef")
    assert "0123456789" not in found


def test_keys():
    key = privacy.new_key()
    assert len(key) == 32
    assert key != privacy.new_key()
    assert re.fullmatch(r"[0-9a-f]{16}", privacy.key_id(key))
    assert privacy.key_id(key) != privacy.key_id(KEY)
    assert privacy.key_id(key) not in key.hex()
    long = bytes(200)
    assert Pseudonyms(long).of("user", "x") != Pseudonyms(long[:64]).of("user", "x")


@pytest.mark.parametrize("action", [Pseudonyms, privacy.key_id])
def test_a_short_key_is_refused_with_what_to_do(action):
    with pytest.raises(StillhuntError, match=r"5 bytes.*16.*new_key"):
        action(b"short")


def test_each_distinct_value_is_handled_once():
    seen = []
    values = pa.chunked_array([column("a", "b", None), column("a", "a")])
    assert privacy.over_unique(values, lambda v: seen.append(v) or v.upper()).to_pylist() == ["A", "B", None, "A", "A"]
    assert sorted(seen) == ["a", "b"]
