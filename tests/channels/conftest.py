"""One engine for all tests of channels: relations are replaced from test to test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stillhunt.lake.engine import Engine
from stillhunt.lake.engines import open_engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with open_engine("duckdb", memory_limit="256MiB", threads=1) as opened:
        yield opened
