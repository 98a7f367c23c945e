"""Whatever storage raises, a person reads one line that names the lake and says what to do."""

from __future__ import annotations

import errno
from sqlite3 import DatabaseError, OperationalError

import pytest
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from sqlalchemy.exc import OperationalError as WrappedError

from stillhunt.errors import StillhuntError
from stillhunt.lake.faults import LakeBusyError, SnapshotGoneError, is_locked, spoken

FAULTS = [
    (OperationalError("database is locked"), "another process holds"),
    (WrappedError("SELECT 1", {}, OperationalError("database is locked")), "another process holds"),
    (OperationalError("attempt to write a readonly database"), "check the permissions"),
    (OperationalError("unable to open database file"), "check the permissions"),
    (OperationalError("database or disk is full"), "no space left"),
    (DatabaseError("file is not a database"), "damaged"),
    (DatabaseError("database disk image is malformed"), "damaged"),
    (OperationalError("no such table: iceberg_tables"), "not a lake"),
    (DatabaseError("something new\nwith details"), "the lake's catalog failed (something new)"),
    (CommitFailedException("moved on"), "other writers"),
    (NoSuchTableError("interactions"), "lacks one of its tables"),
    (OSError(errno.ENOSPC, "No space left on device"), "no space left"),
    (OSError("Error writing: No space left on device"), "no space left"),
    (PermissionError(errno.EACCES, "Permission denied"), "permission denied"),
    (OSError("Failed to open: Read-only file system"), "permission denied"),
    (FileNotFoundError(errno.ENOENT, "No such file or directory"), "a file of the lake is missing"),
    (OSError("Path does not exist 'x.parquet'"), "a file of the lake is missing"),
    (OSError("Corrupt snappy data\nmore"), "reading or writing failed (Corrupt snappy data)"),
    (OSError(), "reading or writing failed (OSError)"),
]


@pytest.mark.parametrize(("raised", "said"), FAULTS, ids=lambda value: str(value)[:40])
def test_a_fault_becomes_one_line_that_names_the_lake(raised, said):
    with pytest.raises(StillhuntError) as caught, spoken("some/lake"):
        raise raised
    line = str(caught.value)
    assert line.startswith("some/lake: ")
    assert said in line
    assert "\n" not in line
    assert caught.value.__cause__ is raised


def test_who_must_only_wait_and_who_must_scan_again_can_be_told_apart():
    with pytest.raises(LakeBusyError), spoken("lake"):
        raise OperationalError("database is locked")
    with pytest.raises(SnapshotGoneError), spoken("lake"):
        raise FileNotFoundError("gone")
    assert is_locked(OperationalError("database is locked"))
    assert not is_locked(OperationalError("no such table"))
    assert not is_locked(OSError("locked"))


def test_what_is_said_already_and_what_is_a_defect_of_ours_stay_as_they_are():
    for raised in (StillhuntError("said: already"), KeyError("ours")):
        with pytest.raises(type(raised)) as caught, spoken("lake"):
            raise raised
        assert caught.value is raised
