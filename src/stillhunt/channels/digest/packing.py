"""A state as named arrays, to be kept in files or sent between machines, and states of different accounts put together.

In: `State`. Out: arrays by name, and back. May import: records, lake.engine's types.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from stillhunt.channels.digest import kernels
from stillhunt.channels.digest.chunks import Names
from stillhunt.channels.digest.kernels import Array
from stillhunt.channels.digest.numbering import HashNumbers, StringNumbers
from stillhunt.channels.digest.state import SHARDS, State
from stillhunt.channels.digest.trace import Trace
from stillhunt.lake.table import pieces

_PACKED: list[tuple[str, pa.DataType]] = [("name", pa.string()), ("data", pa.binary())]
PACKED = pa.schema(_PACKED)
"""A packed state: a row for each array, as a .npy file would hold it."""

_STRINGS = ("accounts", "organizations", "models", "networks")
_HASHES = ("clients", "parameters")


def arrays_of(state: State, spare: float = 1.0, *, traced: bool = True) -> Iterator[tuple[str, Array]]:
    """The state as named arrays, the trace among them if `traced`.

    With `spare` above 1 there is room for more accounts, so that folding on need not copy.
    """
    state.pairs.settle()
    for name, array in state.rows.items():
        yield f"rows.{name}", array[: int(state.accounts * spare) + (1024 if spare > 1 else 0)]
    for number, shard in enumerate(state.shards):
        for kind, arrays, used in (("units", shard.units, shard.used[0]), ("held", shard.held, shard.used[1])):
            for name, array in arrays.items():
                yield f"{kind}{number}.{name}", array[: int(used * spare) + (4096 if spare > 1 else 1)]
    for name in ("key", "account", "calls"):
        yield f"pairs.{name}", getattr(state.pairs, name)
    for at in range(5):
        yield f"handoffs.{at}", np.concatenate([one[at] for one in state.handoffs]) if state.handoffs else np.zeros(0, np.int64)
    for at in range(3):
        yield f"open.{at}", state.open_failures[at]
    for at in range(2) if traced else ():
        yield f"trace.{at}", _joined([part[at] for part in state.trace.pieces()])
    for name in _STRINGS:
        yield f"names.{name}", _as_bytes(getattr(state.names, name).strings)
    for name in _HASHES:
        yield f"names.{name}", getattr(state.names, name).keys
    about = {
        "labels": state.names.labels,
        "filled": sorted(state.names.filled),
        "calls": state.calls,
        "used": [shard.used for shard in state.shards],
        "below": int(state.pairs.below),
    }
    yield "about", np.frombuffer(json.dumps(about).encode(), np.uint8)


def state_from(arrays: Mapping[str, Array]) -> State:
    """The state that `arrays_of` was given.

    Raises:
        KeyError: an array is missing.
        ValueError: what is there is no state's.
    """
    about = json.loads(arrays["about"].tobytes())
    state = State()
    strings = {name: StringNumbers(_as_strings(arrays[f"names.{name}"])) for name in _STRINGS}
    clients, parameters = (HashNumbers(np.asarray(arrays[f"names.{name}"])) for name in _HASHES)
    state.names = Names(**strings, clients=clients, labels=about["labels"], parameters=parameters, filled=set(about["filled"]))
    state.calls = about["calls"]
    state.rows = {name: arrays[f"rows.{name}"] for name in kernels.Rows._fields}
    for number, shard in enumerate(state.shards):
        shard.units = {name: arrays[f"units{number}.{name}"] for name in kernels.Units._fields}
        shard.held = {name: arrays[f"held{number}.{name}"] for name in kernels.Held._fields}
        units, held = about["used"][number]
        shard.used = (units, held)
    pairs = state.pairs
    pairs.key, pairs.account, pairs.calls = (arrays[f"pairs.{name}"] for name in ("key", "account", "calls"))
    pairs.below = np.uint64(about["below"])
    handoffs = tuple(arrays[f"handoffs.{at}"] for at in range(5))
    state.handoffs = [handoffs] if handoffs[0].size else []
    state.open_failures = (arrays["open.0"], arrays["open.1"], arrays["open.2"])
    state.trace = Trace((arrays["trace.0"], arrays["trace.1"]))
    return state


def folded(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Fold the calls of some accounts, in order of time, and pack the state: what an engine does to each of its parts."""
    state = State()
    state.fold(pieces(batches))
    if state.accounts:
        names, data = [], []
        for name, array in arrays_of(state):
            sink = io.BytesIO()
            np.save(sink, array)
            names.append(name)
            data.append(sink.getvalue())
        yield pa.RecordBatch.from_arrays([pa.array(names, pa.string()), pa.array(data, pa.binary())], schema=PACKED)


def unpacked(rows: pa.Table) -> Iterator[State]:
    """The states that `folded` packed, one after the other."""
    arrays: dict[str, Array] = {}
    for batch in rows.to_batches():
        for name, data in zip(batch.column(0), batch.column(1), strict=True):
            arrays[str(name)] = np.load(io.BytesIO(data.as_py()))
            if str(name) == "about":
                yield state_from(arrays)
                arrays = {}


def joined(states: Iterable[State]) -> State:
    """States of different accounts as one. It can be read, and not be folded on: handoffs between the parts are not in it."""
    whole = State()
    rows: list[dict[str, Array]] = []
    units: dict[str, list[Array]] = {name: [] for name in kernels.Units._fields}
    held: dict[str, list[Array]] = {name: [] for name in kernels.Held._fields}
    begun = [0, 0]
    pairs: list[tuple[Array, Array, Array]] = []
    below = whole.pairs.below
    for state in states:
        first = len(whole.names.accounts)
        own = _renamed(state, whole.names)
        for kind, at, parts, blocks in (("unit_block", 0, units, "units"), ("held_block", 1, held, "held")):
            for number, shard in enumerate(state.shards):
                used = shard.used[at]
                mine = np.arange(state.accounts) % SHARDS == number
                there = mine & (own[kind] >= 0)
                own[kind][there] += begun[at]
                for name, array in getattr(shard, blocks).items():
                    block = array[:used].copy()
                    if name == "following":
                        block[block >= 0] += begun[at]
                    parts[name].append(block)
                begun[at] += used
        rows.append(own)
        pairs.append((state.pairs.key, state.pairs.account + np.int32(first), state.pairs.calls))
        below = min(below, state.pairs.below)
        for account, micros in state.trace.pieces():
            whole.trace.add(account + np.uint32(first), micros)
        whole.calls += state.calls
        whole.names.filled |= state.names.filled
    if rows:
        whole.rows = {name: np.concatenate([one[name] for one in rows]) for name in kernels.Rows._fields}
        both = {name: np.concatenate(parts) for name, parts in units.items()}, {name: np.concatenate(parts) for name, parts in held.items()}
        for shard in whole.shards:
            shard.units, shard.held = both
        key, owner, times = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        order = np.lexsort((owner, key))
        order = order[key[order] < below] if int(below) < 2**64 - 1 else order
        whole.pairs.key, whole.pairs.account, whole.pairs.calls = key[order], owner[order], times[order]
        whole.pairs.below = below
        whole.pairs.thin()
    return whole


def _renamed(state: State, names: Names) -> dict[str, Array]:
    """A state's rows with the numbers of `names`, which learns what it does not know."""
    rows = {name: array[: state.accounts].copy() for name, array in state.rows.items()}
    names.accounts.of(state.names.accounts.strings)
    for name, strings in (("organization", "organizations"), ("model", "models"), ("network", "networks")):
        own: StringNumbers = getattr(state.names, strings)
        known: StringNumbers = getattr(names, strings)
        rows[name] = np.append(known.of(own.strings), np.int32(-1))[rows[name]]
    clients, fresh = names.clients.of(state.names.clients.keys)
    names.labels += [state.names.labels[at] for at in fresh.tolist()]
    rows["client"] = np.append(clients, np.int32(-1))[rows["client"]]
    rows["parameters"] = np.append(names.parameters.of(state.names.parameters.keys)[0], np.int32(-1))[rows["parameters"]]
    return rows


def _joined(parts: Sequence[Array]) -> Array:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _as_bytes(strings: pa.Array[Any]) -> Array:
    sink = pa.BufferOutputStream()
    rows = pa.table({"name": strings})
    with pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows)
    return np.frombuffer(sink.getvalue().to_pybytes(), np.uint8)


def _as_strings(data: Array) -> pa.Array[Any]:
    column: Any = pa.ipc.open_file(pa.py_buffer(data.tobytes())).read_all()["name"].combine_chunks()
    strings: pa.Array[Any] = column
    return strings
