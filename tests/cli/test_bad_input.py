"""Whatever is wrong with what was given is said in one line that names it, with status 2; nobody sees a traceback."""

import gzip
import json
import os
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

CALL = {"interaction_id": "call-1", "started_at": "2026-05-04T00:00:00Z", "account_id": "acct-1"}
COMPRESSED = gzip.compress(
    "".join(json.dumps({**CALL, "interaction_id": f"call-{random.Random(n).random()}"}) + "\n" for n in range(300)).encode()
)


def parquet(path, **columns):
    pq.write_table(pa.table(columns), path)


def a_missing_path(path):
    pass


def a_loop_of_links(path):
    path.symlink_to(path)


def an_empty_file(path):
    path.touch()


def a_file_of_blank_lines(path):
    path.write_text("\n  \n\n")


def an_empty_folder(path):
    path.mkdir()


def a_folder_without_logs(path):
    path.mkdir()
    (path / "README").write_text("There will be logs here.\n")


def a_pipe(path):
    os.mkfifo(path)


def a_binary_file(path):
    path.write_bytes(bytes(range(256)) * 40)


def noise(path):
    path.write_bytes(random.Random(1).randbytes(20_000))


def prose(path):
    path.write_text("Dear diary,\ntoday there were no calls.\n")


def json_of_something_else(path):
    path.write_text('{"name": "x", "price": 3}\n')


def a_gzip_without_one_whole_record(path):
    path.write_bytes(COMPRESSED[:12])


def a_parquet_whose_time_is_a_number(path):
    parquet(path, interaction_id=["a"], started_at=[1.5], account_id=["b"])


def a_parquet_of_something_else(path):
    parquet(path, price=[1.5])


def a_parquet_without_rows(path):
    parquet(path, interaction_id=pa.array([], pa.string()))


def a_parquet_that_is_cut_off(path):
    a_parquet_of_something_else(path)
    path.write_bytes(path.read_bytes()[:60])


NO_LOGS = [
    a_missing_path,
    a_loop_of_links,
    an_empty_file,
    a_file_of_blank_lines,
    an_empty_folder,
    a_folder_without_logs,
    a_pipe,
    a_binary_file,
    noise,
    prose,
    json_of_something_else,
    a_gzip_without_one_whole_record,
    a_parquet_whose_time_is_a_number,
    a_parquet_of_something_else,
    a_parquet_without_rows,
    a_parquet_that_is_cut_off,
]


def assert_one_line_about(result, path):
    assert result.status == 2
    assert result.err.count("\n") == 1, result.err
    assert result.err.startswith("stillhunt: ")
    assert str(path) in result.err
    assert "defect" not in result.err


@pytest.mark.parametrize("made", NO_LOGS, ids=lambda made: made.__name__)
def test_what_is_no_log_is_named_in_one_line(stillhunt, tmp_path, made):
    path = tmp_path / "given"
    made(path)
    result = stillhunt("scan", path)
    assert_one_line_about(result, path)
    assert result.out == ""


OF_WRONG_TYPES = [a_parquet_whose_time_is_a_number]


@pytest.mark.parametrize("made", [made for made in NO_LOGS if made not in OF_WRONG_TYPES], ids=lambda made: made.__name__)
def test_neither_half_of_a_join_may_be_no_log(stillhunt, calls, tmp_path, made):
    path, output = tmp_path / "given", tmp_path / "joined.parquet"
    made(path)
    for sides in ((path, calls), (calls, path)):
        result = stillhunt("join", *sides, "-o", output)
        assert_one_line_about(result, path)
        assert result.out == ""
        assert not output.exists()


@pytest.mark.parametrize("made", OF_WRONG_TYPES, ids=lambda made: made.__name__)
def test_rows_of_wrong_types_are_counted_by_a_join(stillhunt, calls, tmp_path, made):
    path = tmp_path / "given"
    made(path)
    document = stillhunt("join", calls, path, "-o", tmp_path / "joined.parquet", "--json").document
    assert (document["rows"], sum(document["quarantined"].values())) == (400, 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_a_file_that_may_not_be_read_is_named_in_one_line(stillhunt, tmp_path, calls):
    calls.chmod(0)
    assert_one_line_about(stillhunt("scan", calls), calls)


def test_a_file_whose_reading_fails_is_named_in_one_line(stillhunt):
    path = "/proc/self/mem"  # opens like any file; reading its beginning fails, whoever asks
    if not os.path.exists(path):  # noqa: PTH110
        pytest.skip("no such file on this system")
    assert_one_line_about(stillhunt("scan", path), path)


def test_a_log_that_is_cut_off_gives_what_came_before_and_one_line(stillhunt, tmp_path):
    path = tmp_path / "calls.jsonl.gz"
    path.write_bytes(COMPRESSED[: len(COMPRESSED) // 2])
    result = stillhunt("scan", path)
    assert_one_line_about(result, path)
    assert "cut off" in result.err
    assert "new calls from 1 source (canonical)" in result.out
    assert "What to do next" in result.out


def test_logs_without_calls_say_why_there_is_nothing_to_scan(stillhunt, tmp_path):
    accounts, broken, cut = tmp_path / "accounts.jsonl", tmp_path / "broken.jsonl", tmp_path / "cut.jsonl.gz"
    accounts.write_text(json.dumps({"account_id": "acct-1", "plan": "free"}) + "\n")
    broken.write_text(json.dumps({**CALL, "started_at": "soon"}) + "\n")
    cut.write_bytes(gzip.compress((json.dumps({**CALL, "started_at": "soon"}) + "\n").encode())[:-6])
    result = stillhunt("scan", accounts)
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert "1 account record" in result.out
    assert "no calls in these logs" in result.err
    result = stillhunt("scan", broken)
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert "started_at" in result.err
    assert_one_line_about(stillhunt("scan", cut), cut)


def test_the_wrong_format_is_said_to_hold_no_calls(stillhunt, calls):
    result = stillhunt("scan", calls, "--format", "kong")
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert "400 of 400 records were not read" in result.out
    assert "--format" in result.err


def a_text_file(path):
    path.write_text("x\n")


NO_LAKES = [a_missing_path, a_text_file, an_empty_folder, a_folder_without_logs, a_loop_of_links]


@pytest.mark.parametrize("made", NO_LAKES, ids=lambda made: made.__name__)
@pytest.mark.parametrize("command", [["scan"], ["campaigns"], ["account", "acct-1"], ["lake", "info"], ["lake", "compact"]])
def test_what_is_no_lake_is_named_in_one_line_and_left_alone(stillhunt, tmp_path, made, command):
    path = tmp_path / "given"
    made(path)
    before = sorted(tmp_path.rglob("*"))
    result = stillhunt(*command, "--lake", path)
    assert_one_line_about(result, path)
    assert "scanned yet" not in result.err
    assert result.out == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_of_other_things_does_not_become_a_lake(stillhunt, calls, tmp_path):
    path = tmp_path / "given"
    a_folder_without_logs(path)
    for command in ("ingest", "scan"):
        assert_one_line_about(stillhunt(command, calls, "--lake", path), path)
    assert [entry.name for entry in path.iterdir()] == ["README"]


def test_a_lake_whose_catalog_is_damaged_is_one_line(stillhunt, calls, tmp_path):
    lake = tmp_path / "lake"
    assert stillhunt("ingest", calls, "--lake", lake).status == 0
    (lake / "catalog.sqlite").write_bytes(b"not a database at all" * 100)
    for command in (["scan"], ["lake", "info"], ["ingest", calls]):
        assert_one_line_about(stillhunt(*command, "--lake", lake), lake)


def test_a_lake_that_was_never_scanned_says_how_to(stillhunt, calls, tmp_path):
    lake = tmp_path / "lake"
    stillhunt("ingest", calls, "--lake", lake)
    result = stillhunt("campaigns", "--lake", lake)
    assert_one_line_about(result, lake)
    assert "stillhunt scan --lake" in result.err


NO_FINDINGS = [a_missing_path, a_loop_of_links, an_empty_file, an_empty_folder, a_binary_file, prose, json_of_something_else]


@pytest.mark.parametrize("made", NO_FINDINGS, ids=lambda made: made.__name__)
@pytest.mark.parametrize("command", [["campaigns"], ["account", "acct-1"], ["range", "score"]])
def test_what_is_no_findings_is_named_in_one_line(stillhunt, tmp_path, made, command):
    path = tmp_path / "given"
    made(path)
    truth = [tmp_path] if command[0] == "range" else []
    result = stillhunt(*command, path, *truth)
    assert_one_line_about(result, path)
    assert result.out == ""


def test_a_truth_that_is_none_is_named_in_one_line(stillhunt, findings_file, tmp_path):
    path = tmp_path / "given"
    for made in (a_binary_file, a_parquet_of_something_else):
        made(path)
        assert_one_line_about(stillhunt("range", "score", findings_file, path), path)
