"""Logs that carry nothing but who called when still get answers, and these say how little they rest on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from stillhunt.cases.material import Material, material_of
from stillhunt.cases.questions import controlled, generated
from stillhunt.lake import Lake
from stillhunt.records import INTERACTIONS, Campaign, Evidence, Findings, Member, Scanned, Visibility
from stillhunt.records.cases import Confidence, Credibility

START = datetime(2026, 5, 4, tzinfo=UTC)
BLIND = ("payment", "email", "signup", "handoff", "template")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Material]:
    """Twelve accounts, ten of them members, twenty calls each."""
    names = [f"acct-{number:02d}" for number in range(12)]
    rows = [
        {"interaction_id": f"{name}-{call}", "account_id": name, "started_at": START + timedelta(hours=7 * call, minutes=3 * at)}
        for at, name in enumerate(names)
        for call in range(20)
    ]
    campaign = Campaign(
        campaign_id="c-1",
        first_seen="2026-05-04T00:00:00Z",
        last_seen="2026-05-09T13:30:00Z",
        calls=200,
        output_tokens=0,
        coordination=Evidence(log10_evidence=0.0),
        concealment=Evidence(log10_evidence=0.0),
        harvest=Evidence(log10_evidence=0.0),
        accounts=[Member(account_id=name, membership=0.99, observations=[]) for name in names[:10]],
        explanations=[],
    )
    with Lake.open(tmp_path_factory.mktemp("bare") / "lake", create=True) as lake:
        lake.append_interactions(pa.Table.from_pylist(rows, INTERACTIONS))
        findings = Findings(
            stillhunt="0",
            lake_snapshot=lake.snapshot(),
            scanned=Scanned(interactions=240, accounts=12),
            visibility=[Visibility(channel=name, visible=False, accounts=0, reason="not in these logs") for name in BLIND],
            false_discovery_rate=0.001,
            campaigns=[campaign],
            pools=[],
        )
        yield material_of(lake, findings, "c-1")


def test_who_controlled_them_stays_as_open_as_before(bare: Material) -> None:
    found = controlled.answer(bare)
    assert {one.confidence for one in found.hypotheses} == {Confidence.LOW}
    assert {one.information_credibility for one in found.hypotheses} == {Credibility.CANNOT_BE_JUDGED}
    assert len({one.likelihood for one in found.hypotheses[:4]}) == 1  # nothing tells the four from one another
    assert "accounts_at_work" not in found.estimates
    assert any("Not visible" in note for note in found.notes)
    assert any("no end-user ids" in note for note in found.notes)


def test_who_generated_them_is_asked_of_times_alone(bare: Material) -> None:
    found = generated.answer(bare)
    assert sum(row["calls"] for row in found.tables["hours"]) == 200
    assert "least_list" not in found.estimates
    assert any("Too few requests" in note for note in found.notes)
    assert {one.confidence for one in found.hypotheses} == {Confidence.LOW}
