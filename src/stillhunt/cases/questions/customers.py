"""Reseller or end user: what a typical member's calls look like beside the pool's common instruction.

A reseller's account carries other people's traffic: many end users, many purposes, conversations. An account that only works carries one
instruction. Figures, no test: an operator may sit behind a reseller, and then an account is both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.cases.material import Material

Index = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SAMPLED = 300
"""So many members are looked at call by call, drawn with a fixed seed."""

_COLUMNS = ("account_id", "end_user_id", "system_hash", "parameters_hash", "sketch", "user_turns")


@dataclass(frozen=True)
class Carried:
    """What members carry; medians over the members looked at, nan where the logs do not carry it.

    Attributes:
        accounts: members looked at.
        end_users: distinct end users an account.
        instructed: share of an account's calls in which the pool's instruction stands.
        purposes: what an account is used for beside it: effective number (inverse Simpson index) of pairs of system prompt and parameters.
        talks: share of the calls beside it that go on a conversation.
    """

    accounts: int
    end_users: float
    instructed: float
    purposes: float
    talks: float


def carried(material: Material, grams: Index, seed: int = 0) -> Carried:
    """Look at a sample of the members, call by call; `grams` are those of the pool's instructions (`sharing.common`)."""
    chosen = np.sort(np.random.default_rng(seed).permutation(material.members)[:SAMPLED])
    calls = replace(material, members=chosen).calls(_COLUMNS)
    who = calls["account_id"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    return of_calls(who, calls, grams)


def of_calls(who: Index, calls: pa.Table, grams: Index) -> Carried:
    """The figures for calls.

    Args:
        who: number of the account of each call, from 0 on.
        calls: with the columns end_user_id, system_hash, parameters_hash, sketch and user_turns.
        grams: numbers of the grams of the pool's instruction.
    """
    accounts = int(who.max(initial=-1)) + 1
    if not accounts:
        return Carried(0, np.nan, np.nan, np.nan, np.nan)
    every = np.bincount(who, minlength=accounts).astype(np.float64)
    inside = _has(calls["sketch"], grams)
    visible = inside is not None
    beside = ~inside if inside is not None else np.ones(who.size, np.bool_)
    instructed = 1.0 - np.bincount(who[beside], minlength=accounts) / every if visible else np.full(accounts, np.nan)
    pairs = _coded(calls["system_hash"]) * (2**31) + _coded(calls["parameters_hash"])
    known = _coded(calls["system_hash"]) + _coded(calls["parameters_hash"]) > 0
    filled: Any = pc.fill_null(calls["user_turns"].cast(pa.int64()), pa.scalar(-1, pa.int64()))
    turns = np.asarray(filled.to_numpy(), np.int64)
    of_talks = np.full(accounts, np.nan)
    seen = beside & (turns >= 0)
    count = np.bincount(who[seen], minlength=accounts)
    told = np.bincount(who[seen & (turns > 1)], minlength=accounts)
    of_talks[count > 0] = told[count > 0] / count[count > 0]
    users = _coded(calls["end_user_id"])
    return Carried(
        accounts,
        _median(_distinct(who[users > 0], users[users > 0], accounts)) if (users > 0).any() else np.nan,
        _median(instructed),
        _median(_effective(who[beside & known], pairs[beside & known], accounts)),
        _median(of_talks),
    )


def _has(column: pa.ChunkedArray[Any], grams: Index) -> npt.NDArray[np.bool_] | None:
    """Which calls have one of the grams; None where no call has a sketch or there are no grams."""
    sketches: Any = column.combine_chunks()
    flat = pc.list_flatten(sketches)
    if not grams.size or not len(flat):
        return None
    parent = np.asarray(pc.list_parent_indices(sketches).to_numpy(), np.int64)
    hit = np.isin(np.asarray(flat.to_numpy(zero_copy_only=False), np.int64), grams)
    return np.bincount(parent[hit], minlength=len(sketches)) > 0


def _coded(column: pa.ChunkedArray[Any]) -> Index:
    """Values as numbers from 1 on, 0 for null."""
    codes = column.combine_chunks().dictionary_encode().indices
    return np.asarray(codes.fill_null(-1).to_numpy(zero_copy_only=False), np.int64) + 1


def _distinct(who: Index, values: Index, accounts: int) -> Floats:
    width = int(values.max(initial=0)) + 1
    return np.bincount(np.unique(who * width + values) // width, minlength=accounts).astype(np.float64)


def _effective(who: Index, values: Index, accounts: int) -> Floats:
    """Inverse Simpson index of each account's values; nan where it has none."""
    numbers = np.unique(values, return_inverse=True)[1]
    width = int(numbers.max(initial=0)) + 1
    cells, counts = np.unique(who * width + numbers, return_counts=True)
    squares = np.bincount(cells // width, weights=counts.astype(np.float64) ** 2, minlength=accounts)
    whole = np.bincount(who, minlength=accounts).astype(np.float64)
    found = np.full(accounts, np.nan)
    found[whole > 0] = whole[whole > 0] ** 2 / squares[whole > 0]
    return found


def _median(values: Floats) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")
