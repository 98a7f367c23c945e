from __future__ import annotations

import dataclasses
import itertools
from collections import Counter, defaultdict
from datetime import timedelta
from statistics import mean, variance

import pytest
from ground import Ground, by_account, read

from stillhunt.errors import InputError
from stillhunt.range.operators import PRESETS, OperatorSpec, operator
from stillhunt.range.world import WorldSpec, make

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


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Operators that do something unusual, among few people."""
    folder = tmp_path_factory.mktemp("yard")
    spec = WorldSpec(
        accounts=40,
        calls=400,
        populations="people",
        format="canonical",
        operators=(
            operator("two-pools", name="moved", accounts=12, calls_per_account_day=40, replaced_day=4),
            operator("pivot", name="pivot", accounts=20, pivot=0.5),
            operator("letter", name="mild", accounts=10, wording="mild", jobs=("reasoning",)),
            operator("letter", name="by-day", accounts=10, rhythm="working"),
            operator("letter", name="alone", accounts=10, failover=0.0, refused=0.04),
        ),
    )
    return read(make(spec, folder), folder)


def test_a_banned_pool_is_replaced_by_another_with_new_identities(yard: Ground):
    people = yard.people(operator="moved")
    old = [row for row in people if row["closed_at"] is not None]
    new = [row for row in people if row["closed_at"] is None]
    assert len(old) == len(new) == 12
    closed = old[0]["closed_at"]
    assert all(row["created_at"] > closed for row in new)
    assert not {row["payment_fingerprint"] for row in old} & {row["payment_fingerprint"] for row in new}
    calls = by_account(yard.of(operator="moved"))
    assert all(calls[row["account_id"]][-1]["started_at"] < closed + timedelta(hours=1) for row in old)
    assert all(calls[row["account_id"]] for row in new)
    later = [call for row in new for call in calls[row["account_id"]]]
    assert timedelta(hours=6) < min(call["started_at"] for call in later) - closed < timedelta(hours=48)
    clients = [{call["tls_ja4"] for row in rows for call in calls[row["account_id"]]} for rows in (old, new)]
    assert clients[0] == clients[1]


def test_a_pivot_moves_half_the_traffic_within_a_day_of_the_release(yard: Ground):
    release = yard.world.release
    calls = yard.of(operator="pivot")
    after = [call["request_model"] for call in calls if call["started_at"] > release + timedelta(days=1)]
    assert after.count("heron-4-large") == pytest.approx(len(after) / 2, rel=0.2)
    assert {call["request_model"] for call in calls if call["started_at"] < release} == {"heron-3-large"}


def test_paraphrases_give_accounts_their_own_wording(yard: Ground):
    said = {
        account: [f"{call['system'] or ''} {call['prompt']}" for call in calls]
        for account, calls in by_account(yard.of(operator="mild")).items()
    }
    fixed = []
    for texts in said.values():
        grams = Counter(gram for words in map(str.split, texts) for gram in {" ".join(words[at : at + 4]) for at in range(len(words) - 3)})
        # handed-over requests keep the wording of the account that was refused
        fixed.append(frozenset(gram for gram, count in grams.items() if count > 0.9 * len(texts)))
    # each account's calls have an instruction in common, and most accounts' instruction is not their neighbour's
    assert all(fixed)
    assert len(set(fixed)) >= 5


def test_working_hours_leave_the_weekend_free(yard: Ground):
    days = Counter((call["started_at"] + timedelta(hours=8)).weekday() for call in yard.of(operator="by-day"))
    assert days[5] + days[6] < 0.1 * days.total()


def test_without_failover_a_refused_request_stays_with_its_account(yard: Ground):
    again = [same for same in requests(yard.of(operator="alone")).values() if len(same) > 1]
    assert len(again) > 20
    assert sum(len({call["account_id"] for call in same}) == 1 for same in again) > 0.9 * len(again)


def test_no_two_operators_work_off_the_same_queue(yard: Ground):
    prompts = [{call["prompt"] for call in yard.of(operator=name)} for name in ("moved", "pivot", "mild", "by-day", "alone")]
    assert all(not a & b for index, a in enumerate(prompts) for b in prompts[:index])


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
