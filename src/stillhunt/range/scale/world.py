"""A world at full size, written straight into a lake as fingerprints, up to any moment, and on from there.

`make` casts everybody, opens a lake and writes the calls day by day on all cores; `go_on` adds the calls of the next hours as one further
commit. The same specification gives the same rows, in whatever steps and on however many processes they are written.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from stillhunt import records
from stillhunt.errors import InputError
from stillhunt.lake import Lake
from stillhunt.lake.bulk import Bulk
from stillhunt.range.calls import DAY, SECOND
from stillhunt.range.machinery import Clients, Identities, Networks, Rates
from stillhunt.range.scale import crew, crowd, twins
from stillhunt.range.scale.cast import Cast, Register
from stillhunt.range.scale.chance import key_of
from stillhunt.range.scale.moments import MOST_TURNS, Days, levels
from stillhunt.range.scale.rows import Rows
from stillhunt.range.scale.spelling import column
from stillhunt.range.scale.voices import Book, Draft
from stillhunt.range.shared_texts import open_texts
from stillhunt.range.stage import Stage
from stillhunt.range.world import TRUTH, Progress, World, WorldSpec, _plain, check

Array = npt.NDArray[Any]

FILE_ROWS = 2_000_000
"""Rows of a file at most, which is one row group: each repeats its identifiers, at 4 bytes a call in groups half as long."""
_STRETCH = 5
"""Days at most that one process makes in a row: what runs over midnight is made twice only where two stretches meet."""
_SHOWN = 3_000


def cast(spec: WorldSpec) -> Cast:
    """Everybody in the world of `spec`.

    Raises:
        InputError: the specification cannot be met.
    """
    texts = open_texts(spec.texts)
    start = int(spec.start.timestamp()) * SECOND
    stage = Stage(
        spec.seed, start, spec.days, texts, Networks(spec.seed, spec.texts), Clients(spec.seed, spec.texts),
        Identities(spec.seed, spec.texts), Rates(spec.texts),
    )  # fmt: skip
    register = Register(spec.seed, int(key_of(spec.seed, 0x6E7)).to_bytes(8, "little") * 4)
    book = Book()
    rng = stage.rng("voices")
    talk = [texts.conversation(rng) for _ in range(_SHOWN)]
    code = [texts.coding(rng) for _ in range(_SHOWN)]
    asked = [texts.question(rng) for _ in range(_SHOWN)]
    voices = (
        book.add(Draft(calls=[(said, len(answer)) for one in talk for said, answer in one])),
        book.add(Draft(calls=[(said, len(answer)) for one in code for said, answer in one])),
        book.add(Draft(calls=[(one.prompt, len(one.response)) for one in asked])),
    )
    supplies = crowd.supply(stage, register, book, spec.accounts, voices)
    steps = twins.cast(supplies, spec)
    crowd.cast(supplies, spec.accounts - register.accounts, spec.calls - twins.planned(register))
    for one in spec.operators:
        crew.cast(supplies, one)
    talks = np.array(
        [[min(MOST_TURNS, len(kind[at % len(kind)])) for at in range(_SHOWN)] for kind in (talk, code, steps or talk)], np.int64
    )
    missing = [*texts.missing, *stage.networks.missing, *stage.clients.missing, *stage.identities.missing, *stage.rates.missing]
    facts = {"seed": spec.seed, "start": start, "end": stage.end, "release": stage.release, "missing": missing}
    made = register.cast(book.voices(rng, talks), stage.entitlements, facts)
    levels(made)
    return made


@dataclass
class Written:
    """What one stretch of days became: files in order of time, rows, calls and first call by account."""

    paths: list[str]
    rows: int
    calls: Array
    first: Array


def bare(made: Cast, first: int, last: int, since: int, until: int, room: int) -> Iterator[tuple[int, Array]]:
    """The bare calls of the days `first` to `last` (exclusive) that lie in [since, until), day by day, in order of time."""
    days = Days(made, room)
    for day in range(first, last):
        yield day, days.day(day, since, until)


_STATE: dict[str, Any] = {}


def _open(folder: str, lake: str) -> None:
    _STATE["cast"] = made = Cast.load(Path(folder), tables=False)
    _STATE["rows"], _STATE["bulk"] = Rows(made), Bulk(lake)


def _stretch(first: int, last: int, since: int, until: int, room: int) -> Written:
    """Write some days. Runs in a process of its own."""
    made: Cast = _STATE["cast"]
    rows: Rows = _STATE["rows"]
    bulk: Bulk = _STATE["bulk"]
    done = Written([], 0, np.zeros(len(made.closings), np.int32), np.full(len(made.closings), np.iinfo(np.int64).max))
    dictionaries = [f.name for f in records.INTERACTIONS if pa.types.is_string(f.type) and f.name != "interaction_id"]
    for day, calls in bare(made, first, last, since, until, room):
        account = made.lanes["account"][calls["lane"]]
        done.calls += np.bincount(account, minlength=done.calls.size).astype(np.int32)
        np.minimum.at(done.first, account, calls["at"])
        parts = max(1, -(-calls.size // FILE_ROWS)) if calls.size else 0
        for part in np.array_split(np.arange(calls.size), parts) if parts else []:
            with bulk.file(day, dictionaries) as file:
                # one row group, by account
                file.write(rows.table(calls[part[np.argsort(account[part], kind="stable")]], lasting=False))
            done.paths.append(file.path)
        done.rows += calls.size
    return done


def write(folder: Path, lake: Path, since: int, until: int, room: int, workers: int | None, tell: Callable[[int], None]) -> Written:
    """Write all calls in [since, until) into the lake's files; commits nothing."""
    first, last = since // DAY, -(-until // DAY)
    count = max(1, workers or os.cpu_count() or 1)
    # as many stretches for each process as for any other, so that all are done at once
    parts = min(last - first, count * -(-(last - first) // (count * _STRETCH)))
    stretches = [(int(days[0]), int(days[-1]) + 1) for days in np.array_split(np.arange(first, last), parts)]
    found: Written | None = None
    with ProcessPoolExecutor(
        min(count, len(stretches)), mp_context=multiprocessing.get_context("spawn"), initializer=_open, initargs=(str(folder), str(lake))
    ) as pool:
        for done in pool.map(_stretch, *zip(*[(*one, since, until, room) for one in stretches], strict=True)):
            if found is None:
                found = done
            else:
                found.paths += done.paths
                found.rows += done.rows
                found.calls += done.calls
                np.minimum(found.first, done.first, out=found.first)
            tell(found.rows)
    assert found is not None
    return found


def _prepare(spec: WorldSpec, out: Path) -> None:
    """Cast everybody, and write what there is before the first call."""
    made = cast(spec)
    truth = out / "truth"
    made.save(truth / "cast")
    with Lake.open(out / "lake", create=True) as lake:
        lake.upsert_accounts(made.accounts)
        lake.upsert_entitlements(made.entitlements)
        lake.add_phrases(made.voices.phrases)
    expected = spec.calls + sum(one.calls(spec.days) for one in spec.operators)
    state = {"spec": _plain(spec), "expected": expected, "until": made.facts["start"]}
    (truth / "state.json").write_bytes(orjson.dumps(state))
    np.savez(truth / "state.npz", calls=np.zeros(len(made.closings), np.int64), first=np.full(len(made.closings), np.iinfo(np.int64).max))


def make(
    spec: WorldSpec, out: Path, progress: Progress | None = None, *, until: datetime | None = None, workers: int | None = None
) -> World:
    """Write the world of `spec` under `out`: `lake/` is what a provider has, `truth/` what only the range knows.

    Args:
        spec: what it is made of; its format is not looked at.
        out: a folder that holds no world yet.
        progress: told now and then how many calls are written.
        until: leave out what happens from this moment on; `go_on` adds it.
        workers: processes; all cores if not said.

    Raises:
        InputError: the specification cannot be met, or `out` holds a world already.
    """
    check(spec)
    for one in spec.operators:
        crew.check(one)
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: holds a world already; name another folder or remove it")
    # in a process of its own: whoever has dealt out a million people holds memory that writing needs
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        pool.submit(_prepare, spec, out).result()
    return go_on(out, progress, until=until, workers=workers)


def go_on(out: Path, progress: Progress | None = None, *, until: datetime | None = None, workers: int | None = None) -> World:
    """Add to the world under `out` what happens next, up to `until` (its end if not said), as one commit.

    Raises:
        InputError: there is no such world, or it has come so far already.
    """
    truth = out / "truth"
    if not (truth / "state.json").is_file():
        raise InputError(f"{out}: holds no world that was written as fingerprints")
    state = json.loads((truth / "state.json").read_text())
    facts = Cast.facts_of(truth / "cast")  # the cast itself, once what writes is gone from memory
    since, end = state["until"], facts["end"] if until is None else min(facts["end"], int(until.astimezone(UTC).timestamp() * SECOND))
    if end <= since:
        raise InputError(
            f"{out}: is written up to {datetime.fromtimestamp(since / SECOND, UTC):%Y-%m-%d %H:%M} already; name a later moment"
        )
    days = (facts["end"] - facts["start"]) // DAY
    tell = (
        (lambda rows: progress(rows, max(rows, state["expected"] * (end - since) // (facts["end"] - facts["start"])))) if progress else None
    )
    if progress is not None:
        progress(0, state["expected"])
    written = write(truth / "cast", out / "lake", since, end, state["expected"] // days, workers, tell or (lambda _: None))
    bulk = Bulk(out / "lake")
    bulk.commit(written.paths)
    bulk.close()
    with np.load(truth / "state.npz") as before:
        calls, first = before["calls"] + written.calls, np.minimum(before["first"], written.first)
    np.savez(truth / "state.npz", calls=calls, first=first)
    state["until"] = end
    (truth / "state.json").write_bytes(orjson.dumps(state))
    return _told(out, Cast.load(truth / "cast"), calls, first, state)


def _told(out: Path, made: Cast, calls: Array, first: Array, state: dict[str, Any]) -> World:
    """Write the truth and say what there is."""
    truth = made.truth.append_column("first_call", column(first, mask=calls == 0).view(records.TIMESTAMP))
    truth = truth.append_column("calls", column(calls)).select(TRUTH.names).cast(TRUTH)
    order = np.random.default_rng(made.facts["seed"]).permutation(truth.num_rows)
    pq.write_table(truth.take(column(order)), out / "truth" / "truth.parquet", compression="zstd")
    population = truth["population"].combine_chunks().dictionary_encode()
    codes = population.indices.to_numpy()
    names = [str(name) for name in population.dictionary.to_pylist()]
    accounts, sums = np.bincount(codes), np.bincount(codes, weights=calls).astype(np.int64)
    counts = {name: {"accounts": int(accounts[at]), "calls": int(sums[at])} for at, name in enumerate(names)}
    hidden = truth["operator"].is_valid().to_numpy()
    world = World(
        folder=out,
        files=(),
        accounts=truth.num_rows,
        calls=int(calls.sum()),
        hidden_accounts=int(hidden.sum()),
        hidden_calls=int(calls[hidden].sum()),
        populations=dict(sorted(counts.items())),
        release=datetime.fromtimestamp(made.facts["release"] / SECOND, UTC),
        missing=tuple(made.facts["missing"]),
    )
    facts = {"spec": state["spec"], **_plain(replace(world, folder=Path())), "stillhunt_range": 1}
    facts.pop("folder")
    (out / "truth" / "world.json").write_bytes(orjson.dumps(facts, option=orjson.OPT_INDENT_2))
    return world
