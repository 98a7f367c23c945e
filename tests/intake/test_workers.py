"""Threads or processes: the rows are the same, and logs that the scanner leaves do not wait for the interpreter."""

from __future__ import annotations

import json

import pytest

from intake.memory_lake import MemoryLake
from stillhunt.intake import framing, workers
from stillhunt.intake.pipeline import ingest


def payload(n: int, *, plain: bool) -> str:
    said = f"Question {n} about the weather of tomorrow in many words"
    return json.dumps(
        {
            "id": f"call-{n}",
            "call_type": "acompletion",
            "status": "success",
            "startTime": 1783418400.5 + n,
            "endTime": 1783418401.5 + n,
            "completionStartTime": 1783418401.0 + n,
            "response_cost": 0.25,
            "model_group": "large",
            "prompt_tokens": 5,
            "completion_tokens": 7,
            "metadata": {"user_api_key_user_id": f"account-{n % 7}", "usage_object": {"prompt_tokens": 5, "completion_tokens": 7}},
            "messages": [{"role": "user", "content": said if plain else [{"type": "text", "text": said}]}],
            "response": {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": f"Answer {n}"}}]},
        }
    )


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(framing.blocks, "__kwdefaults__", {"block_bytes": 4000})


@pytest.fixture
def started(monkeypatch):
    found = []

    class Watched(workers.Pool):
        def __init__(self, *arguments):
            found.append(arguments)
            super().__init__(*arguments)

    monkeypatch.setattr(workers, "Pool", Watched)
    return found


@pytest.mark.parametrize(("share", "processes"), [(1.0, 0), (0.75, 0), (0.25, 1), (0.0, 1)])
def test_processes_take_over_where_the_scanner_leaves_most_and_no_row_is_lost(
    tmp_path, small_blocks, started, monkeypatch, share, processes
):
    monkeypatch.setattr(workers, "_ENOUGH", 40)
    log = tmp_path / "calls.jsonl"
    log.write_text("\n".join(payload(n, plain=n % 4 < 4 * share) for n in range(200)) + "\n{broken\n")
    alone, together = MemoryLake(), MemoryLake()
    reports = [ingest([log], lake, workers=count) for lake, count in ((alone, 1), (together, 2))]
    assert len(started) == processes
    assert [report.accepted for report in reports] == [200, 200]
    assert [report.quarantined.total() for report in reports] == [1, 1]
    assert together.interactions == alone.interactions


def test_a_plain_and_an_odd_way_of_writing_a_call_have_the_same_fingerprints(tmp_path):
    lakes = []
    for plain in (True, False):
        log, lake = tmp_path / f"{plain}.jsonl", MemoryLake()
        log.write_text("\n".join(payload(n, plain=plain) for n in range(10)) + "\n")
        ingest([log], lake, workers=1)
        lakes.append(lake.interactions)
    assert lakes[0] == lakes[1]
