"""The canonical tables: exact names, from JSON lines and from Parquet."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pytest

from stillhunt.errors import BadRow
from stillhunt.intake.formats import Context
from stillhunt.intake.formats.canonical import FORMAT
from stillhunt.records import CANONICAL_ACCOUNTS, CANONICAL_INTERACTIONS, TIMESTAMP

SAMPLES = Path(__file__).with_name("samples")


def sample(name="canonical"):
    return json.loads((SAMPLES / f"{name}.json").read_text())[0]


def read(record, **settings):
    ((_, row),) = FORMAT.read(record, Context(**settings))
    return row


def test_an_interaction_keeps_every_column():
    record = sample()
    row = read(record)
    same = set(record) - {"started_at", "messages"}
    assert {name: row[name] for name in same} == {name: record[name] for name in same}
    assert row["started_at"] == 1783418400251934
    assert row["transcript"] == "\x1euHi\x1ealook {}\x1et42"
    assert (row["tool_count"], row["messages"]) == (1, None)
    assert json.loads(read(record, keep_text=True)["messages"]) == json.loads(record["messages"])


def test_a_parquet_row_reads_like_its_json_line():
    record = sample()
    moment = datetime(2026, 7, 7, 10, 0, 0, 251934, tzinfo=UTC)
    table = pa.table(
        {
            column.name: pa.array([{"started_at": moment, "ended_at": None}.get(column.name, record.get(column.name))], column.type)
            for column in CANONICAL_INTERACTIONS
        }
    )
    assert read(table.to_pylist()[0]) == read({**record, "ended_at": None})


@pytest.mark.parametrize(
    "moment",
    [
        1783418400251934,
        "2026-07-07T10:00:00.251934Z",
        "2026-07-07 10:00:00.251934",
        "2026-07-07T12:00:00.251934+02:00",
        datetime(2026, 7, 7, 10, 0, 0, 251934),  # noqa: DTZ001
        datetime(2026, 7, 7, 12, 0, 0, 251934, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_a_time_may_be_microseconds_text_or_a_datetime(moment):
    assert read({**sample(), "started_at": moment})["started_at"] == 1783418400251934
    assert pa.array([1783418400251934], pa.int64()).cast(TIMESTAMP)[0].as_py() == datetime(2026, 7, 7, 10, 0, 0, 251934, tzinfo=UTC)


@pytest.mark.parametrize(
    "moment",
    [
        None,
        "",
        True,
        1783418400,
        1783418400.5,
        float("nan"),
        "yesterday",
        "1999-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
        datetime.min.replace(tzinfo=UTC),
    ],
)
def test_other_times_are_bad_rows(moment):
    with pytest.raises(BadRow, match="started_at"):
        read({**sample(), "started_at": moment})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("interaction_id", None),
        ("interaction_id", ""),
        ("interaction_id", " "),
        ("account_id", False),
        ("account_id", 1.5),
        ("account_id", "a\0"),
        ("account_id", 2**64),
        ("organization_id", []),
        ("input_tokens", -1),
        ("input_tokens", True),
        ("input_tokens", 2**63),
        ("output_tokens", 0.5),
        ("http_status", 99),
        ("http_status", 600),
        ("http_status", True),
        ("request_parameters", "[1]"),
        ("request_parameters", "text"),
        ("client_headers", "text"),
        ("client_headers", 5),
        ("client_ip", 5),
        ("finish_reason", 5),
        ("response", 5),
    ],
)
def test_a_wrong_value_is_a_bad_row_that_names_the_field(field, value):
    with pytest.raises(BadRow, match=field):
        read({**sample(), field: value})


def test_header_pairs_keep_their_order_and_lose_their_credentials():
    pairs = [["accept", "*/*"], ["Authorization", "Bearer abc"], ["cookie", "id=1"], ["host", "api.example.com"]]
    sent = json.loads(read({**sample(), "client_headers": json.dumps(pairs)})["client_headers"])
    assert list(sent.items()) == [("accept", "*/*"), ("Authorization", ""), ("cookie", ""), ("host", "api.example.com")]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("203.0.113.5:443", "203.0.113.5"),
        ("[2001:DB8::1]:443", "2001:db8::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.1, 198.51.100.2", "192.0.2.1"),
        ("not an address", None),
        ("", None),
    ],
)
def test_addresses_are_bare(given, kept):
    assert read({**sample(), "client_ip": given})["client_ip"] == kept


def test_an_account_row_has_all_its_columns():
    row = read(sample("canonical_accounts"))
    assert set(row) == set(CANONICAL_ACCOUNTS.names)
    assert (row["account_id"], row["email"], row["created_at"]) == ("a-1", "a@example.net", 1767323045000000)
    with pytest.raises(BadRow, match="account_id"):
        read({**sample("canonical_accounts"), "account_id": ""})


def test_an_entitlement_needs_a_known_scope_and_somebody():
    record = sample("canonical_entitlements")
    assert read(record)["organization_id"] == "o-1"
    with pytest.raises(BadRow, match="scope"):
        read({**record, "scope": "everything"})
    with pytest.raises(BadRow, match="organization_id"):
        read({**record, "organization_id": None})


def test_a_record_of_no_table_is_a_bad_row():
    with pytest.raises(BadRow, match="account_id"):
        read({"name": "x"})


def test_everything_is_seen():
    assert FORMAT.sees == {*CANONICAL_INTERACTIONS.names, *CANONICAL_ACCOUNTS.names}
    assert not FORMAT.hides
