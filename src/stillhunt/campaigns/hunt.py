"""One scan: from a lake to findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from stillhunt import __version__
from stillhunt.campaigns import content
from stillhunt.campaigns.declared import declarations, declared_pools
from stillhunt.campaigns.explain import instructions, shared, what_they_harvest, what_they_share
from stillhunt.campaigns.harvest import Traits, traits
from stillhunt.campaigns.identity import campaign_id, pool_id
from stillhunt.campaigns.judging import Judged, Settings, judge_harvests, judge_pool, why_not
from stillhunt.campaigns.naming import e_bh, log10_price, spent, surely
from stillhunt.campaigns.strata import strata
from stillhunt.campaigns.view import Sight, open_view
from stillhunt.channels import Channel, channels, observe
from stillhunt.lake import Lake
from stillhunt.lake.engine import Engine
from stillhunt.lake.engines import open_engine
from stillhunt.pools.find import find
from stillhunt.pools.population import Index, Population, survey
from stillhunt.records import Campaign, Evidence, Findings, Likeness, Member, Pool, Scanned, Visibility

WHOLE = 0.3
"""An organization with this share of all accounts may be a default that says nothing."""

MOST_TELLING = 8
"""So many of the things that a campaign shares are told before its traffic is; the rest comes after."""


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
    pinned = lake.at(snapshot)
    engine = open_engine(settings.engine)
    try:
        tell("reading", 0.0)
        sight = open_view(engine, pinned, as_of, settings.network_kind)
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
        judged = [judge_pool(engine, population, pool, own, declared) for pool in found.pools]
        price = log10_price(found.candidates, settings.false_discovery_rate * spent(sight.view.first, sight.view.last))
        judge_harvests(engine, judged, own, price)
        alone = survey(observations, wanted, {}, sight.accounts, layers)
        alone.declared = population.declared
        on_record = [judge_pool(engine, alone, pool, own, declared) for pool in declared_pools(alone, declared, found)]
        judge_harvests(engine, on_record, own, price)
        judged += on_record
        phrases = {int(row["gram"]): row["words"] for row in pinned.table("phrases").to_arrow().to_pylist()}
        return _report(
            engine, sight, population, judged, own, found.candidates, settings, seen, snapshot, as_of, {c.name: c for c in wanted}, phrases
        )
    finally:
        engine.close()


def _silent(stage: str, share: float) -> None:
    """Progress that nobody watches."""


def _report(
    engine: Engine,
    sight: Sight,
    population: Population,
    judged: list[Judged],
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
    level = alpha * spent(sight.view.first, sight.view.last)
    price = log10_price(candidates, level)
    standing = e_bh([one.control for one in judged], candidates, level)
    for one, stands in zip(judged, standing, strict=True):
        one.why_not = why_not(one, settings, price, stands=stands)
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


def _campaign(engine: Engine, one: Judged, chosen: Index, by_name: dict[str, Channel], phrases: dict[int, str]) -> Campaign:
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
    likeness = _likeness(engine, [one.population.accounts[at] for at in one.members], one.population.size)
    alike = [f"Beside words, their requests have in common: {'; '.join(likeness.habits)}."] if likeness and likeness.habits else []
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
        explanations=[*common[:MOST_TELLING], what_they_harvest(one.harvest), *alike, *_granted(one), *common[MOST_TELLING:]],
        instructions=instructions(one.pool.grown.grams, phrases),
        content=likeness,
        calls_by_day={str(np.datetime64(int(row["day"]), "D")): row["calls"] for row in days},
    )


def _likeness(engine: Engine, accounts: list[str], population: int) -> Likeness | None:
    found = content.ask(engine, accounts, population)
    if not found.units:
        return None
    habits = [f"{habit.words}: {habit.votes:.0f} of {found.units}, {habit.expected:.0f} expected" for habit in found.habits]
    return Likeness(p=round(found.p, 6), accounts=found.units, calls=found.calls, habits=habits)


def _granted(one: Judged) -> list[str]:
    return [f"Granted as a visible cause and not counted as concealment ({', '.join(sorted(c.explains))}): {c.words}" for c in one.causes]


def _pool(one: Judged, by_name: dict[str, Channel]) -> Pool:
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
