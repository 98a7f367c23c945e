"""A world: simulated logs with known truth, from one seed.

`make` puts people, innocent twins and operators on a stage, merges their calls in order of time and writes the provider's
side (logs, accounts, entitlements) apart from the truth. The same specification makes the same bytes.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from stillhunt import records
from stillhunt.errors import InputError
from stillhunt.range import FINGERPRINTS, operators, people, populations
from stillhunt.range.calls import SECOND, Account, Call
from stillhunt.range.machinery import Clients, Identities, Networks, Rates
from stillhunt.range.operators import OperatorSpec
from stillhunt.range.shared_texts import open_texts
from stillhunt.range.stage import Lane, Stage
from stillhunt.range.writers import writer

Progress = Callable[[int, int], None]
"""Told now and then how many calls are written, and about how many there will be."""

_TRUTH: list[tuple[str, pa.DataType]] = [
    ("account_id", pa.string()),
    ("population", pa.string()),
    ("operator", pa.string()),
    ("campaign", pa.string()),
    ("first_call", records.TIMESTAMP),
    ("calls", pa.int64()),
]
TRUTH = pa.schema(_TRUTH)
"""One row an account; `operator` and `campaign` are null for the innocent, `first_call` for those that never called."""

START = datetime(2026, 3, 2, tzinfo=UTC)
TWINS_SHARE = 0.45
"""At most this share of the unrelated calls belongs to twins: unrelated people must remain the measure of what is usual."""


@dataclass(frozen=True)
class WorldSpec:
    """What a world is made of. `accounts` and `calls` count the innocent; operators come on top."""

    seed: int = 1
    days: int = 14
    start: datetime = START
    accounts: int = 10_000
    calls: int = 400_000
    populations: str | tuple[str, ...] = "all"  # "all": the default set | "people" | names of twins
    operators: tuple[OperatorSpec, ...] = field(default=())
    texts: Path | None = None
    format: str = "litellm"


@dataclass(frozen=True)
class World:
    """What `make` wrote: where, and how much of what."""

    folder: Path
    files: tuple[Path, ...]
    accounts: int
    calls: int
    hidden_accounts: int
    hidden_calls: int
    populations: dict[str, dict[str, int]]  # name -> {"accounts": n, "calls": n}
    release: datetime
    missing: tuple[str, ...]


def chosen(spec: WorldSpec) -> list[populations.Population]:
    """The twins that `spec` asks for.

    Raises:
        InputError: a name is not a population's.
    """
    known = populations.load()
    if spec.populations == "all":
        return [population for population in known.values() if population.default]
    names = (spec.populations,) if isinstance(spec.populations, str) else tuple(spec.populations)
    for name in names:
        if name not in known and name != people.NAME:
            raise InputError(f"populations: {name!r} is not one; choose 'all', 'people' or some of {', '.join(known)}")
    return [known[name] for name in known if name in names]


def check(spec: WorldSpec) -> None:
    """Refuse what cannot become a world.

    Raises:
        InputError: what is wrong and what would do.
    """
    if spec.days < 1:
        raise InputError(f"days: {spec.days} is too short; a world lasts at least 1 day")
    if spec.accounts < 1 or spec.calls < 1:
        raise InputError("accounts, calls: a world needs at least one of each")
    if spec.texts is not None and not spec.texts.is_dir():
        raise InputError(f"texts: {spec.texts} is not a folder; leave it out to use the texts that come with Stillhunt")
    for one in spec.operators:
        if one.accounts > 0 and one.length(spec.days) <= 0:
            raise InputError(f"operators: {one.name} starts on day {one.start_day:g} of a world of {spec.days} days; make the world longer")
        if one.machinery not in ("shared", "separate"):
            raise InputError(f"operators: {one.name}'s machinery is {one.machinery!r}; choose shared or separate")
    names = [one.name for one in spec.operators]
    if len(set(names)) != len(names):
        raise InputError("operators: two have the same name; give each its own")


def set_stage(spec: WorldSpec) -> Stage:
    """A stage with everybody on it, before the first call."""
    texts = open_texts(spec.texts)
    start = int(spec.start.timestamp()) * SECOND
    networks = Networks(spec.seed, spec.texts)
    clients = Clients(spec.seed, spec.texts)
    stage = Stage(spec.seed, start, spec.days, texts, networks, clients, Identities(spec.seed, spec.texts), Rates(spec.texts))
    twins = chosen(spec)
    sizes = {twin.name: twin.size(spec.accounts) for twin in twins}
    if sum(sizes.values()) > spec.accounts:
        raise InputError(
            f"accounts: {spec.accounts} are too few for {len(twins)} populations, which need {sum(sizes.values())}; "
            "ask for more accounts or fewer populations"
        )
    wanted = {twin.name: twin.pace * sizes[twin.name] * spec.days for twin in twins}
    ease = min(1.0, TWINS_SHARE * spec.calls / max(1.0, sum(wanted.values())))
    for twin in twins:
        twin.cast(stage, sizes[twin.name], max(sizes[twin.name], round(wanted[twin.name] * ease)))
    people.cast(stage, spec.accounts - len(stage.accounts), spec.calls - stage.planned)
    for one in spec.operators:
        operators.cast(stage, one)
    return stage


def merged(lanes: list[Lane]) -> Iterator[Call]:
    """All parties' calls in order of time; parties with equal moments in the order in which they came on stage."""
    heap: list[tuple[int, int, Call | int, Lane]] = []
    for number, lane in enumerate(lanes):
        first = next(lane, None)
        if first is not None:
            heap.append((first if isinstance(first, int) else first.at, number, first, lane))
    heapq.heapify(heap)
    while heap:
        _, number, due, lane = heap[0]
        if not isinstance(due, int):
            yield due
        del due
        following = next(lane, None)
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (following if isinstance(following, int) else following.at, number, following, lane))


def make(spec: WorldSpec, out: Path, progress: Progress | None = None) -> World:
    """Write the world of `spec` under `out`: `provider/` is what a provider has, `truth/` what only the range knows.

    With the format "fingerprints" what a provider has is a lake, `lake/` (see `range.scale`).

    Raises:
        InputError: the specification cannot be met, or `out` holds a world already.
    """
    if spec.format == FINGERPRINTS:
        from stillhunt.range import scale  # noqa: PLC0415  # it builds on this module

        return scale.make(spec, out, progress)
    check(spec)
    provider = out / "provider"
    if provider.exists() and any(provider.iterdir()):
        raise InputError(f"{out}: holds a world already; name another folder or remove it")
    return perform(set_stage(spec), spec, out, progress)


def perform(stage: Stage, spec: WorldSpec, out: Path, progress: Progress | None = None) -> World:
    """Write what plays on `stage` under `out`.

    `spec` says the log format, about how many calls to expect, and the seed of record ids and of the order of accounts.
    """
    provider, truth = out / "provider", out / "truth"
    for folder in (provider, truth):
        folder.mkdir(parents=True, exist_ok=True)
    log = writer(spec.format, provider, spec.seed)
    expected = spec.calls + sum(one.calls(spec.days) for one in spec.operators)
    written = 0
    last = stage.end
    for call in merged(stage.lanes):
        if call.at >= last:
            continue
        account = call.account
        account.calls += 1
        if account.first_call is None:
            account.first_call = call.at
        log.write(call)
        written += 1
        if progress is not None and written % 2000 == 0:
            progress(written, max(expected, written))
    log.close()
    _write_accounts(stage, spec, provider, truth)
    world = _summary(stage, out, tuple(log.files), written)
    facts = {"spec": _plain(spec), **_plain(world), "stillhunt_range": 1}
    facts.pop("folder")
    facts["files"] = [file.name for file in log.files]
    (truth / "world.json").write_bytes(orjson.dumps(facts, option=orjson.OPT_INDENT_2))
    if progress is not None:
        progress(written, written)
    return world


def _write_accounts(stage: Stage, spec: WorldSpec, provider: Path, truth: Path) -> None:
    """Write accounts and truth, each in an order of its own that says nothing."""
    shuffle = random.Random(f"{spec.seed}/order").shuffle
    accounts = list(stage.accounts)
    for schema, path in ((records.CANONICAL_ACCOUNTS, provider / "accounts.parquet"), (TRUTH, truth / "truth.parquet")):
        shuffle(accounts)
        names = schema.names
        rows = [{name: getattr(account, name) for name in names} for account in accounts]
        pq.write_table(pa.Table.from_pylist(rows, schema), path, compression="zstd")
    shuffle(stage.entitlements)
    pq.write_table(pa.Table.from_pylist(stage.entitlements, records.ENTITLEMENTS), provider / "entitlements.parquet", compression="zstd")


def _summary(stage: Stage, out: Path, files: tuple[Path, ...], written: int) -> World:
    counts: dict[str, dict[str, int]] = {}
    hidden: list[Account] = []
    for account in stage.accounts:
        one = counts.setdefault(account.population, {"accounts": 0, "calls": 0})
        one["accounts"] += 1
        one["calls"] += account.calls
        if account.operator is not None:
            hidden.append(account)
    missing = (*stage.texts.missing, *stage.networks.missing, *stage.clients.missing, *stage.identities.missing, *stage.rates.missing)
    return World(
        folder=out,
        files=files,
        accounts=len(stage.accounts),
        calls=written,
        hidden_accounts=len(hidden),
        hidden_calls=sum(account.calls for account in hidden),
        populations=dict(sorted(counts.items())),
        release=datetime.fromtimestamp(stage.release / SECOND, UTC),
        missing=missing,
    )


def _plain(value: Any) -> dict[str, Any]:
    """A dataclass as JSON values."""
    plain = orjson.loads(orjson.dumps(asdict(value), default=str))
    assert isinstance(plain, dict)
    return plain
