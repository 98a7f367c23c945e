"""What scanning on promises: the same findings, to the byte, as a scan from nothing, wherever and in how many steps calls are folded."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from stillhunt.campaigns import Settings, hunt
from stillhunt.channels.digest import keeping
from stillhunt.lake import Lake
from stillhunt.lake.opening import DIGEST_FOLDER

TABLES = ("interactions", "accounts", "entitlements", "phrases")


@pytest.fixture
def kept(monkeypatch):
    """Digests are kept of small lakes, too."""
    monkeypatch.setattr(keeping, "LEAST_KEPT", 1)


@pytest.fixture(scope="module")
def tables(letter):
    """What the lake of the letter holds, calls in order of time."""
    with Lake.open(letter.lake) as lake:
        found = {name: lake.table(name).to_arrow() for name in TABLES}
    found["interactions"] = found["interactions"].sort_by([("started_at", "ascending"), ("interaction_id", "ascending")])
    return found


def begun(folder: Path, tables) -> Lake:
    lake = Lake.open(folder, create=True)
    lake.upsert_accounts(tables["accounts"])
    lake.upsert_entitlements(tables["entitlements"])
    lake.add_phrases(tables["phrases"])
    return lake


def pieces(rows, *shares: float):
    cuts = [0, *(int(share * rows.num_rows) for share in shares), rows.num_rows]
    return [rows.slice(begin, end - begin) for begin, end in pairwise(cuts)]


def written(findings) -> bytes:
    return json.dumps(findings.to_json(), ensure_ascii=False, sort_keys=True).encode()


def without_snapshot(findings) -> dict[str, object]:
    return {**findings.to_json(), "lake_snapshot": None, "as_of": None}


def pointer(lake: Lake) -> str:
    return (lake.folder / DIGEST_FOLDER / "current").read_text()


def test_an_incremental_scan_writes_what_a_full_one_writes_to_the_byte(kept, tables, tmp_path):
    with begun(tmp_path / "lake", tables) as lake:
        seen = []
        for piece in pieces(tables["interactions"], 0.5, 0.97, 0.985):
            lake.append_interactions(piece)
            findings = hunt(lake)
            seen.append(pointer(lake))
        assert seen[0] != seen[1], "half as many calls again were kept anew"
        assert seen[1] == seen[2] == seen[3], "a few more calls were folded on to what was kept"
        shutil.rmtree(lake.folder / DIGEST_FOLDER)
        assert written(hunt(lake)) == written(findings)
        assert findings.campaigns, "the example has something to be wrong about"


def test_a_scan_from_nothing_does_not_depend_on_how_calls_were_committed(tables, letter, tmp_path):
    with begun(tmp_path / "lake", tables) as lake:
        for piece in pieces(tables["interactions"], 0.3, 0.6):
            lake.append_interactions(piece)
        assert without_snapshot(hunt(lake)) == without_snapshot(letter.findings)


def test_a_scan_as_of_a_moment_says_what_was_said_at_that_moment(kept, tables, tmp_path):
    rows = tables["interactions"]
    ended = np.maximum(rows["started_at"].cast("int64").to_numpy(), rows["ended_at"].cast("int64").fill_null(0).to_numpy())
    moment = int(np.quantile(ended, 0.8))
    with begun(tmp_path / "lake", tables) as lake:
        lake.append_interactions(rows.filter(ended <= moment))
        then = hunt(lake)
        lake.append_interactions(rows.filter(ended > moment))
        again = hunt(lake, as_of=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment))
        assert again.scanned == then.scanned
        named, named_then = ([[m.account_id for m in c.accounts] for c in f.campaigns] for f in (again, then))
        assert named == named_then
        assert written(hunt(lake)) != written(then)


def test_a_scan_as_of_a_moment_leaves_what_is_kept_alone(kept, tables, tmp_path):
    with begun(tmp_path / "lake", tables) as lake:
        lake.append_interactions(tables["interactions"])
        first = hunt(lake)
        before = pointer(lake)
        hunt(lake, as_of=datetime.fromisoformat(first.scanned.to) - timedelta(days=4))
        assert pointer(lake) == before
        assert written(hunt(lake)) == written(first)


def test_an_engine_folds_to_the_same_findings(letter):
    with Lake.open(letter.lake) as lake:
        assert written(hunt(lake, settings=Settings(engine="duckdb"))) == written(letter.findings)


def test_a_lake_whose_days_were_all_compacted_says_what_one_filled_in_order_says(kept, tables, letter, tmp_path):
    rows = tables["interactions"]
    number = np.arange(rows.num_rows)
    with begun(tmp_path / "lake", tables) as lake:
        for odd in (0, 1):
            lake.append_interactions(rows.filter(number % 2 == odd))
        hunt(lake)
        before = pointer(lake)
        lake.compact()
        assert without_snapshot(hunt(lake)) == without_snapshot(letter.findings)
        assert pointer(lake) != before, "what was kept is of files that are gone"


def test_a_lake_of_which_some_days_were_compacted_says_what_it_said(kept, tables, letter, tmp_path):
    rows = tables["interactions"]
    day = rows["started_at"].cast("int64").to_numpy() // 86_400_000_000
    with begun(tmp_path / "lake", tables) as lake:
        for number, one in enumerate(np.unique(day)):
            of_day = rows.filter(day == one)
            for piece in pieces(of_day, 0.5) if number in (1, 3) else [of_day]:
                lake.append_interactions(piece)
        before = hunt(lake)
        compacted = lake.compact()
        assert compacted.files_after < compacted.files_before
        assert without_snapshot(hunt(lake)) == without_snapshot(before) == without_snapshot(letter.findings)
