"""Each call once: who it was from the gateway, what it said from the content log."""

import json
import stat

import pyarrow.parquet as pq
import pytest

from intake.memory_lake import MemoryLake
from stillhunt.errors import InputError
from stillhunt.intake import registry
from stillhunt.intake.join import CROWDED, GATEWAY_WINS, join
from stillhunt.intake.pipeline import ingest
from stillhunt.records import CANONICAL_INTERACTIONS

START = 1_767_225_600_000_000


class Half:
    """Canonical rows as they are, whose `aliases` are alternative ids and whose account may be missing."""

    name, title, sees, hides, two_pass = "half", "", frozenset(), {}, False

    def sniff(self, sample):
        return 1.0 if sample.records and "half" in sample.records[0] else 0.0

    def index(self, record, context):
        raise AssertionError

    def read(self, record, context):
        row = {key: value for key, value in record.items() if key not in ("half", "aliases")}
        return [("interactions", {**row, "_request_ids": record.get("aliases", [])})]


@pytest.fixture(autouse=True)
def half(monkeypatch):
    known = registry.registry()
    monkeypatch.setattr(registry, "registry", lambda: registry.Registry({**known.formats, "half": Half()}, {}))


def gateway(n, **more):
    row = {
        "half": 1,
        "interaction_id": f"gw-{n}",
        "started_at": START + n * 1_000_000,
        "account_id": f"account-{n}",
        "client_ip": "192.0.2.1",
    }
    return {**row, "user_agent": "client/1", "http_status": 200, **more}


def content(n, **more):
    messages = json.dumps([{"role": "user", "parts": [{"type": "text", "content": f"Question {n}"}]}])
    row = {
        "half": 1,
        "interaction_id": f"llm-{n}",
        "started_at": START + n * 1_000_000 + 5,
        "messages": messages,
        "response": f"Answer {n}",
    }
    return {**row, "aliases": [f"gw-{n}"], "input_tokens": 7, "request_model": "large", **more}


def joined(tmp_path, left, right, suffix=".parquet"):
    for name, rows in (("gateway", left), ("content", right)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    output = tmp_path / f"calls{suffix}"
    report = join([tmp_path / "gateway.jsonl"], [tmp_path / "content.jsonl"], output)
    rows = pq.read_table(output).to_pylist() if suffix == ".parquet" else [json.loads(line) for line in output.read_text().splitlines()]
    assert len(rows) == report.rows
    assert len({row["interaction_id"] for row in rows}) == len(rows)
    return report, {row["interaction_id"]: row for row in rows}


def test_each_side_wins_its_columns_and_nulls_are_filled_from_the_other(tmp_path):
    left = [gateway(1, request_model="as routed", reasoning="from the gateway", organization_id=None)]
    right = [content(1, client_ip="198.51.100.1", account_id="shared-key", organization_id="org")]
    report, rows = joined(tmp_path, left, right)
    row = rows["gw-1"]
    assert report.matched == 1
    assert (row["account_id"], row["client_ip"], row["http_status"]) == ("account-1", "192.0.2.1", 200)
    assert (row["request_model"], row["input_tokens"], row["response"]) == ("large", 7, "Answer 1")
    assert (row["organization_id"], row["reasoning"]) == ("org", "from the gateway")
    assert "Question 1" in row["messages"]
    assert not GATEWAY_WINS & {"messages", "response", "input_tokens", "request_model"}


def test_what_has_no_partner_is_kept_if_it_says_whose_it_is(tmp_path):
    report, rows = joined(tmp_path, [gateway(1), gateway(2)], [content(1), content(3), content(4, account_id="account-4")])
    assert set(rows) == {"gw-1", "gw-2", "llm-4"}
    assert (report.matched, report.only_left, report.only_right, report.left_out) == (1, 1, 1, 1)
    assert rows["gw-2"]["response"] is None


SAME = ({}, {"interaction_id": "gw-1", "aliases": []})
BOTH = ({"aliases": ["x"]}, {"aliases": ["x"]})
OTHER = ({"aliases": ["llm-1"]}, {"aliases": []})


@pytest.mark.parametrize("sides", [SAME, BOTH, OTHER])
def test_ids_and_alternative_ids_of_either_side_match(tmp_path, sides):
    report, rows = joined(tmp_path, [gateway(1, **sides[0])], [content(1, **sides[1])])
    assert report.matched == 1
    assert rows["gw-1"]["response"] == "Answer 1"


def test_a_line_written_twice_is_kept_once(tmp_path):
    report, rows = joined(tmp_path, [gateway(1), gateway(1)], [content(1), content(1, response="later")])
    assert (report.matched, report.repeated_left, report.repeated_right) == (1, 1, 1)
    assert rows["gw-1"]["response"] == "Answer 1"


def test_several_model_calls_of_one_request_are_calls_of_one_account(tmp_path):
    retry = content(9, aliases=["gw-1"], started_at=START + 1_900_000)
    report, rows = joined(tmp_path, [gateway(1)], [retry, content(1)])
    assert (report.matched, report.retried) == (2, 1)
    assert rows["gw-1"]["response"] == "Answer 1"
    assert rows["llm-9"]["response"] == "Answer 9"
    assert rows["llm-9"]["account_id"] == "account-1"


def test_a_refused_attempt_keeps_its_own_row_beside_the_answered_one(tmp_path):
    left = [gateway(1, aliases=["r"], http_status=429), gateway(2, aliases=["r"])]
    report, rows = joined(tmp_path, left, [content(2, aliases=["r"])])
    assert (report.matched, report.only_left) == (1, 1)
    assert (rows["gw-1"]["http_status"], rows["gw-1"]["response"]) == (429, None)
    assert rows["gw-2"]["response"] == "Answer 2"


def test_an_id_that_a_crowd_shares_matches_nobody(tmp_path):
    many = CROWDED + 1
    left = [gateway(n, aliases=["session"]) for n in range(many)]
    report, _ = joined(tmp_path, left, [content(n, aliases=["session"]) for n in range(many)])
    assert (report.matched, report.only_left, report.crowded) == (0, many, 1)


def test_the_result_is_ingested_whether_parquet_or_json_lines(tmp_path):
    left, right = [gateway(n) for n in range(20)], [content(n) for n in range(20)]
    lakes = []
    for suffix in (".parquet", ".jsonl"):
        report, _ = joined(tmp_path, left, right, suffix)
        assert report.matched == 20
        lake = MemoryLake()
        assert ingest([tmp_path / f"calls{suffix}"], lake).accepted == 20
        lakes.append(lake)
    assert lakes[0].interactions == lakes[1].interactions
    assert lakes[0].interactions["gw-3"]["source"] == "canonical"
    assert pq.read_schema(tmp_path / "calls.parquet").equals(CANONICAL_INTERACTIONS)


def test_the_output_is_for_its_owner_and_in_one_piece(tmp_path):
    joined(tmp_path, [gateway(1)], [content(1)])
    assert stat.S_IMODE((tmp_path / "calls.parquet").stat().st_mode) == 0o600
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_bad_rows_are_counted_and_cost_nothing_else(tmp_path):
    report, rows = joined(tmp_path, [gateway(1), gateway(2, started_at=None)], [content(1), content(2, input_tokens="many")])
    assert set(rows) == {"gw-1"}  # content 2 names nobody, and its gateway's row is no call
    assert report.quarantined == {"started_at: missing": 1}


@pytest.mark.parametrize("output", ["calls.txt", "missing/calls.parquet"])
def test_what_cannot_be_written_is_said_in_one_line_and_leaves_nothing(tmp_path, output):
    (tmp_path / "side.jsonl").write_text(json.dumps(gateway(1)) + "\n")
    with pytest.raises(InputError) as error:
        join([tmp_path / "side.jsonl"], [tmp_path / "side.jsonl"], tmp_path / output)
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["side.jsonl"]


def test_a_side_that_cannot_be_read_is_said_and_writes_nothing(tmp_path):
    (tmp_path / "side.jsonl").write_text(json.dumps(gateway(1)) + "\n")
    with pytest.raises(InputError, match=r"missing\.jsonl"):
        join([tmp_path / "side.jsonl"], [tmp_path / "missing.jsonl"], tmp_path / "calls.parquet")
    assert not (tmp_path / "calls.parquet").exists()
