from __future__ import annotations

import dataclasses
import json
import random
import re
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ground import SPEC, Ground, read

from stillhunt.errors import InputError
from stillhunt.range.operators import operator
from stillhunt.range.populations import load
from stillhunt.range.world import WorldSpec, make

SMALL = WorldSpec(seed=3, days=3, accounts=40, calls=600, populations=("framework", "router"), operators=(operator("letter", accounts=6),))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("form", ["litellm", "litellm-gz", "canonical"])
def test_the_same_specification_makes_the_same_bytes(tmp_path: Path, form: str):
    spec = dataclasses.replace(SMALL, format=form)
    make(spec, tmp_path / "a")
    make(spec, tmp_path / "b")
    first, second = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_another_seed_makes_another_world(tmp_path: Path):
    make(SMALL, tmp_path / "a")
    make(dataclasses.replace(SMALL, seed=4), tmp_path / "b")
    ids = [set(pq.read_table(tmp_path / x / "provider" / "accounts.parquet")["account_id"].to_pylist()) for x in "ab"]
    assert not ids[0] & ids[1]


def test_targets_are_met(ground: Ground):
    innocent = [row for row in ground.truth.values() if row["operator"] is None]
    hidden = [row for row in ground.truth.values() if row["operator"] is not None]
    assert len(innocent) == SPEC.accounts
    assert len(hidden) == sum(one.accounts for one in SPEC.operators)
    assert sum(row["calls"] for row in innocent) == pytest.approx(SPEC.calls, rel=0.05)
    for one in SPEC.operators:
        calls = sum(row["calls"] for row in hidden if row["operator"] == one.name)
        assert calls == pytest.approx(one.calls(SPEC.days), rel=0.08)  # its failures come on top


def test_truth_is_complete_and_counts_what_the_log_holds(ground: Ground):
    assert ground.truth.keys() == ground.accounts.keys()
    counts = Counter(call["account_id"] for call in ground.calls)
    first = {}
    for call in ground.calls:
        first.setdefault(call["account_id"], call["started_at"])
    for account, row in ground.truth.items():
        assert row["calls"] == counts[account]
        assert row["first_call"] == first.get(account)
        assert (row["operator"] is None) == (row["population"] != "operator")
        assert (row["campaign"] is None) == (row["operator"] is None)


def test_interaction_ids_are_unique_and_calls_are_in_order_of_time(ground: Ground):
    ids = [call["interaction_id"] for call in ground.calls]
    assert len(set(ids)) == len(ids) == ground.world.calls
    times = [call["us"] for call in ground.calls]
    assert times == sorted(times)
    begin = int(SPEC.start.timestamp() * 1e6)
    assert begin <= times[0]
    assert times[-1] < begin + SPEC.days * 86_400_000_000


def test_each_file_holds_its_own_day(ground: Ground):
    for file in ground.world.files:
        days = {f"{moment:%Y-%m-%d}" for moment in pq.read_table(file)["started_at"].to_pylist()}
        assert days == {file.stem.removeprefix("interactions-")}


def test_nobody_calls_before_signing_up_or_after_being_closed(ground: Ground):
    for call in ground.calls:
        account = ground.accounts[call["account_id"]]
        assert call["started_at"] >= account["created_at"]
        if account["closed_at"] is not None and call["started_at"] > account["closed_at"]:
            assert call["http_status"] == 403
            assert call["response"] is None


def test_the_log_itself_does_not_say_who_is_hidden(ground: Ground):
    hidden = {account for account, row in ground.truth.items() if row["operator"] is not None}
    shape = re.compile(r"[0-9a-f]{24}")
    assert all(shape.fullmatch(account) for account in ground.accounts)
    for column in ("status", "email", "country", "plan", "signup_ip", "signup_user_agent", "signup_ja4", "created_at"):
        assert all(row[column] is not None for row in ground.accounts.values()), column
    for column in ("verification", "phone", "payment_fingerprint", "closed_at"):
        missing = {account for account, row in ground.accounts.items() if row[column] is None}
        # a column that is missing for all hidden and for few others would give them away
        assert not hidden <= missing or len(missing) > 0.25 * len(ground.accounts), column
    micros = Counter(call["us"] % 1000 == 0 for call in ground.calls if call["account_id"] in hidden)
    assert micros[True] < 0.02 * micros.total()
    closed = [row for account, row in ground.accounts.items() if row["status"] != "active" and account not in hidden]
    assert "abuse" in {row["closed_reason"] for row in closed}
    # whatever a hidden account's record says, some innocent's says too
    for column in ("status", "plan", "verification", "country", "closed_reason"):
        said = [{row[column] for account, row in ground.accounts.items() if (account in hidden) == side} for side in (True, False)]
        assert said[0] <= said[1], column


def test_the_order_of_accounts_carries_no_information(ground: Ground):
    hidden = [account for account, row in ground.truth.items() if row["operator"] is not None]
    for order in (list(ground.accounts), list(ground.truth)):
        places = [order.index(account) for account in hidden]
        mean = sum(places) / len(places)
        # the mean rank of k of n shuffled accounts: n/2 with standard error n/sqrt(12 k); six of them are far out
        assert abs(mean - len(order) / 2) < 6 * len(order) / (12 * len(places)) ** 0.5
        gaps = Counter(b - a for a, b in zip(sorted(places), sorted(places)[1:], strict=False))
        assert gaps[1] < len(places) / 2


def test_errors_happen_at_realistic_rates(ground: Ground):
    innocent = [call for call in ground.calls if ground.truth[call["account_id"]]["operator"] is None]
    shares = {status: count / len(innocent) for status, count in Counter(call["http_status"] for call in innocent).items()}
    assert 0.95 < shares[200] < 0.998
    assert {429, 500, 400} <= shares.keys()
    for call in ground.calls:
        assert (call["http_status"] == 200) == (call["response"] is not None) == (call["error_type"] is None)


def test_token_counts_fit_the_texts(ground: Ground):
    for call in random.Random(1).sample([call for call in ground.calls if call["http_status"] == 200], 500):
        assert call["output_tokens"] == pytest.approx(len(call["response"].encode()) / 4, abs=6)
        assert call["input_tokens"] >= len(call["prompt"].encode()) // 4


def test_a_tenth_of_the_people_does_most_of_the_calling(ground: Ground):
    volumes = sorted((row["calls"] for row in ground.truth.values() if row["population"] == "people"), reverse=True)
    assert sum(volumes[: len(volumes) // 10]) > 0.4 * sum(volumes)
    assert volumes[len(volumes) // 2] < sum(volumes) / len(volumes)


def test_the_summary_beside_the_truth_can_be_read(ground: Ground):
    facts = json.loads((ground.folder / "truth" / "world.json").read_bytes())
    assert facts["calls"] == len(ground.calls)
    assert facts["spec"]["seed"] == SPEC.seed
    assert {one["name"] for one in facts["spec"]["operators"]} == {"still", "shy"}
    assert str(ground.folder) not in json.dumps(facts)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"days": 0}, "days"),
        ({"accounts": 0}, "accounts"),
        ({"populations": ("nobody",)}, "nobody"),
        ({"populations": "all", "accounts": 30}, "accounts"),
        ({"format": "papyrus"}, "papyrus"),
        ({"texts": Path("no/such/folder")}, "texts"),
        ({"operators": (operator("letter"), operator("steady"))}, "operators"),
        ({"operators": (operator("peak"),)}, "day 5"),
        ({"operators": (operator("letter", machinery="steam"),)}, "steam"),
    ],
)
def test_what_cannot_become_a_world_is_refused_in_words(tmp_path: Path, changes: dict[str, object], named: str):
    with pytest.raises(InputError, match=named):
        make(dataclasses.replace(SMALL, **changes), tmp_path / "w")  # type: ignore[arg-type]
    assert not (tmp_path / "w" / "truth" / "truth.parquet").exists()


def test_a_world_is_never_written_over(tmp_path: Path):
    make(SMALL, tmp_path)
    before = contents(tmp_path)
    with pytest.raises(InputError, match="holds a world already"):
        make(SMALL, tmp_path)
    assert contents(tmp_path) == before


def test_a_world_without_operators_hides_nobody(tmp_path: Path):
    world = make(dataclasses.replace(SMALL, operators=(), populations="people"), tmp_path)
    assert world.hidden_accounts == world.hidden_calls == 0
    assert set(world.populations) == {"people"}


@pytest.mark.parametrize(("days", "accounts", "calls"), [(1, 260, 400), (2, 300, 300), (5, 400, 9000)])
def test_short_and_sparse_worlds_hold_everybody(tmp_path: Path, days: int, accounts: int, calls: int):
    world = make(WorldSpec(days=days, accounts=accounts, calls=calls, format="canonical"), tmp_path)
    assert world.accounts == accounts
    assert set(world.populations) == {"people", *(name for name, one in load().items() if one.default)}
    assert world.calls == pytest.approx(calls, rel=0.05) or calls < 2 * accounts


SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of real texts is not here: ../shared/data")
def test_real_texts_keep_strangers_apart_and_queues_free_of_repeats(tmp_path: Path):
    spec = dataclasses.replace(SMALL, texts=SHARED, accounts=300, calls=4000, populations="people", format="canonical")
    real = read(make(spec, tmp_path), tmp_path)
    openings = defaultdict(set)
    for call in real.of("people"):
        if call["turns"] == 1 and len(call["prompt"]) >= 25:
            openings[call["prompt"]].add(call["account_id"])
    assert len(openings) > 500
    assert sum(len(senders) > 1 for senders in openings.values()) == 0
    answered = Counter((call["system"], call["prompt"]) for call in real.of("operator") if call["http_status"] == 200)
    assert set(answered.values()) == {1}


def test_progress_is_told_up_to_the_end(tmp_path: Path):
    told: list[tuple[int, int]] = []
    world = make(SMALL, tmp_path, lambda done, total: told.append((done, total)))
    assert told[-1] == (world.calls, world.calls)
