"""Small files that are read together: rows and accounts are those of files that are read one by one."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from intake.memory_lake import MemoryLake
from stillhunt.intake import bundles, pipeline
from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Sample
from stillhunt.intake.pipeline import ingest
from stillhunt.intake.registry import Guesses, guess

HERE = Path(__file__).parent / "samples"


def payload(n: int, **more) -> dict:
    return {
        "id": f"call-{n}",
        "call_type": "acompletion",
        "status": "success",
        "startTime": 1783418400.5 + n,
        "endTime": 1783418401.5 + n,
        "response_cost": 0.25,
        "model_group": "large",
        "metadata": {
            "user_api_key_user_id": f"account-{n % 3}",
            "user_api_key_user_email": f"account-{n % 3}@example.com",
            "usage_object": {},
        },
        "messages": [{"role": "user", "content": f"Question {n} about the weather of tomorrow in many words"}],
        "response": {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": f"Answer {n}"}}]},
        **more,
    }


def refused(n: int) -> dict:
    """A call of a caller whom the gateway did not know."""
    return payload(n, status="failure", metadata={"user_api_key_hash": "x"}, error_information={"error_code": "401"}, response={})


def folder(base: Path) -> Path:
    """Every kind of file that may lie among one-record files."""
    whole = json.dumps(payload(0)).encode()
    files = {
        **{f"a/{n:03d}.json": json.dumps(payload(n)).encode() for n in range(12)},
        "a/012.json": json.dumps(payload(12)).encode() + b"\n",
        "a/013.json": b"\xef\xbb\xbf" + json.dumps(payload(13)).encode() + b"\r\n\r\n",
        "a/014.json": json.dumps(payload(14), indent=2).encode(),
        "a/015.json": json.dumps([payload(15), payload(16)]).encode(),
        "a/017.json": b"\n" + json.dumps(payload(17)).encode() + b"\n\n" + whole[:-40] + b"\n" + json.dumps(payload(18)).encode(),
        "a/019.json": whole[: len(whole) // 2],
        "a/020.json": b"",
        "a/021.json": json.dumps(payload(21, call_type="alist_models")).encode(),
        "a/022.json": json.dumps(refused(22)).encode(),
        "a/023.json": json.dumps(payload(23, user_agent=["no", "text"], response_cost="many")).encode(),
        "a/024.json": json.dumps(payload(24, startTime=None)).encode(),
        "a/025.json": json.dumps(payload(25)).encode().replace(b"weather", b"wea\xff\xfether"),
        "a/026.json": json.dumps(payload(0)).encode(),
        "a/027.json": json.dumps(payload(27, metadata={"user_api_key_user_id": None})).encode(),
        "a/028.json": json.dumps({"note": "not a call"}).encode(),
        "a/029.json.gz": gzip.compress(json.dumps(payload(29)).encode()),
        "a/030.json.gz": gzip.compress(json.dumps(payload(30)).encode())[:-12],
        "a/031.json": json.dumps({"log": json.dumps(payload(31)), "stream": "stdout", "time": "2026-07-01T00:00:00Z"}).encode(),
        **{f"b/{n:03d}.json": json.dumps(payload(n, total_tokens="x" if n % 4 else 3)).encode() for n in range(40, 60)},
    }
    for sample in sorted(HERE.glob("*.json")):
        records = json.loads(sample.read_text())
        for at, record in enumerate(records if isinstance(records, list) else [records]):
            files[f"c/{at}-{sample.name}"] = json.dumps(record).encode()
            files[f"d/{sample.name.removesuffix('.json')}/{at}.json"] = json.dumps(record, indent=1).encode()
    for case in sorted((HERE / "cases").glob("*.jsonl")):
        for at, line in enumerate(case.read_bytes().splitlines()):
            files[f"e/{case.stem}-{at:02d}.json"] = line
    for name, data in files.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(data)
    return base


def read(logs: Path, aside: Path, workers: int):
    lake = MemoryLake()
    steps = []
    report = ingest([logs], lake, workers=workers, quarantine=aside, progress=steps.append)
    told = report.to_json()
    bad = aside.read_text() if aside.exists() else ""
    last = (steps[-1].records, steps[-1].quarantined, steps[-1].done == steps[-1].total)
    assert last == (report.records, report.quarantined.total(), True)
    return told, bad, lake.interactions, lake.accounts


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("room", [2000, 2 << 20])
def test_small_files_read_together_give_the_rows_and_the_report_of_files_read_one_by_one(tmp_path, monkeypatch, workers, room):
    logs = folder(tmp_path / "logs")
    monkeypatch.setattr(pipeline, "fits", lambda source, block: False)
    alone = read(logs, tmp_path / "alone.jsonl", 1)
    monkeypatch.undo()
    monkeypatch.setattr(bundles, "BUNDLE_BYTES", room)
    together = read(logs, tmp_path / "together.jsonl", workers)
    for one, other in zip(alone[0].pop("sources"), together[0].pop("sources"), strict=True):
        assert one == other
    assert together == alone
    assert alone[0]["quarantined"]
    assert alone[0]["left_out"]
    assert alone[0]["unknown_callers"]
    assert alone[0]["ignored"]
    assert alone[0]["duplicates"]
    assert alone[0]["errors"]


def test_many_small_files_become_few_blocks(tmp_path, monkeypatch):
    for n in range(200):
        (tmp_path / f"{n}.json").write_text(json.dumps(payload(n)))
    seen = Counter()
    whole = bundles.Bundle.block

    def block(self):
        seen["blocks"] += 1
        return whole(self)

    monkeypatch.setattr(bundles.Bundle, "block", block)
    assert ingest([tmp_path], MemoryLake(), workers=1).accepted == 200
    assert seen["blocks"] == 1


def test_a_remembered_guess_is_the_guess_of_each():
    guesses = Guesses()
    records = [
        record
        for sample in sorted(HERE.glob("*.json"))
        for found in [json.loads(sample.read_text())]
        for record in (found if isinstance(found, list) else [found])
    ]
    for record in records * 2 + records[::-1]:
        sample = Sample("one.json", "lines", [record])
        assert guesses.guess(sample, "folder") == guess(sample)


def test_what_is_remembered_of_a_column_neither_hides_nor_spreads_what_cannot_be_read(tmp_path):
    rows = [
        {
            "interaction_id": f"call-{n}",
            "started_at": 1_767_225_600_000_000 + n * 1_000_000,
            "account_id": f"account-{n % 2}" if n % 5 else "anonymous",
            "client_ip": "no address" if n % 3 == 0 else "192.0.2.1",
            "user_agent": "one",
            "request_parameters": '{"temperature": 0.2}' if n % 2 else "{broken",
        }
        for n in range(60)
    ]
    log = tmp_path / "calls.jsonl"
    log.write_text("\n".join(map(json.dumps, rows)) + "\n")
    whole = MemoryLake()
    report = ingest([log], whole, workers=1)
    singles = MemoryLake()
    left_out: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for n, row in enumerate(rows):
        one = tmp_path / f"one-{n}.jsonl"
        one.write_text(json.dumps(row) + "\n")
        alone = ingest([one], singles, workers=1, format="canonical")
        left_out.update(alone.left_out)
        refused.update(alone.quarantined)
    assert whole.interactions == singles.interactions
    assert (report.left_out, report.quarantined) == (left_out, refused)
    assert left_out.total() > 20
    assert refused.total() == 12


@pytest.mark.parametrize("role", ["system", "user", "assistant", "tool", "stranger"])
@pytest.mark.parametrize("text", ["Plain words", "", "a\x1eb", "redacted-by-litellm", "caf\u00e9", "cut (litellm_truncated 12 chars)"])
def test_one_part_of_text_reads_as_the_text_itself(role, text):
    first = {"role": "user", "content": "First"}
    bare = read_body([first, {"role": role, "content": text}], None)
    part = read_body([first, {"role": role, "parts": [{"type": "text", "content": text}]}], None)
    named = read_body([first, {"role": role, "name": "n", "parts": [{"type": "text", "content": text}]}], None)
    assert part == bare
    assert named == bare
