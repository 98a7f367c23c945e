"""Logs that are read inside Spark become the same rows as logs that are read here."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pyarrow as pa
import pytest

from intake.memory_lake import MemoryLake
from stillhunt.errors import InputError
from stillhunt.intake.pipeline import ingest
from stillhunt.intake.spark import QUARANTINE, Secret, fingerprinted, land, read_batches

START = 1_767_225_600_000_000
KEY = bytes(range(32))
SENTENCE = "explain it step by step as a careful teacher would do for a curious child on a long walk home"


class Remembering(MemoryLake):
    """A lake in memory that keeps phrases, too."""

    def __init__(self) -> None:
        super().__init__()
        self.phrases: dict[int, str] = {}

    def add_phrases(self, rows: pa.Table) -> int:
        self.phrases |= {row["gram"]: row["words"] for row in rows.to_pylist()}
        return super().add_phrases(rows)


def call(n: int, **more) -> dict:
    """One canonical interaction, with a sentence that many accounts send."""
    text = f"{n} questions: {SENTENCE}"
    return {
        "interaction_id": f"call-{n}",
        "started_at": START + n * 1_000_000,
        "account_id": f"account-{n % 30}",
        "client_ip": f"192.0.2.{n % 250}",
        "end_user_id": f"person-{n % 11}",
        "messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}]),
        "response": f"Ответ {n} — 答え",
        **more,
    }


@pytest.fixture(scope="module")
def session(spark):
    from stillhunt.lake.engines.spark.session import shared

    with shared() as opened:
        yield opened


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Path:
    """A gateway's log with lines that cannot be read among the others."""
    samples = json.loads((Path(__file__).parent / "samples" / "litellm.json").read_text())
    lines = []
    for n in range(600):
        record = dict(samples[n % len(samples)])
        record |= {
            "id": f"call-{n}",
            "litellm_call_id": f"call-{n}",
            "trace_id": f"trace-{n % 50}",
            "startTime": record["startTime"] + n,
        }
        record["messages"] = [{"role": "user", "content": f"Explain question {n} step by step as a careful teacher would"}]
        record["metadata"] = record["metadata"] | {"user_api_key_user_id": f"user-{n % 40}"}
        lines += [json.dumps(record).encode() + b"\n"] * (1 + (n % 10 == 0))
    lines[5:5] = [b"{broken\n", b"\n", b'"a text"\n', b'{"\xff": 1}\n', lines[7][: len(lines[7]) // 2] + b"\n"]
    path = tmp_path_factory.mktemp("spark-logs") / "calls.jsonl"
    path.write_bytes(b"".join(lines))
    return path


@pytest.fixture(scope="module")
def here(log: Path, tmp_path_factory) -> tuple[Remembering, object]:
    lake = Remembering()
    return lake, ingest([log], lake, keep_text=True, workers=1, quarantine=tmp_path_factory.mktemp("here") / "bad.jsonl")


def test_a_log_gives_the_same_rows_inside_spark_and_here(session, log: Path, here, tmp_path):
    local, reported = here
    lines = session.read.text(str(log)).selectExpr("value", "input_file_name() AS source")
    lake = Remembering()
    with fingerprinted(lines.repartition(3), lake.key, keep_text=True) as read:
        assert read.format == "litellm"
        report = land(read, lake, tmp_path, quarantine=tmp_path / "bad.jsonl")
        again = land(read, lake, tmp_path)
    assert lake.interactions == local.interactions
    assert len(lake.interactions) == 600
    assert lake.texts == local.texts
    assert lake.accounts == local.accounts
    assert report.accepted == reported.accepted
    assert report.duplicates == reported.duplicates == 60
    assert report.quarantined == reported.quarantined
    assert report.quarantined.total() == 4
    assert again.accepted == 0
    assert lake.phrases.items() <= local.phrases.items()
    assert lake.phrases
    kept = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert {row.get("row") for row in kept} >= {"{broken", '"a text"'}
    assert all(row["source"].endswith("calls.jsonl") for row in kept)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.jsonl"]


def test_tables_are_dataframes_with_the_columns_of_the_lake(session):
    account = {"account_id": "account-1", "email": "ada@example.com", "created_at": START}
    entitlement = {"account_id": "account-2", "scope": "research", "reference": "R-1"}
    rows = [*map(call, range(60)), account, entitlement, {**call(99), "started_at": None}]
    lines = session.createDataFrame(pa.table({"value": [json.dumps(row).encode() for row in rows]}))
    lake = Remembering()
    with fingerprinted(lines, lake.key, format="canonical") as read:
        assert read.interactions.count() == 60
        found = {row["interaction_id"]: row for row in read.interactions.toArrow().to_pylist()}
        assert read.accounts.collect()[0]["email"].startswith("mail:")
        assert read.table("entitlements").collect()[0]["scope"] == "research"
        assert read.table("texts").count() == 0
        phrases = {row["words"] for row in read.table("phrases").collect()}
        assert phrases
        assert all(words in SENTENCE for words in phrases)
        bad = read.quarantine.toArrow()
    assert bad.schema.names == QUARANTINE.names
    assert bad.to_pylist() == [
        {"source": "", "reason": "started_at: expected a time", "record": json.dumps({**call(99), "started_at": None}).encode()}
    ]
    path = lake_of(rows)
    assert found["call-7"]["prompt_hash"] == path.interactions["call-7"]["prompt_hash"]
    assert found["call-7"]["sketch"] == path.interactions["call-7"]["sketch"]
    assert "messages" not in found["call-7"]


def lake_of(rows) -> Remembering:
    lake = Remembering()
    batch = pa.RecordBatch.from_pydict({"value": [json.dumps(row) for row in rows]})
    for parts in read_batches(iter([batch]), "canonical", KEY, keep_text=False):
        for row in parts.column("interactions").to_pylist():
            if row is not None:
                lake.interactions[row["interaction_id"]] = row
    return lake


def test_a_record_that_was_broken_over_lines_is_one_record():
    pretty = json.dumps(call(1), indent=2)
    batch = pa.RecordBatch.from_pydict({"value": [pretty, None, json.dumps(call(2))], "source": ["one", "one", None]})
    found = [
        row for parts in read_batches(iter([batch]), "canonical", KEY, keep_text=False) for row in parts.column("interactions").to_pylist()
    ]
    assert sorted(row["interaction_id"] for row in found if row) == ["call-1", "call-2"]


def test_phrases_ripen_over_the_partitions_that_one_worker_reads():
    found = set()
    for account in range(12):
        rows = [{**call(account), "account_id": f"other-{account}"}]
        batch = pa.RecordBatch.from_pydict({"value": [json.dumps(row) for row in rows]})
        for parts in read_batches(iter([batch]), "canonical", bytes(range(1, 33)), keep_text=False):
            found.update(row["words"] for row in parts.column("phrases").to_pylist() if row)
    assert found


def test_the_key_shows_in_no_plan_and_no_log(session, caplog):
    lines = session.createDataFrame(pa.table({"value": [json.dumps(call(1))]}))
    secret = b"a key that nobody else may know.."
    with caplog.at_level(logging.DEBUG), fingerprinted(lines, secret, format="canonical") as read:
        assert read.interactions.count() == 1
        plan = read.parts._jdf.queryExecution().toString()
        assert repr(Secret(secret)) == "<pseudonym key>"
        assert "nobody else" not in plan + repr(read)
    assert "nobody else" not in caplog.text


def test_formats_whose_records_need_one_another_are_refused(session):
    lines = session.createDataFrame(pa.table({"value": ["{}"]}))
    with pytest.raises(InputError, match="stillhunt ingest"):
        fingerprinted(lines, KEY, format="langfuse")


@pytest.mark.parametrize("rows", [['{"what": "is this"}'], ["no record"]])
def test_lines_of_no_known_format_are_refused(session, rows):
    with pytest.raises(InputError, match="no log that we know"):
        fingerprinted(session.createDataFrame(pa.table({"value": rows})), KEY)


def test_no_lines_are_nothing_to_read(session):
    with pytest.raises(InputError, match="nothing to read"):
        fingerprinted(session.createDataFrame(pa.table({"value": pa.array([], pa.string())})), KEY)


def test_the_example_of_the_page_brings_logs_into_a_lake(session, log: Path, tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[2] / "docs" / "scale.md").read_text()
    example = page.partition("```python\n")[2].partition("```")[0]
    assert '"logs"' in example
    monkeypatch.chdir(tmp_path)
    exec(compile(example.replace('"logs"', repr(str(log))), "docs/scale.md", "exec"), {})
    assert capsys.readouterr().out == "litellm 600 new calls, 4 records set aside\n"
    assert (tmp_path / "bad.jsonl").stat().st_mode & 0o777 == 0o600
    assert list((tmp_path / "staging").iterdir()) == []
