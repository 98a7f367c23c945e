"""Where the code of a loop is found and kept: shipped with the package, in the user's cache, or nowhere.

In: a dispatcher and the types of a call. Out: numba's compile results. May import: `recipe` and `target`.
One file for each loop and each combination of argument types; the file's name says what is in it, so that there is no index to keep in
step, several processes may write at once, and a read-only folder serves as well as any. A file that cannot be read is as good as none.
Like numba's own cache the files are pickles: they are read from the package and from a folder that only its user may write to.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import shutil
import stat
import sys
import uuid
from contextlib import suppress
from functools import cache
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

import llvmlite  # type: ignore[import-untyped]
import numba
import zstandard
from numba.core import compiler
from numba.core.serialize import dumps

from stillhunt.compiled import target
from stillhunt.compiled.recipe import UnknownIngredientError, recipe, spelled

FOLDER = "STILLHUNT_CACHE"
"""The environment variable that says where a user's cache is."""

_dumps: Any = dumps  # both without annotations
_rebuild: Any = compiler.CompileResult._rebuild

SHIPPED = Path(__file__).parent / "shipped"
FORMAT = "1"
SUFFIX = ".loop"
_LEVEL = 12


class Store:
    """What a dispatcher has in the place of numba's cache; see `numba.core.caching`."""

    cache_path = str(SHIPPED)  # numba's statistics ask for it

    def __init__(self, dispatcher: Any) -> None:
        self._dispatcher = dispatcher
        self._recipe: bytes | None = None
        self._known = True

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled code for a signature, or None where it has to be compiled."""
        target_context.refresh()
        names = self._names(sig)
        for path in names:
            result = _read(path, target_context)
            if result is not None:
                if (making := target.building()) is not None and path.parent != making:
                    shutil.copyfile(path, making / path.name)  # as it was the last time
                return result
        _tell()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled, where there is a place for it."""
        names = self._names(sig)
        if not names or data.library.has_dynamic_globals or any(not one.can_cache for one in data.lifted):
            if target.building() is not None:
                sys.stderr.write(f"cannot be shipped: {_title(self._dispatcher)}\n")
            return
        folder = target.building() or user_folder()
        if folder is not None:
            _write(folder / names[-1].name, _dumps(data._reduce()))

    def flush(self) -> None:
        """Nothing: a name that is looked up is never stale."""

    def _names(self, sig: Any) -> list[Path]:
        """Where to look, in order. Empty where the loop, or the types, cannot be told by content."""
        if not self._known:
            return []
        try:
            self._recipe = self._recipe or recipe(self._dispatcher)
            types = spelled(sig)
        except UnknownIngredientError as missing:
            self._known = False
            if target.building() is not None:
                sys.stderr.write(f"cannot be shipped: {_title(self._dispatcher)} ({missing})\n")
            return []
        title = re.sub(r"[^\w.]", "", _title(self._dispatcher))

        def named(processor: str) -> str:
            told = f"{FORMAT}\0{_versions()}\0{processor}\0{types}".encode()
            return f"{title}-{hashlib.sha256(self._recipe + told).hexdigest()[:24]}{SUFFIX}" if self._recipe else ""

        portable = target.portable()
        if (making := target.building()) is not None:
            return [making / named(portable), SHIPPED / named(portable)] if portable else []
        found = [SHIPPED / named(portable)] if portable else []
        own = user_folder()
        return [*found, (own or SHIPPED) / named(target.host())]


@cache
def _versions() -> str:
    return f"{sys.implementation.cache_tag} numba {numba.__version__} llvmlite {llvmlite.__version__}"


def _title(dispatcher: Any) -> str:
    function = dispatcher.py_func
    return f"{function.__module__.removeprefix('stillhunt.')}.{function.__qualname__}"


@cache
def user_folder() -> Path | None:
    """The folder of the user's cache, made where it is not there; None where it cannot be, or where others may write to it."""
    chosen = os.environ.get(FOLDER)
    try:
        folder = (Path(chosen) if chosen else _cache_home() / "stillhunt") / "loops"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        told = folder.stat()
    except (OSError, RuntimeError):  # no home, or a read-only one
        return None
    if os.name == "posix" and (told.st_uid != os.getuid() or told.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
        return None
    return folder if os.access(folder, os.W_OK) else None


def _cache_home() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _read(path: Path, target_context: Any) -> Any:
    try:
        packed = path.read_bytes()
    except OSError:
        return None
    try:
        return _rebuild(target_context, *pickle.loads(zstandard.ZstdDecompressor().decompress(packed)))  # noqa: S301
    except Exception:  # cut off, or of another make: it is compiled again, and replaced
        return None


def _write(path: Path, data: bytes) -> None:
    packed = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(data)
    beside = path.with_suffix(f".{uuid.uuid4().hex[:12]}")
    try:
        beside.write_bytes(packed)
        beside.replace(path)
    except OSError:  # a full disk: the loop runs, and is compiled again another time
        with suppress(OSError):
            beside.unlink()


@cache
def _tell_once() -> None:
    where = user_folder()
    kept = f"kept in {where}" if where is not None else f"not kept, since there is no folder to write to; {FOLDER} names one"
    sys.stderr.write(f"stillhunt: compiling loops for this processor, once: some take seconds ({kept})\n")
    sys.stderr.flush()


def _tell() -> None:
    """Say on a terminal why it takes so long: once, since what follows is many short waits."""
    if target.building() is None and parent_process() is None and sys.stderr is not None and sys.stderr.isatty():
        _tell_once()
