"""Who controlled the accounts? One operator or several, what is hidden still, a reseller's customers, replacements.

Four hypotheses exclude one another and share one unit of likelihood: **one operator**, **several operators**, **a reseller's customers**,
**unrelated people who share a cause**. Two more are parts of the first two, in whose service the operator is: **an internal team of one
customer** and **a contractor or data vendor**; what is left of the first two is an operator who works for itself. Traffic hardly tells
these three apart, so confidence in them is low by rule, and no name follows from any of it. Priors are even, because whoever opens a case
has a pool that a scan named, and that says nothing of which of these it is; all weights are in `controlled_evidence`, and the arithmetic
in `likelihood`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stillhunt.campaigns.known import Known
from stillhunt.cases.material import Material
from stillhunt.cases.questions import blocks, customers, likelihood, recapture, sharing
from stillhunt.cases.questions.controlled_evidence import (
    CONTRACTOR,
    HANDS,
    INTERNAL,
    ONE,
    RESOLD,
    ROLES,
    SEVERAL,
    UNRELATED,
    Records,
    evidence_of_blocks,
    evidence_of_control,
    evidence_of_customers,
    evidence_of_roles,
)
from stillhunt.cases.questions.replacement import HOUR_US, Replaced, replaced
from stillhunt.cases.wording import count
from stillhunt.records.cases import Answer, Confidence, Credibility, Estimate, Hypothesis

Index = npt.NDArray[np.int64]

DAY_US = 24 * HOUR_US
MOST_ROWS = 100
"""Rows that a table shows at most."""

MATTER = ("payment", "email", "signup", "handoff", "template")
"""Channels without which high confidence is not claimed: who pays, who they say they are, how they came, what they work on."""


NOT_ALONE = (
    "Likelihoods of one operator, several operators, a reseller's customers and unrelated people add up to one before rounding into words; "
    "an internal team and a contractor are parts of the first two."
)
ARITHMETIC = (
    "Priors are even; each family of evidence counts for at most 6 bits and at half weight; "
    "nothing is called likelier than 0.99 or less likely than 0.01."
)
NO_NAMES = "No name of a person or a company follows from traffic; names enter a case as exhibits."


@dataclass(frozen=True)
class Seen:
    """Everything that was looked at, in figures."""

    records: Records
    split: blocks.Blocks
    apart: float | None
    crossing: blocks.Crossing | None
    carried: customers.Carried
    handed: sharing.HandedOn
    replaced: Replaced


def answer(material: Material, known: Known | None = None) -> Answer:
    """The first question's answer.

    Args:
        material: the campaign with everything around it.
        known: what a watch knows of it, if there is one: generations that were told apart as they came.
    """
    seen = _seen(material)
    families = sum(value >= likelihood.TESTIFIES for value in material.campaign.concealment.parts.values())
    blind = any(one.channel in MATTER and not one.visible for one in material.findings.visibility)
    hands = [
        *evidence_of_control(material.campaign.concealment.parts),
        *evidence_of_blocks(seen.split, seen.crossing, seen.apart, blocks.tied(material.members.size, seen.handed.pairs)),
        *evidence_of_customers(seen.carried, seen.records),
    ]
    roles = evidence_of_roles(seen.records, material.campaign.concealment.parts)
    probability = likelihood.posterior(hands, HANDS)
    service = likelihood.posterior(roles, ROLES)
    controlled = probability[ONE] + probability[SEVERAL]
    founded = likelihood.confidence(families, int(material.members.size), blind=blind)
    credible = likelihood.credibility(families)
    found = [_of_hands(name, probability[name], hands, founded, credible) for name in HANDS]
    found += [_of_role(name, controlled * service[name], roles, credible) for name in (INTERNAL, CONTRACTOR)]
    estimates = _estimates(material, seen)
    return Answer(
        question="controlled",
        title="Who controlled the accounts?",
        summary=_summary(probability, seen, estimates),
        hypotheses=found,
        estimates=estimates,
        tables=_tables(material, seen, known),
        notes=_notes(material, seen, blind=blind),
    )


def _seen(material: Material) -> Seen:
    common = sharing.common(material)
    split = blocks.split(common.respects)
    handed = sharing.handed_on(material)
    digest, people = material.sight.digest, material.accounts()
    first, last = digest.first[material.members], digest.last[material.members]
    crossed = blocks.crossing(split.label, first, last, handed.pairs) if len(split.sizes) > 1 else None
    created, closed = sharing.micros(people["created_at"]), sharing.micros(people["closed_at"])
    span = digest.span
    return Seen(
        _records(material),
        split,
        _apart(split.label, common.respects) if len(split.sizes) > 1 else None,
        crossed,
        customers.carried(material, common.grams),
        handed,
        replaced(created, np.where(closed <= span.last, closed, 0), span.first, span.last),
    )


def _records(material: Material) -> Records:
    people, granted = material.accounts(), material.sight.granted
    names = set(material.names)
    organizations = [one for one in people["organization_id"].to_pylist() if one]
    most = max((organizations.count(one) for one in set(organizations)), default=0)
    declared = set(organizations)
    everybody = material.population_accounts()["organization_id"]
    scopes = sorted(
        {row["scope"] for row in granted.to_pylist() if row["account_id"] in names or (row["organization_id"] in declared and declared)}
    )
    return Records(
        accounts=len(names),
        organized=most,
        scopes=tuple(scopes),
        distinct={
            column: sharing.distinct(people[column])
            for column in ("email", "email_domain", "phone", "payment_fingerprint", "signup_ip", "country", "organization_id", "referral")
        },
        weekend=_weekend(material),
        declaring=bool(everybody.null_count < len(everybody)),
    )


def _weekend(material: Material) -> float:
    """Share of calls on Saturday and Sunday (UTC); nan for less than two weeks, in which it says nothing."""
    when = material.sight.digest.times_of(material.members)[1]
    if not when.size or int(when.max() - when.min()) < 14 * DAY_US:
        return float("nan")
    weekday = (when // DAY_US + 3) % 7  # 1970-01-01 was a Thursday
    return float((weekday >= 5).mean())


def _apart(label: Index, respects: Mapping[tuple[str, str], Index]) -> float:
    """Of members of blocks, the share that has nothing rare in common with a member of another block."""
    together = np.zeros(label.size, np.bool_)
    for column in respects.values():
        known = (column >= 0) & (label >= 0)
        width = int(label.max()) + 1
        values, counts = np.unique(np.unique(column[known] * width + label[known]) // width, return_counts=True)
        together[known] |= np.isin(column[known], values[counts > 1])
    return float((~together[label >= 0]).mean())


_STATEMENTS = {
    ONE: "One hand controls all or nearly all of the accounts.",
    SEVERAL: "Two hands or more control the accounts, each a block of its own.",
    RESOLD: "The accounts carry the traffic of a reseller's customers, who do not know one another.",
    UNRELATED: "The accounts belong to unrelated people, who share a cause: a product, an event, a school, a public list.",
    INTERNAL: "Whoever controls the accounts is a team of one customer, which works for that customer.",
    CONTRACTOR: "Whoever controls the accounts is a contractor or data vendor, who works for somebody else.",
}

_WOULD_CHANGE: dict[str, list[str]] = {
    ONE: [
        "blocks of accounts that have nothing rare in common and hand no requests to one another",
        "records of payers who are verified to be different people, with accounts of each in every block",
        "a dye test whose refused requests are not taken up elsewhere",
    ],
    SEVERAL: [
        "refused requests that go from one block to another as often as within",
        "one card, one sign-up machine or one instruction in several blocks",
    ],
    RESOLD: [
        "end-user ids in the logs, or the reseller's own records of who its customers are",
        "conversations and many purposes beside the common instruction; or their absence in all accounts",
    ],
    UNRELATED: [
        "a cause that was not on record: a product's release, a course, a referral scheme, with a list of who took part",
        "verified identities that are as different as the accounts claim to be",
    ],
    INTERNAL: [
        "a contract, an invoice or a verified domain that puts the accounts under one customer",
        "a statement of that customer",
    ],
    CONTRACTOR: [
        "contracts or invoices between the account holders and whoever pays them",
        "work for several unrelated principals, each with instructions of its own, over the same accounts",
    ],
}


def _of_hands(
    name: str, probability: float, evidence: Sequence[likelihood.Evidence], founded: Confidence, credible: Credibility
) -> Hypothesis:
    sides = likelihood.points(evidence, name, HANDS)
    return likelihood.hypothesis(
        name, _STATEMENTS[name], probability, sides, founded=founded, credible=credible, would_change=_WOULD_CHANGE[name]
    )


def _of_role(name: str, probability: float, evidence: Sequence[likelihood.Evidence], credible: Credibility) -> Hypothesis:
    """In whose service: of low confidence whatever the traffic looks like."""
    sides = likelihood.points(evidence, name, ROLES)
    return likelihood.hypothesis(
        name,
        _STATEMENTS[name],
        probability,
        sides,
        founded=Confidence.LOW,
        credible=credible if sides[0] or sides[1] else Credibility.CANNOT_BE_JUDGED,
        would_change=_WOULD_CHANGE[name],
    )


def _summary(probability: Mapping[str, float], seen: Seen, estimates: Mapping[str, Estimate]) -> str:
    best = max(HANDS, key=lambda name: probability[name])
    parts = [likelihood.told(_STATEMENTS[best], probability[best])]
    work = estimates.get("accounts_at_work")
    if work is not None:
        upto = f"at most {work.high:,.0f}" if work.high is not None else "no upper bound"
        parts.append(
            f"{count(seen.records.accounts, 'account is', 'accounts are')} named; by the requests that they hand on, {work.value:,.0f} "
            f"{'is' if round(work.value) == 1 else 'are'} at work "
            f"({work.level:.0%} interval: at least {work.low:,.0f}, {upto})."
        )
    if seen.replaced.p is not None and seen.replaced.p <= 0.01:
        opened = count(seen.replaced.after, "account was", "accounts were")
        parts.append(f"{opened} opened within two days after another was closed, more than by chance.")
    if best in (ONE, SEVERAL):
        parts.append("Whether they work for themselves, for one customer or for a third party, traffic hardly says.")
    return " ".join(parts)


def _estimates(material: Material, seen: Seen) -> dict[str, Estimate]:
    size = seen.records.accounts
    found: dict[str, Estimate | None] = {
        "accounts_at_work": recapture.handed(size, seen.handed.tied, seen.handed.members),
        "accounts_linked": recapture.chao(*sharing.linked_by(material), "families of channels that link an account"),
        "accounts_called": recapture.chao(
            material.sight.digest.days[material.members], 1 + _days(material), "days on which accounts called"
        ),
    }
    figures = {
        "end_users_per_account": (seen.carried.end_users, "distinct end users, median account"),
        "instructed": (seen.carried.instructed, "share of calls with the pool's instruction, median account"),
        "purposes_beside": (seen.carried.purposes, "effective number of purposes beside the instruction, median account"),
        "talks_beside": (seen.carried.talks, "share of other calls that go on a conversation, median account"),
    }
    for name, (value, unit) in figures.items():
        if np.isfinite(value):
            method = f"counted, of {seen.carried.accounts} members drawn with a fixed seed"
            found[name] = Estimate(value=round(value, 3), unit=unit, method=method)
    if seen.split.p is not None:
        found["block_test"] = Estimate(
            value=seen.split.p,
            unit="p",
            method=f"permutation test over {', '.join(seen.split.tested)}; null: what a member has in one family says nothing of another",
        )
    if seen.crossing is not None:
        found["handed_across_blocks"] = Estimate(
            value=seen.crossing.across,
            unit="requests",
            method=f"{seen.crossing.expected:.1f} of {seen.crossing.handed} expected if one queue fed all blocks; p of so few "
            f"{seen.crossing.p:.3f}",
        )
    if seen.replaced.p is not None:
        found["opened_after_closures"] = Estimate(
            value=seen.replaced.after,
            unit="accounts",
            method=f"within two days after a closure; {seen.replaced.expected:.1f} expected if sign-ups knew nothing of them, p "
            f"{seen.replaced.p:.3f}",
        )
    return {name: one for name, one in found.items() if one is not None}


def _days(material: Material) -> int:
    span = material.sight.digest.span
    return int(span.last // DAY_US - span.first // DAY_US)


def _tables(material: Material, seen: Seen, known: Known | None) -> dict[str, list[dict[str, Any]]]:
    digest, members = material.sight.digest, material.members
    calls = digest.calls[members]
    found: dict[str, list[dict[str, Any]]] = {
        "identities": [
            {"what": column, "known": filled, "distinct": values} for column, (values, filled) in seen.records.distinct.items() if filled
        ]
    }
    label = seen.split.label
    found["blocks"] = [
        {"block": one + 1, "accounts": size, "calls": int(calls[label == one].sum())}
        for one, size in enumerate(seen.split.sizes[:MOST_ROWS])
    ]
    at = {name: place for place, name in enumerate(digest.accounts)} if seen.handed.others else {}
    found["not_named_but_tied"] = [
        {"account_id": name, "handed_on_requests": times, "calls": int(digest.calls[at[name]])}
        for name, times in list(seen.handed.others.items())[:MOST_ROWS]
    ]
    people = material.accounts()
    by_day: dict[str, dict[str, int]] = {}
    for what in ("created_at", "closed_at"):
        when = sharing.micros(people[what])
        days, counts = np.unique(when[when > 0] // DAY_US, return_counts=True)
        for day, many in zip(days.tolist(), counts.tolist(), strict=True):
            by_day.setdefault(str(np.datetime64(day, "D")), {"created_at": 0, "closed_at": 0})[what] = many
    found["sign_ups_and_closures"] = [
        {"day": day, "opened": row["created_at"], "closed": row["closed_at"]} for day, row in sorted(by_day.items())[-MOST_ROWS:]
    ]
    if known is not None:
        found["generations"] = [
            {
                "generation": number,
                "accounts": len(known.of(number)),
                "closed": sum(one.closed for one in known.of(number)),
                "first_named": min((one.named_at for one in known.of(number)), default=""),
            }
            for number in range(1, known.generation + 1)
        ]
    return {name: rows for name, rows in found.items() if rows}


def _notes(material: Material, seen: Seen, *, blind: bool) -> list[str]:
    notes = [NOT_ALONE, ARITHMETIC, NO_NAMES]
    if blind:
        lost = [one.channel for one in material.findings.visibility if one.channel in MATTER and not one.visible]
        notes.append(f"Not visible, and it would matter: {', '.join(sorted(lost))}.")
    if not np.isfinite(seen.carried.end_users):
        notes.append("The logs carry no end-user ids: whether an account serves many people is seen only by how its traffic is mixed.")
    if seen.split.p is None:
        notes.append("The members differ in too few respects to ask whether they form blocks.")
    if seen.handed.tied < recapture.LEAST_TIED:
        notes.append(
            "Too few refused requests were handed on to say how many accounts are not named; only lower bounds are given, which do "
            "not see accounts "
            "that nothing links."
        )
    if seen.handed.others:
        notes.append(
            f"{count(len(seen.handed.others), 'account that is', 'accounts that are')} not named took over or gave requests of named ones: "
            "leads, and no more."
        )
    return notes


__all__ = ["CONTRACTOR", "INTERNAL", "ONE", "RESOLD", "SEVERAL", "UNRELATED", "answer"]
