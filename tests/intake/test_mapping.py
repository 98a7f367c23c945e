"""A mapping file reads a log that no format knows, says where it is wrong, and never lets a credential in."""

import json
from pathlib import Path

import pytest

from intake.memory_lake import MemoryLake
from stillhunt.errors import BadRow, InputError
from stillhunt.intake.follow import Follower
from stillhunt.intake.formats import Context
from stillhunt.intake.join import join
from stillhunt.intake.journal import Journal
from stillhunt.intake.mapping import load, parse
from stillhunt.intake.mapping_rules import CALL_READERS, rule_of
from stillhunt.intake.paths import parse_path
from stillhunt.intake.pipeline import ingest
from stillhunt.intake.registry import by_name

START = 1_767_225_600_000_000
RECORD = {
    "ts": 1_767_225_600.5,
    "kind": "completion",
    "ids": {"call": "c-1", "parts": ["x", "y"]},
    "who": '{"user": {"id": 17, "mail": "ada@example.com"}}',
    "headers": [["X-Org", "o-1"], ["Authorization", "Bearer sk-0123456789abcdef"]],
    "attributes": [{"key": "app.user", "value": "end-7"}, {"key": "ip", "value": "192.0.2.7"}],
    "a.dotted.name": "large",
    "usage": {"in": "12", "out": 3.0},
    "took": 250,
    "outcome": "ok",
    "asked": "What is the weather?",
    "answered": "Sunny.",
}
MAPPING = """
name = "our-gateway"

[calls]
interaction_id = "ids.call"
started_at = { path = "ts", unit = "s" }
ended_at = { path = "took", unit = "ms", after = "started_at" }
account_id = ["who.missing", "who.user.id"]
organization_id = "headers.x-org"
key_id = "headers.authorization"
end_user_id = "attributes[key=app.user].value"
surface = { value = "api" }
request_model = "a.dotted.name"
input_tokens = "usage.in"
output_tokens = "$.usage.out"
http_status = { path = "outcome", map = { ok = 200, denied = 403 } }
conversation_id = "ids.parts[-1]"
client_ip = "attributes[key=ip].value"

[text]
prompt = "asked"
response = "answered"

[accounts]
email = "who.user.mail"

[where]
kind = ["completion", "chat"]
"ids.call" = { exists = true }
"""


def write(path: Path, *records) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture
def mapping(tmp_path):
    path = tmp_path / "mapping.toml"
    path.write_text(MAPPING)
    return f"map:{path}"


def read(text: str, record, **context):
    return dict(parse(text).read(record, Context(**context)))


def test_paths_units_constants_words_and_texts_become_a_call():
    rows = read(MAPPING, RECORD)
    row = rows["interactions"]
    assert row["transcript"] == "\x1euWhat is the weather?"
    key = row.pop("key_id")
    assert key.startswith("key-")
    assert "0123456789abcdef" not in key
    assert {name: row[name] for name in row if name in CALL_READERS} == {
        "interaction_id": "c-1",
        "started_at": START + 500_000,
        "ended_at": START + 750_000,
        "account_id": "17",
        "organization_id": "o-1",
        "end_user_id": "end-7",
        "surface": "api",
        "request_model": "large",
        "input_tokens": 12,
        "output_tokens": 3,
        "http_status": 200,
        "conversation_id": "y",
        "client_ip": "192.0.2.7",
    }
    assert row["response"] == "Sunny."
    assert rows["accounts"] == {"account_id": "17", "email": "ada@example.com"}


@pytest.mark.parametrize("change", [{"kind": "health"}, {"kind": None}, {"ids": {}}])
def test_other_records_are_of_another_kind(change):
    assert parse(MAPPING).read({**RECORD, **change}, Context()) == ()


@pytest.mark.parametrize(
    ("conditions", "held"),
    [
        ("status = 200", True),
        ('status = "200"', True),
        ("status = [401, 403]", False),
        ("status = { not = [401, 403] }", True),
        ('request.path = { matches = "^/v1/chat" }', True),
        ('"request.path" = { matches = "embeddings" }', False),
        ("missing = { exists = false }", True),
        ("status = { exists = false }", False),
        ("stream = true", True),
        ("missing = { not = 1 }", True),
        ("status = { is = 200, not = 403 }\nstream = false", False),
    ],
)
def test_conditions_choose_the_calls(conditions, held):
    text = f'[calls]\nstarted_at = "at"\naccount_id = "u"\n[where]\n{conditions}\n'
    record = {"at": START, "u": "a", "status": 200, "request": {"path": "/v1/chat/completions"}, "stream": True}
    assert bool(parse(text).read(record, Context())) is held


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ('"at"', "2026-01-01T00:00:00Z"),
        ('"at"', "2026-01-01 00:00:00"),
        ('"at"', START // 1_000_000),
        ('"at"', str(START // 1_000)),
        ('"at"', START),
        ('"at"', START * 1_000),
        ('{ path = "at", unit = "s" }', "1767225600.0"),
        ('{ path = "at", unit = "ms" }', 1_767_225_600_000),
        ('{ path = "at", unit = "us" }', str(START)),
        ('{ path = "at", unit = "ns" }', str(START * 1_000)),
        ('{ path = "at", unit = "%d/%b/%Y:%H:%M:%S %z" }', "01/Jan/2026:01:00:00 +0100"),
        ('{ path = "at", unit = "%d.%m.%Y %H:%M", zone = "Europe/Vienna" }', "01.01.2026 01:00"),
        ('{ path = "at", unit = "iso", zone = "Europe/Vienna" }', "2026-01-01T01:00:00"),
    ],
)
def test_times_in_every_unit_are_the_same_instant(rule, value):
    rows = read(f'[calls]\nstarted_at = {rule}\naccount_id = "u"\n', {"at": value, "u": "a"})
    assert rows["interactions"]["started_at"] == START


@pytest.mark.parametrize("value", ["soon", True, 12, "", {"x": 1}, 1e300, float("nan")])
def test_a_time_that_is_none_is_refused_with_its_path_and_without_its_value(value):
    for rule in ('"when.at"', '{ path = "when.at", unit = "ms" }', '{ path = "when.at", unit = "%Y-%m-%d" }'):
        with pytest.raises(BadRow, match=r"when\.at") as refused:
            read(f'[calls]\nstarted_at = {rule}\naccount_id = "u"\n', {"when": {"at": value}, "u": "a"})
        assert "soon" not in str(refused.value)


def test_a_record_without_id_gets_one_made_of_it(tmp_path):
    mapping = tmp_path / "m.toml"
    mapping.write_text('[calls]\nstarted_at = "at"\naccount_id = "u"\n[text]\nprompt = "q"\n')
    path = write(tmp_path / "app.jsonl", *({"at": START, "u": "a", "q": q} for q in ("one", "one", "two")))
    lake = MemoryLake()
    report = ingest([path], lake, format=f"map:{mapping}")
    assert (report.accepted, report.duplicates) == (2, 1)


def test_a_field_that_cannot_be_read_is_left_out_and_costs_no_call(tmp_path, mapping):
    broken = {"usage": {"in": "many", "out": 3}, "took": "long", "attributes": [{"key": "ip", "value": 7}], "outcome": "odd"}
    path = write(tmp_path / "app.jsonl", {**RECORD, **broken})
    lake = MemoryLake()
    report = ingest([path], lake, format=mapping)
    (row,) = lake.interactions.values()
    assert row["output_tokens"] == 3
    assert row["input_tokens"] is None
    assert row["http_status"] is None
    assert not report.quarantined
    assert {reason.partition(":")[0] for reason in report.left_out} >= {"usage.in", "outcome"}


@pytest.mark.parametrize("nobody", ["anonymous", "NULL", "default_user_id"])
def test_a_placeholder_is_nobody_s_account(nobody):
    with pytest.raises(BadRow, match="u: expected a non-empty id"):
        read('[calls]\nstarted_at = "at"\naccount_id = "u"\n', {"at": START, "u": nobody})


def test_half_a_log_may_leave_the_account_to_the_other_half():
    text = '[calls]\nstarted_at = "at"\ninteraction_id = "id"\n'
    assert read(text, {"at": START, "id": "1"}, account_optional=True)["interactions"]["interaction_id"] == "1"
    with pytest.raises(BadRow, match="account_id, which the mapping does not name"):
        read(text, {"at": START, "id": "1"})


@pytest.mark.parametrize("body", [dict, json.dumps])
def test_whole_bodies_are_understood_as_what_they_are(body):
    text = '[calls]\nstarted_at = "at"\naccount_id = "u"\n[text]\nrequest_body = "req"\nresponse_body = "resp"\n'
    request = {"model": "m", "temperature": 0.5, "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}]}
    response = {"choices": [{"message": {"content": "A"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}
    row = read(text, {"at": START, "u": "a", "req": body(request), "resp": body(response)})["interactions"]
    assert (row["system"], row["transcript"], row["response"], row["finish_reason"]) == ("S", "\x1euQ", "A", "stop")
    assert (row["request_model"], row["input_tokens"], row["output_tokens"]) == ("m", 5, 2)
    assert json.loads(row["request_parameters"]) == {"temperature": 0.5}


# ---- errors name the line


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[calls\n", 1, "not TOML"),
        ('[calls]\nstarted_at = "at"\nacount_id = "u"\n', 3, "no such column"),
        ('[calls]\naccount_id = "u"\n', 1, "started_at is missing"),
        ('[calls]\nstarted_at = { path = "at", unit = "hours" }\n', 2, "unit: expected"),
        ('[calls]\nstarted_at = "at"\n\n# a note\naccount_id = { path = "u", units = "s" }\n', 5, "units: not known"),
        ('[calls]\nstarted_at = "at"\naccount_id = 7\n', 3, "path: expected text"),
        ('[calls]\nstarted_at = "at"\naccount_id = ""\n', 3, "path: expected text"),
        ('[calls]\nstarted_at = "at"\naccount_id = "a..b"\n', 3, "path breaks at"),
        ('[calls]\nstarted_at = "at"\naccount_id = "a[b"\n', 3, "path breaks at"),
        ('[calls]\nstarted_at = "at"\nmodel = "m"\n', 3, "no such column"),
        ('[calls]\nstarted_at = "at"\nended_at = { path = "d", unit = "ms", after = "begin" }\n', 3, "after: expected a column"),
        ('[calls]\nstarted_at = "at"\naccount_id = { path = "headers.authorization", hash = false }\n', 3, "credential"),
        ('[calls]\nstarted_at = { path = "at", zone = "Mars/Olympus" }\n', 2, "zone"),
        ('[calls]\nstarted_at = "at"\n[text]\nrequest_body = "r"\nprompt = "p"\n', 5, "holds it already"),
        ('[calls]\nstarted_at = "at"\n[text]\nquestion = "p"\n', 4, "no such column"),
        ('[calls]\nstarted_at = "at"\n[where]\nkind = { matches = "(" }\n', 4, "regular expression"),
        ('name = "Our Gateway!"\n[calls]\nstarted_at = "at"\n', 1, "short name"),
        ('[calls]\nstarted_at = "at"\n[filter]\nkind = "x"\n', 3, "not known here"),
        ('calls.account_id = "u"\ncalls.begun = "at"\n', 2, "no such column"),
    ],
)
def test_a_mapping_that_is_wrong_says_in_which_line(text, line, says):
    with pytest.raises(InputError, match=says) as wrong:
        parse(text, "m.toml")
    assert f"m.toml:{line}:" in str(wrong.value) or f"line {line}" in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_a_mapping_that_cannot_be_read_is_said_in_one_line(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load(str(tmp_path / "none.toml"))
    (tmp_path / "latin.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(InputError, match="not UTF-8"):
        load(str(tmp_path / "latin.toml"))


def test_a_changed_mapping_is_read_again(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text('[calls]\nstarted_at = "at"\n')
    assert "client_ip" not in load(str(path)).sees
    path.write_text('[calls]\nstarted_at = "at"\nclient_ip = "ip"\n')
    assert "client_ip" in load(str(path)).sees


# ---- everywhere that logs are read


def records(count: int):
    return [{**RECORD, "ids": {"call": f"c-{n}", "parts": ["x"]}, "ts": 1_767_225_600 + n} for n in range(count)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_mapped_log_is_ingested_and_its_rows_carry_the_mapping_s_name(tmp_path, mapping, workers):
    path = write(tmp_path / "app.jsonl", *records(50), {"kind": "health"}, {**RECORD, "ts": "soon"})
    lake = MemoryLake()
    report = ingest([path], lake, format=mapping, workers=workers)
    assert len(lake.interactions) == 50
    assert report.sources[0].ignored == 1
    assert dict(report.quarantined) == {"ts: expected a time in s since 1970": 1}
    assert report.sources[0].format == "our-gateway"
    assert {row["source"] for row in lake.interactions.values()} == {"our-gateway"}
    assert "0123456789abcdef" not in str(lake.interactions)


def test_a_mapped_log_is_followed(tmp_path, mapping):
    path = write(tmp_path / "app.jsonl", *records(3))
    lake = MemoryLake()
    with Journal(tmp_path) as journal:
        follower = Follower([path], lake, journal, format=mapping)
        follower.read()
        with path.open("a") as file:
            file.write("".join(json.dumps(record) + "\n" for record in records(5)[3:]))
        follower.read()
    assert len(lake.interactions) == 5


def test_a_mapped_log_is_half_of_a_join(tmp_path, mapping):
    gateway = write(tmp_path / "gateway.jsonl", *records(4))
    content = tmp_path / "content.toml"
    content.write_text('[calls]\ninteraction_id = "id"\nstarted_at = "at"\n[text]\nprompt = "q"\nresponse = "a"\n')
    texts = write(tmp_path / "texts.jsonl", *({"id": f"c-{n}", "at": START + n * 1_000_000, "q": "Q", "a": f"A{n}"} for n in range(3)))
    out = tmp_path / "out.jsonl"
    report = join([gateway], [texts], out, gateway_format=mapping, content_format=f"map:{content}")
    assert report.matched == 3
    assert {json.loads(line)["response"] for line in out.read_text().splitlines()} >= {"A0", "A1", "A2"}


def test_csv_columns_are_paths_too(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text('[calls]\nstarted_at = "Begun (UTC)"\naccount_id = "User ID"\ninput_tokens = "usage.in"\n')
    (tmp_path / "app.csv").write_text("Begun (UTC),User ID,usage.in\n2026-01-01 00:00:00,u1,12\n")
    lake = MemoryLake()
    ingest([tmp_path / "app.csv"], lake, format=f"map:{path}")
    (row,) = lake.interactions.values()
    assert (row["account_id"], row["input_tokens"]) == ("u1", 12)


def test_a_mapping_is_a_format_like_any_other(mapping):
    form = by_name(mapping)
    assert form.name == mapping
    assert form.sniff(None) == 0.0
    assert {"account_id", "messages", "response", "email"} <= form.sees


@pytest.mark.parametrize(
    "text", ["a", "a.b", "a[0]", "a[-1].b", '"a.b".c', "['a b'].c", "a[key=x.y].value", "$.a.b", "a b.c d", "x-user-id"]
)
def test_paths_that_people_write_are_paths(text):
    assert parse_path(text).steps


@pytest.mark.parametrize("text", ["", " ", "$", "a..b", "a[", "a]", ".a", "a.", 'a."b'])
def test_paths_that_break_are_said(text):
    with pytest.raises(ValueError, match="path"):
        parse_path(text)


def test_a_rule_takes_the_first_path_that_holds_something():
    rule = rule_of("account_id", ["a", "b.c", "d"])
    assert rule.value({"a": "", "b": {"c": "found"}, "d": "later"}, CALL_READERS["account_id"]) == "found"


def test_the_example_of_the_guide_is_a_mapping_that_reads():
    page = (Path(__file__).parents[2] / "docs" / "logs" / "mapping.md").read_text()
    form = parse(page.split("```toml\n")[1].split("```")[0])
    record = {
        "request": {"id": "1"},
        "ts": START // 1_000,
        "latency_ms": 20,
        "user": {"id": "a", "email": "ada@example.com", "since": "2025-01-01"},
        "model": "large",
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
        "outcome": "ok",
        "remote_addr": "192.0.2.1",
        "headers": {"user-agent": "x"},
        "messages": [{"role": "user", "content": "Q"}],
        "answer": "A",
        "type": "chat",
        "status": 200,
        "path": "/v1/chat/completions",
    }
    rows = dict(form.read(record, Context()))
    assert rows["interactions"]["ended_at"] == START + 20_000
    assert set(form.calls) <= {name for name, value in rows["interactions"].items() if value is not None}
    assert rows["accounts"]["created_at"] == START - 365 * 86_400_000_000


def test_what_a_client_writes_into_a_mapped_call_is_no_call_of_somebody_else(tmp_path):
    planted = json.dumps({"id": "F", "time": "2026-01-01T00:00:00Z", "account": "victim"})
    log, rules, lake = tmp_path / "calls.jsonl", tmp_path / "map.toml", MemoryLake()
    call = {"time": "2026-01-01T00:00:01Z", "account": "a"}
    log.write_text("".join(json.dumps({"id": f"r{n}", **call, "message": text}) + "\n" for n, text in enumerate(["hello", planted])))
    names = 'interaction_id = "id"\nstarted_at = "time"\naccount_id = "account"'
    rules.write_text(f'name = "ours"\n[calls]\n{names}\n[text]\nprompt = "message"\n')
    report = ingest([log], lake, format=f"map:{rules}")
    assert (report.accepted, report.sources[0].ignored) == (2, 0)
    assert set(lake.interactions) == {"r0", "r1"}
