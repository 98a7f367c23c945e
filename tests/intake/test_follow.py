"""A watch reads every record of logs that grow, are rotated, truncated, copied and compressed: each once, killed or not."""

import gzip
import json
import os
import random
import shutil
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from intake.memory_lake import MemoryLake
from stillhunt.errors import StillhuntError
from stillhunt.intake import follow, followed, followed_bytes
from stillhunt.intake.follow import Follower
from stillhunt.intake.journal import Journal
from stillhunt.records import CANONICAL_INTERACTIONS

START = 1_767_225_600_000_000


def call(n: int) -> dict:
    return {
        "interaction_id": f"call-{n}",
        "started_at": START + n * 1_000_000,
        "account_id": f"account-{n % 7}",
        "messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": f"Question {n}, and a word or two"}]}]),
    }


def lines(numbers) -> str:
    return "".join(json.dumps(call(n)) + "\n" for n in numbers)


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


class Watched:
    """A lake that is watched by one process after another, on a clock that tests may set forward."""

    def __init__(self, tmp_path: Path, *paths: Path, **options) -> None:
        self.lake = MemoryLake()
        self.paths = list(paths)
        self.state = tmp_path / "state"
        self.options = options
        self.later = 0.0
        self.begin()

    def begin(self) -> None:
        self.journal = Journal(self.state)
        self.follower = Follower(self.paths, self.lake, self.journal, workers=1, clock=lambda: time.time() + self.later, **self.options)

    def restart(self) -> None:
        self.journal.close()
        self.begin()

    def read(self, **options):
        return self.follower.read(**options)

    @property
    def calls(self) -> set[int]:
        return {int(name.split("-")[1]) for name in self.lake.interactions}


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


def test_a_log_that_grows_is_read_from_where_it_was_and_half_a_line_waits(tmp_path, logs):
    log = logs / "calls.jsonl"
    text = lines(range(30))
    cut = text.index("call-20") + 20
    watched = Watched(tmp_path, logs)
    append(log, lines(range(10)))
    assert watched.read().calls == 10
    append(log, text[len(lines(range(10))) : cut])
    second = watched.read()
    assert (second.calls, second.duplicates, second.quarantined.total()) == (10, 0, 0)
    assert watched.read().calls == 0
    watched.restart()
    append(log, text[cut:])
    third = watched.read()
    assert (third.calls, third.duplicates) == (10, 0)
    assert watched.calls == set(range(30))


def test_a_last_line_without_newline_is_read_when_it_is_whole_json(tmp_path, logs):
    log = logs / "calls.jsonl"
    append(log, lines(range(5)).rstrip("\n"))
    watched = Watched(tmp_path, logs)
    assert watched.read().calls == 5
    append(log, "\n" + lines(range(5, 8)))
    arrivals = watched.read()
    assert (arrivals.calls, arrivals.quarantined.total()) == (3, 0)


def test_what_a_dead_writer_left_unfinished_is_set_aside_in_the_end(tmp_path, logs):
    log = logs / "calls.jsonl"
    append(log, lines(range(5)) + '{"interaction_id": "call-9", "star')
    watched = Watched(tmp_path, logs)
    assert watched.read().quarantined.total() == 0
    watched.later = followed.STILL_SECONDS + 1
    assert watched.read().quarantined.total() == 1
    assert watched.read().quarantined.total() == 0


@pytest.mark.parametrize("named", [True, False])
def test_rotation_by_renaming_loses_nothing_and_repeats_nothing(tmp_path, logs, named):
    log = logs / "calls.jsonl"
    append(log, lines(range(10)))
    watched = Watched(tmp_path, log if named else logs)
    watched.read()
    append(log, lines(range(10, 15)))  # unread when the log is rotated
    log.rename(logs / "calls.jsonl.1")
    append(log, lines(range(15, 20)))
    append(logs / "calls.jsonl.1", lines(range(20, 22)))  # the writer had not noticed yet
    arrivals = watched.read()
    assert (arrivals.calls, arrivals.duplicates) == (12, 0)
    assert watched.calls == set(range(22))


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("pack", ["gzip", "zstd"])
def test_a_rotated_log_that_is_compressed_is_known_again_by_what_it_holds(tmp_path, logs, named, pack):
    log = logs / "calls.jsonl"
    append(log, lines(range(10)))
    watched = Watched(tmp_path, log if named else logs)
    watched.read()
    append(log, lines(range(10, 15)))
    data = log.read_bytes()
    if pack == "gzip":
        (logs / "calls.jsonl.1.gz").write_bytes(gzip.compress(data))
    else:
        (logs / "calls.jsonl.1.zst").write_bytes(zstandard.compress(data))
    log.unlink()
    append(log, lines(range(15, 20)))
    arrivals = watched.read()
    assert (arrivals.calls, arrivals.duplicates) == (10, 0)
    assert watched.calls == set(range(20))
    watched.restart()
    assert watched.read().calls == 0


def test_rotation_by_copying_and_truncating_goes_on_in_the_copy(tmp_path, logs):
    log = logs / "calls.jsonl"
    append(log, lines(range(10)))
    watched = Watched(tmp_path, logs)
    watched.read()
    append(log, lines(range(10, 15)))
    shutil.copy(log, logs / "calls.jsonl.1")
    os.truncate(log, 0)
    append(log, lines(range(15, 40)))  # longer than what was read: the size alone would not tell
    arrivals = watched.read()
    assert (arrivals.calls, arrivals.duplicates) == (30, 0)
    assert watched.calls == set(range(40))


def test_a_copy_that_appears_after_the_truncation_was_seen_is_still_known(tmp_path, logs):
    log = logs / "calls.jsonl"
    append(log, lines(range(10)))
    watched = Watched(tmp_path, logs)
    watched.read()
    data = log.read_bytes()
    os.truncate(log, 0)
    watched.read()
    append(log, lines(range(10, 12)))
    watched.read()
    (logs / "calls.jsonl.1.gz").write_bytes(gzip.compress(data))
    assert watched.read().duplicates == 0
    assert watched.calls == set(range(12))


def test_a_compressed_log_that_is_still_being_written_waits(tmp_path, logs):
    data = gzip.compress(lines(range(3_000)).encode())
    path = logs / "calls.jsonl.gz"
    path.write_bytes(data[: len(data) // 2])
    watched = Watched(tmp_path, logs)
    first = watched.read()
    assert first.problems == []
    assert 0 < first.calls < 3_000
    path.write_bytes(data)
    second = watched.read()
    assert (first.calls + second.calls, second.duplicates, second.quarantined.total()) == (3_000, 0, 0)


def test_a_compressed_log_that_stays_cut_off_is_said_once(tmp_path, logs):
    data = gzip.compress(lines(range(3_000)).encode())
    path = logs / "calls.jsonl.gz"
    path.write_bytes(data[: len(data) // 2])
    age(path, 3_600)
    watched = Watched(tmp_path, logs)
    first = watched.read()
    assert len(first.problems) == 1
    assert "cut off" in first.problems[0]
    assert first.calls > 0
    watched.restart()
    assert watched.read().problems == []


def test_a_bad_line_is_set_aside_once_under_its_number_whatever_happens_to_the_log(tmp_path, logs):
    aside = tmp_path / "aside.jsonl"
    log = logs / "calls.jsonl"
    append(log, lines(range(3)) + "{broken\n" + lines(range(3, 5)))
    watched = Watched(tmp_path, log, quarantine=aside)
    assert watched.read().quarantined.total() == 1
    watched.restart()
    append(log, lines(range(5, 7)) + "{worse\n")
    log.rename(logs / "calls.jsonl.1")
    assert watched.read().quarantined.total() == 1
    (logs / "calls.jsonl.2.gz").write_bytes(gzip.compress((logs / "calls.jsonl.1").read_bytes()))
    (logs / "calls.jsonl.1").unlink()
    assert watched.read().quarantined.total() == 0
    found = [json.loads(line) for line in aside.read_text().splitlines()]
    assert [(row["line"], row["row"], row["source"]) for row in found] == [(4, "{broken", str(log)), (9, "{worse", str(log))]


def test_folders_and_files_may_appear_later(tmp_path):
    folder, file = tmp_path / "later", tmp_path / "single.jsonl"
    watched = Watched(tmp_path, folder, file)
    assert watched.read().logs == 0
    folder.mkdir()
    append(folder / "a.jsonl", lines(range(3)))
    append(file, lines(range(3, 5)))
    assert watched.read().calls == 5


def test_files_beside_a_named_log_are_not_read_for_themselves(tmp_path, logs):
    append(logs / "calls.jsonl", lines(range(3)))
    append(logs / "calls.jsonl.old", lines(range(3, 9)))
    watched = Watched(tmp_path, logs / "calls.jsonl")
    watched.read()
    assert watched.calls == {0, 1, 2}


def test_what_is_no_log_is_said_once_and_one_that_was_named_without_long_waiting(tmp_path, logs):
    (logs / "notes.txt").write_text("nothing that a program wrote\n" * 20)
    age(logs / "notes.txt", 3_600)
    named = tmp_path / "named.txt"
    watched = Watched(tmp_path, logs, named)
    append(named, "a log that grows all the time, and is none\n" * 20)
    first = watched.read()
    assert (first.passed, first.problems) == (["notes.txt"], [])  # the named one may still become one
    append(named, "and goes on\n")
    second = watched.read()
    assert len(second.problems) == 1
    assert "named.txt" in second.problems[0]
    watched.restart()
    append(named, "and on\n")
    third = watched.read()
    assert (third.passed, third.problems) == ([], [])


def test_a_link_that_was_named_is_followed_where_it_leads(tmp_path, logs):
    link, target = tmp_path / "current.log", logs / "0.log"
    append(target, lines(range(5)))
    link.symlink_to(target)
    watched = Watched(tmp_path, link)
    watched.read()
    append(target, lines(range(5, 8)))
    target.rename(logs / "0.log.20260504")
    append(target, lines(range(8, 10)))
    arrivals = watched.read()
    assert (arrivals.calls, arrivals.duplicates) == (5, 0)


def test_a_table_that_is_replaced_is_read_again_and_one_that_is_only_moved_is_not(tmp_path, logs):
    path = logs / "accounts.jsonl"
    rows = [{"account_id": f"account-{n:03d}", "status": "active", "created_at": START} for n in range(200)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    parquet = logs / "calls.parquet"
    pq.write_table(pa.Table.from_pylist([call(n) for n in range(5)], schema=CANONICAL_INTERACTIONS), parquet)
    watched = Watched(tmp_path, logs)
    assert (watched.read().accounts, watched.read().accounts) == (200, 0)
    rows[100]["status"] = "closed"  # as long as "active": neither size nor ends change
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    shutil.copy(parquet, logs / "copy.parquet")
    again = watched.read()
    assert (again.accounts, again.duplicates) == (200, 0)
    pq.write_table(pa.Table.from_pylist([call(n) for n in range(8)], schema=CANONICAL_INTERACTIONS), parquet)
    assert watched.read().calls == 3


def test_a_parquet_file_and_an_array_wait_until_they_are_whole(tmp_path, logs):
    whole = tmp_path / "whole.parquet"
    pq.write_table(pa.Table.from_pylist([call(n) for n in range(50)], schema=CANONICAL_INTERACTIONS), whole)
    (logs / "calls.parquet").write_bytes(whole.read_bytes()[:-30])
    document = json.dumps([call(n) for n in range(50, 60)], indent=1)
    (logs / "calls.json").write_text(document[:-40])
    watched = Watched(tmp_path, logs)
    assert watched.read().calls == 0
    (logs / "calls.parquet").write_bytes(whole.read_bytes())
    (logs / "calls.json").write_text(document)
    arrivals = watched.read()
    assert (arrivals.calls, arrivals.problems) == (60, [])


def test_csv_is_cut_at_whole_records_even_where_newlines_stand_inside(tmp_path, logs):
    log = logs / "calls.csv"
    head = "interaction_id,started_at,account_id,response\n"
    row = 'call-{n},2026-03-01T00:00:{n:02d}Z,account-{n},"two\nlines {n}"\n'
    append(log, head + "".join(row.format(n=n) for n in range(5)) + 'call-5,2026-03-01T00:00:05Z,account-5,"two\n')
    watched = Watched(tmp_path, logs, format="canonical")
    assert watched.read().calls == 5
    append(log, 'lines 5"\n' + row.format(n=6))
    arrivals = watched.read()
    assert (arrivals.calls, arrivals.quarantined.total()) == (2, 0)


def test_a_backlog_is_read_in_parts_and_can_be_stopped_between_them(tmp_path, logs):
    for n in range(6):
        append(logs / f"calls-{n}.jsonl", lines(range(n * 100, n * 100 + 100)))
    watched = Watched(tmp_path, logs)
    size = (logs / "calls-0.jsonl").stat().st_size
    stopped = watched.read(most_bytes=size, stop=lambda: len(watched.calls) >= 200)
    assert 200 <= len(watched.calls) < 600
    assert stopped.behind > 0
    watched.restart()
    rest = watched.read(most_bytes=size)
    assert (stopped.calls + rest.calls, rest.duplicates, rest.behind) == (600, 0, 0)


@pytest.mark.parametrize("form", ["canonical", "litellm"])  # read by processes, and by threads
def test_a_large_backlog_is_read_by_several_workers_with_the_same_outcome(tmp_path, logs, monkeypatch, form):
    monkeypatch.setattr(follow, "SMALL_BYTES", 10_000)
    written = lines if form == "canonical" else payloads
    for n in range(4):
        append(logs / f"calls-{n}.jsonl", written(range(n * 100, n * 100 + 100)) + "{broken\n")
    watched = Watched(tmp_path, logs)
    watched.follower = Follower([logs], watched.lake, watched.journal, workers=2, format=form)
    arrivals = watched.read(most_bytes=30_000)
    assert (arrivals.calls, arrivals.duplicates, arrivals.quarantined.total()) == (400, 0, 4)
    assert watched.calls == set(range(400))


def payloads(numbers) -> str:
    rows = (
        {
            "id": f"call-{n}",
            "call_type": "acompletion",
            "startTime": START / 1e6 + n,
            "endTime": START / 1e6 + n + 1,
            "status": "success",
            "model": "model-a",
            "messages": [{"role": "user", "content": f"Question {n}, and a word or two"}],
            "response": {"choices": [{"message": {"role": "assistant", "content": f"Answer {n}"}, "finish_reason": "stop"}]},
            "metadata": {"user_api_key_hash": f"key-{n % 7}", "user_api_key_user_id": f"account-{n % 7}", "usage_object": {}},
        }
        for n in numbers
    )
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_one_log_larger_than_a_round_is_read_in_parts_that_end_with_lines(tmp_path, logs, monkeypatch):
    monkeypatch.setattr(followed_bytes, "behind", small_pieces)
    append(logs / "calls.jsonl", lines(range(400)))
    watched = Watched(tmp_path, logs)
    told: list[int] = []
    arrivals = watched.read(most_bytes=10_000, progress=told.append)
    assert arrivals.calls == 400
    assert len(told) > 5
    assert told == sorted(told, reverse=True)
    assert (arrivals.duplicates, arrivals.quarantined.total()) == (0, 0)


def small_pieces(opened, length):
    with opened.path.open("rb") as file:
        file.seek(length)
        left = opened.size - length
        while left > 0 and (data := file.read(min(1_000, left))):
            left -= len(data)
            yield data


def span(n: int, *, parent: bool) -> dict:
    trace, own = f"{n:032x}", f"{n + (1 << 32 if parent else 0):016x}"
    name = {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}
    account = [{"key": "user.id", "value": {"stringValue": f"account-{n}"}}]
    one = {
        "traceId": trace,
        "spanId": own,
        "startTimeUnixNano": str((START + n) * 1000),
        "endTimeUnixNano": str((START + n + 5) * 1000),
        "attributes": account if parent else [name],
    }
    return {"resourceSpans": [{"scopeSpans": [{"spans": [one if parent else one | {"parentSpanId": f"{n + (1 << 32):016x}"}]}]}]}


def test_records_that_need_one_another_wait_for_their_other_half(tmp_path, logs):
    log = logs / "spans.jsonl"
    children, parents = ([json.dumps(span(n, parent=parent)) + "\n" for n in range(40)] for parent in (False, True))
    watched = Watched(tmp_path, logs, format="otel-genai")
    append(log, "".join(children[:20]))
    watched.read()
    append(log, "".join(parents[:20] + children[20:]))
    first = watched.read()
    append(log, "".join(parents[20:]))
    second = watched.read()
    watched.later = followed.PAIRED_SECONDS + 1
    third = watched.read()
    assert (first.calls, second.calls, third.calls) == (20, 20, 0)
    assert sum((one.quarantined for one in (first, second, third)), Counter()).total() == 0
    assert {row["account_id"] for row in watched.lake.interactions.values()} == {f"account-{n}" for n in range(40)}


def test_two_watches_do_not_share_a_journal(tmp_path, logs):
    watched = Watched(tmp_path, logs)
    with pytest.raises(StillhuntError, match="another watch is at work"):
        Journal(watched.state)
    watched.journal.close()
    Journal(watched.state).close()


def test_a_damaged_journal_is_one_sentence(tmp_path):
    (tmp_path / "watch.sqlite").write_bytes(b"no database at all, but long enough to be one" * 40)
    with pytest.raises(StillhuntError, match=r"watch\.sqlite.*remove the file"):
        Journal(tmp_path)


def test_a_log_that_changes_while_it_is_read_is_left_for_the_next_round(tmp_path, logs, monkeypatch):
    log = logs / "calls.jsonl"
    append(log, lines(range(20)))
    watched = Watched(tmp_path, logs)
    real = follow.look

    def look_and_lose(*arguments, **options):
        sight = real(*arguments, **options)
        os.truncate(log, 100)
        return sight

    monkeypatch.setattr(follow, "look", look_and_lose)
    assert len(watched.read().problems) == 1
    monkeypatch.undo()
    os.truncate(log, 0)
    append(log, lines(range(20)))
    watched.read()
    assert watched.calls == set(range(20))


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_done_to_logs_in_whatever_order_each_record_is_read_once(tmp_path, logs, seed):
    rng = random.Random(seed)
    log, aside = logs / "calls.jsonl", tmp_path / "aside.jsonl"
    watched = Watched(tmp_path, logs, quarantine=aside)
    written = broken = duplicates = accepted = 0
    rest = ""
    number = 0
    for _ in range(60):
        step = rng.choice(["write", "write", "write", "read", "read", "restart", "rename", "copy", "pack"])
        if step == "write":
            text = lines(range(written, written + rng.randrange(1, 9)))
            written += text.count("\n")
            if rng.random() < 0.3:
                text += f"{{broken {broken}\n"
                broken += 1
            whole = rest + text
            keep = rng.randrange(1, 40) if rng.random() < 0.5 else 0
            append(log, whole[: len(whole) - keep])
            rest = whole[len(whole) - keep :]
        elif step in {"read", "restart"}:
            if step == "restart":
                watched.restart()
            arrivals = watched.read(most_bytes=rng.choice([500, 5_000, 1 << 20]))
            accepted += arrivals.calls
            duplicates += arrivals.duplicates
        elif log.exists():
            append(log, rest)  # a writer closes its log with a whole line
            rest, number = "", number + 1
            if step == "rename":
                log.rename(logs / f"calls.jsonl.{number}")
            elif step == "copy":
                shutil.copy(log, logs / f"calls.jsonl.{number}")
                os.truncate(log, 0)
            else:
                packed = gzip.compress(log.read_bytes())
                log.unlink()
                (logs / f"calls.jsonl.{number}.gz").write_bytes(packed)
    append(log, rest)
    arrivals = watched.read()
    assert watched.calls == set(range(written))
    assert accepted + arrivals.calls == written
    assert duplicates + arrivals.duplicates == 0
    rows = [json.loads(line)["row"] for line in aside.read_text().splitlines()]
    assert sorted(rows) == sorted(f"{{broken {n}" for n in range(broken))


def test_a_container_s_cut_lines_are_read_when_they_are_whole(tmp_path):
    path = tmp_path / "0.log"
    watched = Watched(tmp_path, path)
    head = "2026-01-01T00:00:00.000000000Z stdout"
    long = {**call(1), "user_agent": "a" * 40_000}
    text = json.dumps(long)
    append(path, f"{head} F {json.dumps(call(0))}\n{head} P {text[:16_384]}\n{head} P {text[16_384:32_768]}\n")
    watched.read()
    assert watched.calls == {0}
    append(path, f"{head} F {text[32_768:]}\n{head} F started\n{head} F {json.dumps(call(2))}\n")
    watched.read()
    assert watched.calls == {0, 1, 2}


@pytest.mark.parametrize("wrap", ["docker", "cloudwatch"])
def test_enveloped_logs_are_followed(tmp_path, wrap):
    path = tmp_path / "shipped.log"
    watched = Watched(tmp_path, path)

    def shipped(numbers) -> str:
        texts = [json.dumps(call(n)) for n in numbers]
        if wrap == "docker":
            return "".join(json.dumps({"log": text + "\n", "stream": "stdout", "time": "2026"}) + "\n" for text in texts)
        return (
            json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "timestamp": 1, "message": text} for text in texts]})
            + "\n"
        )

    append(path, shipped(range(5)))
    watched.read()
    append(path, shipped(range(5, 9)))
    watched.read()
    assert watched.calls == set(range(9))


def test_a_utf_16_log_is_followed_line_by_line(tmp_path):
    path = tmp_path / "windows.log"
    watched = Watched(tmp_path, path)
    text = lines(range(4)).encode("utf-16-le")
    half = len(lines(range(2))) * 2 + 40
    path.write_bytes(b"\xff\xfe" + text[:half])
    watched.read()
    with path.open("ab") as file:
        file.write(text[half:])
    watched.read()
    assert watched.calls == set(range(4))
