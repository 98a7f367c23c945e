"""Twins outside the default set: each must really trip its indicators, measured from the log, and show its cause to the provider."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from datetime import timedelta
from statistics import mean, median

import pytest
from ground import FEW, Ground, by_account, read

from stillhunt.range.populations import load
from stillhunt.range.world import WorldSpec, make

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NAMES = tuple(name for name, population in load().items() if not population.default and name not in FEW)
FAILED = {429, 500, 503}


@pytest.fixture(scope="module")
def further(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    folder = tmp_path_factory.mktemp("further")
    return read(make(WorldSpec(seed=11, days=14, accounts=900, calls=24_000, populations=NAMES, format="canonical"), folder), folder)


def prefix(address: str) -> str:
    return ":".join(address.split(":")[:3]) if ":" in address else address.rsplit(".", 1)[0]


def answered(calls: list[dict]) -> list[dict]:
    return [call for call in calls if call["http_status"] == 200]


def first_requests(calls: list[dict]) -> list[dict]:
    """Calls without the ones that only try a failed one again."""
    kept, failed = [], set()
    for call in calls:
        key = (call["account_id"], call["system"], call["messages"])
        if key not in failed:
            kept.append(call)
        failed.add(key) if call["http_status"] in FAILED else failed.discard(key)
    return kept


def fresh(calls: list[dict]) -> float:
    """Share of the answered requests that are asked only once."""
    requests = [(call["system"], call["prompt"]) for call in answered(calls)]
    return len(set(requests)) / len(requests)


def one_shot(calls: list[dict]) -> float:
    return mean(call["turns"] == 1 for call in calls)


def long_answers(calls: list[dict]) -> float:
    return median(call["output_tokens"] for call in answered(calls))


def instructions(calls: list[dict]) -> int:
    """How many openings of 40 characters cover nine calls in ten."""
    heads = Counter(((call["system"] or "") + call["prompt"])[:40] for call in calls)
    covered, count = 0, 0
    for _, calls_with in heads.most_common():
        covered, count = covered + calls_with, count + 1
        if covered >= 0.9 * len(calls):
            break
    return count


def shapes(calls: list[dict]) -> set[tuple]:
    return {(call["user_agent"], call["client_headers"]) for call in calls}


def domains(people: list[dict]) -> set[str]:
    return {row["email"].split("@")[1] for row in people}


def cards(people: list[dict]) -> set[str | None]:
    return {row["payment_fingerprint"] for row in people}


def births(people: list[dict]) -> timedelta:
    """How long the middle eight in ten sign-ups took."""
    times = sorted(row["created_at"] for row in people)
    return times[int(0.9 * len(times))] - times[int(0.1 * len(times))]


def test_all_of_them_are_there_and_innocent(further: Ground):
    for name in NAMES:
        assert len(further.people(name)) >= 10, name
        assert further.of(name), name
    assert {row["operator"] for row in further.truth.values()} == {None}


def test_nobody_calls_before_the_sign_up(further: Ground):
    for call in further.calls:
        assert call["started_at"] >= further.accounts[call["account_id"]]["created_at"], further.truth[call["account_id"]]["population"]


@pytest.mark.parametrize(
    "name", ["browser_extension", "saas_tenants", "saas_undeclared", "one_click_bots", "tutorial", "coursework", "bootcamp"]
)
def test_the_most_dangerous_look_like_a_harvest(further: Ground, name: str):
    calls = further.of(name)
    assert fresh(calls) > 0.97
    assert one_shot(calls) == 1.0
    assert long_answers(calls) > 250
    assert instructions(calls) <= 3


def test_an_extension_s_users_sit_at_home_in_browsers_of_their_own(further: Ground):
    calls = further.of("browser_extension")
    assert len({call["request_parameters"] for call in calls}) == 1
    assert len(shapes(calls)) > 5
    assert len({prefix(call["client_ip"]) for call in calls}) > 8


def test_tenants_say_whose_they_are_by_declaration_or_by_domain(further: Ground):
    declared, silent = further.people("saas_tenants"), further.people("saas_undeclared")
    assert len({row["organization_id"] for row in declared}) == 1
    assert None not in {row["organization_id"] for row in declared}
    assert {row["organization_id"] for row in silent} == {None}
    for people in (declared, silent):
        assert len(cards(people)) == 1
        assert len(domains(people)) == 1
        assert births(people) > 60 * DAY
    assert "domain" not in {row["verification"] for row in silent}


def test_bots_post_day_and_night_from_one_platform_for_owners_who_share_nothing(further: Ground):
    calls, people = further.of("one_click_bots"), further.people("one_click_bots")
    assert len({prefix(call["client_ip"]) for call in calls}) <= 3
    for own in by_account(calls).values():
        if len(own) > 20:
            gaps = sorted(b["started_at"] - a["started_at"] for a, b in itertools.pairwise(own))
            assert gaps[int(0.9 * len(gaps))] - gaps[int(0.1 * len(gaps))] < timedelta(minutes=1)
    paying = [card for card in (row["payment_fingerprint"] for row in people) if card]
    assert len(set(paying)) == len(paying)
    assert births(people) > 60 * DAY


def test_routed_customers_share_the_router_and_nothing_else(further: Ground):
    calls = further.of("byok_router")
    assert len({prefix(call["client_ip"]) for call in calls}) <= 2
    assert len(shapes(calls)) == 1
    assert instructions(calls) > 10


def test_a_tutorial_is_followed_on_one_weekend_from_accounts_of_all_ages(further: Ground):
    calls, people = further.of("tutorial"), further.people("tutorial")
    loops = [call for call in calls if call["output_tokens"] > 150]
    times = sorted(call["started_at"] for call in loops)
    assert times[int(0.95 * len(times))] - times[int(0.05 * len(times))] < 3 * DAY
    assert times[len(times) // 2].weekday() in (5, 6)
    lately = [row for row in people if row["created_at"] > times[0] - DAY]
    assert 0 < len(lately) < 0.8 * len(people)


def test_a_course_shows_its_school_or_its_code(further: Ground):
    school, camp = further.people("coursework"), further.people("bootcamp")
    assert len({domain.split(".", 1)[-1] for domain in domains(school)}) <= 2
    assert {row["verification"] for row in school} == {"domain"}
    assert {row["organization_id"] for row in school} == {None}
    [code] = {row["referral"] for row in camp}
    assert code is not None
    assert len(domains(camp)) > 2
    night = mean(call["started_at"].hour < 5 for call in further.of("bootcamp"))
    assert night > 0.1


def test_contestants_paste_the_same_statements_within_hours(further: Ground):
    senders = defaultdict(set)
    times = defaultdict(list)
    for call in further.of("contest"):
        if len(call["prompt"]) > 200:
            senders[call["prompt"]].add(call["account_id"])
            times[call["prompt"]].append(call["started_at"])
    shared = [prompt for prompt, accounts in senders.items() if len(accounts) >= 3]
    assert shared
    assert all(max(times[prompt]) - min(times[prompt]) < 6 * HOUR for prompt in shared)


def test_an_agency_pays_for_people_who_also_talk(further: Ground):
    assert len(cards(further.people("agency"))) == 1
    assert len({row["country"] for row in further.people("agency")}) > 3
    assert 0.1 < one_shot(further.of("agency")) < 0.95


def test_translators_of_one_product_never_get_the_same_segment_and_sleep(further: Ground):
    calls = further.of("localisation")
    assert len({call["system"] for call in calls}) == 1
    assert len(calls[0]["system"]) > 500
    assert fresh(calls) > 0.97
    assert one_shot(calls) == 1.0
    assert len(shapes(calls)) == 1
    paying = [card for card in (row["payment_fingerprint"] for row in further.people("localisation")) if card]
    assert len(set(paying)) == len(paying)


def test_annotators_have_one_payer_one_domain_even_quotas_and_send_everything_twice(further: Ground):
    people, calls = further.people("annotators"), further.of("annotators")
    assert len(cards(people)) == len(domains(people)) == 1
    volumes = [len(own) for own in by_account(calls).values()]
    assert max(volumes) < 1.6 * min(volumes)
    assert 0.4 < fresh(calls) < 0.6


def test_an_app_opens_accounts_at_its_own_domain(further: Ground):
    people = further.people("mobile_app")
    assert len(domains(people)) == 1
    assert {row["phone"] for row in people} == cards(people) == {None}
    assert one_shot(further.of("mobile_app")) < 0.8


def test_speakers_are_registered_in_batches_and_answer_briefly_at_home(further: Ground):
    people, calls = further.people("speaker_fleet"), further.of("speaker_fleet")
    assert len({prefix(row["signup_ip"]) for row in people}) == 1
    assert len(cards(people)) == len(domains(people)) == 1
    assert len({prefix(call["client_ip"]) for call in calls}) >= len(people) / 2
    assert long_answers(calls) < 80


def test_role_players_share_characters_and_hold_long_conversations(further: Ground):
    calls = further.of("roleplay")
    assert 1 < len({call["system"] for call in calls}) <= 12
    assert mean(call["turns"] for call in calls) > 2


@pytest.mark.parametrize("name", ["edge_relay", "virtual_cards", "exodus"])
def test_people_with_a_means_in_common_never_send_the_same_words(further: Ground, name: str):
    senders = defaultdict(set)
    for call in further.of(name):
        if len(call["prompt"]) > 60 and call["turns"] == 1:
            senders[call["prompt"]].add(call["account_id"])
    assert all(len(accounts) == 1 for accounts in senders.values())


def test_the_means_is_really_shared(further: Ground):
    relay = {prefix(call["client_ip"]) for call in further.of("edge_relay")}
    assert len(relay) <= 4 < len(further.people("edge_relay"))
    bank = further.people("virtual_cards")
    assert len(cards(bank)) <= len(bank) / 8
    moved = further.people("exodus")
    assert births(moved) < 2 * DAY
    tariff = Counter(call["started_at"].hour for call in further.of("night_tariff"))
    assert tariff[0] + tariff[1] > 0.75 * tariff.total()


def test_the_provider_s_own_queue_makes_strangers_steadier_than_chance(further: Ground):
    calls = further.of("batch_queue")
    hours = Counter((call["started_at"].date(), call["started_at"].hour) for call in calls)
    busy = list(hours.values())
    average = mean(busy)
    assert mean((count - average) ** 2 for count in busy) < average
    assert {call["surface"] for call in calls} == {"batch"}
    assert len(domains(further.people("batch_queue"))) > 5


def test_a_free_quota_gives_strangers_one_pace(further: Ground):
    days = Counter((call["account_id"], call["started_at"].date()) for call in first_requests(further.of("free_quota")))
    usual = Counter(days.values()).most_common(1)[0][0]
    assert mean(abs(count - usual) <= 3 for count in days.values()) > 0.5
    assert cards(further.people("free_quota")) == {None}


def test_laboratories_grade_answers_of_their_own_with_one_rubric(further: Ground):
    calls, people = further.of("judge_harness"), further.people("judge_harness")
    assert fresh(calls) > 0.97
    assert instructions(calls) <= 3
    assert len(shapes(calls)) == 1
    assert len(domains(people)) > 5


def test_a_juggler_hands_refused_requests_on_and_serves_small_talk(further: Ground):
    calls, people = further.of("juggler"), further.people("juggler")
    same = defaultdict(list)
    for call in calls:
        same[call["messages"]].append(call)
    handed = [group for group in same.values() if len({call["account_id"] for call in group}) > 1]
    assert len(handed) >= 5
    assert all(call["http_status"] in FAILED for group in handed for call in group[:-1])
    assert len({prefix(row["signup_ip"]) for row in people}) <= 3
    assert cards(people) == {None}
    assert long_answers(calls) < 80


def test_any_product_differs_from_world_to_world(tmp_path_factory: pytest.TempPathFactory):
    seen = set()
    for seed in range(4):
        folder = tmp_path_factory.mktemp("product")
        spec = WorldSpec(seed=seed, days=7, accounts=60, calls=1_500, populations=("any_product",), format="canonical")
        world = read(make(spec, folder), folder)
        calls = world.of("any_product")
        assert instructions([call for call in calls if call["turns"] == 1]) <= 4
        seen.add((calls[0]["system"] or calls[0]["prompt"])[:60])
    assert len(seen) == 4
