"""One frozen campaign for all tests of cases: `world`, `frozen`, `material`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cases.frozen_world import FrozenWorld, frozen_world
from stillhunt.cases.freezing import Frozen
from stillhunt.cases.material import Material


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> FrozenWorld:
    """A scanned lake with one campaign. For reading: who changes it makes a copy."""
    return frozen_world(tmp_path_factory.mktemp("frozen"))


@pytest.fixture(scope="session")
def frozen(world: FrozenWorld) -> Frozen:
    """What is frozen of it."""
    return world.frozen


@pytest.fixture(scope="session")
def material(world: FrozenWorld) -> Iterator[Material]:
    """The campaign with everything around it."""
    with world.material() as opened:
        yield opened
