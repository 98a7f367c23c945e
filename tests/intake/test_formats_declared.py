"""What formats declare is true: they fill no column that they do not claim, and claim none that there is not."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.memory_lake import MemoryLake
from intake.test_formats_sniff import OWNERS
from stillhunt.intake.access_lines import access_line
from stillhunt.intake.formats import Context
from stillhunt.intake.pipeline import ingest
from stillhunt.intake.registry import registry
from stillhunt.records import CANONICAL_ACCOUNTS, CANONICAL_INTERACTIONS, ENTITLEMENTS

SAMPLES = Path(__file__).with_name("samples")
COLUMNS = {*CANONICAL_INTERACTIONS.names, *CANONICAL_ACCOUNTS.names, *ENTITLEMENTS.names}
NEEDED = {"client_ip", "user_agent", "client_headers", "tls_ja4", "messages", "response", "input_tokens", "output_tokens"}
"""What channels live on: a format has it or says why not."""
DERIVED = {"tool_count", "truncated", "_request_ids"}


@pytest.mark.parametrize("name", registry().formats)
def test_a_format_claims_only_columns_that_there_are_and_gives_a_reason_for_what_it_hides(name):
    form = registry().formats[name]
    assert form.sees <= COLUMNS
    assert set(form.hides) <= COLUMNS
    assert {"interaction_id", "started_at", "account_id"} <= form.sees
    assert all(reason and reason == reason.strip() and len(reason) < 200 for reason in form.hides.values())
    assert form.sees.union(form.hides) >= NEEDED


@pytest.mark.parametrize("name", registry().formats)
def test_a_format_fills_no_column_that_it_does_not_claim(name):
    form, context = registry().formats[name], Context(keep_text=True)
    records = [record for file, owner in OWNERS.items() if owner == name for record in json.loads((SAMPLES / f"{file}.json").read_text())]
    for record in records:
        form.index(record, context)
    filled = {
        "messages" if column == "transcript" else column
        for record in records
        for table, row in form.read(record, context)
        if table != "entitlements"
        for column, value in row.items()
        if value is not None
    }
    assert filled - DERIVED <= form.sees


LINES = st.text(max_size=200).map(lambda text: f'192.0.2.1 - u [{text[:20]}] "{text}" 200 1 "{text}" "{text}"'.encode("utf-8", "replace"))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | LINES)
def test_any_line_is_a_record_of_an_access_log_or_none(line):
    found = access_line(line)
    assert found is None or all(isinstance(value, str) and value for value in found.values())


@pytest.mark.parametrize("packed", [False, True])
def test_a_combined_log_is_read_from_a_file(tmp_path, packed):
    line = '192.0.2.{n} - acct-{n} [07/Jul/2026:10:00:{n:02d} +0000] "POST /v1/messages HTTP/1.1" 200 12 "-" "curl/8.7.1; x"\n'
    text = "".join(line.format(n=n) for n in range(10, 40)) + "garbage\n" + line.format(n=50).replace("POST", "GET")
    path = tmp_path / ("access.log.gz" if packed else "access.log")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    lake = MemoryLake()
    report = ingest([path], lake, workers=1)
    (source,) = report.sources
    assert (source.format, report.accepted, source.ignored, report.quarantined.total()) == ("access-log", 30, 1, 1)


def test_a_tree_of_bedrocks_bucket_is_read_with_its_bodies(tmp_path):
    (record, *_) = json.loads((SAMPLES / "bedrock.json").read_text())
    folder = tmp_path / "AWSLogs/111122223333/BedrockModelInvocationLogs/us-east-1/2026/07/07/10"
    (folder / "data").mkdir(parents=True)
    name = "data/6b1c_input.json.gz"
    asked = {"messages": [{"role": "user", "content": [{"text": "A long question"}]}]}
    (folder / name).write_bytes(gzip.compress(json.dumps(asked).encode()))
    record["input"] = {"inputTokenCount": 3, "inputBodyS3Path": f"s3://bucket/prefix/{folder.relative_to(tmp_path)}/{name}"}
    (folder / "20260707T100000Z_x.json.gz").write_bytes(gzip.compress(json.dumps(record).encode()))
    (tmp_path / "AWSLogs/111122223333/BedrockModelInvocationLogs/amazon-bedrock-logs-permission-check").write_text("Permission check")
    lake = MemoryLake()
    report = ingest([tmp_path], lake, keep_text=True, workers=1)
    assert not report.errors
    assert report.accepted == 1
    assert "A long question" in next(iter(lake.texts.values()))["messages"]
