from __future__ import annotations

import ipaddress
import random
import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillhunt.range.machinery import SITE_KINDS, STYLES, Clients, Identities, Networks, Rates

START = 1_772_409_600.0  # Monday 2026-03-02 00:00 UTC
SYNTHETIC = [ipaddress.ip_network(block) for block in ("10.0.0.0/8", "100.64.0.0/10", "198.18.0.0/15", "2001:db8::/32")]


@pytest.mark.parametrize("kind", SITE_KINDS)
def test_every_address_lies_in_its_site_and_in_the_synthetic_plan(kind):
    networks, rng = Networks(1), random.Random(1)
    for site in [networks.site(rng, kind) for _ in range(20)] + [networks.fresh(rng, kind) for _ in range(5)]:
        blocks = [ipaddress.ip_network(prefix) for prefix in site.prefixes]
        for _ in range(20):
            address = ipaddress.ip_address(site.address(rng))
            assert any(address in block for block in blocks if block.version == address.version), (kind, address)
            assert any(address in block for block in SYNTHETIC if block.version == address.version), (kind, address)
        assert site.kind == kind


def test_a_line_keeps_its_address_most_of_the_time():
    networks, rng = Networks(1), random.Random(2)
    site = networks.site(rng, "residential")
    counts = Counter(site.address(rng) for _ in range(500))
    assert counts.most_common(1)[0][1] > 400
    assert len(counts) <= 3


def test_hundreds_of_people_share_a_carrier_and_few_share_a_home_block():
    networks, rng = Networks(1), random.Random(3)
    for kind, least, most in (("mobile", 60, 2_000), ("residential", 1, 60)):
        addresses = [networks.site(rng, kind).address(rng) for _ in range(2_000)]
        blocks = Counter(address.rpartition(".")[0] for address in addresses if "." in address)
        assert least < blocks.most_common(1)[0][1] < most, kind


def test_residential_proxies_come_from_many_blocks():
    site = Networks(1).site(random.Random(4), "proxy")
    rng = random.Random(5)
    assert len({site.address(rng) for _ in range(500)}) > 40


def test_what_is_fresh_is_nobody_elses():
    networks, rng = Networks(1), random.Random(6)
    blocks = [
        prefix
        for kind in ("office", "venue", "university", "hosting")
        for _ in range(40)
        for prefix in networks.fresh(rng, kind, prefixes=2).prefixes
    ]
    assert len(set(blocks)) == len(blocks)


def test_an_unknown_kind_of_site_is_refused():
    with pytest.raises(ValueError, match="castle"):
        Networks(1).site(random.Random(1), "castle")


def test_real_lists_give_hosters_and_exits_and_what_is_missing_is_said(tmp_path):
    (tmp_path / "infra").mkdir()
    clouds = [{"vendor": f"v{n % 3}", "cidr": f"203.0.{n}.0/24"} for n in range(60)] + [{"vendor": "v0", "cidr": "2001:db8::/48"}]
    pq.write_table(pa.Table.from_pylist(clouds), tmp_path / "infra/cloud_cidr.parquet")
    networks, rng = Networks(1, tmp_path), random.Random(1)
    assert networks.missing == ["infra/vpn_datacenter_cidr.parquet"]
    assert all(networks.site(rng, "hosting").address(rng).startswith("203.0.") for _ in range(50))
    assert networks.site(rng, "vpn").address(rng).startswith("198.1")


def test_no_client_shape_is_everybodys_and_many_are_rare():
    clients, rng = Clients(1), random.Random(1)
    drawn = [clients.developer(rng) for _ in range(3_000)]
    shapes = Counter((client.headers, tuple(name for name, _ in client.parameters), client.ja4) for client in drawn)
    assert shapes.most_common(1)[0][1] < 0.05 * 3_000
    assert sum(count == 1 for count in shapes.values()) > 0.3 * len(shapes)
    assert max(Counter(client.ja4 for client in drawn).values()) < 0.3 * 3_000


def test_headers_agree_with_the_user_agent():
    clients, rng = Clients(1), random.Random(2)
    for _ in range(300):
        for client in (clients.person(rng), clients.rare(rng), clients.named(rng, "starter")):
            assert dict(client.headers)["user-agent"] == client.user_agent
            assert len({name for name, _ in client.headers}) == len(client.headers)
            assert client.ja4.startswith("t13d")


def test_the_users_of_one_product_share_its_shape():
    clients = Clients(1)
    one = clients.named(random.Random(3), "starter")
    assert one == clients.named(random.Random(3), "starter")
    assert one.user_agent.startswith("starter/")


def test_browsers_come_from_the_list_where_there_is_one(tmp_path):
    (tmp_path / "infra").mkdir()
    agents = [{"percent": 90.0, "useragent": "Mozilla/5.0 A Firefox/1"}, {"percent": 1.0, "useragent": "Mozilla/5.0 B Chrome/2"}]
    pq.write_table(pa.Table.from_pylist(agents), tmp_path / "infra/user_agents_browsers.parquet")
    clients, rng = Clients(1, tmp_path), random.Random(1)
    counts = Counter(clients.browser(rng).user_agent for _ in range(300))
    assert [agent for agent, _ in counts.most_common()] == ["Mozilla/5.0 A Firefox/1", "Mozilla/5.0 B Chrome/2"]


def test_no_two_people_share_an_identifier():
    identities, rng = Identities(1), random.Random(1)
    people = [identities.person(rng) for _ in range(8_000)]
    for field in ("email", "phone", "card"):
        values = [value for person in people if (value := getattr(person, field))]
        assert len(set(values)) == len(values) > 1_000, field
    assert {person.email.rsplit(".", 1)[-1] for person in people} == {"example"}


def test_people_do_not_write_their_address_in_one_style():
    identities, rng = Identities(1), random.Random(2)
    locals_ = [identities.person(rng).email.split("@")[0] for _ in range(2_000)]
    shapes = Counter(re.sub("[a-z]", "a", re.sub(r"\d", "1", local)) for local in locals_)
    assert shapes.most_common(1)[0][1] < 0.15 * 2_000


def test_a_script_follows_its_scheme():
    identities, rng = Identities(1), random.Random(3)
    scheme = identities.scheme(rng)
    made = [identities.scripted(rng, scheme, "card_x") for _ in range(400)]
    domains = set(scheme.partition("@")[2].split(","))
    assert {one.email.split("@")[1] for one in made} == domains
    assert len({one.email for one in made}) == 400
    assert {one.card for one in made} == {"card_x"}
    assert identities.scripted(rng, scheme).card != identities.scripted(rng, scheme).card
    with pytest.raises(ValueError, match="scheme"):
        identities.scripted(rng, "nonsense")


def test_members_share_what_their_company_has_only_when_they_declare_it():
    identities, rng = Identities(1), random.Random(4)
    company = identities.company(rng)
    declared, silent = identities.member(rng, company), identities.member(rng, company, declared=False)
    assert declared.email.endswith(f"@{company.domain}")
    assert (declared.organization_id, declared.card) == (company.organization_id, company.card)
    assert (silent.organization_id, silent.card) == (None, None)
    campus = identities.university(rng)
    assert campus.verified
    assert identities.member(rng, campus).card is None


def test_most_people_send_few_calls_and_a_few_send_thousands():
    calls = Rates().calls(np.random.default_rng(1), 10_000, 400_000)
    assert calls.sum() == 400_000
    assert calls.min() >= 1
    assert np.median(calls) < 25
    assert calls.max() > 2_000
    assert np.sort(calls)[-1_000:].sum() > 0.4 * 400_000
    with pytest.raises(ValueError, match="fewer accounts"):
        Rates().calls(np.random.default_rng(1), 10, 5)


@pytest.mark.parametrize("style", STYLES)
def test_moments_are_sorted_inside_the_window_and_as_many_as_asked(style):
    for calls in (0, 1, 7, 3_000):
        at = Rates().moments(np.random.default_rng(2), calls, START, 14, 5.5, style)
        assert len(at) == calls
        assert np.all(np.diff(at) >= 0)
        assert np.all((at >= START) & (at < START + 14 * 86_400))


def by_hour(style: str, utc_offset: float) -> np.ndarray:
    rng, rates = np.random.default_rng(3), Rates()
    at = np.concatenate([rates.moments(rng, 120, START, 14, utc_offset, style) for _ in range(60)])
    return np.bincount((((at / 3_600) + utc_offset) % 24).astype(int), minlength=24)


@pytest.mark.parametrize("utc_offset", [-6.0, 9.0])
def test_people_sleep_at_night_where_they_live_and_machines_do_not(utc_offset):
    person, office, steady = by_hour("person", utc_offset), by_hour("office", utc_offset), by_hour("steady", utc_offset)
    assert person[2:5].mean() < 0.35 * person[9:18].mean()
    assert office[0:5].mean() < 0.1 * office[9:16].mean()
    assert steady.min() > 0.7 * steady.max()


def test_offices_rest_at_weekends():
    rng, rates = np.random.default_rng(4), Rates()
    at = np.concatenate([rates.moments(rng, 200, START, 14, 0.0, "office") for _ in range(40)])
    weekday = ((at // 86_400 + 3) % 7).astype(int)
    assert np.isin(weekday, (5, 6)).mean() < 0.1


def test_an_unknown_style_is_refused():
    with pytest.raises(ValueError, match="lunar"):
        Rates().moments(np.random.default_rng(1), 5, START, 1, 0, "lunar")


def test_lengths_come_from_the_trace_where_there_is_one(tmp_path):
    (tmp_path / "traces").mkdir()
    pq.write_table(pa.table({"input_tokens": [7, 7], "output_tokens": [3, 3]}), tmp_path / "traces/azure2023_conv.parquet")
    rates = Rates(tmp_path)
    inputs, outputs = rates.lengths(np.random.default_rng(1), 10, "chat")
    assert set(inputs) == {7}
    assert set(outputs) == {3}
    assert "traces/azure2023_code.parquet" in rates.missing
    assert rates.lengths(np.random.default_rng(1), 10, "code")[0].min() >= 1


def test_long_answers_take_longer():
    rates, rng = Rates(), np.random.default_rng(1)
    short, long = (np.median(rates.latency(rng, np.full(500, tokens))) for tokens in (20, 3_000))
    assert short < 3
    assert long > 20
