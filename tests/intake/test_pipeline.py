"""Nothing that was accepted is lost, nothing is counted twice, and every record is accounted for."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from intake.memory_lake import MemoryLake
from stillhunt.errors import BadRow, InputError
from stillhunt.intake import appending, framing, registry
from stillhunt.intake.appending import attribute
from stillhunt.intake.pipeline import ingest
from stillhunt.intake.report import SourceReport
from stillhunt.records import CANONICAL_INTERACTIONS

START = 1_767_225_600_000_000


def call(n: int, **more) -> dict:
    """One canonical interaction."""
    return {
        "interaction_id": f"call-{n}",
        "started_at": START + n * 1_000_000,
        "account_id": f"account-{n % 7}",
        "client_ip": f"192.0.2.{n % 250}",
        "messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": f"Question {n} about the weather in many words"}]}]),
        "response": f"Answer {n}",
        **more,
    }


def write(path: Path, rows) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(framing.blocks, "__kwdefaults__", {"block_bytes": 4000})


def test_every_record_is_accounted_for(tmp_path):
    good = [call(n) for n in range(20)]
    bad = ["{broken", json.dumps({**call(99), "started_at": None}), json.dumps({**call(98), "input_tokens": -1}), '"text"']
    account = {"account_id": "account-1", "email": "ada@example.com", "created_at": START}
    path = write(tmp_path / "calls.jsonl", [*good[:10], *bad, *good[10:], *good[:5], account])
    lake = MemoryLake()
    report = ingest([path], lake, quarantine=tmp_path / "bad.jsonl")
    assert report.accepted == len(lake.interactions) == 21  # the one whose tokens cannot be read is kept without them
    assert report.left_out == {"input_tokens: expected an integer from 0 to 2^63-1": 1}
    assert report.duplicates == 5
    assert report.quarantined.total() == 3
    assert report.records == 30 == report.accepted + report.duplicates + report.quarantined.total() + report.accounts
    assert len(lake.accounts) == 1
    assert not report.errors
    kept = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert [(row["line"], row["row"]) for row in kept] == [(11 + n, row) for n, row in enumerate(bad) if "call-98" not in row]
    assert {row["source"] for row in kept} == {str(path)}


def test_reading_again_changes_nothing(tmp_path):
    path = write(tmp_path / "calls.jsonl", [call(n) for n in range(30)])
    lake = MemoryLake()
    ingest([path], lake)
    before = dict(lake.interactions)
    report = ingest([path], lake)
    assert (report.accepted, report.duplicates) == (0, 30)
    assert lake.interactions == before


def test_text_and_identifiers_do_not_reach_the_lake_unless_kept(tmp_path):
    path = write(tmp_path / "calls.jsonl", [call(n) for n in range(5)])
    lake = MemoryLake()
    ingest([path], lake)
    assert "192.0.2.3" not in str(lake.interactions)
    assert "weather" not in str(lake.interactions)
    assert not lake.texts
    kept = MemoryLake()
    ingest([path], kept, keep_text=True)
    assert kept.interactions == lake.interactions
    assert kept.texts["call-3"]["response"] == "Answer 3"
    assert "Question 3" in kept.texts["call-3"]["messages"]


def test_the_number_of_workers_and_the_size_of_appends_change_no_row(tmp_path, small_blocks, monkeypatch):
    rows = [call(n) if n % 50 else "broken" for n in range(400)] + [call(n) for n in range(0, 100, 3)]
    paths = [write(tmp_path / f"{k}.jsonl", rows[k::3]) for k in range(3)]
    with gzip.open(tmp_path / "3.jsonl.gz", "wt") as file:
        file.write("".join(json.dumps(call(n)) + "\n" for n in range(390, 450)))
    results = []
    for workers in (1, 2):
        monkeypatch.setattr(appending, "APPEND_ROWS", 70 if workers == 2 else 250_000)
        lake = MemoryLake()
        aside = tmp_path / f"bad-{workers}.jsonl"
        report = ingest([*paths, tmp_path / "3.jsonl.gz"], lake, workers=workers, quarantine=aside)
        results.append((lake.interactions, list(lake.interactions), lake.accounts, report.to_json(), aside.read_bytes()))
    assert len(lake.appends) > 3
    alone, together = results
    assert alone[:3] == together[:3]
    assert alone[4] == together[4]
    for key in ("records", "accepted", "duplicates", "quarantined", "never_filled"):
        assert alone[3][key] == together[3][key]


def test_a_cut_file_gives_what_is_complete_and_the_other_files_all(tmp_path):
    data = gzip.compress("".join(json.dumps(call(n, response=os.urandom(200).hex())) + "\n" for n in range(500)).encode())
    (tmp_path / "cut.jsonl.gz").write_bytes(data[: len(data) // 2])
    whole = write(tmp_path / "whole.jsonl", [call(n) for n in range(1000, 1010)])
    lake = MemoryLake()
    report = ingest([tmp_path / "cut.jsonl.gz", whole, tmp_path / "missing.jsonl"], lake)
    cut, rest, missing = report.sources
    assert 100 < cut.accepted < 500
    assert list(lake.interactions)[: cut.accepted] == [f"call-{n}" for n in range(cut.accepted)]
    assert "cut off" in cut.errors[0]
    assert (rest.accepted, rest.errors) == (10, [])
    assert "cannot be read" in missing.errors[0]
    assert len(report.errors) == 2
    with pytest.raises(InputError, match="cut off"):
        report.raise_for_errors()


@pytest.mark.parametrize("content", [b"", b"no log at all\n", b'{"some":"other json"}\n' * 3, b"a,b\n1,2\n"])
def test_one_source_that_is_no_log_is_one_clear_line(tmp_path, content):
    path = tmp_path / "thing.log"
    path.write_bytes(content)
    lake = MemoryLake()
    with pytest.raises(InputError) as error:
        ingest([path], lake)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert not lake.appends


def test_an_unknown_log_names_the_known_formats_and_an_unknown_format_too(tmp_path):
    path = write(tmp_path / "calls.jsonl", [{"something": "else"}])
    for arguments in ({}, {"format": "nonsense"}):
        with pytest.raises(InputError, match="canonical") as error:
            ingest([path], MemoryLake(), **arguments)
        assert "stillhunt formats" in str(error.value)


def test_what_is_no_log_in_a_folder_is_skipped_and_said(tmp_path):
    write(tmp_path / "logs/calls.jsonl", [call(1)])
    (tmp_path / "logs/README").write_text("These are the logs.\n")
    (tmp_path / "logs/empty.jsonl").write_text("")
    (tmp_path / "logs/cut.jsonl.gz").write_bytes(gzip.compress(b"x" * 100)[:8])
    report = ingest([tmp_path / "logs"], MemoryLake())
    assert report.accepted == 1
    assert [Path(source.source).name for source in report.sources if source.skipped] == ["README", "empty.jsonl"]
    assert len(report.errors) == 1
    assert "cut.jsonl.gz" in report.errors[0]


def test_a_required_parquet_column_of_the_wrong_type_is_said_once_and_another_is_left_out(tmp_path):
    table = pa.table({"interaction_id": ["a"], "account_id": ["b"], "started_at": [START], "input_tokens": ["many"], "client_headers": [5]})
    pq.write_table(table, tmp_path / "calls.parquet")
    report = ingest([tmp_path / "calls.parquet"], MemoryLake())
    assert report.accepted == 1
    assert {reason.partition(":")[0]: number for reason, number in report.left_out.items()} == {"input_tokens": 1, "client_headers": 1}
    pq.write_table(table.set_column(1, "account_id", pa.array([1.5])), tmp_path / "calls.parquet")
    with pytest.raises(InputError, match="'account_id' is double, but must be text"):
        ingest([tmp_path / "calls.parquet"], MemoryLake())


def test_parquet_and_json_lines_give_the_same_rows(tmp_path):
    rows = [call(n) for n in range(10)]
    path = write(tmp_path / "calls.jsonl", rows)
    fields = [CANONICAL_INTERACTIONS.field(name) for name in rows[0]]
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(fields)), tmp_path / "calls.parquet")
    lines, parquet = MemoryLake(), MemoryLake()
    ingest([path], lines)
    ingest([tmp_path / "calls.parquet"], parquet)
    assert lines.interactions == parquet.interactions


def test_columns_that_nothing_filled_are_named(tmp_path):
    report = ingest([write(tmp_path / "calls.jsonl", [call(1)])], MemoryLake())
    assert "tls_ja4" in report.never_filled
    assert "payment_fingerprint" in report.never_filled
    assert not {"client_ip", "messages", "account_id", "response"} & set(report.never_filled)


def test_progress_ends_at_the_end(tmp_path):
    steps = []
    path = write(tmp_path / "calls.jsonl", [call(n) for n in range(10)])
    ingest([path], MemoryLake(), progress=steps.append)
    assert [step.stage for step in steps] == ["reading", "done"]
    assert all(step.done <= step.total == path.stat().st_size for step in steps)
    assert steps[-1].done == steps[-1].total


class Plugin:
    """A format with the faults that a stranger's may have."""

    name, title, sees, hides, two_pass = "plugin", "", frozenset(), {}, False

    def sniff(self, sample):
        return 1.0 if "kind" in (sample.records or [{}])[0] else 0.0

    def index(self, record, context):
        context.facts[record["kind"]] = record["n"]

    def read(self, record, context):
        row = call(record["n"])
        match record["kind"]:
            case "crash":
                raise KeyError("secret")
            case "table":
                return [("interactions", row), ("nonsense", {})]
            case "type":
                row["input_tokens"] = "secret"
            case "refused":
                raise BadRow("kind: refused")
            case "other":
                return []
            case "fact":
                row["response_model"] = str(context.facts["late"])
        return [("interactions", row)]


@pytest.fixture
def plugin(monkeypatch):
    plugin = Plugin()
    known = registry.registry()
    monkeypatch.setattr(registry, "registry", lambda: registry.Registry({**known.formats, "plugin": plugin}, {}))
    return plugin


def test_a_faulty_format_costs_only_the_rows_it_trips_over(tmp_path, plugin):
    kinds = ["fine", "crash", "table", "type", "refused", "other", "fine"]
    path = write(tmp_path / "calls.jsonl", [{"kind": kind, "n": n} for n, kind in enumerate(kinds)])
    lake = MemoryLake()
    report = ingest([path], lake, workers=1)
    assert list(lake.interactions) == ["call-0", "call-3", "call-6"]
    assert report.sources[0].ignored == 1
    assert report.left_out == {"input_tokens: expected a whole number": 1}
    assert report.quarantined.total() == 3
    assert "secret" not in str(report.quarantined)
    assert report.records == 7 == report.accepted + report.quarantined.total() + report.sources[0].ignored


def test_a_two_pass_format_sees_every_source_before_the_first_row(tmp_path, plugin):
    plugin.two_pass = True
    first = write(tmp_path / "1.jsonl", [{"kind": "fact", "n": 1}])
    second = write(tmp_path / "2.jsonl", [{"kind": "late", "n": 7}])
    lake = MemoryLake()
    ingest([first, second], lake)
    assert lake.interactions["call-1"]["response_model"] == "7"


def test_counts_are_spread_over_the_sources_they_came_from():
    one, two = SourceReport("1"), SourceReport("2")
    attribute([(one, 3), (two, 3)], pa.chunked_array([["a", "b", "a", "b", "c", "d"]]), 4, 2)
    assert (one.accepted, one.duplicates, two.accepted, two.duplicates) == (2, 1, 2, 1)
    one, two = SourceReport("1"), SourceReport("2")
    attribute([(one, 3), (two, 1)], pa.chunked_array([["a", "b", "c", "d"]]), 0, 4)
    assert (one.duplicates, two.duplicates) == (3, 1)


KILLED = """
import sys
from pathlib import Path
from stillhunt.intake import appending, framing
from stillhunt.intake.pipeline import ingest
from stillhunt.lake import Lake
if __name__ == "__main__":
    appending.APPEND_ROWS = 300
    framing.blocks.__kwdefaults__["block_bytes"] = 20_000
    lake = Lake.open(sys.argv[1], create=True)
    ingest([Path(sys.argv[2])], lake, workers=int(sys.argv[3]), progress=lambda step: print(step.records, flush=True))
"""


def rows_of(location: Path) -> tuple:
    from stillhunt.lake import Lake

    lake = Lake.open(location)
    rows = lake.table("interactions").to_arrow().sort_by("interaction_id").to_pylist()
    accounts = lake.table("accounts").to_arrow().sort_by("account_id").to_pylist()
    lake.close()
    return rows, accounts


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_that_is_killed_and_repeated_gives_the_same_table(tmp_path, workers):
    rows = [call(n) for n in range(1200)] + [{"account_id": f"account-{n}", "plan": "free"} for n in range(7)]
    path = write(tmp_path / "calls.jsonl", rows)
    script = tmp_path / "run.py"
    script.write_text(KILLED)

    def start(lake):
        return subprocess.Popen([sys.executable, script, tmp_path / lake, path, workers], stdout=subprocess.PIPE, text=True)

    with start("killed") as run:
        while int(run.stdout.readline()) < 500:
            pass
        run.send_signal(signal.SIGKILL)
    with start("killed") as run:
        run.communicate()
    assert run.returncode == 0
    found, accounts = rows_of(tmp_path / "killed")
    assert sorted(row["interaction_id"] for row in found) == sorted(f"call-{n}" for n in range(1200))
    assert len(accounts) == 7
    assert all(row["plan"] == "free" for row in accounts)


def test_workers_end_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, time\nfrom stillhunt.intake.workers import Pool\n"
        "if __name__ == '__main__':\n"
        "    pool = Pool(bytes(32), 2)\n    pool._ready.wait()\n"
        "    print(*pool._executor._processes, flush=True)\n    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as run:
        workers = [int(pid) for pid in run.stdout.readline().split()]
        assert workers
        run.send_signal(signal.SIGKILL)
    for _ in range(200):
        alive = [pid for pid in workers if Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]]
        if not alive:
            break
        time.sleep(0.05)
    assert not alive
