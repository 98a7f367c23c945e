"""What is left out is counted and shown, whatever the file; see test_optional_fields for every format."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from intake.memory_lake import MemoryLake
from stillhunt.intake.pipeline import ingest

CALL = {"interaction_id": "call-1", "started_at": "2026-01-01T00:00:00Z", "account_id": "account-1", "input_tokens": 5}


def test_what_is_left_out_is_counted_by_field_and_shown_in_the_report(tmp_path):
    lines = [{**CALL, "interaction_id": f"call-{n}", "input_tokens": "many" if n % 2 else 5, "ended_at": "soon"} for n in range(10)]
    path = tmp_path / "calls.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = ingest([path], MemoryLake())
    assert (report.accepted, report.quarantined.total()) == (10, 0)
    assert report.left_out == {"input_tokens: expected an integer": 5, "ended_at: expected a time as ISO 8601 text": 10}
    assert report.to_json()["left_out"] == report.to_json()["sources"][0]["left_out"] == dict(sorted(report.left_out.items()))


@pytest.mark.parametrize("names", ['["host", "accept", "user-agent"]', "host, accept, user-agent"])
def test_header_names_alone_are_a_client_shape(tmp_path, names):
    path = tmp_path / "calls.parquet"
    pq.write_table(pa.Table.from_pylist([{**CALL, "client_headers": names}]), path)
    lake = MemoryLake()
    report = ingest([path], lake)
    assert (report.accepted, report.left_out.total()) == (1, 0)
    assert lake.interactions["call-1"]["client_shape"] is not None


def test_a_parquet_column_of_a_wrong_type_is_left_out_and_its_rows_stay(tmp_path):
    path = tmp_path / "calls.parquet"
    pq.write_table(pa.table({**{k: [v] for k, v in CALL.items()}, "input_tokens": ["many"], "user_agent": [[1]]}), path)
    lake = MemoryLake()
    report = ingest([path], lake)
    assert report.accepted == 1
    assert set(report.left_out) == {"input_tokens: expected an integer", "user_agent: expected text"}


def test_calls_without_an_id_get_one_that_is_the_same_when_read_again(tmp_path):
    lines = [
        {**CALL, "interaction_id": word, "started_at": f"2026-01-01T00:00:{n:02}Z"} for n, word in enumerate(["None", "", "null", "0"])
    ]
    path, lake = tmp_path / "calls.jsonl", MemoryLake()
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert ingest([path], lake).accepted == 4
    path.write_text("".join(json.dumps(line) + "\n" for line in lines[::-1]))
    report = ingest([path], lake, keep_text=True)
    assert (report.accepted, report.duplicates) == (0, 4)
