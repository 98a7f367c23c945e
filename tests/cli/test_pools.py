import json

import pyarrow as pa
import pytest
from pyarrow.parquet import write_table

from stillhunt.cli import main

RING = [
    {"account": f"r{at}", "channel": "transfer", "value": f"r{min(at, other)}-r{max(at, other)}", "time": "2030-01-01T00:00:00Z"}
    for at in range(10)
    for other in (at - 1, at + 1)
    if 0 <= other < 10
] + [{"account": f"s{at}", "channel": "visit", "value": f"place {at}", "time": "2030-01-01T00:00:00Z"} for at in range(90)]


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "actions.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in RING) + "\n")
    return path


def test_pools_of_a_table_are_told_with_their_reason(lines, capsys):
    assert main(["pools", str(lines), "--tie", "transfer"]) == 0
    said = capsys.readouterr().out
    assert "1 pool of 10 of 100 accounts; 9 links" in said
    assert "in common with 2 accounts" in said
    assert "not guilt" in said


def test_json_has_pools_links_and_notes(lines, capsys):
    assert main(["pools", str(lines), "--tie", "transfer", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"accounts", "pools", "links", "notes"}
    assert len(told["links"]) == 9
    [pool] = told["pools"]
    assert pool["because"] == "links"
    assert {account["account_id"] for account in pool["accounts"]} == {f"r{at}" for at in range(10)}
    assert all("expected by chance" in account["explanation"] for account in pool["accounts"])


@pytest.mark.parametrize("time", [["2030-01-01T00:00:00Z"] * len(RING), [1893456000] * len(RING), [1893456000.5] * len(RING), None])
def test_parquet_and_every_way_of_writing_time_are_read(tmp_path, capsys, time):
    columns = {name: [row[name] for row in RING] for name in ("account", "channel", "value")}
    write_table(pa.table(columns | ({"time": time} if time else {})), tmp_path / "t.parquet")
    assert main(["pools", str(tmp_path / "t.parquet"), "--tie", "transfer", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["pools"]) == 1


def test_numbers_and_text_may_stand_in_one_column(tmp_path, capsys):
    path = tmp_path / "t.jsonl"
    path.write_text('{"account": 1, "channel": "c", "value": 2.5, "time": null}\n\n{"account": "b", "channel": "c", "value": "x"}\n')
    assert main(["pools", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accounts"] == 2


@pytest.mark.parametrize(
    ("content", "arguments", "expected"),
    [
        (None, [], "no such file"),
        ("PAR1 and no more", [], "cannot be read as such"),
        ("not json\n", [], "line 1: not JSON"),
        ("[1]\n", [], "line 1: an object"),
        ('{"account": "a", "channel": "c"}\n', [], "line 1: value"),
        ('{"account": "a", "channel": "c", "value": true}\n', [], "line 1: value"),
        ('{"account": "a", "channel": "c", "value": "1", "time": "soon"}\n', [], "no time"),
        ('{"account": "a", "channel": "c", "value": "1", "time": {"at": 1}}\n', [], "no time"),
        ('{"account": "a", "channel": "c", "value": "1"}\n', ["--tie", "d"], "no such channel"),
        ('{"account": "a", "channel": "c", "value": "1"}\n', ["--tie", "c", "--measure", "c"], "either"),
        ('{"account": "a", "channel": "c", "value": "x"}\n', ["--measure", "c"], "numbers"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, capsys, content, arguments, expected):
    path = tmp_path / "t"
    if content is not None:
        path.write_text(content)
    assert main(["pools", str(path), *arguments]) == 2
    said = capsys.readouterr()
    assert expected in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert said.out == ""


def test_a_missing_column_is_named(tmp_path, capsys):
    write_table(pa.table({"account": ["a"], "channel": ["c"]}), tmp_path / "t.parquet")
    assert main(["pools", str(tmp_path / "t.parquet")]) == 2
    assert "no column value" in capsys.readouterr().err


def test_empty_cells_are_refused(tmp_path, capsys):
    write_table(pa.table({"account": ["a", None], "channel": ["c", "c"], "value": ["1", "2"]}), tmp_path / "t.parquet")
    assert main(["pools", str(tmp_path / "t.parquet")]) == 2
    assert "empty cells" in capsys.readouterr().err
