from __future__ import annotations

import datetime as dt
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from stillhunt.errors import InputError
from stillhunt.range.score import TRUTH, Truth, rate, score, show

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def truth_table(**operators: int) -> pa.Table:
    rows = [{"account_id": f"p{n}", "population": "people", "operator": None, "calls": 3} for n in range(80)]
    rows += [{"account_id": f"h{n}", "population": "hackathon", "operator": None, "calls": 9} for n in range(20)]
    for name, size in operators.items():
        rows += [{"account_id": f"{name}{n}", "population": "operator", "operator": name, "calls": 100} for n in range(size)]
    return pa.Table.from_pylist(rows, schema=TRUTH)


def findings(*campaigns: list[str], pools: list[dict] | None = None) -> dict:
    named = [{"campaign_id": f"c{n}", "accounts": [{"account_id": a} for a in accounts]} for n, accounts in enumerate(campaigns)]
    return {"campaigns": named, "pools": pools or [], "false_discovery_rate": 0.001}


def ids(name: str, *numbers: range) -> list[str]:
    return [f"{name}{n}" for r in numbers for n in r]


def test_names_everybody_and_nobody_else():
    result = score(findings(ids("x", range(10))), Truth.from_table(truth_table(x=10)))
    assert (result.precision.value, result.recall.value, result.false_discovery.value) == (1.0, 1.0, 0.0)
    assert result.found == ["x"]
    assert result.missed == result.split == result.merged == []
    assert result.false_positives == {}


def test_wrongly_named_innocents_are_counted_by_population():
    result = score(findings([*ids("x", range(8)), "h1", "h2", "p7"]), Truth.from_table(truth_table(x=10)))
    assert result.recall.value == pytest.approx(0.8)
    assert result.false_discovery.value == pytest.approx(3 / 11)
    assert result.precision.value == pytest.approx(8 / 11)
    assert {name: (share.hits, share.total) for name, share in result.false_positives.items()} == {"hackathon": (2, 20), "people": (1, 80)}


def test_an_account_in_two_campaigns_counts_once():
    result = score(findings(ids("x", range(6)), ids("x", range(3, 10))), Truth.from_table(truth_table(x=10)))
    assert result.named == 10
    assert result.split == ["x"]


def test_two_operators_in_one_campaign_are_merged():
    result = score(findings([*ids("x", range(10)), *ids("y", range(10))]), Truth.from_table(truth_table(x=10, y=10)))
    assert result.merged == ["c0"]
    assert result.split == []
    assert result.found == ["x", "y"]


def test_a_stray_account_does_not_make_a_campaign_merged():
    result = score(findings([*ids("x", range(30)), "y0"]), Truth.from_table(truth_table(x=30, y=10)))
    assert result.merged == []
    assert result.missed == ["y"]


def test_an_operator_is_missed_when_less_than_half_of_it_is_named():
    truth = Truth.from_table(truth_table(x=10))
    assert score(findings(ids("x", range(4))), truth).missed == ["x"]
    assert score(findings(ids("x", range(5))), truth).found == ["x"]


def test_naming_nobody_is_no_false_discovery_and_no_precision():
    result = score(findings(), Truth.from_table(truth_table(x=4)))
    assert result.false_discovery.hits == 0
    assert result.precision.value is None
    assert result.recall.value == 0.0


def test_accounts_unknown_to_the_truth_count_as_wrong():
    result = score(findings(["ghost", *ids("x", range(3))]), Truth.from_table(truth_table(x=3)))
    assert result.unknown == ["ghost"]
    assert result.false_discovery.hits == 1


def test_calls_before_detection_come_from_the_first_scan_that_found_the_operator():
    table = truth_table(x=4, y=2)
    calls = [{"account_id": f"x{n}", "started_at": START + dt.timedelta(days=day)} for n in range(4) for day in range(10)]
    calls += [{"account_id": "p1", "started_at": START}, {"account_id": "y0", "started_at": START}]
    scans = [
        (START + dt.timedelta(days=6), findings(ids("x", range(4)))),
        (START + dt.timedelta(days=2), findings(["x0"])),
        (START + dt.timedelta(days=4), findings(ids("x", range(3)))),
    ]
    result = score(scans, Truth.from_table(table), pa.Table.from_pylist(calls))
    one, two = result.operators
    assert one.detected_at == "2026-03-05T00:00:00+00:00"
    assert one.calls_before_detection == 16
    assert two.detected_at is None
    assert two.calls_before_detection == 1
    assert result.recall.hits == 4  # of the latest scan


def test_pools_are_listed_by_reason_and_population():
    pool = {"pool_id": "q", "accounts": ["h0", "h1", "p1"], "why_not_a_campaign": "declared one organization"}
    assert score(findings(pools=[pool]), Truth.from_table(truth_table())).pools == {
        "declared one organization": {"hackathon": 2, "people": 1}
    }


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(0, 10, 0.0, 0.30850), (10, 10, 0.69150, 1.0), (1, 10, 0.00253, 0.44502), (50, 100, 0.39832, 0.60168)],
)
def test_intervals_are_the_published_clopper_pearson_ones(hits, total, low, high):
    share = rate(hits, total)
    assert share.low == pytest.approx(low, abs=2e-5)
    assert share.high == pytest.approx(high, abs=2e-5)


def test_what_is_no_share_is_refused():
    with pytest.raises(ValueError, match="not a share"):
        rate(3, 2)


@pytest.mark.parametrize("nonsense", [{}, {"campaigns": [{"accounts": []}]}, {"campaigns": None}, []])
def test_what_is_no_findings_says_so(nonsense):
    with pytest.raises(InputError, match="findings"):
        score(nonsense, Truth.from_table(truth_table(x=1)))


def test_a_truth_file_survives_the_round_trip_and_a_wrong_file_says_what_to_give(tmp_path):
    pq.write_table(truth_table(x=2), tmp_path / "truth.parquet")
    truth = Truth.read(tmp_path / "truth.parquet")
    assert truth.operator == {"x0": "x", "x1": "x"}
    assert truth.population["h3"] == "hackathon"
    (tmp_path / "other.parquet").write_text("no")
    with pytest.raises(InputError, match=r"truth\.parquet"):
        Truth.read(tmp_path / "other.parquet")
    with pytest.raises(InputError, match="population"):
        Truth.from_table(pa.table({"account_id": ["a"]}))
    with pytest.raises(InputError, match="twice"):
        Truth.from_table(pa.concat_tables([truth_table(x=1), truth_table(x=1)]))


def test_a_score_can_be_read_by_people_and_by_machines():
    result = score(findings([*ids("x", range(9)), "h1"]), Truth.from_table(truth_table(x=10, y=5)))
    assert json.loads(json.dumps(result.to_json()))["missed"] == ["y"]
    out = io.StringIO()
    show(result, Console(file=out, width=160))
    assert "90.00 % (9 of 10" in out.getvalue()
    assert "hackathon" in out.getvalue()
