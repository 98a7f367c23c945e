"""Scores findings against a world's truth: who was named rightly, who wrongly, what was missed, and what it cost.

In: findings (the JSON object of `records.Findings`) and the truth file. Out: a `Score`, as JSON or as a table for people.
Rates are binomial proportions with exact two-sided 95 % intervals (Clopper and Pearson 1934, Biometrika 26:404): for k of n,
[B(0.025; k, n-k+1), B(0.975; k+1, n-k)] with B the quantile of the beta distribution.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console, Group
from rich.table import Table
from scipy.stats import beta

from stillhunt.errors import InputError
from stillhunt.records import TIMESTAMP

_TRUTH: list[tuple[str, pa.DataType]] = [
    ("account_id", pa.string()),
    ("population", pa.string()),
    ("operator", pa.string()),  # null for innocents
    ("campaign", pa.string()),
    ("first_call", TIMESTAMP),
    ("calls", pa.int64()),
]
TRUTH = pa.schema(_TRUTH)
"""What a world writes beside its logs; only `account_id`, `population` and `operator` are needed for scoring."""

Findings = Mapping[str, Any]
"""findings.json as an object; see `records.Findings`."""

ENOUGH = 0.5
"""An operator counts as found when at least this share of its accounts is named."""

_PART = 0.1  # an operator's accounts in a campaign count as a part of it from this share of the campaign on


@dataclass(frozen=True)
class Truth:
    """Who is who in one world."""

    population: dict[str, str]  # account -> population, everybody
    operator: dict[str, str]  # account -> operator, hidden accounts only
    calls: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_table(cls, table: pa.Table) -> Truth:
        """Take the truth from its table. Raises InputError for a missing column or a doubled account."""
        missing = [name for name in ("account_id", "population", "operator") if name not in table.column_names]
        if missing:
            raise InputError(f"the truth lacks the column {', '.join(missing)}; give the truth.parquet that `range make` wrote")
        accounts = [str(account) for account in table["account_id"].to_pylist()]
        if len(set(accounts)) != len(accounts):
            raise InputError("the truth names an account twice; give the truth.parquet that `range make` wrote")
        operators = zip(accounts, table["operator"].to_pylist(), strict=True)
        calls: list[Any] = list(table["calls"].to_pylist()) if "calls" in table.column_names else []
        populations = [str(population) for population in table["population"].to_pylist()]
        return cls(
            population=dict(zip(accounts, populations, strict=True)),
            operator={account: str(operator) for account, operator in operators if operator is not None},
            calls={account: int(count) for account, count in zip(accounts, calls, strict=False) if count is not None},
        )

    @classmethod
    def read(cls, path: Path) -> Truth:
        """Read a truth file. Raises InputError when it is not there or is no truth file."""
        try:
            return cls.from_table(pq.read_table(path))
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path}: cannot be read as Parquet; give the truth.parquet that `range make` wrote") from error


@dataclass(frozen=True)
class Rate:
    """`hits` of `total`, with the exact 95 % interval. `value` is None where there was nothing to count."""

    hits: int
    total: int
    value: float | None
    low: float
    high: float


@dataclass(frozen=True)
class OperatorScore:
    """What became of one operator."""

    operator: str
    accounts: int
    named: int
    found: bool
    campaigns: list[str]  # those in which its accounts are the largest part
    detected_at: str | None = None
    calls_before_detection: int | None = None
    calls: int | None = None


@dataclass(frozen=True)
class Score:
    """How good findings are. Shares are over accounts."""

    accounts: int
    hidden: int
    named: int
    precision: Rate
    recall: Rate
    false_discovery: Rate
    claimed_false_discovery: float | None
    found: list[str]
    missed: list[str]
    split: list[str]  # operators with more than one campaign
    merged: list[str]  # campaigns that hold more than one operator
    false_positives: dict[str, Rate]  # population -> its accounts named, of all its accounts; only where any was named
    pools: dict[str, dict[str, int]]  # why a pool is no campaign -> population -> accounts
    operators: list[OperatorScore]
    unknown: list[str] = field(default_factory=list)  # named accounts that the truth does not know; they count as wrong

    def to_json(self) -> dict[str, Any]:
        """Return the score as JSON values."""
        return asdict(self)


def rate(hits: int, total: int, confidence: float = 0.95) -> Rate:
    """Estimate a binomial proportion with its Clopper-Pearson interval; [0, 1] for a total of 0.

    Raises ValueError unless 0 <= hits <= total.
    """
    if not 0 <= hits <= total:
        raise ValueError(f"{hits} of {total} is not a share")
    if total == 0:
        return Rate(0, 0, None, 0.0, 1.0)
    tail = (1.0 - confidence) / 2.0
    low = float(beta.ppf(tail, hits, total - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1.0 - tail, hits + 1, total - hits)) if hits < total else 1.0
    return Rate(hits, total, hits / total, low, high)


def score(findings: Findings | Sequence[tuple[dt.datetime, Findings]], truth: Truth, interactions: pa.Table | None = None) -> Score:
    """Score findings against `truth`.

    A sequence of (as_of, findings) from scans with `--as-of` gives, beside the score of the latest, for each operator the
    first scan that found it and the calls that it had made by then; those need `interactions` with the columns
    account_id and started_at. Raises InputError for findings that are not findings.
    """
    history = [] if isinstance(findings, Mapping) else sorted(findings, key=lambda entry: entry[0])
    if not isinstance(findings, Mapping) and not history:
        raise InputError("there are no findings to score; give one findings.json or more")
    latest: Findings = findings if isinstance(findings, Mapping) else history[-1][1]
    campaigns = _campaigns(latest)
    named = {account for accounts in campaigns.values() for account in accounts}
    right = {account for account in named if account in truth.operator}
    sizes = Counter(truth.operator.values())
    caught = Counter(truth.operator[account] for account in right)
    innocents = Counter(population for account, population in truth.population.items() if account not in truth.operator)
    wrong = Counter(truth.population[account] for account in named - right if account in truth.population)
    homes, merged = _attribute(campaigns, truth)
    found = {operator for operator, size in sizes.items() if caught[operator] >= ENOUGH * size}
    first = _first_found(history, truth, sizes)
    taken = _calls(interactions, truth, first)
    totals: Counter[str] = Counter()
    for account, operator in truth.operator.items():
        totals[operator] += truth.calls.get(account, 0)
    operators = [
        OperatorScore(
            operator=operator,
            accounts=sizes[operator],
            named=caught[operator],
            found=operator in found,
            campaigns=homes[operator],
            detected_at=first[operator].isoformat() if operator in first else None,
            calls_before_detection=taken.get(operator),
            calls=totals[operator] if truth.calls else None,
        )
        for operator in sorted(sizes)
    ]
    claimed = latest.get("false_discovery_rate")
    return Score(
        accounts=len(truth.population),
        hidden=len(truth.operator),
        named=len(named),
        precision=rate(len(right), len(named)),
        recall=rate(len(right), len(truth.operator)),
        false_discovery=rate(len(named) - len(right), len(named)),
        claimed_false_discovery=None if claimed is None else float(claimed),
        found=sorted(found),
        missed=sorted(set(sizes) - found),
        split=sorted(operator for operator, where in homes.items() if len(where) > 1),
        merged=merged,
        false_positives={population: rate(count, innocents[population]) for population, count in sorted(wrong.items())},
        pools=_pools(latest, truth),
        operators=operators,
        unknown=sorted(named - truth.population.keys()),
    )


def _campaigns(findings: Findings) -> dict[str, set[str]]:
    """Campaign -> accounts named in it."""
    try:
        return {
            str(campaign["campaign_id"]): {str(member["account_id"]) for member in campaign["accounts"]}
            for campaign in findings["campaigns"]
        }
    except (KeyError, TypeError) as error:
        raise InputError(f"these are not findings (no usable {error}); give the findings.json that `scan --output` wrote") from error


def _pools(findings: Findings, truth: Truth) -> dict[str, dict[str, int]]:
    """Reason -> population -> accounts, over the pools that are no campaigns."""
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for pool in findings.get("pools", []):
        for account in pool.get("accounts", []):
            reasons[str(pool.get("why_not_a_campaign", "no reason given"))][truth.population.get(account, "unknown")] += 1
    return {reason: dict(populations.most_common()) for reason, populations in sorted(reasons.items())}


def _attribute(campaigns: Mapping[str, set[str]], truth: Truth) -> tuple[defaultdict[str, list[str]], list[str]]:
    """Operator -> campaigns in which its accounts are the largest part; and campaigns with a part of several operators."""
    homes: defaultdict[str, list[str]] = defaultdict(list)
    merged = []
    for campaign, accounts in sorted(campaigns.items()):
        parts = Counter(truth.operator[account] for account in accounts if account in truth.operator)
        if parts:
            homes[min(parts, key=lambda operator: (-parts[operator], operator))].append(campaign)
        if sum(count >= _PART * len(accounts) for count in parts.values()) > 1:
            merged.append(campaign)
    return homes, merged


def _first_found(history: Sequence[tuple[dt.datetime, Findings]], truth: Truth, sizes: Counter[str]) -> dict[str, dt.datetime]:
    """Operator -> time of the first scan that named at least `ENOUGH` of its accounts."""
    first: dict[str, dt.datetime] = {}
    for as_of, findings in history:
        named = {account for accounts in _campaigns(findings).values() for account in accounts}
        caught = Counter(truth.operator[account] for account in named if account in truth.operator)
        for operator, count in caught.items():
            if operator not in first and count >= ENOUGH * sizes[operator]:
                first[operator] = as_of
    return first


def _calls(interactions: pa.Table | None, truth: Truth, first: Mapping[str, dt.datetime]) -> dict[str, int]:
    """Operator -> its calls that started before it was found; all of them for one that never was."""
    if interactions is None or not first:
        return {}
    taken = {}
    for operator in sorted(set(truth.operator.values())):
        accounts = pa.array([account for account, owner in truth.operator.items() if owner == operator])
        mine = interactions.filter(pc.is_in(interactions["account_id"], value_set=accounts))
        if operator in first:
            moment = first[operator] if first[operator].tzinfo else first[operator].replace(tzinfo=dt.UTC)
            mine = mine.filter(pc.less(mine["started_at"].cast(TIMESTAMP), pa.scalar(moment, TIMESTAMP)))
        taken[operator] = mine.num_rows
    return taken


def _percent(value: Rate) -> str:
    if value.value is None:
        return "nothing to count"
    return f"{100 * value.value:.2f} % ({value.hits:,} of {value.total:,}; 95 % interval {100 * value.low:.2f} to {100 * value.high:.2f} %)"


def tables(result: Score) -> Group:
    """Lay a score out for people."""
    overall = Table(title="Score", show_header=False, title_justify="left")
    for label, text in (
        ("accounts named", f"{result.named:,} of {result.accounts:,} ({result.hidden:,} hidden)"),
        ("precision", _percent(result.precision)),
        ("recall", _percent(result.recall)),
        ("false discoveries", _percent(result.false_discovery)),
        ("... claimed", "-" if result.claimed_false_discovery is None else f"at most {100 * result.claimed_false_discovery:g} %"),
        ("operators found", f"{len(result.found)} of {len(result.found) + len(result.missed)}"),
        ("split", ", ".join(result.split) or "none"),
        ("merged campaigns", ", ".join(result.merged) or "none"),
        ("not in the truth", f"{len(result.unknown):,} named accounts" if result.unknown else "none"),
    ):
        overall.add_row(label, text)
    parts: list[Table] = [overall]
    if result.operators:
        owners = Table("operator", "accounts", "named", "campaigns", "detected", "calls before", title="Operators", title_justify="left")
        for entry in result.operators:
            before = "-" if entry.calls_before_detection is None else f"{entry.calls_before_detection:,}"
            owners.add_row(
                entry.operator, f"{entry.accounts:,}", f"{entry.named:,}", str(len(entry.campaigns)), entry.detected_at or "-", before
            )
        parts.append(owners)
    if result.false_positives:
        innocents = Table("population", "named wrongly", title="Innocents named", title_justify="left")
        for population, share in result.false_positives.items():
            innocents.add_row(population, _percent(share))
        parts.append(innocents)
    if result.pools:
        pools = Table("why not a campaign", "population", "accounts", title="Pools left alone", title_justify="left")
        for reason, populations in result.pools.items():
            for population, count in populations.items():
                pools.add_row(reason, population, f"{count:,}")
        parts.append(pools)
    return Group(*parts)


def show(result: Score, console: Console) -> None:
    """Print a score."""
    console.print(tables(result))
