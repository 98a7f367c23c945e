"""A watch may be killed at any moment: started again it comes to the same lake, registry, findings, quarantine and events."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lake.invented import ordered
from stillhunt import records
from stillhunt.cases import scans
from stillhunt.cases.registry import Registry
from stillhunt.cases.telling import known_document
from stillhunt.intake.journal import Journal
from stillhunt.lake import Lake

TESTS = Path(__file__).parent.parent
WALL_CLOCK = {"at", "named_at", "first_named_at"}


def without_clock(document: dict) -> dict:
    return {name: value for name, value in document.items() if name not in WALL_CLOCK}


def outcome(place: Path) -> dict[str, object]:
    with Lake.open(place / "lake") as lake:
        tables = {name: ordered(lake.table(name).to_arrow()) for name in records.TABLES if name != "observations"}
    with Registry(place / "lake" / "registry.sqlite") as registry:
        known = registry.known()
        numbered = [(number, without_clock(vars(event))) for number, event in registry.events()]
        history = [[without_clock(vars(at)) for at in registry.history(one.name)] for one in known]
    with Journal(place / "lake") as journal:
        positions = sorted((one.path.removeprefix(str(place)), one.length, one.crc, one.lines, one.bad) for one in journal.positions())
    findings = scans.read(place / "findings.json").to_json()
    findings.pop("lake_snapshot")
    return {
        "tables": tables,
        "known": [without_clock(known_document(one)) for one in known],
        "members": [{account: (m.generation, m.listed, m.closed) for account, m in one.members.items()} for one in known],
        "history": history,
        "events": numbered,
        "told": [without_clock(json.loads(line)) for line in (place / "told.jsonl").read_text().splitlines()],
        "positions": positions,
        "findings": findings,
        "scans": len(list((place / "lake" / "scans").glob("*.json"))),
        "aside": [json.loads(line)["row"] for line in (place / "aside.jsonl").read_text().splitlines()],
    }


@pytest.fixture(autouse=True)
def one_key(tmp_path, monkeypatch):
    monkeypatch.setenv("STILLHUNT_KEY_FILE", str(tmp_path / "key"))


def test_a_killed_watch_started_again_loses_nothing_and_repeats_nothing(tmp_path):
    folder = tmp_path / "watches"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "cli.dying_watch", str(folder)], cwd=TESTS, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stderr
    expected = outcome(folder / "undisturbed")
    assert expected["tables"]["interactions"].num_rows == 12 + 1 + 9 + 10
    assert [event["kind"] for event in expected["told"]] == ["appeared", "banned", "appeared", "came_back"]
    assert expected["aside"] == ["{broken", "{worse"]
    assert expected["scans"] == 3
    places = [place for place in sorted(folder.iterdir()) if place.name != "undisturbed"]
    assert len(places) > 8
    for place in places:
        found = outcome(place)
        for what, wanted in expected.items():
            assert found[what] == wanted, (place.name, what)
