"""Bad rows are kept, for their owner only, each once."""

import base64
import json
import stat

import pytest

from stillhunt.errors import InputError
from stillhunt.intake.quarantine import Bad, Quarantine

ROWS = [Bad(3, "started_at: missing", '{"a":"é"}'.encode()), Bad(9, "not UTF-8", b"\xff\xfe"), Bad(12, "started_at: missing", b"{}")]


def written(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_are_written_in_order_with_source_line_reason_and_bytes(tmp_path):
    path = tmp_path / "bad.jsonl"
    with Quarantine(path) as quarantine:
        quarantine.add("calls.jsonl", ROWS)
    first, second, third = written(path)
    assert first == {"source": "calls.jsonl", "line": 3, "reason": "started_at: missing", "row": '{"a":"é"}'}
    assert base64.b64decode(second["row_base64"]) == b"\xff\xfe"
    assert third["line"] == 12
    assert quarantine.counts == {"started_at: missing": 2, "not UTF-8": 1}


def test_only_the_owner_may_read_it_even_if_it_was_open_before(tmp_path):
    path = tmp_path / "bad.jsonl"
    for _ in range(2):
        Quarantine(path).close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)


def test_running_again_adds_only_what_is_new(tmp_path):
    path = tmp_path / "bad.jsonl"
    for rows in (ROWS[:2], ROWS):
        with Quarantine(path) as quarantine:
            quarantine.add("calls.jsonl", rows)
    assert [row["line"] for row in written(path)] == [3, 9, 12]
    assert quarantine.counts.total() == 3


def test_a_line_torn_by_a_kill_is_removed(tmp_path):
    path = tmp_path / "bad.jsonl"
    with Quarantine(path) as quarantine:
        quarantine.add("calls.jsonl", ROWS[:1])
    with path.open("a") as file:
        file.write('{"source": "calls.js')
    with Quarantine(path) as quarantine:
        quarantine.add("calls.jsonl", ROWS)
    assert [row["line"] for row in written(path)] == [3, 9, 12]


def test_two_at_once_lose_nothing(tmp_path):
    path = tmp_path / "bad.jsonl"
    with Quarantine(path) as one, Quarantine(path) as two:
        for n in range(50):
            one.add("one", [Bad(n, "r", b"x" * 5000)])
            two.add("two", [Bad(n, "r", b"y" * 5000)])
    rows = written(path)
    assert len(rows) == 100
    assert [row["line"] for row in rows if row["source"] == "two"] == list(range(50))


def test_without_a_file_it_counts():
    quarantine = Quarantine(None)
    quarantine.add("calls.jsonl", ROWS)
    assert quarantine.counts.total() == 3


def test_a_name_that_is_no_file_of_ones_own_is_refused_in_one_line(tmp_path):
    (tmp_path / "real").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for path in (tmp_path, tmp_path / "link", tmp_path / "missing" / "bad.jsonl"):
        with pytest.raises(InputError) as error:
            Quarantine(path)
        assert "\n" not in str(error.value)
