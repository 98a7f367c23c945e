"""The ladder's results, sums, page and pictures: what is shown is what was counted, and a missed bar is shown as missed."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from stillhunt.cli.outcome import run as stillhunt
from stillhunt.errors import InputError
from stillhunt.range.ladder import command, page
from stillhunt.range.ladder.results import Replay, Result, append, read, rewrite
from stillhunt.range.ladder.steps import Bar, chosen, steps
from stillhunt.range.ladder.sums import summed

RESULT = Result(
    seed=1,
    step="L0",
    without=None,
    accounts=20_000,
    calls=500_000,
    hidden=250,
    texts="real texts",
    format="litellm",
    pools={"operator-1": 10},
    hidden_accounts=10,
    hidden_calls=1_000,
    world_accounts=110,
    world_calls=9_000,
    named=10,
    right=9,
    wrong_by_population={"hackathon": 1},
    wrong_ever=2,
    campaigns=[{"operator-1": 9, "nobody": 1}],
    overlooked={"in no pool": 1},
    replays=[
        Replay(mean_calls=2, as_of="2026-03-05T00:00:00Z", right=3, wrong=0, ever=3, campaigns=1, seconds=1.0),
        Replay(mean_calls=4, as_of="2026-03-05T03:00:00Z", right=8, wrong=1, ever=8, campaigns=1, seconds=1.0),
    ],
    first_named=[1, 2, 2, 4, 4, 5, 5, 6, 100, None],
    price={"accounts": 10, "cards": 3, "networks": 7, "client_shapes": 1, "harvest_calls": 990, "extra_calls_per_harvest_call": 0.25},
    seconds={"operator": 2.0, "lake": 1.0, "scan": 5.0, "replays": 2.0},
    conditions={"date": "2026-03-01", "machine": "a machine", "versions": "some versions"},
)
"""Invented: ten hidden accounts, nine of them named and one stranger with them."""


def shown(*results):
    return page.documents(results, steps())["ladder.md"]


def row(text, first):
    return next(line for line in text.splitlines() if line.startswith(f"| {first} |"))


# ---- results


def test_results_come_back_as_they_were_written(tmp_path):
    for result in (RESULT, replace(RESULT, seed=2)):
        append(tmp_path / "new" / "ladder.jsonl", result)
    assert read(tmp_path / "new" / "ladder.jsonl") == [RESULT, replace(RESULT, seed=2)]
    rewrite(tmp_path / "again.jsonl", [RESULT])
    assert read(tmp_path / "again.jsonl") == [RESULT]


def test_a_line_that_a_killed_run_left_is_no_result_and_spoils_none(tmp_path):
    path = tmp_path / "ladder.jsonl"
    append(path, RESULT)
    path.write_bytes(path.read_bytes() + b'{"seed": 3, "st')
    append(path, replace(RESULT, seed=2))
    assert read(path) == [RESULT, replace(RESULT, seed=2)]


def test_of_two_results_for_one_measurement_the_later_counts(tmp_path):
    path = tmp_path / "ladder.jsonl"
    append(path, RESULT)
    append(path, replace(RESULT, named=9))
    assert [result.named for result in read(path)] == [9]


def test_a_file_of_something_else_is_refused_with_its_line(tmp_path):
    (tmp_path / "ladder.jsonl").write_text('{"seed": 1}\n')
    with pytest.raises(InputError, match="line 1"):
        read(tmp_path / "ladder.jsonl")
    assert read(tmp_path / "absent.jsonl") == []


# ---- sums


def test_sums_add_accounts_over_seeds_and_scans():
    (one,) = summed([RESULT, replace(RESULT, seed=2, named=10, right=10, first_named=[3] * 10, replays=[])])
    assert (one.recall.hits, one.recall.total) == (19, 20)
    assert (one.false.hits, one.false.total) == (1, 20)
    assert (one.false_ever.hits, one.false_ever.total) == (2, 20 + 3 + 9)
    assert one.seeds == (1, 2)


def test_an_account_that_is_never_named_counts_as_infinitely_many_calls():
    (one,) = summed([RESULT])
    assert (one.quantile(0.5), one.quantile(0.9), one.quantile(1.0)) == (4, 100, None)
    (half,) = summed([replace(RESULT, first_named=[1, 1, None, None, None])])
    assert half.quantile(0.5) is None


@pytest.mark.parametrize(
    ("bar", "missed"),
    [
        (Bar(0.9, 0.1, 4), []),
        (Bar(0.91, 0.1, 4), ["recall"]),
        (Bar(0.9, 0.09, 4), ["false discovery rate"]),
        (Bar(0.9, 0.1, 3), ["calls"]),
        (Bar(0.9, 0.1, None), []),
        (Bar(0.99, 0.001, 1), ["recall", "false discovery rate", "calls"]),
    ],
)
def test_a_bar_is_met_in_all_its_parts_or_missed_in_those_that_are_named(bar, missed):
    assert summed([RESULT])[0].missed(bar) == missed


def test_a_step_at_which_nobody_is_named_misses_recall_and_calls():
    (one,) = summed([replace(RESULT, named=0, right=0, campaigns=[], replays=[], first_named=[None] * 10)])
    assert one.missed(Bar(0.5, 0.001, 50)) == ["recall", "calls"]


def test_the_climb_ends_with_all_that_were_ever_named():
    (one,) = summed([RESULT])
    assert one.climb == [(2, 0.3), (4, 0.8), (100.0, 0.9)]


def test_two_operators_are_apart_only_if_both_are_named_and_no_campaign_holds_both():
    both = replace(RESULT, step="two-operators", pools={"operator-1": 5, "operator-2": 5})
    for campaigns, apart in (
        ([{"operator-1": 5}, {"operator-2": 4}], 1),
        ([{"operator-1": 5, "operator-2": 4}], 0),
        ([{"operator-1": 5}], 0),
        ([{"operator-1": 50}, {"operator-2": 50, "operator-1": 1}], 1),
    ):
        (one,) = summed([replace(both, campaigns=campaigns)])
        assert one.apart.hits == apart, campaigns
        assert one.tied is None
    assert summed([RESULT])[0].apart is None


def test_a_replacement_is_tied_if_one_campaign_holds_both_pools():
    both = replace(RESULT, step="replacement", pools={"operator-1": 5, "operator-1, replacement": 5})
    for campaigns, tied, count in (
        ([{"operator-1": 5, "operator-1, replacement": 5}], 1, 1),
        ([{"operator-1": 5}, {"operator-1, replacement": 5}], 0, 2),
    ):
        (one,) = summed([replace(both, campaigns=campaigns)])
        assert (one.tied.hits, one.campaigns, one.apart) == (tied, [count], None)


# ---- steps


def test_the_ladder_has_the_bars_of_the_issue_and_operators_of_the_letters_pace():
    ladder = chosen("ladder")
    assert [step.name for step in ladder if step.bar] == ["L0", "L1", "L2", "L3", "L3-free", "L4", "L5"]
    assert [step.bar.recall for step in ladder if step.bar] == [0.999, 0.999, 0.995, 0.98, 0.95, 0.9, 0.5]
    assert [step.bar.calls for step in ladder if step.bar] == [4, 6, 12, 25, 50, 120, None]
    assert {step.bar.false for step in ladder if step.bar} == {0.001}
    assert all(one.accounts == 250 and one.start_day >= 3 for step in ladder for one in step.cast(250))


def test_shapes_keep_their_own_number_of_accounts_unless_fewer_are_wanted():
    heavy = steps()["few-and-heavy"]
    assert [one.accounts for one in heavy.cast(250)] == [12]
    assert [one.accounts for one in heavy.cast(9)] == [9]
    two = steps()["two-operators"].cast(250)
    assert len({one.name for one in two}) == len({one.jobs for one in two}) == 2


def test_every_step_says_what_its_operator_does_in_words_of_its_own():
    assert [step.name for step in steps().values() if step.what == step.name] == []


def test_steps_are_chosen_by_name_or_group_and_strangers_are_refused():
    assert [step.name for step in chosen("L2, L0,L2")] == ["L2", "L0"]
    assert {step.name for step in chosen("all")} == {step.name for step in chosen("ladder,shapes")} == set(steps())
    with pytest.raises(InputError, match="'L9' is no step"):
        chosen("L9")


# ---- page


def test_a_missed_bar_is_shown_as_missed_and_in_what():
    text = shown(RESULT)
    assert row(text, "L0").endswith("| MISSED: recall, false discovery rate |")
    good = replace(RESULT, named=10, right=10, first_named=[2] * 10, campaigns=[{"operator-1": 10}], wrong_by_population={}, overlooked={})
    assert row(shown(good), "L0").endswith("| met |")
    assert row(shown(replace(RESULT, step="L4-free")), "L4-free").endswith("| no bar |")
    assert page.verdict(summed([replace(RESULT, without="text")])[0], Bar(1.0, 0.0, 1)) == "no bar"


def test_the_table_shows_counts_intervals_and_calls_of_the_results():
    cells = [cell.strip() for cell in row(shown(RESULT), "L0").split("|")]
    assert cells[4] == "90.00 % (9 of 10; 55.50 to 99.75 %)"
    assert cells[5] == "10.00 % (1 of 10; 0.25 to 44.50 %)"
    assert cells[6].startswith("9.09 % (2 of 22;")
    assert cells[7] == "4, 100"


def test_who_was_missed_and_who_was_named_wrongly_is_said():
    text = shown(RESULT)
    assert "L0: named wrongly by the last scans: hackathon 1." in text
    assert "L0: hidden accounts that were not named: in no pool (1)." in text


def test_a_page_from_less_than_the_bars_are_meant_for_says_so():
    assert "fewer than 5 seeds" in shown(RESULT)
    enough = [replace(RESULT, seed=seed) for seed in range(5)]
    assert "Caution" not in shown(*enough)
    assert "no real texts" in shown(*(replace(one, texts="the built-in bank of texts") for one in enough))
    assert "smaller worlds" in shown(*(replace(one, hidden=60) for one in enough))


def test_missing_columns_stand_beside_the_whole():
    text = shown(RESULT, replace(RESULT, without="payment", right=5, named=5, replays=[]))
    assert row(text, "nothing") == "| nothing | 90.00 %; 10.00 % |"
    assert row(text, "payment: no card tokens") == "| payment: no card tokens | 50.00 %; 0.00 % |"


def test_prices_are_means_over_seeds():
    text = shown(RESULT, replace(RESULT, seed=2, price={**RESULT.price, "cards": 5})).split("## What it costs")[1]
    assert row(text, "L0").startswith("| L0 | 10 | 4 | 7 | 1 |")


def test_every_page_names_only_pictures_that_are_there():
    files = page.documents([RESULT, replace(RESULT, step="pivot")], steps())
    assert set(re.findall(r"!\[[^\]]*\]\(([^)]+)\)", files["ladder.md"])) == files.keys() - {"ladder.md"}
    assert set(page.documents([replace(RESULT, step="pivot")], steps())) == {"ladder.md"}
    assert set(page.documents([], steps())) == {"ladder.md"}


def test_pictures_are_whole_svg_that_say_each_point_and_follow_dark_mode():
    files = page.documents([RESULT, replace(RESULT, step="L4-free")], steps())
    for name, said in ((page.RECALL, "L0: 9 of 10 hidden accounts named"), (page.CALLS, "L0: 80.0 % named after 4 calls each")):
        drawn = files[name]
        assert ET.fromstring(drawn).tag.endswith("svg")
        assert said in drawn
        assert "prefers-color-scheme:dark" in drawn
        assert "L4-free" in drawn


# ---- command


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seeds": "one"}, "--seeds one"),
        ({"seeds": "-3"}, "--seeds -3"),
        ({"steps": "L77"}, "'L77' is no step"),
        ({"without": "payment,hats"}, "'hats' is no family"),
    ],
)
def test_what_there_is_not_is_refused_before_anything_is_made(given, said, monkeypatch):
    monkeypatch.setattr(command, "run", lambda *_, **__: pytest.fail("ran"))
    with pytest.raises(InputError, match=re.escape(said)):
        command.climb(command.Request(**given))


def test_a_run_writes_page_pictures_and_results_where_it_is_told(tmp_path, monkeypatch):
    strangers = replace(RESULT, step="a step of another release")
    monkeypatch.setattr(command, "run", lambda *_, **__: [RESULT, strangers])
    outcome = command.climb(command.Request(output=tmp_path / "page", resume=tmp_path / "kept"))
    assert {path.name for path in (tmp_path / "page").iterdir()} == {"ladder.md", "ladder.jsonl", page.RECALL, page.CALLS}
    assert read(tmp_path / "page" / "ladder.jsonl") == [RESULT]
    document = outcome.to_json()
    assert document["pages"] == [str(tmp_path / "page" / "ladder.md")]
    assert document["sums"][0]["verdict"] == "MISSED: recall, false discovery rate"
    assert document["sums"][0]["calls_when_first_named"] == {"median": 4, "90th percentile": 100}


def test_the_page_goes_to_the_checkout_or_else_to_where_the_command_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "run", lambda *_, **__: [RESULT])
    monkeypatch.chdir(tmp_path)
    assert command.climb(command.Request()).pages == [tmp_path / "ladder.md"]
    (tmp_path / "docs").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "stillhunt"\n')
    assert command.climb(command.Request()).pages == [tmp_path / "docs" / "benchmarks" / "ladder.md"]


def test_a_quick_run_leaves_the_page_of_a_checkout_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "run", lambda *_, **__: [RESULT])
    monkeypatch.chdir(tmp_path)
    assert command.climb(command.Request(quick=True)).pages == []
    assert list(tmp_path.iterdir()) == []


def test_the_command_prints_the_verdict_for_people_and_everything_as_json(tmp_path, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(command, "run", lambda plan, *_, **__: asked.append(plan) or [RESULT])
    arguments = ["range", "ladder", "--steps", "L0,L5", "--seeds", "3,4", "--hidden", "20", "--output", str(tmp_path)]
    assert stillhunt(arguments) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "90.00 % of 10" in said
    assert "MISSED" in said
    assert ([step.name for step in asked[0].steps], asked[0].seeds, asked[0].conditions.hidden) == (["L0", "L5"], [3, 4], 20)
    assert stillhunt([*arguments, "--without", "all", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["sums"][0]["recall"]["hits"] == 9
    assert document["results"][0]["first_named"] == RESULT.first_named
    assert len(asked[1].each()) == 2 * 2 * 6
