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
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stillhunt.channels.digest import kernels
from stillhunt.channels.digest.chunks import COLUMNS, STRINGS, Names
from stillhunt.channels.digest.numbering import HashNumbers, StringNumbers
from stillhunt.channels.digest.state import SHARDS, State
from stillhunt.lake import Lake
from stillhunt.lake.opening import DIGEST_FOLDER

VERSION = 1
"""Raised whenever the fold changes: what an earlier release kept is then folded anew."""

ANEW = 0.05
LEAST_KEPT = 200_000
"""Fewer calls are folded faster than read."""

_SPARE = 1.03


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
    return state


def keep(state: State, place: Path, paths: Sequence[str]) -> None:
    """Write a state that holds the data files `paths` under `place`, in place of what was there."""
    state.pairs.settle()
    place.mkdir(mode=0o700, exist_ok=True)
    fresh = place / uuid.uuid4().hex
    fresh.mkdir(mode=0o700)
    try:
        size = state.accounts
        spare = int(size * _SPARE) + 1024
        for name, array in state.rows.items():
            np.save(fresh / f"rows.{name}.npy", array[: min(spare, len(array))])
        for number, shard in enumerate(state.shards):
            for kind, arrays, used in (("units", shard.units, shard.used[0]), ("held", shard.held, shard.used[1])):
                for name, array in arrays.items():
                    np.save(fresh / f"{kind}{number}.{name}.npy", array[: min(int(used * _SPARE) + 4096, len(array))])
        for name in ("key", "account", "calls"):
            np.save(fresh / f"pairs.{name}.npy", getattr(state.pairs, name))
        handoffs = [np.concatenate([one[at] for one in state.handoffs]) if state.handoffs else np.zeros(0) for at in range(5)]
        for at, array in enumerate(handoffs):
            np.save(fresh / f"handoffs.{at}.npy", array)
        for at, array in enumerate(state.open_failures):
            np.save(fresh / f"open.{at}.npy", array)
        for at in range(2):
            _save_joined(fresh / f"trace.{at}.npy", [part[at] for part in state.trace])
        _keep_names(state.names, fresh)
        about = {
            "version": VERSION,
            "shards": SHARDS,
            "calls": state.calls,
            "used": [shard.used for shard in state.shards],
            "below": int(state.pairs.below),
            "files": list(paths),
        }
        (fresh / "about.json").write_text(json.dumps(about))
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
        about = json.loads((folder / "about.json").read_text())
        files = about["files"]
        if about["version"] != VERSION or about["shards"] != SHARDS or files != list(paths[: len(files)]):
            return State(), 0
        return _read(folder, about), len(files)
    except (OSError, ValueError, KeyError, TypeError):
        return State(), 0


def _read(folder: Path, about: dict[str, Any]) -> State:
    state = State()
    state.names = _names(folder)
    state.calls = about["calls"]
    # pages that are not changed stay the file's own
    state.rows = {name: np.load(folder / f"rows.{name}.npy", mmap_mode="c") for name in kernels.Rows._fields}
    for number, shard in enumerate(state.shards):
        shard.units = {name: np.load(folder / f"units{number}.{name}.npy", mmap_mode="c") for name in kernels.Units._fields}
        shard.held = {name: np.load(folder / f"held{number}.{name}.npy", mmap_mode="c") for name in kernels.Held._fields}
        units, held = about["used"][number]
        shard.used = (units, held)
    pairs = state.pairs
    pairs.key, pairs.account, pairs.calls = (np.load(folder / f"pairs.{name}.npy", mmap_mode="c") for name in ("key", "account", "calls"))
    pairs.below = np.uint64(about["below"])
    handoffs = tuple(np.load(folder / f"handoffs.{at}.npy") for at in range(5))
    state.handoffs = [handoffs] if handoffs[0].size else []
    key, account, at = (np.load(folder / f"open.{number}.npy") for number in range(3))
    state.open_failures = (key, account, at)
    account, micros = (np.load(folder / f"trace.{number}.npy", mmap_mode="r") for number in range(2))
    state.trace = [(account, micros)]
    return state


def _save_joined(path: Path, parts: list[Any]) -> None:
    """Save arrays as one, without holding them twice."""
    size = sum(part.size for part in parts)
    joined = np.lib.format.open_memmap(path, "w+", dtype=parts[0].dtype if parts else np.int64, shape=(size,))
    at = 0
    for part in parts:
        joined[at : at + part.size] = part
        at += part.size
    joined.flush()


def _keep_names(names: Names, folder: Path) -> None:
    for name in ("accounts", "organizations", "models", "networks"):
        strings = getattr(names, name).strings
        with (
            pa.OSFile(str(folder / f"names.{name}.arrow"), "wb") as sink,
            pa.ipc.new_file(sink, pa.schema([("name", pa.string())])) as writer,
        ):
            writer.write_table(pa.table({"name": strings}))
    for name in ("clients", "parameters"):
        np.save(folder / f"names.{name}.npy", getattr(names, name).keys)
    (folder / "names.json").write_text(json.dumps({"labels": names.labels, "filled": sorted(names.filled)}))


def _names(folder: Path) -> Names:
    words = json.loads((folder / "names.json").read_text())
    read = {}
    for name in ("accounts", "organizations", "models", "networks"):
        with pa.memory_map(str(folder / f"names.{name}.arrow")) as source:
            read[name] = StringNumbers(pa.ipc.open_file(source).read_all()["name"].combine_chunks())
    clients, parameters = (HashNumbers(np.load(folder / f"names.{name}.npy")) for name in ("clients", "parameters"))
    return Names(**read, clients=clients, labels=words["labels"], parameters=parameters, filled=set(words["filled"]))
