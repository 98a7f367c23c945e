"""A docket with one case on the frozen world, for tests that release something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cases.frozen_world import FrozenWorld
from stillhunt.cases.docket import Docket
from stillhunt.cases.proceedings import open_case
from stillhunt.lake import Lake


@pytest.fixture
def docket(world: FrozenWorld, tmp_path: Path) -> Iterator[Docket]:
    """Open for writing; its folder is apart from the world's lake."""
    folder = tmp_path / "docket"
    folder.mkdir()
    with Lake.open(world.lake) as lake, Docket.open(folder, create=True) as found:
        open_case(found, lake, world.findings_bytes, world.findings.campaigns[0].campaign_id, "A. Nalyst")
        yield found
