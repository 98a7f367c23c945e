"""What storage can do to us, in words for a person.

Databases, file systems and Iceberg libraries fail with exceptions of their own; a person needs one line that says
what happened, where, and what to do.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import DatabaseError as SqliteError

from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from sqlalchemy.exc import DBAPIError

from stillhunt.errors import StillhuntError


class LakeBusyError(StillhuntError):
    """Other processes kept the lake's catalog for longer than we are willing to wait."""


class SnapshotGoneError(StillhuntError):
    """A snapshot that was asked for is no longer there, or never was."""


_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def spoken(where: str) -> Iterator[None]:
    """Turn what storage raises inside the block into a `StillhuntError` that names `where`.

    Raises:
        StillhuntError: for a locked or damaged catalog, missing permission, missing space and missing files.
    """
    try:
        yield
    except StillhuntError:
        raise
    except (DBAPIError, SqliteError) as error:
        raise _of_database(str(error), where) from error
    except CommitFailedException as error:
        raise LakeBusyError(f"{where}: other writers kept changing the lake; try again when they are done") from error
    except NoSuchTableError as error:
        raise StillhuntError(f"{where}: the lake lacks one of its tables; restore it from a backup or ingest into a new lake") from error
    except OSError as error:
        raise _of_system(error, where) from error


def is_locked(error: BaseException) -> bool:
    """Whether `error` means that another process holds the catalog's database for the moment."""
    return isinstance(error, DBAPIError | SqliteError) and ("locked" in str(error) or "busy" in str(error))


def _of_database(text: str, where: str) -> StillhuntError:
    if "locked" in text or "busy" in text:
        return LakeBusyError(f"{where}: another process holds the lake's catalog; try again when it is done")
    if "readonly" in text or "unable to open" in text:
        return StillhuntError(f"{where}: the lake's catalog cannot be written or opened; check the permissions of the folder and its files")
    if "disk is full" in text:
        return StillhuntError(f"{where}: no space left on the device; free some and run the same command again")
    if "not a database" in text or "malformed" in text or "no such table" in text:
        return StillhuntError(f"{where}: this is not a lake, or its catalog is damaged; restore catalog.sqlite or choose another folder")
    return StillhuntError(f"{where}: the lake's catalog failed ({text.splitlines()[0]})")


def _of_system(error: OSError, where: str) -> StillhuntError:
    text = str(error)
    if error.errno in _FULL or "No space left" in text:
        return StillhuntError(f"{where}: no space left on the device; free some and run the same command again")
    if error.errno in _DENIED or "Permission denied" in text or "Read-only file system" in text:
        return StillhuntError(f"{where}: permission denied; check who owns the folder and whether it may be written")
    if isinstance(error, FileNotFoundError) or error.errno == errno.ENOENT or "does not exist" in text:
        return SnapshotGoneError(
            f"{where}: a file of the lake is missing; its snapshot has expired (scan again), or it was removed by hand"
        )
    return StillhuntError(f"{where}: reading or writing failed ({text.splitlines()[0] if text else type(error).__name__})")
