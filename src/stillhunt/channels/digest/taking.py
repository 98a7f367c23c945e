"""Taking digests: from tables of calls and accounts.

In: calls in the order in which they were taken in, account records. Out: `Digest`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.channels.digest import Digest
from stillhunt.channels.digest.chunks import CALLS, until
from stillhunt.channels.digest.state import State
from stillhunt.channels.threads import in_threads
from stillhunt.lake.commits import conform
from stillhunt.records import ACCOUNTS, TIMESTAMP

KindOf = Callable[[str], str | None]


def digest_of(
    calls: Iterable[pa.Table],
    accounts: pa.Table,
    *,
    as_of: datetime | None = None,
    kind_of: KindOf | None = None,
    state: State | None = None,
) -> Digest:
    """The digest of some calls.

    Args:
        calls: tables with the columns `chunks.COLUMNS`, in order.
        accounts: columns of `records.ACCOUNTS`.
        as_of: see nothing later: a call is in view if it had ended (or, where the end is not logged, begun) by then; an account's record
            if it existed; a closure if it had happened.
        kind_of: tells the kind of network ("hosting", "vpn" ...) of a prefix, where the user named ranges.
        state: what was folded before; it is changed.
    """
    state = state or State()
    state.fold(map(until(as_of), calls) if as_of is not None else calls)
    return digest_of_state(state, accounts, as_of=as_of, kind_of=kind_of)


def digest_of_state(state: State, accounts: pa.Table, *, as_of: datetime | None = None, kind_of: KindOf | None = None) -> Digest:
    """The digest that a state stands for, with what is known of its accounts; arguments as for `digest_of`."""
    ids = state.names.accounts.strings
    order = pc.sort_indices(ids)
    people = _people(ids.take(order), _organizations(state, order.to_numpy()), _as_known(accounts, as_of))
    networks = state.names.networks.strings.to_pylist()
    kinds = pa.array([(kind_of(str(network)) or "other") if kind_of else None for network in networks], pa.string())
    filled = {f"interactions.{name}" for name in state.names.filled}
    filled |= {f"accounts.{name}" for name in people.column_names if people[name].null_count < people.num_rows}
    if kinds.null_count < len(kinds):
        filled.add("interactions.network_kind")
    return Digest(state, order.to_numpy().astype(np.int64), people, frozenset(filled), kinds)


def in_memory(calls: pa.Table, accounts: pa.Table, **options: Any) -> Digest:
    """The digest of a table with some of the columns of `records.INTERACTIONS`; others are null."""
    return digest_of([conform(calls, CALLS, (), "")], accounts, **options)


def _as_known(accounts: pa.Table, as_of: datetime | None) -> pa.Table:
    """Accounts as they stood at a moment."""
    if as_of is None:
        return accounts
    moment = pa.scalar(as_of.astimezone(UTC), TIMESTAMP)
    created = accounts["created_at"]
    accounts = accounts.filter(_true(pc.or_kleene(pc.is_null(created), pc.less_equal(created, moment))))
    later = _true(pc.greater(accounts["closed_at"], moment))
    for name in ("closed_at", "closed_reason", "status"):
        kept = pc.if_else(later, pa.scalar(None, accounts[name].type), accounts[name])
        accounts = accounts.set_column(accounts.column_names.index(name), name, kept)
    return accounts


def _true(mask: Any) -> Any:
    """Where a mask is true and not null."""
    return pc.fill_null(mask, pa.scalar(value=False))


def _organizations(state: State, order: np.ndarray[Any, Any]) -> pa.Array[Any]:
    """The organization that each account's calls name, the first by name where there are several."""
    names = state.names.organizations.strings
    if not len(names):
        return pa.nulls(order.size, pa.string())
    rank = np.empty(len(names) + 1, np.int64)
    rank[pc.sort_indices(names).to_numpy()] = np.arange(len(names))
    rank[-1] = len(names)  # none
    both = state.rows["organization"][: state.accounts][order]
    chosen = np.where(rank[both[:, 0]] <= rank[both[:, 1]], both[:, 0], both[:, 1])
    return names.take(pa.array(chosen, pa.int32(), mask=chosen < 0))


def _people(ids: pa.Array[Any], organizations: pa.Array[Any], accounts: pa.Table) -> pa.Table:
    """Records of `ids`, one row each; null where nothing is known."""
    known = accounts["account_id"].combine_chunks()
    at = pc.index_in(ids, value_set=known) if len(known) else pa.nulls(len(ids), pa.int32())

    def taken(field: pa.Field[Any]) -> Any:
        if not len(known) or field.name not in accounts.column_names:
            return pa.nulls(len(ids), field.type)
        return accounts[field.name].combine_chunks().take(at)

    columns = dict(zip(ACCOUNTS.names, in_threads(taken, ACCOUNTS), strict=True))
    columns["account_id"] = ids
    columns["organization_id"] = pc.coalesce(columns["organization_id"], organizations)
    return pa.table(columns)
