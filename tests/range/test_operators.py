from __future__ import annotations

import dataclasses
import itertools
from collections import Counter, defaultdict
from datetime import timedelta
from statistics import mean, variance

import pytest
from ground import Ground, by_account

from stillhunt.errors import InputError
from stillhunt.range.operators import PRESETS, OperatorSpec, operator

FAILED = {403, 429, 500, 503}


def requests(calls: list[dict]) -> dict[tuple, list[dict]]:
    groups = defaultdict(list)
    for call in calls:
        groups[call["system"], call["prompt"]].append(call)
    return groups


@pytest.mark.parametrize("name", ["still", "shy"])
def test_the_queue_never_repeats_itself_but_after_a_refusal(ground: Ground, name: str):
    for same in requests(ground.of(operator=name)).values():
        assert all(call["http_status"] in FAILED for call in same[:-1])


@pytest.mark.parametrize("name", ["still", "shy"])
def test_a_refused_request_reappears_from_another_account_within_a_minute(ground: Ground, name: str):
    handed = [same for same in requests(ground.of(operator=name)).values() if len(same) > 1]
    assert len(handed) > 10
    for same in handed:
        for before, after in itertools.pairwise(same):
            assert after["account_id"] != before["account_id"]
            assert timedelta(0) < after["started_at"] - before["ended_at"] < timedelta(minutes=1)


def test_load_is_even_but_not_identical(ground: Ground):
    spared = [row["account_id"] for row in ground.people(operator="shy") if row["closed_at"] is None]
    volumes = [len(by_account(ground.of(operator="shy"))[account]) for account in spared]
    # Poisson: variance over mean near one; identical loads would give 0, people give hundreds
    assert 0.2 < variance(volumes) / mean(volumes) < 3


def test_it_never_sleeps_and_keeps_a_constant_rate(ground: Ground):
    calls = ground.of(operator="still")
    hours = Counter(call["us"] // 3_600_000_000 for call in calls)
    inner = [hours[hour] for hour in range(min(hours) + 1, max(hours))]
    assert min(inner) > 0
    # steadier than independent arrivals, whose variance is their mean
    assert variance(inner) / mean(inner) < 1


def test_it_is_at_full_use_from_the_first_day(ground: Ground):
    calls = ground.of(operator="still")
    days = Counter((call["us"] - calls[0]["us"]) // 86_400_000_000 for call in calls)
    assert days[0] == pytest.approx(days[5], rel=0.15)


def test_everybody_signed_up_in_bursts_before_the_start(ground: Ground):
    first = ground.of(operator="still")[0]["started_at"]
    times = sorted(row["created_at"] for row in ground.people(operator="still"))
    assert times[-1] < first
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert sum(gap < timedelta(minutes=30) for gap in gaps) > 0.8 * len(gaps)


def test_shared_machinery_shares_cards_and_subnets(ground: Ground):
    people = ground.people(operator="still")
    assert len({row["payment_fingerprint"] for row in people}) <= len(people) / 8
    prefixes = {call["client_ip"].rsplit(".", 1)[0] for call in ground.of(operator="still")}
    assert len(prefixes) <= 4


def test_separate_machinery_shares_neither(ground: Ground):
    people = ground.people(operator="shy")
    cards = [row["payment_fingerprint"] for row in people]
    assert len(set(cards)) == len(cards)
    usual = [Counter(call["client_ip"] for call in calls).most_common(1)[0][0] for calls in by_account(ground.of(operator="shy")).values()]
    assert len(set(usual)) == len(usual)


@pytest.mark.parametrize("name", ["still", "shy"])
def test_one_client_serves_all_its_accounts_and_few_others(ground: Ground, name: str):
    shapes = {(call["user_agent"], call["client_headers"], call["tls_ja4"]) for call in ground.of(operator=name)}
    assert len(shapes) == 1
    users = {call["account_id"] for call in ground.calls if (call["user_agent"], call["client_headers"], call["tls_ja4"]) in shapes}
    assert len(users) < 0.2 * len(ground.accounts)


def test_a_banned_account_stops_and_its_load_moves_on(ground: Ground):
    banned = [row for row in ground.people(operator="still") if row["status"] == "banned"]
    assert len(banned) == 3
    calls = by_account(ground.of(operator="still"))
    for row in banned:
        late = [call for call in calls[row["account_id"]] if call["started_at"] >= row["closed_at"]]
        assert [call["http_status"] for call in late] in ([403], [])


def test_answers_are_worth_training_on(ground: Ground):
    lengths = sorted(call["output_tokens"] for call in ground.of(operator="still") if call["http_status"] == 200)
    others = sorted(call["output_tokens"] for call in ground.of("support_app") if call["http_status"] == 200)
    assert lengths[len(lengths) // 2] > 1.5 * others[len(others) // 2]


def test_nobody_declares_an_organization(ground: Ground):
    assert all(row["organization_id"] is None for row in ground.people("operator"))


def test_presets_have_the_reported_calls_per_account_and_day():
    pace = {name: spec.calls_per_account_day for name, spec in PRESETS.items()}
    assert (pace["letter"], pace["few-and-heavy"], pace["low-and-slow"], pace["steady"], pace["peak"]) == (25.6, 733, 13, 46, 857)
    assert PRESETS["peak"].days == 1


def test_calls_are_accounts_times_pace_times_days():
    assert OperatorSpec(accounts=10, calls_per_account_day=20, start_day=2).calls(12) == 2000
    assert OperatorSpec(accounts=10, calls_per_account_day=20, days=3).calls(12) == 600


def test_an_unknown_shape_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="letter"):
        operator("moonshine")
    assert operator("letter", accounts=9) == dataclasses.replace(PRESETS["letter"], accounts=9)
