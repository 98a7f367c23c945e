"""Worlds within one process: a stage is played, read in and scanned, and what was found is told by population.

A party's draws are its own, so people are made and read in once for a seed and each twin is played beside them. Nothing of
the product is left out: records are written as canonical Parquet, read by `ingest`, kept in a lake and scanned by `hunt`.
"""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import stillhunt
from stillhunt.campaigns import hunt
from stillhunt.intake.pipeline import ingest
from stillhunt.lake import Lake
from stillhunt.range.machinery import Clients, Identities, Networks, Rates
from stillhunt.range.shared_texts import open_texts
from stillhunt.range.stage import Stage
from stillhunt.range.texts import Texts
from stillhunt.range.world import START, WorldSpec, perform
from stillhunt.records import TABLES, Findings

KEPT = ("interactions", "accounts", "entitlements", "phrases")
DETECTOR = ("records.py", "channels", "pools", "campaigns", "lake")
MEMBERS = 0.5
"""A pool or campaign belongs to a population that makes up this share of it."""

FAMILIES: dict[str, tuple[str, ...]] = {
    "payment": ("payment_fingerprint",),
    "addresses": ("client_ip", "client_prefix", "signup_ip", "signup_prefix"),
    "client": ("user_agent", "tls_ja4", "client_shape", "client_label", "parameters_hash", "signup_user_agent", "signup_ja4"),
    "e-mail": ("email", "email_domain", "email_shape"),
}
"""Columns that a provider may lack, by what they tell."""


@dataclass
class Taken:
    """Rows as `ingest` hands them to a lake, without a lake: one table a name of `KEPT`."""

    key: bytes = bytes(range(32))
    parts: dict[str, list[pa.Table]] = field(default_factory=lambda: {name: [] for name in KEPT})

    def append_interactions(self, rows: pa.Table, texts: pa.Table | None = None) -> Taken:
        """Take interactions; all are new."""
        self.parts["interactions"].append(rows)
        self.accepted = rows.num_rows
        return self

    accepted: int = 0
    duplicates: int = 0

    def upsert_accounts(self, rows: pa.Table) -> int:
        """Take accounts."""
        self.parts["accounts"].append(rows)
        return rows.num_rows

    def upsert_entitlements(self, rows: pa.Table) -> int:
        """Take entitlements."""
        self.parts["entitlements"].append(rows)
        return rows.num_rows

    def add_phrases(self, rows: pa.Table) -> int:
        """Take phrases."""
        self.parts["phrases"].append(rows)
        return rows.num_rows

    def beside(self, other: Taken) -> Taken:
        """These rows and the other's."""
        return Taken(self.key, {name: [*self.parts[name], *other.parts[name]] for name in KEPT})

    def without(self, families: tuple[str, ...]) -> Taken:
        """These rows with the columns of some `FAMILIES` blank."""
        blank = {column for family in families for column in FAMILIES[family]}
        return Taken(self.key, {name: [_blanked(table, blank) for table in tables] for name, tables in self.parts.items()})


def _blanked(table: pa.Table, names: set[str]) -> pa.Table:
    for place, name in enumerate(table.column_names):
        if name in names:
            table = table.set_column(place, table.schema.field(name), pa.nulls(table.num_rows, table.schema.field(name).type))
    return table


@lru_cache(maxsize=2)
def texts_from(folder: Path | None) -> Texts:
    """Texts, opened once for a process."""
    return open_texts(folder)


def empty_stage(seed: int, days: int, folder: Path | None, start: dt.datetime = START, rates: Rates | None = None) -> Stage:
    """A stage of its own with nobody on it; `folder` has real texts and lists, None is the bank."""
    return Stage(
        seed,
        int(start.timestamp()) * 1_000_000,
        days,
        texts_from(folder),
        Networks(seed, folder),
        Clients(seed, folder),
        Identities(seed, folder),
        rates or Rates(folder),
    )


def wing(stage: Stage) -> Stage:
    """A stage beside `stage` for one more party: it knows which addresses and names are taken, and nobody plays on it yet."""
    other = copy.copy(stage)
    other.accounts, other.entitlements, other.lanes, other.planned = [], [], [], 0
    other.networks, other.identities = copy.deepcopy(stage.networks), copy.deepcopy(stage.identities)
    return other


Truth = dict[str, tuple[str, str | None]]
"""Account -> (population, operator)."""


def take_in(make: Callable[[], Stage], name: str, seed: int, scratch: Path, keep: Path | None = None) -> tuple[Taken, Truth]:
    """Play a stage, write the provider's side as canonical Parquet and read it in.

    Args:
        make: makes the stage, if it has to be played.
        name: of what plays on it; with `seed` it names the records, and what is kept.
        seed: of the world.
        scratch: where there is room for the files in between.
        keep: a folder where the rows are left, and taken from next time: a change to the detector is then measured in a third of
            the time. It knows nothing of changes to the range or to intake: give another folder after those.

    Returns:
        The rows, and the truth.
    """
    kept = keep / f"{seed}-{name.replace(' ', '-')}" if keep is not None else None
    if kept is not None and (kept / "truth.json").exists():
        parts = {table: [pq.read_table(kept / f"{table}.parquet", schema=TABLES[table])] for table in KEPT}
        return Taken(parts=parts), {account: (one[0], one[1]) for account, one in json.loads((kept / "truth.json").read_text()).items()}
    stage = make()
    with folder(scratch) as place:
        # record ids come from this seed: those of parties played apart must differ
        ids = int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=6).digest(), "big")
        perform(stage, WorldSpec(seed=ids, days=stage.days, calls=max(1, stage.planned), format="canonical"), place)
        taken = Taken()
        report = ingest([place / "provider"], taken, format="canonical", workers=1)
        report.raise_for_errors()
    truth = {account.account_id: (account.population, account.operator) for account in stage.accounts}
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        for table, parts_ in taken.parts.items():
            rows = pa.concat_tables(parts_) if parts_ else TABLES[table].empty_table()
            pq.write_table(rows, kept / f"{table}.parquet", compression="zstd")
        (kept / "truth.json").write_text(json.dumps(truth))
    return taken, truth


def scan(taken: Taken, scratch: Path, moments: tuple[dt.datetime | None, ...] = (None,)) -> list[Findings]:
    """Bring the rows into a lake and scan it, once for each of `moments` (None: all there is)."""
    with folder(scratch) as place, Lake.open(place / "lake", create=True) as lake:
        tables = {name: pa.concat_tables(parts) if parts else TABLES[name].empty_table() for name, parts in taken.parts.items()}
        lake.append_interactions(tables["interactions"])
        for name, write in (
            ("accounts", lake.upsert_accounts),
            ("entitlements", lake.upsert_entitlements),
            ("phrases", lake.add_phrases),
        ):
            if tables[name].num_rows:
                write(tables[name])
        return [hunt(lake, as_of=moment) for moment in moments]


def told(findings: Findings, truth: Truth) -> dict[str, Any]:
    """What a scan found, by population and operator, as JSON values: who is in each campaign and pool, and why."""
    campaigns = [
        {
            "who": _who([member.account_id for member in one.accounts], truth),
            "wrong": sum(truth[member.account_id][1] is None for member in one.accounts),
            "coordination": one.coordination.parts,
            "concealment": one.concealment.parts,
            "harvest": one.harvest.log10_evidence,
            "explanations": one.explanations,
        }
        for one in findings.campaigns
    ]
    pools = [{"who": _who(pool.accounts, truth), "why": pool.why_not_a_campaign} for pool in findings.pools]
    return {"campaigns": campaigns, "pools": pools}


def _who(accounts: list[str], truth: Truth) -> dict[str, int]:
    return dict(Counter(truth[account][1] or truth[account][0] for account in accounts).most_common())


def listed(record: Mapping[str, Any], population: str) -> list[dict[str, Any]]:
    """The pools of a record that belong to `population`, largest part of it first."""
    own = [pool for pool in record["pools"] if pool["who"].get(population, 0) >= MEMBERS * sum(pool["who"].values())]
    return sorted(own, key=lambda pool: -pool["who"][population])


def code() -> str:
    """What detects, in eight digits: a digest of the modules between lake and findings."""
    home = Path(stillhunt.__file__).parent
    files = sorted(file for part in DETECTOR for file in ([home / part] if part.endswith(".py") else (home / part).rglob("*.py")))
    return hashlib.blake2b(b"".join(file.read_bytes() for file in files), digest_size=4).hexdigest()


class Journal:
    """Records as JSON lines in a file that a later run goes on with; of records with one key, the last counts."""

    def __init__(self, path: Path, *keys: str) -> None:
        self.path = path
        self.keys = keys
        self.records: dict[tuple[Any, ...], dict[str, Any]] = {}
        self.every: list[dict[str, Any]] = []
        if path.exists():
            for line in path.read_text().splitlines():
                self._take(json.loads(line))

    def _take(self, record: dict[str, Any]) -> None:
        self.every.append(record)
        self.records[self._key(record)] = record

    def _key(self, record: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(record[key] for key in self.keys)

    def has(self, *key: Any) -> bool:
        """Whether there is a record of `key`."""
        return key in self.records

    def add(self, record: dict[str, Any]) -> None:
        """Keep one more record."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")
        self._take(record)


def by_detector(every: list[dict[str, Any]]) -> list[str]:
    """A table of all that was ever measured, one row a detector, in order of time: what was mended on the way is not hidden."""
    lines = [
        "## By detector",
        "",
        "The detector was changed while this was measured, also because of what it named here; then a world that it was mended on is no",
        "test of it any more. The figures above are each world's newest; here is everything that was ever measured.",
        "",
        "| detector | worlds | with a wrong name | who was named wrongly, in how many worlds | seeds that no earlier one saw |",
        "|---|---|---|---|---|",
    ]
    seen: set[tuple[str, int]] = set()
    for digest in dict.fromkeys(record["code"] for record in every):
        those = [record for record in every if record["code"] == digest]
        wrong = [record for record in those if any(campaign["wrong"] for campaign in record["campaigns"])]
        who = Counter(name for record in wrong for name in {name for campaign in record["campaigns"] for name in campaign["who"]})
        names = ", ".join(f"{name} {count}" for name, count in who.most_common()) or "nobody"
        keys = {(record["name"], record["seed"]) for record in those}
        lines.append(f"| {digest} | {len(those)} | {len(wrong)} | {names} | {len(keys - seen)} |")
        seen |= keys
    return [*lines, ""]


def in_words(record: Mapping[str, Any], again: str) -> str:
    """Every false naming of a record for whoever looks into it: who, on what evidence, and the command that repeats it."""
    lines = []
    for campaign in record["campaigns"]:
        if not campaign["wrong"]:
            continue
        lines.append(f"\n## {record['name']}, seed {record['seed']} (detector {record['code']}, texts: {record['texts']})\n")
        lines.append(f"named: {campaign['who']}, wrongly {campaign['wrong']}; again: `{again}`\n")
        lines += [
            f"- {axis}: " + ", ".join(f"{family} {bits:.1f}" for family, bits in campaign[axis].items())
            for axis in ("coordination", "concealment")
        ]
        lines.append(f"- harvest: {campaign['harvest']:.2f}")
        lines += [f"- {words}" for words in campaign["explanations"]]
    return "\n".join(lines) + "\n" if lines else ""


@contextmanager
def folder(scratch: Path) -> Iterator[Path]:
    """A folder in the scratch space that is removed with everything in it."""
    made = Path(tempfile.mkdtemp(prefix="stage-", dir=scratch))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
