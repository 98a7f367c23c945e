"""Worlds for the ladder: one base of unrelated accounts for a seed, and beside it whatever operator a step wants.

A stage draws every party from a generator of its own, so an operator that is cast after everybody else leaves them as they
were: the base is made and ingested once, an operator's own calls are made against the same stage, and both together are the
world that `make` would have made whole (a test holds this). What is kept of a part are the lake's tables as Arrow.
"""

from __future__ import annotations

import copy
import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillhunt import records
from stillhunt.errors import InputError
from stillhunt.intake.pipeline import ingest
from stillhunt.lake import Lake
from stillhunt.lake.keys import KEY_FILE
from stillhunt.lake.lake import Appended
from stillhunt.range import operators
from stillhunt.range.operators import OperatorSpec
from stillhunt.range.stage import Stage
from stillhunt.range.world import TRUTH, WorldSpec, check, make, perform, set_stage

TABLES = ("interactions", "accounts", "entitlements", "phrases")

_ADDRESSES = ("client_ip", "client_prefix")
_CLIENT = ("user_agent", "tls_ja4", "client_shape", "client_label", "parameters_hash")
_FINGERPRINTS = tuple(
    name
    for name in records.INTERACTIONS.names
    if name not in {*records.CANONICAL_INTERACTIONS.names, *_ADDRESSES, *_CLIENT, "source"}  # what is left was computed from text
)

FAMILIES: dict[str, dict[str, Sequence[str]]] = {
    "payment": {"accounts": ("payment_fingerprint",)},
    "accounts": {"accounts": records.ACCOUNTS.names},
    "addresses": {"interactions": _ADDRESSES, "accounts": ("signup_ip", "signup_prefix")},
    "client": {"interactions": _CLIENT, "accounts": ("signup_user_agent", "signup_ja4")},
    "text": {"interactions": _FINGERPRINTS, "phrases": records.PHRASES.names},
    "status": {"interactions": ("http_status", "error_type", "finish_reason", "response_model")},
}
"""Family of columns -> what a provider lacks without it, by table. A table that lacks all its columns has no rows."""

Tell = Callable[[str, float, float], None]
"""Progress: what is being done, how much is done, how much there is."""


@dataclass(frozen=True)
class Conditions:
    """What all worlds of a ladder have in common. `accounts` and `calls` count the unrelated, `hidden` an operator's accounts."""

    accounts: int = 20_000
    calls: int = 500_000
    hidden: int = 250
    days: int = 17
    texts: Path | None = None
    format: str = "litellm"
    populations: str | tuple[str, ...] = "all"
    workers: int | None = None

    def spec(self, seed: int) -> WorldSpec:
        """The world without an operator."""
        return WorldSpec(
            seed=seed,
            days=self.days,
            accounts=self.accounts,
            calls=self.calls,
            populations=self.populations,
            texts=self.texts,
            format=self.format,
        )

    def words(self) -> str:
        """Where the texts come from, for people."""
        return "real texts" if self.texts is not None else "the built-in bank of texts"


@dataclass(frozen=True)
class Part:
    """Some of a world's parties: what a lake has of them (`TABLES`, schemas of `records`), and who they are (`world.TRUTH`)."""

    tables: dict[str, pa.Table]
    truth: pa.Table


class _Gathered:
    """Takes what ingest writes and keeps it as Arrow tables, as a lake would take it."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._rows: dict[str, list[pa.Table]] = {name: [] for name in TABLES}

    def append_interactions(self, rows: pa.Table, texts: pa.Table | None = None) -> Appended:
        self._rows["interactions"].append(rows)
        return Appended(rows.num_rows, 0)

    def upsert_accounts(self, rows: pa.Table) -> int:
        self._rows["accounts"].append(rows)
        return rows.num_rows

    def upsert_entitlements(self, rows: pa.Table) -> int:
        self._rows["entitlements"].append(rows)
        return rows.num_rows

    def add_phrases(self, rows: pa.Table) -> int:
        self._rows["phrases"].append(rows)
        return rows.num_rows

    def tables(self) -> dict[str, pa.Table]:
        empty = {name: records.TABLES[name].empty_table() for name in TABLES}
        return {name: pa.concat_tables(rows, promote_options="default") if rows else empty[name] for name, rows in self._rows.items()}


def key(seed: int) -> bytes:
    """The pseudonym key of a seed's lakes: the same for all of them, so that parts fit together. It protects nobody real."""
    return hashlib.blake2b(f"stillhunt ladder {seed}".encode(), digest_size=32).digest()


def base(conditions: Conditions, seed: int, scratch: Path, tell: Tell | None = None) -> Part:
    """The unrelated accounts of `seed`, made and ingested; kept under `scratch`, and taken from there the next time.

    Raises:
        InputError: no such world can be made.
    """
    spec = conditions.spec(seed)
    named = f"{spec.accounts}/{spec.calls}/{spec.days}/{spec.populations}/{spec.texts}/{spec.format}/{records.INTERACTIONS.names}"
    kept = scratch / f"base-{seed}-{hashlib.blake2b(named.encode(), digest_size=4).hexdigest()}"
    if not kept.exists():
        say = tell or _silent
        draft = scratch / f"{kept.name}.{time.time_ns()}"
        make(spec, draft / "world", lambda done, total: say("making the unrelated accounts", done, total))
        say("ingesting the unrelated accounts", 0, 1)
        part = _ingested(draft / "world", key(seed), conditions.workers)
        (draft / "kept").mkdir()
        for name, table in {**part.tables, "truth": part.truth}.items():
            pq.write_table(table, draft / "kept" / f"{name}.parquet", compression="zstd", compression_level=1)
        if not kept.exists():  # somebody else on the same folder may have been faster
            (draft / "kept").rename(kept)
        shutil.rmtree(draft, ignore_errors=True)
    return Part({name: pq.read_table(kept / f"{name}.parquet") for name in TABLES}, pq.read_table(kept / "truth.parquet"))


def operation(conditions: Conditions, seed: int, wanted: Sequence[OperatorSpec], scratch: Path) -> tuple[Part, Stage]:
    """What `wanted` do beside the base of `seed`, made and ingested; and the stage that they alone stood on.

    Raises:
        InputError: they do not fit into the world's days.
    """
    spec = conditions.spec(seed)
    check(replace(spec, operators=tuple(wanted)))
    left = _left(spec)
    # words and rates are read, never changed, and large; whatever is drawn without repetition is each operation's own
    stage = copy.deepcopy(left, {id(one): one for one in (left.texts, left.rates)})
    for one in wanted:
        operators.cast(stage, one)
    folder = scratch / f"operation-{time.time_ns()}"
    try:
        # identifiers of records are drawn from the specification's seed: another one keeps them apart from the base's
        perform(stage, replace(spec, seed=_apart(seed), calls=max(stage.planned, 1)), folder)
        return _ingested(folder, key(seed), conditions.workers), stage
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@lru_cache(maxsize=1)
def _left(spec: WorldSpec) -> Stage:
    """The stage after everybody else has taken names, cards and addresses, which are drawn without repetition, and has left again."""
    stage = set_stage(spec)
    stage.lanes.clear()
    stage.accounts.clear()
    stage.entitlements.clear()
    stage.planned = 0
    return stage


def _apart(seed: int) -> int:
    return (seed << 8) + 0x5EED_0000_0000


def _ingested(world: Path, secret: bytes, workers: int | None) -> Part:
    gathered = _Gathered(secret)
    report = ingest([world / "provider"], gathered, workers=workers)
    report.raise_for_errors()
    return Part(gathered.tables(), pq.read_table(world / "truth" / "truth.parquet", schema=TRUTH))


def without(part: Part, family: str) -> Part:
    """`part` as a provider would have it that lacks a family of columns.

    Raises:
        InputError: no such family.
    """
    if family not in FAMILIES:
        raise InputError(f"--without: {family!r} is no family of columns; choose all or some of {', '.join(FAMILIES)}")
    tables = dict(part.tables)
    for name, columns in FAMILIES[family].items():
        table = tables[name]
        if set(columns) >= set(records.TABLES[name].names):
            tables[name] = table.slice(0, 0)
            continue
        for column in columns:
            at = table.schema.get_field_index(column)
            if at >= 0:
                table = table.set_column(at, table.schema.field(at), pa.nulls(table.num_rows, table.schema.field(at).type))
        tables[name] = table
    return Part(tables, part.truth)


def put_together(folder: Path, secret: bytes, parts: Sequence[Part]) -> Lake:
    """A new lake in `folder` that holds `parts`; the caller closes and removes it."""
    folder.mkdir(parents=True)
    key_file = folder / KEY_FILE
    key_file.touch(mode=0o600)
    key_file.write_text(secret.hex() + "\n", "ascii")
    lake = Lake.open(folder, create=True)
    add: dict[str, Callable[[pa.Table], Any]] = {
        "interactions": lake.append_interactions,
        "accounts": lake.upsert_accounts,
        "entitlements": lake.upsert_entitlements,
        "phrases": lake.add_phrases,
    }
    for name, write in add.items():
        rows = [part.tables[name] for part in parts if part.tables[name].num_rows]
        if rows:
            write(pa.concat_tables(rows, promote_options="default"))
    return lake


def _silent(_said: str, _done: float, _total: float) -> None:
    """Progress that nobody watches."""
