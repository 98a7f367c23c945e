"""Engines behind the seam: one module per engine, found by name.

In: SQL of the subset that `lake.engine` documents. Out: named relations, small Arrow tables.
May import: lake.engine, lake.table, records, errors. Each engine's own library is imported only when that engine is
opened, so that DuckDB users need no Spark. A new engine is one module here with an `open_engine` function, and must pass
tests/lake/conformance.py.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from stillhunt.errors import StillhuntError
from stillhunt.lake.engine import Engine

ENGINES = {"duckdb": "stillhunt.lake.engines.duckdb", "spark": "stillhunt.lake.engines.spark"}
"""Engine name -> module with `open_engine(**options) -> Engine`."""


def open_engine(name: str = "duckdb", **options: Any) -> Engine:
    """Open the engine `name`; what `options` there are, its module says.

    Raises:
        StillhuntError: there is no such engine, or its library is not installed.
    """
    if name not in ENGINES:
        raise StillhuntError(f"there is no engine {name!r}; choose one of {', '.join(sorted(ENGINES))}")
    try:
        module = import_module(ENGINES[name])
    except ImportError as error:
        raise StillhuntError(
            f"the engine {name} needs the package {error.name}, which is not installed; "
            f"in a checkout run `pip install '.[{name}]'` (docs/scale.md), or choose another engine"
        ) from error
    engine: Engine = module.open_engine(**options)
    return engine
