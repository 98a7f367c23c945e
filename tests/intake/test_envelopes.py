"""What shippers and stores wrap around a record comes off before any format looks; what is a record already stays as it is."""

import base64
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.memory_lake import MemoryLake
from stillhunt.errors import BadRow
from stillhunt.intake import framing
from stillhunt.intake.envelopes import Foreign, unwrapped, value_of_line
from stillhunt.intake.framing import blocks, records
from stillhunt.intake.join import join
from stillhunt.intake.opening import open_source
from stillhunt.intake.pipeline import ingest
from stillhunt.intake.registry import guess

SAMPLES = Path(__file__).with_name("samples")
CALLS = json.loads((SAMPLES / "litellm.json").read_text())
CALL = CALLS[0]
TEXT = json.dumps(CALL)
EVENT = {"id": "3726", "timestamp": 1_767_225_600_000, "message": TEXT}
SUBSCRIPTION = {
    "messageType": "DATA_MESSAGE",
    "owner": "123456789012",
    "logGroup": "/aws/ecs/gateway",
    "logStream": "web/1",
    "subscriptionFilters": ["all"],
    "logEvents": [EVENT],
}
DOCKER = {"log": TEXT + "\n", "stream": "stdout", "time": "2026-01-01T00:00:00.5Z"}
KUBERNETES = {"pod_name": "gateway-7d9", "namespace_name": "models", "labels": {"app": "gateway"}, "docker_id": "af01"}


def packed(value) -> str:
    return base64.b64encode(gzip.compress(json.dumps(value).encode())).decode()


ENVELOPES = {
    "CloudWatch subscription": SUBSCRIPTION,
    "CloudWatch subscription, message as object": {**SUBSCRIPTION, "logEvents": [{**EVENT, "message": CALL}]},
    "CloudWatch event": {**EVENT, "ingestionTime": 1_767_225_601_000, "logStreamName": "web/1"},
    "aws logs filter-log-events": {"events": [{**EVENT, "eventId": "1", "ingestionTime": 1}], "searchedLogStreams": []},
    "CloudWatch Insights row": {"@timestamp": "2026-01-01 00:00:00.000", "@message": TEXT, "@ptr": "Cn8K"},
    "CloudWatch Insights answer": {
        "results": [[{"field": "@timestamp", "value": "2026-01-01 00:00:00"}, {"field": "@message", "value": TEXT}]],
        "statistics": {"recordsMatched": 1.0},
        "status": "Complete",
    },
    "input of a function behind CloudWatch": {"awslogs": {"data": packed(SUBSCRIPTION)}},
    "Kinesis": {"Records": [{"kinesis": {"data": base64.b64encode(TEXT.encode()).decode()}, "eventSource": "aws:kinesis"}]},
    "Firehose": {"invocationId": "1", "deliveryStreamArn": "arn", "records": [{"recordId": "1", "data": packed(SUBSCRIPTION)}]},
    "SQS": {"Records": [{"messageId": "1", "body": TEXT, "eventSource": "aws:sqs", "attributes": {}}]},
    "SNS": {"Type": "Notification", "MessageId": "1", "TopicArn": "arn", "Message": TEXT},
    "EventBridge": {
        "version": "0",
        "id": "1",
        "detail-type": "call",
        "source": "gw",
        "time": "2026",
        "region": "r",
        "resources": [],
        "detail": CALL,
    },
    "Pub/Sub": {"message": {"data": base64.b64encode(TEXT.encode()).decode(), "messageId": "1"}, "subscription": "s"},
    "Datadog archive": {
        "_id": "AZ1",
        "date": "2026-01-01T00:00:00Z",
        "service": "gateway",
        "host": "i-01",
        "source": "python",
        "status": "info",
        "tags": ["env:prod"],
        "message": TEXT,
        "attributes": {"hostname": "i-01"},
    },
    "Datadog, record in attributes": {
        "id": "AZ1",
        "type": "log",
        "attributes": {"timestamp": "2026-01-01T00:00:00Z", "tags": [], "service": "g", "host": "i", "message": "call", "attributes": CALL},
    },
    "Datadog, content": {"id": "AZ1", "content": {"timestamp": "2026-01-01T00:00:00Z", "service": "g", "host": "i", "attributes": CALL}},
    "Datadog API": {
        "data": [{"id": "A", "type": "log", "attributes": {"attributes": CALL, "host": "i"}}],
        "meta": {"page": {"after": "x"}},
    },
    "Docker": DOCKER,
    "Docker with attributes": {**DOCKER, "attrs": {"tag": "gateway/1"}},
    "Kubernetes by Fluent Bit": {**DOCKER, "date": 1767225600.5, "kubernetes": KUBERNETES, "_p": "F"},
    "Fluent Bit, merged": {"date": 1767225600.5, "stream": "stdout", "_p": "F", "kubernetes": KUBERNETES, "log_processed": CALL},
    "Fluentd": [1767225600, {"log": TEXT, "container_name": "/gateway"}],
    "Fluent Bit's list": [[1767225600.5, {}], {"log": TEXT}],
    "Fluentd, forwarded": ["docker.gateway", [[1767225600, {"log": TEXT}], [1767225601, {"log": "started"}]]],
    "Fluentd with a tag": {"tag": "docker.gateway", "time": 1767225600, "record": CALL},
    "Vector": {"host": "n", "message": TEXT, "source_type": "docker_logs", "stream": "stdout", "timestamp": "2026", "container_id": "1"},
    "Vector, unknown label": {"message": TEXT, "timestamp": "2026", "our_cluster_label": "blue"},
    "Filebeat": {
        "@timestamp": "2026",
        "message": TEXT,
        "log": {"offset": 1, "file": {"path": "/x"}},
        "agent": {"type": "filebeat"},
        "ecs": {},
    },
    "Filebeat, decoded": {"@timestamp": "2026", "json": CALL, "agent": {"type": "filebeat"}, "host": {"name": "n"}},
    "Loki's push": {"streams": [{"stream": {"app": "gw"}, "values": [["1767225600000000000", TEXT], ["1767225600000000001", TEXT, {}]]}]},
    "Loki's answer": {
        "status": "success",
        "data": {"resultType": "streams", "result": [{"stream": {}, "values": [["1", TEXT]]}], "stats": {}},
    },
    "logcli": {"labels": {"app": "gw"}, "line": TEXT, "timestamp": "2026-01-01T00:00:00Z"},
    "Grafana export": [
        {"line": TEXT, "timestamp": "1", "date": "2026", "fields": {"app": "gw", "pod": "p", "start_time": "2026", "node": "n"}}
    ],
    "Fluent Bit, merged and kept": {**CALL, **DOCKER, "kubernetes": KUBERNETES},
    "pino": {"level": 30, "time": 1, "pid": 7, "hostname": "n", "msg": TEXT},
    "structlog": {"event": TEXT, "level": "info", "timestamp": "2026", "logger": "gw"},
    "Splunk collector": {"time": 1767225600.5, "host": "n", "source": "gw", "sourcetype": "_json", "index": "main", "event": CALL},
    "Splunk collector, text": {"time": 1767225600.5, "host": "n", "sourcetype": "_json", "event": TEXT},
    "Splunk export": {"preview": False, "offset": 0, "lastrow": True, "result": {"_raw": TEXT, "_time": "2026", "host": "n", "_cd": "1"}},
    "Google": {
        "insertId": "1",
        "logName": "l",
        "resource": {"type": "k8s_container"},
        "timestamp": "2026",
        "severity": "INFO",
        "jsonPayload": CALL,
    },
    "Google, text": {"insertId": "1", "logName": "l", "resource": {}, "timestamp": "2026", "textPayload": TEXT},
    "Azure": {"records": [CALL]},
    "Azure container": {"TimeGenerated": "2026", "Computer": "n", "PodName": "p", "LogSource": "stdout", "LogMessage": TEXT},
    "Log Analytics": {"tables": [{"name": "PrimaryResult", "columns": [{"name": "LogMessage", "type": "string"}], "rows": [[TEXT]]}]},
    "Elasticsearch": {"_index": "logs", "_id": "1", "_score": 1.0, "_source": CALL},
    "Elasticsearch, shipped": {"_index": "logs", "_id": "1", "_source": {"@timestamp": "2026", "message": TEXT, "agent": {}}},
    "Elasticsearch answer": {
        "took": 1,
        "timed_out": False,
        "_shards": {},
        "hits": {"total": {"value": 1}, "hits": [{"_id": "1", "_source": CALL}]},
    },
    "New Relic": [{"common": {"attributes": {}}, "logs": [{"timestamp": 1, "message": TEXT}]}],
    "journal": {"MESSAGE": TEXT, "__REALTIME_TIMESTAMP": "1767225600000000", "_PID": "7"},
    "journal, bytes": {"MESSAGE": list(TEXT.encode()), "__REALTIME_TIMESTAMP": "1767225600000000"},
    "a page": {"object": "list", "data": [CALL], "has_more": False, "first_id": "a", "last_id": "b"},
    "a page of OData": {"@odata.context": "x", "value": [CALL], "nextLink": "y"},
    "one key": {"llm_calls": [CALL]},
    "a key, a list two deep": {"result": {"items": [CALL], "total": 1}},
    "text of text": json.dumps(TEXT),
    "Docker in CloudWatch in Kinesis": {
        "Records": [{"kinesis": {"data": packed({**SUBSCRIPTION, "logEvents": [{**EVENT, "message": json.dumps(DOCKER)}]})}}]
    },
    "a logger's prefix in Docker": {**DOCKER, "log": f"INFO:gateway:{TEXT}\n"},
    "two lines in one event": {"timestamp": 1, "message": f"{TEXT}\n{TEXT}\n"},
    "escaped twice": {**DOCKER, "log": TEXT.replace("\\", "\\\\").replace('"', '\\"') + "\n"},
}


def inner(value) -> list:
    return [one for one in unwrapped(value) if not isinstance(one, Foreign)]


@pytest.mark.parametrize("name", ENVELOPES)
def test_an_envelope_comes_off(name):
    found = inner(ENVELOPES[name])
    assert found
    assert all(one == CALL for one in found)


@pytest.mark.parametrize("name", ENVELOPES)
def test_an_enveloped_log_is_recognised_and_read_as_the_bare_one_is(tmp_path, name):
    path = tmp_path / "shipped.log"
    path.write_text(json.dumps(ENVELOPES[name]) + "\n")
    opened = open_source(path)
    assert guess(opened.sample)[0].name == "litellm"
    bare, lake = MemoryLake(), MemoryLake()
    (tmp_path / "bare.jsonl").write_text(TEXT + "\n")
    ingest([tmp_path / "bare.jsonl"], bare, format="litellm")
    report = ingest([path], lake)
    assert lake.interactions == bare.interactions
    assert not report.quarantined


PREFIXES = {
    "syslog": "<134>Jan  1 00:00:00 node gateway[17]: ",
    "syslog of 2009": '<134>1 2026-01-01T00:00:00.000Z node gateway 17 ID47 [meta sequenceId="1"] ',
    "rsyslog": "2026-01-01T00:00:00.000+00:00 node gateway[17]: @cee: ",
    "a Kubernetes node": "2026-01-01T00:00:00.000000000Z stdout F ",
    "docker compose": "gateway-1  | ",
    "kubectl with prefix": "[pod/gateway-7d9/gateway] ",
    "a time": "2026-01-01T00:00:00.000Z ",
    "a logger": "2026-01-01 00:00:00,123 - LiteLLM - INFO - {tag} ",
    "a platform's router": "2026-01-01T00:00:00.000000+00:00 app[web.1]: ",
}


@pytest.mark.parametrize("name", PREFIXES)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_prefix_before_json_comes_off(tmp_path, name, ending):
    path = tmp_path / "prefixed.log"
    path.write_text("".join(PREFIXES[name] + json.dumps(call) + ending for call in CALLS), newline="")
    assert guess(open_source(path).sample)[0].name == "litellm"
    assert [record for block in blocks(open_source(path)) for _, record, _ in records(block)] == CALLS


def test_what_a_server_prints_between_its_calls_is_of_another_kind_and_not_damage(tmp_path):
    path = tmp_path / "container.log"
    said = ["INFO:     Application startup complete.", '{"level": "info", "msg": "ready"}', "", '  File "x.py", line 3']
    lines = [{**DOCKER, "log": f"{one}\n"} for one in [*said, *map(json.dumps, CALLS), *said]]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    lake = MemoryLake()
    report = ingest([path], lake)
    assert len(lake.interactions) == len(CALLS)
    assert not any("another kind" in reason for reason in report.quarantined)
    assert sum(source.ignored for source in report.sources) >= 4


def test_an_access_log_in_a_container_is_read(tmp_path):
    path = tmp_path / "nginx.log"
    line = '192.0.2.7 - ada [01/Jan/2026:00:00:00 +0000] "POST /v1/chat/completions HTTP/1.1" 200 512 "-" "openai-python/1.5"'
    path.write_text("".join(json.dumps({**DOCKER, "log": line + "\n"}) + "\n" for _ in range(3)))
    opened = open_source(path)
    assert guess(opened.sample)[0].name == "access-log"


WRAPPERS = {
    "Docker": lambda record: json.dumps({**DOCKER, "log": json.dumps(record) + "\n"}),
    "CloudWatch": lambda record: json.dumps({**SUBSCRIPTION, "logEvents": [{**EVENT, "message": json.dumps(record)}] * 2}),
    "Fluent Bit": lambda record: json.dumps([1767225600.5, {"log": json.dumps(record), "kubernetes": KUBERNETES}]),
    "Google": lambda record: json.dumps({"insertId": "1", "logName": "l", "timestamp": "2026", "jsonPayload": record}),
    "Elasticsearch": lambda record: json.dumps({"_index": "logs", "_id": "1", "_source": record}),
    "Datadog": lambda record: json.dumps({"_id": "1", "date": "2026", "service": "g", "message": json.dumps(record), "attributes": {}}),
    "Splunk": lambda record: json.dumps({"time": 1.5, "host": "n", "sourcetype": "_json", "event": json.dumps(record)}),
    "a page": lambda record: json.dumps({"data": [record, record], "total": 2}),
    "one key": lambda record: json.dumps({"rows_of_ours": [record]}),
    "syslog": lambda record: "<134>Jan  1 00:00:00 node gateway[17]: " + json.dumps(record),
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_every_format_is_recognised_in_every_envelope(tmp_path, sample, wrapper):
    inside = json.loads(sample.read_text())
    (tmp_path / "bare.jsonl").write_text("".join(json.dumps(record) + "\n" for record in inside))
    path = tmp_path / "shipped.log"
    path.write_text("".join(WRAPPERS[wrapper](record) + "\n" for record in inside))
    found = [record for block in blocks(open_source(path)) for _, record, _ in records(block)]
    assert all(record in inside for record in found)
    assert all(record in found for record in inside)
    bare = guess(open_source(tmp_path / "bare.jsonl").sample)[0]
    assert bare is not None
    assert guess(open_source(path).sample)[0] is bare


# ---- lines that were cut


def cri(text: str, size: int = 16_384, stream: str = "stdout") -> list[str]:
    pieces = [text[n : n + size] for n in range(0, len(text), size)]
    ends = ["P"] * (len(pieces) - 1) + ["F"]
    return [f"2026-01-01T00:00:00.000000000Z {stream} {end} {piece}\n" for piece, end in zip(pieces, ends, strict=True)]


def docker(text: str, size: int = 16_384) -> list[str]:
    text += "\n"
    pieces = [text[n : n + size] for n in range(0, len(text), size)]
    return [
        json.dumps({"log": piece, "stream": "stdout", "time": "2026-01-01T00:00:00Z"}, separators=(",", ":")) + "\n" for piece in pieces
    ]


LONG = [{**CALL, "id": f"call-{n}", "messages": [{"role": "user", "content": f"{n} " + "word é " * 9_000}]} for n in range(7)]


@pytest.mark.parametrize("writer", [cri, docker])
@pytest.mark.parametrize("block_bytes", [1_000, 40_000, 1 << 20])
@pytest.mark.parametrize("pack", [False, True])
def test_a_container_s_long_lines_are_put_together_again(tmp_path, writer, block_bytes, pack):
    path = tmp_path / "container.log"
    data = "".join(line for call in [CALL, *LONG] for line in writer(json.dumps(call))).encode()
    path.write_bytes(gzip.compress(data) if pack else data)
    found = [record for block in blocks(open_source(path), block_bytes=block_bytes) for _, record, _ in records(block)]
    assert found == [CALL, *LONG]


def test_two_streams_of_a_container_are_told_apart(tmp_path):
    path = tmp_path / "container.log"
    out, other = cri(json.dumps(LONG[0])), cri("a warning " * 3_000, stream="stderr")
    path.write_text("".join(out[:2] + other[:1] + out[2:] + other[1:]))
    found = [record for block in blocks(open_source(path)) for _, record, _ in records(block)]
    assert [one for one in found if isinstance(one, dict)] == [LONG[0]]


# ---- no envelopes


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_a_record_of_a_known_format_stays_as_it_is(path):
    for record in json.loads(path.read_text()):
        assert list(unwrapped(record)) == [record]


RECORDS = [
    {"id": "1", "at": "2026-01-01", "customer": "a", "message": '{"role": "user", "content": "Hi"}'},
    {"id": "1", "at": "2026-01-01", "customer": "a", "body": '{"model": "m", "messages": []}'},
    {"id": "1", "at": "2026-01-01", "customer": "a", "ip": "192.0.2.1", "message": '{"model": "m", "created": 1}'},
    {"id": "1", "created": "2026-01-01", "customer": "a", "data": [{"x": 1}], "model": "m"},
    {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "x"}]}]}]},
    {"resourceLogs": [{"scopeLogs": []}, {"scopeLogs": []}]},
    {"messages": [{"role": "user", "content": "Hi"}]},
    {"choices": [{"index": 0, "message": {}}]},
    {"time": "2026-01-01", "level": "info", "user": "a", "model": "m", "event": {"kind": "call"}, "prompt": "Hi"},
    {"@timestamp": "2026-01-01", "message": "call done", "user": "a", "model": "m"},
    {},
]


@pytest.mark.parametrize("record", RECORDS)
def test_what_is_no_envelope_stays_as_it_is(record):
    assert list(unwrapped(record)) == [record]


def test_peeling_ends():
    value = CALL
    for _ in range(40):
        value = {"log": json.dumps(value) if isinstance(value, str) else value, "stream": "stdout", "time": "2026"}
    assert len(list(unwrapped(value))) == 1
    bomb = base64.b64encode(gzip.compress(b" " * (65 << 20))).decode()
    (only,) = unwrapped({"awslogs": {"data": bomb}})
    assert isinstance(only, BadRow)
    assert "64 MiB" in str(only)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(
            st.sampled_from(["log", "message", "data", "values", "stream", "rows", "columns", "attributes", "event", "x"]), values
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_nothing_that_is_json_makes_it_stumble(value):
    for one in unwrapped(value):
        assert isinstance(one, dict | BadRow)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_line_makes_it_stumble(line):
    value_of_line(line)
    for _, one, _ in framing.records(framing.Block("x", "lines", line)):
        assert isinstance(one, dict | BadRow)


def test_a_half_of_a_join_may_be_enveloped(tmp_path):
    call = {"interaction_id": "1", "started_at": 1_767_225_600_000_000, "account_id": "a"}
    (tmp_path / "gateway.jsonl").write_text(json.dumps({**DOCKER, "log": json.dumps(call)}) + "\n")
    (tmp_path / "content.jsonl").write_text(json.dumps({"@message": json.dumps({**call, "response": "A"}), "@timestamp": "2026"}) + "\n")
    report = join([tmp_path / "gateway.jsonl"], [tmp_path / "content.jsonl"], tmp_path / "out.jsonl")
    assert report.matched == 1
    assert json.loads((tmp_path / "out.jsonl").read_text())["response"] == "A"


def test_a_record_that_cannot_be_read_is_kept_as_it_lay_in_its_envelope(tmp_path):
    bad = {"interaction_id": "1", "started_at": None, "account_id": "a"}
    good = {**bad, "started_at": 1_767_225_600_000_000}
    (tmp_path / "calls.jsonl").write_text("".join(json.dumps({**DOCKER, "log": json.dumps(row)}) + "\n" for row in (good, bad)))
    report = ingest([tmp_path / "calls.jsonl"], MemoryLake(), quarantine=tmp_path / "bad.jsonl")
    assert report.quarantined.total() == 1
    (kept,) = map(json.loads, (tmp_path / "bad.jsonl").read_text().splitlines())
    assert (kept["line"], json.loads(kept["row"])) == (2, bad)


# ---- tables


def test_rows_of_tables_may_be_envelopes(tmp_path):
    rows = [{"@timestamp": "2026-01-01", "@message": json.dumps(call)} for call in CALLS]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "insights.parquet")
    lines = ["@timestamp,@message", *('{},"{}"'.format(row["@timestamp"], row["@message"].replace('"', '""')) for row in rows)]
    (tmp_path / "insights.csv").write_text("\n".join(lines) + "\n")
    for name in ("insights.parquet", "insights.csv"):
        opened = open_source(tmp_path / name)
        assert guess(opened.sample)[0].name == "litellm"
        assert [record for block in blocks(opened) for _, record, _ in records(block)] == CALLS
