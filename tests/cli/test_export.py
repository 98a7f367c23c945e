"""Findings as tables: every named account is there once, values are those of findings.json, and a spreadsheet runs nothing."""

import csv
import json

import pyarrow.parquet as pq
import pytest


def finding(account: str = "acct-1"):
    evidence = {"log10_evidence": 12.5}
    observation = {"channel": "payment", "value": "a card", "bits": 9.5}
    campaign = {
        "campaign_id": "c-1", "first_seen": "2026-01-01T00:00:00Z", "last_seen": "2026-01-02T00:00:00Z", "calls": 7, "output_tokens": 70,
        "coordination": evidence, "concealment": evidence, "harvest": evidence, "explanations": [],
        "accounts": [{"account_id": account, "membership": 0.999, "calls": 7, "observations": [observation]}],
    }  # fmt: skip
    pool = {"pool_id": "p-1", "accounts": ["acct-2", "acct-3"], "why_not_a_campaign": "declared one organization"}
    return {
        "stillhunt": "0.1.0", "lake_snapshot": "1", "scanned": {"interactions": 9, "accounts": 3, "from": None, "to": None},
        "visibility": [], "false_discovery_rate": 0.001, "campaigns": [campaign], "pools": [pool],
    }  # fmt: skip


@pytest.fixture
def findings(tmp_path):
    file = tmp_path / "findings.json"
    file.write_text(json.dumps(finding()))
    return file


def test_each_account_is_one_row_with_its_group(stillhunt, findings, tmp_path):
    done = stillhunt("export", findings, "-o", tmp_path / "a.csv")
    assert done.status == 0
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = {row["account_id"]: row for row in csv.DictReader(file)}
    assert {name: (row["group"], row["group_id"]) for name, row in rows.items()} == {
        "acct-1": ("campaign", "c-1"),
        "acct-2": ("pool", "p-1"),
        "acct-3": ("pool", "p-1"),
    }
    assert float(rows["acct-1"]["membership"]) == 0.999
    assert rows["acct-2"]["why_not_a_campaign"] == "declared one organization"
    assert (tmp_path / "a.csv").stat().st_mode & 0o777 == 0o600


def test_observations_and_groups_keep_their_numbers_in_parquet(stillhunt, findings, tmp_path):
    assert stillhunt("export", findings, "--table", "observations", "-o", tmp_path / "o.parquet").status == 0
    assert pq.read_table(tmp_path / "o.parquet").to_pylist() == [
        {"campaign_id": "c-1", "account_id": "acct-1", "channel": "payment", "value": "a card", "bits": 9.5}
    ]
    document = stillhunt("export", findings, "--table", "groups", "-o", tmp_path / "g.parquet", "--json").document
    assert document["rows"] == 2
    assert [(row["group"], row["accounts"], row["log10_harvest"]) for row in pq.read_table(tmp_path / "g.parquet").to_pylist()] == [
        ("campaign", 1, 12.5),
        ("pool", 2, None),
    ]


def test_an_id_that_looks_like_a_formula_is_text_in_csv_and_exact_in_parquet(stillhunt, tmp_path):
    file = tmp_path / "findings.json"
    file.write_text(json.dumps(finding("=HYPERLINK(1)")))
    stillhunt("export", file, "-o", tmp_path / "a.csv")
    stillhunt("export", file, "-o", tmp_path / "a.parquet")
    assert "\n'=HYPERLINK(1)," in (tmp_path / "a.csv").read_text().replace("\r", "")
    assert pq.read_table(tmp_path / "a.parquet")["account_id"].to_pylist()[0] == "=HYPERLINK(1)"


def test_findings_without_groups_give_a_table_with_its_columns(stillhunt, tmp_path):
    file = tmp_path / "findings.json"
    file.write_text(json.dumps(finding() | {"campaigns": [], "pools": []}))
    assert stillhunt("export", file, "-o", tmp_path / "a.csv").status == 0
    assert (tmp_path / "a.csv").read_text().startswith("account_id,group,group_id,membership")


@pytest.mark.parametrize("arguments", [("-o", "a.xlsx"), ("--table", "people", "-o", "a.csv"), ("-o", "findings.json/a.csv")])
def test_what_cannot_be_done_is_said_in_one_line(stillhunt, findings, tmp_path, arguments, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = stillhunt("export", findings, *arguments)
    assert done.status == 2
    assert len(done.err.splitlines()) == 1
