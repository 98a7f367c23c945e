"""The pseudonym key: what keeps identifiers in the lake from being guessed back.

Pseudonyms are keyed hashes; whoever lacks the key cannot test guesses. The key is made with the lake and stays with the
provider: in a file of mode 0600 beside a local lake, or in the file that STILLHUNT_KEY_FILE names. The lake itself only
records the key's public id, so that rows under two keys never mix unnoticed.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from stillhunt.errors import StillhuntError

KEY_FILE_VARIABLE = "STILLHUNT_KEY_FILE"
KEY_FILE = "pseudonym.key"
KEY_BYTES = 32


def key_id(key: bytes) -> str:
    """The public id of `key`: 16 hex digits that identify it and say nothing about it."""
    return hashlib.blake2b(b"stillhunt pseudonym key id", key=key, digest_size=8).hexdigest()


def key_path(folder: Path | None) -> Path:
    """Where the key of a lake is kept: as the environment says, or beside a local lake.

    Raises:
        StillhuntError: a lake in a catalog has no folder of its own, so the environment must say.
    """
    named = os.environ.get(KEY_FILE_VARIABLE)
    if named:
        return Path(named).expanduser()
    if folder is None:
        raise StillhuntError(
            f"a lake in a catalog needs its pseudonym key in a file: set {KEY_FILE_VARIABLE} to where it is, or shall be made"
        )
    return folder / KEY_FILE


def read_key(path: Path) -> bytes:
    """The key in the file `path`: 64 hex digits.

    Raises:
        StillhuntError: the file is missing, unreadable or not a key.
    """
    try:
        text = path.read_text("ascii").strip()
        key = bytes.fromhex(text)
    except FileNotFoundError as error:
        raise StillhuntError(
            f"{path}: the lake's pseudonym key is missing; restore it, or set {KEY_FILE_VARIABLE} to where it is"
        ) from error
    except OSError as error:
        raise StillhuntError(f"{path}: the pseudonym key cannot be read ({error.strerror}); check its permissions") from error
    except ValueError as error:
        raise StillhuntError(f"{path}: this is not a pseudonym key (64 hex digits); restore the right file") from error
    if len(key) != KEY_BYTES:
        raise StillhuntError(f"{path}: a pseudonym key has 64 hex digits, this file has {len(text)}; restore the right file")
    return key


def make_key(path: Path) -> bytes:
    """The key in `path`, made first if there is none. Two processes that race to make it end up with the same one.

    Raises:
        StillhuntError: the file cannot be written, or holds something else.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(KEY_BYTES) + "\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                # A link appears whole or not at all and never replaces a key that somebody else just made.
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
    except OSError as error:
        raise StillhuntError(
            f"{path}: the pseudonym key cannot be written ({error.strerror}); check the permissions of the folder"
        ) from error
    return read_key(path)
