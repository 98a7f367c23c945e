"""A small world made, read into a lake and scanned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stillhunt.campaigns import hunt
from stillhunt.intake import pipeline
from stillhunt.lake import Lake
from stillhunt.range import WorldSpec, make, operator
from stillhunt.records import Findings


@dataclass
class Drill:
    """The world, its lake, what a scan found in it, and the accounts that hide in truth."""

    provider: Path
    lake: Path
    findings: Findings
    hidden: set[str]
    truth: pa.Table
    told: list[tuple[str, float]]  # the progress of the scan: stage, share done


def drill(folder: Path, hidden: int) -> Drill:
    """The letter shape among 1,500 people and innocent twins, over ten days, in the canonical format."""
    told: list[tuple[str, float]] = []
    operators = (operator("letter", accounts=hidden),) if hidden else ()
    world = make(WorldSpec(seed=5, days=10, accounts=1500, calls=24_000, operators=operators, format="canonical"), folder / "world")
    with Lake.open(folder / "lake", create=True) as lake:
        pipeline.ingest([world.folder / "provider"], lake, workers=1)
        findings = hunt(lake, progress=lambda stage, share: told.append((stage, share)))
    truth = pq.read_table(world.folder / "truth" / "truth.parquet")
    of_operator = {row["account_id"] for row in truth.to_pylist() if row["operator"] is not None}
    return Drill(world.folder / "provider", folder / "lake", findings, of_operator, truth, told)
