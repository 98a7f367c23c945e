"""One scan: from a lake to findings."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import numpy as np

from stillhunt import __version__
from stillhunt.campaigns import content
from stillhunt.campaigns.activity import activity
from stillhunt.campaigns.declared import Declared, declarations, declared_pools
from stillhunt.campaigns.explain import instructions, shared, what_they_harvest, what_they_share
from stillhunt.campaigns.harvest import Traits, traits
from stillhunt.campaigns.identity import campaign_id, pool_id
from stillhunt.campaigns.judging import Judged, Settings, judge_harvests, judge_pool
from stillhunt.campaigns.naming import e_bh, log10_price, spent, surely
from stillhunt.campaigns.queue import MOST_CALLS
from stillhunt.campaigns.recognised import recognise
from stillhunt.campaigns.strata import strata
from stillhunt.campaigns.verdicts import Ruling, ruling, would_decide
from stillhunt.campaigns.view import Sight, open_view, sources
from stillhunt.channels import Channel, Observed, channels, observe, table_of
from stillhunt.channels.digest import Digest
from stillhunt.channels.threads import in_threads
from stillhunt.lake import Lake, packs
from stillhunt.lake.engines import open_engine
from stillhunt.pools.find import find
from stillhunt.pools.population import Index, survey
from stillhunt.records import Campaign, Evidence, Findings, Likeness, Member, Pool, Scanned, Visibility

WHOLE = 0.3
"""An organization with this share of all accounts may be a default that says nothing."""

DAY_US = 86_400_000_000
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)

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
    tell("reading calls", 0.0)
    with ExitStack() as opened:
        engine = opened.enter_context(open_engine(settings.engine)) if settings.engine else None
        sight = open_view(pinned, as_of, settings.network_kind, lambda share: tell("reading calls", 0.6 * share), engine)
    digest = sight.digest
    wanted = channels()
    tell("observing", 0.6)
    observed, seen = observe(digest, wanted)
    tell("surveying the population", 0.65)
    declared = declarations(digest.people, sight.granted, settings.ignored_organizations)
    population = survey(observed, wanted, declared.owners, digest.accounts, strata(digest.calls, observed))
    own = traits(digest, population, observed)
    digest.remember()
    digest.put_aside()
    found = find(population, lambda share: tell("weighing evidence", 0.7 + 0.2 * share))
    tell("judging pools", 0.9)
    price = log10_price(found.candidates, settings.false_discovery_rate * spent(sight.first, sight.last))
    alone = population.undeclared()
    judged: list[Judged] = []
    for one, pools in ((population, found.pools), (alone, declared_pools(alone, declared, found))):
        calls = digest.latest([pool.members for pool in pools], MOST_CALLS)
        asked = in_threads(lambda both: judge_pool(one, *both, own, declared), zip(pools, calls, strict=True))  # noqa: B023
        judge_harvests(digest, asked, own, price)
        judged += asked
    tell("writing findings", 0.95)
    if as_of is None:
        shown = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(one.members for one in judged)]))
        lake.write_observations(table_of(observed, digest, shown), scanned=snapshot)
    phrases = {int(row["gram"]): row["words"] for row in pinned.table("phrases").to_arrow().to_pylist()}
    told = _report(sight, declared, judged, own, found.candidates, settings, seen, snapshot, as_of, {c.name: c for c in wanted}, phrases)
    return _with_packs(told, sight, observed, declared, settings)


def _with_packs(told: Findings, sight: Sight, observed: list[Observed], declared: Declared, settings: Settings) -> Findings:
    """The findings, with what was seen of campaigns that others told of."""
    if not settings.packs:
        return told
    grams = next((one for one in observed if one.aspect == "template.gram"), None)
    named = {member.account_id: campaign.campaign_id for campaign in told.campaigns for member in campaign.accounts}
    found = recognise(sight.digest, grams, declared, named, packs.decode(settings.packs), sight.last)
    return told.model_copy(update={"recognised": found})


def _silent(stage: str, share: float) -> None:
    """Progress that nobody watches."""


def _report(
    sight: Sight,
    declared: Declared,
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
    level = alpha * spent(sight.first, sight.last)
    price = log10_price(candidates, level)
    standing = e_bh([one.control for one in judged], candidates, level)
    ruled = [(one, ruling(one, settings, price, stands=stands)) for one, stands in zip(judged, standing, strict=True)]
    taken: set[int] = set()
    campaigns: list[Campaign] = []
    others: list[tuple[Judged, Ruling]] = []
    for one, ruled_out in sorted(ruled, key=lambda pair: (pair[1] is not None, -len(pair[0].members))):
        said = ruled_out or _UNSURE
        if ruled_out is None:
            fresh = np.array([at not in taken for at in one.members])
            chosen = surely(np.where(fresh, one.pool.membership, 0.0), alpha)
            if len(chosen) >= settings.least_accounts:
                taken.update(int(at) for at in one.members[chosen])
                campaigns.append(_campaign(sight.digest, one, chosen, by_name, phrases))
                continue
            if not fresh.all():
                said = Ruling("its accounts are part of a campaign that is named already", "part of a campaign")
        others.append((one, said))
    # only what cannot be judged asks which gateways the calls came through: it reads a column of all calls
    gateways = sources(sight.calls) if any(said.unseen for _, said in others) else set()
    pools = [_pool(one, said, gateways, by_name) for one, said in others]
    return Findings(
        stillhunt=__version__,
        lake_snapshot=snapshot,
        scanned=Scanned.model_validate(
            {
                "interactions": sight.digest.interactions,
                "accounts": len(sight.digest.accounts),
                "from": _iso(sight.first),
                "to": _iso(sight.last),
            }
        ),
        visibility=seen,
        false_discovery_rate=alpha,
        campaigns=campaigns,
        pools=pools,
        as_of=_iso(as_of) if as_of else None,
        notes=_notes(seen, own, declared, len(sight.digest.accounts)),
    )


def _campaign(digest: Digest, one: Judged, chosen: Index, by_name: dict[str, Channel], phrases: dict[int, str]) -> Campaign:
    members = one.members[chosen]
    names = [one.population.accounts[at] for at in members]
    positions, times, _ = digest.times_of(members)
    days, calls = np.unique(times // DAY_US, return_counts=True)
    span_hours, by_span = activity(positions, times, members)
    observations = shared(one.population, one.pool, by_name)
    common = what_they_share(one.population, one.pool, by_name)
    accounts = [
        Member(
            account_id=name,
            membership=round(float(one.pool.membership[at]), 6),
            observations=observations[int(one.members[at])],
            calls=int(digest.calls[place]),
            first_seen=_moment(digest.first[place]),
            last_seen=_moment(digest.last[place]),
            calls_by_span=row.tolist(),
        )
        for name, at, place, row in zip(names, chosen, members, by_span, strict=True)
    ]
    accounts.sort(key=lambda member: (-member.membership, member.account_id))
    likeness = _likeness(digest, one.members)
    alike = [f"Beside words, their requests have in common: {'; '.join(likeness.habits)}."] if likeness and likeness.habits else []
    return Campaign(
        campaign_id=campaign_id(names),
        first_seen=_moment(digest.first[members].min()),
        last_seen=_moment(digest.last[members].max()),
        calls=int(digest.calls[members].sum()),
        output_tokens=int(digest.tokens[members].sum()),
        coordination=_evidence(one.coordination),
        concealment=_evidence(one.concealment),
        harvest=Evidence(log10_evidence=round(one.harvest.log10_evidence, 3)),
        accounts=accounts,
        explanations=[*common[:MOST_TELLING], what_they_harvest(one.harvest), *alike, *_granted(one), *common[MOST_TELLING:]],
        instructions=instructions(one.pool.grown.grams, phrases),
        content=likeness,
        calls_by_day={str(np.datetime64(int(day), "D")): int(many) for day, many in zip(days, calls, strict=True)},
        span_hours=span_hours,
    )


def _likeness(digest: Digest, members: Index) -> Likeness | None:
    found = content.ask(digest, members)
    if not found.units:
        return None
    habits = [f"{habit.words}: {habit.votes:.0f} of {found.units}, {habit.expected:.0f} expected" for habit in found.habits]
    return Likeness(p=round(found.p, 6), accounts=found.units, calls=found.calls, habits=habits)


def _granted(one: Judged) -> list[str]:
    return [f"Granted as a visible cause and not counted as concealment ({', '.join(sorted(c.explains))}): {c.words}" for c in one.causes]


_UNSURE = Ruling("no account belongs to it surely enough, and so it could not be judged", "not judged")


def _pool(one: Judged, said: Ruling, gateways: set[str], by_name: dict[str, Channel]) -> Pool:
    names = sorted(one.population.accounts[at] for at in one.members)
    more = ["More calls of these accounts: scan again when there are some."] if said is _UNSURE else []
    return Pool(
        pool_id=pool_id(names),
        accounts=names,
        why_not_a_campaign=said.why,
        verdict=said.verdict,
        not_visible=list(said.unseen),
        would_decide=would_decide(said.unseen, gateways) or more,
        coordination=_evidence(one.coordination),
        concealment=_evidence(one.concealment),
        harvest=Evidence(log10_evidence=round(one.harvest.log10_evidence, 3)),
        explanations=[*what_they_share(one.population, one.pool, by_name), what_they_harvest(one.harvest)],
    )


def _evidence(parts: dict[str, float]) -> Evidence:
    rounded = {name: round(value, 3) for name, value in sorted(parts.items(), key=lambda item: -item[1])}
    return Evidence(log10_evidence=round(sum(rounded.values()), 3), parts=rounded)


def _notes(seen: list[Visibility], own: Traits, declared: Declared, accounts: int) -> list[str]:
    blind = [one for one in seen if not one.visible]
    notes = [f"{one.channel}: {one.reason}." for one in blind]
    if any(one.channel in {"payment", "signup", "email"} for one in blind):
        notes.append(
            "Give the accounts table as well (canonical accounts as Parquet or JSON lines): sign-up and payment are the strongest links."
        )
    if not np.isfinite(own.fresh).any():
        notes.append("No content in these logs: turn on message logging at the gateway, or join a content log (`stillhunt join --help`).")
    organization, count = declared.largest()
    if count and count >= WHOLE * accounts:
        notes.append(
            f"{count:,} of {accounts:,} accounts declare the organization {organization!r} and are taken as one customer. "
            "If that is a default of your gateway, scan again with --ignore-organization."
        )
    return notes


def _moment(micros: int | np.int64) -> str:
    return _iso(_ZERO + timedelta(microseconds=int(micros)))


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
