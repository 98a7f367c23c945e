"""Worlds for the ladder: an operator beside a base made once is the world made whole; families of columns really go."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pyarrow.compute as pc
import pytest

from stillhunt import campaigns
from stillhunt.errors import InputError
from stillhunt.intake.pipeline import ingest
from stillhunt.lake import Lake
from stillhunt.range.ladder import measuring, running, worlds
from stillhunt.range.ladder.running import Plan, run
from stillhunt.range.ladder.steps import steps
from stillhunt.range.ladder.worlds import Conditions, Part
from stillhunt.range.world import make

SMALL = Conditions(accounts=900, calls=18_000, hidden=30, days=8, format="canonical", workers=1)
SEED = 5


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("ladder")


@pytest.fixture(scope="module")
def everybody(scratch):
    return worlds.base(SMALL, SEED, scratch)


@pytest.fixture(scope="module")
def specs():
    return steps()["L3"].cast(SMALL.hidden)


@pytest.fixture(scope="module")
def theirs(scratch, specs):
    return worlds.operation(SMALL, SEED, specs, scratch)[0]


def plain(findings):
    """Findings without what names the lake, and without phrases, of which a lake that was read in two goes knows fewer."""
    document = findings.to_json()
    del document["lake_snapshot"]
    for campaign in document["campaigns"]:
        del campaign["instructions"]
        # which calls the content test samples is drawn by their ids, and these are others
        del campaign["content"]
        campaign["explanations"] = [sentence for sentence in campaign["explanations"] if not sentence.startswith("Beside words")]
    return document


def test_base_and_operator_put_together_give_the_findings_of_one_world_made_whole(scratch, everybody, theirs, specs, tmp_path, monkeypatch):
    key_file = tmp_path / "key"
    key_file.write_text(worlds.key(SEED).hex() + "\n")
    monkeypatch.setenv("STILLHUNT_KEY_FILE", str(key_file))
    make(replace(SMALL.spec(SEED), operators=specs), tmp_path / "whole")
    with (
        Lake.open(tmp_path / "lake", create=True) as whole,
        worlds.put_together(tmp_path / "both", worlds.key(SEED), [everybody, theirs]) as both,
    ):
        ingest([tmp_path / "whole" / "provider"], whole, workers=1)
        expected, found = campaigns.hunt(whole), campaigns.hunt(both)
    assert expected.campaigns
    assert plain(found) == plain(expected)


def test_a_base_is_made_once(scratch, everybody, monkeypatch):
    monkeypatch.setattr(worlds, "make", lambda *_: pytest.fail("made again"))
    again = worlds.base(SMALL, SEED, scratch)
    assert all(again.tables[name].equals(table) for name, table in everybody.tables.items())
    assert again.truth.equals(everybody.truth)


def test_the_operator_stands_beside_the_base_and_takes_nothing_from_it(everybody, theirs):
    ids = everybody.truth["account_id"], theirs.truth["account_id"]
    assert not pc.any(pc.is_in(ids[1], value_set=ids[0])).as_py()
    assert theirs.truth.num_rows == SMALL.hidden
    assert everybody.truth.num_rows == SMALL.accounts
    rows = [part.tables["interactions"]["interaction_id"].combine_chunks() for part in (everybody, theirs)]
    assert not pc.any(pc.is_in(rows[1], value_set=rows[0])).as_py()


def test_the_lakes_of_a_seed_have_its_key(everybody, theirs, tmp_path):
    """Pseudonyms of the same identifier must be equal in all parts, or accounts that share a card would not."""
    assert worlds.key(SEED) != worlds.key(SEED + 1)
    with worlds.put_together(tmp_path / "lake", worlds.key(SEED), [theirs]) as lake:
        assert lake.key == worlds.key(SEED)
        assert lake.table("interactions").count() == theirs.tables["interactions"].num_rows
    assert not (tmp_path / "lake" / "pseudonym.key").stat().st_mode & 0o077


@pytest.mark.parametrize("family", worlds.FAMILIES)
def test_a_family_that_is_taken_away_leaves_nothing_of_it_and_all_of_the_rest(theirs, family):
    left = worlds.without(theirs, family)
    for name, before in theirs.tables.items():
        after = left.tables[name]
        gone = worlds.FAMILIES[family].get(name, ())
        if after.num_rows != before.num_rows:
            assert (family, name) in {("accounts", "accounts"), ("text", "phrases")}
            assert after.num_rows == 0
            continue
        assert after.schema == before.schema
        for column in before.column_names:
            assert after[column].null_count == before.num_rows if column in gone else after[column].equals(before[column]), column
    assert left.truth is theirs.truth


def test_without_text_no_column_that_was_computed_from_it_is_left(theirs):
    rows = worlds.without(theirs, "text").tables["interactions"]
    computed = [name for name in rows.column_names if name.endswith(("_hash", "_chars", "_topic", "_turns")) or name == "sketch"]
    assert len(computed) > 8
    assert [name for name in computed if rows[name].null_count < rows.num_rows] == ["parameters_hash"]


def test_an_unknown_family_is_refused_with_those_that_there_are(theirs):
    with pytest.raises(InputError, match="payment, accounts"):
        worlds.without(Part(theirs.tables, theirs.truth), "hats")


@pytest.fixture(scope="module")
def climbed(scratch, everybody):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measuring, "MEANS", (4, 18, 50))  # fewer scans, for the sake of time
        return run(Plan([steps()["L3"]], [SEED], SMALL), scratch, keep=True)


def test_a_result_counts_what_its_scans_said(climbed, theirs):
    (result,) = climbed
    assert (result.seed, result.step, result.without, result.hidden_accounts) == (SEED, "L3", None, SMALL.hidden)
    assert result.world_accounts == SMALL.accounts + SMALL.hidden
    assert result.hidden_calls == theirs.tables["interactions"].num_rows
    assert result.right > SMALL.hidden / 2
    assert sum(count for campaign in result.campaigns for count in campaign.values()) == result.named
    assert len(result.first_named) == SMALL.hidden
    assert result.replays
    assert [replay.ever for replay in result.replays] == sorted(replay.ever for replay in result.replays)
    assert all(replay.right <= replay.ever for replay in result.replays)
    assert result.replays[-1].ever <= sum(made is not None for made in result.first_named)


def test_the_past_is_scanned_when_hidden_accounts_had_made_so_many_calls(climbed, theirs):
    ends = sorted(theirs.tables["interactions"]["ended_at"].to_pylist())
    for replay in climbed[0].replays:
        seen = sum(end <= datetime.fromisoformat(replay.as_of) for end in ends)
        assert seen / SMALL.hidden == pytest.approx(replay.mean_calls, abs=0.1)


def test_what_is_in_the_results_file_is_not_measured_again(climbed, scratch, monkeypatch):
    monkeypatch.setattr(running, "measure", lambda *_, **__: pytest.fail("measured again"))
    assert run(Plan([steps()["L3"]], [SEED], SMALL), scratch, keep=True) == climbed


def test_nothing_but_bases_and_results_is_left_behind(climbed, scratch):
    assert {path.name.split("-")[0] for path in scratch.iterdir()} == {"base", "ladder.jsonl"}


def test_without_a_family_only_the_last_scan_is_made_and_the_result_is_one_of_its_own(climbed, scratch):
    results = run(Plan([steps()["L3"]], [SEED], SMALL, without=["text"]), scratch, keep=True)
    lacking = [result for result in results if result.without == "text"]
    assert len(results) == len(lacking) + len(climbed)
    assert [len(result.replays) for result in lacking] == [0]
    assert lacking[0].world_calls == climbed[0].world_calls
