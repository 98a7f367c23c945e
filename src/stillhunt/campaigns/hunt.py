"""One scan: from a lake to findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from stillhunt import __version__
from stillhunt.campaigns.causes import PRODUCT, UNEXPLAINABLE, Cause, Declared, causes
from stillhunt.campaigns.declared import declarations, declared_pools
from stillhunt.campaigns.explain import instructions, shared, what_they_harvest, what_they_share
from stillhunt.campaigns.harvest import Harvest, Traits, judge, traits
from stillhunt.campaigns.identity import campaign_id, pool_id
from stillhunt.campaigns.naming import e_bh, surely
from stillhunt.campaigns.strata import strata
from stillhunt.campaigns.view import Sight, open_view
from stillhunt.channels import Channel, Family, channels, observe
from stillhunt.lake import Lake
from stillhunt.lake.engine import Engine
from stillhunt.lake.engines import open_engine
from stillhunt.pools.find import Pool as FoundPool
from stillhunt.pools.find import find
from stillhunt.pools.population import Index, Population, survey
from stillhunt.records import Campaign, Evidence, Findings, Member, Pool, Scanned, Visibility

LOG10_2 = float(np.log10(2.0))

WHOLE = 0.3
"""An organization with this share of all accounts may be a default that says nothing."""

MOST_TELLING = 8
"""So many of the things that a campaign shares are told before its traffic is; the rest comes after."""


@dataclass(frozen=True)
class Settings:
    """What a scan can be told.

    Attributes:
        false_discovery_rate: promised share of named accounts (and of named campaigns) that are none.
        least_accounts: entities that a campaign needs; smaller pools are listed as pools.
        harvest_log10: evidence that the harvest axis must reach.
        engine: which engine; see `stillhunt.lake.engines`.
        ignored_organizations: organizations that say nothing, such as a gateway's default.
        network_kind: tells the kind of network of a prefix, where the user named ranges.
    """

    false_discovery_rate: float = 0.001
    least_accounts: int = 8
    harvest_log10: float = 0.2
    engine: str = "duckdb"
    ignored_organizations: frozenset[str] = frozenset()
    network_kind: Callable[[str], str | None] | None = None


@dataclass
class _Judged:
    """A pool with everything that was asked about it, in the population that it was found in."""

    population: Population
    pool: FoundPool
    members: Index
    harvest: Harvest
    causes: list[Cause]
    declared: str | None
    coordination: dict[str, float] = field(default_factory=dict)
    concealment: dict[str, float] = field(default_factory=dict)
    why_not: str | None = None


def hunt(
    lake: Lake, *, as_of: datetime | None = None, settings: Settings | None = None, progress: Callable[[str, float], None] | None = None
) -> Findings:
    """Scan a lake.

    Args:
        lake: open lake; the snapshot it stands at is what is read and recorded.
        as_of: see nothing later than this; None sees everything.
        settings: see `Settings`.
        progress: called with the stage in words and how far it is, 0 to 1.

    Raises:
        InputError: there is nothing to scan.
    """
    settings = settings or Settings()
    tell = progress or _silent
    snapshot = lake.snapshot()
    engine = open_engine(settings.engine)
    try:
        tell("reading", 0.0)
        sight = open_view(engine, lake.at(snapshot), as_of, settings.network_kind)
        wanted = channels()
        tell("observing", 0.1)
        observations, seen = observe(engine, sight.view, wanted)
        if as_of is None:
            lake.write_observations(observations, scanned=snapshot)
        tell("surveying the population", 0.4)
        declared, layers = declarations(engine, settings.ignored_organizations), strata(observations)
        population = survey(observations, wanted, declared.organizations, sight.accounts, layers)
        own = traits(engine, population)
        found = find(population, lambda share: tell("weighing evidence", 0.5 + 0.4 * share))
        tell("judging pools", 0.9)
        judged = [_judge(engine, population, pool, own, declared) for pool in found.pools]
        alone = survey(observations, wanted, {}, sight.accounts, layers)
        alone.declared = population.declared
        judged += [_judge(engine, alone, pool, own, declared) for pool in declared_pools(alone, declared, found)]
        phrases = {int(row["gram"]): row["words"] for row in lake.at(snapshot).table("phrases").to_arrow().to_pylist()}
        return _report(
            engine, sight, population, judged, own, found.candidates, settings, seen, snapshot, as_of, {c.name: c for c in wanted}, phrases
        )
    finally:
        engine.close()


def _silent(stage: str, share: float) -> None:
    """Progress that nobody watches."""


def _judge(engine: Engine, population: Population, pool: FoundPool, own: Traits, declared: Declared) -> _Judged:
    members = pool.members
    judged = _Judged(population, pool, members, judge(engine, population, members, own), causes(population, members, own), None)
    explained: set[Family] = {family for cause in judged.causes for family in cause.explains}
    for family, bits in pool.seed.families.items():
        judged.coordination[family] = bits * LOG10_2
        if family not in explained and family != PRODUCT:
            judged.concealment[family] = bits * LOG10_2
    entitled = [declared.entitlements[population.accounts[at]] for at in members if population.accounts[at] in declared.entitlements]
    owners = [population.declared[at] for at in members]
    if len(entitled) >= 0.8 * len(members):
        scope, reference = max(set(entitled), key=entitled.count)
        judged.declared = f"entitlement on record: {scope}" + (f" ({reference})" if reference else "")
    elif owners and (top := max(sorted(set(owners)), key=owners.count)) and owners.count(top) >= 0.8 * len(owners):
        judged.declared = f"declared one organization ({top})"
    return judged


def _report(
    engine: Engine,
    sight: Sight,
    population: Population,
    judged: list[_Judged],
    own: Traits,
    candidates: int,
    settings: Settings,
    seen: list[Visibility],
    snapshot: str,
    as_of: datetime | None,
    by_name: dict[str, Channel],
    phrases: dict[int, str],
) -> Findings:
    alpha = settings.false_discovery_rate
    control = [sum(one.concealment.get(family, 0.0) for family in UNEXPLAINABLE) for one in judged]
    unexplained = [min(control[at], sum(one.concealment.values())) for at, one in enumerate(judged)]
    standing = e_bh(unexplained, candidates, alpha)
    for one, stands in zip(judged, standing, strict=True):
        one.why_not = _why_not(one, settings, stands)
    taken: set[int] = set()
    campaigns, pools = [], []
    for one in sorted(judged, key=lambda j: (j.why_not is not None, -len(j.members))):
        if one.why_not is None:
            fresh = np.array([at not in taken for at in one.members])
            chosen = surely(np.where(fresh, one.pool.membership, 0.0), alpha)
            if len(chosen) >= settings.least_accounts:
                taken.update(int(at) for at in one.members[chosen])
                campaigns.append(_campaign(engine, one, chosen, by_name, phrases))
                continue
            one.why_not = (
                "its accounts are part of a campaign that is named already" if not fresh.all() else "no account belongs to it surely enough"
            )
        pools.append(_pool(one, by_name))
    span = (sight.view.first, sight.view.last)
    return Findings(
        stillhunt=__version__,
        lake_snapshot=snapshot,
        scanned=Scanned.model_validate(
            {"interactions": sight.interactions, "accounts": len(sight.accounts), "from": _iso(span[0]), "to": _iso(span[1])}
        ),
        visibility=seen,
        false_discovery_rate=alpha,
        campaigns=campaigns,
        pools=pools,
        as_of=_iso(as_of) if as_of else None,
        notes=_notes(seen, own, population),
    )


def _why_not(one: _Judged, settings: Settings, stands: bool) -> str | None:
    """The reason why a pool is no campaign, in the order in which a person would want to know; None if it is one."""
    if one.declared:
        return one.declared
    if one.pool.grown.entities < settings.least_accounts:
        return f"only {one.pool.grown.entities} unrelated accounts: too few to tell an operator from acquaintances"
    if not stands:
        if one.causes:
            return "a visible cause explains it: " + "; ".join(cause.words for cause in one.causes)
        return "what they share is what people share who use one product or sit in one place: no pace, payment or work in common"
    if not one.harvest.visible:
        return "the logs carry no content, so whether it harvests cannot be judged: join a content log"
    if one.harvest.log10_evidence < settings.harvest_log10:
        plain = {
            "fresh": "requests repeat",
            "single": "requests belong to conversations",
            "instructed": "no fixed instruction recurs",
            "answered": "answers are short",
        }
        words = (
            ", ".join(plain[name] for name in one.harvest.ordinary) or f"{one.harvest.as_extreme:.0%} of comparable accounts look the same"
        )
        return f"its traffic is not a training set: {words}"
    return None


def _campaign(engine: Engine, one: _Judged, chosen: Index, by_name: dict[str, Channel], phrases: dict[int, str]) -> Campaign:
    members = one.members[chosen]
    names = [one.population.accounts[at] for at in members]
    engine.attach("named", pa.table({"account_id": names}))
    day = engine.dialect.day_utc("started_at")
    lives = {
        row["account_id"]: row
        for row in engine.fetch("""
            SELECT account_id, COUNT(*) AS calls, SUM(COALESCE(output_tokens, 0)) AS tokens,
                   MIN(started_at) AS first, MAX(started_at) AS last
            FROM calls WHERE account_id IN (SELECT account_id FROM named) GROUP BY account_id""").to_pylist()
    }
    days = engine.fetch(f"""
        SELECT {day} AS day, COUNT(*) AS calls FROM calls
        WHERE account_id IN (SELECT account_id FROM named) GROUP BY {day} ORDER BY day""").to_pylist()
    observations = shared(one.population, one.pool, by_name)
    common = what_they_share(one.population, one.pool, by_name)
    accounts = [
        Member(
            account_id=name,
            membership=round(float(one.pool.membership[at]), 6),
            observations=observations[int(one.members[at])],
            calls=lives[name]["calls"],
            first_seen=_iso(lives[name]["first"]),
            last_seen=_iso(lives[name]["last"]),
        )
        for name, at in zip(names, chosen, strict=True)
    ]
    accounts.sort(key=lambda member: (-member.membership, member.account_id))
    return Campaign(
        campaign_id=campaign_id(names),
        first_seen=min(member.first_seen or "" for member in accounts),
        last_seen=max(member.last_seen or "" for member in accounts),
        calls=sum(row["calls"] for row in lives.values()),
        output_tokens=int(sum(row["tokens"] for row in lives.values())),
        coordination=_evidence(one.coordination),
        concealment=_evidence(one.concealment),
        harvest=Evidence(log10_evidence=round(one.harvest.log10_evidence, 3)),
        accounts=accounts,
        explanations=[*common[:MOST_TELLING], what_they_harvest(one.harvest), *_granted(one), *common[MOST_TELLING:]],
        instructions=instructions(one.pool.grown.grams, phrases),
        calls_by_day={str(np.datetime64(int(row["day"]), "D")): row["calls"] for row in days},
    )


def _granted(one: _Judged) -> list[str]:
    return [f"Granted as a visible cause and not counted as concealment ({', '.join(sorted(c.explains))}): {c.words}" for c in one.causes]


def _pool(one: _Judged, by_name: dict[str, Channel]) -> Pool:
    names = sorted(one.population.accounts[at] for at in one.members)
    assert one.why_not is not None
    return Pool(
        pool_id=pool_id(names),
        accounts=names,
        why_not_a_campaign=one.why_not,
        coordination=_evidence(one.coordination),
        concealment=_evidence(one.concealment),
        harvest=Evidence(log10_evidence=round(one.harvest.log10_evidence, 3)),
        explanations=[*what_they_share(one.population, one.pool, by_name), what_they_harvest(one.harvest)],
    )


def _evidence(parts: dict[str, float]) -> Evidence:
    rounded = {name: round(value, 3) for name, value in sorted(parts.items(), key=lambda item: -item[1])}
    return Evidence(log10_evidence=round(sum(rounded.values()), 3), parts=rounded)


def _notes(seen: list[Visibility], own: Traits, population: Population) -> list[str]:
    blind = [one for one in seen if not one.visible]
    notes = [f"{one.channel}: {one.reason}." for one in blind]
    if any(one.channel in {"payment", "signup", "email"} for one in blind):
        notes.append(
            "Give the accounts table as well (canonical accounts as Parquet or JSON lines): sign-up and payment are the strongest links."
        )
    if not np.isfinite(own.fresh).any():
        notes.append("No content in these logs: turn on message logging at the gateway, or join a content log with `stillhunt join`.")
    declaring = Counter(owner for owner in population.declared if owner)
    organization, count = declaring.most_common(1)[0] if declaring else ("", 0)
    if count and count >= WHOLE * population.size:
        notes.append(
            f"{count:,} of {population.size:,} accounts declare the organization {organization!r} and are taken as one customer. "
            "If that is a default of your gateway, scan again with --ignore-organization."
        )
    return notes


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
