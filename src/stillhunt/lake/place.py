"""Where a local lake lies, and where its tables say that it lies.

Iceberg names files by absolute paths. A local lake keeps the paths under which it was made, for ever, as names; here they become the
places where the files are today. So the folder of a lake may be moved, renamed, copied and restored from a backup like any other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlparse

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.typedef import EMPTY_DICT, Properties
from sqlalchemy import text

NAMED: Final = "stillhunt.lake-named"
"""Property of a catalog: the folder that the lake's tables name."""
HERE: Final = "stillhunt.lake-here"
"""Property of a catalog: the folder in which the lake lies."""


class PlacedIO(PyArrowFileIO):
    """Files of a local lake: those under the folder that its tables name are looked for, written and removed where the lake lies."""

    @staticmethod
    def parse_location(location: str, properties: Properties = EMPTY_DICT) -> tuple[str, str, str]:
        """Scheme, host and path of a location; the path is the one on this machine."""
        scheme, host, path = PyArrowFileIO.parse_location(location, properties)
        named, here = properties.get(NAMED), properties.get(HERE)
        if scheme == "file" and named and here and (path == named or path.startswith(f"{named}/")):
            path = here + path[len(named) :]
        return scheme, host, path


def properties(named: Path, here: Path) -> dict[str, str]:
    """What makes a catalog's tables use `PlacedIO`."""
    return {"py-io-impl": f"{__name__}.{PlacedIO.__name__}", NAMED: str(named), HERE: str(here)}


def named_folder(catalog: SqlCatalog) -> Path | None:
    """The folder that a local lake's tables name; None where it has no tables yet."""
    with catalog.engine.connect() as connection:
        found = connection.execute(text("SELECT metadata_location FROM iceberg_tables WHERE table_name = 'interactions'")).fetchone()
    return None if found is None else Path(found[0].removeprefix("file://")).parents[4]


def local_path(io: FileIO, location: str) -> str | None:
    """Where a file of a table lies on this machine; None if it lies elsewhere."""
    if isinstance(io, PlacedIO):
        scheme, _, path = io.parse_location(location, io.properties)
        return path if scheme == "file" else None
    if location.startswith("/"):
        return location
    parts = urlparse(location)
    return unquote(parts.path) if parts.scheme == "file" else None
