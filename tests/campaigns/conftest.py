"""An engine for tests of campaigns, and two worlds of the range that are made, read and scanned once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from drills import Drill, drill

from stillhunt.lake.engine import Engine
from stillhunt.lake.engines import open_engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with open_engine("duckdb", memory_limit="256MiB", threads=1) as opened:
        yield opened


@pytest.fixture(scope="session")
def letter(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    """A world in which sixty accounts are one operator's."""
    return drill(tmp_path_factory.mktemp("letter"), hidden=60)


@pytest.fixture(scope="session")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    """A world in which nobody hides."""
    return drill(tmp_path_factory.mktemp("nobody"), hidden=0)
