"""Which interactions a bundle shows, where nobody says which: those that breaches count, then the strongest of each observation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

import pyarrow as pa

from stillhunt.records import Campaign
from stillhunt.records.cases import Answer

MOST = 50
"""Interactions in a bundle unless more are asked for: what a person can look through."""

COLUMNS = ("interaction_id", "account_id", "output_tokens")
"""What `chosen` must know of the calls."""

_OBSERVATIONS = 25


def chosen(campaign: Campaign, answers: Sequence[Answer], calls: pa.Table, most: int = MOST) -> list[str]:
    """Ids of the interactions to show: the same input gives the same ids, in the same order.

    First the instances that answers count, clause after clause in turn; then, of each of the campaign's observations in turn (the
    weightiest first), its members in order of the observation's bits, each with its longest answered call.

    Args:
        campaign: what was found.
        answers: of the case; rows of their tables with an `interaction_id` are instances.
        calls: the members' calls (`COLUMNS`), in the order of time.
        most: how many ids at most.
    """
    there = set(calls["interaction_id"].to_pylist())
    longest = _longest(calls)
    cited = (name for name in _in_turn(_instances(answers)) if name in there)
    strong = (longest[account] for account in _in_turn(_members(campaign)) if account in longest)
    found: dict[str, None] = {}
    for name in (*cited, *strong):
        if len(found) >= most:
            break
        found[name] = None
    return list(found)


def _instances(answers: Iterable[Answer]) -> list[list[str]]:
    listed: dict[str, list[str]] = {}
    for answer in answers:
        for table, rows in answer.tables.items():
            for row in rows:
                if isinstance(row.get("interaction_id"), str):
                    listed.setdefault(f"{answer.question} {table} {row.get('clause', '')}", []).append(row["interaction_id"])
    return list(listed.values())


def _members(campaign: Campaign) -> list[list[str]]:
    weighed: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for member in campaign.accounts:
        for one in member.observations:
            weighed.setdefault((one.channel, one.value), []).append((one.bits, member.account_id))
    order = sorted(weighed, key=lambda name: (-sum(bits for bits, _ in weighed[name]), name))[:_OBSERVATIONS]
    return [[account for _, account in sorted(weighed[name], key=lambda one: (-one[0], one[1]))] for name in order]


def _longest(calls: pa.Table) -> dict[str, str]:
    """Account -> its call with the most output tokens, the earliest of equals."""
    best: dict[str, tuple[int, str]] = {}
    for name, account, tokens in zip(*(calls[column].to_pylist() for column in COLUMNS), strict=True):
        if account not in best or (tokens or 0) > best[account][0]:
            best[account] = (tokens or 0, name)
    return {account: name for account, (_, name) in best.items()}


def _in_turn(lists: Iterable[Sequence[str]]) -> Iterator[str]:
    return (name for row in zip_longest(*lists) for name in row if name is not None)
