"""A scan gives the same findings on Spark, and every query that it issues gives the same rows."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import stillhunt
from lake import twins as module
from lake.twins import Twins
from stillhunt.campaigns import Settings, hunt
from stillhunt.cli import main
from stillhunt.cli.networks import read_ranges
from stillhunt.intake import pipeline
from stillhunt.lake import Lake, engines
from stillhunt.range import WorldSpec, make, operator
from stillhunt.records import Findings

SOURCE = Path(stillhunt.__file__).parent


@dataclass
class World:
    """A lake with an operator in it, a moment before its end, and a file of networks."""

    lake: Path
    then: datetime
    networks: Path

    def found(self, engine: str | None, as_of: datetime | None = None) -> Findings:
        with Lake.open(self.lake) as lake:
            return hunt(lake, as_of=as_of, settings=Settings(engine=engine, network_kind=read_ranges(self.networks)))


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    folder = tmp_path_factory.mktemp("spark-world")
    spec = WorldSpec(seed=11, days=8, accounts=600, calls=9_000, operators=(operator("letter", accounts=40),), format="canonical")
    made = make(spec, folder / "world")
    with Lake.open(folder / "lake", create=True) as lake:
        pipeline.ingest([made.folder / "provider"], lake, workers=1)
        first = min(lake.table("interactions").to_arrow(["started_at"])["started_at"].to_pylist())
    (folder / "networks.txt").write_text("0.0.0.0/1 hosting\n")
    return World(folder / "lake", first + timedelta(days=7), folder / "networks.txt")


def asking() -> set[str]:
    """The modules of the product in which an engine is asked, as their text has it."""
    question = re.compile(r"\b\w*engine\.(attach|materialise|fetch|grouped)\(")
    found = {path.relative_to(SOURCE.parent).with_suffix("") for path in SOURCE.rglob("*.py") if question.search(path.read_text())}
    return {".".join(path.parts) for path in found}


@pytest.fixture
def twins(spark, monkeypatch) -> list[Twins]:
    """Makes "twins" an engine, and keeps those that are opened."""
    opened: list[Twins] = []
    made = module.open_engine

    def open_engine() -> Twins:
        opened.append(made())
        return opened[-1]

    monkeypatch.setitem(engines.ENGINES, "twins", "lake.twins")
    monkeypatch.setattr(module, "open_engine", open_engine)
    return opened


def test_a_scan_on_spark_finds_what_a_scan_here_finds(spark, world: World, tmp_path, monkeypatch, capsys):
    here = world.found(None)
    assert len(here.campaigns) == 1
    assert len(here.campaigns[0].accounts) >= 30
    monkeypatch.setenv("STILLHUNT_NETWORKS", str(world.networks))
    assert main(["scan", "--lake", str(world.lake), "--engine", "spark", "--output", str(tmp_path / "findings.json")]) == 0
    assert json.loads((tmp_path / "findings.json").read_text()) == here.to_json()
    assert not capsys.readouterr().err


def test_whatever_a_scan_asks_gets_the_same_rows_from_both_engines(twins: list[Twins], world: World):
    here, both = world.found(None, world.then), world.found("twins", world.then)
    assert both.to_json() == here.to_json()
    assert here.scanned.interactions > 4_000
    assert len(twins) == 1
    assert any("as_of" in sql for sql in twins[0].asked)
    # whoever else learns to ask an engine is replayed here, or this fails
    assert twins[0].askers == asking()


def test_an_engine_that_there_is_not_is_said_with_those_that_there_are(world: World, capsys):
    assert main(["scan", "--lake", str(world.lake), "--engine", "abacus"]) == 2
    assert "duckdb, spark" in capsys.readouterr().err
