"""The same worlds as their gateway's default would have logged them: without text an operator is told as not judged, and nobody else is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stillhunt.campaigns import hunt
from stillhunt.intake import pipeline
from stillhunt.lake import Lake
from stillhunt.records import Findings

TEXT = {"system", "messages", "tools", "response", "reasoning", "request_parameters"}


def scanned(provider: Path, folder: Path, *, accounts: bool = True) -> Findings:
    """Findings of a provider's tables without the columns of text, and without the accounts' records where they are not wanted."""
    (folder / "logs").mkdir()
    for path in _tables(provider, accounts=accounts):
        table = pq.read_table(path)
        pq.write_table(table.drop_columns([name for name in table.column_names if name in TEXT]), folder / "logs" / path.name)
    with Lake.open(folder / "lake", create=True) as lake:
        pipeline.ingest([folder / "logs"], lake, workers=1)
        return hunt(lake)


def _tables(provider: Path, *, accounts: bool) -> Iterator[Path]:
    for path in sorted(provider.rglob("*.parquet")):
        if accounts or not path.name.startswith("accounts"):
            yield path


@pytest.mark.parametrize("accounts", [True, False])
def test_an_operator_without_text_is_not_judged_and_nobody_else_is(letter, tmp_path, accounts):
    findings = scanned(letter.provider, tmp_path, accounts=accounts)
    assert findings.campaigns == []
    open_ = {account for pool in findings.pools if pool.verdict == "not judged" for account in pool.accounts}
    assert open_ <= letter.hidden
    assert len(open_) >= 0.9 * len(letter.hidden)
    assert all("text" in pool.not_visible and pool.would_decide for pool in findings.pools if pool.verdict == "not judged")


def test_where_nobody_hides_nothing_is_left_open(nobody, tmp_path):
    findings = scanned(nobody.provider, tmp_path)
    assert {pool.verdict for pool in findings.pools} <= {"cleared", "too few"}


def test_with_text_every_pool_has_its_verdict(letter, nobody):
    for drill in (letter, nobody):
        assert all((pool.verdict == "not judged") == bool(pool.would_decide) for pool in drill.findings.pools)
        assert all(set(pool.not_visible) == set() for pool in drill.findings.pools if pool.verdict != "not judged")
