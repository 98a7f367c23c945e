"""What happens to a lake is in its ledger, however its writers die, and whatever is done to the lake behind the ledger's back is found."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.invented import accounts, interactions
from stillhunt.errors import InputError
from stillhunt.lake import Lake
from stillhunt.lake.recorder import Change, File
from stillhunt.ledger import Ledger
from stillhunt.ledger.auditing import check
from stillhunt.ledger.proving import prove_interaction
from stillhunt.ledger.recording import Recording, record
from stillhunt.records import Findings
from stillhunt.records.canonical import canonical
from stillhunt.verifier import Refused, check_inclusion, check_log_proof, row_leaf, verify_any, verify_interaction

TESTS = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A lake of three recorded appends and an account."""
    folder = tmp_path_factory.mktemp("recorded") / "lake"
    with Lake.open(folder, create=True) as lake:
        record(lake)
        for first in (0, 30, 60):
            lake.append_interactions(interactions(range(first, first + 40), days=1))
        lake.upsert_accounts(accounts({"account_id": "account-001", "plan": "free"}))
    return folder


@pytest.fixture
def place(made) -> Path:
    """The same lake, to be changed: put back afterwards, because a lake works only where it was made."""
    kept = made.with_name("kept")
    shutil.copytree(made, kept)
    yield made
    shutil.rmtree(made)
    kept.rename(made)


def problems(folder: Path) -> list[str]:
    with Lake.open(folder) as lake:
        return [str(problem) for problem in check(Ledger.open(folder / "ledger"), lake)]


def documents(folder: Path, kind: str) -> list[dict]:
    return [dict(entry.document) for entry in Ledger.open(folder / "ledger").entries() if entry.kind == kind]


def call_files(folder: Path) -> list[Path]:
    return sorted((folder / "tables").rglob("interactions/data/**/*.parquet"))


def rewrite(path: Path, change) -> None:
    table = pq.ParquetFile(path).read()
    pq.write_table(change(table), path)


def test_each_append_is_a_batch_with_its_rows_root_and_files(place):
    batches = documents(place, "batch")
    assert [one["rows"] for one in batches] == [40, 30, 30]  # what was there already is in no batch again
    assert all(one["files"]["rows_added"] == one["rows"] and one["formats"] == {"test": one["rows"]} for one in batches)
    assert len({one["root"] for one in batches}) == 3
    assert documents(place, "tables")[0]["table"] == "accounts"
    assert problems(place) == []


@pytest.mark.parametrize("at", ["_enter", "_drop"])
def test_whoever_opens_the_lake_next_finishes_what_a_dead_writer_began(place, monkeypatch, at):
    size = Ledger.open(place / "ledger").size

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with Lake.open(place) as lake:
        recording = record(lake)
        monkeypatch.setattr(Recording, at, dies)
        if at == "_enter":  # the rows are in the lake, their entry is missing
            with pytest.raises(KeyboardInterrupt):
                lake.append_interactions(interactions(range(200, 220)))
        else:  # noted, and never committed
            change = Change(
                "interactions", "append", (File("interactions/never.parquet", 1, 1, "00" * 32),), (), interactions(range(300, 301))
            )
            with pytest.raises(KeyboardInterrupt):
                recording.finish(recording.prepare(change), done=False)
        monkeypatch.undo()
    assert list((place / "ledger" / "batches" / "pending").iterdir())
    with Lake.open(place) as lake:
        record(lake)
    assert not list((place / "ledger" / "batches" / "pending").iterdir())
    assert Ledger.open(place / "ledger").size == size + (at == "_enter")
    assert problems(place) == []


def test_appending_what_is_there_makes_no_entry(place):
    size = Ledger.open(place / "ledger").size
    with Lake.open(place) as lake:
        record(lake)
        lake.append_interactions(interactions(range(100), days=1))
        lake.upsert_accounts(accounts({"account_id": "account-001", "plan": "free"}))
    assert Ledger.open(place / "ledger").size == size


def test_compaction_moves_rows_and_proofs_stay(place):
    with Lake.open(place) as lake:
        record(lake)
        lake.compact(keep_snapshots=1, snapshot_age=timedelta(0), orphan_age=timedelta(0))
    assert len(call_files(place)) == 1
    assert problems(place) == []
    with Lake.open(place) as lake:
        proof = prove_interaction(Ledger.open(place / "ledger"), lake, "call-00000077")
    assert proof["row"]["call"]["values"]["input_tokens"] == 77


def test_retention_excuses_the_rows_that_it_removed_and_no_others(tmp_path):
    folder = tmp_path / "lake"
    with Lake.open(folder, create=True) as lake:
        record(lake)
        lake.append_interactions(interactions(range(40), days=3))
        lake.retain(datetime(2026, 3, 2, tzinfo=UTC))
        left = lake.table("interactions").count()
    assert 0 < left < 40
    assert problems(folder) == []
    with Lake.open(folder) as lake:  # and once more, behind the ledger's back
        lake.retain(datetime(2026, 3, 3, tzinfo=UTC))
    found = problems(folder)
    assert any("no entry says that it was removed" in one for one in found)
    assert any("more than retention removed" in one for one in found)


def test_the_proof_of_one_interaction_is_small_and_verifies_by_itself(place):
    ledger = Ledger.open(place / "ledger")
    with Lake.open(place) as lake:
        brief, whole = (canonical(ledger.prove_interaction("call-00000042", lake, brief=brief)) for brief in (True, False))
    assert len(brief) < 4_000 < len(whole)
    for data in (brief, whole, brief + b"\n"):
        verdict = verify_any(data, ledger.keys())
        assert verdict.facts["interaction_id"] == "call-00000042"
    assert "ML-DSA" in verify_any(whole, ledger.keys()).proved[0]
    assert "ML-DSA" not in verify_any(brief, ledger.keys()).proved[0]


def test_no_changed_byte_of_an_interactions_proof_verifies(place):
    ledger = Ledger.open(place / "ledger")
    with Lake.open(place) as lake:
        data = canonical(ledger.prove_interaction("call-00000042", lake))
    keys = ledger.keys()
    for at in range(len(data)):
        with pytest.raises(Refused):
            verify_any(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], keys)
    for other in (b"", data[:-1], b'{"interaction_id":1}', data.replace(b'"leaf":', b'"leaf":1', 1)):
        with pytest.raises(Refused):
            verify_interaction(other, keys)


def test_a_proof_shows_one_row_and_leads_to_the_signed_checkpoint(place):
    ledger = Ledger.open(place / "ledger")
    with Lake.open(place) as lake:
        proof = prove_interaction(ledger, lake, "call-00000042")
        with pytest.raises(InputError, match="not in the ledger"):
            prove_interaction(ledger, lake, "call-00009999")
    data = base64.b64decode(proof["leaf_data"])
    _, _, index = check_log_proof(proof["log_proof"].encode(), data, ledger.keys())
    said = json.loads(data)["document"]
    path = [base64.b64decode(one) for one in proof["row_proof"]]
    check_inclusion(proof["position"], said["rows"], row_leaf(proof["row"], {}), path, bytes.fromhex(said["root"]))
    assert (index, proof["rows"]) == (proof["leaf"], said["rows"])
    assert len(json.dumps(proof["row_proof"])) < 4_000
    assert "call-00000041" not in json.dumps(proof)


def test_a_changed_row_is_named_by_batch_position_and_id(place):
    def change(table):
        tokens = table["output_tokens"].to_pylist()
        tokens[3] += 1
        return table.set_column(table.schema.get_field_index("output_tokens"), table.schema.field("output_tokens"), pa.array(tokens))

    path = call_files(place)[0]
    name = pq.ParquetFile(path).read()["interaction_id"][3].as_py()
    rewrite(path, change)
    found = problems(place)
    assert any(path.name in one and "not the file that was recorded" in one for one in found)
    assert [one for one in found if "interaction" in one and "was changed" in one and repr(name) in one and "position" in one]
    assert not [one for one in found if "no longer in the lake" in one or "inserted" in one]


def test_a_removed_row_is_named_by_batch_and_position(place):
    rewrite(call_files(place)[0], lambda table: table.slice(1))
    found = problems(place)
    assert len([one for one in found if "the row is no longer in the lake" in one and "position" in one]) == 1
    assert not [one for one in found if "was changed" in one or "inserted" in one]


def test_an_inserted_row_and_a_repeated_one_are_told_apart(place):
    def more(table):
        strange = table.slice(0, 1).set_column(0, table.schema.field(0), pa.array(["call-invented"]))
        return pa.concat_tables([table, strange, table.slice(1, 1)])

    rewrite(call_files(place)[0], more)
    found = problems(place)
    assert len([one for one in found if "'call-invented' is in no batch: it was inserted" in one]) == 1
    assert len([one for one in found if "more than once" in one]) == 1


def test_reordered_rows_are_a_changed_file_without_a_changed_row(place):
    rewrite(call_files(place)[0], lambda table: table.take(list(range(table.num_rows))[::-1]))
    found = problems(place)
    assert len(found) == 1
    assert "reordered" in found[0]


def test_files_that_nobody_recorded_or_that_are_gone_are_named(place):
    with Lake.open(place) as lake:
        lake.append_interactions(interactions(range(500, 505), days=1))  # without the ledger
    assert len(found := problems(place)) == 1
    assert "no entry names" in found[0]
    with Lake.open(place) as lake:
        assert record(lake).adopt() == 5
    assert problems(place) == []


@pytest.mark.parametrize("name", ["ids", "leaves", "directory", "manifests"])
def test_any_changed_byte_of_the_hashes_is_found(place, name):
    file = place / "ledger" / "batches" / name
    file = min(file.iterdir()) if file.is_dir() else file
    whole = file.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 12)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert problems(place), at
    file.write_bytes(whole)
    assert problems(place) == []


def test_reordered_hashes_are_told_from_changed_ones_and_rows_are_cleared(place):
    file = place / "ledger" / "batches" / "leaves"
    whole = file.read_bytes()
    file.write_bytes(whole[32:64] + whole[:32] + whole[64:])
    assert ["hashes of batch" in one and "reordered; its rows are as they were recorded" in one for one in problems(place)] == [True]
    file.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    assert ["changed; its rows are as they were recorded" in one for one in problems(place)] == [True]


def test_another_salts_key_is_found(place):
    key = place / "salts.key"
    whole = key.read_text()
    key.write_text("0" * 64)
    assert any("is not the key" in one for one in problems(place))
    key.write_text(whole)


def test_rows_from_before_the_ledger_are_said_to_be_older_even_after_compaction_and_can_be_adopted(tmp_path):
    folder = tmp_path / "lake"
    with Lake.open(folder, create=True) as lake:
        lake.append_interactions(interactions(range(20), days=1))
        record(lake)
        lake.append_interactions(interactions(range(20, 40), days=1))
    assert [one for one in problems(folder) if "20 rows are older than the ledger" in one] == problems(folder)
    with Lake.open(folder) as lake:
        record(lake)
        lake.compact()
    assert [one for one in problems(folder) if "older than the ledger" in one] == problems(folder) != []
    with Lake.open(folder) as lake:
        recording = record(lake)
        recording.adopt()
        assert documents(folder, "batch")[-1]["adopted"] is True
        assert prove_interaction(recording.ledger, lake, "call-00000003")["leaf"] == recording.ledger.size - 1
        assert recording.adopt() == 0
    assert problems(folder) == []


def test_a_scan_is_an_entry_with_the_hash_of_its_findings_and_no_long_settings(place):
    scanned = {"interactions": 100, "accounts": 17}
    findings = Findings(
        stillhunt="0", lake_snapshot="s", scanned=scanned, visibility=[], false_discovery_rate=0.001, campaigns=[], pools=[]
    )
    with Lake.open(place) as lake:
        recording = record(lake)
        told = {"settings": {"false_discovery_rate": 0.001, "network_kind": {f"192.0.{one}.0/24": "hosting" for one in range(256)}}}
        encoded = json.dumps(findings.to_json()).encode()
        index = recording.scan(findings, encoded, told)
    said = recording.ledger.entry(index)
    assert said.kind == "scan"
    assert said.document["findings_sha256"] == hashlib.sha256(encoded).hexdigest()
    assert said.document["settings"]["settings"]["false_discovery_rate"] == 0.001
    assert len(said.data) < 1_000


def test_killed_at_any_step_lake_and_ledger_agree_when_opened_again(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "ledger.dying", str(tmp_path / "lake"), "4"], cwd=TESTS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(said) > 5
    previous = 0
    for one in said:
        assert one["problems"] == [], one
        assert one["rows"] == one["recorded"] == previous + 20, one
        assert one["pending"] == 0, one
        previous = one["rows"]
