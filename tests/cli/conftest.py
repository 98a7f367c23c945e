import json
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from cases.worked_example import nothing_found, worked_example
from stillhunt.cases import scans
from stillhunt.cli import main


@dataclass
class Outcome:
    status: int
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out)


@pytest.fixture
def stillhunt(capsys, monkeypatch):
    """Runs the command line in this process and returns its exit status and both streams."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("STILLHUNT_DEBUG", raising=False)

    def run(*arguments: object) -> Outcome:
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run


def write_calls(path: Path, accounts: int = 20, calls: int = 400) -> Path:
    """Canonical calls of people who have nothing in common."""
    rng = random.Random(7)
    lines = [
        {
            "interaction_id": f"call-{n}",
            "started_at": f"2026-05-{4 + n % 5:02d}T{n % 24:02d}:00:{n % 60:02d}Z",
            "account_id": f"acct-{n % accounts}",
            "client_ip": f"192.0.2.{n % accounts}",
            "request_model": "model-a",
            "input_tokens": 10,
            "output_tokens": 50,
            "http_status": 200,
            "messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": f"what is {rng.random()} in words"}]}]),
            "response": "an answer",
        }
        for n in range(calls)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def calls(tmp_path):
    return write_calls(tmp_path / "calls.jsonl")


@pytest.fixture
def findings_file(tmp_path):
    path = tmp_path / "findings.json"
    scans.write_private(path, scans.encode(worked_example()))
    return path


@pytest.fixture
def hunted(monkeypatch):
    """Makes every hunt end in the worked example (or, where `found` is False, in a scan that names nobody)."""
    from stillhunt import campaigns

    def end_in(*, found: bool) -> None:
        monkeypatch.setattr(campaigns, "hunt", lambda *_args, **_options: worked_example() if found else nothing_found())

    return end_in
