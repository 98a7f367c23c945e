"""One small world with everybody in it, made once for all tests of the range."""

from __future__ import annotations

import pytest
from ground import SPEC, Ground, read

from stillhunt.range.world import make


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    folder = tmp_path_factory.mktemp("world")
    return read(make(SPEC, folder), folder)
