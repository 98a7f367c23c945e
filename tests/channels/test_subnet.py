"""What the subnet channel promises."""

from __future__ import annotations

from handmade import call, look

from stillhunt.channels.subnet import CHANNEL


def test_the_network_of_most_calls_counts():
    calls = [call("a", client_prefix="192.0.2.0/24")] * 2 + [call("a", client_prefix="198.51.100.0/24"), call("a")]
    seen = look(CHANNEL, calls)
    assert seen.values("subnet.calls") == {"a": "192.0.2.0/24"}
    assert seen.of("subnet.calls")[0]["share"] == 2 / 3


def test_neighbouring_networks_share_the_wider_one():
    prefixes = {
        "a": "198.51.100.0/24",
        "b": "198.51.7.0/24",
        "c": "198.5.100.0/24",
        "d": "2001:db8:1::/48",
        "e": "2001:db8:ffff::/48",
        "f": "2001:db8::/48",
    }
    wide = look(CHANNEL, [call(account, client_prefix=prefix) for account, prefix in prefixes.items()]).values("subnet.wide")
    assert wide["a"] == wide["b"] != wide["c"]
    assert wide["d"] == wide["e"] == wide["f"] != wide["a"]


def test_an_account_that_rotates_within_one_wider_network_keeps_it():
    calls = [call("a", client_prefix=f"198.51.{number}.0/24") for number in range(5)] + [call("a", client_prefix="203.0.113.0/24")] * 2
    seen = look(CHANNEL, calls)
    assert seen.values("subnet.calls") == {"a": "203.0.113.0/24"}
    assert seen.values("subnet.wide") == {"a": "198.51"}


def test_calls_without_an_address_are_not_observed():
    seen = look(CHANNEL, [call("a")])
    assert seen.rows == []


def test_sign_up_country_and_kind_of_network_are_observed_where_known():
    calls = [call("a", client_prefix="192.0.2.0/24"), call("b")]
    people = [{"account_id": "a", "signup_prefix": "203.0.113.0/24", "country": "NZ"}]
    seen = look(CHANNEL, calls, people, {"192.0.2.0/24": "hosting"}.get)
    assert seen.values("subnet.signup") == {"a": "203.0.113.0/24"}
    assert seen.values("subnet.country") == {"a": "NZ"}
    assert seen.values("subnet.hosting") == {"a": "hosting"}


def test_networks_of_one_kind_count_together():
    calls = [call("a", client_prefix=f"198.51.{number}.0/24") for number in range(3)] + [call("a", client_prefix="203.0.113.0/24")] * 2
    (row,) = look(CHANNEL, calls, kind_of=lambda network: "vpn" if network.startswith("198.51.") else None).of("subnet.hosting")
    assert (row["value"], row["occurrences"], row["share"]) == ("vpn", 3, 0.6)


def test_without_ranges_no_kind_is_observed():
    assert look(CHANNEL, [call("a", client_prefix="192.0.2.0/24")]).of("subnet.hosting") == []


def test_descriptions_name_the_network():
    assert CHANNEL.describe("subnet.calls", "192.0.2.0/24") == "the network 192.0.2.0/24"
    assert CHANNEL.describe("subnet.signup", "192.0.2.0/24") == "the sign-up network 192.0.2.0/24"
    assert CHANNEL.describe("subnet.country", "NZ") == "the country NZ"
    assert "hosting" in CHANNEL.describe("subnet.hosting", "hosting")
    assert "198.51" in CHANNEL.describe("subnet.wide", "198.51")
