"""Keeping digests beside the lake, so that the next scan reads only what is new.

In: a lake at a snapshot. Out: `State`, all of its calls folded in the order in which they were committed.

What is kept is a cache: it may be deleted at any time, holds nothing that the lake does not, and is used only if exactly its data files
are the first ones of the snapshot. So what comes out is the same whether it was there or not. It is written anew once the calls beyond it
are a twentieth of those in it; until then they are folded again, which costs less than writing.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from stillhunt.channels.digest.chunks import COLUMNS, STRINGS
from stillhunt.channels.digest.derived import Derived
from stillhunt.channels.digest.kernels import Array
from stillhunt.channels.digest.packing import arrays_of, state_from
from stillhunt.channels.digest.state import SHARDS, State
from stillhunt.channels.threads import in_threads
from stillhunt.lake import Lake
from stillhunt.lake.opening import DIGEST_FOLDER

VERSION = 3
"""Raised whenever the fold changes: what an earlier release kept is then folded anew."""

ANEW = 0.05
LEAST_KEPT = 200_000
"""Fewer calls are folded faster than read."""

_SPARE = 1.03
_DERIVED = "derived.json"


def state_of(lake: Lake, progress: Callable[[float], None] | None = None) -> State:
    """Every call of a lake at a snapshot, folded.

    Args:
        lake: pinned, as `Lake.at` gives it.
        progress: called with how far it is, 0 to 1.
    """
    table = lake.table("interactions")
    paths = table.in_order()
    place = lake.folder / DIGEST_FOLDER if lake.folder is not None else None
    state, known = _kept(place, paths) if place is not None else (State(), 0)
    begun = state.calls
    total = max(1, table.count() - begun)

    def tables() -> Any:
        for piece in table.tables_of(paths[known:], COLUMNS, STRINGS):
            yield piece
            if progress:
                progress(min(1.0, (state.calls - begun) / total))

    state.fold(tables())
    if place is not None and state.calls >= LEAST_KEPT and state.calls - begun > ANEW * begun:
        with suppress(OSError):  # a full disk costs the next scan time and nothing else
            keep(state, place, paths)
            # what was kept is read as it is needed: memory is for what comes next
            kept, known = _kept(place, paths)
            if known == len(paths):
                return kept
    return state


def keep(state: State, place: Path, paths: Sequence[str]) -> None:
    """Write a state that holds the data files `paths` under `place`, in place of what was there."""
    place.mkdir(mode=0o700, exist_ok=True)
    fresh = place / uuid.uuid4().hex
    fresh.mkdir(mode=0o700)
    try:
        written: list[Callable[[], None]] = [partial(state.trace.save, fresh / "trace.0.npy", fresh / "trace.1.npy")]
        written += [partial(np.save, fresh / f"{name}.npy", array) for name, array in arrays_of(state, _SPARE, traced=False)]
        in_threads(lambda write: write(), written)
        (fresh / "files.json").write_text(json.dumps({"version": VERSION, "shards": SHARDS, "files": list(paths)}))
        pointer = place / f"{fresh.name}.new"
        pointer.write_text(fresh.name)
        os.replace(pointer, place / "current")  # noqa: PTH105 - one step, or not at all
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    for other in place.iterdir():
        if other.is_dir() and other.name != fresh.name:
            shutil.rmtree(other, ignore_errors=True)


def _kept(place: Path, paths: Sequence[str]) -> tuple[State, int]:
    """What is kept of the first of `paths`, and of how many; nothing if it is not of exactly these, or cannot be read."""
    try:
        folder = place / (place / "current").read_text().strip()
        about = json.loads((folder / "files.json").read_text())
        files = about["files"]
        if about["version"] != VERSION or about["shards"] != SHARDS or files != list(paths[: len(files)]):
            return State(), 0
        # pages that are not changed stay the file's own
        arrays = {file.stem: _read(file) for file in folder.glob("*.npy")}
        state = state_from(arrays)
        state.maps = [array for array in arrays.values() if isinstance(array, np.memmap)]
        state.kept_in = folder
        if (folder / _DERIVED).exists():
            names = json.loads((folder / _DERIVED).read_text())
            state.derived = Derived({name: arrays[f"derived.{name}"] for name in names}, state.accounts)
        return state, len(files)
    except Exception:  # a cache that cannot be read, in whatever way, is a cache that is not there
        return State(), 0


def remember(state: State) -> None:
    """Keep what has been worked out of a state's accounts with it, if it is kept as it stands and nothing was known yet."""
    derived, folder = state.derived, state.kept_in
    if folder is None or derived.kept or not derived.made:
        return
    part = folder / f"{uuid.uuid4().hex}.part"
    with suppress(OSError):  # as above; and of what is half there nobody is told
        for name, array in derived.made.items():
            with part.open("wb") as file:
                np.save(file, array)
            os.replace(part, folder / f"derived.{name}.npy")  # noqa: PTH105 - another scan may have mapped the one that was there
        part.write_text(json.dumps(sorted(derived.made)))
        os.replace(part, folder / _DERIVED)  # noqa: PTH105 - one step, or not at all
    with suppress(OSError):
        part.unlink(missing_ok=True)


def _read(file: Path) -> Array:
    try:
        read: Array = np.load(file, mmap_mode="c")
    except ValueError:  # an empty array cannot be mapped
        read = np.load(file)
    return read
