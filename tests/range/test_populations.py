"""Every twin must really trip its indicators, measured from the log, and must show its cause where a provider sees it."""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from datetime import timedelta
from statistics import mean

import pytest
from ground import FEW, Ground, by_account

from stillhunt.range.populations import load

HOUR = timedelta(hours=1)
FAILED = {429, 500, 503}


def prefix(address: str) -> str:
    return ":".join(address.split(":")[:3]) if ":" in address else address.rsplit(".", 1)[0]


def shapes(calls: list[dict]) -> set[tuple]:
    return {(call["user_agent"], call["client_headers"]) for call in calls}


def first_requests(calls: list[dict]) -> list[dict]:
    """Calls without the ones that only try a failed one again."""
    kept, failed = [], set()
    for call in calls:
        key = (call["account_id"], call["system"], call["messages"])
        if key not in failed:
            kept.append(call)
        failed.add(key) if call["http_status"] in FAILED else failed.discard(key)
    return kept


def senders_by_prompt(calls: list[dict], shortest: int = 0) -> dict[str, set[str]]:
    groups = defaultdict(set)
    for call in calls:
        if len(call["prompt"]) >= shortest:
            groups[call["prompt"]].add(call["account_id"])
    return groups


def idle(calls: list[dict]) -> timedelta:
    times = [call["started_at"] for call in calls]
    return max(b - a for a, b in itertools.pairwise(times))


def organizations(ground: Ground, population: str) -> set[str | None]:
    return {row["organization_id"] for row in ground.people(population)}


def test_every_population_is_there_and_documented(ground: Ground):
    for name, population in load().items():
        assert population.trips, name
        assert population.cause, name
        if population.default or name in FEW:
            assert ground.people(name), name
            assert ground.of(name), name


def test_the_default_set_stays_what_it_was():
    # worlds made with it before must come out the same byte for byte: what is added goes beside it
    assert {name for name, population in load().items() if population.default} == {
        "audit",
        "backfill",
        "carrier_nat",
        "classroom",
        "distillation",
        "evaluations",
        "framework",
        "gateway",
        "hackathon",
        "health_checks",
        "popular_prompt",
        "release_day",
        "reseller",
        "router",
        "runners",
        "support_app",
        "team_key",
        "translation_app",
        "university",
        "vpn",
    }


def test_strangers_never_send_the_same_words(ground: Ground):
    calls = ground.of("people")
    openings = senders_by_prompt([call for call in calls if call["turns"] == 1], shortest=25)
    assert len(openings) > 1000
    assert [prompt for prompt, senders in openings.items() if len(senders) > 1] == []
    # deep in a conversation two people may well say the same short thing
    longer = senders_by_prompt(calls, shortest=60)
    assert sum(len(senders) > 1 for senders in longer.values()) < 0.002 * len(longer)


def test_people_sleep_and_differ(ground: Ground):
    calls = by_account(ground.of("people"))
    busy = [group for group in calls.values() if len(group) >= 40]
    assert mean(idle(group) > 6 * HOUR for group in busy) > 0.7
    assert len(shapes(ground.of("people"))) > 30
    conversations = [call for call in ground.of("people") if call["turns"] > 2]
    assert len(conversations) > 0.2 * len(ground.of("people"))


def test_a_card_that_people_share_is_shared_by_few(ground: Ground):
    cards = Counter(row["payment_fingerprint"] for row in ground.people("people") if row["payment_fingerprint"])
    assert 2 <= cards.most_common(1)[0][1] <= 8


def test_evaluations_send_the_same_items_at_the_same_hour_every_night(ground: Ground):
    calls = first_requests(ground.of("evaluations"))
    groups = senders_by_prompt(calls)
    accounts = len(ground.people("evaluations"))
    assert all(len(senders) == accounts for senders in groups.values())
    nights = Counter((call["account_id"], call["us"] // 86_400_000_000) for call in calls)
    assert nights.most_common(1)[0][1] == Counter(nights.values()).most_common(1)[0][0]
    hours = Counter(call["started_at"].hour for call in calls)
    assert hours.most_common(1)[0][1] >= 0.5 * len(calls)
    assert len(shapes(calls)) == 1
    assert len({row["payment_fingerprint"] for row in ground.people("evaluations")}) > 1


def test_runners_share_subnets_and_repeat_prompts(ground: Ground):
    calls = ground.of("runners")
    homes = defaultdict(set)
    for call in calls:
        homes[prefix(call["client_ip"])].add(call["account_id"])
    assert max(map(len, homes.values())) >= 2
    assert len(shapes(calls)) == 1
    for group in by_account(calls).values():
        assert len({call["prompt"] for call in group}) <= 8
    assert len({row["payment_fingerprint"] for row in ground.people("runners")}) == len(ground.people("runners"))


def test_health_checks_never_pause_and_always_say_the_same(ground: Ground):
    calls = ground.of("health_checks")
    assert len({call["prompt"] for call in calls}) == 1
    for group in by_account(calls).values():
        assert idle(group) < HOUR
        assert max(call["output_tokens"] for call in group) <= 16


def test_a_team_key_is_used_from_many_places(ground: Ground):
    for group in by_account(ground.of("team_key")).values():
        assert len({prefix(call["client_ip"]) for call in group}) >= 5
        assert len(shapes(group)) > 1
    assert None not in organizations(ground, "team_key")


def test_a_gateway_is_one_declared_organization_behind_one_address(ground: Ground):
    calls = ground.of("gateway")
    [organization] = organizations(ground, "gateway")
    assert organization is not None
    assert len({prefix(call["client_ip"]) for call in calls}) == 1
    assert len({call["system"] for call in calls}) == 1


def test_a_backfill_works_off_its_archive_day_and_night(ground: Ground):
    calls = first_requests(ground.of("backfill"))
    assert len({call["prompt"] for call in calls}) == len(calls)
    assert idle(calls) < 3 * HOUR
    volumes = [len(group) for group in by_account(calls).values()]
    assert max(volumes) <= 1.05 * min(volumes)
    [organization] = organizations(ground, "backfill")
    assert organization is not None


def test_a_router_hands_refused_requests_to_its_next_account(ground: Ground):
    calls = ground.of("router")
    same = defaultdict(list)
    for call in calls:
        same[call["prompt"]].append(call)
    handed = [group for group in same.values() if len({call["account_id"] for call in group}) > 1]
    assert len(handed) >= 5
    for group in handed:
        assert all(call["http_status"] in FAILED for call in group[:-1])
        assert group[1]["started_at"] - group[0]["started_at"] < timedelta(seconds=30)
    assert len({row["payment_fingerprint"] for row in ground.people("router")}) == 1
    [organization] = organizations(ground, "router")
    assert organization is not None


def test_an_audit_asks_for_reasons_under_one_declared_organization(ground: Ground):
    calls = first_requests(ground.of("audit"))
    assert len({call["prompt"] for call in calls}) == len(calls)
    assert len({call["system"] for call in calls}) == 1
    [organization] = organizations(ground, "audit")
    assert organization is not None


def test_release_day_moves_everybody_to_the_new_model_at_once(ground: Ground):
    calls = ground.of("release_day")
    release = ground.world.release
    tests = [call for call in calls if call["request_model"] == "heron-4-large"]
    assert {call["account_id"] for call in tests} == {row["account_id"] for row in ground.people("release_day")}
    firsts = {account: group[0]["started_at"] for account, group in by_account(tests).items()}
    assert all(release <= first < release + 48 * HOUR for first in firsts.values())
    assert max(map(len, senders_by_prompt(tests).values())) > len(firsts) / 2
    assert any(call["started_at"] < release for call in calls)


def test_nobody_uses_the_new_model_before_its_release(ground: Ground):
    assert min(call["started_at"] for call in ground.calls if call["request_model"] == "heron-4-large") >= ground.world.release


def test_a_university_is_one_prefix_and_one_domain(ground: Ground):
    assert len({prefix(call["client_ip"]) for call in ground.of("university")}) == 1
    assert len({row["email"].split("@")[1].split(".", 1)[-1] for row in ground.people("university")}) <= 2


def test_a_class_pastes_one_assignment_within_two_evenings(ground: Ground):
    calls = by_account(ground.of("classroom"))
    texts = [{line for call in group for line in call["prompt"].split("\n\n") if len(line) > 60} for group in calls.values()]
    shared = Counter(line for lines in texts for line in lines).most_common(1)[0]
    assert shared[1] >= 0.9 * len(texts)
    pasted = [call for group in calls.values() for call in group if shared[0] in call["prompt"]]
    assert pasted[0]["prompt"] != shared[0]
    times = sorted(call["started_at"] for call in pasted)
    assert times[-1] - times[0] < timedelta(days=3)
    births = sorted(row["created_at"] for row in ground.people("classroom"))
    assert max(sum(a <= b < a + HOUR for b in births) for a in births) >= len(births) / 4


@pytest.mark.parametrize("name", ["hackathon", "hackathon_unlabelled"])
def test_a_hackathon_signs_up_works_and_stops_together(ground: Ground, name: str):
    people, calls = ground.people(name), ground.of(name)
    births = sorted(row["created_at"] for row in people)
    assert births[-1] - births[0] < 48 * HOUR
    assert len({prefix(row["signup_ip"]) for row in people}) == 1
    assert calls[-1]["started_at"] - births[0] < 50 * HOUR
    assert len(shapes(calls)) == 1
    assert len({row["payment_fingerprint"] for row in people if row["payment_fingerprint"]}) > 1
    codes = {row["referral"] for row in people}
    assert (len(codes) == 1 and None not in codes) == (name == "hackathon")


def test_a_framework_gives_unrelated_people_one_system_prompt(ground: Ground):
    calls, people = ground.of("framework"), ground.people("framework")
    assert len({call["system"] for call in calls}) == 1
    assert len(calls[0]["system"]) > 500
    assert calls[0]["tools"] is not None
    assert len(shapes(calls)) == 2
    assert any(call["turns"] > 2 for call in calls)
    assert max(row["created_at"] for row in people) - min(row["created_at"] for row in people) > timedelta(days=200)
    assert len({row["country"] for row in people}) > 3


@pytest.mark.parametrize("name", ["translation_app", "support_app", "digest_app"])
def test_an_app_s_users_share_its_template_and_never_repeat_an_input(ground: Ground, name: str):
    calls = first_requests(ground.of(name))
    assert all(call["turns"] == 1 for call in calls)
    whole = [(call["system"] or "") + call["prompt"] for call in calls]
    assert len(set(whole)) >= 0.98 * len(whole)
    heads = Counter(text[:40] for text in whole)
    assert heads.most_common(1)[0][1] > 0.9 * len(whole)
    cards = [row["payment_fingerprint"] for row in ground.people(name) if row["payment_fingerprint"]]
    assert len(set(cards)) == len(cards)


def test_a_digest_app_gives_its_users_one_pace_day_and_night(ground: Ground):
    calls, people = ground.of("digest_app"), ground.people("digest_app")
    paces = []
    for account, own in by_account(calls).items():
        days = {call["started_at"].date() for call in own}
        if len(days) > 4:
            paces.append(len(own) / len(days))
            assert idle(own) < 14 * HOUR, account
    assert len(paces) > 5
    assert max(paces) < 1.35 * min(paces)
    assert max(row["created_at"] for row in people) - min(row["created_at"] for row in people) > timedelta(days=100)


def test_a_reseller_is_entitled_and_declared(ground: Ground):
    [organization] = organizations(ground, "reseller")
    assert (organization, "resale") in {(row["organization_id"], row["scope"]) for row in ground.entitlements}
    assert len({prefix(call["client_ip"]) for call in ground.of("reseller")}) <= 2


def test_only_a_contract_tells_licensed_distillation_from_an_operator(ground: Ground):
    [organization] = organizations(ground, "distillation")
    assert (organization, "distillation") in {(row["organization_id"], row["scope"]) for row in ground.entitlements}
    calls = first_requests(ground.of("distillation"))
    prompts = [call["prompt"] for call in calls]
    assert len(set(prompts)) == len(prompts)
    assert idle(calls) < 6 * HOUR
    assert len(shapes(calls)) == 1
    assert not set(prompts) & {call["prompt"] for call in ground.of("operator")}


@pytest.mark.parametrize("name", ["carrier_nat", "vpn"])
def test_people_behind_one_line_share_prefixes_and_nothing_else(ground: Ground, name: str):
    calls, people = ground.of(name), ground.people(name)
    homes = defaultdict(set)
    for call in calls:
        homes[prefix(call["client_ip"])].add(call["account_id"])
    assert max(map(len, homes.values())) >= len(people) / 4
    assert len(shapes(calls)) > len(people) / 4
    assert all(len(senders) == 1 for senders in senders_by_prompt(calls, 40).values())


def test_a_popular_prompt_is_pasted_verbatim_within_days(ground: Ground):
    calls, people = ground.of("popular_prompt"), ground.people("popular_prompt")
    prompt, senders = max(senders_by_prompt(calls).items(), key=lambda item: len(item[1]))
    assert len(senders) >= 0.9 * len(people)
    times = [call["started_at"] for call in calls if call["prompt"] == prompt]
    assert times[-1] - times[0] <= timedelta(days=5)
    assert any(call["prompt"] != prompt for call in calls)


def test_messages_grow_with_a_conversation(ground: Ground):
    chats = defaultdict(list)
    for call in ground.of("people"):
        if call["conversation_id"] is not None:
            chats[call["conversation_id"]].append(call)
    long = [group for group in chats.values() if len(group) > 2]
    assert long
    for group in long:
        heads = [json.loads(call["messages"]) for call in group]
        for before, after in itertools.pairwise(heads):
            assert after[: len(before)] == before
