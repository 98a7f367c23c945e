"""A world at full size is a world: the same for the same seed, true to its truth, and its calls are made like those of any world."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from stillhunt import records
from stillhunt.errors import InputError
from stillhunt.lake import Lake
from stillhunt.range import scale
from stillhunt.range.calls import DAY, HOUR
from stillhunt.range.operators import operator
from stillhunt.range.scale.rows import Rows
from stillhunt.range.scale.voices import MOST_GRAMS, TOP
from stillhunt.range.scale.world import bare
from stillhunt.range.world import START, WorldSpec

DAYS = 8
SPEC = WorldSpec(
    seed=5,
    days=DAYS,
    accounts=4_000,
    calls=90_000,
    operators=(operator("L1", accounts=60, start_day=1.0),),
    format="fingerprints",
)


@pytest.fixture(scope="module")
def world():
    """Everybody, all bare calls, and their rows with the lane and the population of each."""
    made = scale.cast(SPEC)
    first = made.facts["start"] // DAY
    parts = [calls.copy() for _, calls in bare(made, first, first + DAYS, 0, 1 << 62, 30_000)]
    calls = np.concatenate(parts)
    rows = Rows(made).table(calls)
    lanes = made.lanes[calls["lane"]]
    population = made.truth["population"].combine_chunks().to_numpy(zero_copy_only=False)[lanes["account"]]
    return SimpleNamespace(made=made, parts=parts, calls=calls, rows=rows, lanes=lanes, population=population)


def sketches(rows: pa.Table) -> list[np.ndarray]:
    column = rows["sketch"].combine_chunks()
    return np.split(column.values.to_numpy(), column.offsets.to_numpy()[1:-1])


def test_rows_have_the_columns_that_intake_would_have_filled(world):
    assert world.rows.column_names == records.INTERACTIONS.names
    assert len(world.rows) == pytest.approx(SPEC.calls + 60 * 25.6 * (DAYS - 1), rel=0.15)
    for name in (
        "started_at",
        "ended_at",
        "account_id",
        "client_ip",
        "client_prefix",
        "client_shape",
        "client_label",
        "prompt_hash",
        "sketch",
    ):
        assert world.rows[name].null_count == 0, name
    ids = world.rows["interaction_id"]
    assert pc.count_distinct(ids).as_py() == len(ids)
    assert set(pc.utf8_length(ids).unique().to_pylist()) == {36}
    ended, begun = world.rows["ended_at"].cast(pa.int64()).to_numpy(), world.rows["started_at"].cast(pa.int64()).to_numpy()
    assert (ended > begun).all()


def test_sketches_are_distinct_grams_in_order_and_few_enough(world):
    for sketch in sketches(world.rows)[::17]:
        assert sketch.size <= MOST_GRAMS
        assert (np.diff(sketch.astype(np.int64)) > 0).all()
        assert sketch.size == 0 or (sketch[0] >= 0 and int(sketch[-1]) < 1 << TOP)


def test_long_texts_keep_the_small_grams(world):
    grams = sketches(world.rows)
    full = [sketch for sketch in grams if sketch.size > MOST_GRAMS // 2]
    halved = [sketch for sketch in full if sketch[-1] < 1 << (TOP - 1)]
    assert halved, "somebody writes long texts"
    assert len(halved) < len(grams) / 2


def test_days_are_in_order_of_time_and_follow_one_another(world):
    for day, calls in enumerate(world.parts):
        start = world.made.facts["start"] + day * DAY
        assert (np.diff(calls["at"]) >= 0).all()
        assert calls["at"][0] >= start
        assert calls["at"][-1] < start + DAY


def test_a_refused_request_of_the_operator_goes_to_another_account_word_for_word(world):
    mine = np.flatnonzero(world.population == "operator")
    refused = [row for row in mine if world.calls["status"][row] == 429]
    rows = world.rows
    prompt, account = rows["prompt_hash"].to_numpy(), world.lanes["account"]
    handed = 0
    for row in refused:
        again = mine[(prompt[mine] == prompt[row]) & (world.calls["at"][mine] > world.calls["at"][row])]
        handed += bool(again.size) and account[again[0]] != account[row]
        if again.size:
            assert world.calls["at"][again[0]] - world.calls["at"][row] < 60_000_000
            assert rows["sketch"][int(row)] == rows["sketch"][int(again[0])]
    assert len(refused) > 30
    assert handed > 0.9 * len(refused)


def test_nobody_else_hands_refused_requests_to_strangers(world):
    status, prompt, account = world.calls["status"], world.rows["prompt_hash"].to_numpy(), world.lanes["account"]
    others = np.flatnonzero((status != 200) & (world.population == "people"))
    by_prompt: dict[int, set[int]] = {}
    for row in range(prompt.size):
        by_prompt.setdefault(int(prompt[row]), set()).add(int(account[row]))
    assert others.size > 50
    assert all(len(by_prompt[int(prompt[row])]) == 1 for row in others)


def test_conversations_grow_and_repeat_what_was_said(world):
    talks = np.flatnonzero((world.calls["turn"] > 0) & (world.lanes["content"] == 1) & (world.calls["status"] == 200))
    first = {int(seed): row for row, seed in enumerate(world.calls["seed"]) if world.calls["turn"][row] == 0}
    grams = sketches(world.rows)
    count, chars = world.rows["message_count"].to_numpy(), world.rows["prompt_chars"].to_numpy()
    checked = 0
    for row in talks[:400]:
        opening = first.get(int(world.calls["seed"][row]))
        if opening is None:
            continue
        assert count[row] == 2 * world.calls["turn"][row] + 1
        assert chars[row] > chars[opening]
        if grams[row].size and grams[row].size < 24:
            assert np.isin(grams[opening], grams[row]).all()
            checked += grams[opening].size > 0
    assert checked > 20


def test_an_instruction_is_in_every_call_that_carries_it_and_its_words_are_known(world):
    mine = np.flatnonzero(world.population == "operator")
    grams = sketches(world.rows)
    seen, counts = np.unique(np.concatenate([grams[row] for row in mine]), return_counts=True)
    constant = seen[counts > 0.95 * mine.size]
    words = dict(zip(world.made.voices.phrases["gram"].to_pylist(), world.made.voices.phrases["words"].to_pylist(), strict=True))
    assert constant.size >= 2
    assert all(int(gram) in words for gram in constant)


def test_people_share_phrases_without_sharing_anything_else(world):
    asks = np.flatnonzero((world.population == "people") & (world.lanes["salt"] == 0) & (world.calls["turn"] == 0))
    grams = sketches(world.rows)
    account = world.lanes["account"]
    owners: dict[int, set[int]] = {}
    for row in asks:
        for gram in grams[row].tolist():
            owners.setdefault(gram, set()).add(int(account[row]))
    sizes = np.array([len(who) for who in owners.values()])
    assert 0.5 < (sizes == 1).mean() < 0.95, "most grams are somebody's own"
    assert sizes.max() > 20, "some phrases are anybody's"
    phrases = set(world.made.voices.phrases["gram"].to_pylist())
    assert all(gram in phrases for gram, who in owners.items() if len(who) > 20)


def test_applications_of_their_own_do_not_share_their_template(world):
    fills = np.flatnonzero((world.population == "people") & (world.lanes["salt"] != 0))
    system, account = world.rows["system_hash"].to_numpy(zero_copy_only=False), world.lanes["account"]
    owners: dict[float, set[int]] = {}
    for row in fills:
        if not np.isnan(system[row]):
            owners.setdefault(system[row], set()).add(int(account[row]))
    assert len(owners) > 20
    assert max(len(who) for who in owners.values()) == 1


def test_users_of_one_framework_share_its_prompt_and_little_else(world):
    agents = np.flatnonzero(world.population == "framework")
    rows = world.rows.take(pa.array(agents))
    assert len(rows["account_id"].unique()) > 30
    assert len(rows["system_hash"].unique()) <= 20
    assert rows["tools_hash"].null_count == 0
    assert len(set(rows["client_prefix"].to_pylist())) > 30


def test_offices_are_empty_at_weekends_and_people_sleep(world):
    office = world.lanes["style"] == 1
    weekday = (world.calls["at"] // DAY + 3) % 7
    assert (weekday[office] >= 5).mean() < 0.1
    at_home = (world.lanes["style"] == 0) & (world.population == "people")
    local = (world.calls["at"][at_home] / HOUR + world.lanes["zone"][at_home]) % 24
    assert ((local > 2) & (local < 5)).mean() < 0.4 * ((local > 14) & (local < 17)).mean()


def test_the_operator_never_rests(world):
    hours = np.bincount((world.calls["at"][world.population == "operator"] // HOUR) % 24, minlength=24)
    assert hours.min() > 0.8 * hours.mean()


def test_a_model_is_released_in_the_middle(world):
    model = world.rows["request_model"].combine_chunks().cast(pa.string()).to_numpy(zero_copy_only=False)
    new = model == "heron-4-large"
    assert new.any()
    assert world.calls["at"][new].min() >= world.made.facts["release"]


def test_the_same_seed_gives_the_same_rows_in_one_go_or_in_steps(tmp_path):
    spec = WorldSpec(
        seed=9, days=3, accounts=1_200, calls=9_000, operators=(operator("L1", accounts=20, start_day=0.5),), format="fingerprints"
    )
    whole = scale.make(spec, tmp_path / "whole", workers=1)
    moment = START + timedelta(days=1, hours=7)
    part = scale.make(spec, tmp_path / "steps", until=moment, workers=1)
    with Lake.open(tmp_path / "steps" / "lake") as lake:
        before = lake.table("interactions").to_arrow(["started_at"])["started_at"]
        assert pc.max(before).as_py() < moment
        assert len(before) == part.calls < whole.calls
    scale.go_on(tmp_path / "steps", until=moment + timedelta(hours=1), workers=1)
    done = scale.go_on(tmp_path / "steps", workers=1)
    tables = []
    for name in ("whole", "steps"):
        with Lake.open(tmp_path / name / "lake") as lake:
            tables.append({n: lake.table(n).to_arrow() for n in ("interactions", "accounts", "entitlements", "phrases")})
    assert all(tables[0][name].equals(tables[1][name]) for name in ("accounts", "entitlements", "phrases"))
    ordered = [one["interactions"].sort_by("interaction_id") for one in tables]
    assert ordered[0].equals(ordered[1])
    assert done.populations == whole.populations
    with Lake.open(tmp_path / "whole" / "lake") as lake:
        for path in lake.table("interactions").files():
            lying = pq.read_table(path, columns=["account_id", "started_at"], partitioning=None)
            runs = lying["account_id"].combine_chunks().dictionary_encode().indices.to_numpy()
            times = lying["started_at"].cast(pa.int64()).to_numpy()
            assert (np.diff(runs) >= 0).all(), "an account's calls lie together"
            assert (np.diff(times)[np.diff(runs) == 0] >= 0).all(), "and in order of time"
    truths = [pq.read_table(tmp_path / name / "truth" / "truth.parquet") for name in ("whole", "steps")]
    assert truths[0].equals(truths[1])
    counted = ordered[0].group_by("account_id").aggregate([("started_at", "count"), ("started_at", "min")])
    told = truths[0].filter(pc.greater(truths[0]["calls"], 0))
    assert told.num_rows == counted.num_rows
    joined = told.join(counted, "account_id")
    assert joined["calls"].equals(joined["started_at_count"])
    assert joined["first_call"].cast(pa.int64()).equals(joined["started_at_min"].cast(pa.int64()))
    with pytest.raises(InputError, match="written up to"):
        scale.go_on(tmp_path / "steps", workers=1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"populations": ("gateways",)}, "not played"),
        ({"operators": (operator("L5"),)}, "reseller"),
        ({"operators": (operator("two-pools"),)}, "second pool"),
        ({"accounts": 50}, "too few"),
        ({"days": 0}, "at least 1 day"),
    ],
)
def test_what_is_not_played_at_full_size_is_refused_with_a_reason(tmp_path, changes, words):
    spec = WorldSpec(**{"seed": 1, "days": 7, "accounts": 500, "calls": 2_000, "format": "fingerprints"} | changes)
    with pytest.raises(InputError, match=words):
        scale.make(spec, tmp_path / "world", workers=1)


def test_a_world_that_was_not_written_as_fingerprints_cannot_go_on(tmp_path):
    with pytest.raises(InputError, match="no world"):
        scale.go_on(tmp_path, until=datetime(2026, 4, 1, tzinfo=UTC))
