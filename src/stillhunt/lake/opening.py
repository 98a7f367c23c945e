"""Opening and creating lakes: the catalog, the tables with their properties, the layout version, the key.

A local lake is one folder: `catalog.sqlite`, `pseudonym.key` and `tables/`. A lake elsewhere is a namespace in a catalog
that pyiceberg is configured for (`catalog:NAME`, or `catalog:NAME/NAMESPACE`).
"""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.table import Table
from pyiceberg.transforms import DayTransform
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError

from stillhunt import records
from stillhunt.errors import StillhuntError
from stillhunt.lake import place
from stillhunt.lake.faults import LakeBusyError, is_locked, spoken
from stillhunt.lake.keys import KEY_FILE, key_id, key_path, make_key, read_key
from stillhunt.lake.recorder import Recorder

LAYOUT = 2
"""The version of how the lake lays out its tables. 2: grams of 31 bits, at most 48 a call, where 1 had up to 512 of 62 bits.

A lake with a higher one was written by a newer release, and grams of one layout are not those of another.
"""

LAYOUT_PROPERTY = "stillhunt.layout"
KEY_ID_PROPERTY = "stillhunt.key-id"
NAMESPACE = "stillhunt"
CATALOG_FILE = "catalog.sqlite"
TABLES_FOLDER = "tables"
DIGEST_FOLDER = "digest"
"""Where scans keep digests (`channels.digest.keeping`): a cache, but one that holds what the calls say of accounts."""

BY_DAY = ("interactions", "texts")
"""Tables partitioned by the day of `started_at`, so that retention drops whole files."""

LOCK_WAIT_SECONDS = 30
_TELL_AFTER_SECONDS = 2
_LOG = logging.getLogger("stillhunt.lake")
"""What a person must hear while the lake waits; the command line shows it on standard error."""

_PROPERTIES = {
    "format-version": "2",
    # pyiceberg repeats a refused append by itself on top of what the other writer brought: without a new look at the ids
    # that would let duplicates in. We repeat, after looking.
    "commit.retry.num-retries": "0",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "30",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    "write.parquet.compression-codec": "zstd",
    # Bounds of identifiers would outlive the rows in manifests; the Parquet footers have them for pruning anyway.
    "write.metadata.metrics.default": "none",
    "write.metadata.metrics.column.started_at": "full",
}

# pyiceberg warns about every absent optional thing; what matters reaches the user as our own errors.
logging.getLogger("pyiceberg").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Opened:
    """An open lake: where it is for people, its folder when local, its catalog, namespace, pseudonym key, and who records its changes."""

    where: str
    folder: Path | None
    catalog: Catalog
    namespace: str
    key: bytes
    recorder: Recorder | None = None

    def load(self, name: str) -> Table:
        """The Iceberg table `name` as it is now."""
        return self.catalog.load_table((self.namespace, name))


def stored_schema(name: str) -> pa.Schema:
    """The columns that the Iceberg table `name` has: those of `records.TABLES`, and what the lake keeps for itself."""
    schema = records.TABLES[name]
    return schema.append(records.ACCOUNT_STAMPS) if name == "accounts" else schema


def open_lake(location: str | Path, *, create: bool) -> Opened:
    """Open the lake at `location`, creating it or what is missing of it if `create`.

    Raises:
        StillhuntError: there is no lake, it has a newer layout, another key, or cannot be reached.
    """
    where = str(location)
    with spoken(where):
        if where.startswith("catalog:"):
            folder, catalog, namespace = None, *_configured(where)
        else:
            folder = _folder(where)
            catalog, namespace = _local(folder, create=create), NAMESPACE
        known = _interactions(catalog, namespace)
        if known is None:
            if not create:
                raise StillhuntError(f"{where}: there is no lake here; make one with `stillhunt ingest`, or check the name")
            opened = Opened(where, folder, catalog, namespace, make_key(key_path(folder)))
            _create_tables(opened)
            known = opened.load("interactions")
        _check_layout(known, where)
        key = read_key(key_path(folder))
        if known.properties.get(KEY_ID_PROPERTY) != key_id(key):
            raise StillhuntError(
                f"{where}: {key_path(folder)} is not the key of this lake (its id is {known.properties.get(KEY_ID_PROPERTY)}, "
                f"this key's {key_id(key)}); restore the right key file"
            )
        return Opened(where, folder, catalog, namespace, key)


def current_columns(table: Table, name: str) -> Table:
    """`table`, with columns added that this release has and the release that made the table had not."""
    if set(stored_schema(name).names) - {field.name for field in table.schema().fields}:
        try:
            with table.update_schema() as update:
                update.union_by_name(stored_schema(name))
        except CommitFailedException:
            table.refresh()  # another writer of this release was first
    return table


def _folder(where: str) -> Path:
    try:
        return Path(where).expanduser().resolve()
    except RuntimeError:  # links in a circle, or the home of somebody who has none
        raise StillhuntError(f"{where}: this path leads nowhere; give the lake's folder") from None


def _local(folder: Path, *, create: bool) -> Catalog:
    if folder.exists() and not folder.is_dir():
        raise StillhuntError(f"{folder}: this is a file, not a lake; give the lake's folder")
    if not (folder / CATALOG_FILE).exists():
        if not create:
            hint = "is a folder but not a lake" if folder.exists() else "does not exist"
            raise StillhuntError(f"{folder}: {hint}; make a lake with `stillhunt ingest`, or check the path")
        strangers = {entry.name for entry in folder.iterdir()} - {TABLES_FOLDER} if folder.exists() else set()
        if any(not name.startswith((CATALOG_FILE, KEY_FILE)) for name in strangers):
            raise StillhuntError(f"{folder}: this folder holds other things; give a new or empty folder for the lake")
        folder.mkdir(parents=True, exist_ok=True)
    _wait_for(folder)
    settings = {
        # A folder's name may hold what means something in a URL.
        "uri": URL.create("sqlite", database=str(folder / CATALOG_FILE), query={"timeout": str(LOCK_WAIT_SECONDS)}).render_as_string(),
        "warehouse": str(folder / TABLES_FOLDER),
        "init_catalog_tables": str(create).lower(),
    }
    try:
        catalog = SqlCatalog(NAMESPACE, **settings)
    except DBAPIError as error:
        # Two processes that create the same lake at once: the other one was first.
        if not (create and "already exists" in str(error)):
            raise
        catalog = SqlCatalog(NAMESPACE, **settings)
    named = place.named_folder(catalog) or folder
    catalog.properties |= place.properties(named, folder) | {"warehouse": str(named / TABLES_FOLDER)}
    return catalog


def _wait_for(folder: Path) -> None:
    """Wait until the catalog can be read, and say that somebody else keeps it from being read.

    Raises:
        LakeBusyError: it could not be read for `LOCK_WAIT_SECONDS`.
    """
    file = folder / CATALOG_FILE
    if not file.exists():
        return
    end, told = time.monotonic() + LOCK_WAIT_SECONDS, False
    while True:
        try:
            with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=_TELL_AFTER_SECONDS)) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            if not is_locked(error):
                return  # whatever else is wrong is said, in better words, by whoever opens it
            if time.monotonic() >= end:
                raise LakeBusyError(
                    f"{folder}: another process has locked the lake's catalog ({CATALOG_FILE}) for {LOCK_WAIT_SECONDS} s; "
                    "end it, or wait for it, and run the same command again"
                ) from None
            if not told:
                told = True
                _LOG.warning("%s: another process has locked the lake's catalog; waiting up to %d s for it", folder, LOCK_WAIT_SECONDS)
            continue
        return


def _configured(where: str) -> tuple[Catalog, str]:
    name, _, namespace = where.removeprefix("catalog:").partition("/")
    try:
        return load_catalog(name), namespace or NAMESPACE
    except Exception as error:
        raise StillhuntError(
            f"{where}: no such catalog can be opened ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}); "
            "check pyiceberg's configuration (.pyiceberg.yaml or PYICEBERG_CATALOG__ variables)"
        ) from error


def _interactions(catalog: Catalog, namespace: str) -> Table | None:
    try:
        return catalog.load_table((namespace, "interactions"))
    except (NoSuchTableError, NoSuchNamespaceError):
        return None


def _create_tables(opened: Opened) -> None:
    """Make all tables; interactions last, because its presence means that the lake is complete."""
    # The SQL catalog looks before it inserts: of two processes, one fails at the insert.
    with suppress(NamespaceAlreadyExistsError, IntegrityError):
        opened.catalog.create_namespace(opened.namespace)
    marks = {LAYOUT_PROPERTY: str(LAYOUT), KEY_ID_PROPERTY: key_id(opened.key)}
    for name in sorted(records.TABLES, key=lambda name: name == "interactions"):
        # There already: made before a crash, or by somebody who creates the lake at the same time.
        with suppress(TableAlreadyExistsError, CommitFailedException):
            creation = opened.catalog.create_table_transaction(
                (opened.namespace, name), stored_schema(name), properties=_PROPERTIES | marks
            )
            with creation:
                if name in BY_DAY:
                    with creation.update_spec() as spec:
                        spec.add_field("started_at", DayTransform(), "started_day")


def _check_layout(table: Table, where: str) -> None:
    layout = table.properties.get(LAYOUT_PROPERTY, "")
    if not layout.isdigit():
        raise StillhuntError(f"{where}: the tables here were not made by Stillhunt; choose another place for the lake")
    if int(layout) > LAYOUT:
        raise StillhuntError(f"{where}: this lake has layout {layout}, this release knows layout {LAYOUT}; install a newer release")
    if int(layout) < LAYOUT:
        raise StillhuntError(
            f"{where}: this lake has layout {layout}, this release writes layout {LAYOUT}, whose sketches cannot be made without the text; "
            "ingest the logs again into a new lake, or read this one with the release that made it"
        )
