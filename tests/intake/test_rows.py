"""One record may hold many calls: a bad one among them costs itself, and the record is set aside once."""

import json

import pytest

from intake.memory_lake import MemoryLake
from stillhunt.errors import BadRow
from stillhunt.intake.formats import Context
from stillhunt.intake.formats.values import label
from stillhunt.intake.framing import Block
from stillhunt.intake.pipeline import ingest
from stillhunt.intake.rows import INTAKE_TABLES, read_tables

START = 1_767_225_600_000_000


def span(number: int, **changes) -> dict:
    """One inference span whose account stands on it."""
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "large-1", "user.id": f"account-{number}"}
    return {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": f"{number:016x}",
        "name": "chat large-1",
        "startTimeUnixNano": str((START + number) * 1000),
        "endTimeUnixNano": str((START + number + 5) * 1000),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
        **changes,
    }


def exported(*spans: dict) -> str:
    """One line as a collector writes it."""
    return json.dumps({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": list(spans)}]}]})


TIMELESS = {"startTimeUnixNano": "soon"}
OWNERLESS = {"attributes": span(0)["attributes"][:2]}


@pytest.mark.parametrize("bad_at", [0, 1, 3])
@pytest.mark.parametrize("wrong", [TIMELESS, OWNERLESS])
def test_a_bad_span_costs_itself_wherever_it_stands_in_its_line(tmp_path, bad_at, wrong):
    path = tmp_path / "traces.jsonl"
    line = exported(*(span(n, **(wrong if n == bad_at else {})) for n in range(4)))
    path.write_text(line + "\n" + exported(span(7)) + "\n")
    lake, aside = MemoryLake(), tmp_path / "aside.jsonl"
    report = ingest([path], lake, quarantine=aside)
    assert {row["account_id"] for row in lake.interactions.values()} == {f"account-{n}" for n in (0, 1, 2, 3, 7) if n != bad_at}
    assert (report.records, report.accepted, report.quarantined.total()) == (2, 4, 1)
    (kept,) = [json.loads(entry) for entry in aside.read_text().splitlines()]
    assert (kept["line"], kept["row"]) == (1, line)


def test_several_bad_spans_of_a_line_set_it_aside_once(tmp_path):
    path = tmp_path / "traces.jsonl"
    path.write_text(exported(span(0, **TIMELESS), span(1), span(2, **OWNERLESS), span(3, **TIMELESS)) + "\n")
    lake, aside = MemoryLake(), tmp_path / "aside.jsonl"
    report = ingest([path], lake, quarantine=aside)
    assert (report.accepted, report.quarantined.total()) == (1, 1)
    assert len(aside.read_text().splitlines()) == 1


def test_reading_such_a_line_again_counts_nothing_twice(tmp_path):
    path, repaired = tmp_path / "traces.jsonl", tmp_path / "repaired.jsonl"
    path.write_text(exported(span(0), span(1, **TIMELESS), span(2)) + "\n")
    repaired.write_text(exported(span(0), span(1), span(2)) + "\n")
    lake, aside = MemoryLake(), tmp_path / "aside.jsonl"
    ingest([path], lake, quarantine=aside)
    before = dict(lake.interactions)
    again = ingest([path], lake, quarantine=aside)
    assert (again.accepted, again.duplicates) == (0, 2)
    assert lake.interactions == before
    assert len(aside.read_text().splitlines()) == 1
    mended = ingest([repaired], lake, quarantine=aside)
    assert (mended.accepted, mended.duplicates) == (1, 2)
    assert len(lake.interactions) == 3


class Many:
    """A format whose records say what happens after each call that they hold."""

    name, title, sees, hides, two_pass = "many", "", frozenset(), {}, False

    def sniff(self, sample):
        return 0.0

    def index(self, record, context):
        raise AssertionError

    def read(self, record, context):
        for name, what in record.items():
            row = {"interaction_id": name, "started_at": START, "account_id": "a", "http_status": 200}
            match what:
                case "refused":
                    raise BadRow("refused")
                case "crash":
                    raise KeyError(name)
                case "misfit":
                    row["http_status"] = "two hundred"
                case "empty":
                    row["account_id"] = None
            yield "interactions", row


def tables_of(*records: dict):
    block = Block("many.jsonl", "lines", "".join(json.dumps(record) + "\n" for record in records).encode())
    batch, tables = read_tables(block, Many(), Context(), INTAKE_TABLES)
    return batch, tables["interactions"]["interaction_id"].to_pylist() if tables else []


def test_calls_before_a_refused_one_stay_and_none_of_a_record_that_a_format_trips_over():
    batch, ids = tables_of({"a": "", "b": "refused", "c": ""}, {"d": "", "e": "crash"}, {"f": ""})
    assert ids == ["a", "f"]
    assert [(bad.line, bad.reason) for bad in batch.bad] == [(1, "refused"), (2, "many could not read it (KeyError)")]


def test_calls_that_do_not_fit_the_table_leave_those_beside_them():
    batch, ids = tables_of({"a": "misfit", "b": "", "c": "empty"}, {"d": ""})
    assert ids == ["a", "b", "d"]
    assert [(bad.line, bad.reason) for bad in batch.bad] == [(1, "account_id: missing")]
    assert batch.left_out == {"http_status: expected a whole number": 1}
    assert batch.rows["interactions"] == 3


def test_a_record_without_calls_is_ignored_and_not_set_aside():
    batch, ids = tables_of({}, {"a": ""})
    assert (ids, batch.ignored, batch.records, batch.bad) == (["a"], 1, 2, [])


class Kinds(Many):
    """A format of which some records are of another kind."""

    def read(self, record, context):
        kind = label(record.get("kind"), "kind")
        if kind == "call":
            yield "interactions", {"interaction_id": "a", "started_at": START, "account_id": "a"}


def test_a_record_that_is_no_call_without_what_cannot_be_read_is_not_gone_without_a_word():
    lines = b'{"kind": [1]}\n{"kind": "call"}\n{"kind": "other"}\n'
    batch, _ = read_tables(Block("kinds.jsonl", "lines", lines), Kinds(), Context(), INTAKE_TABLES)
    assert (batch.records, batch.rows["interactions"], batch.ignored, len(batch.bad)) == (3, 1, 1, 1)
    assert batch.left_out == {}
