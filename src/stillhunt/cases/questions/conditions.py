"""Under which conditions a clause is broken: one function each, which counts exactly and says what it counted.

In: `Facts` and a clause's parameters. Out: `Broken`. A condition whose columns are missing is *not visible*, which is not the same as not
broken. Nothing is estimated here: every figure can be recounted from the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import numpy as np

from stillhunt.cases.questions.clauses import WINDOWS
from stillhunt.cases.questions.facts import NEVER, Facts
from stillhunt.cases.questions.repeats import Index
from stillhunt.cases.questions.taken import coded, holding

_DAY = 86_400_000_000
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Broken:
    """How often a clause was broken.

    Attributes:
        unit: what is counted.
        accounts: numbers of the accounts that broke it, ascending.
        calls: one call for each instance, in order: where the unit is calls, the calls themselves; where it is spans, the call that went
        beyond the limit;
            where it is accounts, the account's first call (-1 if it has none).
        about: of each instance, a number that says more (calls in a span, end users of an account), or empty.
        what: what `about` is.
        seen: share of the calls (or accounts) of which the column was filled.
        missing: columns for want of which it could not be evaluated; then everything else is empty.
    """

    unit: str
    accounts: Index
    calls: Index
    about: Index
    what: str = ""
    seen: float = 1.0
    missing: tuple[str, ...] = ()

    @property
    def visible(self) -> bool:
        """Whether it could be evaluated."""
        return not self.missing

    @property
    def instances(self) -> int:
        """How often it was broken."""
        return int(self.calls.size)


def _unseen(*columns: str) -> Broken:
    return Broken("", _NONE, _NONE, _NONE, missing=columns)


def _of_calls(facts: Facts, calls: Index, seen: float) -> Broken:
    return Broken("calls", np.unique(facts.account[calls]), calls, _NONE, seen=seen)


def _of_accounts(facts: Facts, accounts: Index, seen: float, about: Index = _NONE, what: str = "") -> Broken:
    return Broken("accounts", accounts, facts.first[accounts], about, what, seen)


def harvest(facts: Facts, unless: tuple[str, ...]) -> Broken:
    """Answered calls that ask what no other call of the pool asks, alone or in an agent's session, while no entitlement runs."""
    taken = facts.harvested
    if taken is None:
        return _unseen("interactions.prompt_hash")
    calls = np.flatnonzero(taken)
    return _of_calls(facts, calls[~facts.permitted(unless, calls)], 1.0)


def instruction(facts: Facts, words: tuple[str, ...]) -> Broken:
    """Calls whose sketch holds a phrase of the k-anonymous dictionary in which one of `words` stands."""
    sketches = facts.column("sketch")
    if sketches.null_count == len(sketches):
        return _unseen("interactions.sketch")
    if not facts.phrases:
        return _unseen("phrases")
    grams = np.array(sorted(gram for gram, phrase in facts.phrases.items() if any(word in phrase for word in words)), np.int64)
    return _of_calls(facts, np.unique(holding(sketches, grams)[0]), 1.0 - sketches.null_count / len(sketches))


def calls_per_account(facts: Facts, most: int, per: str) -> Broken:
    """Spans in which one account made more than `most` calls; the call that went beyond, and how many there were."""
    span = facts.micros // WINDOWS[per]
    order = np.lexsort((np.arange(span.size), span, facts.account))
    starts, counts = _runs(facts.account[order], span[order])
    over = counts > most
    beyond, many = order[starts[over] + most], counts[over]
    by_time = np.argsort(beyond)
    return Broken(f"{per}s of an account", np.unique(facts.account[beyond]), beyond[by_time], many[by_time], f"calls in that {per}")


def pooled_calls(facts: Facts, most: int, per: str) -> Broken:
    """Spans in which all accounts together made more than `most` calls and none of them did by itself; the call that went beyond."""
    span = facts.micros // WINDOWS[per]
    starts, counts = _runs(span)
    order = np.lexsort((facts.account, span))
    each, calls = _runs(span[order], facts.account[order])
    largest = np.zeros(starts.size, np.int64)
    np.maximum.at(largest, np.searchsorted(span[starts], span[order][each]), calls)
    over = (counts > most) & (largest <= most)
    inside = np.repeat(over, counts)
    return Broken(
        f"{per}s of the pool", np.unique(facts.account[inside]), starts[over] + most, counts[over], f"the pool's calls in that {per}"
    )


def _runs(*columns: Index) -> tuple[Index, Index]:
    """Where runs of equal rows of sorted columns begin, and how long they are."""
    size = columns[0].size
    changed = np.ones(size, np.bool_)
    if size:
        changed[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    starts = np.flatnonzero(changed)
    return starts, np.diff(np.append(starts, size))


def country(facts: Facts, served: tuple[str, ...] | None, not_served: tuple[str, ...] | None) -> Broken:
    """Calls of accounts whose record names a country that is not served."""
    own = [str(one).upper() if one else None for one in facts.person("country")]
    known = np.array([one is not None for one in own], np.bool_)
    if not known.any():
        return _unseen("accounts.country")
    refused = np.array(
        [one is not None and (one not in served if served is not None else one in (not_served or ())) for one in own], np.bool_
    )
    return _of_calls(facts, np.flatnonzero(refused[facts.account]), _share(known[facts.account]))


def network(facts: Facts, not_served: tuple[str, ...]) -> Broken:
    """Calls from a prefix (/24, /48) that lies wholly within a network that is not served."""
    column: Any = facts.column("client_prefix")
    if column.null_count == len(column):
        return _unseen("interactions.client_prefix")
    encoded = column.combine_chunks().dictionary_encode()
    ranges = [ip_network(one) for one in not_served]
    inside = np.array([_within(str(one), ranges) for one in encoded.dictionary.to_pylist()] + [False], np.bool_)
    which = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    return _of_calls(facts, np.flatnonzero(inside[which]), 1.0 - column.null_count / len(column))


def _within(prefix: str, ranges: list[Any]) -> bool:
    try:
        own = ip_network(prefix, strict=False)
    except ValueError:
        return False
    return any(own.version == one.version and own.subnet_of(one) for one in ranges)


def email_domain(facts: Facts, refused: tuple[str, ...] | None, refused_file: tuple[str, ...] | None) -> Broken:
    """Accounts whose e-mail domain is one of those refused, or lies below one."""
    listed = frozenset(refused or refused_file or ())
    own = [str(one).casefold() if one else None for one in facts.person("email_domain")]
    known = [one is not None for one in own]
    if not any(known):
        return _unseen("accounts.email_domain")
    broken = [one is not None and any(part in listed for part in _above(one)) for one in own]
    return _of_accounts(facts, np.flatnonzero(broken), _share(np.array(known)))


def _above(domain: str) -> list[str]:
    parts = domain.split(".")
    return [".".join(parts[at:]) for at in range(len(parts))]


def verification(facts: Facts, accepted: tuple[str, ...] | None, refused: tuple[str, ...] | None) -> Broken:
    """Accounts whose verification is refused, or not among those accepted. An account without a record of it is not counted."""
    own = [str(one).casefold() if one else None for one in facts.person("verification")]
    known = [one is not None for one in own]
    if not any(known):
        return _unseen("accounts.verification")
    broken = [one is not None and (one not in accepted if accepted is not None else one in (refused or ())) for one in own]
    return _of_accounts(facts, np.flatnonzero(broken), _share(np.array(known)))


def shared_payment(facts: Facts, most: int) -> Broken:
    """Accounts of the pool whose means of payment pays for more than `most` of its accounts."""
    payers = coded(facts.people["payment_fingerprint"])
    if (payers < 0).all():
        return _unseen("accounts.payment_fingerprint")
    counts = np.where(payers >= 0, np.bincount(payers[payers >= 0])[np.maximum(payers, 0)], 0)
    broken = np.flatnonzero(counts > most)
    return _of_accounts(facts, broken, _share(payers >= 0), counts[broken], "accounts of the pool with this means of payment")


def accounts_per_entity(facts: Facts, most: int) -> Broken:
    """Accounts of the pool beyond the first `most`, by when they were created (first called, where that is not known)."""
    order = np.lexsort((np.arange(len(facts.names)), facts.began))
    return _of_accounts(facts, np.sort(order[most:]), 1.0)


def call_after_closure(facts: Facts, reasons: tuple[str, ...] | None) -> Broken:
    """Calls that an account made after it was closed."""
    if "accounts.closed_at" not in facts.material.sight.digest.filled:
        return _unseen("accounts.closed_at")
    closed = facts.closures(reasons)[facts.account]
    return _of_calls(facts, np.flatnonzero((closed != NEVER) & (facts.micros > closed)), 1.0)


def replacement(facts: Facts, days: int, reasons: tuple[str, ...] | None) -> Broken:
    """Accounts that began within `days` days after another account of the pool was closed."""
    if "accounts.closed_at" not in facts.material.sight.digest.filled:
        return _unseen("accounts.closed_at")
    closures = facts.closures(reasons)
    closed = np.sort(closures[closures != NEVER])
    if not closed.size:
        return _of_accounts(facts, _NONE, 1.0)
    before = np.searchsorted(closed, facts.began, side="left") - 1
    last = closed[np.maximum(before, 0)]
    broken = np.flatnonzero((before >= 0) & (facts.began - last <= days * _DAY))
    return _of_accounts(facts, broken, 1.0, (facts.began - last)[broken] // _DAY, "whole days after a closure")


def resale(facts: Facts, end_users: int, unless: tuple[str, ...]) -> Broken:
    """Accounts with more than `end_users` distinct end users, without an entitlement; the call of the first one too many."""
    column = facts.column("end_user_id")
    users = coded(column)
    if (users < 0).all():
        return _unseen("interactions.end_user_id")
    calls = np.flatnonzero(users >= 0)
    pairs = np.stack([facts.account[calls], users[calls]])
    _, first = np.unique(pairs, axis=1, return_index=True)
    calls = calls[np.sort(first)]
    calls = calls[~facts.permitted(unless, calls)]
    order = calls[np.argsort(facts.account[calls], kind="stable")]
    starts, counts = _runs(facts.account[order])
    over = counts > end_users
    beyond = order[starts[over] + end_users]
    seen = 1.0 - column.null_count / len(column)
    return Broken("accounts", facts.account[beyond], beyond, counts[over], "end users of this account", seen)


def _share(known: Any) -> float:
    return float(np.mean(known)) if len(known) else 0.0


_EVALUATED: Mapping[str, Callable[..., Broken]] = {
    "harvest": harvest,
    "instruction": instruction,
    "calls_per_account": calls_per_account,
    "pooled_calls": pooled_calls,
    "country": country,
    "network": network,
    "email_domain": email_domain,
    "verification": verification,
    "shared_payment": shared_payment,
    "accounts_per_entity": accounts_per_entity,
    "call_after_closure": call_after_closure,
    "replacement": replacement,
    "resale": resale,
}


def evaluate(facts: Facts, when: str, parameters: Mapping[str, Any]) -> Broken:
    """Evaluate one condition of `clauses.CONDITIONS` with its parameters."""
    return _EVALUATED[when](facts, **parameters)
