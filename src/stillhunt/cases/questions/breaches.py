"""The fourth question: which of the provider's own rules did it break? Each breach with counted instances that can be shown and proved.

In: `Material` and a `Policy`. Out: `records.cases.Answer`. Counts are exact and can be recounted from the rows (`conditions`). What is
uncertain is not the count but what it rests on, and that makes the likelihood:

* a clause about one account's own calls or record was broken if the log is right: 0.99, or 0.95 where the column was filled for less than
  nine tenths;
* a clause about one customer with many accounts holds only as far as the accounts are one customer's: the mean membership of those that
  broke it;
* a clause against harvesting holds only as far as answers were taken to train a model, too: that times the probability of the third
  question.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from stillhunt.cases.material import Material
from stillhunt.cases.questions import purpose
from stillhunt.cases.questions.clauses import Clause, Policy
from stillhunt.cases.questions.conditions import Broken, evaluate
from stillhunt.cases.questions.facts import Facts
from stillhunt.cases.questions.likelihood import LEAST, MOST, hypothesis
from stillhunt.cases.questions.purposes import LIKELY
from stillhunt.cases.questions.repeats import Index
from stillhunt.cases.wording import count
from stillhunt.records.cases import Answer, Confidence, Credibility, Estimate, Hypothesis, Point

SHOWN = 10
"""Instances that are listed of each clause with their interaction ids."""

WHOLE = 0.9
"""A column that is filled for less than this share of calls or accounts leaves room for more breaches, and for a wrong reading."""

OF_THE_POOL = frozenset({"accounts_per_entity", "pooled_calls", "shared_payment", "replacement"})
"""Conditions that hold one customer's accounts against it."""

_RESTS = {
    "harvest": "the answers were taken to train a model, and the accounts are one customer's",
    **dict.fromkeys(OF_THE_POOL, "the accounts are one customer's"),
}
"""Condition -> what its instances rest on beside the log."""

REFUTES = {
    "harvest": "an agreement that permits it and is not on record; or an honest use of the answers that is shown",
    "instruction": "the words in the requests themselves, if they say something else than the phrases of the dictionary",
    "calls_per_account": "a higher limit that was agreed; clocks that differ between gateways",
    "pooled_calls": "that the accounts belong to customers who have nothing to do with one another",
    "country": "a record of the country that is wrong or out of date",
    "network": "a range of addresses that was assigned elsewhere at the time",
    "email_domain": "a domain that was listed wrongly",
    "verification": "a verification that is not in the record",
    "shared_payment": "a means of payment that strangers share for an innocent reason, such as a prepaid card's common number",
    "accounts_per_entity": "that the accounts belong to customers who have nothing to do with one another",
    "call_after_closure": "a closure that was lifted; clocks that differ between gateway and billing",
    "replacement": "that the new accounts belong to somebody else",
    "resale": "end-user ids that do not stand for people, such as one for each session",
}
"""Condition -> what would show that a clause was not broken."""


def answer(material: Material, policy: Policy, *, training: float | None = None, shown: int = SHOWN) -> Answer:
    """Answer the fourth question.

    Args:
        material: the campaign.
        policy: the provider's clauses.
        training: the probability that answers were taken to train a model, from the third question; None: that question is asked.
        shown: instances that are listed of each clause.
    """
    facts = Facts.of(material)
    found = [(clause, evaluate(facts, clause.when, clause.parameters)) for clause in policy.clauses]
    if training is None:
        harvests = any(clause.when == "harvest" and broken.instances for clause, broken in found)
        training = purpose.answer(material).estimates["training"].value if harvests else 0.0
    broke = [(clause, broken) for clause, broken in found if broken.instances]
    stands = {clause.id: _status(facts, clause, broken, training) for clause, broken in found}
    estimates = {
        f"{clause.id} instances": Estimate(value=broken.instances, unit=broken.unit, method="counted from the rows of the frozen snapshot")
        for clause, broken in broke
    }
    return Answer(
        question="breaches",
        title="Which rules and controls did it break?",
        summary=_summary(policy, found, stands),
        hypotheses=[_hypothesis(facts, clause, broken, training) for clause, broken in found if broken.visible],
        estimates=estimates,
        tables={
            "clauses": [_clause_row(facts, clause, broken, stands[clause.id]) for clause, broken in found],
            "instances": _instance_rows(facts, broke, shown),
        },
        notes=_notes(found, shown),
    )


def _status(facts: Facts, clause: Clause, broken: Broken, training: float) -> str:
    """What is said of a clause: broken, in doubt (there are instances, and what they rest on is not likely), not broken, not visible."""
    if not broken.visible:
        return "not visible"
    if not broken.instances:
        return "not broken"
    return "broken" if _probability(facts, clause, broken, training) >= LIKELY else "in doubt"


def _summary(policy: Policy, found: list[tuple[Clause, Broken]], stands: Mapping[str, str]) -> str:
    """How many clauses are what, and which; nothing is said of a status that no clause has."""
    said = [f"{policy.name}, version {policy.version}"]
    counted = [(status, sum(one == status for one in stands.values())) for status in ("broken", "in doubt", "not broken", "not visible")]
    said[0] += f": of {count(len(found), 'clause')} " + ", ".join(f"{many} {status}" for status, many in counted if many) + "."
    for status, words in (("broken", "Broken"), ("in doubt", "In doubt, because what they rest on is not likely")):
        named = [
            f"{clause.id} {clause.title} ({broken.instances:,} {broken.unit})" for clause, broken in found if stands[clause.id] == status
        ]
        if named:
            said.append(f"{words}: {'; '.join(named)}.")
    return " ".join(said)


def _probability(facts: Facts, clause: Clause, broken: Broken, training: float) -> float:
    if not broken.instances:
        return LEAST if broken.seen >= WHOLE else 0.2
    if clause.when in OF_THE_POOL:
        return _membership(facts, broken.accounts)
    if clause.when == "harvest":
        return _membership(facts, broken.accounts) * training
    return MOST if broken.seen >= WHOLE else 0.95


def _membership(facts: Facts, accounts: Index) -> float:
    """The mean probability of belonging to the operator, of some accounts."""
    by_name = {member.account_id: member.membership for member in facts.material.campaign.accounts}
    return float(np.mean([by_name.get(facts.names[at], 0.0) for at in accounts]))


def _hypothesis(facts: Facts, clause: Clause, broken: Broken, training: float) -> Hypothesis:
    counted = Point(text=_counted(facts, clause, broken), reference=f"table clauses, {clause.id}")
    sides = ([counted], []) if broken.instances else ([], [counted])
    rests = clause.when in OF_THE_POOL or clause.when == "harvest" or broken.seen < WHOLE
    said = {
        "broken": "this clause was broken.",
        "in doubt": f"was this clause broken? Only if {_RESTS.get(clause.when, 'the log is right')}.",
        "not broken": "was this clause broken? These logs show no instance.",
    }[_status(facts, clause, broken, training)]
    return hypothesis(
        clause.id,
        f"{clause.title}: {said}",
        _probability(facts, clause, broken, training),
        sides,
        founded=Confidence.MODERATE if rests else Confidence.HIGH,
        credible=Credibility.PROBABLY_TRUE,
        would_change=[REFUTES[clause.when] if broken.instances else "calls, accounts or values that these logs do not hold"],
    )


def _counted(facts: Facts, clause: Clause, broken: Broken) -> str:
    seen = f"; the columns that it needs are filled for {broken.seen:.0%}" if broken.seen < 1 else ""
    if not broken.instances:
        return f"No instance among {count(facts.micros.size, 'call')} of {count(len(facts.names), 'account')}{seen}"
    first, last = _span(facts, broken)
    when = f", the first on {first[:10]}, the last on {last[:10]}" if first and last else ""
    rests = "; it rests on the accounts being one customer's" if clause.when in OF_THE_POOL else ""
    return f"{broken.instances:,} {broken.unit}, by {count(broken.accounts.size, 'account')}{when}{seen}{rests}"


def _span(facts: Facts, broken: Broken) -> tuple[str | None, str | None]:
    called = facts.micros[broken.calls[broken.calls >= 0]]
    return (_moment(int(called.min())), _moment(int(called.max()))) if called.size else (None, None)


def _moment(micros: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).isoformat().replace("+00:00", "Z")


def _clause_row(facts: Facts, clause: Clause, broken: Broken, status: str) -> dict[str, Any]:
    first, last = _span(facts, broken) if broken.instances else (None, None)
    return {
        "clause": clause.id,
        "title": clause.title,
        "text": clause.text,
        "kind": clause.kind,
        "condition": clause.when,
        "status": status,
        "instances": broken.instances if broken.visible else None,
        "unit": broken.unit or None,
        "accounts": int(broken.accounts.size) if broken.visible else None,
        "first": first,
        "last": last,
        "seen": round(broken.seen, 4) if broken.visible else 0.0,
        "would_refute": REFUTES[clause.when] if broken.instances else None,
    }


def _instance_rows(facts: Facts, broke: list[tuple[Clause, Broken]], shown: int) -> list[dict[str, Any]]:
    """The earliest instance of each account, in order of time, then further ones: `shown` of each clause, with the ids of their calls."""
    ids: pa.ChunkedArray[Any] | None = None
    rows = []
    for clause, broken in broke:
        provable = np.flatnonzero(broken.calls >= 0)
        by_time = provable[np.argsort(broken.calls[provable], kind="stable")]
        _, first = np.unique(facts.account[broken.calls[by_time]], return_index=True)
        later = np.ones(by_time.size, np.bool_)
        later[first] = False
        chosen = by_time[np.lexsort((np.arange(by_time.size), later))][:shown]
        if chosen.size and ids is None:
            ids = facts.column("interaction_id")
        for at in chosen:
            call = int(broken.calls[at])
            about = f"{int(broken.about[at]):,} {broken.what}" if broken.about.size else ""
            rows.append(
                {
                    "clause": clause.id,
                    "interaction_id": ids[call].as_py() if ids is not None else None,
                    "account_id": facts.names[int(facts.account[call])],
                    "at": _moment(int(facts.micros[call])),
                    "about": about,
                }
            )
    return rows


def _notes(found: list[tuple[Clause, Broken]], shown: int) -> list[str]:
    notes = [
        f"{clause.id} {clause.title}: not visible, for want of {', '.join(broken.missing)}."
        for clause, broken in found
        if not broken.visible
    ]
    partly = [(clause, broken) for clause, broken in found if broken.visible and broken.seen < WHOLE]
    notes += [
        f"{clause.id}: its columns are filled for {broken.seen:.0%} only; there may be "
        + ("more instances." if broken.instances else "instances that were not seen.")
        for clause, broken in partly
    ]
    if any(broken.instances for _, broken in found):
        notes.append(f"Up to {shown} instances of each clause are listed; all are counted.")
    if any(broken.instances and broken.unit != "calls" for _, broken in found):
        notes.append("Where accounts or spans of time are counted, the id is of the account's first call or of the call beyond the limit.")
    notes.append("The clauses are quoted from the policy file as given; whether they bind anybody is for lawyers.")
    return notes
