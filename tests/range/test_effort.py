"""What an adapting operator does, step by step, as its provider would see it."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from ground import Ground, by_account, read

from stillhunt.cli import main
from stillhunt.errors import InputError
from stillhunt.range.bank.source import BankTexts
from stillhunt.range.machinery import COUNTRIES
from stillhunt.range.operators import CUSTOMERS, LADDER, PRESETS, operator, rivals
from stillhunt.range.price import network, price
from stillhunt.range.shared_texts import SharedTexts
from stillhunt.range.world import WorldSpec, make

DAYS, START = 9, 2
STEPS = ("L0", "L1", "L2", "L3", "L3-free", "L3-free-reworded", "L3-free-patient", "L4", "L5")
FAILED = {403, 429, 500, 503}


@pytest.fixture(scope="module")
def climb(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Every step of the ladder in one world, among people."""
    folder = tmp_path_factory.mktemp("climb")
    steps = tuple(operator(step, name=step, accounts=14, start_day=START, refused=0.02) for step in STEPS)
    spec = WorldSpec(seed=5, days=DAYS, accounts=220, calls=3_000, populations="people", format="canonical", operators=steps)
    return read(make(spec, folder), folder)


WORDINGS = [words for name in BankTexts().paraphrase_sets("mild") for words in BankTexts().paraphrases(name)]


def is_harvest(call: dict) -> bool:
    """Whether it carries one of the bank's mild wordings."""
    return call["system"] in WORDINGS or any(call["prompt"].startswith(words) for words in WORDINGS)


def shape(call: dict) -> tuple:
    return call["user_agent"], call["client_headers"], call["tls_ja4"]


def places(calls: list[dict]) -> dict[str, set[str]]:
    return {account: {network(call["client_ip"]) for call in its} for account, its in by_account(calls).items()}


def pairs_in_one_network(calls: list[dict]) -> float:
    pairs = list(itertools.combinations(places(calls).values(), 2))
    return sum(bool(one & other) for one, other in pairs) / len(pairs)


def night(ground: Ground, name: str) -> float:
    """Share of calls between 1 and 6 o'clock where the account claims to be."""
    calls = ground.of(operator=name)
    hours = [(call["started_at"].hour + COUNTRIES[ground.accounts[call["account_id"]]["country"]][1]) % 24 for call in calls]
    return sum(1 <= hour < 6 for hour in hours) / len(hours)


@pytest.mark.parametrize("step", ["L0", "L1", "L2", "L3", "L3-free", "L3-free-patient", "L4"])
def test_every_step_keeps_the_letters_pace(climb: Ground, step: str):
    calls = since_start(climb, step)
    assert len(calls) / 14 / (DAYS - START) == pytest.approx(25.6, rel=0.1)
    volumes = Counter(call["account_id"] for call in calls)
    assert max(volumes.values()) < 2 * sum(volumes.values()) / len(volumes)


def since_start(ground: Ground, step: str) -> list[dict]:
    begin = (ground.calls[0]["us"] // 86_400_000_000 + START) * 86_400_000_000
    return [call for call in ground.of(operator=step) if call["us"] >= begin]


def test_the_careless_sit_in_one_place_with_few_cards(climb: Ground):
    assert len(set().union(*places(climb.of(operator="L0")).values())) == 1
    assert len({row["payment_fingerprint"] for row in climb.people(operator="L0")}) <= 2


@pytest.mark.parametrize("step", ["L1", "L2", "L3", "L3-free", "L4", "L5"])
def test_from_the_first_step_on_no_two_accounts_share_a_card(climb: Ground, step: str):
    cards = [row["payment_fingerprint"] for row in climb.people(operator=step)]
    assert None not in cards
    assert len(set(cards)) == len(cards) == 14


def test_rotation_spreads_an_accounts_calls_over_hosters(climb: Ground):
    for networks in places(climb.of(operator="L1")).values():
        assert len(networks) >= 10
        assert len({one.split(".")[1] for one in networks}) >= 5


@pytest.mark.parametrize("step", ["L2", "L3", "L3-free", "L4", "L5"])
def test_residential_accounts_share_networks_no_more_than_people_do(climb: Ground, step: str):
    assert pairs_in_one_network(climb.of(operator=step)) <= 1.6 * pairs_in_one_network(climb.of("people")) + 0.03


@pytest.mark.parametrize("step", ["L2", "L3", "L3-free", "L4"])
def test_nights_are_quiet_where_the_account_claims_to_be(climb: Ground, step: str):
    assert night(climb, step) < 0.1
    assert night(climb, "L1") == pytest.approx(5 / 24, abs=0.02)


def test_clients_are_one_and_later_like_anybodys(climb: Ground):
    for step in ("L0", "L1", "L2"):
        assert len({shape(call) for call in climb.of(operator=step)}) == 1
    for step in ("L3", "L3-free", "L4", "L5"):
        shapes = defaultdict(set)
        for call in climb.of(operator=step):
            shapes[call["account_id"]].add(shape(call))
        assert all(len(own) == 1 for own in shapes.values())
        assert len(set().union(*shapes.values())) >= 12
        assert len({row["signup_user_agent"] for row in climb.people(operator=step)}) >= 6


def test_request_parameters_differ_and_never_cut_an_answer_short(climb: Ground):
    parameters = {call["account_id"]: call["request_parameters"] for call in climb.of(operator="L3")}
    assert len(set(parameters.values())) >= 8
    limits = [json.loads(one).get("max_tokens") for one in parameters.values()]
    assert None in limits
    assert all(limit is None or limit >= 2000 for limit in limits)


@pytest.mark.parametrize(("step", "manner"), [("L3", "mild"), ("L3-free", "free")])
def test_an_account_keeps_its_own_wording_for_all_its_calls(climb: Ground, step: str, manner: str):
    bank = BankTexts()
    known = [words for name in bank.paraphrase_sets(manner) for words in bank.paraphrases(name)]
    used = {}
    for account, calls in by_account(climb.of(operator=step)).items():
        said = Counter(next(w for w in known if w == call["system"] or call["prompt"].startswith(w)) for call in calls)
        [(used[account], count)] = said.most_common(1)
        # what another account was refused comes in that one's words
        assert count > 0.9 * len(calls)
    assert len(set(used.values())) == 14


@pytest.mark.parametrize("step", ["L0", "L2", "L3", "L3-free"])
def test_what_one_account_is_refused_another_sends(climb: Ground, step: str):
    groups = defaultdict(list)
    for call in climb.of(operator=step):
        groups[call["system"], call["prompt"]].append(call)
    handed = [same for same in groups.values() if len(same) > 1]
    assert len(handed) > 10
    for same in handed:
        for before, after in itertools.pairwise(same):
            assert before["http_status"] in FAILED
            assert before["account_id"] != after["account_id"]
            assert timedelta(0) < after["started_at"] - before["ended_at"] < timedelta(minutes=1)


def test_a_handover_in_other_words_repeats_the_task_and_not_the_request(climb: Ground):
    calls = climb.of(operator="L3-free-reworded")
    assert len({(call["system"], call["prompt"]) for call in calls}) == len(calls)
    free = BankTexts().paraphrases("free")
    tasks = Counter(call["prompt"].split("\n\n", 1)[-1] if call["system"] not in free else call["prompt"] for call in calls)
    assert sum(count > 1 for count in tasks.values()) > 10


def test_a_patient_operator_tries_again_with_the_same_account(climb: Ground):
    groups = defaultdict(set)
    sent: Counter = Counter()
    for call in climb.of(operator="L3-free-patient"):
        groups[call["system"], call["prompt"]].add(call["account_id"])
        sent[call["system"], call["prompt"]] += 1
    assert sum(count > 1 for count in sent.values()) > 20
    assert all(len(accounts) == 1 for accounts in groups.values())


def test_half_of_the_covered_calls_are_ordinary_ones(climb: Ground):
    calls = since_start(climb, "L4")
    assert sum(map(is_harvest, calls)) / len(calls) == pytest.approx(0.5, abs=0.06)
    shares = [sum(map(is_harvest, its)) / len(its) for its in by_account(calls).values() if len(its) > 60]
    assert min(shares) > 0.3
    assert max(shares) < 0.7
    cover = [call for call in calls if not is_harvest(call)]
    assert any(call["turns"] > 2 for call in cover)
    assert all(call["turns"] == 1 for call in calls if is_harvest(call))


def test_aged_accounts_were_opened_over_months_and_some_were_used_before(climb: Ground):
    opening = min(call["started_at"] for call in climb.of(operator="L4") if is_harvest(call))
    ages = sorted((opening - row["created_at"]).days for row in climb.people(operator="L4"))
    assert ages[-1] - ages[0] > 150
    gaps = [b - a for a, b in itertools.pairwise(ages)]
    assert max(Counter(gap for gap in gaps if gap == 0).values(), default=0) <= 4
    early = {call["account_id"] for call in climb.of(operator="L4") if call["started_at"] < opening}
    assert 1 <= len(early) <= 11
    assert len({row["email"].split("@")[1] for row in climb.people(operator="L4")}) > 4


def test_a_resellers_accounts_carry_five_harvest_calls_a_day_beside_customers(climb: Ground):
    calls = climb.of(operator="L5")
    harvest = [call for call in calls if is_harvest(call)]
    assert len(harvest) / 14 / (DAYS - START) == pytest.approx(5, rel=0.2)
    volumes = sorted(len(its) / DAYS for its in by_account([call for call in calls if not is_harvest(call)]).values())
    assert volumes[0] > 5
    assert volumes[-1] > 2 * volumes[len(volumes) // 2] or volumes[-1] > 60
    # several customers, each with parameters of its own, through one place
    assert all(len({call["request_parameters"] for call in its}) > 2 for its in by_account(calls).values() if len(its) > 200)


def test_a_resellers_other_accounts_belong_to_nobodys_operation(climb: Ground):
    others = {account for account, row in climb.truth.items() if row["population"] == CUSTOMERS}
    assert len(others) == 14 // 3
    assert all(climb.truth[account]["operator"] is None and climb.truth[account]["campaign"] is None for account in others)
    assert not any(is_harvest(call) for call in climb.calls if call["account_id"] in others)
    assert all(climb.accounts[account]["organization_id"] is None for account in others)


def test_the_truth_names_each_steps_accounts(climb: Ground):
    assert Counter(row["operator"] for row in climb.truth.values() if row["operator"]) == dict.fromkeys(STEPS, 14)
    assert {row["population"] for row in climb.truth.values()} == {"people", "operator", CUSTOMERS}


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Every shape and every step in one small world."""
    folder = tmp_path_factory.mktemp("shapes")
    known = {**PRESETS, **LADDER}
    cast = tuple(
        dataclasses.replace(spec, name=name, accounts=6, calls_per_account_day=min(20.0, spec.calls_per_account_day), refused=0.01)
        for name, spec in known.items()
    )
    spec = WorldSpec(seed=2, days=10, accounts=60, calls=600, populations="people", format="canonical", operators=cast)
    return read(make(spec, folder), folder)


@pytest.mark.parametrize("name", [*PRESETS, *LADDER])
def test_every_shape_makes_a_valid_world(shapes: Ground, name: str):
    calls = shapes.of(operator=name)
    assert len(shapes.people(operator=name)) == (12 if name == "two-pools" else 6)
    assert len(calls) > 60
    assert [call["us"] for call in calls] == sorted(call["us"] for call in calls)
    for account, its in by_account(calls).items():
        assert its[0]["started_at"] > shapes.accounts[account]["created_at"]
        closed = shapes.accounts[account]["closed_at"]
        assert closed is None or all(call["http_status"] == 403 for call in its if call["started_at"] >= closed)


def test_every_reported_shape_has_a_preset():
    reported = {
        "letter", "proxy-network", "two-pools", "peak", "steady", "sprint", "few-and-heavy", "low-and-slow", "pivot", "probing",
    }  # fmt: skip
    assert reported <= set(PRESETS)
    assert PRESETS["probing"].probes * PRESETS["probing"].accounts == 12_000


def test_probing_tries_another_technique_each_time_and_then_scales_few(shapes: Ground):
    answered = [call for call in shapes.of(operator="probing") if call["http_status"] == 200]
    begin = answered[0]["us"]
    probes = [call for call in answered if call["us"] - begin < 4.2 * 86_400_000_000]
    assert len(probes) == pytest.approx(6 * 80, rel=0.1)
    told = [(call["system"], call["prompt"]) for call in probes]
    assert len({(system or prompt).split("\n\n")[0] for system, prompt in told}) == len(probes)
    tasks = {prompt.split("\n\n", 1)[-1] if system is None else prompt for system, prompt in told}
    assert len(tasks) <= 12
    scaled = [call for call in answered if call["us"] - begin > 5 * 86_400_000_000]
    assert len(scaled) > 100
    assert len({call["prompt"].split("\n\n")[0] for call in scaled}) <= 3


def test_an_operator_on_two_surfaces_is_half_hidden_by_the_marketplace(shapes: Ground):
    surfaces = {account: {call["surface"] for call in its} for account, its in by_account(shapes.of(operator="two-surfaces")).items()}
    assert Counter(itertools.chain(*surfaces.values())) == {"api": 3, "marketplace": 3}
    for account, [surface] in surfaces.items():
        row = shapes.accounts[account]
        assert (row["payment_fingerprint"] is None) == (surface == "marketplace") == account.startswith("mp-")
        assert all((call["client_ip"] is None) == (surface == "marketplace") for call in shapes.of() if call["account_id"] == account)
    innocent = [account for account, row in shapes.truth.items() if row["population"] == "marketplace"]
    assert len(innocent) >= 3 * 3
    assert all(account.startswith("mp-") and shapes.accounts[account]["payment_fingerprint"] is None for account in innocent)


def test_rivals_have_names_and_jobs_of_their_own():
    one, other = rivals("L2", "letter", accounts=9)
    assert (one.accounts, other.accounts, one.rhythm, other.rhythm) == (9, 9, "local", "constant")
    assert one.name != other.name
    assert not set(one.jobs) & set(other.jobs)


def test_a_step_keeps_the_effort_of_the_step_below():
    for below, above in itertools.pairwise(("L1", "L2", "L3", "L4", "L5")):
        for field in ("cards", "rhythm", "client", "wording", "identity", "aged", "signup_spread"):
            was, now = getattr(LADDER[below], field), getattr(LADDER[above], field)
            careless = getattr(LADDER["L0"], field)
            assert was in {now, careless}


@pytest.mark.parametrize("field", ["machinery", "addresses", "cards", "identity", "client", "wording", "rhythm"])
def test_a_word_that_means_nothing_is_refused_with_those_that_do(field: str, tmp_path):
    spec = dataclasses.replace(PRESETS["letter"], **{field: "moonshine"})
    with pytest.raises(InputError, match=f"{field}.*moonshine.*choose"):
        make(WorldSpec(accounts=20, calls=20, populations="people", operators=(spec,)), tmp_path / "w")


def test_the_banks_free_wordings_are_a_tenth_in_other_languages():
    english = {"the", "a", "it", "is", "what", "and", "to", "of", "on", "whatever", "you", "your", "each", "like"}
    wordings = BankTexts().paraphrases("free")
    foreign = [words for words in wordings if not english & set(words.lower().replace(",", "").split())]
    assert len(wordings) >= 40
    assert len(foreign) / len(wordings) == pytest.approx(0.1, abs=0.04)


def test_two_operators_draw_different_free_sets_of_a_folder(tmp_path):
    (tmp_path / "paraphrases").mkdir()
    rows = [
        {"set": name, "kind": kind, "purpose": "p", "language": "en", "text": f"Wording {number} of set {name}."}
        for name, kind in (("A", "harvest"), ("B", "harvest"), ("C", "innocent"))
        for number in range(6)
    ]
    (tmp_path / "paraphrases" / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert SharedTexts(tmp_path).paraphrase_sets("free") == ["A", "B"]
    free = tuple(operator("letter", name=f"o{n}", accounts=6, wording="free", calls_per_account_day=3) for n in range(8))
    folder = tmp_path / "world"
    spec = WorldSpec(days=3, accounts=20, calls=20, populations="people", format="canonical", operators=free, texts=tmp_path)
    ground = read(make(spec, folder), folder)
    sets = {}
    for one in free:
        said = {f"{call['system'] or ''} {call['prompt']}".split(" of set ")[1][0] for call in ground.of(operator=one.name)}
        assert len(said) == 1
        sets[one.name] = said.pop()
    assert set(sets.values()) == {"A", "B"}


def test_the_price_is_what_the_operator_really_did(climb: Ground):
    spec = operator("L3", name="L3", accounts=14, start_day=START, refused=0.02)
    cost = price(spec, days=DAYS, seed=5)
    calls = climb.of(operator="L3")
    assert cost["harvest_calls"] + cost["repeated_calls"] == pytest.approx(len(calls), rel=0.03)
    assert cost["client_shapes"] == len({shape(call) for call in calls})
    assert (cost["accounts"], cost["cards"], cost["cover_calls"]) == (14, 14, 0)


def test_effort_costs():
    costs = {step: price(operator(step, accounts=20), days=8) for step in ("L0", "L1", "L3", "L4", "L5")}
    assert costs["L0"]["networks"] < costs["L1"]["networks"]
    assert costs["L0"]["cards"] < costs["L1"]["cards"]
    assert costs["L1"]["client_shapes"] < costs["L3"]["client_shapes"]
    assert costs["L3"]["lead_days"] < 20 < costs["L4"]["lead_days"]
    assert costs["L4"]["extra_calls_per_harvest_call"] == pytest.approx(1, abs=0.15)
    assert costs["L5"]["customer_calls"] > costs["L5"]["harvest_calls"]


def made(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> Ground:
    small = ["--hidden", "12", "--accounts", "40", "--calls", "80", "--days", "5", "--populations", "people", "--format", "canonical"]
    assert main(["range", "make", str(folder), *small, "--json", *arguments]) == 0
    capsys.readouterr()
    files = tuple(sorted((folder / "provider").glob("interactions-*")))
    return read(SimpleNamespace(files=files), folder)  # type: ignore[arg-type]


def test_the_command_makes_steps_and_leaves_machinery_to_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    own = made(capsys, tmp_path / "own", "--shape", "L2")
    assert len({row["payment_fingerprint"] for row in own.people("operator")}) == 12
    assert night(own, "operator-1") < 0.1
    shared = made(capsys, tmp_path / "shared", "--shape", "L2", "--machinery", "shared")
    assert len({row["payment_fingerprint"] for row in shared.people("operator")}) == 1


def test_the_command_knows_the_steps_when_it_refuses_a_shape(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["range", "make", str(tmp_path / "w"), "--shape", "L9"]) == 2
    said = capsys.readouterr().err
    assert "L9" in said
    assert all(name in said for name in ("letter", "probing", "L2", "L3-free", "L5"))
