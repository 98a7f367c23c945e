"""A small world with one campaign: made, read, scanned and frozen once, for all tests of cases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stillhunt.campaigns import Settings, hunt
from stillhunt.cases import scans
from stillhunt.cases.freezing import Frozen, freeze
from stillhunt.cases.material import Material, material_of
from stillhunt.intake import pipeline
from stillhunt.lake import Lake
from stillhunt.range import WorldSpec, make, operator
from stillhunt.records import Findings

SETTINGS = Settings(ignored_organizations=frozenset({"default"}))


@dataclass(frozen=True)
class FrozenWorld:
    """A scanned lake and what was frozen of it."""

    provider: Path
    lake: Path
    findings: Findings
    findings_bytes: bytes
    settings: Settings
    frozen: Frozen

    @contextmanager
    def material(self) -> Iterator[Material]:
        """The one campaign's material."""
        with self.frozen.lake() as lake:
            yield material_of(lake, self.findings, self.findings.campaigns[0].campaign_id, settings=self.settings)


def frozen_world(folder: Path) -> FrozenWorld:
    """Sixty accounts of one operator among some 700 people and innocent twins, over ten days."""
    world = make(
        WorldSpec(seed=5, days=10, accounts=700, calls=12_000, operators=(operator("letter", accounts=60),), format="canonical"),
        folder / "world",
    )
    with Lake.open(folder / "lake", create=True) as lake:
        pipeline.ingest([world.folder / "provider"], lake, workers=1)
        findings = hunt(lake, settings=SETTINGS)
        written = scans.encode(findings)
        frozen = freeze(lake, written, SETTINGS, folder / "lake" / "cases" / "case-0000000000")
    return FrozenWorld(world.folder / "provider", folder / "lake", findings, written, SETTINGS, frozen)
